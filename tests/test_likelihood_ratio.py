"""The likelihood ratio test: the statistic of the references, a level that holds, and power.

Where the null model has nothing to learn, its rows are simulated from what is true, so that the
statistic of the data and those of the simulations are exchangeable and the level is exact.
"""

import importlib.util
import warnings

import joblib
import numpy as np
import pytest
from _assertions import assert_same
from _models import compare
from _references import REFERENCES, load_set
from _replicates import tosses_of
from numpy.testing import assert_allclose
from scipy.stats import binom, binomtest, chi2, kstest
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, ThreeCoinModel
from skcoin.inspection import likelihood_ratio_test

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:sample_weight sums"),
    pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning"),
]
RATS, _ = load_set("rat_tumours")
HAS_CALLBACKS = importlib.util.find_spec("sklearn.callback") is not None  # scikit-learn 1.9
RESOLUTION = 4e-6 + 1e-9  # of statistics: twice what both fits may leave, tol = 1e-6 each


ONE_COIN = tosses_of([0.4], 40, 6, seed=4)
TWO_COINS = tosses_of([0.3, 0.7], 60, 8, seed=0)
THREE_COINS = tosses_of([0.1, 0.5, 0.9], 80, 10, seed=1)
FAIR = {"theta_init": [0.5], "learn_theta": False}
FAIR_AND_ANOTHER = {"theta_init": [0.5, 0.2], "learn_theta": [False, True]}


CASES = [
    pytest.param(name, *pair, id=f"{name}-{pair[0]}{pair[1]}-{pair[2]}{pair[3]}")
    for name in REFERENCES["sets"]
    for pair in [
        ("free", 1, "free", 2),
        ("free", 2, "free", 3),
        ("equal", 1, "equal", 2),
        ("equal", 2, "free", 2),
        ("equal", 3, "free", 4),
    ]
    if name not in ("li_hang_three_coins", "surg_nodes")  # one toss a row; slow
]


class TestStatistic:
    @pytest.mark.parametrize(("name", "kind", "n_coins", "more", "n_more"), CASES)
    def test_is_that_of_the_references(self, name, kind, n_coins, more, n_more):
        X, times = load_set(name)
        reference = REFERENCES["sets"][name]
        low, high = (reference[k][str(n)]["loglik"] for k, n in ((kind, n_coins), (more, n_more)))
        result = compare(
            BinomialMixture(n_coins, learn_weights=kind == "free"),
            BinomialMixture(n_more, learn_weights=more == "free"),
            X,
            times,
            n_boot=1,
        )
        # Each fit ends within tol of its maximum; the references have 16 digits of theirs.
        assert result.statistic == pytest.approx(
            2 * (high - low), abs=RESOLUTION + 4e-15 * abs(low)
        )

    def test_of_a_held_coin_is_known_in_closed_form(self):
        """``2 n KL(rate || 1/2)``."""
        X = [[7, 3], [2, 5], [6, 2]]
        heads, tosses = 15, 25
        rate = heads / tosses
        exact = 2 * (heads * np.log(2 * rate) + (tosses - heads) * np.log(2 * (1 - rate)))
        result = compare(BinomialMixture(1, **FAIR), BinomialMixture(1), X)
        assert result.statistic == pytest.approx(exact, rel=1e-13)

    def test_does_not_know_of_priors(self):
        """It is a difference of log-likelihoods, which a prior may make negative."""
        X = ONE_COIN
        strong = {"theta_prior": (50, 2)}
        result = compare(BinomialMixture(1), BinomialMixture(2, **strong), X, n_boot=5)
        low, high = BinomialMixture(1).fit(X), BinomialMixture(2, **strong).fit(X)
        expected = 2 * len(X) * (high.score(X) - low.score(X))
        assert expected < -1
        assert result.statistic == pytest.approx(expected, rel=1e-12)


