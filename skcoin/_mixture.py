"""A fitted mixture, as a value: a family with parameters, and what it says of counts."""

from dataclasses import dataclass, replace

import numpy as np

from skcoin._em import e_step
from skcoin._em.parameters import Parameters
from skcoin._validation import refuse_if_no_toss

HALVINGS, ATOM = 60, 1e-15  # of [0, 1]


@dataclass(frozen=True)
class Mixture:
    """What predictions, criteria, inspection and pictures read.

    Attributes
    ----------
    family : Family
    parameters : Parameters of shape (n_components,)
    n_parameters : int
        How many are free.
    in_order : bool
        Whether the order of the tosses of a row is data: then there is one way to see it.
    """

    family: object
    parameters: Parameters
    n_parameters: int
    in_order: bool

    @property
    def theta(self):
        return self.parameters.components[..., 0]

    @property
    def weights(self):
        return self.parameters.weights

    @property
    def by_name(self):
        """The parameters by the family's names, then the weights, each (..., n_components).

        Thetas of several coins, and others of one name, have an axis more.
        """
        names, components = self.family.names, self.parameters.components
        places = {name: [p for p, other in enumerate(names) if other == name] for name in names}
        of_coins = ("theta",) if self.family.n_axes == 2 else ()
        of_components = {
            name: components[..., p if len(p) > 1 or name in of_coins else p[0]]
            for name, p in places.items()
        }
        return of_components | {"weights": self.weights}

    def of_coin(self, j):
        """What it says of one of several coins, whatever the others show."""
        family, components = self.family.of_coin(j, self.parameters.components)
        return replace(self, family=family, parameters=Parameters(self.weights, components))

    def posterior(self, heads, tails):
        """Probability of each component given a row, (n_rows, n_components)."""
        return e_step.posterior(self.family, self.parameters, self._table(heads, tails))

    def moments(self, posterior, heads, tails):
        """Mean and variance of theta given each row, the mean between those of the components."""
        of_each, within = self.family.theta_given(self.parameters.components, heads, tails)
        if self.family.n_axes == 2:  # of each coin
            posterior = posterior[..., None]
        # A sum by rows is the same to the last bit whichever rows are beside it.
        mean = (posterior * of_each).sum(axis=1)
        components = -self.family.n_axes
        mean = np.clip(mean, of_each.min(axis=components), of_each.max(axis=components))
        return mean, (posterior * ((of_each - mean[:, None]) ** 2 + within)).sum(axis=1)

    def interval(self, heads, tails, level):
        """Where theta is with this probability given each row, (n_rows, 2).

        Of several coins, (n_rows, n_coins, 2).
        """
        ends, c = ((1 - level) / 2, (1 + level) / 2), self.parameters.components
        posterior = self.posterior(heads, tails)
        if self.family.n_axes == 1:
            return _quantiles(self.family, c, posterior, heads, tails, ends)
        each = [
            _quantiles(*self.family.of_coin(j, c), posterior, heads[j], tails[j], ends)
            for j in range(self.family.n_coins)
        ]
        return np.stack(each, axis=1)

    def log_density(self, heads, tails):
        """Log-probability of each row without what is free of the parameters."""
        return e_step.log_likelihood(self.family, self.parameters, self._table(heads, tails))

    def log_density_as(self, family, heads, tails):
        """The same, but without what another family leaves out."""
        log_density = self.log_density(heads, tails)
        if family is self.family:
            return log_density
        return log_density + self.family.log_base(heads, tails) - family.log_base(heads, tails)

    def log_likelihood(self, heads, tails):
        """Log-probability of each row, at most 0."""
        value = self.log_density(heads, tails) + self.log_base(heads, tails)
        return np.minimum(value, 0)  # rounding may leave it above

    @property
    def may_exclude(self):
        """Whether every component stands at an end of the scale, and so may exclude rows."""
        return bool(self.family.ends_exclude(self.parameters.components[self.weights > 0]).all())

    def excludes(self, heads, tails):
        """Whether no component can show a row."""
        return np.isneginf(self.log_density(heads, tails))

    def log_base(self, heads, tails):
        """What the density leaves out: log of the number of ways to see a row."""
        return self.family.log_base(heads, tails, in_order=self.in_order)

    def total_log_base(self, counts):
        return counts.multiplicity @ self.log_base(counts.heads, counts.tails)

    def total_log_likelihood(self, counts):
        return counts.multiplicity @ self.log_likelihood(counts.heads, counts.tails)

    def score(self, counts):
        return float(self.total_log_likelihood(counts) / counts.n_rows)

    def aic(self, counts):
        refuse_if_no_toss(counts)
        return float(-2 * self.total_log_likelihood(counts) + 2 * self.n_parameters)

    def bic(self, counts):
        refuse_if_no_toss(counts)
        penalty = self.n_parameters * np.log(counts.tossed.n_rows)
        return float(-2 * self.total_log_likelihood(counts) + penalty)

    def icl(self, counts):
        tossed = counts.tossed
        entropy = e_step.entropy(self.posterior(tossed.heads, tossed.tails))
        return float(self.bic(counts) + 2 * tossed.multiplicity @ entropy)

    def _table(self, heads, tails):
        table = self.family.tabulate(heads, tails, 1.0)
        return table if heads.ndim == self.family.n_axes else np.moveaxis(table, -2, 0)


def _quantiles(family, c, posterior, heads, tails, levels):
    """Quantiles of theta given each row, (n_rows, n_levels): the least ``x`` up to which theta is
    with at least that probability, by bisection.
    """
    of_each, within = family.theta_given(c, heads, tails)
    atoms = np.broadcast_to(np.where(within > 0, np.inf, of_each), posterior.shape)
    found = np.empty((len(heads), len(levels)))
    for j, level in enumerate(levels):
        low, high = np.zeros(len(heads)), np.ones(len(heads))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            reached = family.theta_up_to(c, heads, tails, middle)
            enough = (posterior * reached).sum(axis=1) >= level
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        near = np.abs(atoms - high[:, None]).argmin(axis=1)[:, None]
        atom = np.take_along_axis(atoms, near, axis=1)[:, 0]
        found[:, j] = np.where(np.abs(atom - high) <= ATOM, atom, high)
    return found
