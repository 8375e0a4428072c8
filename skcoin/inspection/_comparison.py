"""How many coins, and do they vary? A table of criteria, one row for each number and model."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone

from skcoin._base import count_rows, recipe_of, warn_of_layout
from skcoin._beta_binomial_mixture import BetaBinomialMixture
from skcoin._binomial_mixture import BinomialMixture
from skcoin._em.parameters import falling
from skcoin._em.redundancy import redundant_pairs
from skcoin._fit import fit_tables
from skcoin._mixture import Mixture
from skcoin._product_binomial_mixture import ProductBinomialMixture, is_singular
from skcoin._progress.printing import ClimbTeller, Teller, teller
from skcoin._validation import Column, check_number, refuse_if_no_toss
from skcoin.inspection._optimality_gap import gap_of, highest_of
from skcoin.inspection._tables import AsFrame, Result, frame_maker

Kind = BinomialMixture | BetaBinomialMixture | ProductBinomialMixture


def compare_n_components(
    X: ArrayLike,
    max_components: int = 6,
    *,
    sample_weight: Column = None,
    estimator: Kind | Sequence[Kind] | None = None,
    min_gain: float = 1e-3,
    verbose: int = 0,
    as_frame: AsFrame = False,
) -> Any:
    """Fit one coin, two coins and so on, and put their criteria side by side.

    The rows are counted once. The table ends early where the optimality gap shows that no
    further coin, nor any number of them, can gain.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Tosses in the layout of ``estimator``.
    max_components : int, default=6
        The largest number of coins, at least 1.
    sample_weight : array-like of shape (n_samples,), default=None
        How often each row counts.
    estimator : BinomialMixture, BetaBinomialMixture, ProductBinomialMixture or a list, default=None
        Its parameters are those of all fits, but for ``n_components``. It is not changed. By
        default ``BinomialMixture()``. Several, of one layout, are put into one table, one after
        the other.
    min_gain : float, default=1e-3
        The table of an estimator ends as soon as its fits prove that its last one has a gap below
        that, in total log-likelihood.
    verbose : int, default=0
        1 prints each row of the table, 2 also how long it took. The climbs of a fit are printed
        where the ``estimator`` has a ``verbose`` of its own.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has the columns below.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch` of ndarray of shape (n_rows,), or a data frame
        ``model`` : str
            Of several estimators: which one, with what it was given but for ``n_components``.
        ``n_components`` : int
            Number of coins.
        ``log_likelihood`` : float
            Of all rows together.
        ``n_parameters`` : int
            Free ones.
        ``aic``, ``bic``, ``icl`` : float
            Criteria, as the methods of the estimator give them; lower is better.
        ``gap`` : float
            How much log-likelihood any mixture at all can still gain, at most, whether its coins
            vary or not. NaN of a ProductBinomialMixture, whose table ends at ``max_components``:
            what bounds mixtures with one coin a row is not known of several.
        ``smallest_weight`` : float
            Of any coin.
        ``identifiable`` : bool
            Whether some row has as many tosses as there are parameters to tell apart, and no coin
            is there twice or without weight; see ``IdentifiabilityWarning``.
        ``converged`` : bool
            Whether the fit ended at a maximum.

    Raises
    ------
    TypeError
        If ``estimator`` is none of these, nor a list, or ``max_components`` no whole number.
    ValueError
        If ``estimator`` holds or starts coins, the number of which is to vary, is an empty list or
        one of several layouts or of one coin and several, or the data are not as in ``fit``.
    ImportError
        If the library of ``as_frame`` is missing.

    See Also
    --------
    likelihood_ratio_test : A test of one number of coins against another.
    optimality_gap : The gap of a single model.

    Notes
    -----
    What a fit would warn of is in the columns ``identifiable`` and ``converged``.

    The gap is that of :func:`optimality_gap`, for which the nonparametric optimum is found once.

    Examples
    --------
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import compare_n_components
    >>> table = compare_n_components(load_rat_tumours().data)
    >>> for row in zip(table.n_components, table.log_likelihood, table.bic, table.gap):
    ...     print("%d  %.2f  %.1f  %.2f" % row)
    1  -171.90  348.1  19.05
    2  -154.93  322.6  2.07
    3  -152.86  327.0  0.00

    Groups that vary around one rate do as well as two rates, with a parameter less:

    >>> from skcoin import BetaBinomialMixture, BinomialMixture
    >>> table = compare_n_components(
    ...     load_rat_tumours().data, 2, estimator=[BinomialMixture(), BetaBinomialMixture()]
    ... )
    >>> for row in zip(table.model, table.n_components, table.n_parameters, table.bic):
    ...     print("%-23s  %d  %d  %.1f" % row)
    BinomialMixture()        1  1  348.1
    BinomialMixture()        2  3  322.6
    BetaBinomialMixture()    1  2  321.7
    BetaBinomialMixture()    2  4  324.1
    """
    to_frame = frame_maker(as_frame)
    _refuse_model(X, "X")
    _refuse_model(max_components, "max_components")
    check_number(max_components, "max_components", Integral, min_val=1)
    check_number(min_gain, "min_gain", Real, min_val=0)
    firsts = _firsts(BinomialMixture() if estimator is None else estimator)
    needs_whole = [recipe_of(first).family.needs_whole for first in firsts]
    strictest = firsts[int(np.argmax(needs_whole))]  # of what rows may hold
    counts = count_rows(strictest, X, sample_weight, reset=True)
    refuse_if_no_toss(counts)
    warn_of_layout(strictest, counts)
    columns = {name: getattr(strictest, name) for name in ("n_features_in_", "_layout")}
    is_of_one = counts.heads.ndim == 1
    rows, highest = [], highest_of(counts.tossed) if is_of_one else np.nan
    tell = Teller(verbose)
    for first in firsts:
        named = {"model": _name_of(first)} if isinstance(estimator, list | tuple) else {}
        for n_components in range(1, max_components + 1):
            model = clone(first).set_params(n_components=n_components)
            vars(model).update(columns)
            rows.append(named | _row(model, counts, highest))
            tell(_line(model, rows[-1]))
            if rows[-1]["gap"] < min_gain:
                break
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Result(**table) if to_frame is None else to_frame(table)


def _row(model, counts, highest):
    recipe = recipe_of(model)
    report = teller(ClimbTeller, model.verbose, counts)
    [run] = fit_tables(recipe, [counts], random_state=model.random_state, report=report)
    n_parameters = recipe.specification.n_parameters
    last = run.last[0]
    parameters = last[falling(last.components[:, 0], recipe.specification.is_alike)]
    mixture = Mixture(recipe.family.exact, parameters, n_parameters, model.layout == "tosses")
    return {
        "n_components": model.n_components,
        "log_likelihood": float(mixture.total_log_likelihood(counts)),
        "n_parameters": n_parameters,
        "aic": mixture.aic(counts),
        "bic": mixture.bic(counts),
        "icl": mixture.icl(counts),
        "gap": np.nan if np.isnan(highest) else gap_of(mixture, counts.tossed, highest),
        "smallest_weight": float(mixture.weights.min()),
        "identifiable": recipe.family.is_identifiable(run.problem)
        and not redundant_pairs(run, recipe.tol)
        and not (recipe.family.n_axes == 2 and is_singular(run)),
        "converged": run.converged,
    }


def _line(model, row):
    """A row of the table as it is told."""
    told = [f"{type(model).__name__}(n_components={row['n_components']})"]
    told += [f"{name} {row[name]:.10g}" for name in ("log_likelihood", "bic", "gap")]
    return "  ".join(told)


def _refuse_model(value, name):
    """The rows come first here, and the model goes by its name."""
    if isinstance(value, BaseEstimator):
        raise TypeError(
            f"{name} is a {type(value).__name__}. Give the rows first and the model by name: "
            "compare_n_components(X, estimator=model)."
        )


def _firsts(estimator):
    """The estimators of the table, each of one coin."""
    several = isinstance(estimator, list | tuple)
    if several and not estimator:
        raise ValueError(
            "estimator is an empty list. Give at least one, such as BinomialMixture()."
        )
    estimators = estimator if several else [estimator]
    for i, one in enumerate(estimators):
        _check(one, f"estimator[{i}]" if several else "estimator")
    of_several = [isinstance(one, ProductBinomialMixture) for one in estimators]
    for i, one in enumerate(estimators):
        if of_several[i] != of_several[0]:
            raise ValueError(
                f"estimator[0] is a {type(estimators[0]).__name__} and estimator[{i}] a "
                f"{type(one).__name__}: one has several coins in each row, the other one, so that "
                "they do not read the same X."
            )
    layouts = [one.layout for one in estimators]
    for i, layout in enumerate(layouts):
        if layout != layouts[0]:
            raise ValueError(
                f"estimator[0] has layout={layouts[0]!r} and estimator[{i}] layout={layout!r}, but "
                "all read the same X."
            )
    return [clone(one).set_params(n_components=1) for one in estimators]


def _check(estimator, name):
    if not isinstance(estimator, Kind):
        kind = "class" if isinstance(estimator, type) else type(estimator).__name__
        raise TypeError(
            f"{name} must be a BinomialMixture, BetaBinomialMixture or ProductBinomialMixture, "
            f"such as BinomialMixture(), but is a {kind}."
        )
    for start in ("theta_init", "dispersion_init", "weights_init"):
        value = getattr(estimator, start, None)
        if value is not None and not isinstance(value, Real):  # one number is of any coin
            raise ValueError(
                f"{name} has {start}={value!r}, for one number of coins, but that number is to "
                f"vary. Leave {start} at None."
            )
    if not np.all(estimator.learn_theta):
        raise ValueError(
            f"{name} has learn_theta={estimator.learn_theta!r}, but thetas cannot be held while "
            "the number of coins is to vary. Use learn_theta=True."
        )
    learned = getattr(estimator, "learn_dispersion", True)
    if np.ndim(learned) and not np.all(learned):
        raise ValueError(
            f"{name} has learn_dispersion={learned!r}, for one number of coins, but that number is "
            "to vary. Use True or False."
        )


def _name_of(estimator):
    """What it is, and was given; the number of coins is in a column of its own."""
    default = type(estimator)().n_components
    return " ".join(repr(clone(estimator).set_params(n_components=default, verbose=0)).split())
