"""The binomial density of deep rows: those whose largest density is below ``exp(ROUGH)``.

What says how well a coin fits is the small difference of large terms. So ``log f`` of a deep row is
relative to that at its own rate ``r = h / (h + t)``, which is free of the coin,

    log f = h log(theta / r) + t log((1 - theta) / (1 - r)),

and the terms have twice the digits of a float until they have cancelled.
"""

from functools import lru_cache

import numpy as np

from skcoin._em.e_step import ROUGH
from skcoin._families import twofold
from skcoin._families.rates import log_at_own_rate

SHORT, LARGE = 24, 2.0**27  # binary digits of a part of a logarithm; unit of large counts
HUGE = 2.0**900  # tosses, or their ratio to heads, of which no float can be cut into parts


def depth_of(heads, tails):
    """The largest log-density of deep rows in two parts, zero of others, (2, *shape of heads)."""
    depth, all_ = np.zeros((2, *np.shape(heads))), heads + tails
    if np.max(all_, initial=0) * np.log(2) < -ROUGH:
        return depth
    deep = (log_at_own_rate(heads, tails) < ROUGH) & (all_ < HUGE)
    deep &= np.minimum(heads, tails) > all_ / HUGE
    if deep.any():
        heads, tails = heads[deep], tails[deep]
        tosses = twofold.add(heads, tails)
        logs = [twofold.log(*twofold.divide(x, *tosses)) for x in (heads, tails)]
        depth[:, deep] = twofold.weigh(heads, tails, *logs)
    return depth


def logs_of(theta):
    """Twofold logarithms of theta and of its complement, of which zero stands for that of 0."""
    return _logs_of_bytes(np.asarray(theta, dtype=float).tobytes(), np.shape(theta))


@lru_cache(maxsize=4)  # all blocks of rows ask for the same
def _logs_of_bytes(theta, shape):
    theta = np.frombuffer(theta).reshape(shape)
    other = 1 - theta
    both, low = np.stack([theta, other]), np.stack([0 * theta, (1 - other) - theta])
    high, low = twofold.log(np.where(both > 0, both, 1.0), low)
    return (high[0], low[0]), (high[1], low[1])


def near_ratio(c, table):
    """``log f`` of deep rows to the last digit as long as it is above ``ROUGH``, as of most.

    Logarithms and counts are cut into parts so short that all large products, and their sums by
    one product of matrices, are exact. What is left when the row's own rate has been taken off is
    small.
    """
    logs, low = (np.stack(part, axis=-1) for part in zip(*logs_of(c[..., 0]), strict=True))
    one = np.ldexp(1.0, np.frexp(np.abs(logs).max(axis=-1, keepdims=True))[1] - SHORT)
    first = one * np.rint(logs / one)
    second = one * 2.0**-SHORT * np.rint((logs - first) / (one * 2.0**-SHORT))
    rest = (logs - first - second) + low
    counts, depth = table[..., :2, :], [table[..., i, None, :] for i in (2, 3)]
    large = LARGE * np.rint(counts / LARGE)
    whole = np.floor(counts - large)
    part = counts - large - whole
    high, middle = twofold.halves(depth[0])
    log_f = first @ large - high
    log_f += second @ large
    log_f += first @ whole
    log_f -= middle
    log_f += rest @ large + (second + rest) @ whole + (logs @ part - depth[1])
    return _without_excluded(log_f, c, table[..., 0, None, :], table[..., 1, None, :])


def log_ratio(theta, logs, heads, tails, depth):
    """``log f``, relative to the row's own rate if it is deep, in two parts."""
    high, low = twofold.weigh(heads, tails, *logs)
    high, rounding = twofold.add(high, -depth[0])
    return _without_excluded(high, theta, heads, tails), low + rounding - depth[1]


def _without_excluded(log_f, theta, heads, tails):
    """Minus infinity where heads or tails are impossible."""
    if not (theta == np.rint(theta)).any():
        return log_f
    excluded = ((theta == 0) & (heads > 0)) | ((theta == 1) & (tails > 0))
    return np.where(excluded, -np.inf, log_f)
