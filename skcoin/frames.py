"""Counting tosses where they lie: in data frames, databases and clusters.

A fit needs the table of distinct (heads, tails) pairs alone, a few thousand rows even of a billion.
The engine that holds the data makes it by one GROUP BY, and only that table moves. It takes
narwhals (``python -m pip install "skcoin[frames]"``) to speak to the engines; nothing of it is
imported before it is used.
"""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skcoin import _likelihood
from skcoin._validation import MOST, refuse_if_no_model

__all__ = ["count_tosses", "join_posterior"]

RESULT = ("heads", "tails", "rows")
# What the engine computes of each group, under names that no column of a user has.
N_ROWS, TOTAL, N_VALID, LEAST = (f"skcoin_{name}" for name in ("rows", "total", "valid", "least"))


def count_tosses(frame, heads, tails=None, tosses=None, weight=None, by=None):
    """Count the distinct (heads, tails) pairs of a data frame, inside the engine that holds it.

    A mixture that is fitted on this table is, to the last digit, the one that is fitted on all
    rows. The table has a few thousand rows where the frame has a billion, and it is the only thing
    that leaves the engine.

    Parameters
    ----------
    frame : data frame, lazy frame, relation or table
        Of pandas, Polars (eager or lazy), PyArrow, DuckDB, Dask, PySpark, Ibis or another library
        that narwhals knows. What is lazy stays lazy until the small table is collected.
    heads : str
        Name of the column of heads: counts, at least 0, at most 2**53, also fractional ones.
    tails : str, default=None
        Name of the column of tails, counts as well.
    tosses : str, default=None
        Name of the column of all tosses, at least the heads; in place of ``tails``.
    weight : str, default=None
        Name of the column that says how often each row counts: finite and at least 0.
    by : str or list of str, default=None
        Names of columns whose groups are counted apart from each other.

    Returns
    -------
    table : data frame
        One row for each distinct pair, sorted by ``by``, heads and tails. Its columns:

        - those of ``by``, if any; a null is a group of its own, the last,
        - ``heads`` and ``tails``, int64 where both columns hold whole numbers by their type, else
          float64,
        - ``rows``, the number of rows (int64), or the sum of their weights (int64 where their
          column holds whole numbers by its type, else float64). Pairs of weight 0 are left out.

        pandas, Polars and PyArrow frames, and those of libraries like pandas, give a table of
        their own library; all other engines give pandas, or PyArrow where pandas is not installed.

    Raises
    ------
    ImportError
        If narwhals is not installed.
    TypeError
        If ``frame`` is no data frame, or a name is no string.
    ValueError
        If a column does not exist, holds no numbers or is named twice, not exactly one of
        ``tails`` and ``tosses`` is given, or ``by`` names a column of the result: all this before
        the engine starts. If a cell of heads, tails or tosses is null, NaN, infinite, negative or
        above 2**53, if there are more heads than tosses, if a weight is null, NaN, infinite or
        negative, or if whole-number weights sum to more than 2**53: the engine finds this while it
        counts, and the message says how many rows are concerned, with an example and a remedy.

    See Also
    --------
    join_posterior : Put what a fitted model knows of each row beside it.
    BinomialMixture.fit : Counts arrays by itself.

    Notes
    -----
    With ``m(h, t)`` the number of rows of ``h`` heads and ``t`` tails, or the sum of their weights,
    the log-likelihood of a mixture is

        ``sum over rows of log P(h, t) = sum over pairs of m(h, t) log P(h, t)``.

    Counts, and weights that are whole numbers or decimals, are exact and the same in every engine,
    whatever the order of its rows, chunks and workers. The sum of other weights depends on the
    order in which an engine adds, and engines differ there: at a million rows of a pair, ``rows``
    is then equal to about 1e-13 of itself, and a theta to about 1e-11.

    A single pass is all that the engine makes, unless it finds a bad weight: a second one then
    counts the rows that hold such. Polars (1.25.2 or newer) runs it by its streaming engine, so
    that files may be larger than memory, as they may with DuckDB, Dask and PySpark.

    Dask needs nothing but narwhals up to narwhals 2.28. Version 2.29 works without the separate
    package ``narwhals-dask`` and warns that a later one will not.

    Examples
    --------
    >>> import polars as pl
    >>> from skcoin import BinomialMixture
    >>> from skcoin.frames import count_tosses
    >>> clicks = pl.LazyFrame({"clicks": [5, 9, 8, 4, 7] * 1000, "shown": [10] * 5000})
    >>> table = count_tosses(clicks, heads="clicks", tosses="shown")
    >>> table.rows()
    [(4, 6, 1000), (5, 5, 1000), (7, 3, 1000), (8, 2, 1000), (9, 1, 1000)]
    >>> model = BinomialMixture().fit(table[["heads", "tails"]], sample_weight=table["rows"])
    >>> model.theta_.round(4)
    array([0.7934, 0.5139])

    A PyArrow table takes ``table.select(["heads", "tails"])`` in place of the brackets.
    """
    frame = _wrap(frame)
    return _to_user(_count(frame, heads, tails, tosses, weight, by), frame)


