"""The table of numbers of coins: the criteria of separate fits, and an end that is proved."""

import numpy as np
import pytest
from _assertions import assert_same
from _models import fit_to_the_end
from _references import REFERENCES, load_set
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, IdentifiabilityWarning, ThreeCoinModel
from skcoin.inspection import compare_n_components, optimality_gap

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
]
RATS, _ = load_set("rat_tumours")
SETS = list(REFERENCES["sets"])
TOL = 1e-6  # of the fits
COLUMNS = {
    "n_components": "i",
    "log_likelihood": "f",
    "n_parameters": "i",
    "aic": "f",
    "bic": "f",
    "icl": "f",
    "gap": "f",
    "smallest_weight": "f",
    "identifiable": "b",
    "converged": "b",
}


class TestAgainstReferences:
    @pytest.mark.parametrize("kind", ["free", "equal"])
    @pytest.mark.parametrize("name", SETS)
    def test_criteria_are_those_of_the_best_known_coins(self, name, kind):
        X, times = load_set(name)
        estimator = BinomialMixture(learn_weights=kind == "free")
        table = compare_n_components(X, 4, sample_weight=times, estimator=estimator)
        assert_array_equal(table.n_components, 1 + np.arange(len(table.n_components)))
        for i, n_coins in enumerate(table.n_components):
            entry = REFERENCES["sets"][name][kind][str(n_coins)]
            # The fit ends within tol; the references have 16 digits.
            near = {"abs": 2 * TOL, "rel": 1e-14}
            assert table.log_likelihood[i] == pytest.approx(entry["loglik"], **near)
            assert table.n_parameters[i] == entry["n_params"]
            assert table.aic[i] == pytest.approx(entry["aic"], **near)
            assert table.bic[i] == pytest.approx(entry["bic"], **near)
        if kind == "free" and len(table.n_components) < 4:
            more = REFERENCES["sets"][name]["free"][str(len(table.n_components) + 1)]["loglik"]
            assert more < table.log_likelihood[-1] + 1e-3  # min_gain

    @pytest.mark.parametrize("kind", ["free", "equal"])
    @pytest.mark.parametrize("name", [n for n in SETS if "npmle" in REFERENCES["sets"][n]])
    def test_no_mixture_gains_more_than_the_gap(self, name, kind):
        X, times = load_set(name)
        estimator = BinomialMixture(learn_weights=kind == "free")
        table = compare_n_components(X, 4, sample_weight=times, estimator=estimator)
        best = REFERENCES["sets"][name]["npmle"]
        rounding = 1e-12 * abs(best["loglik_without_coefficient"])
        assert np.all(table.gap >= best["loglik"] - table.log_likelihood - rounding)
        assert np.all(table.gap >= 0)

    @pytest.mark.parametrize("name", ["rat_tumours", "saxony_families12", "orob2", "tacks"])
    def test_the_table_ends_with_a_proof(self, name):
        X, times = load_set(name)
        table = compare_n_components(X, sample_weight=times)
        assert len(table.gap) < 6
        best = REFERENCES["sets"][name]["npmle"]["loglik"]
        assert table.log_likelihood[-1] == pytest.approx(best, abs=1e-3)
        assert table.gap[-1] < 1e-3
        assert np.all(table.gap[:-1] >= 1e-3)