class TestPValue:
    @pytest.mark.parametrize(
        ("null", "alternative", "X"),
        [
            (BinomialMixture(1), BinomialMixture(2), ONE_COIN),
            (BinomialMixture(1), BinomialMixture(2), RATS),
            (BinomialMixture(2), BinomialMixture(3), RATS),
            (BinomialMixture(2, learn_weights=False), BinomialMixture(2), TWO_COINS),
            (BinomialMixture(1), BinomialMixture(2), [[1, 1]] * 5),
        ],
    )
    def test_is_the_share_of_statistics_as_high(self, null, alternative, X):
        result = compare(null, alternative, X, n_boot=39)
        as_high = np.sum(result.null_distribution >= result.statistic - RESOLUTION)
        assert isinstance(result.p_value, float)
        assert isinstance(result.statistic, float)
        assert result.null_distribution.shape == (39,)
        assert result.p_value == (as_high + 1) / 40
        assert 0 < result.p_value <= 1

    def test_is_one_where_nothing_can_be_gained(self):
        """Rows that vary less than one coin would have them leave nothing to a second one."""
        result = compare(BinomialMixture(1), BinomialMixture(2), [[3, 3]] * 20, n_boot=19)
        assert result.statistic == pytest.approx(0, abs=RESOLUTION)
        assert result.p_value == 1

    def test_is_the_smallest_where_there_are_clearly_two_coins(self):
        X = tosses_of([0.2, 0.8], 50, 10, seed=0)
        result = compare(BinomialMixture(1), BinomialMixture(2), X, n_boot=49)
        assert result.p_value == 1 / 50

    @pytest.mark.slow
    def test_of_a_held_coin_is_that_of_the_exact_binomial_test(self):
        """Far from half and as far below it are equally likely.

        Of 199 statistics the number that is as high is binomial with the exact p-value; it is
        outside of its band with a probability of 1e-6.
        """
        for heads in (30, 34, 38):
            X = [[heads - 20, 5], [10, 10], [10, 45 - heads]]
            result = compare(BinomialMixture(1, **FAIR), BinomialMixture(1), X, n_boot=199)
            exact = binomtest(heads, 60, 0.5).pvalue
            as_high = round(result.p_value * 200) - 1
            low, high = binom.interval(1 - 1e-6, 199, exact)
            assert low <= as_high <= high


