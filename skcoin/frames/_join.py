"""The posterior of each distinct row beside the rows, joined by the engine that holds them."""

from decimal import Decimal
from typing import TypeVar

import numpy as np

from skcoin._base import BaseMixture, mixture_of, refuse_if_no_model
from skcoin._layouts import coin_names
from skcoin._validation import check_level, refuse_if_fractional
from skcoin._warnings import warn_of_excluded
from skcoin.frames._columns import Names, check_columns, keys_of, refuse_clash, warn_of_frame
from skcoin.frames._engines import collect, narwhals, quote, rename, with_values, wrap
from skcoin.frames._group_by import N_ROWS, aggregate, heads_and_tails, read_cells

PLACE = "place"  # of a row; no column of the user has it, but a key
Frame = TypeVar("Frame")


def join_posterior(
    model: BaseMixture,
    frame: Frame,
    heads: Names | None = None,
    tails: Names | None = None,
    tosses: Names | None = None,
    *,
    level: float | None = None,
) -> Frame:
    """Put what a fitted model knows of each row's coin beside the row, inside the engine.

    The posteriors are computed once for each distinct row of tosses, and joined to the rows by the
    engine that holds them.

    Parameters
    ----------
    model : BinomialMixture, ProductBinomialMixture or another model of hidden coins
        Fitted; its ``layout`` does not matter here.
    frame : data frame, lazy frame, relation or table
        Of any library that ``count_tosses`` takes.
    heads : str or list of str, default=None
        Name of the column of heads; for a ``ProductBinomialMixture`` a name for each coin, in the
        order of the fit.
    tails : str or list of str, default=None
        Name of the column of tails, a list if ``heads`` is one.
    tosses : str or list of str, default=None
        Name of the column of all tosses, in place of ``tails``. Without ``heads``, a list of
        columns of single tosses, as for ``count_tosses``.
    level : float, default=None
        If given, in (0, 1), there is an interval of the rate that holds with this probability.

    Returns
    -------
    frame : of the type that was given
        All rows, with new columns behind the old ones:

        - the posterior probability of each coin, in [0, 1], float64, under the names that
          ``model.get_feature_names_out()`` gives (``binomialmixture0``, ...),
        - ``coin``, the most probable one, as from ``predict``, int64,
        - ``rate``, the probability of heads of the row's coin given the row, as from
          ``posterior_mean``, float64,
        - with ``level``: ``rate_low`` and ``rate_high``, as from ``posterior_interval``, float64.

        Of several coins, ``class`` stands in place of ``coin``, and there is a rate of each coin:
        ``rate_lung``, ``rate_lung_low`` and ``rate_lung_high``, with the name of its column of
        heads, or of single tosses. First come all rates, then the ends of their intervals.

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
        As from ``count_tosses``: a row of which nothing can be said is refused, not left blank; if
        the model is of whole counts only, so is a fractional one.
        Also if a new column has the name of an old one, whatever its case, or there are not as many
        names as coins, or they are those of the fit in another order.

    Warns
    -----
    UserWarning
        If no coin can show some rows: how many, and which; if names or counts tell that columns
        are not what they are given as.

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

    A ranking that knows how sure it is, by the lower ends of rates that vary:

    >>> from skcoin import BetaBinomialMixture
    >>> ads = pl.DataFrame({"clicks": [3, 40, 9, 60], "shown": [4, 80, 20, 200]})
    >>> vary = BetaBinomialMixture(layout="heads_tosses").fit(ads)
    >>> ranked = join_posterior(vary, ads, heads="clicks", tosses="shown", level=0.9)
    >>> ranked.sort("rate_low", descending=True)["clicks"].to_list()
    [40, 3, 9, 60]

    Answers to two questions, of which one is missing:

    >>> from skcoin import ProductBinomialMixture
    >>> people = ProductBinomialMixture(
    ...     2, layout="tosses", theta_init=[[0.9, 0.8], [0.2, 0.1]], learn_theta=False
    ... ).fit([[1, 1], [0, 0], [1, 0], [0, 0]])
    >>> answers = pl.DataFrame({"likes": [1, 0], "buys": [None, 0]})
    >>> scored = join_posterior(people, answers, tosses=["likes", "buys"])
    >>> scored.columns[-3:]
    ['class', 'rate_likes', 'rate_buys']
    >>> scored["rate_buys"].round(3).to_list()
    [0.578, 0.109]
    """
    refuse_if_no_model(model, "model", "fitted ")
    if level is not None:
        check_level(level)
    mixture = mixture_of(model)
    frame = wrap(frame)
    columns = check_columns(frame, heads, tails, tosses)
    _check_coins(model, mixture.family, columns)
    names = [*model.get_feature_names_out(), *_names_of_coins(mixture.family, columns, level)]
    refuse_clash(columns, names)
    groups = collect(aggregate(columns.to_keys(frame), columns))
    cells, rows = read_cells(groups, columns), groups[N_ROWS].to_numpy()
    heads, tails = heads_and_tails(cells, columns.layout)
    refuse_if_fractional(mixture.family, heads, tails)
    warn_of_frame(columns, heads, tails, rows)
    if mixture.family.n_axes == 1:
        heads, tails = heads[0], tails[0]
    warn_of_excluded(mixture, heads, tails, rows)
    values = dict(zip(_new_keys(names), _posterior(mixture, heads, tails, level), strict=True))
    table = with_values(groups.select(*columns.keys), values)
    return _join(frame, columns, table, names, may_miss=bool(np.isnan(cells).any())).to_native()