class TestAgainstSeparateFits:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"learn_weights": False},
            {"theta_prior": (2, 3), "weights_prior": 2},
            {"solver": "em", "tol": 1e-3},
            {"init_params": "k-means++", "n_init": 3, "random_state": 0},
            {"init_params": "quantile"},
            {"warm_start": True},
        ],
    )
    def test_every_number_is_that_of_a_fit_of_its_own(self, parameters):
        estimator = BinomialMixture(**parameters)
        table = compare_n_components(RATS, 4, estimator=estimator, min_gain=0)
        for i, n_coins in enumerate(table.n_components):
            model = BinomialMixture(n_coins, **parameters).fit(RATS)
            # The same climb on the same counts; sums may be ordered otherwise.
            near = {"rel": 1e-12}
            total = model.score(RATS) * len(RATS)
            assert table.log_likelihood[i] == pytest.approx(total, **near)
            assert table.aic[i] == pytest.approx(model.aic(RATS), **near)
            assert table.bic[i] == pytest.approx(model.bic(RATS), **near)
            assert table.icl[i] == pytest.approx(model.icl(RATS), **near)
            assert table.smallest_weight[i] == pytest.approx(model.weights_.min(), abs=1e-15)
            assert table.converged[i] == model.converged_
            gap = optimality_gap(model, RATS).gap
            assert table.gap[i] == pytest.approx(gap, abs=1e-4)  # as sharp as both are

    def test_aic_bic_and_icl_follow_from_the_other_columns(self):
        X, times = load_set("saxony_families12")
        table = compare_n_components(X, sample_weight=times)
        deviance = -2 * table.log_likelihood
        assert_allclose(table.aic, deviance + 2 * table.n_parameters, rtol=1e-15)
        assert_allclose(table.bic, deviance + np.log(6115) * table.n_parameters, rtol=1e-15)
        assert np.all(table.icl[1:] > table.bic[1:])
        assert table.icl[0] == table.bic[0]  # one coin leaves no doubt
        assert_array_equal(table.n_parameters, 2 * table.n_components - 1)


class TestEnd:
    @pytest.mark.parametrize("min_gain", [1e-3, 0.1, 2.0, 3.0, 18.0, 20.0])
    def test_is_where_the_fits_so_far_prove_a_gap_below_min_gain(self, min_gain):
        """With 3, two coins have less to gain than that, but it takes a third to know it."""
        table = compare_n_components(RATS, min_gain=min_gain)
        n_rows = len(table.gap)
        assert n_rows < 6
        assert table.gap[-1] < min_gain
        for n_components in range(1, n_rows):
            shorter = compare_n_components(RATS, n_components, min_gain=0)
            assert shorter.gap[-1] >= min_gain
        same = compare_n_components(RATS, n_rows, min_gain=0)
        assert_same(same, table)

    @pytest.mark.parametrize("name", ["do_batzoglou_2008", "collins_three_coins", "rat_tumours"])
    def test_never_comes_early_where_no_gain_is_too_small(self, name):
        X, times = load_set(name)
        table = compare_n_components(X, 5, sample_weight=times, min_gain=0)
        assert_array_equal(table.n_components, [1, 2, 3, 4, 5])
        assert np.all(table.gap >= 0)
        assert np.all(np.diff(table.log_likelihood) >= -2 * TOL)

    @pytest.mark.slow
    def test_leaves_no_gap_below_zero(self):
        """One toss a row: the first coin leaves nothing, and rounding no less than nothing."""
        for heads in range(1, 60, 3):
            times = [heads, 61]
            table = compare_n_components([[1, 0], [0, 1]], sample_weight=times, min_gain=0)
            assert np.all(table.gap >= 0)
            assert np.all(table.gap < 1e-10)

    @pytest.mark.slow
    def test_never_comes_early_by_rounding(self):
        """One toss a row: no second coin gains anything, and the gap is zero or a hair off."""
        for heads in range(1, 60, 3):
            table = compare_n_components([[1, 0], [0, 1]], sample_weight=[heads, 61], min_gain=0)
            assert_array_equal(table.n_components, [1, 2, 3, 4, 5, 6])

    def test_is_at_max_components_at_the_latest(self):
        for max_components in (1, 2, np.int64(2)):
            table = compare_n_components(RATS, max_components)
            assert len(table.gap) == max_components
            assert table.gap[-1] > 1

    def test_comes_at_once_where_one_coin_is_best_of_all(self):
        table = compare_n_components([[3, 3]] * 20)
        assert len(table.gap) == 1
        assert table.gap[0] == pytest.approx(0, abs=1e-9)
        assert table.log_likelihood[0] == pytest.approx(20 * np.log(20 / 64), rel=1e-14)

    def test_the_gap_of_every_row_is_what_the_best_of_all_mixtures_gains(self):
        table = compare_n_components(RATS)
        exact = REFERENCES["sets"]["rat_tumours"]["npmle"]["loglik"] - table.log_likelihood
        assert_allclose(table.gap, exact, atol=1.1e-4)


