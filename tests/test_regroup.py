"""Coins spent elsewhere: all trials keep what is held, and the way leads to the highest maximum.

Runs of many starts and many problems side by side are those of each alone.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skcoin import BinomialMixture
from skcoin._base import count_rows, recipe_of
from skcoin._em import regroup
from skcoin._em.e_step import e_step
from skcoin._em.escape import End
from skcoin._em.loop import climb, repeat
from skcoin._em.maximize import maximize
from skcoin._em.parameters import Parameters, concatenate
from skcoin._em.steps import em_step, newton_step
from skcoin._fit import as_problem, fit_tables

THREE = [0.15, 0.5, 0.8]
SETTINGS = {
    "free": {},
    "priors": {"theta_prior": (2.5, 1.5), "weights_prior": 2},
    "held coin": {"theta_init": [np.nan, 0.5, np.nan], "learn_theta": [True, False, True]},
    "equal weights": {"learn_weights": False},
    "given weights": {"learn_weights": False, "weights_init": [0.2, 0.5, 0.3]},
}
NEWTON = {"solver": "em-newton", "tol": 1e-8, "max_iter": 500}
every_setting = pytest.mark.parametrize(
    ("setting", "known"), [*((s, False) for s in SETTINGS), ("free", True), ("equal weights", True)]
)


def problem_of(n_rows=90, depth=300, setting="free", known=False, seed=0, theta=THREE):
    """Rows of three coins, .2, .5 and .3 of them; of each coin two rows are known if any are."""
    rng = np.random.default_rng(seed)
    coins = np.searchsorted([0.2, 0.7], np.arange(n_rows) / n_rows, side="right")
    tosses = rng.integers(depth // 2, depth, size=len(coins))
    heads = rng.binomial(tosses, np.array(theta)[coins])
    is_known = known & (np.arange(len(coins)) % (n_rows // 5) < 2)
    labels = np.where(is_known, coins, -1)
    model = BinomialMixture(3, **SETTINGS[setting])
    counts = count_rows(model, np.column_stack([heads, tosses - heads]), None, labels, reset=True)
    return as_problem(recipe_of(model), counts)


def mixture(weights, *theta):
    return Parameters(np.array(weights, dtype=float), np.array(theta, dtype=float)[:, None])


def start_of(problem, *theta):
    """As one start: these thetas, but for what is held."""
    asked = problem.specification
    theta = np.where(asked.free, np.array(theta)[:, None], asked.init)
    weights = np.full(3, 1 / 3) if asked.free_weights else asked.start_weights
    return Parameters(weights[None], theta[None])


def end_of(problem, *theta):
    """Where Newton's steps alone lead from these thetas."""
    [run] = maximize([problem], [start_of(problem, *theta)], **NEWTON)
    return End(run)


def misplaced(problem):
    """Where EM is after three steps from two at one place, and one for two."""
    start = start_of(problem, *MISPLACED)
    [run] = repeat(em_step, [problem], [start], tol=1e-9, max_iter=3)
    return End(run)


MISPLACED = 0.75, 0.45, 0.85


@every_setting
@pytest.mark.parametrize("n_rows", [90, 1500])
def test_from_two_coins_at_one_place_all_three_are_found(n_rows, setting, known):
    """Whether by all rows or, of many, first by few."""
    problem = problem_of(n_rows, 1000 if n_rows > 1000 else 300, setting, known)
    assert (problem.coarse is problem) == (n_rows == 90)
    [best] = maximize([problem], [start_of(problem, *THREE)], **NEWTON)
    for theta in (MISPLACED, (0.8, 0.5, 0.15), (0.1, 0.2, 0.5), (0.5, 0.15, 0.8)):
        [run] = maximize([problem], [start_of(problem, *theta)], may_regroup=True, **NEWTON)
        assert run.status == "converged"
        assert run.objective[-1] > best.objective[-1] - 1e-6
    assert_allclose(np.sort(run.last.components[0, :, 0]), THREE, atol=0.1)


def test_tables_are_fitted_with_coins_spent_elsewhere_unless_that_is_not_asked_for():
    model, problem = BinomialMixture(3), problem_of()
    X = problem.table[:2].T
    counts = count_rows(model, X, problem.multiplicity, None, reset=True)
    given = {"warm": [misplaced(problem).parameters[None]], "own_starts": False}
    [run] = fit_tables(recipe_of(model), [counts], **given)
    [left] = fit_tables(recipe_of(model), [counts], **given, regroup=False)
    top = end_of(problem, *THREE).objective
    assert run.objective[-1] == pytest.approx(top, abs=1e-5)
    assert left.objective[-1] < top - 100
    [own] = fit_tables(recipe_of(model), [counts])
    assert own.objective[-1] == pytest.approx(top, abs=1e-5)


