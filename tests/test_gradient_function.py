"""Lindsay's gradient function against its definition, term by term, on grids and off them."""

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, xlog1py, xlogy

from skcoin._em.e_step import log_likelihood
from skcoin._em.parameters import Parameters
from skcoin._families import gradient_function
from skcoin._families.binomial import BINOMIAL
from skcoin._families.gradient_function import (
    blocks,
    log_gradient_on,
    most_gain,
    ragged,
    refine,
    rounding_of,
    supremum,
)
from skcoin._families.rates import grid_for

COINS = np.array([[0.3], [0.6]]), np.array([[0.4], [0.6]])  # of a model, and their weights


def some_rows(seed, depth=60, n_rows=40):
    """Log-densities under two coins of the wrong place, heads, tails, multiplicity."""
    rng = np.random.default_rng(seed)
    tosses = rng.integers(1, depth, size=n_rows)
    heads = rng.binomial(tosses, rng.choice([0.1, 0.5, 0.8], size=n_rows)).astype(float)
    return fitted(heads, tosses - heads, rng.uniform(0.2, 3, size=n_rows))


def fitted(heads, tails, multiplicity, coins=COINS):
    """The same of these rows; of deep ones the package's log-density leaves something out."""
    coins = Parameters(coins[1][:, 0], coins[0])
    table = BINOMIAL.tabulate(heads, tails, multiplicity)
    return log_likelihood(BINOMIAL, coins, table), heads, tails, multiplicity


def log_sum(theta, heads, tails, multiplicity, coins=COINS):
    """``log sum_i m_i f(x_i | theta) / f(x_i)`` at each theta."""
    theta = np.asarray(theta)[..., None]
    of_coins = xlogy(heads, coins[0]) + xlog1py(tails, -coins[0])
    terms = xlogy(heads, theta) + xlog1py(tails, -theta)
    return logsumexp(terms - logsumexp(of_coins, axis=0, b=coins[1]), axis=-1, b=multiplicity)


@pytest.mark.parametrize("depth", [2, 60, 20_000])
def test_on_a_grid_it_is_the_sum_of_its_terms(depth):
    """Left out of a row is what is below e^-45 of its largest ratio: next to nothing beside one."""
    for seed in range(3):
        rows = some_rows(seed, depth)
        grid = grid_for(rows[1], rows[2], per_width=8)
        got, wanted = log_gradient_on(grid, *rows), log_sum(grid, *rows[1:])
        high = wanted > -10
        assert high.sum() > 10
        assert_allclose(got[high], wanted[high], rtol=1e-11, atol=1e-11)
        assert (got[~high] < -9).all()


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_rows_may_come_in_blocks(monkeypatch, size):
    rows = some_rows(3)
    grid = grid_for(rows[1], rows[2], per_width=8)
    whole = log_gradient_on(grid, *rows)
    monkeypatch.setattr(gradient_function, "BLOCK", size)
    assert_allclose(log_gradient_on(grid, *rows), whole, rtol=1e-13, atol=1e-13)


def test_it_may_be_beyond_floats_and_is_infinite_where_a_model_excludes_a_row():
    """Of 3,000 tosses nearly all are heads: between the model and them it is e^1 to e^3000."""
    rows = fitted(np.array([2990.0, 5.0]), np.array([10.0, 5.0]), np.array([1.0, 2.0]))
    grid = grid_for(*rows[1:3], per_width=8)
    got, wanted = log_gradient_on(grid, *rows), log_sum(grid, *rows[1:])
    assert wanted.max() > 1000
    high = wanted > -10
    assert_allclose(got[high], wanted[high], rtol=1e-11, atol=1e-11)
    for excluded in ([True, False], [False, True], [True, True]):
        lost = np.where(excluded, -np.inf, rows[0])
        assert_array_equal(log_gradient_on(grid, lost, *rows[1:]), np.inf)


def test_the_slices_of_blocks_are_all_rows_once_and_about_as_long_as_they_shall_be():
    rng = np.random.default_rng(0)
    for size in (1, 7, 50, 10_000):
        length = rng.integers(0, 9, size=200)
        slices = blocks(length, size)
        assert_array_equal(np.concatenate([np.arange(200)[rows] for rows in slices]), range(200))
        sums = [length[rows].sum() for rows in slices]
        assert max(sums) < size + 2 * 9
        assert len(slices) <= length.sum() / size + 2


def test_ragged_runs_are_their_members_one_after_the_other():
    run, member = ragged(np.array([3, 10, 5]), np.array([2, 0, 3]))
    assert_array_equal(run, [0, 0, 2, 2, 2])
    assert_array_equal(member, [3, 4, 5, 6, 7])


