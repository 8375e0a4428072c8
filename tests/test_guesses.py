"""What people try first gets the line that helps; what is meant as it stands hears no word."""

import warnings
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _assertions import assert_refuses
from _references import FIVE_SETS
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    NonparametricBinomialMixture,
    ThreeCoinModel,
    count_tosses,
    fit_groups,
    join_posterior,
)
from skcoin.inspection import compare_n_components, likelihood_ratio_test, summary

Z = FIVE_SETS["heads_tails"]
HEADS, TAILS = Z.T
FRAME = pd.DataFrame(Z, columns=["heads", "tails"])
MODEL = BinomialMixture().fit(Z)
COLUMNS = "two columns of one X", "np.column_stack([heads, tails])", 'layout="heads_tosses"'
ESTIMATORS = [
    BinomialMixture(),
    ThreeCoinModel(),
    NonparametricBinomialMixture(),
    BetaBinomialMixture(),
]
estimators = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
either = {"error": (TypeError, ValueError)}


# --- Heads and tails that are not two columns ---------------------------------------------------


@estimators
@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_predict"])
@pytest.mark.parametrize("vector", [np.array, list, pd.Series, pl.Series])
def test_two_vectors_are_pointed_to_two_columns(estimator, method, vector):
    words = *COLUMNS, "Expected 2D array, got 1D array", "Nothing is read from y"
    call = getattr(clone(estimator), method)
    assert_refuses(lambda: call(vector(HEADS), vector(HEADS + TAILS)), *words)
    assert_refuses(lambda: call(pd.DataFrame({"a": HEADS}), vector(TAILS)), *COLUMNS)


@pytest.mark.parametrize("n_rows", [2, 5])
@pytest.mark.parametrize("vector", [np.array, list, pd.Series])
@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses"])
def test_a_tuple_of_two_vectors_is_no_table_of_two_rows(n_rows, vector, layout):
    X = vector(HEADS[:n_rows]), vector(np.full(n_rows, 10))
    words = *COLUMNS, "tuple of two vectors", "np.array(X)"
    assert_refuses(lambda: BinomialMixture(layout=layout).fit(X), *words)
    assert_refuses(lambda: MODEL.predict(X), *words)


@pytest.mark.parametrize("n_columns", [1, 2, 4])
@pytest.mark.parametrize("table", [np.array, pd.DataFrame])
def test_tosses_given_as_y_are_pointed_to_two_columns(n_columns, table):
    heads = np.arange(4 * n_columns).reshape(4, n_columns)
    assert_refuses(lambda: BinomialMixture().fit(table(heads), table(heads + 3)), *COLUMNS)


@pytest.mark.parametrize("words", [("become columns by X.T",)])
@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses"])
def test_two_rows_of_many_columns_are_pointed_to_the_transpose(layout, words):
    X = np.array([HEADS, HEADS + TAILS])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error = (UserWarning, ValueError)
        assert_refuses(lambda: BinomialMixture(layout=layout).fit(X), *words, error=error)