class TestSameResult:
    def test_for_a_default_estimator_and_none(self):
        default = compare_n_components(RATS)
        assert_same(default, compare_n_components(RATS, estimator=BinomialMixture()))
        assert_same(default, compare_n_components(RATS, estimator=BinomialMixture(5)))

    def test_however_often_it_is_asked_for(self):
        """The estimator's generator is copied, not drawn from."""
        state = np.random.RandomState(0)
        estimator = BinomialMixture(init_params="random", n_init=2, random_state=state)
        first = compare_n_components(RATS, estimator=estimator)
        assert_same(first, compare_n_components(RATS, estimator=estimator))

    def test_as_a_data_frame(self):
        pandas = pytest.importorskip("pandas")
        table = compare_n_components(RATS)
        frame = compare_n_components(RATS, as_frame=True)
        assert isinstance(frame, pandas.DataFrame)
        assert list(frame.columns) == list(table) == list(COLUMNS)
        for name, kind in COLUMNS.items():
            assert frame[name].dtype == table[name].dtype
            assert table[name].dtype.kind == kind
            assert_array_equal(frame[name].to_numpy(), table[name])
        assert_array_equal(frame.index, range(len(table.gap)))

    def test_for_a_thousand_million_rows(self):
        """As weights, which cost no more than one row each."""
        times = np.full(len(RATS), 10**8)
        table = compare_n_components(RATS, 2, sample_weight=times)
        once = compare_n_components(RATS, 2)
        assert_allclose(table.log_likelihood, 1e8 * once.log_likelihood, rtol=1e-9)  # tol, once
        assert_allclose(table.gap, 1e8 * once.gap, rtol=1e-6)


class TestWhatAFitWouldWarnOf:
    """Warnings are errors here, so that none leaks."""

    def test_is_in_the_column_identifiable(self):
        X = [[3, 0], [0, 3], [1, 2], [2, 1], [0, 1]] * 4
        table = compare_n_components(X, 4, min_gain=0)
        assert_array_equal(table.identifiable, [True, True, False, False])  # 1, 3, 5, 7 > 3
        with pytest.warns(IdentifiabilityWarning):
            BinomialMixture(3).fit(X)
        equal = BinomialMixture(learn_weights=False)
        table = compare_n_components(X, 4, estimator=equal, min_gain=0)
        assert_array_equal(table.identifiable, [True, True, True, False])

    def test_one_toss_a_row_identifies_one_coin(self):
        X, _ = load_set("li_hang_three_coins")
        table = compare_n_components(X, min_gain=0)
        assert_array_equal(table.identifiable, table.n_components == 1)
        assert not table.identifiable[-1]
        # No coins gain anything.
        assert_allclose(table.log_likelihood, table.log_likelihood[0], atol=2 * TOL)
        assert len(compare_n_components(X).gap) == 1

    def test_is_in_the_column_converged(self):
        hasty = BinomialMixture(solver="em", max_iter=2)
        table = compare_n_components(RATS, 4, estimator=hasty)
        assert_array_equal(table.converged, [True, False, False, False])
        with pytest.warns(ConvergenceWarning):
            BinomialMixture(3, solver="em", max_iter=2).fit(RATS)
        # What it shows is of those coins, not of better ones; the gap holds for them, too.
        model = fit_to_the_end(BinomialMixture(3, solver="em", max_iter=2), RATS)
        total = model.score(RATS) * len(RATS)
        assert table.log_likelihood[2] == pytest.approx(total, rel=1e-12)
        best = REFERENCES["sets"]["rat_tumours"]["npmle"]["loglik"]
        assert np.all(table.gap >= best - table.log_likelihood - 1e-9)

    def test_but_columns_that_may_be_misread_are_warned_of_once(self):
        wide = np.column_stack([RATS, RATS[:, 1]])
        with pytest.warns(UserWarning, match="column 0 is taken as heads") as told:
            compare_n_components(wide, 3)
        assert len(told) == 1


