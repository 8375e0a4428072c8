"""Rows by their rate: in order, in bins, few for many, and the grids that are fine enough for them.

The rough mixing distribution that starts are taken from is held against EM written out.
"""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp, xlog1py, xlogy

from skcoin._families.rates import (
    MOST_POINTS,
    bins,
    by_falling_rate,
    grid_for,
    log_at_own_rate,
    pairs_of_rows,
)
from skcoin._families.reduced_npmle import grid_of_atoms, reduced, rough_npmle


def many_rows(seed, n_rows=3000, depth=200):
    """Distinct rows of up to so many tosses, and how often each counts."""
    rng = np.random.default_rng(seed)
    tosses = rng.integers(1, depth, size=n_rows)
    heads = rng.binomial(tosses, rng.beta(0.6, 1.5, size=n_rows))
    heads, tosses = np.unique(np.stack([heads, tosses]), axis=1).astype(float)
    return heads, tosses - heads, rng.integers(1, 5, size=len(heads)).astype(float)


def angle(heads, tails):
    return np.arcsin(np.sqrt(heads / (heads + tails)))


def test_rows_fall_in_rate_and_of_one_rate_the_shorter_come_first():
    heads, tails, _ = many_rows(0)
    order = by_falling_rate(heads, tails)
    keys = [(-h / (h + t), h + t) for h, t in zip(heads[order], tails[order], strict=True)]
    assert keys == sorted(keys)
    assert_array_equal(np.sort(order), np.arange(len(heads)))


def test_the_likelihood_at_a_rows_own_rate_is_its_largest():
    heads, tails = np.array([3.0, 0.0, 7.0, 0.0]), np.array([9.0, 4.0, 0.0, 0.0])
    theta = np.linspace(0, 1, 1201)[:, None]
    largest = (xlogy(heads, theta) + xlog1py(tails, -theta)).max(axis=0)
    assert_allclose(log_at_own_rate(heads, tails), largest, rtol=1e-14)


def test_as_few_rows_as_bins_are_left_alone_but_for_their_order():
    heads, tails, n = (column[:64] for column in many_rows(1))
    order = by_falling_rate(heads, tails)
    assert_array_equal(bins(heads, tails, n), np.stack([n, n * heads, n * tails])[:, order])


@pytest.mark.parametrize("n_bins", [8, 64])
def test_a_bin_is_narrow_in_rows_and_in_rates(n_bins):
    """Of twice the rows, and twice the range of rates, that all bins would have on average."""
    for seed in range(4):
        heads, tails, _ = many_rows(seed)
        binned = bins(heads, tails, np.ones(len(heads)), n_bins)
        assert n_bins / 2 <= binned.shape[1] <= n_bins
        edges = np.append(0, np.cumsum(binned[0])).astype(int)
        order = by_falling_rate(heads, tails)
        heads, tails = heads[order], tails[order]
        assert_allclose(binned[1], np.add.reduceat(heads, edges[:-1]))
        assert_allclose(binned[2], np.add.reduceat(tails, edges[:-1]))
        x = angle(heads, tails)
        for i, j in pairwise(edges):
            assert j - i <= 2 / n_bins * len(x) + 1
            assert x[i] - x[j - 1] <= 2 / n_bins * np.ptp(x) + 1e-12


@pytest.mark.parametrize(("off", "like"), [(0.9, 0.5), (0.1, 0.5), (1.0, 0.75), (0.0, 0.25)])
def test_one_row_far_off_stands_alone_even_if_all_others_have_one_rate(off, like):
    tosses = np.append(4.0 * np.arange(1, 200), 80.0)
    heads = tosses * np.append(np.full(199, like), off)
    n, of_heads, of_tails = bins(heads, tosses - heads, np.ones(200))
    place = 0 if off > like else -1
    assert n[place] == 1
    assert of_heads[place] / (of_heads[place] + of_tails[place]) == off
    assert n.max() < 20


def test_a_crowd_of_one_rate_is_cut_by_rows_alone():
    tosses = 2.0 * np.arange(1, 201)
    n, of_heads, of_tails = bins(tosses / 2, tosses / 2, np.ones(200))
    assert_array_equal(of_heads, of_tails)
    assert 30 <= len(n) <= 64
    assert n.max() <= 200 / 32 + 1


