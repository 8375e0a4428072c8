"""The bootstrap: refits that are maxima, and coins that keep their names.

The rows of each replicate can be drawn again with the same generator (``drawn_again``), so that a
replicate is judged by a fresh fit of its own rows.
"""

import importlib.util
import warnings
from dataclasses import replace
from itertools import permutations

import joblib
import numpy as np
import pytest
from _assertions import assert_same
from _models import held
from _references import load_set
from _replicates import APART, drawn_again, tosses_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture
from skcoin._em.parameters import Parameters
from skcoin.inspection import _bootstrap, _refits, bootstrap, standard_errors
from skcoin.inspection._inspected import check_fitted

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
]
RATS, _ = load_set("rat_tumours")
HAS_CALLBACKS = importlib.util.find_spec("sklearn.callback") is not None  # scikit-learn 1.9


KNOWN = np.where(np.arange(200) % 4 == 0, (APART[:, 0] < 11).astype(int), -1)
SETTINGS = {
    "free": ({}, None),
    "equal weights": ({"learn_weights": False}, None),
    "held weights": ({"learn_weights": False, "weights_init": [0.7, 0.3]}, None),
    "held coin": ({"theta_init": [0.95, 0.3], "learn_theta": [False, True]}, None),
    "weights only": ({"theta_init": [0.95, 0.3], "learn_theta": False}, None),
    "MAP": ({"theta_prior": (3, 5), "weights_prior": 4}, None),
    "semi-supervised": ({}, KNOWN),
    "supervised": ({}, (APART[:, 0] < 11).astype(int)),
    "textbook's solver": ({"solver": "em"}, None),
    "fits to rounding": ({"tol": 0}, None),
}


