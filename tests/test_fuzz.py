"""Whatever is given: a model that holds together, or an error with a remedy, and no other noise.

2,000 cases in all run with the slow tests, a few of each claim apart from the others. For a longer
run set ``SKCOIN_FUZZ`` to a number of cases of each.
"""

import os
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skcoin import (
    BinomialMixture,
    NonparametricBinomialMixture,
    ThreeCoinModel,
    count_tosses,
    fit_groups,
    inspection,
    join_posterior,
)

FEW, MANY = 25, int(os.environ.get("SKCOIN_FUZZ", "500"))
MOST = 2**53
REFUSALS = ValueError, TypeError, NotFittedError
LEAST_WORDS = 5  # of what helps


def explore(strategy, check):
    """The check of a few cases, and of many, always the same."""
    shared = {"derandomize": True, "deadline": None, "database": None}
    shared["suppress_health_check"] = list(HealthCheck)

    def cases(n):
        def run(case):
            check(*case)

        return settings(max_examples=n, **shared)(given(strategy)(run))

    return pytest.mark.slow(cases(FEW)), pytest.mark.slow(cases(MANY))


def attempt(call):
    """What a call returns, or None if it refuses with words that help; it may not be noisy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return call()
        except REFUSALS as error:
            words = str(error).split()
    assert len(words) >= LEAST_WORDS, words
    return None


# Cases

COUNTS = st.one_of(
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(0, 10**6),
    st.integers(0, MOST),
    st.floats(0, 20),
    st.floats(0, 1e-300),
    st.sampled_from([0, 1e-20, 0.5, MOST, 1e300]),
)
WEIGHTS = st.one_of(
    st.floats(1e-6, 5), st.sampled_from([0, 1e-300, 1e-10, 0.2, 1, 2, 1e8, 1e12, 1e17])
)
SHARES = st.one_of(st.floats(0, 1), st.sampled_from([0, 1, 0.5, 1e-300, 1 - 1e-16, np.nan]))


@st.composite
def tables(draw, columns=2):
    n_rows = draw(st.integers(1, 8))
    rows = draw(st.lists(st.tuples(*[COUNTS] * columns), min_size=n_rows, max_size=n_rows))
    return np.array(rows, dtype=float)


@st.composite
def estimators(draw):
    kind = draw(st.sampled_from([BinomialMixture, BinomialMixture, ThreeCoinModel, "many"]))
    layout = draw(st.sampled_from(["heads_tails", "heads_tails", "heads_tosses", "tosses"]))
    if kind == "many":
        return NonparametricBinomialMixture(layout=layout)
    parameters = {
        "layout": layout,
        "solver": draw(st.sampled_from(["em-newton", "em"])),
        "init_params": draw(st.sampled_from(["auto", "quantile", "k-means++", "random"])),
        "tol": draw(st.sampled_from([1e-6, 1e-6, 0, 1, 1e-12])),
        "theta_prior": draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 50), (1e6, 1)])),
        "weights_prior": draw(st.sampled_from([1, 1, 2, 1e5])),
        "max_iter": draw(st.sampled_from([30, 1])),
        "random_state": 0,
    }
    if kind is ThreeCoinModel:
        starts = {name: draw(SHARES) for name in ("pi_init", "p_init", "q_init")}
        return ThreeCoinModel(**parameters, **(starts if draw(st.booleans()) else {}))
    n_coins = draw(st.integers(1, 4))
    if draw(st.booleans()):
        parameters["theta_init"] = draw(st.lists(SHARES, min_size=n_coins, max_size=n_coins))
    if draw(st.booleans()):
        weights = draw(st.lists(st.floats(0, 1), min_size=n_coins, max_size=n_coins))
        parameters["weights_init"] = np.array(weights) / max(sum(weights), 1e-300)
    parameters["learn_theta"] = draw(st.booleans()) or "theta_init" not in parameters
    parameters["learn_weights"] = draw(st.booleans())
    return BinomialMixture(n_coins, **parameters)


@st.composite
def fits(draw):
    """An estimator, rows, and their weights and coins, if any."""
    estimator = draw(estimators())
    if estimator.layout == "tosses":
        cells = st.sampled_from([0, 1, np.nan])
        shape = st.lists(st.tuples(*[cells] * 4), min_size=1, max_size=8)
        X = np.array(draw(shape), dtype=float)
    else:
        X = draw(tables())
        if estimator.layout == "heads_tosses":
            X[:, 1] = np.maximum(X[:, 1], X[:, 0])
    n_rows = len(X)
    weights = draw(st.none() | st.lists(WEIGHTS, min_size=n_rows, max_size=n_rows))
    coins = draw(
        st.none() | st.none() | st.lists(st.integers(-1, 1), min_size=n_rows, max_size=n_rows)
    )
    if isinstance(estimator, NonparametricBinomialMixture):
        coins = None
    known = {} if coins is None else {"coins": coins}
    return estimator, X, {"sample_weight": weights, **known}


# Claims


def check_fit(estimator, X, fit_params):
    model = attempt(lambda: clone(estimator).fit(X, **fit_params))
    if model is None:
        return
    assert_allclose(model.weights_.sum(), 1, rtol=1e-12)
    assert model.theta_.min() >= 0
    assert model.theta_.max() <= 1
    if hasattr(model, "lower_bounds_"):
        bounds = model.lower_bounds_
        assert np.isfinite(bounds[1:]).all()  # a prior may exclude the start
        fall = np.diff(bounds[1:]) / np.maximum(1, np.abs(bounds[1:-1]))
        assert fall.min(initial=0) > -1e-12
    posterior = attempt(lambda: model.predict_proba(X))
    assert_allclose(posterior.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(attempt(lambda: model.predict(X)), posterior.argmax(axis=1))
    mean = attempt(lambda: model.posterior_mean(X))
    assert model.theta_.min() <= mean.min()
    assert mean.max() <= model.theta_.max()
    assert not np.isnan(attempt(lambda: model.score_samples(X))).any()
    for again in (lambda: model.partial_fit(X, **fit_params), lambda: model.sample(3)):
        attempt(again)


def check_inspection(estimator, X, fit_params):
    model = attempt(lambda: clone(estimator).fit(X, **fit_params))
    if model is None:
        return
    weights = fit_params["sample_weight"]
    gap = attempt(lambda: inspection.optimality_gap(model, X, weights))
    assert gap is None or gap.gap >= 0
    known = {"coins": fit_params["coins"]} if "coins" in fit_params else {}
    intervals = attempt(lambda: inspection.confidence_intervals(model, X, weights, **known))
    if intervals is not None:
        for ends in (intervals.theta, intervals.weights):
            inside = ends[np.isfinite(ends).all(axis=1)]
            assert np.all((inside >= 0) & (inside <= 1))
            assert np.all(inside[:, 0] <= inside[:, 1])
    attempt(lambda: inspection.standard_errors(model, X, weights, **known))
    assert str(attempt(lambda: inspection.summary(model, X, weights, **known)))
    attempt(
        lambda: inspection.compare_n_components(X, 2, sample_weight=weights, estimator=estimator)
    )
    quick = {**known, "n_boot": 2, "random_state": 0}
    attempt(lambda: inspection.bootstrap(model, X, weights, **quick))
    test = attempt(lambda: inspection.goodness_of_fit(model, X, weights, **quick))
    assert test is None or min(test.pearson, test.deviance + 1e-6 * test.class_rows.sum()) >= 0
    residuals = attempt(lambda: inspection.quantile_residuals(model, X, random_state=0))
    if residuals is not None:
        tosses = {"heads_tosses": X[:, 1], "tosses": np.isfinite(X).sum(axis=1)}
        tosses = tosses.get(model.layout, X.sum(axis=1))
        assert_array_equal(np.isnan(residuals), tosses < 1e-250)  # which counts as none
    attempt(lambda: [model.aic(X, weights), model.bic(X, weights), model.icl(X, weights)])


def check_invariance(estimator, X, fit_params):
    """The order of rows is of no account, nor is a row twice in place of weight two.

    To the last bit, where sums of weights are exact.
    """
    weights = fit_params["sample_weight"]
    if weights is not None:
        fit_params = {**fit_params, "sample_weight": np.ceil(np.minimum(weights, 1e6))}
    model = attempt(lambda: clone(estimator).fit(X, **fit_params))
    if model is None:
        return
    rows = {name: np.array(values) for name, values in fit_params.items() if values is not None}
    turned = {name: values[::-1] for name, values in rows.items()}
    assert_same(model, attempt(lambda: clone(estimator).fit(X[::-1], **turned)))
    twice = {name: np.tile(values, 2) for name, values in rows.items()}
    double = {**rows, "sample_weight": 2 * np.array(rows.get("sample_weight", np.ones(len(X))))}
    double = attempt(lambda: clone(estimator).fit(X, **double))
    twice = attempt(lambda: clone(estimator).fit(np.tile(X, (2, 1)), **twice))
    assert (double is None) == (twice is None)
    if double is not None:
        assert_same(double, twice)


def assert_same(model, other):
    assert_array_equal(model.theta_, other.theta_)
    assert_array_equal(model.weights_, other.weights_)


def check_frames(estimator, X, fit_params):
    """Engines count alike, and groups are fitted as each of them would be alone."""
    X, weights = X[:, :2], fit_params["sample_weight"]
    weights = np.ones(len(X)) if weights is None else np.array(weights, dtype=float)
    columns = {"heads": X[:, 0], "tails": X[:, 1], "w": weights, "g": np.arange(len(X)) // 4}
    names = {"heads": "heads", "tails": "tails", "weight": "w", "by": "g"}
    tables = [
        attempt(lambda engine=engine: count_tosses(engine.DataFrame(columns), **names))
        for engine in (pd, pl)
    ]
    assert (tables[0] is None) == (tables[1] is None)
    if tables[0] is None:
        return
    pandas, polars = tables[0].to_numpy(), tables[1].to_numpy()
    assert_allclose(pandas, polars, rtol=1e-12)
    groups = attempt(lambda: fit_groups(estimator, tables[0], by="g"))
    if groups is not None:
        shares = groups.dropna(subset="theta0").filter(like="weight").to_numpy()
        assert_allclose(np.nansum(shares, axis=1), 1, rtol=1e-9)
    model = attempt(lambda: clone(estimator).fit(X))
    if model is not None:
        attempt(lambda: join_posterior(model, tables[1], heads="heads", tails="tails"))


test_a_fit_holds_together, test_many_fits_hold_together = explore(fits(), check_fit)
test_inspection_holds_together, test_much_inspection_holds_together = explore(
    fits(), check_inspection
)
test_order_and_repetition_are_of_no_account, test_they_are_of_none_in_many_cases = explore(
    fits(), check_invariance
)
test_frames_hold_together, test_many_frames_hold_together = explore(fits(), check_frames)
