"""The table of distinct pairs: one GROUP BY in the engine, and what can be wrong with its cells."""

import numpy as np

from skcoin._validation import MOST
from skcoin.frames._columns import RESULT, check_columns
from skcoin.frames._engines import as_floats, collect, narwhals, rename, sort, with_values

# What the engine computes of each group; the columns of the user have keys for names.
N_ROWS, TOTAL, N_VALID, LEAST = (f"skcoin_{name}" for name in ("rows", "total", "valid", "least"))


def count_pairs(frame, heads, tails, tosses, weight, by, *, keep_empty=False):
    """The table of distinct pairs, in memory; whether with those of weight zero."""
    columns = check_columns(frame, heads, tails, tosses, weight, by)
    frame = columns.to_keys(frame)
    groups = collect(aggregate(frame, columns))
    heads, tails = read_pairs(groups, columns)
    rows = _read_rows(groups, frame, columns)
    return _tabulate(groups, frame, columns, heads, tails, rows, keep_empty=keep_empty)


def aggregate(frame, columns):
    """The groups of distinct keys, null ones too, in the engine: lazy.

    Nothing is computed row by row. What is wrong with a key falls out as a group of its own, and
    what is wrong with a weight shows in the sum, in the least and in how many are there.
    """
    nw = narwhals()
    frame, wanted = frame.lazy(), [nw.len().alias(N_ROWS)]
    if columns.weight is not None:
        weight, dtype = nw.col(columns.weight.key), columns.weight.dtype
        # Engines differ in whether the sum of a narrow type is wide; those of decimals are.
        wide = nw.Int64 if columns.weight.is_whole else nw.Float64
        if dtype != wide and not dtype.is_decimal():
            frame = frame.with_columns(weight.cast(wide))
        wanted += [weight.sum().alias(TOTAL), weight.count().alias(N_VALID)]
        wanted += [weight.min().alias(LEAST)]
    return frame.group_by(*columns.keys, drop_null_keys=False).agg(*wanted)


def read_pairs(groups, columns):
    """Heads and tails of the groups as floats, if they are counts."""
    heads, others = (as_floats(groups[column.key]) for column in (columns.heads, columns.others))
    n_rows = groups[N_ROWS].to_numpy()
    _refuse_non_counts(heads, n_rows, columns.heads)
    _refuse_non_counts(others, n_rows, columns.others)
    if columns.others.parameter == "tosses":
        _refuse_more_heads(heads, others, n_rows, columns)
        others = np.maximum(others - heads, 0)
    return heads + 0.0, others + 0.0  # minus zero is zero


def _read_rows(groups, frame, columns):
    """How often each group counts: its number of rows, or the sum of their weights."""
    n_rows = groups[N_ROWS].to_numpy().astype(np.int64)
    if columns.weight is None:
        return n_rows
    total, least = as_floats(groups[TOTAL]), as_floats(groups[LEAST])
    n_null = n_rows - groups[N_VALID].to_numpy()
    if n_null.any() or not np.isfinite(total).all() or np.any(least < 0):
        _refuse_bad_weights(total, least, n_null, n_rows.sum(), frame, columns.weight)
    if not columns.weight.is_whole:
        return total
    # A sum that has left int64 comes back anywhere.
    bad = (total < 0) | (np.maximum(total, least) > MOST)
    if bad.any():
        raise ValueError(
            f"{columns.weight} sums to more than 2**53 = {MOST:g} in {bad.sum():,} of "
            f"{len(bad):,} pairs of heads and {columns.others.parameter}: its last digits would be "
            "lost. Scale the weights down."
        )
    return total.astype(np.int64)


def _tabulate(groups, frame, columns, heads, tails, rows, *, keep_empty):
    """The table of distinct pairs, sorted."""
    nw = narwhals()
    order = [*(column.key for column in columns.by), "heads", "tails"]
    if columns.are_whole:
        heads, tails = heads.astype(np.int64), tails.astype(np.int64)
    table = with_values(groups, {"heads": heads, "tails": tails, "rows": rows})
    table = table.select(*order, "rows")
    if not keep_empty:
        table = table.filter(nw.col("rows") > 0)
    if not columns.are_whole:
        # Minus zero may be a group of its own, and fractional tosses less heads may round together.
        table = table.group_by(*order, drop_null_keys=False).agg(nw.col("rows").sum())
    table = sort(table, order, frame)
    return nw.maybe_reset_index(rename(table, [*(column.name for column in columns.by), *RESULT]))


def _refuse_non_counts(values, n_rows, what):
    for bad, said, remedy in (
        (np.isnan(values), "null or NaN", "Fill in 0 where nothing was tossed, or drop these rows"),
        (np.isinf(values), "infinite", "Drop or repair these rows"),
        (values < 0, "negative", "Counts start at 0; drop or repair these rows"),
        (values > MOST, "above 2**53", "Such counts have lost their last digits; scale all down"),
    ):
        if bad.any():
            worst = values[bad][np.argmax(np.abs(values[bad]))]
            example = "" if np.isnan(worst) else f", such as {worst:.15g}"
            raise ValueError(
                f"{what} is {said} in {n_rows[bad].sum():,} of {n_rows.sum():,} rows{example}. "
                f"{remedy}."
            )


def _refuse_more_heads(heads, tosses, n_rows, columns):
    rounding = 0 if columns.are_whole else 4 * np.finfo(float).eps
    bad = heads > tosses * (1 + rounding)
    if bad.any():
        first = np.lexsort((tosses[bad], heads[bad]))[0]
        raise ValueError(
            f"{columns.heads} is more than {columns.others} in "
            f"{n_rows[bad].sum():,} of {n_rows.sum():,} rows, such as {heads[bad][first]:.15g} "
            f"heads in {tosses[bad][first]:.15g} tosses. Drop or repair these rows; if the column "
            f"counts tails, use tails={columns.others.name!r}."
        )


def _refuse_bad_weights(total, least, n_null, n_rows, frame, column):
    """Say how many weights are bad, by a second pass: in the first, each row would have to pay."""
    weight = narwhals().col(column.key).cast(narwhals().Float64)
    is_good = weight.is_between(0, np.finfo(float).max).cast(narwhals().Int64)
    n_bad = n_rows - int(collect(frame.lazy().select(is_good.sum()))[column.key][0])
    if n_bad == 0:
        raise ValueError(f"{column} sums to more than a float can hold. Scale the weights down.")
    if np.any(least < 0):
        example = f"{np.nanmin(least):.15g}"
    elif n_null.any():
        example = "null or NaN"
    else:
        example = "NaN" if np.isnan(total).any() else "infinity"
    raise ValueError(
        f"{column} is null, NaN, infinite or negative in {n_bad:,} of {n_rows:,} rows, such "
        f"as {example}; weights say how often a row counts. Repair them, or use 0 to leave a row "
        "out."
    )