@every_setting
@pytest.mark.parametrize("n_rows", [90, 1500])
def test_problems_side_by_side_are_searched_as_alone(n_rows, setting, known):
    problems = [
        problem_of(n, 1000, setting, known, seed, theta)
        for seed, (n, theta) in enumerate(
            [(n_rows, THREE), (60, [0.4, 0.5, 0.9]), (n_rows, [0.1, 0.3, 0.35])]
        )
    ]
    starts = [start_of(problem, *MISPLACED) for problem in problems]
    together = maximize(problems, starts, may_regroup=True, **NEWTON)
    for problem, start, run in zip(problems, starts, together, strict=True):
        [alone] = maximize([problem], [start], may_regroup=True, **NEWTON)
        assert run.objective[-1] == pytest.approx(alone.objective[-1], abs=1e-7)
        assert_allclose(run.last.components, alone.last.components, atol=1e-3)
        assert_allclose(run.objective[-1], e_step(problem, run.last).objective[0], rtol=1e-12)


@every_setting
@pytest.mark.parametrize("n_rows", [90, 1500])
def test_all_trials_keep_what_is_held_and_share_out_all_weight(n_rows, setting, known):
    problem = problem_of(n_rows, 1000, setting, known)
    end, asked = misplaced(problem), problem.specification
    [of_end] = regroup._put_elsewhere([end])
    trials = [trial for group in [*of_end, regroup._exchanged(end)] for trial in group]
    [(settled, objective)] = regroup.settle([end])
    promising = regroup.promising(end, settled, objective)
    some = [*trials, *settled, *promising, *regroup._lightest_elsewhere(end)]
    assert len(trials) > 3
    assert end.objective == e_step(problem, end.parameters[None]).objective[0]
    for trial in some:
        assert_array_equal(trial.components[~asked.free], asked.init[~asked.free])
        assert ((trial.components >= 0) & (trial.components <= 1)).all()
        if asked.free_weights:
            assert trial.weights.sum() == pytest.approx(1, rel=1e-12)
            assert trial.weights.min() >= 0
        else:
            assert_allclose(trial.weights, asked.start_weights, rtol=1e-12)
    assert np.isfinite(e_step(problem, concatenate([t[None] for t in some])).objective).all()
    assert objective[0] == pytest.approx(e_step(problem.coarse, settled[:1]).objective[0])


@every_setting
def test_one_of_the_trials_puts_the_coin_where_it_is_missed(setting, known):
    """Before any step: one of two at one place is put to where one stands for two."""
    problem = problem_of(90, 300, setting, known)
    end = misplaced(problem)
    [of_end] = regroup._put_elsewhere([end])
    trials = [trial for group in [*of_end, regroup._exchanged(end)] for trial in group]
    apart = [np.abs(np.sort(trial.components[:, 0]) - THREE).max() for trial in trials]
    assert min(apart) < 0.12


def test_where_nothing_tells_coins_apart_none_change_places():
    for setting, known in (("free", False), ("equal weights", False), ("priors", False)):
        assert regroup._exchanged(misplaced(problem_of(90, 300, setting, known))) == []
    end = end_of(problem_of(90, 300, "given weights"), *THREE)
    exchanged = regroup._exchanged(end)
    theta = end.parameters.components[:, 0]
    pairs = [(1, 0, 2), (2, 1, 0), (0, 2, 1)]
    assert_array_equal([t.components[:, 0] for t in exchanged], [theta[[*p]] for p in pairs])
    assert all((t.weights == end.parameters.weights).all() for t in exchanged)
    end = end_of(problem_of(90, 300, "free", known=True), *THREE)  # weights go along
    for trial, pair in zip(regroup._exchanged(end), pairs, strict=True):
        assert_array_equal(trial.weights, end.parameters.weights[[*pair]])
        assert_array_equal(trial.components, end.parameters.components[[*pair]])
    held = regroup._exchanged(end_of(problem_of(90, 300, "held coin"), *THREE))
    assert held == []  # the open ones are as good as each other


def test_only_open_coins_are_taken_out():
    end = misplaced(problem_of(90, 300, "held coin"))
    assert {k for k, _ in regroup._taken_out(end)} == {0, 2}
    for k, rest in regroup._taken_out(end):
        assert rest.weights[k] == 0
        assert rest.weights.sum() == pytest.approx(1)
    end = misplaced(problem_of(90, 300, "given weights"))
    apart = regroup._taken_out(end)
    assert [k for k, _ in apart] == [0, 1, 2]
    for k, rest in apart:
        others = np.arange(3) != k
        weights = end.parameters.weights[others]
        assert_allclose(rest.weights[others], weights / weights.sum())


