"""What inspection says of coins that vary, against likelihoods that are written anew."""

import warnings

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import pandas as pd
import pytest
from _models import compare
from _references import load_set
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit
from scipy.stats import chi2, norm

from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    IdentifiabilityWarning,
    NonparametricBinomialMixture,
    fit_groups,
)
from skcoin.inspection import (
    bootstrap,
    compare_n_components,
    confidence_intervals,
    optimality_gap,
    standard_errors,
    summary,
)
from skcoin.plotting import ConvergenceDisplay, LowerBoundDisplay, PosteriorDisplay

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
]
RATS, _ = load_set("rat_tumours")
LITTERS, _ = load_set("lirat")
OROBANCHE, _ = load_set("orob2")
TIED, SEPARATE = {"dispersion_type": "tied"}, {"dispersion_type": "separate"}
DROP = chi2.ppf(0.95, df=1) / 2


def total(model, X):
    return len(X) * model.score(X)


def simulated(theta, dispersion, weights, n_rows, n_tosses, seed):
    model = BetaBinomialMixture(
        len(theta),
        **SEPARATE,
        theta_init=theta,
        dispersion_init=dispersion,
        weights_init=weights,
        learn_theta=False,
        learn_dispersion=False,
        learn_weights=False,
    ).fit([[1, 1]])
    return model.sample(n_rows, n_tosses=n_tosses, random_state=seed)[0]


# --- standard errors ----------------------------------------------------------------------------


def log_likelihood(X, theta, dispersion, weights):
    """By products of the terms of each row, in the precision of mpmath."""
    rows, times = np.unique(X, axis=0, return_counts=True)
    result = mpmath.mpf(0)
    for (heads, tails), n in zip(rows.tolist(), times.tolist(), strict=True):
        mixed = mpmath.mpf(0)
        for p, rho, w in zip(theta, dispersion, weights, strict=True):
            f = w
            for i in range(heads):
                f *= (1 - rho) * p + rho * i
            for i in range(tails):
                f *= (1 - rho) * (1 - p) + rho * i
            for i in range(heads + tails):
                f /= (1 - rho) + rho * i
            mixed += f
        result += n * mpmath.log(mixed)
    return result


def numeric_covariance(function, x):
    """The inverse of minus the Hessian, by central differences in 60 digits."""
    with mpmath.workdps(60):
        h, x = mpmath.mpf(10) ** -15, [mpmath.mpf(float(value)) for value in x]

        def at(**moved):
            return function([value + moved.get(str(i), 0) * h for i, value in enumerate(x)])

        information = mpmath.matrix(len(x))
        for i in range(len(x)):
            for j in range(i + 1):
                corners = [(a, b) for a in (1, -1) for b in (1, -1)]
                if i == j:
                    second = at(**{str(i): 1}) - 2 * at() + at(**{str(i): -1})
                else:
                    second = sum(a * b * at(**{str(i): a, str(j): b}) for a, b in corners) / 4
                information[i, j] = information[j, i] = -second / h**2
        return np.array((information**-1).tolist(), dtype=float)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("X", "dispersion_type"),
    [(RATS, "separate"), (RATS, "tied"), (OROBANCHE, "separate"), (OROBANCHE, "tied")],
    ids=["rats-separate", "rats-tied", "orobanche-separate", "orobanche-tied"],
)
def test_errors_are_those_of_a_numeric_hessian(X, dispersion_type):
    """Of the numbers that are not at their ends: one dispersion of orobanche is 0."""
    model = BetaBinomialMixture(2, dispersion_type=dispersion_type, tol=0).fit(X)
    learned = np.flatnonzero(model.dispersion_ > 0)
    learned = learned[:1] if dispersion_type == "tied" else learned

    def function(x):
        theta, (w,) = x[:2], x[-1:]
        dispersion = [mpmath.mpf(float(value)) for value in model.dispersion_]
        for k, value in zip(learned, x[2:-1], strict=True):
            dispersion[k] = value
        if dispersion_type == "tied":
            dispersion = [x[2]] * 2
        return log_likelihood(X, theta, dispersion, [w, 1 - w])

    x = [*model.theta_, *model.dispersion_[learned], model.weights_[0]]
    expected = numeric_covariance(function, x)
    covariance = standard_errors(model, X).covariance
    here = [0, 1, *(2 + learned), 4]
    assert_allclose(covariance[np.ix_(here, here)], expected, rtol=1e-5)
    if dispersion_type == "tied":
        assert_array_equal(covariance[2], covariance[3])


