"""The rough mixing distribution behind some starts: its atoms, and their groups."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skcoin._families.rates import bins
from skcoin._families.reduced_npmle import reduced, rough_npmle


@pytest.mark.parametrize("n_groups", [1, 2, 3, 5])
def test_atoms_are_grouped_with_the_least_variance(n_groups):
    rng = np.random.default_rng(n_groups)
    x = -np.sort(-rng.uniform(0, 1.5, size=(3, 8)), axis=1)
    weights = rng.dirichlet(np.ones(8), size=3)
    theta, share = reduced(x, weights, n_groups)
    for i in range(3):
        best = np.inf, None
        for inner in combinations(range(1, 8), n_groups - 1):
            groups = [slice(*pair) for pair in pairwise((0, *inner, 8))]
            means = [np.average(x[i, g], weights=weights[i, g]) for g in groups]
            loss = sum(
                weights[i, g] @ (x[i, g] - m) ** 2 for g, m in zip(groups, means, strict=True)
            )
            if loss < best[0]:
                best = loss, (means, [weights[i, g].sum() for g in groups])
        assert_allclose(theta[i], np.sin(best[1][0]) ** 2, rtol=1e-9)
        assert_allclose(share[i], best[1][1], rtol=1e-9)
    for got, wanted in zip(reduced(x, 3 * weights, n_groups), (theta, share), strict=True):
        assert_allclose(got, wanted, rtol=1e-12)


def test_weights_follow_the_rows():
    """Two coins far apart: three of ten rows are of the first."""
    tosses = np.full(200, 400.0)
    heads = np.repeat([320.0, 80.0], [60, 140]) + np.tile([-4.0, 4.0], 100)
    binned = bins(heads, tosses - heads, np.ones(200))
    x, weights = rough_npmle([binned], 2)
    assert (np.diff(x[0]) < 0).all()
    assert weights[0] @ (np.sin(x[0]) ** 2 > 0.5) == pytest.approx(0.3, abs=1e-6)
    theta, share = reduced(x, weights, 2)
    assert_allclose(theta[0], [0.8, 0.2], atol=0.02)
    assert_allclose(share[0], [0.3, 0.7], atol=1e-6)


def test_bins_are_even_in_rows_and_in_rates():
    """Of a thousand like rates and one far off: the one stands alone, the crowd does not."""
    heads = np.append(np.full(1000, 300.0) + np.arange(1000) % 37, 990.0)
    tails = 1000 - heads
    n, in_bin, out = bins(heads, tails, np.ones(1001))
    assert n.sum() == 1001
    assert_allclose([in_bin.sum(), out.sum()], [heads.sum(), tails.sum()])
    rates = in_bin / (in_bin + out)
    assert (np.diff(rates) <= 0).all()
    assert (n[0], rates[0]) == (1, 0.99)
    assert len(n) > 20
    assert n.max() < 120
