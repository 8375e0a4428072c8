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

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from scipy.special import entr, logsumexp, xlog1py, xlogy


@dataclass(frozen=True)
class Coins:
    """Parameters: ``theta`` and ``weights``, each of shape (..., n_coins), in [0, 1]."""

    theta: np.ndarray
    weights: np.ndarray

    def __getitem__(self, index):
        return Coins(self.theta[index], self.weights[index])

    def where(self, mask, other):
        """These coins at the starts where ``mask`` is true, the others elsewhere."""
        mask = mask[:, None]
        return Coins(
            np.where(mask, self.theta, other.theta), np.where(mask, self.weights, other.weights)
        )


def stack(several):
    """One array of starts from several coins of shape (n_coins,)."""
    return Coins(np.stack([c.theta for c in several]), np.stack([c.weights for c in several]))


def concatenate(several):
    """One array of starts from several of them."""
    return Coins(
        np.concatenate([c.theta for c in several]), np.concatenate([c.weights for c in several])
    )


@dataclass(frozen=True)
class Evidence:
    """What is known before the climb; the symbols are those of the module's formula.

    The first six arrays have a leading axis of starts if each start has rows of its own, as from
    ``side_by_side``.

    Attributes
    ----------
    heads, tails, rows : ndarray of shape (n_distinct,)
        ``h``, ``t`` and ``m`` of the rows whose coin is hidden.
    sure_heads, sure_tails, sure_rows : ndarray of shape (n_coins,)
        ``a``, ``b`` and ``c``.
    known_rows : ndarray of shape (n_coins,)
        The part of ``c`` that was seen, without that of the prior.
    learn_theta : ndarray of shape (n_coins,), bool
    learn_weights : bool
    """

    heads: np.ndarray
    tails: np.ndarray
    rows: np.ndarray
    sure_heads: np.ndarray
    sure_tails: np.ndarray
    sure_rows: np.ndarray
    known_rows: np.ndarray
    learn_theta: np.ndarray
    learn_weights: bool

    @cached_property
    def table(self):
        """Heads, tails, and the columns m, m h and m t that a posterior is summed with."""
        columns = self.rows, self.rows * self.heads, self.rows * self.tails
        return np.stack([self.heads, self.tails, *columns])

    def at(self, starts):
        """What is known of these starts, given as a mask or as indices."""
        if self.rows.ndim == 1:
            return self
        own = {name: getattr(self, name)[starts] for name in _OF_ROWS}
        return replace(self, **own)


_OF_ROWS = ("heads", "tails", "rows", "sure_heads", "sure_tails", "sure_rows")


def padded(vectors, fill=0.0):
    """Vectors as the rows of a table, filled up at their end."""
    lengths = np.array([len(vector) for vector in vectors])
    table = np.full((len(vectors), lengths.max()), fill)
    table[np.arange(lengths.max()) < lengths[:, None]] = np.concatenate(vectors)
    return table


def side_by_side(several, n_starts):
    """Evidence in which each of several pieces serves as many starts as given for it.

    Parameters
    ----------
    several : list of Evidence
        Of the same number of coins, with the same held; all but the rows is that of the first.
    n_starts : list of int

    Returns
    -------
    evidence : Evidence
        Shorter tables end in rows without a toss, of weight zero, which add nothing.
    """
    own = {}
    for name in _OF_ROWS:
        columns = [getattr(evidence, name) for evidence in several]
        table = np.stack(columns) if name.startswith("sure") else padded(columns)
        own[name] = np.repeat(table, n_starts, axis=0)
    return replace(several[0], **own)


