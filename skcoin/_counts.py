"""Counts: the distinct (heads, tails) pairs of a data set and how many rows hold each.

The likelihood of a row depends on its heads and tails alone, so this table is all that a fit
needs: repeated rows, sample weights, chunks and their order are all the same thing, a sum. Where a
row has tosses of several coins, heads and tails have an axis of these before that of the rows.
"""

from dataclasses import dataclass

import numpy as np

BLOCK = 1 << 14  # rows whose codes are still in the cache when tails are added
LEAST = 1e-250  # of a toss, that counts
MOST_CODES = 2**62
HIDDEN = -1  # the label of a row whose component is not known


@dataclass(frozen=True)
class Counts:
    """Distinct rows, sorted by (label, heads, tails); rows of weight zero are left out.

    Attributes
    ----------
    heads, tails : ndarray of shape (n_distinct,) or (n_coins, n_distinct), float64
    multiplicity : ndarray of shape (n_distinct,), float64
        Total weight of the rows that hold this pair, greater than zero.
    label : ndarray of shape (n_distinct,), int
        The component that was tossed, ``HIDDEN`` where that is not known.
    """

    heads: np.ndarray
    tails: np.ndarray
    multiplicity: np.ndarray
    label: np.ndarray

    @property
    def tosses(self):
        """Of each row, of all its coins together."""
        tosses = self.heads + self.tails
        return tosses if tosses.ndim == 1 else tosses.sum(axis=0)

    @property
    def n_rows(self):
        """Total weight of all rows."""
        return self.multiplicity.sum()

    @property
    def tossed(self):
        """The rows that hold a toss."""
        return self.keep(self.tosses > 0)

    def keep(self, mask):
        """The rows of the table at which ``mask`` is true."""
        if mask.all():
            return self
        heads, tails = self.heads[..., mask], self.tails[..., mask]
        return Counts(heads, tails, self.multiplicity[mask], self.label[mask])


def thinned(counts, most):
    """At most so many rows, which stand for all: those in the middle of equal shares of weight."""
    if len(counts.multiplicity) <= most:
        return counts
    upper = np.cumsum(counts.multiplicity)
    places = (np.arange(most) + 0.5) / most * upper[-1]
    rows, times = np.unique(np.searchsorted(upper, places, side="right"), return_counts=True)
    heads, tails, label = counts.heads[..., rows], counts.tails[..., rows], counts.label[rows]
    return Counts(heads, tails, times * upper[-1] / most, label)


def count(chunks):
    """The counts of an iterable of ``(heads, tails, sample_weight or None, labels or None)``."""
    return merge([part for chunk in chunks for part in _count_chunk(*chunk)])


def with_columns(chunks, sample_weight, labels):
    """Put each row's weight and label (or None) beside its heads and tails, chunk by chunk."""
    start = 0
    for heads, tails in chunks:
        rows = slice(start, start + heads.shape[-1])
        columns = (None if column is None else column[rows] for column in (sample_weight, labels))
        yield heads, tails, *columns
        start = rows.stop


def merge(parts):
    """One table from several: equal (label, heads, tails) become one, their rows are summed."""
    if len(parts) == 1:
        return parts[0]
    heads, tails, multiplicity, label = (
        np.concatenate([getattr(part, name) for part in parts], axis=-1)
        for name in ("heads", "tails", "multiplicity", "label")
    )
    keys = (heads, tails) if heads.ndim == 1 else encode_sets(heads, tails)[:1]
    order = np.lexsort((*keys[::-1], label))
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = np.any([np.diff(key[order]) != 0 for key in (*keys, label)], axis=0)
    first = np.flatnonzero(is_new)
    multiplicity = multiplicity[order]
    multiplicity = np.add.reduceat(multiplicity, first) if len(first) else multiplicity
    kept = order[first]
    return Counts(heads[..., kept], tails[..., kept], multiplicity, label[kept])


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
    most_heads, most_tails = heads.max(), tails.max()
    heads, tails = _as_integers(heads, most_heads), _as_integers(tails, most_tails)
    if heads.dtype.kind == "f" or tails.dtype.kind == "f":
        key = without_traces(heads) + 1j * without_traces(tails)

        def decode(key):
            return key.real, key.imag
    else:
        base = int(most_tails) + 1
        key = np.empty(len(heads), dtype=np.int64)
        for start in range(0, len(key), BLOCK):
            rows = slice(start, start + BLOCK)
            np.multiply(heads[rows], base, out=key[rows])
            key[rows] += tails[rows]

        def decode(key):
            heads, tails = np.divmod(key, base)
            return heads.astype(float), tails.astype(float)

        if (int(most_heads) + 1) * base <= max(4 * len(key), 4096):
            return key, decode
    pairs, code = np.unique(key, return_inverse=True)
    return code, lambda code: decode(pairs[code])


