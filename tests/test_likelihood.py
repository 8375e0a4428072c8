"""The likelihood and the steps of EM agree with enumeration, exact arithmetic and calculus."""

import itertools
from fractions import Fraction
from math import comb, log

import mpmath
import numpy as np
import pytest
from _exact import exact_joint, exact_log_binomial_coefficient, exact_objective
from _models import fit_to_the_end, held
from _references import load_set
from numpy.testing import assert_allclose, assert_array_equal

from skcoin import BinomialMixture, ThreeCoinModel
from skcoin._em.e_step import posterior
from skcoin._em.parameters import Parameters
from skcoin._families import BINOMIAL
from skcoin._families.special import _stirling_remainder, log_binomial_coefficient, log_peak

SOLVERS = ["em", "em-newton"]
EPS = np.finfo(float).eps
SMALL = np.array([[3, 1], [0, 4], [2, 2], [1, 0], [5, 1]])
MIXTURES = [
    ([0.6, 0.5], [0.5, 0.5]),
    ([0.9, 0.2], [0.3, 0.7]),
    ([0.9, 0.5, 0.1], [0.2, 0.5, 0.3]),
    ([1.0, 0.5, 0.0], [0.25, 0.5, 0.25]),
]


@pytest.fixture(autouse=True)
def forty_digits():
    with mpmath.workdps(40):
        yield


def enumerate_coins(X, theta, weights):
    """P(X) in exact fractions, and of each row and coin the posterior, from all assignments."""
    theta, weights = [Fraction(p) for p in theta], [Fraction(w) for w in weights]
    shares = [[Fraction(0)] * len(theta) for _ in X]
    total = Fraction(0)
    for coins in itertools.product(range(len(theta)), repeat=len(X)):
        probability = Fraction(1)
        for (h, t), k in zip(X.tolist(), coins, strict=True):
            probability *= weights[k] * theta[k] ** h * (1 - theta[k]) ** t
        total += probability
        for row, k in zip(shares, coins, strict=True):
            row[k] += probability
    return total, [[float(p / total) for p in row] for row in shares]


@pytest.mark.parametrize(("theta", "weights"), MIXTURES)
def test_e_step_is_enumeration_of_the_hidden_coins(theta, weights):
    total, shares = enumerate_coins(SMALL, theta, weights)
    model = held(theta, weights, SMALL)
    assert_allclose(model.predict_proba(SMALL), shares, rtol=1e-14, atol=1e-300)
    ways = sum(log(comb(h + t, h)) for h, t in SMALL.tolist())
    assert model.score(SMALL) * len(SMALL) == pytest.approx(log(total) + ways, rel=1e-14)


@pytest.mark.parametrize(("theta", "weights"), MIXTURES)
def test_m_step_is_expected_heads_over_expected_tosses(theta, weights):
    _, shares = enumerate_coins(SMALL, theta, weights)
    heads, tails = np.transpose(shares) @ SMALL[:, 0], np.transpose(shares) @ SMALL[:, 1]
    model = BinomialMixture(
        len(theta), theta_init=theta, weights_init=weights, solver="em", max_iter=1
    )
    fit_to_the_end(model, SMALL)
    assert_allclose(model.theta_, heads / (heads + tails), rtol=1e-14)
    assert_allclose(model.weights_, np.mean(shares, axis=0), rtol=1e-14)


def expected_complete_objective(shares, theta, weights):
    """``sum_i sum_k r_ik log(w_k theta_k^h (1 - theta_k)^t)``, with Beta(2, 3) and Dir(1.5)."""
    rows, (heads, tails) = shares.sum(axis=0), (shares.T @ SMALL).T
    return np.sum(
        (heads + 1) * np.log(theta)
        + (tails + 2) * np.log1p(-theta)
        + (rows + 0.5) * np.log(weights)
    )