def test_one_column_of_counts_is_pointed_to_two():
    for y in (None, np.zeros(5)):
        words = *COLUMNS, "n_features = 1", 'use layout="tosses"'
        assert_refuses(lambda y=y: BinomialMixture().fit(HEADS[:, None], y), *words)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (((5, 5), (9, 1)), None),
        ([[5, 5], [9, 1]], None),
        ([np.array([5, 5]), np.array([9, 1])], None),
        (Z, [0, 1, 0, 1, 0]),
        (Z, [[0, 1], [1, 0], [0, 0], [1, 1], [0, 1]]),
        (Z, Z),
        (Z, Z + 0.5),
        (Z, np.array([["a", "b"]] * 5)),
        (Z, (HEADS + TAILS)[:, None]),
        (np.ma.array(Z), None),
        (Z.tolist(), None),
        (Z.astype(object), None),
    ],
)
def test_what_is_meant_as_it_stands_is_read_without_a_word(X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theta = BinomialMixture(1).fit(X, y).theta_
    cells = np.asarray(X, dtype=float)
    np.testing.assert_allclose(theta, cells[:, 0].sum() / cells.sum())


def test_two_rows_of_single_tosses_may_be_a_tuple():
    model = BinomialMixture(1, layout="tosses").fit(
        (np.array([1, 0, 1, 1]), np.array([0, 0, 1, 0]))
    )
    np.testing.assert_allclose(model.theta_, 0.5)


# --- What is no array of numbers ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ({"heads": HEADS, "tails": TAILS}, ["is a dict", "pandas.DataFrame(X)"]),
        (lambda: zip(HEADS, TAILS, strict=True), ["is a zip", "list(X)"]),
        (lambda: (row for row in Z), ["is a generator", "list(X)"]),
        ([[1, 2], [3]], ["differ in length", 'layout="tosses"']),
        (None, ["scalar", "None", *COLUMNS]),
        (7, ["scalar", "7", *COLUMNS]),
        ("HHT", ["scalar", "HHT"]),
        (["HHT", "HTH"], ["'HHT'", 'row.count("H")']),
        (np.array(["HHT", "HTH"], dtype=object), ["'HHT'", 'row.count("H")']),
        ([["H", "T"], ["T", "T"]], ['layout="tosses"', "1 for heads and 0 for tails"]),
        ([["heads"], ["tails"]], ['layout="tosses"', "1 for heads and 0 for tails"]),
        (pd.DataFrame({"a": ["H", "T"]}), ["X[0, 0]", 'layout="tosses"', "1 for heads"]),
        ([["5", "5"]], ["strings such as '5'", "X.astype(float)"]),
        (FRAME.assign(chrom="chr1"), ["X[0, 2]", "'chr1'", "Leave out column 'chrom'"]),
        (FRAME.assign(chrom="chr1").to_numpy(), ["X[0, 2]", "'chr1'", "Leave out column 2"]),
        (pl.from_pandas(FRAME.assign(c="chr1")), ["X[0, 2]", "'chr1'", "Leave out column 'c'"]),
        (FRAME.assign(day=pd.Timestamp("2020-01-01")), ["X[0, 2]", "Timestamp", "column 'day'"]),
        ([[1, 2], [10**400, 1]], ["X[1, 0]", "larger than any float"]),
        (lambda: [[1, 2], [10**5000, 1]], ["X[1, 0]", "larger than any float"]),
        (FRAME.astype(object).replace(9, pd.NA), ["NaN", "row 1, column 0"]),
    ],
    ids=lambda x: type(x).__name__,
)
def test_what_is_no_table_of_numbers_gets_the_line_that_helps(X, words):
    X = X() if callable(X) else X
    assert_refuses(lambda: BinomialMixture().fit(X), *words, **either)


@pytest.mark.parametrize("X", [{"heads": HEADS}, None, ["HHT"], [[1], [2, 3]], [["H", "T"]]])
def test_what_is_no_table_of_numbers_is_not_predicted_either(X):
    with pytest.raises(ValueError) as of_fit:  # noqa: PT011
        BinomialMixture().fit(X)
    assert_refuses(lambda: MODEL.predict(X), str(of_fit.value))


class Lazy:
    """A table that is not in memory, of a library that nobody has heard of."""

    columns = ("heads", "tails")


@pytest.mark.parametrize("engine", ["polars", "duckdb", "unknown"])
def test_a_table_in_an_engine_is_pointed_to_the_functions_of_frames(engine):
    if engine == "duckdb":
        frame = pytest.importorskip("duckdb").sql("SELECT 5 AS heads, 5 AS tails")
    else:
        frame = pl.LazyFrame(Z, schema=["heads", "tails"]) if engine == "polars" else Lazy()
    for call in (BinomialMixture().fit, BinomialMixture().partial_fit):
        words = type(frame).__name__, "count_tosses(X", 'sample_weight=table["rows"]'
        assert_refuses(partial(call, frame), *words, error=TypeError)
    for call in (MODEL.predict, MODEL.score, partial(summary, MODEL)):
        assert_refuses(partial(call, frame), "join_posterior", error=TypeError)


