"""What inspection says of several coins in each row, and what it refuses to say."""

from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom, chi2, kstest, norm
from test_products import TYPES, VALUES, X, slides

from skcoin import BinomialMixture, ProductBinomialMixture, fit_groups, plotting
from skcoin._counts import HIDDEN
from skcoin.inspection import _resampling as resampling
from skcoin.inspection import (
    bootstrap,
    compare_n_components,
    confidence_intervals,
    goodness_of_fit,
    likelihood_ratio_test,
    optimality_gap,
    quantile_residuals,
    standard_errors,
    summary,
)
from skcoin.inspection._inspected import check_fitted

PATTERNS, TIMES = slides()
TWO = ProductBinomialMixture(2).fit(X)
CLASSES = ProductBinomialMixture(2, layout="tosses").fit(PATTERNS, sample_weight=TIMES)


def log_likelihood(values):
    """Of X, two classes of three coins, from thetas and the weight of the first."""
    heads, tosses = X[:, ::2], X[:, ::2] + X[:, 1::2]
    theta, w = values[:6].reshape(2, 3), values[6]
    of_classes = [np.prod(binom.pmf(heads, tosses, own), axis=1) for own in theta]
    return np.log(w * of_classes[0] + (1 - w) * of_classes[1]).sum()


class TestErrors:
    def test_are_those_of_the_curvature_by_differences(self):
        at, step = np.append(TWO.theta_.ravel(), TWO.weights_[0]), 1e-4
        hessian, unit = np.empty((7, 7)), step * np.eye(7)
        for i, j in product(range(7), repeat=2):
            signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
            values = [log_likelihood(at + a * unit[i] + b * unit[j]) * a * b for a, b in signs]
            hessian[i, j] = sum(values) / (4 * step**2)
        expected = np.sqrt(np.diag(np.linalg.inv(-hessian)))
        errors = standard_errors(TWO, X)
        assert_allclose(errors.theta.ravel(), expected[:6], rtol=1e-4)
        assert_allclose(errors.weights, expected[[6, 6]], rtol=1e-4)

    def test_thetas_at_an_end_have_none_and_the_others_have(self):
        errors = standard_errors(CLASSES, PATTERNS, TIMES).theta
        at_end = (CLASSES.theta_ == 0) | (CLASSES.theta_ == 1)
        assert at_end.any()
        assert_array_equal(np.isnan(errors), at_end)

    def test_one_coin_keeps_its_axis(self):
        model = ProductBinomialMixture(2).fit(X[:, :2])
        assert standard_errors(model, X[:, :2]).theta.shape == (2, 1)
        assert confidence_intervals(model, X[:, :2]).theta.shape == (2, 1, 2)
        one = standard_errors(BinomialMixture(2, tol=1e-12).fit(X[:, :2]), X[:, :2])
        errors = np.sort(standard_errors(model, X[:, :2]).theta[:, 0])
        assert_allclose(errors, np.sort(one.theta), rtol=1e-3)


class TestSimulation:
    def test_patterns_come_as_often_as_enumeration_tells(self):
        theta = np.array([[0.2, 0.7], [0.9, 0.4]])
        rows = np.tile([[2, 0, 1, 0]], (20_000, 1))
        model = ProductBinomialMixture(2, theta_init=theta, learn_theta=False).fit(rows[:3])
        model.weights_ = np.array([0.3, 0.7])
        fitted = check_fitted(model, rows)
        drawn = resampling.simulation(fitted.counts, fitted.mixture).draw(np.random.default_rng(0))
        seen = Counter(dict(zip(map(tuple, drawn.heads.T), drawn.multiplicity, strict=True)))
        square = 0
        for heads in product((0, 1, 2), (0, 1)):
            of_classes = binom.pmf(heads, [2, 1], theta).prod(axis=1)
            expected = 20_000 * (model.weights_ @ of_classes)
            square += (seen[heads] - expected) ** 2 / expected
        assert sum(seen.values()) == 20_000
        assert square < chi2.isf(1e-3, df=5)

    def test_tosses_stay_and_known_classes_are_known_again(self, monkeypatch):
        monkeypatch.setattr(resampling, "ROWS", 300)  # several arrays
        labels = np.where(np.arange(len(X)) < 100, 0, -1)
        model = ProductBinomialMixture(2, dispersion_type="coin").fit(X, coins=labels)
        fitted = check_fitted(model, X, coins=labels)
        drawn = resampling.simulation(fitted.counts, fitted.mixture).draw(np.random.default_rng(1))
        known = drawn.label != HIDDEN
        assert drawn.multiplicity[known].sum() == 100
        for one in (drawn, fitted.counts):
            assert one.n_rows == len(X)
        before, after = (
            sorted(map(tuple, np.repeat(c.heads + c.tails, c.multiplicity.astype(int), axis=1).T))
            for c in (fitted.counts, drawn)
        )
        assert before == after

    def test_fractions_are_refused_with_a_remedy(self):
        rows = X + 0.5
        model = ProductBinomialMixture(1).fit(rows[:, :2] * 1.1)
        with pytest.raises(ValueError, match="parametric=False"):
            bootstrap(model, rows[:, :2] * 1.1, n_boot=1)


