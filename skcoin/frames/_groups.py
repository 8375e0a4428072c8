"""Thousands of small mixtures at once: groups of rows that share nothing but the model.

Each is fitted as ``fit`` would, but climbs go side by side, in arrays of starts.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from joblib import delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from skcoin._base import BaseMixture, recipe_of, refuse_if_no_model
from skcoin._counts import HIDDEN, Counts, without_traces
from skcoin._em.parameters import concatenate, falling
from skcoin._em.problem import pad
from skcoin._em.redundancy import redundant_pairs
from skcoin._families import BINOMIAL
from skcoin._families.nonparametric import ceiling
from skcoin._fit import fit_tables
from skcoin._layouts import refuse_sets
from skcoin._mixture import Mixture
from skcoin._progress.workers import share_out
from skcoin._validation import refuse_if_fractional
from skcoin._warnings import are_light, warn_user
from skcoin.exceptions import IdentifiabilityWarning
from skcoin.frames._columns import RESULT
from skcoin.frames._engines import first_of_groups, narwhals, to_user, with_values, wrap
from skcoin.frames._group_by import count_pairs

FLAGS = ("identifiable", "converged")
BATCH = 2**15  # numbers in an E-step; more no longer save calls, and leave the cache


def fit_groups(
    estimator: BaseMixture,
    table: Any,
    by: str | list[str] | tuple[str, ...],
    *,
    gap: bool = True,
    n_jobs: int | None = None,
    verbose: int = 0,
    callbacks: Sequence[object] = (),
) -> Any:
    """Fit one mixture to each group of a table of counts, thousands of them at once.

    Each is what ``estimator.fit`` would find on the rows of its group; but the climbs go side by
    side in arrays, which takes a fraction of the time of a loop over small groups.

    Parameters
    ----------
    estimator : BinomialMixture, BetaBinomialMixture or ThreeCoinModel
        Its parameters are those of all fits. It is neither changed nor fitted.
    table : data frame
        As from ``count_tosses(..., by=by)``, of any library: besides the columns of ``by``, it has
        ``heads``, ``tails`` and ``rows``, how often each pair counts. Pairs may come in any order,
        and more than once.
    by : str or list of str
        Names of the columns whose values tell the groups apart. A null is a group of its own.
    gap : bool, default=True
        Whether to compute the column ``gap``, which takes about as long as the fits themselves.
    n_jobs : int, default=None
        Workers, as joblib counts them.
    verbose : int, default=0
        Of joblib, whose tasks are batches of groups; 0 is silent, whatever that of ``estimator``.
    callbacks : sequence, default=()
        Callbacks of scikit-learn 1.9 or newer, such as ``sklearn.callback.ProgressBar()``, which
        are told of each batch.

    Returns
    -------
    result : data frame
        A row for each group, sorted by ``by``, of the library that ``count_tosses`` would return,
        with

        - the columns of ``by``,
        - ``theta0``, ``theta1``, ... and ``weight0``, ``weight1``, ...: the coins, by falling
          theta unless start values give the order; with a BetaBinomialMixture also
          ``dispersion0``, ... between them,
        - ``log_likelihood`` of all rows together, and ``bic``,
        - ``gap``, if asked for: how much log-likelihood any other mixture could gain at most,
        - ``identifiable``, bool: whether some row has as many tosses as there are parameters to
          tell apart, and no coin is there twice or without weight,
        - ``converged``, bool.

        The numbers of a group without a toss are NaN.

    Raises
    ------
    ImportError
        If narwhals is not installed, or there are ``callbacks`` and the installed scikit-learn has
        none.
    TypeError
        If ``table`` is no data frame, ``estimator`` no model of hidden coins, a name no string, or
        ``gap`` no bool.
    ValueError
        If a column does not exist or holds no numbers, if a count or weight is negative, null, NaN
        or infinite, or a count not whole where ``estimator`` asks for that, or the parameters of
        ``estimator`` are not as for ``fit``.

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
    refuse_sets(
        estimator,
        "estimator",
        "fit_groups reads heads of one coin a row",
        "Fit it to the rows of each group.",
    )
    check_scalar(gap, "gap", (bool, np.bool_))
    recipe = recipe_of(estimator)
    if recipe.is_nonparametric:
        raise TypeError(
            f"estimator is a {type(estimator).__name__}, which finds as many coins as a group asks "
            "for, but the result has the same columns for all. Use a BinomialMixture."
        )
    by = [by] if isinstance(by, str) else by
    if not isinstance(by, list | tuple) or not by:
        raise ValueError(
            f"by is {by!r}, but must be the name of a column or a list of such. For a single fit "
            "use fit."
        )
    _refuse_result_names(by, _names(recipe, gap))
    frame = wrap(table)
    table = count_pairs(frame, "heads", "tails", None, "rows", by, keep_empty=True)
    keys = table.drop(*RESULT)
    first = first_of_groups(keys)
    columns = (table[name].to_numpy().astype(float) for name in RESULT)
    heads, tails, rows = columns
    refuse_if_fractional(recipe.family, heads, tails)
    in_order = estimator.layout == "tosses"
    random_state = _repeatable(estimator.random_state)
    tables = _split(heads, tails, rows, first)
    options = {"n_jobs": n_jobs, "verbose": verbose, "callbacks": callbacks}
    result = _fit_each(recipe, tables, in_order, random_state, gap, **options)
    groups = narwhals().maybe_reset_index(keys[first.tolist()])
    _warn_of_groups(result, _are_light(tables, recipe), groups.rows())
    return to_user(with_values(groups, result), frame)


