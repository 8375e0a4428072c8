"""Results as tables: the numbers of the arrays, a row for each coin, in any library."""

import importlib
import pickle
import re
import sys
from xml.etree import ElementTree

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from _references import load_set
from numpy.testing import assert_array_equal
from sklearn.utils import Bunch

from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    NonparametricBinomialMixture,
    ProductBinomialMixture,
)
from skcoin.inspection import (
    bivariate_residuals,
    bootstrap,
    classification_table,
    compare_n_components,
    confidence_intervals,
    goodness_of_fit,
    likelihood_ratio_test,
    optimality_gap,
    quantile_residuals,
    standard_errors,
    summary,
)
from skcoin.inspection._tables import tidy

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
RATS, _ = load_set("rat_tumours")
NAMES = ["north_%", "n1", "<b>south & co</b>", "n2"]
RNG = np.random.default_rng(0)
HEADS = RNG.binomial(12, RNG.choice([0.2, 0.8], size=(60, 1)), size=(60, 2))
SETS = pd.DataFrame(
    np.stack([HEADS, 12 - HEADS], axis=2).reshape(60, 4), columns=NAMES, index=range(100, 160)
)
ONE, TWO = (BinomialMixture(n).fit(RATS) for n in (1, 2))
VARYING = BetaBinomialMixture(2, dispersion_type="separate").fit(RATS)
CLASSES = ProductBinomialMixture(2, dispersion_type="tied").fit(SETS)
ANY = NonparametricBinomialMixture().fit(RATS)
DRAWN = {"n_boot": 3, "random_state": 0}
CALLS = {
    "errors": lambda **o: standard_errors(TWO, RATS, **o),
    "wald": lambda **o: confidence_intervals(TWO, RATS, **o),
    "profile": lambda **o: confidence_intervals(TWO, RATS, method="profile", **o),
    "percentiles": lambda **o: confidence_intervals(TWO, RATS, method="bootstrap", **DRAWN, **o),
    "bootstrap": lambda **o: bootstrap(TWO, RATS, **DRAWN, **o),
    "gap": lambda **o: optimality_gap(TWO, RATS, **o),
    "test": lambda **o: likelihood_ratio_test(
        BinomialMixture(1).fit(RATS), TWO, RATS, **DRAWN, **o
    ),
    "goodness": lambda **o: goodness_of_fit(TWO, RATS, **DRAWN, **o),
    "residuals": lambda **o: quantile_residuals(TWO, RATS, random_state=0, **o),
    "comparison": lambda **o: compare_n_components(
        RATS, 2, estimator=[BinomialMixture(), BetaBinomialMixture()], **o
    ),
    "classes": lambda **o: classification_table(TWO, RATS, **o),
    "pairs": lambda **o: bivariate_residuals(CLASSES, SETS, **DRAWN, **o),
    "summary": lambda as_frame: summary(TWO, RATS).to_frame(
        "pandas" if as_frame is True else as_frame
    ),
}
EACH = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@EACH
@pytest.mark.parametrize(
    ("library", "kind"),
    [("pandas", pd.DataFrame), ("polars", pl.DataFrame), (pl, pl.DataFrame), ("pyarrow", None)],
)
def test_every_library_holds_the_same(call, library, kind):
    expected = call(as_frame=True)
    assert type(expected) is pd.DataFrame
    frame = call(as_frame=library)
    assert isinstance(frame, kind or importlib.import_module("pyarrow").Table)
    columns = nw.from_native(frame, eager_only=True).to_dict(as_series=False)
    assert columns == expected.to_dict("list")


def test_one_row_for_each_coin():
    frame, errors = standard_errors(TWO, RATS, as_frame=True), standard_errors(TWO, RATS)
    assert list(frame) == ["coin", "theta", "theta_error", "weight", "weight_error"]
    assert frame["coin"].tolist() == [0, 1]
    assert_array_equal(frame["theta"], TWO.theta_)
    assert_array_equal(frame["theta_error"], errors.theta)
    assert_array_equal(frame["weight_error"], errors.weights)
    frame = confidence_intervals(VARYING, RATS, level=0.8, as_frame=True)
    intervals = confidence_intervals(VARYING, RATS, level=0.8)
    assert_array_equal(frame[["dispersion_low", "dispersion_high"]], intervals.dispersion)
    assert_array_equal(frame["dispersion"], VARYING.dispersion_)


