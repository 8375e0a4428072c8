"""The reference results, the sets that they are of, and one set in every layout."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from skcoin import datasets

DATA = Path(__file__).parent / "data"
REFERENCES = json.loads((DATA / "references.json").read_text(encoding="utf-8"))
LOADERS = {
    "do_batzoglou_2008": datasets.load_do_batzoglou,
    "li_hang_three_coins": datasets.load_li_hang,
    "collins_three_coins": datasets.load_collins,
    "saxony_families12": datasets.load_saxony,
    "geissler_all_sizes": datasets.load_geissler,
    "rat_tumours": datasets.load_rat_tumours,
    "efron_morris_1970": datasets.load_efron_morris,
    "tacks": datasets.load_tacks,
}
HEADS = np.array([5, 9, 8, 4, 7])
FIVE_SETS = {  # of ten tosses, in each layout
    "heads_tails": np.column_stack([HEADS, 10 - HEADS]),
    "heads_tosses": np.column_stack([HEADS, np.full(5, 10)]),
    "tosses": (np.arange(10) < HEADS[:, None]).astype(int),
}
LAYOUTS = list(FIVE_SETS)


def load_set(name):
    """Heads and tails of a set of the references, and the weight of each row or None."""
    if name in LOADERS:
        bunch = LOADERS[name]()
        return bunch.data, bunch.get("sample_weight")
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        next(lines)  # the source
        return np.array([[int(r["heads"]), int(r["tails"])] for r in csv.DictReader(lines)]), None


def in_every_layout(cells):
    """The tosses of these cells (1 heads, 0 tails, NaN not tossed), by layout."""
    heads, tosses = np.nansum(cells, axis=1), np.isfinite(cells).sum(axis=1)
    return {
        "heads_tails": np.column_stack([heads, tosses - heads]),
        "heads_tosses": np.column_stack([heads, tosses]),
        "tosses": cells,
    }


# Fits of the references, as parameters of a test
ENTRIES = [
    pytest.param(name, kind, entry, id=f"{name}-{kind}-{n_coins}")
    for name, reference in REFERENCES["sets"].items()
    for kind in ("free", "equal")
    for n_coins, entry in reference[kind].items()
    if "thetas" in entry
]
FREE = [
    pytest.param(name, int(n_coins), entry, id=f"{name}-{n_coins}")
    for name, reference in REFERENCES["sets"].items()
    for n_coins, entry in reference["free"].items()
    if "thetas" in entry
]
USED = [case for case in FREE if len(case.values[2]["thetas"]) == case.values[1]]
SPARE = [case for case in FREE if case not in USED]  # more coins than the data can use