def join_posterior(model, frame, heads, tails=None, tosses=None):
    """Put what a fitted model knows of each row's coin beside the row, inside the engine.

    The posteriors are computed once for each distinct pair, and joined to the rows by the engine
    that holds them.

    Parameters
    ----------
    model : BinomialMixture or ThreeCoinModel
        Fitted; its ``layout`` does not matter here.
    frame : data frame, lazy frame, relation or table
        Of any library that ``count_tosses`` takes.
    heads : str
        Name of the column of heads.
    tails : str, default=None
        Name of the column of tails.
    tosses : str, default=None
        Name of the column of all tosses, in place of ``tails``.

    Returns
    -------
    frame : of the type that was given
        All rows, with new columns behind the old ones:

        - the posterior probability of each coin, in [0, 1], float64, under the names that
          ``model.get_feature_names_out()`` gives (``binomialmixture0``, ...),
        - ``coin``, the most probable one, as from ``predict``, int64,
        - ``rate``, the probability of heads of the row's coin given the row, as from
          ``posterior_mean``, float64.

        A row without tosses has the posterior ``weights_``. Lazy frames stay lazy. The rows keep
        their order in pandas (with their index), Polars, PyArrow and Dask (whose index is
        numbered anew in each partition); in a database rows have none.

    Raises
    ------
    ImportError
        If narwhals is not installed.
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins, ``frame`` is no data frame, or a name is no string.
    ValueError
        As from ``count_tosses``: a row of which nothing can be said is refused, not left blank.
        Also if a new column has the name of an old one, whatever its case.

    See Also
    --------
    count_tosses : The table to fit the model on.

    Notes
    -----
    With the posterior ``r_k = w_k theta_k^h (1 - theta_k)^t / sum_l w_l theta_l^h (1 -
    theta_l)^t``, ``coin`` is ``argmax_k r_k`` and ``rate`` is ``sum_k r_k theta_k``.

    One pass over the frame collects the distinct pairs, when the function is called. A lazy frame
    is read a second time when its result is. PySpark is told to broadcast the small table, so that
    the large one is not shuffled.

    Examples
    --------
    >>> import polars as pl
    >>> from skcoin import BinomialMixture
    >>> from skcoin.frames import join_posterior
    >>> model = BinomialMixture().fit([[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]])
    >>> clicks = pl.DataFrame({"clicks": [2, 30, 0], "shown": [10, 35, 0]})
    >>> scored = join_posterior(model, clicks, heads="clicks", tosses="shown")
    >>> scored.columns
    ['clicks', 'shown', 'binomialmixture0', 'binomialmixture1', 'coin', 'rate']
    >>> scored["coin"].to_list()
    [1, 0, 0]
    >>> scored["rate"].round(3).to_list()
    [0.515, 0.793, 0.66]
    """
    refuse_if_no_model(model, "model", "fitted ")
    check_is_fitted(model)
    frame = _wrap(frame)
    columns = _check_columns(frame, heads, tails, tosses)
    names = [*model.get_feature_names_out(), "coin", "rate"]
    _refuse_clash(columns.schema, names)
    groups = _collect(_aggregate(frame, columns))
    values = _posterior(model, *_read_pairs(groups, columns))
    pairs = _with_values(groups.select(*columns.keys), dict(zip(names, values, strict=True)))
    return _join(frame, pairs, columns.keys, names).to_native()


