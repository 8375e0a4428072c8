"""Where climbs start, and that the default one ends at the highest maximum known."""

import warnings

import numpy as np
import pytest
from _assertions import assert_same_fit
from _models import fit_to_the_end
from _references import REFERENCES, load_set
from numpy.testing import assert_allclose, assert_array_equal

from skcoin import BinomialMixture, ThreeCoinModel
from skcoin._counts import HIDDEN, Counts
from skcoin._em.specification import all_free
from skcoin._starts import starts_of_sets

pytestmark = [
    pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
SETS = list(REFERENCES["sets"])
INIT_PARAMS = ["auto", "quantile", "random", "k-means++"]


@pytest.mark.parametrize("kind", ["free", "equal"])
@pytest.mark.parametrize("n_coins", [1, 2, 3, 4])
@pytest.mark.parametrize("name", SETS)
def test_the_default_fit_reaches_the_best_known_maximum(name, n_coins, kind):
    X, sample_weight = load_set(name)
    reference = REFERENCES["sets"][name]
    best = reference[kind][str(n_coins)]["loglik"]
    model = BinomialMixture(n_coins, learn_weights=kind == "free")
    model.fit(X, sample_weight=sample_weight)
    assert model.converged_
    # 1e-9 relative is what the reference promises where its digits are fewer; both ways: no fit
    # is higher than the maximum.
    near = max(1e-6, 1e-9 * abs(best))
    assert model.lower_bound_ * reference["n_rows"] == pytest.approx(best, abs=near)


@pytest.mark.parametrize("n_coins", [1, 2, 4])
@pytest.mark.parametrize("name", ["lirat", "saxony_families12", "surg_nodes"])
def test_the_default_fit_draws_nothing(name, n_coins):
    X, sample_weight = load_set(name)
    rng, untouched = np.random.RandomState(3), np.random.RandomState(3)
    fits = [
        BinomialMixture(n_coins, random_state=random_state).fit(X, sample_weight=sample_weight)
        for random_state in (None, 0, 1, rng)
    ]
    for fit in fits[1:]:
        assert_same_fit(fit, fits[0])
    assert rng.uniform() == untouched.uniform()


@pytest.mark.parametrize("name", ["lirat", "rat_tumours", "surg_nodes"])
@pytest.mark.parametrize("n_coins", [2, 3, 4])
def test_all_rows_twice_have_the_same_maximum(name, n_coins):
    X, _ = load_set(name)
    fit = BinomialMixture(n_coins).fit(X)
    twice = BinomialMixture(n_coins).fit(X, sample_weight=np.full(len(X), 2))
    assert twice.lower_bound_ == pytest.approx(fit.lower_bound_, abs=2e-6 / len(X))  # tol


@pytest.mark.parametrize("n_coins", [2, 3, 4])
@pytest.mark.parametrize("name", ["lirat", "rat_tumours", "tacks", "orob2"])
def test_heads_and_tails_can_change_names(name, n_coins):
    X, _ = load_set(name)
    one, other = BinomialMixture(n_coins).fit(X), BinomialMixture(n_coins).fit(X[:, ::-1])
    assert one.lower_bound_ == pytest.approx(other.lower_bound_, abs=2e-6 / len(X))  # tol


def random_problem(seed):
    """A small mixture, its rows of any depth up to 1e5, and how many coins to fit."""
    rng = np.random.default_rng(seed)
    n_rows = rng.choice([2, 5, 15, 50, 200])
    depth = rng.choice([1, 3, 10, 30, 100, 1000, 100_000])
    n_true = rng.integers(1, 5)
    theta = rng.uniform(size=n_true) if seed % 3 else rng.beta(0.4, 0.4, size=n_true)
    tosses = rng.integers(1, 2 * depth + 1, size=n_rows) if seed % 2 else np.full(n_rows, depth)
    heads = rng.binomial(tosses, rng.choice(theta, size=n_rows))
    scale = rng.choice([1, 1, 1, 0.3])  # a third of a toss, too
    X = np.column_stack([heads, tosses - heads]) * scale
    return X, int(rng.integers(2, n_true + 3))


def in_mode(mode, seed, n_rows, n_coins):
    """What is asked of the estimator and which coins are known, in a mode of fitting."""
    rng = np.random.default_rng(seed)
    some, one = np.full(n_coins, np.nan), 0.3
    some[0] = one
    return {
        "free": ({}, None),
        "equal weights": ({"learn_weights": False}, None),
        "given weights": (
            {"learn_weights": False, "weights_init": rng.dirichlet(np.full(n_coins, 2.0))},
            None,
        ),
        "priors": ({"theta_prior": (3, 2), "weights_prior": 2}, None),
        "labelled": (
            {},
            np.where(rng.random(n_rows) < 0.1, rng.integers(0, n_coins, size=n_rows), -1),
        ),
        "one coin held": ({"theta_init": some, "learn_theta": np.isnan(some)}, None),
    }[mode]


MODES = "free", "equal weights", "given weights", "priors", "labelled", "one coin held"


@pytest.mark.parametrize("n_problems", [20, pytest.param(150, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", MODES)
def test_the_default_fit_is_as_high_as_the_best_of_forty_random_starts(mode, n_problems):
    """Of 150 random problems in each mode one may be missed; measured: one with priors."""
    missed = []
    for seed in range(n_problems):
        X, n_coins = random_problem(seed)
        asked, coins = in_mode(mode, seed, len(X), n_coins)
        model = BinomialMixture(n_coins, **asked).fit(X, coins=coins)
        random = {"init_params": "random", "n_init": 40, "random_state": seed}
        others = BinomialMixture(n_coins, **asked, **random).fit(X, coins=coins)
        lost = len(X) * (others.lower_bound_ - model.lower_bound_)
        if lost > 1e-4:  # far above tol and the rounding of 200 rows of 1e5 tosses
            missed.append((seed, float(lost)))
    assert len(missed) <= n_problems // 100, missed


@pytest.mark.parametrize("n_problems", [10, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("init_params", INIT_PARAMS)
def test_further_starts_only_help(init_params, n_problems):
    for seed in range(n_problems):
        X, n_coins = random_problem(seed)
        few, many = (
            BinomialMixture(n_coins, init_params=init_params, n_init=n, random_state=0).fit(X)
            for n in (1, 6)
        )
        assert len(X) * (many.lower_bound_ - few.lower_bound_) > -1e-5, seed  # tol and rounding


def test_further_starts_are_random_and_reproducible():
    X, _ = load_set("surg_nodes")
    starts = {
        fit_to_the_end(
            BinomialMixture(6, init_params="quantile", n_init=8, max_iter=3, random_state=seed), X
        ).theta_path_[0][0]
        for seed in range(8)
    }
    assert len(starts) > 1
    one, other = (BinomialMixture(4, n_init=5, random_state=7).fit(X) for _ in range(2))
    assert_same_fit(one, other)


DATA = {
    "one distinct row": np.tile([3, 5], (20, 1)),
    "one row": np.array([[3, 5]]),
    "all heads": np.array([[4, 0], [2, 0], [9, 0]]),
    "all tails": np.array([[0, 4], [0, 2]]),
    "two distinct rows": np.array([[3, 0], [0, 3]] * 5),
    "fewer rows than coins": np.array([[9, 1], [2, 8], [5, 5]]),
    "ties": np.array([[1, 1], [2, 2], [3, 3], [50, 50]]),
    "deep": np.array([[85_000, 1], [84_999, 2], [3, 10**6]]),
    "fractions": np.array([[0.01, 0.02], [0.3, 0.001], [1e-6, 1e-6]]),
    "rats": load_set("rat_tumours")[0],
}


@pytest.mark.parametrize("n_coins", [2, 3, 7])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("init_params", ["quantile", "random", "k-means++"])
def test_starts_are_different_falling_and_inside(init_params, data, n_coins):
    model = BinomialMixture(n_coins, init_params=init_params, random_state=0, max_iter=1, tol=0)
    start = fit_to_the_end(model, DATA[data]).theta_path_[0]
    # The coins come in the order of where they end; the start they began with is theirs.
    start = np.sort(start)
    assert start[0] > 0
    assert start[-1] < 1
    assert np.diff(start).min() > 0


@pytest.mark.parametrize("n_coins", [2, 3, 7])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("init_params", INIT_PARAMS)
def test_no_data_is_too_poor_for_a_start(init_params, data, n_coins):
    X = DATA[data]
    model = BinomialMixture(n_coins, init_params=init_params, random_state=0).fit(X)
    assert model.converged_
    assert np.isfinite(model.lower_bounds_).all()
    one = BinomialMixture(1).fit(X)
    assert len(X) * (model.lower_bound_ - one.lower_bound_) > -1e-6  # tol


def test_known_coins_of_equal_rates_do_not_start_on_a_saddle():
    X = [[5, 5], [5, 5], [9, 1], [8, 2], [4, 6], [7, 3], [1, 9], [9, 1]]
    coins = [0, 1, -1, -1, -1, -1, -1, -1]
    own = BinomialMixture().fit(X, coins=coins)
    given = BinomialMixture(theta_init=[0.8, 0.4]).fit(X, coins=coins)
    assert own.converged_
    assert own.lower_bound_ == pytest.approx(given.lower_bound_, abs=1e-6)  # tol


@pytest.mark.parametrize("weights", [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.98, 0.01, 0.01]])
@pytest.mark.parametrize("name", ["rat_tumours", "lirat", "orob2", "tacks"])
def test_held_weights_may_be_any(name, weights):
    X, _ = load_set(name)
    shared = {"n_components": 3, "weights_init": weights, "learn_weights": False}
    model = BinomialMixture(**shared).fit(X)
    assert model.converged_
    assert_allclose(model.weights_path_, np.tile(weights, (model.n_iter_ + 1, 1)), rtol=1e-15)


@pytest.mark.parametrize("weights", [[0.7, 0.3], [0.3, 0.7], [0.9, 0.1], [0.1, 0.9]])
@pytest.mark.parametrize("name", ["rat_tumours", "lirat", "orob2", "tacks"])
def test_held_weights_may_come_in_any_order(name, weights):
    """Unequal held weights tell coins apart, and which is the one of more heads is not known."""
    X, _ = load_set(name)
    shared = {"weights_init": weights, "learn_weights": False}
    model = BinomialMixture(**shared).fit(X)
    best = max(
        BinomialMixture(theta_init=theta, **shared).fit(X).lower_bound_
        for theta in ([0.9, 0.5], [0.5, 0.9], [0.5, 0.1], [0.1, 0.5], [0.2, 0.05], [0.05, 0.2])
    )
    assert len(X) * (best - model.lower_bound_) < 1e-5  # tol


@pytest.mark.parametrize("given", [{"p_init": 0.9}, {"q_init": 0.1}, {"pi_init": 0.2}])
@pytest.mark.parametrize("name", ["lirat", "rat_tumours", "tacks"])
def test_what_is_given_of_a_start_is_kept_and_the_rest_found(name, given):
    X, _ = load_set(name)
    model = ThreeCoinModel(**given).fit(X)
    assert model.converged_
    start = {
        "pi_init": model.weights_path_[0, 0],
        "p_init": model.theta_path_[0, 0],
        "q_init": model.theta_path_[0, 1],
    }
    for parameter, value in given.items():
        assert start[parameter] == value
    reference = REFERENCES["sets"][name]
    best = reference["free"]["2"]["loglik"]
    assert model.lower_bound_ * len(X) == pytest.approx(best, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("learn", [True, [False, True, True]])
def test_coins_without_a_start_are_found_and_come_by_falling_theta(learn):
    """Those that are given a start keep their place; what is held keeps its theta, too."""
    X, _ = load_set("rat_tumours")
    model = BinomialMixture(3, theta_init=[0.05, np.nan, np.nan], learn_theta=learn).fit(X)
    assert model.theta_[1] > model.theta_[2]
    if learn is True:
        free = BinomialMixture(3).fit(X)
        assert len(X) * (free.lower_bound_ - model.lower_bound_) < 1e-5
    else:
        assert model.theta_[0] == 0.05
        full = BinomialMixture(3, theta_init=[0.05, *model.theta_[1:]], learn_theta=learn).fit(X)
        assert len(X) * (full.lower_bound_ - model.lower_bound_) < 1e-5


@pytest.mark.parametrize("init_params", INIT_PARAMS)
def test_known_coins_start_at_their_rates(init_params):
    X = np.array([[9, 1], [8, 2], [2, 8], [1, 9], [5, 5], [4, 6]])
    coins = [-1, 2, -1, 0, -1, -1]
    model = BinomialMixture(3, init_params=init_params, random_state=0, solver="em", max_iter=1)
    fit_to_the_end(model, X, coins=coins)
    start = model.theta_path_[0]
    assert_allclose(start[[0, 2]], [1.5 / 11, 8.5 / 11], rtol=1e-14)  # half a head and tail more
    assert 0 < start[1] < 1


@pytest.mark.parametrize("n_coins", [2, 3])
@pytest.mark.parametrize("name", ["lirat", "orob2", "rat_tumours"])
def test_a_few_known_coins_do_not_spoil_the_maximum(name, n_coins):
    X, _ = load_set(name)
    truth = BinomialMixture(n_coins).fit(X)
    sure = truth.predict_proba(X).max(axis=1) > 0.99
    coins = np.where(sure & (np.arange(len(X)) % 4 == 0), truth.predict(X), -1)
    model = BinomialMixture(n_coins).fit(X, coins=coins)
    assert model.converged_
    best = BinomialMixture(n_coins, theta_init=np.clip(truth.theta_, 0.01, 0.99))
    best.fit(X, coins=coins)
    assert len(X) * (best.lower_bound_ - model.lower_bound_) < 1e-5  # tol


def test_coins_keep_their_numbers_where_some_are_known():
    X = np.array([[1, 9], [2, 8], [1, 9], [9, 1], [8, 2], [9, 1]])
    model = BinomialMixture().fit(X, coins=[0, -1, -1, 1, -1, -1])
    assert model.theta_[0] < model.theta_[1]
    assert_array_equal(model.predict(X), [0, 0, 0, 1, 1, 1])


def test_a_warm_start_goes_on_a_millionth_inside_of_0_and_1():
    X, _ = load_set("collins_three_coins")
    model = BinomialMixture(theta_init=[0.6, 0.4], warm_start=True).fit(X)
    assert_array_equal(model.theta_, [1, 0])
    weights = model.weights_
    assert np.ptp(weights) > 0.1
    model.fit([*X, [2, 1]])
    assert_allclose(model.theta_path_[0], [1 - 1e-6, 1e-6], rtol=1e-12)
    assert_allclose(model.weights_path_[0], weights, rtol=1e-12)


def test_a_place_for_a_thirtieth_of_a_row_is_found():
    """A coin of weight .0002 at 1 is all that the best mixture has more than two coins."""
    heads = np.repeat(np.arange(6), [45, 42, 39, 29, 6, 1])
    model = BinomialMixture(3).fit(np.column_stack([heads, 5 - heads]))
    assert_allclose(model.theta_, [1, 0.38252, 0.04903], atol=1e-5)
    assert_allclose(model.weights_, [0.000227, 0.725988, 0.273785], atol=1e-6)


def test_several_thetas_may_be_given_as_zero_beside_an_open_one():
    model = BinomialMixture(3, theta_init=[0.0, 0.0, np.nan], learn_weights=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        assert model.fit([[0, 1], [3, 4]]).theta_.min() >= 0


@pytest.mark.parametrize("init_params", INIT_PARAMS)
def test_starts_of_several_coins_do_not_depend_on_the_tables_before(init_params):
    heads, tails = np.random.default_rng(0).integers(9, size=(2, 3, 20))
    counts = Counts(heads, tails, np.ones(20), np.full(20, HIDDEN))
    first, second = starts_of_sets([counts, counts], all_free(2, 3), init_params, 2, 0)
    assert_array_equal(first.components, second.components)
