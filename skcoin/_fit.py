"""The one way from tables of counts to maxima, for one table or for thousands.

Everything that fits goes through ``fit_tables``: the estimators, groups, the bootstrap, the
likelihood ratio test.
"""

from dataclasses import dataclass, replace

import numpy as np

from skcoin._counts import HIDDEN, thinned
from skcoin._em.grow import grown_starts
from skcoin._em.maximize import maximize
from skcoin._em.parameters import Parameters, inside, joined
from skcoin._em.problem import Problem
from skcoin._em.specification import Specification, all_free, warm_start
from skcoin._starts import start_values, starts_of_sets
from skcoin._validation import refuse_if_no_toss

MOST_SEARCHED = 1024  # distinct sets of tosses


@dataclass(frozen=True)
class Recipe:
    """What an estimator asks of a fit, its parameters checked.

    Attributes
    ----------
    family : Family
    specification : Specification
    theta_prior : ndarray of shape (2,)
        Of the Beta prior on the first parameter of each component.
    weights_prior : float
    init_params, n_init, solver, tol, max_iter
        As in the estimators.
    is_nonparametric : bool
        Whether the number of components is learned, too.
    """

    family: object
    specification: Specification
    theta_prior: np.ndarray
    weights_prior: float
    init_params: str
    n_init: int
    solver: str
    tol: float
    max_iter: int
    is_nonparametric: bool = False


def as_problem(recipe, counts, scale=1.0, report=None):
    """The counts as a problem: what is hidden, what is known, and the priors."""
    family, specification = recipe.family, recipe.specification
    counts = replace(counts, multiplicity=scale * counts.multiplicity)
    is_known, table = counts.label != HIDDEN, _tabulate(family, counts)
    is_data = ~is_known & (counts.tosses > 0)
    of_prior = scale * _statistics_of_prior(recipe)
    is_own = counts.label[is_known] == np.arange(specification.n_components)[:, None]
    labelled, of_known, known = _known(family, counts.keep(is_known), is_own.astype(float))
    return Problem(
        family=family,
        table=table.compress(is_data, axis=-1),  # unlike an index, it leaves rows contiguous
        multiplicity=counts.multiplicity[is_data],
        pseudo_rows=labelled + specification.free_weights * scale * (recipe.weights_prior - 1),
        pseudo_statistics=of_known + of_prior,
        labelled=labelled,
        specification=specification,
        scale=scale,
        report=report,
        **known,
    )


def _known(family, counts, is_own):
    """Rows of each component that are known, their statistics, and they themselves where needed."""
    if family.has_sufficient_statistics:
        half = np.full((len(is_own), len(family.names)), 0.5)  # anywhere
        of_known = family.collect(half, is_own, _tabulate(family, counts))
        return of_known[:, 0], of_known[:, 1:], {}
    rows = is_own * counts.multiplicity
    if rows.size == 0:
        return rows.sum(axis=1), 0.0, {}
    table = family.tabulate(counts.heads, counts.tails, np.ones(len(counts.label)))
    return rows.sum(axis=1), 0.0, {"known_table": table, "known_rows": rows}


def total_log_base(recipe, mixture, counts, problem):
    """What the objective leaves out of the log-likelihood of all rows and of the priors.

    It sees the known rows of a component, and the pseudo-observations of its prior, as one sum, of
    which the family may leave out something else than of the rows one by one. The difference is
    that of their log-likelihoods one by one and as a sum, the same wherever the component is.
    """
    family, log_base = recipe.family, mixture.total_log_base(counts)
    if not family.has_sufficient_statistics:
        return log_base
    known, of_prior = counts.keep(counts.label != HIDDEN), _statistics_of_prior(recipe)
    of_rows = family.log_base(known.heads, known.tails, in_order=True)
    of_sums = family.log_base_of_sums(problem.pseudo_statistics)
    if not (of_rows.any() or of_sums.any()):
        return log_base
    half = np.full((recipe.specification.n_components, len(family.names)), 0.5)
    near = inside(family.m_step(half, problem.pseudo_statistics))  # from afar it is less exact
    one_by_one = family.log_density(near, _tabulate(family, known))
    apart = one_by_one[known.label, np.arange(len(known.label))] @ known.multiplicity
    apart += (family.objective(near, of_prior) + family.log_base_of_sums(of_prior)).sum()
    together = family.objective(near, problem.pseudo_statistics).sum() / problem.scale
    return log_base + apart - together


