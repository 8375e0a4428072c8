"""Whatever engine holds the rows, the counts are the same, and so are the coins.

Each engine is the real one: a Dask cluster of two processes, Spark on Java, DuckDB on a file,
Polars on Parquet in its streaming engine. One that is not installed is skipped with the words
"engine missing".
"""

import math
import os
import shutil
from collections import Counter
from decimal import Decimal
from functools import cache, partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from _assertions import assert_refuses, assert_same_fit
from _engines import BRING, FILES, LOCAL, columns_of, need, rows_of, write
from _references import LOADERS, load_set

from skcoin import BinomialMixture, ProductBinomialMixture, ThreeCoinModel
from skcoin.frames import count_tosses, fit_groups, join_posterior

nw = pytest.importorskip("narwhals.stable.v2", reason="engine missing: narwhals")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning"),  # of some real sets
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # Ibis's own
]
KEEP_ORDER = [*LOCAL, "Polars lazy", "Dask"]  # the rows of a database have none
HAVE_DECIMALS = ["pandas pyarrow", "Polars", "PyArrow", "Polars lazy", "DuckDB", "Ibis", "PySpark"]
GIVE_PANDAS = ["DuckDB", "Ibis", "Dask", "PySpark"]


@pytest.fixture(scope="session")
def dask_client():
    need("dask.dataframe")
    distributed = need("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    sql = need("pyspark.sql")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("engine missing: java")
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # short queries
        "spark.log.level": "ERROR",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": 2,
        "spark.sql.warehouse.dir": tmp_path_factory.mktemp("warehouse"),
        "spark.ui.enabled": "false",
    }
    builder = sql.SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def duckdb_file(tmp_path):
    with need("duckdb").connect(str(tmp_path / "rows.db")) as connection:
        yield connection


SESSIONS = {"Dask": "dask_client", "DuckDB": "duckdb_file", "PySpark": "spark"}


@pytest.fixture(params=[*LOCAL, *FILES])
def engine(request, tmp_path):
    """A function that brings columns, or the Parquet files of some, into an engine."""
    name = request.param
    session = request.getfixturevalue(SESSIONS[name]) if name in SESSIONS else None

    def enter(data):
        if isinstance(data, dict):
            data = pa.table(data)
        if name in FILES and isinstance(data, pa.Table):
            data = write(data, tmp_path / "rows")
        elif name in LOCAL and not isinstance(data, pa.Table):
            data = pq.read_table(data)
        return BRING[name](data, session)

    enter.name = name
    return enter


# --- counts -------------------------------------------------------------------------------------


@pytest.fixture(scope="session", params=[200_000, pytest.param(5_000_000, marks=pytest.mark.slow)])
def many_rows(request, tmp_path_factory):
    """Parquet files of the tosses of three coins, their distinct rows, and the fit on all rows."""
    rng = np.random.default_rng(0)
    tosses = rng.poisson(20, request.param)
    heads = rng.binomial(tosses, rng.choice([0.2, 0.5, 0.7], size=len(tosses)))
    X = np.column_stack([heads, tosses - heads])
    table = pa.table({"heads": X[:, 0], "tails": X[:, 1]})
    folder = write(table, tmp_path_factory.mktemp("many") / "rows")
    return folder, np.unique(X, axis=0, return_counts=True), BinomialMixture(3).fit(X)


@pytest.fixture(scope="session")
def real_sets(tmp_path_factory):
    """Parquet files of all real sets, and each set by its name."""
    sets = {name: load_set(name) for name in [*LOADERS, "lirat", "orob2", "surg_nodes"]}
    rows = [
        (name, *map(int, row), 1 if weight is None else int(weight[i]))
        for name, (X, weight) in sets.items()
        for i, row in enumerate(X)
    ]
    columns = zip(("set", "heads", "tails", "families"), zip(*rows, strict=True), strict=True)
    table = pa.table({name: list(column) for name, column in columns})
    return write(table, tmp_path_factory.mktemp("real") / "rows"), sets


def test_every_engine_gives_the_same_counts_and_the_same_coins(engine, many_rows, real_sets):
    folder, (distinct, times), expected = many_rows
    table = count_tosses(engine(folder), "heads", "tails")
    *pairs, rows = columns_of(table, "heads", "tails", "rows")
    assert {column.dtype for column in (*pairs, rows)} == {np.dtype("int64")}
    np.testing.assert_array_equal(np.column_stack(pairs), distinct)
    np.testing.assert_array_equal(rows, times)
    assert_same_fit(BinomialMixture(3).fit(np.column_stack(pairs), sample_weight=rows), expected)

    folder, sets = real_sets
    table = count_tosses(engine(folder), "heads", "tails", weight="families", by="set")
    owner, *columns = columns_of(table, "set", "heads", "tails", "rows")
    assert list(dict.fromkeys(owner)) == sorted(sets)
    for name, (X, weight) in sets.items():
        heads, tails, rows = (column[owner == name] for column in columns)
        model = BinomialMixture().fit(np.column_stack([heads, tails]), sample_weight=rows)
        assert_same_fit(model, BinomialMixture().fit(X, sample_weight=weight))


CLICKS = {
    "shop": ["b", "a", None, "b", "a", None, "b"],
    "day": [2, 1, 1, 2, 2, 1, 1],
    "clicks": [3, 1, 0, 3, 1, 0, 2],
    "passed": [7, 4, 0, 7, 2, 0, 8],
    "shown": [10, 5, 0, 10, 3, 0, 10],
    "times": [2, 5, 1, 3, 0, 4, 1],
}


