"""Counts: the distinct (heads, tails) pairs of a data set and how many rows hold each.

The likelihood of a row depends on its heads and tails alone, so this table is all that a fit
needs: repeated rows, sample weights, chunks and their order are all the same thing, a sum.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

HIDDEN = -1  # the coin of a row whose coin is not known


@dataclass(frozen=True)
class Counts:
    """Distinct rows, sorted by (coin, heads, tails); rows of weight zero are left out.

    Attributes
    ----------
    heads, tails : ndarray of shape (n_distinct,), float64
    rows : ndarray of shape (n_distinct,), float64
        Total weight of the rows that hold this pair, greater than zero.
    coin : ndarray of shape (n_distinct,), int
        The coin that was tossed, ``HIDDEN`` where that is not known.
    """

    heads: np.ndarray
    tails: np.ndarray
    rows: np.ndarray
    coin: np.ndarray

    @property
    def tosses(self):
        return self.heads + self.tails

    def where(self, mask):
        """The rows of the table at which ``mask`` is true."""
        if mask.all():
            return self
        return Counts(self.heads[mask], self.tails[mask], self.rows[mask], self.coin[mask])


def count(chunks):
    """The counts of an iterable of ``(heads, tails, sample_weight or None, coins or None)``."""
    return merge([part for chunk in chunks for part in _count_chunk(*chunk)])


def with_columns(chunks, sample_weight, coins):
    """Put each row's weight and coin (or None) beside its heads and tails, chunk by chunk."""
    start = 0
    for heads, tails in chunks:
        rows = slice(start, start + len(heads))
        columns = (None if column is None else column[rows] for column in (sample_weight, coins))
        yield heads, tails, *columns
        start = rows.stop


def merge(parts):
    """One table from several: equal (coin, heads, tails) become one, their rows are summed."""
    if len(parts) == 1:
        return parts[0]
    heads, tails, rows, coin = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("heads", "tails", "rows", "coin")
    )
    order = np.lexsort((tails, heads, coin))
    heads, tails, rows, coin = heads[order], tails[order], rows[order], coin[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(heads) != 0) | (np.diff(tails) != 0) | (np.diff(coin) != 0)
    first = np.flatnonzero(is_new)
    rows = np.add.reduceat(rows, first) if len(first) else rows
    return Counts(heads[first], tails[first], rows, coin[first])


def encode(heads, tails):
    """Number the (heads, tails) pairs of a chunk without looking at them one by one.

    Parameters
    ----------
    heads, tails : ndarray of shape (n_rows,)

    Returns
    -------
    code : ndarray of shape (n_rows,), int
        Equal for equal pairs, at least 0 and below a small multiple of ``n_rows``.
    decode : callable
        Maps an array of codes to their heads and tails.
    """
    heads, tails = _as_integers(heads), _as_integers(tails)
    if heads.dtype.kind == "f" or tails.dtype.kind == "f":
        key = heads + 1j * tails

        def decode(key):
            return key.real, key.imag
    else:
        base = int(tails.max()) + 1
        key = heads * base + tails

        def decode(key):
            heads, tails = np.divmod(key, base)
            return heads.astype(float), tails.astype(float)

        if (int(heads.max()) + 1) * base <= max(4 * len(key), 4096):
            return key, decode
    pairs, code = np.unique(key, return_inverse=True)
    return code, lambda code: decode(pairs[code])


def map_rows(function, chunks, n_rows, shape=()):
    """``function(heads, tails)`` of every row, computed once per distinct pair of a chunk.

    Parameters
    ----------
    function : callable
        Maps heads and tails of shape (n,) to an array of shape (n, *shape).
    chunks : iterable of (heads, tails)
    n_rows : int
        Rows in all chunks together.

    Returns
    -------
    values : ndarray of shape (n_rows, *shape)
    """
    values = np.empty((n_rows, *shape))
    start = 0
    for heads, tails in chunks:
        code, decode = encode(heads, tails)
        seen = np.flatnonzero(np.bincount(code))
        table = np.zeros((seen[-1] + 1, *shape))
        table[seen] = function(*decode(seen))
        np.take(table, code, axis=0, out=values[start : start + len(code)], mode="clip")
        start += len(code)
    return values


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


def _stirling_remainder(z):
    """``mu(z)`` for ``z >= 1``: its asymptotic series, or what gammaln says where that is small."""
    w = 1 / np.square(z)
    series = 1 / 1188 - w * (691 / 360360 - w / 156)
    for term in (1 / 1680, 1 / 1260, 1 / 360, 1 / 12):
        series = term - w * series
    small = np.minimum(z, 10.0)
    exact = gammaln(small) - ((small - 0.5) * np.log(small) - small + 0.5 * np.log(2 * np.pi))
    return np.where(z < 10, exact, series / z)


def _count_chunk(heads, tails, sample_weight, coins):
    for coin in [HIDDEN] if coins is None else np.unique(coins):
        mine = slice(None) if coins is None else coins == coin
        code, decode = encode(heads[mine], tails[mine])
        rows = np.bincount(code, None if sample_weight is None else sample_weight[mine])
        seen = np.flatnonzero(rows > 0)
        yield Counts(*decode(seen), rows[seen].astype(float), np.full(len(seen), coin))


def _as_integers(counts):
    """Counts as int64 where that is exact and a product of two fits, else as float64."""
    high = counts.max()
    if high < 2**31 and counts.dtype.kind in "bui":
        return counts.astype(np.int64, copy=False)
    if high < 2**31:
        whole = counts.astype(np.int64)
        if np.array_equal(whole, counts):
            return whole
    return counts.astype(np.float64, copy=False)