@dataclass(frozen=True)
class Expectation:
    """An E-step: the objective, and the expected rows, heads and tails of each coin.

    ``objective`` has the shape of the leading axes; the others end in (n_coins,) and hold what is
    sure as well. ``missing_information``, of shape (..., 2 n_coins, 2 n_coins), is that of
    ``log w`` and ``logit theta``, in this order; 0 where it was not asked for.
    """

    objective: np.ndarray
    rows: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    missing_information: np.ndarray | float

    def __getitem__(self, index):
        missing = self.missing_information
        return Expectation(
            self.objective[index],
            self.rows[index],
            self.heads[index],
            self.tails[index],
            missing[index] if isinstance(missing, np.ndarray) else missing,
        )

    def where(self, mask, other):
        """This E-step at the starts where ``mask`` is true, the other elsewhere."""

        def choose(name):
            mine, theirs = getattr(self, name), getattr(other, name)
            return np.where(mask.reshape(-1, *[1] * (mine.ndim - 1)), mine, theirs)

        return Expectation(*(choose(field.name) for field in fields(self)))


def gather(several):
    """One E-step of many starts from several E-steps with the same fields."""
    names = [field.name for field in fields(Expectation)]
    return Expectation(*(np.concatenate([getattr(e, name) for e in several]) for name in names))


def log_joint(coins, heads, tails):
    """``log(w_k theta_k^h (1 - theta_k)^t)``, shape (..., n_coins, n_distinct).

    The coins come before the rows: sums over few coins are then sums of long vectors.
    """
    theta, weights = coins.theta[..., None], coins.weights[..., None]
    if theta.min() > 0 and theta.max() < 1:
        return heads * np.log(theta) + tails * np.log1p(-theta) + xlogy(1, weights)
    return xlogy(heads, theta) + xlog1py(tails, -theta) + xlogy(1, weights)


def log_likelihood(coins, heads, tails):
    """``log sum_k w_k theta_k^h (1 - theta_k)^t``, shape (..., n_distinct)."""
    return logsumexp(log_joint(coins, heads, tails), axis=-2)


def posterior(coins, heads, tails):
    """Probability of each coin given a row, shape (n_distinct, n_coins).

    A row that no coin can show (heads, where every theta is 0) is judged in the limit of thetas
    that are a hair inside (0, 1): it goes to the coins with the fewest impossible tosses.
    """
    joint = log_joint(coins, heads, tails)
    normaliser = logsumexp(joint, axis=-2)
    lost = np.isneginf(normaliser)
    if lost.any():
        joint[:, lost] = _log_joint_of_possible_tosses(coins, heads[lost], tails[lost])
        normaliser[lost] = logsumexp(joint[:, lost], axis=-2)
    return np.exp(joint - normaliser).T


def entropy(posterior):
    """``-sum_k r_k log r_k`` of each row, natural log, shape (n_distinct,)."""
    return entr(posterior).sum(axis=-1)


