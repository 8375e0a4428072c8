"""What is asked of every library of data frames, through narwhals."""

from importlib.util import find_spec

import numpy as np

from skcoin._validation import MOST

BEYOND = MOST + 2  # the next float


def narwhals():
    """The stable interface of narwhals, or its absence with the remedy."""
    try:
        import narwhals.stable.v2 as nw
    except ImportError as error:
        raise ImportError(
            "skcoin.frames reads data frames through narwhals 2, which is not installed. Install "
            'it by: python -m pip install "skcoin[frames]"'
        ) from error
    return nw


def wrap(frame):
    """The user's frame as one of narwhals."""
    try:
        return narwhals().from_native(frame)
    except TypeError as error:
        raise TypeError(
            f"frame is a {type(frame).__name__}, but must be a data frame of pandas, Polars, "
            "PyArrow, DuckDB, Dask, PySpark, Ibis or another library that narwhals knows. An array "
            "needs no counting: give it to fit."
        ) from error


def names_of(frame):
    """Of all columns; some engines may have a name twice, which a schema does not tell."""
    is_list = frame.implementation.is_duckdb() or frame.implementation.is_spark_like()
    return list(frame.to_native().columns if is_list else frame.collect_schema())


def rename(frame, names):
    """The frame with these names for its columns, from the first to the last.

    The old ones are not spelt where an engine would read them.
    """
    native, engine = frame.to_native(), frame.implementation
    if engine.is_duckdb():
        columns = (f"#{i} AS {quote(name)}" for i, name in enumerate(names, start=1))
        return narwhals().from_native(native.project(", ".join(columns)))
    if engine.is_spark_like():
        return narwhals().from_native(native.toDF(*names))
    return frame.rename(dict(zip(frame.collect_schema(), names, strict=True)))


def quote(name):
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def collect(lazy):
    """The small table, in memory: Arrow, if it can be, of databases, whose types it keeps all."""
    engine = lazy.implementation
    if engine.is_polars():
        return lazy.collect(engine="streaming")
    if engine.is_pandas_like() or engine.is_pyarrow() or engine.is_dask():
        return lazy.collect()
    return lazy.collect("pyarrow" if find_spec("pyarrow") else "pandas")


def as_floats(series):
    """A column as float64, null as NaN; of what is above 2**53, no float is less."""
    values = np.full(len(series), np.nan)
    # By way of Python's numbers: Arrow rounds decimals to a neighbour of the nearest float.
    present = series.drop_nulls().to_list()
    values[~series.is_null().to_numpy()] = [BEYOND if MOST < x < BEYOND else x for x in present]
    return values


def with_values(table, columns):
    """The table with these columns, a dict of arrays, in place of its own of the same names."""
    nw = narwhals()
    backend = table.implementation
    return table.with_columns(
        *(nw.new_series(name, values, backend=backend) for name, values in columns.items())
    )


def sort(table, keys, frame):
    """The small table sorted by its keys, nulls last; ``frame`` is that which it was made of.

    Engines sort categories by their order or by their names, as each likes. Here it is by their
    order if that is part of the type, else by their names.
    """
    nw = narwhals()
    place = {
        f"place_{key}": _places(table[key], frame)
        for key in keys
        if isinstance(table[key].dtype, nw.Categorical | nw.Enum)
    }
    by = [f"place_{key}" if f"place_{key}" in place else key for key in keys]
    return with_values(table, place).sort(*by, nulls_last=True).select(*table.columns)


def _places(series, frame):
    """The place of each value among the categories, of null behind them all."""
    is_null = series.is_null().to_numpy()
    values = [None if null else v for v, null in zip(series.to_list(), is_null, strict=True)]
    categories = list(_ordered_categories(series, frame))
    rest = {*values} - {None, *categories}
    categories += [*sorted(rest, key=lambda value: (type(value).__name__, value)), None]
    place = {category: i for i, category in enumerate(categories)}
    return np.array([place[value] for value in values], dtype=np.int64)


def _ordered_categories(series, frame):
    """Categories in the order that is part of their type, if it has one."""
    nw = narwhals()
    for dtype in (series.dtype, frame.collect_schema()[series.name]):
        if isinstance(dtype, nw.Enum):  # of Dask the first may know them, of DuckDB the second
            return dtype.categories
    if isinstance(frame, nw.DataFrame) and not frame.implementation.is_polars():
        arrow = frame[series.name].head(1).to_arrow() if find_spec("pyarrow") else None
        if getattr(getattr(arrow, "type", None), "ordered", False):
            return arrow.dictionary.to_pylist()
    return ()


def first_of_groups(keys):
    """Places at which another group begins, in a table that is sorted by its keys."""
    begins, nan = np.arange(len(keys)) == 0, object()
    for column in keys.iter_columns():
        column = column.alias("key")  # Polars may read its own name as a pattern
        # Neither NaN nor some libraries' null is equal to itself.
        values = [nan if isinstance(v, float) and v != v else v for v in column.to_list()]
        values = np.array([*values, nan], dtype=object)[:-1]
        values[column.is_null().to_numpy()] = None
        begins[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(begins)


def to_user(table, frame):
    """A small table in the library that the user's frame is of, or pandas for a database's."""
    from_database = table.implementation.is_pyarrow() and not frame.implementation.is_pyarrow()
    return table.to_pandas() if from_database and find_spec("pandas") else table.to_native()


def frame_of(columns, library):
    """A frame of a dict of arrays, in a library that is given by name or as a module."""
    try:
        return narwhals().from_dict(columns, backend=library).to_native()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"as_frame is {library!r}, but must be False, True for pandas, or another library "
            'with frames in memory, such as "polars" or "pyarrow".'
        ) from error
    except ModuleNotFoundError as error:
        raise ImportError(
            f"as_frame={library!r} needs {error.name}, which is not installed. Install it, or use "
            "another library."
        ) from error
