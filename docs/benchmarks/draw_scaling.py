"""Draw ``scaling.csv``: three panels, all of ratios."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # Okabe and Ito: told apart by all

with Path("scaling.csv").open(newline="") as lines:
    measured = list(csv.DictReader(lines))


def column(against, name):
    return np.array([float(line[name]) for line in measured if line["against"] == against])


fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
rows, tosses, coins = (column(name, "size") for name in ("rows", "mean tosses", "coins"))
left.loglog(rows, column("rows", "fit / X.sum()"), "o-", color=BLUE, label="fit, to the maximum")
left.loglog(
    rows,
    column("rows", "plain EM step / X.sum()"),
    "s--",
    color=ORANGE,
    label="one step of plain EM",
)
left.axhline(1, color=GREEN, linestyle=":", label="X.sum(): reading the data")
left.set(xlabel="rows (20 tosses, 3 coins)", ylabel="time / one X.sum()", ylim=(0.5, 3e4))
left.legend(loc="upper right")
distinct = column("mean tosses", "distinct rows")
middle.loglog(tosses, column("mean tosses", "fit / smallest size"), "o-", color=BLUE, label="fit")
middle.loglog(tosses, distinct / distinct[0], "s--", color=ORANGE, label="distinct rows")
middle.set(xlabel="mean tosses (1e5 rows, 3 coins)", ylabel="relative to 5 tosses")
middle.legend()
right.semilogy(coins, column("coins", "fit / smallest size"), "o-", color=BLUE)
right.set(xlabel="coins (1e5 rows, Poisson(100) tosses)", ylabel="fit, relative to one coin")
if plt.get_backend().lower() != "agg":
    plt.show()
