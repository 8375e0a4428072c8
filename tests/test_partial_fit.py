"""partial_fit is exact: however the rows are cut, it is one fit on all of them."""

import pickle
import warnings

import numpy as np
import pytest
from _models import fit_to_the_end
from _references import REFERENCES, in_every_layout, load_set
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skcoin import BinomialMixture, IdentifiabilityWarning, ThreeCoinModel

SAME = 1e-9  # per row, of the objective: what two climbs to one maximum may differ by
RATS, _ = load_set("rat_tumours")


def two_coins(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    tosses = rng.integers(3, 15, size=n_rows)
    coin = rng.choice(2, size=n_rows, p=[0.4, 0.6])
    heads = rng.binomial(tosses, np.array([0.75, 0.3])[coin])
    return np.column_stack([heads, tosses - heads]), coin


def in_chunks(model, X, n_chunks, **columns):
    for rows in np.array_split(np.arange(len(X)), n_chunks):
        mine = {name: np.asarray(column)[rows] for name, column in columns.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IdentifiabilityWarning)
            model.partial_fit(X[rows], **mine)
    return model


def assert_same_fit(model, other, n_rows):
    assert model.lower_bound_ == pytest.approx(other.lower_bound_, abs=SAME)
    # A parameter is flat at the maximum: off by the root of what the objective is off by.
    off = 10 * np.sqrt(SAME / n_rows) + 1e-6
    assert_allclose(model.theta_, other.theta_, atol=off)
    assert_allclose(model.weights_, other.weights_, atol=off)
    assert model.converged_
    assert other.converged_


@pytest.mark.parametrize("solver", ["em-newton", "em"])
@pytest.mark.parametrize("start", [{}, {"theta_init": [0.6, 0.5]}])
def test_ten_chunks_are_one_fit(start, solver):
    X, _ = two_coins(3000)
    model = BinomialMixture(**start, solver=solver, tol=1e-9)
    assert_same_fit(in_chunks(clone(model), X, 10), clone(model).fit(X), len(X))


@pytest.mark.parametrize("n_coins", [1, 2, 3])
@pytest.mark.parametrize("name", REFERENCES["sets"])
def test_real_sets_in_chunks_reach_the_maximum_of_one_fit(name, n_coins):
    """With starts of its own it is never lower, whatever the first chunk suggests."""
    X, sample_weight = load_set(name)
    sample_weight = np.ones(len(X)) if sample_weight is None else sample_weight
    by_rate = np.argsort(X[:, 0] / X.sum(axis=1).clip(1))  # the worst of orders
    X, sample_weight = X[by_rate], sample_weight[by_rate]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = BinomialMixture(n_coins).fit(X, sample_weight=sample_weight)
        n_chunks = min(5, len(X))
        many = in_chunks(BinomialMixture(n_coins), X, n_chunks, sample_weight=sample_weight)
    n_rows = sample_weight.sum()
    assert many.lower_bound_ * n_rows >= one.lower_bound_ * n_rows - 2e-6  # twice tol


def test_the_table_kept_is_that_of_one_fit():
    X, _ = two_coins(2000)
    many, one = in_chunks(BinomialMixture(), X, 7), BinomialMixture().fit(X)
    for name in ("heads", "tails", "multiplicity", "label"):
        assert_array_equal(getattr(many._counts, name), getattr(one._counts, name))


def test_memory_is_that_of_the_distinct_pairs():
    X, _ = two_coins(500)
    model = BinomialMixture().partial_fit(X)
    size = len(pickle.dumps(model._counts))
    for _ in range(20):
        model.partial_fit(X)
    assert len(pickle.dumps(model._counts)) == size
    assert model._counts.multiplicity.sum() == 21 * len(X)


def test_order_of_the_chunks_does_not_matter():
    X, _ = two_coins(1000)
    chunks = np.array_split(X, 4)
    forwards, backwards = BinomialMixture(tol=1e-9), BinomialMixture(tol=1e-9)
    for chunk in chunks:
        forwards.partial_fit(chunk)
    for chunk in chunks[::-1]:
        backwards.partial_fit(chunk)
    assert_same_fit(forwards, backwards, len(X))


def test_fit_forgets_what_partial_fit_has_seen():
    X, _ = two_coins(600)
    model = BinomialMixture().partial_fit(X[:300]).fit(X[300:])
    alone = BinomialMixture().fit(X[300:])
    assert_array_equal(model.theta_, alone.theta_)
    assert_array_equal(model._counts.multiplicity, alone._counts.multiplicity)


def test_partial_fit_goes_on_after_fit():
    X, _ = two_coins(600)
    model = BinomialMixture(tol=1e-9).fit(X[:300]).partial_fit(X[300:])
    assert_same_fit(model, BinomialMixture(tol=1e-9).fit(X), len(X))


def test_the_first_call_is_fit():
    first, fitted = BinomialMixture(3).partial_fit(RATS), BinomialMixture(3).fit(RATS)
    for name in ("theta_", "weights_", "lower_bounds_", "theta_path_"):
        assert_array_equal(getattr(first, name), getattr(fitted, name))


def test_a_climb_goes_on_from_the_last_coins():
    """From the start values alone, two steps a chunk would lead nowhere near the maximum."""
    X, _ = two_coins(2000)
    model = BinomialMixture(theta_init=[0.55, 0.5], solver="em", max_iter=2)
    fit_to_the_end(model, X)
    low = model.lower_bound_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(60):
            model.partial_fit([[0, 0]])
    n_rows = len(X) + 60
    best = BinomialMixture().fit(X).lower_bound_ * len(X)
    assert model.lower_bound_ * n_rows == pytest.approx(best, abs=0.01)
    assert low * len(X) < best - 10


def test_a_first_chunk_without_labels_does_not_name_the_coins():
    X, coin = two_coins(300)
    known = np.where(np.arange(300) < 280, -1, 1 - coin)  # coin 1 is the one of more heads
    model = BinomialMixture(tol=1e-9).partial_fit(X[:280])
    model.partial_fit(X[280:], coins=known[280:])
    assert_same_fit(model, BinomialMixture(tol=1e-9).fit(X, coins=known), len(X))
    assert model.theta_[1] > model.theta_[0]


@pytest.mark.parametrize(
    "model",
    [
        BinomialMixture(theta_init=[0.6, 0.5], tol=1e-9),
        BinomialMixture(init_params="quantile", tol=1e-9),
        BinomialMixture(init_params="random", random_state=0, tol=1e-9),
        BinomialMixture(theta_init=[0.6, 0.5], learn_weights=False, tol=1e-9),
        ThreeCoinModel(p_init=0.6, q_init=0.5, tol=1e-9),
    ],
    ids=str,
)
def test_a_first_chunk_that_makes_the_coins_equal_does_not_bind_them(model):
    X, _ = two_coins(300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        many = clone(model).partial_fit([[5, 5]]).partial_fit(X)
    assert_same_fit(many, clone(model).fit(np.vstack([[[5, 5]], X])), len(X) + 1)


def test_a_misleading_first_chunk_does_no_harm():
    """A chunk of heads alone takes both coins to 1, from where no step leads away."""
    X, _ = two_coins(500)
    model = BinomialMixture(tol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit([[9, 0], [8, 0]])
    model.partial_fit(X)
    everything = BinomialMixture(tol=1e-9).fit(np.vstack([[[9, 0], [8, 0]], X]))
    assert_same_fit(model, everything, len(X) + 2)


def test_weight_two_equals_row_twice_across_chunks():
    X, _ = two_coins(400)
    twice = BinomialMixture(tol=1e-9).partial_fit(X).partial_fit(X)
    weighted = BinomialMixture(tol=1e-9).partial_fit(X, sample_weight=np.full(len(X), 2))
    assert_array_equal(twice._counts.multiplicity, weighted._counts.multiplicity)
    assert_same_fit(twice, weighted, 2 * len(X))


def test_known_coins_are_kept_known():
    X, coin = two_coins(900)
    known = np.where(np.arange(900) % 3 == 0, coin, -1)
    many = in_chunks(BinomialMixture(tol=1e-9), X, 9, coins=known)
    assert_same_fit(many, BinomialMixture(tol=1e-9).fit(X, coins=known), len(X))


def test_all_known_is_the_complete_data_estimate():
    X, coin = two_coins(300)
    model = in_chunks(BinomialMixture(), X, 3, coins=coin)
    rates = [X[coin == k, 0].sum() / X[coin == k].sum() for k in (0, 1)]
    assert_allclose(model.theta_, rates, rtol=1e-12)


def test_priors_count_once_and_not_once_a_chunk():
    X, _ = two_coins(600)
    model = BinomialMixture(theta_prior=(5, 3), weights_prior=4, tol=1e-9)
    assert_same_fit(in_chunks(clone(model), X, 6), clone(model).fit(X), len(X))


def test_held_parameters_stay():
    X, _ = two_coins(600)
    model = BinomialMixture(theta_init=[0.5, 0.3], learn_theta=[False, True], learn_weights=False)
    in_chunks(model, X, 4)
    assert model.theta_[0] == 0.5
    assert_array_equal(model.weights_, [0.5, 0.5])


@pytest.mark.parametrize("estimator", [BinomialMixture, ThreeCoinModel])
def test_every_layout_adds_up(estimator):
    rng = np.random.default_rng(3)
    cells = (rng.uniform(size=(300, 6)) < rng.choice([0.2, 0.7], size=(300, 1))).astype(float)
    cells[rng.uniform(size=cells.shape) < 0.1] = np.nan
    for layout, X in in_every_layout(cells).items():
        model = estimator(layout=layout, tol=1e-9)
        assert_same_fit(in_chunks(clone(model), X, 5), clone(model).fit(X), len(X))


def test_rows_without_tosses_are_counted():
    X, _ = two_coins(100)
    model = BinomialMixture().partial_fit(X).partial_fit([[0, 0], [0, 0]])
    assert model._counts.multiplicity.sum() == 102
    empty_and_X = np.vstack([X, [[0, 0], [0, 0]]])
    assert model.lower_bound_ == pytest.approx(model.score(empty_and_X), rel=1e-12)


def test_another_number_of_coins_starts_anew_on_all_rows():
    X, _ = two_coins(800)
    model = BinomialMixture(2).partial_fit(X[:400]).set_params(n_components=3)
    model.partial_fit(X[400:])
    assert model.theta_.shape == (3,)
    assert model._counts.multiplicity.sum() == 800


def test_a_stream_survives_being_pickled():
    X, _ = two_coins(400)
    model = pickle.loads(pickle.dumps(BinomialMixture(tol=1e-9).partial_fit(X[:200])))
    assert_same_fit(model.partial_fit(X[200:]), BinomialMixture(tol=1e-9).fit(X), len(X))


def test_a_clone_forgets():
    model = clone(BinomialMixture().partial_fit(RATS))
    with pytest.raises(NotFittedError):
        model.predict(RATS)
    assert not hasattr(model, "_counts")


def test_the_end_of_max_iter_is_said_and_the_next_call_goes_on():
    X, _ = two_coins(500)
    model = BinomialMixture(theta_init=[0.6, 0.5], max_iter=2)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model.partial_fit(X)
    low = model.lower_bound_
    fit_to_the_end(model, X)  # twice the rows would move the objective; the same rows do not
    model.set_params(max_iter=1000).partial_fit(X)
    assert model.converged_
    assert model.lower_bound_ > low


@pytest.mark.parametrize(
    ("chunk", "columns", "words"),
    [
        ([[1, 2, 3]], {}, "3 features, but BinomialMixture is expecting 2"),
        ([[1, -2]], {}, "row 0, column 1 is -2"),
        ([[1, np.nan]], {}, "NaN: row 0, column 1"),
        ([[1, 2]], {"sample_weight": [-1]}, r"sample_weight\[0\] is -1"),
        ([[1, 2]], {"coins": [2]}, r"coins\[0\] is 2"),
    ],
)
def test_a_bad_chunk_is_refused_and_leaves_everything_as_it_was(chunk, columns, words):
    model = BinomialMixture().partial_fit(RATS)
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match=words):
        model.partial_fit(chunk, **columns)
    assert pickle.dumps(model) == before
    assert_array_equal(
        model.partial_fit(RATS)._counts.multiplicity,
        2 * BinomialMixture().fit(RATS)._counts.multiplicity,
    )


def test_a_known_coin_that_is_gone_is_refused():
    X, coin = two_coins(100)
    model = BinomialMixture(2).partial_fit(X, coins=coin).set_params(n_components=1)
    with pytest.raises(ValueError, match=r"n_components is 1.*coin 1.*call fit"):
        model.partial_fit(X)