def fit_tables(
    recipe,
    tables,
    *,
    warm=None,
    own_starts=True,
    regroup=True,
    strict=True,
    random_state=None,
    report=None,
):
    """Fit a mixture to each of several tables, side by side.

    Parameters
    ----------
    recipe : Recipe
    tables : list of Counts
    warm : list of Parameters of shape (n_starts, n_components), default=None
        Further starts, for each table.
    own_starts : bool, default=True
        Whether to start from what the recipe gives, or finds in the counts.
    regroup : bool, default=True
        Whether components may be spent elsewhere, as far as nothing tells them apart.
    strict : bool, default=True
        Whether to look for tables without a toss and for starts that exclude a row, which else are
        moved inside.
    random_state : int, RandomState instance or None, default=None
    report : callable, default=None
        Told of every step, as in ``Problem``.

    Returns
    -------
    runs : list of Run

    Raises
    ------
    ValueError
        If a table holds no toss, or a start excludes a row.
    """
    if strict:
        for counts in tables:
            refuse_if_no_toss(counts)
    problems = [as_problem(recipe, counts, _scale_of(counts), report) for counts in tables]
    starts = warm
    is_large = recipe.family.n_axes == 2 and recipe.init_params == "auto"
    is_large &= max(len(counts.multiplicity) for counts in tables) > MOST_SEARCHED
    if own_starts and is_large:  # all is found on fewer rows
        regroup, own_starts = False, False
        starts = _found_on_fewer(recipe, tables, random_state, report)
        if warm is not None:
            starts = joined(starts, warm)
    if own_starts:
        starts = _first_starts(recipe.family)(
            [counts.tossed for counts in tables],
            recipe.specification,
            recipe.init_params,
            recipe.n_init,
            random_state,
        )
        if len(recipe.family.names) > 1:
            starts = _starts_of_all_parameters(recipe, problems, tables, starts)
        if warm is not None:
            starts = joined(starts, warm)
    if strict:
        for start, counts in zip(starts, tables, strict=True):
            refuse_if_impossible(recipe, start, counts)
    specification = recipe.specification
    may_regroup = specification.is_open.any() and specification.n_components > 1
    runs = maximize(
        problems,
        starts,
        solver=recipe.solver,
        tol=recipe.tol,
        max_iter=recipe.max_iter,
        may_regroup=regroup and recipe.init_params == "auto" and may_regroup,
    )
    return [_settled(run) for run in runs] if len(recipe.family.names) > 1 else runs


def _first_starts(family):
    """What makes starts from counts, of one coin in each row or of several."""
    return start_values if family.n_axes == 1 else starts_of_sets


def _settled(run):
    """The run, but with nothing at its end that has no effect."""
    components = run.path.components.copy()
    components[-1] = run.problem.family.settled(components[-1], run.problem.specification)
    return replace(run, path=replace(run.path, components=components))


