"""Rows are drawn as the model says, or as the data do."""

import tracemalloc

import numpy as np
import pytest
from _models import held
from _references import load_set
from _replicates import APART, drawn_again
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom, chi2

from skcoin import BinomialMixture
from skcoin._families import BINOMIAL, Family
from skcoin.inspection import bootstrap
from skcoin.inspection._inspected import check_fitted
from skcoin.inspection._resampling import ROWS, SIDE_BY_SIDE, Simulation, draw_tables

pytestmark = pytest.mark.filterwarnings("error")
RATS, _ = load_set("rat_tumours")
FALSE_ALARM = 1e-6  # of each test of a distribution, were its seed not fixed


def rows_by_tosses(counts):
    """How many rows, of known coins and of hidden ones, have each number of tosses."""
    groups = {}
    for coin, tosses, rows in zip(counts.label, counts.tosses, counts.multiplicity, strict=True):
        groups[coin >= 0, tosses] = groups.get((coin >= 0, tosses), 0) + rows
    return groups


def simulation(*fit):
    fitted = check_fitted(*fit)
    return Simulation(fitted.counts, fitted.mixture)


def assert_distributed(draws, n_tosses, n_rows, theta, weights, known):
    """Pearson's chi-square of all rows; where the coin is known, of coin and heads together.

    Cells that are expected less than five times are put together.
    """
    seen = np.zeros((n_tosses + 1, len(theta)))
    for counts in draws:
        assert np.all((counts.label >= 0) == known)
        np.add.at(seen, (counts.heads.astype(int), counts.label), counts.multiplicity)
    of_each = binom.pmf(np.arange(n_tosses + 1)[:, None], n_tosses, theta) * weights
    expected = len(draws) * n_rows * of_each
    if not known:
        seen, expected = seen.sum(axis=1), expected.sum(axis=1)
    assert seen.sum() == len(draws) * n_rows
    assert not seen[expected == 0].any()
    often = expected >= 5
    seen = np.append(seen[often], seen[~often].sum())
    expected = np.append(expected[often], expected[~often].sum())
    seen, expected = seen[expected > 0], expected[expected > 0]
    statistic = ((seen - expected) ** 2 / expected).sum()
    assert len(seen) > 1
    assert chi2.sf(statistic, len(seen) - 1) > FALSE_ALARM


