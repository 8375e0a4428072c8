"""What holds for every public call: the table of the calls is in ``_calls.py``, each claim is here.

A row is what it says and nothing else: not its place, nor the type of its numbers, nor whether it
stands there twice or has a weight of two. And what is wrong is refused by whatever reads it.
"""

import inspect
from functools import cache

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from _assertions import assert_refuses, assert_same
from _calls import (
    CALLS,
    COINS,
    DISPLAYS,
    ESTIMATORS,
    EXCEPTIONS,
    FUNCTIONS,
    METHODS,
    WEIGHTS,
)
from _references import FIVE_SETS, LAYOUTS, in_every_layout
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import gammaln
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture

import skcoin
import skcoin.inspection
import skcoin.model_selection
import skcoin.plotting
from skcoin import BinomialMixture, ThreeCoinModel

pytestmark = [
    pytest.mark.filterwarnings("error::UserWarning"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
    pytest.mark.filterwarnings("ignore:.*or need fewer coins"),
    pytest.mark.usefixtures("no_window"),
]


# --- the table ----------------------------------------------------------------------------------


def public_calls():
    """The public functions, and the methods that skcoin itself gives to its public classes."""
    for module in (skcoin, skcoin.inspection, skcoin.model_selection, skcoin.plotting):
        for name in module.__all__:
            thing = getattr(module, name)
            if not inspect.isclass(thing) or name in EXCEPTIONS:
                yield name
                continue
            for method, function in inspect.getmembers(thing, inspect.isroutine):
                home = getattr(function, "__module__", None) or ""
                if not method.startswith("_") and home.startswith("skcoin"):
                    of_estimator = module is skcoin  # those of one are those of all
                    yield method if of_estimator else f"{name}.{method}"


def test_every_public_call_is_in_the_table_or_has_a_reason_not_to_be():
    assert set(public_calls()) == {call.of for call in CALLS} | set(EXCEPTIONS)
    assert not {call.of for call in CALLS} & set(EXCEPTIONS)


def test_every_estimator_is_in_the_table():
    public = [getattr(skcoin, name) for name in skcoin.__all__]
    estimators = {thing for thing in public if hasattr(thing, "fit")}
    of_one_coin = estimators - {skcoin.ProductBinomialMixture}  # which reads layouts its own way
    assert {type(estimator) for estimator in ESTIMATORS.values()} == of_one_coin
    for call in CALLS:
        assert set(call.models) <= set(ESTIMATORS)


# --- the same rows ------------------------------------------------------------------------------

RNG = np.random.default_rng(1)
N_ROWS = 80
ALL = np.arange(N_ROWS)
CELLS = (RNG.uniform(size=(N_ROWS, 9)) < RNG.choice([0.1, 0.5, 0.9], size=(N_ROWS, 1))) * 1.0
CELLS[RNG.uniform(size=CELLS.shape) < 0.2] = np.nan
ROWS = in_every_layout(CELLS)
TIMES = RNG.integers(0, 4, size=N_ROWS)
KNOWN = np.where(ALL % 4 == 0, (np.nanmean(CELLS, axis=1) < 0.5).astype(int), -1)
OFTEN = 1700  # so that there are more rows than the 131,072 that are read at a time


READ_ARRAYS = [call for call in CALLS if not call.frames]
ONE_OF_EACH = list({call.of: call for call in READ_ARRAYS[::-1]}.values())


def answer(call, model, layout, X, **columns):
    """What the call says of these rows, after a fit to them where it does not fit itself."""
    estimator = clone(ESTIMATORS[model]).set_params(layout=layout)
    columns = {name: column for name, column in columns.items() if column is not None}
    if not call.fits:
        estimator.fit(X, **columns)
    return call.read(estimator, X, **{k: v for k, v in columns.items() if k in call.takes})


def at(rows, call, result):
    """The result for these rows, which is another one only if it has an entry for each row."""
    return {name: values[rows] for name, values in result.items()} if call.per_row else result


def cases(calls=CALLS, layouts=None, models=None):
    """Each call with each of its models, in layouts, with all coins hidden and some known.

    Unless told, what is no method is called in one layout: it looks at the counts, which the claim
    about layouts says are the same.
    """
    argvalues = [
        (call, model, layout, some_known)
        for call in calls
        for model in models or call.models
        for layout in layouts or (LAYOUTS if call in METHODS else LAYOUTS[:1])
        for some_known in (False, True)
        if not some_known or (COINS in call.takes and model != "one coin")
    ]
    ids = [
        f"{call} {model} {layout} {'some known' if some_known else 'hidden'}"
        for call, model, layout, some_known in argvalues
    ]
    return {"argnames": "call, model, layout, some_known", "argvalues": argvalues, "ids": ids}


@cache
def straight(call, model, layout, some_known):
    """What it says of the rows as they are, with their weights and coins."""
    coins = KNOWN if some_known else None
    return answer(call, model, layout, ROWS[layout], sample_weight=TIMES, coins=coins)


def known(some_known, rows):
    return KNOWN[rows] if some_known else None


@pytest.mark.parametrize(**cases())
def test_weight_two_equals_row_twice(call, model, layout, some_known):
    rows = ALL.repeat(TIMES)
    repeated = answer(call, model, layout, ROWS[layout][rows], coins=known(some_known, rows))
    assert_same(repeated, at(rows, call, straight(call, model, layout, some_known)))


@pytest.mark.parametrize(**cases())
def test_row_order_does_not_matter(call, model, layout, some_known):
    rows = np.random.default_rng(0).permutation(N_ROWS)
    columns = {"sample_weight": TIMES[rows], "coins": known(some_known, rows)}
    shuffled = answer(call, model, layout, ROWS[layout][rows], **columns)
    assert_same(shuffled, at(rows, call, straight(call, model, layout, some_known)))


@pytest.mark.parametrize(**cases(models=["two coins"]))
def test_rows_are_read_in_chunks_that_do_not_matter(call, model, layout, some_known):
    rows = np.tile(ALL, OFTEN)
    columns = {"sample_weight": np.full(N_ROWS, OFTEN), "coins": known(some_known, ALL)}
    once = at(rows, call, answer(call, model, layout, ROWS[layout], **columns))
    result = answer(call, model, layout, ROWS[layout][rows], coins=known(some_known, rows))
    if call.per_row:  # the last digit of a logarithm depends on its place in an array
        for name, values in once.items():
            assert_allclose(result[name], values, rtol=1e-12)
    else:
        assert_same(result, once)


@pytest.mark.parametrize(**cases(layouts=LAYOUTS[1:]))
def test_layouts_of_the_same_tosses_say_the_same(call, model, layout, some_known):
    """But for the binomial coefficients, where the order of the tosses is data."""
    expected = dict(straight(call, model, "heads_tails", some_known))
    result = dict(straight(call, model, layout, some_known))
    if layout == "tosses":
        heads, tails = ROWS["heads_tails"].T
        log_ways = gammaln(heads + tails + 1) - gammaln(heads + 1) - gammaln(tails + 1)
        for name, more in call.ways.items():
            ordered, counted = np.array(result.pop(name)), np.array(expected.pop(name))
            if more is None:
                assert np.all(ordered < counted), name
            else:
                difference = more(log_ways, TIMES if WEIGHTS in call.takes else np.ones(N_ROWS))
                assert_allclose(counted - ordered, difference, rtol=1e-10, atol=1e-10, err_msg=name)
        if call.of == "sample":  # whose cells are drawn one by one
            heads, others = result.pop("heads"), expected.pop("heads")
            assert_array_equal(heads + result.pop("tails"), others + expected.pop("tails"))
    assert_same(result, expected)


CONTAINERS = {  # more of them, and all layouts, are in test_bad_input.py
    "a list": lambda X: X.tolist(),
    **{dtype: lambda X, dtype=dtype: X.astype(dtype) for dtype in ("f4", "i1", "u8", "O")},
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "pandas Int64": lambda X: pd.DataFrame(X.astype(int)).astype("Int64"),
    "Polars": pl.DataFrame,
}


@cache
def of_arrays(call):
    return answer(call, "two coins", "heads_tails", ROWS["heads_tails"].astype(float))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("call", ONE_OF_EACH, ids=str)
def test_the_container_of_the_numbers_does_not_matter(call, container):
    X = CONTAINERS[container](ROWS["heads_tails"].astype(float))
    assert_same(answer(call, "two coins", "heads_tails", X), of_arrays(call))


COLUMNS = {
    "a list": np.ndarray.tolist,
    **{dtype: lambda values, dtype=dtype: values.astype(dtype) for dtype in ("f4", "f8", "i1")},
    "pandas": pd.Series,
    "Polars": pl.Series,
}


@pytest.mark.parametrize("container", COLUMNS)
@pytest.mark.parametrize("call", [call for call in ONE_OF_EACH if call.takes], ids=str)
def test_the_container_of_weights_and_coins_does_not_matter(call, container):
    some_known, convert = COINS in call.takes, COLUMNS[container]
    columns = {"sample_weight": convert(TIMES), "coins": convert(KNOWN) if some_known else None}
    result = answer(call, "two coins", "heads_tails", ROWS["heads_tails"], **columns)
    assert_same(result, straight(call, "two coins", "heads_tails", some_known))


@pytest.mark.parametrize("call", [*FUNCTIONS, *DISPLAYS], ids=str)
def test_rows_without_tosses_change_nothing(call):
    padded = np.vstack([[[0, 0]], ROWS["heads_tails"], [[0, 0], [0, 0]]])
    result, expected = answer(call, "two coins", "heads_tails", padded), of_arrays(call)
    if call.per_row:
        result = {name: values[1:-2] for name, values in result.items()}
    if call.of == "summary":  # which says how many there are
        result["text"] = result["text"].replace(", 3 more rows without a toss", "")
    if call.of == "compare_n_components":  # where their zeros may change the order of a sum
        for name, values in expected.items():
            assert_allclose(result[name], values, rtol=1e-13, atol=1e-10, err_msg=name)
    else:
        assert_same(result, expected)


@pytest.mark.parametrize("call", [c for c in CALLS if "ThreeCoinModel" in c.models], ids=str)
def test_the_three_coin_model_is_the_mixture_of_two(call):
    coins = KNOWN if COINS in call.takes else None
    three, two = (
        answer(call, model, "heads_tails", ROWS["heads_tails"], coins=coins)
        for model in ("ThreeCoinModel", "two coins")
    )
    for mine, other in zip(three.values(), two.values(), strict=True):
        if isinstance(mine, str):
            other = other.replace("BinomialMixture", "ThreeCoinModel")
        assert_array_equal(mine, other)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_neither_the_model_nor_the_rows_are_changed(call):
    """Nor by writing into what the call returned."""
    given = {"sample_weight": TIMES.astype(float), "coins": KNOWN.astype(float)}
    X, state = ROWS["heads_tails"].astype(float), np.random.RandomState(0)
    model = BinomialMixture(init_params="random", n_init=2, random_state=state)
    model.fit(X, **given)
    for looked_at in [model, clone(model)] if call.fits else [model]:
        before = joblib.hash((vars(looked_at), X, given))
        result = call.read(looked_at, X, **{name: given[name] for name in call.takes})
        for values in result.values():
            if getattr(values, "flags", {"W": False})["W"]:
                values[...] = 0
        assert joblib.hash((vars(looked_at), X, given)) == before


# --- what is refused ----------------------------------------------------------------------------


@cache
def five_sets(estimator, layout):
    return estimator(layout=layout).fit(FIVE_SETS[layout])


def reader(call, layout="heads_tails", estimator=BinomialMixture):
    """``call(X, **columns)``, of a model that is fitted to the five sets if it is to be fitted."""
    model = estimator(layout=layout) if call.fits else five_sets(estimator, layout)
    return lambda X, **columns: call.read(model, X, **columns)


def with_cell(layout, value, row=1, column=0):
    X = FIVE_SETS[layout].astype(float)
    X[row, column] = value
    return X


readers = pytest.mark.parametrize(
    ("call", "estimator"),
    [
        pytest.param(call, estimator, id=f"{call} {estimator.__name__}")
        for call in READ_ARRAYS
        for estimator in (
            (BinomialMixture, ThreeCoinModel) if call in METHODS else (BinomialMixture,)
        )
    ],
)


@readers
@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses"])
@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (-3, ["Negative values in data passed to {}", "is -3", "counts", "Remove or repair"]),
        (-0.5, ["Negative values in data passed to {}", "is -0.5", "counts"]),
        (np.nan, ["X of {} contains NaN", "finite", 'only layout="tosses" takes NaN']),
        (np.inf, ["X of {} contains infinity (inf)", "finite"]),
        (-np.inf, ["X of {} contains infinity (inf)", "finite"]),
    ],
)
def test_a_cell_that_is_no_count_is_refused(cell, words, layout, call, estimator):
    read = reader(call, layout, estimator)
    words = [word.format(estimator.__name__) for word in words]
    assert_refuses(lambda: read(with_cell(layout, cell)), "row 1, column 0", *words)