@pytest.mark.parametrize("dispersion_type", TYPES)
def test_with_every_class_known_each_is_fitted_by_itself(dispersion_type):
    labels = np.where(np.arange(len(X)) < 150, 0, 1)
    model = ProductBinomialMixture(2, dispersion_type=dispersion_type).fit(X, coins=labels)
    if dispersion_type in ("none", "separate"):
        for k in range(2):
            one = ProductBinomialMixture(1, dispersion_type=dispersion_type).fit(X[labels == k])
            assert_allclose(model.theta_[k], one.theta_[0], atol=1e-6)
    assert_allclose(model.weights_, [150 / 400, 250 / 400])


class TestBootstrap:
    @pytest.mark.parametrize("parametric", [True, False])
    def test_spreads_as_standard_errors_say(self, parametric):
        fits = bootstrap(TWO, X, n_boot=100, parametric=parametric, random_state=0)
        assert fits.theta.shape == (100, 2, 3)
        errors = standard_errors(TWO, X)
        assert_allclose(fits.theta.std(axis=0) / errors.theta, 1, atol=0.25)
        assert_allclose(fits.weights.std(axis=0) / errors.weights, 1, atol=0.25)

    def test_classes_that_differ_in_one_coin_alone_are_matched_by_it(self):
        rng = np.random.default_rng(0)
        theta = np.array([[0.3, 0.5, 0.2], [0.3, 0.5, 0.8]])[rng.integers(2, size=300)]
        heads = rng.binomial(10, theta)
        rows = np.stack([heads, 10 - heads], axis=2).reshape(300, 6)
        model = ProductBinomialMixture(2).fit(rows)
        fits = bootstrap(model, rows, n_boot=20, random_state=0)
        assert np.abs(fits.theta[:, :, 2] - model.theta_[:, 2]).max() < 0.1

    def test_intervals_are_percentiles(self):
        found = confidence_intervals(TWO, X, method="bootstrap", n_boot=20, random_state=0)
        fits = bootstrap(TWO, X, n_boot=20, random_state=0)
        expected = np.quantile(fits.theta, [0.025, 0.975], axis=0)
        assert_allclose(found.theta, np.moveaxis(expected, 0, -1))


class TestLikelihoodRatio:
    def test_two_classes_are_seen_and_a_third_is_not(self):
        rows = X[:60]
        one, two, three = (
            ProductBinomialMixture(k, init_params="quantile").fit(rows) for k in (1, 2, 3)
        )
        assert likelihood_ratio_test(one, two, rows, n_boot=19, random_state=0).p_value == 0.05
        assert likelihood_ratio_test(two, three, rows, n_boot=19, random_state=0).p_value > 0.05

    @pytest.mark.parametrize(
        ("small", "large"),
        [("none", "tied"), ("none", "coin"), ("tied", "coin"), ("tied", "separate")],
    )
    def test_dispersions_are_nested(self, small, large):
        null, alternative = (
            ProductBinomialMixture(2, dispersion_type=kind, init_params="quantile").fit(X[:50])
            for kind in (small, large)
        )
        test = likelihood_ratio_test(null, alternative, X[:50], n_boot=2, random_state=0)
        assert test.statistic >= -1e-5
        assert (test.null_distribution >= -1e-5).all()

    def test_one_dispersion_cannot_be_one_for_each_coin(self):
        null = ProductBinomialMixture(1, dispersion_type="coin").fit(X[:40])
        alternative = ProductBinomialMixture(
            3, dispersion_type="tied", init_params="quantile", max_iter=20
        ).fit(X[:40])
        with pytest.raises(ValueError, match="not nested"):
            likelihood_ratio_test(null, alternative, X[:40], n_boot=1)

    def test_one_coin_is_no_special_case_of_several(self):
        rows = X[:, :2]
        null, alternative = BinomialMixture(1).fit(rows), ProductBinomialMixture(2).fit(rows)
        with pytest.raises(ValueError, match="several coins in each row"):
            likelihood_ratio_test(null, alternative, rows, n_boot=1)


class TestResiduals:
    def test_are_quantiles_of_the_marginal_mixture(self):
        q = quantile_residuals(TWO, X, place=0.5)
        assert q.shape == (len(X), 3)
        heads, tosses = X[:, ::2], X[:, ::2] + X[:, 1::2]
        below, at = (
            sum(w * f(h, tosses, p) for w, p in zip(TWO.weights_, TWO.theta_, strict=True))
            for f, h in ((binom.cdf, heads - 1), (binom.pmf, heads))
        )
        expected = norm.ppf(below + at / 2)
        tossed = tosses > 0
        assert_array_equal(np.isnan(q), ~tossed)
        assert_allclose(q[tossed], expected[tossed], atol=1e-8)

    @pytest.mark.slow
    @pytest.mark.parametrize("dispersion_type", ["none", "coin"])
    def test_are_normal_where_the_model_is_true(self, dispersion_type):
        model = ProductBinomialMixture(2, dispersion_type=dispersion_type).fit(X)
        rows, _ = model.sample(3_000, n_tosses=[5, 30, 1], random_state=0)
        for of_coin in quantile_residuals(model, rows, random_state=0).T:
            assert kstest(of_coin, "norm").pvalue > 1e-3

    def test_of_answers_are_nan_where_they_are_missing(self):
        rows = PATTERNS.astype(float)
        rows[0, 2] = np.nan
        q = quantile_residuals(CLASSES, rows, random_state=0)
        assert_array_equal(np.isnan(q), np.isnan(rows))