class TestNullDistribution:
    @pytest.mark.parametrize(
        ("null", "alternative", "X"),
        [
            (BinomialMixture(1), BinomialMixture(2), ONE_COIN),
            (BinomialMixture(1), BinomialMixture(4), ONE_COIN),
            (BinomialMixture(2), BinomialMixture(3), TWO_COINS),
            (BinomialMixture(2), BinomialMixture(5), THREE_COINS),
            (BinomialMixture(1), BinomialMixture(2, theta_init=[0.99, 0.98]), ONE_COIN),
            (BinomialMixture(1, **FAIR), BinomialMixture(2), TWO_COINS),
            (BinomialMixture(2, **FAIR_AND_ANOTHER), BinomialMixture(2), TWO_COINS),
            (
                BinomialMixture(1, **FAIR),
                BinomialMixture(2, **FAIR_AND_ANOTHER),
                TWO_COINS,
            ),
            (BinomialMixture(2, learn_weights=False), BinomialMixture(2), TWO_COINS),
            (
                BinomialMixture(1),
                BinomialMixture(2, learn_weights=False),
                ONE_COIN,
            ),
            (BinomialMixture(1), ThreeCoinModel(), ONE_COIN),
            # The alternative climbs from starts of its own only, which end lower than the null.
            pytest.param(
                BinomialMixture(3),
                BinomialMixture(
                    4, theta_init=[0.5, 0.2, 0.1, 0.9], learn_theta=[False, True, True, True]
                ),
                THREE_COINS,
            ),
            pytest.param(
                BinomialMixture(3, learn_weights=False),
                BinomialMixture(6, learn_weights=False),
                tosses_of([0.1, 0.5, 0.9], 30, 10, seed=3),
            ),
        ],
    )
    @pytest.mark.slow
    def test_is_never_negative(self, null, alternative, X):
        """The null is a special case of the alternative, also on the rows of a simulation."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            result = compare(null, alternative, X, n_boot=60)
        assert result.null_distribution.min() >= -RESOLUTION

    def test_is_no_lower_for_an_alternative_that_starts_badly(self):
        """Coins that start equal stay equal; in a simulation they start at the null as well."""
        with pytest.warns(ConvergenceWarning, match="started equal"):
            tied = compare(
                BinomialMixture(1), BinomialMixture(2, theta_init=[0.5, 0.5]), RATS, n_boot=39
            )
        apart = compare(BinomialMixture(1), BinomialMixture(2), RATS, n_boot=39)
        as_high = tied.null_distribution >= apart.null_distribution - RESOLUTION
        assert np.mean(as_high) > 0.8  # not all, as the default has starts of its own, too
        assert tied.null_distribution.max() > 1
        assert tied.statistic == pytest.approx(0, abs=RESOLUTION)
        assert tied.p_value == 1

    def test_of_a_regular_model_is_chi_square(self):
        """Wilks' theorem: one theta more, inside its space, and many tosses.

        The distance of 199 draws from their distribution exceeds 0.19 once in a million times;
        the discreteness of 600 tosses adds 0.03.
        """
        X = tosses_of([0.5], 60, 10, seed=0)
        result = compare(BinomialMixture(1, **FAIR), BinomialMixture(1), X, n_boot=199)
        assert kstest(result.null_distribution, chi2(1).cdf).statistic < 0.22

    @pytest.mark.slow
    def test_of_a_second_coin_is_not_chi_square(self):
        """Two parameters more, but about half of the rows of one coin leave them nothing to gain.

        A share of 0.3 to 0.7 of 199 is five standard errors around a half.
        """
        X = tosses_of([0.4], 100, 8, seed=0)
        result = compare(BinomialMixture(1), BinomialMixture(2), X, n_boot=199)
        nothing = np.mean(result.null_distribution < 1e-3)
        assert 0.3 < nothing < 0.7
        assert kstest(result.null_distribution, chi2(2).cdf).statistic > 0.25
        assert np.quantile(result.null_distribution, 0.95) < chi2(2).ppf(0.95)


class TestLevel:
    """How often a true null is rejected.

    Of ``n`` data sets with a probability ``p`` each, the number of rejections is outside of the
    binomial band with a probability of ``FALSE_ALARM``.
    """

    FALSE_ALARM = 1e-5
    N_BOOT = 9

    def p_values(self, n_sets, null, alternative, theta, n_rows, n_tosses):
        results = [
            compare(
                null,
                alternative,
                tosses_of([theta], n_rows, n_tosses, seed=seed),
                n_boot=self.N_BOOT,
                random_state=seed,
            )
            for seed in range(n_sets)
        ]
        return np.array([result.p_value for result in results])

    def assert_rejects(self, p_values, alpha, at_least, at_most):
        """As often as with a probability between the two."""
        rejected = np.sum(p_values <= alpha + 1e-12)
        assert rejected >= binom.ppf(self.FALSE_ALARM / 2, len(p_values), at_least)
        assert rejected <= binom.isf(self.FALSE_ALARM / 2, len(p_values), at_most)

    @pytest.mark.slow
    @pytest.mark.parametrize("n_sets", [300])
    def test_is_what_enumeration_says(self, n_sets):
        """A fair coin against any: the data reject where no simulation is as far from a half."""
        p_values = self.p_values(
            n_sets, BinomialMixture(1, **FAIR), BinomialMixture(1), 0.5, n_rows=10, n_tosses=4
        )
        share = binom.pmf(np.arange(41), 40, 0.5)
        farness = np.abs(np.arange(41) - 20)
        nearer = np.array([share[farness < d].sum() for d in farness])
        exact = share @ nearer**self.N_BOOT
        assert 0.03 < exact < 0.1  # below 1 / 10, as statistics tie
        self.assert_rejects(p_values, 1 / (self.N_BOOT + 1), exact, exact)

    @pytest.mark.slow
    @pytest.mark.parametrize("n_sets", [300])
    def test_is_exact_where_the_null_is_known(self, n_sets):
        """A fair coin against a fair one and another: ten exchangeable statistics.

        The highest is that of the data in one of ten cases. The highest rarely tie; those near
        zero do, which is in favour of the null.
        """
        p_values = self.p_values(
            n_sets,
            BinomialMixture(1, **FAIR),
            BinomialMixture(2, **FAIR_AND_ANOTHER),
            theta=0.5,
            n_rows=20,
            n_tosses=5,
        )
        self.assert_rejects(p_values, 0.1, at_least=0.09, at_most=0.1)
        self.assert_rejects(p_values, 0.2, at_least=0, at_most=0.2)
        self.assert_rejects(p_values, 0.5, at_least=0, at_most=0.5)

    @pytest.mark.slow
    @pytest.mark.parametrize("theta", [0.4, 0.1])
    @pytest.mark.parametrize("n_sets", [100])
    def test_holds_where_the_null_is_estimated(self, theta, n_sets):
        """One coin against two; the distribution of the statistic depends little on the coin."""
        p_values = self.p_values(
            n_sets, BinomialMixture(1), BinomialMixture(2), theta, n_rows=20, n_tosses=5
        )
        self.assert_rejects(p_values, 0.1, at_least=0.05, at_most=0.12)
        self.assert_rejects(p_values, 0.5, at_least=0.2, at_most=0.55)


class TestSameResult:
    ONE, TWO = BinomialMixture(1).fit(RATS), BinomialMixture(2).fit(RATS)

    def result(self, X=RATS, sample_weight=None, **options):
        options = {"n_boot": 5, "random_state": 0, **options}
        return likelihood_ratio_test(self.ONE, self.TWO, X, sample_weight, **options)

    @pytest.mark.slow
    def test_for_any_number_of_workers(self):
        first = self.result(n_boot=60)
        for n_jobs in (1, 2):
            assert_same(first, self.result(n_boot=60, n_jobs=n_jobs))
        with joblib.parallel_config(backend="threading", n_jobs=2):
            assert_same(first, self.result(n_boot=60))

    def test_more_simulations_begin_with_the_same(self):
        """But for the rounding of sums, whatever else is fitted beside them."""
        many = self.result(n_boot=60).null_distribution
        for n_boot in (1, 3, 26):
            few = self.result(n_boot=n_boot).null_distribution
            assert_allclose(few, many[:n_boot], atol=1e-9)

    def test_for_the_same_random_state(self):
        state = np.random.RandomState(0)
        first = self.result(random_state=0)
        assert_same(first, self.result(random_state=0))
        assert_same(first, self.result(random_state=state))
        others = [self.result(random_state=s) for s in (state, 1, None, None)]
        sums = [round(r.null_distribution.sum(), 9) for r in [first, *others]]
        assert len(set(sums)) == 5  # a coincidence in nine digits

    MANY = tosses_of([0.1, 0.3, 0.5, 0.7, 0.9], 30, 30, seed=3)

    @pytest.mark.parametrize("random_state", [None, "instance"])
    def test_for_models_that_start_at_random(self, random_state):
        """Randomness comes only from the ``random_state`` of the test."""
        if random_state is not None:
            random_state = np.random.RandomState(1)
        random = {"init_params": "random", "random_state": random_state}
        null, alternative = BinomialMixture(2).fit(self.MANY), BinomialMixture(5, **random)
        alternative.fit(self.MANY)
        results = [
            likelihood_ratio_test(null, alternative, self.MANY, n_boot=20, random_state=0)
            for _ in range(2)
        ]
        assert_same(*results)


class TestManyRows:
    def test_a_thousand_million_rows_cost_as_much_as_five(self):
        pairs = np.column_stack([np.arange(5), 4 - np.arange(5)])
        of_one = binom.pmf(np.arange(5), 4, 0.5)
        of_two = (binom.pmf(np.arange(5), 4, 0.5) + binom.pmf(np.arange(5), 4, 0.8)) / 2
        p_values = []
        for share in (of_one, of_two):
            times = np.random.default_rng(0).multinomial(10**9, share)
            result = compare(BinomialMixture(1), BinomialMixture(2), pairs, times, n_boot=19)
            p_values.append(result.p_value)
        assert p_values[0] > 0.05
        assert p_values[1] == 0.05

    @pytest.mark.slow
    def test_rounding_is_not_taken_for_a_maximum_that_was_missed(self):
        """Of a log-likelihood of -1e12 a float tells no more than 1e-4."""
        pairs = np.column_stack([np.arange(5), 4 - np.arange(5)])
        for theta in (0.3, 0.4, 0.5, 0.6):
            for n_rows in (1e12, 3e12, 1e13):
                times = np.round(binom.pmf(np.arange(5), 4, theta) * n_rows)
                result = compare(BinomialMixture(1), BinomialMixture(2), pairs, times)
                assert abs(result.statistic) < 0.1  # 1e13 eps, and some
                assert result.p_value > 0.1


class TestBadInput:
    ONE, TWO = BinomialMixture(1).fit(RATS), BinomialMixture(2).fit(RATS)

    @pytest.mark.parametrize(
        ("parameters", "error", "words"),
        [
            ({"n_boot": 0}, ValueError, "n_boot == 0, must be >= 1"),
            ({"n_boot": -1}, ValueError, "n_boot == -1, must be >= 1"),
            ({"n_boot": 19.0}, TypeError, "n_boot must be an instance of int, not float"),
            ({"n_boot": "19"}, TypeError, "n_boot must be an instance of int, not str"),
            ({"random_state": "x"}, ValueError, "'x' cannot be used to seed"),
            ({"n_jobs": 0}, ValueError, "n_jobs == 0"),
            ({"sample_weight": np.full(71, 0.3)}, ValueError, r"weight 0\.3.*whole.*Scale"),
        ],
    )
    def test_is_refused_by_name(self, parameters, error, words):
        with pytest.raises(error, match=words):
            likelihood_ratio_test(self.ONE, self.TWO, RATS, **parameters)

    @pytest.mark.parametrize(
        ("X", "times"),
        [
            ([[0.5, 1.75], [2, 3]], None),
            ([[2, 1], [2, 3]], [0.5, 0.5]),
        ],
    )
    def test_remedies_are_of_this_function(self, X, times):
        """There is no ``parametric`` here."""
        with pytest.raises(ValueError, match="whole") as refused:
            compare(BinomialMixture(1), BinomialMixture(2), X, times)
        assert "parametric" not in str(refused.value)

    def test_a_null_that_was_fitted_to_other_rows_is_refused(self):
        """Its likelihood is too low, and every p-value that follows."""
        elsewhere = BinomialMixture(1).fit([[1, 1]])
        with pytest.raises(ValueError, match="null"):
            likelihood_ratio_test(elsewhere, self.TWO, RATS, n_boot=1)


def test_nothing_is_printed_unless_asked(capfd):
    compare(BinomialMixture(1), BinomialMixture(2), RATS)
    assert capfd.readouterr() == ("", "")
    compare(
        BinomialMixture(1), BinomialMixture(2), RATS, verbose=11
    )  # each, in any release of joblib
    assert "Done" in "".join(capfd.readouterr())


@pytest.mark.skipif(not HAS_CALLBACKS, reason="needs the callbacks of scikit-learn 1.9")
def test_callbacks_are_told_of_every_simulation():
    class Counter:
        begun = ended = 0

        def setup(self, estimator, context):
            assert context.max_subtasks == 3

        def teardown(self, estimator, context):
            assert (self.begun, self.ended) == (4, 4)  # with the root
            self.ended = "all"

        def on_fit_task_begin(self, estimator, context):
            self.begun += 1

        def on_fit_task_end(self, estimator, context):
            self.ended += 1

    counter = Counter()
    compare(BinomialMixture(1), BinomialMixture(2), RATS, callbacks=[counter])
    assert counter.ended == "all"
