"""What a user is told after a fit that is not all it seems."""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skcoin._em.quadratic import is_logit
from skcoin._em.redundancy import redundant_pairs
from skcoin.exceptions import IdentifiabilityWarning

TIE = 1e-3  # in arcsin sqrt of theta


def warn_of_status(run, model):
    """Say so where a fit is not at a local maximum.

    Parameters
    ----------
    run : Run
    model : BaseMixture
        Fitted.
    """
    components = _values(model, run.problem.family.names)
    or_newton = "" if model.solver == "em-newton" else ' or use solver="em-newton"'
    if run.status == "max_iter":
        gain = run.height[-1] - run.height[-2]
        warn_user(
            f"max_iter={model.max_iter} ended the climb: its last step gained {gain:.3g} in total "
            f"log-likelihood, and more than tol={model.tol:g} may be left. Raise "
            f"max_iter{or_newton}.",
            ConvergenceWarning,
        )
    elif run.status == "saddle":
        ties = _started_equal(run.path.components[0])
        warn_user(
            "The climb ended on a saddle, where the objective still curves up: "
            f"{components}. {ties}Start elsewhere, or leave the start to "
            'init_params and solver="em-newton".',
            ConvergenceWarning,
        )
    elif run.status == "boundary":
        warn_user(
            f"The climb ended where {_what_holds(run, model)}, though the objective would rise: "
            f"{components}, {_values(model, ['weights'])}. Start elsewhere, inside (0, 1)"
            f"{or_newton}.",
            ConvergenceWarning,
        )


def warn_of_identifiability(model, run, order):
    """Say so where no row has as many tosses as there are parameters to tell apart, or a coin is
    there twice or not at all.

    Parameters
    ----------
    model : BaseMixture
        Fitted.
    run : Run
    order : ndarray of shape (n_components,), int
        Of the components of the run, in which the model has them.
    """
    problem = run.problem
    family = problem.family
    if not family.is_identifiable(problem):
        unknown, most = family.n_unknown(problem), family.most_tosses(problem)
        moments = _moments(most, model.weights_ @ model.theta_, varies=len(family.names) > 1)
        warn_user(
            f"{unknown} free parameters need a row of at least {unknown} tosses, but no row "
            f"of a hidden coin has more than {most}. Only {moments} "
            "identified; other coins have the same likelihood. Use fewer coins, hold "
            f"{', '.join(family.names)} or weights, or toss more often.",
            IdentifiabilityWarning,
        )
    elif alike := _alike(redundant_pairs(run, model.tol), order):
        n_needed = len(model.theta_) - sum(len(coins) - 1 for coins in alike)
        names = " and ".join(family.names)
        told = "; ".join(
            f"coins {_listed(coins)} ("
            + ", ".join(
                f"{name} {_listed(getattr(model, f'{name}_')[coins].round(6).tolist())}"
                for name in (*family.names, "weights")
            )
            + ")"
            for coins in alike
        )
        warn_user(
            f"One coin would do for each of these: {told}. However their weight is shared out, "
            f"the likelihood is the same, so that neither their weights nor the {names} of a coin "
            "without weight mean anything. "
            f"The data ask for {n_needed}: use n_components={n_needed}.",
            IdentifiabilityWarning,
        )


def warn_of_sets(model, run, order, *, is_singular):
    """Say so where other sets of coins have the same likelihood, or a class is there twice."""
    family, problem = run.problem.family, run.problem
    if not family.is_identifiable(problem):
        warn_user(
            f"{family.n_unknown(problem)} free parameters need as many different patterns of a row "
            f"and one more, but there can be {family.most_tosses(problem) + 1} only. Other classes "
            "have the same likelihood. Use fewer classes, or hold theta or weights.",
            IdentifiabilityWarning,
        )
    elif alike := _alike(redundant_pairs(run, model.tol), order):
        n_needed = len(model.theta_) - sum(len(classes) - 1 for classes in alike)
        told = "; ".join(
            f"classes {_listed(classes)} (weights "
            f"{_listed(model.weights_[classes].round(6).tolist())})"
            for classes in alike
        )
        warn_user(
            f"One class would do for each of these: {told}. However their weight is shared out, "
            f"the likelihood is the same. The data ask for {n_needed}: use "
            f"n_components={n_needed}.",
            IdentifiabilityWarning,
        )
    elif is_singular:
        warn_user(
            "Other classes near these have the same likelihood, though there are patterns enough: "
            "the observed information is singular. Neither thetas nor weights mean anything by "
            "themselves; use fewer classes, or hold some.",
            IdentifiabilityWarning,
        )


