"""Loaders: the facts in a CSV file and what they are in the text beside it, as a Bunch."""

import csv
from collections.abc import Callable
from functools import wraps
from importlib.resources import files
from inspect import cleandoc
from typing import Any, TypeVar

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._optional_dependencies import check_pandas_support

FEATURES = ["heads", "tails"]
Loader = TypeVar("Loader", bound=Callable[..., Any])
SHARED = """\
Parameters
----------
return_X_y : bool, default=False
    Whether to return ``(data, target)`` instead of a Bunch. Where rows were counted, each is then
    repeated as often as its ``sample_weight`` says, so that nothing is lost.
as_frame : bool, default=False
    Whether ``data`` and ``target`` are pandas objects; needs pandas.

Returns
-------
bunch : :class:`~sklearn.utils.Bunch`
    ``data`` of shape (n_rows, 2) in the layout "heads_tails", ``target``, None if there is none,
    ``sample_weight`` if the rows were counted, ``feature_names``, ``DESCR``, which says what the
    set is and where it is from, and ``frame``, all columns as a data frame if ``as_frame``."""


def _loader(name: str, **others: Callable[..., Any]) -> Callable[[Loader], Loader]:
    """Make a function load the set of this name, and complete its docstring.

    Between its summary and its examples come the text beside the data and what all loaders share.

    Parameters
    ----------
    name : str
        Of the files in ``data``.
    **others : callable
        What else the Bunch holds, each from the columns of the CSV file.
    """

    def decorate(function):
        @wraps(function)
        def load(*, return_X_y=False, as_frame=False):
            return _load(name, others, return_X_y, as_frame)

        if function.__doc__:  # python -OO has none
            summary, examples = cleandoc(function.__doc__).split("\n\n", 1)
            _, *about, heading, references = _describe(name).strip().split("\n\n")
            parts = summary, *about, SHARED, heading, references, examples
            load.__doc__ = "\n\n".join(parts) + "\n"
        return load

    return decorate


def _load(name, others, return_X_y, as_frame):
    columns = _read(name)
    data = np.column_stack([columns[feature].astype(int) for feature in FEATURES])
    bunch = Bunch(data=data, target=None, frame=None, feature_names=FEATURES, DESCR=_describe(name))
    if "count" in columns:
        bunch.sample_weight = columns["count"].astype(int)
    for key, read in others.items():
        bunch[key] = read(columns)
    if as_frame:
        _use_frames(bunch, check_pandas_support("as_frame=True"))
    if not return_X_y:
        return bunch
    if "sample_weight" in bunch:
        # Index, not np.repeat: a data frame stays a data frame.
        place = np.repeat(np.arange(len(data)), columns["count"].astype(int))
        return (bunch.data.iloc[place] if as_frame else data[place]), None
    return bunch.data, bunch.target


def _use_frames(bunch, pandas):
    bunch.data = pandas.DataFrame(bunch.data, columns=FEATURES)
    others = {
        name: value
        for name, value in bunch.items()
        if isinstance(value, np.ndarray) and value.ndim == 1
    }
    bunch.frame = bunch.data.assign(**others)
    bunch.update({name: bunch.frame[name] for name in others})


def _describe(name):
    """What a set is, and where it is from."""
    return files(__package__).joinpath("data", f"{name}.rst").read_text(encoding="utf-8")


def _read(name):
    """The columns of a CSV file whose first line is a comment that names its source."""
    file = files(__package__).joinpath("data", f"{name}.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        next(lines)
        header, *rows = csv.reader(lines)
    return dict(zip(header, np.array(rows).T, strict=True))


@_loader("do_batzoglou_2008", target=lambda c: np.searchsorted(["A", "B"], c["true_coin"]))
def load_do_batzoglou(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load five sets of ten tosses of two coins, from the paper that made EM popular.

    Examples
    --------
    >>> from skcoin.datasets import load_do_batzoglou
    >>> load_do_batzoglou().data[:2]
    array([[5, 5],
           [9, 1]])
    """


@_loader("collins_three_coins")
def load_collins(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load five sets of three tosses of coin B or coin C, as hidden coin A says.

    Examples
    --------
    >>> from skcoin.datasets import load_collins
    >>> load_collins().data[:2]
    array([[3, 0],
           [0, 3]])
    """


@_loader("li_hang_three_coins")
def load_li_hang(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load ten single tosses of coin B or coin C, as hidden coin A says.

    Examples
    --------
    >>> from skcoin.datasets import load_li_hang
    >>> load_li_hang().data[:3, 0]
    array([1, 1, 0])
    """


@_loader("saxony_families12")
def load_saxony(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load boys among the first 12 children of 6,115 families of 13 in Saxony, 1876 to 1885.

    Examples
    --------
    >>> from skcoin.datasets import load_saxony
    >>> load_saxony().sample_weight.sum()
    np.int64(6115)
    """


@_loader("geissler_all_sizes")
def load_geissler(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load boys in 991,958 families of 1 to 12 children in Saxony, 1876 to 1885.

    Examples
    --------
    >>> from skcoin.datasets import load_geissler
    >>> load_geissler().sample_weight.sum()
    np.int64(991958)
    """


@_loader("rat_tumours")
def load_rat_tumours(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load endometrial stromal polyps in 71 groups of control rats.

    Examples
    --------
    >>> from skcoin.datasets import load_rat_tumours
    >>> load_rat_tumours().data[-1]
    array([ 4, 10])
    """


@_loader("tacks")
def load_tacks(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load thumbtacks: 320 sets of nine flicks, 16 tacks on two surfaces by two people.

    Examples
    --------
    >>> from skcoin.datasets import load_tacks
    >>> load_tacks().data.sum(axis=0)
    array([1869, 1011])
    """


@_loader(
    "efron_morris_1970",
    target=lambda c: c["rest_average"].astype(float),
    players=lambda c: c["player"],
    rest_at_bats=lambda c: c["rest_at_bats"].astype(int),
)
def load_efron_morris(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load hits of 18 baseball players in their first 45 at bats of 1970, and in the rest.

    Examples
    --------
    >>> from skcoin.datasets import load_efron_morris
    >>> load_efron_morris().data[0]
    array([18, 27])
    """
