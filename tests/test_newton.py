"""The safeguarded Newton climb: right derivatives, never downhill, exact where it ends at 0 or 1.

Derivatives are held against central differences of an objective that is coded independently, in
40 digits.
"""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from _exact import exact_objective
from _models import fit_to_the_end
from _references import REFERENCES, load_set
from numpy.testing import assert_allclose, assert_array_equal

from skcoin import BinomialMixture
from skcoin._base import count_rows, recipe_of
from skcoin._em.e_step import e_step
from skcoin._em.parameters import Parameters
from skcoin._em.quadratic import quadratic_at
from skcoin._em.steps import MOST_REJECTED, first_state, m_step, newton_step
from skcoin._fit import as_problem

pytestmark = pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning")

THETA, WEIGHTS = np.array([0.83, 0.35, 0.3]), np.array([0.2, 0.55, 0.25])
NEAR_0_AND_1 = np.array([1 - 1e-4, 0.4, 1e-5])
HELD = {"theta_init": THETA, "learn_theta": [True, False, True]}
SETTINGS = {
    "flat": {},
    "priors": {"theta_prior": (2.5, 1.25), "weights_prior": 3},
    "held coin": HELD,
    "held coin, priors": {**HELD, "theta_prior": (4, 2), "weights_prior": 1.5},
    "held weights": {"weights_init": WEIGHTS, "learn_weights": False},
    "held weights, priors": {
        "weights_init": WEIGHTS,
        "learn_weights": False,
        "theta_prior": (4, 2),
        "weights_prior": 3,
    },
}


def tosses(seed=0, n_rows=12):
    """Rows of up to 9 tosses, fractional weights, and coins of which most are hidden."""
    rng = np.random.default_rng(seed)
    X = rng.integers([1, 0], [6, 6], size=(n_rows, 2))
    return X, rng.uniform(0.2, 3, size=n_rows), rng.integers(-6, 3, size=n_rows).clip(-1)


def around(setting, theta, weights, known):
    """The package's quadratic at some coins, its E-step and problem, and the free parameters."""
    X, sample_weight, coins = tosses()
    coins = coins if known else np.full(len(X), -1)
    model = BinomialMixture(3, **SETTINGS[setting])
    problem = as_problem(recipe_of(model), count_rows(model, X, sample_weight, coins, reset=True))
    at = Parameters(weights[None], theta[None, :, None])
    expected = e_step(problem, at, information=True)
    free = problem.specification.free_coordinates
    return quadratic_at(problem, at, expected), expected, at, problem, free


def exact(setting, theta, weights, known):
    """The same objective as a function of moves in log w and logit theta, in mpmath."""
    X, sample_weight, coins = tosses()
    parameters = SETTINGS[setting]
    asked = ("theta_prior", "weights_prior", "learn_theta", "learn_weights")
    given = {name: parameters[name] for name in asked if name in parameters}

    def objective(move):
        odds = [
            mpmath.mpf(p) / (1 - mpmath.mpf(p)) * mpmath.exp(d)
            for p, d in zip(theta, move[3:], strict=True)
        ]
        shares = [mpmath.mpf(w) * mpmath.exp(d) for w, d in zip(weights, move[:3], strict=True)]
        return exact_objective(
            [o / (1 + o) for o in odds],
            [s / mpmath.fsum(shares) for s in shares],
            X,
            sample_weight,
            coins if known else None,
            **given,
        )

    return objective


def derivatives(objective, step):
    """Gradient and Hessian at 0 by central differences."""

    def at(*moves):
        move = [mpmath.mpf(0)] * 6
        for i, sign in moves:
            move[i] += sign * step
        return objective(move)

    gradient = np.array([float((at((i, 1)) - at((i, -1))) / (2 * step)) for i in range(6)])
    hessian = np.empty((6, 6))
    for i in range(6):
        for j in range(i + 1):
            second = sum(a * b * at((i, a), (j, b)) for a in (1, -1) for b in (1, -1))
            hessian[i, j] = hessian[j, i] = float(second / (4 * step**2))
    return gradient, hessian


