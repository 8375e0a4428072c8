"""Counting tosses where they lie: in data frames, databases and clusters.

A fit needs the table of distinct (heads, tails) pairs alone, a few thousand rows even of a billion.
The engine that holds the data makes it by one GROUP BY, and only that table moves. It takes
narwhals (``python -m pip install "skcoin[frames]"``) to speak to the engines; nothing of it is
imported before it is used.
"""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skcoin import _likelihood
from skcoin._columns import check_columns, refuse_clash
from skcoin._engines import collect, to_user, with_values, wrap
from skcoin._group_by import aggregate, count_pairs, read_pairs
from skcoin._join import join
from skcoin._validation import refuse_if_no_model

__all__ = ["count_tosses", "join_posterior"]


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
    frame = wrap(frame)
    return to_user(count_pairs(frame, heads, tails, tosses, weight, by), frame)


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
    frame = wrap(frame)
    columns = check_columns(frame, heads, tails, tosses)
    names = [*model.get_feature_names_out(), "coin", "rate"]
    refuse_clash(columns.schema, names)
    groups = collect(aggregate(frame, columns))
    values = _posterior(model, *read_pairs(groups, columns))
    pairs = with_values(groups.select(*columns.keys), dict(zip(names, values, strict=True)))
    return join(frame, pairs, columns.keys, names).to_native()


def _posterior(model, heads, tails):
    """The posterior probability of each coin, the most probable coin and the rate of each pair."""
    order = np.lexsort((tails, heads))  # the place of a row may move the last digit of its log
    posterior = _likelihood.posterior(model._coins(), heads[order], tails[order])
    place = np.argsort(order)
    coin, rate = posterior.argmax(axis=1), posterior @ model.theta_
    return [*posterior[place].T, coin[place], rate[place]]