@pytest.mark.parametrize("scale", [1, 1e-9])
@pytest.mark.parametrize("depth", [2, 60, 20_000])
def test_its_supremum_is_that_of_a_general_search(depth, scale):
    for seed in range(4):
        rows = some_rows(seed, depth)
        rows = *rows[:3], scale * rows[3]
        grid = grid_for(rows[1], rows[2], per_width=8)
        theta, height = supremum(grid, log_gradient_on(grid, *rows), *rows)
        top = log_sum(grid, *rows[1:]).argmax()
        best = minimize_scalar(
            lambda t, rows=rows: -log_sum(t, *rows[1:]),
            bounds=(grid[max(top - 1, 0)], grid[min(top + 1, len(grid) - 1)]),
            method="bounded",
            options={"xatol": 1e-10},
        )
        wanted = max(-best.fun, log_sum(grid[top], *rows[1:]))
        assert height == pytest.approx(wanted, abs=1e-8)
        assert log_sum(theta, *rows[1:]) == pytest.approx(height, abs=1e-8)


def test_a_supremum_at_an_end_of_the_scale_and_an_infinite_one():
    fair = np.array([[0.5]]), np.array([[1.0]])
    for mirrored in (False, True):
        columns = np.array([5.0, 9.0]), np.zeros(2)
        rows = fitted(*columns[:: -1 if mirrored else 1], np.ones(2), coins=fair)
        grid = grid_for(*rows[1:3], per_width=8)
        theta, height = supremum(grid, log_gradient_on(grid, *rows), *rows)
        assert theta == pytest.approx(0 if mirrored else 1, abs=1e-15)
        assert height == pytest.approx(np.log(2.0**5 + 2.0**9), rel=1e-13)
        rows = np.array([-np.inf, rows[0][1]]), *rows[1:]
        assert supremum(grid, log_gradient_on(grid, *rows), *rows)[1] == np.inf


def test_refined_maxima_are_flat_and_between_the_neighbours_of_their_points():
    rows = some_rows(0, depth=400)
    grid = np.linspace(0, 1, 80)
    value = log_sum(grid, *rows[1:])
    inner = np.flatnonzero((value[1:-1] > value[:-2]) & (value[1:-1] > value[2:])) + 1
    assert len(inner) > 1
    table = BINOMIAL.tabulate(*rows[1:])
    theta, height = refine(grid, inner, table, np.log(rows[3]) - rows[0])
    assert (grid[inner - 1] < theta).all()
    assert (theta < grid[inner + 1]).all()
    assert_allclose(height, log_sum(theta, *rows[1:]), rtol=1e-12)
    assert (height >= value[inner]).all()
    x = np.arcsin(np.sqrt(theta))
    up, down = (log_sum(np.sin(x + d) ** 2, *rows[1:]) for d in (1e-5, -1e-5))
    bend = (up - 2 * height + down) / 1e-10
    assert (bend < -1).all()
    assert_allclose((up - down) / 2e-5 / bend, 0, atol=1e-7)  # how far off the top is


def test_slope_and_curvature_are_derivatives_by_the_angle():
    log_fitted, heads, tails, n = some_rows(1, n_rows=6)
    table, x = BINOMIAL.tabulate(heads, tails, n), np.array([0.3, 0.8, 1.2])
    got = gradient_function._derivatives(x[:, None], table, np.log(n) - log_fitted)

    def exact(at):
        theta = mpmath.sin(at) ** 2
        rows = zip(log_fitted, heads, tails, n, strict=True)
        return mpmath.log(
            sum(m * theta**h * (1 - theta) ** t * mpmath.exp(-fit) for fit, h, t, m in rows)
        )

    with mpmath.workdps(40):
        for order in range(3):
            wanted = [float(mpmath.diff(exact, at, order)) for at in x]
            assert_allclose(got[order], wanted, rtol=1e-11)


def test_no_mixture_gains_more_than_the_bound():
    """``W log(1 + sup D / W)``, zero where ``D`` is nowhere above zero."""
    assert most_gain(np.log(30.0), 20.0) == pytest.approx(20 * np.log1p(10 / 20), rel=1e-13)
    assert most_gain(np.log(19.0), 20.0) == 0
    # The last bits of each row's term, and of their sum.
    log_fitted, n = np.array([-3.0, -1000.0]), np.array([2.0, 5.0])
    assert_allclose(rounding_of(log_fitted, n) / np.finfo(float).eps, 4 * (2 * 4 + 5 * 1001))
