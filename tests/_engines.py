"""Ways into the engines that hold data frames, and out of them."""

import math

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

nw = pytest.importorskip("narwhals.stable.v2", reason="engine missing: narwhals")
LOCAL = ["pandas", "pandas nullable", "pandas pyarrow", "Polars", "PyArrow"]
FILES = ["Polars lazy", "DuckDB", "Ibis", "Dask", "PySpark"]


def need(module):
    return pytest.importorskip(module, reason=f"engine missing: {module}")


def write(table, folder):
    """Write a table as three Parquet files, which engines read as three parts."""
    folder.mkdir()
    third = math.ceil(table.num_rows / 3)
    for i in range(3):
        pq.write_table(table.slice(i * third, third), folder / f"{i}.parquet")
    return folder


def enter_duckdb(folder, connection):
    connection.execute(f"CREATE OR REPLACE TABLE tossed AS FROM '{folder}/*.parquet'")
    return connection.table("tossed")


def enter_ibis(folder, _):
    need("duckdb")
    return need("ibis").duckdb.connect().read_parquet(f"{folder}/*.parquet")


BRING = {
    "pandas": lambda table, _: table.to_pandas(),
    "pandas nullable": lambda table, _: table.to_pandas(
        types_mapper={
            pa.int64(): pd.Int64Dtype(),
            pa.float64(): pd.Float64Dtype(),
            pa.string(): pd.StringDtype("python"),
        }.get
    ),
    "pandas pyarrow": lambda table, _: table.to_pandas(types_mapper=pd.ArrowDtype),
    "Polars": lambda table, _: pl.from_arrow(table),
    "PyArrow": lambda table, _: table,
    "Polars lazy": lambda folder, _: pl.scan_parquet(f"{folder}/*.parquet"),
    "DuckDB": enter_duckdb,
    "Ibis": enter_ibis,
    "Dask": lambda folder, _: need("dask.dataframe").read_parquet(folder),
    "PySpark": lambda folder, session: session.read.parquet(str(folder)),
}


def rows_of(frame):
    """The rows of a frame of any engine, as a list of tuples, NaN as None."""
    table = nw.maybe_reset_index(nw.from_native(frame).lazy().collect()).to_arrow()
    return [
        tuple(None if cell is None or cell != cell else cell for cell in row.values())
        for row in table.to_pylist()
    ]


def columns_of(frame, *names):
    table = nw.from_native(frame).lazy().collect()
    return [table[name].to_numpy() for name in names]