@pytest.mark.parametrize("others", [{"tails": "passed"}, {"tosses": "shown"}], ids=str)
def test_pairs_are_counted_and_sorted(engine, others):
    table = count_tosses(engine(CLICKS), "clicks", **others)
    assert nw.from_native(table).columns == ["heads", "tails", "rows"]
    assert rows_of(table) == [(0, 0, 2), (1, 2, 1), (1, 4, 1), (2, 8, 1), (3, 7, 2)]


def test_groups_are_counted_apart_and_the_group_of_null_comes_last(engine):
    frame = engine(CLICKS)
    table = count_tosses(frame, "clicks", tosses="shown", by="shop")
    assert nw.from_native(table).columns == ["shop", "heads", "tails", "rows"]
    assert rows_of(table) == [
        ("a", 1, 2, 1),
        ("a", 1, 4, 1),
        ("b", 2, 8, 1),
        ("b", 3, 7, 2),
        (None, 0, 0, 2),
    ]
    table = count_tosses(frame, "clicks", "passed", by=["day", "shop"])
    assert rows_of(table) == [
        (1, "a", 1, 4, 1),
        (1, "b", 2, 8, 1),
        (1, None, 0, 0, 2),
        (2, "a", 1, 2, 1),
        (2, "b", 3, 7, 2),
    ]


def test_rows_are_the_sum_of_weights_and_weight_zero_is_left_out(engine):
    frame = engine(CLICKS)
    assert rows_of(count_tosses(frame, "clicks", "passed", weight="times")) == [
        (0, 0, 5),
        (1, 4, 5),
        (2, 8, 1),
        (3, 7, 5),
    ]
    table = count_tosses(frame, "clicks", tosses="shown", weight="times", by="shop")
    assert rows_of(table) == [("a", 1, 4, 5), ("b", 2, 8, 1), ("b", 3, 7, 5), (None, 0, 0, 5)]


NARROW = [
    (pa.int8(), [100, 100, 100], 300),
    (pa.uint8(), [200, 200, 200], 600),
    (pa.int32(), [2**31 - 1] * 3, 3 * (2**31 - 1)),
    (pa.int64(), [2**52, 2**51, 2**51 - 1], 2**53 - 1),
    (pa.bool_(), [True, False, True], 2),
    (pa.float32(), [2**24, 1, 1], 2**24 + 2),
    (pa.float64(), [2.0**52, 1, 2.0**51], 2**52 + 2**51 + 1),
]


@pytest.mark.parametrize(
    ("dtype", "weights", "total"), NARROW, ids=[str(dtype) for dtype, *_ in NARROW]
)
def test_a_narrow_type_loses_no_weight(engine, dtype, weights, total):
    frame = engine({"h": [3, 3, 3], "t": [4, 4, 4], "w": pa.array(weights, dtype)})
    assert rows_of(count_tosses(frame, "h", "t", weight="w")) == [(3, 4, total)]


@pytest.mark.parametrize("engine", HAVE_DECIMALS, indirect=True)
def test_decimals_are_exact(engine):
    weights = [Decimal("0.10"), Decimal("0.20"), Decimal("1.00")]
    counts = [Decimal("0.143"), Decimal("0.143"), Decimal("0.143")]
    frame = engine({"h": counts, "t": [4, 4, 4], "w": weights})
    assert rows_of(count_tosses(frame, "h", "t", weight="w")) == [(0.143, 4, 1.3)]


@pytest.mark.parametrize("dtype", [pa.int8(), pa.uint16(), pa.float32(), pa.bool_()], ids=str)
def test_a_narrow_type_loses_no_toss(engine, dtype):
    values = [True, False, True] if dtype == pa.bool_() else [100, 0, 100]
    frame = engine({"h": pa.array(values, dtype), "n": pa.array([100, 100, 100], pa.int8())})
    expected = [(h, 100 - h, times) for h, times in zip((0, int(values[0])), (1, 2), strict=True)]
    assert rows_of(count_tosses(frame, "h", tosses="n")) == expected


def test_sums_of_any_weights_are_equal_to_rounding(engine):
    rng = np.random.default_rng(0)
    heads, weights = rng.integers(3, size=30_000), rng.exponential(size=30_000)
    frame = engine({"h": heads, "t": 2 - heads, "w": weights})
    (rows,) = columns_of(count_tosses(frame, "h", "t", weight="w"), "rows")
    exact = [math.fsum(weights[heads == h]) for h in range(3)]
    # The bound for 10,000 terms that are added one by one is 1e-12; rounding takes turns.
    np.testing.assert_allclose(rows, exact, rtol=1e-13)


def test_fractional_tosses_are_counted_and_what_rounds_together_is_one_pair(engine):
    much, more = 0.3, 0.1 + 0.2  # a rounding more
    frame = engine(
        {
            "h": [more, much, 0.5, 0.5, 2.5, 2.5],
            "n": [much, much, 2.0**52 + 2, 2.0**52 + 3, 3.25, 3.25],
        }
    )
    assert rows_of(count_tosses(frame, "h", tosses="n")) == [
        (much, 0.0, 1),
        (more, 0.0, 1),
        (0.5, 2.0**52 + 2, 2),
        (2.5, 0.75, 2),
    ]


