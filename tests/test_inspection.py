"""The optimality gap: a bound that holds, sharp where nothing is left to gain."""

import mpmath
import numpy as np
import pytest
from _exact import exact_joint
from _models import fit_to_the_end, held
from _references import REFERENCES, load_set
from numpy.testing import assert_allclose

from skcoin import BinomialMixture
from skcoin.datasets import load_saxony
from skcoin.inspection import optimality_gap

pytestmark = pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning")
WITH_NPMLE = [name for name, entry in REFERENCES["sets"].items() if "npmle" in entry]
RATS, _ = load_set("rat_tumours")


def total(model, X, sample_weight=None):
    W = len(X) if sample_weight is None else np.sum(sample_weight)
    return model.score(X, sample_weight=sample_weight) * W


def exact_gradient(theta, model, X, sample_weight=None):
    """``sum_i m_i (f(x_i | theta) / f(x_i | model) - 1)`` in 50 digits."""
    sample_weight = np.ones(len(X)) if sample_weight is None else sample_weight
    with mpmath.workdps(50):
        ratios = [
            exact_joint([theta], [1], *row)[0]
            / mpmath.fsum(exact_joint(model.theta_, model.weights_, *row))
            for row in X
        ]
        weighted = (m * (r - 1) for m, r in zip(sample_weight.tolist(), ratios, strict=True))
        return float(mpmath.fsum(weighted))


@pytest.mark.parametrize("name", ["do_batzoglou_2008", "rat_tumours", "saxony_families12", "lirat"])
@pytest.mark.parametrize("n_coins", [1, 2, 3])
def test_gradient_is_that_of_the_definition(name, n_coins):
    X, sample_weight = load_set(name)
    model = BinomialMixture(n_coins).fit(X, sample_weight=sample_weight)
    result = optimality_gap(model, X, sample_weight=sample_weight)
    assert result.grid.shape == result.gradient.shape
    W = len(X) if sample_weight is None else sample_weight.sum()
    for i in [0, *range(1, len(result.grid) - 1, 17), len(result.grid) - 1]:
        exact = exact_gradient(result.grid[i], model, X, sample_weight)
        # A sum of W ratios, of likelihoods of up to 50 tosses.
        assert result.gradient[i] == pytest.approx(exact, rel=1e-11, abs=1e-11 * W)


@pytest.mark.parametrize("n_coins", [1, 2, 3])
@pytest.mark.parametrize("name", WITH_NPMLE)
def test_theta_is_where_the_gradient_is_highest(name, n_coins):
    X, sample_weight = load_set(name)
    model = BinomialMixture(n_coins).fit(X, sample_weight=sample_weight)
    result = optimality_gap(model, X, sample_weight=sample_weight)
    W = len(X) if sample_weight is None else sample_weight.sum()
    slope = W * np.expm1(result.one_step / W)
    assert np.all(np.diff(result.grid) > 0)
    assert (result.grid[0], result.grid[-1]) == (0, 1)
    assert result.gradient.max() <= slope * (1 + 1e-12) + 1e-9 * W  # rounding
    if slope > 1e-6 * W and len(X) < 100:
        assert exact_gradient(result.theta, model, X, sample_weight) == pytest.approx(
            slope, rel=1e-9
        )
        for step in (-1e-4, 1e-4):
            beside = min(max(result.theta + step, 0), 1)
            assert exact_gradient(beside, model, X, sample_weight) <= slope * (1 + 1e-9)


@pytest.mark.parametrize("kind", ["free", "equal"])
@pytest.mark.parametrize("n_coins", [1, 2, 3, 4])
@pytest.mark.parametrize("name", WITH_NPMLE)
def test_no_mixture_gains_more_than_the_gap(name, n_coins, kind):
    X, sample_weight = load_set(name)
    reference = REFERENCES["sets"][name]
    model = BinomialMixture(n_coins, learn_weights=kind == "free")
    model.fit(X, sample_weight=sample_weight)
    gap = optimality_gap(model, X, sample_weight=sample_weight).gap
    gain = reference["npmle"]["loglik"] - total(model, X, sample_weight)
    rounding = 1e-13 * abs(reference["npmle"]["loglik_without_coefficient"])
    assert gap >= gain - 10 * rounding
    assert gap >= 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["rat_tumours", "lirat", "saxony_families12", "surg_nodes"])
