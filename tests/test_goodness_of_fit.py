"""Goodness of fit: statistics of the definition, a level that holds, and power.

Where the model has nothing to learn, its rows are simulated from what is true, so that the
statistics of the data and those of the simulations are exchangeable and the level is exact.
"""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from _assertions import assert_refuses, assert_same
from _models import fit_to_the_end, held
from _references import FIVE_SETS, load_set
from _replicates import tosses_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import betabinom, binom, power_divergence

from skcoin import (
    BinomialMixture,
    NonparametricBinomialMixture,
    ProductBinomialMixture,
    ThreeCoinModel,
    inspection,
    plotting,
)
from skcoin._progress.workers import repeat
from skcoin.inspection import goodness_of_fit
from skcoin.inspection._inspected import check_fitted
from skcoin.inspection._refits import Refits
from skcoin.inspection._resampling import Simulation

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
    pytest.mark.filterwarnings("ignore:.*or need fewer coins"),
]
RATS, _ = load_set("rat_tumours")
DISPLAYS = "ResidualDisplay", "RootogramDisplay"
QUICK = {"n_boot": 2, "random_state": 0}


def varying(theta, rho, n, n_rows, seed):
    """Heads and tails of rows whose theta varies around that of their coin."""
    rng = np.random.default_rng(seed)
    size = 1 / rho - 1
    coin = rng.choice(theta, size=n_rows)
    heads = rng.binomial(n, rng.beta(size * coin, size * (1 - coin)))
    return np.column_stack([heads, n - heads])


def cells(model, X, rows):
    """Observed and expected rows of all cells, by enumeration: one of heads for each depth."""
    tosses, seen, expected = X.sum(axis=1), [], []
    for n in np.unique(tosses):
        for h in range(n + 1):
            seen.append(rows[(tosses == n) & (X[:, 0] == h)].sum())
            f = model.weights_ @ binom.pmf(h, n, model.theta_)
            expected.append(rows[tosses == n].sum() * f)
    return np.array(seen), np.array(expected)


class TestStatistics:
    @pytest.mark.parametrize("n_coins", [1, 2, 3])
    @pytest.mark.parametrize(
        "name", ["rat_tumours", "saxony_families12", "tacks", "do_batzoglou_2008"]
    )
    def test_are_those_of_all_cells(self, name, n_coins):
        X, rows = load_set(name)
        model = BinomialMixture(n_coins).fit(X, sample_weight=rows)
        result = goodness_of_fit(model, X, rows, **QUICK)
        rows = np.ones(len(X)) if rows is None else rows
        seen, expected = cells(model, X, rows)
        assert seen.sum() == pytest.approx(expected.sum())
        for statistic, power in ((result.pearson, "pearson"), (result.deviance, "log-likelihood")):
            exact = power_divergence(seen, expected, lambda_=power).statistic
            assert statistic == pytest.approx(exact, rel=1e-9)

    def test_of_known_coins_are_of_cells_of_coin_and_heads(self):
        X = np.array([[2, 1], [0, 3], [3, 0], [2, 1], [1, 2], [1, 2], [0, 3]])
        coins = np.array([0, 1, 0, -1, -1, -1, 1])
        model = BinomialMixture(2).fit(X, coins=coins)
        result = goodness_of_fit(model, X, coins=coins, **QUICK)
        seen, expected = [], []
        for coin, h in product((0, 1), range(4)):
            seen.append(np.sum((coins == coin) & (X[:, 0] == h)))
            expected.append(4 * model.weights_[coin] * binom.pmf(h, 3, model.theta_[coin]))
        for h in range(4):
            seen.append(np.sum((coins < 0) & (X[:, 0] == h)))
            expected.append(3 * model.weights_ @ binom.pmf(h, 3, model.theta_))
        for statistic, power in ((result.pearson, 1), (result.deviance, 0)):
            exact = power_divergence(seen, expected, lambda_=power).statistic
            assert statistic == pytest.approx(exact, rel=1e-9)

    @pytest.mark.parametrize("n_coins", [1, 2, 3])
    def test_dispersion_is_the_mean_square_around_the_coins(self, n_coins):
        model = BinomialMixture(n_coins).fit(RATS)
        n = RATS.sum(axis=1)[:, None]
        varies = (model.theta_ > 0) & (model.theta_ < 1)  # the third coin is 0
        theta, posterior = model.theta_[varies], model.predict_proba(RATS)[:, varies]
        square = (RATS[:, :1] - n * theta) ** 2 / (n * theta * (1 - theta))
        exact = (posterior * square).sum() / posterior.sum()
        result = goodness_of_fit(model, RATS, **QUICK)
        assert result.dispersion_ratio == pytest.approx(exact, rel=1e-12)

    def test_dispersion_of_one_coin_is_that_of_a_glm(self):
        """R: m <- glm(cbind(heads, tails) ~ 1, binomial); mean(residuals(m, "pearson")^2)."""
        result = goodness_of_fit(BinomialMixture(1).fit(RATS), RATS, **QUICK)
        assert result.dispersion_ratio == pytest.approx(1.99898111880663, rel=1e-12)

    def test_around_known_coins_it_is_around_that_of_the_row(self):
        X, coins = FIVE_SETS["heads_tails"], [1, 0, 0, 1, 0]
        model = BinomialMixture().fit(X, coins=coins)
        theta = model.theta_[coins]
        exact = np.mean((X[:, 0] - 10 * theta) ** 2 / (10 * theta * (1 - theta)))
        result = goodness_of_fit(model, X, coins=coins, **QUICK)
        assert result.dispersion_ratio == pytest.approx(exact, rel=1e-12)

    def test_of_coins_that_do_not_vary_there_is_no_dispersion(self):
        X = [[3, 0], [0, 3], [3, 0]]
        result = goodness_of_fit(BinomialMixture(2).fit(X), X, **QUICK)
        assert np.isnan([result.dispersion_ratio, *result.null_dispersion_ratio]).all()
        assert result.dispersion_ratio_p_value == result.class_p_value == 1
        assert result.deviance == pytest.approx(0, abs=1e-9)

    def test_of_a_row_that_is_next_to_impossible_pearson_is_beyond_floats(self):
        X = [[5000, 0], [2500, 2500]]
        result = goodness_of_fit(held([0.5], None, X), X, n_boot=19, random_state=0)
        assert result.pearson == np.inf
        assert result.pearson_p_value == result.deviance_p_value == 0.05


