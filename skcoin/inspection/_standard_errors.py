"""Standard errors from the observed information."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Bunch

from skcoin._advice import is_identifiable, warn_user
from skcoin._likelihood import expect
from skcoin._newton import quadratic, to_boundary
from skcoin.exceptions import IdentifiabilityWarning
from skcoin.inspection._fitted import look_at

LEAST_EIGENVALUE = 1e-10  # relative to complete data; below, rounding has eaten the digits
MOST_GAIN = 0.01  # in log-likelihood; with more left, a seventh of a standard error from the top


def standard_errors(model, X, sample_weight=None, *, coins=None):
    """Standard errors of the coins, from the observed information.

    They tell how far the estimates may be from the truth: the inverse of the curvature of the
    log-likelihood at its maximum estimates the covariance of the estimates. With complete data,
    where it is known which coin was tossed, the information of ``(log w, logit theta)`` would be
    ``D``; as the coins are hidden, ``M``, the posterior covariance of the score, is missing [1]_:

        ``I = D - M``,   ``M = sum_i m_i Cov(score | x_i)``,   ``covariance = J I^-1 J^T``

    with ``J`` the derivatives of ``(theta, w)``. Weights sum to one, which ``J`` sees to.

    Parameters
    ----------
    model : BinomialMixture or ThreeCoinModel
        Fitted.
    X : array-like of shape (n_samples, n_features)
        The rows of the fit.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of the fit: how often each row counts.
    coins : array-like of shape (n_samples,), default=None
        The known coins of the fit, -1 where hidden.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``theta`` : ndarray of shape (n_components,)
            Standard error of the probability of heads of each coin. NaN if it is held or, at 0
            or 1, has none.
        ``weights`` : ndarray of shape (n_components,)
            Standard error of each mixing proportion. NaN if they are held, or for a weight of 0.
        ``covariance`` : ndarray of shape (2 * n_components, 2 * n_components)
            Of ``theta`` and ``weights``, in this order; NaN in the rows and columns of what has no
            standard error.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If X, ``sample_weight`` or ``coins`` is not as in ``fit``, or X holds no toss.

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
    on it. Priors count as the tosses that they stand for, so that after a MAP fit this is the
    curvature of the log posterior.

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
    return errors_of(look_at(model, X, sample_weight, coins))


def errors_of(fitted):
    """The standard errors of a model that has been looked at."""
    n_coins = len(fitted.coins.theta)
    covariance = _covariance(fitted)
    errors = np.sqrt(np.diagonal(covariance))
    return Bunch(theta=errors[:n_coins], weights=errors[n_coins:], covariance=covariance)


def gain_of(fitted):
    """How much log-likelihood a step could still gain; infinite where a row is impossible."""
    return _information(fitted)[2]


def warn_if_below(gain):
    """Say so where a model is not at a maximum."""
    if gain > MOST_GAIN:
        warn_user(
            "The model is not at a maximum for these rows, "
            + (
                f"which a step could raise by {gain:.3g} in log-likelihood. "
                if np.isfinite(gain)
                else "some of which it takes for impossible. "
            )
            + "Give the rows, weights and coins of the fit, or fit on these.",
            ConvergenceWarning,
        )


def _covariance(fitted):
    """Covariance of theta and weights, NaN for what has none, after a word where it is due."""
    coins, information, gain = _information(fitted)
    warn_if_below(gain)
    shape = (2 * len(coins.theta),) * 2
    if information is None:
        return np.full(shape, np.nan)
    jacobian, moves = _jacobian(coins, information.scale[0] > 0)
    problem = _problem(information, fitted, at_maximum=gain <= MOST_GAIN) if moves.any() else None
    if problem is not None:
        warn_user(*problem)
        return np.full(shape, np.nan)
    root = jacobian @ (information.scale[0][:, None] * information.eigenvectors[0])
    covariance = root / information.eigenvalues[0] @ root.T
    covariance[~moves] = covariance[:, ~moves] = np.nan
    return covariance


def _information(fitted):
    """Coins of which what runs to 0 or 1 is put there, the objective around, and what it gains."""
    coins, evidence = fitted.coins[None], fitted.evidence
    expected = expect(coins, evidence, curvature=True)
    if not np.isfinite(expected.objective[0]):
        return coins[0], None, np.inf
    information = quadratic(expected, coins, evidence)
    gain = float(information.remaining_gain()[0])
    running_out = information.runs_out(coins, expected)
    if running_out.any():
        put = to_boundary(coins, coins, running_out)
        there = expect(put, evidence, curvature=True)
        if np.isfinite(there.objective[0]):
            information, coins = quadratic(there, put, evidence), put
            gain = float(
                information.remaining_gain()[0] + there.objective[0] - expected.objective[0]
            )
    return coins[0], information, gain


def _jacobian(coins, informed):
    """Derivatives of (theta, w) by (log w, logit theta), and which of the former can move."""
    n_coins = len(coins.theta)
    jacobian = np.zeros((2 * n_coins, 2 * n_coins))
    jacobian[:n_coins, n_coins:] = np.diag(coins.theta * (1 - coins.theta))
    jacobian[n_coins:, :n_coins] = np.diag(coins.weights) - np.outer(coins.weights, coins.weights)
    share = informed[:n_coins] & (informed[:n_coins].sum() > 1)
    return jacobian, np.concatenate([informed[n_coins:], share])


def _problem(information, fitted, at_maximum):
    """What keeps the information from being inverted, as message and category; or None."""
    least = float(information.eigenvalues[0, 0])
    # Off by the distance from the summit, per row; see ``Quadratic.curves_up``.
    off = np.sqrt(2 * information.remaining_gain()[0] / information.n_rows[0]) * at_maximum
    if least < -LEAST_EIGENVALUE - 3 * off:
        return (
            "The observed information is indefinite: along one line the log-likelihood curves up, "
            f"as on a saddle (its least eigenvalue is {least:.3g}, with known coins 1). There are "
            'no standard errors. Fit from other starts, or with solver="em-newton".',
            ConvergenceWarning,
        )
    if least <= LEAST_EIGENVALUE + off or _is_ridge(fitted):
        return (
            "The observed information is singular: along one line other coins have the same "
            f"likelihood (its least eigenvalue is {least:.3g}, with known coins 1). There are no "
            "standard errors. Use fewer coins, hold theta or weights, or toss more often.",
            IdentifiabilityWarning,
        )
    return None


def _is_ridge(fitted):
    """Whether the rows have too few tosses to tell the parameters apart, and no prior helps."""
    evidence = fitted.evidence
    sure = evidence.sure_heads.any() or evidence.sure_tails.any() or evidence.sure_rows.any()
    return not sure and not is_identifiable(fitted.given, evidence)