def test_of_very_many_trials_few_go_on_the_highest_among_them(monkeypatch):
    problem = problem_of(90, 300)
    end = misplaced(problem)
    [groups] = regroup._put_elsewhere([end])
    assert regroup._few(problem, [[], *groups]) == groups
    every = [trial for group in groups for trial in group]
    height = e_step(problem, concatenate([t[None] for t in every])).objective
    best = every[height.argmax()]
    for most in (1, 4, 8, len(every) - 1):
        size = problem.multiplicity.size * 3
        monkeypatch.setattr(regroup, "MOST_NUMBERS", most * size)
        few = regroup._few(problem, groups)
        flat = [trial for group in few for trial in group]
        assert 0 < len(flat) <= max(regroup.MOST_ALIKE, most)
        assert any(trial is best for trial in flat)
        for group in few:  # the highest of theirs, in falling order
            own = next(g for g in groups if any(t is group[0] for t in g))
            of_own = e_step(problem, concatenate([t[None] for t in own])).objective
            of_few = e_step(problem, concatenate([t[None] for t in group])).objective
            assert_allclose(of_few, np.sort(of_own)[::-1][: len(group)])


def test_equal_heights_count_once_and_the_first_always():
    objective = np.array([-5.0, -3.0, -3.0 + 1e-8, -9.0, -np.inf, -np.inf, -4.0])
    assert_array_equal(regroup._distinct(objective), [2, 6, 0, 3, 4])
    groups, height = [[0], [0, 0, 0], [0, 0, 0]], objective + 0.5
    assert_array_equal(regroup._best_of_each(groups, objective, height), [0, 2, 6])
    assert 3 in regroup._best_of_each(groups, objective, height + 2)  # may lead near the first
    height = np.full(7, -np.inf)
    assert_array_equal(regroup._best_of_each(groups, objective, height), [0])
    many = np.arange(9.0)
    assert_array_equal(regroup._best_of_each([[0], [0] * 8], many, many), [0, 8, 7, 6, 5])


@pytest.mark.parametrize("n_rows", [90, 1500])
def test_trials_that_lead_higher_are_promising_the_best_first(n_rows):
    problem = problem_of(n_rows, 1000)
    end = misplaced(problem)
    good, fair = end_of(problem, *THREE).parameters, mixture([0.2, 0.4, 0.4], 0.2, 0.5, 0.7)
    trials = concatenate([end.parameters[None], fair[None], good[None], end.parameters[None]])
    objective = e_step(problem.coarse, trials).objective
    found = regroup.promising(end, trials, objective)
    assert len(found) <= regroup.MOST_TRIALS
    theta = np.sort(found[0].components, axis=0)
    assert_allclose(theta, np.sort(good.components, axis=0), atol=1e-3)
    top = end_of(problem, *THREE)
    trials = concatenate([top.parameters[None], end.parameters[None], fair[None]])
    objective = e_step(problem.coarse, trials).objective
    # From the top nothing does, but for what ends where it began.
    assert all(
        e_step(problem, t[None]).objective[0] < top.objective + 1e-9
        for t in regroup.promising(top, trials, objective)
    )
    assert regroup.promising(top, trials[:1], objective[:1]) == [] or n_rows > 1000


def test_a_saddle_a_little_below_leads_higher():
    """Two equal coins are 0.8 below two that part; what is far below a saddle is of no use."""
    model = BinomialMixture(2, learn_weights=False)
    counts = count_rows(model, [[6, 4], [4, 6], [8, 2], [2, 8], [5, 5]], None, None, reset=True)
    problem = as_problem(recipe_of(model), counts)
    apart, equal = mixture([0.5, 0.5], 0.66, 0.34), mixture([0.5, 0.5], 0.5, 0.5)
    [run] = maximize([problem], [apart[None]], **NEWTON)
    trials = concatenate([run.last, equal[None]])
    objective = e_step(problem, trials).objective
    assert 0.1 < objective[0] - objective[1] < 2
    [found] = regroup.promising(End(run), trials, objective)
    assert_array_equal(found.components, equal.components)
    far = replace(problem, multiplicity=10 * problem.multiplicity)
    [run] = maximize([far], [apart[None]], **NEWTON)
    trials = concatenate([run.last, equal[None]])
    assert regroup.promising(End(run), trials, e_step(far, trials).objective) == []


def test_a_start_that_is_given_is_where_the_way_begins():
    problem = problem_of(1500, 1000)
    model = BinomialMixture(3, theta_init=[0.7, 0.4, 0.2], learn_weights=False)
    model.fit(problem.table[:2].T, sample_weight=problem.multiplicity)
    assert_array_equal(model.theta_path_[0], [0.7, 0.4, 0.2])


