"""Does the default fit end at the highest maximum in every mode?

Random problems: 20 to 20,000 rows, depths from 5 to thousands, as many coins as asked for or not,
and in two of five of them coins that are not all alike. The modes are those in which a fit may be
asked for: free weights, equal ones, unequal ones that are given, priors, a tenth of the rows
labelled, one coin held. The rival is the best of 60 random starts and 60 of k-means++.

``python modes.py [N_PROBLEMS [FIRST_SEED]]``
"""

import sys
import warnings

import numpy as np
from _shared import number, print_table
from joblib import Parallel, delayed

from skcoin import BinomialMixture

MODES = ("free", "equal", "given", "priors", "labelled", "held")
N_STARTS = 60
ENOUGH = 1e-5  # in total


def simulate(rng):
    """Counts of a random problem, the coin of each row, and how many coins to ask for."""
    n_components = rng.integers(2, 7)
    n_coins = max(1, n_components + rng.integers(-1, 2))
    n_rows = int(20 * 1000 ** rng.random())
    depth = 5 * 1000 ** rng.random()
    spread = rng.choice([0.0, 0.5, 1.5])
    tosses = rng.poisson(depth * np.exp(spread * rng.standard_normal(n_rows) - spread**2 / 2)) + 1
    theta = rng.random(n_coins) ** rng.choice([1, 1, 3])
    coin = rng.choice(n_coins, n_rows, p=rng.dirichlet(np.full(n_coins, 2.0)))
    rate = theta[coin]
    if rng.random() < 0.4:
        concentration = 10 ** rng.uniform(0.7, 3)
        rate = rng.beta(concentration * rate + 1e-9, concentration * (1 - rate) + 1e-9)
    heads = rng.binomial(tosses, rate)
    return np.column_stack([heads, tosses - heads]), coin, int(n_components)


def problem(mode, seed):
    """Data, the coins that are known or None, and the estimator with its defaults."""
    rng = np.random.default_rng([MODES.index(mode), seed])
    X, coin, n_components = simulate(rng)
    known, parameters = None, {}
    if mode == "equal":
        parameters = {"learn_weights": False}
    elif mode == "given":
        weights = rng.dirichlet(np.full(n_components, 1.5)) + 0.01
        parameters = {"weights_init": weights / weights.sum(), "learn_weights": False}
    elif mode == "priors":
        parameters = {"theta_prior": (3, 2), "weights_prior": 2}
    elif mode == "labelled":
        known = np.where((rng.random(len(X)) < 0.1) & (coin < n_components), coin, -1)
    elif mode == "held":
        theta = np.append(0.5, np.full(n_components - 1, np.nan))
        parameters = {"theta_init": theta, "learn_theta": np.isnan(theta)}
    return X, known, BinomialMixture(n_components, **parameters)


def height(X, known, model):
    """The objective of a fit, in total."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return model.fit(X, coins=known).lower_bound_ * len(X)


def short(mode, seed):
    """How far the default fit is below the best of all."""
    X, known, model = problem(mode, seed)
    own = height(X, known, model)
    rivals = [
        height(X, known, model.set_params(init_params=init, n_init=N_STARTS, random_state=seed))
        for init in ("random", "k-means++")
    ]
    return max(rivals) - own


if __name__ == "__main__":
    n_problems, first = [*map(int, sys.argv[1:]), *(200, 0)[len(sys.argv) - 1 :]]
    rows = []
    for mode in MODES:
        seeds = range(first, first + n_problems)
        lost = np.array(Parallel(n_jobs=2)(delayed(short)(mode, seed) for seed in seeds))
        missed = lost > ENOUGH
        better = np.count_nonzero(lost < -ENOUGH)
        rows.append((mode, n_problems, missed.sum(), number(max(lost.max(), 0)), better))
        print(mode, np.flatnonzero(missed) + first)
    print_table(["mode", "problems", "missed", "by at most", "rival missed"], rows)
