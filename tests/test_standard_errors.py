"""Standard errors: those of the references, of closed forms and of 90-digit second differences.

Where there are none, NaN; where there are none because of the data or the fit, a warning as well.
"""

import warnings
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from _exact import exact_objective
from _models import fit_quietly, held, to_the_last_digit
from _references import ENTRIES, USED, in_every_layout, load_set
from numpy.testing import assert_allclose, assert_array_equal

from skcoin import BinomialMixture, IdentifiabilityWarning, ThreeCoinModel
from skcoin.inspection import standard_errors

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:sample_weight sums"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
]
RATS, _ = load_set("rat_tumours")
SINGLE, _ = load_set("li_hang_three_coins")  # ten rows of one toss


def exact_covariance(model, X, sample_weight=None, coins=None):
    """Of theta and weights: minus the inverse Hessian of the exact objective, NaN for what is held.

    In the coordinates ``(theta, w_1, ..., w_{K-1})``, by central differences of 1e-25 with 90
    digits, so that 40 digits are right; the last weight by the delta method. What stands at 0 or 1
    is held.
    """
    theta, weights = model.theta_, model.weights_
    n_coins = len(theta)
    priors = {name: getattr(model, name) for name in ("theta_prior", "weights_prior")}
    learn = {name: getattr(model, name, True) for name in ("learn_theta", "learn_weights")}
    rows = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    coins = np.full(len(X), -1) if coins is None else np.asarray(coins)
    seen = rows > 0
    data = np.asarray(X)[seen].tolist(), rows[seen].tolist(), coins[seen]
    free_theta = np.flatnonzero(np.broadcast_to(learn["learn_theta"], n_coins) & inside(theta))
    share = np.flatnonzero(inside(weights)) if learn["learn_weights"] else []
    n_free = len(free_theta) + max(len(share) - 1, 0)
    toward = np.zeros((n_free, 2 * n_coins), dtype=int)
    toward[np.arange(len(free_theta)), free_theta] = 1
    for i in range(len(free_theta), n_free):
        toward[i, n_coins + share[i - len(free_theta)]] = 1
        toward[i, n_coins + share[-1]] = -1
    with mpmath.workdps(90):
        start = [mpmath.mpf(p) for p in [*theta.tolist(), *weights.tolist()]]
        h = mpmath.mpf(10) ** -25

        def objective(way):
            p = [a + h * int(b) for a, b in zip(start, way, strict=True)]
            return exact_objective(p[:n_coins], p[n_coins:], *data, **priors, **learn)

        hessian = mpmath.matrix(n_free, n_free)
        for i in range(n_free):
            for j in range(i + 1):
                a, b = toward[i], toward[j]
                both = objective(a + b) + objective(-a - b) - objective(a - b) - objective(b - a)
                hessian[i, j] = hessian[j, i] = both / (4 * h**2)
        inverse = np.array(((-hessian) ** -1).tolist(), dtype=float)
    covariance = toward.T @ inverse.reshape(n_free, n_free) @ toward
    missing = ~toward.any(axis=0)
    covariance[missing] = covariance[:, missing] = np.nan
    return covariance


def inside(p):
    return (p > 0) & (p < 1)


def assert_near(covariance, expected, rtol):
    """Relative to the errors: some covariances are differences that all but vanish."""
    scale = np.sqrt(np.diagonal(expected))
    assert_array_equal(np.isnan(covariance), np.isnan(expected))
    assert np.nanmax(np.abs(covariance - expected) / np.outer(scale, scale), initial=0) < rtol


def assert_no_errors(result):
    for value in result.values():
        assert np.isnan(value).all()


# --- Where the truth is known -------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind", "entry"), ENTRIES)
def test_errors_are_those_of_the_references(name, kind, entry):
    X, sample_weight = load_set(name)
    theta, weights = entry["thetas"], entry["weights"]
    model = BinomialMixture(
        len(theta), theta_init=theta, weights_init=weights, learn_weights=kind == "free"
    )
    fit_quietly(model, X, sample_weight=sample_weight)
    result = standard_errors(model, X, sample_weight)
    none = [None] * len(theta)
    # From the same coins, so that only rounding is left; 5e-11 where the least eigenvalue is 1e-4.
    near = {"rtol": 1e-9, "err_msg": name}
    assert_allclose(result.theta, np.array(entry.get("se_thetas", none), dtype=float), **near)
    assert_allclose(result.weights, np.array(entry.get("se_weights", none), dtype=float), **near)


