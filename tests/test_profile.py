"""Profile intervals: closed forms, and optima found by other means.

What the profile loses is judged by scipy's optimisers on a likelihood written anew, and where one
parameter is left to maximise over, on a grid of all its values.
"""

import mpmath
import numpy as np
import pytest
from _models import fit_to_the_end, intervals
from _references import load_set
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit, logsumexp, softmax, xlog1py, xlogy
from scipy.stats import binom, chi2
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, IdentifiabilityWarning
from skcoin.inspection import _profile, confidence_intervals

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:sample_weight sums"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
]
RATS, _ = load_set("rat_tumours")
SINGLE, _ = load_set("li_hang_three_coins")  # ten rows of one toss
DROP = chi2.ppf(0.95, df=1) / 2
PARTS = ["theta", "weights"]


def fit_single_tosses(**parameters):
    with pytest.warns(IdentifiabilityWarning, match="need a row of at least"):
        return BinomialMixture(init_params="quantile", **parameters).fit(SINGLE)


def rate_interval(heads, tails, drop=DROP):
    """The likelihood-ratio interval of a lone coin, in 30 digits."""
    with mpmath.workdps(30):
        heads, tails = mpmath.mpf(float(heads)), mpmath.mpf(float(tails))
        top = heads / (heads + tails)

        def objective(p):
            of_heads = heads * mpmath.log(p) if heads else 0
            return of_heads + (tails * mpmath.log1p(-p) if tails else 0)

        def excess(p):
            return objective(top) - objective(p) - drop

        tiny = mpmath.mpf(10) ** -25
        ends = ((tiny, top), (top, 1 - tiny))
        at_end = (0.0, heads == 0), (1.0, tails == 0)
        return [
            end if there else float(mpmath.findroot(excess, bracket, solver="anderson", tol=1e-40))
            for bracket, (end, there) in zip(ends, at_end, strict=True)
        ]


class Surface:
    """The objective of a model of which one theta or weight is held, for scipy's optimisers."""

    def __init__(self, model, X, sample_weight=None, coins=None):
        self.n_coins = len(model.theta_)
        self.estimates = {"theta": model.theta_, "weights": model.weights_}
        heads, tails = np.asarray(X, dtype=float).T
        self.heads, self.tails = heads[:, None], tails[:, None]
        self.rows = np.ones(len(heads)) if sample_weight is None else np.asarray(sample_weight)
        coins = np.full(len(heads), -1) if coins is None else np.asarray(coins)
        possible = (coins[:, None] < 0) | (coins[:, None] == np.arange(self.n_coins))
        self.barred = np.where(possible, 0, -np.inf)
        self.learn_theta = np.broadcast_to(getattr(model, "learn_theta", True), self.n_coins)
        self.learn_weights = getattr(model, "learn_weights", True)
        a, b = model.theta_prior
        self.sure_heads, self.sure_tails = (a - 1) * self.learn_theta, (b - 1) * self.learn_theta
        self.sure_rows = (model.weights_prior - 1) * self.learn_weights
        self.top = self.objective(model.theta_, model.weights_)[0]

    def objective(self, theta, weights):
        """With its slopes in ``logit theta`` and in ``log weights`` as if they were free."""
        with np.errstate(divide="ignore"):
            joint = xlogy(self.heads, theta) + xlog1py(self.tails, -theta) + np.log(weights)
        row = logsumexp(joint + self.barred, axis=1)
        mine = self.rows[:, None] * np.exp(joint + self.barred - row[:, None])
        heads = (mine * self.heads).sum(axis=0) + self.sure_heads
        tails = (mine * self.tails).sum(axis=0) + self.sure_tails
        sure = xlogy(self.sure_heads, theta) + xlog1py(self.sure_tails, -theta)
        total = self.rows @ row + (sure + xlogy(self.sure_rows, weights)).sum()
        return total, heads * (1 - theta) - tails * theta, mine.sum(axis=0) + self.sure_rows

    def climb(self, part, k, value, theta, weights):
        """From some coins to the top of those whose part ``k`` is ``value``."""
        free, shares = self.learn_theta.copy(), np.full(self.n_coins, self.learn_weights)
        theta, weights = theta.copy(), weights.copy()
        if part == "theta":
            theta[k], free[k] = value, False
        else:
            weights[k], shares[k] = value, False
        left = 1 - weights[~shares].sum()
        n_free = free.sum()

        def coins(x):
            inner, outer = theta.copy(), weights.copy()
            inner[free] = expit(x[:n_free])
            if shares.any():
                outer[shares] = left * softmax(x[n_free:])
            return inner, outer

        def loss(x):
            inner, outer = coins(x)
            total, of_theta, of_weights = self.objective(inner, outer)
            slope = of_theta[free]
            if shares.any():
                of_share = of_weights[shares]
                slope = np.append(slope, of_share - softmax(x[n_free:]) * of_share.sum())
            return -total, -slope

        # A little inside, as nothing moves at 0 or 1.
        start = np.append(
            logit(np.clip(theta[free], 1e-4, 1 - 1e-4)), np.log(np.maximum(weights[shares], 1e-4))
        )
        if not len(start):
            return self.top - self.objective(theta, weights)[0], theta, weights
        found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-7})
        return self.top + found.fun, *coins(found.x)

    def loses(self, part, k, value, n_starts=1):
        """What is lost at the value: the least of climbs from the estimates and around them."""
        rng = np.random.default_rng(0)
        losses = []
        for i in range(n_starts):
            theta, weights = self.estimates.values()
            if i:
                theta = expit(logit(np.clip(theta, 0.01, 0.99)) + rng.normal(size=self.n_coins))
                weights = rng.dirichlet(np.full(self.n_coins, 2)) if self.learn_weights else weights
            losses.append(self.climb(part, k, value, theta, weights)[0])
        return min(losses)

    def follow(self, part, k, end, n_steps=40):
        """What is lost on the way from the estimate to ``end``, in steps of a 40th of it."""
        theta, weights = self.estimates.values()
        start = self.estimates[part][k]
        way = np.sin(np.linspace(*np.arcsin(np.sqrt([start, end])), n_steps + 1)) ** 2
        losses = []
        for value in [*way[1:-1], end]:
            loss, theta, weights = self.climb(part, k, value, theta, weights)
            losses.append(loss)
        return np.array(losses)


