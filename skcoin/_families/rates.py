"""Rows by their rate of heads: bins of like rates, and a grid of thetas that is fine enough."""

import numpy as np
from scipy.special import xlogy

MOST_POINTS = 2**14
FINEST, COARSER = 0.1, 1.25  # standard deviations within a group, and by what factor more


def by_falling_rate(heads, tails):
    """Places of rows with at least one toss, by falling rate and rising number of tosses."""
    tosses = heads + tails
    return np.lexsort((tosses, -heads / tosses))


def bins(heads, tails, multiplicity, n_bins=64):
    """Rows, heads and tails of at most ``n_bins`` groups of rows of falling rate.

    Half of the cuts are even in rows and half in ``arcsin sqrt rate``, so that neither a crowd of
    like rates nor a few rows far off are lumped together.

    Parameters
    ----------
    heads, tails, multiplicity : ndarray of shape (n_rows,)
        Of rows with at least one toss.

    Returns
    -------
    bins : ndarray of shape (3, n_bins or fewer)
    """
    order = by_falling_rate(heads, tails)
    n, heads, tails = multiplicity[order], heads[order], tails[order]
    columns = np.stack([n, n * heads, n * tails])
    if len(order) <= n_bins:
        return columns
    place = (np.cumsum(n) - n / 2) / n.sum()
    x = np.arccos(np.sqrt(heads / (heads + tails)))
    place += (x - x[0]) / (x[-1] - x[0]) if x[-1] > x[0] else 0
    number = (place * n_bins / 2).astype(int)
    return np.add.reduceat(columns, np.flatnonzero(np.diff(number, prepend=-1)), axis=1)


def pairs_of_rows(heads, tails, multiplicity, most=256, least=1024):
    """Multiplicity, heads and tails of few rows that tell much the same as many.

    Rows of a group have tosses between two powers of two and rates within a tenth of a standard
    deviation of such tosses, or within more if there were too many groups. Each group becomes two
    rows of its mean tosses, at its mean rate plus and minus the standard deviation of its rates,
    since a narrower spread would hide that a component is worth splitting.

    Parameters
    ----------
    heads, tails, multiplicity : ndarray of shape (n_rows,)
        Of rows with at least one toss.
    most : int
        Groups at most, and as they are no more than twice as many rows.

    Returns
    -------
    rows : ndarray of shape (3, n_few)
    """
    if len(heads) <= least:
        return np.stack([multiplicity, heads, tails])
    tosses = heads + tails
    octave = np.floor(np.log2(tosses))
    x = np.arcsin(np.sqrt(heads / tosses)) * 2 ** (octave / 2 + 1)
    width, n_groups = FINEST, most + 1
    while n_groups > most:
        place = np.floor(x / width)
        _, group = np.unique(place + octave * (place.max() + 1), return_inverse=True)
        n_groups, width = group.max() + 1, COARSER * width
    n = np.bincount(group, multiplicity)
    of_group = np.bincount(group, multiplicity * tosses)
    rate = np.bincount(group, multiplicity * heads) / of_group
    off = heads / tosses - rate[group]
    spread = np.sqrt(np.bincount(group, multiplicity * tosses * off**2) / of_group)
    spread = np.minimum(spread, np.minimum(rate, 1 - rate))
    rate, n = np.concatenate([rate - spread, rate + spread]), np.tile(n / 2, 2)
    tosses = np.tile(of_group, 2) / 2 / n
    return np.stack([n, tosses * rate, tosses * (1 - rate)])


def grid_for(heads, tails, per_width):
    """Thetas from 0 to 1, dense enough for the row with the most tosses.

    Even in ``arcsin sqrt theta``, in which the likelihood of ``n`` tosses is ``1 / (2 sqrt n)``
    wide everywhere: ``per_width`` points to each such width. Where that would take too many, rates
    of the rows are points as well, since only near them can something so narrow stand.
    """
    n_points = per_width * np.pi * np.sqrt(np.max(heads + tails, initial=1)) + 2
    n_even = int(np.clip(n_points, 8 * per_width, MOST_POINTS))
    grid = np.sin(np.linspace(0, np.pi / 2, n_even)) ** 2
    if n_points <= MOST_POINTS:
        return grid
    rates = np.unique(heads / (heads + tails))
    return np.union1d(grid, rates[:: -(-len(rates) // MOST_POINTS)])


def log_at_own_rate(heads, tails):
    """``h log(h / n) + t log(t / n)``, the largest log-density of each row, at its own rate."""
    tosses = np.maximum(heads + tails, np.finfo(float).tiny)
    return xlogy(heads, heads / tosses) + xlogy(tails, tails / tosses)