def _alike(pairs, order):
    """Coins that are one, in lists, from pairs of neighbours; ``order`` is that of the model."""
    chains = []
    for j, k in pairs:
        if chains and chains[-1][-1] == j:
            chains[-1].append(k)
        else:
            chains.append([j, k])
    place = np.argsort(order)
    return [sorted(place[chain].tolist()) for chain in chains]


def _listed(values):
    *most, last = map(str, values)
    return f"{', '.join(most)} and {last}"


def warn_of_gap(model):
    """Say so where the search for a mixing distribution ended early."""
    if not model.converged_:
        warn_user(
            f"max_iter={model.max_iter} ended the search: another distribution may have a total "
            f"log-likelihood that is higher by up to {model.gap_:.3g}, more than "
            f"tol={model.tol:g}. Raise max_iter or tol.",
            ConvergenceWarning,
        )


def warn_of_moments(model, most):
    """Say so where other mixing distributions have the same moments, and so the same likelihood.

    ``most`` tosses tell ``most`` moments. A distribution is the only one with its first moments
    where an atom inside (0, 1) counts as one, an atom at 0 or 1 as one half, and all of them
    together as no more than half of the number of moments.
    """
    at_end = (model.theta_ == 0) | (model.theta_ == 1)
    if np.where(at_end, 1, 2).sum() > most:
        known, tosses = _moments(most, model.weights_ @ model.theta_), _tosses(most)
        warn_user(
            f"No row has more than {tosses}. Only {known} identified; other distributions of "
            "theta have the same likelihood. Toss more often, or read nothing but these moments "
            "off the coins.",
            IdentifiabilityWarning,
        )


def are_light(weights, total, n_parameters):
    """Whether weights say of next to no rows that they were seen, and how much a typical row has.

    The typical weight is ``sum_i w_i^2 / sum_i w_i``, that of the row of a toss of weight picked
    at random, so that rows of next to no weight do not count [1]_. Below a tenth, or below a half
    where all rows together weigh no more than there are parameters, they are shares, not counts.

    References
    ----------
    .. [1] Kish, L. (1965). Survey sampling. Wiley.
    """
    most = weights.max()
    share = weights / most  # whose squares cannot underflow
    typical = max(float(most * (share @ share) / share.sum()), np.finfo(float).tiny)
    few = total <= max(n_parameters, 1) * (1 + 1e-9)
    return (typical <= 0.5 if few else typical < 0.1), typical


def warn_of_weights(sample_weight, counts, n_parameters):
    """Say so where weights are shares: criteria and errors are then those of next to no rows."""
    total = counts.tossed.n_rows
    light, typical = are_light(sample_weight, total, n_parameters)
    if light:
        warn_user(
            f"sample_weight sums to {total:.6g} in rows with tosses, and a typical row has "
            f"{typical:.3g}, but a weight says how often a row was seen. The penalties of AIC, BIC "
            "and ICL, standard errors, tests and tol are those of so few rows. Multiply "
            f"sample_weight by {1 / typical:.6g}, and a typical row counts once.",
            UserWarning,
        )