def assert_profile_ends(model, X, part, k, interval, **known):
    """Followed outwards, the likelihood has lost DROP at the ends and less before, or never."""
    surface = Surface(model, X, **known)
    assert interval[0] <= getattr(model, f"{part}_")[k] <= interval[1]
    for end in interval:
        *inside, last = surface.follow(part, k, end)
        assert np.all(np.array(inside) < DROP + 1e-4), np.max(inside)
        # The optimiser ends with slopes of about 1e-6.
        if end in (0, 1):
            assert last < DROP + 1e-5
        else:
            assert last == pytest.approx(DROP, abs=1e-5)


# --- Closed forms -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heads", "tails", "weight"),
    [(33, 17, 1), (1, 99, 1), (99, 1, 1), (0.4, 1.7, 1), (5, 5, 1e6), (3, 7, 0.2), (2, 10**9, 1)],
)
def test_profile_of_one_coin_is_its_likelihood_ratio_interval(heads, tails, weight):
    model = BinomialMixture(1).fit([[heads, tails]], sample_weight=[weight])
    result = intervals(model, [[heads, tails]], [weight], method="profile")[0]
    expected = rate_interval(weight * heads, weight * tails)
    # The drop is a difference of objectives, of which rounding leaves 1e-9 where they are 1e7.
    assert_allclose(result, expected, rtol=1e-8)


@pytest.mark.parametrize("n", [1, 7, 1000, 10**7])
def test_profile_takes_in_0_and_1_where_no_heads_or_no_tails_were_seen(n):
    """``-n log(1 - p)`` reaches the drop at ``1 - exp(-drop / n)``: the rule of 1.92 / n."""
    end = -np.expm1(-DROP / n)
    for X, expected in (([[0, n]], [0, end]), ([[n, 0]], [1 - end, 1])):
        result = intervals(BinomialMixture(1).fit(X), X, method="profile")[0]
        assert_allclose(result, expected, rtol=1e-8)
        assert (result[0] == 0) or (result[1] == 1)


