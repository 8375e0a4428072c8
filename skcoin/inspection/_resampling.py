"""New counts in place of those that were seen: drawn from them, or from the model.

Neither looks at single rows: a multinomial draw tells at once how many rows hold each pair.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skcoin._counts import HIDDEN, Counts, count, encode_sets, merge
from skcoin._em.parameters import Parameters
from skcoin._mixture import Mixture
from skcoin._validation import refuse_if_not_whole

ROWS = 2**20  # that are drawn in one array
PAIRS = 2**15  # whose probabilities are computed in one array
SIDE_BY_SIDE = 2**17  # pairs of all tables that are fitted together; more save no calls


@dataclass(frozen=True)
class Resampling:
    """Rows drawn with replacement: a multinomial draw over the distinct ones."""

    counts: Counts

    def __post_init__(self):
        refuse_if_not_whole(
            self.counts.multiplicity.sum(keepdims=True),
            "sample_weight sums to {}, but so many rows are to be drawn",
            "Scale the weights to the number of rows that they stand for.",
        )

    def draw(self, rng):
        counts = self.counts
        share = counts.multiplicity / counts.n_rows
        n = rng.multinomial(round(counts.n_rows), share).astype(float)
        return Counts(counts.heads, counts.tails, n, counts.label).keep(n > 0)


@dataclass(frozen=True)
class Simulation:
    """Rows of as many tosses as those seen, of coins that are drawn by the model.

    The coin of a row is known where it was known before. ``or_else`` is what to do where tosses or
    rows are not whole.
    """

    counts: Counts
    mixture: Mixture
    or_else: str = ""

    def __post_init__(self):
        _, tosses, n = self._groups
        refuse_if_not_whole(
            tosses.ravel(),
            "A row has {} tosses, and so many are to be simulated",
            f"Round them{self.or_else}.",
        )
        refuse_if_not_whole(
            n,
            "By sample_weight, rows of one number of tosses have the weight {}, and so many are to "
            "be simulated",
            f"Scale the weights to the number of rows that they stand for{self.or_else}.",
        )

    @cached_property
    def _groups(self):
        """Whether the label is known, tosses and rows of the groups of rows that are alike."""
        key = np.stack([self.counts.label != HIDDEN, self.counts.tosses])
        (known, tosses), place = np.unique(key, axis=1, return_inverse=True)
        n = np.bincount(place.ravel(), self.counts.multiplicity)
        return known.astype(bool), tosses, n

    def draw(self, rng):
        known, tosses, n = self._groups
        tosses, n = np.rint(tosses).astype(np.int64), np.rint(n).astype(np.int64)
        label = np.full(len(n), HIDDEN)
        if known.any():
            each = rng.multinomial(n[known], self.mixture.weights)
            group, picked = np.nonzero(each)
            label = np.concatenate([label[~known], picked])
            tosses = np.concatenate([tosses[~known], tosses[known][group]])
            n = np.concatenate([n[~known], each[group, picked]])
        first, stop = self._reach(label, tosses)
        many = n >= (stop - first).sum(axis=1)
        parts = list(self._draw_rows(label[~many], tosses[~many], n[~many], rng))
        groups = (column[many] for column in (label, tosses, n, first, stop))
        parts += [self._draw_pairs(*group, rng) for group in zip(*groups, strict=True)]
        return merge(parts)

    def _reach(self, label, tosses):
        """The heads that some coin can show in a row of each group, in ranges from low to high.

        Returns
        -------
        first, stop : ndarray of shape (n_groups, n_coins), int
            The ranges do not overlap; they are empty where a coin cannot be the group's.
        """
        weights, components = self.mixture.parameters.weights, self.mixture.parameters.components
        low, high = self.mixture.family.reach(components, tosses[:, None])
        is_label = label[:, None] == np.arange(len(weights))
        can_be = np.where(label[:, None] == HIDDEN, weights > 0, is_label)
        order = np.argsort(low, axis=1)
        first, stop = (
            np.take_along_axis(column, order, axis=1)
            for column in (low, np.where(can_be, high + 1, low))
        )
        first[:, 1:] = np.maximum(first[:, 1:], np.maximum.accumulate(stop, axis=1)[:, :-1])
        return first, np.maximum(first, stop)

    def _draw_pairs(self, label, tosses, n_rows, first, stop, rng):
        """How many of the rows of a group show each number of heads.

        The heads that have a chance are about as many as the square root of many tosses.
        """
        mixture = self.mixture
        if label != HIDDEN:
            of_label = Parameters(np.ones(1), mixture.parameters.components[[label]])
            mixture = replace(mixture, parameters=of_label)
        heads = np.concatenate(list(map(np.arange, first, stop)))
        probability = np.concatenate(
            [
                np.exp(mixture.family.log_base(h, tosses - h) + mixture.log_density(h, tosses - h))
                for h in np.array_split(heads, len(heads) // PAIRS + 1)
            ]
        )
        n = rng.multinomial(n_rows, probability / probability.sum())
        seen = np.flatnonzero(n)
        heads, n = heads[seen].astype(float), n[seen].astype(float)
        return Counts(heads, tosses - heads, n, np.full(len(heads), label))

    def _draw_rows(self, label, tosses, n_rows, rng):
        """The heads of each row of groups with fewer rows than there are heads to show."""
        weights, components = self.mixture.parameters.weights, self.mixture.parameters.components
        last = np.cumsum(n_rows)
        for start in range(0, n_rows.sum(), ROWS):
            row = np.arange(start, min(start + ROWS, last[-1]))
            group = np.searchsorted(last, row, side="right")
            picked = rng.choice(len(weights), size=len(row), p=weights)
            known = label[group]
            own = components[np.where(known == HIDDEN, picked, known)]
            heads = self.mixture.family.sample(own, tosses[group], rng)
            yield count([(heads, tosses[group] - heads, None, known)])


class SimulationOfSets(Simulation):
    """The same of rows with several coins: of each class that is drawn, the tosses of all coins."""

    @cached_property
    def _groups(self):
        """The same, but the tosses are those of each coin, (n_coins, n_groups)."""
        tosses = self.counts.heads + self.counts.tails
        code, decode = encode_sets(tosses, np.zeros_like(tosses))
        key = 2 * code + (self.counts.label != HIDDEN)
        groups, place = np.unique(key, return_inverse=True)
        return groups % 2 == 1, decode(groups // 2)[0], np.bincount(place, self.counts.multiplicity)

    def draw(self, rng):
        known, tosses, n = self._groups
        tosses, last = np.rint(tosses).astype(np.int64), np.cumsum(np.rint(n).astype(np.int64))
        weights, components = self.mixture.weights, self.mixture.parameters.components
        parts, size = [], max(ROWS // len(tosses), 1)
        for start in range(0, last[-1], size):
            row = np.arange(start, min(start + size, last[-1]))
            group = np.searchsorted(last, row, side="right")
            picked = rng.choice(len(weights), size=len(row), p=weights)
            of_rows = tosses[:, group]
            heads = rng.binomial(of_rows, self.mixture.family.rates(components[picked], rng).T)
            parts.append(
                count([(heads, of_rows - heads, None, np.where(known[group], picked, HIDDEN))])
            )
        return merge(parts)


def simulation(counts, mixture, or_else=""):
    """The one that suits the rows."""
    kind = Simulation if mixture.family.n_axes == 1 else SimulationOfSets
    return kind(counts, mixture, or_else)


def draw_tables(rows, rngs):
    """Draw a table by each generator, and yield as many as are not too large to fit side by side.

    With each list of tables comes the generator of its first.
    """
    tables, first, n_pairs = [], rngs[0], 0
    for rng in rngs:
        table = rows.draw(rng)
        n_more = table.heads.size
        if tables and n_pairs + n_more > SIDE_BY_SIDE:
            yield tables, first
            tables, first, n_pairs = [], rng, 0
        tables.append(table)
        n_pairs += n_more
    yield tables, first
