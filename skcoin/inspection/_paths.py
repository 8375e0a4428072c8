"""Ways that steps take: what the pictures of convergence and of lower bounds are made of."""

from dataclasses import dataclass, replace

import numpy as np

from skcoin._em.e_step import e_step, mix
from skcoin._em.parameters import Parameters
from skcoin._em.steps import em_update
from skcoin._fit import fit_tables, total_log_base

N_GRID = 301


def start_of(model, mixture):
    """Where the climb of a model began, with an axis of one start."""
    weights, names = model.weights_path_[:1], mixture.family.names
    paths = [getattr(model, f"{name}_path_")[:1] for name in dict.fromkeys(names)]
    columns = [  # of a dispersion that coins share the first of all
        path.reshape(*weights.shape, -1)[..., : names.count(name)]
        for name, path in zip(dict.fromkeys(names), paths, strict=True)
    ]
    return Parameters(weights, np.concatenate(columns, axis=-1))


def gaps_to_the_top(fitted, start, solvers, tol, max_iter):
    """For each solver, how far each iterate from ``start`` is below the highest end of all.

    Parameters
    ----------
    fitted : Inspected
    start : Parameters of shape (1, n_components)
    solvers : sequence of {"em", "em-newton"}
    tol, max_iter
        Where each run stops.

    Returns
    -------
    gaps : dict of str to ndarray of shape (n_steps + 1,)
    top : float
        The highest objective.
    """

    def run(start, solver, **options):
        recipe = replace(fitted.recipe, solver=solver, **options)
        options = {"warm": [start], "own_starts": False, "regroup": False}
        return fit_tables(recipe, [fitted.counts], **options)[0]

    ends = {solver: run(start, solver, tol=tol, max_iter=max_iter) for solver in solvers}
    highest = max(ends.values(), key=lambda end: end.height[-1])
    top = run(highest.last, "em-newton", tol=0, max_iter=100).height.max()
    return {solver: np.maximum(top - end.height, 0) for solver, end in ends.items()}, top


@dataclass(frozen=True)
class LowerBounds:
    """Steps of EM along the theta of one component, and the bounds that they maximise.

    Attributes
    ----------
    grid, objective : ndarray of shape (n_grid,)
    bounds : ndarray of shape (n_steps, n_grid)
        The lower bound that each step maximises.
    path, path_objective : ndarray of shape (n_steps + 1,)
    """

    grid: np.ndarray
    objective: np.ndarray
    bounds: np.ndarray
    path: np.ndarray
    path_objective: np.ndarray


def lower_bounds(fitted, k, start, n_steps):
    """Take steps of EM in which only the theta of component ``k`` moves, from ``start``."""
    problem, parameters = _of_one_theta(fitted.problem, k), fitted.parameters
    steps = _steps(problem, _along(parameters, k, [start]), n_steps)
    theta = np.array([at.components[0, k, 0] for at, _ in steps])
    log_base = total_log_base(fitted.recipe, fitted.mixture, fitted.counts, fitted.problem)
    heights = np.array([expected.objective[0] for _, expected in steps]) + log_base
    grid = _around([*theta, parameters.components[k, 0]])
    bounds = []
    for height, step, at in zip(heights, steps[:-1], theta, strict=False):
        expected = _expected(problem, *step, k, np.append(grid, at))
        bounds.append(height + expected[:-1] - expected[-1])
    return LowerBounds(
        grid=grid,
        objective=e_step(problem, _along(parameters, k, grid)).objective + log_base,
        bounds=np.array(bounds),
        path=theta,
        path_objective=heights,
    )


def telling_start(fitted, k):
    """A theta from which steps can be seen: neither at the maximum nor where all is flat."""
    here = fitted.mixture.theta[k]
    thetas = np.linspace((here + (here < 0.5)) / 2, here, 51)
    problem = _of_one_theta(fitted.problem, k)
    height = e_step(problem, _along(fitted.parameters, k, thetas)).objective
    possible = np.isfinite(height) & (thetas > 0) & (thetas < 1)
    thetas, height = thetas[possible], height[possible]
    half = (height[0] + height.max()) / 2
    return float(thetas[np.abs(height - half).argmin()])


def _of_one_theta(problem, k):
    """The same problem, but with all held save the theta of component ``k``."""
    free = np.zeros_like(problem.specification.free)
    free[k, 0] = True
    return replace(
        problem, specification=replace(problem.specification, free=free, free_weights=False)
    )


def _along(parameters, k, thetas):
    """Starts that differ in the theta of one component."""
    components = np.tile(parameters.components, (len(thetas), 1, 1))
    components[:, k, 0] = thetas
    return Parameters(np.tile(parameters.weights, (len(thetas), 1)), components)


def _steps(problem, parameters, n_steps):
    """The parameters before each step and after the last, each with its E-step."""
    steps = [(parameters, e_step(problem, parameters))]
    for _ in range(n_steps):
        steps.append(em_update(problem, *steps[-1]))
    return steps


def _around(thetas):
    """A grid over some thetas and the room that a picture of them needs."""
    low, high = min(thetas), max(thetas)
    room = max(0.6 * (high - low), 1e-3)
    return np.linspace(max(low - room, 0), min(high + room, 1), N_GRID)


def _expected(problem, parameters, expected, k, thetas):
    """Expected complete-data log-likelihood of component ``k`` at other thetas."""
    components = _along(parameters[0], k, thetas).components[:, k]
    if problem.family.has_sufficient_statistics:
        return problem.family.objective(components, expected.statistics[0, k])
    posterior, _ = mix(problem.family, parameters, problem.table)
    rows = posterior[0, k] * problem.multiplicity
    log_f = problem.family.log_density(components, problem.table)
    return np.where(rows > 0, log_f, 0.0) @ rows + problem.log_fixed(components, [k])