class TestClassesOfTosses:
    @pytest.mark.parametrize("n_classes", [1, 2, 4, 1000])
    def test_part_the_rows_and_share_out_their_dispersion(self, n_classes):
        model, n = BinomialMixture(2).fit(RATS), RATS.sum(axis=1)
        result = goodness_of_fit(model, RATS, n_classes=n_classes, **QUICK)
        low, high = result.class_tosses.T
        assert np.all(low <= high)
        assert np.all(high[:-1] < low[1:])
        assert len(low) <= n_classes
        rows = [np.sum((n >= a) & (n <= b)) for a, b in result.class_tosses]
        assert_array_equal(result.class_rows, rows)
        assert sum(rows) == len(RATS)
        assert result.class_dispersion_ratio @ rows == pytest.approx(
            71 * result.dispersion_ratio, rel=1e-12
        )

    def test_of_one_number_of_tosses_there_is_one(self):
        X, rows = load_set("saxony_families12")
        model = BinomialMixture(1).fit(X, sample_weight=rows)
        result = goodness_of_fit(model, X, rows, **QUICK)
        assert_array_equal(result.class_tosses, [[12, 12]])
        assert result.class_dispersion_ratio == pytest.approx(result.dispersion_ratio)
        assert result.class_p_value == result.dispersion_ratio_p_value

    def test_hidden_coins_add_with_the_tosses_what_streaks_do_not(self):
        """By 1 + (n - 1) rho the one, up to (1 + c) / (1 - c) = 3 the others."""
        n = np.repeat([10, 100, 400], 300)
        hidden = varying([0.4], 0.05, n, len(n), seed=0)
        rng = np.random.default_rng(1)
        tosses = rng.uniform(size=(900, 400)) < 0.4
        for i in range(1, 400):
            again = rng.uniform(size=900) < 0.5
            tosses[again, i] = tosses[again, i - 1]
        heads = np.array([row[:k].sum() for row, k in zip(tosses, n, strict=True)])
        streaks = np.column_stack([heads, n - heads])
        ratios = [
            goodness_of_fit(
                BinomialMixture(1).fit(X), X, n_classes=3, **QUICK
            ).class_dispersion_ratio
            for X in (hidden, streaks)
        ]
        # Means of 300 squares, each with a standard error of some 8 %: four of them.
        assert_allclose(ratios[0], [1.45, 5.95, 20.95], rtol=0.35)
        assert_allclose(ratios[1], [2.6, 2.96, 2.99], rtol=0.35)