class TestSummary:
    @pytest.mark.slow
    @pytest.mark.parametrize("dispersion_type", TYPES)
    def test_names_the_coins_and_fits_a_screen(self, dispersion_type):
        table = pd.DataFrame(X, columns=["lung", "l", "liver", "v", "bone", "b"])
        model = ProductBinomialMixture(2, dispersion_type=dispersion_type).fit(table)
        text = str(summary(model, table))
        lines = text.splitlines()
        assert lines[0].startswith("ProductBinomialMixture: 2 classes of 3 coins, 400 rows")
        assert max(map(len, lines)) <= 100
        of_coins = [line.split()[0] for line in lines if line.split()[:1] != []]
        assert [name for name in of_coins if name in table] == ["lung", "liver", "bone"]
        assert "gap" not in text
        assert f"{model.theta_[1, 2]:.4f}" in text
        assert f"{model.weights_[1]:.{4 if dispersion_type == 'none' else 3}f}" in text

    def test_of_answers_holds_every_theta_and_shows_in_a_notebook(self):
        result = summary(CLASSES, PATTERNS, TIMES)
        rows = [line.split() for line in str(result).split("\n\n")[2].splitlines()[1:]]
        thetas = [float(row[-1] if len(row) < 4 else row[-5]) for row in rows]
        assert_allclose(thetas, CLASSES.theta_.T.ravel(), atol=5e-5)
        assert result._repr_html_().count("<table>") == 3


class TestComparison:
    @pytest.mark.slow
    def test_criteria_are_those_of_fits_and_there_is_no_gap(self):
        estimator = ProductBinomialMixture(layout="tosses")
        table = compare_n_components(PATTERNS, 4, sample_weight=TIMES, estimator=estimator)
        assert_allclose(table.log_likelihood[1:], [-317.2568, -293.7050, -289.2858], atol=1e-4)
        assert table.n_components[table.bic.argmin()] == 3
        assert np.isnan(table.gap).all()
        assert table.bic[1] == pytest.approx(CLASSES.bic(PATTERNS, sample_weight=TIMES), abs=1e-4)

    @pytest.mark.slow
    def test_what_is_not_identifiable_is_said(self):
        answers, times = slides(VALUES)
        estimator = ProductBinomialMixture(layout="tosses")
        table = compare_n_components(answers, 4, sample_weight=times, estimator=estimator)
        assert table.identifiable.tolist() == [True, True, False, False]

    def test_models_of_one_coin_and_of_several_are_not_put_into_one_table(self):
        estimators = [ProductBinomialMixture(), BinomialMixture()]
        with pytest.raises(ValueError, match=r"estimator\[1\] a BinomialMixture.*same X"):
            compare_n_components(X, 2, estimator=estimators)
        with pytest.raises(ValueError, match="theta_init"):
            compare_n_components(X, 2, estimator=ProductBinomialMixture(theta_init=TWO.theta_))


REFUSED = [
    optimality_gap,
    goodness_of_fit,
    lambda model, _: fit_groups(model, pd.DataFrame({"g": [1], "rows": [1]}), by="g", gap=True),
    *(
        getattr(plotting, f"{name}Display").from_estimator
        for name in ("Gradient", "Mixture", "Posterior", "LowerBound", "Rootogram", "Residual")
    ),
]


@pytest.mark.parametrize("refuses", REFUSED)
@pytest.mark.parametrize("model", [TWO, ProductBinomialMixture(2, dispersion_type="tied").fit(X)])
def test_what_is_of_one_coin_a_row_is_refused_with_what_to_use(refuses, model):
    words = r"is a ProductBinomialMixture, with several coins in each row, but \w.*\. [A-Z].*\.$"
    with pytest.raises(TypeError, match=words):
        refuses(model, X)


@pytest.mark.slow
def test_both_solvers_are_drawn_from_the_start_of_the_fit():
    for model in (TWO, ProductBinomialMixture(2, dispersion_type="tied").fit(X)):
        display = plotting.ConvergenceDisplay.from_estimator(model, X)
        assert display.gaps["em-newton"][-1] < 1e-6
        start = (model.lower_bound_ - model.lower_bounds_[0]) * len(X)
        assert display.gaps["em-newton"][0] == pytest.approx(start, abs=1e-5)
