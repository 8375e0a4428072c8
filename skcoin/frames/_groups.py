"""Thousands of small mixtures at once: groups of rows that share nothing but the model.

Each is fitted as ``fit`` would, but climbs go side by side, in arrays of starts.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from skcoin._base import BaseMixture, recipe_of, refuse_if_no_model
from skcoin._counts import HIDDEN, Counts, without_traces
from skcoin._layouts import check_sets, refuse_sets
from skcoin._product_binomial_mixture import ProductBinomialMixture
from skcoin._validation import refuse_if_fractional
from skcoin._warnings import are_light, warn_user
from skcoin.exceptions import IdentifiabilityWarning
from skcoin.frames._columns import Names, check_columns, is_list
from skcoin.frames._engines import (
    first_of_groups,
    names_of,
    narwhals,
    rename,
    to_user,
    with_values,
    wrap,
)
from skcoin.frames._group_by import count_distinct, read_counted
from skcoin.frames._side_by_side import Request, fit_each


def fit_groups(
    estimator: BaseMixture,
    table: Any,
    by: Names,
    *,
    gap: bool | Literal["auto"] = "auto",
    n_jobs: int | None = None,
    verbose: int = 0,
    callbacks: Sequence[object] = (),
) -> Any:
    """Fit one mixture to each group of a table of counts, thousands of them at once.

    Each is what ``estimator.fit`` would find on the rows of its group; but the climbs go side by
    side in arrays, which takes a fraction of the time of a loop over small groups, and saves less
    with several coins in each row.

    Parameters
    ----------
    estimator : BinomialMixture, BetaBinomialMixture, ProductBinomialMixture or ThreeCoinModel
        Its parameters are those of all fits. It is neither changed nor fitted.
    table : data frame
        As from ``count_tosses(..., by=by)``, of any library: besides the columns of ``by``, it has
        ``heads``, ``tails`` and ``rows``, how often each pair counts. Pairs may come in any order,
        and more than once. For a ProductBinomialMixture, all columns but those of ``by`` and
        ``rows`` are of the coins, in the ``layout`` of the estimator.
    by : str or list of str
        Names of the columns whose values tell the groups apart. A null is a group of its own.
    gap : bool or "auto", default="auto"
        Whether to compute the column ``gap``, which takes about as long as the fits themselves.
        "auto" does so where rows have one coin; of several there is none.
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

        For a ProductBinomialMixture it has a row for each class of each group, sorted by group and
        class, with

        - the columns of ``by``, and ``class``, from 0 on by falling weight unless start values give
          the order,
        - ``theta_lung``, ..., of each coin, by the name of its column of heads or of single tosses;
          with a ``dispersion_type`` also ``dispersion_lung``, ...,
        - ``weight`` of the class,
        - ``log_likelihood``, ``bic``, ``identifiable`` and ``converged`` of the group, the same in
          all its rows. ``identifiable`` also says whether other classes near these are as likely.

        The numbers of a group without a toss are NaN.

    Raises
    ------
    ImportError
        If narwhals is not installed, or there are ``callbacks`` and the installed scikit-learn has
        none.
    TypeError
        If ``table`` is no data frame, ``estimator`` no model of hidden coins, a name no string, or
        ``gap`` no bool; or true for a ProductBinomialMixture, as there is no best of all mixtures
        to compare with.
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

    Two classes of two coins, one of which is not always tossed:

    >>> from skcoin import ProductBinomialMixture, count_tosses
    >>> reads = pl.DataFrame({
    ...     "tumour": ["a"] * 4 + ["b"] * 4,
    ...     "lung": [30, 28, 5, 29, 2, 40, 38, 41], "of_lung": [60, 62, 70, 58, 60, 80, 80, 78],
    ...     "liver": [2, 1, 20, None, 30, 4, 3, 5], "of_liver": [50, 49, 51, None, 60, 61, 60, 59],
    ... })
    >>> table = count_tosses(reads, ["lung", "liver"], tosses=["of_lung", "of_liver"], by="tumour")
    >>> fits = fit_groups(ProductBinomialMixture(2, layout="heads_tosses"), table, by="tumour")
    >>> fits.select("tumour", "class", pl.col("theta_lung", "theta_liver").round(2)).rows()
    [('a', 0, 0.48, 0.03), ('a', 1, 0.07, 0.39), ('b', 0, 0.5, 0.07), ('b', 1, 0.03, 0.5)]
    """
    refuse_if_no_model(estimator, "estimator")
    has_gap = _check_gap(gap, estimator)
    by = [by] if isinstance(by, str) else by
    if not is_list(by) or not by:
        raise ValueError(
            f"by is {by!r}, but must be the name of a column or a list of such. For a single fit "
            "use fit."
        )
    coins = []
    if isinstance(estimator, ProductBinomialMixture):
        frame = wrap(table)
        recipe, sides = _of_sets(estimator, frame, by)
        coins = sides[0] or sides[2]
    else:
        recipe, sides = _of_one_coin(estimator), ("heads", "tails", None)
        frame = wrap(table)
    in_order, seed = estimator.layout == "tosses", _repeatable(estimator.random_state)
    request = Request(recipe, coins, in_order, has_gap, seed)
    _refuse_result_names(by, ["class"] * bool(coins) + request.names)
    columns = check_columns(frame, *sides, weight="rows", by=by)
    table = count_distinct(frame, columns, keep_empty=True)
    keys = table.select(*columns.keys_of_groups)
    first = first_of_groups(keys)
    heads, tails, rows = read_counted(table, columns)
    refuse_if_fractional(recipe.family, heads, tails)
    if not coins:
        heads, tails = heads[0], tails[0]
    tables = _split(heads, tails, rows, first)
    result = fit_each(request, tables, n_jobs=n_jobs, verbose=verbose, callbacks=callbacks)
    _warn_of_groups(result, _are_light(tables, recipe), keys[first.tolist()].rows(), bool(coins))
    if coins:
        classes = np.arange(request.n_components)
        result = {"class": np.broadcast_to(classes, (len(first), len(classes))), **result}
    groups = rename(keys[first.repeat(request.rows_of_each).tolist()], by)
    result = {name: column.ravel() for name, column in result.items()}
    return to_user(with_values(narwhals().maybe_reset_index(groups), result), frame)


def _check_gap(gap, estimator):
    """Whether there is a gap: to the best of all mixtures of one coin a row."""
    is_of_one = not isinstance(estimator, ProductBinomialMixture)
    if isinstance(gap, str) and gap == "auto":
        return is_of_one
    check_scalar(gap, "gap", (bool, np.bool_))
    if gap:
        refuse_sets(
            estimator,
            "estimator",
            "the gap is to the best of all mixtures with one coin a row",
            "Leave gap out.",
        )
    return bool(gap)


def _of_one_coin(estimator):
    """The recipe for groups of rows with tosses of one coin."""
    recipe = recipe_of(estimator)
    if recipe.is_nonparametric:
        raise TypeError(
            f"estimator is a {type(estimator).__name__}, which finds as many coins as a group asks "
            "for, but the result has the same columns for all. Use a BinomialMixture."
        )
    return recipe


def _of_sets(estimator, frame, by):
    """The recipe for groups of rows with tosses of several coins, and the columns of these.

    They are all but those of ``by`` and the last, ``rows``, in the layout of the estimator.
    """
    names = [name for name in names_of(frame) if name not in (*by, "rows")]
    layout = estimator.layout
    if not names or (layout != "tosses" and len(names) % 2):
        needed = "one" if layout == "tosses" else "two, one pair after another,"
        raise ValueError(
            f"Besides by and rows the table has the columns {names}, but layout={layout!r} of "
            f"estimator needs {needed} for each coin. Select these, as count_tosses returns them."
        )
    twin = clone(estimator)  # which learns how many coins there are
    check_sets(twin, np.zeros((1, len(names))), reset=True)
    if layout == "tosses":
        sides = None, None, names
    elif layout == "heads_tosses":
        sides = names[::2], None, names[1::2]
    else:
        sides = names[::2], names[1::2], None
    return recipe_of(twin), sides


def _split(heads, tails, multiplicity, first):
    """The tables of the groups that begin at the places ``first`` of three columns."""
    heads, tails = without_traces(heads), without_traces(tails)
    ends = np.append(first, len(multiplicity))[1:]
    label = np.full(len(multiplicity), HIDDEN)
    return [
        Counts(heads[..., i:j], tails[..., i:j], multiplicity[i:j], label[i:j])
        for i, j in zip(first, ends, strict=True)
    ]


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


def _warn_of_groups(columns, light, groups, of_sets):
    """Say how many of the fits are not all they seem, with the first such group."""
    bic, identifiable, converged = (
        columns[name][:, 0] for name in ("bic", "identifiable", "converged")
    )
    tossed = ~np.isnan(bic)
    not_told = "have too few tosses in every row to tell the coins apart, or need fewer coins"
    if of_sets:
        not_told = "have other classes of the same likelihood, or need fewer classes"
    for bad, said, category in (
        (~tossed, "hold no toss, and their results are NaN", UserWarning),
        (
            light,
            "have next to no rows: the column rows says how often a row was seen, and bic is that "
            "of so few. Multiply shares by the number of rows that they are of",
            UserWarning,
        ),
        (
            tossed & ~identifiable,
            f"{not_told}; use fewer there, or hold some",
            IdentifiabilityWarning,
        ),
        (tossed & ~converged, "did not converge; raise max_iter", ConvergenceWarning),
    ):
        for first in np.flatnonzero(bad)[:1]:
            example = groups[first] if len(groups[first]) > 1 else groups[first][0]
            warn_user(
                f"{bad.sum():,} of {len(bad):,} groups {said}. The first is {example!r}.", category
            )


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
