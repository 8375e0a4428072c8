"""Several coins in each row: against enumeration, one coin, published latent classes."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom

from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    IdentifiabilityWarning,
    ProductBinomialMixture,
)
from skcoin.datasets import load_rat_tumours

RATS = load_rat_tumours().data
TYPES = "none", "tied", "coin", "separate"
# Seven pathologists on 118 slides, 1 for carcinoma: Holmquist, McMahan and Williams (1967), as in
# Agresti, A. (2002), Categorical data analysis, 2nd edition, table 13.1.
SLIDES = """0000000 34 0000100 2 0100000 6 0100001 1 0100100 4 0100101 5 1000000 2 1010101 1
1100000 2 1100001 1 1100100 2 1100101 7 1100111 1 1101001 1 1101101 2 1101111 3 1110101 13 1110111 5
1111101 10 1111111 16"""


# Four questions to 216 students, 1 for the universalistic answer: Stouffer and Toby (1951), as in
# Goodman, L. A. (1974), Biometrika, 61(2), 215-231.
VALUES = """0000 20 0001 2 0010 9 0011 2 0100 6 0101 1 0110 4 0111 1 1000 38 1001 7 1010 24 1011 6
1100 25 1101 6 1110 23 1111 42"""


def slides(words=SLIDES):
    """Patterns and how often each came."""
    words = words.split()
    return np.array([list(map(int, word)) for word in words[::2]]), np.array(words[1::2], int)


def two_classes(n_rows=400, seed=0):
    """Rows of three coins, and which class each is of."""
    rng = np.random.default_rng(seed)
    theta = np.array([[0.1, 0.5, 0.3], [0.4, 0.45, 0.05]])
    which = rng.choice(2, p=[0.65, 0.35], size=n_rows)
    tosses = rng.integers(0, 40, size=(n_rows, 3))
    heads = rng.binomial(tosses, theta[which])
    return np.stack([heads, tosses - heads], axis=2).reshape(n_rows, 6), which


X, WHICH = two_classes()


class TestLikelihood:
    def test_is_the_sum_over_classes_of_products_over_coins(self):
        model = ProductBinomialMixture(2).fit(X)
        heads, tosses = X[:, ::2], X[:, ::2] + X[:, 1::2]
        of_classes = [
            w * np.prod(binom.pmf(heads, tosses, theta), axis=1)
            for w, theta in zip(model.weights_, model.theta_, strict=True)
        ]
        assert_allclose(model.score_samples(X), np.log(np.sum(of_classes, axis=0)), rtol=1e-12)
        posterior = np.transpose(of_classes / np.sum(of_classes, axis=0))
        assert_allclose(model.predict_proba(X), posterior, rtol=1e-11, atol=1e-15)
        assert np.mean(model.predict(X) == WHICH) > 0.97

    @pytest.mark.parametrize("dispersion_type", TYPES)
    def test_of_one_coin_is_that_of_the_mixture_of_one_coin(self, dispersion_type):
        for n_components in (1, 2):
            model = ProductBinomialMixture(n_components, dispersion_type=dispersion_type).fit(RATS)
            if dispersion_type == "none":
                one = BinomialMixture(n_components, tol=1e-12).fit(RATS)
            else:
                kind = "separate" if dispersion_type == "separate" else "tied"
                one = BetaBinomialMixture(n_components, dispersion_type=kind).fit(RATS)
            assert model.lower_bound_ == pytest.approx(one.lower_bound_, abs=1e-9)
            order = np.argsort(-one.weights_)
            assert_allclose(model.theta_[:, 0], one.theta_[order], atol=1e-5)
            if dispersion_type != "none":
                assert_allclose(model.dispersion_[:, 0], one.dispersion_[order], atol=1e-5)
            assert_allclose(model.posterior_mean(RATS)[:, 0], one.posterior_mean(RATS), atol=1e-5)
            found = model.posterior_interval(RATS[:5])[:, 0]
            assert_allclose(found, one.posterior_interval(RATS[:5]), atol=1e-4)

    @pytest.mark.slow
    @pytest.mark.parametrize("dispersion_type", TYPES)
    def test_never_falls_and_weight_two_is_a_row_twice(self, dispersion_type):
        model = ProductBinomialMixture(2, dispersion_type=dispersion_type)
        weighted = model.fit(X[:80], sample_weight=np.full(80, 2)).theta_
        assert np.diff(model.lower_bounds_).min() >= -1e-12
        assert_array_equal(weighted, model.fit(np.vstack([X[:80], X[:80]])).theta_)

    @pytest.mark.slow
    @pytest.mark.parametrize("dispersion_type", TYPES)
    def test_coins_that_change_places_change_places_in_the_answer(self, dispersion_type):
        model = ProductBinomialMixture(2, dispersion_type=dispersion_type)
        one = model.fit(X[:100]).theta_
        other = model.fit(X[:100, [4, 5, 0, 1, 2, 3]]).theta_
        assert_allclose(one[:, [2, 0, 1]], other, atol=1e-5)

    def test_a_coin_that_is_never_tossed_changes_nothing(self):
        plain = ProductBinomialMixture(2).fit(X)
        more = ProductBinomialMixture(2).fit(np.hstack([X, np.zeros((len(X), 2))]))
        assert more.lower_bound_ == pytest.approx(plain.lower_bound_, rel=1e-12)
        assert_allclose(more.theta_[:, :3], plain.theta_, atol=1e-6)

    def test_layouts_of_the_same_tosses_say_the_same(self):
        rows = X.copy()
        rows[:, 1::2] += rows[:, ::2]
        pairs = ProductBinomialMixture(2).fit(X)
        totals = ProductBinomialMixture(2, layout="heads_tosses").fit(rows)
        assert_array_equal(pairs.theta_, totals.theta_)

    def test_chunks_are_one_fit(self):
        whole, parts = ProductBinomialMixture(2).fit(X), ProductBinomialMixture(2)
        for chunk in np.array_split(X, 3):
            parts.partial_fit(chunk)
        assert_allclose(parts.theta_, whole.theta_, atol=1e-6)
        assert parts.lower_bound_ == pytest.approx(whole.lower_bound_, rel=1e-12)

    def test_known_classes_and_held_thetas_are_kept(self):
        labels = np.where(np.arange(len(X)) < 30, WHICH, -1)
        model = ProductBinomialMixture(2).fit(X, coins=labels)
        assert np.mean(model.predict(X) == WHICH) > 0.97
        theta = np.array([[0.1, np.nan, np.nan], [np.nan] * 3])
        learn = np.isnan(theta)
        model = ProductBinomialMixture(2, theta_init=theta, learn_theta=learn).fit(X)
        assert model.theta_[0, 0] == 0.1


class TestLatentClasses:
    # Of poLCA's manual, but for four classes, of which it prints a lower maximum.
    @pytest.mark.parametrize(
        ("n_classes", "log_likelihood"), [(1, None), (2, -317.2568), (3, -293.7050), (4, -289.2858)]
    )
    def test_of_seven_pathologists_are_those_published(self, n_classes, log_likelihood):
        patterns, times = slides()
        model = ProductBinomialMixture(n_classes, layout="tosses")
        model.fit(patterns, sample_weight=times)
        found = model.score(patterns, sample_weight=times) * 118
        if log_likelihood is not None:
            assert found == pytest.approx(log_likelihood, abs=1e-4)
        assert model.converged_

    @pytest.mark.slow
    def test_bic_takes_three_classes_of_slides(self):
        patterns, times = slides()
        bic = [
            ProductBinomialMixture(k, layout="tosses")
            .fit(patterns, sample_weight=times)
            .bic(patterns, sample_weight=times)
            for k in (1, 2, 3, 4)
        ]
        assert np.argmin(bic) == 2
        assert bic[2] == pytest.approx(697.1357, abs=1e-3)

    def test_probabilities_of_zero_and_one_are_reached_exactly(self):
        patterns, times = slides()
        model = ProductBinomialMixture(3, layout="tosses").fit(patterns, sample_weight=times)
        assert np.sum((model.theta_ == 0) | (model.theta_ == 1)) == 10

    def test_missing_answers_are_coins_that_are_not_tossed(self):
        rng = np.random.default_rng(1)
        patterns, times = slides()
        cells = np.repeat(patterns, times, axis=0).astype(float)
        cells[rng.random(cells.shape) < 0.1] = np.nan
        pairs = np.stack([cells == 1, cells == 0], axis=2).astype(int).reshape(len(cells), -1)
        as_cells = ProductBinomialMixture(2, layout="tosses").fit(cells)
        as_pairs = ProductBinomialMixture(2).fit(pairs)
        assert_allclose(as_cells.theta_, as_pairs.theta_, atol=1e-12)
        none = np.vstack([cells, np.full((3, 7), np.nan)])
        more = ProductBinomialMixture(2, layout="tosses").fit(none)
        assert_array_equal(more.theta_, as_cells.theta_)
        assert_allclose(more.predict_proba(none[-1:]), [more.weights_])

    @pytest.mark.slow
    def test_too_few_patterns_are_said_and_no_word_where_there_are_enough(self, recwarn):
        patterns, times = slides()
        for n_classes in (1, 2, 3):
            ProductBinomialMixture(n_classes, layout="tosses").fit(patterns, sample_weight=times)
        assert not recwarn.list
        answers, times = slides(VALUES)
        two = ProductBinomialMixture(2, layout="tosses").fit(answers, sample_weight=times)
        assert two.lower_bound_ * 216 == pytest.approx(-504.4677, abs=1e-4)
        assert not recwarn.list
        with pytest.warns(IdentifiabilityWarning, match="19 free parameters"):
            ProductBinomialMixture(4, layout="tosses").fit(answers, sample_weight=times)
        with pytest.warns(IdentifiabilityWarning, match="patterns enough"):
            three = ProductBinomialMixture(3, layout="tosses").fit(answers, sample_weight=times)
        assert three.lower_bound_ * 216 == pytest.approx(-503.3011, abs=1e-4)

    def test_posterior_is_that_of_enumeration_where_answers_are_missing(self):
        patterns, times = slides()
        model = ProductBinomialMixture(2, layout="tosses").fit(patterns, sample_weight=times)
        row = np.array([1, np.nan, 0, np.nan, 1, 0, np.nan])
        full = []
        for answers in product((0, 1), repeat=3):
            filled = row.copy()
            filled[np.isnan(row)] = answers
            full.append(filled)
        joint = np.exp(model.score_samples(full))[:, None] * model.predict_proba(full)
        expected = joint.sum(axis=0) / joint.sum()
        assert_allclose(model.predict_proba([row])[0], expected, rtol=1e-10)


class TestStarts:
    @pytest.mark.parametrize("seed", range(6))
    def test_the_default_is_not_below_many_random_starts(self, seed):
        rng = np.random.default_rng(seed)
        n_coins, n_classes = int(rng.integers(2, 7)), int(rng.integers(2, 5))
        theta = rng.beta(1, 1, size=(n_classes, n_coins))
        tosses = rng.integers(1, 12, size=(150, n_coins))
        heads = rng.binomial(tosses, theta[rng.integers(n_classes, size=150)])
        rows = np.stack([heads, tosses - heads], axis=2).reshape(150, -1)
        best = max(
            ProductBinomialMixture(n_classes, init_params=init, n_init=15, random_state=seed)
            .fit(rows)
            .lower_bound_
            for init in ("random", "k-means++")
        )
        model = ProductBinomialMixture(n_classes).fit(rows)
        assert model.lower_bound_ >= best - 1e-5 / 150

    def test_large_tables_are_searched_on_fewer_rows(self):
        rows, which = two_classes(5_000, seed=3)
        model = ProductBinomialMixture(2).fit(rows)
        assert np.mean(model.predict(rows) == which) > 0.97
        assert model.converged_


class TestInput:
    def test_an_odd_number_of_columns_is_named(self):
        with pytest.raises(ValueError, match=r'3 columns.*two for each coin.*layout="tosses"'):
            ProductBinomialMixture().fit([[1, 2, 3], [3, 2, 1]])

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"theta_init": [[0.1, 0.2]]}, r"theta_init has shape \(1, 2\).*\(2, 3\)"),
            ({"theta_init": [[0.1, 2, 0.2], [0.1, 0.2, 0.3]]}, r"theta_init\[0, 1\] is 2"),
            ({"learn_theta": False}, r"Give theta_init\[0, 0\]"),
            ({"learn_theta": [True, False]}, "table of shape"),
            ({"dispersion_type": "each"}, "dispersion_type"),
        ],
    )
    def test_wrong_parameters_are_named(self, parameters, words):
        with pytest.raises(ValueError, match=words):
            ProductBinomialMixture(2, **parameters).fit(X)

    def test_masked_cells_are_refused_and_not_read(self):
        masked = np.ma.masked_array(X, mask=X > 20)
        with pytest.raises(ValueError, match="mask"):
            ProductBinomialMixture().fit(masked)

    def test_fractions_are_refused_where_coins_vary(self):
        with pytest.raises(ValueError, match=r"Row 0, column 2.*whole"):
            ProductBinomialMixture(dispersion_type="tied").fit([[1, 2, 0.5, 1], [1, 1, 1, 1]])
        ProductBinomialMixture(1).fit([[1, 2, 0.5, 1], [1, 1, 1, 1]])

    def test_draws_are_of_the_layout_of_the_fit(self):
        rows, classes = ProductBinomialMixture(2).fit(X).sample(50, random_state=0)
        assert rows.shape == (50, 6)
        assert set(classes) == {0, 1}
        patterns, times = slides()
        model = ProductBinomialMixture(2, layout="tosses").fit(patterns, sample_weight=times)
        assert np.isin(model.sample(20, random_state=0)[0], [0, 1]).all()
        some = ProductBinomialMixture(2).fit(X).sample(4, n_tosses=[10, 0, 3], random_state=0)[0]
        assert_array_equal(some[:, ::2] + some[:, 1::2], np.tile([10, 0, 3], (4, 1)))
        with pytest.raises(ValueError, match="n_tosses"):
            model.sample(2, n_tosses=5)


@pytest.mark.slow
def test_references_of_other_programs_are_reached():
    """Simulated sets of three samples, with and without dispersion; see the file for its source."""
    path = Path(__file__).parent / "data" / "products.json"
    sets = json.loads(path.read_text(encoding="utf-8"))["sets"]
    for of_set in sets.values():
        rows = np.array(of_set["rows"])
        for kind, fits in of_set["log_likelihood"].items():
            for n_classes, expected in fits.items():
                model = ProductBinomialMixture(int(n_classes), dispersion_type=kind).fit(rows)
                found = model.lower_bound_ * len(rows)
                assert found >= expected - 1e-5, (kind, n_classes)
