"""Thousands of small mixtures at once: groups of rows that share nothing but the model.

Each is fitted as ``fit`` would, but climbs go side by side, in arrays of starts.
"""

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.parallel import Parallel, delayed

from skcoin import frames
from skcoin._advice import most_tosses, n_unknown, warn_user
from skcoin._counts import HIDDEN, Counts
from skcoin._gradient import supremum
from skcoin._likelihood import concatenate, side_by_side
from skcoin._validation import refuse_if_impossible, refuse_if_no_model
from skcoin.exceptions import IdentifiabilityWarning

FLAGS = ("identifiable", "converged")
BATCH = 2**15  # numbers in an E-step; more no longer save calls, and leave the cache


def fit_groups(estimator, table, by, *, n_jobs=None):
    """Fit one mixture to each group of a table of counts, thousands of them at once.

    Each is what ``estimator.fit`` would find on the rows of its group; but the climbs go side by
    side in arrays, which takes a fraction of the time of a loop over small groups.

    Parameters
    ----------
    estimator : BinomialMixture or ThreeCoinModel
        Its parameters are those of all fits. It is neither changed nor fitted.
    table : data frame
        As from ``count_tosses(..., by=by)``, of any library: besides the columns of ``by``, it has
        ``heads``, ``tails`` and ``rows``, how often each pair counts. Pairs may come in any order,
        and more than once.
    by : str or list of str
        Names of the columns whose values tell the groups apart. A null is a group of its own.
    n_jobs : int, default=None
        Workers, as joblib counts them.

    Returns
    -------
    result : data frame
        A row for each group, sorted by ``by``, of the library that ``count_tosses`` would return,
        with

        - the columns of ``by``,
        - ``theta0``, ``theta1``, ... and ``weight0``, ``weight1``, ...: the coins, by falling
          theta unless start values give the order,
        - ``log_likelihood`` of all rows together, and ``bic``,
        - ``gap``: how much log-likelihood any other mixture could gain at most,
        - ``identifiable``, bool: whether some row has as many tosses as there are parameters to
          tell apart,
        - ``converged``, bool.

        The numbers of a group without a toss are NaN.

    Raises
    ------
    ImportError
        If narwhals is not installed.
    TypeError
        If ``table`` is no data frame, ``estimator`` no model of hidden coins, or a name no string.
    ValueError
        If a column does not exist or holds no numbers, if a count or weight is negative, null, NaN
        or infinite, or the parameters of ``estimator`` are not as for ``fit``.

    Warns
    -----
    UserWarning
        If groups hold no toss.
    ConvergenceWarning
        If fits did not converge.
    IdentifiabilityWarning
        If the rows of groups have too few tosses to tell the coins apart.

    See Also
    --------
    count_tosses : Makes the table, in one pass of the engine that holds the rows.
    skcoin.inspection.optimality_gap : The gap.

    Examples
    --------
    >>> import polars as pl
    >>> from skcoin import BinomialMixture, fit_groups
    >>> table = pl.DataFrame({
    ...     "gene": ["a"] * 3 + ["b"] * 3,
    ...     "heads": [1, 5, 9, 0, 2, 8],
    ...     "tails": [9, 5, 1, 10, 8, 2],
    ...     "rows": [20, 3, 10, 15, 15, 30],
    ... })
    >>> fits = fit_groups(BinomialMixture(2), table, by="gene")
    >>> fits.select("gene", pl.col("theta0", "theta1").round(3), "converged").rows()
    [('a', 0.821, 0.111, True), ('b', 0.8, 0.1, True)]
    """
    refuse_if_no_model(estimator, "estimator")
    estimator._validate_params()
    estimator._given()
    if not by:
        raise ValueError(f"by is {by!r}, but must name a column. For a single fit use fit.")
    frame = frames._wrap(table)
    table = frames._count(frame, "heads", "tails", None, "rows", by)
    keys = table.select(*([by] if isinstance(by, str) else by))
    first = frames._first_of_groups(keys)
    columns = (table[name].to_numpy().astype(float) for name in frames.RESULT)
    result = _fit_each(estimator, _split(*columns, first), n_jobs)
    groups = keys[first.tolist()]
    _warn_of_groups(result, groups.rows())
    return frames._to_user(frames._with_values(groups, result), frame)


