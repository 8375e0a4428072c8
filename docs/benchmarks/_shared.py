"""What the benchmarks share: tosses, times in turn, peak memory, plain EM, one log-likelihood.

Every time is a median over rounds in which the candidates take turns (A B A B ...) in one process,
and is shown as a ratio only.
"""

import json
import math
import os
import re
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.special import logsumexp, xlog1py, xlogy

from skcoin import BinomialMixture, datasets

DATA = Path(__file__).parents[2] / "tests" / "data"
LOADERS = {
    "do_batzoglou_2008": datasets.load_do_batzoglou,
    "li_hang_three_coins": datasets.load_li_hang,
    "collins_three_coins": datasets.load_collins,
    "saxony_families12": datasets.load_saxony,
    "geissler_all_sizes": datasets.load_geissler,
    "rat_tumours": datasets.load_rat_tumours,
    "efron_morris_1970": datasets.load_efron_morris,
    "tacks": datasets.load_tacks,
}


# Data


def toss(tosses, theta, weights=None, seed=0):
    """Heads and tails, int64 of shape (n_rows, 2), of coins picked with these weights."""
    rng = np.random.default_rng(seed)
    coins = rng.choice(len(theta), size=len(tosses), p=weights)
    heads = rng.binomial(tosses, np.asarray(theta)[coins])
    return np.column_stack([heads, tosses - heads])


def poisson(mean, n_rows, seed=0):
    return np.random.default_rng(seed + 1000).poisson(mean, n_rows)


def references():
    """The best known fits of the real sets, by name."""
    return json.loads((DATA / "references.json").read_text(encoding="utf-8"))["sets"]


def load_set(name):
    """Heads and tails of a real set, and the weight of each row or None."""
    if name in LOADERS:
        bunch = LOADERS[name]()
        return bunch.data, bunch.get("sample_weight")
    return np.loadtxt(DATA / f"{name}.csv", int, delimiter=",", skiprows=2, usecols=(-2, -1)), None


def distinct(X):
    """Distinct rows and how often each is there."""
    rows, times = np.unique(X, axis=0, return_counts=True)
    return rows, times.astype(float)


# Log-likelihood


def log_likelihood(X, theta, weights, sample_weight=None):
    """Total log-likelihood without binomial coefficients, whoever fitted theta and weights."""
    rows, times = distinct(X) if sample_weight is None else (X, sample_weight)
    heads, tails = rows[:, :1], rows[:, 1:]
    with np.errstate(divide="ignore"):
        log_joint = xlogy(heads, theta) + xlog1py(tails, -np.asarray(theta)) + np.log(weights)
    return math.fsum(times * logsumexp(log_joint, axis=1))


def precision(total):
    """How near is the maximum: 1e-6 in total, or 1e-9 of the total where that is more."""
    return max(1e-6, 1e-9 * abs(total))