@pytest.mark.slow
def test_a_dispersion_without_effect_has_no_error_and_spoils_no_other():
    """It is one of a coin of heads only, be that held or learned; held, it does not count."""
    learned = BetaBinomialMixture(3, **SEPARATE).fit(LITTERS)
    held = BetaBinomialMixture(
        3,
        **SEPARATE,
        theta_init=[1, np.nan, np.nan],
        dispersion_init=[0.3, np.nan, np.nan],
        learn_theta=[False, True, True],
    ).fit(LITTERS)
    assert learned.aic(LITTERS) - held.aic(LITTERS) == pytest.approx(4)
    for model in (learned, held):
        assert model.theta_[0] == 1
        assert model.dispersion_[0] == 0
        errors = standard_errors(model, LITTERS)
        assert_array_equal(np.isnan(errors.theta), [True, False, False])
        assert_array_equal(np.isnan(errors.dispersion), model.dispersion_ == 0)
        profile = confidence_intervals(model, LITTERS, method="profile", level=0.3).dispersion[0]
        assert_array_equal(profile, [0, 1] if model is learned else [np.nan] * 2)
    order = np.argsort(-held.theta_)
    of_learned = standard_errors(learned, LITTERS)
    for part in ("theta", "dispersion", "weights"):
        assert_allclose(errors[part][order], of_learned[part], rtol=1e-5)


def test_what_is_held_has_no_error_nor_interval():
    model = BetaBinomialMixture(2, **SEPARATE, dispersion_init=0.02, learn_dispersion=False).fit(
        RATS
    )
    assert np.isnan(standard_errors(model, RATS).dispersion).all()
    for options in ({"method": "profile"}, {"method": "bootstrap", "n_boot": 2}):
        assert np.isnan(confidence_intervals(model, RATS, **options).dispersion).all()
    assert_array_equal(bootstrap(model, RATS, n_boot=2).dispersion, np.full((2, 2), 0.02))


# --- intervals ----------------------------------------------------------------------------------


def test_wald_intervals_are_symmetric_in_the_logit():
    model = BetaBinomialMixture(2, **SEPARATE).fit(OROBANCHE)
    error = standard_errors(model, OROBANCHE).dispersion
    rho = model.dispersion_
    half = norm.isf(0.05) * error[0] / (rho[0] * (1 - rho[0]))
    interval = confidence_intervals(model, OROBANCHE, level=0.9).dispersion
    assert_allclose(interval[0], expit(logit(rho[0]) + half * np.array([-1, 1])), rtol=1e-12)
    assert rho[1] == 0
    assert np.isnan(interval[1]).all()


def lost_at(model, X, part, k, value):
    """What a fit loses, from the coins of the model on, with one number held."""
    options = {
        f"{name}_init": getattr(model, f"{name}_").copy() for name in ("theta", "dispersion")
    }
    learn = np.arange(model.n_components) != k
    if part == "dispersion" and model.dispersion_type == "tied":
        options["dispersion_init"], learn = value, False
    else:
        options[f"{part}_init"][k] = value
    held = BetaBinomialMixture(
        model.n_components,
        dispersion_type=model.dispersion_type,
        weights_init=model.weights_,
        **{f"learn_{part}": learn},
        **options,
    )
    return total(model, X) - total(held.fit(X), X)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("X", "n_coins", "dispersion_type", "part", "k"),
    [
        (RATS, 1, "separate", "theta", 0),
        (RATS, 1, "separate", "dispersion", 0),
        (RATS, 2, "tied", "theta", 0),
        (RATS, 2, "tied", "dispersion", 1),
        (OROBANCHE, 2, "separate", "dispersion", 0),
        (RATS, 2, "separate", "theta", 1),
    ],
)
def test_profile_intervals_end_where_a_held_fit_has_lost_enough(
    X, n_coins, dispersion_type, part, k
):
    """Or at 0 or 1, where it has lost less."""
    model = BetaBinomialMixture(n_coins, dispersion_type=dispersion_type).fit(X)
    interval = confidence_intervals(model, X, method="profile")[part][k]
    assert interval[0] <= getattr(model, f"{part}_")[k] <= interval[1]
    for end in interval:
        if end in (0, 1):
            assert lost_at(model, X, part, k, abs(end - 1e-7)) < DROP
        else:
            assert_allclose(lost_at(model, X, part, k, end), DROP, atol=1e-4)