@pytest.mark.parametrize("missing", [pd.NA, None, np.nan])
def test_missing_objects_are_tosses_that_were_not_made(missing):
    X = pd.DataFrame([[1, missing, 0], [1, 1, missing]], dtype=object)
    model = BinomialMixture(1, layout="tosses").fit(X)
    np.testing.assert_allclose(model.theta_, 3 / 4)


@pytest.mark.parametrize("cell", [Decimal, np.int64, float, bool])
def test_objects_that_are_numbers_are_read(cell):
    X = pd.DataFrame([[cell(1), cell(0)], [cell(1), cell(1)], [cell(1), cell(0)]], dtype=object)
    np.testing.assert_allclose(BinomialMixture(1).fit(X).theta_, [3 / 4])


@pytest.mark.parametrize("column", [[Decimal(5)] * 2, [5, 10**400], [5, pd.NA]])
def test_objects_in_the_columns_of_a_frame_get_the_line_that_helps(column):
    frame = pd.DataFrame({"heads": pd.Series(column, dtype=object), "tails": 1, "rows": 1})
    words = "'heads' holds Object values", "frame.astype({'heads': float})"
    assert_refuses(lambda: count_tosses(frame, "heads", "tails"), *words)
    assert_refuses(lambda: join_posterior(MODEL, frame, "heads", "tails"), *words)
    groups = frame.assign(g=1)
    assert_refuses(lambda: fit_groups(BinomialMixture(1), groups, by="g"), *words)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda big: MODEL.score(Z, sample_weight=[big] * 5), "sample_weight[0]"),
        (lambda big: BinomialMixture().fit(Z, coins=[big] * 5), "coins[0]"),
        (lambda big: BinomialMixture(theta_init=[0.5, big]).fit(Z), "theta_init[1]"),
        (lambda big: BinomialMixture(theta_prior=(1, big)).fit(Z), "theta_prior[1]"),
        (lambda big: BinomialMixture(weights_init=[big, 0]).fit(Z), "weights_init[0]"),
        (lambda big: BinomialMixture(weights_prior=big).fit(Z), "weights_prior"),
        (lambda big: BinomialMixture(tol=big).fit(Z), "tol"),
        (lambda big: NonparametricBinomialMixture(tol=big).fit(Z), "tol"),
        (lambda big: ThreeCoinModel(pi_init=big).fit(Z), "pi_init"),
        (lambda big: MODEL.sample(2, big), "n_tosses[0]"),
        (lambda big: MODEL.sample(big), "n_samples"),
        (lambda big: MODEL.predict([[1, big]]), "X[0, 1]"),
    ],
)
def test_an_integer_beyond_all_floats_is_refused_by_name(call, name):
    assert_refuses(lambda: call(10**400), name, **either)


# --- Masks and indices --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda mask: BinomialMixture().fit(mask(Z)), "X"),
        (lambda mask: MODEL.predict(mask(Z)), "X"),
        (lambda mask: BinomialMixture(1).fit([mask(row) for row in Z]), "X"),
        (lambda mask: BinomialMixture().fit(Z, sample_weight=mask(np.ones(5))), "sample_weight"),
        (lambda mask: MODEL.bic(Z, mask(np.ones(5))), "sample_weight"),
        (lambda mask: BinomialMixture().fit(Z, coins=mask(np.array([0, 1, -1, 1, 0]))), "coins"),
        (lambda mask: MODEL.sample(5, mask(HEADS)), "n_tosses"),
        (lambda mask: BinomialMixture(theta_init=mask(np.array([0.6, 0.5]))).fit(Z), "theta_init"),
        (lambda mask: BinomialMixture(weights_init=mask(np.full(2, 0.5))).fit(Z), "weights_init"),
        (lambda mask: BinomialMixture(theta_prior=mask(np.array([2, 2]))).fit(Z), "theta_prior"),
        (lambda mask: BinomialMixture(learn_theta=mask(np.ones(2, bool))).fit(Z), "learn_theta"),
    ],
)
def test_a_mask_is_refused_and_an_array_that_masks_nothing_is_not(call, name):
    def first_masked(values):
        return np.ma.array(values, mask=np.arange(values.size).reshape(values.shape) == 0)

    assert_refuses(lambda: call(first_masked), f"{name} is a masked array", f"{name}.filled(...)")
    call(np.ma.array)


