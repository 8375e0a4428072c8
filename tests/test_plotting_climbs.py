"""The displays of a climb and of its steps, against the fit itself."""

import numpy as np
import pytest
from scipy.stats import binom

from skcoin import BinomialMixture
from skcoin.datasets import load_do_batzoglou, load_rat_tumours
from skcoin.plotting import (
    ConvergenceDisplay,
    LowerBoundDisplay,
)

pytestmark = pytest.mark.usefixtures("no_window")
SETS = load_do_batzoglou().data
RATS = load_rat_tumours().data


# Convergence


def test_gaps_are_those_of_the_fits_own_trace():
    given = {"theta_init": [0.6, 0.5], "weights_init": [0.5, 0.5]}
    top = len(SETS) * BinomialMixture(**given, tol=0).fit(SETS).lower_bound_
    model = BinomialMixture(**given).fit(SETS)
    display = ConvergenceDisplay.from_estimator(model, SETS)
    for solver, gap in display.gaps.items():
        fit = BinomialMixture(**given, solver=solver, tol=1e-9, max_iter=10_000).fit(SETS)
        assert len(gap) == fit.n_iter_ + 1
        np.testing.assert_allclose(gap, top - len(SETS) * fit.lower_bounds_, rtol=0, atol=1e-12)


def test_both_solvers_start_alike_and_end_at_the_maximum(rats):
    gaps = ConvergenceDisplay.from_estimator(rats, RATS).gaps
    assert gaps["em"][0] == gaps["em-newton"][0] > 0.1
    assert gaps["em"][1] == gaps["em-newton"][1]  # the first step of both is that of EM
    assert len(gaps["em-newton"]) < len(gaps["em"]) / 5
    for gap in gaps.values():
        assert (np.diff(gap) <= 1e-12).all()
        assert 0 <= gap[-1] < 1e-8


def test_known_coins_and_priors_are_part_of_the_gap():
    coins = [1, 0, -1, -1, -1]
    model = BinomialMixture(theta_prior=(3, 2), weights_prior=2).fit(SETS, coins=coins)
    display = ConvergenceDisplay.from_estimator(model, SETS, coins=coins)
    bounds = len(SETS) * model.lower_bounds_
    assert display.gaps["em-newton"][0] == pytest.approx(bounds[-1] - bounds[0], abs=1e-6)


def test_one_solver_may_be_drawn_alone(rats):
    display = ConvergenceDisplay.from_estimator(rats, RATS, solvers=["em-newton"])
    assert list(display.gaps) == list(display.lines_) == ["em-newton"]
    assert list(ConvergenceDisplay.from_estimator(rats, RATS, solvers="em").gaps) == ["em"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"solvers": ["newton"]}, ValueError, r"solvers is \['newton'\], but must hold some of"),
        (
            {"solvers": []},
            ValueError,
            r"solvers is \[\], but must hold some of \['em', 'em-newton'\]",
        ),
        ({"tol": -1}, ValueError, "tol == -1, must be >= 0"),
        ({"tol": np.nan}, ValueError, "tol is NaN, but must be a number"),
        ({"tol": "small"}, TypeError, "tol must be an instance of"),
        ({"max_iter": 0}, ValueError, "max_iter == 0, must be >= 1"),
        ({"max_iter": 2.5}, TypeError, "max_iter must be an instance of"),
    ],
)
def test_climb_that_cannot_be_is_refused(arguments, error, words, rats):
    with pytest.raises(error, match=words):
        ConvergenceDisplay.from_estimator(rats, RATS, **arguments)


def test_start_that_excludes_a_row_is_refused():
    sure = BinomialMixture(1, theta_init=[0.0], learn_theta=False).fit([[0, 5]])
    with pytest.raises(ValueError, match="A row of 3 heads and 2 tails is impossible"):
        ConvergenceDisplay.from_estimator(sure, [[3, 2]])


@pytest.mark.parametrize("weight", [1, 1e9])
def test_gap_that_rounding_hides_is_drawn_as_rounding(weight, rats):
    weights = np.full(len(RATS), weight)
    display = ConvergenceDisplay.from_estimator(rats, RATS, sample_weight=weights)
    assert display.ax_.get_yscale() == "log"
    assert 0 < display.rounding < 1e-14 * weight * 155
    for solver, line in display.lines_.items():
        drawn = line.get_ydata()
        np.testing.assert_array_equal(drawn, np.maximum(display.gaps[solver], display.rounding))
        assert (np.diff(drawn) <= display.rounding).all()  # noise looks like no climb


def test_climb_with_nothing_to_gain_can_be_drawn():
    held = BinomialMixture(2, theta_init=[0.8, 0.4], learn_theta=False, learn_weights=False).fit(
        SETS
    )
    display = ConvergenceDisplay.from_estimator(held, SETS)
    assert {float(gap.max()) for gap in display.gaps.values()} == {0.0}
    assert "EM: 1 step" in [t.get_text() for t in display.ax_.get_legend().texts]
    display.figure_.canvas.draw()


# Lower bound

CASES = {
    "the five sets": ({"theta_init": [0.6, 0.5], "learn_weights": False}, None),
    "a prior": ({"theta_prior": (3, 2), "weights_prior": 4}, None),
    "known coins": ({}, [1, 0, -1, -1, -1]),
}


@pytest.fixture(params=CASES, ids=str)
def bounded(request):
    parameters, coins = CASES[request.param]
    model = BinomialMixture(**parameters).fit(SETS, coins=coins)
    return model, LowerBoundDisplay.from_estimator(model, SETS, coins=coins, n_steps=5)


