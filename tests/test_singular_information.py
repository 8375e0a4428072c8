"""Standard errors where the information is singular or indefinite, or there is no maximum."""

import warnings

import numpy as np
import pytest
from _models import fit_quietly, fit_to_the_end, held
from _references import SPARE, load_set
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, IdentifiabilityWarning
from skcoin.inspection import standard_errors

pytestmark = pytest.mark.filterwarnings("error")
RATS, _ = load_set("rat_tumours")
SINGLE, _ = load_set("li_hang_three_coins")  # ten rows of one toss


def assert_no_errors(result):
    for value in result.values():
        assert np.isnan(value).all()


@pytest.mark.parametrize("learn_weights", [True, False])
@pytest.mark.parametrize("n_coins", [2, 3])
def test_single_tosses_have_singular_information(n_coins, learn_weights):
    model = fit_quietly(BinomialMixture(n_coins, learn_weights=learn_weights), SINGLE)
    with pytest.warns(IdentifiabilityWarning, match="singular.*Use fewer coins, hold theta"):
        result = standard_errors(model, SINGLE)
    assert_no_errors(result)


@pytest.mark.parametrize(
    ("X", "learn_weights"),
    [(SINGLE, False), ([[2, 0]] * 5 + [[1, 1]] * 3 + [[0, 2]] * 4, True)],
    ids=["one toss", "two tosses"],
)
def test_tosses_that_cannot_tell_the_coins_apart_give_no_errors_after_em(X, learn_weights):
    model = fit_quietly(BinomialMixture(learn_weights=learn_weights, solver="em"), X)
    with pytest.warns(IdentifiabilityWarning, match="singular"):
        result = standard_errors(model, X)
    assert_no_errors(result)


@pytest.mark.parametrize(("name", "n_coins", "entry"), SPARE)
def test_a_coin_to_spare_has_singular_information(name, n_coins, entry):
    """Two equal coins in the place of one: they can share its weight as they like."""
    X, sample_weight = load_set(name)
    n_twins = n_coins - len(entry["thetas"]) + 1
    weights = [*entry["weights"][:-1], *np.full(n_twins, entry["weights"][-1] / n_twins)]
    theta = [*entry["thetas"][:-1], *np.full(n_twins, entry["thetas"][-1])]
    model = BinomialMixture(n_coins, theta_init=theta, weights_init=weights, solver="em")
    fit_quietly(model, X, sample_weight=sample_weight)
    with pytest.warns(IdentifiabilityWarning, match="singular"):
        result = standard_errors(model, X, sample_weight)
    assert_no_errors(result)


@pytest.mark.parametrize(("name", "n_coins"), [case.values[:2] for case in SPARE])
def test_fits_of_too_many_coins_have_no_errors(name, n_coins):
    X, sample_weight = load_set(name)
    model = fit_quietly(BinomialMixture(n_coins), X, sample_weight=sample_weight)
    with pytest.warns(IdentifiabilityWarning, match="singular"):
        result = standard_errors(model, X, sample_weight)
    assert_no_errors(result)


def test_equal_coins_of_held_weights_are_not_singular():
    """Rows that scatter less than those of one coin: the likelihood falls if the coins part."""
    X = [[5, 5]] * 20
    model = BinomialMixture(learn_weights=False).fit(X)
    assert_allclose(model.theta_, 0.5, atol=1e-9)
    # Every score h - n theta is 0, which leaves, on the diagonal only, 20 rows times half of
    # n / (theta (1 - theta)) = 40: a variance of 1 / 400.
    assert_allclose(standard_errors(model, X).theta, 0.05, rtol=1e-6)


@pytest.mark.parametrize("learn_weights", [True, False])
def test_a_saddle_has_indefinite_information(learn_weights):
    model = BinomialMixture(theta_init=[0.2, 0.2], solver="em", learn_weights=learn_weights)
    fit_quietly(model, RATS)
    with pytest.warns(ConvergenceWarning, match='saddle.*indefinite.*solver="em-newton"'):
        result = standard_errors(model, RATS)
    assert_no_errors(result)


NOT_AT_A_MAXIMUM = ["one step", "other rows", "forgotten weights", "forgotten coins"]


def warnings_away_from_a_maximum(case):
    """What is said of a model for rows, weights or coins that are not those of its fit."""
    model, X = BinomialMixture(), RATS
    if case == "one step":
        fit_to_the_end(model.set_params(max_iter=1), X)
    elif case == "forgotten weights":
        model.fit(X, sample_weight=np.where(X[:, 0] > 3, 9, 1))
    elif case == "forgotten coins":
        model.fit(X, coins=np.arange(len(X)) % 3 - 1)
    else:
        model.fit(X)
        X = X[X[:, 0] > 1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        standard_errors(model, X)
    return caught


@pytest.mark.parametrize("case", NOT_AT_A_MAXIMUM)
def test_a_model_that_is_not_at_a_maximum_is_said(case):
    first = warnings_away_from_a_maximum(case)[0]
    assert first.category is ConvergenceWarning
    assert "not at a maximum for these rows, which a step could raise by" in str(first.message)
    assert "Give the rows, weights and coins of the fit" in str(first.message)
    assert first.filename == __file__


@pytest.mark.parametrize("case", NOT_AT_A_MAXIMUM)
def test_away_from_a_maximum_nothing_is_called_singular(case):
    said = [warning.category for warning in warnings_away_from_a_maximum(case)]
    assert IdentifiabilityWarning not in said


def test_running_all_the_way_to_0_is_a_gain_too():
    model = BinomialMixture(1).fit([[10, 90]])
    with pytest.warns(ConvergenceWarning, match="not at a maximum"):
        standard_errors(model, [[0, 100]])  # which theta = 0 would raise by 10.5


def test_a_coin_is_not_put_where_it_cannot_be():
    model = BinomialMixture(1).fit([[1, 9]])
    with pytest.warns(ConvergenceWarning, match="not at a maximum"):
        standard_errors(model, [[0.4, 9.6]])


@pytest.mark.parametrize(
    ("model", "X"),
    [
        pytest.param(BinomialMixture(1).fit([[3, 0]]), [[3, 2]], id="learned"),
        pytest.param(held([1.0, 0.0], X=[[3, 0], [0, 2]]), [[3, 2], [0, 2]], id="held"),
    ],
)
def test_rows_that_the_model_excludes_are_said(model, X):
    with pytest.warns(ConvergenceWarning, match="impossible|not at a maximum"):
        assert_no_errors(standard_errors(model, X))