class TestSimulatedRows:
    SEVERAL_COINS = (np.repeat([-1, 0, 1], [30, 4, 6]), [[2, 3], [4, 0]] * 20)

    @pytest.mark.parametrize(
        ("X", "sample_weight", "coins"),
        [
            (RATS, None, None),
            (APART, None, None),
            ([[1, 2], [0, 30], [4, 4]], [1e6, 3, 0], None),
            (SEVERAL_COINS[1], None, SEVERAL_COINS[0]),
            (SEVERAL_COINS[1], np.arange(40), SEVERAL_COINS[0]),
        ],
    )
    def test_each_has_as_many_tosses_as_one_that_was_seen(self, X, sample_weight, coins):
        model = held([0.7, 0.1], [0.3, 0.7])
        seen = check_fitted(model, X, sample_weight, coins).counts
        draws = drawn_again(
            model, X, sample_weight, coins, n_boot=10, parametric=True, random_state=0
        )
        for counts in draws:
            assert rows_by_tosses(counts) == rows_by_tosses(seen)
            for column in (counts.heads, counts.tails, counts.multiplicity):
                assert_array_equal(column, np.rint(column))
            assert min(counts.heads.min(), counts.tails.min()) >= 0
            assert counts.multiplicity.min() > 0

    MODELS = (
        ([0.7, 0.1], [0.3, 0.7]),
        ([0.5, 0.3, 0.8], [0.2, 0.7, 0.1]),
        ([1.0, 0.4, 0.0], [0.3, 0.5, 0.2]),
        ([0.3, 0.9], [1.0, 0.0]),
    )

    @pytest.mark.parametrize("known", [False, True])
    @pytest.mark.parametrize(("theta", "weights"), MODELS)
    @pytest.mark.parametrize(("n_tosses", "n_rows"), [(5, 60), (12, 4), (12, 12), (12, 40), (1, 1)])
    def test_coins_and_heads_are_distributed_as_the_model_says(
        self, theta, weights, n_tosses, n_rows, known
    ):
        """There are 40 cases, each with the false-alarm rate above."""
        n_draws = max(60, 1200 // n_rows)
        draws = drawn_again(
            held(theta, weights),
            [[n_tosses, 0]],
            [n_rows],
            [0 if known else -1],
            n_boot=n_draws,
            parametric=True,
            random_state=n_rows,
        )
        assert_distributed(draws, n_tosses, n_rows, theta, weights, known)

    @pytest.mark.parametrize("known", [False, True])
    @pytest.mark.parametrize(("theta", "weights"), MODELS)
    def test_so_they_are_where_rows_and_tosses_are_both_many(self, theta, weights, known):
        """Nearly all heads have no chance there. Eight cases, each with the rate above."""
        n_tosses, n_rows, coin = 60_000, 50_000, 0 if known else -1
        model, tossed = held(theta, weights), [[n_tosses, 0]]
        first, stop = simulation(model, tossed, [n_rows], [coin])._reach(
            np.array([coin]), np.array([n_tosses])
        )
        assert (stop - first).sum() < n_rows < n_tosses
        options = {"n_boot": 4, "parametric": True, "random_state": 1}
        draws = drawn_again(model, tossed, [n_rows], [coin], **options)
        assert_distributed(draws, n_tosses, n_rows, theta, weights, known)

    @pytest.mark.slow
    def test_memory_is_that_of_the_pairs_drawn_and_not_of_rows_nor_tosses(self):
        """One array of all rows would take 40 MB at first, and 4 GB at last."""
        Z, model = np.array([[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]), held([0.8, 0.5])
        for n, most in ((10**6, 20e6), (10**7, 40e6), (10**8, 100e6)):
            rows = simulation(model, n * Z, [n] * 5)
            tracemalloc.start()
            table = rows.draw(np.random.default_rng(0))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert table.multiplicity.sum() == 5 * n
            assert_array_equal(table.tosses, 10 * n)
            assert peak < most

    @pytest.mark.slow
    def test_single_rows_are_drawn_in_parts_that_lose_none(self):
        n_rows = [ROWS // 2 + 1, ROWS // 3, 7, ROWS]
        X = [[2**40, 0], [2**41, 0], [2**42, 0], [2**43, 0]]
        [counts] = drawn_again(
            held([0.7, 0.1]), X, n_rows, n_boot=1, parametric=True, random_state=0
        )
        assert rows_by_tosses(counts) == {(False, x[0]): n for x, n in zip(X, n_rows, strict=True)}

    def test_large_tables_are_fitted_a_few_at_a_time(self):
        n = SIDE_BY_SIDE // 2  # pairs, or a few less
        rows = simulation(held([0.5]), [[2**50, 0]], [n])
        rngs = [np.random.default_rng(seed) for seed in range(5)]
        batches = list(draw_tables(rows, rngs))
        assert [len(tables) for tables, _ in batches] == [2, 2, 1]
        assert [rng for _, rng in batches] == [rngs[0], rngs[2], rngs[4]]

    @pytest.mark.parametrize(("n_tosses", "n_rows"), [(5, 40), (50, 40)])
    def test_rows_of_one_draw_are_independent(self, n_tosses, n_rows):
        """All heads of a draw together have n_rows times the variance of a row, and no more.

        The variance of 2,000 nearly normal sums is off by sqrt(2 / 2000) = 3 %, and by five times
        that with a false-alarm rate of 1e-6.
        """
        theta, weights = np.array([0.8, 0.3]), np.array([0.4, 0.6])
        draws = drawn_again(
            held(theta, weights),
            [[n_tosses, 0]],
            [n_rows],
            n_boot=2000,
            parametric=True,
            random_state=1,
        )
        heads = np.array([counts.multiplicity @ counts.heads for counts in draws])
        mean = weights @ theta
        variance = n_tosses * weights @ (theta * (1 - theta))
        variance += n_tosses**2 * weights @ (theta - mean) ** 2
        assert heads.mean() == pytest.approx(
            n_rows * n_tosses * mean, abs=5 * np.sqrt(n_rows * variance / 2000)
        )
        assert heads.var() == pytest.approx(n_rows * variance, rel=5 * np.sqrt(2 / 2000))

    @pytest.mark.parametrize("n_rows", [1, 4, 10])
    def test_tosses_are_whole_up_to_rounding(self, n_rows):
        """0.1 + 4.1 heads and 0.8 tails are five tosses, though their sum as floats is less."""
        heads, tails = 0.1 + 4.1, 0.8
        assert heads + tails < 5
        for counts in drawn_again(
            held([0.5]), [[heads, tails]], [n_rows], n_boot=20, parametric=True, random_state=0
        ):
            assert_array_equal(counts.tosses, 5)
            assert_array_equal(counts.heads, np.rint(counts.heads))
            assert counts.tails.min() >= 0

    def test_coins_that_always_show_heads_take_tosses_that_are_whole_up_to_rounding(self):
        X = [[0.1 + 4.1 + 0.8, 0]] * 10
        assert X[0][0] < 5
        fits = bootstrap(BinomialMixture(1).fit(X), X, n_boot=2, random_state=0)
        assert_array_equal(fits.theta, 1)


class TestResampledRows:
    TABLE = ([[3, 1], [0, 7], [2, 2], [5, 1]], [10, 3, 0, 7], [-1, -1, 0, 0])

    def test_there_are_as_many_and_only_such_as_were_seen(self):
        X, times, coins = self.TABLE
        seen = {(3, 1, -1), (0, 7, -1), (5, 1, 0)}  # not the one of weight zero
        model = held([0.7, 0.1])
        for counts in drawn_again(
            model, X, times, coins, n_boot=20, parametric=False, random_state=0
        ):
            assert counts.multiplicity.sum() == 20
            assert counts.multiplicity.min() > 0
            assert_array_equal(counts.multiplicity, np.rint(counts.multiplicity))
            assert set(zip(counts.heads, counts.tails, counts.label, strict=True)) <= seen

    def test_each_is_drawn_in_proportion_to_its_rows(self):
        """The mean and the variance of a multinomial; five standard errors, 1e-6 for each."""
        X, times = [[3, 1], [0, 7], [5, 1]], np.array([10, 3, 7])
        n_draws = 2000
        rows = np.zeros((n_draws, 3))
        for i, counts in enumerate(
            drawn_again(held([0.4]), X, times, n_boot=n_draws, parametric=False, random_state=0)
        ):
            place = np.select([counts.heads == 3, counts.heads == 0], [0, 1], 2)
            rows[i, place] = counts.multiplicity
        variance = times * (1 - times / 20)
        assert np.all(np.abs(rows.mean(axis=0) - times) < 5 * np.sqrt(variance / n_draws))
        # The kurtosis of counts this small adds a quarter to the error of a normal's variance.
        assert_allclose(rows.var(axis=0), variance, rtol=6 * np.sqrt(2 / n_draws))

    def test_weights_need_be_whole_in_total_only(self):
        fits = bootstrap(
            BinomialMixture(1).fit([[3, 1], [0, 7]], sample_weight=[1.5, 2.5]),
            [[3, 1], [0, 7]],
            [1.5, 2.5],
            n_boot=50,
            parametric=False,
            random_state=0,
        )
        # Four rows, j of which are (3, 1).
        possible = [3 * j / (4 * j + 7 * (4 - j)) for j in range(5)]
        assert {value.round(12) for value in fits.theta.ravel()} <= set(np.round(possible, 12))
        assert len(np.unique(fits.theta.round(12))) > 2

    def test_tosses_may_be_fractions(self):
        X = [[0.5, 1.75], [2.25, 0.5], [3, 1]]
        fits = bootstrap(BinomialMixture(1).fit(X), X, n_boot=20, parametric=False, random_state=0)
        assert np.all((fits.theta >= 0.5 / 2.25) & (fits.theta <= 2.25 / 2.75))
        assert np.ptp(fits.theta) > 0


class TestReach:
    """Of heads: what lies outside has a probability of zero, as far as floats go."""

    THETA = np.array([0.0, 1e-300, 1e-9, 0.003, 0.3, 0.5, 1 - 1e-9, 1.0])

    @pytest.mark.parametrize("tosses", [0, 1, 100, 5000, 10**6, 10**12])
    def test_heads_beyond_have_no_chance(self, tosses):
        low, high = BINOMIAL.reach(self.THETA[:, None], tosses)
        assert np.all((low >= 0) & (low <= high) & (high <= tosses))
        below, above = np.maximum(low - 1, 0), np.minimum(high + 1, tosses)
        assert not binom.pmf(below, tosses, self.THETA)[low > 0].any()
        assert not binom.pmf(above, tosses, self.THETA)[high < tosses].any()

    def test_they_are_about_the_square_root_of_many_tosses(self):
        low, high = BINOMIAL.reach(self.THETA[:, None], 10**12)
        assert np.all(high - low < 40 * 10**6)

    def test_a_family_that_says_nothing_may_show_all(self):
        low, high = Family().reach(np.full((3, 2), 0.5), np.array([[4], [7]]))
        assert_array_equal(low, np.zeros((2, 3)))
        assert_array_equal(high, [[4] * 3, [7] * 3])
