"""Thousands of small mixtures: ``fit_groups`` against a loop of ``fit`` over the groups."""

import warnings

import numpy as np
import polars as pl
from _shared import interleaved, number, print_table, say_load

from skcoin import BinomialMixture, count_tosses, fit_groups

N_GROUPS, N_ROWS = 2000, 500


def groups(most_tosses, seed=0):
    """Heads and tails, (n_groups, n_rows, 2), of two coins that are others in each group."""
    rng = np.random.default_rng(seed)
    shape = N_GROUPS, N_ROWS
    tosses = np.full(shape, most_tosses) if most_tosses == 10 else rng.integers(5, 21, shape)
    theta = rng.uniform(0.05, 0.95, size=(N_GROUPS, 2))
    picked = (rng.uniform(size=shape) < rng.uniform(0.2, 0.8, size=(N_GROUPS, 1))).astype(int)
    heads = rng.binomial(tosses, np.take_along_axis(theta, picked, axis=1))
    return np.stack([heads, tosses - heads], axis=2)


def measure(most_tosses, n_coins, repeats):
    rows = groups(most_tosses)
    frame = pl.DataFrame(
        {
            "group": np.repeat(np.arange(N_GROUPS), N_ROWS),
            "h": rows[..., 0].ravel(),
            "t": rows[..., 1].ravel(),
        }
    )
    model = BinomialMixture(n_coins)
    table = count_tosses(frame, "h", tails="t", by="group")

    def loop():
        for X in rows:
            model.fit(X)

    loop_time, fit_time, count_time = interleaved(
        loop,
        lambda: fit_groups(model, table, by="group"),
        lambda: count_tosses(frame, "h", tails="t", by="group"),
        repeats=repeats,
        warm_up=0,
    )
    return (
        "10" if most_tosses == 10 else "5 to 20",
        n_coins,
        number(len(table) / N_GROUPS),
        number(loop_time / fit_time),
        number(loop_time / (fit_time + count_time)),
    )


if __name__ == "__main__":
    say_load()
    warnings.simplefilter("ignore")
    header = ("tosses", "coins", "pairs in a group", "loop / fit_groups", "with count_tosses")
    cases = [(10, 2, 5), (20, 2, 5), (10, 3, 3), (20, 3, 3)]
    print_table(header, [measure(*case) for case in cases])