def test_few_rows_have_the_likelihood_of_many():
    """Of any mixture: what they say of two mixtures differs by a hundredth of what both say."""
    for seed in range(3):
        rows = many_rows(seed, n_rows=6000)
        few = pairs_of_rows(*rows)
        assert few.shape[1] <= 512 < len(rows[0])
        said = []
        for heads, tails, n in (rows, (few[1], few[2], few[0])):
            rng = np.random.default_rng(seed)
            height = []
            for _ in range(6):
                theta, weights = rng.uniform(0.05, 0.95, size=(3, 1)), rng.dirichlet(np.ones(3))
                log_f = xlogy(heads, theta) + xlog1py(tails, -theta)
                height.append(logsumexp(log_f, axis=0, b=weights[:, None]) @ n)
            said.append(np.diff(height))
        assert_allclose(said[1], said[0], rtol=1e-2)


def test_few_rows_are_of_groups_alike_in_tosses_and_in_rate():
    """In each group half of the rows above its mean rate and half below, by their deviation."""
    heads, tails, n = many_rows(5, n_rows=6000)
    few, of_heads, of_tails = pairs_of_rows(heads, tails, n)
    half = len(few) // 2
    assert_array_equal(few[:half], few[half:])
    assert_allclose((of_heads + of_tails)[:half], (of_heads + of_tails)[half:], rtol=1e-12)
    assert_allclose(few.sum(), n.sum())
    for total, column in ((of_heads, heads), (of_tails, tails)):
        assert_allclose(few @ total, n @ column)
    assert min(of_heads.min(), of_tails.min()) > -1e-12
    assert half > 64
    low, high = angle(np.abs(of_heads), np.abs(of_tails)).reshape(2, half)
    width = (high - low) * 2 * np.sqrt((of_heads + of_tails)[:half])  # in standard deviations
    assert width.max() < 2


def even_rates(n_groups, n_rows=2000, tosses=1500.0):
    """Rows whose rates are even over groups of a tenth of a standard deviation."""
    width = 0.1 / (2 * np.sqrt(2 ** np.floor(np.log2(tosses))))
    x = (10 + n_groups * (np.arange(n_rows) + 0.5) / n_rows) * width
    heads = tosses * np.sin(x) ** 2
    return heads, tosses - heads


def test_a_group_is_a_tenth_of_a_standard_deviation_wide_or_more_if_these_are_too_many():
    for n_groups in (1, 20, 255, 256):
        assert pairs_of_rows(*even_rates(n_groups), np.ones(2000)).shape == (3, 2 * n_groups)
    for n_groups in (257, 258, 400):
        assert 2 * 128 < pairs_of_rows(*even_rates(n_groups), np.ones(2000)).shape[1] <= 512


def test_of_a_group_mean_and_deviation_of_its_rates_are_kept():
    """Weighted by tosses, and the mean number of tosses."""
    rng = np.random.default_rng(7)
    tosses, n = rng.uniform(520, 1020, size=1200), rng.uniform(0.1, 5, size=1200)
    rate = np.sin(0.6 + rng.exponential(1e-4, size=1200)) ** 2
    few, heads, tails = pairs_of_rows(tosses * rate, tosses * (1 - rate), n)
    assert_allclose(few, n.sum() / 2)
    assert_allclose(heads + tails, n @ tosses / n.sum())
    mean = np.average(rate, weights=n * tosses)
    off = np.sqrt(np.average((rate - mean) ** 2, weights=n * tosses))
    assert_allclose(heads / (heads + tails), [mean - off, mean + off], rtol=1e-12)


@pytest.mark.parametrize("mirrored", [False, True])
def test_few_rows_never_have_less_than_no_heads_or_tails(mirrored):
    """Most rates of a group at an end and a few off: their deviation is more than is left there."""
    heads, tails = even_rates(30_000, tosses=2.0**20)
    heads, tails = (
        np.append(c, np.tile(c_end, 50))
        for c, c_end in zip(
            (heads, tails), ([0.0] * 9 + [3.0], [2.0**20] * 9 + [2.0**20 - 3]), strict=True
        )
    )
    rows = (tails, heads) if mirrored else (heads, tails)
    few = pairs_of_rows(*rows, np.ones(len(heads)))
    assert few.min() >= 0
    assert_allclose(few[0] @ few[1], rows[0].sum())


@pytest.mark.parametrize(
    ("heads", "tosses"),
    [
        ([3.0, 40, 0, 9], [10.0, 100, 5, 9]),
        ([0.0, 0.012, 0.0245], [256.0, 1, 1]),
        ([1.0, 0.005], [1.0, 2]),
    ],
)
def test_rows_that_are_equal_stay_as_they_are(heads, tosses):
    tails = np.subtract(tosses, heads)
    few, of_heads, of_tails = pairs_of_rows(
        np.tile(heads, 600), np.tile(tails, 600), np.ones(600 * len(heads))
    )
    assert_array_equal(few, 300)
    for expected, got in ((heads, of_heads), (tails, of_tails)):
        assert_allclose(np.sort(got), np.sort(np.tile(expected, 2)), atol=1e-9)