def test_minus_zero_is_zero(engine):
    frame = engine({"h": [0.0, -0.0, 0.0, 1.0], "t": [3.0, 3.0, -0.0, 0.0]})
    table = count_tosses(frame, "h", "t")
    assert rows_of(table) == [(0, 0, 1), (0, 3, 2), (1, 0, 1)]
    assert not np.signbit(np.column_stack(columns_of(table, "heads", "tails"))).any()


def test_no_rows_give_no_pairs(engine):
    frame = engine(pa.table(CLICKS).slice(0, 0))
    assert rows_of(count_tosses(frame, "clicks", "passed", weight="times", by="shop")) == []


def test_the_table_comes_in_the_library_of_the_caller(engine):
    frame = engine(CLICKS)
    table = count_tosses(frame, "clicks", tosses="shown", weight="times")
    if engine.name in GIVE_PANDAS:
        assert isinstance(table, pd.DataFrame)
    elif engine.name == "Polars lazy":
        assert isinstance(table, pl.DataFrame)
    else:
        assert type(table) is type(frame)
    if engine.name == "PyArrow":
        table = {"rows": table["rows"], ("heads", "tails"): table.select(["heads", "tails"])}
        X = table["heads", "tails"]
    else:
        X = table[["heads", "tails"]]
    model = BinomialMixture().fit(X, sample_weight=table["rows"])
    # scikit-learn 1.6 reads no names from Polars 2.
    assert list(getattr(model, "feature_names_in_", ["heads", "tails"])) == ["heads", "tails"]
    if isinstance(table, pd.DataFrame):
        assert table.index.equals(pd.RangeIndex(len(table)))


# --- what is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("heads", None, ["is null or NaN in 3 of 7 rows", "Fill in 0 where nothing was tossed"]),
        ("tails", math.nan, ["is null or NaN in 3 of 7 rows", "or drop these rows"]),
        ("tosses", None, ["is null or NaN in 3 of 7 rows", "or drop these rows"]),
        ("tosses", math.inf, ["is infinite in 3 of 7 rows, such as inf", "Drop or repair"]),
        ("heads", -2.0, ["is negative in 3 of 7 rows, such as -2", "drop or repair"]),
        ("tails", 2.0**53 + 2, ["is above 2**53 in 3 of 7 rows, such as 9.00719925474099e+15"]),
    ],
)
def test_a_cell_that_is_no_count_is_counted_and_refused(engine, column, cell, words):
    others = "tosses" if column == "tosses" else "tails"
    data = {"heads": [1.0, 2, 3, 1, 1, 5, 0], others: [9.0, 4, 9, 9, 9, 8, 2]}
    data[column] = [cell if row in (1, 4, 6) else x for row, x in enumerate(data[column])]
    call = partial(count_tosses, engine(data), "heads", **{others: others})
    assert_refuses(call, f"{column}='{column}'", *words)


@pytest.mark.parametrize("column", ["h", "t", "w"])
def test_one_toss_above_two_to_the_53_is_refused_as_the_integer_that_it_is(engine, column):
    frame = engine({"h": [1, 2], "t": [3, 5], "w": [1, 1]} | {column: [1, 2**53 + 1]})
    call = partial(count_tosses, frame, "h", "t", weight="w")
    assert_refuses(call, f"{column}'", "2**53", "in 1 of 2", "cale")


def test_null_whole_numbers_are_counted_and_refused(engine):
    frame = engine({"h": [1, None, 3, None, 2], "t": [2, 2, 2, None, 2], "w": [1, 1, 1, 0, 1]})
    words = "heads='h' is null or NaN in 2 of 5 rows", "Fill in 0"
    assert_refuses(lambda: count_tosses(frame, "h", "t"), *words)
    assert_refuses(lambda: count_tosses(frame, "h", "t", weight="w"), *words)


def test_more_heads_than_tosses_are_counted_and_refused(engine):
    frame = engine({"h": [5, 12, 11, 11, 0], "n": [10, 10, 10, 10, 0]})
    words = (
        "heads='h' is more than tosses='n' in 3 of 5 rows",
        "such as 11 heads in 10 tosses",
        "use tails='n'",
    )
    assert_refuses(lambda: count_tosses(frame, "h", tosses="n"), *words)


@pytest.mark.parametrize(
    ("cell", "example"),
    [(None, "null or NaN"), (math.nan, "NaN"), (math.inf, "infinity"), (-0.5, "-0.5")],
    ids=str,
)
def test_a_weight_that_is_none_is_counted_and_refused(engine, cell, example):
    weights = [cell if row in (1, 4) else 1.5 for row in range(6)]
    frame = engine({"h": [1, 1, 1, 2, 2, 2], "t": [3] * 6, "w": pa.array(weights, pa.float64())})
    words = (
        "weight='w' is null, NaN, infinite or negative in 2 of 6 rows",
        example,
        "use 0 to leave a row out",
    )
    assert_refuses(lambda: count_tosses(frame, "h", "t", weight="w"), *words)


@pytest.mark.parametrize(("cell", "example"), [(None, "null"), (-3, "-3")], ids=str)
def test_a_whole_weight_that_is_none_is_counted_and_refused(engine, cell, example):
    frame = engine({"h": [1, 1, 2], "t": [3, 3, 3], "w": [1, cell, 4]})
    words = "weight='w' is null, NaN, infinite or negative in 1 of 3 rows", f"such as {example}"
    assert_refuses(lambda: count_tosses(frame, "h", "t", weight="w"), *words)