@pytest.mark.slow
def test_a_profile_interval_begins_at_exactly_zero_where_the_data_allow_no_variation():
    model = BetaBinomialMixture(2, dispersion_type="tied").fit(RATS)
    lost = total(model, RATS) - total(BinomialMixture(2).fit(RATS), RATS)
    level = chi2.cdf(2 * lost, df=1)
    wider, narrower = (
        confidence_intervals(model, RATS, method="profile", level=level + more).dispersion
        for more in (0.001, -0.001)
    )
    assert_array_equal(wider[:, 0], [0, 0])
    assert np.all((narrower[:, 0] > 0) & (narrower[:, 0] < 1e-3))


@pytest.mark.slow
def test_a_profile_lets_other_dispersions_come_to_zero():
    """One coin that varies is within what may be lost: any weight, and any dispersion of none."""
    model = BetaBinomialMixture(2, **SEPARATE).fit(LITTERS)
    assert model.dispersion_[1] == 0
    intervals = confidence_intervals(model, LITTERS, method="profile")
    lost = total(model, LITTERS) - total(BetaBinomialMixture(1).fit(LITTERS), LITTERS)
    assert lost < DROP
    assert_array_equal(intervals.weights, [[0, 1], [0, 1]])
    assert intervals.dispersion[1, 0] == 0


# --- bootstrap ----------------------------------------------------------------------------------


def test_the_bootstrap_has_the_spread_of_the_errors():
    model = BetaBinomialMixture().fit(RATS)
    errors, fits = standard_errors(model, RATS), bootstrap(model, RATS, random_state=0)
    assert set(fits) == {"theta", "dispersion", "weights", "log_likelihood", "converged"}
    assert_allclose(fits.theta.std(), errors.theta[0], rtol=0.15)
    assert_allclose(fits.dispersion.std(), errors.dispersion[0], rtol=0.15)


def test_coins_of_one_rate_are_matched_by_how_they_vary():
    X = simulated([0.4, 0.4], [0.005, 0.3], [0.5, 0.5], 400, 40, seed=0)
    model = BetaBinomialMixture(2, **SEPARATE).fit(X)
    assert abs(model.theta_[0] - model.theta_[1]) < 0.05
    narrow = model.dispersion_.argmin()
    fits = bootstrap(model, X, n_boot=20, random_state=0)
    assert np.all(fits.dispersion[:, narrow] < fits.dispersion[:, 1 - narrow])


def test_a_tied_dispersion_is_one_number_in_every_refit():
    model = BetaBinomialMixture(2, dispersion_type="tied").fit(RATS)
    fits = bootstrap(model, RATS, n_boot=10, random_state=0)
    assert_array_equal(fits.dispersion[:, 0], fits.dispersion[:, 1])
    ends = confidence_intervals(model, RATS, method="bootstrap", n_boot=10, random_state=0)
    assert_array_equal(ends.dispersion[0], np.quantile(fits.dispersion[:, 0], [0.025, 0.975]))
    assert_array_equal(ends.dispersion[0], ends.dispersion[1])


# --- tests --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_half_of_all_statistics_are_zero_where_nothing_varies():
    """With many rows, and those that are not from chi-square with one degree of freedom."""
    X = np.random.default_rng(0).binomial(10, 0.3, size=(300, 1))
    X = np.hstack([X, 10 - X])
    test = compare(BinomialMixture(1), BetaBinomialMixture(1), X, n_boot=400)
    zeros = np.abs(test.null_distribution) < 1e-6
    assert abs(zeros.mean() - 0.5) < 3 * np.sqrt(0.25 / 400) + 0.03  # 0 is a bit more frequent
    above = np.sort(test.null_distribution[~zeros])
    expected = chi2.ppf((np.arange(len(above)) + 0.5) / len(above), df=1)
    for quantile in (0.5, 0.75, 0.9):
        assert_allclose(np.quantile(above, quantile), np.quantile(expected, quantile), rtol=0.35)


def test_a_statistic_of_zero_has_the_p_value_one():
    X = [[3, 3]] * 20 + [[2, 4], [4, 2]] * 3  # less spread than a coin has
    test = compare(BinomialMixture(1), BetaBinomialMixture(1), X, n_boot=19)
    assert abs(test.statistic) < 1e-9
    assert test.p_value == 1