class TestRefits:
    @pytest.mark.parametrize("parametric", [True, False])
    @pytest.mark.parametrize("setting", SETTINGS)
    def test_each_is_a_maximum(self, setting, parametric):
        """The coins of a fresh fit, from other starts, to the same rows.

        Both end where less than ``tol`` = 1e-6 is left to gain, and 1 / 2 (x / se)^2 = 1e-6 is
        0.0014 standard errors away: three such distances are allowed.
        """
        parameters, coins = SETTINGS[setting]
        model = BinomialMixture(2, **parameters).fit(APART, coins=coins)
        options = {"n_boot": 8, "parametric": parametric, "random_state": 3}
        fits = bootstrap(model, APART, coins=coins, **options)
        near = 3 * np.sqrt(2e-6)
        errors = standard_errors(model, APART, coins=coins)  # NaN for what is held
        assert fits.converged.all()
        draws = drawn_again(model, APART, coins=coins, **options)
        for i, counts in enumerate(draws):
            pairs = np.column_stack([counts.heads, counts.tails])
            options = {"sample_weight": counts.multiplicity}
            fresh = BinomialMixture(2, **parameters).fit(pairs, coins=counts.label, **options)
            log_likelihood = fresh.score(pairs, **options) * counts.multiplicity.sum()
            assert np.all(
                np.abs(fits.theta[i] - fresh.theta_) <= near * np.nan_to_num(errors.theta)
            )
            assert np.all(
                np.abs(fits.weights[i] - fresh.weights_) <= near * np.nan_to_num(errors.weights)
            )
            # With priors and known coins the likelihood has a slope at the maximum: 0.004
            # standard errors times a slope of a few.
            flat = setting not in ("MAP", "semi-supervised", "supervised")
            near_maximum = 5e-6 if flat else 0.05
            assert fits.log_likelihood[i] == pytest.approx(log_likelihood, abs=near_maximum)

    @pytest.mark.parametrize("parametric", [True, False])
    @pytest.mark.parametrize("n_coins", [1, 2, 3])
    def test_log_likelihood_is_that_of_all_rows_of_the_fit(self, n_coins, parametric):
        model = BinomialMixture(n_coins).fit(RATS)
        options = {"n_boot": 5, "parametric": parametric, "random_state": 0}
        fits = bootstrap(model, RATS, **options)
        for i, counts in enumerate(drawn_again(model, RATS, **options)):
            pairs = np.column_stack([counts.heads, counts.tails])
            score = held(fits.theta[i], fits.weights[i]).score(
                pairs, sample_weight=counts.multiplicity
            )
            total = score * counts.multiplicity.sum()
            assert fits.log_likelihood[i] == pytest.approx(total, rel=1e-13)  # the same sum

    @pytest.mark.parametrize("parametric", [True, False])
    def test_their_spread_is_the_standard_error(self, parametric):
        """For many rows both are right.

        The standard deviation of 400 numbers is off by 1 / sqrt(800) = 3.5 %, by four times that
        once in 16,000; the information of 1,000 rows is itself known to some 3 %.
        """
        X = tosses_of([0.85, 0.3], 1000, 20, seed=1, shares=[0.6, 0.4])
        model = BinomialMixture(2).fit(X)
        fits = bootstrap(model, X, n_boot=400, parametric=parametric, random_state=0)
        errors = standard_errors(model, X)
        assert_allclose(fits.theta.std(axis=0), errors.theta, rtol=0.18)
        assert_allclose(fits.weights.std(axis=0), errors.weights, rtol=0.18)
        # And they are centred: a bias of 1 / n is small against 1 / sqrt(n).
        assert np.all(np.abs(fits.theta.mean(axis=0) - model.theta_) < 0.3 * errors.theta)

    def test_known_coins_make_them_surer(self):
        """Half of the coins known, of two that are hard to tell apart."""
        rng = np.random.default_rng(2)
        coin = rng.integers(0, 2, size=400)
        heads = rng.binomial(6, np.where(coin == 0, 0.65, 0.4))
        X = np.column_stack([heads, 6 - heads])
        known = np.where(np.arange(400) % 2 == 0, coin, -1)
        model = BinomialMixture(2).fit(X, coins=known)
        fits = bootstrap(model, X, coins=known, n_boot=400, random_state=0)
        errors = standard_errors(model, X, coins=known)
        assert_allclose(fits.theta.std(axis=0), errors.theta, rtol=0.18)  # as above
        assert_allclose(fits.weights.std(axis=0), errors.weights, rtol=0.18)

    @pytest.mark.parametrize("parametric", [True, False])
    def test_coins_at_the_boundary_stay_there_where_the_rows_say_so(self, parametric):
        X = [[3, 0], [0, 3], [3, 0], [0, 3], [3, 0]]
        model = BinomialMixture(2).fit(X)
        assert_array_equal(model.theta_, [1, 0])
        fits = bootstrap(model, X, n_boot=30, parametric=parametric, random_state=0)
        both = (fits.weights > 0.1).all(axis=1)
        assert both.sum() > 10
        assert np.all(fits.theta[both] == [1, 0])
        # (2 / 5)^5 of the replicates and the like show one coin only.
        assert_allclose(np.abs(fits.log_likelihood[~both]), 0, atol=1e-5)

    @pytest.mark.slow
    def test_coins_at_the_boundary_leave_it_where_the_rows_say_so(self):
        """A theta of exactly 1 could not move, nor a weight of exactly 0."""
        heads = np.array([5, 5, 4, 3, 5, 1, 1, 5, 0, 0, 4, 5, 5, 0, 5, 5, 1, 5, 0, 5])
        X = np.column_stack([heads, 5 - heads])
        model = BinomialMixture(3).fit(X)
        assert model.theta_[0] == 1
        options = {"n_boot": 40, "parametric": False, "random_state": 0}
        fits = bootstrap(model, X, **options)
        left = fits.theta[:, 0] < 0.99
        assert left.sum() > 3
        for i, counts in enumerate(drawn_again(model, X, **options)):
            pairs = np.column_stack([counts.heads, counts.tails])
            fresh = BinomialMixture(3).fit(pairs, sample_weight=counts.multiplicity)
            best = fresh.score(pairs, sample_weight=counts.multiplicity) * counts.multiplicity.sum()
            assert fits.log_likelihood[i] == pytest.approx(best, abs=1e-5)  # tol, twice

    @pytest.mark.parametrize("parametric", [True, False])
    def test_a_coin_without_weight_may_get_some(self, parametric):
        """More coins than the rows can tell apart are legal; their log-likelihood is right."""
        model = BinomialMixture(3).fit(RATS[:6])
        options = {"n_boot": 10, "parametric": parametric, "random_state": 0}
        fits = bootstrap(model, RATS[:6], **options)
        for i, counts in enumerate(drawn_again(model, RATS[:6], **options)):
            pairs = np.column_stack([counts.heads, counts.tails])
            fresh = BinomialMixture(3).fit(pairs, sample_weight=counts.multiplicity)
            best = fresh.score(pairs, sample_weight=counts.multiplicity) * counts.multiplicity.sum()
            assert fits.log_likelihood[i] == pytest.approx(best, abs=1e-5)  # tol, twice

    def test_one_row_is_enough(self):
        fits = bootstrap(BinomialMixture(1).fit([[3, 1]]), [[3, 1]], n_boot=100, random_state=0)
        # No heads at all has a chance of 1 / 256.
        assert set(fits.theta.ravel()) | {0} == {0, 0.25, 0.5, 0.75, 1}
        again = bootstrap(BinomialMixture(1).fit([[3, 1]]), [[3, 1]], n_boot=3, parametric=False)
        assert_array_equal(again.theta, 0.75)

    @pytest.mark.parametrize("parametric", [True, False])
    def test_a_known_coin_counts_even_where_it_was_not_tossed(self, parametric):
        """Its row tells nothing of theta, but of the weights."""
        X = [[8, 2]] * 10 + [[2, 8]] * 10 + [[0, 0]] * 60
        coins = [0] * 10 + [1] * 10 + [0] * 60
        model = BinomialMixture(2).fit(X, coins=coins)
        assert_allclose(model.weights_, [0.875, 0.125])
        fits = bootstrap(model, X, coins=coins, n_boot=100, parametric=parametric, random_state=0)
        # sqrt(7 / 64 / 80 / 100), five times
        assert_allclose(fits.weights.mean(axis=0), [0.875, 0.125], atol=0.02)


