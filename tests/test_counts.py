"""A data set is its table of distinct rows: counted exactly, however it comes."""

from collections import defaultdict

import numpy as np
import pytest
from _assertions import assert_same_fit
from _models import fit_to_the_end
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skcoin import BinomialMixture
from skcoin._counts import HIDDEN, count, encode, map_rows, merge, with_columns
from skcoin._layouts import iter_tosses

RNG_SEED = 20
N_ROWS = 300


def as_rows(counts):
    columns = counts.label, counts.heads, counts.tails, counts.multiplicity
    return list(zip(*(column.tolist() for column in columns), strict=True))


def counted(X, layout="heads_tails", sample_weight=None, coins=None, chunk=N_ROWS):
    chunks = iter_tosses(np.asarray(X), layout, "a test", chunk)
    return count(with_columns(chunks, sample_weight, coins))


def counted_by_dict(X, layout, sample_weight, coins):
    """The same table, row by row in Python's own numbers."""
    table = defaultdict(float)
    for i, row in enumerate(np.asarray(X).tolist()):
        if layout == "tosses":
            heads, tails = row.count(1), row.count(0)
        elif layout == "heads_tosses":
            heads, tails = row[0], row[1] - row[0]
        else:
            heads, tails = row[0], sum(row[1:])
        coin = HIDDEN if coins is None else int(coins[i])
        table[coin, float(heads), float(tails)] += (
            1.0 if sample_weight is None else float(sample_weight[i])
        )
    return sorted((*key, rows) for key, rows in table.items() if rows > 0)


def whole(n_columns, high=6):
    return np.random.default_rng(RNG_SEED).integers(0, high, size=(N_ROWS, n_columns))


def single_tosses(missing):
    X = whole(7, 3 if missing else 2).astype(float)
    X[X == 2] = np.nan
    return X


INTEGERS = ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"]
FLOATS = ["float16", "float32", "float64"]
TABLES = {
    **{f"heads_tails {t}": ("heads_tails", whole(2).astype(t)) for t in INTEGERS + FLOATS},
    **{f"heads_tosses {t}": ("heads_tosses", np.cumsum(whole(2), 1).astype(t)) for t in INTEGERS},
    **{f"tosses {t}": ("tosses", single_tosses(False).astype(t)) for t in ["bool", *INTEGERS]},
    **{f"tosses {t}, some not made": ("tosses", single_tosses(True).astype(t)) for t in FLOATS},
    **{f"wide {t}": ("heads_tails", whole(6, 100).astype(t)) for t in INTEGERS + FLOATS},
    "bool": ("heads_tails", whole(2, 2).astype(bool)),
    "wide bool": ("heads_tails", whole(9, 2).astype(bool)),
    "hundreds of tosses": ("tosses", np.ones((3, 400), dtype="int8")),
    "wide float32 above 2**24": ("heads_tails", np.array([[1, 2**24, 1]], dtype="float32")),
    "float32 of many tosses": ("heads_tosses", np.array([[0.1, 2**24]], dtype="float32")),
    "uint64 above 2**32": ("heads_tails", whole(2).astype("uint64") * 2**40),
    "int64 above 2**31": ("heads_tails", whole(2) * 10**12),
    "float64 above 2**31": ("heads_tails", whole(2) * 1e12),
    "one column above 2**31": ("heads_tails", whole(2) * [1, 10**10]),
    "sparse values": ("heads_tails", whole(2) * 10_007),
    "fractional": ("heads_tails", whole(2) * 0.1),
    "one column fractional": ("heads_tails", whole(2) * [1, 0.25]),
    "fractional successes": ("heads_tosses", np.cumsum(whole(2), 1) * 0.25),
    "no tosses": ("heads_tails", np.zeros((5, 2), dtype=int)),
    "one row": ("heads_tails", np.array([[2, 3]])),
    "Fortran order": ("heads_tails", np.asfortranarray(whole(2))),
    "every other row": ("heads_tails", whole(2)[::2]),
    "nearly 2**31": ("heads_tails", np.full((4, 2), 2**31 - 1)),
    "nearly 2**31, as uint32": ("heads_tosses", np.full((4, 2), 2**32 - 1, dtype="uint32")),
}
WEIGHTS = {
    "no weights": lambda _: None,
    "whole weights, some zero": lambda n: (np.arange(n) % 4).astype(float),
    # Eighths add up without rounding, in any order.
    "fractional weights": lambda n: np.arange(n) % 5 / 8 + 0.125,
}
COINS = {"hidden": lambda _: None, "some known": lambda n: np.arange(n) % 3 - 1}


