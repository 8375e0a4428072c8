"""The beta-binomial: a binomial whose theta differs from row to row, as a Beta distribution.

With ``theta`` the mean and ``rho`` the dispersion, the correlation of two tosses of a row, a row of
``h`` heads and ``t`` tails, ``n`` in all, has the probability

    binom(n, h) prod_{i < h} ((1 - rho) theta + rho i) prod_{i < t} ((1 - rho) (1 - theta) + rho i)
                / prod_{i < n} ((1 - rho) + rho i),

which is analytic on the whole square. ``rho = 0`` is the binomial, ``rho = 1`` all heads or all
tails; elsewhere theta is from a Beta distribution with ``a + b = 1 / rho - 1``. The coordinates are
the logit of ``theta`` and ``rho`` itself, whose commonest maximum is the ordinary end 0.

Complete data have no sufficient statistics but the rows. What is collected are the derivatives of
their log-likelihood where the components are.
"""

from functools import cached_property

import numpy as np
from scipy.special import betainc, betaincinv, gammaln, xlog1py, xlogy

from skcoin._families.binomial import BINOMIAL
from skcoin._families.contract import At, Family
from skcoin._families.rates import pairs_of_rows
from skcoin._families.rising import Closed, Tabulated
from skcoin._families.special import log_beta_binomial, log_binomial_coefficient, up_to

PER_ROW = 8  # terms of a table that take as long as a row in closed form
LEAST_TABULATED = 1024  # terms
N_RATES, DISPERSIONS = 14, (0.0, 0.01, 0.1, 0.5)  # of candidates
N_QUANTILES = 256
NARROWER, BROADER, BROADEST = 0.25, 4.0, 0.02
HEADS, TAILS, PRIOR_HEADS, PRIOR_TAILS = range(4)  # places of statistics; then those below
BY_THETA, BY_RHO, TWICE_THETA, MIXED, TWICE_RHO = range(4, 9)
COEFFICIENT, IS_MIXED, MULTIPLICITY = 3, 4, 5  # columns of a table