def warn_of_excluded(mixture, heads, tails, rows=None):
    """Say so where a posterior is asked of rows that no coin can show.

    Parameters
    ----------
    mixture : Mixture
    heads, tails : ndarray of shape (n,) or (n_coins, n)
    rows : ndarray of shape (n,), default=None
        How many rows hold each pair; by default the pairs are the rows themselves, in their order.
    """
    if not mixture.may_exclude:
        return
    lost = mixture.excludes(heads, tails)
    n_lost, n_rows = (lost.sum(), len(lost)) if rows is None else (rows[lost].sum(), rows.sum())
    sides = (*np.atleast_2d(tails), *np.atleast_2d(heads))
    order = np.arange(len(lost)) if rows is None else np.lexsort(sides)
    if mixture.family.n_axes == 2:
        _warn_of_excluded_sets(heads, tails, order[lost[order]], n_lost, n_rows, rows is None)
        return
    for i in order[lost[order]][:1]:
        place = f"row {i} with " if rows is None else ""
        components = mixture.parameters.components[mixture.weights > 0]
        remedies = []
        if (components[:, 0] == np.rint(components[:, 0])).any():
            remedies.append("keep theta inside by a theta_prior such as (2, 2)")
        if (components[:, 1:] == 1).any():
            remedies.append("hold dispersion below 1")
        values = " and ".join(
            f"{name} {' or '.join(map(str, np.unique(column)))}"
            for name, column in zip(mixture.family.names, components.T, strict=True)
        )
        warn_user(
            f"{n_lost:,.12g} of {n_rows:,.12g} rows are such as no coin can show, with "
            f"{values}; the first is {place}{heads[i]:g} heads and {tails[i]:g} tails. Their "
            "posterior is the limit for coins a hair inside (0, 1), and no evidence. Fit on such "
            f"rows, too, or {' and '.join(remedies)}.",
            UserWarning,
        )


def _warn_of_excluded_sets(heads, tails, lost, n_lost, n_rows, has_place):
    for i in lost[:1]:
        held = f"one of {heads[:, i].tolist()} heads and {tails[:, i].tolist()} tails"
        place = f"row {i}" if has_place else held
        warn_user(
            f"{n_lost:,.12g} of {n_rows:,.12g} rows are such as no class can show, since each has "
            f"thetas of 0 or 1; the first is {place}. Their posterior is the limit for thetas a "
            "hair inside (0, 1), and no evidence. Fit on such rows, too, or keep theta inside by a "
            "theta_prior such as (2, 2).",
            UserWarning,
        )


def warn_of(advice):
    """Warn of each of a list of pairs of a message and its category."""
    for message, category in advice:
        warn_user(message, category)


def warn_user(message, category):
    """Warn at the line that called skcoin, whatever scikit-learn puts between."""
    frame, level = sys._getframe(1), 2
    between = ("skcoin.", "sklearn.", "joblib.")
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(between):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _what_holds(run, model):
    """What keeps a climb below a maximum: an end of the scale, coins that tie, or a faded one."""
    last, free = run.last[0], run.problem.specification.free
    free = free & is_logit(run.problem.family)
    at_end = (last.components == np.rint(last.components)) & free & (last.weights > 0)[:, None]
    if at_end.any() or np.any(last.weights == 0):
        return "a probability of exactly 0 or 1 cannot move"
    by_theta = np.argsort(model.theta_, kind="stable")
    x = np.arcsin(np.sqrt([getattr(model, f"{name}_") for name in run.problem.family.names]))
    near = (np.abs(np.diff(x[:, by_theta])) < TIE).all(axis=0)
    pairs = zip(by_theta[:-1][near], by_theta[1:][near], strict=True)
    if ties := _alike(pairs, np.arange(len(by_theta))):
        coins = "; ".join(map(_listed, ties))
        return f"coins tie ({coins}), which no step of EM can part"
    return "a coin has faded to less than a row, and gains too slowly"


def _started_equal(components):
    """Which coins started equal, which no step of EM can tell apart."""
    _, which = np.unique(components, axis=0, return_inverse=True)
    ties = [np.flatnonzero(which == value).tolist() for value in range(which.max() + 1)]
    return "".join(f"Coins {tie} started equal. " for tie in ties if len(tie) > 1)


def _values(model, names):
    return ", ".join(f"{name}={getattr(model, f'{name}_').tolist()}" for name in names)


def _moments(most, mean, *, varies=False):
    if most == 1:
        return f"the mean weights_ @ theta_ = {mean:.6g} is"
    if varies:
        return f"the first {most} moments of the theta of a row are"
    return f"the first {most} moments weights_ @ theta_**j, j = 1, ..., {most}, are"


def _tosses(most):
    return f"{most} toss" + "es" * (most != 1)
