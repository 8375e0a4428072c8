"""Confidence intervals: Wald's, the bootstrap's, and what all have in common, the profile's too."""

import numpy as np
import pytest
from _models import fit_to_the_end, held, intervals
from _references import load_set
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit
from scipy.stats import binom, norm
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, IdentifiabilityWarning
from skcoin.inspection import bootstrap, confidence_intervals, standard_errors

pytestmark = pytest.mark.filterwarnings("error")
RATS, _ = load_set("rat_tumours")
SINGLE, _ = load_set("li_hang_three_coins")  # ten rows of one toss
METHODS = ["wald", "profile", "bootstrap"]
PARTS = ["theta", "weights"]


def fit_single_tosses(**parameters):
    with pytest.warns(IdentifiabilityWarning, match="need a row of at least"):
        return BinomialMixture(**parameters).fit(SINGLE)


# --- Wald ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_wald_of_one_coin_is_symmetric_in_the_logit(level):
    heads, tosses = 33, 50
    model = BinomialMixture(1).fit([[heads, tosses - heads]])
    p, z = heads / tosses, norm.ppf(0.5 + level / 2)
    expected = expit(logit(p) + np.array([-z, z]) / np.sqrt(tosses * p * (1 - p)))
    lower, upper = intervals(model, [[heads, tosses - heads]], level=level)[0]
    assert_allclose([lower, upper], expected, rtol=1e-13)


@pytest.mark.parametrize("n_coins", [2, 3, 4])
def test_wald_is_made_of_standard_errors(n_coins):
    X, _ = load_set("surg_nodes")
    model = BinomialMixture(n_coins).fit(X)
    errors = standard_errors(model, X)
    p = np.concatenate([model.theta_, model.weights_])
    error = np.concatenate([errors.theta, errors.weights])
    half = norm.ppf(0.975) * error / (p * (1 - p))
    expected = expit(logit(p)[:, None] + half[:, None] * [-1, 1])
    assert_allclose(intervals(model, X), expected, rtol=1e-12)


def test_wald_stays_inside_where_errors_are_as_large_as_the_estimates():
    X, _ = load_set("efron_morris_1970")
    model = BinomialMixture().fit(X)
    assert (standard_errors(model, X).weights > model.weights_.min()).all()
    result = intervals(model, X, level=0.99)
    assert np.all((result > 0) & (result < 1))


def test_wald_has_nothing_to_say_where_there_is_no_error():
    model = BinomialMixture(3).fit(RATS)
    assert model.theta_[2] == 0
    missing = np.isnan(intervals(model, RATS)).all(axis=1)
    assert_array_equal(missing, [False, False, True, False, False, False])
    one = BinomialMixture(1).fit([[0, 3]])
    assert np.isnan(intervals(one, [[0, 3]])).all()
    some = BinomialMixture(theta_init=[0.2, 0.05], learn_theta=[True, False]).fit(RATS)
    assert_array_equal(np.isnan(intervals(some, RATS))[:, 0], [False, True, False, False])


def test_wald_warns_as_standard_errors_do():
    model = fit_single_tosses()
    with pytest.warns(IdentifiabilityWarning, match="singular"):
        assert np.isnan(intervals(model, SINGLE)).all()
    model = fit_to_the_end(BinomialMixture(max_iter=1), RATS)
    with pytest.warns(ConvergenceWarning, match="not at a maximum"):
        intervals(model, RATS)


# --- What all methods have in common ------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_intervals_hold_the_estimates_and_widen_with_the_level(method):
    X, _ = load_set("lirat")
    model = BinomialMixture().fit(X)
    options = {"method": method, "random_state": 0, "n_boot": 200}
    narrow, *wider = (intervals(model, X, level=level, **options) for level in (0.5, 0.9, 0.99))
    estimates = np.concatenate([model.theta_, model.weights_])
    assert np.all((narrow[:, 0] < estimates) & (estimates < narrow[:, 1]))
    for wide in wider:
        assert np.all((wide[:, 0] < narrow[:, 0]) & (narrow[:, 1] < wide[:, 1]))
        assert np.all((wide >= 0) & (wide <= 1))
        narrow = wide