def _split(heads, tails, rows, first):
    """The tables of the groups that begin at the places ``first`` of three columns."""
    ends = [*first[1:], len(rows)]
    coin = np.full(len(rows), HIDDEN)
    return [
        Counts(heads[i:j], tails[i:j], rows[i:j], coin[i:j])
        for i, j in zip(first, ends, strict=True)
    ]


def _fit_each(estimator, tables, n_jobs=None):
    """Fit an estimator to each of several tables, without changing it.

    Parameters
    ----------
    estimator : HiddenCoins
    tables : list of Counts
        Of hidden coins.
    n_jobs : int, default=None

    Returns
    -------
    columns : dict of ndarray of shape (n_tables,)
        ``theta0``, ..., ``weight0``, ..., ``log_likelihood``, ``bic``, ``gap``, ``identifiable``
        and ``converged``; NaN and False for a table without a toss.
    """
    given = estimator._given()
    tossed = [table.where(table.tosses > 0) for table in tables]
    # Tables of about the same length side by side, so that little is padded.
    order = sorted(
        (i for i, t in enumerate(tossed) if len(t.rows)), key=lambda i: len(tossed[i].rows)
    )
    fit = delayed(_fit_batch)
    parts = Parallel(n_jobs=n_jobs)(
        fit(estimator, given, [tossed[i] for i in batch])
        for batch in _batches(order, tossed, estimator._n_components)
    )
    columns = {}
    for name in _names(estimator._n_components):
        columns[name] = np.full(len(tables), False if name in FLAGS else np.nan)
        if parts:
            columns[name][order] = np.concatenate([part[name] for part in parts])
    return columns


def _warn_of_groups(columns, groups):
    """Say how many of the fits are not all they seem, with the first such group."""
    tossed = ~np.isnan(columns["bic"])
    for bad, said, category in (
        (~tossed, "hold no toss, and their results are NaN", UserWarning),
        (
            tossed & ~columns["identifiable"],
            "have too few tosses in every row to tell the coins apart; use fewer coins there, or "
            "hold some",
            IdentifiabilityWarning,
        ),
        (tossed & ~columns["converged"], "did not converge; raise max_iter", ConvergenceWarning),
    ):
        for first in np.flatnonzero(bad)[:1]:
            example = groups[first] if len(groups[first]) > 1 else groups[first][0]
            warn_user(
                f"{bad.sum():,} of {len(bad):,} groups {said}. The first is {example!r}.", category
            )


def _names(n_coins):
    coins = [f"{part}{k}" for part in ("theta", "weight") for k in range(n_coins)]
    return [*coins, "log_likelihood", "bic", "gap", *FLAGS]


def _batches(order, tables, n_coins):
    batch = []
    for i in order:
        if batch and (len(batch) + 1) * len(tables[i].rows) * n_coins > BATCH:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _fit_batch(estimator, given, tables):
    starts = estimator._starts(tables, given, estimator.random_state)
    for start, table in zip(starts, tables, strict=True):
        refuse_if_impossible(start, table, given.names)
    evidence = [estimator._evidence(table, given) for table in tables]
    best = estimator._ascend(starts, evidence, given, unlabelled=not given.orders_coins)
    coins = concatenate([climb.last for climb in best])
    return {
        **_coins(coins, given),
        **_criteria(estimator, given, coins, side_by_side(evidence, [1] * len(tables))),
        "identifiable": np.array([n_unknown(given, e) <= most_tosses(e) for e in evidence]),
        "converged": np.array([climb.ended and climb.obstacle is None for climb in best]),
    }


def _coins(coins, given):
    """Columns of thetas and weights, by falling theta unless start values give the order."""
    columns = {}
    order = np.argsort(-coins.theta, axis=1, kind="stable")
    for part, values in (("theta", coins.theta), ("weight", coins.weights)):
        if not given.orders_coins:
            values = np.take_along_axis(values, order, axis=1)
        columns |= {f"{part}{k}": column for k, column in enumerate(values.T)}
    return columns


def _criteria(estimator, given, coins, evidence):
    heads, tails, rows = evidence.heads, evidence.tails, evidence.rows
    n_rows = rows.sum(axis=1)
    log_likelihood = (rows * estimator._log_likelihood(coins, heads, tails)).sum(axis=1)
    _, highest, _, _ = supremum(coins, heads, tails, rows)
    return {
        "log_likelihood": log_likelihood,
        "bic": -2 * log_likelihood + given.n_parameters * np.log(n_rows),
        "gap": n_rows * np.maximum(highest - np.log(n_rows), 0),
    }
