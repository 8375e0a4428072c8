"""Coins that vary: skcoin beside bbmix (mixtures) and VGAM (one kind of coin), and beside itself.

Run ``python overdispersed.py`` from this folder, with nothing else running; ``pip install bbmix``
and R with VGAM for the peers. A peer that is missing is left out, one that takes too long is shown
so. Log-likelihoods are of the same density for all, whoever fitted.
"""

import importlib.util
import json
import shutil
import subprocess
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
from _shared import interleaved, load_set, number, print_table, say_load, toss
from threadpoolctl import threadpool_limits

from skcoin import BetaBinomialMixture, BinomialMixture

SETS = "rat_tumours", "tacks", "lirat", "orob2", "surg_nodes", "efron_morris_1970"
PATIENCE = 60  # seconds
VGAM = """
suppressMessages(library(VGAM)); X <- read.csv("stdin", header = FALSE)
seconds <- system.time(f <- vglm(cbind(V1, V2) ~ 1, betabinomial, data = X))[["elapsed"]]
cat(sprintf("[%.9g, %.12g, %.12g]", seconds, Coef(f)[[1]], Coef(f)[[2]]))
"""


def deep(n_rows=650, most=85_000, seed=0):
    """Pairs of all depths, each with a coin of its own."""
    rng = np.random.default_rng(seed)
    n = np.exp(rng.uniform(np.log(20), np.log(most), n_rows)).astype(int)
    heads = rng.binomial(n, rng.beta(6, 24, n_rows))
    return np.column_stack([heads, n - heads])


def rows_of(name):
    """A real set row by row."""
    X, m = load_set(name)
    return X if m is None else np.repeat(X, np.asarray(m).astype(int), axis=0)


def fit(X, n_components, dispersion_type="tied", model=BetaBinomialMixture, **options):
    if model is BetaBinomialMixture:
        options = {"dispersion_type": dispersion_type, **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return model(n_components, **options).fit(X)


def held(X, theta, dispersion, weights):
    """The log-likelihood of a mixture that others have fitted."""
    options = {"theta_init": theta, "dispersion_init": dispersion, "weights_init": weights}
    options |= dict.fromkeys(("learn_theta", "learn_dispersion", "learn_weights"), False)
    model = fit(X, len(theta), "separate", **options)
    return len(X) * model.score(X)


def vgam(X):
    """Seconds of VGAM's fit of one kind of coin, in R, and its log-likelihood."""
    rows = "\n".join(f"{h},{t}" for h, t in X)
    command = ["Rscript", "-e", VGAM]
    output = subprocess.run(
        command, input=rows, capture_output=True, text=True, timeout=20 * PATIENCE
    )
    if output.returncode:
        return None, output.stderr.strip().splitlines()[-1]
    seconds, theta, rho = json.loads(output.stdout)
    return seconds, held(X, [theta], [rho], [1.0])


def bbmix(X, n_components):
    """Seconds of bbmix's mixture of beta-binomials, as it is by default, and its log-likelihood."""
    from time import perf_counter

    from bbmix.models import MixtureBetaBinomial

    np.random.seed(0)  # noqa: NPY002 (its start is drawn from the global generator)
    start = perf_counter()
    with np.errstate(all="ignore"):
        a, b, weights = np.split(MixtureBetaBinomial(n_components).fit((X[:, 0], X.sum(axis=1))), 3)
    seconds = perf_counter() - start
    return seconds, held(X, a / (a + b), 1 / (a + b + 1), weights / weights.sum())


def with_patience(function, *args):
    """What the function returns, or None if it takes too long; in a process that can be ended."""
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    future = pool.submit(function, *args)
    try:
        return future.result(timeout=PATIENCE)
    except TimeoutError:
        return None
    finally:
        for process in list(pool._processes.values()):
            process.kill()
        pool.shutdown()


def against_vgam():
    for name in ("deep, 650 pairs to 85,000 tosses", *SETS):
        X = deep() if name.startswith("deep") else rows_of(name)
        [own] = interleaved(partial(fit, X, 1), repeats=5)
        top, (seconds, other) = len(X) * fit(X, 1).score(X), vgam(X)
        if seconds is None:
            yield name, "fails", other
        else:
            yield name, number(seconds / own), f"{top - other:.3g}"


def against_bbmix():
    for name in SETS:
        X = rows_of(name)
        [own] = interleaved(partial(fit, X, 2, "separate"), repeats=5)
        top, other = len(X) * fit(X, 2, "separate").score(X), with_patience(bbmix, X, 2)
        if other is None:
            yield name, f"more than {number(PATIENCE / own)}", "not finished"
        else:
            yield name, number(other[0] / own), f"{top - other[1]:.3g}"


def against_binomials():
    """A default fit, and one climb from the same start, as multiples of the binomial's."""
    for name in SETS:
        X, start = rows_of(name), {"theta_init": [0.6, 0.2], "weights_init": [0.5, 0.5]}
        calls = [
            partial(fit, X, 2, model=BinomialMixture),
            partial(fit, X, 2, "tied"),
            partial(fit, X, 2, "separate"),
            partial(fit, X, 2, model=BinomialMixture, **start),
            partial(fit, X, 2, "tied", dispersion_init=0.01, **start),
        ]
        times = interleaved(*calls, repeats=11)
        ratios = times[1] / times[0], times[2] / times[0], times[4] / times[3]
        yield name, *map(number, ratios)
    X = toss(np.full(10_000_000, 20), (0.2, 0.5, 0.7))
    calls = [partial(fit, X, 2, model=BinomialMixture), partial(fit, X, 1), partial(fit, X, 2)]
    times = interleaved(*calls, repeats=3)
    yield "1e7 rows of 20 tosses, defaults", number(times[1] / times[0]), "", ""
    yield "1e7 rows of 20 tosses, two kinds", number(times[2] / times[0]), "", ""


if __name__ == "__main__":
    say_load()
    with threadpool_limits(1):
        header = ["set", "tied / binomial", "separate / binomial", "climb / binomial climb"]
        print_table(header, against_binomials())
        if shutil.which("Rscript"):
            print()
            print_table(["one kind of coin", "VGAM / skcoin", "VGAM lower by"], against_vgam())
        if importlib.util.find_spec("bbmix"):
            print()
            print_table(["two kinds of coins", "bbmix / skcoin", "bbmix lower by"], against_bbmix())