def test_the_bound_holds_far_from_any_maximum(name, seed):
    X, sample_weight = load_set(name)
    rng = np.random.default_rng(seed)
    model = held(rng.uniform(size=3), rng.dirichlet(np.ones(3)))
    gap = optimality_gap(model, X, sample_weight=sample_weight).gap
    gain = REFERENCES["sets"][name]["npmle"]["loglik"] - total(model, X, sample_weight)
    assert gain > 0
    # Sharp, wherever the model is: what one look proves is above by thousands.
    assert gap == pytest.approx(gain, abs=1.1e-4)
    assert gap >= gain - 1e-12 * abs(total(model, X, sample_weight))


@pytest.mark.parametrize("n_coins", [1, 2, 3])
@pytest.mark.parametrize("name", ["rat_tumours", "lirat", "orob2", "tacks"])
def test_one_step_proves_no_more_than_the_gap(name, n_coins):
    X, sample_weight = load_set(name)
    model = BinomialMixture(n_coins).fit(X, sample_weight=sample_weight)
    result = optimality_gap(model, X, sample_weight=sample_weight)
    assert result.one_step >= result.gap
    if n_coins == 1:
        assert result.one_step > result.gap + 0.1


@pytest.mark.parametrize("name", WITH_NPMLE)
def test_the_best_of_all_mixtures_leaves_nothing(name):
    X, sample_weight = load_set(name)
    best = REFERENCES["sets"][name]["npmle"]
    model = held(best["support"], best["masses"])
    gap = optimality_gap(model, X, sample_weight=sample_weight).gap
    W = REFERENCES["sets"][name]["n_rows"]
    assert 0 <= gap < 1e-9 * W + 1e-9  # support and masses have about 16 digits


def test_saxony_is_certified_with_four_coins_and_not_with_two():
    families = load_saxony()
    X, times = families.data, families.sample_weight
    gaps = [
        optimality_gap(BinomialMixture(k).fit(X, sample_weight=times), X, sample_weight=times).gap
        for k in (2, 3, 4)
    ]
    assert gaps[0] > 1.6363  # what the best of all mixtures has more
    assert gaps[0] > gaps[1] > 0.03
    assert gaps[2] < 1e-5


def test_a_further_coin_at_theta_gains():
    """In the direction of the result the log-likelihood rises by its slope."""
    for n_coins in (1, 2):
        model = BinomialMixture(n_coins).fit(RATS)
        result = optimality_gap(model, RATS)
        slope = len(RATS) * np.expm1(result.one_step / len(RATS))
        share = 1e-7
        more = held([*model.theta_, result.theta], [*(model.weights_ * (1 - share)), share], RATS)
        gained = total(more, RATS) - total(model, RATS)
        assert gained / share == pytest.approx(slope, rel=1e-3)  # second order, and cancellation


def test_twice_the_weight_is_twice_the_gap():
    model = BinomialMixture().fit(RATS)
    once = optimality_gap(model, RATS)
    twice = optimality_gap(model, RATS, sample_weight=np.full(len(RATS), 2.0))
    assert twice.gap == pytest.approx(2 * once.gap, rel=1e-13)
    assert_allclose(twice.gradient, 2 * once.gradient, rtol=1e-12, atol=1e-11)  # W is 71
    assert twice.theta == once.theta


def test_one_call_of_a_lone_coin_is_known_in_closed_form():
    """One row of n heads: the best coin is 1, and D is (1 / theta^n) - 1 there."""
    result = optimality_gap(held([0.5]), [[3, 0]])
    assert result.theta == 1
    assert result.gap == pytest.approx(np.log(8), rel=1e-14)
    assert_allclose(result.gradient, 8 * result.grid**3 - 1, rtol=1e-12, atol=1e-14)


def test_a_row_that_the_model_excludes_leaves_everything_to_gain():
    model = held([1.0, 0.0], None, [[1, 0], [0, 1]])
    with np.errstate(all="raise"):
        result = optimality_gap(model, [[3, 0], [1, 2]])
    assert result.gap > 100
    assert not np.isnan(result.gradient).any()


def test_a_hundred_thousand_tosses_do_not_hide_the_peak():
    X = [[60_000, 40_000], [20_000, 80_000], [77_123, 22_877]]
    model = held([0.6, 0.2], [0.5, 0.5])
    result = optimality_gap(model, X)
    assert result.theta == pytest.approx(0.77123, abs=1e-5)
    best = fit_to_the_end(BinomialMixture(3), X)
    assert result.gap >= total(best, X) - total(model, X)
    assert optimality_gap(best, X).gap < 1e-5


def test_other_rows_than_those_of_the_fit_are_welcome():
    model = BinomialMixture().fit(RATS)
    new = RATS[:10]
    gap = optimality_gap(model, new).gap
    best = BinomialMixture(5).fit(new)
    assert gap >= total(best, new) - total(model, new)
