"""The E-step: posterior, expected complete data, and the information that is missing.

The components come before the rows in every array: sums over few components are then sums of long
vectors. The log-density of a family may leave out what is free of the parameters.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import entr, logsumexp, xlogy

BLOCK = 8192  # numbers; temporaries that stay in cache cost a quarter of larger ones
LEAST_BLOCK = 64  # rows
FEW = 2048  # numbers
FEW_SCORES = 3  # whose products are written out
LOWEST = np.finfo(float).min
ROUGH = -2048.0  # log-density of a row; below, rounding would take more than 1e-12 of a posterior
STEEPEST = 1e75  # score; the square of a steeper one is beyond any float


@dataclass(frozen=True)
class EStep:
    """The objective at some parameters, and the complete data that are expected there.

    Attributes
    ----------
    objective : ndarray of shape (...)
    n : ndarray of shape (..., n_components)
        Expected rows, with those that are known or of a prior.
    statistics : ndarray of shape (..., n_components, n_statistics)
        Expected sufficient statistics, likewise.
    missing : ndarray of shape (..., n_coordinates, n_coordinates) or None
        Missing information of ``log w`` and then of the family's parameters, one after the other,
        in their coordinates: ``(1 + n_parameters) * n_components`` in all. None if not asked for.
    """

    objective: np.ndarray
    n: np.ndarray
    statistics: np.ndarray
    missing: np.ndarray | None

    def __getitem__(self, index):
        missing = None if self.missing is None else self.missing[index]
        return EStep(self.objective[index], self.n[index], self.statistics[index], missing)

    def select(self, mask, other):
        """This E-step at the starts where ``mask`` is true, the other elsewhere."""

        def choose(name):
            mine, theirs = getattr(self, name), getattr(other, name)
            return np.where(mask.reshape(-1, *[1] * (mine.ndim - 1)), mine, theirs)

        return EStep(*(choose(field.name) for field in fields(self)))


def concatenate_e_steps(several):
    """One E-step of many starts from several with missing information."""
    names = [field.name for field in fields(EStep)]
    return EStep(*(np.concatenate([getattr(e, name) for e in several]) for name in names))


def mix(family, parameters, table, at=None):
    """The posterior and the log-density of the mixture, by the rule of Bayes.

    Where even the likeliest component is far from a row, the digits that tell it from the next are
    beyond those of a float: the family then gives them in two parts. ``at`` is the family there, if
    it is asked for more.

    Returns
    -------
    posterior : ndarray of shape (..., n_components, n_rows)
        ``w_k f(x_i | c_k) / sum_l w_l f(x_i | c_l)``; NaN where the sum is zero.
    log_density : ndarray of shape (..., 1, n_rows)
        The logarithm of that sum.
    """
    components, log_weights = parameters.components, xlogy(1, parameters.weights)[..., None]
    log_f = family.log_density(components, table) if at is None else at.log_density()
    posterior, log_density = _normalise(log_f + log_weights)
    if log_density.min(initial=0) < ROUGH:
        rough = (log_density < ROUGH).reshape(-1, log_density.shape[-1]).any(axis=0)
        high, low = family.log_density_in_parts(components, table[..., rough])
        top = np.maximum((high + log_weights).max(axis=-2, keepdims=True), LOWEST)
        posterior[..., rough], rest = _normalise((high - top) + (low + log_weights))
        log_density[..., rough] = top + rest
    return posterior, log_density


def _normalise(joint):
    """From ``log(w_k f_ik)`` the posterior, and the logarithm of the sum."""
    log_sum = log_sum_exp(joint, axis=-2)
    with np.errstate(invalid="ignore"):  # of a row that is excluded
        posterior = np.exp(joint - log_sum)
    posterior /= posterior.sum(axis=-2, keepdims=True)
    return posterior, log_sum


def log_sum_exp(x, axis):
    """``log sum exp x`` along an axis, which is kept.

    By scipy, whose checks of its input take longer than the sum itself where numbers are few.
    """
    if x.size < FEW:
        return np.logaddexp.reduce(x, axis=axis, keepdims=True)
    return logsumexp(x, axis=axis, keepdims=True)


def log_likelihood(family, parameters, table):
    """``log sum_k w_k f(x_i | c_k)``, shape (..., n_rows)."""
    return mix(family, parameters, table)[1][..., 0, :]


def posterior(family, parameters, table):
    """Probability of each component given a row, shape (n_rows, n_components).

    A row of density zero under every component is judged in the limit of parameters a hair inside
    their ends: by the components whose density vanishes most slowly.
    """
    of_rows, log_density = mix(family, parameters, table)
    lost = np.isneginf(log_density[..., 0, :])
    if lost.any():
        order, log_density = family.limit(parameters.components, table[..., lost])
        weights = parameters.weights[:, None]
        order = np.where(weights > 0, order, np.inf)
        slowest = order == order.min(axis=0)
        joint = np.where(slowest, log_density + xlogy(1, weights), -np.inf)
        of_rows[:, lost] = _normalise(joint)[0]
    return of_rows.T


def entropy(posterior):
    """``-sum_k r_k log r_k`` of each row, natural log, shape (n_rows,)."""
    return entr(posterior).sum(axis=-1)


def e_step(problem, parameters, *, information=False):
    """The E-step at ``parameters``.

    Parameters
    ----------
    problem : Problem
    parameters : Parameters of shape (n_starts, n_components)
    information : bool
        Whether ``missing`` is wanted.

    Returns
    -------
    e_step : EStep
    """
    table, multiplicity = problem.table, problem.multiplicity
    n_rows, n_components = multiplicity.shape[-1], parameters.weights.shape[-1]
    # Products of small matrices are not worth the threads that BLAS would wake for larger ones.
    # Tables of their own are no longer than that as it is.
    size = min(BLOCK // parameters.components.size, 8 * BLOCK // n_components**2)
    size = max(LEAST_BLOCK, size, problem.setup)
    size = size if problem.is_shared else max(1, n_rows)
    with np.errstate(invalid="ignore"):  # a trial at the end of the scale may exclude a row: -inf
        sums = _sums(problem.family, parameters, table, multiplicity, slice(size), information)
        for i in range(size, n_rows, size):
            rows = slice(i, i + size)
            more = _sums(problem.family, parameters, table, multiplicity, rows, information)
            sums = [a + b for a, b in zip(sums, more, strict=True)]
    objective, moments, *missing = sums
    return EStep(
        objective=objective + _fixed_objective(problem, parameters),
        n=moments[..., 0] + problem.pseudo_rows,
        statistics=moments[..., 1:] + problem.fixed_statistics(parameters.components),
        missing=missing[0] if information else None,
    )


def _fixed_objective(problem, parameters):
    """What known rows and priors add to the objective."""
    if not problem.has_fixed:
        return 0.0
    of_components = problem.log_fixed(parameters.components)
    return (of_components + xlogy(problem.pseudo_rows, parameters.weights)).sum(axis=-1)


def _sums(family, parameters, table, multiplicity, rows, information):
    """Objective, moments and, if wanted, missing information that a block of rows adds."""
    table, multiplicity = table[..., rows], multiplicity[..., None, rows]
    at = family.at(parameters.components, table)
    posterior, log_density = mix(family, parameters, table, at)
    objective = log_density @ multiplicity.swapaxes(-1, -2)
    sums = [objective[..., 0, 0], at.collect(posterior)]
    if information:
        score = at.score()
        if "linear" in family.coordinates:  # of a logit it is bounded by the observations
            score = np.clip(score, -STEEPEST, STEEPEST)
        scores = [score[..., p, :] for p in range(score.shape[-2])]
        sums.append(_missing_information(posterior, scores, multiplicity))
    return sums


def _missing_information(posterior, scores, multiplicity):
    """``sum_i m_i Cov(score | x_i)``, the last term of Louis' formula.

    With ``r_k`` the posterior and ``s_k = (1, s_k1, ..., s_kP)`` the scores of ``log w_k`` and of
    the parameters of component ``k``, the covariance given the row is ``-r_k s_k r_l s_l'`` of two
    components, and ``r_k (1 - r_k) s_k s_k'`` of one.

    Parameters
    ----------
    posterior : ndarray of shape (..., n_components, n_rows)
    scores : list of ndarray of shape (..., n_components, n_rows)
        For each parameter.
    multiplicity : ndarray of shape (..., 1, n_rows)
    """
    n_components, n_scores = posterior.shape[-2], 1 + len(scores)
    means = np.concatenate([posterior, *(posterior * s for s in scores)], axis=-2)
    missing = -(means * multiplicity) @ means.swapaxes(-1, -2)
    others = (1 - np.eye(n_components)) @ posterior  # 1 - r would lose its digits where r is near 1
    uncertain = multiplicity * posterior * others
    if n_scores > FEW_SCORES:
        every = np.stack([np.ones_like(posterior), *scores], axis=-2)
        own = np.moveaxis((every * uncertain[..., None, :]) @ every.swapaxes(-1, -2), -3, -1)
        return _with_own(missing, own, n_components, n_scores)
    own = np.empty((*posterior.shape[:-2], n_scores, n_scores, n_components))
    own[..., 0, 0, :] = uncertain.sum(axis=-1)
    for a, score in enumerate(scores, start=1):
        weighted = uncertain * score
        own[..., 0, a, :] = own[..., a, 0, :] = weighted.sum(axis=-1)
        for b, other in enumerate(scores[:a], start=1):
            own[..., a, b, :] = own[..., b, a, :] = (weighted * other).sum(axis=-1)
    return _with_own(missing, own, n_components, n_scores)


def _with_own(missing, own, n_components, n_scores):
    """The matrix with the blocks of one component put in."""
    shape = n_scores, n_components, n_scores, n_components
    blocks = missing.reshape(*missing.shape[:-2], *shape)
    np.einsum("...akbk->...abk", blocks)[...] = own  # einsum gives a view of the diagonals
    return missing
