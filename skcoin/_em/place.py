"""Where one more component helps most.

Let component ``k`` have no weight in a mixture of densities ``f(x_i)``. With a share ``s`` of the
weight, at a place ``c``, the objective gains

    sum_i m_i log(1 - s + s f(x_i | c) / f(x_i))
        + q(c; s_k) + n_k log s + sum_(j != k) n_j log(1 - s)

with the symbols of ``skcoin._em.problem``. With half of the weight of component ``j``, whose
posterior is ``r_ij``, it goes where the family divides rows of the weights ``m_i r_ij`` in two.
"""

import numpy as np
from scipy.special import xlog1py, xlogy

from skcoin._em.e_step import log_likelihood, mix
from skcoin._em.parameters import Parameters

MOST_LOG_RATIO = 700.0  # of densities, whose exponential is a float
MOST_SHARE, LEAST_SHARE, N_SHARES = 0.3, 0.03, 5
MOST_ON_COARSE, MOST_ON_ALL = 128, 32  # places that are looked at on the coarse table, on all rows
BLOCK = 2**17  # numbers, 1 MB


def some_shares(problem):
    """Shares of the weight, from much to that of a tenth of a row, and of next to nothing."""
    least = min(LEAST_SHARE, 0.1 / max(problem.multiplicity.sum(), 0.1))
    return np.append(np.geomspace(MOST_SHARE, least, N_SHARES), least / 10)


def some_places(problem, most):
    """As many candidates of the coarse table at most, the first and the last among them."""
    places = problem.family.candidates(problem.coarse.table)
    at = np.linspace(0, len(places) - 1, min(most, len(places)))
    return places[np.rint(at).astype(int)]


def best_place(problem, k, rest, shares, most=None):
    """The best place for component ``k``, and its share of the weight.

    Parameters
    ----------
    problem : Problem
        Its coarse table says which few places are looked at on all rows.
    k : int
        What is held or shared of it stays.
    rest : Parameters of shape (n_components,)
        In which it has no weight.
    shares : ndarray of shape (n_shares,)
    most : int, default=None
        Places to look at on the coarse table.

    Returns
    -------
    component : ndarray of shape (n_parameters,)
    share : float
    """
    coarse = problem.coarse
    places = places_for(problem, k, rest, some_places(problem, most or MOST_ON_COARSE))
    gains = gains_of(coarse, k, places, rest, shares)
    if coarse is not problem:
        places = places[np.argsort(-gains.max(axis=0), kind="stable")[:MOST_ON_ALL]]
        gains = gains_of(problem, k, places, rest, shares)
    share, place = np.unravel_index(gains.argmax(), gains.shape)
    return places[place], shares[share]


def places_for(problem, k, rest, places):
    """These places for component ``k``, and that which what is known of it would have.

    What is held or shared of it stays.
    """
    family, specification = problem.family, problem.specification
    if family.has_closed_m_step:
        own = family.m_step(rest.components[[k]], problem.pseudo_statistics[[k]])
        places = np.concatenate([places, own])
    stays = ~specification.free[k] | specification.tied
    return np.where(stays, rest.components[k], places)


def gains_of(problem, k, places, rest, shares):
    """What the objective gains from each place with each share, (n_shares, n_places)."""
    n_known = problem.pseudo_rows.sum() - problem.pseudo_rows[k]
    gains = (
        problem.log_fixed(places, [k])
        + (xlogy(problem.pseudo_rows[k], shares) + xlog1py(n_known, -shares))[:, None]
    )
    size = max(1, BLOCK // len(places))
    for i in range(0, len(problem.multiplicity), size):
        table, multiplicity = problem.table[..., i : i + size], problem.multiplicity[i : i + size]
        fitted = log_likelihood(problem.family, rest, table)
        excess = _ratio(problem.family.log_density(places, table), fitted) - 1
        with np.errstate(divide="ignore"):  # a given weight of one leaves the others none
            gains += [np.log1p(share * excess) @ multiplicity for share in shares]
    return gains


def _ratio(log_density, of_rest):
    """Of densities, as large as a float can be where a row was impossible."""
    with np.errstate(invalid="ignore"):
        log_ratio = np.where(np.isneginf(log_density), -np.inf, log_density - of_rest)
    return np.exp(np.minimum(log_ratio, MOST_LOG_RATIO))


def divided(problem, rest):
    """The rows of each component as two, on the coarse table.

    Returns
    -------
    pairs : list of (int, ndarray of shape (2, n_parameters))
        One or more for each component with weight.
    """
    coarse = problem.coarse
    posterior, log_density = mix(coarse.family, rest, coarse.table)
    possible = np.isfinite(log_density)  # what is held may exclude the other rows
    share = coarse.multiplicity * np.where(possible, posterior, 0.0)
    return [
        (j, pair)
        for j in np.flatnonzero(rest.weights > 0)
        for pair in coarse.family.divide(rest.components[j], coarse.table, share[j])
    ]


def without(k, parameters):
    """The parameters with the weight of component ``k`` shared out, or None if it has all."""
    weights = parameters.weights.copy()
    weights[k] = 0
    total = weights.sum()
    return Parameters(weights / total, parameters.components) if total > 0 else None


def merge(j, k, problem, parameters):
    """Component ``j`` takes the weight of ``k``, and the place between, in their proportion.

    What is held of it stays.
    """
    weights, components = parameters.weights.copy(), parameters.components.copy()
    weights[j], weights[k] = weights[j] + weights[k], 0
    if parameters.weights[k] > 0:
        between = parameters.weights[[j, k]] @ parameters.components[[j, k]] / weights[j]
        between = np.minimum(between, 1.0)  # rounding may leave it above
        components[j] = np.where(problem.specification.free[j], between, components[j])
    return Parameters(weights, components)


def place(k, component, share, rest):
    """Component ``k``, which has no weight, at a place with a share of the weight of the others."""
    weights, components = rest.weights * (1 - share), rest.components.copy()
    weights[k], components[k] = share, component
    return Parameters(weights, components)


def place_beside(k, j, pair, rest, specification):
    """Component ``k``, which has no weight, and ``j`` at two places with half its weight each.

    What is held or shared stays.
    """
    weights, components = rest.weights.copy(), rest.components.copy()
    weights[k] = weights[j] = weights[j] / 2
    moves = specification.free[[k, j]] & ~specification.tied
    components[[k, j]] = np.where(moves, pair, components[[k, j]])
    return Parameters(weights, components)
