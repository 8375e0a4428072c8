"""Fits of many groups side by side are those of a loop over the groups."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import xlog1py, xlogy
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skcoin import (
    BinomialMixture,
    IdentifiabilityWarning,
    ProductBinomialMixture,
    ThreeCoinModel,
    count_tosses,
    fit_groups,
)
from skcoin.inspection import optimality_gap

SAME = 1e-8  # in the objective: two climbs to one maximum, each within tol=1e-9 of it


def rows_of_groups(n_groups, seed=0, n_rows=60):
    """Rows of two coins, with another pair of coins and other numbers of tosses in each group."""
    rng = np.random.default_rng(seed)
    frames = []
    for group in range(n_groups):
        tosses = rng.integers(4, 5 + rng.integers(1, 15), size=n_rows)
        heads = rng.binomial(tosses, rng.choice(rng.uniform(0.03, 0.97, size=2), size=n_rows))
        frames.append(pd.DataFrame({"group": group, "h": heads, "t": tosses - heads}))
    return pd.concat(frames, ignore_index=True)


FRAME = rows_of_groups(40)
TABLE = count_tosses(FRAME, "h", tails="t", by="group")


def loop_over(estimator, frame):
    """Each group fitted by itself, from its rows."""
    for _, rows in frame.groupby("group"):
        X = rows[["h", "t"]].to_numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield clone(estimator).fit(X), X


def log_prior(estimator, theta, weights):
    """What a fit maximises besides the log-likelihood, which by itself has a slope there."""
    a, b = estimator.theta_prior
    of_coins = xlogy(a - 1, theta) + xlog1py(b - 1, -theta)
    return (of_coins + xlogy(estimator.weights_prior - 1, weights)).sum()


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        BinomialMixture(1),
        BinomialMixture(2),
        BinomialMixture(3),
        BinomialMixture(2, solver="em", max_iter=20_000),
        BinomialMixture(2, solver="em", max_iter=200),
        BinomialMixture(2, learn_weights=False),
        BinomialMixture(2, theta_init=[0.2, 0.6], weights_init=[0.3, 0.7]),
        BinomialMixture(2, theta_init=[0.5, 0.1], learn_theta=[False, True]),
        BinomialMixture(2, theta_prior=(3, 2), weights_prior=2),
        BinomialMixture(2, init_params="quantile"),
        BinomialMixture(2, init_params="random", n_init=3, random_state=0),
        BinomialMixture(2, init_params="k-means++", random_state=0),
        ThreeCoinModel(),
    ],
    ids=str,
)
def test_side_by_side_is_one_after_the_other(estimator):
    estimator = clone(estimator).set_params(tol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fits = fit_groups(estimator, TABLE, by="group")
    for row, (model, X) in zip(fits.itertuples(), loop_over(estimator, FRAME), strict=True):
        theta, weights = (
            np.array([getattr(row, f"{part}{k}") for k in range(len(model.theta_))])
            for part in ("theta", "weight")
        )
        log_likelihood = model.score(X) * len(X)
        expected = log_likelihood + log_prior(estimator, model.theta_, model.weights_)
        objective = row.log_likelihood + log_prior(estimator, theta, weights)
        assert objective == pytest.approx(expected, abs=SAME)
        penalty = model.bic(X) + 2 * log_likelihood
        assert row.bic == pytest.approx(penalty - 2 * row.log_likelihood, rel=1e-12)  # rounding
        assert row.converged == model.converged_
        # The gap is of first order in coins that are off by the root of the tolerance.
        assert row.gap == pytest.approx(optimality_gap(model, X).gap, abs=1e-3)
        assert_allclose(np.dot(weights, theta), model.weights_ @ model.theta_, atol=1e-5)
        assert sum(weights) == pytest.approx(1, rel=1e-12)
        if len(np.unique(model.theta_.round(2))) == len(theta) and model.weights_.min() > 0.1:
            assert_allclose(theta, model.theta_, atol=1e-3)


@pytest.mark.parametrize("size", [1, 300, 2**15])
def test_results_do_not_depend_on_what_is_side_by_side(size, monkeypatch):
    expected = fit_groups(BinomialMixture(tol=1e-9), TABLE, by="group")
    monkeypatch.setattr("skcoin.frames._side_by_side.BATCH", size)
    result = fit_groups(BinomialMixture(tol=1e-9), TABLE, by="group")
    assert_allclose(result["log_likelihood"], expected["log_likelihood"], atol=SAME, rtol=0)
    assert_array_equal(result["converged"], expected["converged"])


def test_workers_do_not_matter():
    expected = fit_groups(BinomialMixture(), TABLE, by="group")
    pd.testing.assert_frame_equal(fit_groups(BinomialMixture(), TABLE, "group", n_jobs=2), expected)


@pytest.mark.slow
def test_gap_of_each_group_bounds_what_more_coins_gain():
    two, four = (fit_groups(BinomialMixture(k), TABLE, by="group") for k in (2, 4))
    assert np.all(four["log_likelihood"] <= two["log_likelihood"] + two["gap"] + 1e-6)
    assert np.all(two["gap"] >= 0)


def test_without_the_gap_all_else_is_the_same():
    with_gap = fit_groups(BinomialMixture(), TABLE, by="group")
    without = fit_groups(BinomialMixture(), TABLE, by="group", gap=False)
    assert list(without) == [name for name in with_gap if name != "gap"]
    for name in without:
        assert_array_equal(without[name], with_gap[name])


@pytest.mark.parametrize("gap", ["no", np.nan, None, 1])
def test_whether_to_compute_the_gap_is_yes_or_no(gap):
    with pytest.raises(TypeError, match="gap must be an instance of"):
        fit_groups(BinomialMixture(), TABLE, by="group", gap=gap)


@pytest.mark.parametrize("to", [pl.from_pandas, lambda t: pl.from_pandas(t).lazy(), pa.table])
def test_every_library_has_the_same_results(to):
    expected = fit_groups(BinomialMixture(), TABLE, by="group")
    table = to(TABLE) if to is not pa.table else pa.Table.from_pandas(TABLE, preserve_index=False)
    result = fit_groups(BinomialMixture(), table, by="group")
    assert type(result) is (pa.Table if isinstance(table, pa.Table) else pl.DataFrame)
    for name in expected:
        values = result[name].to_numpy()
        assert_array_equal(values, expected[name].to_numpy())


def test_several_columns_make_a_group_and_nulls_are_one_of_their_own():
    table = pl.DataFrame(
        {
            "site": ["a", "a", "b", "b", None, None],
            "day": [1.0, 2.0, 1.0, None, 1.0, 1.0],
            "heads": [9, 1, 3, 8, 0, 5],
            "tails": [1, 9, 7, 2, 6, 1],
            "rows": [1, 2, 3, 4, 5, 6],
        }
    )
    fits = fit_groups(BinomialMixture(1), table, by=["site", "day"])
    assert fits.select("site", "day").rows() == [
        ("a", 1.0),
        ("a", 2.0),
        ("b", 1.0),
        ("b", None),
        (None, 1.0),
    ]
    assert_allclose(fits["theta0"], [0.9, 0.1, 0.3, 0.8, 30 / 66])


def test_a_group_without_a_toss_is_nan_and_said():
    table = pd.DataFrame(
        {"gene": ["x", "y", "y"], "heads": [0, 3, 8], "tails": [0, 7, 2], "rows": [5, 3, 4]}
    )
    with pytest.warns(UserWarning, match=r"1 of 2 groups hold no toss.*first is 'x'"):
        fits = fit_groups(BinomialMixture(1), table, by="gene")
    assert fits.loc[0].drop(["gene", "identifiable", "converged"]).isna().all()
    assert not fits.loc[0, "converged"]
    assert fits.loc[1, "theta0"] == pytest.approx((9 + 32) / 70)


def test_no_group_with_a_toss_is_all_nan():
    table = pd.DataFrame({"gene": ["x"], "heads": [0], "tails": [0], "rows": [5]})
    with pytest.warns(UserWarning, match="1 of 1 groups hold no toss"):
        assert fit_groups(BinomialMixture(), table, by="gene")["theta0"].isna().all()


def test_a_group_of_weight_zero_is_not_lost():
    table = pd.DataFrame({"g": ["x", "y"], "heads": [3, 4], "tails": [7, 6], "rows": [0, 2]})
    with pytest.warns(UserWarning, match="1 of 2 groups hold no toss"):
        fits = fit_groups(BinomialMixture(1), table, by="g")
    assert fits["g"].tolist() == ["x", "y"]
    assert fits["theta0"].isna().tolist() == [True, False]


def test_no_groups_give_no_rows():
    fits = fit_groups(BinomialMixture(2), TABLE.iloc[:0], by="group")
    assert len(fits) == 0
    assert list(fits)[:5] == ["group", "theta0", "theta1", "weight0", "weight1"]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "string", "object"])
def test_null_keys_of_any_type_are_one_group(dtype):
    keys = pd.array([1, 1, None, None] if "t6" in dtype else ["1", "1", None, None], dtype=dtype)
    table = pd.DataFrame({"g": keys, "heads": [1, 2, 3, 4], "tails": [4, 4, 4, 4], "rows": 1})
    fits = fit_groups(BinomialMixture(1), table, by="g")
    assert_allclose(fits["theta0"], [3 / 11, 7 / 15])
    assert fits.index.tolist() == [0, 1]


def test_nan_and_null_are_two_groups_where_the_library_tells_them_apart():
    table = pl.DataFrame(
        {"g": [1.0, float("nan"), None], "heads": [1, 2, 3], "tails": [4, 4, 4], "rows": [1, 1, 1]}
    )
    assert_allclose(fit_groups(BinomialMixture(1), table, by="g")["theta0"], [1 / 5, 2 / 6, 3 / 7])


def test_a_generator_is_not_used_up_and_workers_do_not_share_it(monkeypatch):
    monkeypatch.setattr("skcoin.frames._side_by_side.BATCH", 300)
    rng = np.random.RandomState(0)
    model = BinomialMixture(init_params="random", random_state=rng, max_iter=3)
    before = rng.get_state()[1].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one, two = (fit_groups(model, TABLE, by="group", n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(rng.get_state()[1], before)
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.slow
def test_a_row_of_a_million_tosses_costs_its_own_group_only():
    small = pd.DataFrame({"g": np.repeat(np.arange(500), 2), "heads": [1, 7] * 500, "rows": 3})
    small["tails"] = 8 - small["heads"]
    large = pd.DataFrame({"g": [500], "heads": [10**6], "tails": [10**6], "rows": [1]})
    tracemalloc.start()
    fits = fit_groups(BinomialMixture(1), pd.concat([small, large]), by="g")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_allclose(fits["theta0"], 0.5)
    assert peak < 60e6  # with one grid for all groups it would be 500 x 16,384 numbers, some times


def test_totals_that_no_float_holds_are_refused():
    table = pd.DataFrame({"g": [1], "heads": [10], "tails": [10], "rows": [1e308]})
    with pytest.raises(ValueError, match=r"sample_weight|total"):
        fit_groups(BinomialMixture(), table, by="g")


def test_what_a_fit_would_warn_of_is_said_once_for_all_groups():
    table = pd.DataFrame({"g": [1, 1, 2, 2], "heads": [1, 0, 1, 9], "tails": [0, 1, 9, 1]})
    table["rows"] = [3, 4, 50, 50]
    with pytest.warns(IdentifiabilityWarning, match=r"1 of 2 groups have too few.*first is 1"):
        fits = fit_groups(BinomialMixture(), table, by="g")
    assert fits["identifiable"].tolist() == [False, True]
    with pytest.warns(ConvergenceWarning, match=r"groups did not converge.*first is 0"):
        fits = fit_groups(BinomialMixture(max_iter=1), TABLE, by="group")
    assert not fits["converged"].all()


def test_single_tosses_have_no_binomial_coefficient():
    counted, in_order = (
        fit_groups(BinomialMixture(layout=layout), TABLE, by="group")
        for layout in ("heads_tails", "tosses")
    )
    assert np.all(counted["log_likelihood"] > in_order["log_likelihood"])
    assert_allclose(counted["theta0"], in_order["theta0"])


@pytest.mark.parametrize(
    ("change", "by", "error", "words"),
    [
        ({}, "nothing", ValueError, "by='nothing' is no column"),
        ({}, [], ValueError, r"by is \[\].*use fit"),
        ({}, None, ValueError, "by is None"),
        ({}, 3, ValueError, "by is 3"),
        ({}, ["g", 3], TypeError, "by is 3"),
        ({}, "Theta0", ValueError, "by='Theta0' is a name that the result uses"),
        ({}, "heads", ValueError, "heads"),
        ({"rows": [1, -2]}, "g", ValueError, "rows.*negative.*1 of 2 rows"),
        ({"rows": [1, np.nan]}, "g", ValueError, "rows.*null"),
        ({"heads": [1, -2]}, "g", ValueError, "heads.*negative.*1 of 2 rows"),
        ({"tails": [1, np.nan]}, "g", ValueError, "tails.*null"),
        ({"tails": ["1", "2"]}, "g", ValueError, "tails.*must hold numbers"),
    ],
)
def test_bad_tables_are_refused_by_name(change, by, error, words):
    table = pd.DataFrame({"g": [1, 2], "heads": [3, 4], "tails": [5, 6], "rows": [7, 8]})
    with pytest.raises(error, match=words):
        fit_groups(BinomialMixture(), table.assign(**change), by=by)


def test_parameters_are_checked_before_the_table():
    with pytest.raises(ValueError, match="'tol' parameter"):
        fit_groups(BinomialMixture(tol=-1), "no table", by="group")
    with pytest.raises(ValueError, match="theta_init has shape"):
        fit_groups(BinomialMixture(theta_init=[0.5]), "no table", by="group")


def test_an_array_is_no_table():
    with pytest.raises(TypeError, match="data frame"):
        fit_groups(BinomialMixture(), np.ones((3, 3)), by="group")


# --- several coins in a row ---------------------------------------------------------------------


def rows_of_sets(n_groups=4, n_rows=30, seed=0):
    """Rows of two classes of three coins, which are others in each group."""
    rng = np.random.default_rng(seed)
    frames = []
    for group in range(n_groups):
        theta = rng.uniform(0.03, 0.97, size=(2, 3))[rng.integers(2, size=n_rows)]
        tosses = rng.integers(0, 8, size=(n_rows, 3))
        heads = rng.binomial(tosses, theta)
        cells = np.where(tosses > 0, rng.binomial(1, theta), np.nan)
        columns = {"h": heads, "t": tosses - heads, "n": tosses, "q": cells}
        frame = {f"{name}{j}": column[:, j] for name, column in columns.items() for j in range(3)}
        frames.append(pd.DataFrame({"group": group} | frame))
    return pd.concat(frames, ignore_index=True)


SETS = rows_of_sets()
HEADS, TAILS, TOSSES, SINGLE = ([f"{kind}{j}" for j in range(3)] for kind in "htnq")
SIDES = {
    "heads_tails": {"heads": HEADS, "tails": TAILS},
    "heads_tosses": {"heads": HEADS, "tosses": TOSSES},
    "tosses": {"tosses": SINGLE},
}
OF_SETS = {
    "two classes": ProductBinomialMixture(),
    "of heads and tosses": ProductBinomialMixture(layout="heads_tosses"),
    "of single tosses": ProductBinomialMixture(layout="tosses"),
    "one dispersion": ProductBinomialMixture(dispersion_type="tied"),
    "one of each coin": ProductBinomialMixture(1, dispersion_type="coin"),
    "one of each coin and class": ProductBinomialMixture(1, dispersion_type="separate"),
    "by EM": ProductBinomialMixture(solver="em", max_iter=20_000),
    "with priors": ProductBinomialMixture(theta_prior=(2, 3), weights_prior=2),
    "from a start": ProductBinomialMixture(theta_init=np.array([[0.2] * 3, [0.8] * 3])),
    "all learned": ProductBinomialMixture(learn_theta=[[True] * 3] * 2),
}


@pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "one dispersion" else name
        for name in OF_SETS
    ],
)
def test_classes_side_by_side_are_those_of_one_fit_after_the_other(name):
    estimator = clone(OF_SETS[name]).set_params(tol=1e-10)
    table = count_tosses(SETS, **SIDES[estimator.layout], by="group")
    coins = table.columns.drop(["group", "rows"])
    names = coins if estimator.layout == "tosses" else coins[::2]
    fits = fit_groups(estimator, table, by="group")
    n_classes = estimator.n_components
    assert fits["group"].tolist() == np.repeat(range(4), n_classes).tolist()
    assert fits["class"].tolist() == list(range(n_classes)) * 4
    for group, own in fits.groupby("group"):
        X = SETS.loc[SETS["group"] == group, coins]
        model = clone(estimator).fit(X)
        log_likelihood = model.score(X) * len(X)
        assert_allclose(own["log_likelihood"], log_likelihood, atol=1e-7, rtol=0)
        assert_allclose(own["bic"], model.bic(X), atol=1e-6, rtol=0)
        assert own["converged"].tolist() == [model.converged_] * n_classes
        if own["identifiable"].all():
            assert_allclose(own["weight"], model.weights_, atol=1e-4)
            assert_allclose(own[[f"theta_{name}" for name in names]], model.theta_, atol=1e-4)
            if estimator.dispersion_type != "none":
                found = own[[f"dispersion_{name}" for name in names]]
                assert_allclose(found, model.dispersion_, atol=1e-4)


@pytest.fixture(scope="module")
def table_of_sets():
    return count_tosses(SETS, HEADS, TAILS, by="group")


def test_of_several_coins_the_result_has_a_row_for_each_class(table_of_sets):
    fits = fit_groups(ProductBinomialMixture(), table_of_sets, by="group")
    names = ["group", "class", *(f"theta_{name}" for name in HEADS), "weight"]
    assert list(fits) == [*names, "log_likelihood", "bic", "identifiable", "converged"]
    assert fits["class"].dtype == "int64"
    assert_allclose(fits.groupby("group")["weight"].sum(), 1)
    assert fits.groupby("group")["weight"].is_monotonic_decreasing.all()
    assert fits.index.equals(pd.RangeIndex(8))


@pytest.mark.parametrize("size", [1, 300])
def test_classes_do_not_depend_on_what_is_side_by_side(size, table_of_sets, monkeypatch):
    model = ProductBinomialMixture(tol=1e-9)
    expected = fit_groups(model, table_of_sets, by="group")
    monkeypatch.setattr("skcoin.frames._side_by_side.BATCH", size)
    result = fit_groups(model, table_of_sets, by="group")
    assert_allclose(result["log_likelihood"], expected["log_likelihood"], atol=SAME, rtol=0)
    assert_allclose(result["theta_h0"], expected["theta_h0"], atol=1e-4)


@pytest.mark.parametrize("to", [pl.from_pandas, lambda table: pl.from_pandas(table).lazy()])
def test_every_library_has_the_same_classes(to, table_of_sets):
    expected = fit_groups(ProductBinomialMixture(), table_of_sets, by="group")
    result = fit_groups(ProductBinomialMixture(), to(table_of_sets), by="group")
    assert isinstance(result, pl.DataFrame)
    for name in expected:
        assert_array_equal(result[name].to_numpy(), expected[name].to_numpy())


def test_classes_that_others_could_stand_for_are_said_to_be_so():
    answers = pd.DataFrame({"g": ["x"] * 4, "a": [0, 0, 1, 1], "b": [0, 1, 0, 1]})
    table = answers.assign(rows=[30, 10, 12, 25])
    model = ProductBinomialMixture(layout="tosses")
    with pytest.warns(IdentifiabilityWarning, match=r"1 of 1 groups have other classes.*is 'x'"):
        fits = fit_groups(model, table, by="g")
    assert fits["identifiable"].tolist() == [False, False]


def test_a_group_of_sets_without_a_toss_is_nan_and_said():
    table = pd.DataFrame({"g": ["x", "y"], "a": [np.nan, 1], "b": [np.nan, 0], "rows": [2, 3]})
    with pytest.warns(UserWarning, match=r"1 of 2 groups hold no toss.*first is 'x'"):
        fits = fit_groups(ProductBinomialMixture(1, layout="tosses"), table, by="g")
    assert fits["theta_a"].isna().tolist() == [True, False]
    assert fits.loc[1, ["theta_a", "theta_b"]].tolist() == [1, 0]
    assert fits["class"].tolist() == [0, 0]
    assert len(fit_groups(ProductBinomialMixture(2), table.iloc[:0], by="g")) == 0


def test_of_several_coins_there_is_no_gap(table_of_sets):
    one = ProductBinomialMixture(1)
    assert list(fit_groups(one, table_of_sets, "group", gap=False)) == list(
        fit_groups(one, table_of_sets, "group")
    )
    with pytest.raises(TypeError, match=r"the gap is to the best of all .* Leave gap out\."):
        fit_groups(one, table_of_sets, "group", gap=True)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"c": 1}, ValueError, r"\['a', 'b', 'c'\], but layout='heads_tails'.*two, .*each coin"),
        ({"a": ["x", "y"]}, ValueError, "heads='a' holds .* values, but must hold numbers"),
        ({"b": [1, -2]}, ValueError, "tails='b' is negative in 1 of 2 rows"),
        ({"rows": [1, np.nan]}, ValueError, "weight='rows' is null"),
    ],
    ids=str,
)
def test_bad_tables_of_sets_are_refused_by_name(change, error, words):
    table = pd.DataFrame({"g": [1, 2], "a": [3, 4], "b": [5, 6], "rows": [7, 8]})
    with pytest.raises(error, match=words):
        fit_groups(ProductBinomialMixture(1), table.assign(**change), by="g")


def test_parameters_of_several_coins_are_checked_against_the_table():
    table = pd.DataFrame({"class": [1, 2], "a": [3, 4], "b": [5, 6], "rows": [7, 8]})
    with pytest.raises(ValueError, match="by='class' is a name that the result uses"):
        fit_groups(ProductBinomialMixture(1), table, by="class")
    table = table.rename(columns={"class": "g"})
    for wrong, words in (
        ({"tol": -1}, "'tol' parameter"),
        ({"layout": "pairs"}, "'layout' parameter"),
        ({"theta_init": [[0.5, 0.5]]}, r"theta_init has shape \(1, 2\).*shape \(1, 1\)"),
    ):
        with pytest.raises(ValueError, match=words):
            fit_groups(ProductBinomialMixture(1).set_params(**wrong), table, by="g")
    with pytest.raises(ValueError, match=r"has the columns \[\]"):
        fit_groups(ProductBinomialMixture(1), table[["g", "rows"]], by="g")