def test_m_step_maximises_the_expected_complete_data_objective():
    start = [0.9, 0.5, 0.1], [0.2, 0.5, 0.3]
    shares = held(*start, SMALL).predict_proba(SMALL)
    model = BinomialMixture(
        3,
        theta_init=start[0],
        weights_init=start[1],
        theta_prior=(2, 3),
        weights_prior=1.5,
        solver="em",
        max_iter=1,
    )
    fit_to_the_end(model, SMALL)
    best = expected_complete_objective(shares, model.theta_, model.weights_)
    rng = np.random.default_rng(0)
    for size in (1e-1, 1e-2, 1e-3, 1e-4):  # below, the loss is lost in the rounding of the sum
        for _ in range(50):
            theta = np.clip(model.theta_ + size * rng.normal(size=3), 1e-3, 1 - 1e-3)
            weights = model.weights_ * np.exp(size * rng.normal(size=3))
            other = expected_complete_objective(shares, theta, weights / weights.sum())
            assert other < best


COUNTS = [0, 1, 2, 7, 0.5, 2.25, 1e-3, 50, 1e3, 1e4 + 1, 1e6, 123456.75, 1e8, 1e12]


@pytest.mark.parametrize("heads", COUNTS)
def test_log_binomial_coefficient_keeps_thirteen_digits(heads):
    tails = np.array(COUNTS, dtype=float)
    got = log_binomial_coefficient(np.full(len(tails), float(heads)), tails)
    expected = [float(exact_log_binomial_coefficient(heads, t)) for t in COUNTS]
    # Rounding: some 500 eps of the value; where it is about 0, of the logs that cancel.
    assert_allclose(got, expected, rtol=1e-13, atol=1e-13)


def test_stirlings_remainder_is_exact():
    """To the last digits of its own size where that is small, of the logs that cancel elsewhere."""

    def exact(z):
        z, half = mpmath.mpf(z), mpmath.mpf(1) / 2
        return mpmath.loggamma(z) - ((z - half) * mpmath.log(z) - z + mpmath.log(2 * mpmath.pi) / 2)

    large = np.append(np.linspace(10, 20, 21), 10.0 ** np.arange(2, 16))
    small = 9.99 / 2.0 ** np.arange(9)
    with mpmath.workdps(60):
        wanted = [[float(exact(z)) for z in some] for some in (large, small)]
    assert_allclose(_stirling_remainder(large), wanted[0], rtol=1e-14)
    assert_allclose(_stirling_remainder(small), wanted[1], rtol=1e-14, atol=8e-15)


def test_the_peak_of_a_row_is_its_probability_at_its_own_rate():
    for heads, tails in ((12, 30), (1000, 2), (5e6, 5e6), (1e15, 3e12)):
        rate = mpmath.mpf(heads) / (mpmath.mpf(heads) + mpmath.mpf(tails))
        exact = exact_score([rate], [1], heads, tails)
        assert_allclose(log_peak(float(heads), float(tails)), float(exact), rtol=4 * EPS)


def exact_score(theta, weights, heads, tails):
    joint = sum(exact_joint(theta, weights, heads, tails))
    return mpmath.log(joint) + exact_log_binomial_coefficient(heads, tails)


LONG_ROWS = [
    (0, 0),
    (1, 0),
    (0, 1),
    (3, 7),
    (10, 0),
    (0, 10),
    (2.5, 0.25),
    (200, 800),
    (1e-3, 1e-3),
    (51_000, 34_000),
    (50_000, 35_000),
    (85_000, 0),
    (0, 85_000),
    (1, 84_999),
]
PRECISE = [
    ([0.6, 0.5], [0.5, 0.5]),
    ([0.6, 0.59], [0.001, 0.999]),
    ([0.999999, 1e-9], [0.7, 0.3]),
    ([1.0, 0.5, 0.0], [0.25, 0.5, 0.25]),
    ([0.3, 0.2], [1.0, 0.0]),
    ([0.6], [1.0]),
]


