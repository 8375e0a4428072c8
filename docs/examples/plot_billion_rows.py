"""
A billion rows
==============

What does a billion rows cost, and what does it buy? It costs one pass of a database: the fit sees
the table of distinct (heads, tails) pairs, and its time does not grow. It buys standard errors that
shrink with the square root of the number of rows. Needs DuckDB.
"""

# %%
# **Rows from nothing.** So that nobody has to store a billion rows, DuckDB makes each of them when
# it is read. A row is a reader who was sent 5 to 40 letters and opened some. There are three kinds
# of readers, and which is which is hidden.
#
# A hash of the row's number is 64 tosses of a fair coin, one per bit. Two or three such hashes make
# 64 tosses of another coin: ``a & b`` has a one where both have one, with probability 1/4, and ``a
# | b`` where either has, with 3/4. The first ``sent`` bits are kept, and the ones among them are
# the letters opened. Of 16 readers 3 open 3/4 of their letters, 5 open 3/8 and 8 open 1/8.

import os
from time import perf_counter

import duckdb
import matplotlib.pyplot as plt
import numpy as np

from skcoin import BinomialMixture
from skcoin.frames import count_tosses
from skcoin.inspection import standard_errors

THETA = np.array([3 / 4, 3 / 8, 1 / 8])
READERS = """
SELECT bit_count(opens & ((1::UBIGINT << sent) - 1::UBIGINT)) AS opened, sent
FROM (
    SELECT
        hash(i) AS a, hash(a) AS b, hash(b) AS c, hash(c) AS d,
        5 + (d // 16) % 36 AS sent,
        CASE
            WHEN d % 16 < 3 THEN a | b
            WHEN d % 16 < 8 THEN (a | b) & c
            ELSE a & b & c
        END AS opens
    FROM range({n_rows}) AS numbers(i)
)
"""
connection = duckdb.connect()


def readers(n_rows):
    """So many rows, none of which is made before it is read."""
    return connection.sql(READERS.format(n_rows=n_rows))


print(readers(5))

# %%
# **Count, then fit.** The sizes are small here; set the environment variable ``SKCOIN_ROWS``, say
# to ``"1e7 1e8 1e9"``, for others. The first count starts the engine, too.

ROWS = [int(float(rows)) for rows in os.environ.get("SKCOIN_ROWS", "1e4 1e5 1e6 1e7").split()]

seconds, models, errors = [], [], []
print("         rows  distinct pairs  counting, s  fit, s  theta")
for n_rows in ROWS:
    start = perf_counter()
    table = count_tosses(readers(n_rows), heads="opened", tosses="sent")
    counted = perf_counter()
    X, rows = table[["heads", "tails"]], table["rows"]
    model = BinomialMixture(3).fit(X, sample_weight=rows)
    seconds.append((counted - start, perf_counter() - counted))
    models.append(model)
    errors.append(standard_errors(model, X, rows).theta)
    print(f"{n_rows:13,}  {len(X):14}", end="")
    print(f"  {seconds[-1][0]:11.3f}  {seconds[-1][1]:6.3f}  {model.theta_.round(5)}")

# %%
# With 5 to 40 letters and none to all of them opened there are 846 pairs. Once most of them have
# occurred, more rows make the counts larger, but hardly the table longer.
#
# On one machine of two cores, each size in a fresh process. Memory is the most that the process
# held while it counted and fitted, above what it held before. Rows that are stored cost their
# reading as well; :ref:`sphx_glr_gallery_plot_larger_than_memory.py` measures the memory for files.
#
# =============  ==============  ===========  ======  ==========  ======================
# rows           distinct pairs  counting, s  fit, s  memory, MB  largest standard error
# =============  ==============  ===========  ======  ==========  ======================
# 1,000,000                 836        0.055   0.016          22               0.00026
# 10,000,000                843        0.25    0.016          22               0.000084
# 100,000,000               846        2.3     0.016          22               0.000026
# 1,000,000,000             846       23       0.017          22               0.0000084
# =============  ==============  ===========  ======  ==========  ======================
#
# **To the last digit.** The fit on rows that are fetched as arrays and the fit on the table that
# DuckDB counts take the same path to the same coins.

few = min(ROWS[0], 100_000)
columns = readers(few).fetchnumpy()
on_rows = BinomialMixture(3, layout="heads_tosses")
on_rows.fit(np.column_stack([columns["opened"], columns["sent"]]))
table = count_tosses(readers(few), heads="opened", tosses="sent")
on_table = BinomialMixture(3).fit(table[["heads", "tails"]], sample_weight=table["rows"])
print(f"{few:,} rows, {on_rows.n_iter_} steps")
print("the same path:", np.array_equal(on_rows.theta_path_, on_table.theta_path_))

# %%
# **What rows buy.** Ten times the rows divide the standard errors by the square root of ten: times
# the square root of the number of rows they stay where they are. The true coins are known here. The
# coin that strays most from its own does so by one or two standard errors.

print("         rows  largest error  times sqrt(rows)  strays most, in errors")
for n_rows, model, error in zip(ROWS, models, errors, strict=True):
    strays = np.max(abs(model.theta_ - THETA) / error)
    print(f"{n_rows:13,}  {error.max():13.7f}", end="")
    print(f"  {error.max() * np.sqrt(n_rows):16.4f}  {strays:22.2f}")

# %%
# They are errors of chance. The error of a model that is wrong does not shrink, and a billion rows
# of real readers would show that these are not of three kinds exactly; see
# :doc:`/guide/overdispersion`.

COLOURS = ("#0072B2", "#D55E00", "#009E73")  # Okabe and Ito: told apart by all

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
count_seconds, fit_seconds = np.transpose(seconds)
left.plot(ROWS, count_seconds, "o-", color=COLOURS[0], label="count")
left.plot(ROWS, fit_seconds, "s--", color=COLOURS[1], label="fit")
strays = np.abs([model.theta_ - THETA for model in models])
for k, (colour, marker) in enumerate(zip(COLOURS, "osD", strict=True)):
    error = np.transpose(errors)[k]
    right.plot(ROWS, error, f"{marker}-", color=colour, label=f"standard error of coin {k}")
    right.plot(ROWS, strays[:, k], marker, color=colour, markerfacecolor="white")
right.plot([], [], "ko", markerfacecolor="white", label="distance from the true coin")
left.set(xscale="log", yscale="log", xlabel="rows", ylabel="seconds")
right.set(xscale="log", yscale="log", xlabel="rows", ylabel="probability")
for ax in (left, right):
    ax.legend()
if plt.get_backend().lower() != "agg":
    plt.show()

connection.close()
