"""What is asked of every library of data frames, through narwhals."""

from importlib.util import find_spec

import numpy as np


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


def collect(lazy):
    """The small table, in memory: Arrow, if it can be, of databases, whose types it keeps all."""
    engine = lazy.implementation
    if engine.is_polars():
        return lazy.collect(engine="streaming")
    if engine.is_pandas_like() or engine.is_pyarrow() or engine.is_dask():
        return lazy.collect()
    return lazy.collect("pyarrow" if find_spec("pyarrow") else "pandas")


def as_floats(series):
    """A column as float64, null as NaN."""
    values = np.full(len(series), np.nan)
    # By way of Python's numbers: Arrow rounds decimals to a neighbour of the nearest float.
    values[~series.is_null().to_numpy()] = series.drop_nulls().to_list()
    return values


def with_values(table, columns):
    """The table with these columns, a dict of arrays, in place of its own of the same names."""
    nw = narwhals()
    backend = table.implementation
    return table.with_columns(
        *(nw.new_series(name, values, backend=backend) for name, values in columns.items())
    )


def first_of_groups(keys):
    """Places at which another group begins, in a table that is sorted by its keys."""
    begins, nan = np.arange(len(keys)) == 0, object()
    for name in keys.columns:
        # Neither NaN nor some libraries' null is equal to itself.
        values = [nan if isinstance(v, float) and v != v else v for v in keys[name].to_list()]
        values = np.array([*values, nan], dtype=object)[:-1]
        values[keys[name].is_null().to_numpy()] = None
        begins[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(begins)


def to_user(table, frame):
    """A small table in the library that the user's frame is of, or pandas for a database's."""
    from_database = table.implementation.is_pyarrow() and not frame.implementation.is_pyarrow()
    return table.to_pandas() if from_database and find_spec("pandas") else table.to_native()