@pytest.mark.parametrize(("theta", "weights"), PRECISE)
@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses"])
def test_score_samples_is_the_log_likelihood_to_rounding(theta, weights, layout):
    X = np.array(LONG_ROWS)
    model = held(theta, weights, [[1, 2]], layout=layout)
    got = model.score_samples(np.cumsum(X, axis=1) if layout == "heads_tosses" else X)
    for (heads, tails), value in zip(LONG_ROWS, got, strict=True):
        if layout == "heads_tosses":
            tails = (heads + tails) - heads  # what the layout can hold
        exact = exact_score(theta, weights, heads, tails)
        # The coefficient and the log of the joint probability cancel: a few eps of the larger.
        size = 1 + abs(float(exact)) + float(exact_log_binomial_coefficient(heads, tails))
        assert abs(value - float(exact)) < 16 * EPS * size, (heads, tails)


@pytest.mark.parametrize(("theta", "weights"), PRECISE)
def test_posterior_is_exact_to_the_rounding_of_its_logarithm(theta, weights):
    got = held(theta, weights, [[1, 2]]).predict_proba(LONG_ROWS)
    for (heads, tails), row in zip(LONG_ROWS, got, strict=True):
        joint = exact_joint(theta, weights, heads, tails)
        exact = [float(p / sum(joint)) for p in joint]
        # exp(x) carries the rounding of x, a log-likelihood: eps of the largest term in it.
        size = 1 + max(abs(float(mpmath.log(p))) for p in joint if p > 0)
        assert_allclose(row, exact, rtol=16 * EPS * size, atol=1e-300, err_msg=f"{heads} {tails}")


@pytest.mark.parametrize("solver", SOLVERS)
def test_85000_tosses_in_a_row_lose_no_coin(solver):
    X = [[51_000, 34_000], [50_000, 35_000], [34_000, 51_000]]
    model = BinomialMixture(3, theta_init=[0.61, 0.58, 0.4], solver=solver).fit(X)
    assert_allclose(model.theta_, [0.6, 50 / 85, 0.4], rtol=1e-6)
    assert_allclose(model.weights_, np.full(3, 1 / 3), rtol=1e-6)
    assert np.isfinite(model.lower_bounds_).all()
    assert_array_equal(model.predict(X), [0, 1, 2])


@pytest.mark.parametrize(
    ("theta", "X", "impossible"),
    [
        ([1.0], [[1, 0]], [[0, 1], [5, 2]]),
        ([0.0, 0.0], [[0, 1]], [[1, 0], [3, 9]]),
        ([1.0, 0.0], [[1, 0], [0, 1]], [[1, 1], [1, 2], [7, 3]]),
    ],
)
def test_row_that_no_coin_can_show_scores_minus_infinity(theta, X, impossible):
    model = held(theta, None, X)
    assert_array_equal(model.score_samples(impossible), -np.inf)
    assert model.score(np.vstack([X, impossible])) == -np.inf
    assert np.isfinite(model.score_samples(X)).all()
    assert model.bic(impossible) == model.aic(impossible) == model.icl(impossible) == np.inf


@pytest.mark.parametrize(
    ("theta", "weights"),
    [
        ([1.0, 0.0], [0.5, 0.5]),
        ([1.0, 0.0], [0.125, 0.875]),
        ([1.0, 1.0, 0.0], [0.25, 0.5, 0.25]),
        ([0.0, 1.0, 0.0], [0.0, 0.5, 0.5]),
    ],
)
def test_posterior_of_an_impossible_row_is_the_limit_from_inside(theta, weights):
    rows = [(1, 1), (1, 2), (2, 1), (7, 3), (30, 29), (0.5, 0.25)]
    table = BINOMIAL.tabulate(*np.array(rows, dtype=float).T, np.ones(len(rows)))
    parameters = Parameters(np.array(weights), np.array(theta)[:, None])
    got = posterior(BINOMIAL, parameters, table)
    hair = mpmath.mpf(10) ** -200
    for (heads, tails), row in zip(rows, got, strict=True):
        with mpmath.workdps(300):
            inside = [min(max(mpmath.mpf(p), hair), 1 - hair) for p in theta]
            joint = exact_joint(inside, weights, heads, tails)
            expected = [float(p / sum(joint)) for p in joint]
        assert_allclose(row, expected, rtol=1e-14, atol=1e-40)


