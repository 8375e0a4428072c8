"""The worked examples of the literature come out with their published numbers."""

import numpy as np
import pytest
from _models import fit_to_the_end, held
from _references import REFERENCES, load_set
from numpy.testing import assert_allclose, assert_array_equal

from skcoin import BinomialMixture, IdentifiabilityWarning, ThreeCoinModel

A, B, HIDDEN = 0, 1, -1
SETS = np.array([[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]])  # Do and Batzoglou 2008, figure 1
COINS = np.array([B, A, A, B, A])
LI_HANG = np.array([1, 1, 0, 1, 0, 0, 1, 0, 1, 1]).reshape(-1, 1)
FOUR_DIGITS = 0.5e-4 + 1e-12  # half a unit of the last printed digit, and its rounding in binary

# Collins 1997: rounds, then at each step lambda, p1, p2 and the posterior of coin B per round.
COLLINS = {
    1: (
        "HHH TTT HHH TTT",
        [
            ((0.3, 0.3, 0.6), (0.0508, 0.6967, 0.0508, 0.6967)),
            ((0.3738, 0.0680, 0.7578), (0.0004, 0.9714, 0.0004, 0.9714)),
            ((0.4859, 0.0004, 0.9722), (0, 1, 0, 1)),
            ((0.5, 0, 1), (0, 1, 0, 1)),
        ],
    ),
    2: (
        "HHH TTT HHH TTT HHH",
        [
            ((0.3, 0.3, 0.6), (0.0508, 0.6967, 0.0508, 0.6967, 0.0508)),
            ((0.3092, 0.0987, 0.8244), (0.0008, 0.9837, 0.0008, 0.9837, 0.0008)),
            ((0.3940, 0.0012, 0.9893), (0, 1, 0, 1, 0)),
            ((0.4, 0, 1), (0, 1, 0, 1, 0)),
        ],
    ),
    3: (
        "HHT TTT HHH TTT",
        [
            ((0.3, 0.3, 0.6), (0.1579, 0.6967, 0.0508, 0.6967)),
            ((0.4005, 0.0974, 0.6300), (0.0375, 0.9065, 0.0025, 0.9065)),
            ((0.4632, 0.0148, 0.7635), (0.0014, 0.9842, 0, 0.9842)),
            ((0.4924, 0.0005, 0.8205), (0, 0.9941, 0, 0.9941)),
            ((0.4970, 0, 0.8284), (0, 0.9949, 0, 0.9949)),
        ],
    ),
    4: (
        "HHH TTT HHH TTT",
        [
            ((0.3, 0.7, 0.7), (0.3, 0.3, 0.3, 0.3)),
            ((0.3, 0.5, 0.5), (0.3, 0.3, 0.3, 0.3)),
        ],
    ),
    5: (
        "HHH TTT HHH TTT",
        [
            ((0.3, 0.7001, 0.7), (0.3001, 0.2998, 0.3001, 0.2998)),
            ((0.2999, 0.5003, 0.4999), (0.3004, 0.2995, 0.3004, 0.2995)),
            ((0.2999, 0.5008, 0.4997), (0.3013, 0.2986, 0.3013, 0.2986)),
            ((0.2999, 0.5023, 0.4990), (0.3040, 0.2959, 0.3040, 0.2959)),
            ((0.3000, 0.5068, 0.4971), (0.3122, 0.2879, 0.3122, 0.2879)),
            ((0.3000, 0.5202, 0.4913), (0.3373, 0.2645, 0.3373, 0.2645)),
            ((0.3009, 0.5605, 0.4740), (0.4157, 0.2007, 0.4157, 0.2007)),
            ((0.3082, 0.6744, 0.4223), (0.6447, 0.0739, 0.6447, 0.0739)),
            ((0.3593, 0.8972, 0.2773), (0.9500, 0.0016, 0.9500, 0.0016)),
            ((0.4758, 0.9983, 0.0477), (0.9999, 0, 0.9999, 0)),
            ((0.4999, 1, 0.0001), (1, 0, 1, 0)),
            ((0.5, 1, 0), (1, 0, 1, 0)),
        ],
    ),
}


def textbook(theta, weights, n_steps, **parameters):
    """A mixture that makes exactly these steps of EM."""
    return BinomialMixture(
        len(theta),
        theta_init=theta,
        weights_init=weights,
        solver="em",
        tol=0,
        max_iter=n_steps,
        **parameters,
    )


