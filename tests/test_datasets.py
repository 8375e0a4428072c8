"""Every set that skcoin brings is the published one, in every form that is promised."""

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from _references import LOADERS, REFERENCES
from numpy.testing import assert_array_equal

import skcoin
from skcoin import BinomialMixture, datasets

TARGETS = {
    "do_batzoglou_2008": [1, 0, 0, 1, 0],
    "efron_morris_1970": None,  # averages, below
}


def totals(data, rows):
    return [rows.sum(), rows @ data[:, 0], rows @ data.sum(axis=1)]


@pytest.fixture(params=LOADERS)
def name(request):
    return request.param


def test_every_public_loader_is_tested():
    assert {loader.__name__ for loader in LOADERS.values()} == set(datasets.__all__)


def test_totals_are_those_of_the_reference(name):
    bunch, reference = LOADERS[name](), REFERENCES["sets"][name]
    rows = bunch.get("sample_weight", np.ones(len(bunch.data), dtype=int))
    expected = [reference[key] for key in ("n_rows", "sum_heads", "sum_trials")]
    assert totals(bunch.data, rows) == expected
    assert len(np.unique(bunch.data, axis=0)) == reference["n_distinct"]


def test_bunch_holds_whole_numbers_and_says_what_they_are(name):
    bunch = LOADERS[name]()
    assert bunch.data.dtype.kind == "i"
    assert bunch.data.shape[1] == 2
    assert bunch.feature_names == ["heads", "tails"]
    assert bunch.frame is None
    if "sample_weight" in bunch:
        assert bunch.sample_weight.shape == (len(bunch.data),)
        assert bunch.sample_weight.min() >= 0
    if name in TARGETS:
        assert bunch.target.shape == (len(bunch.data),)
    else:
        assert bunch.target is None


def test_return_X_y_repeats_each_row_as_often_as_it_was_counted(name):  # noqa: N802 - its name
    X, y = LOADERS[name](return_X_y=True)
    assert totals(X, np.ones(len(X), dtype=int)) == [
        REFERENCES["sets"][name][key] for key in ("n_rows", "sum_heads", "sum_trials")
    ]
    assert (y is not None) == (name in TARGETS)


def test_as_frame_holds_the_same_in_pandas(name):
    pandas = pytest.importorskip("pandas")
    arrays, frames = LOADERS[name](), LOADERS[name](as_frame=True)
    assert isinstance(frames.data, pandas.DataFrame)
    assert list(frames.data.columns) == ["heads", "tails"]
    assert_array_equal(frames.data.to_numpy(), arrays.data)
    columns = ("target", "sample_weight", "players", "rest_at_bats")
    others = [key for key in columns if arrays.get(key) is not None]
    assert set(frames.frame.columns) == {"heads", "tails", *others}
    for key in others:
        assert isinstance(frames[key], pandas.Series)
        assert_array_equal(frames[key].to_numpy(), arrays[key])
    X, y = LOADERS[name](return_X_y=True, as_frame=True)
    assert isinstance(X, pandas.DataFrame)
    assert_array_equal(X.to_numpy(), LOADERS[name](return_X_y=True)[0])
    assert (y is not None) == (name in TARGETS)


def test_a_fit_is_the_same_from_weights_and_from_repeated_rows(name):
    bunch = LOADERS[name]()
    X, _ = LOADERS[name](return_X_y=True)
    weighted = BinomialMixture(1).fit(bunch.data, sample_weight=bunch.get("sample_weight"))
    assert_array_equal(weighted.theta_, BinomialMixture(1).fit(X).theta_)


def test_description_names_a_source_and_its_year(name):
    source = LOADERS[name]().DESCR.partition("References\n")[2]
    assert re.search(r"\.\. \[1\] [A-Z]\w+, .*\(\d{4}\)\.", source)


def test_docstring_holds_the_description(name):
    _, *paragraphs = LOADERS[name]().DESCR.strip().split("\n\n")
    assert len(paragraphs) >= 3
    assert [text for text in paragraphs if text not in inspect.getdoc(LOADERS[name])] == []


@pytest.mark.slow
def test_description_is_the_same_without_docstrings():
    names = sorted(datasets.__all__)
    code = f"""
import json
from skcoin import datasets
loaders = [getattr(datasets, name) for name in {names}]
print(json.dumps([[load.__doc__, load().DESCR] for load in loaders]))
"""
    printed = subprocess.run(
        [sys.executable, "-OO", "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(skcoin.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert json.loads(printed) == [[None, getattr(datasets, name)().DESCR] for name in names]


def test_two_calls_share_nothing(name):
    first = LOADERS[name]()
    first.data[:] = -1
    assert (LOADERS[name]().data >= 0).all()


def test_targets_are_the_published_ones():
    assert_array_equal(datasets.load_do_batzoglou().target, TARGETS["do_batzoglou_2008"])
    baseball = datasets.load_efron_morris()
    clemente = baseball.players.tolist().index("Roberto Clemente")
    assert baseball.target[clemente] == 0.346
    assert baseball.rest_at_bats[clemente] == 367
    assert_array_equal(baseball.data.sum(axis=1), 45)
