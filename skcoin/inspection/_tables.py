"""Results as tables: a row for each place of some arrays, in the library that is asked for."""

from html import escape
from types import ModuleType
from typing import TypeAlias

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._optional_dependencies import check_pandas_support

AsFrame: TypeAlias = bool | str | ModuleType
FEW = 12  # numbers that are shown one by one


def frame_maker(as_frame):
    """What makes a frame of columns, a dict of arrays; None where no frame is asked for.

    It is asked before any work is done, so that what is misspelt or missing is told at once.
    """
    if as_frame is False:
        return None
    if as_frame is True or (isinstance(as_frame, str) and as_frame == "pandas"):
        return check_pandas_support("as_frame=True").DataFrame
    from skcoin.frames._engines import frame_of  # which alone knows narwhals

    frame_of({}, as_frame)
    return lambda columns: frame_of(columns, as_frame)


def tidy(values, axes):
    """Arrays as columns with a row for each place, the last axis fastest.

    Parameters
    ----------
    values : dict of ndarray
        Of as many axes as there are, or of the first few: they are repeated along the others.
    axes : dict of str to sequence
        The names of the axes, and those of the places on each: the first columns.

    Returns
    -------
    columns : dict of ndarray of shape (n_places,)
    """
    shape = tuple(map(len, axes.values()))
    places = zip(axes.items(), np.indices(shape), strict=True)
    columns = {name: np.asarray(labels)[place.ravel()] for (name, labels), place in places}
    for name, array in values.items():
        array = np.asarray(array)
        array = array.reshape(array.shape + (1,) * (len(shape) - array.ndim))
        columns[name] = np.broadcast_to(array, shape).ravel()
    return columns


def one_row(values):
    """Numbers as columns of one row."""
    return {name: np.array([value]) for name, value in values.items()}


def by_component(coin_names, **parts):
    """Estimates and what belongs to each side by side, a row for each coin, or class and coin.

    Parameters
    ----------
    coin_names : sequence of str
        Of several coins in a row; else empty.
    **parts : dict of str to ndarray
        ``estimate``, and others such as ``error``, by the names of the parameters. Their first axis
        may be one of replicates.

    Returns
    -------
    columns : dict of ndarray
        ``theta``, ``theta_error`` and so on, after those that say what a row is.
    """
    *replicates, n_components = parts["estimate"]["weights"].shape
    axes = {"replicate": range(replicates[0])} if replicates else {}
    axes |= {"class" if coin_names else "coin": range(n_components)}
    axes |= {"coin": coin_names} if coin_names else {}
    columns = {
        _column(name, part): values[name]
        for name in parts["estimate"]
        for part, values in parts.items()
    }
    return tidy(columns, axes)


def ends(intervals, names):
    """Lower and upper ends of intervals, by the names of the parameters."""
    low, high = ({name: intervals[name][..., end] for name in names} for end in (0, 1))
    return {"low": low, "high": high}


def _column(name, part):
    name = "weight" if name == "weights" else name
    return name if part == "estimate" else f"{name}_{part}"


class Result(Bunch):
    """A ``Bunch`` that shows a line for each thing in it: few numbers, or the range of many."""

    def __repr__(self):
        width = max(map(len, self))
        return "\n".join(f"{name.ljust(width)}  {_shown(value)}" for name, value in self.items())

    def _repr_html_(self):
        return html_table([[name, _shown(value)] for name, value in self.items()])


def _shown(value):
    array = np.asarray(value)
    if array.size <= FEW:
        return " ".join(np.array2string(array, precision=4, separator=", ").split())
    if array.dtype == bool:
        what = f"{array.sum()} of {array.size} True"
    else:
        seen = array[~np.isnan(array)]
        what = f"{seen.min():.4g} to {seen.max():.4g}" if seen.size else "NaN"
    return f"array of shape {array.shape}: {what}"


def text_lines(table):
    """The rows of a table of cells, with columns of one width."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(c.rjust(width) for c, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def html_table(rows, head=None):
    """A table of cells in HTML."""
    thead = f"<thead>{_html_row(head, 'th')}</thead>" if head else ""
    body = "".join(_html_row(row, "td") for row in rows)
    return f"<table>{thead}<tbody>{body}</tbody></table>"


def _html_row(cells, tag):
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


LATEX = str.maketrans(
    {character: f"\\{character}" for character in "_%&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$"}
)


def latex_table(rows, head=None, align="r"):
    """A table of cells in LaTeX, with the rules of booktabs."""
    begin = f"\\begin{{tabular}}{{{align * len(rows[0])}}}"
    lines = [begin, r"\toprule", *([_latex_row(head), r"\midrule"] if head else [])]
    return "\n".join([*lines, *map(_latex_row, rows), r"\bottomrule", r"\end{tabular}"])


def _latex_row(cells):
    return " & ".join(cell.translate(LATEX) for cell in cells) + r" \\"