@pytest.mark.parametrize(("name", "n_coins", "entry"), USED)
def test_a_fit_from_its_own_start_has_the_errors_of_the_references(name, n_coins, entry):
    X, sample_weight = load_set(name)
    model = fit_quietly(BinomialMixture(n_coins), X, sample_weight=sample_weight)
    result = standard_errors(model, X, sample_weight)
    expected = np.array(entry["se_thetas"], dtype=float)
    # Nearly six digits, though the fit has its default tolerance and may be 1e-6 from the maximum
    # in log-likelihood: its last step is Newton's.
    assert_allclose(result.theta[::-1], expected, rtol=2e-6)


def random_case(seed):
    """A model, and data of every kind that it can be given."""
    rng = np.random.default_rng(seed)
    n_coins, n_rows = int(rng.integers(1, 4)), int(rng.integers(5, 25))
    theta, weights = rng.uniform(size=n_coins), rng.dirichlet(np.full(n_coins, 3))
    z = rng.choice(n_coins, size=n_rows, p=weights)
    tosses = rng.integers(3, rng.choice([6, 20, 100]), size=n_rows)
    heads = rng.binomial(tosses, theta[z])
    X = np.column_stack([heads, tosses - heads]).astype(float)
    if rng.uniform() < 0.3:
        X *= rng.uniform(0.3, 1.5, size=X.shape).round(2)
    case = SimpleNamespace(X=X, sample_weight=None, coins=None)
    if rng.uniform() < 0.5:
        case.sample_weight = np.array([1, *rng.choice([0, 0.5, 1, 2, 7.25], size=n_rows - 1)])
    if rng.uniform() < 0.4:
        case.coins = np.where(rng.uniform(size=n_rows) < 0.4, z, -1)
    parameters = {}
    if rng.uniform() < 0.4:
        parameters["theta_prior"] = tuple(rng.choice([1, 1.5, 3], size=2).tolist())
    if rng.uniform() < 0.4:
        parameters["weights_prior"] = float(rng.choice([1.5, 4]))
    if rng.uniform() < 0.2:
        parameters |= {"learn_weights": False, "weights_init": weights}
    if rng.uniform() < 0.2:
        learn = [True, *(rng.uniform(size=n_coins - 1) < 0.5).tolist()]
        parameters |= {"theta_init": theta, "learn_theta": learn}
    case.model = to_the_last_digit(n_coins, **parameters)
    return case


@pytest.mark.parametrize("seed", range(60))
def test_covariance_is_the_inverse_of_exact_second_differences(seed):
    case = random_case(seed)
    known = {"sample_weight": case.sample_weight, "coins": case.coins}
    model = fit_quietly(case.model, case.X, **known)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = standard_errors(model, case.X, **known)
    if caught:  # some sets have a coin to spare
        assert [warning.category for warning in caught] == [IdentifiabilityWarning]
        assert_no_errors(result)
        return
    # The climb ends where rounding hides any gain. What is left of the gradient, the square root of
    # that, counts as curvature, the more the flatter it is.
    assert_near(result.covariance, exact_covariance(model, case.X, **known), rtol=1e-7)


@pytest.mark.slow
def test_few_of_the_random_cases_are_singular():
    """So that the test above is about numbers."""
    n_singular = 0
    for seed in range(60):
        case = random_case(seed)
        known = {"sample_weight": case.sample_weight, "coins": case.coins}
        model = fit_quietly(case.model, case.X, **known)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = standard_errors(model, case.X, **known)
        n_singular += np.isnan(result.theta).all() and np.isnan(result.weights).all()
    assert n_singular <= 12