@dataclass(frozen=True)
class _Columns:
    """Names of the columns and what they are; ``others`` are tails or tosses, as ``role`` says."""

    heads: str
    others: str
    role: str
    weight: str | None
    by: tuple
    schema: dict

    @property
    def keys(self):
        return [*self.by, self.heads, self.others]

    def are_whole(self, *names):
        """Whether these columns hold whole numbers by their type."""
        return all(_is_whole(self.schema[name]) for name in names)


def _narwhals():
    try:
        import narwhals.stable.v2 as narwhals
    except ImportError as error:
        raise ImportError(
            "skcoin.frames reads data frames through narwhals 2, which is not installed. Install "
            'it by: python -m pip install "skcoin[frames]"'
        ) from error
    return narwhals


def _wrap(frame):
    try:
        return _narwhals().from_native(frame)
    except TypeError as error:
        raise TypeError(
            f"frame is a {type(frame).__name__}, but must be a data frame of pandas, Polars, "
            "PyArrow, DuckDB, Dask, PySpark, Ibis or another library that narwhals knows. An array "
            "needs no counting: give it to fit."
        ) from error


def _count(frame, heads, tails, tosses, weight, by, *, keep_empty=False):
    """The table of distinct pairs, in memory; whether with those of weight zero."""
    columns = _check_columns(frame, heads, tails, tosses, weight, by)
    groups = _collect(_aggregate(frame, columns))
    heads, tails = _read_pairs(groups, columns)
    rows = _read_rows(groups, frame, columns)
    return _tabulate(groups, columns, heads, tails, rows, keep_empty=keep_empty)


def _to_user(table, frame):
    """A small table in the library that the user's frame is of, or pandas for a database's."""
    from_database = table.implementation.is_pyarrow() and not frame.implementation.is_pyarrow()
    return table.to_pandas() if from_database and find_spec("pandas") else table.to_native()


def _check_columns(frame, heads, tails, tosses, weight=None, by=None):
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
    _refuse_unknown(named, schema)
    _refuse_repeated(named)
    _refuse_result_names(by)
    for parameter, name in numbers:
        _refuse_non_numeric(parameter, name, schema[name])
    return _Columns(heads, others, role, weight, by, schema)


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


def _refuse_result_names(by):
    for name in by:
        if name in RESULT:
            raise ValueError(
                f"by={name!r} is a name that the result uses itself; it has the columns "
                f"{list(RESULT)}. Rename the column of the frame first."
            )


def _refuse_non_numeric(parameter, name, dtype):
    if not (dtype.is_numeric() or _is_whole(dtype)):
        raise ValueError(
            f"{parameter}={name!r} holds {dtype} values, but must hold numbers. Cast the column "
            "to a numeric type first."
        )


def _is_whole(dtype):
    return dtype.is_integer() or dtype == _narwhals().Boolean


def _refuse_clash(schema, names):
    # Databases do not tell "Rate" from "rate".
    old = {name.casefold(): name for name in schema if isinstance(name, str)}
    for name in names:
        if name.casefold() in old:
            raise ValueError(
                f"The frame has a column {old[name.casefold()]!r} already, and the posterior adds "
                f"{names}. Rename or drop it first."
            )


def _aggregate(frame, columns):
    """The groups of distinct keys, null ones too, in the engine: lazy.

    Nothing is computed row by row. What is wrong with a key falls out as a group of its own, and
    what is wrong with a weight shows in the sum, in the least and in how many are there.
    """
    nw = _narwhals()
    frame, wanted = frame.lazy(), [nw.len().alias(N_ROWS)]
    if columns.weight is not None:
        weight = nw.col(columns.weight)
        dtype = columns.schema[columns.weight]
        # Engines differ in whether the sum of a narrow type is wide; those of decimals are.
        wide = nw.Int64 if _is_whole(dtype) else nw.Float64
        if dtype != wide and not dtype.is_decimal():
            frame = frame.with_columns(weight.cast(wide))
        wanted += [weight.sum().alias(TOTAL), weight.count().alias(N_VALID)]
        wanted += [weight.min().alias(LEAST)]
    return frame.group_by(*columns.keys, drop_null_keys=False).agg(*wanted)


def _collect(lazy):
    """The small table, in memory: Arrow, if it can be, of databases, whose types it keeps all."""
    engine = lazy.implementation
    if engine.is_polars():
        return lazy.collect(engine="streaming")
    if engine.is_pandas_like() or engine.is_pyarrow() or engine.is_dask():
        return lazy.collect()
    return lazy.collect("pyarrow" if find_spec("pyarrow") else "pandas")