class TestCoinsKeepTheirNames:
    @pytest.fixture
    def reverse(self, monkeypatch):
        """Every refit returns its coins in another order."""

        def reorder(order):
            def reordered(*args, **options):
                return [
                    replace(run, path=run.path[:, order]) for run in fit_tables(*args, **options)
                ]

            fit_tables = _refits.fit_tables
            monkeypatch.setattr(_refits, "fit_tables", reordered)

        return reorder

    @pytest.mark.slow
    def test_coins_that_are_well_apart_are_never_swapped(self):
        for theta_init in ([0.9, 0.2], [0.2, 0.9]):
            model = BinomialMixture(2, theta_init=theta_init).fit(APART)
            assert_allclose(model.theta_, theta_init, atol=0.05)
            for parametric in (True, False):
                fits = bootstrap(model, APART, parametric=parametric, random_state=0)
                # 0.1 is five standard errors and more.
                assert_allclose(fits.theta, np.tile(model.theta_, (200, 1)), atol=0.1)

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_swapped_coins_get_their_names_back(self, reverse, order):
        X = tosses_of([0.95, 0.5, 0.05], 150, 20, seed=1)
        model = BinomialMixture(3).fit(X)
        straight = bootstrap(model, X, n_boot=3, random_state=0)
        reverse(list(order))
        assert_same(straight, bootstrap(model, X, n_boot=3, random_state=0))

    @pytest.mark.parametrize(
        ("parameters", "coins", "swaps_back"),
        [
            ({}, None, True),
            ({"learn_weights": False}, None, True),
            ({"learn_weights": False, "weights_init": [0.5, 0.5]}, None, True),
            ({"learn_weights": False, "weights_init": [0.6, 0.4]}, None, False),
            ({"theta_init": [0.9, 0.3], "learn_theta": [False, True]}, None, False),
            ({"theta_init": [0.9, 0.3], "learn_theta": [True, False]}, None, False),
            ({"theta_init": [0.9, 0.3], "learn_theta": False}, None, False),
            ({}, KNOWN, False),
            ({}, np.where(KNOWN == 1, 1, -1), False),
        ],
    )
    def test_coins_that_differ_in_more_than_theta_keep_their_place(
        self, reverse, parameters, coins, swaps_back
    ):
        model = BinomialMixture(2, **parameters).fit(APART, coins=coins)
        straight = bootstrap(model, APART, coins=coins, n_boot=3, random_state=0)
        reverse([1, 0])
        fits = bootstrap(model, APART, coins=coins, n_boot=3, random_state=0)
        order = [0, 1] if swaps_back else [1, 0]
        assert_array_equal(fits.theta, straight.theta[:, order])
        assert_array_equal(fits.weights, straight.weights[:, order])
        # The log-likelihood does not know of names; only the order of a sum changes.
        assert_allclose(fits.log_likelihood, straight.log_likelihood, rtol=1e-13)

    def test_only_coins_that_are_alike_are_swapped(self, reverse):
        """Of three coins those of equal held weight, or those that no row is known to be of."""
        X = tosses_of([0.95, 0.5, 0.05], 150, 20, seed=1, shares=[0.25, 0.25, 0.5])
        weighted = BinomialMixture(3, learn_weights=False, weights_init=[0.25, 0.25, 0.5])
        marked = np.where((X[:, 0] < 3) & (np.arange(150) % 2 == 0), 2, -1)
        cases = [(weighted.fit(X), None), (BinomialMixture(3).fit(X, coins=marked), marked)]
        straight = [
            bootstrap(model, X, coins=coins, n_boot=3, random_state=0) for model, coins in cases
        ]
        reverse([1, 0, 2])
        for (model, coins), expected in zip(cases, straight, strict=True):
            assert_same(expected, bootstrap(model, X, coins=coins, n_boot=3, random_state=0))

    def test_coins_that_have_moved_far_are_matched_in_their_order(self):
        """Least in sum are the squared distances of numbers in the same order, on any scale."""
        model = held([0.5, 0.01, 0.99])
        fitted = check_fitted(model, [[1, 1]])
        refit = _bootstrap._Refit(None, None, fitted.mixture, np.ones((3, 3), dtype=bool))
        for theta in ([0.3, 0.0, 1.0], [0.6, 0.05, 0.8], [0.2, 0.1, 0.9]):
            for order in permutations(range(3)):
                moved = Parameters(np.full(3, 1 / 3), np.array(theta)[list(order), None])
                assert_array_equal(moved[refit._order(moved)].components[:, 0], theta)


