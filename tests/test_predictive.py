"""The heads that a mixture foretells: moments and tails, of any family, against other programs."""

import mpmath
import numpy as np
import pytest
from _assertions import NEEDS_BETA
from _models import held
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import betabinom, binom, norm

from skcoin._base import mixture_of
from skcoin._em.parameters import Parameters
from skcoin._families import BINOMIAL
from skcoin._families.beta_binomial import EXACT_BETA_BINOMIAL
from skcoin._mixture import Mixture
from skcoin.inspection import _predictive
from skcoin.inspection._predictive import expected_heads, log_tails, moments

pytestmark = pytest.mark.filterwarnings("error")


THETA, WEIGHTS = np.array([0.7, 0.2]), np.array([0.4, 0.6])


def binomials(theta=THETA, weights=WEIGHTS):
    components = np.array(theta)[:, None]
    return Mixture(BINOMIAL, Parameters(np.array(weights), components), 1, False)


def beta_binomials(rho):
    components = np.column_stack([THETA, rho])
    return Mixture(EXACT_BETA_BINOMIAL, Parameters(WEIGHTS, components), 5, False)


def beta_of(rho):
    size = 1 / np.array(rho) - 1
    return THETA * size, (1 - THETA) * size


OTHERS = {
    "binomial": (binomials(), lambda n: binom(n, THETA)),
    **{
        f"rho {rho}": (beta_binomials(rho), lambda n, rho=rho: betabinom(n, *beta_of(rho)))
        for rho in ([0.3, 0.05], [0.001, 0.9], [0.999, 1e-6])  # of bells and of bowls
    },
}
others = pytest.mark.parametrize(("mixture", "other"), OTHERS.values(), ids=OTHERS)


class TestMoments:
    @others
    @pytest.mark.parametrize("n", [1, 2, 10, 400])
    def test_are_those_of_other_programs(self, mixture, other, n):
        mean, variance = moments(mixture, np.array([float(n)]))
        assert_allclose(mean[:, 0], other(n).mean(), rtol=1e-12)
        assert_allclose(variance[:, 0], other(n).var(), rtol=1e-10)

    @pytest.mark.parametrize("theta", [0.0, 1e-300, 1e-9, 0.3, 0.5, 1 - 1e-9, 1.0])
    def test_of_a_coin_stay_its_own_up_to_the_most_tosses(self, theta):
        """A covariance that is nothing but rounding would be multiplied by their square."""
        n = np.array([1, 1e6, 2.0**53])
        mean, variance = moments(binomials([theta], [1]), n)
        assert_allclose(mean[0], n * theta, rtol=1e-12)
        assert_allclose(variance[0], n * theta * (1 - theta), rtol=1e-9)