class BetaBinomial(Family):
    """One coin a component, whose theta varies.

    The columns of its table are heads, tails, tosses, the logarithm of the binomial coefficient,
    whether there are both heads and tails, and then multiplicity, and heads, tails and that
    indicator times multiplicity. The log-density includes the coefficient, so that it is no larger
    than need be.

    Parameters
    ----------
    is_exact : bool, default=False
        Whether the density is right to the last digit at any depth, rather than as exact as a climb
        needs it.
    """

    names = ("theta", "dispersion")
    coordinates = ("logit", "linear")
    start = (np.nan, 0.01)
    special_case = BINOMIAL
    needs_whole = True
    has_sufficient_statistics = False

    def __init__(self, *, is_exact=False):
        self.is_exact = is_exact

    @property
    def exact(self):
        return EXACT_BETA_BINOMIAL

    def tabulate(self, heads, tails, multiplicity):
        table = np.empty((9, *np.shape(heads)))
        table[0], table[1] = heads, tails
        np.add(table[0], table[1], out=table[2])
        table[3] = log_binomial_coefficient(heads, tails)
        np.minimum(np.minimum(table[0], table[1]), 1, out=table[4])
        table[5] = multiplicity
        np.multiply(table[5], table[[0, 1, 4]], out=table[6:])
        return table

    def coarse(self, table, multiplicity):
        few, heads, tails = pairs_of_rows(table[0], table[1], multiplicity)
        if len(few) == len(multiplicity):
            return table, multiplicity
        tosses = np.maximum(np.rint(heads + tails), 1)
        heads = np.clip(np.rint(heads), 0, tosses)
        return self.tabulate(heads, tosses - heads, few), few

    def setup(self, table):
        most = int(table[..., 2, :].max(initial=0))
        return 0 if _is_deep(most, table.shape[-1]) else most

    def at(self, c, table):
        return _At(self, c, table)

    def log_density(self, c, table):
        return self.at(c, table).log_density()

    def score(self, c, table):
        return self.at(c, table).score()

    def collect(self, c, posterior, table):
        return self.at(c, table).collect(posterior)

    def objective(self, c, statistics):
        """Of the prior alone: the rows are not among the statistics."""
        return BINOMIAL.objective(c, statistics[..., PRIOR_HEADS : PRIOR_TAILS + 1])

    def gradient(self, c, statistics):
        gradient = statistics[..., BY_THETA : BY_RHO + 1].copy()
        prior = statistics[..., PRIOR_HEADS : PRIOR_TAILS + 1]
        gradient[..., :1] += BINOMIAL.gradient(c[..., :1], prior)
        return gradient

    def information(self, c, statistics):
        information = statistics[..., [TWICE_THETA, MIXED, MIXED, TWICE_RHO]]
        information = information.reshape(*c.shape, 2)
        prior = statistics[..., PRIOR_HEADS : PRIOR_TAILS + 1]
        information[..., :1, :1] += BINOMIAL.information(c[..., :1], prior)
        return information

    def support(self, c, statistics):
        known = statistics[..., HEADS : TAILS + 1] + statistics[..., PRIOR_HEADS : PRIOR_TAILS + 1]
        of_theta = BINOMIAL.support(c[..., :1], known)
        return np.concatenate([of_theta, np.full(of_theta.shape, np.inf)], axis=-1)

    def pseudo_statistics(self, prior):
        statistics = np.zeros(9)
        statistics[PRIOR_HEADS : PRIOR_TAILS + 1] = BINOMIAL.pseudo_statistics(prior)
        return statistics

    def limit(self, c, table):
        """The terms that vanish are those of ``theta`` or ``1 - theta`` at 0, each or, where
        ``rho`` is 0, for each toss; and that of rows with heads and tails where ``rho`` is 1.
        """
        theta, rho = c[..., 0, None], c[..., 1, None]
        heads, tails = table[..., None, 0, :], table[..., None, 1, :]
        mixed = table[..., None, IS_MIXED, :]
        order, log_f = mixed * (rho == 1), xlog1py(mixed * (rho < 1), -rho)
        for p, m in ((theta, heads), (1 - theta, tails)):
            order = order + (p == 0) * np.where(rho == 0, m, m > 0)
            log_f = log_f + _log_rising(p, rho, m)
        return order, log_f - _log_rising(np.ones_like(theta), rho, heads + tails)

    def candidates(self, table):
        """Some rates, 0 and 1, and between these some dispersions."""
        rates = table[0] / (table[0] + table[1])
        x = np.arcsin(np.sqrt([rates.min(initial=1), rates.max(initial=0)]))
        theta = np.sin(np.linspace(*x, N_RATES)) ** 2
        grid = [(p, rho) for p in theta for rho in DISPERSIONS]
        return np.array([(0.0, 0.0), *grid, (1.0, 0.0)])

    def divide(self, c, table, share):
        """Two rates, each with the dispersion; or one rate, more and less dispersed."""
        [rates] = BINOMIAL.divide(c[:1], table, share)
        apart = np.concatenate([rates, np.full((2, 1), c[1])], axis=1)
        broad = min(BROADER * c[1] + BROADEST, 1.0)
        return np.stack([apart, [[c[0], NARROWER * c[1]], [c[0], broad]]])

    def settled(self, c, specification):
        """Where theta is 0 or 1, there is nothing to vary."""
        learned = specification.free[:, 1] & ~specification.tied[1]
        c = c.copy()
        c[learned & (c[:, 0] == np.rint(c[:, 0])), 1] = 0.0
        return c

    def ends_exclude(self, c):
        return (c[..., 0] == np.rint(c[..., 0])) | (c[..., 1] == 1)

    def theta_given(self, c, heads, tails):
        """Of ``Beta(a + h, b + t)``."""
        (theta, rho), n = c.T, (heads + tails)[:, None]
        more = 1 - rho + n * rho
        share = np.divide(rho, more, out=np.zeros(more.shape), where=more > 0)
        mean = np.clip(theta + (heads[:, None] - n * theta) * share, 0, 1)
        return mean, mean * (1 - mean) * rho / (1 + n * rho)

    def theta_up_to(self, c, heads, tails, x):
        (theta, rho), x = c.T, x[:, None]
        s = (1 - rho) / np.where(rho > 0, rho, 1.0)
        a, b = theta * s + heads[:, None], (1 - theta) * s + tails[:, None]
        varies = (rho > 0) & (a > 0) & (b > 0)
        of_beta = betainc(np.where(varies, a, 1.0), np.where(varies, b, 1.0), x)
        mean, _ = self.theta_given(c, heads, tails)
        of_none = (rho == 1) & (heads + tails == 0)[:, None]
        fixed = np.where(of_none & (x < 1), 1 - theta, mean <= x)
        return np.where(varies, of_beta, fixed)

    def up_to(self, c, heads, tosses):
        """By a sum; of deep rows by quantiles of theta, which is as exact as a picture asks for."""
        if c[1] == 0 or c[0] in (0, 1):
            return up_to(c[0], heads, tosses[:, None])
        if c[1] == 1:
            return np.where(heads < 0, 0.0, np.where(heads < tosses[:, None], 1 - c[0], 1.0))
        probability = np.empty(heads.shape)
        share = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
        for row, n in enumerate(tosses.astype(int)):
            if n <= LEAST_TABULATED:
                each = np.arange(n + 1.0)
                log_f = log_beta_binomial(*c, each, n - each)
                below = np.append(0.0, np.minimum(np.cumsum(np.exp(log_f)), 1.0))
                probability[row] = below[heads[row].astype(int) + 1]
            else:
                s = 1 / c[1] - 1
                theta = betaincinv(c[0] * s, (1 - c[0]) * s, share)[:, None]
                probability[row] = up_to(theta, heads[row], n).mean(axis=0)
        return probability

    def rates(self, c, rng):
        theta, rho = c.T
        rate = np.where(rho == 1, rng.uniform(size=len(rho)) < theta, theta)
        varies = (rho > 0) & (rho < 1) & (theta > 0) & (theta < 1)
        s = (1 - rho[varies]) / rho[varies]
        a, b = theta[varies] * s, (1 - theta[varies]) * s
        rate[varies] = rng.beta(np.maximum(a, TINY), np.maximum(b, TINY))
        return rate

    def log_base(self, heads, tails, *, in_order=False):
        base = np.zeros(np.shape(heads))
        return base - log_binomial_coefficient(heads, tails) if in_order else base

    def n_unknown(self, problem):
        specification = problem.specification
        known = problem.labelled > 0
        n_thetas = (specification.free[:, 0] & ~known).sum()
        dispersions = specification.free[:, 1] & ~known
        n_dispersions = dispersions.any() if specification.tied[1] else dispersions.sum()
        free_weights = specification.free_weights and not known.any()
        n_weights = free_weights * (specification.n_components - 1)
        return int(n_thetas + n_dispersions + n_weights)

    def most_tosses(self, problem):
        return BINOMIAL.most_tosses(problem)


