"""What an estimator holds: all that a fit has learned, or all that it was before; and what it was
fitted to, whatever its parameters say since.
"""

import ast
import copy
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from _assertions import assert_refuses, assert_same_fit
from _references import FIVE_SETS, LAYOUTS
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import skcoin
from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    IdentifiabilityWarning,
    NonparametricBinomialMixture,
    ThreeCoinModel,
    fit_groups,
)
from skcoin.inspection import (
    bootstrap,
    compare_n_components,
    confidence_intervals,
    goodness_of_fit,
    likelihood_ratio_test,
    optimality_gap,
    standard_errors,
    summary,
)

PACKAGE = Path(skcoin.__file__).parent
Z = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
NAMED = pd.DataFrame(Z, columns=["heads", "tails"])
OTHER = [[1, 2], [30, 4], [5, 6]]
ESTIMATORS = [
    BinomialMixture(),
    ThreeCoinModel(),
    NonparametricBinomialMixture(),
    BetaBinomialMixture(),
]
estimators = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
methods = pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_predict"])


def held(model):
    """Names and identities of all that a model holds."""
    return {name: id(value) for name, value in vars(model).items()}


# --- All or nothing -----------------------------------------------------------------------------


def lines_run(call, until=np.inf):
    """How many lines of skcoin a call runs; it is interrupted before that of number ``until``."""
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        if "skcoin" not in frame.f_globals.get("__name__", ""):
            return None
        if event == "line":
            if lines == until:
                raise KeyboardInterrupt
            lines += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return lines


@estimators
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("fitted", [False, True], ids=["fresh", "fitted"])
def test_a_fit_that_is_interrupted_at_any_line_sets_nothing(estimator, method, fitted):
    model, expected = clone(estimator), clone(estimator)
    if fitted:
        model.fit(NAMED)
        expected.fit(NAMED)
    n_lines, before = lines_run(lambda: getattr(expected, method)(NAMED)), held(model)
    ends = [*np.linspace(0, n_lines - 12, 12).astype(int), *range(n_lines - 11, n_lines - 1)]
    for until in ends:
        assert lines_run(lambda: getattr(model, method)(NAMED), until) == until
        assert held(model) == before
    lines_run(lambda: getattr(model, method)(NAMED), n_lines - 1)  # in which fit returns
    assert vars(model).keys() == vars(expected).keys()
    assert_array_equal(model.theta_, expected.theta_)


@estimators
@methods
@pytest.mark.parametrize(
    "arguments",
    [
        {"X": [[1, -2], [3, 4]]},
        {"X": [[1, np.nan], [3, 4]]},
        {"X": [[1], [3]]},
        {"X": Z, "sample_weight": [-1, 1, 1, 1, 1]},
        {"X": Z, "sample_weight": [1, 1]},
    ],
    ids=["negative", "NaN", "one column", "negative weight", "two weights"],
)
@pytest.mark.parametrize("fitted", [False, True], ids=["fresh", "fitted"])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_fit_that_is_refused_sets_nothing(estimator, method, arguments, fitted):
    model = clone(estimator)
    if fitted:
        model.fit(NAMED)
    before = held(model)
    assert_refuses(lambda: getattr(model, method)(**arguments))
    assert held(model) == before


