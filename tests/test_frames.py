"""Counting inside data frames: names, types and passes, before and around the engines.

What every engine must give is in ``test_engines.py``.
"""

import sys
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from _assertions import assert_refuses
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture

from skcoin import BinomialMixture, ProductBinomialMixture
from skcoin.frames import count_tosses, join_posterior

nw = pytest.importorskip("narwhals.stable.v2", reason="engine missing: narwhals")

ROWS = {"clicks": [3, 1, 3], "passed": [7, 4, 7], "shown": [10, 5, 10], "shop": ["a", "b", "a"]}
FITTED = BinomialMixture().fit([[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]])
CALLS = [count_tosses, partial(join_posterior, FITTED)]
both = pytest.mark.parametrize("call", CALLS, ids=["count_tosses", "join_posterior"])


def explode(_):
    raise AssertionError("the engine has started")


def lazy(data=None, run=explode):
    """A lazy frame that calls ``run`` with its rows when an engine reads them."""
    frame = pl.LazyFrame(ROWS if data is None else data)
    return frame.map_batches(run, projection_pushdown=False)


# --- before the engine starts -------------------------------------------------------------------


WRONG_NAMES = [
    ({"heads": "click"}, ["heads='click' is no column", "['clicks', 'passed', 'shown'"]),
    ({"tails": "fails"}, ["tails='fails' is no column", "'shop'"]),
    ({"tails": None, "tosses": "n"}, ["tosses='n' is no column", "'shop'"]),
    ({"tails": None}, ["tails is None and tosses is None", "exactly one"]),
    ({"tosses": "shown"}, ["tails is 'passed' and tosses is 'shown'", "exactly one"]),
    ({"heads": "shop"}, ["heads='shop' holds String values", "Cast"]),
    ({"tails": "shop"}, ["tails='shop' holds String values", "Cast"]),
    (
        {"tails": "clicks"},
        ["'clicks' is given as heads and as tails", "every column once"],
    ),
]
WRONG_WEIGHT_OR_BY = [
    ({"weight": "times"}, ["weight='times' is no column", "'shop'"]),
    ({"weight": "shop"}, ["weight='shop' holds String values", "Cast"]),
    ({"weight": "passed"}, ["'passed' is given as tails and as weight"]),
    ({"by": "city"}, ["by='city' is no column", "'shop'"]),
    ({"by": ["shop", "city"]}, ["by='city' is no column"]),
    ({"by": ["shop", "shop"]}, ["'shop' is given as by and as by"]),
    ({"by": "passed"}, ["'passed' is given as tails and as by"]),
    ({"by": "heads"}, ["by='heads' is a name that the result uses itself", "Rename"]),
    ({"by": ["shop", "rows"]}, ["by='rows' is a name that the result uses itself", "Rename"]),
]


def cases(names_and_words):
    return {"argvalues": names_and_words, "ids": [str(names) for names, _ in names_and_words]}


@both
@pytest.mark.parametrize(("names", "words"), **cases(WRONG_NAMES))
def test_names_are_checked_before_the_engine_starts(call, names, words):
    names = {"heads": "clicks", "tails": "passed"} | names
    assert_refuses(lambda: call(lazy(), **names), *words)


@pytest.mark.parametrize(("names", "words"), **cases(WRONG_WEIGHT_OR_BY))
def test_weight_and_by_are_checked_before_the_engine_starts(names, words):
    frame = lazy(ROWS | {"heads": [1, 2, 3], "rows": [1, 2, 3]})
    assert_refuses(lambda: count_tosses(frame, "clicks", "passed", **names), *words)


@both
@pytest.mark.parametrize("dtype", [pl.String, pl.Date, pl.List(pl.Int64), pl.Categorical], ids=str)
def test_what_is_no_number_is_refused_by_its_type(call, dtype):
    frame = lazy().with_columns(pl.lit(None, dtype=dtype).alias("other"))
    kind = str(dtype).partition("(")[0]
    assert_refuses(lambda: call(frame, "clicks", "other"), f"tails='other' holds {kind}", "Cast")


@both
def test_objects_of_pandas_are_refused(call):
    frame = pd.DataFrame(ROWS | {"objects": pd.Series([1, None, 2], dtype=object)})
    assert_refuses(lambda: call(frame, "clicks", "objects"), "holds Object values", "Cast")


@both
@pytest.mark.parametrize("name", [0, {"clicks"}, pl.col("clicks"), b"clicks"], ids=str)
def test_a_name_that_is_no_string_is_refused(call, name):
    words = "heads is", "must be the name of a column, a string", "rename(columns=str)"
    assert_refuses(lambda: call(lazy(), name, "passed"), *words, error=TypeError)