class TestTails:
    @others
    @pytest.mark.parametrize("n", [1, 7, 60, 2000])
    def test_are_those_of_other_programs(self, mixture, other, n):
        heads = np.arange(n + 1.0)
        found = np.exp(log_tails(mixture, heads, n - heads))
        mixed = [
            [WEIGHTS @ of(h) for h in at]
            for of, at in (
                (other(n).cdf, heads - 1),
                (other(n).pmf, heads),
                (other(n).sf, heads),
            )
        ]
        assert_allclose(found, mixed, rtol=1e-8, atol=1e-13)  # scipy's betabinom has no more
        assert_allclose(found.sum(axis=0), 1, rtol=1e-11)

    @pytest.mark.parametrize("n", [20, 100, 3000])
    @pytest.mark.parametrize(
        ("theta", "weights"), [(THETA, WEIGHTS), ([0.01], [1]), ([0.5, 0.001], [1e-9, 1 - 1e-9])]
    )
    def test_have_all_their_digits_however_small_they_are(self, n, theta, weights):
        """Also of heads that are beyond all that are summed for others."""
        heads = np.union1d(np.arange(0, n + 1, max(n // 50, 1)), [n]).astype(float)
        found = log_tails(binomials(theta, weights), heads, n - heads)
        with mpmath.workdps(40):
            f = [
                sum(
                    mpmath.mpf(w)
                    * mpmath.binomial(n, h)
                    * mpmath.mpf(t) ** h
                    * (1 - mpmath.mpf(t)) ** (n - h)
                    for t, w in zip(theta, weights, strict=True)
                )
                for h in range(n + 1)
            ]
            for i, h in enumerate(heads.astype(int)):
                for sum_, terms in zip(found[:, i], (f[:h], [f[h]], f[h + 1 :]), strict=True):
                    exact = float(mpmath.log(mpmath.fsum(terms))) if terms else -np.inf
                    assert sum_ == pytest.approx(exact, rel=1e-12, abs=1e-12)

    def test_of_ten_million_tosses_are_those_of_scipy(self):
        n, heads = 10**7, np.array([1_998_000.0, 2e6, 4e6, 6_999_000, 7_003_000])
        found = np.exp(log_tails(binomials(), heads, n - heads))
        below, above = binom.cdf(heads[:, None] - 1, n, THETA), binom.sf(heads[:, None], n, THETA)
        assert_allclose(found[0], below @ WEIGHTS, rtol=1e-9)
        assert_allclose(found[2], above @ WEIGHTS, rtol=1e-9)

    def test_do_not_depend_on_the_rows_beside_nor_on_batches(self, monkeypatch):
        rng = np.random.default_rng(0)
        n = rng.integers(1, 300, size=200)
        heads = rng.binomial(n, 0.4).astype(float)
        together = log_tails(binomials(), heads, n - heads)
        for i in range(0, 200, 23):
            alone = log_tails(binomials(), heads[[i]], n[[i]] - heads[[i]])
            assert_allclose(together[:, i], alone[:, 0], rtol=1e-13)
        monkeypatch.setattr(_predictive, "TERMS", 500)
        assert_allclose(log_tails(binomials(), heads, n - heads), together, rtol=1e-13)

    def test_of_coins_that_never_vary_and_of_one_without_weight(self):
        mixture = binomials([1.0, 0.0, 0.5], [0.25, 0.75, 0.0])
        found = np.exp(log_tails(mixture, np.array([0.0, 2, 4]), np.array([4.0, 2, 0])))
        assert_allclose(found, [[0, 0.75, 0.75], [0.75, 0, 0.25], [0.25, 0.25, 0]])

    @NEEDS_BETA
    @pytest.mark.parametrize("n", [1e12, 2.0**53])
    def test_of_deep_rows_are_nearly_those_of_normal_distributions(self, n):
        """Off by their skewness, a tenth of a millionth or less; both coins are far apart."""
        z = np.array([-4, -1, 0, 1, 4])
        heads = np.rint(n * 0.2 + np.sqrt(n * 0.16) * z)
        below, at, above = np.exp(log_tails(binomials(), heads, n - heads))
        exact = norm.cdf((heads + 0.5 - n * 0.2) / np.sqrt(n * 0.16))
        assert_allclose(below + at, 0.6 * exact, atol=1e-6)
        assert_allclose(above, 0.4 + 0.6 * (1 - exact), atol=1e-6)

    def test_of_deep_rows_go_on_from_those_that_are_summed(self, monkeypatch):
        n, heads = 10_000, np.array([1800.0, 2000, 4000, 7000, 7200])
        summed = np.exp(log_tails(binomials(), heads, n - heads))
        monkeypatch.setattr(_predictive, "MOST_TERMS", 100)
        deep = np.exp(log_tails(binomials(), heads, n - heads))
        assert_allclose(deep, summed, rtol=1e-9, atol=1e-14)


@others
def test_expected_heads_are_those_of_other_programs(mixture, other):
    exact = [WEIGHTS @ other(9).pmf(h) for h in range(10)]
    assert_allclose(expected_heads(mixture, 9), exact, rtol=1e-8)  # scipy's betabinom


def test_the_order_of_tosses_plays_no_part():
    ordered = mixture_of(held(THETA, WEIGHTS, [[1, 0], [0, 1]], layout="tosses"))
    heads, tails = np.array([3.0, 0]), np.array([2.0, 4])
    assert ordered.in_order
    assert_array_equal(log_tails(ordered, heads, tails), log_tails(binomials(), heads, tails))
    assert_array_equal(expected_heads(ordered, 5), expected_heads(binomials(), 5))
