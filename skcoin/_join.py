"""The small table beside the rows of the large one, joined by the engine that holds them."""

from skcoin._engines import narwhals


def join(frame, pairs, keys, names):
    """The frame with the new columns of ``pairs``, which holds each of its keys once."""
    nw = narwhals()
    if isinstance(frame, nw.DataFrame):
        # The join of some libraries shuffles the rows, and loses the index of pandas.
        place = nw.generate_temporary_column_name(8, keys)
        rows = frame.select(*keys).with_row_index(place)
        rows = rows.join(pairs, on=keys, how="left").sort(place)
        return frame.with_columns(*(rows[name] for name in names))
    native = frame.to_native()
    if frame.implementation.is_polars():
        pairs = pairs.to_native().lazy()
        return nw.from_native(native.join(pairs, on=keys, how="left", maintain_order="left"))
    return frame.join(_send(pairs, native, frame.implementation), on=keys, how="left")


def _send(pairs, native, engine):
    """The small table inside the engine that holds the large one."""
    nw = narwhals()
    if engine.is_duckdb():
        return nw.from_native(_send_to_duckdb(pairs, native))
    if engine.is_spark_like():
        table = pairs.lazy(engine, session=native.sparkSession).to_native()
        return nw.from_native(table.hint("broadcast"))
    return pairs.lazy(engine)


def _send_to_duckdb(pairs, native):
    """The small table as a relation on the connection of another one.

    A relation does not tell its connection and cannot be joined to one of another connection, but
    the SQL that it is asked runs on its own. Numbers go there as text, which is exact and works
    where a database is not allowed to look at Python's variables.
    """
    types = dict(zip(native.columns, native.types, strict=True)) | {"coin": "BIGINT"}

    def column(name):
        cells = ", ".join(map(str, pairs[name].to_list()))
        quoted = name.replace('"', '""')
        return f"unnest('[{cells}]'::{types.get(name, 'DOUBLE')}[]) AS \"{quoted}\""

    relation = native.query("skcoin_rows", f"SELECT {', '.join(map(column, pairs.columns))}")
    native.query("skcoin_rows", "DROP VIEW skcoin_rows")  # query leaves one of this name
    return relation
