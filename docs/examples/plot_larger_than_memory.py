"""
Larger than memory
==================

How does a fit come by rows that do not fit into memory? It needs their table of distinct (heads,
tails) pairs only, and the engine that reads the files makes that, piece by piece. What the number
of rows costs and buys is in :ref:`sphx_glr_gallery_plot_billion_rows.py`; here it is about files.
Needs DuckDB and Polars.
"""

# %%
# **Files.** Of each advertisement we know how often it was shown and how often it was clicked.
# There are three kinds of them, and which is which is hidden. The same rows are in a Parquet and a
# CSV file.

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from skcoin import BinomialMixture
from skcoin.frames import count_tosses, join_posterior

# %%
# .. raw:: html
#
#    <details><summary>How the files are simulated</summary>
#
# They are small here; set the environment variable ``SKCOIN_ROWS``, say to ``"2e6 2e7 2e8"``, for
# some that are not.

ROWS = [int(float(rows)) for rows in os.environ.get("SKCOIN_ROWS", "2e5 6e5 2e6").split()]
PIECE = 500_000  # rows that are in memory at a time while the files are written
SCHEMA = pa.schema({"clicks": pa.int32(), "shown": pa.int32()})
folder = tempfile.TemporaryDirectory()


def pieces(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    for start in range(0, n_rows, PIECE):
        shown = rng.poisson(30, min(PIECE, n_rows - start))
        kind = rng.choice(3, size=len(shown), p=[0.5, 0.3, 0.2])
        clicks = rng.binomial(shown, np.array([0.1, 0.3, 0.6])[kind])
        columns = {"clicks": clicks.astype("int32"), "shown": shown.astype("int32")}
        yield pa.table(columns, schema=SCHEMA)


for n_rows in ROWS:
    name = Path(folder.name, str(n_rows))
    with (
        pa.parquet.ParquetWriter(name.with_suffix(".parquet"), SCHEMA) as parquet,
        pa.csv.CSVWriter(str(name.with_suffix(".csv")), SCHEMA) as csv,
    ):
        for piece in pieces(n_rows):
            parquet.write_table(piece)
            csv.write_table(piece)

# %%
# .. raw:: html
#
#    </details>
#
# **DuckDB** reads the largest file. Nothing but the small table leaves it.

largest = Path(folder.name, str(ROWS[-1]))
connection = duckdb.connect()
relation = connection.read_parquet(str(largest.with_suffix(".parquet")))
table = count_tosses(relation, heads="clicks", tosses="shown")
model = BinomialMixture(3).fit(table[["heads", "tails"]], sample_weight=table["rows"])

print(f"{table['rows'].sum():,} rows, {len(table):,} distinct pairs; the most frequent are")
print(table.nlargest(3, "rows").to_string(index=False))
print("theta  ", model.theta_.round(3))
print("weights", model.weights_.round(3))

# %%
# **Polars** reads the CSV file of the same rows, in its streaming engine: ``scan_csv`` is lazy, and
# stays so until the small table is collected. The coins are the same in all their digits.

frame = pl.scan_csv(largest.with_suffix(".csv"))
table = count_tosses(frame, heads="clicks", tosses="shown")
again = BinomialMixture(3).fit(table[["heads", "tails"]], sample_weight=table["rows"])
print("the same coins:", np.array_equal(model.theta_path_, again.theta_path_))

# %%
# **Which coin is it?** The posteriors of the distinct pairs are joined to the rows by the engine,
# lazily as well: here, from one file into another.

scored = join_posterior(model, frame, heads="clicks", tosses="shown")
scored.sink_parquet(largest.with_suffix(".scored"))
print(pl.scan_parquet(largest.with_suffix(".scored")).head(3).collect().to_pandas().round(3).T)

# %%
# **Memory.** For each engine and format a fresh process counts the files, the smallest first, and
# tells after each how much memory it has held at its worst moment so far. An engine holds what it
# reads ahead, some tens to hundreds of megabytes, which small files do not fill. DuckDB, which is
# given a limit, grows little after the second file; Polars reads further ahead the longer a file
# is, but a hundred times the rows take it three to five times the memory. On one machine of two
# cores, in megabytes:
#
# ================  =========  ==========  ===========
# rows              2,000,000  20,000,000  200,000,000
# ================  =========  ==========  ===========
# DuckDB, Parquet          17          20           32
# DuckDB, CSV              42         138          138
# Polars, Parquet          45         105          131
# Polars, CSV              73         218          385
# columns in numpy         31         305        3,052
# ================  =========  ==========  ===========

COUNT = """
import re, sys
from pathlib import Path
import narwhals.stable.v2, pandas, pyarrow
from skcoin.frames import count_tosses

def peak():
    status = Path("/proc/self/status")
    if status.exists():  # what resource tells starts from what the parent process held
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1024
    import resource
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

engine, kind, *files = sys.argv[1:]
if engine == "Polars":
    import polars
    read = {"csv": polars.scan_csv, "parquet": polars.scan_parquet}[kind]
else:
    import duckdb
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '256MB'; SET enable_progress_bar = false")
    read = {"csv": connection.read_csv, "parquet": connection.read_parquet}[kind]
before = peak()
for file in files:
    count_tosses(read(file), heads="clicks", tosses="shown")
    print(peak() - before)
"""

megabytes = {}
for engine in ("DuckDB", "Polars"):
    for kind in ("parquet", "csv"):
        files = [f"{folder.name}/{n_rows}.{kind}" for n_rows in ROWS]
        command = [sys.executable, "-c", COUNT, engine, kind, *files]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        megabytes[engine, kind] = [float(line) for line in printed.split()]

print("MB held       ", "".join(f"{n_rows:>14,}" for n_rows in ROWS), "rows")
for (engine, kind), peaks in megabytes.items():
    print(f"{engine} {kind:7}", "".join(f"{peak:14.0f}" for peak in peaks))

# %%

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito: told apart by all

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (case, peaks), marker, colour in zip(megabytes.items(), "os^D", COLOURS, strict=True):
    ax.plot(ROWS, peaks, marker=marker, color=colour, label=", ".join(case))
ax.plot(ROWS, np.array(ROWS) * 16 / 2**20, "k:", label="two columns of numpy")
ax.set(xscale="log", yscale="log", xlabel="rows in the file", ylabel="megabytes held at most")
ax.legend()
if plt.get_backend().lower() != "agg":
    plt.show()

connection.close()
folder.cleanup()