def test_up_to_a_thousand_rows_are_all_kept():
    heads, tails, n = (column[:1024] for column in many_rows(6))
    assert_array_equal(pairs_of_rows(heads, tails, n), np.stack([n, heads, tails]))


@pytest.mark.parametrize("n", [1.0, 50.0, 3000.0, 1e5])
@pytest.mark.parametrize("per_width", [2, 8])
def test_a_grid_has_so_many_points_to_the_width_of_the_longest_row(n, per_width):
    grid = grid_for(np.array([1.0, 0.3 * n]), np.array([0.0, 0.7 * n]), per_width)
    assert (grid[0], grid[-1]) == (0, 1)
    steps = np.diff(np.arcsin(np.sqrt(grid)))
    width = 1 / (2 * np.sqrt(n))
    assert_allclose(steps, steps[0], rtol=1e-6)  # even, up to the rounding of a sine
    assert steps[0] <= width / per_width
    assert steps[0] > 0.5 * width / per_width or len(grid) == 8 * per_width


def test_where_a_grid_would_be_too_long_the_rates_are_on_it():
    heads = np.arange(1.0, 5000.0) * 1e8
    grid = grid_for(heads, 1e12 - heads, per_width=8)
    assert np.isin(heads / 1e12, grid).all()
    assert MOST_POINTS < len(grid) <= 2 * MOST_POINTS
    assert (np.diff(grid) > 0).all()
    heads = np.arange(1.0, 40_000.0) * 1e7
    assert len(grid_for(heads, 1e12 - heads, per_width=8)) <= 2 * MOST_POINTS
    assert len(grid_for(np.empty(0), np.empty(0), per_width=8)) == 64


def test_atoms_are_an_even_grid_and_some_of_the_rates():
    for seed, n_coins in ((0, 2), (1, 5), (2, 12)):
        n, heads, tails = bins(*many_rows(seed))
        x = grid_of_atoms(n, heads, tails, n_coins)
        n_even = max(16, 2 * n_coins)
        assert (np.diff(x) < 0).all()
        assert np.diff(x).min() >= -np.ptp(x) / (n_even - 1) - 1e-12
        near = angle(heads + n / 4, tails + n / 4)  # a quarter of a toss to each side
        assert_allclose([x[0], x[-1]], [near.max(), near.min()])
        assert n_even < len(x) <= n_even + 16
        others = x[np.abs(x[:, None] - np.linspace(x[-1], x[0], n_even)).min(axis=1) > 1e-9]
        assert np.abs(others[:, None] - near).min(axis=1).max() < 1e-12


def some_tables():
    """Bins of unlike numbers of rows, one of them of few rates."""
    rows = [many_rows(seed, n_rows) for seed, n_rows in ((0, 300), (1, 40), (2, 2000))]
    tosses = np.arange(2.0, 12.0, 2)
    rows.append((tosses / 2, tosses / 2 + (tosses == 4), np.ones(5)))
    return [bins(*of_table) for of_table in rows]


def test_rough_weights_are_thirty_steps_of_em_for_the_mean_row_of_each_bin():
    for binned in some_tables():
        [x], [weights] = rough_npmle([binned], 3)
        n, heads, tails = binned
        theta = np.sin(x) ** 2
        f = theta ** (heads / n)[:, None] * (1 - theta) ** (tails / n)[:, None]
        expected = np.full(len(x), 1 / len(x))
        for _ in range(30):
            posterior = f * expected / (f @ expected)[:, None]
            expected = n @ posterior / n.sum()
        assert_allclose(weights, np.maximum(expected, 1e-12), rtol=1e-9)
        assert_allclose(x, grid_of_atoms(n, heads, tails, 3))


@pytest.mark.parametrize("n_coins", [2, 3, 7])
def test_tables_side_by_side_have_the_atoms_of_each_alone(n_coins):
    tables = some_tables()
    x, weights = rough_npmle(tables, n_coins)
    assert (np.diff(x) <= 0).all()
    for i, binned in enumerate(tables):
        alone, of_atoms = rough_npmle([binned], n_coins)
        size = alone.shape[1]
        assert_array_equal(x[i, :size], alone[0])
        assert_allclose(weights[i, :size], of_atoms[0], rtol=1e-9, atol=1e-12)
        assert_allclose(weights[i, size:], 0, atol=1e-11)
        together, apart = reduced(x, weights, n_coins), reduced(alone, of_atoms, n_coins)
        for got, wanted in zip(together, apart, strict=True):
            assert_allclose(got[i], wanted[0], atol=1e-6)
