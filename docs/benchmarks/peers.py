"""skcoin beside what else fits such data: plain numpy EM, GaussianMixture, bbmix, mixem, StepMix.

All on the same data in one run; one function says how far each ends below the best of them. First
``pip install bbmix mixem stepmix``; a peer that is missing or fails is shown with the reason.
"""

import warnings

import numpy as np
from _shared import (
    fit,
    interleaved,
    load_set,
    log_likelihood,
    number,
    poisson,
    print_table,
    quantiles,
    say_load,
    times_faster_than_plain_em,
    toss,
)
from scipy.special import gammaln, xlog1py, xlogy
from sklearn.mixture import GaussianMixture


def sets():
    """Name, X, number of coins, and the steps that a peer may take at most."""
    yield "500 rows, Poisson(8), K=2", toss(poisson(8, 500) + 1, (0.2, 0.6)), 2, 1000
    yield "lirat, 58 rows, K=3", load_set("lirat")[0], 3, 1000
    yield "surg_nodes, 844 rows, K=4", load_set("surg_nodes")[0], 4, 1000
    overlapping = toss(np.full(100_000, 10), (0.45, 0.55), (0.3, 0.7))
    yield "1e5 rows, 10 tosses, K=2", overlapping, 2, 250
    long_rows = toss(poisson(100, 100_000), (0.3, 0.4, 0.5, 0.6))
    yield "1e5 rows, Poisson(100), K=4", long_rows, 4, 250


# Each peer takes its own form of the data, untimed, and returns the fit, which is timed and gives
# theta and weights.


def skcoin(X, n_coins, _):
    def run():
        model = fit(X, n_coins)
        return model.theta_, model.weights_

    return run


def gaussian_mixture(X, n_coins, _):
    """Normals on the rates, by scikit-learn's defaults; their means are the coins."""
    tossed = X[X.sum(axis=1) > 0]
    rates = tossed[:, :1] / tossed.sum(axis=1, keepdims=True)

    def run():
        model = GaussianMixture(n_coins, random_state=0).fit(rates)
        return model.means_.ravel(), model.weights_

    return run


def bbmix(X, n_coins, max_iter):
    """As in its documentation; ``pseudocount=0`` keeps rows without heads as they are."""
    from bbmix.models import MixtureBinomial

    data = X[:, 0], X.sum(axis=1)

    def run():
        np.random.seed(0)  # noqa: NPY002 (its start is drawn from the global generator)
        model = MixtureBinomial(n_coins, tor=1e-6)
        params = model.fit(data, max_iters=max_iter, early_stop=True, pseudocount=0)
        return params[:n_coins], params[n_coins:]

    return run


def bbmix_from_quantiles(X, n_coins, max_iter):
    """Its EM without its start, which is two to four nearly equal coins around one half."""
    from bbmix.models import MixtureBinomial

    heads, tosses = X[:, 0], X.sum(axis=1)

    def run():
        start = np.concatenate([quantiles(X, n_coins), np.full(n_coins, 1 / n_coins)])
        model = MixtureBinomial(n_coins, tor=1e-6)
        params = model.EM(heads, tosses, start, max_iters=max_iter, early_stop=True)
        return params[:n_coins], params[n_coins:]

    return run


def mixem(X, n_coins, max_iter):
    """It has no binomial, but says how to write one; it starts where plain EM does."""
    import mixem as package

    class Binomial(package.distribution.Distribution):
        def __init__(self, theta):
            self.theta = theta

        def log_density(self, data):
            heads, tails = data.T
            return log_ways + xlogy(heads, self.theta) + xlog1py(tails, -self.theta)

        def estimate_parameters(self, data, weights):
            heads, tails = weights @ data
            self.theta = heads / (heads + tails)

    heads, tails = X.T
    log_ways = gammaln(heads + tails + 1) - gammaln(heads + 1) - gammaln(tails + 1)

    def run():
        start = [Binomial(theta) for theta in quantiles(X, n_coins)]
        uniform = np.full(n_coins, 1 / n_coins)
        weights, coins, _ = package.em(X, start, uniform, max_iter, progress_callback=None)
        return np.array([coin.theta for coin in coins]), weights

    return run


def stepmix(X, n_coins, max_iter):
    """It has no binomial: single tosses in columns, NaN where a row has no more.

    That is another model, with a theta for each coin and column; a coin's is taken to be their mean
    over all tosses.
    """
    from stepmix import StepMix

    if X.sum(axis=1).max() * len(X) > 10_000_000:
        raise MemoryError("more than 1e7 cells of single tosses")
    tosses = single_tosses(X)
    in_column = np.isfinite(tosses).sum(axis=0)
    kind = "binary" if in_column.min() == len(X) else "binary_nan"

    def run():
        model = StepMix(
            n_coins, measurement=kind, max_iter=max_iter, random_state=0, progress_bar=0
        ).fit(tosses)
        parameters = model.get_parameters()
        theta = parameters["measurement"]["pis"] @ in_column / in_column.sum()
        return theta, parameters["weights"]

    return run


def single_tosses(X):
    """One toss per cell, in random order within the row."""
    place, tosses = np.arange(X.sum(axis=1).max()), X.sum(axis=1, keepdims=True)
    order = np.random.default_rng(0).random((len(X), len(place)))
    order[place >= tosses] = 2
    rank = order.argsort(axis=1).argsort(axis=1)
    return np.where(place < tosses, rank < X[:, :1], np.nan)


PEERS = {
    "skcoin": skcoin,
    "GaussianMixture on the rates": gaussian_mixture,
    "bbmix": bbmix,
    "bbmix from quantiles": bbmix_from_quantiles,
    "mixem from quantiles": mixem,
    "StepMix on single tosses": stepmix,
}


def attempt(peer, *args):
    """The fit of a peer, the log-likelihood that it reaches, or why there is none."""
    X = args[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = peer(*args)
            reached = log_likelihood(X, *run())
    except Exception as error:  # whatever goes wrong in a peer belongs in its row
        return None, np.nan, f"{type(error).__name__}: {error}"
    if not np.isfinite(reached):
        return None, np.nan, "fails: its coins are not numbers, or cannot show the data"
    return run, reached, ""


def compare(name, X, n_coins, max_iter):
    """The rows of one data set."""
    attempts = {peer: attempt(PEERS[peer], X, n_coins, max_iter) for peer in PEERS}
    best = np.nanmax([reached for _, reached, _ in attempts.values()])
    runs = {peer: run for peer, (run, _, _) in attempts.items() if run}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds = dict(zip(runs, interleaved(*runs.values(), repeats=3, warm_up=0), strict=True))
    for peer, (_, reached, remark) in attempts.items():
        time = number(seconds[peer] / seconds["skcoin"]) if peer in seconds else "-"
        short = number(best - reached) if np.isfinite(reached) else "-"
        yield name, peer, time, short, remark
    yield name, *plain_em_row(X, n_coins)


def plain_em_row(X, n_coins):
    ratio, n_steps, short = times_faster_than_plain_em(X, n_coins)
    remark = f"{n_steps:,} steps" if n_steps else "stays at another maximum"
    return "plain numpy EM", number(ratio) if ratio else "-", number(short), remark


if __name__ == "__main__":
    say_load()
    rows = [row for case in sets() for row in compare(*case)]
    print_table(["data", "fitted by", "time / skcoin's", "below the best", "remark"], rows)
