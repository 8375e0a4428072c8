"""What a fitted model tells is what its definition says, and it says it in the right order."""

import warnings
from math import comb

import numpy as np
import pytest
from _exact import exact_joint
from _models import fit_to_the_end, held
from _references import load_set
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import entropy
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, IdentifiabilityWarning, ThreeCoinModel

FALSE_ALARM = 1e-6  # of each statistical check, were its seed drawn anew
ROUNDING = 1e-13  # some hundred eps: sums of a few terms and a logarithm
THETA, WEIGHTS = [0.8, 0.45, 0.1], [0.2, 0.5, 0.3]
SINGLE = np.array(
    [[1, 0, 1, 1], [0, 0, 0, np.nan], [np.nan] * 4, [1, np.nan, 1, np.nan], [0, 1, 1, 0]]
)
HEADS, TOSSES = np.nansum(SINGLE, axis=1), np.isfinite(SINGLE).sum(axis=1)
X_OF = {
    "heads_tails": np.column_stack([HEADS, TOSSES - HEADS]).astype(int),
    "heads_tosses": np.column_stack([HEADS, TOSSES]).astype(int),
    "tosses": SINGLE,
}
ROW_WEIGHTS = np.array([1, 0.5, 3, 0, 2])
ROWS = X_OF["heads_tails"].tolist()


@pytest.fixture(params=X_OF)
def layout(request):
    return request.param


@pytest.fixture(name="X")
def tosses_in_layout(layout):
    return X_OF[layout]


@pytest.fixture
def model(layout, X):
    return held(THETA, WEIGHTS, X, layout=layout)


@pytest.fixture
def joint():
    return np.array([exact_joint(THETA, WEIGHTS, h, t) for h, t in ROWS], dtype=float)


@pytest.fixture
def posterior(joint):
    return joint / joint.sum(axis=1, keepdims=True)


@pytest.fixture
def log_likelihood(joint, layout):
    ways = [1 if layout == "tosses" else comb(h + t, h) for h, t in ROWS]
    return np.log(joint.sum(axis=1) * ways)


def test_posteriors_are_bayes_rule(model, X, posterior):
    assert_allclose(model.predict_proba(X), posterior, rtol=ROUNDING)
    assert_array_equal(model.transform(X), model.predict_proba(X))
    assert_array_equal(model.predict(X), posterior.argmax(axis=1))
    assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=ROUNDING)


def test_a_row_without_tosses_gets_the_weights(model, X):
    assert_allclose(model.predict_proba(X)[2], WEIGHTS, rtol=ROUNDING)
    assert model.score_samples(X)[2] == pytest.approx(0, abs=ROUNDING)


def test_the_first_of_equally_probable_coins_is_predicted():
    assert_array_equal(held([0.3, 0.7]).predict([[1, 1], [2, 1], [1, 2], [0, 0]]), [0, 1, 0, 0])


def test_posterior_mean_and_standard_deviation_are_moments(model, X, posterior):
    mean = posterior @ THETA
    std = np.sqrt(posterior @ np.square(THETA) - mean**2)
    got = model.posterior_mean(X, return_std=True)
    assert_allclose(got[0], mean, rtol=ROUNDING)
    assert_allclose(got[1], std, rtol=1e-10)  # the difference of squares loses three digits
    assert_array_equal(model.posterior_mean(X), got[0])


