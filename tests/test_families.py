"""The contract between the optimiser and a family, for every family and any number of parameters.

Derivatives are held against central differences, sums against sums over rows, maxima against
scipy's minimiser.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from _families import CASES, PAIRS
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit, logit, xlog1py, xlogy
from scipy.stats import binom

from skcoin._em.e_step import e_step, posterior
from skcoin._em.escape import _redundant_components
from skcoin._em.maximize import maximize
from skcoin._em.parameters import Parameters, concatenate
from skcoin._em.problem import Problem, batch
from skcoin._em.quadratic import as_coordinates, is_logit, move, quadratic_at
from skcoin._em.specification import Specification
from skcoin._em.steps import em_step, em_update, first_state, m_step

N_COMPONENTS = 3
STEP = 1e-5
DIFFERENCES = {"rtol": 1e-5, "atol": 1e-6}  # of central differences, with the rounding of sums
every_family = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def specification(case, *, held=(), tied=(), free_weights=True, n_components=N_COMPONENTS):
    free = np.ones((n_components, case.n_parameters), dtype=bool)
    for place in held:
        free[place] = False
    return Specification(
        init=case.components(0, n_components),
        weights_init=None,
        free=free,
        free_weights=free_weights,
        tied=np.isin(np.arange(case.n_parameters), tied),
        names="the start",
    )


def problem(case, asked, seed=0, n_rows=9, columns=None, multiplicity=None):
    """Rows of unlike multiplicity, some pseudo-rows with statistics of their own."""
    n_components = asked.n_components
    if columns is None:
        table, multiplicity = case.table(seed, n_rows)
        pseudo = _pseudo(case.family, asked.init, table, np.random.default_rng(seed))
    else:
        table = case.family.tabulate(*columns, multiplicity)
        pseudo = 0 * _pseudo(case.family, asked.init, table, np.random.default_rng(seed))
    return Problem(
        family=case.family,
        table=table,
        multiplicity=multiplicity,
        pseudo_rows=pseudo[:, 0],
        pseudo_statistics=pseudo[:, 1:],
        labelled=np.zeros(n_components),
        specification=asked,
    )


def _pseudo(family, c, table, rng):
    """Rows and statistics that are known: of rows, or of priors where rows have no statistics."""
    if family.has_sufficient_statistics:
        return family.collect(c, rng.uniform(size=(len(c), table.shape[-1])), table)
    prior = [np.append(rng.uniform(), family.pseudo_statistics(rng.uniform(1, 3, 2))) for _ in c]
    return np.stack(prior)


def parameters(case, asked, seed=0):
    components = case.components(seed, asked.n_components)
    components[:, asked.tied] = components[:1, asked.tied]
    weights = np.random.default_rng(seed + 3).dirichlet(np.full(asked.n_components, 5.0))
    return Parameters(weights[None], components[None])


def moved(family, at, coordinate, by):
    """Parameters after a move in one coordinate."""
    size = at.weights.shape[-1] * (1 + at.components.shape[-1])
    step = np.zeros((1, size))
    step[0, coordinate] = by
    return move(family, at, step)


def shifted(family, c, p, by):
    """Components after a move of parameter ``p`` of each, in its coordinate."""
    c = c.copy()
    c[..., p] = expit(logit(c[..., p]) + by) if is_logit(family)[p] else c[..., p] + by
    return c


@every_family
def test_score_is_the_derivative_of_the_log_density(case):
    c, (table, _) = case.components(1), case.table(1)
    score = case.family.score(c, table)
    assert score.shape == (N_COMPONENTS, case.n_parameters, table.shape[-1])
    for p in range(case.n_parameters):
        up, down = (
            case.family.log_density(shifted(case.family, c, p, by), table) for by in (STEP, -STEP)
        )
        assert_allclose(score[:, p], (up - down) / (2 * STEP), **DIFFERENCES)


@every_family
def test_collect_is_the_adjoint_of_the_log_density(case):
    """``q(c; collect(r)) = sum_i m_i r_i log f(x_i | c)`` for any weights ``r`` of the rows."""
    c, (table, multiplicity) = case.components(2), case.table(2)
    r = np.random.default_rng(2).uniform(size=(N_COMPONENTS, table.shape[-1]))
    collected = case.family.collect(c, r, table)
    assert_allclose(collected[:, 0], r @ multiplicity, rtol=1e-14)
    if case.family.has_sufficient_statistics:
        expected = (r * multiplicity * case.family.log_density(c, table)).sum(axis=-1)
        assert_allclose(case.family.objective(c, collected[:, 1:]), expected, rtol=1e-13)


@every_family
def test_gradient_and_information_are_derivatives_of_the_objective_of_statistics(case):
    """Of that of the rows, where these have no statistics."""
    family, c, (table, multiplicity) = case.family, case.components(3), case.table(3)

    def objective(c):
        if family.has_sufficient_statistics:
            return family.objective(c, statistics)
        return family.log_density(c, table) @ multiplicity

    r = np.ones((N_COMPONENTS, table.shape[-1]))
    statistics = family.collect(c, r, table)[:, 1:]
    gradient, information = family.gradient(c, statistics), family.information(c, statistics)
    assert gradient.shape == c.shape
    assert information.shape == (*c.shape, case.n_parameters)
    for p in range(case.n_parameters):
        up, down = (shifted(family, c, p, by) for by in (STEP, -STEP))
        slope = objective(up) - objective(down)
        assert_allclose(gradient[:, p], slope / (2 * STEP), **DIFFERENCES)
        above, below = (family.collect(at, r, table)[:, 1:] for at in (up, down))
        bend = family.gradient(up, above) - family.gradient(down, below)
        assert_allclose(information[:, p], -bend / (2 * STEP), **DIFFERENCES)


@every_family
def test_leading_axes_are_starts_with_rows_of_their_own_or_shared(case):
    family, tables = case.family, [case.table(seed)[0] for seed in (4, 5)]
    c = np.stack([case.components(seed) for seed in (6, 7)])
    r = np.random.default_rng(8).uniform(size=(2, N_COMPONENTS, tables[0].shape[-1]))
    statistics = np.stack([family.collect(c[i], r[i], tables[i]) for i in range(2)])[..., 1:]
    for method, *arguments in (
        (family.log_density, c, np.stack(tables)),
        (family.score, c, np.stack(tables)),
        (family.collect, c, r, np.stack(tables)),
        (family.objective, c, statistics),
        (family.gradient, c, statistics),
        (family.information, c, statistics),
        (family.support, c, statistics),
    ):
        each = [method(*(argument[i] for argument in arguments)) for i in range(2)]
        assert_allclose(method(*arguments), np.stack(each), rtol=1e-13, err_msg=method.__name__)
    shared = [family.log_density(c[i], tables[0]) for i in range(2)]
    assert_allclose(family.log_density(c, tables[0]), np.stack(shared), rtol=1e-13)


@every_family
def test_probabilities_of_all_rows_sum_to_one(case):
    rows = case.all_rows(7)
    table = case.family.tabulate(*rows, np.ones(rows.shape[-1]))
    inside = case.components(9)
    corners = np.array(list(product((0.0, 1.0), *[(0.0, 0.4)] * (case.n_parameters - 1))))
    for c in (inside, corners):
        log_p = case.family.log_density(c, table) + case.family.log_base(*rows)
        assert_allclose(np.exp(log_p).sum(axis=-1), 1, rtol=1e-13)


@every_family
def test_a_log_density_is_the_sum_of_its_parts(case):
    rows = case.all_rows(3)
    table = case.family.tabulate(*rows, np.ones(rows.shape[-1]))
    for c in (case.components(16), np.round(case.components(16))):
        high, low = case.family.log_density_in_parts(c, table)
        assert_allclose(high + low, case.family.log_density(c, table), rtol=1e-14)


def test_the_binomials_parts_hold_what_a_deep_row_has_of_its_own():
    """``log f`` and what it leaves out are the log-probability of the tosses in their order."""
    family, heads = CASES["binomial"].family, np.array([3.0, 6000.0, 900.0, 0.0])
    tails, c = np.array([2.0, 7000.0, 90_000.0, 5000.0]), np.array([[0.46], [0.01], [0.0]])
    table = family.tabulate(heads, tails, np.ones(4))
    left_out = family.log_base(heads, tails, in_order=True)
    assert_array_equal(left_out == 0, [True, False, False, True])
    exact = xlogy(heads, c) + xlog1py(tails, -c)
    assert_allclose(family.log_density(c, table) + left_out, exact, rtol=1e-12)
    assert_allclose(sum(family.log_density_in_parts(c, table)) + left_out, exact, rtol=1e-12)
    statistics = np.stack([heads, tails], axis=1)[:3]
    q = family.objective(c, statistics) + family.log_base_of_sums(statistics)
    assert_allclose(q, xlogy(heads[:3], c[:, 0]) + xlog1py(tails[:3], -c[:, 0]), rtol=1e-12)


def test_most_tosses_are_those_of_the_longest_row_rounded_up():
    case = CASES["binomial"]
    columns = np.array([[3.0, 2.25, 0.0], [4.0, 5.5, 1.0]])
    asked = specification(case, n_components=2)
    of = problem(case, asked, columns=columns, multiplicity=np.ones(3))
    assert case.family.most_tosses(of) == 8
    none = problem(case, asked, columns=np.empty((2, 0)), multiplicity=np.empty(0))
    assert case.family.most_tosses(none) == 0


def test_heads_out_of_reach_have_a_probability_of_zero():
    """No float can tell it from zero; and what is within reach is not much more than that."""
    family = CASES["binomial"].family
    tosses, theta = np.array([0, 7, 5000, 10**6, 10**6])[:, None], np.array([0, 1e-4, 0.3, 0.98, 1])
    low, high = family.reach(theta[:, None], tosses)
    assert ((low >= 0) & (low <= high) & (high <= tosses)).all()
    assert_array_equal(binom.pmf(low - 1, tosses, theta), 0)
    assert_array_equal(binom.pmf(high + 1, tosses, theta), 0)
    spread = np.sqrt(tosses * theta * (1 - theta))
    assert (high - low <= 80 * spread + 1000).all()
    assert (high - low)[3, 2] > 70 * spread[3, 2]


@every_family
def test_an_end_is_the_limit_from_inside(case):
    table, _ = case.table(10)
    for end, p in product((0.0, 1.0), range(case.n_parameters)):
        at_end = case.components(11)
        at_end[:, p] = end
        near = case.components(11)
        near[:, p] = abs(end - 1e-9)
        there, here = (case.family.log_density(c, table) for c in (at_end, near))
        positive = np.isfinite(there)
        assert_allclose(here[positive], there[positive], atol=1e-6)
        assert (here[~positive] < -15).all()


def test_a_density_vanishes_as_its_limit_says():
    """``log f = order log(eps) + limit`` a distance ``eps`` inside of the ends, and at them."""
    family, rows, eps = CASES["binomial"].family, _rows_up_to(4), 1e-9
    table = family.tabulate(*rows, np.ones(rows.shape[-1]))
    c = np.array([[0.0], [0.3], [1.0]])
    order, log_density = family.limit(c, table)
    inside = family.log_density(np.clip(c, eps, 1 - eps), table)
    assert_allclose(inside, order * np.log(eps) + log_density, atol=1e-7)
    positive = np.isfinite(family.log_density(c, table))
    assert_array_equal(order == 0, positive)
    assert_allclose(log_density[positive], family.log_density(c, table)[positive], rtol=1e-15)


def _rows_up_to(n):
    return np.concatenate([CASES["binomial"].all_rows(i) for i in range(1, n + 1)], axis=1)


def test_scores_are_finite_at_the_ends_and_zero_where_the_density_is():
    for case in CASES.values():
        table, _ = case.table(13)
        for end, p in product((0.0, 1.0), range(case.n_parameters)):
            c = case.components(13)
            c[:, p] = end
            score, log_f = case.family.score(c, table), case.family.log_density(c, table)
            assert np.isfinite(score).all()
            assert np.isfinite(np.exp(log_f)[:, None] * score).all()


def test_the_binomials_own_step_is_the_maximum():
    family = CASES["binomial"].family
    statistics = np.array([[3.0, 9.0], [0.0, 4.0], [2.5, 0.0], [0.0, 0.0], [0.125, 0.375]])
    c = family.m_step(np.full((5, 1), 0.7), statistics)
    assert_array_equal(c[:, 0], [0.25, 0.0, 1.0, 0.7, 0.25])
    higher = family.objective(np.array([[0.24], [1e-3], [0.999], [0.2], [0.3]]), statistics)
    assert (family.objective(c, statistics) >= higher).all()


def test_a_prior_counts_for_tosses_and_few_rows_for_many():
    family, rng = CASES["binomial"].family, np.random.default_rng(14)
    assert_array_equal(family.pseudo_statistics((3.0, 1.5)), [2.0, 0.5])
    n = rng.integers(1, 200, size=5000)
    rows = np.stack([heads := rng.binomial(n, rng.beta(2, 5, size=5000)), n - heads]).astype(float)
    multiplicity = rng.uniform(0.5, 2, size=5000)
    table = family.tabulate(*rows, multiplicity)
    few, less = family.coarse(table, multiplicity)
    assert few.shape[-1] == len(less) <= 512
    assert_allclose(few[4:].sum(axis=-1), table[4:].sum(axis=-1), rtol=1e-12)
    assert_allclose(few[5:], less * few[:2], rtol=1e-12)

    def spread(table, multiplicity):
        tosses = table[0] + table[1]
        off = table[0] / tosses - table[0] @ multiplicity / (tosses @ multiplicity)
        return multiplicity @ (tosses * off**2)

    # Not only the mean: of the spread of all rates nothing is lost but by rates next to 0 or 1.
    assert_allclose(spread(few, less), spread(table, multiplicity), rtol=1e-3)
    one = family.tabulate(*rows[:, :512], multiplicity[:512])
    assert family.coarse(one, multiplicity[:512])[0].shape == one.shape


def test_candidates_are_all_rates_and_others_between():
    family = CASES["binomial"].family
    heads, tails = np.array([3.0, 1.0, 40.0, 0.0]), np.array([7.0, 0.0, 60.0, 1.0])
    candidates = family.candidates(family.tabulate(heads, tails, np.ones(4)))[:, 0]
    assert set(heads / (heads + tails)) <= set(candidates)
    assert np.diff(np.arcsin(np.sqrt(candidates))).max() < 0.1
    assert (candidates.min(), candidates.max()) == (0, 1)
    some = family.candidates(family.tabulate(heads[::2], tails[::2], np.ones(2)))
    assert_allclose([some.min(), some.max()], [0.3, 0.4])
    assert len(family.candidates(np.empty((5, 0)))) > 0


@every_family
def test_rows_of_two_components_are_divided_near_these(case):
    """Far better than as one, though no step has been taken."""
    asked = specification(case, n_components=2)
    of = problem(case, asked, n_rows=60)
    tossed = of.table[: 3 if case.family.names != ("theta",) else 2].sum(axis=0) > 0
    of = replace(of, table=of.table[:, tossed], multiplicity=of.multiplicity[tossed])
    one = parameters(case, asked).components[0, 0]
    pair = case.family.divide(one, of.table, of.multiplicity)[0]
    density = case.family.log_density(pair, of.table).max(axis=0) @ of.multiplicity
    places = case.family.candidates(of.table)
    alone = (case.family.log_density(places, of.table) @ of.multiplicity).max()
    assert pair.shape == (2, len(case.family.names))
    assert density > alone


def test_samples_have_the_mean_and_variance_of_the_family():
    """Of 20,000 draws: false alarms of five standard errors, one in a million."""
    family, rng = CASES["binomial"].family, np.random.default_rng(15)
    heads = family.sample(np.full((20_000, 1), 0.3), np.full(20_000, 12), rng)
    assert abs(heads.mean() - 3.6) < 5 * np.sqrt(12 * 0.21 / 20_000)
    assert abs(heads.var() / (12 * 0.21) - 1) < 5 * np.sqrt(2 / 20_000)


def test_rows_that_no_coin_can_show_are_judged_by_the_limit_from_inside():
    family, rows = CASES["binomial"].family, np.array([[2.0, 1, 3], [1.0, 2, 0]])
    table = family.tabulate(*rows, np.ones(3))
    weights = np.array([0.3, 0.5, 0.2])
    end = Parameters(weights, np.array([[0.0], [1.0], [0.0]]))
    near = Parameters(weights, np.array([[1e-12], [1 - 1e-12], [1e-12]]))
    assert_allclose(posterior(family, end, table), posterior(family, near, table), atol=1e-9)


@every_family
def test_heads_and_tails_swapped_mirror_the_answer(case):
    family, rows, c = case.family, case.rows(12), case.components(12)
    has_theta = np.array([name == "theta" for name in family.names])
    mirrored = np.where(has_theta, 1 - c, c)
    ones = np.ones(rows.shape[-1])
    there, back = family.tabulate(*rows, ones), family.tabulate(*rows[::-1], ones)
    assert_allclose(
        family.log_density(c, there), family.log_density(mirrored, back), rtol=1e-12, atol=1e-13
    )
    slope, mirror = family.score(c, there), family.score(mirrored, back)
    sign = np.where(has_theta, -1, 1)[:, None]
    assert_allclose(slope, sign * mirror, rtol=1e-10, atol=1e-12)


def askings(case):
    """What may be held, shared and free, for a family of any number of parameters."""
    yield "free", {}
    yield "held weights", {"free_weights": False}
    yield "held component", {"held": [np.s_[1]]}
    yield "held parameter of one", {"held": [np.s_[1, case.n_parameters - 1]]}
    yield "shared", {"tied": [case.n_parameters - 1]}
    yield "shared and held", {"tied": [case.n_parameters - 1], "held": [np.s_[2, 0]]}
    yield "all shared", {"tied": list(range(case.n_parameters)), "free_weights": False}


ASKED = [
    pytest.param(case, asked, id=f"{name}, {what}")
    for name, case in CASES.items()
    for what, asked in askings(case)
    if not (case.n_parameters == 1 and what == "shared and held")
]


@pytest.mark.parametrize(("case", "asked"), ASKED)
def test_louis_formula_is_the_hessian_of_the_objective(case, asked):
    """In the metric of the complete data, over free numbers, shared ones once."""
    asked = specification(case, **asked)
    of, at = problem(case, asked), parameters(case, asked)
    expected = e_step(of, at, information=True)
    around = quadratic_at(of, at, expected)
    size = asked.free_coordinates.size

    def gradient(there):
        e = e_step(of, there)
        components = as_coordinates(case.family.gradient(there.components, e.statistics))
        return np.concatenate([e.n - e.n.sum() * there.weights, components], axis=-1)[0]

    def height(there):
        return e_step(of, there).objective[0]

    slope, hessian = np.zeros(size), np.zeros((size, size))
    for i in range(size):
        up, down = (moved(case.family, at, i, by) for by in (STEP, -STEP))
        slope[i] = (height(up) - height(down)) / (2 * STEP)
        hessian[i] = (gradient(up) - gradient(down)) / (2 * STEP)
    assert_allclose(gradient(at), slope, **DIFFERENCES)
    n_weights = asked.n_components
    w = at.weights[0]  # that log w need not add up to one costs n w w'
    hessian[:n_weights, :n_weights] -= expected.n.sum() * np.outer(w, w)
    got = (around.eigenvectors * around.eigenvalues[:, None]) @ around.eigenvectors.swapaxes(1, 2)
    wanted = around.root.whiten_matrix(-hessian[None])
    still = np.eye(got.shape[-1]) * (around.root.whiten_matrix(np.eye(size)[None]) == 0)
    assert_allclose(got, wanted + still, rtol=1e-4, atol=2e-6)
    rank = np.linalg.matrix_rank(around.root.unwhiten_matrix(np.eye(got.shape[-1]))[0])
    assert rank == asked.n_parameters + asked.free_weights  # log w may all rise together
    along = (around.eigenvectors @ around.slope[..., None])[..., 0]
    assert_allclose(along, around.root.whiten(slope[None]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("case", "asked"), ASKED)
def test_an_m_step_does_not_lower_the_expected_objective_and_moves_what_it_may(case, asked):
    """That of families that know it; of the others, not the objective itself."""
    asked = specification(case, **asked)
    for seed in range(5):
        of, at = problem(case, asked, seed), parameters(case, asked, seed)
        expected = e_step(of, at)
        knows = case.family.has_sufficient_statistics
        after = m_step(of, at, expected) if knows else em_update(of, at, expected)[0]

        def height(p, of=of, expected=expected, knows=knows):
            if not knows:
                return e_step(of, p).objective[0]
            return case.family.objective(p.components, expected.statistics).sum()

        assert height(after) >= height(at)
        assert_array_equal(after.components[0][~asked.free], at.components[0][~asked.free])
        moving = asked.free & ~asked.tied
        assert (after.components[0] != at.components[0])[moving].all()
        for p in np.flatnonzero(asked.tied):
            learned = after.components[0, asked.free[:, p], p]
            assert_allclose(learned, learned[0], rtol=1e-14)
        if not asked.free_weights:
            assert_array_equal(after.weights, at.weights)


@pytest.mark.parametrize(("case", "asked"), ASKED)
@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_no_step_loses_and_the_end_is_a_maximum(case, asked, solver):
    asked = specification(case, **asked)
    for seed in range(3):
        of = problem(case, asked, seed, n_rows=25)
        [run] = maximize(
            [of], [parameters(case, asked, seed)], solver=solver, tol=1e-9, max_iter=5000
        )
        assert run.converged
        assert np.diff(run.objective).min() >= -1e-11 * abs(run.objective[-1])
        assert run.path.components.min() >= 0
        assert run.path.components.max() <= 1
        higher = _highest_near(of, run.last)
        assert higher <= run.objective[-1] + 1e-6


def _highest_near(of, last):
    """The highest objective that scipy's bounded minimiser finds from here, over free numbers."""
    asked = of.specification
    A, n = asked.matrix, asked.n_components

    def at(u):
        step = A @ u
        shares = last.weights[0] * np.exp(step[:n])
        flat = as_coordinates(last.components)[0] + step[n:]
        components = np.clip(flat.reshape(-1, n).T, 0, 1)
        return Parameters((shares / shares.sum())[None], components[None])

    def loss(u):
        value = -e_step(of, at(u)).objective[0]
        return value if np.isfinite(value) else 1e10

    start = np.zeros(A.shape[1])
    flat = np.concatenate([np.zeros(n), as_coordinates(last.components)[0]])
    bounds = []
    for column in A.T:
        places = np.flatnonzero(column)
        of_weight = places[0] < n
        bounds.append((-0.5, 0.5) if of_weight else (-flat[places].min(), 1 - flat[places].max()))
    return -minimize(loss, start, method="L-BFGS-B", bounds=bounds).fun


