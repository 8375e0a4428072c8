"""Which columns of a frame are meant, and everything that can be wrong with their names."""

from dataclasses import dataclass

from skcoin._tells import IN_FRAMES, warn_of_columns
from skcoin.frames._engines import names_of, narwhals, rename

RESULT = ("heads", "tails", "rows")


@dataclass(frozen=True)
class Column:
    """One that is asked for: as which parameter, its name in the frame, its key in the engine."""

    parameter: str
    name: str
    key: str
    dtype: object

    def __str__(self):
        return f"{self.parameter}={self.name!r}"

    @property
    def is_whole(self):
        """Whether it holds whole numbers by its type."""
        return _is_whole(self.dtype)


@dataclass(frozen=True)
class Columns:
    """Those that are asked for; ``others`` are tails or tosses, as their parameter says.

    Some engines read ``a.b``, ``*`` or ``^h$`` as an expression or a pattern. So that no name is
    ever read, they are given keys, ``c0``, ``c1``, ...: one for each column of the frame.
    """

    heads: Column
    others: Column
    weight: Column | None
    by: tuple
    names: tuple

    @property
    def keys(self):
        return [column.key for column in (*self.by, self.heads, self.others)]

    @property
    def are_whole(self):
        return self.heads.is_whole and self.others.is_whole

    def to_keys(self, frame):
        """The frame with keys in place of its names."""
        return rename(frame, _keys(self.names))


def check_columns(frame, heads, tails, tosses, weight=None, by=None):
    """The columns that are asked for, if they can be what they are asked to be."""
    if (tails is None) == (tosses is None):
        raise ValueError(
            f"tails is {tails!r} and tosses is {tosses!r}, but exactly one of them must be the "
            "name of a column: tails if it counts what is not heads, tosses if it counts all."
        )
    role, others = ("tails", tails) if tosses is None else ("tosses", tosses)
    by = () if by is None else tuple(by) if isinstance(by, list | tuple) else (by,)
    numbers = [("heads", heads), (role, others)] + [("weight", weight)] * (weight is not None)
    named = [*numbers, *(("by", name) for name in by)]
    schema = frame.collect_schema()
    names = names_of(frame)
    _refuse_unknown(named, schema)
    _refuse_repeated(named)
    _refuse_ambiguous(named, names)
    _refuse_result_names(by)
    for parameter, name in numbers:
        _refuse_non_numeric(parameter, name, schema[name])
    key = dict(zip(names, _keys(names), strict=True))
    columns = [Column(parameter, name, key[name], schema[name]) for parameter, name in named]
    heads, others, *weight = columns[: len(numbers)]
    by = tuple(columns[len(numbers) :])
    return Columns(heads, others, *weight or [None], by, tuple(names))


def warn_of_frame(heads, tails, tosses, n_heads, n_tails, rows):
    """Say so where names of columns, or the counts, tell that they are others."""
    layout, others = ("heads_tails", tails) if tosses is None else ("heads_tosses", tosses)
    has_toss = n_heads + n_tails > 0
    counts = (column[has_toss] for column in (n_heads, n_tails, rows))
    warn_of_columns(layout, (heads, others), *counts, remedies=IN_FRAMES)


def _keys(names):
    return [f"c{i}" for i in range(len(names))]


def _is_whole(dtype):
    return dtype.is_integer() or dtype == narwhals().Boolean


def refuse_clash(columns, names):
    # Databases do not tell "Rate" from "rate".
    old = {name.casefold(): name for name in columns.names if isinstance(name, str)}
    for name in names:
        if name.casefold() in old:
            raise ValueError(
                f"The frame has a column {old[name.casefold()]!r} already, and the posterior adds "
                f"{names}. Rename or drop it first."
            )


def _refuse_unknown(named, schema):
    for parameter, name in named:
        if not isinstance(name, str):
            raise TypeError(
                f"{parameter} is {name!r}, but must be the name of a column, a string. Name the "
                "columns of a frame that has numbers for names, e.g. frame.rename(columns=str)."
            )
        if name not in schema:
            raise ValueError(
                f"{parameter}={name!r} is no column of the frame, which has {list(schema)}."
            )


def _refuse_repeated(named):
    seen = {}
    for parameter, name in named:
        if name in seen:
            raise ValueError(
                f"Column {name!r} is given as {seen[name]} and as {parameter}. Give every column "
                "once, or copy it under another name."
            )
        seen[name] = parameter


def _refuse_ambiguous(named, names):
    for parameter, name in named:
        if names.count(name) > 1:
            raise ValueError(
                f"{parameter}={name!r} is the name of {names.count(name)} columns of the frame. "
                "Rename all but one."
            )


def _refuse_result_names(by):
    for name in by:
        if name in RESULT:
            raise ValueError(
                f"by={name!r} is a name that the result uses itself; it has the columns "
                f"{list(RESULT)}. Rename the column of the frame first."
            )


def _refuse_non_numeric(parameter, name, dtype):
    if not (dtype.is_numeric() or _is_whole(dtype)):
        how = ""
        if dtype == narwhals().Object:  # of pandas: decimals, pandas.NA, integers beyond int64
            how = f", by frame.astype({{{name!r}: float}})"
        raise ValueError(
            f"{parameter}={name!r} holds {dtype} values, but must hold numbers. Cast the column "
            f"to a numeric type first{how}."
        )