@pytest.mark.parametrize("coins", COINS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("table", TABLES)
def test_counts_are_those_of_a_dict(table, weights, coins):
    layout, X = TABLES[table]
    sample_weight, coins = WEIGHTS[weights](len(X)), COINS[coins](len(X))
    counts = counted(X, layout, sample_weight, coins)
    assert as_rows(counts) == counted_by_dict(X, layout, sample_weight, coins)
    assert {a.dtype for a in (counts.heads, counts.tails, counts.multiplicity)} == {np.dtype(float)}


@pytest.mark.parametrize("coins", COINS)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("chunk", [1, 2, 7, 100, 299, 1000])
def test_chunk_boundaries_do_not_matter(table, coins, chunk):
    layout, X = TABLES[table]
    sample_weight, coins = WEIGHTS["fractional weights"](len(X)), COINS[coins](len(X))
    whole_table = counted(X, layout, sample_weight, coins)
    assert as_rows(counted(X, layout, sample_weight, coins, chunk)) == as_rows(whole_table)


def test_merging_parts_is_counting_the_whole():
    X, sample_weight = whole(2), WEIGHTS["fractional weights"](N_ROWS)
    for edges in ([], [1], [150], [3, 4, 5, 290]):
        rows = np.split(np.arange(N_ROWS), edges)
        parts = [counted(X[part], sample_weight=sample_weight[part]) for part in rows]
        expected = as_rows(counted(X, sample_weight=sample_weight))
        assert as_rows(merge(parts)) == expected
        assert as_rows(merge(parts[::-1])) == expected
        assert as_rows(merge([merge(parts[:1]), *parts[1:]])) == expected


def test_merging_mixes_whole_and_fractional_and_known_and_hidden():
    parts = [
        counted([[1, 2], [1, 2]]),
        counted([[1.0, 2.0], [0.5, 2.0]]),
        counted([[1, 2]], coins=np.array([0])),
        counted([[1, 2], [10**12, 0]], coins=np.array([0, -1])),
    ]
    assert as_rows(merge(parts)) == [
        (HIDDEN, 0.5, 2, 1),
        (HIDDEN, 1, 2, 3),
        (HIDDEN, 1e12, 0, 1),
        (0, 1, 2, 2),
    ]


ENCODED = {
    "small whole": (whole(1)[:, 0], whole(1)[:, 0][::-1]),
    "small whole floats": (whole(1)[:, 0] * 1.0, whole(1)[:, 0] * 1.0),
    "large whole": (whole(1)[:, 0] * 1_000_003, whole(1)[:, 0] * 999_983),
    "as large as an integer product may be": (np.array([2**31 - 1, 0]), np.array([0, 2**31 - 1])),
    "just above 2**31": (np.array([2**31, 0, 2**31]), np.array([1, 2**31, 1])),
    "above 2**31": (whole(1)[:, 0] * 10**12, whole(1)[:, 0]),
    "above 2**31 as floats": (whole(1)[:, 0], whole(1)[:, 0] * 1e12),
    "a few more codes than may be": (np.array([0, 64, 64]), np.array([64, 63, 64])),
    "fractional": (whole(1)[:, 0] / 3, whole(1)[:, 0] * 0.7),
    "one of the two fractional": (whole(1)[:, 0], whole(1)[:, 0] * 0.7),
    "bool": (whole(1, 2)[:, 0].astype(bool), whole(1, 2)[:, 0].astype(bool)),
    "one row": (np.array([3]), np.array([10**6])),
    "no tosses": (np.zeros(4), np.zeros(4)),
    "negative zero": (np.array([-0.0, 0.0, 0.5]), np.array([0.0, -0.0, -0.0])),
}


@pytest.mark.parametrize("case", ENCODED)
def test_codes_are_small_and_decode_to_their_pairs(case):
    heads, tails = ENCODED[case]
    code, decode = encode(heads, tails)
    assert code.dtype.kind == "i"
    assert code.min() >= 0
    assert code.max() < max(4 * len(heads), 4096)
    decoded = decode(code)
    assert_array_equal(decoded[0], heads)
    assert_array_equal(decoded[1], tails)
    assert decoded[0].dtype == decoded[1].dtype == np.float64
    distinct = set(zip(heads.tolist(), tails.tolist(), strict=True))
    assert len(np.unique(code)) == len(distinct)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("table", TABLES)
def test_mapping_distinct_rows_is_mapping_every_row(table, chunk):
    layout, X = TABLES[table]

    def function(heads, tails):
        return np.column_stack([heads, tails, np.sqrt(heads) / (1 + tails)])

    got = map_rows(function, iter_tosses(X, layout, "a test", chunk), len(X), (3,))
    heads, tails = (np.concatenate(c) for c in zip(*iter_tosses(X, layout, "a test"), strict=True))
    assert_array_equal(got, function(heads.astype(float), tails.astype(float)))
    flat = map_rows(lambda h, t: h - t, iter_tosses(X, layout, "a test", chunk), len(X))
    assert_array_equal(flat, heads.astype(float) - tails.astype(float))


def overdispersed():
    rng = np.random.default_rng(1)
    tosses = rng.integers(0, 12, size=N_ROWS)
    heads = rng.binomial(tosses, rng.choice([0.2, 0.5, 0.8], size=N_ROWS))
    return np.column_stack([heads, tosses - heads])


SETTINGS = {
    "auto": {},
    "quantile": {"init_params": "quantile"},
    "random": {"init_params": "random", "n_init": 3},
    "k-means++": {"init_params": "k-means++", "n_init": 3},
    "em": {"solver": "em", "n_init": 2},
    "given": {"theta_init": [0.9, 0.4, 0.2], "theta_prior": (2, 2), "weights_prior": 2},
}


@pytest.mark.parametrize("known", [False, True], ids=["hidden", "some known"])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning")  # three tosses and a fraction
def test_fractional_rows_however_they_come_give_the_same_fit_to_the_last_bit(setting, known):
    X = overdispersed() * 0.3
    coins = COINS["some known"](N_ROWS) + (np.arange(N_ROWS) % 2) if known else np.full(N_ROWS, -1)
    model = BinomialMixture(3, random_state=0, max_iter=200, **SETTINGS[setting])

    def fit(rows, sample_weight=None):
        return fit_to_the_end(clone(model), X[rows], sample_weight=sample_weight, coins=coins[rows])

    rng = np.random.default_rng(2)
    times = rng.integers(0, 4, size=N_ROWS)
    rows = np.repeat(np.arange(N_ROWS), times)
    repeated = fit(rows)
    assert_same_fit(fit(rng.permutation(rows)), repeated)
    assert_same_fit(fit(np.arange(N_ROWS), times), repeated)
    assert_same_fit(fit(np.arange(N_ROWS)[::-1], times[::-1].astype(float)), repeated)
