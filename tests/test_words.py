"""What is said of data that are not what they seem, and that nothing is said of clean ones."""

import warnings

import numpy as np
import polars as pl
import pytest
from _references import load_set

from skcoin import BinomialMixture, NonparametricBinomialMixture, ThreeCoinModel
from skcoin.frames import fit_groups, join_posterior
from skcoin.inspection import (
    compare_n_components,
    standard_errors,
    summary,
)
from skcoin.plotting import PosteriorDisplay


def words_of(function):
    """What is said while a function runs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [str(warning.message) for warning in caught]


# --- Rows that no coin can show -----------------------------------------------------------------

ENDS = BinomialMixture().fit([[10, 0], [9, 0], [0, 10]])
NEW = np.array([[1, 0], [5, 5], [0, 0], [2, 1], [5, 5]])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "transform", "posterior_mean"])
def test_a_posterior_of_rows_that_no_coin_can_show_comes_with_one_word(method):
    [told] = words_of(lambda: getattr(ENDS, method)(NEW))
    assert "3 of 5 rows are such as no coin can show, with theta 0.0 or 1.0" in told
    assert "the first is row 1 with 5 heads and 5 tails" in told
    assert "theta_prior" in told
    assert words_of(lambda: getattr(ENDS, method)(NEW[[0, 2]])) == []


@pytest.mark.usefixtures("no_window")
def test_engines_and_displays_say_so_too():
    frame = pl.DataFrame(NEW, schema=["h", "t"])
    [told] = words_of(lambda: join_posterior(ENDS, frame, "h", "t"))
    assert "3 of 5 rows are such" in told
    assert "the first is 2 heads and 1 tails" in told
    assert words_of(lambda: join_posterior(ENDS, frame[[0, 2]], "h", "t")) == []
    for options, first in (({}, "2 heads"), ({"labels": "abcde"}, "row 1 with 5 heads")):
        told = words_of(lambda o=options: PosteriorDisplay.from_estimator(ENDS, NEW, **o))
        assert [first in each for each in told] == [True]


def test_the_only_coin_of_one_side_says_so():
    for model in (BinomialMixture(1), NonparametricBinomialMixture()):
        model.fit([[10, 0]] * 5)
        [told] = words_of(lambda m=model: m.posterior_mean([[5, 5]]))
        assert "1 of 1 rows are such as no coin can show, with theta 1.0;" in told


def test_a_coin_inside_can_show_any_row_and_one_without_weight_none():
    inside = BinomialMixture(theta_init=[1, 0.5], learn_theta=False).fit([[10, 0], [5, 5]])
    assert words_of(lambda: inside.predict_proba([[0, 5000], [5000, 1]])) == []
    options = {"learn_theta": False, "learn_weights": False}
    gone = BinomialMixture(theta_init=[1, 0.5], weights_init=[1, 0], **options).fit([[10, 0]])
    [told] = words_of(lambda: gone.predict_proba([[5, 5]]))
    assert "with theta 1.0;" in told


def test_scores_say_it_by_their_value():
    assert words_of(lambda: ENDS.score_samples(NEW)) == []
    assert np.isneginf(ENDS.score_samples(NEW)).sum() == 3


# --- Weights that are shares --------------------------------------------------------------------

HEADS = np.array([2, 3, 3, 4, 3, 2, 5, 3, 1, 4, 3, 2, 6, 3, 4, 0, 3, 2, 4, 3])
TEN = np.column_stack([HEADS, 10 - HEADS])
ONE = np.full(20, 1 / 20)
WEIGHTED = {  # functions of weights, once the model has been fitted on them
    "aic": lambda model, w: model.aic(TEN, w),
    "bic": lambda model, w: model.bic(TEN, w),
    "icl": lambda model, w: model.icl(TEN, w),
    "fit": lambda model, w: model.fit(TEN, sample_weight=w),
    "partial_fit": lambda model, w: model.partial_fit(TEN, sample_weight=w),
    "standard_errors": lambda model, w: standard_errors(model, TEN, w),
    "summary": lambda model, w: summary(model, TEN, w),
    "compare": lambda _, w: compare_n_components(TEN, 2, sample_weight=w),
}


def shares_of(told):
    return [words for words in told if words.startswith("sample_weight sums")]


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_that_sum_to_one_get_one_word_with_the_factor(name):
    model = BinomialMixture(1).fit(TEN)
    [told] = shares_of(words_of(lambda: WEIGHTED[name](model, ONE)))
    assert "sums to 1 in rows with tosses" in told or name == "partial_fit"
    assert "Multiply sample_weight by 20, and a typical row counts once" in told
    for enough in (np.ones(20), ONE * 20, np.full(20, 2.5), HEADS + 1, None):
        assert shares_of(words_of(lambda w=enough: WEIGHTED[name](model, w))) == []


@pytest.mark.parametrize(
    "model", [BinomialMixture(), ThreeCoinModel(), NonparametricBinomialMixture()]
)
def test_every_estimator_hears_of_shares_and_none_of_counts(model):
    X, times = load_set("saxony_families12")
    for total in (1, 0.5, 1e-9):
        assert (
            len(
                shares_of(
                    words_of(lambda t=total: model.fit(X, sample_weight=times / times.sum() * t))
                )
            )
            == 1
        )
    assert words_of(lambda: model.fit(X, sample_weight=times)) == []


def test_scale_free_scores_say_nothing_of_shares():
    model = BinomialMixture(1).fit(TEN)
    assert words_of(lambda: model.score(TEN, sample_weight=ONE)) == []


def test_memberships_of_rows_are_no_shares():
    rng = np.random.default_rng(0)
    for n_clusters in (2, 5, 20):
        memberships = rng.dirichlet(np.full(n_clusters, 0.05), size=2000)
        heads = rng.binomial(10, 0.3, size=2000)
        X = np.column_stack([heads, 10 - heads])
        for k in range(n_clusters):
            w = memberships[:, k]
            assert (
                shares_of(words_of(lambda w=w, X=X: BinomialMixture(1).fit(X, sample_weight=w)))
                == []
            )


@pytest.mark.parametrize("total", [2**-1, 2**-20, 2**-600])
@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_a_total_weight_below_one_is_fitted_as_well_as_one(solver, total):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [
            BinomialMixture(3, solver=solver, theta_prior=(1, 1)).fit(TEN, sample_weight=ONE * t)
            for t in (1, total)
        ]
    one, light = models
    assert light.n_iter_ == one.n_iter_ > 5
    assert light.theta_ == pytest.approx(one.theta_, rel=1e-9, abs=1e-9)
    assert light.weights_ == pytest.approx(one.weights_, rel=1e-9)
    assert light.lower_bounds_ == pytest.approx(one.lower_bounds_, rel=1e-9)


def test_a_total_weight_below_one_keeps_its_proportion_to_the_priors():
    options = {"theta_prior": (3, 2), "weights_prior": 2, "tol": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = BinomialMixture(1, **options).fit(TEN, sample_weight=ONE / 4)
    heads, tosses = HEADS.sum() / 80 + 2, 200 / 80 + 3
    assert model.theta_ == pytest.approx([heads / tosses], rel=1e-12)
    log_prior = 2 * np.log(model.theta_[0]) + np.log1p(-model.theta_[0])
    expected = model.score(TEN) + log_prior / (1 / 4)
    assert model.lower_bound_ == pytest.approx(expected, rel=1e-12)


def test_the_nonparametric_search_ends_at_the_same_gap_per_row():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, light = (
            NonparametricBinomialMixture().fit(TEN, sample_weight=ONE * t) for t in (1, 1e-8)
        )
    assert light.theta_ == pytest.approx(one.theta_, rel=1e-6, abs=1e-9)
    assert light.gap_ <= 1e-6 * 1e-8


def test_groups_of_shares_get_one_word():
    table = pl.DataFrame(
        {
            "group": ["a"] * 3 + ["b"] * 3,
            "heads": [1, 5, 9] * 2,
            "tails": [9, 5, 1] * 2,
            "rows": [20.0, 3.0, 10.0, 0.25, 0.25, 0.5],
        }
    )
    [told] = words_of(lambda: fit_groups(BinomialMixture(1), table, by="group"))
    assert "1 of 2 groups have next to no rows" in told
    assert "The first is 'b'." in told
    assert words_of(lambda: fit_groups(BinomialMixture(1), table[:3], by="group")) == []