def test_by_is_a_name_or_a_list_of_names():
    frame = pd.DataFrame(ROWS)
    expected = count_tosses(frame, "clicks", "passed", by="shop")
    for by in (["shop"], ("shop",)):
        pd.testing.assert_frame_equal(count_tosses(frame, "clicks", "passed", by=by), expected)
    assert_refuses(
        lambda: count_tosses(frame, "clicks", "passed", by=3), "by is 3", error=TypeError
    )
    assert count_tosses(frame, "clicks", "passed", by=[]).columns.tolist() == [
        "heads",
        "tails",
        "rows",
    ]


@both
@pytest.mark.parametrize(
    "thing",
    [[[3, 7], [1, 4]], np.ones((3, 2)), dict(ROWS), pl.Series([1, 2]), None],
    ids=["list", "array", "dict", "series", "None"],
)
def test_what_is_no_frame_is_refused(call, thing):
    words = f"frame is a {type(thing).__name__}", "DuckDB", "give it to fit"
    assert_refuses(lambda: call(thing, "clicks", "passed"), *words, error=TypeError)


def test_the_model_is_checked_before_the_engine_starts():
    assert_refuses(
        lambda: join_posterior(GaussianMixture(), lazy(), "clicks", "passed"),
        "model must be a fitted BinomialMixture",
        "GaussianMixture",
        error=TypeError,
    )
    with pytest.raises(NotFittedError):
        join_posterior(BinomialMixture(), lazy(), "clicks", "passed")


@pytest.mark.parametrize("name", ["rate", "coin", "Rate", "binomialmixture1"])
def test_a_column_of_the_frame_is_never_written_over(name):
    words = f"The frame has a column '{name}' already", "'binomialmixture0'", "Rename or drop"
    frame = lazy(ROWS | {name: [1, 2, 3]})
    assert_refuses(lambda: join_posterior(FITTED, frame, "clicks", "passed"), *words)


# --- passes -------------------------------------------------------------------------------------


class Passes:
    """Counts how often the rows of a frame are read."""

    def __init__(self):
        self.number = 0

    def __call__(self, rows):
        self.number += 1
        return rows


def test_counting_is_one_pass():
    run = Passes()
    frame = lazy(ROWS | {"times": [1, 2, 0]}, run)
    count_tosses(frame, "clicks", tosses="shown", weight="times", by="shop")
    assert run.number == 1


def test_bad_cells_are_found_in_the_same_pass():
    run = Passes()
    with pytest.raises(ValueError, match="null or NaN in 1 of 3 rows"):
        count_tosses(lazy(ROWS | {"clicks": [1, None, 2]}, run), "clicks", "passed")
    assert run.number == 1


def test_joining_is_one_pass_at_once_and_one_when_the_result_is_read():
    run = Passes()
    joined = join_posterior(FITTED, lazy(run=run), "clicks", "passed")
    assert isinstance(joined, pl.LazyFrame)
    assert run.number == 1
    assert len(joined.collect()) == 3
    assert run.number == 2


# --- results ------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_the_frame_stays_as_it_was(frame):
    data, twin = (frame(ROWS | {"times": np.array([1, 2, 0], dtype="int8")}) for _ in range(2))
    count_tosses(data, "clicks", "passed", weight="times", by="shop")
    join_posterior(FITTED, data, "clicks", "passed")
    assert nw.from_native(data).schema == nw.from_native(twin).schema
    assert nw.from_native(data).rows() == nw.from_native(twin).rows()


@pytest.mark.parametrize(
    "index",
    [[7, 7, 1], pd.MultiIndex.from_tuples([(1, "x"), (1, "y"), (0, "x")], names=["shop", "i"])],
    ids=["repeated", "two levels"],
)
def test_the_index_of_pandas_is_kept_and_means_nothing(index):
    frame, plain = pd.DataFrame(ROWS, index=index), pd.DataFrame(ROWS)
    joined = join_posterior(FITTED, frame, "clicks", "passed")
    assert joined.index.equals(frame.index)
    pd.testing.assert_frame_equal(
        joined.reset_index(drop=True), join_posterior(FITTED, plain, "clicks", "passed")
    )
    pd.testing.assert_frame_equal(
        count_tosses(frame, "clicks", "passed"), count_tosses(plain, "clicks", "passed")
    )


def test_names_of_the_result_may_be_those_of_the_frame():
    frame = pl.DataFrame({"rows": [3, 1, 3], "heads": [10, 5, 10], "tails": [1, 2, 3]})
    table = count_tosses(frame, heads="rows", tosses="heads", weight="tails")
    assert table.columns == ["heads", "tails", "rows"]
    assert table.rows() == [(1, 4, 2), (3, 7, 4)]
    table = count_tosses(frame, heads="tails", tails="heads", by=None)
    assert table.rows() == [(1, 10, 1), (2, 5, 1), (3, 10, 1)]