class TestSameResult:
    @pytest.mark.slow
    @pytest.mark.parametrize("parametric", [True, False])
    def test_for_any_number_of_workers(self, parametric):
        model = BinomialMixture(2).fit(RATS)
        options = {"n_boot": 60, "parametric": parametric, "random_state": 0}
        first = bootstrap(model, RATS, **options)
        for n_jobs in (1, 2):
            assert_same(first, bootstrap(model, RATS, n_jobs=n_jobs, **options))
        with joblib.parallel_config(backend="threading", n_jobs=2):
            assert_same(first, bootstrap(model, RATS, **options))

    @pytest.mark.parametrize("parametric", [True, False])
    def test_for_the_same_random_state(self, parametric):
        model = BinomialMixture(2).fit(RATS)

        def fits(random_state):
            return bootstrap(
                model, RATS, n_boot=3, parametric=parametric, random_state=random_state
            )

        state = np.random.RandomState(5)
        first = fits(5)
        assert_same(first, fits(5))
        assert_same(first, fits(state))
        others = [fits(state), fits(6), fits(None), fits(None)]  # the state has moved on
        means = [round(other.theta.sum(), 12) for other in [first, *others]]
        assert len(set(means)) == 5  # a coincidence in twelve digits

    @pytest.mark.parametrize("parametric", [True, False])
    @pytest.mark.parametrize("n_coins", [1, 2, 3])
    def test_more_fits_begin_with_the_same(self, n_coins, parametric):
        """But for the rounding of sums, whatever else is fitted beside them."""
        model = BinomialMixture(n_coins).fit(RATS)
        options = {"parametric": parametric, "random_state": 0}
        many = bootstrap(model, RATS, n_boot=60, **options)
        for n_boot in (1, 3, 25, 26):
            few = bootstrap(model, RATS, n_boot=n_boot, **options)
            for name, value in few.items():
                assert_allclose(value, many[name][:n_boot], rtol=1e-9, atol=1e-9)

    def test_numpys_own_generator_is_left_alone(self):
        before = np.random.get_state()  # noqa: NPY002
        bootstrap(BinomialMixture(2).fit(RATS), RATS, n_boot=2, random_state=0)
        for old, new in zip(before, np.random.get_state(), strict=True):  # noqa: NPY002
            assert_array_equal(new, old)

    def test_with_all_coins_hidden_and_without_saying_so(self):
        model = BinomialMixture(2).fit(RATS)
        hidden = bootstrap(model, RATS, coins=np.full(len(RATS), -1), n_boot=3, random_state=0)
        assert_same(hidden, bootstrap(model, RATS, n_boot=3, random_state=0))

    def test_whether_or_not_the_model_is_asked_to_go_on_from_its_last_fit(self):
        cold, warm = BinomialMixture(2).fit(RATS), BinomialMixture(2, warm_start=True).fit(RATS)
        options = {"n_boot": 3, "random_state": 0}
        assert_same(bootstrap(cold, RATS, **options), bootstrap(warm, RATS, **options))


