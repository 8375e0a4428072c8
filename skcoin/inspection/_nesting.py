"""Whether a model is a special case of another, and how: which coin plays which role.

A parameter that the family of one of the two does not have is one that is held at 0.
"""

from functools import cache

import numpy as np
from scipy.optimize import linear_sum_assignment

from skcoin._em.parameters import Parameters
from skcoin._em.place import best_place, place
from skcoin._fit import as_problem

SAME_WEIGHT = 1e-8
MOST_SHARED = 22  # coins, whose sets fit into memory
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
    init = np.where(np.isnan(specification.init), recipe.family.start, specification.init)
    init = np.where(np.isnan(init), 0.5, init)  # thetas; of others families know a start
    components = _each_its_own(parameters.components, init.shape[1], recipe.family)
    played = _widened(components, init.shape[1])[roles]
    plays_or_shared = plays[:, None] | specification.tied  # of which all roles have the same
    components = np.where(specification.free & plays_or_shared, played, init)
    if not specification.free_weights:
        return Parameters(specification.start_weights, components)
    start = Parameters(np.where(plays, parameters.weights[roles], 0.0), components)
    problem = as_problem(recipe, counts)
    for k in np.flatnonzero(~plays):
        start = place(k, *best_place(problem, k, start, SHARES), start)
    return start


def _roles(small, large):
    """Roles such that all coins of the null are played, or None where there are none."""
    n_parameters = max(len(one.specification.tied) for one in (small, large))
    learned, values, tied = _asked(small, n_parameters, large.problem.family)
    may_learn, mine, shared = _asked(large, n_parameters)
    held_alike = ~learned.any(axis=0) & (values == values[0]).all(axis=0)
    is_one_number = tied | held_alike | (len(values) == 1)
    if (shared & may_learn.any(axis=0) & ~is_one_number).any():
        return None
    same = ~learned & (mine[:, None] == values)
    can_play = (may_learn[:, None] | same).all(axis=-1)
    n_large, n_small = can_play.shape
    if large.specification.free_weights:  # one for each; the others may have the weight 0
        player, role = linear_sum_assignment(~can_play)
        roles = np.full(n_large, -1)
        roles[player] = role
        return roles if n_large >= n_small and can_play[player, role].all() else None
    if small.specification.free_weights and n_small > 1:
        return None
    if n_large > MOST_SHARED:
        return _shared_out_in_turn(can_play, large.mixture.weights, small.mixture.weights)
    return _shared_out(can_play, large.mixture.weights, small.mixture.weights)


def _widened(of_parameters, n_parameters):
    """So many parameters, along the last axis, with zeros for those that the family lacks."""
    zeros = np.zeros((*of_parameters.shape[:-1], n_parameters), dtype=of_parameters.dtype)
    return np.concatenate([of_parameters, zeros], axis=-1)[..., :n_parameters]


def _each_its_own(of_parameters, n_parameters, family):
    """One dispersion of all coins as one of each, where the family of another model has so many."""
    n_coins = family.names.count("theta")
    if of_parameters.shape[-1] != n_coins + 1 or len(family.names) != n_parameters:
        return of_parameters
    return of_parameters[..., [*range(n_coins), *[n_coins] * (n_parameters - n_coins)]]


def _asked(fitted, n_parameters, family=None):
    """What is learned, the values, and what is shared, of so many parameters.

    ``family`` is that of the model that it is to be a special case of.
    """
    specification, components = fitted.specification, fitted.parameters.components
    arrays = specification.free, components, specification.tied
    if family is not None:
        arrays = [_each_its_own(array, n_parameters, family) for array in arrays]
    return [_widened(array, n_parameters) for array in arrays]


def _shared_out(can_play, weights, left):
    """Roles by which weights add up to what is left of each role, or None.

    For each role, all sets of coins whose weights add up to it; then one set for each, such that no
    coin is in two.
    """
    sums = np.zeros(1)
    for weight in weights:
        sums = np.concatenate([sums, sums + weight])
    sets = np.arange(len(sums))
    bits = 1 << np.arange(len(weights))
    fitting = []
    for role, weight in enumerate(left):
        barred = bits[~can_play[:, role]].sum()
        fitting.append(sets[(np.abs(sums - weight) < SAME_WEIGHT) & (sets & barred == 0)].tolist())
    order = sorted(range(len(left)), key=lambda role: len(fitting[role]))

    @cache
    def chosen(i, taken):
        if i == len(order):
            return () if taken == len(sums) - 1 else None
        for one in fitting[order[i]]:
            if one & taken == 0:
                others = chosen(i + 1, taken | one)
                if others is not None:
                    return (one, *others)
        return None

    found = chosen(0, 0)
    if found is None:
        return None
    roles = np.empty(len(weights), dtype=int)
    for role, coins in zip(order, found, strict=True):
        roles[coins & bits > 0] = role
    return roles


def _shared_out_in_turn(can_play, weights, left):
    """The same of very many coins: the heaviest first, each to the role that has most left."""
    left, roles = left.copy(), np.empty(len(weights), dtype=int)
    for k in np.argsort(-weights, kind="stable"):
        roles[k] = np.where(can_play[k], left, -np.inf).argmax()
        left[roles[k]] -= weights[k]
    if np.abs(left).max() < SAME_WEIGHT:
        return roles
    raise ValueError(
        f"alternative has {len(weights)} coins with weights that are held. Whether the weights of "
        f"null are sums of them is looked at for up to {MOST_SHARED} only, unless it is plain. "
        "Learn the weights."
    )


def _described(fitted):
    mixture, specification = fitted.mixture, fitted.specification
    held = [
        f"{name}[{k}]={mixture.parameters.components[k, p]:.6g}"
        for p, name in enumerate(mixture.family.names)
        for k in np.flatnonzero(~specification.free[:, p])
    ]
    if not specification.free_weights:
        held.append(f"weights={mixture.weights.round(6).tolist()}")
    further = dict(zip(mixture.family.names, specification.tied, strict=True))
    further.pop("theta")
    more = "".join(f" with {'one' if tied else 'each a'} {name}" for name, tied in further.items())
    things = "coins" if mixture.family.n_axes == 1 else "classes"
    return f"{specification.n_components} {things}{more}, " + (
        "held " + ", ".join(held) if held else "all learned"
    )