def test_groups_of_any_type_are_kept_and_sorted():
    frame = pl.DataFrame(ROWS).with_columns(
        day=pl.Series(["2024-05-02", "2024-05-01", None]).str.to_date(),
        open=pl.Series([True, False, True]),
    )
    table = count_tosses(frame, "clicks", "passed", by=["open", "day"])
    assert table.schema["day"] == pl.Date
    assert table.schema["open"] == pl.Boolean
    assert [str(day) for day in table["day"]] == ["2024-05-01", "2024-05-02", "None"]


def test_categories_that_hold_no_row_give_no_pair():
    shop = pd.Categorical(["a", "b", "a"], categories=["c", "b", "a"], ordered=True)
    table = count_tosses(pd.DataFrame(ROWS | {"shop": shop}), "clicks", "passed", by="shop")
    assert table["shop"].tolist() == ["b", "a"]
    assert table["rows"].tolist() == [1, 2]


def test_a_frame_of_narwhals_is_a_frame():
    table = count_tosses(nw.from_native(pl.DataFrame(ROWS)), "clicks", "passed")
    assert table.rows() == [(1, 4, 1), (3, 7, 2)]


def test_integers_beyond_the_largest_count_are_refused():
    for dtype, most in ((pl.Int64, 2**63 - 1), (pl.UInt64, 2**64 - 1)):
        frame = pl.DataFrame({"h": pl.Series([1, most], dtype=dtype), "t": [1, 1]})
        words = "heads='h' is above 2**53 in 1 of 2 rows", "scale"
        assert_refuses(lambda frame=frame: count_tosses(frame, "h", "t"), *words)


# --- several coins in a row ---------------------------------------------------------------------


PAIRS = {"a": [3, 1, 3], "b": [4, 5, 4], "c": [2, 0, 2], "d": [1, 6, 1], "note": ["x", "y", "x"]}
OF_TWO = ProductBinomialMixture(2).fit(
    pd.DataFrame([[5, 5, 1, 9], [9, 1, 7, 3], [8, 2, 9, 1], [4, 6, 0, 9]], columns=[*"abcd"])
)
TWO_CALLS = [count_tosses, partial(join_posterior, OF_TWO)]
of_two = pytest.mark.parametrize("call", TWO_CALLS, ids=["count_tosses", "join_posterior"])


@of_two
@pytest.mark.parametrize(
    ("names", "words"),
    **cases(
        [
            ({"tails": ["b"]}, ["heads is ['a', 'c'] and tails is ['b']", "same length"]),
            ({"tails": "b"}, ["tails is 'b'", "both must be lists of the same length"]),
            ({"heads": "a"}, ["heads is 'a' and tails is ['b', 'd']", "both must be lists"]),
            ({"heads": ["a", "a"]}, ["Column 'a' is given as heads and as heads"]),
            ({"heads": ["a", "b"]}, ["Column 'b' is given as tails and as heads", "every column"]),
            ({"heads": ["a", "e"]}, ["heads='e' is no column of the frame", "'note'"]),
            ({"heads": ["a", "note"]}, ["heads='note' holds String values", "Cast"]),
            ({"heads": [], "tails": []}, ["heads is []", "a name for each coin"]),
            ({"tails": None}, ["tails is None and tosses is None", "exactly one", "a list"]),
            ({"tosses": ["b", "d"]}, ["exactly one", "tosses is ['b', 'd']"]),
            ({"heads": None}, ["heads is None and tails is ['b', 'd']", "tosses=[...]"]),
            (
                {"heads": None, "tails": None, "tosses": "a"},
                ["heads is None and tosses is 'a'", "a column for each coin that holds 1 for"],
            ),
            ({"heads": None, "tails": None, "tosses": []}, ["tosses is []", "each coin"]),
        ]
    ),
)
def test_lists_of_names_are_checked_before_the_engine_starts(call, names, words):
    names = {"heads": ["a", "c"], "tails": ["b", "d"]} | names
    assert_refuses(lambda: call(lazy(PAIRS), **names), *words)


def test_a_coin_may_not_be_called_as_the_rows_are():
    frame = lazy({"rows": [1, 2], "b": [3, 4], "heads": [1, 2]})
    words = "heads='rows' is a name that the result uses itself", "['rows', 'b', 'rows']"
    assert_refuses(lambda: count_tosses(frame, ["rows"], ["b"]), *words)
    assert_refuses(lambda: count_tosses(frame, ["heads"], ["b"], by="rows"), "by='rows'", "Rename")


