"""How the cost of a fit grows with rows, tosses and coins; writes ``scaling.csv``.

A fit reads all rows once and climbs on the distinct ones. Reading them once, ``X.sum()``, is the
floor. ``draw_scaling.py`` draws what was measured.
"""

import csv
from functools import partial
from pathlib import Path

import numpy as np
from _shared import (
    distinct,
    fit,
    interleaved,
    number,
    plain_em,
    poisson,
    print_table,
    say_load,
    toss,
)

ROWS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
TOSSES = (5, 20, 100, 500, 2_000, 10_000)
COINS = (1, 2, 3, 4, 6, 8)
HEADER = [
    "against",
    "size",
    "distinct rows",
    "E-steps",
    "fit / smallest size",
    "fit / X.sum()",
    "plain EM step / X.sum()",
]


def by_rows():
    """Fit, and one step of plain EM over all rows, against one X.sum(); 20 tosses, K=3."""
    for n_rows in ROWS:
        X = toss(np.full(n_rows, 20), (0.2, 0.5, 0.7))
        em = plain_em(X, 3)
        calls = (partial(fit, X, 3), em.step, X.sum)
        yield n_rows, len(distinct(X)[0]), fit(X, 3).n_iter_, *interleaved(*calls, repeats=9)


def by_tosses():
    """Fit against the mean number of tosses; 1e5 rows, K=3."""
    sets = [toss(poisson(mean, 100_000), (0.2, 0.5, 0.7)) for mean in TOSSES]
    seconds = interleaved(*[partial(fit, X, 3) for X in sets], repeats=9)
    for mean, X, own in zip(TOSSES, sets, seconds, strict=True):
        yield mean, len(distinct(X)[0]), fit(X, 3).n_iter_, own


def by_coins():
    """Fit against the number of coins that are looked for; 1e5 rows, Poisson(100) tosses."""
    X = toss(poisson(100, 100_000), np.linspace(0.1, 0.9, 8))
    seconds = interleaved(*[partial(fit, X, K) for K in COINS], repeats=9)
    for n_coins, own in zip(COINS, seconds, strict=True):
        yield n_coins, len(distinct(X)[0]), fit(X, n_coins).n_iter_, own


def table(rows, tosses, coins):
    for size, n_distinct, n_iter, own, step, floor in rows:
        ratios = number(own / rows[0][3]), number(own / floor), number(step / floor)
        yield "rows", f"{size:,}", f"{n_distinct:,}", n_iter, *ratios
    for name, measured in (("mean tosses", tosses), ("coins", coins)):
        for size, n_distinct, n_iter, own in measured:
            ratio = number(own / measured[0][3])
            yield name, f"{size:,}", f"{n_distinct:,}", n_iter, ratio, "", ""


if __name__ == "__main__":
    say_load()
    measured = list(by_rows()), list(by_tosses()), list(by_coins())
    lines = list(table(*measured))
    print_table(HEADER, lines)
    with Path(__file__).with_name("scaling.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows([str(cell).replace(",", "") for cell in line] for line in lines)
