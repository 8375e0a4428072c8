"""The table of distinct rows of a data frame."""

from typing import Any

from skcoin.frames._columns import Names, check_columns, warn_of_frame
from skcoin.frames._engines import to_user, wrap
from skcoin.frames._group_by import count_distinct, read_counted


def count_tosses(
    frame: Any,
    heads: Names | None = None,
    tails: Names | None = None,
    tosses: Names | None = None,
    weight: str | None = None,
    by: Names | None = None,
) -> Any:
    r"""Count the distinct (heads, tails) pairs of a data frame, inside the engine that holds it.

    A mixture that is fitted on this table is, to the last digit, the one that is fitted on all
    rows. The table has a few thousand rows where the frame has a billion, and it is the only thing
    that leaves the engine.

    Lists of names are of rows with tosses of several coins, for ``ProductBinomialMixture``: what is
    distinct are then the rows of all these columns.

    Parameters
    ----------
    frame : data frame, lazy frame, relation or table
        Of pandas, Polars (eager or lazy), PyArrow, DuckDB, Dask, PySpark, Ibis or another library
        that narwhals knows. What is lazy stays lazy until the small table is collected.
    heads : str or list of str, default=None
        Name of the column of heads: counts, at least 0, at most 2**53, also fractional ones. With
        several coins in a row, a name for each. Not needed for single tosses.
    tails : str or list of str, default=None
        Name of the column of tails, counts as well; a list if ``heads`` is one, in the same order.
    tosses : str or list of str, default=None
        Name of the column of all tosses, at least the heads; in place of ``tails``. Without
        ``heads``, a list of columns that hold single tosses, one of each coin: 1 or true is heads,
        0 or false tails, null or NaN not tossed.
    weight : str, default=None
        Name of the column that says how often each row counts: finite and at least 0.
    by : str or list of str, default=None
        Names of columns whose groups are counted apart from each other.

    Returns
    -------
    table : data frame
        One row for each distinct pair, sorted by ``by``, heads and tails. Its columns:

        - those of ``by``, if any; a null is a group of its own, the last. Categories come in their
          order if the engine says that they have one, else in that of their names,
        - ``heads`` and ``tails``, int64 where both columns hold whole numbers by their type, else
          float64. Of several coins, the columns keep their names and their meaning: heads and tails
          of the first, of the second, and so on, which is ``layout="heads_tails"`` of the fit;
          heads and tosses, ``layout="heads_tosses"``; or single tosses, float64 with NaN where
          they are missing, ``layout="tosses"``,
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
        ``tails`` and ``tosses`` is given, lists are of unlike lengths, or ``by`` or a coin has the
        name of a column of the result: all this before the engine starts. If a cell of heads, tails
        or tosses is null, NaN, infinite, negative or above 2**53, if a single toss is neither 1 nor
        0, if there are more heads than tosses, if a weight is null, NaN, infinite or negative, or
        if whole-number weights sum to more than 2**53: the engine finds this while it counts, and
        the message says how many rows are concerned, with an example and a remedy. Of several
        coins, one that has null in both its columns was not tossed, and counts as 0 of 0.

    Warns
    -----
    UserWarning
        If names or counts tell that columns are not what they are given as.

    See Also
    --------
    join_posterior : Put what a fitted model knows of each row beside it.
    BinomialMixture.fit : Counts arrays by itself.

    Notes
    -----
    With ``m(h, t)`` the number of rows of ``h`` heads and ``t`` tails, or the sum of their weights,
    the log-likelihood of a mixture is

    .. math::

        \sum_i \log P(h_i, t_i) = \sum_{h,\, t} m(h, t) \log P(h, t) .

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

    Reads of variants in two samples, of which the second is missing now and then:

    >>> from skcoin import ProductBinomialMixture
    >>> reads = pl.DataFrame({
    ...     "lung": [30, 5, 29, 30, 4], "of_lung": [60, 70, 62, 60, 58],
    ...     "liver": [2, None, 1, 2, 24], "of_liver": [50, None, 48, 50, 49],
    ... })
    >>> table = count_tosses(reads, heads=["lung", "liver"], tosses=["of_lung", "of_liver"])
    >>> table.rows()
    [(4, 58, 24, 49, 1), (5, 70, 0, 0, 1), (29, 62, 1, 48, 1), (30, 60, 2, 50, 2)]
    >>> model = ProductBinomialMixture(layout="heads_tosses")
    >>> model = model.fit(table.drop("rows"), sample_weight=table["rows"])
    >>> model.theta_.round(3)
    array([[0.489, 0.034],
           [0.07 , 0.49 ]])
    """
    frame = wrap(frame)
    columns = check_columns(frame, heads, tails, tosses, weight, by)
    table = count_distinct(frame, columns)
    warn_of_frame(columns, *read_counted(table, columns))
    return to_user(columns.to_names(table), frame)
