"""Digits at very many tosses, up to 2**53 in a cell, against 60 digits of mpmath."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from _assertions import assert_refuses
from _exact import exact_log_binomial_coefficient
from _models import held
from numpy.testing import assert_allclose

from skcoin import BinomialMixture, NonparametricBinomialMixture
from skcoin._base import count_rows, mixture_of, recipe_of
from skcoin._em.e_step import e_step
from skcoin._em.parameters import Parameters
from skcoin._families import twofold
from skcoin._families.nonparametric import npmle
from skcoin._fit import as_problem
from skcoin.inspection import confidence_intervals, optimality_gap

MOST = 2**53
Z = np.array([[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]])


@pytest.fixture(autouse=True)
def sixty_digits():
    with mpmath.workdps(60):
        yield


def exact_logs(theta, weights, heads, tails):
    """``log w_k + h log theta_k + t log(1 - theta_k)`` of each coin."""
    heads, tails, log = mpmath.mpf(heads), mpmath.mpf(tails), mpmath.log

    def times(n, p):
        return n * log(p) if n else mpmath.mpf(0)

    return [
        log(w) + times(heads, p) + times(tails, 1 - p)
        for p, w in ((mpmath.mpf(p), mpmath.mpf(w)) for p, w in zip(theta, weights, strict=True))
    ]


def exact_row(theta, weights, heads, tails):
    """The log-density of a row without its coefficient, and its posterior."""
    logs = exact_logs(theta, weights, heads, tails)
    ratios = [mpmath.exp(x - max(logs)) for x in logs]
    return max(logs) + mpmath.log(sum(ratios)), [float(r / sum(ratios)) for r in ratios]


def mixtures_and_rows(seed, n_cases=150):
    """Coins near a row, or far from it on either side, and rows up to the largest."""
    rng = np.random.default_rng(seed)
    for i in range(n_cases):
        n, k = 2 ** rng.uniform(0, 53), int(rng.integers(2, 5))
        rate = (rng.uniform(), 10 ** -rng.uniform(0, 12), 1 - 10 ** -rng.uniform(0, 12))[i % 3]
        heads = np.floor(n * rate)
        tails = np.floor(n - heads)
        if i % 5 == 0:
            heads, tails = heads + rng.uniform(), tails + rng.uniform()
        own = np.clip(heads / max(heads + tails, 1), 1e-12, 1 - 1e-12)
        width = np.sqrt(own * (1 - own) / n)
        tiny = 10 ** -rng.uniform(0, 300)
        weights = rng.dirichlet(np.ones(k))
        yield (
            np.clip(own + 2 * width * rng.normal(size=k), 1e-300, 1 - 1e-16),
            weights,
            heads,
            tails,
        )
        yield rng.uniform(size=k), weights, heads, tails
        yield [tiny, tiny * (1 + 20 * rng.uniform() / max(heads, 20))], [0.4, 0.6], heads, tails
        yield [tiny, 1 - max(tiny, 1e-16)], [0.5, 0.5], heads, heads


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["heads_tails", "tosses"])
def test_posterior_and_log_likelihood_keep_twelve_digits_up_to_the_largest_counts(layout):
    """The posterior to 1e-12, the log-likelihood to 1e-12 or as much of itself."""
    for theta, weights, heads, tails in mixtures_and_rows(0 if layout == "tosses" else 1):
        model = held(theta, weights, [[1, 2]])
        mixture = replace(mixture_of(model), in_order=layout == "tosses")
        of_row = np.array([float(heads)]), np.array([float(tails)])
        log_f, expected = exact_row(theta, model.weights_, heads, tails)
        if layout == "heads_tails":
            log_f += exact_log_binomial_coefficient(heads, tails)
        case = f"{list(theta)} {list(weights)} {heads} {tails}"
        posterior, [log_likelihood] = mixture.posterior(*of_row)[0], mixture.log_likelihood(*of_row)
        assert_allclose(posterior, expected, rtol=0, atol=1e-12, err_msg=case)
        assert abs(posterior.sum() - 1) < 1e-15
        assert abs(log_likelihood - log_f) < 1e-12 * max(1, abs(log_f)), case


def test_the_e_step_keeps_twelve_digits_up_to_the_largest_counts():
    rng = np.random.default_rng(2)
    n = np.floor(2 ** rng.uniform(2, 52.9, size=60))
    heads = np.floor(n * np.clip(0.3 + rng.normal(size=60) * np.sqrt(0.2 / n), 0, 1))
    X = np.column_stack([heads, n - heads])
    for width in 2.0 ** -np.arange(1, 27, 5):
        theta, weights = np.array([0.3 - width / 2, 0.3, 0.3 + width]), np.array([0.2, 0.5, 0.3])
        model = BinomialMixture(3, theta_init=theta, weights_init=weights)
        problem = as_problem(recipe_of(model), count_rows(model, X, reset=True))
        got = e_step(problem, Parameters(weights, theta[:, None])[None])
        rows = [exact_row(theta, weights, *row) for row in problem.table[:2].T]
        shares = np.array([share for _, share in rows])
        assert_allclose(got.n[0], shares.sum(axis=0), rtol=1e-12, atol=1e-12)
        assert_allclose(got.statistics[0], shares.T @ problem.table[:2].T, rtol=1e-12, atol=1e-9)
        # It is relative to the own rates of the deep rows, which are free of the parameters.
        highest = sum(mpmath.mpf(high) + mpmath.mpf(low) for high, low in problem.table[2:4].T)
        exact = sum(log_f for log_f, _ in rows) - highest
        assert abs(got.objective[0] - exact) < 1e-11 * max(1, abs(exact))


def test_twofold_logarithms_have_thirty_digits():
    rng = np.random.default_rng(3)
    x = np.concatenate(
        [
            rng.uniform(size=200),
            10 ** -rng.uniform(0, 300, size=50),
            1 - 10 ** -rng.uniform(1, 15, size=50),
            2.0 ** -np.arange(1, 40),
            [5e-324, 1 - 2**-53, 3.0, 2.0**53 + 2],
        ]
    )
    for x_, high, low in zip(x, *twofold.log(x, 0.0), strict=True):
        exact = mpmath.log(mpmath.mpf(x_))
        assert abs(mpmath.mpf(high) + mpmath.mpf(low) - exact) < 4e-30 * abs(exact), x_


@pytest.mark.parametrize("scale", [1, 10**4, 10**9, 5 * 10**14])
@pytest.mark.parametrize("prior", [(1, 1), (3, 2), (1e6, 2e6)])
def test_the_lower_bound_of_known_rows_keeps_its_digits(scale, prior):
    X, coins = Z * scale, [-1, 0, -1, 1, -1]
    model = BinomialMixture(theta_prior=prior, weights_prior=2).fit(X, coins=coins)
    exact = sum(mpmath.log(mpmath.mpf(w)) for w in model.weights_)
    for theta in map(mpmath.mpf, model.theta_):
        exact += (prior[0] - 1) * mpmath.log(theta) + (prior[1] - 1) * mpmath.log(1 - theta)
    for (heads, tails), coin in zip(X.tolist(), coins, strict=True):
        row = model.theta_, model.weights_, heads, tails
        exact += exact_row(*row)[0] if coin < 0 else exact_logs(*row)[coin]
        exact += exact_log_binomial_coefficient(heads, tails)
    assert abs(5 * model.lower_bound_ - exact) < 1e-11 * max(1, abs(exact))


def random_fit(seed):
    """A table of many, few or next to no tosses, perhaps with weights, known coins and priors."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 8)), int(rng.integers(1, 4))
    most = 2 ** rng.uniform(20, 52)
    rate = rng.uniform()
    near = np.clip(rate + 3 * np.sqrt(rate * (1 - rate) / most) * rng.normal(size=n), 0, 1)
    X = (
        lambda: np.floor(2 ** rng.uniform(0, 53, (n, 2))),
        lambda: np.floor(most * rng.uniform(0.2, 0.8, (n, 2))),
        lambda: 10 ** rng.uniform(-25, 2, (n, 2)),
        lambda: 10 ** rng.uniform(-20, 15.9, (n, 2)),
        lambda: np.floor(most * np.column_stack([near, 1 - near])),
    )[seed % 5]()
    X[rng.uniform(size=X.shape) < 0.1] = 0
    X[0, 0] += not X.any()
    fit_params = {}
    if rng.uniform() < 0.4:
        fit_params["sample_weight"] = 10 ** rng.uniform(-3, 12, size=n)
    if rng.uniform() < 0.3:
        fit_params["coins"] = rng.integers(-1, k, size=n)
    priors = {}
    if rng.uniform() < 0.3:
        priors = {
            "theta_prior": tuple((10 ** rng.uniform(0, 6, size=2)).tolist()),
            "weights_prior": float(10 ** rng.uniform(0, 3)),
        }
    solver = ("em-newton", "em")[seed // 5 % 2]
    return BinomialMixture(k, solver=solver, max_iter=200, **priors), X, fit_params


def assert_never_falls(seed):
    model, X, fit_params = random_fit(seed)
    bounds = model.fit(X, **fit_params).lower_bounds_
    assert np.isfinite(bounds).all(), seed
    fall = np.diff(bounds) / np.maximum(1, np.abs(bounds[:-1]))
    assert fall.min(initial=0) > -1e-12, seed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "error::RuntimeWarning")