def plain_em(X, theta, weights, n_steps, learn_weights, coins=None):
    """EM in plain Python, from the formula; the list of (theta, weights) at each step."""
    coins = [HIDDEN] * len(X) if coins is None else coins
    path = [(theta, weights)]
    for _ in range(n_steps):
        theta, weights = path[-1]
        rows, heads, tosses = ([0.0] * len(theta) for _ in range(3))
        for (h, t), coin in zip(X, coins, strict=True):
            joint = [w * p**h * (1 - p) ** t for p, w in zip(theta, weights, strict=True)]
            for k, value in enumerate(joint):
                share = value / sum(joint) if coin == HIDDEN else float(coin == k)
                rows[k] += share
                heads[k] += share * h
                tosses[k] += share * (h + t)
        theta = [h / n for h, n in zip(heads, tosses, strict=True)]
        path.append((theta, [r / len(X) for r in rows] if learn_weights else weights))
    return path


def assert_same_path(model, path, rtol):
    """The model's iterates are these; after it came to rest, its last one is each further one."""
    for step, (theta, weights) in enumerate(path):
        i = min(step, model.n_iter_)
        assert_allclose(model.theta_path_[i], theta, rtol=rtol, atol=0, err_msg=f"step {step}")
        assert_allclose(model.weights_path_[i], weights, rtol=rtol, atol=0, err_msg=f"step {step}")


@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_known_coins_give_heads_over_tosses(solver):
    model = BinomialMixture(solver=solver).fit(SETS, coins=COINS)
    assert_array_equal(model.theta_, [24 / 30, 9 / 20])
    assert_array_equal(model.weights_, [3 / 5, 2 / 5])
    assert model.converged_


@pytest.mark.parametrize("known", [[0], [1, 3], [0, 1, 2], [0, 1, 2, 3]])
@pytest.mark.parametrize("learn_weights", [True, False])
def test_some_known_coins_are_plain_em_with_their_posterior_fixed(known, learn_weights):
    coins = np.full(5, HIDDEN)
    coins[known] = COINS[known]
    start = [0.6, 0.5], [0.5, 0.5]
    model = fit_to_the_end(textbook(*start, 20, learn_weights=learn_weights), SETS, coins=coins)
    path = plain_em(SETS.tolist(), *start, 20, learn_weights, coins)
    assert_same_path(model, path, rtol=1e-13)  # rounding of twenty steps


def test_first_e_step_of_do_and_batzoglou():
    posterior = held([0.6, 0.5]).predict_proba(SETS)
    assert_array_equal(posterior[:, A].round(2), [0.45, 0.80, 0.73, 0.35, 0.65])
    assert_array_equal((posterior.T @ SETS).round(1), [[21.3, 8.6], [11.7, 8.4]])


def test_first_and_tenth_m_step_of_do_and_batzoglou():
    model = fit_to_the_end(textbook([0.6, 0.5], None, 10, learn_weights=False), SETS)
    assert_array_equal(model.theta_path_[1].round(2), [0.71, 0.58])
    assert_array_equal(model.theta_path_[10].round(2), [0.80, 0.52])
    assert_array_equal(model.weights_path_, np.full((11, 2), 0.5))


@pytest.mark.parametrize(
    ("name", "path", "learn_weights"),
    [
        ("do_batzoglou_2008", "do_batzoglou_equal_weights_from_0.6_0.5", False),
        ("do_batzoglou_2008", "do_batzoglou_free_weights_from_0.6_0.5", True),
        ("collins_three_coins", "collins_from_0.3_0.3_0.6", True),
        ("li_hang_three_coins", "li_hang_from_0.5_0.5_0.5", True),
        ("li_hang_three_coins", "li_hang_from_0.4_0.6_0.7", True),
        ("li_hang_three_coins", "li_hang_from_0.46_0.55_0.67", True),
    ],
)
@pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning")  # li_hang: one toss a row
def test_every_iterate_of_the_textbook_paths_has_ten_digits(name, path, learn_weights):
    X, _ = load_set(name)
    expected = REFERENCES["textbook_em_paths"][path]
    start = expected[0]
    model = fit_to_the_end(
        textbook(start["thetas"], start["weights"], len(expected) - 1, learn_weights=learn_weights),
        X,
    )
    assert_same_path(model, [(step["thetas"], step["weights"]) for step in expected], rtol=1e-10)
    at = np.minimum(np.arange(len(expected)), model.n_iter_)
    log_ways = REFERENCES["sets"][name]["log_binomial_coefficient_sum"]
    log_likelihoods = model.lower_bounds_[at] * len(X) - log_ways
    assert_allclose(
        log_likelihoods, [step["loglik_without_coefficient"] for step in expected], rtol=1e-10
    )


@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_free_weights_have_another_maximum(solver):
    model = BinomialMixture(theta_init=[0.6, 0.5], solver=solver, tol=1e-12, max_iter=10_000).fit(
        SETS
    )
    assert model.converged_
    assert_array_equal(model.theta_.round(4), [0.7934, 0.5139])
    assert_array_equal(model.weights_.round(4), [0.5228, 0.4772])