def test_the_masked_number_itself_is_refused():
    assert_refuses(lambda: MODEL.sample(2, np.ma.masked), "n_tosses is a masked array")


INDICES = {"permuted": [4, 3, 2, 1, 0], "disjoint": [5, 6, 7, 8, 9], "shifted": [1, 2, 3, 4, 5]}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
@pytest.mark.parametrize("name", ["sample_weight", "coins"])
def test_a_series_of_another_index_is_taken_by_position_with_a_word(index, name):
    values = np.array([0, 1, 0, 1, 0]) if name == "coins" else np.array([1.0, 2, 3, 4, 5])
    series = pd.Series(values, index=index)
    words = rf"{name} has another index.*by position.*row 0.*{name}\.loc\[X\.index\].*to_numpy"
    with pytest.warns(UserWarning, match=words) as caught:
        model = BinomialMixture().fit(FRAME, **{name: series})
    assert [warning.filename for warning in caught] == [__file__]
    assert_array_equal(model.theta_, BinomialMixture().fit(Z, **{name: values}).theta_)


@pytest.mark.parametrize(
    ("X", "weight"),
    [
        (FRAME, pd.Series(np.ones(5))),
        (FRAME, pd.Series(np.ones(5), index=[0.0, 1, 2, 3, 4], name="rows")),
        (FRAME.set_axis(list("abcde")), pd.Series(np.ones(5), index=list("abcde"))),
        (FRAME.set_axis(list("aabbc")), pd.Series(np.ones(5), index=list("aabbc"))),
        (FRAME.set_axis(list("abcde")), np.ones(5)),
        (FRAME, [1] * 5),
        (Z, pd.Series(np.ones(5), index=[4, 3, 2, 1, 0])),
        (Z.tolist(), pd.Series(np.ones(5))),
        (pl.from_pandas(FRAME), pl.Series(np.ones(5))),
        (pl.from_pandas(FRAME), pd.Series(np.ones(5))),
    ],
)
def test_weights_of_the_same_rows_hear_no_word(X, weight):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = BinomialMixture().fit(X, sample_weight=weight)
        model.bic(X, weight)
    assert_array_equal(model.theta_, MODEL.theta_)


# --- Models in the wrong place ------------------------------------------------------------------


def test_the_unfitted_model_of_a_test_is_named():
    one, two = BinomialMixture(1), BinomialMixture(2)
    for null, alternative, name in ((one, MODEL, "null"), (clone(one).fit(Z), two, "alternative")):
        assert_refuses(
            lambda null=null, alternative=alternative: likelihood_ratio_test(null, alternative, Z),
            f"not fitted yet. It is given as {name}.",
            error=NotFittedError,
        )


@pytest.mark.parametrize(
    ("arguments", "name"), [((MODEL, Z), "X"), ((Z, MODEL), "max_components"), ((MODEL,), "X")]
)
def test_a_comparison_takes_its_model_by_name(arguments, name):
    words = f"{name} is a BinomialMixture", "compare_n_components(X, estimator=model)"
    assert_refuses(lambda: compare_n_components(*arguments), *words, error=TypeError)
