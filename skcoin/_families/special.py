"""Special functions, to the last digit."""

import numpy as np
from scipy.special import betainc, gammaln, ndtr, xlog1py, xlogy

NEGLIGIBLE = 1e-300  # dispersion, which makes no difference to as many tosses as there may be
NEAR = 0.25  # (x - M) / (x + M)


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


def up_to(theta, heads, tosses):
    """How probable a binomial is to show no more heads than these, at least -1."""
    tails = np.maximum(tosses - heads, 0)
    below = betainc(np.maximum(tails, 1), heads + 1.0, 1 - theta)
    if np.isnan(below).any():  # of too many tosses for it, which are as good as normal
        width = np.sqrt(np.maximum(tosses * theta * (1 - theta), np.finfo(float).tiny))
        below = np.where(np.isnan(below), ndtr((heads + 0.5 - tosses * theta) / width), below)
    return np.where(tails == 0, 1.0, np.where(heads < 0, 0.0, below))


def log_beta_binomial(theta, rho, heads, tails):
    """Natural log of the beta-binomial probability of heads and tails, of either any number.

    With ``s = (1 - rho) / rho``, ``a = theta s`` and ``b = (1 - theta) s`` it is that of two
    negative binomials over a third,

        NB(h; a, q) NB(t; b, q) / NB(n; s, q),   q = s / (s + n),

    each in Loader's form [1]_ of deviances and Stirling's remainders ``mu``: what is added has one
    sign, or is small, so that all digits stay at every depth and dispersion,

        log NB(x; a, q) = -D(a, (a + x) q) - D(x, (a + x) (1 - q)) + mu(a + x) - mu(a) - mu(x)
                          + log(a / (2 pi x (a + x))) / 2,        D(x, M) = x log(x / M) + M - x.

    In the third both deviances are zero.

    References
    ----------
    .. [1] Loader, C. (2000). Fast and accurate computation of binomial probabilities.
    """
    theta, rho = np.asarray(theta, dtype=float), np.asarray(rho, dtype=float)
    tosses = heads + tails
    disperses = (rho > NEGLIGIBLE) & (rho < 1)
    s = np.divide(1 - rho, rho, out=np.ones(rho.shape), where=disperses)
    off = np.divide(tosses * theta - heads, 1 + tosses / s)
    log_f = _log_negative_binomial(heads, theta * s, off, tosses / s)
    log_f += _log_negative_binomial(tails, (1 - theta) * s, -off, tosses / s)
    log_f -= _log_negative_binomial(tosses, s, None, tosses / s)
    if np.any(rho <= NEGLIGIBLE):
        log_f = np.where(rho <= NEGLIGIBLE, _log_binomial(theta, heads, tails), log_f)
    is_all = (heads == 0) | (tails == 0)
    of_all = np.where(tosses > 0, xlogy(heads > 0, theta) + xlog1py(tails > 0, -theta), 0.0)
    log_f = np.where((rho == 1) | (tosses == 1), np.where(is_all, of_all, -np.inf), log_f)
    at_end = (theta == 0) | (theta == 1)
    return np.where(at_end, np.where(np.where(theta == 0, heads, tails) > 0, -np.inf, 0.0), log_f)


def _log_negative_binomial(x, a, off, ratio):
    """``log NB(x; a, q)``, with ``off = a - (a + x) q``, None if zero, and ``ratio = n / s``."""
    with np.errstate(divide="ignore", invalid="ignore"):  # of a = 0, NaN
        some = np.maximum(x, 1.0)
        all_ = a + some
        log_f = _stirling_remainder(all_) - _stirling_remainder(np.maximum(a, NEGLIGIBLE))
        log_f -= _stirling_remainder(some)
        log_f += 0.5 * np.log(a / all_ / (2 * np.pi * some))
        if off is not None:
            means = all_ / (1 + ratio), all_ * (ratio / (1 + ratio))
            log_f -= _deviance(a, means[0], off) + _deviance(some, means[1], -off)
        return np.where(x > 0, log_f, -a * np.log1p(ratio))


def _log_binomial(theta, heads, tails):
    """``log binom(n, h) + h log theta + t log(1 - theta)``, by deviances, too."""
    with np.errstate(divide="ignore", invalid="ignore"):
        tosses, off = heads + tails, (heads + tails) * theta - heads
        log_f = log_peak(np.maximum(heads, 1.0), np.maximum(tails, 1.0))
        log_f = log_f - _deviance(heads, tosses * theta, -off)
        log_f -= _deviance(tails, tosses * (1 - theta), off)
    log_f = np.where(tails == 0, xlogy(tosses, theta), log_f)
    return np.where(heads == 0, xlog1py(tosses, -theta), log_f)


def _deviance(x, mean, d):
    """``x log(x / M) + M - x`` of a mean ``M = x - d``, as a series where these are near."""
    v = d / (x + mean)
    w, series = v * v, 0.0
    for j in range(29, 1, -2):
        series = (1 / j + series) * w
    return np.where(np.abs(v) < NEAR, d * v + 2 * x * v * series, x * np.log(x / mean) - d)


def _stirling_remainder(z):
    """``mu(z)`` for ``z > 0``: its asymptotic series, or what gammaln says where that is small."""
    w = 1 / np.square(z, dtype=float)  # of integers it would overflow
    series = 1 / 1188 - w * (691 / 360360 - w / 156)
    for term in (1 / 1680, 1 / 1260, 1 / 360, 1 / 12):
        series = term - w * series
    remainder, small = series / z, np.less(z, 10)
    if np.any(small):
        few = np.where(small, z, 1.0) if np.ndim(z) == 0 else z[small]
        exact = gammaln(few) - ((few - 0.5) * np.log(few) - few + 0.5 * np.log(2 * np.pi))
        remainder = np.where(small, exact, remainder) if np.ndim(z) == 0 else remainder
        if np.ndim(z):
            remainder[small] = exact
    return remainder
