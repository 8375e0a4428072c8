"""The distribution of the heads of a row that a mixture foretells, whatever its family.

Tosses of a row are exchangeable. Two of a component have a covariance ``c``, so that ``n`` tosses
have the mean ``n p`` and the variance ``n p q + n (n - 1) c``, with ``p = f(one head)``,
``q = f(one tail)`` and ``c = f(two heads) - p^2 = f(two tails) - q^2``.
"""

from dataclasses import replace

import numpy as np

from skcoin._counts import HIDDEN, count
from skcoin._validation import MOST, refuse_if_not_whole

TERMS = 2**18  # probabilities that are computed in one array
MOST_TERMS = 2**22  # of one number of tosses; rows of more are deep
ROUNDING = 1e-12  # of the ratio of two probabilities
DEVIATIONS, FEW = 10, 20  # standard ones and heads, around a mean, that hold all of a binomial
NOTHING = -40.0  # log-probability, beside one


def refuse_fractions(*counts):
    """Refuse heads and tails that are no whole numbers, up to rounding."""
    for values in counts:
        refuse_if_not_whole(values, "X holds a count of {}", "Only those have a distribution.")


def as_whole(counts):
    """The table with heads, tails and rows in whole numbers; what is off by more is refused.

    It is then a table of what was seen, cell by cell, as those that are simulated.
    """
    refuse_fractions(counts.heads, counts.tails)
    refuse_if_not_whole(
        counts.multiplicity,
        "By sample_weight, rows of the same heads and tails have the weight {}, and so many are "
        "counted",
        "Scale the weights to the number of rows that they stand for.",
    )
    columns = map(np.rint, (counts.heads, counts.tails, counts.multiplicity))
    return count([(*columns, counts.label)])


def moments(mixture, tosses):
    """Mean and variance of the heads of a row, by component.

    Parameters
    ----------
    tosses : ndarray of shape (n_rows,)

    Returns
    -------
    mean, variance : ndarray of shape (n_components, n_rows)
    """
    heads, tails = np.array([1.0, 0, 2, 0]), np.array([0.0, 1, 0, 2])
    family = mixture.family
    log_f = family.log_density(mixture.parameters.components, family.tabulate(heads, tails, 1.0))
    p, q, two_heads, two_tails = np.exp(log_f + family.log_base(heads, tails)).T[..., None]
    rare, twice = np.minimum(p, q), np.where(p < q, two_heads, two_tails)
    c = twice - rare**2
    c[np.abs(c) <= ROUNDING * rare**2] = 0
    return tosses * p, tosses * (p * q + (tosses - 1) * c)


def log_probability(mixture, counts):
    """Log-probability of the heads of each row, given its tosses, in whatever order they came.

    Where the coin is known, of coin and heads together.
    """
    log_p = _log_likelihood(mixture, counts.heads, counts.tosses)
    for k in np.unique(counts.label[counts.label != HIDDEN]):
        mine = counts.label == k
        log_f = _log_density(mixture, k, counts.heads[mine], counts.tosses[mine])
        log_p[mine] = np.log(mixture.weights[k]) + log_f
    return log_p


def expected_heads(mixture, n_tosses):
    """The probability of 0, ..., ``n_tosses`` heads."""
    heads = np.arange(n_tosses + 1.0)
    return np.exp(_log_likelihood(mixture, heads, np.full(len(heads), float(n_tosses))))


def spread_over(edges, mixture, counts):
    """How many rows lie between quantiles, each spread evenly from ``P(H < h)`` to ``P(H <= h)``.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Rising from 0 to 1.
    """
    below, at, _ = np.exp(log_tails(mixture, counts.heads, counts.tails))
    with np.errstate(over="ignore"):
        inside = (edges[1:-1, None] - below) / np.maximum(at, np.finfo(float).tiny)
    up_to = np.clip(inside, 0, 1) @ counts.multiplicity
    return np.diff([0, *up_to, counts.n_rows])


def log_tails(mixture, heads, tails):
    """``log P(H < h)``, ``log P(H = h)`` and ``log P(H > h)`` of each row, (3, n_rows).

    ``H`` are the heads of a row of as many tosses. Either tail is summed from its own end, so that
    its digits are relative to itself, however small it is.

    Parameters
    ----------
    heads, tails : ndarray of shape (n_rows,)
        Whole, or nearly so.
    """
    heads, tosses = np.rint(heads), np.rint(heads) + np.rint(tails)
    depths, place = np.unique(tosses, return_inverse=True)
    rows = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    result = np.full((3, len(heads)), -np.inf)
    result[1] = _log_likelihood(mixture, heads, tosses)
    lowest, highest = np.full(len(depths), np.inf), np.zeros(len(depths))
    for k in np.flatnonzero(mixture.weights > 0):
        low, high, *inner = _window(mixture, k, depths)
        lowest, highest = np.minimum(lowest, inner[0]), np.maximum(highest, inner[1])
        for i, log_sums in _sums_of(mixture, k, depths, low, high, [heads[row] for row in rows]):
            log_sums += np.log(mixture.weights[k])
            result[::2, rows[i]] = np.logaddexp(result[::2, rows[i]], log_sums)
    for i in np.flatnonzero(heads < lowest[place]):
        result[0, i] = _sum_beyond(mixture, heads[i], tosses[i], -1)
    for i in np.flatnonzero(heads > highest[place]):
        result[2, i] = _sum_beyond(mixture, heads[i], tosses[i], 1)
    return result


