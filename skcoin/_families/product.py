"""Several coins in each row: given the component, their tosses are independent.

With the heads ``h_j`` and tails ``t_j`` of coin ``j`` in a row, a component has

    f(h, t) = prod_j f_j(h_j, t_j | theta_j),

where ``f_j`` is the binomial or the beta-binomial. A coin that was not tossed has the factor one.
The parameters of a component are the thetas of all coins, and then their dispersions.
"""

import numpy as np
from scipy.special import xlog1py, xlogy

from skcoin._families.beta_binomial import (
    BETA_BINOMIAL,
    BROADER,
    BROADEST,
    EXACT_BETA_BINOMIAL,
    MULTIPLICITY,
    NARROWER,
)
from skcoin._families.binomial import BINOMIAL
from skcoin._families.contract import At, Family
from skcoin._families.special import log_binomial_coefficient
from skcoin._families.spread import spread_rates

LEAST_ROWS = 1024  # that a product of matrices is worth
HALF = 0.5  # of a head and of a tail, by which rates are off their ends
MOST_CANDIDATES = 128


class _Product(Family):
    """What products of either kind share."""

    n_axes = 2

    def __init__(self, n_coins):
        self.n_coins = n_coins

    def setup(self, table):
        return LEAST_ROWS

    def _places(self, table):
        """Rates of rows far from each other, and of others, by turns, (n_candidates, n_coins)."""
        heads, tails = self._pairs(table)
        m, n_rows = self._multiplicity(table), table.shape[-1]
        if not n_rows:  # every class is known
            return np.full((1, self.n_coins), 0.5)
        n_far = min(n_rows, MOST_CANDIDATES // 2)
        far = spread_rates(heads, tails, m, n_far)
        mean = far[0]
        rows = np.linspace(0, n_rows - 1, n_far).astype(int)
        others = (heads[:, rows] + mean[:, None]) / (heads + tails + 1)[:, rows]
        return np.stack([far, others.T], axis=1).reshape(-1, self.n_coins)

    def _apart(self, theta, table, share):
        """Rates of two groups of the rows of a component, along the direction of most misfit.

        That of the largest eigenvalue of the covariance of standardised heads.
        """
        heads, tails = self._pairs(table)
        tosses = heads + tails
        theta = np.clip(theta, 1e-3, 1 - 1e-3)[:, None]
        z = (heads - tosses * theta) / np.sqrt(np.maximum(tosses, 1) * theta * (1 - theta))
        direction = np.linalg.eigh((z * share) @ z.T)[1][:, -1]
        along = direction @ z
        order = np.argsort(along, kind="stable")
        below = np.cumsum((share * np.stack([heads, tails]))[..., order], axis=-1)
        parts = np.stack([below, below[..., -1:] - below], axis=1) + HALF
        rate = parts[0] / parts.sum(axis=0)
        fit = (xlogy(parts[0], rate) + xlogy(parts[1], 1 - rate)).sum(axis=(0, 1))
        best = np.where(share[order] > 0, fit, -np.inf).argmax()
        return rate[:, :, best]

    def theta_given(self, c, heads, tails):
        """Of each coin: (n_components, n_coins) or (n_rows, n_components, n_coins)."""
        each = [
            family.theta_given(own, *pair)
            for (family, own), pair in zip(
                (self.of_coin(j, c) for j in range(self.n_coins)),
                zip(heads, tails, strict=True),
                strict=True,
            )
        ]
        means, variances = zip(*each, strict=True)
        return np.stack(means, axis=-1), np.stack(variances, axis=-1)

    def ends_exclude(self, c):
        theta = c[..., : self.n_coins]
        return (theta == np.rint(theta)).any(axis=-1)

    def n_unknown(self, problem):
        known, specification = problem.labelled > 0, problem.specification
        n_own = (specification.free[:, ~specification.tied] & ~known[:, None]).sum()
        n_shared = specification.free[:, specification.tied].any(axis=0).sum()
        free_weights = specification.free_weights and not known.any()
        return int(n_own + n_shared + free_weights * (specification.n_components - 1))

    def most_tosses(self, problem):
        """As many numbers as patterns of the longest rows can tell."""
        heads, tails = self._pairs(problem.table)
        most = np.ceil((heads + tails).max(axis=-1, initial=0))
        return int(min(np.prod(most + 1) - 1, 2**53))


class ProductBinomial(_Product):
    """One binomial a coin. The columns of its table are heads, tails and multiplicity."""

    has_closed_m_step = True

    def __init__(self, n_coins):
        super().__init__(n_coins)
        self.names = ("theta",) * n_coins
        self.coordinates = ("logit",) * n_coins
        self.start = (np.nan,) * n_coins

    def tabulate(self, heads, tails, multiplicity):
        m = np.broadcast_to(multiplicity, heads.shape[1:])
        return np.concatenate([heads, tails, m[None]]).astype(float)

    def of_coin(self, j, c):
        """The family of one coin, and its parameters."""
        return BINOMIAL, c[..., [j]]

    def _pairs(self, table):
        return table[..., : self.n_coins, :], table[..., self.n_coins : -1, :]

    def _multiplicity(self, table):
        return table[..., -1, :]

    def log_density(self, c, table):
        with np.errstate(divide="ignore"):
            logs = np.concatenate([np.log(c), np.log1p(-c)], axis=-1)
        possible = np.isfinite(logs)
        log_f = np.where(possible, logs, 0.0) @ table[..., :-1, :]
        if possible.all():
            return log_f
        impossible = (~possible).astype(float) @ (table[..., :-1, :] > 0)
        return np.where(impossible > 0, -np.inf, log_f)

    def limit(self, c, table):
        with np.errstate(divide="ignore"):
            logs = np.concatenate([np.log(c), np.log1p(-c)], axis=-1)
        possible = np.isfinite(logs)
        order = (~possible).astype(float) @ table[..., :-1, :]
        return order, np.where(possible, logs, 0.0) @ table[..., :-1, :]

    def score(self, c, table):
        heads, tails = self._pairs(table)
        heads, tosses = heads[..., None, :, :], (heads + tails)[..., None, :, :]
        return heads - tosses * c[..., None]

    def collect(self, c, posterior, table):
        weights = posterior * self._multiplicity(table)[..., None, :]
        n = weights.sum(axis=-1, keepdims=True)
        return np.concatenate([n, weights @ table[..., :-1, :].swapaxes(-1, -2)], axis=-1)

    def _parts(self, statistics):
        return statistics[..., : self.n_coins], statistics[..., self.n_coins :]

    def objective(self, c, statistics):
        heads, tails = self._parts(statistics)
        return (xlogy(heads, c) + xlog1py(tails, -c)).sum(axis=-1)

    def gradient(self, c, statistics):
        heads, tails = self._parts(statistics)
        return heads * (1 - c) - tails * c

    def information(self, c, statistics):
        heads, tails = self._parts(statistics)
        return ((heads + tails) * (1 - c) * c)[..., None] * np.eye(self.n_coins)

    def m_step(self, c, statistics):
        heads, tails = self._parts(statistics)
        heads, tosses = np.broadcast_arrays(heads, heads + tails)
        return np.divide(heads, tosses, out=c.copy(), where=tosses > 0)

    def support(self, c, statistics):
        return np.where(c <= 0.5, *self._parts(statistics))

    def pseudo_statistics(self, prior):
        return np.repeat(BINOMIAL.pseudo_statistics(prior), self.n_coins)

    def candidates(self, table):
        return self._places(table)

    def divide(self, c, table, share):
        return self._apart(c, table, share)[None]

    def log_base(self, heads, tails, *, in_order=False):
        if in_order:
            return np.zeros(heads.shape[1:])
        return log_binomial_coefficient(heads, tails).sum(axis=0)

    def rates(self, c, rng):
        return c


class ProductBetaBinomial(_Product):
    """One beta-binomial a coin, whose dispersions are one number or one each.

    The columns of its table are those of the beta-binomial, coin by coin, and multiplicity.
    """

    needs_whole = True
    has_sufficient_statistics = False

    def __init__(self, n_coins, n_dispersions, *, is_exact=False):
        super().__init__(n_coins)
        self.n_dispersions, self.is_exact = n_dispersions, is_exact
        self.names = ("theta",) * n_coins + ("dispersion",) * n_dispersions
        self.coordinates = ("logit",) * n_coins + ("linear",) * n_dispersions
        self.start = (np.nan,) * n_coins + BETA_BINOMIAL.start[1:] * n_dispersions

    @property
    def exact(self):
        return ProductBetaBinomial(self.n_coins, self.n_dispersions, is_exact=True)

    @property
    def special_case(self):
        return ProductBinomial(self.n_coins)

    @property
    def _one(self):
        return EXACT_BETA_BINOMIAL if self.is_exact else BETA_BINOMIAL

    def of_coin(self, j, c):
        """The family of one coin, and its parameters."""
        return self._one, c[..., [j, self._dispersion(j)]]

    def _dispersion(self, j):
        """The place of the dispersion of a coin."""
        return self.n_coins + (j if self.n_dispersions > 1 else 0)

    def _of_coins(self, c, table):
        """The parameters and the table of each coin."""
        for j in range(self.n_coins):
            yield self.of_coin(j, c)[1], table[..., j, :, :]

    def tabulate(self, heads, tails, multiplicity):
        m = np.broadcast_to(multiplicity, heads.shape[1:])
        return np.stack([self._one.tabulate(*pair, m) for pair in zip(heads, tails, strict=True)])

    def _pairs(self, table):
        return table[..., 0, :], table[..., 1, :]

    def _multiplicity(self, table):
        return table[..., 0, MULTIPLICITY, :]

    def setup(self, table):
        return max(
            LEAST_ROWS, *(BETA_BINOMIAL.setup(table[..., j, :, :]) for j in range(self.n_coins))
        )

    def at(self, c, table):
        return _At(self, c, table)

    def log_density(self, c, table):
        return self.at(c, table).log_density()

    def score(self, c, table):
        return self.at(c, table).score()

    def collect(self, c, posterior, table):
        return self.at(c, table).collect(posterior)

    def limit(self, c, table):
        limits = [self._one.limit(*one) for one in self._of_coins(c, table)]
        return tuple(map(sum, zip(*limits, strict=True)))

    def _by_coin(self, statistics):
        return statistics.reshape(*statistics.shape[:-1], self.n_coins, -1)

    def _assembled(self, of_coins):
        """Values of theta and dispersion of each coin, (..., n_coins, 2), by parameter."""
        theta, rho = of_coins[..., 0], of_coins[..., 1]
        if self.n_dispersions == 1:
            rho = rho.sum(axis=-1, keepdims=True)
        return np.concatenate([theta, rho], axis=-1)

    def _pair(self, c):
        """Theta and dispersion of each coin, (..., n_coins, 2)."""
        theta, rho = c[..., : self.n_coins], c[..., self.n_coins :]
        return np.stack(np.broadcast_arrays(theta, rho), axis=-1)

    def objective(self, c, statistics):
        return BETA_BINOMIAL.objective(self._pair(c), self._by_coin(statistics)).sum(axis=-1)

    def gradient(self, c, statistics):
        return self._assembled(BETA_BINOMIAL.gradient(self._pair(c), self._by_coin(statistics)))

    def information(self, c, statistics):
        of_coins = BETA_BINOMIAL.information(self._pair(c), self._by_coin(statistics))
        information = np.zeros((*c.shape, c.shape[-1]))
        for j in range(self.n_coins):
            places = np.array([j, self._dispersion(j)])
            information[..., places[:, None], places] += of_coins[..., j, :, :]
        return information

    def support(self, c, statistics):
        of_theta = BETA_BINOMIAL.support(self._pair(c), self._by_coin(statistics))[..., 0]
        of_rho = np.full((*of_theta.shape[:-1], self.n_dispersions), np.inf)
        return np.concatenate([of_theta, of_rho], axis=-1)

    def pseudo_statistics(self, prior):
        return np.tile(BETA_BINOMIAL.pseudo_statistics(prior), self.n_coins)

    def candidates(self, table):
        theta = self._places(table)
        rho = np.full((len(theta), self.n_dispersions), self.start[-1])
        return np.concatenate([theta, rho], axis=1)

    def divide(self, c, table, share):
        theta, rho = np.split(c, [self.n_coins])
        rates = self._apart(theta, table, share)
        apart = np.concatenate([rates, np.tile(rho, (2, 1))], axis=1)
        narrow = np.concatenate([theta, NARROWER * rho])
        broad = np.concatenate([theta, np.minimum(BROADER * rho + BROADEST, 1)])
        return np.stack([apart, [narrow, broad]])

    def ends_exclude(self, c):
        return super().ends_exclude(c) | (c[..., self.n_coins :] == 1).any(axis=-1)

    def log_base(self, heads, tails, *, in_order=False):
        pairs = zip(heads, tails, strict=True)
        return sum(self._one.log_base(*pair, in_order=in_order) for pair in pairs)

    def rates(self, c, rng):
        return np.stack(
            [self._one.rates(c[:, [j, self._dispersion(j)]], rng) for j in range(self.n_coins)],
            axis=1,
        )


class _At(At):
    """The beta-binomials of all coins."""

    def __init__(self, family, c, table):
        super().__init__(family, c, table)
        self._coins = [family._one.at(*one) for one in family._of_coins(c, table)]

    def log_density(self):
        return sum(coin.log_density() for coin in self._coins)

    def score(self):
        scores = np.stack([coin.score() for coin in self._coins], axis=-1)
        return np.moveaxis(self.family._assembled(np.moveaxis(scores, -3, -1)), -1, -2)

    def collect(self, posterior):
        parts = [coin.collect(posterior) for coin in self._coins]
        return np.concatenate([parts[0][..., :1], *(part[..., 1:] for part in parts)], axis=-1)
