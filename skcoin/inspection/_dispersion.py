"""How much rows vary around the coins, as a ratio to what the model has: 1 if it is true.

With ``m_k(n)`` and ``V_k(n)`` mean and variance of the heads of ``n`` tosses of coin ``k``, and
``r_ik`` the posterior, the mean over the rows of

    ``S_i = sum_k r_ik (h_i - m_k)^2 / V_k``

estimates 1. Around the mean of the mixture the coins would take up whatever variance there is; what
is left around them is what Tarone's score for extra variance within the coins is made of.
"""

import numpy as np

from skcoin._counts import HIDDEN
from skcoin.inspection._predictive import moments

LEAST = 1e-100  # variance; over less, squares of squares would be beyond floats


def squares_around_coins(mixture, counts):
    """``S_i`` of each row, and the part of its posterior that is of coins that vary at all."""
    mean, variance = moments(mixture, counts.tosses)
    posterior = mixture.posterior(counts.heads, counts.tails)
    known = np.flatnonzero(counts.label != HIDDEN)
    posterior[known] = counts.label[known, None] == np.arange(len(mean))
    varies = variance > LEAST
    share = np.where(varies.T, posterior, 0.0)
    square = (counts.heads - mean) ** 2 / np.where(varies, variance, 1)
    return (share * square.T).sum(axis=1), share.sum(axis=1)


def dispersion_ratio_of(mixture, counts):
    """The ratio over all rows, and its standard error, which a row of weight two is two rows for.

    The error is that of the mean of ``S_i``: that coins were fitted makes the true one smaller.
    Both are NaN where no coin varies.
    """
    square, share = squares_around_coins(mixture, counts)
    m = counts.multiplicity
    [ratio] = ratios(m * square, m * share, np.zeros(len(m), dtype=int), 1)
    error = np.sqrt(m @ (square - ratio * share) ** 2) / (m @ share or np.nan)
    return ratio, error


def ratios(above, below, group, n_groups):
    """Sums of one over sums of the other, by group; NaN where there is nothing."""
    above, below = (np.bincount(group, values, minlength=n_groups) for values in (above, below))
    return np.divide(above, below, out=np.full(n_groups, np.nan), where=below > 0)