def test_a_fit_that_warns_where_a_warning_is_an_error_sets_nothing():
    model = BinomialMixture().fit(NAMED)
    before = held(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(IdentifiabilityWarning):
            model.fit([[1, 0], [0, 1]])
    assert held(model) == before


@estimators
def test_a_fit_that_follows_forgets_the_names_of_the_one_before(estimator):
    model = clone(estimator).fit(NAMED)
    assert list(model.feature_names_in_) == ["heads", "tails"]
    model.fit(np.array(Z))
    assert vars(model).keys() == vars(clone(estimator).fit(Z)).keys()


# --- Chunks without a toss ----------------------------------------------------------------------


@estimators
@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [1, 2, 0]])
def test_a_chunk_without_a_toss_may_come_at_any_place(estimator, order):
    chunks = [[[0, 0], [0, 0]], Z[:2], Z[2:]]
    model = clone(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in order:
            model.partial_fit(chunks[i])
    expected = clone(estimator).fit([row for i in order for row in chunks[i]])
    np.testing.assert_allclose(model.theta_, expected.theta_, rtol=1e-3)
    np.testing.assert_allclose(model.lower_bound_, expected.lower_bound_, rtol=1e-8)
    assert_array_equal(model._counts.multiplicity, expected._counts.multiplicity)


def test_after_a_chunk_without_a_toss_the_first_tosses_are_a_fit():
    assert_same_fit(
        BinomialMixture().partial_fit([[0, 0]]).partial_fit(Z),
        BinomialMixture().fit([[0, 0], *Z]),
    )
    model = BinomialMixture().partial_fit([[0, 0]])
    assert_same_fit(model.fit(Z), BinomialMixture().fit(Z))


@estimators
def test_before_the_first_toss_nothing_is_learned_and_that_is_said(estimator):
    model = clone(estimator).partial_fit([[0, 0]])
    words = "not fitted yet", "No row so far holds a toss"
    for read in (model.predict, model.score, model.posterior_mean, lambda X: summary(model, X)):
        assert_refuses(lambda read=read: read(Z), *words, error=NotFittedError)
    assert_refuses(model.sample, *words, error=NotFittedError)
    assert_refuses(lambda: model.partial_fit([[1, 2, 3]]), "3 features", "expecting 2")


# --- Parameters after a fit ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("weights_prior", -5),
        ("theta_prior", (0.5, 1)),
        ("tol", -1),
        ("max_iter", 0),
        ("solver", "newton"),
        ("layout", "rows"),
        ("n_init", 1.5),
        ("theta_init", [0.5, 2]),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_after_the_first_fit_too(parameter, value):
    model, other = BinomialMixture().fit(Z), BinomialMixture(1).fit(Z)
    model.set_params(**{parameter: value})
    before = held(model)
    for call in (
        lambda: model.partial_fit(Z),
        lambda: model.fit(Z),
        lambda: summary(model, Z),
        lambda: standard_errors(model, Z),
        lambda: confidence_intervals(model, Z),
        lambda: optimality_gap(model, Z),
        lambda: bootstrap(model, Z, n_boot=2),
        lambda: goodness_of_fit(model, Z, n_boot=2),
        lambda: likelihood_ratio_test(other, model, Z, n_boot=2),
    ):
        assert_refuses(call, parameter)
    assert held(model) == before


def test_the_nonparametric_mixture_checks_its_parameters_after_the_first_fit_too():
    model = NonparametricBinomialMixture().fit(Z).set_params(max_iter=-1)
    assert_refuses(lambda: model.partial_fit(Z), "max_iter")
    assert_refuses(lambda: optimality_gap(model, Z), "max_iter")
    assert_refuses(lambda: goodness_of_fit(model, Z, n_boot=2), "max_iter")


@estimators
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.filterwarnings("ignore")
def test_a_layout_set_after_the_fit_waits_for_the_next(estimator, layout):
    X = FIVE_SETS[layout]
    model = clone(estimator).set_params(layout=layout, random_state=0).fit(X)

    def said():
        drawn, _ = model.sample(3)
        names = "predict", "predict_proba", "score_samples", "posterior_mean", "score", "bic", "icl"
        return [*(getattr(model, name)(X) for name in names), drawn, optimality_gap(model, X).gap]

    expected = said()
    for other in LAYOUTS:
        model.set_params(layout=other)
        for value, same in zip(said(), expected, strict=True):
            assert_array_equal(value, same)
        assert str(summary(model, X)) == str(summary(copy.copy(model).set_params(layout=layout), X))


def test_the_next_fit_reads_the_layout_that_was_set():
    model = BinomialMixture().fit(FIVE_SETS["heads_tails"]).set_params(layout="heads_tosses")
    tosses = FIVE_SETS["heads_tosses"]
    assert_same_fit(copy.copy(model).fit(tosses), BinomialMixture().fit(FIVE_SETS["heads_tails"]))
    model.partial_fit(tosses)
    assert_array_equal(model._counts.heads, [4, 5, 7, 8, 9])
    twice = BinomialMixture().fit(np.tile(FIVE_SETS["heads_tails"], (2, 1)))
    np.testing.assert_allclose(
        model.score_samples(tosses), twice.score_samples(FIVE_SETS["heads_tails"]), rtol=1e-4
    )
    assert_refuses(lambda: model.predict([[5, 2]]), "5 heads in 2 tosses")


def test_models_of_other_layouts_are_told_apart_by_their_fits():
    small = BinomialMixture(1).fit(FIVE_SETS["heads_tails"]).set_params(layout="heads_tosses")
    large = BinomialMixture(2, layout="heads_tosses").fit(FIVE_SETS["heads_tosses"])
    words = "null has layout='heads_tails' and alternative layout='heads_tosses'"
    assert_refuses(
        lambda: likelihood_ratio_test(small, large, FIVE_SETS["heads_tosses"], n_boot=2), words
    )


# --- Threads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_sets_the_filters_of_warnings_which_all_threads_share(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert named.isdisjoint(
        {
            "catch_warnings",
            "filterwarnings",
            "resetwarnings",
            "simplefilter",
            "sklearn.utils.parallel",  # whose tasks do
        }
    )


@pytest.mark.slow
def test_four_threads_say_what_one_says_and_leave_the_filters():
    flat = [[1, 0], [0, 1], [1, 0]]
    model = BinomialMixture().fit(Z)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        singular = BinomialMixture().fit(flat)
    groups = pd.DataFrame({"g": [0, 0, 1], "heads": [1, 9, 5], "tails": [9, 1, 5], "rows": 1})

    def said():
        return [
            str(summary(model, Z)),
            str(summary(singular, flat, method="profile")),
            str(compare_n_components(Z, 3)),
            str(bootstrap(model, Z, n_boot=2, random_state=0)),
            str(fit_groups(BinomialMixture(1), groups, by="g")),
        ]

    def ours():
        # scikit-learn's check_array sets one of ComplexWarning, older nnls one of LinAlgWarning.
        theirs = "ComplexWarning", "LinAlgWarning"
        return [entry for entry in warnings.filters if entry[2].__name__ not in theirs]

    interval = sys.getswitchinterval()
    with warnings.catch_warnings():
        warnings.simplefilter("error", IdentifiabilityWarning)
        before, expected = ours(), said()
        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(4) as threads:
                results = [threads.submit(said) for _ in range(12)]
        finally:
            sys.setswitchinterval(interval)
        assert [result.result() for result in results] == [expected] * 12
        assert ours() == before


def test_a_warning_that_summary_notes_is_given_by_the_function_that_the_user_calls():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = BinomialMixture().fit([[1, 0], [0, 1], [1, 0]])
        n_of_fit = len(caught)
        summary(model, [[1, 0], [0, 1], [1, 0]])
        assert len(caught) == n_of_fit
        for method in ("wald", "profile"):
            confidence_intervals(model, Z, method=method)
        standard_errors(model, Z)
    words = ["at a maximum for these rows" in str(warning.message) for warning in caught[n_of_fit:]]
    assert words.count(True) == 3
    assert {warning.filename for warning in caught} == {__file__}
