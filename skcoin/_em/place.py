"""Where one more component helps most: a search on the coarse table of a problem.

Let component ``k`` have no weight in a mixture of densities ``f(x_i)``. With a share ``s`` of the
weight, at a place ``c``, the objective gains

    sum_i m_i log(1 - s + s f(x_i | c) / f(x_i))
        + q(c; s_k) + n_k log s + sum_(j != k) n_j log(1 - s)

with the symbols of ``skcoin._em.problem``. With half of the weight of component ``j``, whose
posterior is ``r_ij``, it goes where the family divides rows of the weights ``m_i r_ij`` in two.
"""

import numpy as np
from scipy.special import logsumexp

from skcoin._em.e_step import log_joint
from skcoin._em.parameters import Parameters

MOST_LOG_RATIO = 700.0  # of densities, whose exponential is a float


class Places:
    """Places of the family at which components of a problem might stand.

    Parameters
    ----------
    problem : Problem
        Its coarse table is looked at.
    most : int, default=None
        How many places at most; all by default.
    """

    def __init__(self, problem, most=None):
        self._problem = problem.coarse
        places = problem.family.candidates(self._problem.table)
        self._places = places[:: 1 if most is None else -(-len(places) // most)]

    def anywhere(self, k, rest, shares):
        """The best place for component ``k`` with each share of the weight.

        Parameters
        ----------
        k : int
            What is held or shared of it stays.
        rest : Parameters of shape (n_components,)
            In which it has no weight.
        shares : ndarray of shape (n_shares,)

        Returns
        -------
        places : ndarray of shape (n_shares, n_parameters)
        gains : ndarray of shape (n_shares,)
        """
        problem = self._problem
        places, log_density, fixed = self._of(k, rest)
        joint = log_joint(problem.family, rest, problem.table)
        ratio = _ratio(log_density, logsumexp(joint, axis=0))
        gains = np.log1p(shares[:, None, None] * (ratio - 1)) @ problem.multiplicity + fixed
        n_known = problem.pseudo_rows.sum() - problem.pseudo_rows[k]
        gains += (problem.pseudo_rows[k] * np.log(shares) + n_known * np.log1p(-shares))[:, None]
        return places[gains.argmax(axis=1)], gains.max(axis=1)

    def beside(self, k, rest):
        """Two places for component ``k`` and another that gives it half of its weight.

        Returns
        -------
        pairs : list of (int, ndarray of shape (2, n_parameters))
            Of each other component with weight.
        """
        problem = self._problem
        joint = log_joint(problem.family, rest, problem.table)
        log_normaliser = logsumexp(joint, axis=0)
        possible = np.isfinite(log_normaliser)  # what is held may exclude the other rows
        share = np.where(possible, problem.multiplicity, 0.0) * np.exp(
            joint - np.where(possible, log_normaliser, 0.0)
        )
        return [
            (j, problem.family.divide(rest.components[j], problem.table, share[j]))
            for j in np.flatnonzero(rest.weights > 0)
        ]

    def _of(self, k, rest):
        """Places of component ``k``, their log-densities, and what is known of it says of them."""
        problem, specification = self._problem, self._problem.specification
        family, statistics = problem.family, problem.pseudo_statistics[k]
        places = self._places
        if family.has_closed_m_step:  # where what is known alone would have it
            own = family.m_step(rest.components[[k]], statistics[None])
            places = np.concatenate([places, own])
        stays = ~specification.free[k] | specification.tied
        places = np.where(stays, rest.components[k], places)
        statistics = np.broadcast_to(statistics, (len(places), len(statistics)))
        log_density = family.log_density(places, problem.table)
        return places, log_density, family.objective(places, statistics)


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

    What is held stays.
    """
    weights, components = rest.weights.copy(), rest.components.copy()
    weights[k] = weights[j] = weights[j] / 2
    components[[k, j]] = np.where(specification.free[[k, j]], pair, components[[k, j]])
    return Parameters(weights, components)


def _ratio(log_density, of_rest):
    """Of densities, as large as a float can be where a row was impossible."""
    with np.errstate(invalid="ignore"):
        log_ratio = np.where(np.isneginf(log_density), -np.inf, log_density - of_rest)
    return np.exp(np.minimum(log_ratio, MOST_LOG_RATIO))
