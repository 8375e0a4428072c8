"""How often does an interval of ``confidence_intervals`` hold the truth?

Tosses of known coins are simulated, coins are fitted, and each method gives its intervals of every
theta and weight. Fitted coins have no names: the one with the smallest theta is compared with the
true coin with the smallest theta, and so on. ``python coverage.py --sets 20`` is a quick look.
"""

import argparse
import warnings
from dataclasses import dataclass

import numpy as np
from _shared import fit, print_table, toss
from joblib import Parallel, delayed

from skcoin.inspection import bootstrap, confidence_intervals

LEVELS = (0.9, 0.95, 0.99)
SETS = {"wald": 2000, "profile": 150, "bootstrap": 150}  # as many as their cost allows
N_BOOT = 400
PARTS = ("theta", "weights")


@dataclass(frozen=True)
class Design:
    """Coins by rising theta, and how they are tossed."""

    name: str
    theta: tuple
    weights: tuple
    tosses: int
    rows: int

    def __str__(self):
        return f"{self.name}, {self.rows:,} rows of {self.tosses}"


DESIGNS = (
    *(Design("apart", (0.2, 0.7), (0.4, 0.6), 20, rows) for rows in (20, 50, 200, 1000)),
    Design("three coins", (0.1, 0.4, 0.8), (0.3, 0.3, 0.4), 20, 200),
    Design("rare coin", (0.2, 0.7), (0.05, 0.95), 20, 100),
    *(Design("overlapping", (0.4, 0.6), (0.5, 0.5), 10, rows) for rows in (200, 1000)),
    Design("hardly two", (0.45, 0.55), (0.5, 0.5), 10, 200),
    Design("few tosses", (0.4, 0.6), (0.5, 0.5), 3, 1000),
    Design("near zero", (0.02, 0.3), (0.5, 0.5), 5, 200),
    Design("at zero", (0.0, 0.3), (0.5, 0.5), 5, 200),
)


def measure(design, i, n_sets):
    """The intervals of the i-th simulated set, of shape (n_levels, n_parameters, 2), by method."""
    seed = DESIGNS.index(design), i
    X = toss(np.full(design.rows, design.tosses), design.theta, design.weights, seed)
    model = fit(X, len(design.theta))
    by_theta = np.argsort(model.theta_, kind="stable")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NaN says as much
        return {
            method: np.array(
                [
                    np.concatenate([interval[part][by_theta] for part in PARTS])
                    for interval in _intervals(model, X, method, i)
                ]
            )
            for method in SETS
            if i < n_sets[method]
        }


def _intervals(model, X, method, i):
    """The intervals at each level."""
    if method != "bootstrap":
        return [confidence_intervals(model, X, level=level, method=method) for level in LEVELS]
    # What method="bootstrap" does, with one set of refits for all levels.
    fits = bootstrap(model, X, n_boot=N_BOOT, random_state=i)
    ends = [((1 - level) / 2, (1 + level) / 2) for level in LEVELS]
    return [{part: np.quantile(fits[part], end, axis=0).T for part in PARTS} for end in ends]


def parameters(design):
    """Name and index of each parameter: of two weights the first tells the other."""
    n_coins = len(design.theta)
    for k, theta in enumerate(design.theta):
        yield f"theta {theta:g}", k
    for k, weight in enumerate(design.weights if n_coins > 2 else design.weights[:1]):
        yield f"weight {weight:g}", n_coins + k


def holds(design, intervals):
    """Whether each holds the truth; NaN does not. Shape (n_sets, n_levels, n_parameters)."""
    truth = np.concatenate([design.theta, design.weights])
    return (intervals[..., 0] <= truth) & (truth <= intervals[..., 1])


def share(hits):
    """In percent, with its standard error: a hit and a miss are added, so that it is not zero."""
    p, n = (hits.sum() + 1) / (len(hits) + 2), len(hits)
    return f"{100 * hits.mean():.1f} ± {100 * np.sqrt(p * (1 - p) / n):.1f}"


def by_parameter(design, intervals, level):
    """Rows of the first table: how often each interval holds the truth, and how wide it is."""
    for name, k in parameters(design):
        row = [str(design), name]
        for method, all_ in intervals.items():
            ends = all_[:, level, k]
            hits, given = holds(design, all_)[:, level, k], ~np.isnan(ends[:, 0])
            row.append(share(hits))
            if method == "wald":
                row.append("" if given.all() else f"{100 * (~given).mean():.1f}")
                row.append("" if given.all() else f"{100 * hits[given].mean():.1f}")
            elif not given.all():
                row[-1] += f" (none: {100 * (~given).mean():.1f})"
            row.append(f"{np.median(np.ptp(ends[given], axis=1)):.3f}")
        yield row


def by_level(design, intervals):
    """Rows of the second table: how often at each level, the thetas and the weights together."""
    chosen = [k for _, k in parameters(design)]
    n_coins = len(design.theta)
    for part, which in (("theta", chosen[:n_coins]), ("weights", chosen[n_coins:])):
        row = [str(design), part]
        for all_ in intervals.values():
            held = holds(design, all_)[..., which].mean(axis=(0, 2))
            row += [f"{100 * actual:.1f}" for actual in held]
        yield row


def main(at_most):
    n_sets = {method: min(n, at_most) for method, n in SETS.items()}
    sets = ", ".join(f"{n:,} for {method}" for method, n in n_sets.items())
    print(f"Simulated sets: {sets} ({N_BOOT} refits each).\n", flush=True)
    tables = [], []
    with Parallel(n_jobs=2) as parallel:
        for design in DESIGNS:
            task = delayed(measure)
            results = parallel(task(design, i, n_sets) for i in range(max(n_sets.values())))
            intervals = {m: np.array([r[m] for r in results if m in r]) for m in SETS}
            tables[0].extend(by_parameter(design, intervals, LEVELS.index(0.95)))
            tables[1].extend(by_level(design, intervals))
    header = ["design", "of", "wald", "none", "of those given", "width"]
    print_table([*header, "profile", "width", "bootstrap", "width"], tables[0])
    print()
    levels = [f"{method} {100 * level:g}" for method in SETS for level in LEVELS]
    print_table(["design", "of", *levels], tables[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", type=int, default=max(SETS.values()), help="at most so many")
    main(parser.parse_args().sets)
