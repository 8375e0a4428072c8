"""Coins that are there twice, or not at all, are named in every door; no others are."""

import warnings

import numpy as np
import pytest
from _references import SPARE, USED, load_set

from skcoin import BinomialMixture, IdentifiabilityWarning, ThreeCoinModel, fit_groups
from skcoin.inspection import compare_n_components

THREE = [[3, 27]] * 10 + [[15, 15]] * 10 + [[27, 3]] * 10
ALIKE = [[5, 5]] * 4


def words(model, X, **fit_params):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", IdentifiabilityWarning)
        model.fit(X, **fit_params)
    return [str(w.message) for w in caught if w.category is IdentifiabilityWarning]


def test_a_copy_is_named_with_the_number_that_would_do():
    [said] = words(BinomialMixture(4), THREE)
    assert "coins 1 and 2 (theta 0.5 and 0.5" in said
    assert "use n_components=3" in said
    assert words(BinomialMixture(3), THREE) == []


def test_several_copies_are_one_list():
    [said] = words(BinomialMixture(5), THREE)
    assert "use n_components=3" in said


@pytest.mark.parametrize(
    "model", [BinomialMixture(), ThreeCoinModel(), BinomialMixture(warm_start=True)]
)
@pytest.mark.parametrize("repeat", [1, 2])
def test_equal_rows_are_of_one_coin_in_every_door(model, repeat):
    for _ in range(repeat):  # the second one from where the first has ended
        [said] = words(model, ALIKE)
    assert "coins 0 and 1" in said
    assert "use n_components=1" in said


def test_groups_and_comparisons_say_so_in_a_column():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(
        {
            "group": ["a", "b", "b"],
            "heads": [5, 1, 9],
            "tails": [5, 9, 1],
            "rows": [4, 10, 10],
        }
    )
    with pytest.warns(IdentifiabilityWarning, match="1 of 2 groups"):
        result = fit_groups(BinomialMixture(), table, by="group")
    assert result["identifiable"].tolist() == [False, True]
    rows = compare_n_components(THREE, 4, min_gain=0)
    assert rows.identifiable.tolist() == [True, True, True, False]


def test_what_is_held_known_or_of_a_prior_is_no_copy():
    assert words(BinomialMixture(2, learn_weights=False), ALIKE) == []
    assert words(BinomialMixture(2, theta_prior=(2, 2), weights_prior=2), ALIKE) == []
    assert words(BinomialMixture(2), ALIKE, coins=[0, 1, -1, -1]) == []
    assert words(BinomialMixture(2), ALIKE, coins=[-1, 1, -1, -1]) == []
    held = BinomialMixture(2, theta_init=[0.5, 0.2], learn_theta=False)
    assert words(held, ALIKE) == []  # the second coin has no weight, and a known theta


@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_a_large_tol_makes_no_copies_of_what_is_far_apart(solver):
    """One coin is 2.4 lower for every two rows, which such a tolerance would call nothing."""
    X = [[2, 8], [8, 2]] * 2
    assert words(BinomialMixture(2, tol=1, solver=solver), X) == []


@pytest.mark.parametrize(("name", "n_coins", "entry"), USED)
def test_references_that_use_their_coins_are_left_alone(name, n_coins, entry):
    assert len(entry["thetas"]) == n_coins
    X, sample_weight = load_set(name)
    said = words(BinomialMixture(n_coins), X, sample_weight=sample_weight)
    assert not any("One coin would do" in message for message in said)


@pytest.mark.parametrize(("name", "n_coins", "entry"), SPARE)
def test_references_with_a_coin_too_many_are_told(name, n_coins, entry):
    assert len(entry["thetas"]) < n_coins
    X, sample_weight = load_set(name)
    assert words(BinomialMixture(n_coins), X, sample_weight=sample_weight) != []


def test_a_word_is_right_about_the_likelihood():
    """With the copies as one, nothing is lost; with one coin less than that, much is."""
    X = np.array(THREE)
    four = BinomialMixture(4)
    assert words(four, X)
    totals = [BinomialMixture(k).fit(X).score(X) * len(X) for k in (2, 3)]
    assert totals[1] == pytest.approx(four.score(X) * len(X), abs=1e-5)
    assert totals[0] < totals[1] - 10
