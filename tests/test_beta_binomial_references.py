"""Fits of coins that vary, at the defaults, against maxima that were found by another program.

They are of ten real sets, of one to three coins, each with a dispersion of its own or all with one.
"""

import json
from functools import cache

import numpy as np
import pytest
from _references import DATA, load_set
from numpy.testing import assert_allclose, assert_array_equal

from skcoin import BetaBinomialMixture, BinomialMixture
from skcoin.inspection import standard_errors

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
]
FILE = DATA / "beta_binomial_references.json"
SETS = json.loads(FILE.read_text(encoding="utf-8"))["sets"]
NAMES = {"separate": "per_coin", "tied": "shared"}  # the word here, and that of the file
CASES = [
    pytest.param(name, dispersion_type, int(n_coins), id=f"{name}-{dispersion_type}-{n_coins}")
    for name, reference in SETS.items()
    for dispersion_type, kind in NAMES.items()
    for n_coins in reference[kind]
]
UNIQUE = [
    case
    for case in CASES
    if "degenerate" not in SETS[case.values[0]][NAMES[case.values[1]]][str(case.values[2])]
]
# A million families, with a log-likelihood of 1.2e6 in size: it is known to 3e-10 and next to flat
# along some lines, so that values which differ by more than a millionth have the same.
VERY_LARGE = "geissler_all_sizes"
ENDS = {"zero": 0.0, "one": 1.0}


def rows_of(name):
    if name == "rat_tumours_70":
        X, weights = load_set("rat_tumours")
        return X[:70], weights
    return load_set(name)


def entry(name, dispersion_type, n_coins):
    return SETS[name][NAMES[dispersion_type]][str(n_coins)]


@cache
def fit(name, dispersion_type, n_coins):
    """The fit, its coins by rising theta, and its log-likelihood."""
    X, weights = rows_of(name)
    if dispersion_type == "binomial":
        model = BinomialMixture(n_coins)
    else:
        model = BetaBinomialMixture(n_coins, dispersion_type=dispersion_type)
    model.fit(X, sample_weight=weights)
    n_rows = len(X) if weights is None else weights.sum()
    return model, np.argsort(model.theta_), n_rows * model.score(X, sample_weight=weights)


def room(log_likelihood):
    """What may be missing, or be too much, for rounding and the tolerance of the fit."""
    return 1e-6 * max(1, 1e-5 * abs(log_likelihood))


@pytest.mark.parametrize(("name", "dispersion_type", "n_coins"), CASES)
def test_no_fit_is_below_the_highest_known_maximum(name, dispersion_type, n_coins):
    model, _, log_likelihood = fit(name, dispersion_type, n_coins)
    known = entry(name, dispersion_type, n_coins)
    assert model.converged_
    assert log_likelihood >= known["loglik"] - room(known["loglik"])
    assert model._n_parameters == known["n_params"]


@pytest.mark.parametrize(("name", "dispersion_type", "n_coins"), UNIQUE)
def test_coins_are_those_of_the_maximum(name, dispersion_type, n_coins):
    model, order, _ = fit(name, dispersion_type, n_coins)
    known = entry(name, dispersion_type, n_coins)
    atol = 3e-6 if name == VERY_LARGE else 1e-6
    for values, reference in (
        (model.theta_, known["thetas"]),
        (model.dispersion_, known["rho"]),
        (model.weights_, known["weights"]),
    ):
        assert_allclose(values[order], reference, rtol=0, atol=atol)


@pytest.mark.parametrize(("name", "dispersion_type", "n_coins"), UNIQUE)
def test_an_end_is_reached_exactly(name, dispersion_type, n_coins):
    model, order, _ = fit(name, dispersion_type, n_coins)
    known = entry(name, dispersion_type, n_coins)
    theta, dispersion = model.theta_[order], model.dispersion_[order]
    at_end = np.array(known["theta_at_boundary"])
    assert_array_equal((theta == 0) | (theta == 1), at_end)
    expected = [ENDS.get(end, np.nan) for end in known["rho_at_boundary"]]
    of_no_effect = at_end & (dispersion_type == "separate")
    at_bound = ~np.isnan(expected) & ~of_no_effect
    assert_array_equal(dispersion[at_bound], np.array(expected)[at_bound])
    assert np.all(dispersion[of_no_effect] == 0)
    inside = ~at_bound & ~of_no_effect
    assert np.all((dispersion[inside] > 0) & (dispersion[inside] < 1))


@pytest.mark.parametrize(("name", "dispersion_type", "n_coins"), UNIQUE)
def test_standard_errors_are_those_of_the_references(name, dispersion_type, n_coins):
    """To five digits; there are none at 0 and 1, nor of a dispersion without effect."""
    model, order, _ = fit(name, dispersion_type, n_coins)
    X, weights = rows_of(name)
    errors = standard_errors(model, X, sample_weight=weights)
    known = entry(name, dispersion_type, n_coins)
    parts = ["theta", "dispersion", *["weights"] * (n_coins > 1)]  # a lone coin has all the weight
    assert list(errors) == ["theta", "dispersion", "weights", "covariance"]
    for part in parts:
        key = {"theta": "se_thetas", "dispersion": "se_rho"}.get(part, "se_weights")
        expected = np.array(
            known[key], dtype=float
        )  # None is NaN; one that is shared is there once
        expected = np.broadcast_to(expected, n_coins)
        rtol = 3e-5 if name == VERY_LARGE else 1e-5
        assert_allclose(errors[part][order], expected, rtol=rtol, err_msg=part)
    assert_array_equal(
        np.sqrt(np.diagonal(errors.covariance)),
        np.concatenate([errors[part] for part in ("theta", "dispersion", "weights")]),
    )


@pytest.mark.parametrize("n_coins", [1, 2, 3])
@pytest.mark.parametrize("name", SETS)
def test_each_model_is_as_high_as_those_that_it_contains(name, n_coins):
    kinds = "binomial", "tied", "separate"
    heights = [fit(name, kind, n_coins)[2] for kind in kinds] + [SETS[name]["npmle_loglik"]]
    assert np.all(np.diff(heights) >= -room(heights[0]))
