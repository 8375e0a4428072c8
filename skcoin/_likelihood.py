"""The likelihood of hidden coins and the two steps of EM, on arrays.

A row shows ``h`` heads and ``t`` tails of one of ``K`` coins. With ``theta_k`` the probability of
heads of coin ``k``, ``w_k`` the probability that it is the one tossed and ``m_i`` the number of
rows that show ``(h_i, t_i)``, the objective is

    Q(theta, w) = sum_i m_i log sum_k w_k theta_k^h_i (1 - theta_k)^t_i
                  + sum_k [ a_k log theta_k + b_k log(1 - theta_k) + c_k log w_k ]

where the second line holds all that is *sure* of a coin: the ``a_k`` heads and ``b_k`` tails of
the ``c_k`` rows known to be its own, plus the pseudo-tosses of the Beta and Dirichlet priors.

Arrays of parameters have any leading axes ("starts") before that of the coins, so that many
climbs can share each call.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr, logsumexp, xlog1py, xlogy


@dataclass(frozen=True)
class Coins:
    """Parameters: ``theta`` and ``weights``, each of shape (..., n_coins), in [0, 1]."""

    theta: np.ndarray
    weights: np.ndarray

    def __getitem__(self, index):
        return Coins(self.theta[index], self.weights[index])


@dataclass(frozen=True)
class Evidence:
    """What is known before the climb; the symbols are those of the module's formula.

    Attributes
    ----------
    heads, tails, rows : ndarray of shape (n_distinct,)
        ``h``, ``t`` and ``m`` of the rows whose coin is hidden.
    sure_heads, sure_tails, sure_rows : ndarray of shape (n_coins,)
        ``a``, ``b`` and ``c``.
    learn_theta : ndarray of shape (n_coins,), bool
    learn_weights : bool
    """

    heads: np.ndarray
    tails: np.ndarray
    rows: np.ndarray
    sure_heads: np.ndarray
    sure_tails: np.ndarray
    sure_rows: np.ndarray
    learn_theta: np.ndarray
    learn_weights: bool


@dataclass(frozen=True)
class Expectation:
    """An E-step: the objective, and the expected rows, heads and tails of each coin.

    ``objective`` has the shape of the leading axes; the others end in (n_coins,) and hold what is
    sure as well.
    """

    objective: np.ndarray
    rows: np.ndarray
    heads: np.ndarray
    tails: np.ndarray

    def __getitem__(self, index):
        return Expectation(
            self.objective[index], self.rows[index], self.heads[index], self.tails[index]
        )


def log_joint(coins, heads, tails):
    """``log(w_k theta_k^h (1 - theta_k)^t)``, shape (..., n_distinct, n_coins)."""
    theta, weights = coins.theta[..., None, :], coins.weights[..., None, :]
    return xlogy(heads[:, None], theta) + xlog1py(tails[:, None], -theta) + xlogy(1, weights)


def log_likelihood(coins, heads, tails):
    """``log sum_k w_k theta_k^h (1 - theta_k)^t``, shape (..., n_distinct)."""
    return logsumexp(log_joint(coins, heads, tails), axis=-1)


def posterior(coins, heads, tails):
    """Probability of each coin given a row, shape (n_distinct, n_coins).

    A row that no coin can show (heads, where every theta is 0) is judged in the limit of thetas
    that are a hair inside (0, 1): it goes to the coins with the fewest impossible tosses.
    """
    joint = log_joint(coins, heads, tails)
    normaliser = logsumexp(joint, axis=-1, keepdims=True)
    lost = np.isneginf(normaliser[..., 0])
    if lost.any():
        joint[lost] = _log_joint_of_possible_tosses(coins, heads[lost], tails[lost])
        normaliser[lost] = logsumexp(joint[lost], axis=-1, keepdims=True)
    return np.exp(joint - normaliser)


def entropy(posterior):
    """``-sum_k r_k log r_k`` of each row, natural log, shape (n_distinct,)."""
    return entr(posterior).sum(axis=-1)


def expect(coins, evidence):
    """The E-step at ``coins``: its objective and its expected complete data."""
    joint = log_joint(coins, evidence.heads, evidence.tails)
    log_normaliser = logsumexp(joint, axis=-1)
    with np.errstate(invalid="ignore"):  # a start under which a row is impossible: -inf, refused
        responsible = np.exp(joint - log_normaliser[..., None]) * evidence.rows[:, None]
    return Expectation(
        objective=log_normaliser @ evidence.rows + _sure_objective(coins, evidence),
        rows=responsible.sum(axis=-2) + evidence.sure_rows,
        heads=evidence.heads @ responsible + evidence.sure_heads,
        tails=evidence.tails @ responsible + evidence.sure_tails,
    )


def maximize(expected, coins, evidence):
    """The M-step: the coins that maximise the expected complete-data objective.

    ``theta_k = heads_k / (heads_k + tails_k)`` and ``w_k = rows_k / sum_l rows_l``. What is held,
    and the theta of a coin without an expected toss, stays as it is in ``coins``.
    """
    tosses = expected.heads + expected.tails
    theta = np.divide(
        expected.heads, tosses, out=coins.theta.copy(), where=evidence.learn_theta & (tosses > 0)
    )
    weights = coins.weights
    if evidence.learn_weights:
        total = expected.rows.sum(axis=-1, keepdims=True)
        weights = np.divide(expected.rows, total, out=weights.copy(), where=total > 0)
    return Coins(theta, weights)


def _sure_objective(coins, evidence):
    return (
        xlogy(evidence.sure_heads, coins.theta)
        + xlog1py(evidence.sure_tails, -coins.theta)
        + xlogy(evidence.sure_rows, coins.weights)
    ).sum(axis=-1)


def _log_joint_of_possible_tosses(coins, heads, tails):
    never_heads, never_tails = coins.theta == 0, coins.theta == 1
    impossible = heads[:, None] * never_heads + tails[:, None] * never_tails
    impossible[:, coins.weights == 0] = np.inf
    fewest = impossible == impossible.min(axis=-1, keepdims=True)
    possible = (
        xlogy(np.where(never_heads, 0, heads[:, None]), coins.theta)
        + xlog1py(np.where(never_tails, 0, tails[:, None]), -coins.theta)
        + xlogy(1, coins.weights)
    )
    return np.where(fewest, possible, -np.inf)