@pytest.mark.parametrize("first", range(0, 200, 50))
def test_the_bound_never_falls(first):
    for seed in range(first, first + 50):
        assert_never_falls(seed)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "error::RuntimeWarning")
@pytest.mark.parametrize("first", range(200, 2000, 100))
def test_the_bound_of_many_tables_never_falls(first):
    for seed in range(first, first + 100):
        assert_never_falls(seed)


@pytest.mark.filterwarnings("ignore::UserWarning", "error::RuntimeWarning")
@pytest.mark.parametrize("init_params", ["auto", "quantile", "k-means++", "random"])
@pytest.mark.parametrize(
    ("n_components", "X", "sample_weight"),
    [
        (1, [[10, 0], [0, 1]], [1e17, 1]),
        (2, [[10, 0], [0, 1], [MOST, 1]], [1e17, 1, 1e15]),
        (2, [[MOST, 0], [MOST, 1e-20]], None),
        (2, [[2**52, 2**52], [2**52 + 1, 2**52], [2**52 + 2, 2**52 + 1]], None),
        (3, [[1, 1e-25], [1, 2e-25], [1, 3e-25], [1, 4e-25]], None),
    ],
)
def test_own_starts_stand_rates_that_round_to_one_or_to_each_other(
    n_components, X, sample_weight, init_params
):
    model = BinomialMixture(n_components, init_params=init_params, random_state=0)
    model.fit(X, sample_weight=sample_weight)
    assert np.isfinite(model.lower_bounds_).all()
    assert np.all((model.theta_ >= 0) & (model.theta_ <= 1))