def test_one_row_for_each_class_and_coin_by_the_names_of_columns():
    errors = standard_errors(CLASSES, SETS)
    frame = standard_errors(CLASSES, SETS, as_frame=True).set_index(["class", "coin"])
    assert len(frame) == 4
    for k in (0, 1):
        for j, name in enumerate(NAMES[::2]):
            row = frame.loc[k, name]
            assert row["theta"] == CLASSES.theta_[k, j]
            assert row["theta_error"] == errors.theta[k, j]
            assert row["dispersion_error"] == errors.dispersion[k]
            assert row["weight"] == CLASSES.weights_[k]
    X = SETS.to_numpy()
    unnamed = standard_errors(ProductBinomialMixture(2).fit(X), X, as_frame=True)
    assert unnamed["coin"].tolist() == ["0", "1", "0", "1"]


@pytest.mark.parametrize(("model", "X"), [(VARYING, RATS), (CLASSES, SETS)])
def test_the_summary_has_errors_and_intervals_side_by_side(model, X):
    frame = summary(model, X).to_frame()
    for function in (standard_errors, confidence_intervals):
        other = function(model, X, as_frame=True)
        pd.testing.assert_frame_equal(frame[list(other)], other)
    columns = {*frame} - {"coin", "class", "theta", "dispersion", "weight"}
    assert {name.rpartition("_")[2] for name in columns} == {"error", "low", "high"}


def test_of_a_bootstrap_every_coin_of_every_fit():
    for model, X in ((VARYING, RATS), (CLASSES, SETS)):
        fits, frame = bootstrap(model, X, **DRAWN), bootstrap(model, X, **DRAWN, as_frame=True)
        assert len(frame) == fits.theta.size
        assert_array_equal(frame["theta"], fits.theta.ravel())
        last = frame[frame["replicate"] == 2]
        assert (last["log_likelihood"] == fits.log_likelihood[2]).all()
        by_coin = last.groupby("class" if model is CLASSES else "coin")["weight"].first()
        assert_array_equal(by_coin, fits.weights[2])


def test_of_a_test_of_fit_all_rows_and_each_class_of_tosses():
    test = goodness_of_fit(TWO, RATS, **DRAWN)
    frame = goodness_of_fit(TWO, RATS, **DRAWN, as_frame=True)
    assert frame["value"][:3].tolist() == [test.pearson, test.deviance, test.dispersion_ratio]
    assert_array_equal(frame["p_value"][3:], test.class_p_value)
    assert_array_equal(frame[["fewest_tosses", "most_tosses"]][3:], test.class_tosses)
    tosses = RATS.sum(axis=1)
    assert frame.loc[0, ["fewest_tosses", "most_tosses", "rows"]].tolist() == [
        tosses.min(),
        tosses.max(),
        len(RATS),
    ]


def test_of_classes_and_pairs_a_row_for_each():
    table = classification_table(TWO, RATS)
    frame = classification_table(TWO, RATS, as_frame=True)
    assert_array_equal(frame[["average_posterior0", "average_posterior1"]], table.average_posterior)
    assert_array_equal(frame[["assignment0", "assignment1"]], table.assignment)
    pairs = bivariate_residuals(CLASSES, SETS, **DRAWN)
    [row] = bivariate_residuals(CLASSES, SETS, **DRAWN, as_frame=True).to_dict("records")
    assert [row.pop("coin"), row.pop("other")] == NAMES[::2]
    assert row == {name: pairs[name][0, 1] for name in ("residual", "chi2", "rows", "p_value")}


def test_residuals_stand_beside_their_rows():
    frame = quantile_residuals(CLASSES, SETS, place=0.5, as_frame=True)
    assert list(frame) == NAMES[::2]
    assert_array_equal(frame.index, SETS.index)
    assert_array_equal(frame, quantile_residuals(CLASSES, SETS, place=0.5))
    assert list(quantile_residuals(TWO, RATS, place=0.5, as_frame="polars")["residual"][:2])