@pytest.mark.slow
def test_the_classical_p_value_agrees_where_rows_are_many():
    X = simulated([0.3], [0.01], [1], 300, 10, seed=2)
    test = compare(BinomialMixture(1), BetaBinomialMixture(1), X, n_boot=199)
    assert 1 < test.statistic < 12
    assert abs(test.p_value - chi2.sf(test.statistic, df=1) / 2) < 0.04


@pytest.mark.slow
def test_false_alarms_of_variation_are_as_rare_as_the_level():
    """Of 200 samples of a coin that does not vary, by 19 simulations each."""
    rng, p_values = np.random.default_rng(0), []
    for seed in range(200):
        heads = rng.binomial(8, 0.4, size=50)
        X = np.column_stack([heads, 8 - heads])
        options = {"n_boot": 19, "random_state": seed}
        p_values.append(compare(BinomialMixture(1), BetaBinomialMixture(1), X, **options).p_value)
    for level in (0.05, 0.1, 0.2):
        rate = np.mean(np.array(p_values) <= level + 1e-9)
        assert rate < level + 3 * np.sqrt(level * (1 - level) / 200)
        assert rate > level - 3 * np.sqrt(level * (1 - level) / 200)


NOTHING_VARIES = {"dispersion_init": 0, "learn_dispersion": False}
UNLIKE = {"dispersion_init": [0.02, 0.03], "learn_dispersion": False}
ALIKE = {"dispersion_init": 0.02, "learn_dispersion": False}


@pytest.mark.parametrize(
    ("null", "alternative"),
    [
        (BinomialMixture(2), BetaBinomialMixture(2, **SEPARATE)),
        (BinomialMixture(2), BetaBinomialMixture(2, **TIED)),
        (BinomialMixture(1), BetaBinomialMixture(2, **TIED)),
        (BetaBinomialMixture(1), BetaBinomialMixture(2, **TIED)),
        (BetaBinomialMixture(2, **TIED), BetaBinomialMixture(2, **SEPARATE)),
        (BetaBinomialMixture(1, **NOTHING_VARIES), BinomialMixture(2)),
        (BinomialMixture(1), BetaBinomialMixture(2, **SEPARATE, **NOTHING_VARIES)),
        (BetaBinomialMixture(2, **SEPARATE, **ALIKE), BetaBinomialMixture(2, **TIED)),
        (BetaBinomialMixture(2, **SEPARATE, **UNLIKE), BetaBinomialMixture(2, **SEPARATE)),
    ],
)
def test_a_special_case_is_seen_across_families(null, alternative):
    test = compare(null, alternative, RATS, n_boot=2)
    assert test.statistic >= -1e-6
    assert np.all(test.null_distribution >= -1e-5)


@pytest.mark.parametrize(
    ("null", "alternative", "words"),
    [
        (BetaBinomialMixture(1), BinomialMixture(3), "1 coins with each a dispersion, all learned"),
        (
            BetaBinomialMixture(2, **SEPARATE),
            BetaBinomialMixture(3, **TIED),
            "3 coins with one dispersion",
        ),
        (
            BetaBinomialMixture(2, **SEPARATE, **UNLIKE),
            BetaBinomialMixture(2, **TIED),
            r"dispersion\[1\]=0.03",
        ),
        (
            BinomialMixture(1),
            BetaBinomialMixture(2, **SEPARATE, **ALIKE),
            r"held dispersion\[0\]=0.02",
        ),
    ],
)
def test_what_is_no_special_case_is_refused(null, alternative, words):
    with pytest.raises(ValueError, match="null is not nested in alternative") as error:
        compare(null, alternative, RATS)
    error.match(words)


# --- tables, gaps and summaries -----------------------------------------------------------------


@pytest.mark.slow
def test_families_stand_side_by_side_in_one_table():
    models = [BinomialMixture(), BetaBinomialMixture(), BetaBinomialMixture(**SEPARATE)]
    table = compare_n_components(RATS, 2, estimator=models)
    assert_array_equal(table.model, np.repeat([str(model) for model in models], 2))
    assert_array_equal(table.n_components, [1, 2] * 3)
    assert_array_equal(table.n_parameters, [1, 3, 2, 4, 2, 5])
    for model, row in zip(models, range(0, 6, 2), strict=True):
        alone = compare_n_components(RATS, 2, estimator=model)
        for name, values in alone.items():
            assert_array_equal(table[name][row : row + 2], values)
        two = model.set_params(n_components=2).fit(RATS)
        assert_allclose(table.bic[row + 1], two.bic(RATS), rtol=1e-12)