@pytest.mark.parametrize("name", ["pairs", "repeats"])
@pytest.mark.parametrize("seed", range(60))
def test_from_any_start_ends_are_reached_and_left_and_what_is_shared_stays_so(name, seed):
    """Starts at ends and next to them, in few rows of unlike weight, some of them impossible."""
    case, rng = CASES[name], np.random.default_rng(seed)
    n_components, n_rows = rng.integers(1, 4), rng.integers(1, 25)
    tied = [(), (), (0,), (case.n_parameters - 1,), tuple(range(case.n_parameters))][seed % 5]
    asked = specification(
        case, tied=tied, n_components=n_components, free_weights=bool(rng.uniform() < 0.8)
    )
    truth = rng.choice([0, 0.05, 0.3, 0.7, 1], size=(2, n_components))
    columns = rows_of_pairs(*truth, n_rows, rng.integers(1, 8), seed)
    of = problem(case, asked, columns=columns, multiplicity=rng.choice([1, 0.3, 1e-3, 20], n_rows))
    ends = [0.0, 1e-9, 1e-4, 0.1, 0.3, 0.5, 0.9, 1 - 1e-9, 1.0]
    components = rng.choice(ends, size=(1, n_components, case.n_parameters))
    components[:, :, asked.tied] = components[:, :1, asked.tied]
    start = Parameters(rng.dirichlet(np.ones(n_components))[None], components)
    possible = np.isfinite(e_step(of, start).objective[0])
    for solver in ("em", "em-newton"):
        [run] = maximize([of], [start], solver=solver, tol=1e-8, max_iter=2000)
        assert np.isfinite(run.objective[1:]).all()
        height = run.objective if possible else run.objective[1:]
        assert np.diff(height).min(initial=0) >= -1e-10 * max(1, abs(height[-1]))
        for p in np.flatnonzero(asked.tied):
            assert np.ptp(run.path.components[..., p], axis=-1).max() <= 1e-14
    if run.status == "converged" and possible:
        assert _highest_near(of, run.last) <= run.objective[-1] + 1e-4


