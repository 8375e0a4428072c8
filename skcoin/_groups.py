"""Thousands of small mixtures at once: groups of rows that share nothing but the model.

Each is fitted as ``fit`` would, but climbs go side by side, in arrays of starts.
"""

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils.parallel import Parallel, delayed

from skcoin._gradient import supremum
from skcoin._likelihood import side_by_side, stack
from skcoin._validation import refuse_if_impossible

BATCH = 2**15  # numbers in an E-step; more no longer save calls, and leave the cache


def fit_each(estimator, tables, n_jobs=None):
    """Fit an estimator to each of several tables, without changing it.

    Parameters
    ----------
    estimator : HiddenCoins
    tables : list of Counts
        Of hidden coins, with at least one row, and a toss in each.
    n_jobs : int, default=None

    Returns
    -------
    result : Bunch of ndarray, one entry for each table
        ``theta`` and ``weights`` of shape (n_tables, n_coins), ``log_likelihood``, ``bic``,
        ``gap``, ``converged`` and ``n_iter``.
    """
    # Tables of about the same length side by side, so that little is padded.
    order = sorted(range(len(tables)), key=lambda i: len(tables[i].rows))
    batches = list(_batches(order, tables, estimator._n_components))
    fit = delayed(_fit_batch)
    parts = Parallel(n_jobs=n_jobs)(fit(estimator, [tables[i] for i in batch]) for batch in batches)
    place = np.argsort(order)
    return Bunch(
        **{name: np.concatenate([part[name] for part in parts])[place] for name in parts[0]}
    )


def _batches(order, tables, n_coins):
    batch = []
    for i in order:
        if batch and (len(batch) + 1) * len(tables[i].rows) * n_coins > BATCH:
            yield batch
            batch = []
        batch.append(i)
    yield batch


def _fit_batch(estimator, tables):
    given = estimator._given()
    starts = estimator._starts(tables, given, estimator.random_state)
    for start, table in zip(starts, tables, strict=True):
        refuse_if_impossible(start, table, given.names)
    evidence = [estimator._evidence(table, given) for table in tables]
    unlabelled = not given.orders_coins
    best = estimator._ascend(starts, evidence, given, unlabelled)
    coins = stack([climb.last[0] for climb in best])
    return {
        **_coins_in_order(coins, unlabelled),
        **_criteria(estimator, given, coins, side_by_side(evidence, [1] * len(tables))),
        "converged": np.array([climb.ended and climb.obstacle is None for climb in best]),
        "n_iter": np.array([climb.n_iter for climb in best]),
    }


def _coins_in_order(coins, unlabelled):
    theta, weights = coins.theta, coins.weights
    if unlabelled:
        falling = np.argsort(-theta, axis=1, kind="stable")
        theta, weights = (np.take_along_axis(x, falling, axis=1) for x in (theta, weights))
    return {"theta": theta, "weights": weights}


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
