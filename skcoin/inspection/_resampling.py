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
    """Rows of as many tosses as those seen, of coins drawn by the model or, where known, the same.

    ``coins`` are those of the model, of shape (n_coins,).
    """

    counts: Counts
    coins: Coins

    def __post_init__(self):
        _, tosses, rows = self._groups
        refuse_if_not_whole(
            tosses,
            "A row has {} tosses, and so many are to be simulated",
            "Draw rows of X instead, with parametric=False.",
        )
        refuse_if_not_whole(
            rows,
            "The rows of some number of tosses have the weight {}, and so many are to be simulated",
            "Scale the weights to the number of rows that they stand for, or draw rows of X with "
            "parametric=False.",
        )

    @cached_property
    def _groups(self):
        """Coin, tosses and rows of the groups of rows that are drawn alike."""
        key = np.stack([self.counts.coin, self.counts.tosses])
        (coin, tosses), place = np.unique(key, axis=1, return_inverse=True)
        return coin.astype(int), tosses, np.bincount(place.ravel(), self.counts.rows)

    @cached_property
    def _large(self):
        """Pairs, and their probabilities, of the groups with more rows than numbers of heads."""
        groups = []
        for coin, tosses, rows in zip(*self._groups, strict=True):
            if rows > tosses:
                heads = np.arange(tosses + 1)
                pairs = heads, tosses - heads, np.full(len(heads), coin)
                groups.append((round(rows), pairs, self._probability(*pairs)))
        return groups

    def draw(self, rng):
        parts = list(self._draw_rows(rng))
        for n_rows, (heads, tails, coin), probability in self._large:
            rows = rng.multinomial(n_rows, probability).astype(float)
            parts.append(Counts(heads, tails, rows, coin).where(rows > 0))
        return merge(parts)

    def _draw_rows(self, rng):
        """Row by row, where there are no more rows than numbers of tosses."""
        coin, tosses, rows = self._groups
        times = np.where(rows > tosses, 0, np.rint(rows)).astype(int)
        coin, tosses = np.repeat(coin, times), np.repeat(tosses, times)
        if len(coin):
            picked = rng.choice(len(self.coins.theta), size=len(coin), p=self.coins.weights)
            theta = self.coins.theta[np.where(coin == HIDDEN, picked, coin)]
            heads = rng.binomial(tosses.astype(np.int64), theta)
            yield count([(heads, tosses - heads, None, coin)])

    def _probability(self, heads, tails, coin):
        """Of each number of heads in so many tosses."""
        coins = self.coins
        if coin[0] != HIDDEN:
            coins = Coins(coins.theta[coin[:1]], np.ones(1))
        ways = log_binomial_coefficient(heads, tails)
        probability = np.exp(ways + log_likelihood(coins, heads, tails))
        return probability / probability.sum()
