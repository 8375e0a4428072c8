"""Rows far from each other, of sets of coins: where components may start."""

import numpy as np
from scipy.special import rel_entr

PRIOR = 1.0  # tosses of the mean, by which a rate is off its ends


def spread_rates(heads, tails, multiplicity, n_components, rng=None):
    """Rates of rows, the first that of all rows together and each further one far from all before.

    How far a row is from a set of thetas is told by its deviance, the divergence that belongs to
    tosses as the squared distance does to points.

    Parameters
    ----------
    heads, tails : ndarray of shape (n_coins, n_rows)
    multiplicity : ndarray of shape (n_rows,)
    n_components : int
    rng : RandomState, default=None
        To draw rows in proportion to their distance and multiplicity, the first by multiplicity
        alone; without it, that is taken where their product is largest.

    Returns
    -------
    theta : ndarray of shape (n_components, n_coins)
    """
    tosses = heads + tails
    mean = (heads @ multiplicity + 0.5) / (tosses @ multiplicity + 1)
    rates = (heads + PRIOR * mean[:, None]) / (tosses + PRIOR)
    share = multiplicity / multiplicity.sum()
    row = None if rng is None else rng.choice(len(share), p=share)
    theta = [mean if row is None else rates[:, row]]
    distance = _distance(heads, tosses, theta[0])
    while len(theta) < n_components:
        weight = share * distance
        if not weight.any():
            theta.append(theta[0])
            continue
        row = weight.argmax() if rng is None else rng.choice(len(share), p=weight / weight.sum())
        theta.append(rates[:, row])
        distance = np.minimum(distance, _distance(heads, tosses, theta[-1]))
    return np.array(theta)


def _distance(heads, tosses, theta):
    """Half the deviance of each row from thetas."""
    expected = tosses * theta[:, None]
    both = rel_entr(heads, expected) + rel_entr(tosses - heads, tosses - expected)
    return np.maximum(both.sum(axis=0), 0.0)
