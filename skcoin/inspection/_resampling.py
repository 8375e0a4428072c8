"""New counts in place of those that were seen: drawn from them, or from the model.

Neither looks at single rows: a multinomial draw tells at once how many rows hold each pair.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skcoin._counts import HIDDEN, Counts, count, log_binomial_coefficient, merge
from skcoin._likelihood import Coins, log_likelihood
from skcoin._validation import refuse_if_not_whole


@dataclass(frozen=True)
class Resampling:
    """Rows drawn with replacement: a multinomial draw over the distinct ones."""

    counts: Counts

    def __post_init__(self):
        refuse_if_not_whole(
            self.counts.rows.sum(keepdims=True),
            "sample_weight sums to {}, but so many rows are to be drawn",
            "Scale the weights to the number of rows that they stand for.",
        )

    def draw(self, rng):
        counts = self.counts
        share = counts.rows / counts.rows.sum()
        rows = rng.multinomial(round(counts.rows.sum()), share).astype(float)
        drawn = Counts(counts.heads, counts.tails, rows, counts.coin)
        return drawn.where(rows > 0)


@dataclass(frozen=True)
class Simulation:
    """Rows of as many tosses as those seen, of coins that are drawn by the model.

    The coin of a row is known where it was known before. ``coins`` are those of the model, of
    shape (n_coins,); ``or_else`` is what to do where tosses or rows are not whole.
    """

    counts: Counts
    coins: Coins
    or_else: str = ""

    def __post_init__(self):
        _, tosses, rows = self._groups
        refuse_if_not_whole(
            tosses,
            "A row has {} tosses, and so many are to be simulated",
            f"Round them{self.or_else}.",
        )
        refuse_if_not_whole(
            rows,
            "By sample_weight, rows of one number of tosses have the weight {}, and so many are to "
            "be simulated",
            f"Scale the weights to the number of rows that they stand for{self.or_else}.",
        )

    @cached_property
    def _groups(self):
        """Whether the coin is known, tosses and rows of the groups of rows that are alike."""
        key = np.stack([self.counts.coin != HIDDEN, self.counts.tosses])
        (known, tosses), place = np.unique(key, axis=1, return_inverse=True)
        rows = np.bincount(place.ravel(), self.counts.rows)
        return known.astype(bool), tosses, rows

    def draw(self, rng):
        known, tosses, rows = self._groups
        tosses, rows = np.rint(tosses), np.rint(rows).astype(np.int64)
        coin = np.full(len(rows), HIDDEN)
        if known.any():
            each = rng.multinomial(rows[known], self.coins.weights)
            group, picked = np.nonzero(each)
            coin = np.concatenate([coin[~known], picked])
            tosses = np.concatenate([tosses[~known], tosses[known][group]])
            rows = np.concatenate([rows[~known], each[group, picked]])
        many = rows > tosses
        parts = list(self._draw_rows(coin[~many], tosses[~many], rows[~many], rng))
        for group in zip(coin[many], tosses[many], rows[many], strict=True):
            parts.append(self._draw_pairs(*group, rng))
        return merge(parts)

    def _draw_pairs(self, coin, tosses, n_rows, rng):
        """How many of the rows of a group show each number of heads."""
        coins = self.coins
        if coin != HIDDEN:
            coins = Coins(coins.theta[[coin]], np.ones(1))
        heads = np.arange(tosses + 1)
        tails = tosses - heads
        ways = log_binomial_coefficient(heads, tails)
        probability = np.exp(ways + log_likelihood(coins, heads, tails))
        rows = rng.multinomial(n_rows, probability / probability.sum()).astype(float)
        return Counts(heads, tails, rows, np.full(len(heads), coin)).where(rows > 0)

    def _draw_rows(self, coin, tosses, n_rows, rng):
        """The heads of each row of groups with no more rows than tosses."""
        coin, tosses = np.repeat(coin, n_rows), np.repeat(tosses, n_rows)
        if len(coin):
            picked = rng.choice(len(self.coins.theta), size=len(coin), p=self.coins.weights)
            theta = self.coins.theta[np.where(coin == HIDDEN, picked, coin)]
            heads = rng.binomial(tosses.astype(np.int64), theta)
            yield count([(heads, tosses - heads, None, coin)])
