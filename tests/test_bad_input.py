"""Whatever is wrong with the input is said in words and numbers.

A refusal names the parameter, the value it got, the row or entry where that helps, and a remedy.
What all public calls refuse in the same words is in ``test_invariance.py``.
"""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _assertions import assert_refuses, assert_same_fit
from _references import FIVE_SETS, HEADS, LAYOUTS
from sklearn.exceptions import NotFittedError

from skcoin import BinomialMixture, ThreeCoinModel

INITS = ["auto", "quantile", "random", "k-means++"]


# --- X ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "predict"])
@pytest.mark.parametrize(
    ("layout", "cells", "words"),
    [
        ("heads_tails", [1, -1], "row 200000, column 1 is -1"),
        ("heads_tosses", [3, 2], "Row 200000 of X has 3 heads in 2 tosses"),
        ("tosses", [0, 3], "row 200000, column 1 is 3"),
    ],
)
def test_the_row_is_named_in_long_data_too(layout, cells, words, method):
    X = np.ones((200_001, 2))
    X[-1] = cells
    model = BinomialMixture(1, layout=layout).fit(X[:4])
    assert_refuses(lambda: getattr(model, method)(X), words)


@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses"])
def test_one_column_is_refused_and_pointed_to_single_tosses(layout):
    words = f"layout='{layout}'", "needs two columns", "n_features = 1", 'use layout="tosses"'
    assert_refuses(lambda: BinomialMixture(layout=layout).fit([[1], [0], [1]]), *words)


def test_heads_and_tosses_are_exactly_two_columns():
    X = np.c_[FIVE_SETS["heads_tosses"], HEADS]
    words = 'layout="heads_tosses"', "exactly two columns", "X has 3", "X[:, [0, 1]]"
    assert_refuses(lambda: BinomialMixture(layout="heads_tosses").fit(X), *words)


def test_more_than_two_columns_are_said_once_at_fit_where_the_user_calls_it():
    X = np.c_[HEADS, 10 - HEADS, np.zeros(5), np.ones(5)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = BinomialMixture().fit(X)
        model.predict(X)
    message = str(caught[0].message)
    assert [warning.category for warning in caught] == [UserWarning]
    for words in (
        "X has 4 columns",
        "column 0 is taken as heads",
        "sum of columns 1 to 3 as tails",
        'layout="heads_tosses"',
        'layout="tosses"',
    ):
        assert words in message
    assert caught[0].filename == __file__
    assert_same_fit(model, BinomialMixture().fit(np.c_[HEADS, 11 - HEADS]))


@pytest.mark.parametrize(
    ("arguments", "X"),
    [({"max_iter": 1}, FIVE_SETS["heads_tails"]), ({}, [[1, 0], [0, 1]])],
    ids=["convergence", "identifiability"],
)
def test_a_warning_of_the_fit_points_at_the_line_that_fits(arguments, X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        BinomialMixture(**arguments).fit(X)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_column_of_names_is_refused(frame):
    X = frame({"player": ["Clemente", "Robinson"], "hits": [18, 17], "misses": [27, 28]})
    for columns in (["player", "hits"], ["hits", "player"]):
        assert_refuses(lambda part=X[columns]: BinomialMixture().fit(part), "string", "Clemente")


@pytest.mark.parametrize("method", ["sample", "get_feature_names_out"])
def test_a_model_that_is_not_fitted_has_nothing_to_give(method):
    assert_refuses(getattr(BinomialMixture(), method), "not fitted yet", error=NotFittedError)


# --- parameters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"theta_init": [0.5, 1.5]}, ["theta_init[1] is 1.5", "in [0, 1]", "as fractions"]),
        ({"theta_init": [-0.1, 0.5]}, ["theta_init[0] is -0.1", "in [0, 1]"]),
        ({"theta_init": [0.5]}, ["theta_init has shape (1,)", "must have shape (2,)"]),
        ({"theta_init": [0.1, 0.2, 0.3]}, ["theta_init has shape (3,)", "must have shape (2,)"]),
        ({"theta_init": [[0.6, 0.5]]}, ["theta_init has shape (1, 2)", "must have shape (2,)"]),
        ({"theta_init": [0.5, np.inf]}, ["theta_init[1] is inf", "finite", "NaN where none is"]),
        (
            {"theta_init": [0.5, np.nan], "learn_theta": False},
            ["learn_theta is False", "no value to coin 1", "Give theta_init[1]"],
        ),
        ({"theta_init": [np.inf, 0.5]}, ["theta_init[0] is inf", "finite"]),
        ({"theta_init": ["a", "b"]}, ["theta_init"]),
        ({"theta_init": [0.5, 1j]}, ["theta_init"]),
        ({"theta_init": 0.5}, ["'theta_init'", "array-like", "Got 0.5"]),
        (
            {"weights_init": [0.5, 0.6]},
            ["weights_init sums to 1.1", "to 1", "Divide it by its sum"],
        ),
        ({"weights_init": [50, 50]}, ["weights_init sums to 100", "to 1", "Divide it by its sum"]),
        ({"weights_init": [0.5, 0.500002]}, ["weights_init sums to 1.000002", "must sum to 1."]),
        ({"weights_init": [-0.5, 1.5]}, ["weights_init[0] is -0.5", "in [0, 1]"]),
        ({"weights_init": [1]}, ["weights_init has shape (1,)", "must have shape (2,)"]),
        ({"weights_init": [np.nan, 1]}, ["weights_init[0] is nan", "finite"]),
        ({"weights_init": ["a", "b"]}, ["weights_init"]),
        ({"theta_prior": (0.5, 1)}, ["theta_prior is (0.5, 1)", "at least 1", "(1, 1) is flat"]),
        ({"theta_prior": (1, 0.99)}, ["theta_prior is (1, 0.99)", "at least 1"]),
        ({"theta_prior": (1,)}, ["theta_prior has shape (1,)", "must have shape (2,)", "(a, b)"]),
        ({"theta_prior": (1, np.inf)}, ["theta_prior[1] is inf", "finite"]),
        ({"theta_prior": 2}, ["'theta_prior'", "array-like", "Got 2"]),
        ({"theta_prior": ("a", "b")}, ["theta_prior"]),
        ({"weights_prior": 0.5}, ["'weights_prior'", "range [1", "Got 0.5"]),
        ({"weights_prior": np.nan}, ["'weights_prior'", "range [1", "Got nan"]),
        ({"layout": "tails_heads"}, ["'layout'", *map(repr, LAYOUTS), "Got 'tails_heads'"]),
        ({"solver": "newton"}, ["'solver'", "'em'", "'em-newton'", "Got 'newton'"]),
        ({"init_params": "kmeans"}, ["'init_params'", *map(repr, INITS), "Got 'kmeans'"]),
        ({"learn_theta": False}, ["learn_theta is False", "to coin 0", "Give theta_init[0]"]),
        ({"learn_theta": [True]}, ["learn_theta is [True]", "a list of 2", "n_components=2"]),
        (
            {"learn_theta": [1, 0], "theta_init": [0.6, 0.5]},
            ["learn_theta is [1, 0]", "True, False or a list of 2"],
        ),
    ],
    ids=repr,
)
def test_a_parameter_that_cannot_be_is_refused(arguments, words):
    model = BinomialMixture(**arguments)
    assert_refuses(
        lambda: model.fit(FIVE_SETS["heads_tails"]), *words, error=(TypeError, ValueError)
    )


