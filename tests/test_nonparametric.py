"""The mixing distribution of largest likelihood: right, certified, and as an estimator."""

import json
import warnings

import numpy as np
import pytest
from _references import DATA, load_set
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import xlog1py, xlogy
from scipy.stats import binom
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from skcoin import BinomialMixture, IdentifiabilityWarning, NonparametricBinomialMixture
from skcoin.inspection import (
    bootstrap,
    confidence_intervals,
    likelihood_ratio_test,
    optimality_gap,
    standard_errors,
    summary,
)
from skcoin.plotting import ConvergenceDisplay

REFERENCES = json.loads((DATA / "nonparametric.json").read_text(encoding="utf-8"))["sets"]
FIVE = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]


def gradient(model, X, theta, sample_weight):
    """``D(theta)``, term by term from its definition."""
    heads, tails = np.transpose(X).astype(float)
    f = np.exp(xlogy(heads, theta[:, None]) + xlog1py(tails, -theta[:, None]))
    g = model.weights_ @ np.exp(
        xlogy(heads, model.theta_[:, None]) + xlog1py(tails, -model.theta_[:, None])
    )
    return (f / g - 1) @ sample_weight


@pytest.mark.parametrize("name", REFERENCES)
def test_atoms_and_likelihood_are_those_of_an_independent_program(name):
    X, sample_weight = load_set(name)
    sample_weight = np.ones(len(X)) if sample_weight is None else sample_weight
    model = NonparametricBinomialMixture(tol=1e-8).fit(X, sample_weight=sample_weight)
    reference = REFERENCES[name]
    assert model.n_components_ == len(reference["support"])
    assert_allclose(model.theta_[::-1], reference["support"], atol=1e-5)
    assert_allclose(model.weights_[::-1], reference["masses"], atol=1e-5)
    log_likelihood = model.lower_bound_ * sample_weight.sum()
    assert log_likelihood == pytest.approx(reference["loglik"], rel=1e-12, abs=1e-8)
    assert model.converged_
    assert 0 <= model.gap_ <= max(1e-8, 1e-13 * sample_weight.sum())


@pytest.mark.parametrize("name", ["rat_tumours", "surg_nodes", "lirat", "efron_morris_1970"])
def test_the_certificate_holds_on_a_grid_of_its_own(name):
    """The gradient function, from its definition, is nowhere above zero by more than the gap."""
    X, _ = load_set(name)
    X = X[X.sum(axis=1) > 0]
    model = NonparametricBinomialMixture(tol=1e-8).fit(X)
    grid = np.sin(np.linspace(0, np.pi / 2, 20_001)) ** 2
    assert gradient(model, X, grid, np.ones(len(X))).max() <= model.gap_ + 1e-9 * len(X)
    assert_allclose(gradient(model, X, model.theta_, np.ones(len(X))), 0, atol=1e-5)
    # That of the library, which looks at other points, says the same.
    assert optimality_gap(model, X).gap <= 1e-6


@pytest.mark.parametrize("n_coins", [1, 2, 3, 4, 5])
def test_no_number_of_coins_is_better(n_coins):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        n = rng.integers(1, 60, size=150)
        heads = rng.binomial(n, rng.beta(2, 3, size=150))
        X = np.column_stack([heads, n - heads])
        model = NonparametricBinomialMixture().fit(X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IdentifiabilityWarning)
            finite = BinomialMixture(n_coins).fit(X)
        assert finite.score(X) * 150 <= model.score(X) * 150 + model.gap_ + 1e-9
        if n_coins >= model.n_components_:
            assert finite.score(X) == pytest.approx(model.score(X), abs=1e-7)


def test_a_fine_grid_with_weights_by_a_general_optimiser_is_not_better():
    X, _ = load_set("rat_tumours")
    model = NonparametricBinomialMixture().fit(X)
    grid = np.linspace(0, 0.5, 120)
    f = binom.pmf(X[:, :1], X.sum(axis=1, keepdims=True), grid)

    def loss(logits):
        p = np.exp(logits - logits.max())
        p /= p.sum()
        g = f @ p
        slope = p * ((f / g[:, None]).sum(axis=0) - len(X))
        return -np.log(g).sum(), -slope

    best = minimize(loss, np.zeros(120), jac=True, method="L-BFGS-B", options={"maxiter": 3000})
    top = model.score(X) * len(X)
    assert top - 0.15 < -best.fun <= top + model.gap_  # the grid is off the atoms a little


@pytest.mark.parametrize(
    ("X", "theta"),
    [
        ([[3, 5]], [0.375]),
        ([[10, 0]] * 3, [1.0]),
        ([[0, 5], [0, 2]], [0.0]),
        ([[2, 2], [3, 3], [50, 50]], [0.5]),
        ([[4, 0], [0, 4]] * 3, [1.0, 0.0]),
    ],
)
def test_rows_of_few_rates_have_the_atoms_that_one_expects(X, theta):
    model = NonparametricBinomialMixture().fit(X)
    assert_allclose(model.theta_, theta, atol=1e-12)
    assert model.gap_ <= 1e-10
    assert model.converged_