class TestPValues:
    def test_count_what_is_as_high_and_the_data(self):
        result = goodness_of_fit(BinomialMixture(2).fit(RATS), RATS, n_boot=39, random_state=1)
        for name in ("pearson", "deviance", "dispersion_ratio"):
            higher = np.sum(result[f"null_{name}"] >= result[name])
            assert result[f"{name}_p_value"] == (1 + higher) / 40

    def test_of_what_cannot_be_otherwise_are_one(self):
        """A single toss a row: whatever the rows, one coin fits them to rounding."""
        X = np.repeat([[1, 0], [0, 1]], [30, 13], axis=0)
        result = goodness_of_fit(BinomialMixture(1).fit(X), X, n_boot=9, random_state=0)
        assert result.pearson_p_value == result.deviance_p_value == 1
        assert result.dispersion_ratio_p_value == 1

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(2))
    def test_of_a_model_that_has_nothing_to_learn_hold_their_level(self, seed):
        """Of 100 sets each rejects a tenth at most: 26 or more with a probability below 1e-5."""
        rng = np.random.default_rng(seed)
        n = rng.integers(1, 30, size=40) if seed else np.full(40, 8)
        p_values = []
        for i in range(100):
            heads = rng.binomial(n, rng.choice([0.2, 0.7], size=40))
            X = np.column_stack([heads, n - heads])
            test = goodness_of_fit(held([0.2, 0.7], None, X), X, n_boot=9, random_state=i)
            p_values.append(
                [test.pearson_p_value, test.deviance_p_value, test.dispersion_ratio_p_value]
            )
        rejected = np.sum(np.array(p_values) <= 0.1, axis=0)
        assert binom.sf(25, 100, 0.1) < 1e-5
        assert np.all(rejected < 26)
        assert np.all(rejected > 0)

    @pytest.mark.slow
    def test_of_coins_that_were_fitted_hold_it_too(self):
        """The same bound; chi-square, which does not know of the fit, is not asked."""
        p_values = []
        for seed in range(100):
            X = tosses_of([0.2, 0.6], 60, 12, seed=seed)
            test = goodness_of_fit(BinomialMixture(2).fit(X), X, n_boot=9, random_state=seed)
            p_values.append(
                [test.pearson_p_value, test.deviance_p_value, test.dispersion_ratio_p_value]
            )
        rejected = np.sum(np.array(p_values) <= 0.1, axis=0)
        assert np.all(rejected < 26)
        assert np.all(rejected > 0)

    @pytest.mark.parametrize("theta", [[0.3], [0.2, 0.7]])
    def test_of_coins_that_vary_from_row_to_row_are_small(self, theta):
        """Two coins as well, though they take up the variance around the mean of the mixture."""
        n = np.random.default_rng(0).integers(30, 120, size=300)
        X = varying(theta, 0.05, n, 300, seed=1)
        model = BinomialMixture(len(theta)).fit(X)
        result = goodness_of_fit(model, X, n_boot=49, random_state=0)
        assert result.dispersion_ratio > 1.5
        assert result.dispersion_ratio_p_value == 0.02

    def test_of_too_few_coins_are_small(self):
        X = tosses_of([0.1, 0.5, 0.9], 200, 20, seed=0)
        result = goodness_of_fit(BinomialMixture(2).fit(X), X, n_boot=49, random_state=0)
        assert result.pearson_p_value == result.deviance_p_value == 0.02
        assert result.dispersion_ratio_p_value == 0.02

    def test_of_tosses_that_vary_too_little_are_not_small_for_the_dispersion(self):
        X = np.tile([[6, 4]], (50, 1))
        result = goodness_of_fit(BinomialMixture(1).fit(X), X, n_boot=19, random_state=0)
        assert result.dispersion_ratio == pytest.approx(0, abs=1e-12)
        assert result.dispersion_ratio_p_value == 1
        assert result.deviance_p_value == 0.05