def test_whole_weights_that_lose_their_last_digits_are_refused(engine):
    frame = engine({"h": [1, 1, 1, 2], "t": [3, 3, 3, 3], "w": [2**52, 2**52, 2**52, 1]})
    words = "weight='w' sums to more than 2**53", "in 1 of 2 pairs", "Scale the weights down"
    assert_refuses(lambda: count_tosses(frame, "h", "t", weight="w"), *words)


def test_weights_that_sum_to_more_than_an_integer_holds_are_refused(engine):
    frame = engine({"h": [1, 1, 1, 1, 2], "t": [3] * 5, "w": [*[2**62] * 4, 1]})
    with pytest.raises(Exception, match=r"(?i)sums to more than 2|overflow|out of bounds"):
        count_tosses(frame, "h", "t", weight="w")


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_weights_that_sum_to_infinity_are_refused(engine):
    frame = engine({"h": [1, 1], "t": [3, 3], "w": [1.5e308, 1.5e308]})
    words = "weight='w' sums to more than a float can hold", "Scale"
    assert_refuses(lambda: count_tosses(frame, "h", "t", weight="w"), *words)


# --- posteriors ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model():
    return BinomialMixture(theta_init=[0.7, 0.2]).fit([[7, 3], [8, 3], [1, 9], [2, 6], [5, 5]])


NEW = ["binomialmixture0", "binomialmixture1", "coin", "rate"]


def expected_posterior(model, X):
    return np.column_stack([model.predict_proba(X), model.predict(X), model.posterior_mean(X)])


@pytest.mark.parametrize("others", [{"tails": "passed"}, {"tosses": "shown"}], ids=str)
def test_every_row_gets_its_posterior_in_its_place(engine, model, others):
    frame = engine(CLICKS)
    joined = join_posterior(model, frame, "clicks", **others)
    assert type(joined) is type(frame)
    assert nw.from_native(joined).collect_schema().names() == [*CLICKS, *NEW]
    rows, old = rows_of(joined), list(zip(*CLICKS.values(), strict=True))
    if engine.name not in KEEP_ORDER:
        rows, old = sorted(rows, key=str), sorted(old, key=str)
    assert [row[: len(CLICKS)] for row in rows] == old
    X = np.array([[clicks, passed] for _, _, clicks, passed, *_ in rows])
    np.testing.assert_array_equal(
        [row[len(CLICKS) :] for row in rows], expected_posterior(model, X)
    )
    dtypes = [column.dtype for column in columns_of(joined, *NEW)]
    assert dtypes == ["float64", "float64", "int64", "float64"]


def test_a_row_without_tosses_has_the_weights_for_posterior(engine, model):
    ((*_, first, second, coin, rate),) = rows_of(
        join_posterior(model, engine({"h": [0], "t": [0]}), "h", "t")
    )
    np.testing.assert_allclose([first, second], model.weights_, rtol=1e-15)
    assert coin == model.weights_.argmax()
    assert rate == pytest.approx(model.weights_ @ model.theta_, rel=1e-15)


def test_keys_of_any_type_find_their_posterior(engine, model):
    data = {
        "h": pa.array([0.0, -0.0, 1 / 3, 0.1], pa.float32()),
        "t": pa.array([0.0, 1.0, 1 / 3, 0.1 + 0.2], pa.float64()),
    }
    joined = join_posterior(model, engine(data), "h", "t")
    rows = np.array(rows_of(joined), dtype=float)
    assert len(rows) == 4
    expected = expected_posterior(model, rows[:, :2])
    np.testing.assert_allclose(rows[:, 2:], expected, rtol=1e-13)


@pytest.mark.parametrize("engine", KEEP_ORDER, indirect=True)
def test_many_rows_keep_their_place(engine, model):
    rng = np.random.default_rng(0)
    X = rng.integers(60, size=(200_000, 2))
    frame = engine({"row": np.arange(len(X)), "h": X[:, 0], "t": X[:, 1]})
    joined = join_posterior(model, frame, "h", "t")
    row, *columns = columns_of(joined, "row", "h", "t", *NEW)
    np.testing.assert_array_equal(row, np.arange(len(X)))
    np.testing.assert_array_equal(np.column_stack(columns[:2]), X)
    # The estimator's chunks are shorter, and the last digit of a log may depend on its place.
    expected = expected_posterior(model, X)
    np.testing.assert_allclose(np.column_stack(columns[2:]), expected, rtol=1e-12)


def test_a_row_of_which_nothing_can_be_said_is_refused(engine, model):
    frame = engine({"h": [1, None, 3], "t": [2, 2, 2]})
    words = "heads='h' is null or NaN in 1 of 3 rows"
    assert_refuses(lambda: join_posterior(model, frame, "h", "t"), words)


def test_no_rows_get_no_posteriors(engine, model):
    if engine.name == "PySpark" and need("pyspark").__version__ < "4":
        pytest.skip("Spark 3 has no frame without rows")
    joined = join_posterior(model, engine(pa.table(CLICKS).slice(0, 0)), "clicks", "passed")
    assert rows_of(joined) == []
    assert nw.from_native(joined).collect_schema().names() == [*CLICKS, *NEW]


# --- several coins in a row ---------------------------------------------------------------------