def fit(X, n_components, sample_weight=None, **parameters):
    """A fit that keeps its warnings (coins that cannot be told apart) to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return BinomialMixture(n_components, **parameters).fit(X, sample_weight=sample_weight)


class PlainEM:
    """EM over all rows as one writes it in numpy, in log space, from quantiles of the rates.

    Coins are rows of the arrays and tosses are columns, which is the fastest of the obvious
    layouts: ``logsumexp`` over an array of shape (n_rows, n_coins) takes several times as long.
    Given distinct rows and their ``times``, it makes the same steps on the counts.
    """

    def __init__(self, X, n_coins, times=1.0):
        self.heads, self.tails = np.ascontiguousarray(X.T, dtype=float)
        self.times, self.n_rows = times, np.sum(np.broadcast_to(times, len(X)))
        self.theta, self.weights = np.zeros(n_coins), np.full(n_coins, 1 / n_coins)

    def start_at(self, theta):
        self.theta, self.weights = theta, np.full(len(theta), 1 / len(theta))
        return self

    def step(self):
        """One step; returns the log-likelihood of the coins that it moves."""
        log_joint = (
            self.heads * np.log(self.theta)[:, None]
            + self.tails * np.log1p(-self.theta)[:, None]
            + np.log(self.weights)[:, None]
        )
        top = log_joint.max(axis=0)
        share = np.exp(log_joint - top)
        total = share.sum(axis=0)
        share *= self.times / total
        heads, tails = share @ self.heads, share @ self.tails
        self.theta, self.weights = heads / (heads + tails), share.sum(axis=1) / self.n_rows
        return np.sum(self.times * (top + np.log(total)))

    def run(self, n_steps):
        for _ in range(n_steps):
            self.step()

    def steps_to(self, log_likelihood, at_most):
        """Steps until the log-likelihood is reached, or None."""
        return next((i for i in range(at_most) if self.step() >= log_likelihood), None)


def quantiles(X, n_coins):
    """Start values: of the rates with half a head and half a tail more, which are never 0 or 1."""
    rates = (X[:, 0] + 0.5) / (X.sum(axis=1) + 1)
    return np.quantile(rates, (np.arange(n_coins) + 0.5) / n_coins)


def plain_em(X, n_coins):
    """Plain EM over all rows, at its start."""
    return PlainEM(X, n_coins).start_at(quantiles(X, n_coins))


def plain_em_on_counts(X, n_coins):
    """The same steps on the counts: to know how many there are."""
    return PlainEM(distinct(X)[0], n_coins, distinct(X)[1]).start_at(quantiles(X, n_coins))


# Time and memory


def interleaved(*calls, repeats, warm_up=1):
    """Median seconds of each call, over rounds in which they take turns, after unmeasured ones."""
    seconds = [[_seconds(call) for call in calls] for _ in range(warm_up + repeats)]
    return np.median(seconds[warm_up:], axis=0)


def _seconds(call):
    start = perf_counter()
    call()
    return perf_counter() - start


def times_faster_than_plain_em(X, n_coins, repeats=5, block=20):
    """How many times as long plain EM over all rows takes to come within 1e-6 of the default fit.

    The steps are counted on the counts; up to ``repeats * block`` of the first are timed over all
    rows, in blocks that take turns with the fit.

    Returns
    -------
    ratio : float or None
        None if plain EM, from its one start, ends at a lower maximum.
    n_steps : int or None
    short : float
        How far below the default fit it ends.
    """
    model, em = fit(X, n_coins), plain_em_on_counts(X, n_coins)
    top = log_likelihood(X, model.theta_, model.weights_)
    n_steps = em.steps_to(top - 1e-6, at_most=200_000)
    short = top - log_likelihood(X, em.theta, em.weights)
    if n_steps is None:
        return None, None, short
    em, block = plain_em(X, n_coins), max(1, min(block, n_steps))
    own, plain = interleaved(lambda: fit(X, n_coins), lambda: em.run(block), repeats=repeats)
    return plain / block * n_steps / own, n_steps, short


def in_fresh_process(function, *args):
    """What the function returns in an interpreter that has just started."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def peak_memory(call):
    """Megabytes that the process held more, at the worst moment of the call, than before it.

    From the kernel's own count of resident memory (Linux), so that no allocation goes unseen. Its
    high-water mark is reset first; ``ru_maxrss`` cannot be, and holds what the parent process had.
    """
    Path(f"/proc/{os.getpid()}/clear_refs").write_text("5")
    before = _memory("VmRSS")
    call()
    return _memory("VmHWM") - before


def _memory(name):
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024 / 1e6


# Tables


def say_load():
    """Tell whether others compute: threads that wait for a busy core distort most ratios."""
    load, n_cores = os.getloadavg()[0], os.cpu_count()
    verdict = "quiet" if load < 0.5 else "BUSY, measure again when nothing else runs"
    print(f"load {load:.1f} on {n_cores} cores before this run: {verdict}\n", flush=True)


def print_table(header, rows):
    """A table in Markdown, its columns padded."""
    cells = [header, *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"| {' | '.join(padded)} |", flush=True)


def number(value):
    """Two to three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
