"""The binomial: ``f(h, t | theta) = binom(h + t, h) theta^h (1 - theta)^t``.

Its coordinate is the logit of ``theta``, in which the score of a row is ``h - (h + t) theta``. The
sufficient statistics of a component are its heads and tails.

The density leaves out the binomial coefficient, and of deep rows the largest density, too.
"""

import numpy as np
from scipy.special import xlog1py, xlogy

from skcoin._families.contract import Family
from skcoin._families.deep import depth_of, log_ratio, logs_of, near_ratio
from skcoin._families.rates import by_falling_rate, log_at_own_rate, pairs_of_rows
from skcoin._families.special import log_binomial_coefficient, log_peak

LOG_OF_ZERO = 746  # exp(-746) is zero
N_EVEN = 24  # candidates between the lowest and the highest rate


class Binomial(Family):
    """One coin a component.

    The columns of its table are heads, tails, the largest log-density of deep rows in two parts,
    zero of others, and then multiplicity, heads and tails times multiplicity, which one product
    with the posterior sums.
    """

    names = ("theta",)
    coordinates = ("logit",)
    has_closed_m_step = True

    def tabulate(self, heads, tails, multiplicity):
        table = np.empty((7, *np.shape(heads)))
        table[0], table[1], table[4] = heads, tails, multiplicity
        table[2:4] = depth_of(table[0], table[1])
        np.multiply(table[4], table[:2], out=table[5:])
        return table

    def coarse(self, table, multiplicity):
        few, heads, tails = pairs_of_rows(table[0], table[1], multiplicity)
        return self.tabulate(heads, tails, few), few

    def log_density(self, c, table):
        depth = table[..., 2, :]
        if not depth.any():
            return _shallow(c, table)
        if depth.all():
            return near_ratio(c, table)
        log_f, deep = _shallow(c, table), depth.reshape(-1, depth.shape[-1]).any(axis=0)
        log_f[..., deep] = near_ratio(c, table.compress(deep, axis=-1))
        return log_f

    def log_density_in_parts(self, c, table):
        theta, heads, tails = _together(c, table)
        depth = table[..., 2, None, :], table[..., 3, None, :]
        return log_ratio(theta, logs_of(theta), heads, tails, depth)

    def log_density_of_pairs(self, theta, place, table, row):
        """``log f(x_i | theta_j)`` of pairs of a row and the place of a theta."""
        heads, tails, *depth = table[:4, row]
        log_f = xlogy(heads, theta[place]) + xlog1py(tails, -theta[place])
        deep = np.flatnonzero(depth[0])
        if len(deep):
            place, (heads, tails, *depth) = place[deep], table[:4, row[deep]]
            logs = np.array(logs_of(theta))[..., place]
            log_f[deep] = np.add(*log_ratio(theta[place], logs, heads, tails, depth))
        return log_f

    def highest(self, table):
        """The largest ``log f`` of each row, that at its own rate."""
        return np.where(table[2] < 0, 0.0, log_at_own_rate(table[0], table[1]))

    def limit(self, c, table):
        theta, heads, tails = _together(c, table)
        never_heads, never_tails = theta == 0, theta == 1
        order = heads * never_heads + tails * never_tails
        possible_heads = np.where(never_heads, 0, heads)
        possible_tails = np.where(never_tails, 0, tails)
        return order, xlogy(possible_heads, theta) + xlog1py(possible_tails, -theta)

    def score(self, c, table):
        theta, heads, tails = _together(c, table)
        return (heads - (heads + tails) * theta)[..., None, :]

    def collect(self, c, posterior, table):
        return posterior @ table[..., 4:, :].swapaxes(-1, -2)

    def objective(self, c, statistics):
        theta, heads, tails = c[..., 0], statistics[..., 0], statistics[..., 1]
        log_q, depth = xlogy(heads, theta) + xlog1py(tails, -theta), depth_of(heads, tails)
        if depth.any():
            ratio = np.add(*log_ratio(theta, logs_of(theta), heads, tails, depth))
            log_q = np.where(depth[0] < 0, ratio, log_q)
        return log_q

    def gradient(self, c, statistics):
        heads, tails = statistics[..., :1], statistics[..., 1:]
        return heads * (1 - c) - tails * c

    def information(self, c, statistics):
        heads, tails = statistics[..., :1], statistics[..., 1:]
        return ((heads + tails) * (1 - c) * c)[..., None]

    def m_step(self, c, statistics):
        heads, tails = statistics[..., :1], statistics[..., 1:]
        tosses = heads + tails
        return np.divide(heads, tosses, out=c.copy(), where=tosses > 0)

    def support(self, c, statistics):
        return np.where(c <= 0.5, statistics[..., :1], statistics[..., 1:])

    def pseudo_statistics(self, prior):
        """Of a Beta prior (a, b): ``a - 1`` heads and ``b - 1`` tails."""
        return np.subtract(prior, 1.0)

    def candidates(self, table):
        """All rates, and others between; no maximum of a likelihood lies outside of them."""
        rates = table[0] / (table[0] + table[1])
        x = np.arcsin(np.sqrt([rates.min(initial=1), rates.max(initial=0)]))
        return np.union1d(rates, np.sin(np.linspace(*x, N_EVEN)) ** 2)[:, None]

    def divide(self, c, table, share):
        """The rows of higher and of lower rates, divided where the two pooled rates fit best."""
        order = by_falling_rate(table[0], table[1])
        below = np.cumsum((share * table[:2])[:, order], axis=1)
        heads, tails = np.stack([below, below[:, -1:] - below], axis=1) + 0.5
        rate = heads / (heads + tails)
        best = (xlogy(heads, rate) + xlogy(tails, 1 - rate)).sum(axis=0).argmax()
        return rate[None, :, best, None]

    def reach(self, c, tosses):
        """By Bernstein, heads ``d`` off their mean have a probability of at most
        ``exp(-d^2 / (2 v + 2 d / 3))``, with ``v`` their variance.
        """
        mean = tosses * c[..., 0]
        third, variance = LOG_OF_ZERO / 3, mean * (1 - c[..., 0])
        off = third + np.sqrt(third**2 + 2 * LOG_OF_ZERO * variance)
        low, high = np.floor(mean - off), np.ceil(mean + off)
        return np.maximum(low, 0).astype(np.int64), np.minimum(high, tosses).astype(np.int64)

    def log_base(self, heads, tails, *, in_order=False):
        depth = depth_of(heads, tails)
        if in_order:
            return depth.sum(axis=0)
        log_base = log_binomial_coefficient(heads, tails)
        if depth.any():
            deep = depth[0] < 0
            log_base[deep] = log_peak(heads[deep], tails[deep])
        return log_base

    def log_base_of_sums(self, statistics):
        return depth_of(statistics[..., 0], statistics[..., 1]).sum(axis=0)

    def n_unknown(self, problem):
        """The theta of a component that is known in some row is not counted, nor are the weights
        where any is.
        """
        known = problem.labelled > 0
        specification = problem.specification
        free_weights = specification.free_weights and not known.any()
        n_thetas = (specification.free[:, 0] & ~known).sum()
        return int(n_thetas) + free_weights * (specification.n_components - 1)

    def most_tosses(self, problem):
        return int(np.ceil(np.max(problem.table[0] + problem.table[1], initial=0)))


def _shallow(c, table):
    """``log f``, of rows that are not deep."""
    theta, heads, tails = _together(c, table)
    if theta.min() > 0 and theta.max() < 1:
        return heads * np.log(theta) + tails * np.log1p(-theta)
    return xlogy(heads, theta) + xlog1py(tails, -theta)


def _together(c, table):
    """Theta, heads and tails, such that components and rows are axes of their product."""
    return c[..., 0][..., None], table[..., 0, None, :], table[..., 1, None, :]


BINOMIAL = Binomial()