@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses", "tosses"])
@pytest.mark.parametrize("estimator", [BinomialMixture, ThreeCoinModel])
def test_covariance_is_exact_in_every_layout(estimator, layout):
    rng = np.random.default_rng(1)
    cells = (rng.uniform(size=(40, 9)) < rng.choice([0.2, 0.7], size=(40, 1))).astype(float)
    cells[rng.uniform(size=cells.shape) < 0.2] = np.nan
    layouts = in_every_layout(cells)
    model = estimator(layout=layout, tol=0).fit(layouts[layout])
    result = standard_errors(model, layouts[layout])
    expected = exact_covariance(model, layouts["heads_tails"])
    # The climb ends where rounding hides any gain, which is the square of a distance.
    assert_near(result.covariance, expected, rtol=1e-8)
    assert_allclose(result.theta, np.sqrt(np.diagonal(expected))[:2], rtol=1e-8)


@pytest.mark.parametrize(
    ("X", "sample_weight"),
    [
        ([[3, 7], [5, 2], [0, 4]], None),
        ([[0.3, 1.2], [2.5, 0.1]], [2, 0.5]),
        ([[1, 0], [0, 1]], [9, 1]),
    ],
)
def test_one_coin_has_the_error_of_a_rate(X, sample_weight):
    model = BinomialMixture(1).fit(X, sample_weight=sample_weight)
    result = standard_errors(model, X, sample_weight)
    rows = np.ones(len(X)) if sample_weight is None else np.array(sample_weight)
    theta, tosses = model.theta_[0], rows @ np.sum(X, axis=1)
    assert result.theta[0] == pytest.approx(np.sqrt(theta * (1 - theta) / tosses), rel=1e-13)
    assert_array_equal(result.weights, [np.nan])
    expected = [[result.theta[0] ** 2, np.nan], [np.nan, np.nan]]
    assert_allclose(result.covariance, expected, rtol=1e-14)


def test_a_prior_counts_as_the_tosses_it_stands_for():
    model = BinomialMixture(1, theta_prior=(3, 1.5)).fit([[4, 8]])
    theta = (4 + 2) / (12 + 2.5)
    expected = np.sqrt(theta * (1 - theta) / (12 + 2.5))
    assert standard_errors(model, [[4, 8]]).theta[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("n_coins", [2, 3])
def test_with_all_coins_known_the_errors_are_those_of_complete_data(n_coins):
    rng = np.random.default_rng(n_coins)
    z = np.arange(30) % n_coins
    heads = rng.binomial(12, np.linspace(0.2, 0.8, n_coins)[z])
    X = np.column_stack([heads, 12 - heads])
    rows = rng.integers(1, 4, size=30)
    model = BinomialMixture(n_coins).fit(X, sample_weight=rows, coins=z)
    result = standard_errors(model, X, rows, coins=z)
    share = np.bincount(z, rows) / rows.sum()
    theta = np.bincount(z, rows * heads) / (12 * np.bincount(z, rows))
    of_theta = np.diag(theta * (1 - theta) / (12 * np.bincount(z, rows)))
    of_weights = (np.diag(share) - np.outer(share, share)) / rows.sum()
    zero = np.zeros((n_coins, n_coins))
    expected = np.block([[of_theta, zero], [zero, of_weights]])
    assert_near(result.covariance, expected, rtol=1e-13)


# --- The covariance -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"learn_weights": False},
        {"theta_init": [0.3, 0.1, 0.02], "learn_theta": [True, False, True]},
        {"theta_prior": (2, 3), "weights_prior": 2},
    ],
)
def test_covariance_holds_theta_then_weights(parameters):
    model = to_the_last_digit(3, **parameters).fit(RATS)
    result = standard_errors(model, RATS)
    covariance = result.covariance
    assert covariance.shape == (6, 6)
    errors = np.concatenate([result.theta, result.weights])
    assert_array_equal(np.sqrt(np.diagonal(covariance)), errors)
    missing = np.isnan(errors)
    assert_array_equal(np.isnan(covariance), missing | missing[:, None])
    scale = np.nanmax(np.abs(covariance))
    assert_allclose(covariance, covariance.T, rtol=0, atol=1e-15 * scale)
    there = covariance[np.ix_(~missing, ~missing)]
    assert np.linalg.eigvalsh(there).min() > -1e-14 * scale
    # Weights sum to one, whatever else moves.
    learns_weights = parameters.get("learn_weights", True)
    assert missing[3:].all() == (not learns_weights)
    if learns_weights:
        assert_allclose(np.nansum(covariance[:, 3:], axis=1), 0, rtol=0, atol=1e-14 * scale)