def random_tosses(seed):
    """Rows of up to 30 tosses of three coins, and weights."""
    rng = np.random.default_rng(seed)
    tosses, theta = rng.integers(0, 31, size=60), rng.uniform(size=3)
    heads = rng.binomial(tosses, rng.choice(theta, size=60))
    return np.column_stack([heads, tosses - heads]), rng.uniform(0, 3, size=60)


SETS = {
    "rat_tumours": load_set("rat_tumours"),
    "saxony_families12": load_set("saxony_families12"),
    "lirat": load_set("lirat"),
    "surg_nodes": load_set("surg_nodes"),
    "geissler_all_sizes": load_set("geissler_all_sizes"),
    "random 0": random_tosses(0),
    "random 1": random_tosses(1),
    "fractional": (np.random.default_rng(2).uniform(0, 9, size=(40, 2)), None),
}
SETTINGS = {
    "flat": {},
    "priors": {"theta_prior": (2.5, 1.5), "weights_prior": 3},
    "strong priors": {"theta_prior": (40, 90), "weights_prior": 200},
    "one-sided prior": {"theta_prior": (1, 4)},
    "held weights": {"weights_init": [0.2, 0.5, 0.3], "learn_weights": False},
    "held coin": {"theta_init": [0.7, 0.5, 0.1], "learn_theta": [True, False, True]},
    "held coins": {"theta_init": [0.7, 0.5, 0.1], "learn_theta": False},
    "held coin, prior": {
        "theta_init": [0.7, 0.5, 0.1],
        "learn_theta": [False, True, True],
        "theta_prior": (3, 2),
    },
    "far start": {"theta_init": [1e-6, 0.5, 1 - 1e-6], "weights_init": [0.98, 0.01, 0.01]},
    "random starts": {"init_params": "random", "n_init": 4, "random_state": 0},
}


def labels(n_rows):
    """Every fifth coin known, of any of the three coins."""
    return np.where(np.arange(n_rows) % 5 == 0, np.arange(n_rows) % 3, -1)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("known", [False, True], ids=["hidden", "some known"])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", SETS)
