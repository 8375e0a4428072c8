"""Ctrl-C, a real one: it leaves everything as it was, and no worker behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import skcoin

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads processes from /proc"),
]
PATIENCE = 300  # seconds, where a test would wait for ever
BEGIN = """
from math import exp
from skcoin import BinomialMixture
from skcoin.datasets import load_rat_tumours
from skcoin.inspection import bootstrap, compare_n_components
X = load_rat_tumours().data
model = BinomialMixture(2).fit(X)
before = {name: str(value) for name, value in vars(model).items()}
try:
"""
END = """
except KeyboardInterrupt:
    print("\\ncaught", flush=True)  # what was interrupted may not have ended its line
    assert {name: str(value) for name, value in vars(model).items()} == before
    input()
"""
FIT = """
    heads = range(20_001)  # smooth, so that EM has no end for many coins
    rows, times = [[h, 20_000 - h] for h in heads], [exp(-((h / 3000 - 3) ** 2)) for h in heads]
    model.set_params(n_components=8, theta_init=[0.5 + 0.001 * k for k in range(8)])
    model.set_params(solver="em", tol=0, max_iter=10**9, verbose=1)
    before |= {name: str(value) for name, value in model.get_params().items()}
    model.fit(rows, sample_weight=times)
"""
WORK = {
    "fit": FIT,
    "partial_fit": FIT.replace("model.fit", "model.partial_fit"),
    "comparison": """
    many = BinomialMixture(verbose=1)
    while True:
        compare_n_components(X, 30, estimator=many, min_gain=0)
""",
    "bootstrap": "    bootstrap(model, X, n_boot=10**7, n_jobs=2, verbose=51)",
}


def processes_of(group):
    """The command lines of the processes of a group that live, but for those that only tidy up."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = path.joinpath("stat").read_text().rpartition(")")[2].split()[:3]
            command = path.joinpath("cmdline").read_text()
        except OSError:  # gone
            continue
        if int(its_group) == group and state != "Z" and "resource_tracker" not in command:
            yield command


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("whole_group", [False, True], ids=["the process", "the terminal"])
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_ctrl_c_leaves_everything_as_it_was_and_no_worker(work, whole_group):
    path = [str(Path(skcoin.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN + work + END],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        patience = threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL))
        patience.start()
        try:
            said = iter(process.stdout.readline, "")
            assert any("Initialization" in line or "Done" in line for line in said)  # it works
            (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
            assert "caught\n" in said
            wait_until(lambda: len(list(processes_of(process.pid))) == 1)
            process.stdin.write("\n")
            process.stdin.close()
            assert process.wait(60) == 0, process.stdout.read()
            wait_until(lambda: not list(processes_of(process.pid)))
        finally:
            patience.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