def _read_pairs(groups, columns):
    """Heads and tails of the groups as floats, if they are counts."""
    heads, others = (_as_floats(groups[name]) for name in (columns.heads, columns.others))
    n_rows = groups[N_ROWS].to_numpy()
    _refuse_non_counts(heads, n_rows, f"heads={columns.heads!r}")
    _refuse_non_counts(others, n_rows, f"{columns.role}={columns.others!r}")
    if columns.role == "tosses":
        _refuse_more_heads(heads, others, n_rows, columns)
        others = np.maximum(others - heads, 0)
    return heads + 0.0, others + 0.0  # minus zero is zero


def _as_floats(series):
    """A column as float64, null as NaN."""
    values = np.full(len(series), np.nan)
    # By way of Python's numbers: Arrow rounds decimals to a neighbour of the nearest float.
    values[~series.is_null().to_numpy()] = series.drop_nulls().to_list()
    return values


def _refuse_non_counts(values, n_rows, what):
    for bad, said, remedy in (
        (np.isnan(values), "null or NaN", "Fill in 0 where nothing was tossed, or drop these rows"),
        (np.isinf(values), "infinite", "Drop or repair these rows"),
        (values < 0, "negative", "Counts start at 0; drop or repair these rows"),
        (values > MOST, "above 2**53", "Such counts have lost their last digits; scale all down"),
    ):
        if bad.any():
            worst = values[bad][np.argmax(np.abs(values[bad]))]
            example = "" if np.isnan(worst) else f", such as {worst:.15g}"
            raise ValueError(
                f"{what} is {said} in {n_rows[bad].sum():,} of {n_rows.sum():,} rows{example}. "
                f"{remedy}."
            )


def _refuse_more_heads(heads, tosses, n_rows, columns):
    rounding = 0 if columns.are_whole(columns.heads, columns.others) else 4 * np.finfo(float).eps
    bad = heads > tosses * (1 + rounding)
    if bad.any():
        first = np.lexsort((tosses[bad], heads[bad]))[0]
        raise ValueError(
            f"heads={columns.heads!r} is more than tosses={columns.others!r} in "
            f"{n_rows[bad].sum():,} of {n_rows.sum():,} rows, such as {heads[bad][first]:.15g} "
            f"heads in {tosses[bad][first]:.15g} tosses. Drop or repair these rows; if the column "
            f"counts tails, use tails={columns.others!r}."
        )


def _read_rows(groups, frame, columns):
    """How often each group counts: its number of rows, or the sum of their weights."""
    n_rows = groups[N_ROWS].to_numpy().astype(np.int64)
    if columns.weight is None:
        return n_rows
    total, least = _as_floats(groups[TOTAL]), _as_floats(groups[LEAST])
    n_null = n_rows - groups[N_VALID].to_numpy()
    if n_null.any() or not np.isfinite(total).all() or np.any(least < 0):
        _refuse_bad_weights(total, least, n_null, n_rows.sum(), frame, columns.weight)
    if not columns.are_whole(columns.weight):
        return total
    # A sum that has left int64 comes back anywhere.
    bad = (total < 0) | (np.maximum(total, least) > MOST)
    if bad.any():
        raise ValueError(
            f"weight={columns.weight!r} sums to more than 2**53 = {MOST:g} in {bad.sum():,} of "
            f"{len(bad):,} pairs of heads and {columns.role}: its last digits would be lost. Scale "
            "the weights down."
        )
    return total.astype(np.int64)


def _refuse_bad_weights(total, least, n_null, n_rows, frame, name):
    """Say how many weights are bad, by a second pass: in the first, each row would have to pay."""
    weight = _narwhals().col(name).cast(_narwhals().Float64)
    is_good = weight.is_between(0, np.finfo(float).max).cast(_narwhals().Int64)
    n_bad = n_rows - int(_collect(frame.lazy().select(is_good.sum()))[name][0])
    if n_bad == 0:
        raise ValueError(
            f"weight={name!r} sums to more than a float can hold. Scale the weights down."
        )
    if np.any(least < 0):
        example = f"{np.nanmin(least):.15g}"
    elif n_null.any():
        example = "null or NaN"
    else:
        example = "NaN" if np.isnan(total).any() else "infinity"
    raise ValueError(
        f"weight={name!r} is null, NaN, infinite or negative in {n_bad:,} of {n_rows:,} rows, such "
        f"as {example}; weights say how often a row counts. Repair them, or use 0 to leave a row "
        "out."
    )