@pytest.mark.parametrize(
    ("estimator", "error", "words"),
    [
        ([], ValueError, "estimator is an empty list"),
        ([BinomialMixture(), 3], TypeError, r"estimator\[1\] must be a BinomialMixture, Beta"),
        (
            [BinomialMixture(), BetaBinomialMixture(layout="tosses")],
            ValueError,
            r"estimator\[0\] has layout='heads_tails' and estimator\[1\] layout='tosses'",
        ),
        (BetaBinomialMixture(dispersion_init=[0.1]), ValueError, "dispersion_init=.*at None"),
        (
            BetaBinomialMixture(2, **SEPARATE, learn_dispersion=[True, False]),
            ValueError,
            "learn_dispersion=.*True or False",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(estimator, error, words):
    with pytest.raises(error, match=words):
        compare_n_components(RATS, 2, estimator=estimator)


def test_half_a_toss_is_refused_of_all_if_one_of_them_varies():
    with pytest.raises(ValueError, match=r"Row 0, column 0 of X is 1\.5, but BetaBinomialMixture"):
        compare_n_components(
            [[1.5, 2], [3, 4]], 1, estimator=[BinomialMixture(), BetaBinomialMixture()]
        )


@pytest.mark.parametrize("X", [RATS, [[50_000, 40_000], [30_000, 60_000], [45_000, 45_000]]])
@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses"])
def test_the_gap_is_that_to_the_nonparametric_optimum(X, layout):
    """Which leaves binomial coefficients out, as coins that vary do not."""
    X = (
        np.array(X)
        if layout == "heads_tails"
        else np.column_stack([np.array(X)[:, 0], np.sum(X, 1)])
    )
    model = BetaBinomialMixture(layout=layout).fit(X)
    best = NonparametricBinomialMixture(layout=layout).fit(X)
    bounds = optimality_gap(model, X)
    assert_allclose(bounds.gap, total(best, X) - total(model, X), atol=2e-4)
    assert bounds.one_step >= bounds.gap > 0


@pytest.mark.slow
def test_a_summary_says_a_tied_dispersion_once_and_fits_on_a_screen():
    model = BetaBinomialMixture(2, dispersion_type="tied").fit(RATS)
    printed = summary(model, RATS)
    lines = str(printed).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[2].split().count("dispersion") == 1
    assert [line.split().count("same") for line in lines[3:5]] == [0, 1]
    assert str(printed).count(f"{model.dispersion_[0]:.3f}") == 1
    assert printed.shared == ("dispersion",)
    assert_array_equal(printed.estimates.dispersion, model.dispersion_)
    separate = summary(BetaBinomialMixture(2, **SEPARATE).fit(RATS), RATS, method="profile")
    assert separate.shared == ()
    assert "0.000 to 1.000" in str(separate)
    assert "<td>0.071</td>" in separate._repr_html_()


# --- groups and pictures ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("dispersion_type", ["separate", "tied"])
def test_groups_of_coins_that_vary_are_those_of_a_loop(dispersion_type):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"heads": rng.binomial(20, rng.beta(2, 3, 120)), "rows": 1, "g": 0})
    frame["tails"], frame["g"] = 20 - frame["heads"], np.arange(120) % 4
    frame.loc[frame["g"] == 3, "heads"] = 5  # less than a coin
    frame["tails"] = 20 - frame["heads"]
    estimator = BetaBinomialMixture(2, dispersion_type=dispersion_type)
    with pytest.warns(IdentifiabilityWarning, match="1 of 4 groups"):
        fits = fit_groups(estimator, frame, by="g")
    names = ["theta", "dispersion", "weight"]
    assert list(fits)[1:7] == [f"{name}{k}" for name in names for k in range(2)]
    for g in range(3):
        X = frame.loc[frame["g"] == g, ["heads", "tails"]]
        model, row = BetaBinomialMixture(2, dispersion_type=dispersion_type).fit(X), fits.loc[g]
        assert_allclose(row[["theta0", "theta1"]].astype(float), model.theta_, atol=1e-6)
        assert_allclose(
            row[["dispersion0", "dispersion1"]].astype(float), model.dispersion_, atol=1e-6
        )
        assert_allclose(row[["weight0", "weight1"]].astype(float), model.weights_, atol=1e-6)
        assert_allclose(row["log_likelihood"], total(model, X), rtol=1e-12)
        assert_allclose(row["bic"], model.bic(X), rtol=1e-12)
        assert_allclose(row["gap"], optimality_gap(model, X).gap, atol=1e-5)


def test_lower_bounds_of_a_coin_that_varies_touch_the_likelihood_from_below():
    model = BetaBinomialMixture(2, **SEPARATE).fit(RATS)
    display = LowerBoundDisplay.from_estimator(model, RATS, coin=0, start=0.4, n_steps=3)
    plt.close(display.figure_)
    assert np.all(display.bounds <= display.objective + 1e-9)
    assert np.all(np.diff(display.path_objective) > 0)
    for bound, theta, height in zip(
        display.bounds, display.path, display.path_objective, strict=False
    ):
        assert np.interp(theta, display.grid, bound) == pytest.approx(height, abs=1e-2)
    held = BetaBinomialMixture(
        2,
        **SEPARATE,
        theta_init=[display.path[0], model.theta_[1]],
        dispersion_init=model.dispersion_,
        weights_init=model.weights_,
        learn_theta=False,
        learn_dispersion=False,
        learn_weights=False,
    ).fit(RATS)
    assert display.path_objective[0] == pytest.approx(total(held, RATS), abs=1e-9)


@pytest.mark.slow
def test_both_climbs_of_coins_that_vary_end_at_the_maximum():
    model = BetaBinomialMixture(2, **SEPARATE, theta_init=[0.2, 0.05], dispersion_init=0.05).fit(
        RATS
    )
    display = ConvergenceDisplay.from_estimator(model, RATS)
    plt.close(display.figure_)
    gaps = display.gaps
    assert gaps["em"][0] == gaps["em-newton"][0] > 0.1
    for gap in gaps.values():
        assert np.all(np.diff(gap) <= 1e-12)
        assert gap[-1] < 1e-6


def test_shrunken_rates_and_their_intervals_are_those_of_the_methods():
    model = BetaBinomialMixture(2, **SEPARATE).fit(RATS)
    display = PosteriorDisplay.from_estimator(model, RATS, names=range(len(RATS)), level=0.9)
    plt.close(display.figure_)
    assert_array_equal(display.shrunken, model.posterior_mean(RATS))
    assert_array_equal(display.intervals, model.posterior_interval(RATS, level=0.9))


# --- words --------------------------------------------------------------------------------------


def test_too_few_tosses_are_said_with_all_that_could_be_held():
    words = "5 free parameters need .* moments of the theta of a row .* hold theta, dispersion or"
    with pytest.warns(IdentifiabilityWarning, match=words):
        model = BetaBinomialMixture(2, **SEPARATE).fit([[2, 1], [1, 2], [3, 0], [2, 1], [0, 3]])
    with pytest.warns(IdentifiabilityWarning, match="other values of theta, dispersion and weigh"):
        standard_errors(model, [[2, 1], [1, 2], [3, 0], [2, 1], [0, 3]])


def test_coins_that_are_there_twice_are_named_with_their_dispersions():
    words = r"coins 0 and 1 \(theta .*, dispersion 0.0 and 0.0, weights .*theta and dispersion of a"
    with pytest.warns(IdentifiabilityWarning, match=words):
        BetaBinomialMixture(3, **SEPARATE).fit([[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]])


def test_coins_of_one_rate_that_vary_unlike_are_not_said_to_be_one():
    X = simulated([0.4, 0.4], [0.005, 0.3], [0.5, 0.5], 400, 40, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BetaBinomialMixture(2, **SEPARATE).fit(X)


def test_rows_that_a_dispersion_of_one_excludes_are_said_with_it():
    model = BetaBinomialMixture().fit([[5, 0], [0, 4], [3, 0]])
    assert model.dispersion_ == 1
    words = "no coin can show, with theta 0.66.* and dispersion 1.0; .* or hold dispersion below 1"
    with pytest.warns(UserWarning, match=words):
        model.predict_proba([[3, 3]])
