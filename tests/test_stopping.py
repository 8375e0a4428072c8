"""``converged_`` means a local maximum that is less than ``tol`` away; anything else is said."""

import warnings

import numpy as np
import pytest
from _models import fit_to_the_end
from _references import REFERENCES, USED, load_set
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp, xlog1py, xlogy
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, ThreeCoinModel
from skcoin._em.steps import aitken_gain

SOLVERS = ["em", "em-newton"]
EPS = np.finfo(float).eps
SETS = [
    "do_batzoglou_2008",
    "rat_tumours",
    "efron_morris_1970",
    "tacks",
    "lirat",
    "orob2",
    "saxony_families12",
    "geissler_all_sizes",
    "surg_nodes",
]
SETTINGS = {
    "free": {},
    "held weights": {"learn_weights": False},
    "priors": {"theta_prior": (2, 3), "weights_prior": 2},
}
TOLS = [1e-3, 1e-5, 1e-7, 1e-9]


def near_the_maximum(name, setting, n_coins):
    """A start in the basin of the best known maximum."""
    kind = "equal" if setting == "held weights" else "free"
    entry = REFERENCES["sets"][name][kind][str(n_coins)]
    spread = np.linspace(-0.03, 0.03, len(entry["thetas"]))
    return 0.05 + 0.9 * np.array(entry["thetas"]) + spread


def total(model, name):
    return model.lower_bound_ * REFERENCES["sets"][name]["n_rows"]


def rounding(name):
    """A few eps of the sum over all rows that the climb sees."""
    entry = REFERENCES["sets"][name]["free"]["1"]
    return 64 * EPS * abs(entry["loglik_without_coefficient"])


def climbs_on(model, X, **shared):
    """What a climb gains that starts a little beside the model, with some weight on each coin."""
    n_coins = len(model.theta_)
    if shared.get("learn_theta", True):
        beside = model.theta_ + np.linspace(-1e-4, 1e-4, n_coins)
        shared = {**shared, "theta_init": beside.clip(1e-6, 1 - 1e-6)}
    weights = (model.weights_ + 1e-4) / (1 + 1e-4 * n_coins)
    parameters = {"n_components": n_coins, **shared, "weights_init": weights, "tol": 1e-9}
    further = fit_to_the_end(BinomialMixture(**parameters), X)
    return len(X) * (further.lower_bound_ - model.lower_bound_)


def assert_says_nothing(model, X, **fit_params):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.fit(X, **fit_params).converged_


def climbed_out(name, setting, n_coins):
    """A start, the parameters of a fit from it, and the maximum that such a fit can reach."""
    X, sample_weight = load_set(name)
    start = near_the_maximum(name, setting, n_coins)
    shared = {"theta_init": start, **SETTINGS[setting]}
    best = BinomialMixture(len(start), tol=1e-12, max_iter=5000, **shared)
    return start, shared, total(fit_to_the_end(best, X, sample_weight=sample_weight), name)


@pytest.mark.parametrize("n_coins", [2, 3])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", SETS)
def test_newton_leaves_less_than_tol(name, setting, n_coins):
    X, sample_weight = load_set(name)
    start, shared, best = climbed_out(name, setting, n_coins)
    for tol in TOLS:
        model = BinomialMixture(len(start), tol=tol, **shared).fit(X, sample_weight=sample_weight)
        assert model.converged_
        assert abs(best - total(model, name)) <= tol + rounding(name), tol


@pytest.mark.parametrize("n_coins", [2, 3])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["do_batzoglou_2008", "rat_tumours", "tacks", "lirat", "orob2"])
def test_em_leaves_about_tol(name, setting, n_coins):
    """Aitken's is an estimate; once EM has settled to one rate, measured: up to 2.2 tol."""
    X, sample_weight = load_set(name)
    start, shared, best = climbed_out(name, setting, n_coins)
    for tol in TOLS[:3]:  # a slow climb gains less than rounding a step before 1e-9 is left
        model = BinomialMixture(len(start), solver="em", tol=tol, max_iter=10_000, **shared)
        fit_to_the_end(model, X, sample_weight=sample_weight)
        if model.converged_:
            assert best - total(model, name) <= 3 * tol + rounding(name), tol
        else:
            assert model.n_iter_ == 10_000