def _window(mixture, k, depths):
    """The fewest and the most heads that a component has to be asked for, by number of tosses.

    Those around the mean, if there is next to nothing at their ends and at the ends of all: beyond
    them a density falls, if it does not rise towards an end.

    Returns
    -------
    low, high, inner_low, inner_high : ndarray of shape (n_depths,)
        Sums from the inner ones on to the outer ones miss nothing.
    """
    mean, variance = (moment[k] for moment in moments(mixture, depths))
    low, high = mixture.family.reach(mixture.parameters.components[[k]], depths)
    far = DEVIATIONS * np.sqrt(variance) + FEW
    ends, inner = [], []
    for end, near, half in (
        (low, np.floor(mean - far), np.floor(mean - far / 2)),
        (high, np.ceil(mean + far), np.ceil(mean + far / 2)),
    ):
        near = np.clip(near, low, high)
        most = np.maximum(*(_log_density(mixture, k, h, depths) for h in (near, end)))
        is_near = (most < NOTHING) & (near != end)
        ends.append(np.where(is_near, near, end))
        inner.append(np.where(is_near, half, end))
    return *ends, *inner


def _sums_of(mixture, k, depths, low, high, heads):
    """For each number of tosses its place, and what one component has below its heads and above.

    Deep rows are read off the distribution function, whose digits are relative to one.
    """
    size = (high - low + 1).astype(int)
    is_deep = (size > MOST_TERMS) | (depths > MOST / 2)  # where floats may skip heads
    for i in np.flatnonzero(is_deep):
        c, n = mixture.parameters.components[k], depths[[i]]
        below, up_to = (mixture.family.up_to(c, h[None], n)[0] for h in (heads[i] - 1, heads[i]))
        with np.errstate(divide="ignore"):
            yield i, np.log(np.clip([below, 1 - up_to], 0, 1))
    others = np.flatnonzero(~is_deep)
    for some in np.split(others, _ends_of_batches(size[others])):
        at = [np.arange(low[i], high[i] + 1) for i in some]
        if at:
            log_f = _log_density(mixture, k, np.concatenate(at), depths[some].repeat(size[some]))
            log_f = np.split(log_f, np.cumsum(size[some])[:-1])
            for i, *terms in zip(some, at, log_f, strict=True):
                yield i, _sums_beside(*terms, heads[i])


def _ends_of_batches(size):
    """Where to part what has such sizes, so that parts have about ``TERMS`` together."""
    return np.flatnonzero(np.diff(np.cumsum(size) // TERMS)) + 1


def _sums_beside(at, log_f, heads):
    """The log of the sums of ``exp(log_f)`` over all places below each number of heads, and above.

    Parameters
    ----------
    at, log_f : ndarray of shape (n_places,)
        Places, rising, and the logarithm of what is there.
    heads : ndarray of shape (n,)

    Returns
    -------
    sums : ndarray of shape (2, n)
    """
    nothing = [-np.inf]
    below = np.concatenate([nothing, np.logaddexp.accumulate(log_f)])
    above = np.concatenate([np.logaddexp.accumulate(log_f[::-1])[::-1], nothing])
    below, above = (
        below[np.searchsorted(at, heads, "left")],
        above[np.searchsorted(at, heads, "right")],
    )
    return np.stack([below, above])


def _sum_beyond(mixture, heads, tosses, step):
    """The log of the sum of what is beyond, of heads that are outside of all inner ends.

    There it falls by ``exp(-DEVIATIONS / 2)`` and more in a standard deviation, ever faster. Of
    deep rows the sum is that of a geometric series, a little more than it is.
    """
    _, variance = moments(mixture, np.array([tosses]))
    n_terms = np.ceil(DEVIATIONS * np.sqrt(variance.max())) + 2 * FEW
    is_deep = n_terms > MOST_TERMS
    n_terms = min(2 if is_deep else n_terms, heads if step < 0 else tosses - heads)
    terms = heads + step * np.arange(1, n_terms + 1)
    log_p = _log_likelihood(mixture, terms, np.full(len(terms), tosses))
    if is_deep and n_terms == 2:
        return log_p[0] - np.log(-np.expm1(log_p[1] - log_p[0]))
    return np.logaddexp.reduce(log_p, initial=-np.inf)


def _log_likelihood(mixture, heads, tosses):
    """Of the mixture, in whatever order the tosses came."""
    tails = np.maximum(tosses - heads, 0)  # of a sum of more than 2**53, rounding
    return replace(mixture, in_order=False).log_likelihood(heads, tails)


def _log_density(mixture, k, heads, tosses):
    """The log-probability of one component."""
    family, tails = mixture.family, np.maximum(tosses - heads, 0)
    log_f = family.log_density(
        mixture.parameters.components[[k]], family.tabulate(heads, tails, 1.0)
    )
    return log_f[0] + family.log_base(heads, tails)
