"""Latent classes: what a whole fit costs, in plain EM iterations on all rows and against StepMix.

Run ``python latent_classes.py`` from this folder, with nothing else running. StepMix is compared
where it is installed.
"""

import math
from functools import partial

import numpy as np
from _shared import in_fresh_process, interleaved, number, peak_memory, print_table, say_load
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from skcoin import ProductBinomialMixture

try:
    from stepmix.stepmix import StepMix
except ImportError:
    StepMix = None

N_CLASSES = 3
SIZES = (1_000_000, 12, 0.0), (1_000_000, 12, 0.1), (100_000, 12, 0.0)


def answers(n_rows, n_items, missing=0.0, seed=0):
    """Answers to questions of three classes, NaN where missing."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(0.05, 0.95, (N_CLASSES, n_items))
    X = (
        rng.random((n_rows, n_items)) < theta[rng.choice(N_CLASSES, n_rows, p=[0.5, 0.3, 0.2])]
    ) * 1.0
    X[rng.random(X.shape) < missing] = np.nan
    return X


class PlainEM:
    """EM over all rows as one writes it in numpy, classes by rows and answers as a matrix."""

    def __init__(self, X, seed=0):
        self.yes, self.no = np.nan_to_num(X), np.nan_to_num(1 - X)
        rng = np.random.default_rng(seed)
        self.theta = rng.uniform(0.2, 0.8, (N_CLASSES, X.shape[1]))
        self.weights = np.full(N_CLASSES, 1 / N_CLASSES)

    def posterior(self):
        log_joint = self.yes @ np.log(self.theta.T) + self.no @ np.log1p(-self.theta.T)
        log_joint += np.log(self.weights)
        top = log_joint.max(axis=1, keepdims=True)
        share = np.exp(log_joint - top)
        return share / share.sum(axis=1, keepdims=True)

    def step(self):
        share = self.posterior()
        yes, no = share.T @ self.yes, share.T @ self.no
        self.theta, self.weights = yes / (yes + no), share.mean(axis=0)


def log_likelihood(X, theta, weights):
    """Total log-likelihood, whoever fitted the classes."""
    theta = np.clip(theta, 1e-300, 1 - 1e-16)
    log_joint = np.nan_to_num(X) @ np.log(theta.T) + np.nan_to_num(1 - X) @ np.log1p(-theta.T)
    return math.fsum(logsumexp(log_joint + np.log(weights), axis=1))


def fit(X):
    return ProductBinomialMixture(N_CLASSES, layout="tosses").fit(X)


def memory_of_fit(n_rows, n_items):
    """Peak memory of a fit, as a share of the answers."""
    X = answers(n_rows, n_items)
    return peak_memory(lambda: fit(X)) * 1e6 / X.nbytes


def in_plain_iterations():
    """Rows of a table: a whole fit and ``predict_proba``, in plain iterations on all rows."""
    for n_rows, n_items, missing in SIZES:
        X = answers(n_rows, n_items, missing)
        em, model = PlainEM(X), fit(X)
        plain, whole, posterior = interleaved(
            em.step, partial(fit, X), partial(model.predict_proba, X), repeats=3
        )
        yield said(n_rows, n_items, missing), number(whole / plain), number(posterior / plain)


def against_stepmix():
    """Rows of a table: StepMix, as it is by default, with one start; and how far it stays below."""
    for missing in (0.0, 0.1):
        X = answers(100_000, 12, missing)
        measurement = "binary_nan" if missing else "binary"
        options = {"measurement": measurement, "random_state": 0, "progress_bar": 0, "verbose": 0}
        other = StepMix(N_CLASSES, **options)
        own, theirs = interleaved(partial(fit, X), partial(other.fit, X), repeats=3)
        classes = other.get_parameters()
        theta, model = np.array(classes["measurement"]["pis"]), fit(X)
        below = log_likelihood(X, model.theta_, model.weights_)
        below -= log_likelihood(X, theta.reshape(N_CLASSES, -1), np.array(classes["weights"]))
        yield said(100_000, 12, missing), number(theirs / own), f"{below:.3g}"


def said(n_rows, n_items, missing):
    return f"{n_rows:,} rows, {n_items} answers" + ", a tenth missing" * bool(missing)


if __name__ == "__main__":
    say_load()
    with threadpool_limits(1):
        print_table(["data", "fit / iteration", "predict_proba / iteration"], in_plain_iterations())
        print(f"\nMemory of a fit of {said(1_000_000, 12, 0)}, in that of the answers: ", end="")
        print(number(in_fresh_process(memory_of_fit, 1_000_000, 12)), "\n")
        if StepMix is not None:
            print_table(
                ["data", "StepMix / skcoin", "StepMix's maximum lower by"], against_stepmix()
            )
