"""How sure classes are, and what pairs of coins have in common beyond them."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import betabinom, binom
from test_products import X, slides

from skcoin import BetaBinomialMixture, BinomialMixture, ProductBinomialMixture
from skcoin.datasets import load_rat_tumours
from skcoin.inspection import bivariate_residuals, classification_table, summary

RATS = load_rat_tumours().data
PATTERNS, TIMES = slides()
SLIDES = {
    k: ProductBinomialMixture(k, layout="tosses").fit(PATTERNS, sample_weight=TIMES)
    for k in (1, 2, 3)
}
MODELS = {
    "coins": (BinomialMixture(3).fit(RATS), RATS, None),
    "coins that vary": (BetaBinomialMixture(2, dispersion_type="tied").fit(RATS), RATS, None),
    "classes": (SLIDES[3], PATTERNS, TIMES),
    "classes of counts": (ProductBinomialMixture(2).fit(X), X, None),
}


class TestClassification:
    @pytest.mark.parametrize("name", MODELS)
    def test_is_the_posterior_averaged_row_by_row(self, name):
        model, rows, times = MODELS[name]
        table = classification_table(model, rows, times)
        n_classes, each = len(model.weights_), np.zeros((len(model.weights_),) * 2)
        entropy = 0
        times = np.ones(len(rows)) if times is None else times
        for r, m in zip(model.predict_proba(rows), times, strict=True):
            each[np.argmax(r)] += m * r
            entropy -= m * sum(p * np.log(p) for p in r if p > 0)
        assert_allclose(table.assigned, each.sum(axis=1) / times.sum())
        assert_allclose(table.expected, model.weights_, atol=1e-6)
        assert_allclose(table.average_posterior, each / each.sum(axis=1)[:, None])
        assert_allclose(table.assignment, (each / each.sum(axis=0)).T)
        assert_allclose(table.error_rate, 1 - np.trace(each) / times.sum())
        relative = 1 - entropy / (times.sum() * np.log(n_classes))
        assert_allclose(table.relative_entropy, relative, rtol=1e-9)

    def test_tells_how_many_are_put_wrong_where_the_model_is_true(self):
        """10,000 rows: beyond four standard deviations once in 16,000 times."""
        model = MODELS["classes of counts"][0]
        rows, classes = model.sample(10_000, n_tosses=[5, 3, 8], random_state=0)
        table = classification_table(model, rows)
        wrong = np.mean(model.predict(rows) != classes)
        assert abs(wrong - table.error_rate) < 4 * np.sqrt(table.error_rate / 10_000)

    def test_knows_no_doubt_and_no_knowledge(self):
        alike = BinomialMixture(2, theta_init=[0.3, 0.3], weights_init=[0.5, 0.5])
        alike.set_params(learn_theta=False, learn_weights=False)
        table = classification_table(alike.fit([[1, 2], [3, 1]]), [[1, 2], [3, 1]])
        assert table.relative_entropy == pytest.approx(0, abs=1e-12)
        assert_array_equal(table.assigned, [1, 0])
        assert np.isnan(table.average_posterior[1]).all()
        apart = [[0, 500], [500, 0], [1, 499]]
        table = classification_table(BinomialMixture(2).fit(apart), apart)
        assert (table.relative_entropy, table.error_rate) == (1, 0)

    def test_of_one_class_has_no_entropy_and_summary_says_nothing(self):
        table = classification_table(SLIDES[1], PATTERNS, TIMES)
        assert np.isnan(table.relative_entropy)
        assert table.average_posterior == [[1]]
        assert "relative entropy" not in summary(SLIDES[1], PATTERNS, TIMES).facts
        of_three = classification_table(SLIDES[3], PATTERNS, TIMES).relative_entropy
        told = summary(SLIDES[3], PATTERNS, TIMES).facts["relative entropy"]
        assert told == f"{of_three:.3f}, where 1 leaves no row in doubt"

    def test_leaves_out_rows_without_an_answer(self):
        model, empty = SLIDES[2], np.full((9, 7), np.nan)
        with_empty = classification_table(
            model, np.vstack([PATTERNS, empty]), np.append(TIMES, np.ones(9))
        )
        for name, values in classification_table(model, PATTERNS, TIMES).items():
            assert_allclose(with_empty[name], values)


def density(model, j, heads, tosses):
    """Of the heads of one coin, by class."""
    return np.stack(
        [
            betabinom.pmf(heads, tosses, theta * (1 / rho - 1), (1 - theta) * (1 / rho - 1))
            if rho
            else binom.pmf(heads, tosses, theta)
            for theta, rho in zip(model.theta_[:, j], model.dispersion_[:, j], strict=True)
        ]
    )


class TestPairs:
    @pytest.mark.parametrize("n_classes", [1, 2, 3])
    def test_of_answers_are_pearsons_statistic_of_tables_of_two_by_two(self, n_classes):
        model = SLIDES[n_classes]
        found = bivariate_residuals(model, PATTERNS, TIMES)
        for i, j in combinations(range(7), 2):
            chi2, is_full = 0, True
            for a, b in product((0, 1), repeat=2):
                observed = TIMES[(PATTERNS[:, i] == a) & (PATTERNS[:, j] == b)].sum()
                p, q = model.theta_[:, i], model.theta_[:, j]
                of_classes = (p if a else 1 - p) * (q if b else 1 - q)
                expected = 118 * (model.weights_ @ of_classes)
                is_seen = max(observed, expected) > 0
                chi2 += (observed - expected) ** 2 / expected if is_seen else 0
                is_full &= is_seen
            assert np.isfinite(found.residual[i, j]) == is_full
            assert np.nan_to_num(found.chi2[i, j]) == pytest.approx(chi2, rel=1e-3, abs=1e-5)
        assert found.total == pytest.approx(np.nansum(np.triu(found.chi2)))
        assert_array_equal(found.rows, 118)

    @pytest.mark.parametrize("dispersion_type", ["none", "coin"])
    def test_are_sums_over_rows_standardised_as_enumeration_tells(self, dispersion_type):
        """Mean, variance and regression of ``z_i z_j``, head by head; coins may be missing."""
        rows = X[:15]
        model = ProductBinomialMixture(2, dispersion_type=dispersion_type).fit(X)
        found = bivariate_residuals(model, rows)
        heads, tosses = rows[:, ::2], rows[:, ::2] + rows[:, 1::2]
        for i, j in combinations(range(3), 2):
            moments, seen = np.zeros((3, 3)), np.zeros(3)
            for h, n in zip(heads[:, [i, j]], tosses[:, [i, j]], strict=True):
                if not n.all():
                    continue
                grids = [np.arange(m + 1) for m in n]
                f, g = (
                    density(model, c, grid, m) for c, grid, m in zip((i, j), grids, n, strict=True)
                )
                p = np.einsum("k,ka,kb->ab", model.weights_, f, g)
                z = []
                for own, at, axis in ((grids[0], h[0], 1), (grids[1], h[1], 0)):
                    margin = p.sum(axis=axis)
                    mean = margin @ own
                    sd = np.sqrt(margin @ (own - mean) ** 2)
                    z.append(((own - mean) / sd, (at - mean) / sd))
                a, b = np.meshgrid(z[0][0], z[1][0], indexing="ij")
                values = np.stack([a, b, a * b - (p * a * b).sum()])
                moments += np.einsum("xab,yab,ab->xy", values, values, p)
                seen += [z[0][1], z[1][1], z[0][1] * z[1][1] - (p * a * b).sum()]
            slopes = np.linalg.solve(moments[:2, :2], moments[:2, 2])
            rest = seen[2] - slopes @ seen[:2]
            expected = rest / np.sqrt(moments[2, 2] - slopes @ moments[:2, 2])
            assert found.residual[i, j] == pytest.approx(expected, rel=1e-7, abs=1e-8)
            assert found.residual[j, i] == found.residual[i, j]

    def test_weights_are_rows_and_blocks_make_no_difference(self, monkeypatch):
        model, rows = SLIDES[2], np.repeat(PATTERNS, TIMES, axis=0)
        found = bivariate_residuals(model, PATTERNS, TIMES)
        monkeypatch.setattr("skcoin.inspection._bivariate.NUMBERS", 50)
        for name, values in bivariate_residuals(model, rows).items():
            assert_allclose(values, found[name], rtol=1e-9, atol=1e-9)

    def test_simulation_finds_the_pair_that_repeats_itself_and_no_other(self):
        """Deep counts, whose rates of coins 0 and 1 move together within the class."""
        rng = np.random.default_rng(0)
        rates = np.array([[0.5, 0.3, 0.1], [0.2, 0.3, 0.5], [0.05, 0.2, 0.3]])[
            rng.integers(3, size=200)
        ]
        rates[:, :2] *= rng.uniform(0.8, 1.2, size=(200, 1))
        heads = rng.binomial(80, rates)
        rows = np.stack([heads, np.full(heads.shape, 80)], axis=2).reshape(200, 6)
        model = ProductBinomialMixture(3, layout="heads_tosses").fit(rows)
        found = bivariate_residuals(model, rows, n_boot=19, random_state=0)
        assert found.p_value[0, 1] == found.total_p_value == 0.05
        assert np.isnan(found.p_value.diagonal()).all()
        again = bivariate_residuals(model, rows, n_boot=19, random_state=0, n_jobs=2)
        assert_array_equal(again.p_value, found.p_value)

    def test_pairs_that_are_never_seen_or_cannot_vary_are_nan(self):
        rows = np.array(
            [[1, np.nan, 0, 1], [0, np.nan, 0, 0], [np.nan, 1, 0, 1], [np.nan, 0, 0, 0]]
        )
        model = ProductBinomialMixture(1, layout="tosses").fit(rows)
        found = bivariate_residuals(model, rows)
        assert np.isnan(found.residual[[0, 0, 1, 2], [1, 2, 2, 3]]).all()
        assert found.residual[0, 3] == pytest.approx(np.sqrt(2))
        assert (found.rows[0, 1], found.rows[0, 2], found.rows[0, 3]) == (0, 0, 2)

    def test_one_coin_a_row_and_other_rows_are_refused_with_the_remedy(self):
        with pytest.raises(
            TypeError, match=r"is a BinomialMixture, with one coin.*goodness_of_fit"
        ):
            bivariate_residuals(BinomialMixture(1).fit(RATS), RATS)
        with pytest.raises(ValueError, match="not at a maximum for these rows"):
            bivariate_residuals(SLIDES[2], PATTERNS, n_boot=1)
