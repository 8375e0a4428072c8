"""X in its layout: the one place that knows which column holds what.

It works in chunks, so that checking ten million rows takes no more memory than checking one chunk.
"""

from fractions import Fraction

import numpy as np
from sklearn.utils.validation import validate_data

from skcoin._guesses import explain, numbers_of, one_column, refuse_guess
from skcoin._validation import MOST, exact_floats
from skcoin._warnings import warn_user

CELLS, LEAST_CHUNK = 1 << 22, 1 << 10  # of sets of coins, and rows at least
CHUNK = 1 << 17  # rows; a chunk and its codes stay in a processor's second-level cache


def check_layout(estimator, X, y=None, *, reset):
    """X as a numeric 2-D array with the columns that the estimator's layout asks for.

    The cells themselves are read, and refused, by ``iter_tosses``. To ``reset`` is to remember the
    layout and the names of the columns.
    """
    original = X
    if reset:
        estimator._layout = estimator.layout
    layout = estimator._layout
    X = _as_numbers(estimator, X, y, reset=reset)
    n_columns = X.shape[1]
    if layout == "tosses":
        return X
    if X.dtype == np.float64 and X.max() == MOST:  # it may have been one more
        exact_floats(np.asarray(original, dtype=object), "X")
    if n_columns == 1:
        raise ValueError(one_column(y, layout))
    if n_columns > 2 and layout == "heads_tosses":
        raise ValueError(
            f'layout="heads_tosses" needs exactly two columns, heads and tosses, but X has '
            f"{n_columns}. Select the two, e.g. X[:, [0, 1]]."
            + " Two rows of heads and tosses become columns by X.T."
            * (len(X) == 2)
        )
    if n_columns > 2 and reset:
        warn_user(
            f'layout="heads_tails": X has {n_columns} columns; column 0 is taken as heads and the '
            f"sum of columns 1 to {n_columns - 1} as tails. For heads and tosses in two columns "
            'use layout="heads_tosses", for single tosses in cells layout="tosses".'
            + " Two rows that are heads and tails become columns by X.T."
            * (len(X) == 2),
            UserWarning,
        )
    return X


def check_sets(estimator, X, y=None, *, reset):
    """X as a numeric 2-D array with two columns for each coin, or one of single tosses.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
    """
    if reset:
        estimator._layout = estimator.layout
    layout = estimator._layout
    X = _as_numbers(estimator, X, y, reset=reset)
    if layout != "tosses" and X.shape[1] % 2:
        second = "tails" if layout == "heads_tails" else "all tosses"
        raise ValueError(
            f"X has {X.shape[1]} columns, but layout={layout!r} needs two for each coin, heads and "
            f"{second}, one pair after another. If every column is one coin, every cell one toss "
            '(1 heads, 0 tails, NaN not tossed), use layout="tosses".'
        )
    return X


def refuse_sets(model, name, why, instead):
    """Refuse a model with several coins in each row: ``why``, and what to do ``instead``."""
    if model._family.n_axes == 2:
        raise TypeError(
            f"{name} is a {type(model).__name__}, with several coins in each row, but {why}. "
            f"{instead}"
        )


