"""The nonparametric fit beside EM on a grid of coins, and mixsqp of R on the same grid.

All on the distinct rows, in turn; mixsqp's own clock leaves out the start of R. First ``apt-get
install r-cran-mixsqp``; without it that peer is left out. A grid cannot come nearer to the best
distribution than its points are to the atoms.
"""

import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
from _shared import (
    distinct,
    interleaved,
    load_set,
    log_likelihood,
    number,
    poisson,
    print_table,
    say_load,
    toss,
)
from scipy.special import xlog1py, xlogy

from skcoin import NonparametricBinomialMixture

N_POINTS = 300
MOST_STEPS, LEAST_GAIN = 1000, 1e-6  # of EM; in log-likelihood a step
MIXSQP = """
library(mixsqp)
L <- as.matrix(read.csv("densities.csv", header = FALSE))
times <- scan("times.csv", quiet = TRUE)
seconds <- system.time(fit <- mixsqp(L, times / sum(times), control = list(verbose = FALSE)))
cat(seconds[["elapsed"]], fit$x, sep = "\\n", file = "fit.txt")
"""


def sets():
    yield "efron_morris_1970, 18 rows", load_set("efron_morris_1970")[0]
    yield "rat_tumours, 71 rows", load_set("rat_tumours")[0]
    yield "surg_nodes, 844 rows", load_set("surg_nodes")[0]
    yield "1e4 rows, Poisson(100), four coins", toss(poisson(100, 10_000), (0.3, 0.4, 0.5, 0.6))


def grid_of(X):
    """Even in ``arcsin sqrt theta`` between the lowest and the highest rate."""
    rate = X[:, 0] / X.sum(axis=1)
    return np.sin(np.linspace(*np.arcsin(np.sqrt([rate.min(), rate.max()])), N_POINTS)) ** 2


def densities(rows, theta):
    """Of each row at each theta, in proportion to the highest."""
    log_f = xlogy(rows[:, :1], theta) + xlog1py(rows[:, 1:], -theta)
    return np.exp(log_f - log_f.max(axis=1, keepdims=True))


def em_on_grid(X):
    def run():
        rows, times = distinct(X)
        theta = grid_of(rows)
        f, weights, last = densities(rows, theta), np.full(N_POINTS, 1 / N_POINTS), -np.inf
        for _ in range(MOST_STEPS):
            fitted = f @ weights
            height = times @ np.log(fitted)
            if height - last < LEAST_GAIN:
                break
            last = height
            weights = weights * ((times / fitted) @ f) / times.sum()
        return theta, weights

    return run


def ours(X):
    def run():
        model = NonparametricBinomialMixture().fit(X)
        return model.theta_, model.weights_

    return run


def mixsqp(X):
    """Seconds by R's clock, and the fit."""
    rows, times = distinct(X)
    theta = grid_of(rows)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        np.savetxt(folder / "densities.csv", densities(rows, theta), delimiter=",")
        np.savetxt(folder / "times.csv", times)
        subprocess.run(["Rscript", "-e", MIXSQP], cwd=folder, check=True, capture_output=True)
        seconds, *weights = np.loadtxt(folder / "fit.txt")
    return seconds, theta, np.maximum(weights, 0) / np.sum(weights)


def compare(name, X):
    X = X[X.sum(axis=1) > 0]
    calls = {"skcoin": ours(X), "EM on the grid": em_on_grid(X)}
    seconds = dict(zip(calls, interleaved(*calls.values(), repeats=3), strict=True))
    fits = {fitted_by: call() for fitted_by, call in calls.items()}
    if shutil.which("Rscript"):
        seconds["mixsqp on the grid"], *fits["mixsqp on the grid"] = mixsqp(X)
    reached = {fitted_by: log_likelihood(X, *fit) for fitted_by, fit in fits.items()}
    best = max(reached.values())
    for fitted_by in fits:
        time = number(seconds[fitted_by] / seconds["skcoin"])
        yield name, fitted_by, time, number(best - reached[fitted_by])


if __name__ == "__main__":
    say_load()
    warnings.simplefilter("ignore", UserWarning)
    rows = [row for case in sets() for row in compare(*case)]
    print_table(["data", "fitted by", "time / skcoin's", "below the best"], rows)
