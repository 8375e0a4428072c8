"""Special functions, to the last digit."""

import numpy as np
from scipy.special import gammaln


def log_binomial_coefficient(heads, tails):
    """Natural log of ``binom(heads + tails, heads)``, for fractional counts too.

    A difference of log-gammas, or ``betaln``, loses a digit for each of theirs: a trillion tosses
    would leave two behind the point. With Stirling's formula,
    ``log Gamma(z) = (z - 1/2) log z - z + log(2 pi) / 2 + mu(z)``, the large terms cancel on
    paper; ``few`` and ``many`` are the smaller and the larger of the counts plus one.
    """
    fewer = np.minimum(heads, tails)
    few, many, all_ = fewer + 1, np.maximum(heads, tails) + 1, heads + tails + 1
    remainder = _stirling_remainder(np.stack([all_, many, few]))
    return (
        (many - 0.5) * np.log1p(fewer / many)
        + fewer * np.log(all_ / few)
        - 0.5 * np.log(few)
        + (1 - 0.5 * np.log(2 * np.pi))
        + (remainder[0] - remainder[1] - remainder[2])
    )


def log_peak(heads, tails):
    """Natural log of the probability of a row at its own rate, for many heads and tails.

    Of ``log binom + h log(h / n) + t log(t / n)`` only ``log(n / (2 pi h t)) / 2`` and Stirling's
    remainders are left.
    """
    tosses = heads + tails
    remainder = _stirling_remainder(np.stack([tosses, heads, tails]))
    return 0.5 * (np.log(tosses / heads / tails) - np.log(2 * np.pi)) + (
        remainder[0] - remainder[1] - remainder[2]
    )


def _stirling_remainder(z):
    """``mu(z)`` for ``z > 0``: its asymptotic series, or what gammaln says where that is small."""
    w = 1 / np.square(z, dtype=float)  # of integers it would overflow
    series = 1 / 1188 - w * (691 / 360360 - w / 156)
    for term in (1 / 1680, 1 / 1260, 1 / 360, 1 / 12):
        series = term - w * series
    small = np.minimum(z, 10.0)
    exact = gammaln(small) - ((small - 0.5) * np.log(small) - small + 0.5 * np.log(2 * np.pi))
    return np.where(z < 10, exact, series / z)