def rows_of_sets(n_rows=60):
    """Rows of three coins in all layouts, of which some were not tossed."""
    rng = np.random.default_rng(3)
    theta = np.array([[0.9, 0.2, 0.6], [0.3, 0.7, 0.1]])[rng.integers(2, size=n_rows)]
    tosses = rng.integers(1, 4, size=(n_rows, 3))
    heads, single = rng.binomial(tosses, theta), rng.binomial(1, theta)
    missing = rng.uniform(size=(n_rows, 3)) < 0.2
    as_null = rng.uniform(size=n_rows) < 0.5  # the others are NaN, where there can be one
    columns = {"group": rng.choice(["x", "y"], size=n_rows), "times": rng.integers(3, size=n_rows)}
    for j, dtype in enumerate((pa.int64(), pa.float64(), pa.uint8())):
        for name, values in (("h", heads), ("t", tosses - heads), ("n", tosses)):
            columns[f"{name}{j}"] = pa.array(values[:, j], dtype, mask=missing[:, j])
    for j, dtype in enumerate((pa.uint8(), pa.float64(), pa.int8())):
        values, is_null = single[:, j].astype(float), missing[:, j]
        if dtype == pa.float64():
            values[is_null], is_null = np.nan, is_null & as_null
        values = values.astype(dtype.to_pandas_dtype())
        columns[f"q{j}"] = pa.array(values, dtype, mask=is_null, from_pandas=False)
    pairs = np.where(missing[:, :, None], 0, np.stack([heads, tosses - heads], axis=2))
    totals = np.where(missing[:, :, None], 0, np.stack([heads, tosses], axis=2))
    X = {
        "heads_tails": pairs.reshape(n_rows, -1),
        "heads_tosses": totals.reshape(n_rows, -1),
        "tosses": np.where(missing, np.nan, single),
    }
    return pa.table(columns), X


SETS, X_OF_SETS = rows_of_sets()
HEADS, TAILS, TOSSES, SINGLE = ([f"{kind}{j}" for j in range(3)] for kind in "htnq")
SIDES = {
    "heads_tails": {"heads": HEADS, "tails": TAILS},
    "heads_tosses": {"heads": HEADS, "tosses": TOSSES},
    "tosses": {"tosses": SINGLE},
}
COLUMNS = {
    "heads_tails": ["h0", "t0", "h1", "t1", "h2", "t2"],
    "heads_tosses": ["h0", "n0", "h1", "n1", "h2", "n2"],
    "tosses": SINGLE,
}
in_each_layout = pytest.mark.parametrize("layout", SIDES)


@cache
def fit_of_sets(layout):
    return ProductBinomialMixture(layout=layout).fit(X_OF_SETS[layout])


def counted(cells, weights):
    """The distinct rows and their weights, what is missing last."""
    total = Counter()
    for row, weight in zip(cells, weights, strict=True):
        total[tuple(None if x != x else x for x in row)] += weight
    place = {row: [2 if x is None else x for x in row[-3:]] for row in total}
    order = sorted(total, key=lambda row: (row[:-3], place[row]))
    return [(*row, total[row]) for row in order if total[row]]


@in_each_layout
def test_several_coins_are_counted_and_give_the_fit_of_the_rows(engine, layout):
    table, X = count_tosses(engine(SETS), **SIDES[layout]), X_OF_SETS[layout]
    assert nw.from_native(table).columns == [*COLUMNS[layout], "rows"]
    assert rows_of(table) == counted(X.tolist(), np.ones(len(X)))
    *cells, rows = columns_of(table, *COLUMNS[layout], "rows")
    assert rows.dtype == "int64"
    model = ProductBinomialMixture(layout=layout).fit(np.column_stack(cells), sample_weight=rows)
    assert_same_fit(model, fit_of_sets(layout))


@in_each_layout
def test_several_coins_are_counted_by_group_and_by_weight(engine, layout):
    table = count_tosses(engine(SETS), **SIDES[layout], weight="times", by="group")
    groups, times = (SETS[name].to_pylist() for name in ("group", "times"))
    rows = [(group, *row) for group, row in zip(groups, X_OF_SETS[layout].tolist(), strict=True)]
    assert rows_of(table) == counted(rows, times)


@in_each_layout
def test_every_row_of_several_coins_gets_its_posterior_in_its_place(engine, layout):
    X, frame, model = X_OF_SETS[layout], engine(SETS), fit_of_sets(layout)
    joined = join_posterior(model, frame, **SIDES[layout], level=0.8)
    assert type(joined) is type(frame)
    coins = SINGLE if layout == "tosses" else HEADS
    rates = [f"rate_{coin}" for coin in coins]
    ends = [rate + end for rate in rates for end in ("_low", "_high")]
    new = ["productbinomialmixture0", "productbinomialmixture1", "class", *rates, *ends]
    assert nw.from_native(joined).collect_schema().names() == [*SETS.column_names, *new]
    interval = model.posterior_interval(X, level=0.8).reshape(len(X), -1)
    expected = [model.predict_proba(X), model.predict(X), model.posterior_mean(X), interval]
    old = [[None if x != x else x for x in row.values()] for row in SETS.to_pylist()]
    expected = [(*a, *b) for a, b in zip(old, np.column_stack(expected).tolist(), strict=True)]
    rows = rows_of(joined)
    if engine.name not in KEEP_ORDER:
        rows, expected = sorted(rows, key=str), sorted(expected, key=str)
    n_old = len(SETS.column_names)
    assert [row[:n_old] for row in rows] == [row[:n_old] for row in expected]
    found, expected = (np.array([row[n_old:] for row in part]) for part in (rows, expected))
    # The last digit of a product of matrices depends on how many rows there are.
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    dtypes = [column.dtype for column in columns_of(joined, *new)]
    assert dtypes == ["float64", "float64", "int64", *["float64"] * 9]