def encode_sets(heads, tails):
    """The same of rows with tosses of several coins: one number a row, in mixed radix.

    Each coin's pairs are numbered in their order, and coins put one after another, so that codes
    are sorted as rows are. Where they would outgrow an integer, those so far are numbered anew.

    Parameters
    ----------
    heads, tails : ndarray of shape (n_coins, n_rows)

    Returns
    -------
    code, decode
        As from ``encode``.
    """
    n_rows, n_codes = heads.shape[1], 1
    code = np.zeros(n_rows, dtype=np.int64)
    for pair in zip(heads, tails, strict=True):
        own, n_own = _numbered(*pair)
        if n_codes * n_own > MOST_CODES:
            code, n_codes = _anew(code)
        code *= n_own
        code += own
        n_codes *= n_own
    if n_codes > max(4 * n_rows, 4096):
        code, n_codes = _anew(code)
    row = np.empty(n_codes, dtype=np.intp)
    row[code] = np.arange(n_rows)

    def decode(code):
        return heads[:, row[code]].astype(float), tails[:, row[code]].astype(float)

    return code, decode


def _numbered(heads, tails):
    """The pairs of one coin by their rank, and how many there are."""
    if heads.dtype == bool:  # single tosses: none, tails, heads
        if np.all(heads | tails):
            return heads, 2
        return 2 * heads.view(np.int8) + tails, 3
    code, _ = encode(heads, tails)
    if code.max(initial=0) > max(4 * len(code), 4096):
        return _anew(code)
    seen = np.bincount(code) > 0
    return (np.cumsum(seen) - 1)[code], int(seen.sum())


def _anew(code):
    distinct, code = np.unique(code, return_inverse=True)
    return code.astype(np.int64, copy=False), max(len(distinct), 1)


def without_traces(counts):
    """Zero in place of less than ``LEAST`` of a toss: rates of it would be beyond floats."""
    return np.where(counts < LEAST, 0.0, counts)


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
        code, decode = encode(heads, tails) if heads.ndim == 1 else encode_sets(heads, tails)
        seen = np.flatnonzero(np.bincount(code))
        table = np.zeros((seen[-1] + 1, *shape))
        table[seen] = function(*decode(seen))
        np.take(table, code, axis=0, out=values[start : start + len(code)], mode="clip")
        start += len(code)
    return values


def _count_chunk(heads, tails, sample_weight, labels):
    for label in [HIDDEN] if labels is None else np.unique(labels):
        mine = slice(None) if labels is None else labels == label
        encoded = encode if heads.ndim == 1 else encode_sets
        code, decode = encoded(heads[..., mine], tails[..., mine])
        multiplicity = np.bincount(code, None if sample_weight is None else sample_weight[mine])
        seen = np.flatnonzero(multiplicity > 0)
        label = np.full(len(seen), label)
        yield Counts(*decode(seen), multiplicity[seen].astype(float), label)


def _as_integers(counts, high):
    """Counts as int64 where that is exact and a product of two fits, else as float64."""
    if high < 2**31 and counts.dtype.kind in "bui":
        return counts.astype(np.int64, copy=False)
    if high < 2**31:
        whole = counts.astype(np.int64)
        if np.array_equal(whole, counts):
            return whole
    return counts.astype(np.float64, copy=False)
