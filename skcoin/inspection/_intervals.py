"""Confidence intervals, by three methods."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from scipy.stats import chi2, norm

from skcoin._base import BaseMixture
from skcoin._em.parameters import Parameters
from skcoin._layouts import coin_names
from skcoin._progress.printing import Teller
from skcoin._validation import Column, Seed, check_level
from skcoin._warnings import warn_of
from skcoin.inspection._bootstrap import replicates_of
from skcoin.inspection._inspected import check_fitted, check_parametric
from skcoin.inspection._profile import profile_interval
from skcoin.inspection._standard_errors import advice_if_below, errors_of, gain_of
from skcoin.inspection._tables import (
    AsFrame,
    Result,
    by_component,
    ends,
    frame_maker,
)

METHODS = ("wald", "profile", "bootstrap")


def confidence_intervals(
    model: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    coins: Column = None,
    level: float = 0.95,
    method: Literal["wald", "profile", "bootstrap"] = "wald",
    n_boot: int = 1000,
    parametric: bool = True,
    random_state: Seed = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    callbacks: Sequence[object] = (),
    as_frame: AsFrame = False,
) -> Any:
    """Confidence intervals of the coins.

    Three methods, from the quickest to the most expensive:

    - "wald": ``logit p +- z se / (p (1 - p))``, from the standard errors. It stays inside (0, 1)
      and is good where coins are well apart and seen often. It has nothing to say of a theta or a
      dispersion at 0 or 1.
    - "profile": the values ``v`` with ``2 (l_max - l_p(v)) <= chi2``, where ``l_p(v)`` is the
      log-likelihood at its local maximum over coins whose ``p`` is ``v``, as it is followed from
      the fit outwards [1]_. It needs no symmetry and takes in 0 and 1 where the data allow them.
    - "bootstrap": percentiles of what refits to simulated rows estimate [2]_.

    Parameters
    ----------
    model : BinomialMixture, BetaBinomialMixture or ThreeCoinModel
        Fitted.
    X : array-like of shape (n_samples, n_features)
        The rows of the fit.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of the fit: how often each row counts.
    coins : array-like of shape (n_samples,), default=None
        The known coins of the fit, -1 where hidden.
    level : float, default=0.95
        How often an interval shall hold the truth, in (0, 1).
    method : {"wald", "profile", "bootstrap"}, default="wald"
        See above.
    n_boot : int, default=1000
        Number of refits; only for "bootstrap", as are the parameters below.
    parametric : bool, default=True
        As in ``bootstrap``.
    random_state : int, RandomState instance or None, default=None
        As in ``bootstrap``.
    n_jobs : int, default=None
        As in ``bootstrap``.
    verbose : int, default=0
        With "bootstrap" as there; with "profile" 1 prints each interval and 2 how long it took.
    callbacks : sequence, default=()
        As in ``bootstrap``.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has a row for each coin, with ``theta``, ``theta_low``, ``theta_high`` and so
        on; of a ProductBinomialMixture for each class and coin, by the names of the columns of
        heads.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`, or a data frame
        ``theta`` : ndarray of shape (n_components, 2)
            Lower and upper end for the probability of heads of each coin, in [0, 1]. NaN if it is
            held, and with "wald" also if it is 0 or 1.
        ``dispersion`` : ndarray of shape (n_components, 2)
            Of a BetaBinomialMixture: the same for the dispersions. With "profile", those that the
            data allow to be 0 have intervals from 0 on, and those of no effect all of [0, 1].
        ``weights`` : ndarray of shape (n_components, 2)
            The same for the mixing proportions.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If ``level`` or ``method`` is not as above, or the data are not as in ``fit``.
    ImportError
        If the library of ``as_frame`` is missing, or there are ``callbacks`` and the installed
        scikit-learn has none.

    See Also
    --------
    standard_errors : What "wald" is made of, and the warnings that come with it.

    Notes
    -----
    Which to trust, with measured coverage, is in ``docs/benchmarks/coverage.md``. After a fit with
    priors the log posterior takes the place of the log-likelihood. "profile" ends where following
    the fit has lost too much, though beyond, other coins could take over each other's roles and
    lose less.

    References
    ----------
    .. [1] Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing
       profile-likelihood-based confidence intervals. Applied Statistics, 37(1), 87-94.
    .. [2] Efron, B. and Tibshirani, R. J. (1993). An introduction to the bootstrap, chapter 13.
       Chapman and Hall.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import confidence_intervals
    >>> X = load_rat_tumours().data
    >>> coins = BinomialMixture(2).fit(X)
    >>> confidence_intervals(coins, X).theta.round(3)
    array([[0.171, 0.254],
           [0.022, 0.111]])
    >>> confidence_intervals(coins, X, method="profile").theta.round(3)
    array([[0.169, 0.251],
           [0.   , 0.088]])
    """
    to_frame = frame_maker(as_frame)
    check_level(level)
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, but must be one of {', '.join(METHODS)}.")
    check_parametric(model)
    fitted = check_fitted(model, X, sample_weight, coins)
    options = {"random_state": random_state, "n_jobs": n_jobs}
    options |= {"verbose": verbose, "callbacks": callbacks}
    if method == "bootstrap":
        replicates = replicates_of(fitted, n_boot, parametric=parametric, **options)
        intervals, advice = _percentile(replicates, fitted, level), []
    elif method == "wald":
        errors, advice = errors_of(fitted)
        intervals = wald(fitted.mixture, errors, level)
    else:
        intervals, advice = profile(fitted, level, Teller(verbose))
    warn_of(advice)
    if to_frame is None:
        return intervals
    estimates = fitted.mixture.by_name
    parts = {"estimate": estimates, **ends(intervals, estimates)}
    return to_frame(by_component(coin_names(model), **parts))


def wald(mixture, errors, level):
    """Intervals from standard errors, symmetric in the logit."""
    z = norm.isf((1 - level) / 2)

    def interval(p, error):
        with np.errstate(divide="ignore", invalid="ignore"):
            half = z * error / (p * (1 - p))
            return expit(np.stack([logit(p) - half, logit(p) + half], axis=-1))

    return Result(**{name: interval(p, errors[name]) for name, p in mixture.by_name.items()})


def profile(fitted, level, tell=lambda text: None):  # noqa: ARG005
    """Intervals from the profile likelihood, and what there is to warn of."""
    gain, drop = gain_of(fitted), 0.5 * chi2.ppf(level, df=1)

    def interval(p, k):
        if np.isinf(gain):  # the model takes some rows for impossible
            return np.nan
        low, high = profile_interval(p, k, fitted.parameters, fitted.problem, drop)
        tell(
            f"{_name_of(fitted.mixture.family.names, p)} of component {k}: {low:.6g} to {high:.6g}"
        )
        return low, high

    return _each_learned(fitted, interval), advice_if_below(gain)


def _name_of(names, p):
    """Of a parameter; of one for each coin in a row, with the number of the coin."""
    if p is None:
        return "weight"
    return names[p] if names.count(names[p]) == 1 else f"{names[p]}[{p - names.index(names[p])}]"


def _percentile(replicates, fitted, level):
    beyond, names = ((1 - level) / 2, (1 + level) / 2), fitted.mixture.family.names

    def interval(p, k):
        values = replicates["weights" if p is None else names[p]][:, k]
        return np.quantile(
            values if values.ndim == 1 else values[:, p - names.index(names[p])], beyond
        )

    return _each_learned(fitted, interval)


def _each_learned(fitted, interval):
    """The interval of each parameter and weight, NaN for those that are held.

    ``interval`` takes which parameter of the family, None for the weight, and which component.
    """
    specification, n_coins = fitted.specification, fitted.specification.n_components
    components = np.full((2, *specification.free.shape), np.nan)
    weights = np.full((2, n_coins), np.nan)
    for p, learned in enumerate(specification.free.T):
        if specification.tied[p] and learned.any():
            components[..., p].T[:] = interval(p, 0)
            continue
        for k in np.flatnonzero(learned):
            components[:, k, p] = interval(p, k)
    if specification.free_weights and n_coins > 1:
        for k in range(n_coins):
            weights[:, k] = interval(None, k)
    pairs = replace(fitted.mixture, parameters=Parameters(weights, components)).by_name
    return Result(**{name: np.stack([*pair], axis=-1) for name, pair in pairs.items()})