@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.999999])
def test_profile_drops_by_half_a_quantile_of_chi_square(level):
    model = BinomialMixture(1).fit([[33, 17]])
    result = intervals(model, [[33, 17]], method="profile", level=level)[0]
    expected = rate_interval(33, 17, chi2.ppf(level, df=1) / 2)
    assert_allclose(result, expected, rtol=1e-8)


def test_profile_after_map_is_that_of_the_posterior():
    model = BinomialMixture(1, theta_prior=(3, 1.5)).fit([[0, 8]])
    result = intervals(model, [[0, 8]], method="profile")[0]
    assert_allclose(result, rate_interval(2, 8.5), rtol=1e-8)


@pytest.mark.parametrize("n_coins", [2, 3])
def test_profile_with_all_coins_known_is_that_of_rates(n_coins):
    """A weight is a rate, too: the others share the rest in their proportion."""
    z = np.arange(31) % n_coins
    heads = np.random.default_rng(n_coins).binomial(8, np.linspace(0.1, 0.8, n_coins)[z])
    heads[z == 0] = 0
    X = np.column_stack([heads, 8 - heads])
    model = BinomialMixture(n_coins).fit(X, coins=z)
    result = intervals(model, X, coins=z, method="profile")
    for k in range(n_coins):
        own, mine = np.sum(z == k), heads[z == k].sum()
        # Where a coin is at 0 it is followed from 1e-9 inside.
        assert_allclose(result[k], rate_interval(mine, 8 * own - mine), rtol=1e-6)
        assert_allclose(result[n_coins + k], rate_interval(own, 31 - own), rtol=1e-6)
    assert result[0, 0] == 0


# --- Other optimisers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "lirat",
        pytest.param("rat_tumours", marks=pytest.mark.slow),
        pytest.param("tacks", marks=pytest.mark.slow),
        pytest.param("surg_nodes", marks=pytest.mark.slow),
    ],
)
def test_profile_of_two_coins_drops_at_its_ends(name):
    X, _ = load_set(name)
    model = BinomialMixture(tol=0).fit(X)
    result = confidence_intervals(model, X, method="profile")
    for part in PARTS:
        for k in (0, 1):
            assert_profile_ends(model, X, part, k, result[part][k])


@pytest.mark.parametrize("name", ["lirat", "surg_nodes"])
def test_where_coins_are_well_apart_no_others_lose_less(name):
    X, _ = load_set(name)
    model = BinomialMixture(tol=0).fit(X)
    result = confidence_intervals(model, X, method="profile")
    surface = Surface(model, X)
    for part in PARTS:
        for k in (0, 1):
            for end in result[part][k]:
                assert surface.loses(part, k, end, n_starts=10) > DROP - 1e-5


@pytest.mark.parametrize(
    ("name", "part", "k"),
    [
        ("surg_nodes", "theta", 1),
        ("surg_nodes", "weights", 2),
        ("rat_tumours", "theta", 2),  # 0
        pytest.param("lirat", "theta", 0, marks=pytest.mark.slow),  # 1
        pytest.param("lirat", "theta", 1, marks=pytest.mark.slow),
        pytest.param("lirat", "weights", 0, marks=pytest.mark.slow),
        pytest.param("rat_tumours", "weights", 2, marks=pytest.mark.slow),
        pytest.param("rat_tumours", "theta", 1, marks=pytest.mark.slow),
    ],
)
def test_profile_of_three_coins_drops_at_its_ends(name, part, k):
    X, _ = load_set(name)
    model = BinomialMixture(3, tol=0).fit(X)
    interval = confidence_intervals(model, X, method="profile")[part][k]
    assert_profile_ends(model, X, part, k, interval)


@pytest.mark.parametrize(("name", "k"), [("rat_tumours", 2), ("lirat", 0)])
def test_profile_of_a_theta_at_0_or_1_takes_it_in(name, k):
    X, _ = load_set(name)
    model = BinomialMixture(3, tol=0).fit(X)
    theta = model.theta_[k]
    assert theta in (0, 1)
    lower, upper = confidence_intervals(model, X, method="profile").theta[k]
    assert (lower if theta == 0 else upper) == theta
    assert 0.001 < upper - lower < 0.2


