"""Rows that are drawn: of coins that are known, and those of each replicate of a bootstrap."""

import numpy as np

from skcoin._progress.workers import repeat
from skcoin.inspection._inspected import check_fitted
from skcoin.inspection._resampling import Resampling, Simulation


def tosses_of(theta, n_rows, n_tosses, seed, shares=None):
    """Heads and tails of rows whose coins are drawn from ``theta``."""
    rng = np.random.default_rng(seed)
    heads = rng.binomial(n_tosses, rng.choice(theta, size=n_rows, p=shares))
    return np.column_stack([heads, n_tosses - heads])


APART = tosses_of([0.9, 0.2], 200, 20, seed=0, shares=[0.75, 0.25])


def drawn_again(model, X, sample_weight=None, coins=None, *, n_boot, parametric, random_state):
    """The counts of each replicate."""
    fitted = check_fitted(model, X, sample_weight, coins)
    rows = Simulation(fitted.counts, fitted.mixture) if parametric else Resampling(fitted.counts)
    return repeat(
        lambda rngs: [rows.draw(rng) for rng in rngs],
        n_boot,
        random_state=random_state,
        n_jobs=None,
        verbose=0,
        callbacks=(),
    )