def test_objective_never_falls(name, setting, known, solver):
    X, sample_weight = SETS[name]
    coins = labels(len(X)) if known else None
    model = BinomialMixture(3, solver=solver, tol=1e-10, max_iter=300, **SETTINGS[setting])
    fit_to_the_end(model, X, sample_weight=sample_weight, coins=coins)
    assert model.lower_bounds_.shape == (model.n_iter_ + 1,)
    rounding = 1e-12 * (1 + np.abs(model.lower_bounds_[0]))
    assert np.diff(model.lower_bounds_).min() >= -rounding


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("known", [False, True], ids=["hidden", "some known"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_objective_of_every_iterate_is_that_of_the_formula(setting, known, solver):
    X, sample_weight = SETS["random 0"]
    parameters = SETTINGS[setting]
    coins = labels(len(X)) if known else None
    model = BinomialMixture(3, solver=solver, max_iter=6, **parameters)
    fit_to_the_end(model, X, sample_weight=sample_weight, coins=coins)
    asked = ("theta_prior", "weights_prior", "learn_theta", "learn_weights")
    log_ways = sum(
        m * exact_log_binomial_coefficient(*x) for m, x in zip(sample_weight, X, strict=True)
    )
    for theta, weights, got in zip(
        model.theta_path_, model.weights_path_, model.lower_bounds_, strict=True
    ):
        objective = exact_objective(
            theta,
            weights,
            X,
            sample_weight,
            coins,
            **{name: parameters[name] for name in asked if name in parameters},
        )
        expected = float((objective + log_ways) / mpmath.mpf(sample_weight.sum()))
        assert got == pytest.approx(expected, rel=1e-13)  # rounding of a sum of sixty rows


def remaining_gain(model, X, sample_weight=None, **objective):
    """Newton's estimate of the gain that the exact objective still has, from derivatives.

    By central differences in the free coordinates: learned thetas, and all weights but the last.
    """
    learned = np.flatnonzero(np.broadcast_to(model.learn_theta, len(model.theta_)))
    n_weights = (len(model.weights_) - 1) * model.learn_weights
    at = [*model.theta_[learned], *model.weights_[:n_weights]]

    def value(*free):
        theta, weights = list(model.theta_), list(model.weights_)
        for k, p in zip(learned, free, strict=False):
            theta[k] = p
        if n_weights:
            weights[:-1] = free[len(learned) :]
            weights[-1] = 1 - mpmath.fsum(weights[:-1])
        return exact_objective(theta, weights, X, sample_weight, **objective)

    n, step = len(at), mpmath.mpf(10) ** -9  # 40 digits: derivatives to about 18
    at = [mpmath.mpf(p) for p in at]

    def moved(*moves):
        point = list(at)
        for i, sign in moves:
            point[i] += sign * step
        return value(*point)

    gradient = mpmath.matrix([(moved((i, 1)) - moved((i, -1))) / (2 * step) for i in range(n)])
    hessian = mpmath.matrix(n, n)
    for i, j in itertools.combinations_with_replacement(range(n), 2):
        signs = itertools.product((1, -1), repeat=2)
        second = sum(a * b * moved((i, a), (j, b)) for a, b in signs)
        hessian[i, j] = hessian[j, i] = second / (4 * step**2)
    assert max(mpmath.eigsy(hessian, eigvals_only=True)) < 0  # a maximum, not a saddle
    return float(-(gradient.T * mpmath.lu_solve(hessian, gradient))[0] / 2)


GRADIENT_CASES = {
    "do_batzoglou free": ("do_batzoglou_2008", {}),
    "do_batzoglou equal": ("do_batzoglou_2008", {"learn_weights": False}),
    "rats": ("rat_tumours", {"theta_prior": (1.5, 2)}),
    "saxony": ("saxony_families12", {}),
    "saxony with priors": ("saxony_families12", {"theta_prior": (20, 30), "weights_prior": 50}),
    "tacks, a fair coin": ("tacks", {"theta_init": [0.8, 0.5], "learn_theta": [True, False]}),
    "efron morris": ("efron_morris_1970", {"weights_prior": 2}),
}


@pytest.mark.parametrize(
    ("tol", "case", "solver"),
    [
        pytest.param(tol, case, solver, marks=pytest.mark.slow)
        if solver == "em" and tol == 0 and case.startswith("saxony")
        else (tol, case, solver)
        for tol, case, solver in itertools.product([0, 1e-6], GRADIENT_CASES, SOLVERS)
    ],
)
def test_gradient_of_the_objective_is_zero_at_the_fit(case, tol, solver):
    name, parameters = GRADIENT_CASES[case]
    X, sample_weight = load_set(name)
    model = BinomialMixture(2, solver=solver, tol=tol, max_iter=20_000, **parameters)
    fit_to_the_end(model, X, sample_weight=sample_weight)
    priors = {k: v for k, v in parameters.items() if k.endswith("_prior")}
    held_ = {k: parameters[k] for k in ("learn_theta", "learn_weights") if k in parameters}
    gain = remaining_gain(model, X, sample_weight, **priors, **held_)
    # With tol the climb says that less than tol is left (an estimate, hence a factor of two);
    # with none, nothing but the rounding of an objective of up to 5e4.
    assert -1e-30 <= gain < (2 * tol or 1e-10)


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_tol_zero_stops_only_where_nothing_moves(every):
    X = np.array([[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]])
    for coins in list(itertools.product([-1, 0, 1], repeat=5))[::every]:
        for learn_weights in (True, False):
            model = BinomialMixture(
                theta_init=[0.6, 0.5],
                learn_weights=learn_weights,
                solver="em",
                tol=0,
                max_iter=200,
            )
            fit_to_the_end(model, X, coins=coins)
            if model.converged_:
                assert_array_equal(model.theta_path_[-1], model.theta_path_[-2])
                assert_array_equal(model.weights_path_[-1], model.weights_path_[-2])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", SETS)
def test_map_with_a_flat_prior_is_maximum_likelihood(name, solver):
    X, sample_weight = SETS[name]
    plain, flat = (
        fit_to_the_end(
            BinomialMixture(solver=solver, max_iter=100, **prior), X, sample_weight=sample_weight
        )
        for prior in ({}, {"theta_prior": (1.0, 1.0), "weights_prior": 1.0})
    )
    assert_array_equal(flat.theta_path_, plain.theta_path_)
    assert_array_equal(flat.lower_bounds_, plain.lower_bounds_)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("learn_theta", [True, [True, False]])
def test_theta_prior_is_pseudo_tosses_of_each_learned_coin(learn_theta, solver):
    X, _ = load_set("lirat")
    settings = {
        "theta_init": [0.8, 0.2],
        "learn_theta": learn_theta,
        "learn_weights": False,  # the pseudo-tosses are no rows
        "solver": solver,
        "tol": 1e-10,
    }
    model = BinomialMixture(**settings, theta_prior=(3.5, 2)).fit(X)
    learned = np.flatnonzero(np.broadcast_to(learn_theta, 2))
    tossed = BinomialMixture(**settings).fit(
        np.vstack([X, np.tile([2.5, 1.0], (len(learned), 1))]),
        coins=[*np.full(len(X), -1), *learned],
    )
    assert_allclose(model.theta_, tossed.theta_, rtol=1e-12)  # the same sums in another order


@pytest.mark.parametrize("solver", SOLVERS)
def test_weights_prior_is_pseudo_rows_of_each_coin(solver):
    X, _ = load_set("lirat")
    settings = {"theta_init": [0.8, 0.2], "solver": solver, "tol": 1e-10}
    model = BinomialMixture(**settings, weights_prior=4.5).fit(X)
    picked = BinomialMixture(**settings).fit(
        np.vstack([X, [[0, 0], [0, 0]]]),
        coins=[*np.full(len(X), -1), 0, 1],
        sample_weight=[*np.ones(len(X)), 3.5, 3.5],
    )
    assert_allclose(model.theta_, picked.theta_, rtol=1e-12)
    assert_allclose(model.weights_, picked.weights_, rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_three_coin_model_takes_the_same_priors(solver):
    X, _ = load_set("lirat")
    shared = {"theta_prior": (2, 3), "weights_prior": 5, "solver": solver}
    three = ThreeCoinModel(pi_init=0.3, p_init=0.7, q_init=0.2, **shared).fit(X)
    two = BinomialMixture(theta_init=[0.7, 0.2], weights_init=[0.3, 0.7], **shared).fit(X)
    assert_array_equal(three.theta_path_, two.theta_path_)
    assert_array_equal(three.lower_bounds_, two.lower_bounds_)


@pytest.mark.parametrize("name", ["rat_tumours", "lirat", "saxony_families12", "random 0"])
def test_both_solvers_agree(name):
    X, sample_weight = SETS[name]
    em, newton = (
        BinomialMixture(theta_init=[0.7, 0.2], solver=solver, tol=1e-9, max_iter=20_000).fit(
            X, sample_weight=sample_weight
        )
        for solver in SOLVERS
    )
    assert em.lower_bound_ == pytest.approx(newton.lower_bound_, rel=1e-9)
    # 1e-9 of log-likelihood away from the maximum, a theta is sqrt(2e-9) standard errors away.
    assert_allclose(em.theta_, newton.theta_, atol=1e-4)