@pytest.mark.slow
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_an_odd_group_does_not_keep_the_others_from_their_fits():
    pl = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    from skcoin.frames import fit_groups

    odd = [[2**52, 2**52, 1], [2**52 + 1, 2**52, 1], [2**52 + 2, 2**52 + 1, 1]]
    rows = [*odd, [10, 0, 1e17], [0, 1, 1], *([*row, 1] for row in Z.tolist())]
    table = pl.DataFrame(rows, schema=["heads", "tails", "rows"], orient="row", strict=False)
    table = table.with_columns(pl.Series("group", ["a"] * 3 + ["b"] * 2 + ["c"] * 5))
    fits = fit_groups(BinomialMixture(2), table, by="group")
    alone = BinomialMixture(2).fit(Z)
    assert fits["group"].to_list() == ["a", "b", "c"]
    assert_allclose([fits["theta0"][2], fits["theta1"][2]], alone.theta_, rtol=1e-9)


@pytest.mark.parametrize("weight", [1e6, 1e11, 1e12])
def test_profile_intervals_shrink_with_the_root_of_the_weight(weight):
    model = BinomialMixture(2).fit(Z, sample_weight=[weight] * 5)
    wald, profile = (
        confidence_intervals(model, Z, sample_weight=[weight] * 5, method=method).theta
        for method in ("wald", "profile")
    )
    # Rounding of the objective may hide a drop of 1e-15 of it, which is allowed for.
    assert_allclose(profile - model.theta_[:, None], wald - model.theta_[:, None], rtol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("weight", [1e15, 1e17])
def test_profile_intervals_hold_the_true_ones_where_rounding_hides_the_drop(weight):
    model = BinomialMixture(2, tol=1e-6 * weight).fit(Z, sample_weight=[weight] * 5)
    [lower, upper] = confidence_intervals(
        model, Z, sample_weight=[weight] * 5, method="profile"
    ).theta.T
    one = BinomialMixture(2).fit(Z, sample_weight=[1e6] * 5)
    wald = confidence_intervals(one, Z, sample_weight=[1e6] * 5).theta
    half = (wald[:, 1] - wald[:, 0]) / 2 * np.sqrt(1e6 / weight)
    assert np.all(lower <= one.theta_ - 0.9 * half)
    assert np.all(upper >= one.theta_ + 0.9 * half)


@pytest.mark.parametrize("weight", [1.0, 1e6, 1e12])
def test_the_gap_holds_what_there_is_to_gain_at_any_weight(weight):
    X, sample_weight = [*Z.tolist(), [3, 7]], [weight] * 6
    model = BinomialMixture(1, tol=1e-9).fit(X, sample_weight=sample_weight)
    best = NonparametricBinomialMixture().fit(X, sample_weight=sample_weight)
    nearly = BinomialMixture(2, theta_init=best.theta_[:2] * (1 - 1e-8), learn_theta=False)
    nearly = nearly.set_params(weights_init=best.weights_[:2], learn_weights=False)
    for fitted in (model, nearly.fit(X, sample_weight=sample_weight), best):
        bounds = optimality_gap(fitted, X, sample_weight=sample_weight)
        gain = 6 * weight * (best.score(X) - fitted.score(X))
        assert bounds.gap > 0
        assert bounds.one_step > 0
        assert bounds.gap >= gain


@pytest.mark.parametrize("most", [1e5, 1e7, 1e9, 1e12, 2.0**53])
def test_the_nonparametric_fit_reaches_its_tolerance_at_any_depth(most):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        tosses = np.floor(most * rng.uniform(0.5, 1, size=60))
        rate = rng.choice([0.2, 0.3, 0.31, 0.7], size=60) + 0.3 * rng.normal(size=60) / most**0.5
        heads = np.floor(tosses * rate)
        found = npmle(heads, tosses - heads, np.ones(60), tol=1e-8)
        assert found.converged
        assert found.n_iter <= 20


@pytest.mark.parametrize("theta", [[1.0, 1 - 1e-16, 0.9], [0.3, 0.3, 0.3]])
def test_the_posterior_mean_is_between_the_thetas(theta):
    X = np.random.default_rng(4).integers(0, 40, size=(500, 2))
    mean, std = held(theta, [0.1, 0.2, 0.7], Z).posterior_mean(X, return_std=True)
    assert mean.max() <= max(theta)
    assert mean.min() >= min(theta)
    assert np.isfinite(std).all()


@pytest.mark.parametrize(
    "as_array",
    [
        list,
        lambda X: [[0.5, 3], *X[1:]],
        lambda X: np.array(X, dtype=np.int64),
        lambda X: np.array(X, dtype=np.uint64),
        lambda X: np.array(X, dtype=object),
        pytest.param(
            lambda X: np.array(X, dtype=np.longdouble),
            marks=pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="a double"),
        ),
    ],
)
@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses"])
def test_one_toss_above_two_to_the_53_is_refused_as_the_integer_that_it_is(as_array, layout):
    model = BinomialMixture(1, layout=layout)
    model.fit(as_array([[2, 3], [5, MOST]]))
    for call in (model.fit, model.predict_proba, model.partial_fit):
        X = as_array([[2, 3], [5, MOST + 1]])
        assert_refuses(lambda call=call, X=X: call(X), "1", str(MOST + 1), "2**53", "Scale X down")
        X = as_array([[2, 3], [MOST + 1, MOST + 1]])
        assert_refuses(lambda call=call, X=X: call(X), "1", str(MOST + 1), "2**53", "Scale X down")


@pytest.mark.filterwarnings("ignore:layout=:UserWarning")
def test_tails_in_several_columns_are_refused_where_no_float_is_their_sum():
    model = BinomialMixture(1).fit([[3, MOST, MOST], [2, 5, 3]])
    for X in ([[3, 2, 3], [3, MOST, 1]], [[3, 2.0, 3], [3, MOST, 0.25]]):
        assert_refuses(lambda X=X: model.fit(X), "row 1", str(MOST), "Scale X down")


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, object])
def test_a_weight_that_no_float_equals_is_refused(dtype):
    model, weights = BinomialMixture(1), np.array([1, MOST + 1, 2, 2, 2], dtype=dtype)
    words = "sample_weight[1]", str(MOST + 1), "2**53", "Scale sample_weight down"
    assert_refuses(lambda: model.fit(Z, sample_weight=weights), *words)
    assert_refuses(lambda: model.fit(Z, sample_weight=[0.5, *weights.tolist()[1:]]), *words)
    weights[1] += 1
    model.fit(Z, sample_weight=weights)
    assert_refuses(lambda: BinomialMixture(1, theta_prior=(MOST + 1, 1)).fit(Z), "theta_prior[0]")