def rows_of_pairs(theta, rho, n_rows, n_pairs, seed):
    """Rows of pairs of tosses, of components with these thetas and correlations."""
    rng = np.random.default_rng(seed)
    which = rng.integers(len(theta), size=n_rows)
    theta, rho = np.array(theta)[which], np.array(rho)[which]
    both = theta * (rho + (1 - rho) * theta)
    mixed = 2 * (1 - rho) * theta * (1 - theta)
    p = np.stack([both, mixed, 1 - both - mixed], axis=1)
    return rng.multinomial(n_pairs, np.maximum(p, 0) / p.sum(axis=1, keepdims=True)).T.astype(float)


@pytest.mark.parametrize("tied", [(), (1,)], ids=["separate", "shared"])
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_linear_parameter_reaches_its_end_exactly_and_leaves_it_where_the_slope_says(end, tied):
    case = CASES["pairs"]
    asked = specification(case, tied=tied, n_components=2)
    columns = rows_of_pairs([0.2, 0.7], [end, end], 400, 20, seed=3)
    if end == 0:  # fewer pairs that agree than independent tosses have
        agree = np.minimum(np.minimum(columns[0], columns[2]), 1)
        columns += np.stack([-agree, 2 * agree, -agree])
    of = problem(case, asked, columns=columns, multiplicity=np.ones(400))
    for rho in (0.3, end):
        start = Parameters(np.array([[0.5, 0.5]]), np.array([[[0.3, rho], [0.6, rho]]]))
        [run] = maximize([of], [start], solver="em-newton", tol=1e-9, max_iter=500)
        assert run.converged
        assert_array_equal(run.last.components[0, :, 1], end)
    # From the other end, where the slope points inwards, it leaves of itself.
    if end == 0:
        apart = rows_of_pairs([0.2, 0.7], [0.5, 0.5], 400, 20, seed=4)
        of = problem(case, asked, columns=apart, multiplicity=np.ones(400))
        start = Parameters(np.array([[0.5, 0.5]]), np.array([[[0.3, 0.0], [0.6, 0.0]]]))
        [run] = maximize([of], [start], solver="em-newton", tol=1e-9, max_iter=500)
        assert_allclose(run.last.components[0, :, 1], 0.5, atol=0.06)  # two standard errors


