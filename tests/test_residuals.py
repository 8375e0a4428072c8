"""Quantile residuals: exactly normal under the model, with all their digits in either tail."""

import numpy as np
import pytest
from _assertions import NEEDS_BETA, assert_refuses
from _models import held
from _references import load_set
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri
from scipy.stats import binom, kstest, norm

from skcoin import BinomialMixture, NonparametricBinomialMixture
from skcoin.inspection import quantile_residuals
from skcoin.inspection._residuals import draw_places

pytestmark = pytest.mark.filterwarnings("error")
RATS, _ = load_set("rat_tumours")
THETA, WEIGHTS = np.array([0.7, 0.2]), np.array([0.4, 0.6])


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_they_are_exactly_normal_under_the_model(n):
    """Each number of heads fills the place of its probability, from where the last one ended."""
    model, heads = held(THETA, WEIGHTS), np.arange(n + 1)
    X = np.column_stack([heads, n - heads])
    ends = [quantile_residuals(model, X, place=place) for place in (0, 1)]
    exact = (binom.cdf(heads[:, None], n, THETA) @ WEIGHTS)[:-1]
    assert_allclose(norm.cdf(ends[1][:-1]), exact, rtol=1e-12)
    assert_allclose(ends[0][1:], ends[1][:-1], rtol=1e-9, atol=1e-12)
    assert (ends[0][0], ends[1][-1]) == (-np.inf, np.inf)
    for place in (0.1, 0.5, 0.9):  # uniformly
        between = norm.cdf(quantile_residuals(model, X, place=place))
        low, high = norm.cdf(ends)
        assert_allclose(between, low + place * (high - low), rtol=1e-9)


@pytest.mark.parametrize("most", [1, 3, 2000])
def test_of_simulated_rows_they_are_normal_whatever_the_tosses(most):
    """Kolmogorov and Smirnov's test, with a false-alarm rate of 1e-6, were its seed not fixed."""
    rng = np.random.default_rng(most)
    n = rng.integers(1, most + 1, size=1000)
    heads = rng.binomial(n, rng.choice(THETA, size=1000, p=WEIGHTS))
    model = held(THETA, WEIGHTS)
    residuals = quantile_residuals(model, np.column_stack([heads, n - heads]), random_state=0)
    assert kstest(residuals, "norm").pvalue > 1e-6


def test_of_coins_that_vary_they_spread_more():
    rng = np.random.default_rng(0)
    heads = rng.binomial(100, rng.beta(6, 14, size=500))
    X = np.column_stack([heads, 100 - heads])
    assert quantile_residuals(BinomialMixture(1).fit(X), X, 0).std() > 1.5


@pytest.mark.parametrize("theta", [0.5, 0.01])
def test_they_have_all_their_digits_far_from_the_middle(theta):
    """Of one toss a row, the tails are 1 - theta and theta; of a hundred, those of scipy."""
    model, n = held([theta]), 100
    heads = np.array([0, 30, 60, 95, 100])
    X = np.column_stack([heads, n - heads])
    upper, lower = (quantile_residuals(model, X, place=place) for place in (0, 1))
    log_sf, log_cdf = binom.logsf(heads - 1, n, theta), binom.logcdf(heads, n, theta)
    rare = log_sf < -1
    assert_allclose(norm.logsf(upper[rare]), log_sf[rare], rtol=1e-9)
    assert_allclose(norm.logcdf(lower[~rare]), log_cdf[~rare], rtol=1e-9)
    assert theta == 0.5 or upper[-1] > 29


@NEEDS_BETA
@pytest.mark.parametrize("n", [10**6, 10**12, 2**52])
def test_of_very_many_tosses_of_a_fair_coin_they_are_standardised_heads(n):
    """Its tails are those of a normal distribution, up to z^3 / n; of deep ones, to 1 / z^3."""
    z = np.array([-30, -12, -7, -5.5, -4, -1, 0, 1, 4, 5.5, 7, 12, 30])
    heads = n // 2 + np.rint(z * np.sqrt(n) / 2).astype(np.int64)
    q = quantile_residuals(held([0.5]), np.column_stack([heads, n - heads]), place=0.5)
    assert_allclose(q, (heads - n / 2) / (np.sqrt(n) / 2), atol=0.01)
    assert_allclose(q, -q[::-1], atol=1e-6)


def test_those_of_one_coin_are_those_of_r():
    """Of the same fit, p: qnorm((pbinom(h - 1, n, p) + pbinom(h, n, p)) / 2)."""
    residuals = quantile_residuals(BinomialMixture(1).fit(RATS), RATS, place=0.5)
    exact = [-2.1007989085515222, 0.0231197946557748, 1.2616865014016392]
    assert_allclose(residuals[[0, 39, 70]], exact, rtol=1e-10)


def test_sides_are_mirrored():
    model, turned = held(THETA, WEIGHTS), held(1 - THETA, WEIGHTS)
    there = quantile_residuals(model, RATS, place=0.3)
    assert_allclose(quantile_residuals(turned, RATS[:, ::-1], place=0.7), -there, rtol=1e-9)


def test_a_row_without_tosses_has_none():
    residuals = quantile_residuals(held(THETA, WEIGHTS), [[0, 0], [3, 1], [0, 0]], 0)
    assert_array_equal(np.isnan(residuals), [True, False, True])


def test_of_a_row_that_no_coin_can_show_they_are_infinite():
    model = held([1.0, 0.0], [0.5, 0.5])
    with pytest.warns(UserWarning, match="no coin"):
        assert np.isinf(quantile_residuals(model, [[3, 1]], 0)).all()
    zero = held([0.0], X=[[0, 3]])
    with pytest.warns(UserWarning, match="no coin"):
        assert quantile_residuals(zero, [[1, 2], [0, 3]], place=0.5)[0] == np.inf


def test_the_same_seed_draws_the_same_and_equal_rows_draw_their_own():
    model, X = BinomialMixture(2).fit(RATS), np.tile(RATS, (2, 1))
    one, same, other = (quantile_residuals(model, X, seed) for seed in (0, 0, 1))
    assert_array_equal(one, same)
    assert np.all(one != other)
    assert np.all(one[:71] != one[71:])
    state = np.random.RandomState(0)
    assert_array_equal(quantile_residuals(model, X, state), one)
    assert np.all(quantile_residuals(model, X, state) != one)


def test_that_are_drawn_lie_between_the_ends():
    model = NonparametricBinomialMixture().fit(RATS)
    low, high = (quantile_residuals(model, RATS, place=place) for place in (0, 1))
    for seed in range(20):
        drawn = quantile_residuals(model, RATS, seed)
        assert np.all((low < drawn) & (drawn < high))


def test_places_are_never_at_an_end():
    class Zero:
        def uniform(self, size):
            return np.zeros(size)

    assert np.all(np.isfinite(ndtri(draw_places(Zero(), 3))))


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        (-0.1, ValueError, "place == -0.1, must be >= 0"),
        (1.5, ValueError, "place == 1.5, must be <= 1"),
        (np.nan, ValueError, "place is NaN"),
        ("middle", TypeError, "place must be an instance of"),
    ],
)
def test_a_place_that_is_none_is_refused(place, error, words):
    model = BinomialMixture(1).fit(RATS)
    assert_refuses(lambda: quantile_residuals(model, RATS, place=place), words, error=error)


def test_fractional_counts_are_refused():
    X = [[1.5, 2.5], [3, 1]]
    model = BinomialMixture(1).fit(X)
    assert_refuses(lambda: quantile_residuals(model, X), "X holds a count of 1.5", "whole number")
