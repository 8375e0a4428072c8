"""Where one more coin helps, what a coin taken out leaves, and what all trials keep as it is.

Gains are held against the objective at the parameters that they stand for.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skcoin import BinomialMixture
from skcoin._base import count_rows, recipe_of
from skcoin._em import place as places_
from skcoin._em.e_step import e_step
from skcoin._em.parameters import Parameters, stack
from skcoin._em.place import (
    best_place,
    divided,
    gains_of,
    merge,
    place,
    place_beside,
    places_for,
    some_places,
    some_shares,
    without,
)
from skcoin._fit import as_problem

SETTINGS = {
    "free": {},
    "priors": {"theta_prior": (2.5, 1.5), "weights_prior": 2},
    "held coin": {"theta_init": [np.nan, 0.3, np.nan], "learn_theta": [True, False, True]},
    "equal weights": {"learn_weights": False},
}


def rows(seed=0, n_rows=60, depth=30):
    rng = np.random.default_rng(seed)
    tosses = rng.integers(1, depth, size=n_rows)
    heads = rng.binomial(tosses, rng.choice([0.15, 0.5, 0.8], size=n_rows))
    return np.column_stack([heads, tosses - heads])


def problem_of(X, setting="free", known=False, n_coins=3):
    """What is to be maximised, with two rows in ten of a known coin if any are."""
    coins = np.where(np.arange(len(X)) % 10 < 2, np.arange(len(X)) % 10, -1) if known else None
    model = BinomialMixture(n_coins, **SETTINGS[setting])
    return as_problem(recipe_of(model), count_rows(model, X, None, coins, reset=True))


def mixture(weights, *theta):
    return Parameters(np.array(weights, dtype=float), np.array(theta, dtype=float)[:, None])


REST = mixture([0.4, 0.6, 0], 0.2, 0.7, 0.5)


def height(problem, *several):
    return e_step(problem, stack(several)).objective


@pytest.mark.parametrize("block", [50, 2**17])
@pytest.mark.parametrize("known", [False, True], ids=["hidden", "some known"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_gain_is_that_of_the_objective(monkeypatch, setting, known, block):
    monkeypatch.setattr(places_, "BLOCK", block)
    problem, shares = problem_of(rows(), setting, known), np.array([0.3, 0.02, 1e-5])
    thetas = np.array([[0.0], [0.1], [0.45], [0.9]])
    gains = gains_of(problem, 2, thetas, REST, shares)
    trials = [place(2, c, s, REST) for s, c in product(shares, thetas)]
    after = height(problem, *trials).reshape(gains.shape)
    finite = np.isfinite(after)
    assert finite.any(axis=1).all()
    assert_array_equal(np.isfinite(gains), finite)
    # What is fixed of a coin without weight is minus infinite: it is left out of what was before.
    at = finite.argmax()
    assert_allclose((gains - gains.flat[at])[finite], (after - after.flat[at])[finite], atol=1e-9)
    if setting in ("free", "equal weights") and not known:
        before = height(problem, REST)[0]
        assert_allclose(gains[finite], (after - before)[finite], atol=1e-9)


def test_rows_that_were_impossible_want_a_coin_more_than_anything():
    problem = problem_of([[3, 0], [5, 0], [1, 4], [2, 2]])
    rest = mixture([1, 0, 0], 1, 0.5, 0.5)
    gains = gains_of(problem, 2, np.array([[1.0], [0.0], [0.4]]), rest, np.array([0.1]))
    assert np.isfinite(gains[0, [0, 2]]).all()
    assert gains[0].argmax() == 2
    component, share = best_place(problem, 2, rest, some_shares(problem))
    assert np.isfinite(height(problem, place(2, component, share, rest))[0])


@pytest.mark.parametrize("known", [False, True], ids=["hidden", "some known"])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("n_rows", [60, 4000])
def test_no_place_of_a_grid_is_better_than_the_best(n_rows, setting, known):
    """Of many rows few places are looked at on all of them: nearly the best."""
    problem = problem_of(rows(1, n_rows, 300 if n_rows > 1000 else 30), setting, known)
    assert (problem.coarse is problem) == (n_rows == 60)
    shares = some_shares(problem)
    component, share = best_place(problem, 2, REST, shares)
    assert share in shares
    [best] = height(problem, place(2, component, share, REST))
    grid = np.linspace(0.01, 0.99, 50)[:, None]
    others = height(problem, *(place(2, c, s, REST) for c, s in product(grid, shares)))
    base = height(problem, place(2, [0.5], 1e-9, REST))[0]
    assert best - base > 0.99 * (others.max() - base) - 0.02


def test_what_is_held_of_a_coin_stays_wherever_it_is_put():
    problem = problem_of(rows(), "held coin")
    rest = mixture([0.4, 0, 0.6], 0.2, 0.3, 0.5)
    component, _ = best_place(problem, 1, rest, some_shares(problem))
    assert_array_equal(component, [0.3])
    assert (places_for(problem, 1, rest, np.array([[0.1], [0.2]])) == 0.3).all()
    tied = replace(problem.specification, tied=np.array([True]))
    shared = replace(problem, specification=tied)
    assert (places_for(shared, 2, rest, np.array([[0.1], [0.2]])) == 0.5).all()


def test_the_rate_of_a_coins_known_rows_is_one_of_its_places():
    problem = problem_of(rows(), known=True)
    heads, tails = problem.pseudo_statistics[1]
    found = places_for(problem, 1, REST, np.array([[0.1], [0.2]]))
    assert_allclose(found[:, 0], [0.1, 0.2, heads / (heads + tails)], rtol=1e-14)


@pytest.mark.parametrize("most", [1, 2, 7, 10_000])
def test_some_places_are_candidates_from_the_first_to_the_last(most):
    for n_rows in (60, 4000):
        problem = problem_of(rows(2, n_rows, 300))
        every = problem.family.candidates(problem.coarse.table)
        some = some_places(problem, most)
        assert len(some) == min(most, len(every))
        assert_array_equal(some[0], every[0])
        if most > 1:
            assert_array_equal(some[-1], every[-1])
        at = np.flatnonzero(np.isin(every[:, 0], some[:, 0]))
        assert len(at) == len(some)  # in their order, and evenly
        assert_array_equal(every[at], some)
        assert np.ptp(np.diff(at)) <= 1 if most > 2 else True


def test_shares_fall_from_much_to_a_tenth_of_a_row_and_next_to_nothing():
    for n_rows in (4, 60, 4000):
        shares = some_shares(problem_of(np.full((n_rows, 2), 3)))
        assert (np.diff(shares) < 0).all()
        assert shares[0] == 0.3
        assert_allclose(shares[-2], min(0.03, 0.1 / n_rows), rtol=1e-12)
        assert_allclose(shares[-1], shares[-2] / 10, rtol=1e-12)
    assert_allclose(some_shares(problem_of(np.zeros((4, 2))))[-2], 0.03)


def test_the_rows_of_each_coin_with_weight_are_divided_in_two():
    """Each pair is that of the family for the rows as the posterior shares them out."""
    problem = problem_of(rows())
    pairs = divided(problem, REST)
    assert [j for j, _ in pairs] == [0, 1]
    heads, tails = problem.table[:2]
    joint = REST.weights[:, None] * REST.components**heads * (1 - REST.components) ** tails
    share = problem.multiplicity * joint / joint.sum(axis=0)
    for j, pair in pairs:
        [wanted] = problem.family.divide(REST.components[j], problem.table, share[j])
        assert_allclose(pair, wanted, rtol=1e-12)
        assert pair[1] < REST.components[j] < pair[0]
    # Rows that no coin can show are nobody's.
    problem = problem_of([[3, 0], [5, 0], [1, 4], [2, 2]])
    [(j, pair)] = divided(problem, mixture([1, 0, 0], 1, 0.5, 0.5))
    assert j == 0
    assert_allclose(pair[:, 0], [8.5 / 9, 0.5])  # eight heads, and nothing


def test_a_coin_taken_out_leaves_its_weight_to_all_in_proportion():
    parameters = mixture([0.2, 0.3, 0.5], 0.2, 0.7, 0.5)
    rest = without(1, parameters)
    assert_allclose(rest.weights, [2 / 7, 0, 5 / 7], rtol=1e-15)
    assert_array_equal(rest.components, parameters.components)
    assert without(1, mixture([0, 1, 0], 0.2, 0.7, 0.5)) is None
    assert_array_equal(parameters.weights, [0.2, 0.3, 0.5])


def test_two_coins_as_one_are_between_in_proportion_to_their_weights():
    parameters, problem = mixture([0.2, 0.3, 0.5], 0.2, 0.7, 0.5), problem_of(rows(), "held coin")
    merged = merge(0, 2, problem, parameters)
    assert_allclose(merged.weights, [0.7, 0.3, 0], rtol=1e-15)
    assert_allclose(merged.components[:2, 0], [(0.2 * 0.2 + 0.5 * 0.5) / 0.7, 0.7], rtol=1e-15)
    merged = merge(1, 2, problem, parameters)
    assert_allclose(merged.weights, [0.2, 0.8, 0], rtol=1e-15)
    assert merged.components[1, 0] == 0.7  # is held
    faded = mixture([0.5, 0.5, 0], 1 / 3, 0.7, 0.5)
    assert_array_equal(merge(0, 2, problem, faded).components, faded.components)
    ends = mixture([0.3, 0.1, 0.6], 1, 1, 1)
    assert merge(2, 0, problem, ends).components.max() <= 1


def test_a_coin_put_somewhere_takes_its_share_from_all_and_beside_another_half_of_its():
    placed = place(2, [0.9], 0.1, REST)
    assert_allclose(placed.weights, [0.36, 0.54, 0.1], rtol=1e-15)
    assert_array_equal(placed.components[:, 0], [0.2, 0.7, 0.9])
    pair = np.array([[0.8], [0.6]])
    asked = problem_of(rows()).specification
    beside = place_beside(2, 1, pair, REST, asked)
    assert_allclose(beside.weights, [0.4, 0.3, 0.3], rtol=1e-15)
    assert_array_equal(beside.components[:, 0], [0.2, 0.6, 0.8])
    held = problem_of(rows(), "held coin").specification
    assert_array_equal(place_beside(2, 1, pair, REST, held).components[:, 0], [0.2, 0.7, 0.8])
    assert_array_equal(REST.weights, [0.4, 0.6, 0])