def expect(coins, evidence, *, curvature=False):
    """The E-step at ``coins``: its objective and its expected complete data.

    Parameters
    ----------
    coins : Coins of shape (n_starts, n_coins)
    evidence : Evidence
    curvature : bool
        Whether ``missing_information`` is wanted.

    Returns
    -------
    expected : Expectation
    """
    # Blocks of 8,192 numbers: temporaries that stay in cache cost a quarter of larger ones, and
    # products of matrices this small are not worth the threads that BLAS would wake for larger.
    # Tables of their own are no longer than that as it is.
    n_coins, table = coins.theta.shape[-1], evidence.table
    size = max(1, min(8192 // coins.theta.size, 65536 // n_coins**2))
    size = size if table.ndim == 2 else max(1, table.shape[-1])
    with np.errstate(invalid="ignore"):  # a trial at the boundary may exclude a row: -inf
        objective, moments, missing = _expect(coins, table[..., :size], curvature)
        for i in range(size, table.shape[-1], size):
            more = _expect(coins, table[..., i : i + size], curvature)
            objective, moments, missing = (
                a + b for a, b in zip((objective, moments, missing), more, strict=True)
            )
    return Expectation(
        objective=objective + _sure_objective(coins, evidence),
        rows=moments[..., 0] + evidence.sure_rows,
        heads=moments[..., 1] + evidence.sure_heads,
        tails=moments[..., 2] + evidence.sure_tails,
        missing_information=missing,
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


def em_step(expected, coins, evidence, *, curvature=False):
    """The coins after an M-step, and the E-step there.

    A theta nearer to 0 or 1 than any float is rounded to it; where that would exclude a row, it
    is rounded to the last float before.
    """
    moved = maximize(expected, coins, evidence)
    after = expect(moved, evidence, curvature=curvature)
    lost = np.isneginf(after.objective)
    if lost.any():
        inside = np.clip(moved.theta, np.finfo(float).tiny, 1 - np.finfo(float).epsneg)
        theta = np.where(lost[:, None] & evidence.learn_theta, inside, moved.theta)
        moved = Coins(theta, moved.weights)
        after = expect(moved, evidence, curvature=curvature)
    return moved, after


def _sure_objective(coins, evidence):
    return (
        xlogy(evidence.sure_heads, coins.theta)
        + xlog1py(evidence.sure_tails, -coins.theta)
        + xlogy(evidence.sure_rows, coins.weights)
    ).sum(axis=-1)


def _log_joint_of_possible_tosses(coins, heads, tails):
    theta, weights = coins.theta[:, None], coins.weights[:, None]
    never_heads, never_tails = theta == 0, theta == 1
    impossible = np.where(weights > 0, heads * never_heads + tails * never_tails, np.inf)
    possible = (
        xlogy(np.where(never_heads, 0, heads), theta)
        + xlog1py(np.where(never_tails, 0, tails), -theta)
        + xlogy(1, weights)
    )
    return np.where(impossible == impossible.min(axis=0), possible, -np.inf)


def _expect(coins, table, curvature):
    """Objective, moments and missing information that one block of rows adds."""
    heads, tails, rows = table[:3, ..., None, :]  # an axis for the coins
    joint = log_joint(coins, heads, tails)
    log_normaliser = logsumexp(joint, axis=-2, keepdims=True)
    posterior = np.exp(joint - log_normaliser)
    moments = posterior @ np.moveaxis(table[2:], 0, -1)
    missing = 0.0
    if curvature:
        missing = _missing_information(coins, posterior, heads, tails, rows)
    objective = log_normaliser @ rows.swapaxes(-1, -2)
    return objective[..., 0, 0], moments, missing


def _missing_information(coins, posterior, heads, tails, rows):
    """``sum_i m_i Cov(score | x_i)``, the last term of Louis' formula.

    With ``r_k`` the posterior and ``s_k`` the scores ``(1, h - n theta_k)`` of ``log w_k`` and
    ``logit theta_k``, the covariance given the row is ``-r_k s_k r_l s_l`` of two coins, and
    ``r_k (1 - r_k) s_k s_k`` of one.
    """
    n_coins = posterior.shape[-2]
    surprise = heads - (heads + tails) * coins.theta[..., None]
    means = np.concatenate([posterior, posterior * surprise], axis=-2)
    missing = -(means * rows) @ means.swapaxes(-1, -2)
    others = (1 - np.eye(n_coins)) @ posterior  # 1 - r would lose its digits where r is near 1
    uncertain = rows * posterior * others
    of_theta = uncertain * surprise
    own = np.empty((*posterior.shape[:-2], 2, 2, n_coins))
    own[..., 0, 0, :] = uncertain.sum(axis=-1)
    own[..., 0, 1, :] = own[..., 1, 0, :] = of_theta.sum(axis=-1)
    own[..., 1, 1, :] = (of_theta * surprise).sum(axis=-1)
    blocks = missing.reshape(*posterior.shape[:-2], 2, n_coins, 2, n_coins)
    np.einsum("...akbk->...abk", blocks)[...] = own  # einsum gives a view of the diagonals
    return missing