def test_two_weights_have_one_error():
    result = standard_errors(BinomialMixture().fit(RATS), RATS)
    assert result.weights[0] == pytest.approx(result.weights[1], rel=1e-14)


def test_coins_carry_their_errors_with_them_when_their_order_changes():
    model = to_the_last_digit(3).fit(RATS[RATS.sum(axis=1) > 15])
    order = [2, 0, 1]
    other = to_the_last_digit(3, theta_init=model.theta_[order], weights_init=model.weights_[order])
    other.fit(RATS[RATS.sum(axis=1) > 15])
    result = standard_errors(model, RATS[RATS.sum(axis=1) > 15])
    permuted = standard_errors(other, RATS[RATS.sum(axis=1) > 15])
    assert_allclose(permuted.theta, result.theta[order], rtol=1e-9)
    assert_allclose(permuted.weights, result.weights[order], rtol=1e-9)
    both = [*order, *(3 + np.array(order))]
    assert_near(permuted.covariance, result.covariance[np.ix_(both, both)], rtol=1e-9)


def test_heads_and_tails_have_the_same_errors():
    model = to_the_last_digit(2).fit(RATS)
    other = to_the_last_digit(2).fit(RATS[:, ::-1])
    result, turned = standard_errors(model, RATS), standard_errors(other, RATS[:, ::-1])
    assert_allclose(turned.theta, result.theta[::-1], rtol=1e-8)
    assert_allclose(turned.weights, result.weights[::-1], rtol=1e-8)


# --- What has no error --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "n_coins"),
    [
        ("rat_tumours", "free", 3),
        ("saxony_families12", "free", 4),
        ("lirat", "free", 3),
        ("lirat", "free", 4),
        ("lirat", "equal", 4),
        ("collins_three_coins", "free", 2),
    ],
)
def test_a_theta_at_0_or_1_is_taken_as_known(name, kind, n_coins):
    X, sample_weight = load_set(name)
    shares = kind == "free"
    model = to_the_last_digit(n_coins, learn_weights=shares).fit(X, sample_weight=sample_weight)
    at_boundary = ~inside(model.theta_)
    assert at_boundary.any()
    result = standard_errors(model, X, sample_weight)
    assert_array_equal(np.isnan(result.theta), at_boundary)
    assert np.isnan(result.weights).all() == (not shares)
    conditional = to_the_last_digit(
        n_coins,
        theta_init=model.theta_,
        weights_init=model.weights_,
        learn_theta=(~at_boundary).tolist(),
        learn_weights=shares,
    ).fit(X, sample_weight=sample_weight)
    held_there = standard_errors(conditional, X, sample_weight)
    for part in ("theta", "weights"):
        assert_allclose(result[part], held_there[part], rtol=1e-6)  # two climbs to the last digit


def test_a_lone_coin_at_0_or_1_has_no_error():
    for X in ([[0, 5]], [[5, 0], [2, 0]]):
        assert_no_errors(standard_errors(BinomialMixture(1).fit(X), X))


