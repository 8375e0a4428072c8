"""What ``count_tosses`` adds to each engine's own GROUP BY, written by hand; all that is installed.

Rows lie in memory (pandas, Polars, PyArrow), in a DuckDB file or in Parquet (all others); either
way the result is a small table in this process. Dask runs on threads, Spark on Java in local mode.
"""

import contextlib
import os
import sys
import tempfile
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _shared import interleaved, number, poisson, print_table, say_load, toss

from skcoin.frames import count_tosses

ROWS = (100_000, 1_000_000, 10_000_000)
KEYS = ["heads", "tails"]


def tosses(n_rows):
    """A table of tosses with a whole-number weight and a column that nobody asks for."""
    X = toss(poisson(30, n_rows), (0.2, 0.5, 0.7))
    rng = np.random.default_rng(0)
    columns = {"heads": X[:, 0], "tails": X[:, 1], "times": rng.integers(1, 5, n_rows)}
    return pa.table(columns | {"other": rng.random(n_rows)})


# One function for each engine: the frame, and the two queries, plain and with a weight, by hand.


def in_pandas(table, _):
    frame = table.to_pandas()
    groups = partial(frame.groupby, KEYS)
    return frame, lambda: groups().size(), lambda: groups()["times"].sum()


def in_polars(table, _):
    import polars as pl

    frame = pl.from_arrow(table)
    groups = partial(frame.group_by, KEYS)
    return frame, lambda: groups().len(), lambda: groups().agg(pl.col("times").sum())


def in_polars_streaming(_, folder):
    import polars as pl

    frame = pl.scan_parquet(folder / "*.parquet")
    groups, run = partial(frame.group_by, KEYS), partial(pl.LazyFrame.collect, engine="streaming")
    return frame, lambda: run(groups().len()), lambda: run(groups().agg(pl.col("times").sum()))


def in_pyarrow(table, _):
    groups = partial(table.group_by, KEYS)
    plain, weighted = [([], "count_all")], [("times", "sum")]
    return table, lambda: groups().aggregate(plain), lambda: groups().aggregate(weighted)


def in_duckdb(_, folder, source="tossed"):
    import duckdb

    connection = duckdb.connect(str(folder / "rows.db"))
    connection.execute(f"CREATE OR REPLACE TABLE tossed AS FROM '{folder}/*.parquet'")
    query = f"SELECT heads, tails, {{}} FROM {source} GROUP BY heads, tails"
    return (
        connection.sql(f"FROM {source}"),
        lambda: connection.sql(query.format("count(*)")).df(),
        lambda: connection.sql(query.format("sum(times)")).df(),
    )


def in_duckdb_on_parquet(_, folder):
    return in_duckdb(_, folder, f"'{folder}/*.parquet'")


def in_ibis(_, folder):
    import ibis

    frame = ibis.duckdb.connect().read_parquet(f"{folder}/*.parquet")
    groups = frame.group_by(KEYS)
    return (
        frame,
        lambda: groups.aggregate(rows=frame.count()).to_pandas(),
        lambda: groups.aggregate(rows=frame.times.sum()).to_pandas(),
    )


def in_dask(_, folder):
    import dask.dataframe as dd

    frame = dd.read_parquet(folder / "*.parquet")
    pairs = frame[KEYS]  # size alone would read all columns
    return (
        frame,
        lambda: pairs.groupby(KEYS).size().compute(),
        lambda: frame.groupby(KEYS)["times"].sum().compute(),
    )


def in_spark(_, folder):
    from pyspark.sql import SparkSession, functions

    builder = SparkSession.builder.master(f"local[{os.cpu_count()}]")
    for name, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": os.cpu_count(),
        "spark.sql.warehouse.dir": folder,
        "spark.ui.enabled": "false",
    }.items():
        builder = builder.config(name, value)
    frame = builder.getOrCreate().read.parquet(*map(str, folder.glob("*.parquet")))
    groups = partial(frame.groupBy, KEYS)
    return (
        frame,
        lambda: groups().count().toPandas(),
        lambda: groups().agg(functions.sum("times")).toPandas(),
    )


ENGINES = {
    "pandas": ("pandas", in_pandas),
    "Polars": ("polars", in_polars),
    "PyArrow": ("pyarrow", in_pyarrow),
    "DuckDB": ("duckdb", in_duckdb),
    "DuckDB, Parquet": ("duckdb", in_duckdb_on_parquet),
    "Polars streaming, Parquet": ("polars", in_polars_streaming),
    "Ibis on DuckDB, Parquet": ("ibis", in_ibis),
    "Dask, Parquet": ("dask", in_dask),
    "PySpark, Parquet": ("pyspark", in_spark),
}


def measure(enter, table, folder):
    """Medians of seconds by hand, by skcoin and of their ratio in a round; with a weight, too."""
    frame, plain, weighted = enter(table, folder)
    assert count_tosses(frame, *KEYS)["rows"].to_numpy().sum() == len(table)
    calls = plain, partial(count_tosses, frame, *KEYS)
    calls += weighted, partial(count_tosses, frame, *KEYS, weight="times")
    rounds = [interleaved(*calls, repeats=1, warm_up=0) for _ in range(30)]
    bare, own, bare_weighted, own_weighted = np.transpose(rounds[5:])
    columns = bare, own, own / bare, bare_weighted, own_weighted / bare_weighted
    return [np.median(column) for column in columns]


def rows_of_table(names):
    for n_rows in ROWS:
        table = tosses(n_rows)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            for i, start in enumerate(range(0, n_rows, n_rows // 4)):
                pq.write_table(table.slice(start, n_rows // 4), folder / f"{i}.parquet")
            for name, (module, enter) in ENGINES.items():
                if find_spec(module) and (not names or name in names):
                    seconds = measure(enter, table, folder)
                    yield name, f"{n_rows:,}", *map(number, seconds)


if __name__ == "__main__":
    warnings.simplefilter("ignore", FutureWarning)  # of Dask and PySpark
    say_load()
    header = ["engine", "rows", "GROUP BY, s", "count_tosses, s", "ratio"]
    header += ["GROUP BY with sum, s", "ratio with weight"]
    with contextlib.redirect_stderr(None):
        print_table(header, rows_of_table(sys.argv[1:]))
