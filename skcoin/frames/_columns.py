"""Which columns of a frame are meant, and everything that can be wrong with their names."""

from dataclasses import dataclass

from skcoin._tells import IN_FRAMES, warn_of_columns
from skcoin.frames._engines import names_of, narwhals, rename

RESULT = ("heads", "tails", "rows")
Names = str | list[str] | tuple[str, ...]


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
    """Those that are asked for, as ``layout`` says what the columns of the ``coins`` hold.

    These are heads and what is beside them, one pair after another, or single tosses. Of one coin
    that is given by names, not by lists of them, the result has names of its own.

    Some engines read ``a.b``, ``*`` or ``^h$`` as an expression or a pattern. So that no name is
    ever read, they are given keys, ``c0``, ``c1``, ...: one for each column of the frame.
    """

    layout: str
    coins: tuple
    weight: Column | None
    by: tuple
    names: tuple
    are_lists: bool

    @property
    def keys(self):
        return self.keys_of_groups + self.keys_of_coins

    @property
    def keys_of_groups(self):
        return [column.key for column in self.by]

    @property
    def keys_of_coins(self):
        return [column.key for column in self.coins]

    @property
    def pairs(self):
        """Of each coin heads, and tails or tosses."""
        return list(zip(self.coins[::2], self.coins[1::2], strict=True))

    @property
    def coin_names(self):
        """The column of heads, or of the single tosses, stands for the coin."""
        return [column.name for column in self.coins[:: 1 if self.layout == "tosses" else 2]]

    @property
    def result(self):
        """Names in the table of distinct rows."""
        return (*(column.name for column in self.coins), "rows") if self.are_lists else RESULT

    @property
    def are_whole(self):
        """Whether the table has integers: single tosses may be missing."""
        return self.layout != "tosses" and all(column.is_whole for column in self.coins)

    def to_keys(self, frame):
        """The frame with keys in place of its names."""
        return rename(frame, keys_of(self.names))

    def to_names(self, table):
        """The table of distinct rows with names in place of its keys."""
        return rename(table, [*(column.name for column in self.by), *self.result])


def check_columns(frame, heads, tails, tosses, weight=None, by=None):
    """The columns that are asked for, if they can be what they are asked to be."""
    layout, of_coins = _columns_of_coins(heads, tails, tosses)
    are_lists = layout == "tosses" or is_list(heads)
    by = () if by is None else tuple(by) if is_list(by) else (by,)
    numbers = [*of_coins, *[("weight", weight)] * (weight is not None)]
    named = [*numbers, *(("by", name) for name in by)]
    schema = frame.collect_schema()
    names = names_of(frame)
    _refuse_unknown(named, schema)
    _refuse_repeated(named)
    _refuse_ambiguous(named, names)
    for parameter, name in numbers:
        _refuse_non_numeric(parameter, name, schema[name])
    key = dict(zip(names, keys_of(names), strict=True))
    columns = [Column(parameter, name, key[name], schema[name]) for parameter, name in named]
    coins, n_numbers = tuple(columns[: len(of_coins)]), len(numbers)
    weight = columns[len(of_coins)] if weight is not None else None
    columns = Columns(layout, coins, weight, tuple(columns[n_numbers:]), tuple(names), are_lists)
    _refuse_result_names(columns)
    return columns


def _columns_of_coins(heads, tails, tosses):
    """The layout that is asked for, and the parameter and name of each column of it."""
    if heads is None and tails is None and is_list(tosses):
        _refuse_empty("tosses", tosses)
        return "tosses", [("tosses", name) for name in tosses]
    if (tails is None) == (tosses is None):
        raise ValueError(
            f"tails is {tails!r} and tosses is {tosses!r}, but exactly one of them must be the "
            "name of a column, or a list of names if heads is one: tails if it counts what is not "
            "heads, tosses if it counts all."
        )
    layout = "heads_tails" if tosses is None else "heads_tosses"
    role, others = ("tails", tails) if tosses is None else ("tosses", tosses)
    if heads is None:
        raise ValueError(
            f"heads is None and {role} is {others!r}, but heads must be the name of a column. "
            "Single tosses alone need none: tosses=[...] is then a list, of a column for each "
            "coin that holds 1 for heads, 0 for tails and null for no toss."
        )
    if not (is_list(heads) or is_list(others)):
        return layout, [("heads", heads), (role, others)]
    if not (is_list(heads) and is_list(others)) or len(heads) != len(others):
        raise ValueError(
            f"heads is {heads!r} and {role} is {others!r}, but with several coins in a row both "
            "must be lists of the same length: a name for each coin, in the same order."
        )
    _refuse_empty("heads", heads)
    pairs = zip(heads, others, strict=True)
    return layout, [side for pair in pairs for side in zip(("heads", role), pair, strict=True)]


def warn_of_frame(columns, heads, tails, rows):
    """Say so where names of columns, or the counts of a coin, tell that they are others.

    Parameters
    ----------
    columns : Columns
    heads, tails : ndarray of shape (n_coins, n_distinct)
    rows : ndarray of shape (n_distinct,)
    """
    if columns.layout == "tosses":
        return
    for pair, *sides in zip(columns.pairs, heads, tails, strict=True):
        has_toss = sum(sides) > 0
        counts = (column[has_toss] for column in (*sides, rows))
        names = [column.name for column in pair]
        warn_of_columns(columns.layout, names, *counts, remedies=IN_FRAMES)


def is_list(names):
    """Whether there are several names, and not one."""
    return isinstance(names, list | tuple)


def keys_of(names):
    """A key for each column of a frame."""
    return [f"c{i}" for i in range(len(names))]


def _is_whole(dtype):
    return dtype.is_integer() or dtype == narwhals().Boolean


def refuse_clash(columns, names):
    """Refuse new columns that have the name of an old one, or of each other."""
    # Databases do not tell "Rate" from "rate".
    old = {name.casefold(): name for name in columns.names if isinstance(name, str)}
    for name in names:
        if name.casefold() in old:
            raise ValueError(
                f"The frame has a column {old[name.casefold()]!r} already, and the posterior adds "
                f"{names}. Rename or drop it first."
            )
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError(
            f"The posterior adds {names}, in which a name is there twice. Rename the columns of "
            "the coins first."
        )


def _refuse_empty(parameter, names):
    if not names:
        raise ValueError(f"{parameter} is {names!r}, but must have a name for each coin.")


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


def _refuse_result_names(columns):
    taken = ("rows",) if columns.are_lists else RESULT
    named = (*columns.by, *columns.coins) if columns.are_lists else columns.by
    for column in named:
        if column.name in taken:
            raise ValueError(
                f"{column} is a name that the result uses itself; it has the columns "
                f"{list(columns.result)}. Rename the column of the frame first."
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