@pytest.mark.parametrize("known", [False, True], ids=["hidden", "some known"])
@pytest.mark.parametrize("theta", [THETA, NEAR_0_AND_1], ids=["inside", "near 0 and 1"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_gradient_and_hessian_are_those_of_the_objective(setting, theta, known):
    if "held coin" in setting:
        theta = np.where([True, False, True], theta, THETA)
    model, expected, _, _, free = around(setting, theta, WEIGHTS, known)
    with mpmath.workdps(40):
        gradient, hessian = derivatives(exact(setting, theta, WEIGHTS, known), mpmath.mpf(10) ** -9)
    assert_allclose(model.gradient[0, free], gradient[free], rtol=1e-11, atol=1e-12)  # rounding

    root = np.sqrt(1 / np.square(model.root.scale[0, free]))  # of D
    axes = model.eigenvectors[0][free]
    got = -root[:, None] * ((axes * model.eigenvalues[0]) @ axes.T) * root
    if free[0]:  # the package's log w need not add up to one; what that costs is n w w'
        got[:3, :3] += expected.n.sum() * np.outer(WEIGHTS, WEIGHTS)
    wanted = hessian[np.ix_(free, free)]
    assert_allclose(got, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())  # of an eigensystem


@pytest.mark.parametrize("known", [False, True], ids=["hidden", "some known"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_gradient_over_complete_information_is_the_em_step(setting, known):
    model, expected, at, problem, free = around(setting, THETA, WEIGHTS, known)
    moved, theta = m_step(problem, at, expected), at.components
    of_theta = (moved.components - theta) / (theta * (1 - theta))
    relative = np.concatenate([moved.weights / at.weights - 1, of_theta[..., 0]], axis=-1)
    step = model.root.scale**2 * model.gradient
    assert_allclose(step, relative, rtol=1e-11, atol=1e-14)  # rounding; held ones stay
    assert_array_equal(step[0, ~free], 0)


@pytest.mark.parametrize("setting", ["flat", "priors", "held weights"])
def test_missing_information_lies_between_none_and_all(setting):
    model, expected, *_ = around(setting, THETA, WEIGHTS, known=False)
    missing = expected.missing[0]
    assert_allclose(missing, missing.T, rtol=1e-13)
    assert np.linalg.eigvalsh(missing)[0] > -1e-12 * np.abs(missing).max()  # a covariance
    assert model.eigenvalues[0, -1] <= 1 + 1e-12


def test_nothing_is_missing_where_the_coins_are_known():
    model = BinomialMixture(2)
    counts = count_rows(model, [[3, 1], [0, 2]], None, [0, 1], reset=True)
    problem = as_problem(recipe_of(model), counts)
    at = Parameters(np.array([[0.3, 0.7]]), np.array([[[0.6], [0.2]]]))
    expected = e_step(problem, at, information=True)
    assert_array_equal(expected.missing, np.zeros((1, 4, 4)))
    assert_allclose(quadratic_at(problem, at, expected).eigenvalues, 1, rtol=1e-15)


@pytest.mark.parametrize("times", [1, 100])
def test_the_distance_from_the_summit_is_the_decrement_per_root_of_a_row(times):
    """Of one coin ``|h - n theta| / sqrt(n theta (1 - theta))``, however often its rows count."""
    model = BinomialMixture(1)
    counts = count_rows(model, [[7, 13], [2, 8]], np.full(2, times), None, reset=True)
    problem = as_problem(recipe_of(model), counts)
    at = Parameters(np.ones((1, 1)), np.array([[[0.4]]]))
    quadratic = quadratic_at(problem, at, e_step(problem, at, information=True))
    decrement = abs(9 - 30 * 0.4) / np.sqrt(30 * 0.4 * 0.6)
    assert_allclose(quadratic.distance, decrement / np.sqrt(2), rtol=1e-12)
    assert_allclose(quadratic.remaining_gain(), times * decrement**2 / 2, rtol=1e-12)


def test_newton_gives_way_to_em_after_steps_that_do_not_climb_and_where_a_weight_doubles():
    """The first step is EM's; so is one of a start whose weight of next to nothing would double."""
    _, _, _, problem, _ = around("flat", THETA, WEIGHTS, known=False)
    faded = Parameters(np.array([[1e-9, 0.6, 0.4 - 1e-9]]), THETA[None, :, None])
    usual = Parameters(WEIGHTS[None], THETA[None, :, None])
    for at, gives_way in ((usual, False), (faded, True)):
        by_em = m_step(problem, at, expected := e_step(problem, at, information=True))
        state = first_state(problem, at)
        first, done = newton_step(problem, state, 1e-9)
        assert_allclose(first.parameters.components, by_em.components, rtol=1e-14)
        assert not done.any()
        for rejected in (0, MOST_REJECTED):
            later = replace(state, e_step=expected, rejected=np.array([rejected]))
            after, _ = newton_step(problem, later, 1e-9)
            same = np.allclose(after.parameters.components, by_em.components, rtol=1e-12)
            assert same == (gives_way or rejected == MOST_REJECTED)


def test_a_step_whose_gain_no_float_can_show_is_taken_if_nothing_is_lost():
    """A hair from the top the objective is that of the top, to the last bit; the theta is not."""
    model = BinomialMixture(1)
    problem = as_problem(recipe_of(model), count_rows(model, [[300, 700]], None, None, reset=True))
    n_taken = 0
    for off in 1e-9 * np.arange(-10, 11):
        at = Parameters(np.ones((1, 1)), np.array([[[0.3 + off]]]))
        state = replace(first_state(problem, at), e_step=e_step(problem, at, information=True))
        after, _ = newton_step(problem, state, 1e-9)
        if after.rejected[0] == 0:
            assert_allclose(after.parameters.components, 0.3, rtol=1e-14)
            n_taken += after.e_step.objective[0] == state.e_step.objective[0]
    assert n_taken > 5


def overfitted(rng):
    """Too many coins for few rows of equal length."""
    heads = rng.binomial(8, rng.choice([0.3, 0.6], size=15))
    return np.column_stack([heads, 8 - heads]), {"n_components": 5}


def at_the_boundary(rng):
    heads = rng.binomial(6, rng.choice([0, 0.5, 1], size=40))
    return np.column_stack([heads, 6 - heads]), {"n_components": 3}


def nearly_equal(rng):
    n = rng.integers(1, 30, size=80)
    heads = rng.binomial(n, rng.choice([0.48, 0.52], size=80))
    return np.column_stack([heads, n - heads]), {"n_components": 3}


def held_parameters(rng):
    X, _ = nearly_equal(rng)
    return X, {
        "n_components": 3,
        "theta_init": rng.uniform(size=3),
        "learn_theta": rng.uniform(size=3) < 0.5,
        "weights_init": rng.dirichlet(np.ones(3)),
        "learn_weights": bool(rng.uniform() < 0.5),
    }


def with_priors(rng):
    X, _ = at_the_boundary(rng)
    return X, {
        "n_components": 4,
        "theta_prior": tuple(rng.uniform(1, 6, size=2)),
        "weights_prior": rng.uniform(1, 6),
    }


def from_far(rng):
    X, _ = overfitted(rng)
    theta = np.array([1e-9, 1e-3, 0.5, 1 - 1e-9])
    weights = [0.997, 1e-3, 1e-3, 1e-3]
    return X, {"n_components": 4, "theta_init": theta, "weights_init": weights}


FAMILIES = [overfitted, at_the_boundary, nearly_equal, held_parameters, with_priors, from_far]


@pytest.mark.parametrize("known", [False, True], ids=["hidden", "some known"])
@pytest.mark.parametrize("family", FAMILIES)
def test_no_step_of_many_random_climbs_loses(family, known):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, parameters = family(rng)
        coins = np.where(rng.uniform(size=len(X)) < 0.2, 0, -1) if known else None
        sample_weight = rng.exponential(size=len(X)) if seed % 2 else None
        model = BinomialMixture(**parameters, tol=1e-10)
        fit_to_the_end(model, X, sample_weight=sample_weight, coins=coins)
        assert np.isfinite(model.lower_bounds_).all(), seed
        assert np.diff(model.lower_bounds_).min() >= -1e-13, seed  # rounding of up to 20 per row
        assert model.n_iter_ < 500, seed
        assert model.lower_bounds_.shape == (model.n_iter_ + 1,)
        assert model.theta_path_.shape == model.weights_path_.shape
        assert model.theta_path_.shape == (model.n_iter_ + 1, len(model.theta_))
        assert_allclose(model.weights_path_.sum(axis=1), 1, rtol=1e-14)  # rounding
        assert model.theta_path_.min() >= 0
        assert model.theta_path_.max() <= 1


@pytest.mark.parametrize("n_starts", [4, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", FAMILIES)
def test_both_solvers_reach_maxima_of_like_height_and_newton_sooner(family, n_starts):
    """From one start: the same maximum, or another that Newton's longer steps found.

    A start may lie between two maxima. Where EM ends more than 1e-4 above Newton in more than one
    start of twenty, Newton's steps would be too bold; measured: at most one.
    """
    lower = 0
    for seed in range(n_starts):
        X, parameters = family(np.random.default_rng(seed))
        rates = np.linspace(0.9, 0.1, parameters["n_components"])
        parameters = {"theta_init": rates, **parameters, "tol": 1e-9, "max_iter": 20_000}
        newton = fit_to_the_end(BinomialMixture(**parameters), X)
        em = fit_to_the_end(BinomialMixture(**parameters, solver="em"), X)
        lower += len(X) * (em.lower_bound_ - newton.lower_bound_) > 1e-4
        assert newton.n_iter_ <= max(em.n_iter_, 60), seed
    assert lower <= 1


BOUNDARY = [
    pytest.param(name, kind, n_coins, id=f"{name}-{kind}-{n_coins}")
    for name, reference in REFERENCES["sets"].items()
    for kind in ("free", "equal")
    for n_coins in (1, 2, 3, 4)
    if "theta_at_boundary" in (entry := reference[kind][str(n_coins)])
    and "degenerate" not in entry
    and not entry.get("tied_thetas")
    and np.max(reference["sum_trials"]) > reference["n_rows"]  # one toss a row: any coins will do
]


@pytest.mark.parametrize(("name", "kind", "n_coins"), BOUNDARY)
def test_thetas_end_at_exactly_0_or_1_where_the_maximum_is_there_and_only_there(
    name, kind, n_coins
):
    X, sample_weight = load_set(name)
    entry = REFERENCES["sets"][name][kind][str(n_coins)]
    model = BinomialMixture(n_coins, learn_weights=kind == "free")
    model.fit(X, sample_weight=sample_weight)
    theta = np.sort(model.theta_)
    assert_array_equal((theta == 0) | (theta == 1), entry["theta_at_boundary"])
    # tol=1e-6 of log-likelihood: sqrt(2e-6) standard errors.
    assert_allclose(theta, entry["thetas"], atol=5e-4)


@pytest.mark.parametrize(
    ("name", "kind", "n_coins", "theta"),
    [
        ("rat_tumours", "free", 3, 0.0),
        ("lirat", "free", 3, 1.0),
        ("lirat", "free", 4, 1.0),
        ("saxony_families12", "free", 4, 1.0),
        ("lirat", "equal", 3, 0.997923729587),
    ],
)
@pytest.mark.parametrize("start", ["own start", "given start"])
def test_the_end_of_the_scale_is_where_the_literature_has_it(name, kind, n_coins, theta, start):
    X, sample_weight = load_set(name)
    entry = REFERENCES["sets"][name][kind][str(n_coins)]
    given = {}
    if start == "given start":
        given["theta_init"] = 0.01 + 0.98 * np.array(entry["thetas"])
        given["weights_init"] = entry["weights"]
    model = BinomialMixture(n_coins, **given, learn_weights=kind == "free", tol=1e-12)
    model.fit(X, sample_weight=sample_weight)
    closest = model.theta_[np.abs(model.theta_ - theta).argmin()]
    if theta in (0, 1):
        assert closest == theta
    else:
        assert closest == pytest.approx(theta, abs=1e-9)  # near the square root of its rounding


def test_two_coins_of_one_side_each_are_exact():
    X, _ = load_set("collins_three_coins")
    model = BinomialMixture(theta_init=[0.6, 0.4]).fit(X)
    assert_array_equal(model.theta_, [1, 0])
    assert_allclose(model.weights_, [0.6, 0.4], rtol=0, atol=1e-6)
    em = BinomialMixture(theta_init=[0.6, 0.4], solver="em").fit(X)
    assert_allclose(em.theta_, [1, 0], rtol=0, atol=1e-6)  # what tol leaves


@pytest.mark.parametrize("useless", [[0.999], [0.98, 0.999], [0.001, 0.999]])
def test_weights_of_coins_that_no_row_wants_end_at_exactly_0(useless):
    X = [[1, 9], [2, 8], [3, 7], [2, 8], [5, 5], [6, 4]]
    theta = [0.2, 0.55, *useless]
    model = BinomialMixture(len(theta), theta_init=theta, learn_theta=False).fit(X)
    assert_array_equal(model.weights_ == 0, [False, False, *[True] * len(useless)])
    assert model.converged_
    without = BinomialMixture(theta_init=theta[:2], learn_theta=False).fit(X)
    assert_allclose(model.weights_[:2], without.weights_, atol=1e-4)
    assert model.lower_bound_ == pytest.approx(without.lower_bound_, abs=2e-7)  # tol a row


def test_a_prior_keeps_everything_inside():
    for name in ("rat_tumours", "lirat", "collins_three_coins"):
        X, _ = load_set(name)
        model = BinomialMixture(4, theta_prior=(1.01, 1.01), weights_prior=1.01).fit(X)
        assert model.converged_
        assert 0 < model.theta_.min() < model.theta_.max() < 1
        assert model.weights_.min() > 0
