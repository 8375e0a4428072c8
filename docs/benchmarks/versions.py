"""Is this version as fast as another? ``python versions.py CHECKOUT``, the other's root folder.

Each version has a process of its own that is kept alive, and the two take turns (A B A B ...): only
one measures at a time. Both run this very file, so that all they differ in is the skcoin that they
import. Some workloads alone: ``python versions.py CHECKOUT small_fits bootstraps``.
"""

import inspect
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _shared import _seconds, fit, number, poisson, print_table, say_load, toss
from workloads import SMALL, THREE_COINS

import skcoin
from skcoin import BinomialMixture, count_tosses, datasets, fit_groups, inspection

HERE = Path(__file__).resolve()
HEADER = ["workload", "this / other", "middle half of the rounds", "fastest", "rounds"]


# Workloads: each yields a name, how many rounds, and a call


def small_fits():
    sets = [toss(poisson(mean, 500) + 1, *coins) for mean, *coins in SMALL]
    for name, n_components, parameters in (
        ("K=2", 2, {}),
        ('K=2, init_params="quantile"', 2, {"init_params": "quantile"}),
        ("K=4", 4, {}),
    ):
        fit_all = partial(_fit_all, sets, n_components, parameters)
        yield f"fit, {len(sets)} sets of 500 rows, {name}", 100, fit_all


def _fit_all(sets, n_components, parameters):
    for X in sets:
        fit(X, n_components, **parameters)


def large_fit():
    X = toss(np.full(10_000_000, 20), **THREE_COINS)
    yield "fit, 1e7 rows of 20 tosses, K=3", 9, partial(fit, X, 3)


def long_fit():
    X = toss(poisson(100, 100_000), (0.3, 0.4, 0.5, 0.6))
    yield "fit, 1e5 rows of Poisson(100) tosses, K=4", 30, partial(fit, X, 4)


def groups():
    has_gap = "gap" in inspect.signature(fit_groups).parameters  # which version 0.1 bounded
    without_gap = {"gap": False} if has_gap else {}
    rng = np.random.default_rng(0)
    coins = rng.uniform(0.05, 0.95, size=(2000, 2))
    X = np.stack([toss(np.full(200, 10), theta, seed=i) for i, theta in enumerate(coins)])
    frame = pd.DataFrame(X.reshape(-1, 2), columns=["heads", "tails"])
    frame["group"] = np.repeat(np.arange(len(X)), X.shape[1])
    table = count_tosses(frame, "heads", tails="tails", by="group")
    for n_components, rounds in ((2, 15), (3, 9)):
        model = BinomialMixture(n_components)
        name = f"fit_groups, 2,000 groups of 200 rows of 10 tosses, K={n_components}"
        yield name, rounds, partial(fit_groups, model, table, "group", **without_gap)


def bootstraps():
    X = datasets.load_rat_tumours().data
    model = fit(X, 2)
    for parametric in (True, False):
        name = f"bootstrap, rat_tumours, K=2, 200 times, parametric={parametric}"
        options = {"n_boot": 200, "parametric": parametric, "random_state": 0}
        yield name, 15, partial(inspection.bootstrap, model, X, **options)


def tests():
    X = datasets.load_rat_tumours().data
    call = partial(
        inspection.likelihood_ratio_test, fit(X, 1), fit(X, 2), X, n_boot=99, random_state=0
    )
    yield "likelihood_ratio_test, rat_tumours, K=1 and 2, 99 times", 15, call


def errors():
    for name, X, n_components in (
        ("rat_tumours, K=2", datasets.load_rat_tumours().data, 2),
        (
            "1e5 rows of Poisson(100) tosses, K=4",
            toss(poisson(100, 100_000), (0.2, 0.4, 0.6, 0.8)),
            4,
        ),
    ):
        call = partial(inspection.standard_errors, fit(X, n_components), X)
        yield f"standard_errors, {name}", 50, call


def posteriors():
    X = toss(np.full(1_000_000, 20), **THREE_COINS)
    yield "predict_proba, 1e6 rows of 20 tosses, K=3", 30, partial(fit(X, 3).predict_proba, X)


WORKLOADS = (small_fits, large_fit, long_fit, groups, bootstraps, tests, errors, posteriors)


# The two processes


class Worker:
    """A process that imports skcoin from one checkout, and measures when it is asked to."""

    def __init__(self, checkout):
        paths = [str(checkout), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self.process = subprocess.Popen(
            [sys.executable, HERE, "--worker"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        imported = Path(json.loads(self._read())).resolve().parent
        if imported != checkout / "skcoin":
            raise SystemExit(f"{checkout} holds no skcoin: {imported} was imported instead.")

    def ask(self, question):
        """Its answer, for which this process waits."""
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return json.loads(self._read())

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("A process ended early; what it said is above.")
        return line

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve():
    """Answer questions: the name of a workload by its rows, a number by the seconds of that row."""
    answers = os.fdopen(os.dup(1), "w")  # what a workload may print goes elsewhere
    os.dup2(2, 1)
    calls, answer = [], skcoin.__file__
    while True:
        print(json.dumps(answer), file=answers, flush=True)
        question = sys.stdin.readline()
        if not question:
            return
        question = json.loads(question)
        if isinstance(question, int):
            answer = _seconds(calls[question])
        else:
            calls = []  # the arrays of one workload at a time
            rows = [*globals()[question]()]
            calls, answer = [call for *_, call in rows], [row[:2] for row in rows]


def compare(workload, workers):
    """Rows of the table: ratios of medians, where half of the rounds lie, ratios of the least.

    What is the same twice may differ by how far the middle half is from one; with another job on a
    core, the least times are what it disturbs least.
    """
    rows, _ = (worker.ask(workload.__name__) for worker in workers)
    for i, (name, rounds) in enumerate(rows):
        seconds = [[worker.ask(i) for worker in workers] for _ in range(rounds + 1)][1:]
        own, other = np.transpose(seconds)
        low, high = np.quantile(own / other, (0.25, 0.75))
        ratio = np.median(own) / np.median(other)
        spread, fastest = f"{number(low)} to {number(high)}", number(min(own) / min(other))
        yield name, number(ratio), spread, fastest, rounds


def main(checkout, *names):
    chosen = [workload for workload in WORKLOADS if not names or workload.__name__ in names]
    workers = [Worker(HERE.parents[2]), Worker(Path(checkout).resolve())]
    print_table(HEADER, [row for workload in chosen for row in compare(workload, workers)])
    for worker in workers:
        worker.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["--worker"]:
        serve()
    elif not sys.argv[1:]:
        raise SystemExit(__doc__)
    else:
        say_load()
        main(*sys.argv[1:])