def test_both_parameters_of_two_components_are_recovered():
    case = CASES["pairs"]
    asked = specification(case, n_components=2)
    columns = rows_of_pairs([0.2, 0.7], [0.1, 0.4], 2000, 20, seed=5)
    of = problem(case, asked, columns=columns, multiplicity=np.ones(2000))
    start = Parameters(np.array([[0.5, 0.5]]), np.array([[[0.4, 0.2], [0.5, 0.2]]]))
    [run] = maximize([of], [start], solver="em-newton", tol=1e-9, max_iter=500)
    assert_allclose(run.last.components[0], [[0.2, 0.1], [0.7, 0.4]], atol=0.03)  # 4 errors


def test_a_third_component_of_two_parameters_is_found_by_splitting_and_merging():
    case = CASES["pairs"]
    columns = rows_of_pairs([0.1, 0.5, 0.9], [0.1, 0.1, 0.1], 600, 20, seed=6)
    of = problem(case, specification(case), columns=columns, multiplicity=np.ones(600))
    start = Parameters(np.full((1, 3), 1 / 3), np.array([[[0.09, 0.1], [0.11, 0.1], [0.7, 0.1]]]))
    options = {"solver": "em-newton", "tol": 1e-9, "max_iter": 500}
    [run] = maximize([of], [start], may_regroup=True, **options)
    assert_allclose(np.sort(run.last.components[0, :, 0]), [0.1, 0.5, 0.9], atol=0.03)


