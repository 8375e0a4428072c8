"""Rows that are drawn from a model are distributed as it says."""

import numpy as np
import pytest
from _models import held
from numpy.testing import assert_array_equal
from scipy.stats import chi2

from skcoin import BinomialMixture

FALSE_ALARM = 1e-6  # of each statistical check, were its seed drawn anew
THETA, WEIGHTS = [0.8, 0.45, 0.1], [0.2, 0.5, 0.3]


N_COLUMNS = {"heads_tails": 2, "heads_tosses": 2, "tosses": 9}


@pytest.fixture(params=N_COLUMNS)
def layout(request):
    return request.param


def fitted_on_columns(layout, n_columns, **parameters):
    """A model of known coins that has seen rows of one to nine tosses."""
    heads = np.zeros((9, n_columns))
    tosses = np.arange(1, 10)
    if layout == "tosses":
        heads[np.arange(n_columns) >= tosses[:, None]] = np.nan
    else:
        heads[:, 1] = tosses
    return held(THETA, WEIGHTS, heads, layout=layout, **parameters)


def tosses_of(X, layout):
    return {
        "heads_tails": lambda: X.sum(axis=1),
        "heads_tosses": lambda: X[:, 1],
        "tosses": lambda: np.isfinite(X).sum(axis=1),
    }[layout]()


@pytest.mark.parametrize("n_tosses", [0, 4, [0, 9, 3, 1, 1, 2]])
def test_sample_draws_the_tosses_that_are_asked_for(layout, n_tosses):
    model = fitted_on_columns(layout, N_COLUMNS[layout])
    X, coins = model.sample(6, n_tosses=n_tosses, random_state=0)
    assert X.shape == (6, N_COLUMNS[layout])
    assert coins.shape == (6,)
    assert set(coins) <= {0, 1, 2}
    assert_array_equal(tosses_of(X, layout), np.broadcast_to(n_tosses, 6))
    assert np.isfinite(model.score_samples(X)).all()


def test_sample_fills_a_wide_table_with_zeros():
    with pytest.warns(UserWarning, match="4 columns"):
        model = fitted_on_columns("heads_tails", 4)
    X, _ = model.sample(50, random_state=0)
    assert X.shape == (50, 4)
    assert not X[:, 2:].any()


def test_sample_is_drawn_from_random_state_only(layout):
    model = fitted_on_columns(layout, N_COLUMNS[layout], random_state=3)
    first, again, other = (model.sample(40, random_state=s) for s in (7, 7, 8))
    assert_array_equal(first[0], again[0])
    assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0], equal_nan=True)
    assert_array_equal(model.sample(40)[0], model.sample(40, random_state=3)[0])


def g_statistic(observed, expected):
    """Log-likelihood ratio of counts against their expectation, chi-squared."""
    seen = observed > 0
    return 2 * np.sum(observed[seen] * np.log(observed[seen] / expected[seen]))


def test_tosses_of_a_sample_are_spread_as_those_of_the_fitted_rows(layout):
    X = {"heads_tails": [[0, 2], [1, 4], [3, 6]], "heads_tosses": [[0, 2], [1, 5], [3, 9]]}
    cells = np.where(np.arange(9) < np.array([[2], [5], [9]]), 1, np.nan)
    model = BinomialMixture(1, layout=layout)
    model.fit(X.get(layout, cells), sample_weight=[1, 2, 5])
    drawn, _ = model.sample(4000, random_state=0)
    lengths, observed = np.unique(tosses_of(drawn, layout), return_counts=True)
    assert_array_equal(lengths, [2, 5, 9])
    expected = 4000 * np.array([1, 2, 5]) / 8
    assert g_statistic(observed, expected) < chi2.isf(FALSE_ALARM, df=2)


def test_coins_of_a_sample_are_spread_as_the_weights(layout):
    model = fitted_on_columns(layout, N_COLUMNS[layout])
    _, coins = model.sample(4000, random_state=0)
    observed = np.bincount(coins, minlength=3)
    assert g_statistic(observed, 4000 * np.array(WEIGHTS)) < chi2.isf(FALSE_ALARM, df=2)


def test_sample_then_fit_recovers_the_coins(layout):
    truth = fitted_on_columns(layout, N_COLUMNS[layout])
    X, coins = truth.sample(3000, random_state=1)
    model = BinomialMixture(
        3, layout=layout, theta_init=THETA, weights_init=WEIGHTS, tol=1e-6, max_iter=10_000
    ).fit(X)
    # Wilks: twice the gain over the truth is chi-squared with 2 K - 1 degrees of freedom.
    gain = 2 * len(X) * (model.score(X) - truth.score(X))
    assert 0 <= gain < chi2.isf(FALSE_ALARM, df=5)
    complete = BinomialMixture(3, layout=layout).fit(X, coins=coins)
    tosses = tosses_of(X, layout)
    for k in range(3):
        std = np.sqrt(THETA[k] * (1 - THETA[k]) / tosses[coins == k].sum())
        assert abs(complete.theta_[k] - THETA[k]) < 5 * std  # false alarm: 6e-7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_samples": 0}, "n_samples == 0, must be >= 1"),
        ({"n_samples": 3, "n_tosses": -1}, "n_tosses asks for -1 tosses"),
        ({"n_samples": 3, "n_tosses": 2.5}, "n_tosses asks for 2.5 tosses"),
    ],
)
def test_sample_refuses_what_it_cannot_draw(arguments, words):
    with pytest.raises(ValueError, match=words):
        held(THETA, WEIGHTS).sample(**arguments)


def test_sample_refuses_more_tosses_than_cells():
    with pytest.raises(ValueError, match=r"n_tosses asks for 10 tosses in a row.*from 0 to 9"):
        fitted_on_columns("tosses", 9).sample(2, n_tosses=10)


def test_sample_needs_n_tosses_where_the_fitted_rows_are_fractional():
    model = held([0.4], None, [[0.5, 1.2]])
    with pytest.raises(
        ValueError, match=r"The fitted rows hold 1\.7 tosses in a row.*Give n_tosses"
    ):
        model.sample(2)
    assert model.sample(2, n_tosses=3)[0].sum() == 6
