"""Rows divided into coins: checked against all divisions of a few rows."""

from itertools import combinations, combinations_with_replacement, pairwise, permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import xlog1py, xlogy

from skcoin._families import BINOMIAL
from skcoin._families.division import NEAR_END, divide, slices
from skcoin._families.rates import by_falling_rate


def few_rows(seed):
    rng = np.random.default_rng(seed)
    n_rows = rng.integers(3, 8)
    tosses = rng.integers(1, 30, size=n_rows)
    heads = rng.binomial(tosses, rng.random(n_rows)).astype(float)
    return heads, tosses - heads, rng.integers(1, 4, size=n_rows).astype(float), rng


def fit(heads, tails, theta=None):
    if theta is None:
        theta = heads.sum() / max(heads.sum() + tails.sum(), 1)
    return (xlogy(heads, theta) + xlog1py(tails, -theta)).sum()


def fit_of_division(edges, is_open, held, heads, tails):
    """The log-likelihood of consecutive runs, of which some have a theta that is held."""
    left = iter(np.clip(held, NEAR_END, 1 - NEAR_END))
    return sum(
        fit(heads[i:j], tails[i:j], None if of_own else next(left))
        for (i, j), of_own in zip(pairwise(edges), is_open, strict=True)
    )


@pytest.mark.parametrize("n_held", [0, 1, 2])
@pytest.mark.parametrize("n_open", [1, 2, 3])
def test_no_other_division_into_runs_fits_better(n_open, n_held):
    for seed in range(12):
        heads, tails, multiplicity, rng = few_rows(seed)
        held = np.sort(rng.uniform(0.05, 0.95, size=n_held))[::-1]
        if seed % 3 and n_held:  # a coin of one side, which most rows exclude
            held[0 if seed % 3 == 1 else -1] = seed % 3 % 2
        _, share, share_of_held = divide(heads, tails, multiplicity, n_open, held)
        order = by_falling_rate(heads, tails)
        h, t, n = (multiplicity * heads)[order], (multiplicity * tails)[order], multiplicity[order]
        before = np.cumsum(np.append(0, n))
        best, fits = -np.inf, {}
        for places in combinations(range(n_open + n_held), n_open):
            is_open = np.isin(np.arange(n_open + n_held), places)
            for inner in combinations_with_replacement(range(len(n) + 1), n_open + n_held - 1):
                edges = (0, *inner, len(n))
                value = fit_of_division(edges, is_open, held, h, t)
                shares = np.diff(before[list(edges)]) / before[-1]
                key = tuple(np.append(shares[is_open], shares[~is_open]).round(9))
                fits[key] = max(value, fits.get(key, -np.inf))
                best = max(best, value)
        found = fits[tuple(np.append(share, share_of_held).round(9))]
        assert_allclose(found, best, rtol=1e-12)


def test_held_groups_keep_the_order_in_which_they_are_given():
    heads = np.array([9.0, 5.0, 1.0])
    rows = heads, 10 - heads, np.array([1.0, 2.0, 3.0])
    theta, share, share_of_held = divide(*rows, 1, [0.1, 0.9])
    assert_allclose(theta, [10.5 / 21])  # half a head and half a tail beside 10 of 20
    assert_allclose(share, [2 / 6])
    assert_allclose(share_of_held, [3 / 6, 1 / 6])
    assert_array_equal(divide(*rows, 1, [0.9, 0.1])[2], share_of_held[::-1])


def test_rows_of_one_coin_become_two_where_their_own_rates_fit_best():
    """With half a head and half a tail more in each part, of which one may be empty."""
    for seed in range(12):
        heads, tails, multiplicity, rng = few_rows(seed)
        share = multiplicity * rng.random(len(heads))
        table = BINOMIAL.tabulate(heads, tails, multiplicity)
        [pair] = BINOMIAL.divide(np.array([0.5]), table, share)
        order = by_falling_rate(heads, tails)
        own = []
        for i in range(1, len(order) + 1):
            parts = order[:i], order[i:]
            h, t = (np.array([share[p] @ x[p] + 0.5 for p in parts]) for x in (heads, tails))
            own.append((fit(h, t, h / (h + t)), *h / (h + t)))
        assert_allclose(pair[:, 0], max(own)[1:], rtol=1e-12)


@pytest.mark.parametrize("n_rows", [50, 700])
def test_thousands_of_rows_are_divided_as_by_trying_all_edges(n_rows):
    rng = np.random.default_rng(n_rows)
    tosses = rng.integers(1, 1000, size=n_rows).astype(float)
    heads = rng.binomial(tosses.astype(int), rng.beta(1, 3, size=n_rows)).astype(float)
    _, share, _ = divide(heads, tosses - heads, np.ones(n_rows), 3)
    order = by_falling_rate(heads, tosses - heads)
    h, t = np.cumsum(heads[order]), np.cumsum((tosses - heads)[order])

    def own(h, t):
        return xlogy(h, h / np.maximum(h + t, 1)) + xlogy(t, t / np.maximum(h + t, 1))

    first = own(h[:, None], t[:, None]) + own(h - h[:, None], t - t[:, None])
    total = np.where(np.triu(np.ones((n_rows, n_rows), bool)), first, -np.inf)
    total = total + own(h[-1] - h, t[-1] - t)
    i, j = np.unravel_index(total.argmax(), total.shape)
    assert_allclose(np.cumsum(share)[:2] * n_rows, [i + 1, j + 1])


@pytest.mark.parametrize("n_coins", [1, 2, 4])
def test_slices_of_given_shares_come_in_the_best_orders(n_coins):
    for seed in range(6):
        heads, tails, multiplicity, rng = few_rows(seed)
        weights = rng.dirichlet(np.full(n_coins, 3.0))
        found = slices(heads, tails, multiplicity, weights, most=5)
        order = by_falling_rate(heads, tails)
        columns = multiplicity[order] * np.stack([np.ones(len(order)), heads[order], tails[order]])
        n, h, t = np.pad(np.cumsum(columns, axis=1), ((0, 0), (1, 0)))
        thetas, fits = [], []
        for coins in permutations(range(n_coins)):
            edges = np.append(0, np.cumsum(weights[list(coins)])) * n[-1]
            own_heads, own_tails = (np.diff(np.interp(edges, n, column)) for column in (h, t))
            theta = np.empty(n_coins)
            theta[list(coins)] = (own_heads + 0.5) / (own_heads + own_tails + 1)
            thetas.append(theta)
            fits.append(
                sum(fit(a, b, a / (a + b)) for a, b in zip(own_heads, own_tails, strict=True))
            )
        fifth = np.sort(fits)[::-1][:5][-1]
        assert len(found) == min(5, len(fits))
        for theta in found:  # in some rows one order fits as well as another
            same = [i for i in range(len(fits)) if np.abs(theta - thetas[i]).max() < 1e-9]
            assert max(fits[i] for i in same) > fifth - 1e-9
        assert max(fits) - 1e-9 < max(
            value
            for value, theta in zip(fits, thetas, strict=True)
            if np.abs(theta - found[0]).max() < 1e-9
        )
