"""What is said of data that are not what they seem, and that nothing is said of clean ones."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _models import fit_quietly
from _references import DATA, LOADERS, load_set
from sklearn.base import clone

from skcoin import BinomialMixture, NonparametricBinomialMixture, ThreeCoinModel
from skcoin._base import mixture_of
from skcoin._counts import count
from skcoin._tells import spread_around_coins
from skcoin.frames import count_tosses, fit_groups, join_posterior
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
    for options, first in (({}, "2 heads"), ({"names": "abcde"}, "row 1 with 5 heads")):
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


# --- Columns that are others than they are read as ----------------------------------------------

MODELS = [BinomialMixture(), ThreeCoinModel(), NonparametricBinomialMixture()]
SUCCESSES, TRIALS = np.array([5, 9, 8, 4, 7]), np.full(5, 10)
REST = TRIALS - SUCCESSES


def columns_of(told):
    return [words for words in told if words.startswith("Columns ")]


def said_of(first, second, names=None, **options):
    """What a fit says of two columns."""
    X = np.column_stack([first, second])
    X = X if names is None else pd.DataFrame(X, columns=names)
    return columns_of(words_of(lambda: BinomialMixture(**options).fit(X)))


@pytest.mark.parametrize(
    "name",
    [
        "trials",
        "trial",
        "tosses",
        "n",
        "N",
        "total",
        "depth",
        "dp",
        "DP",
        "coverage",
        "impressions",
        "views",
        "visits",
        "at_bats",
        "size",
        "litter_size",
        "n_trials",
        "nTrials",
        "ntrials",
        "total_reads",
        "total_count",
        "readDepth",
        "n.trials",
        "No_of_trials",
    ],
)
def test_a_name_of_all_tosses_in_place_of_tails_gets_a_word(name):
    [told] = said_of(SUCCESSES, REST, ["x", name])  # whatever the numbers
    assert f"{name!r} sounds like all tosses" in told
    assert 'use layout="heads_tosses"' in told
    [told] = said_of(SUCCESSES, REST, [name, "x"])
    assert "put it second" in told
    assert said_of(SUCCESSES, TRIALS, ["x", name], layout="heads_tosses") == []


@pytest.mark.parametrize(
    "names",
    [
        ("tails", "heads"),
        ("ref", "alt"),
        ("n_ref", "n_alt"),
        ("failures", "successes"),
        ("losses", "wins"),
    ],
)
def test_names_in_the_reverse_order_get_a_word(names):
    [told] = said_of(SUCCESSES, REST, names)
    assert "exchange the columns" in told
    assert said_of(SUCCESSES, REST, names[::-1]) == []


def test_tails_that_are_read_as_all_tosses_get_a_word():
    [told] = said_of([1, 2, 3], [9, 8, 7], ["heads", "tails"], layout="heads_tosses")
    assert 'use layout="heads_tails"' in told


@pytest.mark.parametrize(
    "names",
    [
        ("heads", "tails"),
        ("successes", "failures"),
        ("alt_count", "ref_count"),
        ("wins", "losses"),
        ("clicks", "no_clicks"),
        ("clicked", "unclicked"),
        ("methylated", "non_methylated"),
        ("new_patients", "old_patients"),
        ("girls", "boys"),
        ("h", "t"),
        ("正面", "反面"),
    ],
)
def test_names_that_fit_or_say_nothing_keep_quiet(names):
    assert said_of(SUCCESSES, REST, names) == []


@pytest.mark.parametrize("names", [("heads", "tails"), ("clicked", "unclicked")])
def test_names_that_fit_quiet_the_numbers(names):
    assert len(said_of(SUCCESSES, TRIALS)) == 1
    assert said_of(SUCCESSES, TRIALS, names) == []


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_predict"])
def test_a_column_that_is_constant_above_the_other_gets_one_word(model, method):
    for order, remedy in (([0, 1], 'If so, use layout="heads_tosses"'), ([1, 0], "put it second")):
        X = np.column_stack([SUCCESSES, TRIALS])[:, order]
        [told] = columns_of(words_of(lambda X=X: getattr(clone(model), method)(X)))
        assert "is 10 in all rows" in told
        assert remedy in told
    X = np.column_stack([SUCCESSES, REST])
    assert columns_of(words_of(lambda: getattr(clone(model), method)(X))) == []


def test_chunks_are_judged_together():
    model, X = BinomialMixture(), np.column_stack([SUCCESSES, TRIALS])
    assert columns_of(words_of(lambda: model.partial_fit(X[:2]))) == []
    assert len(columns_of(words_of(lambda: model.partial_fit(X[2:])))) == 1


def test_comparisons_say_it_too():
    X = np.column_stack([SUCCESSES, TRIALS])
    assert len(columns_of(words_of(lambda: compare_n_components(X, 2)))) == 1


@pytest.mark.parametrize("model", [BinomialMixture(3), NonparametricBinomialMixture()])
def test_depths_that_vary_are_seen_by_their_narrow_spread(model):
    rng = np.random.default_rng(0)
    depth = rng.negative_binomial(5, 5 / 65, size=20_000) + 5
    variants = rng.binomial(depth, rng.choice([0.48, 0.22, 0.07], size=20_000))
    for X, which in (([variants, depth], "second"), ([depth, variants], "first")):
        [told] = columns_of(words_of(lambda X=X: model.fit(np.column_stack(X))))
        assert f"the {which} is nowhere below the other one, and around the coins" in told
    X = np.column_stack([variants, depth - variants])
    assert words_of(lambda: model.fit(X)) == []


def test_the_spread_of_successes_and_trials_is_that_of_the_formula():
    rng = np.random.default_rng(1)
    for p in (0.2, 0.5, 0.8):
        trials = rng.poisson(60, size=20_000)
        heads = rng.binomial(trials, p)
        for tails, expected in ((trials, (1 - p) / (1 + p)), (trials - heads, 1)):
            counts = count([(heads, tails, None, None)])
            mixture = mixture_of(fit_quietly(BinomialMixture(1), np.column_stack([heads, tails])))
            ratio, _ = spread_around_coins(mixture, counts)
            assert ratio == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("name", [*LOADERS, *(path.stem for path in DATA.glob("*.csv"))])
def test_real_heads_and_tails_are_taken_as_they_are(name):
    X, times = load_set(name)
    for model in [*map(BinomialMixture, (1, 2, 3, 5)), NonparametricBinomialMixture()]:
        for columns in ([0, 1], [1, 0]):
            fit = clone(model).fit
            told = words_of(lambda c=columns, fit=fit: fit(X[:, c], sample_weight=times))
            assert columns_of(told) == []


def simulated(rng):
    """Heads and tails of a random design, and weights or None."""
    n_rows = int(rng.choice([5, 10, 30, 100, 1000]))
    most = rng.choice([2, 5, 12, 40, 1000])
    designs = [np.full(n_rows, most), rng.integers(1, most + 1, n_rows), rng.poisson(most, n_rows)]
    tosses, thetas = designs[rng.integers(3)], rng.uniform(0, rng.choice([0.05, 0.5, 1]), size=4)
    theta = rng.beta(1, 5, n_rows) if rng.random() < 0.3 else rng.choice(thetas, n_rows)
    heads = rng.binomial(tosses, theta)
    weights = [None, rng.exponential(rng.choice([1, 1000]), n_rows), rng.integers(1, 9, n_rows)]
    return np.column_stack([heads, tosses - heads]), weights[rng.integers(3)]


@pytest.mark.slow
def test_simulated_heads_and_tails_are_taken_as_they_are():
    rng = np.random.default_rng(2)
    for _ in range(400):
        X, times = simulated(rng)
        if X.any():
            model = BinomialMixture(int(rng.integers(1, 5)), init_params="quantile")
            told = words_of(lambda X=X, w=times, m=model: m.fit(X, sample_weight=w))
            assert columns_of(told) == []


@pytest.mark.parametrize("X", [[[2, 2], [3, 3], [50, 50]], [[1, 3], [2, 6], [3, 9], [4, 12]]])
def test_few_rows_of_the_same_rate_are_no_narrow_spread(X):
    for model in (BinomialMixture(1), BinomialMixture(2), NonparametricBinomialMixture()):
        assert columns_of(words_of(lambda m=model: m.fit(X))) == []


RATES = SUCCESSES / TRIALS


@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses"])
@pytest.mark.parametrize("rates", [RATES, [0.31, 0.52, 0.07, 0.1, 0], [0.02, 0.035, 0.5, 1, 0.25]])
def test_rates_in_place_of_heads_get_one_word(layout, rates):
    for n in (TRIALS, [12, 200, 45, 30, 7]):
        [told] = said_of(rates, n, layout=layout)
        assert "the first holds fractions of the tosses, not a number of heads" in told
        assert "multiply it by all tosses" in told
        assert len(said_of(rates, n, ["rate", "n"], layout=layout)) == 1


def test_a_name_of_rates_is_enough_for_percentages():
    [told] = said_of([48.3, 12.5], [250, 100], ["pct", "depth"], layout="heads_tosses")
    assert "fractions of the tosses" in told


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0.5, 0.9, 0.1, 0.2], [0.5, 0.1, 0.9, 0.8]),  # tosses that were split by a model
        ([0.5, 0.25, 1.5, 0.75, 3.25], [2, 7, 4, 5, 6]),  # expected heads
        ([0.03, 0.98, 0.2, 0], [2, 2, 2, 2]),  # dosages of a rare allele
        ([0, 1, 1, 0, 1], [10, 9, 10, 8, 11]),
    ],
)
def test_fractional_counts_that_are_no_rates_keep_quiet(first, second):
    assert said_of(first, second, layout="heads_tosses" if second[0] == 2 else "heads_tails") == []


@pytest.mark.parametrize("call", ["count", "join"])
def test_frames_say_the_same_words_once(call):
    model = BinomialMixture().fit(np.column_stack([SUCCESSES, REST]))

    def said(first, second, names, **role):
        frame = pl.DataFrame({names[0]: first, names[1]: second})
        if call == "count":
            return words_of(lambda: count_tosses(frame, names[0], **role))
        return words_of(lambda: join_posterior(model, frame, names[0], **role))

    [told] = said(SUCCESSES, TRIALS, ["x", "shown"], tails="shown")
    assert "'shown' sounds like all tosses" in told
    assert "give it as tosses, not as tails" in told
    [told] = said(SUCCESSES, TRIALS, ["x", "y"], tails="y")
    assert "the second is 10 in all rows" in told
    [told] = said(RATES, TRIALS, ["x", "y"], tosses="y")
    assert "multiply it by all tosses, and give these as tosses" in told
    [told] = said(SUCCESSES, TRIALS, ["x", "ref"], tosses="ref")
    assert "give it as tails, not as tosses" in told
    [told] = said(SUCCESSES, REST, ["ref", "alt"], tails="alt")
    assert "give the one as heads" in told
    assert said(SUCCESSES, REST, ["x", "y"], tails="y") == []
    assert said(SUCCESSES, TRIALS, ["x", "shown"], tosses="shown") == []
    assert said(SUCCESSES, TRIALS, ["x", "tails"], tails="tails") == []


def test_groups_of_a_counted_table_are_not_told_again():
    frame = pl.DataFrame({"x": SUCCESSES, "y": TRIALS, "g": 1})
    tables = []
    words_of(lambda: tables.append(count_tosses(frame, "x", "y", by="g")))
    assert columns_of(words_of(lambda: fit_groups(BinomialMixture(1), tables[0], by="g"))) == []