def test_some_trial_is_looked_at_on_all_rows():
    problem = problem_of(1500, 1000)
    best = end_of(problem, *THREE)
    for trials in ([0.8, 0.5, 0.2], MISPLACED), (MISPLACED, [0.8, 0.5, 0.2]):
        some = [start_of(problem, *theta)[0] for theta in trials]
        found = regroup.look_at(problem, some)
        assert found.weights.shape == (1, 3)
        assert e_step(problem, found).objective[0] == pytest.approx(best.objective, abs=0.1)


def test_the_lightest_open_coin_is_outdone_where_another_place_helps_more():
    problem = problem_of(90, 300)
    assert regroup.is_outdone(misplaced(problem))
    assert not regroup.is_outdone(end_of(problem, *THREE))
    assert not regroup.is_outdone(misplaced(problem_of(90, 300, "equal weights")))
    end = misplaced(problem_of(90, 300, "held coin"))
    [moved] = regroup._lightest_elsewhere(end)
    [k] = np.flatnonzero(moved.components[:, 0] != end.parameters.components[:, 0])
    assert k == (0 if end.parameters.weights[0] < end.parameters.weights[2] else 2)
    assert e_step(end.problem, moved[None]).objective[0] > end.objective


@pytest.mark.parametrize("step", [em_step, newton_step])
def test_climbs_of_many_starts_and_problems_end_where_each_does_alone(step):
    problems = [problem_of(n, 40, seed=n) for n in (30, 90, 45)]
    rng = np.random.default_rng(0)
    starts = [
        Parameters(rng.dirichlet(np.ones(3), size=n), rng.uniform(0.1, 0.9, size=(n, 3, 1)))
        for n in (2, 1, 4)
    ]
    for max_iter, tol in ((3, 1e-6), (200, 1e-6), (200, 1.0)):
        options = {"tol": tol, "max_iter": max_iter}
        together = climb(step, problems, starts, **options)
        best = repeat(step, problems, starts, **options)
        for problem, start, (end, height), run in zip(
            problems, starts, together, best, strict=True
        ):
            every = [
                repeat(step, [problem], [start[i : i + 1]], **options)[0]
                for i in range(len(start.weights))
            ]
            assert_allclose(height, [r.objective[-1] for r in every], rtol=1e-12)
            assert_allclose(end.components, [r.last.components[0] for r in every], atol=1e-9)
            assert_allclose(end.weights, [r.last.weights[0] for r in every], atol=1e-9)
            [(alone, of_alone)] = climb(step, [problem], [start], **options)
            assert_allclose(of_alone, height, rtol=1e-9)
            assert_allclose(alone.weights, end.weights, atol=1e-6)
            highest = max(every, key=lambda r: r.objective[-1])
            assert run.objective[-1] == pytest.approx(highest.objective[-1], rel=1e-9)
            assert run.converged == highest.converged
            assert run.n_iter <= max_iter
            ended = (r.n_iter for r in every if abs(r.objective[-1] - run.objective[-1]) < 1e-6)
            assert run.n_iter in ended
            assert_allclose(e_step(problem, run.last).objective[0], run.objective[-1], rtol=1e-12)
            assert_allclose(run.e_step.objective, run.objective[-1:], rtol=1e-12)


def test_of_equal_starts_the_first_is_the_best():
    problem = problem_of(30, 40)
    one = start_of(problem, 0.7, 0.5, 0.2)
    mirrored = Parameters(one.weights, one.components[:, ::-1])
    [run] = repeat(newton_step, [problem], [concatenate([one, mirrored])], tol=1e-6, max_iter=50)
    assert_array_equal(run.path.components[0], one.components[0])
    [run] = repeat(em_step, [problem], [concatenate([mirrored, one])], tol=1e-6, max_iter=50)
    assert_array_equal(run.path.components[0], mirrored.components[0])


def test_a_run_followed_by_another_is_one_way():
    problem = problem_of(30, 40)
    start = start_of(problem, 0.7, 0.5, 0.2)
    [one] = repeat(em_step, [problem], [start], tol=1e-9, max_iter=3)
    [other] = repeat(em_step, [problem], [one.last], tol=1e-9, max_iter=2)
    both = one.followed_by(other)
    assert both.n_iter == 3 + 1 + 2
    assert_array_equal(both.objective, [*one.objective, *other.objective])
    assert_array_equal(both.path.weights[:4], one.path.weights)
    assert_array_equal(both.last.components, other.last.components)
    scaled = replace(both, problem=replace(problem, scale=4.0))
    assert_array_equal(scaled.height, both.objective / 4)