def test_no_rows_of_several_coins_give_no_rows_and_no_posteriors(engine):
    if engine.name == "PySpark" and need("pyspark").__version__ < "4":
        pytest.skip("Spark 3 has no frame without rows")
    frame = engine(SETS.slice(0, 0))
    assert rows_of(count_tosses(frame, HEADS, TAILS)) == []
    model = fit_of_sets("heads_tails")
    assert rows_of(join_posterior(model, frame, HEADS, TAILS, level=0.9)) == []


def test_a_coin_of_which_half_is_missing_is_refused(engine):
    columns = {"a": [1, None, 3, None], "b": [1, 2, 3, None], "c": [1] * 4, "d": [2] * 4}
    frame, words = engine(columns), ["'a' is null or NaN in 1 of 4 rows in which", "'b' is not"]
    assert_refuses(lambda: count_tosses(frame, ["a", "c"], ["b", "d"]), "heads=", *words)
    assert_refuses(lambda: count_tosses(frame, ["c", "b"], tosses=["d", "a"]), "tosses=", *words)
    model = ProductBinomialMixture(1).fit(np.ones((3, 4)))
    assert_refuses(lambda: join_posterior(model, frame, ["a", "c"], ["b", "d"]), *words)


def test_what_is_no_single_toss_is_counted_and_refused(engine):
    frame = engine({"a": [1.0, 0, None, 0.5, 2], "b": [0, 1, 1, 1, 0]})
    words = "tosses='a' is no single toss in 2 of 5 rows, such as 0.5", "heads=[...]"
    assert_refuses(lambda: count_tosses(frame, tosses=["a", "b"]), *words)


@pytest.mark.parametrize("engine", HAVE_DECIMALS, indirect=True)
def test_decimals_of_several_coins_find_their_posterior_where_some_are_missing(engine):
    tenths = [Decimal("0.10"), None, Decimal("0.25"), Decimal("0.00")]
    frame = engine({"h": tenths, "t": tenths, "u": [True, False, True, True], "v": [0, 2, 1, 1]})
    model = ProductBinomialMixture(2, theta_init=[[0.1, 0.8], [0.6, 0.3]], learn_theta=False)
    model.fit(np.ones((3, 4)))
    rows = sorted(rows_of(join_posterior(model, frame, ["h", "u"], ["t", "v"])), key=str)
    X = np.array([[x or 0 for x in row[:2]] + list(row[2:4]) for row in rows], dtype=float)
    assert len(rows) == 4
    np.testing.assert_allclose([row[-2:] for row in rows], model.posterior_mean(X), rtol=1e-13)


@pytest.mark.parametrize("engine", HAVE_DECIMALS, indirect=True)  # pandas has objects for these
def test_answers_may_be_true_false_and_null(engine):
    answers = {"a": [True, None, False, None], "b": [None, True, True, True]}
    frame = engine({name: pa.array(column, pa.bool_()) for name, column in answers.items()})
    table = count_tosses(frame, tosses=["a", "b"])
    assert rows_of(table) == [(0, 1, 1), (1, None, 1), (None, 1, 2)]
    X = np.array([[0, 1], [1, np.nan], [np.nan, 1]])
    model = ProductBinomialMixture(2, theta_init=[[0.1, 0.8], [0.6, 0.3]], learn_theta=False)
    model.set_params(layout="tosses").fit(X, sample_weight=[1, 1, 2])
    rows = sorted(
        (str(row[:2]), *row[-2:])
        for row in rows_of(join_posterior(model, frame, tosses=["a", "b"]))
    )
    cells = {"(False, True)": X[0], "(True, None)": X[1], "(None, True)": X[2]}
    expected = [model.posterior_mean(cells[cell][None])[0] for cell, *_ in rows]
    np.testing.assert_allclose([row[1:] for row in rows], expected, rtol=1e-13)


def test_names_of_several_coins_are_never_read(engine):
    heads, tails, by = ["a.b", "*"], ["^h$", "skcoin_rows"], '"q"'
    columns = [3, None, 3], [1, 2, 1], [7, None, 7], [4, 3, 4], ["x", "y", "x"]
    frame = engine(dict(zip([*heads, *tails, by], columns, strict=True)))
    table = count_tosses(frame, heads, tails, by=by)
    assert nw.from_native(table).columns == [by, "a.b", "^h$", "*", "skcoin_rows", "rows"]
    assert rows_of(table) == [("x", 3, 7, 1, 4, 2), ("y", 0, 0, 2, 3, 1)]
    model = ProductBinomialMixture(1)
    fits = fit_groups(model, table, by)
    names = [by, "class", "theta_a.b", "theta_*", "weight"]
    assert nw.from_native(fits).columns[: len(names)] == names
    np.testing.assert_allclose(columns_of(fits, "theta_a.b")[0][0], 0.3)
    np.testing.assert_allclose(columns_of(fits, "theta_*")[0], [0.2, 0.4])
    joined = join_posterior(model.fit([[3, 7, 2, 8]]), frame, heads, tails)
    new = ["productbinomialmixture0", "class", "rate_a.b", "rate_*"]
    assert nw.from_native(joined).collect_schema().names() == [*heads, *tails, by, *new]
    assert [row[-4:] for row in rows_of(joined)] == [(1, 0, 0.3, 0.2)] * 3


# --- names and categories ------------------------------------------------------------------------


