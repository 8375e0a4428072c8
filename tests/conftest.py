"""Fixtures that several test files share, and which cases run by default.

What several files import is in the modules ``_*.py``.
"""

import os
from collections import defaultdict
from zlib import crc32

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # each has a core: threads of BLAS would wait for another's
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

from skcoin import BinomialMixture
from skcoin.datasets import load_rat_tumours

pytest.register_assert_rewrite("_assertions", "_calls", "_models")

MOST_CASES = 6  # of a test that is not slow, by default


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of each test some cases run by default, as good as drawn at random; the others are marked.

    The pages of the guide, whose examples are those of a whole chapter, are slow.
    """
    cases = defaultdict(list)
    for item in items:
        if item.nodeid.startswith("docs/guide/"):
            item.add_marker("slow")
        elif isinstance(item, pytest.Function) and item.get_closest_marker("slow") is None:
            cases[item.parent, item.originalname].append(item)
    for of_test in cases.values():
        for item in sorted(of_test, key=lambda item: crc32(item.nodeid.encode()))[MOST_CASES:]:
            item.add_marker("further")


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