@every_family
def test_problems_side_by_side_run_as_alone(case):
    """Of unlike length, so that shorter tables are padded."""
    asked = specification(case)
    problems = [problem(case, asked, seed, n_rows) for seed, n_rows in ((0, 9), (1, 30), (2, 17))]
    starts = [parameters(case, asked, seed) for seed in range(3)]
    options = {"solver": "em-newton", "tol": 1e-10, "max_iter": 500}
    together = maximize(problems, starts, **options)
    for of, start, run in zip(problems, starts, together, strict=True):
        [alone] = maximize([of], [start], **options)
        assert_allclose(run.objective[-1], alone.objective[-1], rtol=1e-11)
        assert_allclose(run.last.components, alone.last.components, atol=1e-6)
    padded = batch(problems, [1, 1, 1])
    assert padded.table.shape[-1] == 30
    assert_array_equal(padded.multiplicity[0, 9:], 0)


def test_an_em_update_stays_on_the_possible_side_of_an_end():
    """A theta that rounds to 1 would exclude the rows that hold tails."""
    case = CASES["binomial"]
    asked = specification(case, n_components=1)
    columns = np.array([[10.0, 0.0], [0.0, 1.0]])
    of = problem(case, asked, columns=columns, multiplicity=np.array([1e17, 1.0]))
    start = Parameters(np.ones((1, 1)), np.array([[[0.5]]]))
    after, expected = em_update(of, start, e_step(of, start))
    assert after.components[0, 0, 0] < 1
    assert np.isfinite(expected.objective[0])