@readers
@pytest.mark.parametrize("cell", [2, 0.5, -1, np.inf, -np.inf, 1e-300])
def test_a_cell_that_is_no_toss_is_refused(cell, call, estimator):
    read = reader(call, "tosses", estimator)
    words = (
        f"row 2, column 7 is {cell:g}",
        "1 for heads, 0 for tails or NaN",
        'layout="heads_tails"',
    )
    assert_refuses(lambda: read(with_cell("tosses", cell, row=2, column=7)), *words)


@readers
@pytest.mark.parametrize("dtype", [float, int, np.uint64])
def test_more_heads_than_tosses_are_refused_with_their_row(dtype, call, estimator):
    X = with_cell("heads_tosses", 12, row=3).astype(dtype)
    words = "Row 3 of X has 12 heads in 10 tosses", 'use layout="heads_tails"'
    assert_refuses(lambda: reader(call, "heads_tosses", estimator)(X), *words)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", READ_ARRAYS, ids=str)
@pytest.mark.parametrize(
    ("spoil", "words", "error"),
    [
        (lambda X: X[:0], ["0 sample(s)", "minimum of 1"], ValueError),
        (lambda X: X.astype(str), ["strings", "Convert your data to numeric"], ValueError),
        (lambda X: X.astype("S"), ["strings", "Convert your data to numeric"], ValueError),
        (lambda X: X + 0j, ["Complex data not supported"], ValueError),
        (sparse.csr_matrix, ["Sparse data was passed for X", "toarray()"], TypeError),
        (sparse.coo_array, ["Sparse data was passed for X", "toarray()"], TypeError),
        (lambda X: X[0], ["Expected 2D array, got 1D array", "reshape"], ValueError),
        (lambda X: X[None], ["dim 3"], ValueError),
    ],
    ids=["empty", "strings", "bytes", "complex", "csr", "coo", "1-D", "3-D"],
)
def test_what_is_no_table_of_numbers_is_refused(spoil, words, error, call, layout):
    X = spoil(FIVE_SETS[layout])
    assert_refuses(lambda: reader(call, layout)(X), *words, error=error)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n_columns", [1, 3])