class TestShapes:
    @pytest.mark.parametrize("n_coins", [1, 3])
    def test_one_row_for_each_fit(self, n_coins):
        fits = bootstrap(BinomialMixture(n_coins).fit(RATS), RATS, n_boot=4, random_state=0)
        assert list(fits) == ["theta", "weights", "log_likelihood", "converged"]
        assert fits.theta.shape == fits.weights.shape == (4, n_coins)
        assert fits.log_likelihood.shape == fits.converged.shape == (4,)
        assert fits.converged.dtype == bool
        assert_allclose(fits.weights.sum(axis=1), 1, rtol=1e-14)

    def test_two_hundred_fits_unless_told(self):
        assert len(bootstrap(BinomialMixture(1).fit(RATS), RATS).theta) == 200

    @pytest.mark.parametrize("parametric", [True, False])
    def test_a_thousand_million_rows_cost_as_much_as_a_hundred(self, parametric):
        """As weights of a hundred pairs; a byte for each row would be a gigabyte."""
        rng = np.random.default_rng(0)
        heads = np.repeat(np.arange(10), 10)
        X = np.column_stack([heads, np.tile(np.arange(10), 10) + 1])
        likely = binom.pmf(heads, X.sum(axis=1), 0.8) + binom.pmf(heads, X.sum(axis=1), 0.3)
        times = rng.multinomial(10**9, likely / likely.sum())
        model = BinomialMixture(2).fit(X, sample_weight=times)
        options = {"n_boot": 60, "parametric": parametric, "random_state": 0}
        fits = bootstrap(model, X, times, **options)
        errors = standard_errors(model, X, times)
        assert errors.theta.max() < 1e-4
        if parametric:
            # 1 / sqrt(120) is 9 %, and four times that.
            assert_allclose(fits.theta.std(axis=0), errors.theta, rtol=0.37)
        for counts in drawn_again(model, X, times, **options)[:3]:
            assert counts.multiplicity.sum() == times[X.sum(axis=1) > 0].sum()
            assert len(counts.multiplicity) <= 209  # numbers of heads in 1 to 19 tosses

    def test_rows_of_a_million_million_tosses(self):
        X = [[6e11, 4e11], [2e11, 8e11], [6e11, 4e11]]
        fits = bootstrap(BinomialMixture(2).fit(X), X, n_boot=5, random_state=0)
        assert np.all(fits.converged)
        # 5 sqrt(theta (1 - theta) / 1e12) from one coin of the model or the other, as three rows
        # may all be of one.
        assert np.all(np.abs(fits.theta[..., None] - [0.6, 0.2]).min(axis=-1) < 3e-6)
        assert np.ptp(fits.theta[:, 0]) > 0


class TestWhatTheUserIsTold:
    def test_nothing_by_default(self, capfd):
        model = BinomialMixture(2).fit(RATS)
        for n_jobs in (None, 2):
            bootstrap(model, RATS, n_boot=4, n_jobs=n_jobs)
        assert capfd.readouterr() == ("", "")

    def test_how_far_it_is_if_asked(self, capfd):
        bootstrap(
            BinomialMixture(2).fit(RATS), RATS, n_boot=4, verbose=11
        )  # each, in any release of joblib
        assert "Done" in "".join(capfd.readouterr())

    def test_that_fits_did_not_converge(self, monkeypatch):
        model = BinomialMixture(2).fit(RATS)
        monkeypatch.setattr(_refits, "MAX_ITER", 2)
        with pytest.warns(ConvergenceWarning, match=r"of 20 fits did not.*`converged`") as told:
            fits = bootstrap(model, RATS, n_boot=20, random_state=0)
        assert str(told[0].message).startswith(f"{(~fits.converged).sum()} of 20")
        assert (~fits.converged).any()
        assert told[0].filename == __file__


