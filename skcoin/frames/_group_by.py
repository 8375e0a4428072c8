"""The table of distinct rows: one GROUP BY in the engine, and what can be wrong with its cells."""

import numpy as np

from skcoin._validation import MOST
from skcoin.frames._engines import as_floats, collect, narwhals, sort, with_values

# What the engine computes of each group; the columns of the user have keys for names.
N_ROWS, TOTAL, N_VALID, LEAST = (f"skcoin_{name}" for name in ("rows", "total", "valid", "least"))
MISSING = 2.0  # a single toss that was not made, sorted behind heads


def count_distinct(frame, columns, *, keep_empty=False):
    """The table of distinct rows by their keys, in memory; whether with those of weight zero."""
    frame = columns.to_keys(frame)
    groups = collect(aggregate(frame, columns))
    cells = read_cells(groups, columns)
    rows = _read_rows(groups, frame, columns)
    if not columns.are_lists:
        cells = np.concatenate(heads_and_tails(cells, columns.layout))
    return _tabulate(groups, frame, columns, cells, rows, keep_empty=keep_empty)


def read_counted(table, columns):
    """Heads and tails in the table of distinct rows, (n_coins, n_distinct), and its rows."""
    *cells, rows = (as_floats(table[key]) for key in (*columns.keys_of_coins, "rows"))
    layout = columns.layout if columns.are_lists else "heads_tails"
    return *heads_and_tails(np.array(cells), layout), rows


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


def read_cells(groups, columns):
    """The columns of coins in the groups, (n_columns, n_groups), if they hold what they are to.

    NaN where a coin was not tossed: several coins in a row are not always, one has no toss then.
    """
    cells = np.array([as_floats(groups[column.key]) for column in columns.coins])
    cells += 0.0  # minus zero is zero
    n_rows = groups[N_ROWS].to_numpy()
    if columns.layout == "tosses":
        for column, values in zip(columns.coins, cells, strict=True):
            _refuse_non_tosses(values, n_rows, column)
        return cells
    for column, values in zip(columns.coins, cells, strict=True):
        _refuse_non_counts(values, n_rows, column, may_miss=columns.are_lists)
    for pair, heads, others in zip(columns.pairs, cells[::2], cells[1::2], strict=True):
        _refuse_half(heads, others, n_rows, pair)
        if columns.layout == "heads_tosses":
            _refuse_more_heads(heads, others, n_rows, pair)
    return cells


def heads_and_tails(cells, layout):
    """Of each coin and row, (n_coins, n_rows); none where it was not tossed."""
    if layout == "tosses":
        return (cells == 1).astype(float), (cells == 0).astype(float)
    heads, others = np.nan_to_num(cells[::2]), np.nan_to_num(cells[1::2])
    return heads, np.maximum(others - heads, 0) if layout == "heads_tosses" else others


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
        kind = "distinct rows" if columns.are_lists else "pairs of heads and tails"
        raise ValueError(
            f"{columns.weight} sums to more than 2**53 = {MOST:g} in {bad.sum():,} of "
            f"{len(bad):,} {kind}: its last digits would be lost. Scale the weights down."
        )
    return total.astype(np.int64)


def _tabulate(groups, frame, columns, cells, rows, *, keep_empty):
    """The table of distinct rows, sorted."""
    nw, are_tosses = narwhals(), columns.layout == "tosses"
    is_missing = np.isnan(cells)
    cells = np.where(is_missing, MISSING if are_tosses else 0.0, cells)
    if columns.are_whole:
        cells = cells.astype(np.int64)
    values = dict(zip(columns.keys_of_coins, cells, strict=True))
    table = with_values(groups, {**values, "rows": rows})
    table = table.select(*columns.keys, "rows")
    if not keep_empty:
        table = table.filter(nw.col("rows") > 0)
    if not columns.are_whole or is_missing.any():
        # Minus zero, null and NaN may be groups of their own, and fractional tosses less heads may
        # round together.
        table = table.group_by(*columns.keys, drop_null_keys=False).agg(nw.col("rows").sum())
    table = sort(table, columns.keys, frame)
    if are_tosses:
        codes = {key: table[key].to_numpy() for key in values}
        table = with_values(
            table, {key: np.where(code == MISSING, np.nan, code) for key, code in codes.items()}
        )
    return nw.maybe_reset_index(table)


def _refuse_non_counts(values, n_rows, what, *, may_miss):
    is_missing = np.isnan(values) & (not may_miss)
    for bad, said, remedy in (
        (is_missing, "null or NaN", "Fill in 0 where nothing was tossed, or drop these rows"),
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


def _refuse_non_tosses(values, n_rows, what):
    bad = ~((values == 0) | (values == 1) | np.isnan(values))
    if bad.any():
        raise ValueError(
            f"{what} is no single toss in {n_rows[bad].sum():,} of {n_rows.sum():,} rows, such as "
            f"{values[bad].min():.15g}: 1 is heads, 0 is tails, null or NaN is not tossed. Of "
            "counts, give heads=[...] and tails=[...] or tosses=[...]."
        )


def _refuse_half(heads, others, n_rows, pair):
    for bad, missing, present in (
        (np.isnan(heads) & ~np.isnan(others), *pair),
        (~np.isnan(heads) & np.isnan(others), *pair[::-1]),
    ):
        if bad.any():
            raise ValueError(
                f"{missing} is null or NaN in {n_rows[bad].sum():,} of {n_rows.sum():,} rows in "
                f"which {present} is not. A coin that was not tossed has null in both, or 0. Fill "
                "in the number, or drop these rows."
            )


def _refuse_more_heads(heads, tosses, n_rows, pair):
    first, second = pair
    rounding = 0 if first.is_whole and second.is_whole else 4 * np.finfo(float).eps
    bad = heads > tosses * (1 + rounding)
    if bad.any():
        worst = np.lexsort((tosses[bad], heads[bad]))[0]
        raise ValueError(
            f"{first} is more than {second} in "
            f"{n_rows[bad].sum():,} of {n_rows.sum():,} rows, such as {heads[bad][worst]:.15g} "
            f"heads in {tosses[bad][worst]:.15g} tosses. Drop or repair these rows; if the column "
            f"counts tails, use tails={second.name!r}."
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
