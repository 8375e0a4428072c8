"""The beta-binomial family and its estimator, against many digits, enumeration and scipy."""

from itertools import product

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
import sklearn
from _beta_binomial import log_probability, slope_by_dispersion
from _references import load_set
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import beta, betabinom, binom
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    IdentifiabilityWarning,
    NonparametricBinomialMixture,
    fit_groups,
    join_posterior,
)
from skcoin._families.beta_binomial import BETA_BINOMIAL, EXACT_BETA_BINOMIAL
from skcoin._families.rising import Closed, Tabulated
from skcoin._families.special import log_beta_binomial
from skcoin.datasets import load_rat_tumours

RATS = load_rat_tumours().data
SEPARATE = {"dispersion_type": "separate"}
TYPES = "separate", "tied"
every_type = pytest.mark.parametrize("dispersion_type", TYPES)


def held(theta, dispersion, weights=None, X=((1, 0), (0, 1)), **parameters):
    """A fitted mixture of which nothing is learned."""
    return BetaBinomialMixture(
        len(theta),
        **SEPARATE,
        theta_init=theta,
        dispersion_init=dispersion,
        weights_init=weights,
        learn_theta=False,
        learn_dispersion=False,
        learn_weights=False,
        **parameters,
    ).fit(X)


def some_heads(n, theta, rho, seed):
    """Heads from the model, and those at the ends and in the middle."""
    rng = np.random.default_rng(seed)
    rate = EXACT_BETA_BINOMIAL.rates(np.tile([theta, rho], (3, 1)), rng)
    return sorted({0, n, n // 2, *rng.binomial(n, rate).tolist()})


class TestDensity:
    @pytest.mark.parametrize("n", [1, 20, 1_000, 100_000, 1_000_000])
    def test_of_any_depth_is_that_of_many_digits(self, n):
        """To 1e-12, or 1e-15 of its size; that of scipy is off by 5e-3 at rho = 1e-12."""
        for seed, (theta, rho) in enumerate(
            product((1e-6, 1e-3, 0.3, 0.999), (0, 1e-12, 1e-8, 1e-4, 0.05, 0.9, 1))
        ):
            heads = some_heads(n, theta, rho, seed)
            rows = [[h, n - h] for h in heads]
            found = held([theta], [rho]).score_samples(rows)
            for (h, t), value in zip(rows, found, strict=True):
                exact = log_probability(theta, rho, h, t)
                if mp.isinf(exact):
                    assert value == -np.inf
                else:
                    error = abs(float(exact - mp.mpf(value)))
                    assert error <= 1e-12 * max(1, abs(value) / 1_000), (theta, rho, h, t)

    @pytest.mark.parametrize("rho", [1e-12, 1e-8, 1e-6, 0.01, 0.5, 0.99])
    @pytest.mark.parametrize("n", [2, 30, 1_000, 100_000, 1_000_000])
    def test_has_the_slope_of_many_digits(self, n, rho):
        """To 1e-9 of it, or what rounding leaves of its terms, in either way to add these up."""
        for seed, theta in enumerate((1e-4, 0.3, 0.9)):
            for h in some_heads(n, theta, rho, seed):
                exact = float(slope_by_dispersion(theta, rho, h, n - h))
                columns = np.array([[h], [n - h], [1]], dtype=float)
                score = BETA_BINOMIAL.score(
                    np.array([[theta, rho]]), BETA_BINOMIAL.tabulate(*columns)
                )
                rounding = 3e-16 * min(n**2, n / rho)
                assert_allclose(score[0, 1, 0], exact, rtol=1e-9, atol=rounding)

    @pytest.mark.parametrize("rho", [0, 1e-12, 1e-5, 0.03, 0.7, 1])
    def test_sums_in_closed_form_are_those_term_by_term(self, rho):
        """To 1e-10, which is what the formula of Euler and Maclaurin leaves out."""
        rng = np.random.default_rng(0)
        heads, tails = rng.integers(0, 300, size=(2, 40)).astype(float)
        counts = np.stack([heads, tails, heads + tails])
        c = np.array([[0.2, rho], [0.999, rho], [1e-5, rho]])
        weights = rng.uniform(size=(3, 40))
        tabulated, closed = Tabulated(c, counts), Closed(c, counts)
        size = np.abs(tabulated.slopes()).max()
        assert_allclose(closed.slopes(), tabulated.slopes(), rtol=1e-9, atol=1e-10 * size)
        sums = tabulated.weighted(weights)
        assert_allclose(closed.weighted(weights), sums, rtol=1e-9, atol=1e-10 * np.abs(sums).max())

    def test_adds_up_to_one_over_all_heads(self):
        for n, rho in product((1, 2, 13), (0, 1e-9, 0.2, 1)):
            rows = np.array([[h, n - h] for h in range(n + 1)])
            assert np.exp(held([0.3, 0.9], rho, [0.4, 0.6]).score_samples(rows)).sum() == (
                pytest.approx(1, rel=1e-13)
            )

    def test_is_that_of_scipy_in_the_middle(self):
        rows = np.array([[h, 40 - h] for h in range(41)])
        model = held([0.3], [0.1])
        assert_allclose(
            model.score_samples(rows), betabinom.logpmf(range(41), 40, 2.7, 6.3), rtol=1e-11
        )

    def test_a_row_no_coin_can_show_is_judged_by_the_limit_from_inside(self):
        """As coins a hair inside their ends judge it."""
        X = [[3, 2], [1, 4]]
        for theta, rho, seen in (
            ([0, 1], [0.2, 0.3], ((1, 0), (0, 1))),
            ([0.3, 0.6], [1, 1], ((1, 0), (0, 1))),
            ([0, 0], [0, 0.4], ((0, 1),)),
        ):
            inside = np.clip(theta, 1e-9, 1 - 1e-9), np.clip(rho, 0, 1 - 1e-9)
            with pytest.warns(UserWarning, match="no coin can show"):
                limit = held(theta, rho, X=seen).predict_proba(X)
            assert_allclose(limit, held(*inside).predict_proba(X), rtol=1e-5, atol=1e-6)

    def test_no_toss_or_one_is_that_of_the_binomial(self):
        rows = [[0, 0], [1, 0], [0, 1]]
        for rho in (0, 0.3, 1):
            expected = BinomialMixture(1, theta_init=[0.3], learn_theta=False).fit(rows)
            assert_allclose(
                held([0.3], [rho]).score_samples(rows),
                expected.score_samples(rows),
                atol=1e-15,
                rtol=1e-14,
            )

    def test_up_to_is_the_sum_of_what_is_below(self):
        n = np.array([1, 7, 40, 3_000])
        heads = np.array([[-1, 0, 1], [-1, 3, 7], [0, 20, 40], [100, 900, 2_900]])
        for rho, tolerance in ((0.05, 1e-4), (0, 1e-12)):
            found = EXACT_BETA_BINOMIAL.up_to(np.array([0.3, rho]), heads, n)
            expected = (
                betabinom.cdf(heads, n[:, None], 0.3 * 19, 0.7 * 19)
                if rho
                else binom.cdf(heads, n[:, None], 0.3)
            )
            assert_allclose(found[:3], expected[:3], atol=1e-12)
            assert_allclose(found[3], expected[3], atol=tolerance)
        all_or_nothing = EXACT_BETA_BINOMIAL.up_to(np.array([0.3, 1.0]), heads, n)
        assert_allclose(all_or_nothing[1], [0, 0.7, 1])


class TestFit:
    def test_with_a_dispersion_held_at_zero_is_the_binomial_mixture(self):
        for n_components in (1, 2, 3):
            varies = BetaBinomialMixture(
                n_components, dispersion_init=0, learn_dispersion=False
            ).fit(RATS)
            alike = BinomialMixture(n_components, tol=1e-12).fit(RATS)
            assert varies.lower_bound_ == pytest.approx(alike.lower_bound_, rel=1e-13)
            assert_allclose(varies.theta_, alike.theta_, rtol=1e-8)
            assert_array_equal(varies.dispersion_, 0)

    @every_type
    def test_mirrors_where_heads_and_tails_are_swapped(self, dispersion_type):
        model = BetaBinomialMixture(2, dispersion_type=dispersion_type)
        one, other = clone(model).fit(RATS), clone(model).fit(RATS[:, ::-1])
        assert_allclose(one.theta_, 1 - other.theta_[::-1], rtol=1e-6)
        assert_allclose(one.dispersion_, other.dispersion_[::-1], rtol=1e-5)
        assert one.lower_bound_ == pytest.approx(other.lower_bound_, rel=1e-13)

    @pytest.mark.slow
    @every_type
    def test_is_not_below_that_of_smaller_models_nor_above_the_best_distribution(
        self, dispersion_type
    ):
        for name in ("rat_tumours", "tacks", "surg_nodes"):
            X, weights = load_set(name)
            best = NonparametricBinomialMixture().fit(X, sample_weight=weights)
            highest = -np.inf
            for n_components in (1, 2, 3):
                model = BetaBinomialMixture(n_components, dispersion_type=dispersion_type)
                model.fit(X, sample_weight=weights)
                alike = BinomialMixture(n_components).fit(X, sample_weight=weights)
                assert model.lower_bound_ >= max(alike.lower_bound_, highest) - 1e-9
                highest = model.lower_bound_
            assert highest <= best.lower_bound_ + best.gap_ / len(X) + 1e-9

    @every_type
    @pytest.mark.parametrize("solver", ["em", "em-newton"])
    def test_never_falls_and_both_solvers_end_at_the_same_place(self, solver, dispersion_type):
        model = BetaBinomialMixture(
            2, dispersion_type=dispersion_type, solver=solver, max_iter=20_000
        ).fit(RATS)
        assert np.diff(model.lower_bounds_).min() >= -1e-13
        newton = BetaBinomialMixture(2, dispersion_type=dispersion_type).fit(RATS)
        assert model.converged_
        assert model.lower_bound_ == pytest.approx(newton.lower_bound_, abs=1e-6 / len(RATS))

    def test_with_all_coins_known_is_that_of_each_coin_alone(self):
        coins = (RATS[:, 0] * 8 < RATS.sum(axis=1)).astype(int)
        together = BetaBinomialMixture(2, **SEPARATE).fit(RATS, coins=coins)
        for k in (0, 1):
            alone = BetaBinomialMixture().fit(RATS[coins == k])
            assert_allclose(together.theta_[k], alone.theta_[0], rtol=1e-6)
            assert_allclose(together.dispersion_[k], alone.dispersion_[0], rtol=1e-5, atol=1e-9)
        assert_allclose(together.weights_, np.bincount(coins) / len(coins))

    def test_of_some_known_coins_is_at_a_maximum_of_what_they_say(self):
        """No change of one parameter gains; the objective is written out."""
        coins = np.where(np.arange(len(RATS)) < 8, 1, -1)
        coins[-6:] = 0
        model = BetaBinomialMixture(2, **SEPARATE, tol=1e-12).fit(RATS, coins=coins)

        def height(theta, rho, weights):
            other = held(theta, rho, weights)
            each = np.stack(
                [held([p], [r]).score_samples(RATS) for p, r in zip(theta, rho, strict=True)]
            )
            own = each[coins, np.arange(len(RATS))] + np.log(np.asarray(weights)[coins])
            return np.where(coins >= 0, own, other.score_samples(RATS)).sum()

        parameters = model.theta_, model.dispersion_, model.weights_
        top = height(*parameters)
        assert top == pytest.approx(model.lower_bound_ * len(RATS), rel=1e-12)
        for p, k, by in product((0, 1), (0, 1), (1e-3, -1e-3)):
            moved = [x.copy() for x in parameters]
            moved[p][k] = np.clip(moved[p][k] + by, 0, 1)
            assert height(*moved) <= top + 1e-9

    def test_a_prior_counts_as_tosses_of_a_coin_that_does_not_vary(self):
        """The mode of log-likelihood plus log Beta prior, found on a grid of one parameter."""
        model = BetaBinomialMixture(theta_prior=(3, 5), tol=1e-12).fit(RATS)
        rho = model.dispersion_[0]
        grid = np.linspace(0.05, 0.3, 2_001)
        height = log_beta_binomial(grid[:, None], rho, *RATS.T.astype(float)).sum(axis=1)
        height += 2 * np.log(grid) + 4 * np.log1p(-grid)
        assert abs(grid[np.argmax(height)] - model.theta_[0]) < 2e-4

    def test_a_row_without_tosses_changes_nothing(self):
        model = BetaBinomialMixture(2, **SEPARATE).fit(RATS)
        more = BetaBinomialMixture(2, **SEPARATE).fit(np.vstack([RATS, [[0, 0]] * 3]))
        for name in ("theta_", "dispersion_", "weights_"):
            assert_array_equal(getattr(model, name), getattr(more, name))
        assert_allclose(model.predict_proba([[0, 0]]), [model.weights_])

    def test_reaches_both_ends_of_the_dispersion_exactly(self):
        rows = [[3, 7], [4, 6], [2, 8], [3, 7]]
        assert BetaBinomialMixture().fit(rows).dispersion_[0] == 0
        all_or_nothing = [[5, 0]] * 3 + [[0, 4]] * 2 + [[3, 0]]
        model = BetaBinomialMixture().fit(all_or_nothing)
        assert model.dispersion_[0] == 1
        assert model.theta_[0] == pytest.approx(4 / 6)
        assert model.concentration_[0] == 0

    def test_a_coin_at_an_end_has_no_dispersion(self):
        X = [[0, 10]] * 5 + [[5, 5], [6, 4], [4, 6], [5, 5], [7, 3]]
        model = BetaBinomialMixture(2, **SEPARATE).fit(X)
        assert model.theta_[1] == 0
        assert model.dispersion_[1] == 0
        assert model.dispersion_path_[-1, 1] == 0

    @every_type
    def test_chunks_are_one_fit(self, dispersion_type):
        whole = BetaBinomialMixture(2, dispersion_type=dispersion_type).fit(RATS)
        parts = BetaBinomialMixture(2, dispersion_type=dispersion_type)
        for chunk in np.array_split(RATS, 4):
            parts.partial_fit(chunk)
        assert_allclose(parts.theta_, whole.theta_, rtol=1e-6)
        assert_allclose(parts.dispersion_, whole.dispersion_, rtol=1e-5)
        assert parts.lower_bound_ == pytest.approx(whole.lower_bound_, rel=1e-12)

    @pytest.mark.slow
    def test_deep_rows_tell_both_coins_and_their_dispersion(self):
        """400 rows of up to a million tosses, within six standard errors of the truth."""
        rng = np.random.default_rng(3)
        n = rng.integers(100_000, 1_000_000, size=400)
        of_first = rng.random(400) < 0.4
        rate = np.where(of_first, rng.beta(30, 70, 400), rng.beta(20, 980, 400))
        heads = rng.binomial(n, rate)
        model = BetaBinomialMixture(2, **SEPARATE).fit(np.column_stack([heads, n - heads]))
        assert_allclose(model.theta_, [0.3, 0.02], atol=6 * 0.0037)
        assert_allclose(model.dispersion_, [1 / 101, 1 / 1_001], rtol=0.6)

    def test_one_of_several_dispersions_may_be_held(self):
        model = BetaBinomialMixture(
            2, **SEPARATE, dispersion_init=[0.05, np.nan], learn_dispersion=[False, True]
        ).fit(RATS)
        assert 0.05 in model.dispersion_
        assert model.converged_

    def test_too_few_tosses_are_said(self):
        with pytest.warns(IdentifiabilityWarning, match="5 free parameters"):
            BetaBinomialMixture(2, **SEPARATE).fit([[1, 3], [2, 2], [4, 0], [0, 4], [3, 1]] * 3)
        with pytest.warns(IdentifiabilityWarning, match="4 free parameters"):
            BetaBinomialMixture(2, dispersion_type="tied").fit([[1, 2], [2, 1], [3, 0]] * 4)


class TestRows:
    MODEL = BetaBinomialMixture(2, **SEPARATE).fit(RATS)

    def test_mean_and_deviation_of_theta_are_those_of_the_posterior(self):
        """Against sums over a fine grid of theta."""
        theta = (np.arange(200_000) + 0.5) / 200_000
        density = sum(
            w * beta.pdf(theta, p * s, (1 - p) * s)
            for w, p, s in zip(
                self.MODEL.weights_, self.MODEL.theta_, self.MODEL.concentration_, strict=True
            )
        )
        for h, t in ((2, 5), (10, 12), (1, 20)):
            posterior = density * theta**h * (1 - theta) ** t
            posterior /= posterior.sum()
            mean, std = self.MODEL.posterior_mean([[h, t]], return_std=True)
            low, high = self.MODEL.posterior_interval([[h, t]], level=0.9)[0]
            assert mean[0] == pytest.approx(posterior @ theta, rel=1e-4)
            variance = posterior @ (theta - mean[0]) ** 2
            assert std[0] == pytest.approx(np.sqrt(variance), rel=1e-3)
            up_to = np.cumsum(posterior)
            assert_allclose(theta[np.searchsorted(up_to, [0.05, 0.95])], [low, high], atol=2e-4)

    def test_intervals_of_one_coin_are_quantiles_of_a_beta(self):
        model = held([0.3], [0.1])
        a, b = 0.3 * 9, 0.7 * 9
        for h, t in ((0, 0), (3, 1), (0, 50)):
            expected = beta.ppf([0.025, 0.975], a + h, b + t)
            assert_allclose(model.posterior_interval([[h, t]])[0], expected, rtol=1e-9, atol=1e-12)

    def test_intervals_of_coins_that_are_alike_end_at_coins(self):
        coins = BinomialMixture(3).fit(RATS)
        ends = coins.posterior_interval(RATS, level=0.8)
        assert np.isin(ends, coins.theta_).all()
        posterior = coins.predict_proba(RATS)
        for row, (low, high) in enumerate(ends):
            assert posterior[row][coins.theta_ <= low].sum() >= 0.1
            assert posterior[row][coins.theta_ < low].sum() < 0.1
            assert posterior[row][coins.theta_ <= high].sum() >= 0.9
            assert posterior[row][coins.theta_ < high].sum() < 0.9

    def test_intervals_hold_the_rate_as_often_as_they_say(self):
        """Of 4,000 rows; false alarm of four standard errors, 6e-5. Those of coins do not."""
        rng = np.random.default_rng(8)
        rate = rng.beta(2, 30, size=4_000)
        n = rng.integers(10, 200, size=4_000)
        X = np.column_stack([heads := rng.binomial(n, rate), n - heads])

        def coverage(model):
            low, high = model.fit(X).posterior_interval(X, level=0.9).T
            return np.mean((low <= rate) & (rate <= high))

        assert abs(coverage(BetaBinomialMixture()) - 0.9) < 4 * np.sqrt(0.09 / 4_000)
        assert coverage(BinomialMixture(4)) < 0.8

    def test_intervals_come_with_a_ranking_in_a_frame(self):
        frame = pd.DataFrame(RATS, columns=["heads", "tails"])
        joined = join_posterior(self.MODEL, frame, "heads", "tails", level=0.9)
        low, high = self.MODEL.posterior_interval(RATS, level=0.9).T
        assert_array_equal(joined["rate_low"], low)
        assert_array_equal(joined["rate_high"], high)
        assert "rate_low" not in join_posterior(self.MODEL, frame, "heads", "tails")
        with pytest.raises(ValueError, match="level"):
            join_posterior(self.MODEL, frame, "heads", "tails", level=1)

    def test_draws_have_the_variance_of_the_model(self):
        """Of 20,000 rows; false alarm of five standard errors, about one in a million."""
        model = held([0.3], [0.2])
        X, _ = model.sample(20_000, n_tosses=12, random_state=0)
        expected = 12 * 0.21 * (1 + 11 * 0.2)
        assert abs(X[:, 0].mean() - 3.6) < 5 * np.sqrt(expected / 20_000)
        assert X[:, 0].var() == pytest.approx(expected, rel=5 * np.sqrt(2 / 20_000))
        cells, _ = held([0.5], [1.0], X=[[1, 1], [0, 0]], layout="tosses").sample(
            50, random_state=0
        )
        assert np.isin(cells.sum(axis=1), [0, 2]).all()


class TestInput:
    def test_counts_must_be_whole(self):
        for layout, X in (
            ("heads_tails", [[1, 2], [1.5, 2]]),
            ("heads_tosses", [[1, 2], [1.5, 2]]),
        ):
            with pytest.raises(ValueError, match=r"Row 1, column 0 of X is 1.5.*whole counts"):
                BetaBinomialMixture(layout=layout).fit(X)
        with pytest.raises(ValueError, match="whole"):
            BetaBinomialMixture().fit(RATS).predict([[0.5, 1]])
        table = pd.DataFrame({"heads": [1.5, 2], "tails": [2, 3], "rows": 1, "g": 0})
        with pytest.raises(ValueError, match=r"1\.5.*whole"):
            fit_groups(BetaBinomialMixture(), table, by="g")
        with pytest.raises(ValueError, match=r"1\.5.*whole"):
            join_posterior(BetaBinomialMixture().fit(RATS), table, "heads", "tails")

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"dispersion_init": [1.5]}, r"dispersion_init\[0\] is 1.5.*\[0, 1\]"),
            ({"dispersion_init": [0.1, 0.2]}, r"dispersion_init.*\(1,\)"),
            (
                {"n_components": 2, "dispersion_init": [0.1, 0.2], "dispersion_type": "tied"},
                "one for all coins",
            ),
            ({"learn_dispersion": False}, r"Give dispersion_init\[0\]"),
            ({"learn_dispersion": [True, False]}, "list of 1"),
            (
                {
                    "n_components": 2,
                    "dispersion_init": 0.1,
                    "learn_dispersion": [True, False],
                    "dispersion_type": "tied",
                },
                "learned or not",
            ),
            ({"dispersion_type": "shared"}, "dispersion_type"),
        ],
    )
    def test_wrong_parameters_are_named(self, parameters, words):
        with pytest.raises(ValueError, match=words):
            BetaBinomialMixture(**parameters).fit(RATS)

    def test_is_searched_in_a_grid_and_stands_in_a_pipeline(self):
        grid = {"dispersion_type": TYPES, "n_components": [1, 2]}
        search = GridSearchCV(BetaBinomialMixture(), grid, cv=2).fit(RATS)
        assert search.best_params_["n_components"] in (1, 2)
        steps = make_pipeline(FunctionTransformer(), BetaBinomialMixture(2, **SEPARATE)).fit(RATS)
        assert steps.predict_proba(RATS).shape == (71, 2)


EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "draws fractions, which have no probability"
}
if parse_version(sklearn.__version__) < parse_version("1.7"):
    EXPECTED["check_positive_only_tag_during_fit"] = "takes a mean off whole numbers, in place"


@parametrize_with_checks(
    [BetaBinomialMixture(), BetaBinomialMixture(2, dispersion_type="tied")],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)