def test_a_prior_keeps_a_coin_from_0_and_gives_it_an_error():
    model = BinomialMixture(1, theta_prior=(2, 2)).fit([[0, 6]])
    theta = 1 / 8
    expected = np.sqrt(theta * (1 - theta) / 8)
    assert standard_errors(model, [[0, 6]]).theta[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("name", ["rat_tumours", "lirat"])
def test_a_coin_on_its_way_to_0_or_1_is_taken_as_there(name):
    X, _ = load_set(name)
    on_its_way = BinomialMixture(3, solver="em").fit(X)
    there = to_the_last_digit(3).fit(X)
    assert inside(on_its_way.theta_).all()
    assert not inside(there.theta_).all()
    result, expected = standard_errors(on_its_way, X), standard_errors(there, X)
    assert np.isnan(expected.theta).any()
    # EM ends 1e-6 in log-likelihood from the maximum, a thousandth of a standard error or so.
    assert_allclose(result.theta, expected.theta, rtol=3e-3)
    assert_allclose(result.weights, expected.weights, rtol=3e-3)


def test_a_coin_without_weight_has_no_error_and_leaves_those_of_the_others():
    X = np.array([[1, 19], [3, 17], [2, 18], [9, 11], [10, 10], [11, 9], [8, 12]])
    given = {"theta_init": [0.1, 0.5, 0.9], "learn_theta": [True, True, False]}
    model = to_the_last_digit(3, **given).fit(X)
    assert model.weights_[2] == 0
    two = to_the_last_digit(2, theta_init=[0.1, 0.5]).fit(X)
    result, expected = standard_errors(model, X), standard_errors(two, X)
    for part in ("theta", "weights"):
        assert_array_equal(np.isnan(result[part]), [False, False, True])
        assert_allclose(result[part][:2], expected[part], rtol=1e-10)


def test_with_all_weight_on_one_coin_it_has_the_error_of_a_lone_one():
    X = np.array([[6, 4], [7, 3], [5, 5], [6, 4]])
    model = BinomialMixture(theta_init=[0.5, 0.1], learn_theta=[True, False]).fit(X)
    assert_array_equal(model.weights_, [1, 0])
    result = standard_errors(model, X)
    assert result.theta[0] == pytest.approx(np.sqrt(0.6 * 0.4 / 40), rel=1e-6)  # of the fit
    assert np.isnan(result.theta[1])
    assert np.isnan(result.weights).all()


def test_what_is_held_has_no_error():
    assert_no_errors(standard_errors(held([0.2, 0.05], [0.6, 0.4], RATS), RATS))
    some = BinomialMixture(theta_init=[0.2, 0.05], learn_theta=[True, False]).fit(RATS)
    result = standard_errors(some, RATS)
    assert_array_equal(np.isnan(result.theta), [False, True])
    assert not np.isnan(result.weights).any()
    weights = standard_errors(BinomialMixture(learn_weights=False).fit(RATS), RATS).weights
    assert_array_equal(weights, [np.nan, np.nan])


def test_holding_more_makes_the_other_errors_smaller():
    free = to_the_last_digit(2).fit(RATS)
    start = {"theta_init": free.theta_, "weights_init": free.weights_}
    errors = standard_errors(free, RATS).theta[0]
    for hold in ({"learn_theta": [True, False]}, {"learn_weights": False}):
        model = to_the_last_digit(2, **start, **hold).fit(RATS)
        assert standard_errors(model, RATS).theta[0] < errors


# --- Data are counts ----------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [2, 0.37, 1e8, 1e-3])
def test_errors_fall_with_the_root_of_the_weight(factor):
    rows = np.full(len(RATS), float(factor))
    once = standard_errors(to_the_last_digit(2).fit(RATS), RATS)
    model = to_the_last_digit(2).fit(RATS, sample_weight=rows)
    result = standard_errors(model, RATS, rows)
    for name, power in (("theta", 0.5), ("weights", 0.5), ("covariance", 1)):
        # Both fits are at the same maximum, but for what rounding leaves of it: a root of epsilon.
        assert_allclose(result[name] * factor**power, once[name], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("powers", [(3, 4, 5), (9, 10, 11), (12, 13, 14)])
def test_rates_that_scatter_far_more_than_those_of_one_coin_cost_no_digits(powers):
    rates = np.random.default_rng(0).uniform(0.1, 0.9, size=300)
    for power in powers:
        tosses = 10**power
        heads = np.rint(rates * tosses)
        X = np.column_stack([heads, tosses - heads])
        model = BinomialMixture(1).fit(X)
        theta = model.theta_[0]
        expected = np.sqrt(theta * (1 - theta) / (300 * tosses))
        assert standard_errors(model, X).theta[0] == pytest.approx(expected, rel=1e-10)


def test_thetas_next_to_0_and_1_keep_their_digits():
    X = [[3, 10**12 - 3], [10**12 - 7, 7]]
    model = BinomialMixture().fit(X)
    tails_and_heads = np.array([7e-12, 3e-12])
    # At 1 - 7e-12 floats are 1e-16 apart, which is 1e-5 of the distance from 1.
    assert_allclose(standard_errors(model, X).theta, np.sqrt(tails_and_heads / 1e12), rtol=1e-4)
