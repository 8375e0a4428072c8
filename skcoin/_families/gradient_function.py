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

from itertools import pairwise

import numpy as np
from scipy.special import logsumexp

from skcoin._em.e_step import log_sum_exp
from skcoin._families.binomial import BINOMIAL

MOST_NEWTON = 12
MOST_PEAKS = 3  # that are refined
NEGLIGIBLE = 45.0  # e-folds below the density of a row under the model
BLOCK = 2**22  # numbers


def log_gradient_on(grid, log_fitted, heads, tails, multiplicity):
    """``log(D + W)`` on a grid: of ``D`` itself no float may be large enough.

    In ``x = arcsin sqrt theta`` the density of a row of ``n`` tosses falls at least as
    ``cos(x - x_i)^(2 n)`` from that of its own rate, so that each row is looked at near it only.

    Parameters
    ----------
    grid : ndarray of shape (n_grid,)
        Rising.
    log_fitted : ndarray of shape (n_rows,)
        ``log f(x_i)``, without the binomial coefficient.
    heads, tails, multiplicity : ndarray of shape (n_rows,)
        Of rows with at least one toss.

    Returns
    -------
    value : ndarray of shape (n_grid,)
    """
    table = BINOMIAL.tabulate(heads, tails, multiplicity)
    excess = np.maximum(BINOMIAL.highest(table) - log_fitted, 0.0)
    if np.isinf(excess).any():
        return np.full(len(grid), np.inf)
    tosses, x_grid = heads + tails, np.arcsin(np.sqrt(grid))
    x = np.arcsin(np.sqrt(heads / tosses))
    reach = np.arccos(np.exp(-(NEGLIGIBLE + excess) / (2 * tosses)))
    first = np.searchsorted(x_grid, x - reach)
    length = np.searchsorted(x_grid, x + reach, "right") - first
    value, scale = np.zeros(len(grid)), np.zeros(len(grid))  # whose sum of terms is value e^scale
    for rows in blocks(length, BLOCK):
        row, point = ragged(first[rows], length[rows])
        row += rows.start
        log_ratio = BINOMIAL.log_density_of_pairs(grid, point, table, row) - log_fitted[row]
        before = scale.copy()
        np.maximum.at(scale, point, log_ratio)
        of_rows = multiplicity[row] * np.exp(log_ratio - scale[point])
        value *= np.exp(before - scale)
        value += np.bincount(point, of_rows, minlength=len(grid))
    with np.errstate(divide="ignore"):
        return np.log(value) + scale


def blocks(length, size):
    """Slices of rows whose lengths add up to about a size."""
    total = np.cumsum(length)
    cuts = np.searchsorted(total, np.arange(size, total[-1], size))
    edges = np.unique(np.concatenate([[0], cuts, [len(total)]]))
    return [slice(*pair) for pair in pairwise(edges)]


def ragged(first, length):
    """For each of several runs, its number and its members, one after the other."""
    ends = np.cumsum(length)
    run = np.repeat(np.arange(len(first)), length)
    return run, np.arange(ends[-1]) - np.repeat(ends - length - first, length)


def supremum(grid, value, log_fitted, heads, tails, multiplicity):
    """Where ``D`` is largest, and ``log(D + W)`` there.

    Found on the grid, where ``value`` is ``log(D + W)``, and refined by Newton's iteration.
    """
    padded = np.pad(value, 1, constant_values=-np.inf)
    peaks = np.flatnonzero((value >= padded[:-2]) & (value > padded[2:]))
    peaks = peaks[np.argsort(-value[peaks], kind="stable")[:MOST_PEAKS]]
    if not len(peaks):  # infinite from end to end
        peaks = np.array([value.argmax()])
    log_share = np.log(multiplicity) - log_fitted
    table = BINOMIAL.tabulate(heads, tails, multiplicity)
    theta, height = refine(grid, peaks, table, log_share)
    on_grid = [_height(grid[peak], log_share, table) for peak in peaks]
    theta = np.append(theta, grid[peaks])
    height = np.append(height, on_grid)
    best = height.argmax()
    return theta[best], height[best]


def _height(theta, log_share, table):
    """``log(D + W)`` at a theta."""
    log_f = BINOMIAL.log_density(np.array([[theta]]), table)[0]
    with np.errstate(invalid="ignore"):
        return logsumexp(np.where(np.isneginf(log_f), -np.inf, log_f + log_share))


def most_gain(highest, n_rows):
    """``W log(1 + sup D / W)``, which no mixture can gain more than, from ``log(sup D + W)``."""
    return n_rows * np.maximum(highest - np.log(n_rows), 0.0)


def rounding_of(log_fitted, multiplicity):
    """What rounding may take from a log-likelihood or a bound on it."""
    return 4 * np.finfo(float).eps * (multiplicity @ (1 + np.abs(log_fitted)))


def refine(grid, peak, table, log_share):
    """Theta and ``log(D + W)`` of the local maxima between the neighbours of points of the grid.

    Newton's iteration in ``x = arcsin sqrt theta``, kept between bounds that close in on it. With
    ``p_i`` the share of row ``i`` in the sum and ``s_i`` the slope of its logarithm, the slope is
    ``sum_i p_i s_i`` and the curvature ``sum_i p_i (s_i^2 + s_i') - (sum_i p_i s_i)^2``.
    """
    edges = np.arcsin(np.sqrt(grid))
    low, high = edges[np.maximum(peak - 1, 0)], edges[np.minimum(peak + 1, len(grid) - 1)]
    x = np.clip(edges[peak], 0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high)
    for _ in range(MOST_NEWTON):
        height, slope, curvature = _derivatives(x[:, None], table, log_share)
        low, high = np.where(slope > 0, x, low), np.where(slope > 0, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = x - slope / curvature
        # A step too far leads nearly to the bound, where the maximum of what falls to 0 or 1 is.
        moved = np.clip(moved, 0.9 * low + 0.1 * x, 0.9 * high + 0.1 * x)
        last, x = x, np.where(curvature < 0, moved, (low + high) / 2)
        if np.all(np.abs(x - last) < 1e-9):  # the height is off by the square of that
            break
    return np.sin(last) ** 2, height


def _derivatives(x, table, log_share):
    """``log(D + W)`` at ``theta = sin^2 x``, its slope and its curvature."""
    sine, cosine, (heads, tails) = np.sin(x), np.cos(x), table[:2]
    terms = log_share + BINOMIAL.log_density(sine**2, table)
    height = log_sum_exp(terms, axis=1)
    with np.errstate(invalid="ignore"):  # infinite where the model excludes a row
        p = np.exp(terms - height)
    s = 2 * (heads * cosine / sine - tails * sine / cosine)
    bend = -2 * (heads / sine**2 + tails / cosine**2)
    slope = (p * s).sum(axis=1)
    return height[:, 0], slope, (p * (s**2 + bend)).sum(axis=1) - slope**2
