"""How long does a service wait for a few rows? Against GaussianMixture, on the rates of these rows.

Run ``python latency.py`` from this folder, with nothing else running.
"""

import pandas as pd
from _shared import fit, interleaved, number, poisson, print_table, say_load, toss
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

X = toss(poisson(20, 10_000) + 1, theta=(0.2, 0.5, 0.7))
RATES = X[:, :1] / X.sum(axis=1, keepdims=True)
CONTAINERS = {
    "array": (X, RATES),
    "data frame": (pd.DataFrame(X, columns=["heads", "tails"]), pd.DataFrame(RATES, columns=["r"])),
}
METHODS = ("predict_proba", "predict", "score_samples")


def times(container, method, n_rows):
    """Of a call on the first rows, skcoin's and GaussianMixture's."""
    tosses, rates = CONTAINERS[container]
    coins, normals = fit(tosses, 3), GaussianMixture(3, random_state=0).fit(rates)
    tosses, rates = tosses[:n_rows], rates[:n_rows]
    return interleaved(
        lambda: getattr(coins, method)(tosses),
        lambda: getattr(normals, method)(rates),
        repeats=2001 if n_rows <= 100 else 301,
        warm_up=20,
    )


if __name__ == "__main__":
    say_load()
    cases = [(container, method, 1) for container in CONTAINERS for method in METHODS]
    cases += [("array", "predict_proba", n_rows) for n_rows in (10, 100, 1_000, 10_000)]
    rows = []
    with threadpool_limits(1):
        for case in cases:
            own, other = times(*case)
            rows.append((*case[:2], f"{case[2]:,}", number(own / other)))
    print_table(["rows as", "method", "rows", "time / GaussianMixture's"], rows)