@pytest.mark.parametrize("learn_weights", [False, True])
def test_simulated_rounds_follow_plain_em_step_by_step(learn_weights):
    truth = held([0.45, 0.75])
    rounds, coins = truth.sample(100, n_tosses=10, random_state=0)
    start = [0.3, 0.4], [0.5, 0.5]
    model = fit_to_the_end(textbook(*start, 20, learn_weights=learn_weights), rounds)
    assert model.theta_path_.shape == (21, 2)
    path = plain_em(rounds.tolist(), *start, 20, learn_weights)
    assert_same_path(model, path, rtol=1e-12)  # rounding of twenty steps over a hundred rows
    # Each coin was tossed some 500 times: 0.1 is more than four standard deviations.
    assert_allclose(model.theta_, truth.theta_, atol=0.1)
    complete = BinomialMixture().fit(rounds, coins=coins)
    assert_allclose(complete.theta_, truth.theta_, atol=0.1)


def collins(table):
    rounds, steps = COLLINS[table]
    X = [[r.count("H"), r.count("T")] for r in rounds.split()]
    return X, steps


def three_coins(start, n_steps, **parameters):
    pi, p, q = start
    return ThreeCoinModel(
        pi_init=pi, p_init=p, q_init=q, solver="em", tol=0, max_iter=n_steps, **parameters
    )


@pytest.mark.parametrize("table", COLLINS)
def test_tables_of_collins_to_four_digits(table):
    X, steps = collins(table)
    model = fit_to_the_end(three_coins(steps[0][0], len(steps) - 1), X)
    assert model.n_iter_ == len(steps) - 1
    for i, ((pi, p, q), of_b) in enumerate(steps):
        theta, weights = model.theta_path_[i], model.weights_path_[i]
        assert_allclose([weights[0], *theta], [pi, p, q], atol=FOUR_DIGITS, rtol=0)
        posterior = held(theta, weights, X).predict_proba(X)[:, 0]
        assert_allclose(posterior, of_b, atol=FOUR_DIGITS, rtol=0)
    assert_array_equal([model.pi_, model.p_, model.q_], [weights[0], *theta])
    assert_allclose(model.predict_proba(X)[:, 0], of_b, atol=FOUR_DIGITS, rtol=0)


def test_equal_coins_are_a_saddle_where_em_stays():
    X, _ = collins(4)
    model = fit_to_the_end(three_coins((0.3, 0.7, 0.7), 1000), X)
    assert_allclose([model.pi_, model.p_, model.q_], [0.3, 0.5, 0.5], rtol=1e-12)  # rounding only


@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_collins_first_example_ends_at_its_maximum(solver):
    X, steps = collins(1)
    pi, p, q = steps[0][0]
    model = ThreeCoinModel(pi_init=pi, p_init=p, q_init=q, solver=solver).fit(X)
    # The default tol leaves at most 1e-6 of log-likelihood, 12 tosses at a boundary: 1e-6 / 12.
    assert_allclose([model.pi_, model.p_, model.q_], [0.5, 0, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((0.5, 0.5, 0.5), (0.5, 0.6, 0.6)),
        ((0.4, 0.6, 0.7), (0.4064, 0.5368, 0.6432)),
        ((0.46, 0.55, 0.67), (0.4619, 0.5346, 0.6561)),
    ],
)
@pytest.mark.parametrize(
    ("layout", "X"), [("tosses", LI_HANG), ("heads_tails", np.hstack([LI_HANG, 1 - LI_HANG]))]
)
def test_li_hang_arrives_in_one_step_and_says_what_is_identified(start, end, layout, X):
    model = three_coins(start, 10, layout=layout)
    words = (
        r"^3 free parameters need a row of at least 3 tosses, but no row of a hidden coin has "
        r"more than 1\. Only the mean weights_ @ theta_ = 0\.6 is identified"
    )
    with pytest.warns(IdentifiabilityWarning, match=words):
        fit_to_the_end(model, X)
    first = [model.weights_path_[1, 0], *model.theta_path_[1]]
    assert_allclose(first, end, atol=FOUR_DIGITS, rtol=0)
    assert_allclose([model.pi_, model.p_, model.q_], first, rtol=1e-14)  # it stays, but rounding
    assert model.weights_ @ model.theta_ == pytest.approx(0.6, rel=1e-14)


def test_three_coin_model_is_a_mixture_of_two():
    X, steps = collins(3)
    pi, p, q = steps[0][0]
    three = fit_to_the_end(three_coins((pi, p, q), 4), X)
    two = fit_to_the_end(textbook([p, q], [pi, 1 - pi], 4), X)
    assert_array_equal(three.theta_path_, two.theta_path_)
    assert_array_equal(three.weights_path_, two.weights_path_)
    assert_array_equal(three.lower_bounds_, two.lower_bounds_)