@pytest.mark.parametrize("method", METHODS)
def test_two_weights_have_one_interval(method):
    weights = intervals(BinomialMixture().fit(RATS), RATS, method=method, n_boot=50, random_state=0)
    assert_allclose(weights[2], 1 - weights[3, ::-1], rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_held_has_no_interval(method):
    options = {"method": method, "n_boot": 5, "random_state": 0}
    both = held([0.2, 0.05], [0.6, 0.4], RATS)
    assert np.isnan(intervals(both, RATS, **options)).all()
    some = BinomialMixture(
        theta_init=[0.2, 0.05], learn_theta=[True, False], learn_weights=False
    ).fit(RATS)
    assert_array_equal(np.isnan(intervals(some, RATS, **options))[:, 0], [False, True, True, True])
    one = BinomialMixture(1).fit(RATS)
    assert_array_equal(np.isnan(intervals(one, RATS, **options)), [[False] * 2, [True] * 2])


# --- Bootstrap ----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("parametric", [True, False])
def test_bootstrap_intervals_are_percentiles_of_the_bootstrap(parametric, level):
    model = BinomialMixture().fit(RATS)
    options = {"n_boot": 40, "parametric": parametric, "random_state": 3}
    result = confidence_intervals(model, RATS, method="bootstrap", level=level, **options)
    fits = bootstrap(model, RATS, **options)
    for part in PARTS:
        low, high = np.percentile(fits[part], [50 - 50 * level, 50 + 50 * level], axis=0)
        assert_allclose(result[part], np.column_stack([low, high]), rtol=1e-12)


def test_bootstrap_intervals_depend_on_the_seed_and_not_on_the_workers():
    model = BinomialMixture().fit(RATS)
    options = {"method": "bootstrap", "n_boot": 12}
    first = intervals(model, RATS, random_state=0, **options)
    assert_array_equal(intervals(model, RATS, random_state=0, **options), first)
    with parallel_config(backend="threading"):
        assert_array_equal(intervals(model, RATS, random_state=0, n_jobs=2, **options), first)
    rng = np.random.RandomState(0)
    assert_array_equal(intervals(model, RATS, random_state=rng, **options), first)
    assert np.all(intervals(model, RATS, random_state=rng, **options) != first)


def test_percentiles_of_one_coin_are_those_of_the_binomial():
    X = [[12, 18], [18, 12]]
    model = BinomialMixture(1).fit(X)
    result = intervals(model, X, method="bootstrap", random_state=0, n_boot=400)[0]
    # 2.5 % points of 400 draws have a standard error of 0.13 standard deviations: half a head.
    assert_allclose(60 * result, binom.ppf([0.025, 0.975], 60, 0.5), atol=2)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("parametric", [True, False])
def test_bootstrap_and_wald_agree_with_all_coins_known(part, parametric):
    rng = np.random.default_rng(0)
    z = np.arange(90) % 3 // 2
    heads = rng.binomial(10, np.where(z == 0, 0.7, 0.3))
    X = np.column_stack([heads, 10 - heads])
    model = BinomialMixture().fit(X, coins=z)
    wald = confidence_intervals(model, X, coins=z)[part]
    options = {"n_boot": 400, "random_state": 0, "parametric": parametric}
    result = confidence_intervals(model, X, coins=z, method="bootstrap", **options)[part]
    # A seventh of the width for 400 draws, as below, and half a row of 90 for their steps.
    assert_allclose((result - wald) / np.diff(wald, axis=1), 0, atol=0.18)


@pytest.mark.slow
def test_bootstrap_and_wald_agree_where_coins_are_well_apart():
    X, _ = load_set("surg_nodes")
    model = BinomialMixture().fit(X)
    wald = intervals(model, X)
    percentiles = intervals(model, X, method="bootstrap", n_boot=400, random_state=0)
    # 2.5 % points of 400 draws have a standard error of 0.13 standard deviations: 4 of them are a
    # seventh of the width. With 844 patients, Wald's own error is small beside that.
    assert_allclose((percentiles - wald) / np.diff(wald, axis=1), 0, atol=0.14)


# --- Coverage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_sets", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_wald_intervals_cover_as_often_as_they_say(n_sets):
    rng = np.random.default_rng(20)
    theta, weights = np.array([0.7, 0.2]), np.array([0.4, 0.6])
    model = BinomialMixture(theta_init=theta, weights_init=weights)
    covered = np.zeros((2, 2))
    for _ in range(n_sets):
        z = rng.choice(2, size=200, p=weights)
        heads = rng.binomial(20, theta[z])
        X = np.column_stack([heads, 20 - heads])
        result = confidence_intervals(model.fit(X), X)
        for row, part, truth in zip(covered, PARTS, (theta, weights), strict=True):
            lower, upper = result[part].T
            row += (lower <= truth) & (truth <= upper)
    coverage = covered / n_sets
    assert coverage[1, 0] == coverage[1, 1]
    # The two thetas and the weight: a fluke of one of three, of either sign, has probability 1e-4
    # beyond 4.15 standard errors, which is 0.0202 of 2,000 sets. Measured there: 0.9475, 0.949 and
    # 0.949; in 20,000 sets of another seed 0.949, 0.953 and 0.951.
    z = norm.isf(1e-4 / 3 / 2)
    assert_allclose(coverage, 0.95, atol=z * np.sqrt(0.95 * 0.05 / n_sets))


# --- Bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0, 1, -0.1, 1.5, 95, True, np.inf])
def test_a_level_that_is_no_probability_is_refused(level, method):
    model = BinomialMixture(1).fit(RATS)
    with pytest.raises(ValueError, match=f"level == {level}, must be [<>] [01]"):
        confidence_intervals(model, RATS, level=level, method=method)


@pytest.mark.parametrize("level", ["0.95", None, [0.95]])
def test_a_level_that_is_no_number_is_refused(level):
    model = BinomialMixture(1).fit(RATS)
    with pytest.raises(TypeError, match=f"level must be an.* not {type(level).__name__}"):
        confidence_intervals(model, RATS, level=level)


def test_a_level_of_nan_is_refused():
    with pytest.raises(ValueError, match="level"):
        confidence_intervals(BinomialMixture(1).fit(RATS), RATS, level=np.nan)


@pytest.mark.parametrize("method", ["walt", "Wald", None, ["wald"]])
def test_an_unknown_method_is_refused(method):
    model = BinomialMixture(1).fit(RATS)
    with pytest.raises(
        ValueError, match=r"method is .*, but must be one of wald, profile, bootstrap\."
    ) as caught:
        confidence_intervals(model, RATS, method=method)
    assert repr(method) in str(caught.value)


def test_no_refits_are_refused():
    model = BinomialMixture(1).fit(RATS)
    for n_boot, error, words in (
        (0, ValueError, "n_boot == 0, must be >= 1"),
        (-3, ValueError, "n_boot == -3, must be >= 1"),
        (2.5, TypeError, "n_boot must be an instance of int, not float"),
    ):
        with pytest.raises(error, match=words):
            confidence_intervals(model, RATS, method="bootstrap", n_boot=n_boot)


def test_rows_that_cannot_be_drawn_are_refused():
    model = BinomialMixture(1).fit(RATS)
    rows = np.full(len(RATS), 0.3)
    options = {"method": "bootstrap", "n_boot": 2}
    with pytest.raises(ValueError, match=r"weight 0\.3.*whole number.*parametric=False"):
        confidence_intervals(model, RATS, rows, **options)
    with pytest.raises(ValueError, match=r"sample_weight sums to 21\.3.*whole number.*Scale"):
        confidence_intervals(model, RATS, rows, parametric=False, **options)


def test_fractional_tosses_cannot_be_simulated():
    X = [[3.5, 7], [5, 2]]
    model = BinomialMixture(1).fit(X)
    options = {"method": "bootstrap", "n_boot": 2}
    assert not np.isnan(intervals(model, X, parametric=False, **options)[0]).any()
    with pytest.raises(ValueError, match=r"A row has 10\.5 tosses.*parametric=False"):
        intervals(model, X, **options)
