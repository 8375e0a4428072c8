"""The search for the mixing distribution of largest likelihood, part by part."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp, xlog1py, xlogy

from skcoin._em.parameters import Parameters
from skcoin._families import nonparametric
from skcoin._families.nonparametric import _Rows, ceiling, npmle


def some_rows(seed=0, depth=60, n_rows=120):
    rng = np.random.default_rng(seed)
    tosses = rng.integers(1, depth, size=n_rows)
    heads = rng.binomial(tosses, rng.choice([0.1, 0.45, 0.8], size=n_rows)).astype(float)
    return _Rows(heads, tosses - heads, rng.uniform(0.2, 3, size=n_rows))


def log_f(rows, theta):
    """Of each theta and row, (n_thetas, n_rows)."""
    theta = np.asarray(theta, dtype=float)[:, None]
    return xlogy(rows.heads, theta) + xlog1py(rows.tails, -theta)


def log_fitted(rows, atoms):
    return logsumexp(log_f(rows, atoms.components[:, 0]), axis=0, b=atoms.weights[:, None])


def mixture(weights, theta):
    return Parameters(np.array(weights, dtype=float), np.array(theta, dtype=float)[:, None])


def columns(rows):
    return rows.heads, rows.tails, rows.multiplicity


ATOMS = mixture([0.5, 0.2, 0.3], [0.7, 0.4, 0.2])


def angles(theta):
    return np.arcsin(np.sqrt(theta))


@pytest.mark.parametrize("depth", [4, 60, 2000])
def test_the_grid_is_even_from_the_lowest_rate_to_the_highest(depth):
    """Four points to the standard deviation of the longest row, and a hundred at least."""
    rows = some_rows(1, depth, n_rows=400)
    rates, x = rows.heads / rows.tosses, angles(rows.grid)
    assert (rows.grid[0], rows.grid[-1]) == (rates.min(), rates.max())
    steps, width = np.diff(x), 1 / (2 * np.sqrt(rows.tosses.max()))
    assert_allclose(steps, steps[0], rtol=1e-6)
    assert_allclose(rows.cell, steps[0], rtol=1e-6)
    assert steps[0] <= width / 4
    assert len(x) == max(100, int(np.ceil(4 * np.ptp(x) / width)) + 1)


def test_of_few_deep_rows_the_grid_is_near_their_rates_alone():
    rows = _Rows(np.array([1e9, 3e10, 5e9]), np.array([2e9, 1e10, 0.0]), np.ones(3))
    x, rates = angles(rows.grid), rows.heads / rows.tosses
    assert (rows.grid[0], rows.grid[-1]) == (rates.min(), 1)
    assert (np.diff(x) > 0).all()
    assert rows.n_cells > 100 * len(x)
    for center, reach in zip(angles(rates), rows.reach, strict=True):
        near = x[np.abs(x - center) <= 1.001 * reach]
        assert_allclose(np.ptp(near), reach * (2 if x[0] < center < x[-1] else 1), rtol=1e-3)
        # Four to the standard deviation 1 / (2 sqrt(n)), of which the reach is about 13.
        n = -45 / (2 * np.log(np.cos(reach)))
        assert np.diff(near).max() <= 1 / (2 * np.sqrt(n)) / 4
        assert np.abs(near - center).min() < 1e-3 * reach
    assert (np.abs(x[:, None] - angles(rates)) <= 1.001 * rows.reach).any(axis=1).all()


def test_a_row_reaches_to_where_its_density_is_negligible():
    rows = some_rows(2)
    center = angles(rows.heads / rows.tosses)
    for sign in (1, -1):
        x = center + sign * rows.reach
        inside = (x > 0) & (x < np.pi / 2)
        assert inside.sum() > 20
        theta = np.sin(x[inside]) ** 2
        heads, tails = rows.heads[inside], rows.tails[inside]
        fallen = rows.top[inside] - (xlogy(heads, theta) + xlog1py(tails, -theta))
        assert (fallen >= 45 - 1e-9).all()
        assert (
            np.abs(np.cos(rows.reach[inside]) ** (2 * rows.tosses[inside]) * np.exp(45)).max()
            < 1.001
        )
    assert_allclose(
        rows.top, log_f(rows, rows.heads / rows.tosses).diagonal(), rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("stored", [2**26, 10])
@pytest.mark.parametrize("block", [2**22, 300])
def test_the_gradient_on_the_grid_is_the_sum_of_its_terms(monkeypatch, block, stored):
    monkeypatch.setattr(nonparametric, "BLOCK", block)
    monkeypatch.setattr(nonparametric, "STORED", stored)
    rows = some_rows(3)
    fitted = log_fitted(rows, ATOMS)
    wanted = np.exp(log_f(rows, rows.grid) - fitted) @ rows.multiplicity
    for _ in range(2):
        assert_allclose(rows.gradient(fitted), wanted, rtol=1e-12)
    assert isinstance(rows.densities(), list) == (stored > 10)
    dense = np.concatenate([density.toarray() for _, density in rows.densities()])
    wanted = np.exp(log_f(rows, rows.grid).T - rows.top[:, None])
    assert_allclose(dense, wanted, rtol=1e-12, atol=np.exp(-45))
    assert_allclose(rows.ratio(fitted), np.exp(rows.top - fitted), rtol=1e-14)
    assert np.isfinite(rows.ratio(fitted - 5000)).all()


def test_the_rows_near_a_point_are_those_with_a_density_there():
    rows = some_rows(4, depth=3000)
    density = np.exp(log_f(rows, rows.grid) - rows.top)
    for point in range(0, len(rows.grid), 37):
        near = np.isin(np.arange(120), rows.near(point))
        assert 0 < near.sum() < 120
        assert density[point, ~near].max() < np.exp(-44.9)
        first, length = rows._span
        assert_array_equal(near, (first <= point) & (point < first + length))


def test_the_first_atoms_have_weights_by_three_steps_of_em():
    rows = some_rows(5)
    atoms = nonparametric._first_atoms(rows)
    theta = np.unique(np.append(rows.grid[::8], rows.grid[-1]))
    weights = np.full(len(theta), 1 / len(theta))
    for _ in range(3):
        joint = weights[:, None] * np.exp(log_f(rows, theta))
        weights = joint / joint.sum(axis=0) @ rows.multiplicity / rows.n_rows
    assert_array_equal(atoms.components[:, 0], theta)
    assert_allclose(atoms.weights, weights, rtol=1e-9)


@pytest.mark.parametrize("side_by_side", [2**14, 10])
@pytest.mark.parametrize("depth", [60, 2000])
def test_maxima_of_the_gradient_function_and_their_gap_are_those_of_a_fine_grid(
    monkeypatch, depth, side_by_side
):
    monkeypatch.setattr(nonparametric, "SIDE_BY_SIDE", side_by_side)
    rows = some_rows(6, depth)
    if depth == 60:  # as many rows without heads, which want an atom at the end
        rows = _Rows(
            np.append(rows.heads, np.zeros(120)),
            np.append(rows.tails, np.full(120, 70.0)),
            np.tile(rows.multiplicity, 2),
        )
    theta, gap = nonparametric._maxima(rows, ATOMS)
    fitted = log_fitted(rows, ATOMS)
    fine = np.sin(np.linspace(*angles(rows.grid[[0, -1]]), 10_001)) ** 2
    value = logsumexp(log_f(rows, fine) - fitted, axis=1, b=rows.multiplicity)
    W = rows.n_rows
    assert gap == pytest.approx(W * max(0, value.max() - np.log(W)), rel=1e-6)
    assert gap >= W * (value.max() - np.log(W))
    padded = np.pad(value, 1, constant_values=-np.inf)
    peaks = (value >= padded[:-2]) & (value > padded[2:]) & (value > np.log(W))
    assert_allclose(theta, fine[peaks], atol=1e-3)
    assert len(theta) > 0
    at_maxima = logsumexp(log_f(rows, theta) - fitted, axis=1, b=rows.multiplicity)
    assert_allclose(at_maxima, value[peaks], rtol=1e-5)
    assert (at_maxima >= value[peaks] - 1e-9).all()


def test_at_the_maximum_nothing_is_left_but_rounding():
    rows = some_rows(7)
    found = npmle(*columns(rows), tol=1e-10)
    assert found.converged
    _, gap = nonparametric._maxima(rows, found.parameters)
    assert 0 < gap <= 1e-10 * rows.n_rows
    assert gap == pytest.approx(found.gap, rel=0.1)  # that of other sums
    fine = np.linspace(0, 1, 5001)
    ratio = np.exp(log_f(rows, fine) - log_fitted(rows, found.parameters))
    assert (ratio @ rows.multiplicity).max() <= rows.n_rows * (1 + 1e-9)
    assert (np.diff(found.parameters.components[:, 0]) < 0).all()
    assert found.parameters.weights.sum() == pytest.approx(1, rel=1e-14)
    bound = ceiling(*columns(rows))
    height = rows.multiplicity @ log_fitted(rows, found.parameters)
    assert 0 <= bound - height < 2e-4


def em_weights(rows, atoms):
    ratio = np.exp(log_f(rows, atoms.components[:, 0]) - log_fitted(rows, atoms))
    return atoms.weights * (ratio @ rows.multiplicity) / rows.n_rows


def height(rows, atoms):
    return rows.multiplicity @ log_fitted(rows, atoms)


def test_a_step_of_weights_gains_more_than_one_of_em_and_is_exact_near_the_best():
    """If need be by less than a whole step of Newton; a dozen lead to where all slopes are zero."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = some_rows(seed, depth=int(rng.choice([5, 60, 1000])))
        atoms = mixture(
            rng.dirichlet(np.full(5, 0.1)) * 0.99 + 0.002, rng.uniform(0.05, 0.9, size=5)
        )
        moved = nonparametric._reweigh(rows, atoms)
        assert moved.weights.min() > 0
        assert moved.weights.sum() == pytest.approx(1, rel=1e-13)
        by_em = mixture(em_weights(rows, atoms), atoms.components[:, 0])
        gained = height(rows, moved) - height(rows, atoms)
        assert gained > 0.1 * (height(rows, by_em) - height(rows, atoms)) > 0
        for _ in range(12):
            moved = nonparametric._reweigh(rows, moved)
        ratio = np.exp(log_f(rows, moved.components[:, 0]) - log_fitted(rows, moved))
        assert_allclose(ratio @ rows.multiplicity / rows.n_rows, 1, atol=1e-7)