def test_bounds_are_nowhere_above_the_likelihood_and_touch_it(bounded):
    _, display = bounded
    assert (display.bounds <= display.objective + 1e-12).all()
    for bound, theta, height in zip(
        display.bounds, display.path, display.path_objective, strict=False
    ):
        # Two smooth curves that touch: what is between them grows with the square of the distance.
        near = abs(display.grid - theta) < 0.01
        assert np.abs((bound - display.objective)[near]).max() < 0.03
        assert np.interp(theta, display.grid, bound) == pytest.approx(height, abs=1e-4)


def test_next_theta_is_the_maximum_of_the_bound_and_the_likelihood_rises(bounded):
    _, display = bounded
    for bound, following in zip(display.bounds, display.path[1:], strict=True):
        spacing = display.grid[1] - display.grid[0]
        assert display.grid[bound.argmax()] == pytest.approx(following, abs=spacing)
    assert (np.diff(display.path_objective) > 0).all()


def test_likelihood_is_that_of_the_model_at_its_theta(bounded):
    model, display = bounded
    at_fit = np.interp(model.theta_[0], display.grid, display.objective)
    assert at_fit == pytest.approx(len(SETS) * model.lower_bound_, abs=1e-4)


def test_step_is_the_textbooks_formula_along_one_coin():
    model = BinomialMixture(theta_init=[0.6, 0.5], learn_weights=False).fit(SETS)
    display = LowerBoundDisplay.from_estimator(model, SETS, coin=0, start=0.6, n_steps=1)
    heads, tails = SETS.T
    a = 0.6**heads * 0.4**tails
    b = model.theta_[1] ** heads * (1 - model.theta_[1]) ** tails
    share = a / (a + b)
    assert display.path[1] == pytest.approx(share @ heads / (share @ (heads + tails)), rel=1e-12)
    ways = binom.pmf(heads, heads + tails, 0.5) * 2.0 ** (heads + tails)
    assert display.path_objective[0] == pytest.approx(np.log(ways * (a + b) / 2).sum())


@pytest.mark.parametrize("coin", [0, 1, 2])
@pytest.mark.parametrize("X", [[[0, 5], [5, 0], [3, 2]], [[0, 5], [0, 5]], RATS])
def test_default_start_is_inside_and_its_picture_is_finite(X, coin):
    model = BinomialMixture(3).fit(X)
    display = LowerBoundDisplay.from_estimator(model, X, coin=coin)
    assert 0 < display.path[0] < 1
    assert np.isfinite(display.path_objective).all()
    assert np.isfinite(display.ax_.get_ylim()).all()
    display.figure_.canvas.draw()


EXCLUDING = {
    "two sure coins": (BinomialMixture(2), [[5, 0], [0, 5]], None, [[3, 2], [1, 4]], None),
    "one sure coin": (BinomialMixture(1), [[0, 5]], None, [[3, 2]], None),
    "known coins": (BinomialMixture(2), [[5, 0], [0, 5]], [0, 1], [[0, 5], [3, 2]], [0, -1]),
}


@pytest.mark.parametrize("case", EXCLUDING)
def test_row_that_the_fit_excludes_is_drawn_from_where_it_is_possible(case):
    model, fitted, known, X, coins = EXCLUDING[case]
    model.fit(fitted, coins=known)
    display = LowerBoundDisplay.from_estimator(model, X, coins=coins)
    assert np.isfinite(display.path_objective).all()
    display.figure_.canvas.draw()


def test_axis_says_when_a_prior_is_in_it():
    for prior, name in (((1, 1), "log-likelihood"), ((3, 2), "log-likelihood + log prior")):
        model = BinomialMixture(theta_prior=prior).fit(SETS)
        assert LowerBoundDisplay.from_estimator(model, SETS).ax_.get_ylabel() == name


def test_many_steps_leave_room_for_the_picture(rats):
    display = LowerBoundDisplay.from_estimator(rats, RATS, n_steps=40)
    assert len(display.bound_lines_) == 40
    assert len(display.ax_.get_legend().texts) == 8
    display.figure_.canvas.draw()


def test_certain_rows_can_be_drawn():
    X = np.ones((4, 5))
    model = BinomialMixture(
        2,
        layout="tosses",
        theta_init=[1, 0.5],
        weights_init=[1, 0],
        learn_theta=False,
        learn_weights=False,
    ).fit(X)
    LowerBoundDisplay.from_estimator(model, X, coin=1).figure_.canvas.draw()


def test_one_coin_alone_is_there_after_one_step():
    model = BinomialMixture(1).fit(SETS)
    display = LowerBoundDisplay.from_estimator(model, SETS)
    np.testing.assert_allclose(display.path[1:], 33 / 50, rtol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"coin": 2}, ValueError, "coin == 2, must be <= 1"),
        ({"coin": -1}, ValueError, "coin == -1, must be >= 0"),
        ({"coin": 0.5}, TypeError, "coin must be an instance of"),
        ({"start": 0}, ValueError, "start == 0, must be > 0"),
        ({"start": 1.5}, ValueError, r"start == 1\.5, must be < 1"),
        ({"start": "a"}, TypeError, "start must be an instance of"),
        ({"start": np.nan}, ValueError, "start is NaN, but must be a number"),
        ({"n_steps": 0}, ValueError, "n_steps == 0, must be >= 1"),
    ],
)
def test_step_that_cannot_be_is_refused(arguments, error, words, rats):
    with pytest.raises(error, match=words):
        LowerBoundDisplay.from_estimator(rats, RATS, **arguments)
