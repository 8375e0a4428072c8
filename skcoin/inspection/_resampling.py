"""New counts in place of those that were seen: drawn from them, or from the model.

Neither looks at single rows: a multinomial draw tells at once how many rows hold each pair.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skcoin._counts import HIDDEN, Counts, count, merge
from skcoin._em.parameters import Parameters
from skcoin._mixture import Mixture
from skcoin._validation import refuse_if_not_whole


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
            tosses,
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
        tosses, n = np.rint(tosses), np.rint(n).astype(np.int64)
        label = np.full(len(n), HIDDEN)
        if known.any():
            each = rng.multinomial(n[known], self.mixture.weights)
            group, picked = np.nonzero(each)
            label = np.concatenate([label[~known], picked])
            tosses = np.concatenate([tosses[~known], tosses[known][group]])
            n = np.concatenate([n[~known], each[group, picked]])
        many = n > tosses
        parts = list(self._draw_rows(label[~many], tosses[~many], n[~many], rng))
        for group in zip(label[many], tosses[many], n[many], strict=True):
            parts.append(self._draw_pairs(*group, rng))
        return merge(parts)

    def _draw_pairs(self, label, tosses, n_rows, rng):
        """How many of the rows of a group show each number of heads."""
        mixture = self.mixture
        if label != HIDDEN:
            of_label = Parameters(np.ones(1), mixture.parameters.components[[label]])
            mixture = replace(mixture, parameters=of_label)
        heads = np.arange(tosses + 1)
        tails = tosses - heads
        ways = mixture.family.log_base(heads, tails)
        probability = np.exp(ways + mixture.log_density(heads, tails))
        n = rng.multinomial(n_rows, probability / probability.sum()).astype(float)
        return Counts(heads, tails, n, np.full(len(heads), label)).keep(n > 0)

    def _draw_rows(self, label, tosses, n_rows, rng):
        """The heads of each row of groups with no more rows than tosses."""
        label, tosses = np.repeat(label, n_rows), np.repeat(tosses, n_rows)
        if len(label):
            weights, components = (
                self.mixture.parameters.weights,
                self.mixture.parameters.components,
            )
            picked = rng.choice(len(weights), size=len(label), p=weights)
            own = components[np.where(label == HIDDEN, picked, label)]
            heads = self.mixture.family.sample(own, tosses.astype(np.int64), rng)
            yield count([(heads, tosses - heads, None, label)])