ODD_NAMES = [  # of heads, tails, groups, weights and a column that nobody asks for
    ["a.b", "*", "^h$", "`b`", "skcoin_rows"],
    ["^.*$", "rate ", "c0", '"q"', "h h"],
    ["c1", "select", "skcoin_total", "*", "a.b"],
    ["#1", "^h$", "*", "h'", "c4"],
    ["place", "$1", "a.b", "^.$", "*"],
    ["h", "t", "", "w", "o"],
    ["", "t", "by", "w", "o"],
    ["h", "t", "by", "w", ""],
]


@pytest.mark.parametrize("names", ODD_NAMES, ids=str)
def test_names_are_never_read_as_patterns_nor_expressions(engine, model, names):
    heads, tails, by, weight, _ = names
    columns = [3, 1, 3, 0], [7, 4, 7, 0], ["b", "a", None, "b"], [1, 2, 3, 4], [5, 6, 7, 8]
    frame = engine(dict(zip(names, columns, strict=True)))
    if nw.from_native(frame).collect_schema().names() != names:
        pytest.skip("the engine cannot hold the empty name")
    table = count_tosses(frame, heads, tails, weight=weight, by=by)
    assert nw.from_native(table).columns == [by, "heads", "tails", "rows"]
    assert rows_of(table) == [("a", 1, 4, 2), ("b", 0, 0, 4), ("b", 3, 7, 1), (None, 3, 7, 3)]
    fits = fit_groups(BinomialMixture(1), table, by)
    assert nw.from_native(fits).columns[:2] == [by, "theta0"]
    np.testing.assert_allclose(columns_of(fits, "theta0")[0], [0.2, 0.3, 0.3])
    joined = join_posterior(model, frame, heads, tails)
    assert nw.from_native(joined).collect_schema().names() == [*names, *NEW]
    old = sorted(zip(*columns, strict=True), key=str)
    assert sorted((row[:5] for row in rows_of(joined)), key=str) == old


def test_what_is_wrong_in_a_column_of_an_odd_name_is_said_by_its_name(engine):
    frame = engine({"*": [1, -2, 3], "^t$": [2, 2, 2], "a.b": [1.0, math.nan, 1.0], "h": [1] * 3})
    assert_refuses(lambda: count_tosses(frame, "*", "^t$"), "heads='*' is negative in 1 of 3 rows")
    words = "weight='a.b' is null, NaN, infinite or negative in 1 of 3 rows"
    assert_refuses(lambda: count_tosses(frame, "h", "^t$", weight="a.b"), words)


ORDER, SHOPS = ["c", "a", "b", "none"], ["b", "a", None, "c", "a", "b"]
TOSSED = {"h": [2, 1, 6, 4, 5, 3], "t": [1] * 6}


def dictionary_of_arrow(ordered):
    index = pa.array([None if shop is None else ORDER.index(shop) for shop in SHOPS], pa.int32())
    shops = pa.DictionaryArray.from_arrays(index, pa.array(ORDER), ordered=ordered)
    return pa.table(TOSSED | {"shop": shops})


def categories_of_pandas(ordered):
    shops = pd.Categorical(SHOPS, categories=ORDER, ordered=ordered)
    return pd.DataFrame(TOSSED | {"shop": shops})


def categories_of_polars(ordered):
    dtype = pl.Enum(ORDER) if ordered else pl.Categorical
    return pl.DataFrame(TOSSED | {"shop": pl.Series(SHOPS, dtype=dtype)})


def categories_of_dask(ordered, *, known=True):
    frame = need("dask.dataframe").from_pandas(categories_of_pandas(ordered), npartitions=2)
    return frame if known else frame.assign(shop=frame["shop"].cat.as_unknown())


def categories_of_duckdb(ordered):
    connection = need("duckdb").connect()
    connection.execute(f"CREATE TYPE shops AS ENUM {tuple(ORDER)}")
    dtype = "shops" if ordered else "VARCHAR"
    connection.execute(f"CREATE TABLE tossed (h INT, t INT, shop {dtype})")
    rows = [*zip(*TOSSED.values(), SHOPS, strict=True)]
    connection.executemany("INSERT INTO tossed VALUES (?, ?, ?)", rows)
    return connection.table("tossed")


CATEGORIES = {
    "pandas": categories_of_pandas,
    "pandas pyarrow": lambda ordered: dictionary_of_arrow(ordered).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
    "Polars": categories_of_polars,
    "Polars lazy": lambda ordered: categories_of_polars(ordered).lazy(),
    "PyArrow": dictionary_of_arrow,
    "DuckDB": categories_of_duckdb,
    "Dask": categories_of_dask,
    "Dask, not known before": partial(categories_of_dask, known=False),
}


@pytest.mark.parametrize("enter", CATEGORIES.values(), ids=CATEGORIES)
@pytest.mark.parametrize("ordered", [False, True])
def test_categories_come_in_the_order_of_their_type_or_else_of_their_names(enter, ordered):
    table = count_tosses(enter(ordered), "h", "t", by="shop")
    expected = [("c", 4), ("a", 1), ("a", 5), ("b", 2), ("b", 3)]
    assert [(shop, heads) for shop, heads, *_ in rows_of(table)] == [
        *(expected if ordered else sorted(expected)),
        (None, 6),
    ]


def test_categories_that_are_numbers_come_in_the_order_of_numbers():
    shops = pd.Categorical([2, 10, None, 3, 10, 2], categories=[10, 2, 3])
    table = count_tosses(pd.DataFrame(TOSSED | {"shop": shops}), "h", "t", by="shop")
    assert table["shop"].dropna().tolist() == [2, 2, 3, 10, 10]


# --- single engines -----------------------------------------------------------------------------


