"""Standard errors from the observed information."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from skcoin._base import BaseMixture
from skcoin._em.e_step import e_step
from skcoin._em.parameters import Parameters
from skcoin._em.quadratic import as_coordinates, is_logit, quadratic_at, to_bound
from skcoin._layouts import coin_names
from skcoin._validation import Column
from skcoin._warnings import warn_of
from skcoin.exceptions import IdentifiabilityWarning
from skcoin.inspection._inspected import check_fitted, check_parametric
from skcoin.inspection._tables import AsFrame, Result, by_component, frame_maker

LEAST_EIGENVALUE = 1e-10  # relative to complete data; below, rounding has eaten the digits
MOST_GAIN = 0.01  # in log-likelihood; with more left, a seventh of a standard error from the top


def standard_errors(
    model: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    coins: Column = None,
    as_frame: AsFrame = False,
) -> Any:
    r"""Standard errors of the coins, from the observed information.

    They tell how far the estimates may be from the truth: the inverse of the curvature of the
    log-likelihood at its maximum estimates the covariance of the estimates. With complete data,
    where it is known which coin was tossed, the information of ``(log w, logit theta)`` would be
    ``D``; as the coins are hidden, ``M``, the posterior covariance of the score ``s``, is missing
    [1]_:

    .. math::

        I = D - M, \quad M = \sum_i m_i \operatorname{Cov}(s \mid x_i), \quad C = J I^{-1} J^T

    with ``C`` the covariance and ``J`` the derivatives of ``(theta, w)``. Weights sum to one, which
    ``J`` sees to. The dispersion of coins that vary is a coordinate as it is, between the others.

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
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has a row for each coin, with ``theta``, ``theta_error`` and so on; of a
        ProductBinomialMixture for each class and coin, by the names of the columns of heads.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`, or a data frame
        ``theta`` : ndarray of shape (n_components,)
            Standard error of the probability of heads of each coin. NaN if it is held or, at 0
            or 1, has none.
        ``dispersion`` : ndarray of shape (n_components,)
            Of a BetaBinomialMixture: standard error of each dispersion; of one that is tied, the
            same for all. NaN if it is held, at 0 or 1, or without effect as the theta is 0 or 1.
        ``weights`` : ndarray of shape (n_components,)
            Standard error of each mixing proportion. NaN if they are held, or for a weight of 0.
        ``covariance`` : ndarray of shape (n, n)
            Of all of them one after the other, in this order; NaN in the rows and columns of what
            has no standard error.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If X, ``sample_weight`` or ``coins`` is not as in ``fit``, or X holds no toss.
    ImportError
        If the library of ``as_frame`` is missing.

    Warns
    -----
    IdentifiabilityWarning
        If the information is singular: all results are NaN.
    ConvergenceWarning
        If the information is indefinite, as on a saddle: all results are NaN. Also if the model is
        not at a maximum for these rows; the results are then those of the curvature where it is.

    See Also
    --------
    confidence_intervals : Intervals, which need not be symmetric.
    bootstrap : The distribution of the estimates by simulation.

    Notes
    -----
    What is held, or stands at 0 or 1, is taken as known: the other standard errors are conditional
    on it. Criteria such as BIC go on counting what was learned, wherever it ended. Priors count as
    the tosses that they stand for, so that after a MAP fit this is the curvature of the log
    posterior.

    References
    ----------
    .. [1] Louis, T. A. (1982). Finding the observed information matrix when using the EM
       algorithm. Journal of the Royal Statistical Society, Series B, 44(2), 226-233.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import standard_errors
    >>> X = load_rat_tumours().data
    >>> coins = BinomialMixture(2).fit(X)
    >>> coins.theta_.round(3), coins.weights_.round(3)
    (array([0.21, 0.05]), array([0.585, 0.415]))
    >>> errors = standard_errors(coins, X)
    >>> errors.theta.round(3), errors.weights.round(3)
    (array([0.021, 0.021]), array([0.124, 0.124]))
    """
    to_frame = frame_maker(as_frame)
    check_parametric(model)
    fitted = check_fitted(model, X, sample_weight, coins)
    errors, advice = errors_of(fitted)
    warn_of(advice)
    if to_frame is None:
        return errors
    return to_frame(by_component(coin_names(model), estimate=fitted.mixture.by_name, error=errors))


def errors_of(fitted):
    """The standard errors of a model that has been checked, and what there is to warn of."""
    covariance, advice = _covariance(fitted)
    *of_components, of_weights = np.sqrt(np.diagonal(covariance)).reshape(
        -1, fitted.specification.n_components
    )
    errors = Parameters(of_weights, np.stack(of_components, axis=-1))
    by_name = replace(fitted.mixture, parameters=errors).by_name
    return Result(**by_name, covariance=covariance), advice


def gain_of(fitted):
    """How much log-likelihood a step could still gain; infinite where a row is impossible."""
    return _information(fitted)[2]


def advice_if_below(gain):
    """What to warn of where a model is not at a maximum: a list of messages and categories."""
    if gain <= MOST_GAIN:
        return []
    how_far = (
        f"which a step could raise by {gain:.3g} in log-likelihood"
        if np.isfinite(gain)
        else "some of which it takes for impossible"
    )
    message = (
        f"The model is not at a maximum for these rows, {how_far}. Give the rows, weights and "
        "coins of the fit, or fit on these."
    )
    return [(message, ConvergenceWarning)]


def refuse_if_below(gain, name="model"):
    """Refuse a model, the parameter of this name, that is not at a maximum for the rows."""
    if gain > MOST_GAIN:
        raise ValueError(
            f"{name} is not at a maximum for these rows, which a step could raise by {gain:.3g} in "
            "log-likelihood. Fit it on these rows and weights, with a tol that is small."
        )


def _covariance(fitted):
    """Covariance of all parameters, NaN for what has none, and what there is to warn of."""
    parameters, quadratic, gain = _information(fitted)
    advice = advice_if_below(gain)
    none = np.full((parameters.weights.size + parameters.components.size,) * 2, np.nan)
    if quadratic is None:
        return none, advice
    jacobian, moves = _jacobian(fitted.problem.family, parameters, quadratic.root.moves[0])
    obstacle = _obstacle(quadratic, fitted, gain <= MOST_GAIN) if moves.any() else None
    if obstacle is not None:
        return none, [*advice, obstacle]
    root = jacobian @ quadratic.root.unwhiten_matrix(quadratic.eigenvectors)[0]
    covariance = root / quadratic.eigenvalues[0] @ root.T
    covariance[~moves] = covariance[:, ~moves] = np.nan
    return covariance, advice


def _information(fitted):
    """Parameters of which what reaches 0 or 1 is put there, the objective around, its gain."""
    problem, parameters = fitted.problem, fitted.parameters[None]
    expected = e_step(problem, parameters, information=True)
    if not np.isfinite(expected.objective[0]):
        return parameters[0], None, np.inf
    quadratic = quadratic_at(problem, parameters, expected)
    gain = float(quadratic.remaining_gain()[0])
    reaches = quadratic.reaches_bound(problem, parameters, expected)
    if reaches is not None and reaches.any():
        put = to_bound(parameters, parameters, reaches)
        there = e_step(problem, put, information=True)
        if np.isfinite(there.objective[0]):
            quadratic, parameters = quadratic_at(problem, put, there), put
            gain = float(quadratic.remaining_gain()[0] + there.objective[0] - expected.objective[0])
    noise = np.finfo(float).eps * abs(float(expected.objective[0]))
    return parameters[0], quadratic, max(gain - noise, 0.0)


def _jacobian(family, parameters, informed):
    """Derivatives of (components, w) by (log w, coordinates), and which of the former can move."""
    components, weights = parameters.components, parameters.weights
    n_coins = len(weights)
    slope = np.where(is_logit(family), components * (1 - components), 1.0)
    size = weights.size + components.size
    jacobian = np.zeros((size, size))
    jacobian[:-n_coins, n_coins:] = np.diag(as_coordinates(slope))
    jacobian[-n_coins:, :n_coins] = np.diag(weights) - np.outer(weights, weights)
    share = informed[:n_coins] & (informed[:n_coins].sum() > 1)
    return jacobian, np.concatenate([informed[n_coins:], share])


def _obstacle(quadratic, fitted, at_maximum):
    """What keeps the information from being inverted, as message and category; or None."""
    least = float(quadratic.eigenvalues[0, 0])
    off = quadratic.distance[0] * at_maximum
    measure = f"(least eigenvalue {least:.3g}; it would be 1 if the coin of every row were known)"
    if least < -LEAST_EIGENVALUE - 3 * off:
        return (
            "There are no standard errors: these coins are no maximum but a saddle, from which the "
            "log-likelihood rises to two sides, as the observed information is indefinite "
            f'{measure}. Fit from other starts, or with solver="em-newton".',
            ConvergenceWarning,
        )
    if least <= LEAST_EIGENVALUE + off or _is_ridge(fitted.problem):
        names = fitted.mixture.family.names
        return (
            f"There are no standard errors: other values of {', '.join(names)} and weights have "
            f"the same likelihood as these, as the observed information is singular {measure}. "
            f"Use fewer coins, hold {', '.join(names)} or weights, or toss more often.",
            IdentifiabilityWarning,
        )
    return None


def _is_ridge(problem):
    """Whether the rows have too few tosses to tell the parameters apart, and no prior helps."""
    sure = problem.pseudo_statistics.any() or problem.pseudo_rows.any()
    return not sure and not problem.family.is_identifiable(problem)
