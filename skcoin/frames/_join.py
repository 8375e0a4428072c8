"""The posterior of each pair beside the rows, joined by the engine that holds them."""

from typing import TypeVar

import numpy as np

from skcoin._base import BaseMixture, mixture_of, refuse_if_no_model
from skcoin._layouts import refuse_sets
from skcoin._validation import check_level, refuse_if_fractional
from skcoin._warnings import warn_of_excluded
from skcoin.frames._columns import check_columns, refuse_clash, warn_of_frame
from skcoin.frames._engines import collect, narwhals, quote, rename, with_values, wrap
from skcoin.frames._group_by import N_ROWS, aggregate, read_pairs

PLACE = "place"  # of a row; no column of the user has it, but a key
Frame = TypeVar("Frame")


def join_posterior(
    model: BaseMixture,
    frame: Frame,
    heads: str,
    tails: str | None = None,
    tosses: str | None = None,
    *,
    level: float | None = None,
) -> Frame:
    """Put what a fitted model knows of each row's coin beside the row, inside the engine.

    The posteriors are computed once for each distinct pair, and joined to the rows by the engine
    that holds them.

    Parameters
    ----------
    model : BinomialMixture, ThreeCoinModel, BetaBinomialMixture or NonparametricBinomialMixture
        Fitted; its ``layout`` does not matter here.
    frame : data frame, lazy frame, relation or table
        Of any library that ``count_tosses`` takes.
    heads : str
        Name of the column of heads.
    tails : str, default=None
        Name of the column of tails.
    tosses : str, default=None
        Name of the column of all tosses, in place of ``tails``.
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
        Also if a new column has the name of an old one, whatever its case.

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
    """
    refuse_if_no_model(model, "model", "fitted ")
    refuse_sets(
        model,
        "model",
        "join_posterior reads heads of one coin a row",
        "Put its predict_proba(X) beside the rows.",
    )
    if level is not None:
        check_level(level)
    mixture = mixture_of(model)
    frame = wrap(frame)
    columns = check_columns(frame, heads, tails, tosses)
    names = [*model.get_feature_names_out(), "coin", "rate"]
    names += ["rate_low", "rate_high"] * (level is not None)
    refuse_clash(columns, names)
    groups = collect(aggregate(columns.to_keys(frame), columns))
    counts = read_pairs(groups, columns)
    refuse_if_fractional(mixture.family, *counts)
    rows = groups[N_ROWS].to_numpy()
    warn_of_frame(heads, tails, tosses, *counts, rows)
    warn_of_excluded(mixture, *counts, rows)
    values = _posterior(mixture, *counts, level)
    pairs = with_values(groups.select(*columns.keys), dict(zip(names, values, strict=True)))
    return join(frame, columns, pairs, names).to_native()


def _posterior(mixture, heads, tails, level):
    """The posterior probability of each coin, the most probable coin and the rate of each pair.

    And where the rate is, if a level is asked for.
    """
    order = np.lexsort((tails, heads))  # the place of a row may move the last digit of its log
    heads, tails = heads[order], tails[order]
    posterior, place = mixture.posterior(heads, tails), np.argsort(order)
    columns = [*posterior.T, posterior.argmax(axis=1), mixture.moments(posterior, heads, tails)[0]]
    if level is not None:
        columns += [*mixture.interval(heads, tails, level).T]
    return [column[place] for column in columns]


def join(frame, columns, pairs, names):
    """The frame with the new columns ``names`` of ``pairs``, which holds each of its keys once."""
    nw = narwhals()
    keys, keyed = columns.keys, columns.to_keys(frame)
    if isinstance(frame, nw.DataFrame):
        # The join of some libraries shuffles the rows, and loses the index of pandas.
        rows = keyed.select(*keys).with_row_index(PLACE)
        rows = rows.join(pairs, on=keys, how="left").sort(PLACE)
        return frame.with_columns(*(rows[name] for name in names))
    native = keyed.to_native()
    if frame.implementation.is_polars():
        pairs = pairs.to_native().lazy()
        joined = nw.from_native(native.join(pairs, on=keys, how="left", maintain_order="left"))
    else:
        pairs = _send(pairs, native, frame.implementation)
        joined = keyed.join(pairs, on=keys, how="left")
    return rename(joined, [*columns.names, *names])


def _send(pairs, native, engine):
    """The small table inside the engine that holds the large one."""
    nw = narwhals()
    if engine.is_duckdb():
        return nw.from_native(_send_to_duckdb(pairs, native))
    if engine.is_spark_like():
        table = pairs.lazy(engine, session=native.sparkSession).to_native()
        return nw.from_native(table.hint("broadcast"))
    return pairs.lazy(engine)


def _send_to_duckdb(pairs, native):
    """The small table as a relation on the connection of another one.

    A relation does not tell its connection and cannot be joined to one of another connection, but
    what is made of it stays there: of none of its rows, one that says nothing. A view would need a
    name, which may be the user's. Numbers go there as text, which is exact and works where a
    database is not allowed to look at Python's variables.
    """
    types = dict(zip(native.columns, native.types, strict=True)) | {"coin": "BIGINT"}

    def column(name):
        cells = ", ".join(map(str, pairs[name].to_list()))
        return f"unnest('[{cells}]'::{types.get(name, 'DOUBLE')}[]) AS {quote(name)}"

    one_row = native.limit(0).aggregate("count(*)")
    return one_row.project(", ".join(map(column, pairs.columns)))
