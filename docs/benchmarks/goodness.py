"""How often does ``goodness_of_fit`` reject a model that is true, and one that is not?

Rows are simulated, a model is fitted, and its p-values are held against levels. Coins that are true
should be rejected as often as the level says; a theta that varies from row to row around its coin,
as in a beta-binomial mixture, as often as possible. ``summary`` is asked for its verdict, too.
``python goodness.py --sets 20`` is a quick look.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from _shared import fit, poisson, print_table
from joblib import Parallel, delayed

from skcoin.inspection import goodness_of_fit, summary

LEVELS = (0.05, 0.1)
N_BOOT = 99
N_SETS = 200
STATISTICS = ("pearson", "deviance", "dispersion_ratio")


@dataclass(frozen=True)
class Design:
    """Coins, their tosses, and how many of them are fitted.

    ``rho`` is the correlation of two tosses of a row of known coin: 0 if the coin is fair to its
    theta. ``tosses`` is a number, or None for Poisson(40) and one more.
    """

    theta: tuple
    tosses: int | None
    rows: int
    rho: float = 0.0
    n_fitted: int | None = None

    def __str__(self):
        coins = ", ".join(f"{theta:g}" for theta in self.theta)
        tosses = self.tosses or "about 40"
        return f"{coins}; {self.rows:,} rows of {tosses}"

    def draw(self, seed):
        rng = np.random.default_rng(seed)
        n = poisson(40, self.rows, seed[1]) + 1 if self.tosses is None else self.tosses
        theta = rng.choice(self.theta, size=self.rows)
        if self.rho:
            size = 1 / self.rho - 1
            theta = rng.beta(size * theta, size * (1 - theta))
        heads = rng.binomial(n, theta)
        return np.column_stack([heads, n - heads])


TRUE = (
    Design((0.3,), 20, 50),
    Design((0.02,), 20, 200),
    Design((0.2, 0.7), 20, 50),
    Design((0.2, 0.7), None, 200),
    Design((0.4, 0.6), 10, 200),
    Design((0.4, 0.6), 3, 1000),
    Design((0.0, 0.3), 5, 200),
    Design((0.1, 0.4, 0.8), None, 500),
)
WRONG = (
    Design((0.3,), 20, 100, rho=0.01),
    Design((0.3,), None, 100, rho=0.01),
    Design((0.2, 0.7), 20, 100, rho=0.03),
    Design((0.2, 0.7), None, 100, rho=0.02),
    Design((0.3, 0.5), None, 100, rho=0.02),
    Design((0.1, 0.5, 0.9), 10, 50, n_fitted=2),
    Design((0.2, 0.3, 0.8), None, 200, n_fitted=2),
)


def measure(design, i):
    """The p-values of the i-th set, and whether the summary calls it overdispersed."""
    X = design.draw(((*TRUE, *WRONG).index(design), i))
    model = fit(X, design.n_fitted or len(design.theta))
    test = goodness_of_fit(model, X, n_boot=N_BOOT, random_state=i)
    told = "overdispersed" in summary(model, X).facts["dispersion ratio"]
    return [test[f"{name}_p_value"] for name in STATISTICS], told


def rejected(designs, n_sets, n_jobs):
    """A row for each design: percent of sets that are rejected by each statistic at each level."""
    for design in designs:
        results = Parallel(n_jobs)(delayed(measure)(design, i) for i in range(n_sets))
        p_values, told = map(np.array, zip(*results, strict=True))
        shares = [
            f"{100 * np.mean(p_values[:, j] <= level):.1f}"
            for j in range(len(STATISTICS))
            for level in LEVELS
        ]
        yield [
            f"{design}, rho {design.rho:g}" if design.rho else str(design),
            *shares,
            f"{100 * told.mean():.1f}",
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=N_SETS)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    percents = [f"{name} {100 * level:g}" for name in STATISTICS for level in LEVELS]
    for designs in (TRUE, WRONG):
        print_table(
            ["design", *percents, "summary"], [*rejected(designs, options.sets, options.jobs)]
        )
        print(flush=True)