def test_deep_rows_of_four_rates_are_told_apart():
    rng = np.random.default_rng(0)
    theta = np.array([0.01, 0.12, 0.25, 0.48])[rng.choice(4, size=300)]
    n = rng.integers(20_000, 100_000, size=300)
    heads = rng.binomial(n, theta)
    model = NonparametricBinomialMixture().fit(np.column_stack([heads, n - heads]))
    assert model.converged_
    nearest = np.abs(model.theta_[:, None] - [0.01, 0.12, 0.25, 0.48]).min(axis=1)
    assert nearest.max() < 0.005  # three standard deviations of the shallowest row
    assert (
        model.lower_bound_
        >= BinomialMixture(4).fit(np.column_stack([heads, n - heads])).lower_bound_
    )


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e6, 1e12])
def test_weights_scale_the_likelihood_and_not_the_atoms(scale):
    X, _ = load_set("surg_nodes")
    plain = NonparametricBinomialMixture().fit(X)
    tol = 1e-6 * scale
    scaled = NonparametricBinomialMixture(tol=tol).fit(X, sample_weight=np.full(len(X), scale))
    assert_allclose(scaled.theta_, plain.theta_, atol=1e-4)
    assert scaled.lower_bound_ == pytest.approx(plain.lower_bound_, rel=1e-9)


def test_partial_fit_is_the_fit_of_all_rows():
    X, _ = load_set("surg_nodes")
    whole, parts = NonparametricBinomialMixture().fit(X), NonparametricBinomialMixture()
    for chunk in np.array_split(X, 5):
        parts.partial_fit(chunk)
    assert_array_equal(parts.theta_, whole.theta_)
    assert_array_equal(parts.weights_, whole.weights_)


def test_a_warm_start_ends_at_the_same_distribution():
    X, _ = load_set("surg_nodes")
    model = NonparametricBinomialMixture(warm_start=True).fit(X[:300])
    model.fit(X)
    cold = NonparametricBinomialMixture().fit(X)
    assert model.converged_
    assert_allclose(model.theta_, cold.theta_, atol=1e-3)
    assert model.lower_bound_ == pytest.approx(cold.lower_bound_, abs=1e-8)


def test_rounds_are_counted():
    X, _ = load_set("surg_nodes")
    with pytest.warns(ConvergenceWarning):
        assert NonparametricBinomialMixture(max_iter=2).fit(X).n_iter_ == 2
    assert NonparametricBinomialMixture().fit([[3, 7]] * 4).n_iter_ == 0  # one rate, one atom


def test_the_end_of_max_iter_is_told_with_what_is_left():
    X, _ = load_set("surg_nodes")
    with pytest.warns(ConvergenceWarning, match=r"max_iter=1 .*tol=1e-06.*Raise max_iter"):
        model = NonparametricBinomialMixture(max_iter=1).fit(X)
    assert not model.converged_
    assert model.gap_ > 1e-6
    best = NonparametricBinomialMixture().fit(X)
    assert (best.score(X) - model.score(X)) * len(X) <= model.gap_


@pytest.mark.parametrize(
    ("X", "most"),
    [([[1, 0], [0, 1], [1, 0]], "1 toss"), ([[1, 2], [2, 1], [3, 0], [0, 3]], "3 tosses")],
)
def test_where_other_distributions_are_as_likely_it_says_so(X, most):
    with pytest.warns(IdentifiabilityWarning, match=f"more than {most}.*moment|mean"):
        NonparametricBinomialMixture().fit(X)


@pytest.mark.parametrize("name", REFERENCES)
def test_no_false_alarm_where_the_distribution_is_the_only_one(name):
    X, sample_weight = load_set(name)
    if name == "collins_three_coins":
        assert X.sum(axis=1).max() == 3  # two atoms, at both ends: as much as three tosses tell
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NonparametricBinomialMixture().fit(X, sample_weight=sample_weight)


def test_posterior_mean_shrinks_towards_the_distribution():
    X, _ = load_set("efron_morris_1970")
    model = NonparametricBinomialMixture().fit(X)
    mean, std = model.posterior_mean(X, return_std=True)
    raw = X[:, 0] / X.sum(axis=1)
    assert np.ptp(mean) < np.ptp(raw)
    assert (np.diff(mean[np.argsort(raw)]) >= -1e-12).all()  # equal depths keep their order
    assert (std > 0).all()


def test_what_needs_a_number_of_coins_that_is_given_refuses_it_with_the_remedy():
    model = NonparametricBinomialMixture().fit(FIVE)
    two = BinomialMixture(2).fit(FIVE)
    for call in (
        lambda: standard_errors(model, FIVE),
        lambda: confidence_intervals(model, FIVE),
        lambda: bootstrap(model, FIVE, n_boot=2),
        lambda: likelihood_ratio_test(model, two, FIVE),
        lambda: likelihood_ratio_test(two, model, FIVE),
        lambda: ConvergenceDisplay.from_estimator(model, FIVE),
    ):
        with pytest.raises(TypeError, match=r"number of coins is learned.*BinomialMixture\(2\)"):
            call()


def test_fit_groups_refuses_it_with_the_remedy():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    from skcoin import fit_groups

    table = pandas.DataFrame({"g": [1, 1], "heads": [1, 2], "tails": [2, 1], "rows": [1, 1]})
    with pytest.raises(TypeError, match=r"Use a BinomialMixture"):
        fit_groups(NonparametricBinomialMixture(), table, by="g")


def test_summary_shows_coins_without_errors():
    X, _ = load_set("rat_tumours")
    text = str(summary(NonparametricBinomialMixture().fit(X), X))
    assert "NonparametricBinomialMixture: 3 coins, 71 rows" in text
    assert "0.2276" in text
    assert " to " not in text
    assert "nan" not in text.lower()


def test_it_works_in_pipelines_and_cross_validation():
    X, _ = load_set("surg_nodes")
    X = X[X.sum(axis=1) > 0]
    steps = make_pipeline(FunctionTransformer(), NonparametricBinomialMixture())
    scores = cross_val_score(steps, X, cv=3)
    one = cross_val_score(BinomialMixture(1), X, cv=3)
    assert (scores > one).all()


@parametrize_with_checks([NonparametricBinomialMixture()])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_estimator_checks_of_scikit_learn(estimator, check):
    check(estimator)