@pytest.mark.parametrize(
    "parameters",
    [
        {"theta_prior": (2, 5), "weights_prior": 3},
        {"theta_init": [0.25, 0.05], "learn_theta": [True, False]},
        {"learn_weights": False, "weights_init": [0.7, 0.3], "theta_init": [0.2, 0.05]},
    ],
    ids=["priors", "held theta", "held weights"],
)
def test_profile_knows_what_the_model_knows(parameters):
    model = BinomialMixture(tol=0, **parameters).fit(RATS)
    result = confidence_intervals(model, RATS, method="profile")
    for part in PARTS:
        for k in np.flatnonzero(~np.isnan(result[part][:, 0])):
            assert_profile_ends(model, RATS, part, k, result[part][k])


def test_profile_uses_known_coins_and_weights():
    rng = np.random.default_rng(3)
    z = rng.integers(2, size=50)
    heads = rng.binomial(12, np.where(z == 0, 0.7, 0.25))
    X = np.column_stack([heads, 12 - heads])
    known = {"coins": np.where(rng.uniform(size=50) < 0.5, z, -1)}
    known["sample_weight"] = rng.choice([0.5, 1, 2.5], size=50)
    model = BinomialMixture(tol=0).fit(X, **known)
    result = confidence_intervals(model, X, method="profile", **known)
    for part in PARTS:
        for k in (0, 1):
            assert_profile_ends(model, X, part, k, result[part][k], **known)


def interval_on_grid(lost, estimate, step=1e-3):
    """From the estimate outwards to where a function of [0, 1] has first lost DROP."""
    ends = []
    for end in (0.0, 1.0):
        way = np.linspace(estimate, end, int(abs(end - estimate) / step) + 2)
        beyond = next((i for i, value in enumerate(way) if lost(value) > DROP), None)
        if beyond is None:
            ends.append(end)
        else:
            ends.append(brentq(lambda v: lost(v) - DROP, way[beyond - 1], way[beyond]))
    return ends


@pytest.mark.parametrize(
    ("heads", "tosses", "other"),
    [
        ([3, 4, 8, 9, 9], 10, 0.35),
        ([6, 7, 5, 6], 10, 0.3),
        ([0, 1, 2, 3, 4], 5, 0.9),
        ([10, 18, 19, 20, 20], 20, 0.1),
    ],
)
def test_profile_of_theta_beside_a_held_one_is_highest_in_the_weight(heads, tosses, other):
    """The log-likelihood is concave in the weight: no search can end anywhere but on top."""
    X = np.column_stack([heads, tosses - np.array(heads)])
    model = BinomialMixture(theta_init=[0.5, other], learn_theta=[True, False], tol=0).fit(X)
    weight = np.concatenate([[0], np.logspace(-9, -3, 50), np.linspace(0, 1, 4001)[5:-1], [1]])
    beside = binom.pmf(heads, tosses, other)[:, None] * weight

    def highest(theta):
        own = binom.pmf(heads, tosses, theta)[:, None]
        with np.errstate(divide="ignore"):
            return np.log(own * (1 - weight) + beside).sum(axis=0).max()

    top = highest(model.theta_[0])
    expected = interval_on_grid(lambda theta: top - highest(theta), model.theta_[0])
    result = intervals(model, X, method="profile")[0]
    assert_allclose(result, expected, atol=1e-3)  # of a weight to within 1 / 8000


@pytest.mark.parametrize(
    ("heads", "tosses"),
    [
        ([0, 1, 1, 7, 9], 10),
        ([2, 3, 6, 9, 9, 10], 12),
    ],
)
def test_profile_of_theta_with_held_weights_is_highest_in_the_other_theta(heads, tosses):
    X = np.column_stack([heads, tosses - np.array(heads)])
    model = BinomialMixture(learn_weights=False, tol=0).fit(X)
    others = np.linspace(0, 1, 4001)
    beside = binom.pmf(np.array(heads)[:, None], tosses, others) / 2

    def highest(theta):
        own = binom.pmf(heads, tosses, theta)[:, None] / 2
        with np.errstate(divide="ignore"):
            return np.log(own + beside).sum(axis=0).max()

    top = highest(model.theta_[0])
    expected = interval_on_grid(lambda theta: top - highest(theta), model.theta_[0])
    result = intervals(model, X, method="profile")[0]
    assert_allclose(result, expected, atol=1e-3)  # of a theta to within 1 / 8000