def test_one_start_that_would_exclude_a_row_does_not_hide_behind_another():
    case = CASES["binomial"]
    columns = np.array([[10.0, 0.0], [0.0, 1.0]])
    asked = specification(case, n_components=2)
    of = problem(case, asked, columns=columns, multiplicity=np.array([1e17, 1.0]))
    start = Parameters(np.full((2, 2), 0.5), np.array([[[0.5], [0.5]], [[0.9], [0.1]]]))
    after, expected = em_update(of, start, e_step(of, start))
    assert np.isfinite(expected.objective).all()
    assert (after.components[0] < 1).all()


def test_an_m_step_of_many_starts_is_that_of_each():
    """More starts than there are coordinates, where a step of Newton is the M-step."""
    case = CASES["pairs"]
    asked = specification(case, tied=[1])
    of = problem(case, asked)
    starts = concatenate([parameters(case, asked, seed) for seed in range(12)])
    together = m_step(of, starts, e_step(of, starts))
    for i in range(12):
        alone = m_step(of, starts[i : i + 1], e_step(of, starts[i : i + 1]))
        assert_allclose(together.components[i], alone.components[0], rtol=1e-9)


@every_family
def test_thousands_of_starts_are_looked_at_together(case):
    asked = specification(case)
    of = problem(case, asked)
    starts = concatenate([parameters(case, asked, seed) for seed in range(10)])
    many = e_step(of, concatenate([starts] * 300), information=True)
    few = e_step(of, starts, information=True)
    for name in ("objective", "n", "statistics", "missing"):
        of_many, of_few = getattr(many, name), getattr(few, name)
        assert_allclose(of_many, np.concatenate([of_few] * 300), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("held", [0, 1])
def test_of_two_equal_components_the_one_that_may_move_is_redundant(held):
    """Even if it may in one parameter alone."""
    case = CASES["pairs"]
    asked = specification(case, held=[np.s_[held], np.s_[1 - held, 1]], n_components=2)
    at = Parameters(np.array([0.5, 0.5]), np.array([[0.3, 0.2], [0.3, 0.2]]))
    of = problem(case, asked)
    assert list(_redundant_components(of, at, may_part=True)) == [(1 - held, held)]
    assert list(_redundant_components(of, at, may_part=False)) == []


def test_the_way_through_the_matrix_is_that_of_the_diagonal():
    """With one parameter a component there is a shorter way; both say the same, also of bounds."""
    case = CASES["binomial"]
    asked, long_way = specification(case), specification(case)
    vars(long_way)["is_diagonal"] = False  # a cached property
    few_heads = np.array([[0.0, 0.0, 6.0, 9.0], [9.0, 12.0, 6.0, 1.0]])
    start = Parameters(
        np.array([[0.5, 0.3, 0.2], [1e-3, 0.5, 0.499]]),
        np.array([[[1e-3], [0.5], [0.9]], [[0.1], [0.5], [0.99]]]),
    )
    found = []
    for spec in (asked, long_way):
        of = problem(case, spec, columns=few_heads, multiplicity=np.ones(4))
        expected = e_step(of, start, information=True)
        quadratic = quadratic_at(of, start, expected)
        found.append((quadratic, quadratic.reaches_bound(of, start, expected)))
    (short, reaches), (other, reaches_too) = found
    assert reaches.any()
    assert not reaches.all()
    assert_array_equal(reaches, reaches_too)
    assert_allclose(short.curvature, other.curvature, rtol=1e-9, atol=1e-12)
    assert_allclose(short.remaining_gain(), other.remaining_gain(), rtol=1e-9)


def test_a_logit_without_support_reaches_its_bound_and_nothing_else_does():
    """Rows of one component hold no heads; rho, which is linear, is cut off where a step ends."""
    case = CASES["pairs"]
    asked = specification(case, n_components=2)
    columns = np.array([[0.0, 0, 5, 6, 0], [0.0, 0, 1, 2, 0], [9.0, 12, 1, 2, 10]])
    of = problem(case, asked, columns=columns, multiplicity=np.ones(5))
    start = Parameters(np.array([[0.6, 0.4]]), np.array([[[1e-4, 0.01], [0.7, 0.01]]]))
    expected = e_step(of, start, information=True)
    reaches = quadratic_at(of, start, expected).reaches_bound(of, start, expected)
    assert_array_equal(reaches[0], [False, False, True, False, False, False])


def test_the_matrix_has_a_column_for_each_free_number():
    case = CASES["pairs"]
    assert specification(case).matrix.shape == (9, 9)
    shared = specification(case, tied=[1], held=[np.s_[0, 0], np.s_[1, 1]]).matrix
    assert shared.shape == (9, 3 + 2 + 1)
    assert_array_equal(np.flatnonzero(shared[:, -1]), [6, 8])
    held = specification(case, held=[np.s_[:]], free_weights=False)
    assert held.n_parameters == 0
    assert not held.matrix.any()


def test_coordinates_move_as_they_are_named():
    at = Parameters(np.array([[0.25, 0.75]]), np.array([[[0.2, 0.3], [0.0, 0.9]]]))
    step = np.array([[0.1, -0.1, 0.5, 0.7, -0.4, 0.2]])
    after = move(PAIRS, at, step)
    ratio = 1 / 3 * np.exp(0.2)
    assert_allclose(after.weights[0, 0] / after.weights[0, 1], ratio, rtol=1e-14)
    assert_allclose(after.components[0, 0, 0], expit(logit(0.2) + 0.5), rtol=1e-14)
    assert_array_equal(after.components[0, 1], [0.0, 1.0])  # a logit stays, a line is cut off
    assert after.components[0, 0, 1] == 0


def test_em_asks_for_the_curvature_only_where_it_may_be_done():
    """Aitken's estimate comes first: the information costs as much as another E-step."""
    case = CASES["binomial"]
    asked = specification(case)
    of = problem(case, asked, n_rows=40)
    state = first_state(of, parameters(case, asked))
    for _ in range(5):
        state, done = em_step(of, state, 1e-12)
        assert state.e_step.missing is None
        assert not done.any()
    assert state.last_gain > 0
