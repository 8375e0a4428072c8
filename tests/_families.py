"""Families for the contract test, each with rows to ask it about; one of them is synthetic.

``Pairs`` is a family of two parameters that is small enough to be written out: pairs of tosses of
which the second repeats the first with the extra probability ``rho``.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import gammaln, xlogy

from skcoin._families import BINOMIAL, Family
from skcoin._families.beta_binomial import BETA_BINOMIAL


class Pairs(Family):
    """Counts of pairs of tosses: two heads, one of each, two tails.

    With ``a = rho + (1 - rho) theta`` and ``b = rho + (1 - rho) (1 - theta)`` their probabilities
    are ``theta a``, ``2 (1 - rho) theta (1 - theta)`` and ``(1 - theta) b``: the beta-binomial of
    two tosses, whose coordinates are the logit of ``theta`` and ``rho`` itself.
    """

    names = ("theta", "rho")
    coordinates = ("logit", "linear")

    def tabulate(self, both, mixed, neither, multiplicity):
        columns = np.stack([both, mixed, neither])
        return np.concatenate([columns, multiplicity[None], multiplicity * columns])

    def log_density(self, c, table):
        both, mixed, neither = self._logs(c[..., None])
        rows = np.moveaxis(table[..., None, :3, :], -2, 0)
        logs = (both, mixed, neither)
        with np.errstate(invalid="ignore"):
            return sum(np.where(n == 0, 0.0, n * log) for n, log in zip(rows, logs, strict=True))

    def _logs(self, c):
        theta, rho = c[..., 0, :], c[..., 1, :]
        with np.errstate(divide="ignore"):
            return (
                np.log(theta) + np.log(rho + (1 - rho) * theta),
                np.log1p(-rho) + np.log(theta) + np.log1p(-theta),
                np.log1p(-theta) + np.log(rho + (1 - rho) * (1 - theta)),
            )

    def score(self, c, table):
        slopes = self._slopes(c[..., None])
        rows = table[..., None, :3, :]
        with np.errstate(over="ignore"):
            return _finite(np.stack([(rows * s).sum(axis=-2) for s in slopes], axis=-2))

    def _slopes(self, c):
        """Derivatives of the three logs, by the logit of theta and by rho."""
        theta, rho = c[..., 0, :], c[..., 1, :]
        a, b = rho + (1 - rho) * theta, rho + (1 - rho) * (1 - theta)
        v, q = theta * (1 - theta), 1 - rho
        with np.errstate(divide="ignore", invalid="ignore"):
            by_theta = [1 - theta + q * v / a, 1 - 2 * theta, -theta - q * v / b]
            by_rho = [(1 - theta) / a, -1 / q, theta / b]
        slopes = np.stack([np.stack(s, axis=-2) for s in (by_theta, by_rho)])
        return _finite(slopes)

    def collect(self, c, posterior, table):
        return posterior @ table[..., 3:, :].swapaxes(-1, -2)

    def objective(self, c, statistics):
        logs = np.stack(self._logs(c[..., None]), axis=-2)[..., 0]
        with np.errstate(invalid="ignore"):
            return np.where(statistics == 0, 0.0, statistics * logs).sum(axis=-1)

    def gradient(self, c, statistics):
        return np.stack([(statistics * s[..., 0]).sum(-1) for s in self._slopes(c[..., None])], -1)

    def information(self, c, statistics):
        theta, rho = c[..., 0], c[..., 1]
        a, b = rho + (1 - rho) * theta, rho + (1 - rho) * (1 - theta)
        v, q = theta * (1 - theta), 1 - rho
        with np.errstate(divide="ignore", invalid="ignore"):
            twice = (
                -v + q * v * ((1 - 2 * theta) * a - q * v) / a**2,
                -2 * v,
                -v - q * v * ((1 - 2 * theta) * b + q * v) / b**2,
            )
            mixed = (-v / a**2, 0 * v, v / b**2)
            by_rho = (-((1 - theta) ** 2) / a**2, -1 / q**2, -(theta**2) / b**2)
        entries = [
            -(statistics * _finite(np.stack(x, axis=-1))).sum(axis=-1)
            for x in (twice, mixed, by_rho)
        ]
        information = np.empty((*c.shape, 2))
        information[..., 0, 0], information[..., 1, 1] = entries[0], entries[2]
        information[..., 0, 1] = information[..., 1, 0] = entries[1]
        return information

    def support(self, c, statistics):
        heads = 2 * statistics[..., 0] + statistics[..., 1]
        tails = 2 * statistics[..., 2] + statistics[..., 1]
        of_theta = np.where(c[..., 0] <= 0.5, heads, tails)
        return np.stack([of_theta, np.full(of_theta.shape, np.inf)], axis=-1)

    def candidates(self, table):
        grid = product(np.linspace(0, 1, 41), (0, 0.1, 0.3, 0.6, 0.9))
        return np.array(list(grid), dtype=float)

    def log_base(self, both, mixed, neither):
        return (
            gammaln(both + mixed + neither + 1)
            - gammaln(both + 1)
            - gammaln(mixed + 1)
            - gammaln(neither + 1)
            + xlogy(mixed, 2)
        )


def _finite(values):
    """Zero where a density is zero."""
    return np.where(np.isfinite(values), values, 0.0)


class Repeats(Pairs):
    """The same of fair coins: ``rho`` alone, one parameter in a linear coordinate."""

    names = ("rho",)
    coordinates = ("linear",)

    def _logs(self, c):
        return super()._logs(_fair(c, axis=-2))

    def _slopes(self, c):
        return super()._slopes(_fair(c, axis=-2))[1:]

    def information(self, c, statistics):
        return super().information(_fair(c, axis=-1), statistics)[..., 1:, 1:]

    def support(self, c, statistics):
        return np.full(c.shape, np.inf)

    def candidates(self, table):
        return np.unique(super().candidates(table)[:, 1:], axis=0)


def _fair(c, axis):
    return np.concatenate([np.full(c.shape, 0.5), c], axis=axis)


PAIRS = Pairs()


@dataclass(frozen=True)
class Case:
    """A family, and ways to make the columns that it tabulates.

    Attributes
    ----------
    family : Family
    n_columns : int
    all_rows : callable
        The columns of all rows of ``n`` observations, each once.
    """

    family: Family
    n_columns: int
    all_rows: callable

    @property
    def n_parameters(self):
        return len(self.family.names)

    def rows(self, seed, n_rows=9):
        rng = np.random.default_rng(seed)
        rows = rng.integers(0, 6, size=(self.n_columns, n_rows)).astype(float)
        rows += np.eye(self.n_columns, n_rows)
        rows[0] += rows.sum(axis=0) == 0
        return rows

    def table(self, seed, n_rows=9):
        multiplicity = np.random.default_rng(seed + 1).uniform(0.2, 3, size=n_rows)
        return self.family.tabulate(*self.rows(seed, n_rows), multiplicity), multiplicity

    def components(self, seed, n_components=3):
        size = (n_components, self.n_parameters)
        return np.random.default_rng(seed + 2).uniform(0.1, 0.9, size=size)


def _binomial_rows(n):
    heads = np.arange(n + 1.0)
    return np.stack([heads, n - heads])


def _pairs_rows(n):
    rows = [(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)]
    return np.array(rows, dtype=float).T


CASES = {
    "binomial": Case(BINOMIAL, 2, _binomial_rows),
    "beta-binomial": Case(BETA_BINOMIAL, 2, _binomial_rows),
    "pairs": Case(PAIRS, 3, _pairs_rows),
    "repeats": Case(Repeats(), 3, _pairs_rows),
}