class TestSimulations:
    def test_do_not_depend_on_the_number_of_workers(self):
        model = BinomialMixture(2).fit(RATS)
        options = {"n_boot": 30, "random_state": 3}
        one, two = (goodness_of_fit(model, RATS, n_jobs=n, **options) for n in (1, 2))
        assert_same(one, two)

    def test_learn_the_number_of_coins_where_it_was_learned(self):
        model = NonparametricBinomialMixture().fit(RATS)
        fitted = check_fitted(model, RATS)
        rows = Simulation(fitted.counts, fitted.mixture)
        task = Refits(rows, fitted, lambda mixture, *_: len(mixture.weights))
        options = {"random_state": 0, "n_jobs": None, "verbose": 0, "callbacks": ()}
        assert len(set(repeat(task, 20, **options))) > 1

    def test_are_fitted_as_well_as_the_data(self):
        """To the rows of each, no model of the same kind has a higher likelihood than its fit."""
        fitted = check_fitted(BinomialMixture(2).fit(RATS), RATS)
        rows = Simulation(fitted.counts, fitted.mixture)

        def read(mixture, counts, _):
            X = np.column_stack([counts.heads, counts.tails])
            again = BinomialMixture(2).fit(X, sample_weight=counts.multiplicity)
            return again.score(X, counts.multiplicity) * 71 - mixture.total_log_likelihood(counts)

        options = {"random_state": 0, "n_jobs": None, "verbose": 0, "callbacks": ()}
        gains = repeat(Refits(rows, fitted, read), 20, **options)
        assert np.max(gains) < 1e-5

    def test_take_the_memory_of_the_table_and_not_of_the_rows(self):
        X, rows = load_set("saxony_families12")
        rows = rows * 10_000  # 61 million
        model = BinomialMixture(2).fit(X, sample_weight=rows)
        goodness_of_fit(model, X, rows, **QUICK)
        tracemalloc.start()
        goodness_of_fit(model, X, rows, **QUICK)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5e6

    def test_print_nothing_unless_asked(self, capfd):
        model = BinomialMixture(1).fit(RATS)
        goodness_of_fit(model, RATS, **QUICK)
        assert capfd.readouterr() == ("", "")
        goodness_of_fit(model, RATS, verbose=11, **QUICK)
        assert "Done" in "".join(capfd.readouterr())


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"n_boot": 0}, ValueError, "n_boot == 0, must be >= 1"),
            ({"n_boot": 2.5}, TypeError, "n_boot must be an instance of int"),
            ({"n_classes": 0}, ValueError, "n_classes == 0, must be >= 1"),
            ({"n_classes": 1.5}, TypeError, "n_classes must be an instance of"),
            ({"callbacks": 3}, TypeError, "callbacks is 3, but must be a list"),
            ({"random_state": "a"}, ValueError, "'a' cannot be used to seed"),
        ],
    )
    def test_options_that_cannot_be_are_refused_by_name(self, options, error, words):
        call = lambda: goodness_of_fit(BinomialMixture(1).fit(RATS), RATS, **options)  # noqa: E731
        assert_refuses(call, words, error=error)

    def test_rows_that_are_not_counted_in_whole_numbers_are_refused(self):
        X, rows = [[3, 1], [1, 3], [2, 2]], [1.5, 2.5, 1]
        model = BinomialMixture(1).fit(X, sample_weight=rows)
        words = "rows of the same heads and tails have the weight", "a whole number", "Scale"
        assert_refuses(lambda: goodness_of_fit(model, X, rows), *words)
        halves = np.full(6, 0.5), X + X
        model.fit(halves[1], sample_weight=halves[0])
        assert goodness_of_fit(model, halves[1], halves[0], **QUICK).class_rows == 3

    def test_fractional_tosses_are_refused(self):
        X = [[1.5, 2.5], [3, 1]]
        words = "X holds a count of 1.5: it must be a whole number", "have a distribution"
        assert_refuses(lambda: goodness_of_fit(BinomialMixture(1).fit(X), X), *words)

    def test_counts_that_are_whole_up_to_rounding_are_one_cell(self):
        X = np.array([[0.29 * 100, 5], [29, 5], [30, 4]])
        assert len(check_fitted(BinomialMixture(1).fit(X), X).counts.heads) == 3
        found = goodness_of_fit(BinomialMixture(1).fit(X), X, **QUICK)
        exact = goodness_of_fit(BinomialMixture(1).fit(np.rint(X)), np.rint(X), **QUICK)
        assert found.deviance == pytest.approx(exact.deviance, rel=1e-9)

    @pytest.mark.parametrize(
        "model",
        [BinomialMixture(1), BinomialMixture(), ThreeCoinModel(), NonparametricBinomialMixture()],
    )
    def test_other_rows_than_those_of_the_fit_are_refused(self, model):
        model.fit(RATS)
        words = "model is not at a maximum for these rows", "Fit it on these rows and weights"
        assert_refuses(lambda: goodness_of_fit(model, RATS[:30]), *words)

    @pytest.mark.parametrize("name", ["goodness_of_fit", *DISPLAYS])
    def test_several_coins_a_row_are_refused_with_what_to_do(self, name):
        X = np.column_stack([RATS, RATS[::-1]])
        model = ProductBinomialMixture(2).fit(X)
        call = getattr(inspection, name, None) or getattr(plotting, name).from_estimator
        words = "is a ProductBinomialMixture", "several coins in each row", "coin by coin"
        assert_refuses(lambda: call(model, X), *words, error=TypeError)

    def test_a_climb_that_was_ended_is_refused(self):
        model = fit_to_the_end(BinomialMixture(max_iter=1, solver="em"), RATS)
        assert_refuses(lambda: goodness_of_fit(model, RATS), "model is not at a maximum")


def test_the_beta_binomial_itself_is_what_the_rows_vary_by():
    """Of rows in the shares of a beta-binomial, the dispersion around one coin is its inflation."""
    heads = np.arange(21)
    rows = np.rint(1e9 * betabinom.pmf(heads, 20, 3, 7))  # a correlation of 1 / 11
    X = np.column_stack([heads, 20 - heads])
    model = BinomialMixture(1).fit(X, sample_weight=rows)
    result = goodness_of_fit(model, X, rows, **QUICK)
    assert result.dispersion_ratio == pytest.approx(1 + 19 / 11, rel=1e-6)
