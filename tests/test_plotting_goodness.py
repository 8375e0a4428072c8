"""The rootogram and the residuals: what they compute, against enumeration, and what they draw."""

import numpy as np
import pytest
from _assertions import assert_refuses
from _models import held
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri
from scipy.stats import binom

from skcoin import BinomialMixture
from skcoin.datasets import load_rat_tumours, load_saxony
from skcoin.inspection import _residuals, quantile_residuals
from skcoin.plotting import ResidualDisplay, RootogramDisplay

pytestmark = [pytest.mark.usefixtures("no_window"), pytest.mark.filterwarnings("error")]
RATS = load_rat_tumours().data
SAXONY = load_saxony()
FAMILIES = SAXONY.data, SAXONY.sample_weight
THETA, WEIGHTS = np.array([0.7, 0.2]), np.array([0.4, 0.6])


def one_coin_of_saxony():
    X, rows = FAMILIES
    return BinomialMixture(1).fit(X, sample_weight=rows)


def overdispersed(n_rows=600):
    rng = np.random.default_rng(0)
    n = rng.integers(20, 200, size=n_rows)
    heads = rng.binomial(n, rng.beta(6, 14, size=n_rows))
    return np.column_stack([heads, n - heads])


class TestRootogram:
    def test_each_number_of_heads_is_a_bin_where_all_rows_are_alike(self):
        X, rows = FAMILIES
        model = one_coin_of_saxony()
        display = RootogramDisplay.from_estimator(model, X, sample_weight=rows)
        assert display.n_tosses == 12
        assert_array_equal(display.edges, np.arange(14) - 0.5)
        assert_array_equal(display.observed, rows[np.argsort(X[:, 0])])
        assert_allclose(display.expected, 6115 * binom.pmf(range(13), 12, model.theta_), rtol=1e-9)
        assert display.ax_.get_xlabel() == "heads of 12 tosses"

    @pytest.mark.parametrize("bins", [1, 2, 7, 30])
    def test_rows_are_spread_over_the_quantiles_between_those_of_their_heads(self, bins, rats):
        display = RootogramDisplay.from_estimator(rats, RATS, bins=bins)
        assert_allclose(display.edges, np.linspace(0, 1, bins + 1))
        observed = np.zeros(bins)
        for h, t in RATS:
            low, high = (binom.cdf(k, h + t, rats.theta_) @ rats.weights_ for k in (h - 1, h))
            for j, (a, b) in enumerate(zip(display.edges, display.edges[1:], strict=False)):
                observed[j] += max(min(b, high) - max(a, low), 0) / (high - low)
        assert_allclose(display.observed, observed, rtol=1e-9, atol=1e-9)
        assert display.observed.sum() == pytest.approx(71)
        assert_allclose(display.expected, 71 / bins)

    def test_of_rows_that_are_just_as_foretold_all_quantiles_hold_the_same(self):
        """All heads of several numbers of tosses, each with the weight that is expected of it."""
        X = np.array([[h, n - h] for n in (3, 10, 80) for h in range(n + 1)])
        n = X.sum(axis=1, keepdims=True)
        rows = 20 * binom.pmf(X[:, :1], n, THETA) @ WEIGHTS
        display = RootogramDisplay.from_estimator(held(THETA, WEIGHTS), X, sample_weight=rows)
        assert display.n_tosses is None
        assert_allclose(display.observed, display.expected, rtol=1e-9)

    def test_of_coins_that_vary_the_outer_bins_hold_too_many(self):
        X = overdispersed()
        display = RootogramDisplay.from_estimator(BinomialMixture(1).fit(X), X)
        excess = np.sqrt(display.observed) - np.sqrt(display.expected)
        assert min(excess[0], excess[-1]) > 1
        assert excess[len(excess) // 2] < -1

    @pytest.mark.parametrize(("n_rows", "n_bins"), [(4, 5), (71, 8), (600, 20)])
    def test_there_are_as_many_bins_as_the_rows_allow(self, n_rows, n_bins):
        X = np.resize(overdispersed(), (n_rows, 2))
        display = RootogramDisplay.from_estimator(BinomialMixture(1).fit(X), X)
        assert len(display.observed) == n_bins

    def test_rows_of_one_large_number_of_tosses_are_in_quantiles(self):
        heads = np.random.default_rng(0).binomial(1000, 0.3, size=50)
        X = np.column_stack([heads, 1000 - heads])
        display = RootogramDisplay.from_estimator(BinomialMixture(1).fit(X), X)
        assert display.n_tosses is None
        assert display.observed.sum() == pytest.approx(50)

    def test_bars_hang_from_the_roots_of_what_is_expected(self):
        X, rows = FAMILIES
        display = RootogramDisplay.from_estimator(one_coin_of_saxony(), X, sample_weight=rows)
        bottom, top = np.transpose([np.sort(bar.get_bbox().intervaly) for bar in display.bars_])
        assert_allclose(top, np.sqrt(display.expected))
        assert_allclose(top - bottom, np.sqrt(display.observed))
        assert_array_equal(display.expected_.get_ydata(), top)
        assert_array_equal(display.expected_.get_xdata(), np.arange(13))
        assert [line.get_ydata()[0] for line in display.limits_] == [1, -1]
        low, high = display.ax_.get_ylim()
        assert low < min(bottom.min(), -1)
        assert high > top.max()

    @pytest.mark.parametrize(
        ("bins", "error", "words"),
        [
            (0, ValueError, "bins == 0, must be >= 1"),
            (2.5, TypeError, "bins must be an instance of"),
            ([0, 1], TypeError, "bins must be an instance of"),
        ],
    )
    def test_bins_that_cannot_be_are_refused(self, bins, error, words, rats):
        call = lambda: RootogramDisplay.from_estimator(rats, RATS, bins=bins)  # noqa: E731
        assert_refuses(call, words, error=error)

    def test_fractional_counts_are_refused(self):
        X = [[1.5, 2], [3, 4]]
        call = lambda: RootogramDisplay.from_estimator(BinomialMixture(1).fit(X), X)  # noqa: E731
        assert_refuses(call, "X holds a count of 1.5: it must be a whole number")


QUICK = {"n_boot": 19, "random_state": 0}


class TestResiduals:
    def test_points_are_the_residuals_in_their_order_against_normal_ones(self, rats):
        display = ResidualDisplay.from_estimator(rats, RATS, **QUICK)
        assert_allclose(display.theoretical, ndtri((np.arange(71) + 0.5) / 71))
        assert np.all(np.diff(display.residuals) >= 0)
        ends = [np.sort(quantile_residuals(rats, RATS, place=place)) for place in (0, 1)]
        assert np.all((ends[0] <= display.residuals) & (display.residuals <= ends[1]))
        drawn = np.column_stack([display.theoretical, display.residuals])
        assert_array_equal(display.points_.get_xydata(), drawn)
        assert display.n_rows == 71

    def test_the_band_holds_what_is_drawn_from_the_model_and_not_what_varies_more(self):
        """95 % of each point; of all points together nine tenths at least are inside."""
        rng = np.random.default_rng(0)
        n = rng.integers(20, 200, size=300)
        heads = rng.binomial(n, 0.3)
        for X, is_true in ((np.column_stack([heads, n - heads]), True), (overdispersed(), False)):
            display = ResidualDisplay.from_estimator(BinomialMixture(1).fit(X), X, **QUICK)
            low, high = display.band.T
            assert np.all(low <= high)
            inside = (low <= display.residuals) & (display.residuals <= high)
            assert (inside.mean() > 0.8) == is_true
            assert (abs(display.residuals.std() - 1) < 0.2) == is_true

    def test_a_higher_level_has_a_wider_band(self, rats):
        few, many = (
            ResidualDisplay.from_estimator(rats, RATS, level=level, **QUICK).band
            for level in (0.5, 0.9)
        )
        assert np.all(many[:, 0] <= few[:, 0])
        assert np.all(few[:, 1] <= many[:, 1])
        assert np.any(many != few)

    def test_of_many_rows_some_quantiles_are_shown_and_some_residuals_are_drawn(self, monkeypatch):
        X, rows = FAMILIES
        model = one_coin_of_saxony()
        display = ResidualDisplay.from_estimator(model, X, sample_weight=rows, **QUICK)
        assert len(display.residuals) == len(display.band) == 500
        monkeypatch.setattr(_residuals, "MOST_DRAWN", 3000)
        fewer = ResidualDisplay.from_estimator(model, X, sample_weight=rows, **QUICK)
        assert len(fewer.residuals) == 500
        middle = np.abs(display.theoretical) < 2
        assert_allclose(fewer.residuals[middle], display.residuals[middle], atol=0.2)

    def test_the_same_seed_draws_the_same_whatever_the_workers(self, rats):
        one, two, other = (
            ResidualDisplay.from_estimator(rats, RATS, n_boot=30, random_state=seed, n_jobs=n)
            for seed, n in ((0, 1), (0, 2), (1, 1))
        )
        assert_array_equal(one.residuals, two.residuals)
        assert_array_equal(one.band, two.band)
        assert np.any(one.residuals != other.residuals)

    def test_diagonal_and_band_are_drawn(self, rats):
        display = ResidualDisplay.from_estimator(rats, RATS, level=0.9, **QUICK)
        assert display.line_.get_slope() == 1
        corners = display.band_.get_paths()[0].vertices
        assert corners[:, 1].min() == display.band.min()
        assert corners[:, 1].max() == display.band.max()
        words = [text.get_text() for text in display.ax_.get_legend().texts]
        assert words == ["90% of simulations", "71 rows"]

    @pytest.mark.parametrize(
        ("options", "words"),
        [({"level": 1}, "level == 1, must be < 1"), ({"n_boot": 0}, "n_boot == 0, must be >= 1")],
    )
    def test_options_that_cannot_be_are_refused(self, options, words, rats):
        assert_refuses(lambda: ResidualDisplay.from_estimator(rats, RATS, **options), words)

    def test_rows_that_are_not_counted_in_whole_numbers_are_refused(self, rats):
        rows = np.full(71, 1.25)
        words = "rows of the same heads and tails have the weight", "Scale the weights"
        call = lambda: ResidualDisplay.from_estimator(rats, RATS, sample_weight=rows)  # noqa: E731
        assert_refuses(call, *words)
