"""A rough mixing distribution of thetas, reduced to few atoms: where a fit may start."""

import numpy as np

from skcoin._em.problem import pad


def rough_npmle(binned, n_coins, n_steps=30):
    """The nonparametric mixing distribution, roughly: EM finds weights for a grid of thetas.

    Parameters
    ----------
    binned : list of ndarray of shape (3, n_bins)
        From ``bins``, for each table; more bins than coins, and of more than one rate.
    n_coins : int
    n_steps : int

    Returns
    -------
    x, weights : ndarray of shape (n_tables, n_atoms)
        The atoms, ``arcsin sqrt theta``, falling.
    """
    atoms = [grid_of_atoms(n, heads, tails, n_coins) for n, heads, tails in binned]
    x = pad(atoms, fill=np.nan)
    is_atom = np.isfinite(x)
    x = np.where(is_atom, x, [[of_table[-1]] for of_table in atoms])  # one more there, but empty
    n, heads, tails = (pad(column, fill=1.0) for column in zip(*binned, strict=True))
    share = pad([of_table[0] / of_table[0].sum() for of_table in binned])
    log_f = (heads / n)[:, :, None] * np.log(np.sin(x))[:, None]
    log_f += (tails / n)[:, :, None] * np.log(np.cos(x))[:, None]
    f = np.exp(2 * (log_f - log_f.max(axis=2, keepdims=True)))
    weights = is_atom / is_atom.sum(axis=1, keepdims=True)
    for _ in range(n_steps):
        fitted = (f @ weights[..., None])[..., 0]
        weights = weights * ((share / fitted)[:, None] @ f)[:, 0]
    return x, np.maximum(weights, 1e-12)  # what has underflowed must still belong somewhere


def reduced(x, weights, n_coins):
    """The atoms reduced to few coins.

    They are divided into groups of neighbours, such that the variance within the groups is least:
    that of ``arcsin sqrt theta``, in which tosses have the same variance everywhere.

    Returns
    -------
    theta, weights : ndarray of shape (n_tables, n_coins)
    """
    first = _partition(x, weights, n_coins)
    totals = _before(np.stack([weights, weights * x]))
    weights, moment = np.diff(np.take_along_axis(totals, first[None], axis=-1))
    return np.sin(moment / weights) ** 2, weights / weights.sum(axis=1, keepdims=True)


def grid_of_atoms(n, heads, tails, n_coins):
    """A grid in ``arcsin sqrt theta``, falling: even, and at some rates."""
    x = np.arcsin(np.sqrt((heads + 0.25 * n) / (heads + tails + 0.5 * n)))
    even = np.linspace(x.min(), x.max(), max(16, 2 * n_coins))
    return np.union1d(even, x[:: len(x) // 16 + 1])[::-1]


def _partition(x, weights, n_groups):
    """Edges of consecutive groups of least variance within, by dynamic programming.

    Shape (n_tables, n_groups + 1); the first is 0, the last the number of places.
    """
    n_places = x.shape[1]
    before = _before(np.stack([weights, weights * x, weights * x**2]))
    sums = before[:, :, None, 1:] - before[:, :, :-1, None]  # from one place to another
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = sums[2] - sums[1] ** 2 / sums[0]
    loss[:, *np.tril_indices(n_places, -1)] = np.inf
    best, starts = loss[:, 0], []
    for _ in range(n_groups - 1):
        both = best[:, :-1, None] + loss[:, 1:]  # the last group starts one after the others end
        starts.append(both.argmin(axis=1) + 1)
        best = both.min(axis=1)
    edges = [np.full((len(x), 1), n_places)]
    for start in reversed(starts):
        edges.append(np.take_along_axis(start, edges[-1] - 1, axis=1))
    edges.append(np.zeros((len(x), 1), dtype=int))
    return np.concatenate(edges[::-1], axis=1)


def _before(values):
    """Sums of all values before each place, along the last axis, and of all."""
    return np.pad(np.cumsum(values, axis=-1), [(0, 0)] * (values.ndim - 1) + [(1, 0)])