def _check_coins(model, family, columns):
    """Refuse other coins than those of the model, as far as numbers and names can tell."""
    given, fitted = columns.coin_names, coin_names(model)
    n_coins = 1 if family.n_axes == 1 else family.n_coins
    parameter = columns.coins[0].parameter
    if len(given) != n_coins:
        remedy = (
            "Give the names of two columns, as heads and tails or as heads and tosses."
            if n_coins == 1
            else "Give lists of columns, one for each coin in the order of the fit."
        )
        raise ValueError(
            f"{parameter} names {len(given)} columns, {given}, but model is a "
            f"{type(model).__name__} of {n_coins} coin{'s' * (n_coins > 1)} in each row. {remedy}"
        )
    if sorted(given) == sorted(fitted) and given != fitted:
        raise ValueError(
            f"{parameter} names the coins {given}, but model was fitted to them in another order: "
            f"give {fitted}."
        )


def _names_of_coins(family, columns, level):
    """Of the new columns behind the posterior."""
    ends = [] if level is None else ["_low", "_high"]
    if family.n_axes == 1:
        return ["coin", "rate", *(f"rate{end}" for end in ends)]
    names = [f"rate_{name}" for name in columns.coin_names]
    return ["class", *names, *(name + end for name in names for end in ends)]


def _posterior(mixture, heads, tails, level):
    """The posterior probability of each component, the most probable one and the rate of each row.

    And where the rate is, if a level is asked for; both coin by coin where there are several.
    """
    # The place of a row may move the last digit of its log.
    order = np.lexsort((*np.atleast_2d(tails), *np.atleast_2d(heads)))
    heads, tails = heads[..., order], tails[..., order]
    posterior, place = mixture.posterior(heads, tails), np.argsort(order)
    rates = mixture.moments(posterior, heads, tails)[0]
    columns = [*posterior.T, posterior.argmax(axis=1), *np.atleast_2d(rates.T)]
    if level is not None:
        ends = mixture.interval(heads, tails, level)
        of_coins = ends[:, None] if rates.ndim == 1 else ends
        columns += [end for coin in np.moveaxis(of_coins, 0, -1) for end in coin]
    return [column[place] for column in columns]


def _new_keys(names):
    """Keys of new columns, for the reason why old ones have keys."""
    return [f"p{i}" for i in range(len(names))]


def _join(frame, columns, table, names, *, may_miss):
    """The frame with new columns of these names, from a table that holds each of its rows once."""
    nw = narwhals()
    keys, new, keyed = columns.keys, _new_keys(names), columns.to_keys(frame)
    if may_miss:
        keys = [f"{key}_present" for key in columns.keys]
        keyed, table = (_with_present(part, columns, keys) for part in (keyed, table))
        table = table.select(*keys, *new).unique(subset=keys)  # what is missing may be twice there
    if isinstance(frame, nw.DataFrame):
        # The join of some libraries shuffles the rows, and loses the index of pandas.
        rows = keyed.select(*keys).with_row_index(PLACE)
        rows = rows.join(table, on=keys, how="left").sort(PLACE)
        return frame.with_columns(
            *(rows[key].alias(name) for key, name in zip(new, names, strict=True))
        )
    native = keyed.to_native()
    if frame.implementation.is_polars():
        table = table.to_native().lazy()
        joined = nw.from_native(native.join(table, on=keys, how="left", maintain_order="left"))
    else:
        table = _send(table, native, frame.implementation)
        joined = keyed.join(table, on=keys, how="left")
    return rename(joined.select(*keys_of(columns.names), *new), [*columns.names, *names])


def _with_present(frame, columns, keys):
    """The frame with keys in which a number is what is missing: null and NaN equal nothing.

    Counts that are missing are as good as none.
    """
    nw, number, present = narwhals(), 2 if columns.layout == "tosses" else 0, []
    for column in columns.coins:
        cells = nw.col(column.key)
        if column.dtype.is_decimal():
            cells = cells.fill_null(Decimal(number))
        elif column.dtype.is_integer():  # by name: parts of Dask that miss some hold floats
            cells = cells.fill_null(number).cast(nw.Int64)
        elif column.is_whole:
            cells = cells.cast(nw.Int64).fill_null(number)
        else:
            cells = cells.cast(nw.Float64).fill_null(float(number))
            cells = nw.when(cells.is_nan()).then(nw.lit(float(number))).otherwise(cells)
        present.append(cells)
    return frame.with_columns(*(c.alias(key) for c, key in zip(present, keys, strict=True)))


def _send(table, native, engine):
    """The small table inside the engine that holds the large one."""
    nw = narwhals()
    if engine.is_duckdb():
        return nw.from_native(_send_to_duckdb(table, native))
    if engine.is_spark_like():
        broadcast = table.lazy(engine, session=native.sparkSession).to_native().hint("broadcast")
        return nw.from_native(broadcast)
    return table.lazy(engine)


def _send_to_duckdb(table, native):
    """The small table as a relation on the connection of another one.

    A relation does not tell its connection and cannot be joined to one of another connection, but
    what is made of it stays there: of none of its rows, one that says nothing. A view would need a
    name, which may be the user's. Numbers go there as text, which is exact and works where a
    database is not allowed to look at Python's variables.
    """
    types = dict(zip(native.columns, native.types, strict=True))

    def column(name):
        own = "BIGINT" if table[name].dtype.is_integer() else "DOUBLE"
        cells = ", ".join(map(str, table[name].to_list()))
        return f"unnest('[{cells}]'::{types.get(name, own)}[]) AS {quote(name)}"

    one_row = native.limit(0).aggregate("count(*)")
    return one_row.project(", ".join(map(column, table.columns)))