@pytest.mark.parametrize(
    ("model", "coins", "words"),
    [
        (
            BinomialMixture(theta_init=[0, 1]),
            None,
            ["4 heads and 6 tails", "any coin", "theta=[0.0, 1.0]", "Move theta_init and weights"],
        ),
        (
            BinomialMixture(theta_init=[0, 0.5], weights_init=[1, 0]),
            None,
            ["4 heads and 6 tails", "any coin", "weights=[1.0, 0.0]", "inside (0, 1)"],
        ),
        (
            BinomialMixture(theta_init=[0.5, 1]),
            [-1, -1, -1, -1, 1],
            ["7 heads and 3 tails", "its coin 1", "theta=[0.5, 1.0]"],
        ),
        (
            BinomialMixture(weights_init=[1, 0], learn_weights=False),
            [1, -1, -1, -1, -1],
            ["5 heads and 5 tails", "its coin 1", "weights=[1.0, 0.0]"],
        ),
        (
            ThreeCoinModel(p_init=0, q_init=0),
            None,
            ["4 heads and 6 tails", "Move pi_init, p_init and q_init inside (0, 1)"],
        ),
    ],
    ids=["thetas", "weights", "known", "known weights", "three coins"],
)
def test_a_start_that_excludes_a_row_is_refused(model, coins, words):
    assert_refuses(lambda: model.fit(FIVE_SETS["heads_tails"], coins=coins), *words)


def test_weights_that_exclude_a_known_coin_are_refused_without_a_toss_too():
    X, coins = [[5, 5], [9, 1], [0, 0]], [-1, -1, 1]
    model = BinomialMixture(weights_init=[1, 0], learn_weights=False)
    assert_refuses(lambda: model.fit(X, coins=coins), "coin 1", "weights=[1.0, 0.0]")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_samples": 0}, ["n_samples", "0", "1"]),
        ({"n_samples": 1.5}, ["n_samples", "int"]),
        ({"n_tosses": -1}, ["n_tosses asks for -1 tosses", "whole number"]),
        ({"n_tosses": [3, 1.5]}, ["n_tosses asks for 1.5 tosses", "whole number"]),
        ({"n_tosses": np.nan}, ["n_tosses[0] is nan", "finite"]),
        ({"n_tosses": np.inf}, ["n_tosses[0] is inf", "finite"]),
        ({"n_tosses": 1e19}, ["n_tosses asks for 1e+19 tosses"]),
        ({"n_tosses": [1, 2, 3]}, ["n_tosses", "(3,)", "(2,)"]),
        ({"n_tosses": [[1, 2]]}, ["n_tosses", "(1, 2)", "(2,)"]),
        ({"n_tosses": "many"}, ["n_tosses", "many"]),
    ],
    ids=repr,
)
def test_a_sample_that_cannot_be_drawn_is_refused(arguments, words):
    model = BinomialMixture(random_state=0).fit(FIVE_SETS["heads_tails"])
    draw = {"n_samples": 2, **arguments}
    assert_refuses(lambda: model.sample(**draw), *words, error=(TypeError, ValueError))


def test_more_tosses_than_cells_cannot_be_drawn():
    model = BinomialMixture(layout="tosses", random_state=0).fit(FIVE_SETS["tosses"])
    assert_refuses(lambda: model.sample(2, n_tosses=11), "n_tosses asks for 11", "from 0 to 10")


def test_fractional_rows_are_drawn_with_n_tosses_only():
    model = BinomialMixture(random_state=0).fit(FIVE_SETS["heads_tails"] + 0.25)
    assert_refuses(lambda: model.sample(2), "fitted rows hold 10.5 tosses", "Give n_tosses")
    X, _ = model.sample(2, n_tosses=[3, 4])
    np.testing.assert_array_equal(X.sum(axis=1), [3, 4])