def test_score_samples_is_the_log_of_the_mixture(model, X, log_likelihood):
    assert_allclose(model.score_samples(X), log_likelihood, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("sample_weight", [None, ROW_WEIGHTS], ids=["plain", "weighted"])
def test_score_is_the_weighted_mean_per_row(model, X, log_likelihood, sample_weight):
    expected = np.average(log_likelihood, weights=sample_weight)
    assert model.score(X, sample_weight=sample_weight) == pytest.approx(expected, rel=ROUNDING)


FREE = [
    (BinomialMixture(1), 1),
    (BinomialMixture(2), 3),
    (BinomialMixture(4), 7),
    (BinomialMixture(2, learn_weights=False), 2),
    (BinomialMixture(3, theta_init=THETA, learn_theta=False), 2),
    (BinomialMixture(3, theta_init=THETA, learn_theta=[True, False, True]), 4),
    (
        BinomialMixture(3, theta_init=THETA, learn_theta=[True, False, False], learn_weights=False),
        1,
    ),
    (BinomialMixture(3, theta_init=THETA, learn_theta=False, learn_weights=False), 0),
    (ThreeCoinModel(), 3),
    (ThreeCoinModel(pi_init=0.3, p_init=0.2, q_init=0.9), 3),
]


@pytest.mark.parametrize("sample_weight", [None, ROW_WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(("model", "n_parameters"), FREE, ids=lambda value: str(value)[:80])
@pytest.mark.filterwarnings(
    "ignore::skcoin.IdentifiabilityWarning"
)  # four tosses, seven parameters
def test_criteria_count_what_is_learned_and_the_rows_with_tosses(
    model, n_parameters, sample_weight
):
    X = X_OF["heads_tails"]
    fit_to_the_end(model, X)
    weights = np.ones(len(X)) if sample_weight is None else sample_weight
    total = weights @ model.score_samples(X)
    tossed = TOSSES > 0
    n_rows = weights[tossed].sum()
    posterior = model.predict_proba(X)[tossed]
    bic = -2 * total + n_parameters * np.log(n_rows)
    near = {"rel": ROUNDING}
    assert model.aic(X, sample_weight) == pytest.approx(-2 * total + 2 * n_parameters, **near)
    assert model.bic(X, sample_weight) == pytest.approx(bic, **near)
    icl = bic + 2 * weights[tossed] @ entropy(posterior, axis=1)
    assert model.icl(X, sample_weight) == pytest.approx(icl, **near)


RATS = load_set("rat_tumours")[0]


@pytest.mark.parametrize("solver", ["em", "em-newton"])
@pytest.mark.parametrize("init_params", ["auto", "quantile", "random", "k-means++"])
@pytest.mark.parametrize("n_coins", [1, 2, 3])
def test_without_a_start_coins_come_by_falling_theta(n_coins, init_params, solver):
    model = BinomialMixture(n_coins, init_params=init_params, solver=solver, random_state=0)
    fit_to_the_end(model, RATS)
    assert (np.diff(model.theta_) <= 0).all()
    assert_array_equal(model.theta_path_[-1], model.theta_)
    assert_array_equal(model.weights_path_[-1], model.weights_)


def test_coins_keep_the_order_of_a_given_start():
    rising = BinomialMixture(theta_init=[0.05, 0.4]).fit(RATS)
    falling = BinomialMixture(theta_init=[0.4, 0.05]).fit(RATS)
    assert rising.theta_[0] < rising.theta_[1]
    assert_allclose(falling.theta_, rising.theta_[::-1], rtol=1e-12)
    assert_allclose(falling.weights_, rising.weights_[::-1], rtol=1e-12)


def test_coins_keep_the_order_of_the_labels():
    X = [[9, 1], [1, 9], [8, 2], [0, 10]]
    model = BinomialMixture().fit(X, coins=[1, 0, -1, -1])
    assert model.theta_[0] < model.theta_[1]
    assert_array_equal(model.predict(X), [1, 0, 1, 0])


def test_three_coins_keep_the_order_of_a_given_start():
    model = ThreeCoinModel(pi_init=0.9, p_init=0.05, q_init=0.4).fit(RATS)
    assert model.p_ < model.q_
    assert ThreeCoinModel().fit(RATS).p_ > ThreeCoinModel().fit(RATS).q_


def test_three_coins_are_the_mixture_under_other_names():
    model = ThreeCoinModel().fit(RATS)
    assert [model.p_, model.q_] == model.theta_.tolist()
    assert model.pi_ == model.weights_[0]
    assert {type(p) for p in (model.pi_, model.p_, model.q_)} == {float}


@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_known_coins_give_each_its_own_heads_over_tosses(solver):
    X = np.array([[3, 1], [0, 4], [2, 2], [7, 0], [5, 1], [0, 0]])
    coins, sample_weight = np.array([2, 0, 1, 2, 1, 0]), np.array([1, 2, 0.5, 1, 1, 4])
    model = BinomialMixture(3, solver=solver).fit(X, sample_weight=sample_weight, coins=coins)
    for k in range(3):
        rows = sample_weight[coins == k]
        heads, tails = rows @ X[coins == k]
        assert model.theta_[k] == pytest.approx(heads / (heads + tails), rel=ROUNDING)
        # A row without tosses tells nothing of theta, but which coin was picked.
        assert model.weights_[k] == pytest.approx(rows.sum() / sample_weight.sum(), rel=ROUNDING)


def test_a_coin_that_is_held_stays_also_where_its_rows_are_known():
    X, coins = [[9, 1], [8, 2], [1, 9]], [0, 0, 1]
    model = BinomialMixture(theta_init=[0.5, 0.3], learn_theta=[False, True])
    assert_allclose(model.fit(X, coins=coins).theta_, [0.5, 0.1], rtol=ROUNDING)


@pytest.mark.parametrize("solver", ["em", "em-newton"])
@pytest.mark.parametrize(
    "parameters",
    [
        {"theta_init": THETA, "learn_theta": False},
        {"theta_init": THETA, "learn_theta": [True, False, True]},
        {"weights_init": WEIGHTS, "learn_weights": False},
        {"learn_weights": False},
    ],
)
def test_what_is_held_never_moves(parameters, solver):
    model = BinomialMixture(3, solver=solver, **parameters)
    fit_to_the_end(model, RATS)
    still = ~np.broadcast_to(parameters.get("learn_theta", True), 3)
    if still.any():
        assert_array_equal(
            model.theta_path_[:, still],
            np.tile(np.array(THETA)[still], (model.n_iter_ + 1, 1)),
        )
    if not parameters.get("learn_weights", True):
        expected = parameters.get("weights_init", np.full(3, 1 / 3))
        assert_allclose(
            model.weights_path_, np.tile(expected, (model.n_iter_ + 1, 1)), rtol=ROUNDING
        )


@pytest.mark.parametrize("solver", ["em", "em-newton"])
@pytest.mark.parametrize("n_coins", [1, 2, 3])
def test_paths_begin_at_the_start_and_end_at_the_fit(n_coins, solver):
    theta, weights = np.linspace(0.5, 0.05, n_coins), np.full(n_coins, 1 / n_coins)
    model = BinomialMixture(n_coins, theta_init=theta, weights_init=weights, solver=solver)
    fit_to_the_end(model, RATS)
    shape = (model.n_iter_ + 1, n_coins)
    assert model.theta_path_.shape == model.weights_path_.shape == shape
    assert model.lower_bounds_.shape == shape[:1]
    assert_array_equal(model.theta_path_[0], theta)
    assert_array_equal(model.weights_path_[0], weights)
    assert_array_equal(model.theta_path_[-1], model.theta_)
    assert_array_equal(model.weights_path_[-1], model.weights_)
    assert model.lower_bounds_[-1] == model.lower_bound_


@pytest.mark.parametrize("solver", ["em", "em-newton"])
@pytest.mark.parametrize("sample_weight", [None, ROW_WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning")  # weights that leave 3 tosses
def test_lower_bound_is_the_score_where_nothing_else_is_known(layout, X, sample_weight, solver):
    model = BinomialMixture(layout=layout, solver=solver)
    fit_to_the_end(model, X, sample_weight=sample_weight)
    score = model.score(X, sample_weight=sample_weight)
    assert model.lower_bound_ == pytest.approx(score, rel=ROUNDING)


def test_attributes_are_not_views_of_each_other():
    model = BinomialMixture().fit(RATS)
    model.theta_[:] = 0.5
    assert (model.theta_path_[-1] != 0.5).all()


def test_max_iter_ends_the_climb_with_a_warning_that_says_so():
    model = BinomialMixture(theta_init=[0.5, 0.4], solver="em", max_iter=2)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=2 ended the climb: .*Raise max_iter"):
        model.fit(RATS)
    assert not model.converged_
    assert model.n_iter_ == 2


def test_a_climb_that_ends_by_itself_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert BinomialMixture(max_iter=10_000).fit(RATS).converged_


@pytest.mark.parametrize(
    ("model", "X"),
    [
        (BinomialMixture(theta_init=[0.5, 0.4], solver="em", max_iter=1), RATS),
        (BinomialMixture(), [[1, 0], [0, 1], [1, 0]]),
        (BinomialMixture(1), [[1, 2, 3], [3, 2, 1]]),
    ],
    ids=["ConvergenceWarning", "IdentifiabilityWarning", "wide X"],
)
def test_warnings_point_at_the_line_that_called_fit(model, X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X)
    assert [w.filename for w in caught] == [__file__] * len(caught) != []


@pytest.mark.parametrize(
    ("n_coins", "parameters", "n_tosses"),
    [
        (1, {}, 1),
        (2, {}, 3),
        (3, {}, 5),
        (2, {"learn_weights": False}, 2),
        (3, {"learn_weights": False}, 3),
        (2, {"theta_init": [0.5, 0.2], "learn_theta": [False, True]}, 2),
        (2, {"theta_init": [0.5, 0.2], "learn_theta": False}, 1),
    ],
)
def test_identifiability_needs_a_toss_for_each_free_parameter(n_coins, parameters, n_tosses):
    def identified(tosses):
        X = [[h, tosses - h] for h in range(tosses + 1)] * 2
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", IdentifiabilityWarning)
            fit_to_the_end(BinomialMixture(n_coins, **parameters), X)
        return not any(w.category is IdentifiabilityWarning for w in caught)

    assert identified(n_tosses)
    assert n_tosses == 1 or not identified(n_tosses - 1)


def test_rows_of_half_a_toss_identify_one_coin():
    with warnings.catch_warnings():
        warnings.simplefilter("error", IdentifiabilityWarning)
        model = BinomialMixture(1).fit([[0.25, 0.25], [0.125, 0.25]])
    assert model.theta_[0] == pytest.approx(3 / 7, rel=ROUNDING)


def test_two_tosses_identify_two_moments_and_the_warning_names_them():
    X = [[2, 0], [1, 1], [0, 2], [0, 2]]
    with pytest.warns(
        IdentifiabilityWarning, match=r"the first 2 moments .* j = 1, \.\.\., 2, are"
    ):
        BinomialMixture().fit(X)


def test_warm_start_goes_on_from_the_last_coins():
    model = BinomialMixture(warm_start=True, theta_init=[0.6, 0.5], solver="em", max_iter=3)
    fit_to_the_end(model, RATS)
    theta, weights, steps = model.theta_, model.weights_, model.lower_bounds_
    fit_to_the_end(model, RATS)
    assert_array_equal(model.theta_path_[0], theta)
    assert_array_equal(model.weights_path_[0], weights)
    once = BinomialMixture(theta_init=[0.6, 0.5], solver="em", max_iter=6)
    fit_to_the_end(once, RATS)
    assert_allclose(model.theta_, once.theta_, rtol=ROUNDING)
    assert_allclose([*steps, *model.lower_bounds_[1:]], once.lower_bounds_, rtol=ROUNDING)


def test_warm_start_on_other_rows_keeps_the_order_of_the_coins():
    model = BinomialMixture(warm_start=True, theta_init=[0.05, 0.4]).fit(RATS)
    first = model.theta_
    model.set_params(theta_init=None).fit(RATS[::2])
    assert_array_equal(model.theta_path_[0], first)
    assert model.theta_[0] < model.theta_[1]


def test_without_warm_start_fit_forgets():
    model = BinomialMixture()
    first = model.fit(RATS).theta_path_
    model.fit(RATS[:5])
    assert_array_equal(model.fit(RATS).theta_path_, first)


def test_warm_start_can_leave_a_boundary():
    model = BinomialMixture(1, warm_start=True).fit([[0, 5], [0, 3]])
    assert model.theta_[0] == 0
    assert model.fit([[3, 5], [1, 3]]).theta_[0] == pytest.approx(1 / 3, rel=ROUNDING)


def test_warm_start_with_another_number_of_coins_starts_anew():
    model = BinomialMixture(2, warm_start=True).fit(RATS)
    fit_to_the_end(model.set_params(n_components=3), RATS)
    fresh = fit_to_the_end(BinomialMixture(3), RATS)
    assert_array_equal(model.theta_path_, fresh.theta_path_)


def test_warm_start_keeps_what_is_held():
    model = BinomialMixture(warm_start=True).fit(RATS)
    model.set_params(theta_init=[0.3, 0.1], learn_theta=[False, True]).fit(RATS)
    assert_array_equal(model.theta_path_[:, 0], 0.3)
    model.set_params(weights_init=[0.25, 0.75], learn_weights=False).fit(RATS)
    assert_array_equal(model.weights_, [0.25, 0.75])


@pytest.mark.parametrize(
    ("X", "theta"), [([[4, 0], [2, 0], [9, 0]], 1), ([[0, 4], [0, 2], [0, 9]], 0)]
)
@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_all_heads_or_all_tails_are_exact_at_the_boundary(X, theta, solver):
    model = BinomialMixture(1, solver=solver).fit(X)
    assert model.theta_[0] == theta
    assert model.score(X) == pytest.approx(0, abs=ROUNDING)
    assert model.posterior_mean(X, return_std=True)[1].max() == 0


@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_fit_twice_gives_the_same(solver):
    model = BinomialMixture(3, solver=solver, init_params="random", n_init=3, random_state=0)
    first = fit_to_the_end(model, RATS).theta_path_
    assert_array_equal(fit_to_the_end(model, RATS).theta_path_, first)


def test_the_best_of_several_starts_is_kept():
    several = BinomialMixture(3, init_params="random", n_init=5, random_state=0)
    fit_to_the_end(several, RATS)
    rng = np.random.RandomState(0)  # the kind that the estimator draws from
    single = [
        fit_to_the_end(BinomialMixture(3, init_params="random", random_state=rng), RATS)
        for _ in range(5)
    ]
    best = max(single, key=lambda model: model.lower_bound_)
    assert several.lower_bound_ == pytest.approx(best.lower_bound_, rel=1e-9)
    assert several.converged_ == best.converged_