def _tabulate(groups, columns, heads, tails, rows, *, keep_empty):
    """The table of distinct pairs, sorted."""
    nw = _narwhals()
    order = [*columns.by, "heads", "tails"]
    is_whole = columns.are_whole(columns.heads, columns.others)
    if is_whole:
        heads, tails = heads.astype(np.int64), tails.astype(np.int64)
    table = _with_values(groups, {"heads": heads, "tails": tails, "rows": rows})
    table = table.select(*order, "rows")
    if not keep_empty:
        table = table.filter(nw.col("rows") > 0)
    if not is_whole:
        # Minus zero may be a group of its own, and fractional tosses less heads may round together.
        table = table.group_by(*order, drop_null_keys=False).agg(nw.col("rows").sum())
    return nw.maybe_reset_index(table.sort(*order, nulls_last=True))


def _posterior(model, heads, tails):
    """The posterior probability of each coin, the most probable coin and the rate of each pair."""
    order = np.lexsort((tails, heads))  # the place of a row may move the last digit of its log
    posterior = _likelihood.posterior(model._coins(), heads[order], tails[order])
    place = np.argsort(order)
    coin, rate = posterior.argmax(axis=1), posterior @ model.theta_
    return [*posterior[place].T, coin[place], rate[place]]


def _first_of_groups(keys):
    """Places at which another group begins, in a table that is sorted by its keys."""
    begins, nan = np.arange(len(keys)) == 0, object()
    for name in keys.columns:
        # Neither NaN nor some libraries' null is equal to itself.
        values = [nan if isinstance(v, float) and v != v else v for v in keys[name].to_list()]
        values = np.array([*values, nan], dtype=object)[:-1]
        values[keys[name].is_null().to_numpy()] = None
        begins[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(begins)


def _with_values(table, columns):
    nw = _narwhals()
    backend = table.implementation
    return table.with_columns(
        *(nw.new_series(name, values, backend=backend) for name, values in columns.items())
    )


def _join(frame, pairs, keys, names):
    """The frame with the new columns of ``pairs``, which holds each of its keys once."""
    nw = _narwhals()
    if isinstance(frame, nw.DataFrame):
        # The join of some libraries shuffles the rows, and loses the index of pandas.
        place = nw.generate_temporary_column_name(8, keys)
        rows = frame.select(*keys).with_row_index(place)
        rows = rows.join(pairs, on=keys, how="left").sort(place)
        return frame.with_columns(*(rows[name] for name in names))
    native = frame.to_native()
    if frame.implementation.is_polars():
        pairs = pairs.to_native().lazy()
        return nw.from_native(native.join(pairs, on=keys, how="left", maintain_order="left"))
    return frame.join(_send(pairs, native, frame.implementation), on=keys, how="left")


def _send(pairs, native, engine):
    """The small table inside the engine that holds the large one."""
    nw = _narwhals()
    if engine.is_duckdb():
        return nw.from_native(_send_to_duckdb(pairs, native))
    if engine.is_spark_like():
        table = pairs.lazy(engine, session=native.sparkSession).to_native()
        return nw.from_native(table.hint("broadcast"))
    return pairs.lazy(engine)


def _send_to_duckdb(pairs, native):
    """The small table as a relation on the connection of another one.

    A relation does not tell its connection and cannot be joined to one of another connection, but
    the SQL that it is asked runs on its own. Numbers go there as text, which is exact and works
    where a database is not allowed to look at Python's variables.
    """
    types = dict(zip(native.columns, native.types, strict=True)) | {"coin": "BIGINT"}

    def column(name):
        cells = ", ".join(map(str, pairs[name].to_list()))
        quoted = name.replace('"', '""')
        return f"unnest('[{cells}]'::{types.get(name, 'DOUBLE')}[]) AS \"{quoted}\""

    relation = native.query("skcoin_rows", f"SELECT {', '.join(map(column, pairs.columns))}")
    native.query("skcoin_rows", "DROP VIEW skcoin_rows")  # query leaves one of this name
    return relation