FAR = {  # found among some hundred random starts
    "rat_tumours": [
        [0.5436249914654229, 0.9350724237877682],
        [0.6291081515397092, 0.9271545530678674],
        [0.85, 0.1],
        [0.9572101796109636, 0.1487640122324979, 0.972628813822955],
        [0.8631202041893178, 0.8813071727376899, 0.5107065055436453],
        [0.48, 0.23, 0.80],
    ],
    "efron_morris_1970": [
        [0.5081, 0.5944],
        [0.43969944996553134, 0.773556228309299],
        [0.17, 0.15],
        [0.6569, 0.6874, 0.5863],
    ],
    "do_batzoglou_2008": [[0.0141, 0.6101], [0.13007, 0.12543], [0.85, 0.1]],
    "orob2": [[0.85, 0.1], [0.02, 0.98]],
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("tol", [1e-3, 1e-6])
@pytest.mark.parametrize(
    ("name", "start"),
    [
        pytest.param(n, s, id=f"{n}-{s[0]:.2f}-{len(s)}")
        for n, starts in FAR.items()
        for s in starts
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_climb_from_afar_does_not_mistake_a_plateau_for_the_summit(name, start, tol, solver):
    """From far off the first step may put all coins, or all weight, nearly on one place.

    There the objective is almost flat, gains shrink for a while, and a large one is still to come.
    """
    X, _ = load_set(name)
    shared = {"solver": solver, "max_iter": 5000}
    model = BinomialMixture(len(start), theta_init=start, tol=tol, **shared).fit(X)
    left = climbs_on(model, X)
    assert not model.converged_ or left <= 3 * tol, "it says that it converged"
    if solver == "em-newton":
        assert left <= 3 * tol, "Newton can climb on"


def overlapping_coins():
    """100,000 rows of ten tosses of the coins .45 and .55, weights .3 and .7."""
    rng = np.random.default_rng(0)
    heads = rng.binomial(10, rng.choice([0.45, 0.55], p=[0.3, 0.7], size=100_000))
    return np.column_stack([heads, 10 - heads])


@pytest.mark.parametrize("start", [{}, {"theta_init": [0.6, 0.4]}, {"init_params": "quantile"}])
def test_newton_reaches_in_forty_steps_what_em_does_not_in_a_thousand(start):
    X = overlapping_coins()
    best = BinomialMixture(tol=1e-12, max_iter=5000)
    best = fit_to_the_end(best, X).lower_bound_ * len(X)
    newton = BinomialMixture(**start).fit(X)
    assert newton.converged_
    assert newton.n_iter_ <= 40
    assert abs(best - newton.lower_bound_ * len(X)) < 1e-6

    em = BinomialMixture(**start, solver="em", max_iter=1000)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=1000.*em-newton"):
        em.fit(X)
    assert not em.converged_
    assert best - em.lower_bound_ * len(X) > 1  # measured: 4.8 to 5.7


COLLINS = [[3, 0], [0, 3], [3, 0], [0, 3]]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("start", [(0.3, 0.7, 0.7), (0.5, 0.2, 0.2), (0.3, 0.5, 0.5)])
def test_a_saddle_is_said_to_be_one(start, solver):
    pi, p, q = start
    model = ThreeCoinModel(pi_init=pi, p_init=p, q_init=q, solver=solver)
    with pytest.warns(ConvergenceWarning, match=r"saddle.*Coins \[0, 1\] started equal"):
        model.fit(COLLINS)
    assert not model.converged_
    assert_allclose([model.pi_, model.p_, model.q_], [pi, 0.5, 0.5], rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_saddle_names_only_the_coins_that_started_equal(solver):
    X, _ = load_set("lirat")
    model = BinomialMixture(3, theta_init=[0.2, 0.9, 0.2], solver=solver, max_iter=5000)
    with pytest.warns(ConvergenceWarning, match=r"Coins \[0, 2\] started equal"):
        model.fit(X)
    assert not model.converged_
    assert model.theta_[0] == pytest.approx(model.theta_[2], rel=1e-12)  # rounding


@pytest.mark.parametrize("init_params", ["auto", "quantile", "random", "k-means++"])
def test_no_own_start_ends_on_the_saddle(init_params):
    model = ThreeCoinModel(init_params=init_params, random_state=0)
    assert_says_nothing(model, COLLINS)
    assert_array_equal([model.p_, model.q_], [1, 0])
    assert model.pi_ == pytest.approx(0.5, rel=1e-14)


@pytest.mark.parametrize("name", ["lirat", "rat_tumours", "orob2"])
@pytest.mark.parametrize("faded", [[0], [0, 1], [1, 2]])
@pytest.mark.parametrize("learn_theta", [True, False])
def test_coins_of_no_weight_that_would_gain_are_put_back(name, faded, learn_theta):
    X, _ = load_set(name)
    theta = REFERENCES["sets"][name]["free"]["3"]["thetas"]
    inside = np.clip(theta, 0.01, 0.99)
    weights = np.where(np.isin(np.arange(3), faded), 0, 1) / (3 - len(faded))
    shared = {"n_components": 3, "theta_init": inside, "learn_theta": learn_theta}
    model = BinomialMixture(**shared, weights_init=weights).fit(X)
    assert model.converged_
    left = climbs_on(model, X, **shared)
    assert left < 2e-6  # tol
    if not learn_theta:  # concave: there is one maximum
        best = BinomialMixture(**shared, tol=1e-9).fit(X)
        assert len(X) * (best.lower_bound_ - model.lower_bound_) < 2e-6
    if faded != [0]:  # what is left is not as good as all three
        rest = np.flatnonzero(weights)
        few = BinomialMixture(len(rest), theta_init=inside[rest], learn_theta=learn_theta).fit(X)
        assert len(X) * (model.lower_bound_ - few.lower_bound_) > 0.01


def test_a_held_coin_that_nobody_wants_does_not_hide_one_that_would_gain():
    X = [[9, 1], [5, 5], [8, 2], [1, 9]]
    shared = {"theta_init": [0.999, 0.6, 0.3], "learn_theta": [False, True, True]}
    model = BinomialMixture(3, **shared, weights_init=[0, 1, 0]).fit(X)
    best = BinomialMixture(3, **shared).fit(X)
    assert model.lower_bound_ * 4 == pytest.approx(best.lower_bound_ * 4, abs=2e-6)  # tol


def test_a_weight_that_underflows_is_put_back():
    X = [[0, 1000], [32, 968]]  # from here, the first step leaves the second coin 1e-82
    model = BinomialMixture(theta_init=[0.0266, 0.261])
    assert_says_nothing(model, X)
    assert_allclose(np.sort(model.theta_), [0, 0.032], rtol=1e-9)
    assert_allclose(model.weights_, [0.5, 0.5], rtol=1e-9)


@pytest.mark.parametrize("name", ["lirat", "rat_tumours"])
def test_em_says_that_a_coin_of_no_weight_would_gain(name):
    X, _ = load_set(name)
    model = BinomialMixture(theta_init=[0.5, 0.1], weights_init=[0, 1], solver="em")
    with pytest.warns(ConvergenceWarning, match="exactly 0 or 1 cannot move.*em-newton"):
        model.fit(X)
    assert not model.converged_
    assert model.weights_[0] == 0


def test_coins_that_tie_are_named_and_no_end_of_the_scale_is_blamed():
    X = [[588, 412], [598, 402], [305, 695], [624, 376], [308, 692]]
    model = BinomialMixture(5, solver="em", tol=1e-9)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X)
    [told] = [str(w.message) for w in caught if w.category is ConvergenceWarning]
    assert "coins tie (3 and 4; 0, 1 and 2), which no step of EM can part" in told
    assert "0 or 1 cannot move" not in told


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", ["rat_tumours", "tacks", "orob2", "saxony_families12"])
def test_a_theta_at_the_end_of_the_scale_moves_inside_where_that_gains(name, end):
    X, sample_weight = load_set(name)
    start = {"theta_init": [float(end), 0.4]}
    model = BinomialMixture(**start)
    assert_says_nothing(model, X, sample_weight=sample_weight)
    assert total(model, name) == pytest.approx(
        REFERENCES["sets"][name]["free"]["2"]["loglik"], rel=1e-9, abs=2e-6
    )
    em = BinomialMixture(**start, solver="em", max_iter=20_000)
    with pytest.warns(ConvergenceWarning, match="exactly 0 or 1 cannot move"):
        em.fit(X, sample_weight=sample_weight)
    assert not em.converged_
    assert em.theta_[0] == end


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_theta_at_the_end_of_the_scale_stays_where_that_is_best(solver):
    X, _ = load_set("rat_tumours")
    entry = REFERENCES["sets"]["rat_tumours"]["free"]["3"]
    model = BinomialMixture(
        3, theta_init=entry["thetas"], weights_init=entry["weights"], solver=solver
    )
    assert_says_nothing(model, X)
    assert model.theta_[0] == 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_max_iter_ends_the_climb_and_says_so(solver):
    X, _ = load_set("tacks")
    model = BinomialMixture(3, theta_init=[0.9, 0.5, 0.2], solver=solver, max_iter=3)
    with pytest.warns(ConvergenceWarning, match="max_iter=3 ended the climb"):
        model.fit(X)
    assert not model.converged_
    assert model.n_iter_ == 3


def test_a_climb_that_runs_on_from_an_end_of_the_scale_uses_all_of_max_iter():
    X, sample_weight = load_set("tacks")
    start = {"theta_init": [1.0, 0.4], "tol": 1e-9}
    whole = BinomialMixture(**start).fit(X, sample_weight=sample_weight)
    left = np.flatnonzero(whole.theta_path_[:, 0] < 1)[0]  # the step at which it leaves
    assert 2 < left < whole.n_iter_ - 2
    for max_iter in range(left + 1, whole.n_iter_):
        model = BinomialMixture(**start, max_iter=max_iter)
        fit_to_the_end(model, X, sample_weight=sample_weight)
        assert model.n_iter_ == max_iter
        assert_array_equal(model.theta_path_, whole.theta_path_[: max_iter + 1])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("max_iter", [1, 2, 5])
def test_max_iter_bounds_every_climb(max_iter, solver):
    X, _ = load_set("surg_nodes")
    model = BinomialMixture(4, solver=solver, max_iter=max_iter)
    with pytest.warns(ConvergenceWarning):
        model.fit(X)
    assert model.n_iter_ <= max_iter


@pytest.mark.parametrize(("name", "n_coins", "entry"), USED)
def test_a_good_fit_says_nothing(name, n_coins, entry):
    """Of all references none that uses its coins is said to have one too many."""
    del entry
    X, sample_weight = load_set(name)
    assert_says_nothing(BinomialMixture(n_coins), X, sample_weight=sample_weight)


def test_what_geometric_gains_have_still_to_come_is_their_sum():
    """Gains that grow promise nothing, and the end is where none is left."""
    for first, ratio in ((1.0, 0.5), (8.0, 0.9), (1e-3, 0.99)):
        gains = first * ratio ** np.arange(5000)
        for i in (1, 2, 3):
            estimate = aitken_gain(gains[i - 1], gains[i])
            assert_allclose(estimate, gains[i + 1 :].sum(), rtol=1e-9)
    last = np.array([1.0, 1.0, 0.0, 2.0, -1.0, np.nan])
    gain = np.array([1.5, 0.0, 0.0, -1.0, 0.5, 3.0])
    assert_array_equal(aitken_gain(last, gain), [np.inf, 0, 0, 0, np.inf, np.inf])


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_certain_result_is_the_end_even_without_a_tolerance(solver):
    """The objective is exactly zero, and so are all gains and the rounding."""
    assert_says_nothing(BinomialMixture(1, tol=0, solver=solver), [[3, 0], [2, 0]])


def test_a_larger_tol_stops_no_later():
    for name in SETS:
        X, sample_weight = load_set(name)
        start = near_the_maximum(name, "free", 3)
        steps = [
            BinomialMixture(len(start), theta_init=start, tol=tol)
            .fit(X, sample_weight=sample_weight)
            .n_iter_
            for tol in TOLS
        ]
        assert steps == sorted(steps), name


@pytest.mark.parametrize("n_coins", [2, 3, 6])
@pytest.mark.parametrize("small", [1e-15, 1e-12, 1e-9, pytest.param(1e-3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("n_tosses", [1, 3, 10])
@pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # all but flat
def test_rows_of_next_to_no_weight_break_nothing(n_tosses, small, n_coins):
    X, sample_weight = [[n_tosses, 0], [0, n_tosses]], [1e6, small]
    model = BinomialMixture(n_coins).fit(X, sample_weight=sample_weight)
    assert np.isfinite(model.lower_bounds_).all()
    one = BinomialMixture(1).fit(X, sample_weight=sample_weight)
    assert 1e6 * (model.lower_bound_ - one.lower_bound_) > -1e-6  # tol


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_weight_near_the_smallest_float_overflows_nothing():
    X = [[60_000, 40_000], [60_100, 39_900], [59_950, 40_050]]
    for second in np.linspace(0.5, 0.7, 81):  # leaves the second coin 1e-320 and up
        model = BinomialMixture(theta_init=[0.6001, second])
        fit_to_the_end(model, X)
        assert np.isfinite(model.lower_bounds_).all()


@pytest.mark.parametrize(
    "priors", [{}, {"weights_prior": 2}, {"theta_prior": (2, 2), "weights_prior": 2}]
)
def test_a_coin_that_only_its_prior_keeps_is_put_where_it_gains(priors):
    X = [[9000, 1000], [8000, 2000], [3000, 7000]] * 10
    model = BinomialMixture(3, theta_init=[0.85, 0.5, 0.3], **priors)  # no row for the second
    assert_says_nothing(model, X)
    assert_allclose(np.sort(model.theta_), [0.3, 0.8, 0.9], atol=1e-5)  # priors of a toss or two


def a_fit_from_anywhere(rng):
    """Rows of two to four coins, even or overdispersed, of any depth, and parameters of a fit."""
    n_coins, n_rows = int(rng.integers(2, 5)), int(rng.integers(5, 300))
    tosses = rng.integers(1, 1 + rng.choice([1, 5, 20, 200, 20_000]), n_rows)
    rate = rng.random(n_coins)[rng.integers(0, n_coins, n_rows)]
    rate = rng.choice([rate, rng.beta(20 * rate + 0.01, 20 * (1 - rate) + 0.01)])
    heads = rng.binomial(tosses, rate)
    ways = [
        {"init_params": str(rng.choice(["auto", "quantile", "random"]))},
        {"theta_init": rng.random(n_coins) ** rng.choice([1, 8])},
        {"weights_init": np.full(n_coins, 1 / n_coins), "learn_weights": False},
    ]
    prior = {"theta_prior": (2, 3)} if rng.random() < 0.3 else {}
    parameters = {"n_components": n_coins, "random_state": 0, **prior, **ways[rng.integers(3)]}
    return np.column_stack([heads, tosses - heads]), parameters


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tol", [1, 1e-2, 1e-6])
@pytest.mark.parametrize("solver", SOLVERS)
def test_converged_leaves_no_more_than_tol_from_any_start(solver, tol):
    """Run on from where the fit has ended; Aitken's estimate may be off by half."""
    rng = np.random.default_rng(0)
    for i in range(30):
        X, parameters = a_fit_from_anywhere(rng)
        model = BinomialMixture(solver=solver, tol=tol, max_iter=100_000, **parameters).fit(X)
        ended = {"theta_init": model.theta_, "weights_init": model.weights_}
        parameters = {"learn_weights": True, **parameters, **ended, "tol": 1e-9}
        further = BinomialMixture(max_iter=100_000, **parameters).fit(X)
        left = len(X) * (further.lower_bound_ - model.lower_bound_)
        assert not model.converged_ or left <= 2 * tol, i


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(40))
def test_a_coin_without_a_row_gains_nowhere_under_any_prior(seed):
    """Put everywhere with any share of the weight, by the formula of the objective."""
    rng = np.random.default_rng(seed)
    n_coins, n_rows = int(rng.integers(2, 4)), int(rng.integers(3, 12))
    tosses = rng.integers(1, 30, n_rows)
    heads = rng.binomial(tosses, rng.random(n_rows))
    X, multiplicity = np.column_stack([heads, tosses - heads]), rng.choice([0.5, 1, 3], n_rows)
    a, b = rng.choice([1, 1.5, 2, 3, 10], 2)
    weights = np.eye(n_coins)[rng.integers(n_coins)]
    model = BinomialMixture(
        n_coins, theta_init=rng.random(n_coins), weights_init=weights, theta_prior=(a, b)
    ).fit(X, sample_weight=multiplicity)

    def objective(theta, weights):
        joint = xlogy(1, weights) + xlogy(X[:, :1], theta) + xlog1py(X[:, 1:], -theta)
        prior = xlogy(a - 1, theta) + xlog1py(b - 1, -theta)
        return multiplicity @ logsumexp(joint, axis=1) + prior.sum()

    highest = objective(model.theta_, model.weights_)
    for k in np.flatnonzero(model.weights_ * multiplicity.sum() < 1):
        for place in np.linspace(0.005, 0.995, 100):
            for share in 0.5 ** np.arange(1, 20):
                weights, theta = model.weights_.copy(), model.theta_.copy()
                weights[k], theta[k] = 0, place
                weights *= (1 - share) / weights.sum()
                weights[k] = share
                assert objective(theta, weights) <= highest + 1e-5


def test_a_coin_given_no_weight_is_raised_where_that_gains_under_a_prior():
    X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
    model = BinomialMixture(2, theta_init=[0.66, 0.9], weights_init=[1, 0], theta_prior=(3, 3))
    assert_says_nothing(model, X)
    assert_allclose(len(X) * model.lower_bound_, -15.9265885, atol=1e-6)


@pytest.mark.parametrize("end", [1e-300, 1e-100, 1e-30, 1 - 1e-14])
@pytest.mark.parametrize("model", [BinomialMixture(weights_init=[0.6, 0.4]), ThreeCoinModel()])
def test_a_start_a_hair_from_the_end_of_the_scale_is_left_where_that_gains(model, end):
    rng = np.random.default_rng(0)
    heads = rng.binomial(100, rng.choice([0.02, 0.98], 80))
    X = np.column_stack([heads, 100 - heads])
    given = {"theta_init": [0.6, end]}
    if isinstance(model, ThreeCoinModel):
        given = {"p_init": 0.6, "q_init": end}
    best = BinomialMixture().fit(X)
    far = clone(model).set_params(**given).fit(X)
    chunks = clone(model).set_params(**given)
    for chunk in np.array_split(X, 2):
        chunks.partial_fit(chunk)
    assert_allclose([far.score(X), chunks.score(X)], best.score(X), rtol=1e-9)