def test_the_coins_are_those_of_the_model_in_their_order():
    frame = lazy(PAIRS | {"e": [1, 2, 3], "f": [1, 2, 3]})
    join = partial(join_posterior, OF_TWO, frame)
    words = "heads names 3 columns", "a ProductBinomialMixture of 2 coins in each row", "Give lists"
    assert_refuses(lambda: join(["a", "c", "e"], ["b", "d", "f"]), *words)
    assert_refuses(lambda: join("a", "b"), "heads names 1 columns, ['a']", "of 2 coins")
    assert_refuses(lambda: join(tosses=["a", "b", "c"]), "tosses names 3 columns", "of 2 coins")
    words = "heads names the coins ['c', 'a']", "another order", "give ['a', 'c']"
    assert_refuses(lambda: join(["c", "a"], ["d", "b"]), *words)
    words = "heads names 2 columns", "a BinomialMixture of 1 coin in each row. Give the names"
    assert_refuses(lambda: join_posterior(FITTED, frame, ["a", "c"], ["b", "d"]), *words)


@pytest.mark.parametrize("name", ["class", "Rate_a", "rate_c_low", "productbinomialmixture1"])
def test_a_column_is_never_written_over_by_what_is_said_of_several_coins(name):
    frame = lazy(PAIRS | {name: [1, 2, 3]})
    words = f"The frame has a column '{name}' already", "'rate_a'", "Rename or drop"
    join = partial(join_posterior, OF_TWO, frame, ["a", "c"], ["b", "d"], level=0.9)
    assert_refuses(join, *words)


def test_two_coins_do_not_get_one_column():
    frame = pl.DataFrame({"a": [1], "b": [2], "a_low": [3], "d": [4]})
    join = partial(join_posterior, OF_TWO, frame, ["a", "a_low"], ["b", "d"])
    assert len(join().columns) == 9
    assert_refuses(lambda: join(level=0.9), "'rate_a_low'", "twice", "Rename")


def test_a_list_of_one_name_is_one_coin_that_keeps_it():
    frame = pl.DataFrame(ROWS)
    table = count_tosses(frame, ["clicks"], tosses=["shown"])
    assert table.columns == ["clicks", "shown", "rows"]
    assert table.rows() == [(1, 5, 1), (3, 10, 2)]
    one = join_posterior(FITTED, frame, "clicks", tosses="shown")
    assert join_posterior(FITTED, frame, ["clicks"], tosses=("shown",)).equals(one)
    model = ProductBinomialMixture(1).fit([[3, 7], [1, 4]])
    assert join_posterior(model, frame, "clicks", "passed")["rate_clicks"].to_list() == [4 / 15] * 3


def test_the_table_has_the_names_that_a_fit_remembers():
    table = count_tosses(pd.DataFrame(PAIRS), ["a", "c"], ["b", "d"])
    assert [str(dtype) for dtype in table.dtypes] == ["int64"] * 5
    model = ProductBinomialMixture().fit(table.drop(columns="rows"), sample_weight=table["rows"])
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]


def test_the_index_of_pandas_is_kept_where_coins_were_not_tossed():
    frame = pd.DataFrame(
        {"a": [np.nan, 3, 0], "b": [np.nan, 4, 0], "c": 1, "d": 2}, index=[7, 7, 1]
    )
    joined = join_posterior(OF_TWO, frame, ["a", "c"], ["b", "d"])
    assert joined.index.tolist() == [7, 7, 1]
    pd.testing.assert_frame_equal(joined[[*"abcd"]], frame)
    X = frame.fillna(0)
    np.testing.assert_allclose(joined[["rate_a", "rate_c"]], OF_TWO.posterior_mean(X), rtol=1e-13)
    assert joined["class"].tolist() == OF_TWO.predict(X).tolist()


def test_columns_of_a_coin_that_seem_to_be_others_are_told():
    frame = pl.DataFrame({"a": [3, 1], "b": [7, 4], "alt": [2, 5], "depth": [9, 9]})
    with pytest.warns(UserWarning, match=r"'alt' and 'depth' are read as heads and tails"):
        count_tosses(frame, ["a", "alt"], ["b", "depth"])


def test_rows_that_no_class_can_show_are_told():
    model = ProductBinomialMixture(1, theta_init=[[0, 0.5]], learn_theta=False).fit([[0, 1, 1, 1]])
    frame = pl.DataFrame({"a": [1, 0, 1], "b": [1, 2, 1], "c": [3, 1, 3], "d": [4, 1, 4]})
    words = (
        r"2 of 3 rows are such as no class can show.* one of \[1.0, 3.0\] heads and \[1.0, 4.0\]"
    )
    with pytest.warns(UserWarning, match=words):
        join_posterior(model, frame, ["a", "c"], ["b", "d"])


# --- imports ------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("module", ["narwhals", "narwhals.stable.v2"])
def test_missing_narwhals_is_said_with_the_command_that_installs_it(call, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    words = "narwhals 2", 'python -m pip install "skcoin[frames]"'
    assert_refuses(lambda: call(pl.DataFrame(ROWS), "clicks", "passed"), *words, error=ImportError)