def _split(heads, tails, multiplicity, first):
    """The tables of the groups that begin at the places ``first`` of three columns."""
    heads, tails = without_traces(heads), without_traces(tails)
    ends = np.append(first, len(heads))[1:]
    label = np.full(len(heads), HIDDEN)
    return [
        Counts(heads[i:j], tails[i:j], multiplicity[i:j], label[i:j])
        for i, j in zip(first, ends, strict=True)
    ]


def _fit_each(recipe, tables, in_order, random_state, gap=True, **options):
    """Fit a mixture to each of several tables.

    Parameters
    ----------
    recipe : Recipe
    tables : list of Counts
        Of hidden coins.
    in_order : bool
        Whether the order of tosses is data.
    random_state : int or None
    gap : bool, default=True
    **options
        Of ``share_out``.

    Returns
    -------
    columns : dict of ndarray of shape (n_tables,)
        ``theta0``, ..., and so for the family's other names, ``weight0``, ..., ``log_likelihood``,
        ``bic``, ``gap``, ``identifiable`` and ``converged``; NaN and False for a table without a
        toss.
    """
    tossed = [table.keep((table.tosses > 0) & (table.multiplicity > 0)) for table in tables]
    # Tables about as long side by side, so that little is padded.
    order = [i for i, table in enumerate(tossed) if len(table.heads)]
    order.sort(key=lambda i: len(tossed[i].heads))
    size = [len(table.heads) * recipe.specification.n_components for table in tossed]
    fit, batches = delayed(_fit_batch), [*_batches(order, size)]
    calls = (
        fit(recipe, [tossed[i] for i in batch], in_order, random_state, gap) for batch in batches
    )
    parts = share_out(calls, len(batches), name="fit_groups", **options)
    columns = {}
    for name in _names(recipe, gap):
        columns[name] = np.full(len(tables), False if name in FLAGS else np.nan)
        if parts:
            columns[name][order] = np.concatenate([part[name] for part in parts])
    return columns


def _are_light(tables, recipe):
    """Which groups have shares for rows, and not how often these were seen."""
    n_parameters = recipe.specification.n_parameters
    tossed = [table.tossed for table in tables]
    return np.array(
        [
            table.n_rows > 0 and are_light(table.multiplicity, table.n_rows, n_parameters)[0]
            for table in tossed
        ]
    )