def coin_names(model):
    """Of several coins in each row, their columns of X: those of heads, or their numbers."""
    if model.theta_.ndim == 1:
        return []
    n_coins = model.theta_.shape[1]
    if not hasattr(model, "feature_names_in_"):
        return [str(j) for j in range(n_coins)]
    return model.feature_names_in_[:: model.n_features_in_ // n_coins].tolist()


def chunks_of(model, X):
    """Heads and tails of X as a model reads them, chunk by chunk; X is from its own check."""
    family, caller = model._family, type(model).__name__
    of_sets = family.n_axes == 2
    return iter_tosses(X, model._layout, caller, whole=family.needs_whole, of_sets=of_sets)


def _as_numbers(estimator, X, y, *, reset):
    """X as scikit-learn validates it, as numbers; or the line that helps with what is none."""
    refuse_guess(X, y, estimator._layout, learns=reset)
    given = X
    try:
        X = validate_data(estimator, X, reset=reset, dtype=None, ensure_all_finite=False)
    except (TypeError, ValueError) as error:
        if message := explain(given, y, estimator._layout, _column_names(estimator, given)):
            raise ValueError(message) from error
        raise
    return numbers_of(X, _column_names(estimator, given))


def _column_names(estimator, X):
    """Those that scikit-learn found; releases before 1.7 find none in a frame of newer Polars."""
    return getattr(estimator, "feature_names_in_", getattr(X, "columns", None))


def iter_tosses(X, layout, caller, chunk=CHUNK, *, whole=False, of_sets=False):
    """Yield heads and tails of X, chunk by chunk; refuse a cell that holds no count of tosses.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        From ``check_layout``.
    layout : Layout
    caller : str
        Who reads X, as the message shall say.
    whole : bool
        Whether to refuse what is not whole.
    of_sets : bool
        Whether a row has tosses of several coins, each in columns of its own.

    Yields
    ------
    heads, tails : ndarray of shape (n_rows,) or (n_coins, n_rows)
    """
    split = {"heads_tails": _heads_tails, "heads_tosses": _heads_tosses, "tosses": _tosses}[layout]
    if of_sets:
        chunk = max(CELLS // X.shape[1], LEAST_CHUNK)
        split = {"heads_tails": _pairs, "heads_tosses": _sets_of_tosses, "tosses": _cells}[layout]
    for start in range(0, len(X), chunk):
        part = X[start : start + chunk]
        if part.dtype.itemsize < 8:
            # So that sums and differences are exact.
            part = part.astype(np.float64 if part.dtype.kind == "f" else np.int64)
        if layout != "tosses":
            _refuse_non_counts(part, start, caller)
            if whole and part.dtype.kind == "f":
                _refuse_fractions(part, start, caller)
        if part.dtype.kind == "f":
            part = part.astype(np.float64, copy=False)
        yield split(part, start, caller)


def _refuse_fractions(part, start, caller):
    for row, column in np.argwhere(part != np.rint(part))[:1]:
        raise ValueError(
            f"Row {start + row}, column {column} of X is {part[row, column]:.15g}, but {caller} "
            "needs whole counts: tosses of a coin that varies are not alike, so that half a toss "
            "has no probability. Count whole tosses, or use BinomialMixture; rows may have any "
            "sample_weight."
        )


def _heads_tails(part, start, caller):  # noqa: ARG001
    if part.shape[1] == 2:
        return part[:, 0], part[:, 1]
    tails = part[:, 1:].sum(axis=1, dtype=np.float64)
    for row in np.flatnonzero(tails >= MOST):
        total = sum(map(Fraction, part[row, 1:].tolist()))
        if total != tails[row]:
            raise ValueError(
                f"Columns 1 to {part.shape[1] - 1} of X sum to {total} tails in row {start + row}, "
                f"which no float equals: counts above 2**53 = {MOST} may lose their last digits. "
                "Scale X down."
            )
    return part[:, 0], tails


def _heads_tosses(part, start, caller):  # noqa: ARG001
    heads, tosses = part[:, 0], part[:, 1]
    rounding = 4 * np.finfo(float).eps  # of fractional counts
    for row in np.flatnonzero(heads > tosses * (1 + rounding))[:1]:
        raise ValueError(
            f"Row {start + row} of X has {heads[row]:.15g} heads in {tosses[row]:.15g} tosses. "
            'With layout="heads_tosses" column 0 is heads and column 1 all tosses; if column 1 '
            'is tails, use layout="heads_tails".'
        )
    return heads, np.maximum(tosses - heads, 0)


def _pairs(part, start, caller):  # noqa: ARG001
    return part[:, ::2].T, part[:, 1::2].T


def _sets_of_tosses(part, start, caller):
    columns = [part[:, j : j + 2] for j in range(0, part.shape[1], 2)]
    pairs = [_heads_tosses(pair, start, caller) for pair in columns]
    return tuple(np.stack(sides) for sides in zip(*pairs, strict=True))


def _tosses(part, start, caller):
    heads, tails = _cells(part, start, caller)
    return heads.sum(axis=0), tails.sum(axis=0)


def _cells(part, start, caller):
    """Which cells are heads and which are tails, (n_columns, n_rows)."""
    heads, tails = part == 1, part == 0
    wrong = ~(heads | tails)
    if part.dtype.kind == "f" and wrong.any():
        wrong &= ~np.isnan(part)
    for row, column in np.argwhere(wrong)[:1]:
        negative = "Negative values in data passed to" if part[row, column] < 0 else "X of"
        raise ValueError(
            f"{negative} {caller}: row {start + row}, column {column} is {part[row, column]:g}, "
            'which is no toss. With layout="tosses" a cell is 1 for heads, 0 for tails or NaN for '
            'not tossed; for counts use layout="heads_tails".'
        )
    return heads.T, tails.T


def _refuse_non_counts(part, start, caller):
    if part.dtype == np.int64:  # one look: without its sign, what is negative is too large
        low, high = 0, part.view(np.uint64).max()
    else:
        low, high = part.min(), part.max()  # NaN reaches both
    if low >= 0 and high <= MOST:
        return
    row, column = np.argwhere(~((part >= 0) & (part <= MOST)))[0]
    value, where = part[row, column], f"row {start + row}, column {column}"
    if value < 0 and np.isfinite(value):
        raise ValueError(
            f"Negative values in data passed to {caller}: {where} is {value:g}, but heads and "
            "tails are counts. Remove or repair the row."
        )
    if np.isfinite(value):
        raise ValueError(
            f"{where} of X is {value!s}; counts above 2**53 = {MOST} have lost their last digits. "
            "Scale X down."
        )
    said = "NaN" if np.isnan(value) else "infinity (inf)"
    raise ValueError(
        f"X of {caller} contains {said}: {where}. Counts must be finite; a row without tosses is "
        '(0, 0), and only layout="tosses" takes NaN, for a toss that was not made.'
    )
