"""A fit that starts at the best known coins of a real set stays there and scores as they do.

The references come from near-exhaustive starts, mpmath's Newton iteration at 40 digits and R.
"""

from contextlib import nullcontext

import numpy as np
import pytest
from _references import REFERENCES, load_set

from skcoin import BinomialMixture, IdentifiabilityWarning

pytestmark = pytest.mark.filterwarnings("error")
CASES = [
    pytest.param(name, kind, n_coins, id=f"{name}-{kind}-{n_coins}")
    for name in REFERENCES["sets"]
    for kind in ("free", "equal")
    for n_coins in (1, 2, 3, 4)
]


def start_of(entry, reference, n_coins):
    """The coins that the reference lists; where it lists none, any coins with the right mean."""
    if "thetas" in entry:
        return entry["thetas"], entry["weights"]
    mean = reference["sum_heads"] / reference["sum_trials"]
    return mean + np.linspace(-0.3, 0.3, n_coins), np.full(n_coins, 1 / n_coins)


@pytest.mark.parametrize("solver", ["em", "em-newton"])
@pytest.mark.parametrize(("name", "kind", "n_coins"), CASES)
def test_fit_at_the_reference_stays_there(name, kind, n_coins, solver):
    X, sample_weight = load_set(name)
    reference = REFERENCES["sets"][name]
    entry = reference[kind][str(n_coins)]
    theta, weights = start_of(entry, reference, n_coins)
    model = BinomialMixture(
        len(theta),
        theta_init=theta,
        weights_init=weights,
        learn_weights=kind == "free",
        solver=solver,
    )
    n_parameters = 2 * len(theta) - 1 if kind == "free" else len(theta)
    unidentified = n_parameters > X.sum(axis=1).max()
    with pytest.warns(IdentifiabilityWarning) if unidentified else nullcontext():
        model.fit(X, sample_weight=sample_weight)

    n_rows = reference["n_rows"]
    near = {"rel": 1e-9}  # what the reference promises; two-sided, it is a maximum
    assert model.converged_
    assert model.lower_bound_ * n_rows == pytest.approx(entry["loglik"], **near)
    assert model.score(X, sample_weight=sample_weight) * n_rows == pytest.approx(
        entry["loglik"], **near
    )
    # A degenerate entry lists fewer coins than the K whose parameters it counts.
    surplus = entry["n_params"] - n_parameters
    assert surplus == 0 or "degenerate" in entry
    aic = model.aic(X, sample_weight=sample_weight) + 2 * surplus
    bic = model.bic(X, sample_weight=sample_weight) + np.log(n_rows) * surplus
    assert aic == pytest.approx(entry["aic"], **near)
    assert bic == pytest.approx(entry["bic"], **near)


@pytest.mark.parametrize("name", REFERENCES["sets"])
def test_one_coin_is_all_heads_over_all_tosses(name):
    X, sample_weight = load_set(name)
    reference = REFERENCES["sets"][name]
    model = BinomialMixture(1).fit(X, sample_weight=sample_weight)
    rate = reference["sum_heads"] / reference["sum_trials"]
    assert model.theta_[0] == pytest.approx(rate, rel=1e-14)  # rounding of the sums


@pytest.mark.parametrize("name", REFERENCES["sets"])
def test_binomial_coefficients_add_up_to_the_reference(name):
    X, sample_weight = load_set(name)
    tosses = np.ones(len(X)) if sample_weight is None else sample_weight
    fair = BinomialMixture(1, theta_init=[0.5], learn_theta=False).fit(X)
    log_ways = fair.score_samples(X) - X.sum(axis=1) * np.log(0.5)
    expected = REFERENCES["sets"][name]["log_binomial_coefficient_sum"]
    assert tosses @ log_ways == pytest.approx(expected, rel=1e-12, abs=1e-12)  # rounding only