def test_places_are_in_the_order_of_axes():
    axes = {"a": ["i", "j"], "b": range(3)}
    columns = tidy({"x": np.arange(6).reshape(2, 3), "y": [7, 8]}, axes)
    assert {name: column.tolist() for name, column in columns.items()} == {
        "a": ["i", "i", "i", "j", "j", "j"],
        "b": [0, 1, 2, 0, 1, 2],
        "x": [0, 1, 2, 3, 4, 5],
        "y": [7, 7, 7, 8, 8, 8],
    }


@pytest.mark.parametrize("wrong", ["plars", "duckdb", 3, None, [True]])
def test_an_unknown_library_is_refused_before_any_work(wrong):
    with pytest.raises(ValueError, match=r'^as_frame is .*"polars"'):
        bootstrap(None, None, as_frame=wrong)


@pytest.mark.parametrize(
    ("missing", "library", "words"),
    [
        ("pandas", True, "as_frame=True requires pandas"),
        ("pandas", "pandas", "as_frame=True requires pandas"),
        ("modin", "modin", "as_frame='modin' needs modin"),
        ("narwhals.stable.v2", "polars", r"skcoin\[frames\]"),
    ],
)
def test_a_missing_library_is_named(missing, library, words, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=words):
        standard_errors(TWO, RATS, as_frame=library)


@EACH
def test_without_a_frame_it_is_a_bunch_that_shows_a_line_for_each(call):
    if call in (CALLS["summary"], CALLS["residuals"]):
        return
    result = call()
    assert isinstance(result, Bunch)
    lines = str(result).splitlines()
    assert [line.split()[0] for line in lines] == list(result)
    again = pickle.loads(pickle.dumps(result))
    assert again.keys() == result.keys()
    root = ElementTree.fromstring(result._repr_html_())
    assert len(root.findall(".//tr")) == len(result)


def test_a_bootstrap_shows_four_lines_however_many_fits():
    fits = bootstrap(TWO, RATS, n_boot=100, random_state=0)
    lines = repr(fits).splitlines()
    assert len(lines) == 4
    assert lines[0].endswith(f"shape (100, 2): {fits.theta.min():.4g} to {fits.theta.max():.4g}")
    assert lines[-1].split()[-4:] == [str(fits.converged.sum()), "of", "100", "True"]


def cells_of(latex):
    """The cells of each tabular, as LaTeX sets them."""
    for body in re.findall(r"\\toprule\n(.*?)\n\\bottomrule", latex, re.DOTALL):
        rows = [line.removesuffix(r" \\") for line in body.splitlines() if line != r"\midrule"]
        yield [re.split(r"(?<!\\) ?& ", row) for row in rows]


@pytest.mark.parametrize(("model", "X"), [(VARYING, RATS), (CLASSES, SETS), (ANY, RATS)])
def test_latex_has_the_cells_of_the_text_and_escapes_them(model, X):
    shown = summary(model, X)
    latex = shown.to_latex()
    assert not re.search(r"(?<!\\)[%&#_$]", re.sub(r"(?m)^%.*$| & |\$\\pm\$", "", latex))
    columns = [len(columns) for columns in re.findall(r"\\begin\{tabular\}\{(\w+)\}", latex)]
    tables = list(cells_of(latex))
    assert [{len(row) for row in table} for table in tables] == [{n} for n in columns]
    plain = latex.replace(r"\_", "_").replace(r"\%", "%").replace(r"\&", "&")
    plain = plain.replace(r"\textless{}", "<").replace(r"\textgreater{}", ">")
    for cell in re.split(r"  +|\n", "\n".join(str(shown).split("\n\n")[1:3])):
        assert cell.strip().replace("±", r"$\pm$") in plain


def test_html_of_the_summary_escapes_names():
    root = ElementTree.fromstring(summary(CLASSES, SETS)._repr_html_())
    assert NAMES[2] in [cell.text for cell in root.findall(".//td")]