@pytest.mark.parametrize("call", [call for call in READ_ARRAYS if not call.fits], ids=str)
def test_another_number_of_columns_than_at_fit_is_refused(call, n_columns, layout):
    X = np.ones((4, n_columns))
    n_fitted = FIVE_SETS[layout].shape[1]
    words = f"X has {n_columns} features", f"BinomialMixture is expecting {n_fitted} features"
    assert_refuses(lambda: reader(call, layout)(X), *words)


WITHOUT_TOSSES = {
    "heads_tails": np.zeros((2, 2)),
    "heads_tosses": np.zeros((2, 2)),
    "tosses": np.full((2, 10), np.nan),
}
LEARN_OR_JUDGE = [
    call
    for call in READ_ARRAYS
    if ((not call.per_row and call.of != "score") or call.fits)
    and call.of != "partial_fit"  # another chunk may bring tosses
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", LEARN_OR_JUDGE, ids=str)
def test_no_toss_at_all_is_refused_by_what_learns_or_judges(call, layout):
    X = WITHOUT_TOSSES[layout]
    assert_refuses(lambda: reader(call, layout)(X), "X holds no toss", "0 heads and 0 tails")


@pytest.mark.parametrize("call", [call for call in LEARN_OR_JUDGE if call.takes], ids=str)
def test_tosses_of_weight_zero_are_no_tosses(call):
    read, X = reader(call), [[3, 1], [1, 3], [0, 0]]
    words = "X holds no toss: every row of positive weight"
    assert_refuses(lambda: read(X, sample_weight=[0, 0, 1]), words)


@pytest.mark.parametrize("call", [call for call in READ_ARRAYS if call.takes], ids=str)
@pytest.mark.parametrize(
    ("sample_weight", "words"),
    [
        (
            [1, 1, -2, 1, 1],
            ["sample_weight[2] is -2", "not be negative", "Use 0 to leave a row out"],
        ),
        ([0, 0, 0, 0, 0], ["sample_weight is zero in every row", "at least one non-zero"]),
        ([1, 1, 1, 1], ["sample_weight has shape (4,)", "must have shape (5,)", "one weight per"]),
        ([[1]] * 5, ["sample_weight has shape (5, 1)", "must have shape (5,)"]),
        ([1, np.nan, 1, 1, 1], ["sample_weight[1] is nan", "finite"]),
        ([1, 1, 1, 1, np.inf], ["sample_weight[4] is inf", "finite"]),
        (["A", "B", "A", "B", "A"], ["sample_weight holds strings such as 'A'", "real numbers"]),
        ([1j] * 5, ["sample_weight holds complex128 values", "real numbers"]),
        (3, ["sample_weight has shape ()", "must have shape (5,)"]),
    ],
    ids=str,
)
def test_a_weight_that_is_no_weight_is_refused(sample_weight, words, call):
    read = reader(call)
    assert_refuses(lambda: read(FIVE_SETS["heads_tails"], sample_weight=sample_weight), *words)


@pytest.mark.parametrize("call", [call for call in CALLS if COINS in call.takes], ids=str)
@pytest.mark.parametrize("estimator", [BinomialMixture, ThreeCoinModel])
@pytest.mark.parametrize(
    ("coins", "words"),
    [
        ([0, 1, 2, 0, 1], ["coins[2] is 2", "from 0 to 1 (n_components=2)", "-1 where"]),
        ([0, 1, 1, 0, -2], ["coins[4] is -2", "from 0 to 1 (n_components=2)", "-1 where"]),
        ([0, 0.5, 1, 0, 1], ["coins[1] is 0.5", "whole number"]),
        ([0, np.nan, 1, 0, 1], ["coins[1] is nan", "finite"]),
        ([0, 1], ["coins has shape (2,)", "must have shape (5,)", "one coin per row, -1 where"]),
        (["A", "B", "A", "B", "A"], ["coins holds strings such as 'A'", "real numbers"]),
        ([1j] * 5, ["coins holds complex128 values", "real numbers"]),
        (3, ["coins has shape ()", "must have shape (5,)"]),
    ],
    ids=str,
)
def test_a_coin_that_is_none_is_refused(coins, words, estimator, call):
    read = reader(call, estimator=estimator)
    assert_refuses(lambda: read(FIVE_SETS["heads_tails"], coins=coins), *words)


@pytest.mark.parametrize("estimator", [BinomialMixture, ThreeCoinModel])
@pytest.mark.parametrize("call", [call for call in CALLS if not call.fits], ids=str)
def test_a_model_that_is_not_fitted_says_so(call, estimator):
    words = f"This {estimator.__name__} instance is not fitted yet", "Call 'fit'"
    model = estimator()
    assert_refuses(lambda: call.read(model, FIVE_SETS["heads_tails"]), *words, error=NotFittedError)


OTHER_THINGS = [[0.5], None, 3, "coins", {"theta_": [0.5]}, GaussianMixture(), BinomialMixture]


@pytest.mark.parametrize(
    ("call", "thing"),
    [
        pytest.param(call, thing, id=f"{call} {thing}")
        for call in CALLS
        for thing in OTHER_THINGS
        if call.refuses
        and (call.of != "compare_n_components" or thing not in (None, [0.5]))  # default; several
    ],
)
def test_a_model_of_something_else_is_refused_by_name(call, thing):
    kind = "class" if thing is BinomialMixture else f"a {type(thing).__name__}"
    X = FIVE_SETS["heads_tails"]
    assert_refuses(lambda: call.read(thing, X), call.refuses, kind, error=TypeError)


FITTED_BEFORE = [call for call in [*FUNCTIONS, *DISPLAYS] if not call.fits]


@pytest.mark.parametrize("call", FITTED_BEFORE, ids=str)
def test_another_number_of_coins_than_fitted_is_refused(call):
    X = FIVE_SETS["heads_tails"]
    model = BinomialMixture(2).fit(X).set_params(n_components=3)
    name = call.refuses.partition(" ")[0]
    words = f"n_components of {name} is 3, but it was fitted with 2", "Fit it again"
    assert_refuses(lambda: call.read(model, X), *words)
