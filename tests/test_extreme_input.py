"""Whatever is right is read to the last toss: any container, any size, any order."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _assertions import assert_refuses, assert_same_fit
from _references import FIVE_SETS, LAYOUTS
from scipy.special import gammaln
from scipy.stats import binom

from skcoin import BinomialMixture

pytestmark = pytest.mark.filterwarnings("ignore:One coin would do")
INITS = ["auto", "quantile", "random", "k-means++"]


@pytest.mark.parametrize("init_params", INITS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_row_without_tosses_tells_nothing(layout, init_params):
    X = FIVE_SETS[layout]
    nothing = np.full((2, X.shape[1]), np.nan if layout == "tosses" else 0)
    model = BinomialMixture(layout=layout, init_params=init_params, random_state=0).fit(X)
    theta_path = model.theta_path_
    # One ulp per coin: the weights go through a logarithm and back.
    np.testing.assert_allclose(model.predict_proba(nothing), [model.weights_] * 2, rtol=1e-15)
    np.testing.assert_allclose(model.score_samples(nothing), 0, atol=1e-15)
    np.testing.assert_array_equal(model.fit(np.vstack([nothing, X])).theta_path_, theta_path)


@pytest.mark.parametrize("n_components", [1, 2, 3])
@pytest.mark.parametrize("init_params", INITS)
@pytest.mark.parametrize(("heads", "tails"), [(1, 0), (0, 1)], ids=["heads", "tails"])
def test_rows_of_one_side_only_are_certain(heads, tails, init_params, n_components):
    X = np.outer([3, 8, 5, 8], [heads, tails])
    model = BinomialMixture(n_components, init_params=init_params, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "One coin would do")
        model.fit(X)
    assert -1e-6 <= model.score(X) <= 1e-15  # tol in all four rows, and rounding
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-15)


@pytest.mark.parametrize("init_params", INITS)
@pytest.mark.parametrize("n_components", [3, 5, 20])
def test_more_coins_than_distinct_rows_fit_as_well_as_fewer(n_components, init_params):
    X = np.repeat([[30, 70], [90, 10]], 3, axis=0)
    score = BinomialMixture(2).fit(X).score(X)
    model = BinomialMixture(n_components, init_params=init_params, random_state=0).fit(X)
    assert np.isfinite(model.theta_path_).all()
    assert model.weights_.sum() == pytest.approx(1)
    assert model.predict_proba(X).shape == (6, n_components)
    assert model.score(X) >= score - 1e-6  # tol


@pytest.mark.parametrize("n_components", [1, 2])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_row_is_fitted_by_its_rate(layout, n_components):
    X = FIVE_SETS[layout][:1]
    model = BinomialMixture(n_components, layout=layout).fit(X)
    best = 10 * np.log(0.5) if layout == "tosses" else binom.logpmf(5, 10, 0.5)
    assert model.score(X) == pytest.approx(best, abs=1e-6)  # tol
    assert model.weights_ @ model.theta_ == pytest.approx(0.5)


@pytest.mark.parametrize("scale", [1, 1e3, 1e6, 1e9, 1e11])
def test_the_complete_data_estimate_is_exact_at_any_size(scale):
    X, coins = scale * FIVE_SETS["heads_tails"], [1, 0, 0, 1, 0]
    model = BinomialMixture().fit(X, coins=coins)
    np.testing.assert_array_equal(model.theta_, [24 / 30, 9 / 20])
    np.testing.assert_array_equal(model.weights_, [3 / 5, 2 / 5])


@pytest.mark.parametrize("dtype", [float, np.int64, np.uint64])
def test_a_trillion_tosses_lose_no_coin(dtype):
    heads = np.array([10, 5, 0], dtype=dtype) * 10**11
    X = np.column_stack([heads, dtype(10**12) - heads])
    model = BinomialMixture(3).fit(X)
    np.testing.assert_allclose(model.theta_, [1, 0.5, 0], atol=1e-12)  # a toss in a trillion
    np.testing.assert_allclose(model.weights_, 1 / 3, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), [0, 1, 2])


def test_the_likelihood_of_a_trillion_tosses_keeps_its_digits():
    model = BinomialMixture(1).fit([[5e11, 5e11]])
    # Stirling: binom(n, n / 2) / 2^n -> sqrt(2 / (pi n)), wrong by 1 / (4 n). The log of the row
    # is 7e11 less as much, numbers that are stored to 1e-4.
    expected = -0.5 * np.log(np.pi * 1e12 / 2)
    assert model.score([[5e11, 5e11]]) == pytest.approx(expected, abs=5e-4)


def test_fractional_counts_are_counts():
    heads, tails = X = np.array([[2.5, 0.25, 7.125, 4], [7.5, 0.5, 0.125, 5]])
    model = BinomialMixture(theta_init=[0.8, 0.3], solver="em", max_iter=500).fit(X.T)
    joint = model.weights_ * (model.theta_ ** heads[:, None] * (1 - model.theta_) ** tails[:, None])
    ways = gammaln(heads + tails + 1) - gammaln(heads + 1) - gammaln(tails + 1)
    # A handful of roundings in each number.
    np.testing.assert_allclose(
        model.predict_proba(X.T), joint / joint.sum(axis=1, keepdims=True), rtol=1e-12
    )
    np.testing.assert_allclose(
        model.score_samples(X.T), np.log(joint.sum(axis=1)) + ways, rtol=1e-12
    )
    assert BinomialMixture(1).fit(X.T).theta_[0] == pytest.approx(X[0].sum() / X.sum(), rel=1e-15)


def read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


DTYPES = ["f2", "f4", "i1", "i2", "i4", "i8", "u1", "u4", "u8", ">f8", ">i4", "g", "O"]
CONTAINERS = {
    **{dtype: lambda X, dtype=dtype: X.astype(dtype) for dtype in DTYPES},
    "list": lambda X: X.tolist(),
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda X: X[::-1].copy()[::-1],
    "read-only": read_only,
    "pandas": pd.DataFrame,
    "pandas int": lambda X: pd.DataFrame(X.astype(int)),
    "pandas Int64": lambda X: pd.DataFrame(X.astype(int)).astype("Int64"),
    "pandas Float64": lambda X: pd.DataFrame(X).astype("Float64"),
    "pandas mixed": lambda X: pd.DataFrame(X).astype({0: "int8", 1: "Int64"}),
    "pandas pyarrow": lambda X: pd.DataFrame(X.astype(int)).astype("int64[pyarrow]"),
    "pandas object": lambda X: pd.DataFrame(X.astype(object)),
    "Polars": pl.DataFrame,
    "Polars int": lambda X: pl.DataFrame(X.astype(int)),
}


def assert_reads_the_same(same, X, layout):
    expected, model = (BinomialMixture(layout=layout).fit(table) for table in (X, same))
    assert_same_fit(model, expected)
    np.testing.assert_array_equal(model.predict_proba(same), expected.predict_proba(X))
    np.testing.assert_array_equal(model.score_samples(same), expected.score_samples(X))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("contain", CONTAINERS.values(), ids=CONTAINERS)
def test_the_container_of_the_numbers_does_not_matter(contain, layout):
    X = FIVE_SETS[layout].astype(float)
    assert_reads_the_same(contain(X), X, layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i8"])
def test_a_read_only_memory_map_is_read(dtype, layout, tmp_path):
    X = FIVE_SETS[layout].astype(float)
    np.save(tmp_path / "X.npy", X.astype(dtype))
    same = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_reads_the_same(same, X, layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("frame", [np.asarray, pd.DataFrame, pl.DataFrame])
def test_true_is_one_and_false_is_zero(frame, layout):
    X = np.array([[True, True], [False, True], [False, False], [True, True]])
    model = BinomialMixture(1, layout=layout)
    assert_same_fit(model.fit(frame(X)), BinomialMixture(1, layout=layout).fit(X.astype(float)))


@pytest.mark.parametrize(
    "frame",
    [
        lambda rows: rows,
        lambda rows: np.array(rows, dtype=object),
        lambda rows: pd.DataFrame(rows, dtype=object),
        lambda rows: pd.DataFrame(rows, dtype="Int64"),
        lambda rows: pd.DataFrame(rows, dtype="Float64"),
        lambda rows: pd.DataFrame(rows, dtype="boolean"),
        lambda rows: pd.DataFrame(rows, dtype="int64[pyarrow]"),
        lambda rows: pl.DataFrame(rows, orient="row"),
        lambda rows: pl.DataFrame(rows, orient="row").cast(pl.Boolean),
    ],
    ids=[
        "list",
        "object array",
        "pandas object",
        "pandas Int64",
        "pandas Float64",
        "pandas boolean",
        "pandas pyarrow",
        "Polars",
        "Polars Boolean",
    ],
)
def test_a_missing_toss_is_missing_in_every_container(frame):
    rows = [[1, None, 0, 1], [0, 1, 1, None], [0, 0, 0, 1], [1, 1, 1, 1]]
    X = np.array(rows, dtype=float)
    model = BinomialMixture(1, layout="tosses")
    assert_same_fit(model.fit(frame(rows)), BinomialMixture(1, layout="tosses").fit(X))


@pytest.mark.parametrize(
    "frame", [list, pd.DataFrame, lambda rows: pl.DataFrame(rows, orient="row")]
)
def test_a_missing_count_is_refused_in_every_container(frame):
    rows = [[5, 5], [None, 1], [8, 2]]
    assert_refuses(lambda: BinomialMixture().fit(frame(rows)), "NaN", "row 1, column 0")


@pytest.mark.parametrize(
    ("layout", "dtype", "X"),
    [
        ("heads_tails", "i1", [[100, 100, 100], [90, 3, 120], [2, 127, 127]]),
        ("heads_tails", "u1", [[200, 255, 255], [90, 3, 250], [2, 127, 255]]),
        ("heads_tails", "i4", [[2**31 - 1] * 3, [90, 3, 120], [5, 1, 2**31 - 1]]),
        ("heads_tails", "u8", [[2**51, 2**52, 2**53], [90, 3, 120], [5, 1, 2]]),
        ("heads_tails", "i8", [[2**51, 2**52, 2**53], [90, 3, 120], [5, 1, 2]]),
        ("heads_tails", "f4", [[2**24, 2**24, 1], [3, 4, 4], [5, 1, 1]]),
        ("heads_tosses", "u1", [[200, 255], [3, 250], [100, 100]]),
        ("heads_tosses", "f4", [[0.5, 2**24], [3, 8], [5, 7]]),
    ],
)
@pytest.mark.filterwarnings("ignore:layout=:UserWarning")
def test_a_narrow_type_loses_no_toss(layout, dtype, X):
    narrow, wide = np.array(X, dtype=dtype), np.array(X, dtype=float)
    model, expected = (BinomialMixture(1, layout=layout).fit(table) for table in (narrow, wide))
    np.testing.assert_array_equal(model.theta_, expected.theta_)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_85000_tosses_in_a_row_lose_no_coin(layout):
    rng = np.random.default_rng(0)
    n_tosses, theta = 85_000, np.repeat([0.6, 0.5], [6, 4])
    X = (rng.uniform(size=(10, n_tosses)) < theta[:, None]).astype(np.int8)
    if layout != "tosses":
        heads = X.sum(axis=1, dtype=int)
        X = np.column_stack(
            [heads, n_tosses - heads if layout == "heads_tails" else [n_tosses] * 10]
        )
    model = BinomialMixture(layout=layout).fit(X)
    np.testing.assert_allclose(model.theta_, [0.6, 0.5], atol=0.003)  # 4 standard errors of 4 rows
    np.testing.assert_allclose(model.weights_, [0.6, 0.4], rtol=1e-9)  # 58 errors apart
    np.testing.assert_array_equal(model.predict(X), np.repeat([0, 1], [6, 4]))
    assert np.isfinite(model.score_samples(X)).all()


def test_one_row_of_85000_heads_is_one_coin_among_many():
    X = np.vstack([np.tile([[5, 5]], (20, 1)), [[85_000, 0]]])
    model = BinomialMixture().fit(X)
    np.testing.assert_allclose(model.theta_, [1, 0.5], atol=1e-9)
    np.testing.assert_allclose(model.weights_, [1 / 21, 20 / 21], rtol=1e-2)  # 2^-10 is shared


@pytest.mark.parametrize("many", [1.5e308, 2.0**53 + 2])
def test_counts_that_have_lost_their_last_digits_are_refused_with_their_row(many):
    words = "row 1", f"{many}", "2**53", "Scale X down"
    assert_refuses(lambda: BinomialMixture(1).fit([[2, 3], [many, many]]), *words)


def test_deep_rows_do_not_cost_more_than_shallow_ones():
    """The grids that look for a further coin do not grow with the tosses for ever."""
    n = 1e15
    X = [[0.3 * n, 0.7 * n], [0.7 * n, 0.3 * n], [3, 5], [0.31 * n, 0.69 * n]]
    model = BinomialMixture(3).fit(np.rint(X))
    np.testing.assert_allclose(model.theta_, [0.7, 0.31, 0.3], rtol=1e-6)


def test_fractional_heads_may_exceed_tosses_by_rounding():
    model = BinomialMixture(1, layout="heads_tosses").fit([[0.1 + 0.2, 0.3], [1, 2]])
    assert model.theta_[0] == pytest.approx(1.3 / 2.3)


def test_no_row_is_more_than_certain():
    model = BinomialMixture(2).fit([[3, 1], [1, 3], [4, 4], [0, 9]])
    assert model.score_samples([[0, 0]])[0] <= 0


# --- weights and order --------------------------------------------------------------------------


def test_the_order_of_tosses_within_a_row_does_not_matter():
    X = FIVE_SETS["tosses"]
    shuffled = np.random.default_rng(0).permuted(X, axis=1)
    assert_same_fit(*(BinomialMixture(layout="tosses").fit(table) for table in (X, shuffled)))


def test_row_order_does_not_matter_in_long_data():
    rng = np.random.default_rng(0)
    heads = rng.binomial(10, rng.choice([0.3, 0.6], size=300_000))
    X = np.c_[heads, 10 - heads]
    distinct, times = np.unique(X, axis=0, return_counts=True)
    model = BinomialMixture().fit(X)
    assert_same_fit(model, BinomialMixture().fit(X[::-1]))
    assert_same_fit(model, BinomialMixture().fit(distinct, sample_weight=times))


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_unit_of_the_weights_does_not_move_the_maximum(scale):
    X, arguments = FIVE_SETS["heads_tails"], {"theta_init": [0.8, 0.4], "tol": 0, "max_iter": 5000}
    expected = BinomialMixture(**arguments).fit(X)
    model = BinomialMixture(**arguments).fit(X, sample_weight=np.full(5, scale))
    # The objective is flat to rounding, 1e-16, within its square root of the maximum.
    np.testing.assert_allclose(model.theta_, expected.theta_, atol=1e-6)
    assert model.score(X) == pytest.approx(expected.score(X), rel=1e-13)