def test_a_dask_worker_may_die_in_the_middle_of_a_count(dask_client, tmp_path):
    dask = need("dask.dataframe")
    died = tmp_path / "died"

    def part(i):
        import os  # nested, so that all travels to the workers by value
        import signal

        if i == 5 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        rng = np.random.default_rng(i)
        return pd.DataFrame({"h": rng.binomial(9, 0.3, 10_000), "n": 9})

    frame = dask.from_map(part, range(12), meta=pd.DataFrame({"h": [0], "n": [0]}))
    table = count_tosses(frame, "h", tosses="n")
    assert died.exists()
    heads = np.concatenate([np.random.default_rng(i).binomial(9, 0.3, 10_000) for i in range(12)])
    times = np.bincount(heads)
    np.testing.assert_array_equal(table["rows"], times[times > 0])
    np.testing.assert_array_equal(table["heads"], np.flatnonzero(times))
    dask_client.wait_for_workers(2, timeout=60)


@pytest.mark.parametrize("locked", [False, True], ids=["open", "no external access"])
def test_a_duckdb_relation_of_any_connection_gets_its_posteriors(model, locked):
    duckdb = need("duckdb")
    connection = duckdb.connect(config={"enable_external_access": not locked})
    connection.execute('CREATE TABLE t AS SELECT range % 3 AS h, 2 AS "all" FROM range(9)')
    relation = connection.table("t").filter("h < 2")
    joined = join_posterior(model, relation, "h", tosses="all")
    assert joined.aggregate("count(*), count(rate)").fetchall() == [(6, 6)]
    left = connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall()
    assert left == [(0,)]


def test_a_duckdb_keeps_its_tables_and_views(model):
    with need("duckdb").connect() as connection:
        for name in ("skcoin_rows", "tossed", "lhs", "rhs", "c0"):
            connection.execute(f"CREATE VIEW {name} AS SELECT 3 AS h, 4 AS t")
        connection.execute("CREATE TABLE kept AS FROM skcoin_rows")
        query = "SELECT table_name FROM information_schema.tables ORDER BY ALL"
        before = connection.sql(query).fetchall()
        for name in ("skcoin_rows", "kept"):
            frame = connection.table(name)
            assert rows_of(count_tosses(frame, "h", "t")) == [(3, 4, 1)]
            assert len(rows_of(join_posterior(model, frame, "h", "t"))) == 1
        assert connection.sql(query).fetchall() == before


def test_a_name_that_columns_of_duckdb_share_is_refused_if_it_is_asked_for(model):
    relation = need("duckdb").sql("SELECT 3 AS h, 5 AS x, 4 AS t, 6 AS x, 7 AS w")
    assert rows_of(count_tosses(relation, "h", "t", weight="w")) == [(3, 4, 7)]
    joined = join_posterior(model, relation, "h", "t")
    assert joined.columns == ["h", "x", "t", "x", "w", *NEW]
    assert joined.fetchall()[0][:5] == (3, 5, 4, 6, 7)
    words = "tails='x' is the name of 2 columns of the frame", "Rename"
    assert_refuses(lambda: count_tosses(relation, "h", "x"), *words)


def test_a_name_that_columns_of_spark_share_is_refused_if_it_is_asked_for(spark, model):
    frame = spark.createDataFrame([(3, 5, 4, 6)], ["h", "x", "t", "x"])
    assert rows_of(count_tosses(frame, "h", "t")) == [(3, 4, 1)]
    assert join_posterior(model, frame, "h", "t").columns == ["h", "x", "t", "x", *NEW]
    words = "by='x' is the name of 2 columns of the frame", "Rename"
    assert_refuses(lambda: count_tosses(frame, "h", "t", by="x"), *words)


def test_sums_and_decimals_of_duckdb_are_counts(model):
    connection = need("duckdb").connect()
    relation = connection.sql(
        "SELECT sum(range) AS h, 2.5::DECIMAL(9, 3) AS t, 0.143::DECIMAL(9, 3) AS w "
        "FROM range(6) GROUP BY range % 2"
    )
    assert rows_of(count_tosses(relation, "h", "t", weight="w")) == [
        (6.0, 2.5, 0.143),
        (9.0, 2.5, 0.143),
    ]
    rows = sorted(rows_of(join_posterior(model, relation, "h", "t")))
    expected = expected_posterior(model, np.array([[6, 2.5], [9, 2.5]]))
    np.testing.assert_array_equal([row[3:] for row in rows], expected)


def test_spark_does_not_shuffle_the_rows_for_their_posteriors(spark, model, capsys):
    joined = join_posterior(model, spark.range(9).selectExpr("id AS h", "id AS t"), "h", "t")
    limit = "spark.sql.autoBroadcastJoinThreshold"
    spark.conf.set(limit, -1)  # for tables of which it does not know that they are small
    joined.explain()
    spark.conf.unset(limit)
    plan = capsys.readouterr().out
    assert "BroadcastHashJoin" in plan
    assert "SortMergeJoin" not in plan


def test_the_posteriors_of_three_coins_have_their_own_names(engine):
    model = ThreeCoinModel(pi_init=0.5, p_init=0.8, q_init=0.2).fit([[3, 0], [0, 3], [2, 1]])
    joined = join_posterior(model, engine({"h": [3, 0], "t": [0, 3]}), "h", "t")
    names = nw.from_native(joined).collect_schema().names()
    assert names == ["h", "t", "threecoinmodel0", "threecoinmodel1", "coin", "rate"]