class TestBadInput:
    @pytest.mark.parametrize(
        ("parameters", "error", "words"),
        [
            ({"max_components": 0}, ValueError, "max_components == 0, must be >= 1"),
            ({"max_components": -2}, ValueError, "max_components == -2, must be >= 1"),
            ({"max_components": 2.5}, TypeError, "max_components must be .*int, not float"),
            ({"max_components": "3"}, TypeError, "max_components must be .*int, not str"),
            ({"min_gain": -1}, ValueError, "min_gain == -1, must be >= 0"),
            ({"min_gain": "0"}, TypeError, "min_gain must be .*float, not str"),
            ({"min_gain": None}, TypeError, "min_gain must be .*float, not NoneType"),
        ],
    )
    def test_is_refused_by_name(self, parameters, error, words):
        with pytest.raises(error, match=words):
            compare_n_components(RATS, **parameters)

    def test_the_three_coin_model_is_refused(self):
        words = "estimator must be a BinomialMixture.*is a ThreeCoinModel"
        with pytest.raises(TypeError, match=words):
            compare_n_components(RATS, estimator=ThreeCoinModel())

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"theta_init": [0.1, 0.2]}, r"theta_init=\[0\.1, 0\.2\].*vary.*theta_init at None"),
            ({"weights_init": [0.1, 0.9]}, r"weights_init=\[0\.1, 0\.9\].*weights_init at None"),
            ({"theta_init": [0.5], "learn_theta": False}, "theta_init at None"),
        ],
    )
    def test_coins_that_are_given_cannot_vary_in_number(self, parameters, words):
        with pytest.raises(ValueError, match=words):
            compare_n_components(RATS, estimator=BinomialMixture(**parameters))

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"tol": -1}, "'tol' parameter of BinomialMixture must be .*Got -1"),
            ({"solver": "newton"}, "'solver' parameter of BinomialMixture .*Got 'newton'"),
            ({"n_init": 0}, "'n_init' parameter of BinomialMixture .*Got 0"),
            ({"max_iter": 0}, "'max_iter' parameter of BinomialMixture .*Got 0"),
            ({"layout": "rows"}, "'layout' parameter of BinomialMixture .*Got 'rows'"),
            ({"weights_prior": 0.5}, r"'weights_prior' parameter of Bin.*Got 0\.5"),
            ({"learn_weights": "no"}, "'learn_weights' parameter of Bin.*Got 'no'"),
            ({"theta_prior": (0, 1)}, r"theta_prior is \(0, 1\).*at least 1"),
            ({"learn_theta": [True, True]}, r"learn_theta is \[True, True\].*n_components=1"),
        ],
    )
    def test_a_parameter_of_the_estimator_is_refused_as_fit_does(self, parameters, words):
        with pytest.raises(ValueError, match=words):
            compare_n_components(RATS, estimator=BinomialMixture(**parameters))

    def test_rows_are_read_in_the_layout_of_the_estimator(self):
        estimator = BinomialMixture(layout="heads_tosses")
        with pytest.raises(ValueError, match="5 heads in 3 tosses"):
            compare_n_components([[5, 3]], estimator=estimator)

    def test_a_gain_that_is_no_number_is_refused(self):
        with pytest.raises(ValueError, match="min_gain"):
            compare_n_components(RATS, min_gain=np.nan)

    def test_coins_that_are_held_are_refused_with_a_remedy_that_works(self):
        """A theta that is held needs ``theta_init``, which would be refused here."""
        with pytest.raises(ValueError, match="learn_theta") as refused:
            compare_n_components(RATS, estimator=BinomialMixture(learn_theta=False))
        assert "Give theta_init" not in str(refused.value)

    def test_a_class_is_refused_with_a_remedy(self):
        with pytest.raises(TypeError, match=r"BinomialMixture\(\)"):
            compare_n_components(RATS, estimator=BinomialMixture)
