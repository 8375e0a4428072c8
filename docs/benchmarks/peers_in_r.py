"""skcoin beside flexmix and mixtools, which are packages of R.

Needs Rscript and both packages (Debian: r-cran-flexmix, r-cran-mixtools). Each fits from ten seeds,
with one start each; the fit of skcoin is timed in the same run, but not in turn with theirs. One
function says how far each ends below the best of all.
"""

import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from _shared import fit, load_set, log_likelihood, number, poisson, print_table, say_load, toss

SEEDS = range(1, 11)
PACKAGES = "flexmix", "mixtools"


def sets():
    """Name, X and number of coins."""
    yield "500 rows, Poisson(8), K=2", toss(poisson(8, 500) + 1, (0.2, 0.6)), 2
    yield "lirat, 58 rows, K=3", load_set("lirat")[0], 3
    yield "surg_nodes, 844 rows, K=4", load_set("surg_nodes")[0], 4


def in_r(package, X, n_coins):
    """Seconds, thetas and weights of each seed that ended with a fit."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "tosses.csv")
        np.savetxt(table, X, fmt="%d", delimiter=",")
        script = Path(__file__).with_name("peers.R")
        command = ["Rscript", script, package, str(n_coins), table, *map(str, SEEDS)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in printed.splitlines():
        seconds, *numbers = map(float, line.split())
        theta, weights = np.split(np.array(numbers), 2)
        yield seconds, theta, weights


def of_skcoin(X, n_coins):
    for _ in SEEDS:  # the same each time
        start = perf_counter()
        model = fit(X, n_coins)
        yield perf_counter() - start, model.theta_, model.weights_


def compare(name, X, n_coins):
    """The rows of one data set."""
    tossed = X[X.sum(axis=1) > 0]
    found = {"skcoin": list(of_skcoin(tossed, n_coins))}
    found |= {package: list(in_r(package, tossed, n_coins)) for package in PACKAGES}
    reached = {
        package: np.array([log_likelihood(tossed, theta, weights) for _, theta, weights in fits])
        for package, fits in found.items()
    }
    best = max(values.max() for values in reached.values() if len(values))
    own = np.median([seconds for seconds, *_ in found["skcoin"]])
    for package, fits in found.items():
        short = best - reached[package]
        yield (
            name,
            package,
            number(np.median([seconds for seconds, *_ in fits]) / own) if fits else "-",
            number(np.median(short)) if fits else "-",
            number(short.max()) if fits else "-",
            sum(len(theta) < n_coins for _, theta, _ in fits),
            len(SEEDS) - len(fits),
        )


if __name__ == "__main__":
    say_load()
    header = ["data", "fitted by", "time / skcoin's", "below the best: median", "worst"]
    rows = [row for case in sets() for row in compare(*case)]
    print_table([*header, "seeds with fewer coins", "that failed"], rows)