class TestBadInput:
    MODEL = BinomialMixture(2).fit(RATS)

    @pytest.mark.parametrize(
        ("parameters", "error", "words"),
        [
            ({"n_boot": 0}, ValueError, "n_boot == 0, must be >= 1"),
            ({"n_boot": -3}, ValueError, "n_boot == -3, must be >= 1"),
            ({"n_boot": 2.5}, TypeError, "n_boot must be an instance of int, not float"),
            ({"n_boot": "20"}, TypeError, "n_boot must be an instance of int, not str"),
            ({"n_boot": None}, TypeError, "n_boot must be an instance of int, not NoneType"),
            ({"random_state": "x"}, ValueError, "'x' cannot be used to seed"),
            ({"n_jobs": 0}, ValueError, "n_jobs == 0"),
        ],
    )
    def test_is_refused_by_name(self, parameters, error, words):
        with pytest.raises(error, match=words):
            bootstrap(self.MODEL, RATS, **parameters)

    def test_tosses_that_are_not_whole_cannot_be_simulated(self):
        X = [[0.5, 1.75], [2, 3]]
        with pytest.raises(ValueError, match=r"A row has 2\.25 tosses.*parametric=False"):
            bootstrap(BinomialMixture(1).fit(X), X)

    def test_weights_that_are_not_whole_in_a_group_cannot_be_simulated(self):
        X, times = [[1, 2], [2, 1], [3, 3]], [0.5, 0.5, 1.25]
        model = BinomialMixture(1).fit(X, sample_weight=times)
        with pytest.raises(ValueError, match=r"weight 1\.25.*whole.*parametric=False"):
            bootstrap(model, X, times)
        # A whole number of rows of each number of tosses is enough.
        fits = bootstrap(model, X, [0.5, 0.5, 2], n_boot=20, random_state=0)
        heads = fits.theta.ravel() * 15
        assert_allclose(heads, np.rint(heads), atol=1e-9)

    @pytest.mark.parametrize("times", [1e-10, 1e-300, 1e10 + 0.5])
    def test_a_tiny_weight_is_no_zero_and_a_half_is_none_of_a_large_one(self, times):
        X = [[1, 2], [2, 3]]
        model = BinomialMixture(1).fit(X)
        for parametric in (True, False):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "sample_weight sums to")  # next to nothing
                with pytest.raises(ValueError, match=r"whole number.*Scale the weights"):
                    bootstrap(model, X, [times, 2 * times], n_boot=1, parametric=parametric)

    @pytest.mark.parametrize("parametric", [True, False])
    def test_weights_that_are_whole_up_to_rounding_pass(self, parametric):
        X = [[1, 2]] * 10**5
        fits = bootstrap(
            BinomialMixture(1).fit(X), X, [0.1] * 10**5, n_boot=1, parametric=parametric
        )
        assert fits.converged

    def test_rows_of_known_coins_are_a_group_of_their_own(self):
        X, times = [[1, 2], [2, 1], [0, 3]], [0.5, 0.5, 1]
        model = BinomialMixture(2, theta_init=[0.6, 0.4]).fit(X, times, coins=[0, -1, 1])
        with pytest.raises(ValueError, match=r"weight 1\.5"):
            bootstrap(model, X, times, coins=[0, -1, -1])
        bootstrap(model, X, times, coins=[0, 1, -1], n_boot=1)

    def test_weights_that_are_not_whole_in_total_cannot_be_drawn(self):
        X, times = [[1, 2], [2, 1]], [0.5, 1.25]
        model = BinomialMixture(1).fit(X, sample_weight=times)
        with pytest.raises(ValueError, match=r"sample_weight sums to 1\.75.*whole.*Scale"):
            bootstrap(model, X, times, parametric=False)

    @pytest.mark.parametrize("parametric", ["no", None, 0.5])
    def test_parametric_that_is_neither_true_nor_false_is_refused(self, parametric):
        with pytest.raises((TypeError, ValueError), match="parametric"):
            bootstrap(self.MODEL, RATS, n_boot=1, parametric=parametric)

    @pytest.mark.parametrize("parametric", [True, False])
    def test_more_rows_than_can_be_drawn_are_refused_by_name(self, parametric):
        X, times = [[1, 2], [2, 1]], [2.0**64, 1]
        model = BinomialMixture(1).fit(X, sample_weight=times)
        with pytest.raises(ValueError, match=r"weight.*1\.844.*e\+19.*up to 2\*\*53\. Scale"):
            bootstrap(model, X, times, n_boot=1, parametric=parametric)
