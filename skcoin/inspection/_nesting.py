"""Whether a model is a special case of another, and how: which coin plays which role."""

from functools import cache

import numpy as np
from scipy.optimize import linear_sum_assignment

from skcoin._em.parameters import Parameters
from skcoin._em.place import best_place, place
from skcoin._fit import as_problem

SAME_WEIGHT = 1e-8
SHARES = np.array([0.3, 0.1, 0.03, 0.01, 0.0001])  # of the weight, that a further coin starts with


def roles_if_nested(small, large):
    """For each coin of the alternative the coin of the null that it can play, -1 for none.

    Parameters
    ----------
    small, large : Inspected
        The null and the alternative.
    """
    n_small, n_large = small.specification.n_parameters, large.specification.n_parameters
    if n_small >= n_large:
        raise ValueError(
            f"null has {n_small} free parameters and alternative {n_large}, but null must be the "
            "smaller model. Fit alternative with more coins, or swap the two."
        )
    roles = _roles(small, large)
    if roles is None:
        raise ValueError(
            "null is not nested in alternative: what alternative holds cannot make every mixture "
            f"that null can be. null: {_described(small)}; alternative: {_described(large)}. Hold "
            "less in alternative, or the same in null."
        )
    return roles


def as_alternative(parameters, roles, recipe, counts):
    """The null's coins as coins of the alternative; what plays no role goes where it helps."""
    specification, plays = recipe.specification, roles >= 0
    init = np.where(np.isnan(specification.init), 0.5, specification.init)
    components = np.where(specification.free & plays[:, None], parameters.components[roles], init)
    if not specification.free_weights:
        return Parameters(specification.start_weights, components)
    start = Parameters(np.where(plays, parameters.weights[roles], 0.0), components)
    problem = as_problem(recipe, counts)
    for k in np.flatnonzero(~plays):
        start = place(k, *best_place(problem, k, start, SHARES), start)
    return start


def _roles(small, large):
    """Roles such that all coins of the null are played, or None where there are none."""
    same = large.mixture.theta[:, None] == small.mixture.theta
    can_play = large.specification.free[:, :1] | (~small.specification.free[:, 0] & same)
    n_large, n_small = can_play.shape
    if large.specification.free_weights:  # one for each; the others may have the weight 0
        player, role = linear_sum_assignment(~can_play)
        roles = np.full(n_large, -1)
        roles[player] = role
        return roles if n_large >= n_small and can_play[player, role].all() else None
    if small.specification.free_weights and n_small > 1:
        return None
    left = tuple(small.mixture.weights.tolist())
    return _shared_out(can_play, large.mixture.weights.tolist(), left)


def _shared_out(can_play, weights, left):
    """Roles by which weights add up to what is left of each role, or None."""

    @cache
    def share(k, left):
        if k == len(weights):
            return () if max(left) < SAME_WEIGHT else None
        for role in np.flatnonzero(can_play[k]).tolist():
            rest = round(left[role] - weights[k], 9)
            if rest >= -SAME_WEIGHT:
                others = share(k + 1, (*left[:role], rest, *left[role + 1 :]))
                if others is not None:
                    return (role, *others)
        return None

    roles = share(0, left)
    return None if roles is None else np.array(roles)


def _described(fitted):
    mixture, specification = fitted.mixture, fitted.specification
    held = np.flatnonzero(~specification.free[:, 0])
    held = [f"theta[{k}]={mixture.theta[k]:.6g}" for k in held]
    if not specification.free_weights:
        held.append(f"weights={mixture.weights.round(6).tolist()}")
    return f"{specification.n_components} coins, " + (
        "held " + ", ".join(held) if held else "all learned"
    )