def test_profile_does_not_step_over_values_that_lose_more():
    heads = np.array([4, 4, 4, 5, 6, 6, 9, 12, 14])
    X = np.column_stack([heads, 24 - heads])
    model = BinomialMixture(tol=0).fit(X)  # thetas of 0.51 and 0.22
    lower, _ = intervals(model, X, method="profile")[0]
    surface = Surface(model, X)
    for theta in np.linspace(0.3, 0.45, 6):
        loss = surface.loses("theta", 0, theta, n_starts=10)
        assert (theta < lower) == (loss > DROP), theta


# --- Limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("learn_weights", [True, False])
def test_where_nothing_drops_the_profile_is_everything(learn_weights):
    """Single tosses tell the mean only: 0.6 here, which half of the weight can miss by 0.1."""
    model = fit_single_tosses(learn_weights=learn_weights)
    result = intervals(model, SINGLE, method="profile", level=0.5)
    if learn_weights:
        assert_array_equal(result, np.tile([0, 1], (4, 1)))
    else:
        assert_array_equal(result[2:], np.full((2, 2), np.nan))
        assert np.all(result[:2, 0] < 0.2)
        assert_array_equal(result[:2, 1], [1, 1])


@pytest.mark.parametrize("name", ["rat_tumours", "saxony_families12", "tacks"])
def test_with_many_rows_profile_and_wald_agree(name):
    X, rows = load_set(name)
    rows = 1e6 * (np.ones(len(X)) if rows is None else rows)
    model = BinomialMixture(tol=0).fit(X, sample_weight=rows)
    wald = intervals(model, X, rows)
    profile = intervals(model, X, rows, method="profile")
    # They differ by a share of their width that falls with the root of the number of rows.
    width = np.diff(wald, axis=1)
    assert_allclose((profile - wald) / width, 0, atol=2e-3)


def test_profile_of_heads_is_that_of_tails():
    result = intervals(BinomialMixture(tol=0).fit(RATS), RATS, method="profile")
    turned = intervals(BinomialMixture(tol=0).fit(RATS[:, ::-1]), RATS[:, ::-1], method="profile")
    assert_allclose(turned, np.concatenate([1 - result[1::-1, ::-1], result[:1:-1]]), atol=1e-7)


def test_profile_does_not_depend_on_the_order_of_the_coins():
    X, _ = load_set("surg_nodes")
    model = BinomialMixture(3, tol=0).fit(X)
    order = [2, 0, 1]
    other = BinomialMixture(
        3, theta_init=model.theta_[order], weights_init=model.weights_[order], tol=0
    ).fit(X)
    result = confidence_intervals(model, X, method="profile")
    permuted = confidence_intervals(other, X, method="profile")
    for part in PARTS:
        assert_allclose(permuted[part], result[part][order], atol=1e-7)


@pytest.mark.parametrize("case", ["one step", "other rows"])
def test_profile_says_that_a_model_is_not_at_a_maximum(case):
    model, X = BinomialMixture(), RATS
    if case == "one step":
        fit_to_the_end(model.set_params(max_iter=1), X)
    else:
        model.fit(X)
        X = X[X[:, 0] > 1]
    with pytest.warns(ConvergenceWarning, match="not at a maximum"):
        intervals(model, X, method="profile")


def test_next_to_no_confidence_is_next_to_no_width():
    model = BinomialMixture(1).fit([[33, 17]])
    lower, upper = intervals(model, [[33, 17]], method="profile", level=1e-200)[0]
    assert upper - lower < 1e-6


def test_no_end_is_profiled_twice(monkeypatch):
    """Nor is any other value, where no step is taken again."""
    values = []

    class Surface(_profile._Surface):
        def __init__(self, part, k, value, *args):
            values.append((part, k, float(value)))
            super().__init__(part, k, value, *args)

    monkeypatch.setattr(_profile, "_Surface", Surface)
    heads = np.repeat(np.arange(21), [*range(1, 12), *range(10, 0, -1)])
    X = np.column_stack([heads, 20 - heads])
    confidence_intervals(BinomialMixture().fit(X), X, method="profile")
    assert len(values) == len(set(values)) > 30