def test_a_step_that_would_lose_a_rare_row_is_halved():
    """One row in a thousand is of the second atom alone, to which a whole step leaves nothing."""
    rows = _Rows(np.array([10.0, 0.0]), np.array([0.0, 10.0]), np.array([1000.0, 1.0]))
    atoms = mixture([0.99, 0.01], [1.0, 0.0])
    moved = nonparametric._reweigh(rows, atoms)
    assert 1e-3 < moved.weights[1] < 0.01
    assert height(rows, moved) > height(rows, atoms) + 1


def test_where_least_squares_fail_a_step_of_em_is_taken(monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("goes round in circles")

    rows = some_rows(8)
    best = npmle(*columns(rows), tol=1e-8)
    monkeypatch.setattr(nonparametric, "nnls", fails)
    moved = nonparametric._reweigh(rows, ATOMS)
    assert_allclose(moved.weights, em_weights(rows, ATOMS), rtol=1e-12)
    assert_array_equal(moved.components, ATOMS.components)
    found = npmle(*columns(rows), tol=1e-8)
    assert found.converged
    assert_allclose(found.parameters.components, best.parameters.components, atol=1e-3)


def test_atoms_without_weight_are_left_out():
    atoms = nonparametric._with_weight(mixture([0.2, 0, 0.6], [0.9, 0.5, 0.1]))
    assert_allclose(atoms.weights, [0.25, 0.75], rtol=1e-15)
    assert_array_equal(atoms.components[:, 0], [0.9, 0.1])


def test_atoms_closer_than_a_width_are_one_between_them():
    theta = np.sin([0.3, 0.1, 0.32, 0.9, 0.33]) ** 2
    atoms = mixture([0.2, 0.3, 0.1, 0.15, 0.25], theta)
    merged = nonparametric._merged(atoms, 0.05)
    assert_allclose(merged.weights, [0.3, 0.55, 0.15], rtol=1e-14)
    x = (0.2 * 0.3 + 0.1 * 0.32 + 0.25 * 0.33) / 0.55
    assert_allclose(angles(merged.components[:, 0]), [0.1, x, 0.9], rtol=1e-14)
    assert_array_equal(merged.components[[0, 2], 0], theta[[1, 3]])  # alone, to the last bit
    assert len(nonparametric._merged(atoms, 0.001).weights) == 5
    assert len(nonparametric._merged(atoms, 1.0).weights) == 1


def test_atoms_that_straddle_a_single_one_are_merged_and_others_are_not():
    rows = _Rows(np.array([30.0, 31, 5, 6]), np.array([30.0, 29, 55, 54]), np.ones(4))
    straddling = mixture([0.25, 0.25, 0.5], [0.512, 0.504, 0.09])
    merged = nonparametric._merge(rows, straddling)
    assert len(merged.weights) == 2
    assert height(rows, merged) >= height(rows, straddling)
    far = mixture([0.5, 0.5], [0.51, 0.09])
    assert nonparametric._merge(rows, far) is far
    # Not where that is lower: long rows of two rates apart by less than the widest of three widths.
    rows = _Rows(np.array([3000.0, 3300.0]), np.array([3000.0, 2700.0]), np.ones(2))
    two = mixture([0.5, 0.5], [0.5, 0.55])
    assert len(nonparametric._merge(rows, two).weights) == 2
    tidied, gap = nonparametric._tidied(rows, two, 1e-9, 1e-8)
    assert tidied is two
    assert gap == 1e-9


def test_atoms_all_but_equal_are_tidied_up_in_the_end():
    rows = some_rows(9)
    found = npmle(*columns(rows), tol=1e-8).parameters
    split = np.repeat(found.components[:, 0], 2) + np.tile([1e-9, -1e-9], len(found.weights))
    pairs = mixture(np.repeat(found.weights / 2, 2), split)
    tidied, gap = nonparametric._tidied(rows, pairs, 1e-8, 1e-8)
    assert len(tidied.weights) == len(found.weights)
    assert gap <= 1e-8
    assert_allclose(
        np.sort(tidied.components, axis=0), np.sort(found.components, axis=0), atol=1e-6
    )


def test_a_tolerance_is_of_all_rows_or_of_a_unit_of_less_and_not_below_rounding():
    rng = np.random.default_rng(10)
    tosses = rng.integers(1, 60, size=300)
    heads = rng.binomial(tosses, rng.beta(2, 3, size=300)).astype(float)
    tails, n = tosses - heads, rng.uniform(0.2, 3, size=300)
    for scale in (1.0, 1e-6, 1e9):
        found = npmle(heads, tails, scale * n, tol=1e-3)
        assert found.converged
        assert found.gap <= max(1e-3 * min(1, scale * n.sum()), 1e-13 * scale * n.sum() * 30)
        exact = npmle(heads, tails, scale * n, tol=0)
        assert exact.converged
        assert exact.gap <= 1e-10 * scale * n.sum()
    rounds = [npmle(heads, tails, n, tol=0, max_iter=k).n_iter for k in (0, 1, 2)]
    assert rounds == [0, 1, 2]
    assert not npmle(heads, tails, n, tol=0, max_iter=0).converged


def test_a_start_is_where_the_search_begins():
    rows = some_rows(11)
    best = npmle(*columns(rows), tol=1e-9)
    again = npmle(*columns(rows), tol=1e-6, start=best.parameters, max_iter=0)
    cold = npmle(*columns(rows), tol=1e-6, max_iter=0)
    assert again.gap < cold.gap / 5


def test_many_atoms_and_few_move_together():
    """More than 64 atoms by EM, fewer by Newton: neither lowers the likelihood."""
    rows = some_rows(12)
    for n_atoms in (3, 64, 65, 100):
        atoms = mixture(np.full(n_atoms, 1 / n_atoms), np.linspace(0.05, 0.9, n_atoms))
        moved = nonparametric._newton(rows, atoms, 3)
        assert height(rows, moved) > height(rows, atoms)
        assert moved.weights.sum() == pytest.approx(1, rel=1e-13)
        assert moved.weights.min() > 0