def _warn_of_groups(columns, light, groups):
    """Say how many of the fits are not all they seem, with the first such group."""
    tossed = ~np.isnan(columns["bic"])
    for bad, said, category in (
        (~tossed, "hold no toss, and their results are NaN", UserWarning),
        (
            light,
            "have next to no rows: the column rows says how often a pair was seen, and bic is that "
            "of so few. Multiply shares by the number of rows that they are of",
            UserWarning,
        ),
        (
            tossed & ~columns["identifiable"],
            "have too few tosses in every row to tell the coins apart, or need fewer coins; use "
            "fewer there, or hold some",
            IdentifiabilityWarning,
        ),
        (tossed & ~columns["converged"], "did not converge; raise max_iter", ConvergenceWarning),
    ):
        for first in np.flatnonzero(bad)[:1]:
            example = groups[first] if len(groups[first]) > 1 else groups[first][0]
            warn_user(
                f"{bad.sum():,} of {len(bad):,} groups {said}. The first is {example!r}.", category
            )


def _names(recipe, gap):
    n_coins = recipe.specification.n_components
    coins = [f"{part}{k}" for part in (*recipe.family.names, "weight") for k in range(n_coins)]
    return [*coins, "log_likelihood", "bic", *["gap"] * gap, *FLAGS]


def _batches(order, size):
    """Consecutive groups of ``order`` that are small enough together."""
    batch, largest = [], 0
    for i in order:
        largest = max(largest, size[i])
        if batch and (len(batch) + 1) * largest > BATCH:
            yield batch
            batch, largest = [], size[i]
        batch.append(i)
    if batch:
        yield batch


def _repeatable(random_state):
    """A seed in place of a generator, which workers would share and use up."""
    if isinstance(random_state, np.random.RandomState):
        return deepcopy(random_state).randint(2**31 - 1)
    return random_state


def _refuse_result_names(by, names):
    taken = {name.casefold() for name in names}
    for name in by:
        if isinstance(name, str) and name.casefold() in taken:
            raise ValueError(
                f"by={name!r} is a name that the result uses itself; it has the columns {names}. "
                "Rename the column of the table first."
            )


def _fit_batch(recipe, tables, in_order, random_state, gap):
    specification = recipe.specification
    runs = fit_tables(recipe, tables, random_state=random_state)
    parameters = concatenate([run.last for run in runs])
    mixture = Mixture(recipe.family.exact, parameters, specification.n_parameters, in_order)
    order = falling(parameters, specification.is_alike)
    columns = {}
    for part, values in mixture.by_name.items():
        values = np.take_along_axis(values, order, axis=1)
        name = "weight" if part == "weights" else part
        columns |= {f"{name}{k}": column for k, column in enumerate(values.T)}
    identifiable = [
        recipe.family.is_identifiable(run.problem) and not redundant_pairs(run, recipe.tol)
        for run in runs
    ]
    columns |= {
        **_criteria(mixture, tables, gap),
        "identifiable": np.array(identifiable),
        "converged": np.array([run.converged for run in runs]),
    }
    return [columns]


def _criteria(mixture, tables, gap):
    """Log-likelihood, BIC and gap of each table, under a mixture of its own."""
    heads, tails, multiplicity = (
        pad([getattr(table, name) for table in tables])
        for name in ("heads", "tails", "multiplicity")
    )
    n_rows = multiplicity.sum(axis=1)
    log_likelihood = (multiplicity * mixture.log_likelihood(heads, tails)).sum(axis=1)
    columns = {
        "log_likelihood": log_likelihood,
        "bic": -2 * log_likelihood + mixture.n_parameters * np.log(n_rows),
    }
    if gap:
        log_density = mixture.log_density_as(BINOMIAL, heads, tails)
        height = (multiplicity * log_density).sum(axis=1)
        highest = [ceiling(table.heads, table.tails, table.multiplicity) for table in tables]
        columns["gap"] = np.maximum(highest - height, 0.0)
    return columns
