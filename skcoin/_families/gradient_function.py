"""Lindsay's gradient function: what any further coin could still gain, and where.

``D(theta) = sum_i m_i (f(x_i | theta) / f(x_i) - 1)``, with ``f(x_i | theta)`` the binomial and
``f(x_i)`` the density of a model, is the gain in log-likelihood, per share of weight, of a little
weight given to a coin ``theta``. No mixture of coins, of any number of them, is better than one
whose ``D`` is nowhere positive [1]_.

References
----------
.. [1] Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory. Annals of
   Statistics, 11(1), 86-94.
"""

import numpy as np
from scipy.special import logsumexp

from skcoin._families.binomial import BINOMIAL
from skcoin._families.rates import grid_for

MOST_NEWTON = 12
BLOCK = 2**17  # numbers, 1 MB


def supremum(log_fitted, heads, tails, multiplicity):
    """The theta at which ``D`` is largest, for each of several models.

    Parameters
    ----------
    log_fitted : ndarray of shape (n_models, n_rows)
        ``log f(x_i)``, without the binomial coefficient.
    heads, tails, multiplicity : ndarray of shape (n_models, n_rows)
        Rows of multiplicity zero count for nothing.

    Returns
    -------
    theta, highest : ndarray of shape (n_models,)
        Where ``D`` is largest, and ``log(D + W)`` there.
    grid : ndarray of shape (n_grid,)
    value : ndarray of shape (n_models, n_grid)
        ``log(D + W)`` on the grid.
    """
    grid = grid_for(heads, tails, per_width=8)
    with np.errstate(divide="ignore"):
        log_multiplicity = np.log(multiplicity)
    value = np.concatenate(
        [
            logsumexp(ratios + log_multiplicity[:, None], axis=2)
            for ratios in _log_ratios(grid, log_fitted, heads, tails)
        ],
        axis=1,
    )
    model, theta, height = local_maxima(grid, value, heads, tails, log_multiplicity - log_fitted)
    highest = np.full(len(value), -np.inf)
    np.maximum.at(highest, model, height)
    is_highest = np.flatnonzero(height == highest[model])
    _, first = np.unique(model[is_highest], return_index=True)
    return theta[is_highest[first]], highest, grid, value


def local_maxima(grid, value, heads, tails, log_share):
    """Every local maximum on a grid, refined by Newton's iteration.

    It is ``log(D + W)`` that is looked at, since of ``D`` itself no float may be large enough.

    Parameters
    ----------
    grid : ndarray of shape (n_grid,)
    value : ndarray of shape (n_models, n_grid)
        ``log(D + W)``.
    heads, tails, log_share : ndarray of shape (n_models, n_rows)
        The last is ``log m_i - log f(x_i)``.

    Returns
    -------
    model, theta, height : ndarray of shape (n_maxima,)
        Which model each maximum is of, where it is and ``log(D + W)`` there.
    """
    padded = np.pad(value, ((0, 0), (1, 1)), constant_values=-np.inf)
    model, peak = np.nonzero((value >= padded[:, :-2]) & (value > padded[:, 2:]))
    theta, height = grid[peak], value[model, peak]
    size = max(1, BLOCK // max(heads.shape[1], 1))
    for i in range(0, len(peak), size):
        j, p = model[i : i + size], peak[i : i + size]
        refined = refine(grid, p, heads[j], tails[j], log_share[j])
        better = refined[1] > height[i : i + size]
        theta[i : i + size][better] = refined[0][better]
        height[i : i + size][better] = refined[1][better]
    return model, theta, height


def most_gain(highest, n_rows):
    """``W log(1 + sup D / W)``, which no mixture can gain more than, from ``log(sup D + W)``."""
    return n_rows * np.maximum(highest - np.log(n_rows), 0.0)


def refine(grid, peak, heads, tails, log_share):
    """Theta and ``log(D + W)`` of the local maxima between the neighbours of points of the grid.

    Newton's iteration in ``x = arcsin sqrt theta``, kept between bounds that close in on it. With
    ``p_i`` the share of row ``i`` in the sum and ``s_i`` the slope of its logarithm, the slope is
    ``sum_i p_i s_i`` and the curvature ``sum_i p_i (s_i^2 + s_i') - (sum_i p_i s_i)^2``.
    """
    edges = np.arcsin(np.sqrt(grid))
    low, high = edges[np.maximum(peak - 1, 0)], edges[np.minimum(peak + 1, len(grid) - 1)]
    x = np.clip(edges[peak], 0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high)
    for _ in range(MOST_NEWTON):
        height, slope, curvature = _derivatives(x[:, None], heads, tails, log_share)
        low, high = np.where(slope > 0, x, low), np.where(slope > 0, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = x - slope / curvature
        # A step too far leads nearly to the bound, where the maximum of what falls to 0 or 1 is.
        moved = np.clip(moved, 0.9 * low + 0.1 * x, 0.9 * high + 0.1 * x)
        last, x = x, np.where(curvature < 0, moved, (low + high) / 2)
        if np.all(np.abs(x - last) < 1e-9):  # the height is off by the square of that
            break
    return np.sin(last) ** 2, height


def _derivatives(x, heads, tails, log_share):
    """``log(D + W)`` at ``theta = sin^2 x``, its slope and its curvature."""
    sine, cosine = np.sin(x), np.cos(x)
    terms = log_share + 2 * heads * np.log(sine) + 2 * tails * np.log(cosine)
    height = logsumexp(terms, axis=1)
    with np.errstate(invalid="ignore"):  # infinite where the model excludes a row
        p = np.exp(terms - height[:, None])
    s = 2 * (heads * cosine / sine - tails * sine / cosine)
    bend = -2 * (heads / sine**2 + tails / cosine**2)
    slope = (p * s).sum(axis=1)
    return height, slope, (p * (s**2 + bend)).sum(axis=1) - slope**2


def _log_ratios(grid, log_fitted, heads, tails):
    """``log f(x_i | theta) - log f(x_i)``, (n_models, n_block, n_rows) by blocks."""
    table = np.stack([heads, tails], axis=-2)
    size = max(1, BLOCK // max(heads.size, 1))
    for i in range(0, len(grid), size):
        further = BINOMIAL.log_density(grid[i : i + size, None], table)
        with np.errstate(invalid="ignore"):
            yield np.where(np.isneginf(further), -np.inf, further - log_fitted[:, None])