def _starts_of_all_parameters(recipe, problems, tables, starts):
    """Starts of the first parameter alone as those of all, and those that smaller models give."""
    specification = recipe.specification
    starts = [_with_all_parameters(start, recipe) for start in starts]
    is_plain = specification.is_alike.all() and specification.free.all()
    is_plain &= specification.free_weights and np.isnan(specification.init).all()
    is_hidden = not any(problem.labelled.any() for problem in problems)
    if recipe.init_params != "auto" or not is_plain or not is_hidden:
        return starts

    report = problems[0].report

    def plain(n):
        """From the rates, and where the special case of the family ends."""
        fewer = replace(recipe, specification=all_free(n, len(specification.tied)))
        tossed = [counts.tossed for counts in tables]
        starts = _first_starts(recipe.family)(tossed, fewer.specification, "auto", 1, None)
        starts = [_with_all_parameters(start, fewer) for start in starts]
        if recipe.family.special_case is None:
            return starts
        asked = all_free(n, len(recipe.family.special_case.names))
        special = replace(recipe, specification=asked, family=recipe.family.special_case)
        runs = fit_tables(special, tables, report=report)
        return joined(starts, [_with_zeros(run.last, fewer) for run in runs])

    grown = grown_starts(problems, plain, recipe.max_iter)
    return joined(starts, grown) if recipe.n_init > 1 else grown


def _with_zeros(start, recipe):
    """The same, but with the others at zero."""
    components = np.zeros((*start.weights.shape, len(recipe.family.names)))
    components[..., : start.components.shape[-1]] = start.components
    return Parameters(start.weights, components)


def _with_all_parameters(start, recipe):
    """Starts of the first parameter with the others, as given or as the family starts them."""
    init = recipe.specification.init
    given = np.where(np.isnan(init), recipe.family.start, init)
    components = np.broadcast_to(given, (*start.weights.shape, init.shape[1])).copy()
    components[..., : start.components.shape[-1]] = start.components
    return Parameters(start.weights, components)


def _found_on_fewer(recipe, tables, random_state, report):
    """Where fits to thinned tables end, as starts, moved inside."""
    few = [thinned(counts.tossed, MOST_SEARCHED) for counts in tables]
    runs = fit_tables(recipe, few, random_state=random_state, report=report)
    return [warm_start(run.last[0], recipe.specification)[None] for run in runs]


def refuse_if_impossible(recipe, start, counts):
    """Refuse start values that exclude a row, whose likelihood could never rise above zero.

    Parameters
    ----------
    recipe : Recipe
    start : Parameters of shape (n_starts, n_components)
    counts : Counts
    """
    if np.all((start.components > 0) & (start.components < 1)) and np.all(start.weights > 0):
        return
    hidden, table = counts.label == HIDDEN, _tabulate(recipe.family, counts)
    for parameters in start:
        possible = np.isfinite(recipe.family.log_density(parameters.components, table))
        possible &= (parameters.weights > 0)[:, None]
        own = possible[counts.label, np.arange(len(hidden))]
        for i in np.flatnonzero(~np.where(hidden, possible.any(axis=0), own))[:1]:
            whose = "any coin" if hidden[i] else f"its coin {counts.label[i]}"
            values = [
                f"{name}={parameters.components[:, p].tolist()}"
                for p, name in enumerate(recipe.family.names)
            ]
            plain = {"float": "{:.12g}".format}
            heads, tails = (
                np.array2string(x[..., i], formatter=plain) for x in (counts.heads, counts.tails)
            )
            raise ValueError(
                f"A row of {heads} heads and {tails} tails is impossible "
                f"for {whose} at the start: {', '.join(values)}, "
                f"weights={parameters.weights.tolist()}. Move {recipe.specification.names} inside "
                "(0, 1)."
            )


def _scale_of(counts):
    """A power of two, which is exact, that brings a total weight below one to one or more.

    Whatever is compared to ``tol``, or to a row, would else be below it from the start.
    """
    total = counts.tossed.n_rows
    return 2.0 ** min(np.ceil(-np.log2(total)), 1000) if 0 < total < 1 else 1.0


def _statistics_of_prior(recipe):
    return recipe.specification.free[:, :1] * recipe.family.pseudo_statistics(recipe.theta_prior)


def _tabulate(family, counts):
    return family.tabulate(counts.heads, counts.tails, counts.multiplicity)
