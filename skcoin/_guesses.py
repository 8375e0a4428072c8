"""What users try first in place of a table with a row for each set of tosses, and what helps."""

import numpy as np

from skcoin._validation import as_floats, refuse_masked
from skcoin._warnings import warn_user

LETTERS = {"h", "t", "head", "tail", "heads", "tails"}
COLUMNS = (
    "Heads and tails are two columns of one X, such as np.column_stack([heads, tails]); heads and "
    'all tosses are, too, with layout="heads_tosses".'
)


def refuse_guess(X, y, layout, *, learns):
    """Refuse what would be read without a complaint, but not as it is meant.

    Parameters
    ----------
    X, y : object
        As the user gave them.
    layout : Layout
    learns : bool
        Whether it is a fit.
    """
    parts = X if isinstance(X, list | tuple) else [X]
    if any(issubclass(kind, np.ma.MaskedArray) for kind in set(map(type, parts))):
        for part in parts:
            refuse_masked(part, "X", ' With layout="tosses", NaN is a toss that was not made.')
    if hasattr(type(X), "columns") and not hasattr(X, "__array__"):
        raise TypeError(f"X is a {type(X).__name__}, whose rows are in an engine. {_there(learns)}")
    if layout == "tosses":
        return
    if isinstance(X, tuple) and len(X) == 2 and not any(isinstance(part, tuple) for part in X):
        first, second = map(np.shape, X)
        if first == second and len(first) == 1:
            raise ValueError(
                f"X is a tuple of two vectors, which would be two rows. {COLUMNS} If they are "
                "rows, give np.array(X)."
            )
    if _are_totals(y, X):
        raise ValueError(
            "y has the shape of X and is nowhere below it, as numbers of tosses are, but nothing "
            f"is read from y. {COLUMNS} A row has the tosses of one coin."
        )


def explain(X, y, layout, columns=None):
    """What helps with what is no table of numbers; None if nothing that is known here."""
    if isinstance(X, dict) and not hasattr(X, "shape"):  # as a sparse array of keys has
        return "X is a dict. Make its values columns, by pandas.DataFrame(X)."
    if hasattr(X, "__next__"):
        return f"X is a {type(X).__name__}, which yields its rows but once. Give list(X)."
    try:
        shape = getattr(X, "shape", None) or np.asarray(X).shape
    except ValueError:
        return (
            "The rows of X differ in length. Give the heads and tails of each; or fill up with "
            'NaN where no toss was made, and use layout="tosses".'
        )
    if len(shape) == 0:
        return (
            f"Expected 2D array, got scalar array instead: X is {str(X)[:60]!r}. Reshape your data "
            f"so that each row is one set of tosses. {COLUMNS}"
        )
    if len(shape) == 1:
        return _explain_vector(np.asarray(X), y, layout)
    if len(shape) == 2 and hasattr(X, "columns"):  # of types that have nothing in common
        numbers_of(np.asarray(X, dtype=object), columns)
    return None


def numbers_of(X, columns=None):
    """A table of any type as numbers; ``columns`` are their names, if they have some."""
    if X.dtype.kind == "O":
        return as_floats(X, "X", lambda place, value: _remedy(value, place, columns))
    if X.dtype.kind in "US":
        cell = X.flat[0].item()
        raise ValueError(
            f"X holds strings such as {cell!r}. Convert your data to numeric values."
            + (_of_letter(cell) or " For numerals that is X.astype(float).")
        )
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X holds {X.dtype.name} values, but must hold counts of tosses.")
    return X


def one_column(y, layout):
    """What helps where a single column is given in a layout of two."""
    return (
        f"layout={layout!r} needs two columns, but X has n_features = 1.{_ignored(y)} {COLUMNS} If "
        'every cell is one toss (1 heads, 0 tails, NaN not tossed), use layout="tosses".'
    )


def warn_of_index(X, values, name):
    """Say so where a Series has another index than the frame that it is given with."""
    index, own = getattr(X, "index", None), getattr(values, "index", None)
    if not (hasattr(index, "equals") and hasattr(own, "equals")) or len(index) != len(own):
        return
    if not own.equals(index):
        row, entry = index[:1].tolist()[0], own[:1].tolist()[0]  # as numbers of Python
        warn_user(
            f"{name} has another index than X, and is taken by position: row {row!r} of X "
            f"has entry {entry!r}. Give {name}.loc[X.index] if they belong together by index, "
            f"{name}.to_numpy() if by position.",
            UserWarning,
        )


def _there(learns):
    if learns:
        return (
            "Let that count them: table = count_tosses(X, heads=..., tails=...), then "
            'fit(table[["heads", "tails"]], sample_weight=table["rows"]).'
        )
    return "Use join_posterior there, or count_tosses for scores; or collect it first."


def _explain_vector(X, y, layout):
    said = "Expected 2D array, got 1D array instead. Reshape your data: "
    if X.dtype.kind in "US" or (X.dtype.kind == "O" and isinstance(X[0], str)):
        return (
            f"{said}a row such as {str(X[0])!r} is a string. Count its letters, by "
            '[[row.count("H"), row.count("T")] for row in X].'
        )
    if layout == "tosses":
        return f"{said}X.reshape(1, -1) if it is one row of tosses, X.reshape(-1, 1) if it is many."
    return f"{said}X.reshape(1, -1) if it is one row.{_ignored(y)} {COLUMNS}"


def _ignored(y):
    return "" if y is None else " Nothing is read from y."


def _remedy(value, place, columns):
    """What to do about a cell that is no number."""
    column = place[-1] if columns is None else repr(str(columns[place[-1]]))
    return _of_letter(value) or f" Leave out column {column}, or select those of counts."


def _of_letter(value):
    if isinstance(value, str) and value.strip().lower() in LETTERS:
        return ' If these are tosses, use layout="tosses" and put 1 for heads and 0 for tails.'
    return ""


def _are_totals(y, X):
    """Whether y, which is ignored, looks like the numbers of tosses of a table of heads."""
    if y is None:
        return False
    try:
        X, y = np.asarray(X), np.asarray(y)
    except ValueError:  # of rows that differ in length
        return False
    is_table = y.ndim == 2 and y.shape == X.shape and y.shape[1] > 1
    if not is_table or not {X.dtype.kind, y.dtype.kind} <= set("iuf"):
        return False
    return bool(np.all((y >= X) & (y == np.rint(y))) and np.any(y > X))
