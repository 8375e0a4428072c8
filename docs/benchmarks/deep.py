"""What does it cost to ask for more coins than the rows hold, on deep rows?

That is what choosing the number of coins by BIC does. The cost of a whole fit is shown in steps of
plain EM over all rows, timed in turn with it; most of it is the search for another place.
"""

import numpy as np
from _shared import PlainEM, fit, interleaved, print_table, quantiles

STEPS = 10


def four_coins(n_rows):
    """Rows of 20,000 to 100,000 tosses of four coins."""
    rng = np.random.default_rng(0)
    tosses = rng.integers(20_000, 100_000, size=n_rows)
    heads = rng.binomial(
        tosses, rng.choice([0.01, 0.12, 0.25, 0.48], n_rows, p=[0.4, 0.3, 0.2, 0.1])
    )
    return np.column_stack([heads, tosses - heads])


def one_coin(n_rows):
    """Rows of up to a million tosses of one coin."""
    rng = np.random.default_rng(0)
    tosses = rng.integers(1, 1_000_000, size=n_rows)
    heads = rng.binomial(tosses, 0.3)
    return np.column_stack([heads, tosses - heads])


def steps_of_plain_em(X, n_coins):
    em = PlainEM(X, n_coins).start_at(quantiles(X, n_coins))
    own, plain = interleaved(lambda: fit(X, n_coins), lambda: em.run(STEPS), repeats=5)
    return own / plain * STEPS


if __name__ == "__main__":
    cases = (
        ("four coins", four_coins(2_000), 6, 500),
        ("four coins", four_coins(10_000), 6, 300),
        ("four coins", four_coins(10_000), 8, 500),
        ("one coin", one_coin(5_000), 2, 300),
    )
    rows = [
        (name, f"{len(X):,}", n_coins, round(steps_of_plain_em(X, n_coins)), goal)
        for name, X, n_coins, goal in cases
    ]
    print_table(["rows of", "rows", "K", "fit, in steps of plain EM", "goal"], rows)
