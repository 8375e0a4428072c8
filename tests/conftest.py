"""Fixtures that several test files share; what they import is in the modules ``_*.py``."""

import os

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # each has a core: threads of BLAS would wait for another's
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

from skcoin import BinomialMixture
from skcoin.datasets import load_rat_tumours

pytest.register_assert_rewrite("_assertions", "_calls", "_models")


@pytest.fixture
def no_window():
    """Pictures are drawn in memory, and forgotten."""
    import matplotlib.pyplot as plt  # by those only that draw

    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def rats():
    """Two coins for the rat tumours."""
    return BinomialMixture(2).fit(load_rat_tumours().data)