class _At(At):
    """The sums along the terms of the rows, once for all that is asked."""

    @cached_property
    def _sums(self):
        counts = self.table[..., :3, :]
        deep = _is_deep(counts[..., 2, :].max(initial=0), counts.shape[-1])
        return Closed(self.c, counts) if deep else Tabulated(self.c, counts)

    @cached_property
    def _odds(self):
        """``1 / (1 - rho)``; 0 where rho is 1, which rows with heads and tails exclude."""
        rho = self.c[..., 1]
        return np.divide(1.0, 1 - rho, out=np.zeros_like(rho), where=rho < 1)

    def log_density(self):
        theta, rho, table = self.c[..., 0, None], self.c[..., 1, None], self.table[..., None, :, :]
        if self.family.is_exact or isinstance(self._sums, Closed):
            return log_beta_binomial(theta, rho, table[..., 0, :], table[..., 1, :])
        log_f = self._sums.log_density() + table[..., COEFFICIENT, :]
        return log_f + xlog1py(table[..., IS_MIXED, :], -rho)

    def score(self):
        slopes = self._sums.slopes()
        of_mixed = self.table[..., None, IS_MIXED, :] * self._odds[..., None]
        slopes[..., 1, :] += self._sums.taken_off - of_mixed
        return slopes

    def collect(self, posterior):
        weights = posterior * self.table[..., None, MULTIPLICITY, :]
        if weights.ndim < self.c.ndim:  # of rows that are known, for all starts
            weights = np.broadcast_to(weights, (*self.c.shape[:-1], weights.shape[-1]))
        sums, statistics = self._sums.weighted(weights), np.zeros((*self.c.shape[:-1], 10))
        moments = posterior @ self.table[..., MULTIPLICITY:, :].swapaxes(-1, -2)
        statistics[..., :3], own, mixed = moments[..., :3], statistics[..., 1:], moments[..., 3]
        by_theta = sums[..., 0]
        own[..., BY_THETA] = by_theta
        taken_off = (weights * self._sums.taken_off).sum(axis=-1)
        own[..., BY_RHO] = sums[..., 1] + taken_off - mixed * self._odds
        own[..., TWICE_THETA] = sums[..., 2] - (1 - 2 * self.c[..., 0]) * by_theta
        own[..., MIXED] = sums[..., 3]
        own[..., TWICE_RHO] = sums[..., 4] + mixed * self._odds**2
        return statistics


def _is_deep(most, n_rows):
    return most > max(LEAST_TABULATED, PER_ROW * n_rows)


def _log_rising(p, rho, m):
    """``sum_{i < m} log x_i`` of the terms that are not zero."""
    log_p = xlogy(p > 0, np.where(p > 0, p, 1.0))
    s = np.divide(1 - rho, rho, out=np.zeros_like(rho), where=rho > 0)
    beyond = np.maximum(m - 1, 0)
    of_rest = xlogy(beyond, np.where(rho > 0, rho, 1.0)) + gammaln(p * s + m) - gammaln(p * s + 1)
    return (m > 0) * log_p + np.where(m > 1, np.where(rho > 0, of_rest, beyond * log_p), 0.0)


TINY = np.finfo(float).tiny
BETA_BINOMIAL = BetaBinomial()
EXACT_BETA_BINOMIAL = BetaBinomial(is_exact=True)
