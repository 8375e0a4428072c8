"""Loaders: a CSV file of facts each, with its source, as a Bunch."""

import csv
from importlib.resources import files

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._optional_dependencies import check_pandas_support

FEATURES = ["heads", "tails"]


def load_do_batzoglou(*, return_X_y=False, as_frame=False):
    """Load five sets of ten tosses of two coins, from the paper that made EM popular.

    Heads 5, 9, 8, 4, 7 of ten. Complete data give 24/30 = 0.80 for coin A and 9/20 = 0.45 for coin
    B; with the coins hidden and picked with equal chance, EM from 0.6 and 0.5 ends at 0.80, 0.52.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether ``data`` and ``target`` are pandas objects; needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` of shape (5, 2) in the layout "heads_tails",
        ``target``, the coin of each set (0 is A, 1 is B),
        ``feature_names``, ``DESCR`` and ``frame``, all columns as a data frame if ``as_frame``.

    References
    ----------
    .. [1] Do, C. B. and Batzoglou, S. (2008). What is the expectation maximization algorithm?
       Nature Biotechnology, 26(8), 897-899, figure 1.

    Examples
    --------
    >>> from skcoin.datasets import load_do_batzoglou
    >>> load_do_batzoglou().data[:2]
    array([[5, 5],
           [9, 1]])
    """
    return _load(
        "do_batzoglou_2008.csv",
        load_do_batzoglou.__doc__,
        return_X_y,
        as_frame,
        target=lambda c: np.searchsorted(["A", "B"], c["true_coin"]),
    )


def load_collins(*, return_X_y=False, as_frame=False):
    """Load five sets of three tosses of coin B or coin C, as hidden coin A says.

    HHH, TTT, HHH, TTT, HHH; the first four are Collins' first example. The maximum is at pi = 0.6
    (0.5 for the four), p = 1, q = 0, or the same with B and C exchanged.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether ``data`` and ``target`` are pandas objects; needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` of shape (5, 2) in the layout "heads_tails", ``target``, which is None,
        ``feature_names``, ``DESCR`` and ``frame``, all columns as a data frame if ``as_frame``.

    References
    ----------
    .. [1] Collins, M. (1997). The EM algorithm. University of Pennsylvania.

    Examples
    --------
    >>> from skcoin.datasets import load_collins
    >>> load_collins().data[:2]
    array([[3, 0],
           [0, 3]])
    """
    return _load("collins_three_coins.csv", load_collins.__doc__, return_X_y, as_frame)


def load_li_hang(*, return_X_y=False, as_frame=False):
    """Load ten single tosses of coin B or coin C, as hidden coin A says.

    1, 1, 0, 1, 0, 0, 1, 0, 1, 1. One toss a row identifies only pi p + (1 - pi) q = 0.6, so that
    the answer of EM depends on its start.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether ``data`` and ``target`` are pandas objects; needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` of shape (10, 2) in the layout "heads_tails", ``target``, which is None,
        ``feature_names``, ``DESCR`` and ``frame``, all columns as a data frame if ``as_frame``.

    References
    ----------
    .. [1] Li, H. (2012). Statistical learning methods, chapter 9. Tsinghua University Press.

    Examples
    --------
    >>> from skcoin.datasets import load_li_hang
    >>> load_li_hang().data[:3, 0]
    array([1, 1, 0])
    """
    return _load("li_hang_three_coins.csv", load_li_hang.__doc__, return_X_y, as_frame)


def load_saxony(*, return_X_y=False, as_frame=False):
    """Load boys among the first 12 children of 6,115 families of 13 in Saxony, 1876 to 1885.

    Heads are boys. One coin does not fit: the spread is wider than binomial. Four coins reach the
    highest likelihood of all mixtures, -12490.7, against -12534.2 with one.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
        Each distinct row is then repeated as often as it was counted, so that nothing is lost;
        ``target`` is None.
    as_frame : bool, default=False
        Whether ``data`` and ``target`` are pandas objects; needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` of shape (13, 2) in the layout "heads_tails",
        ``sample_weight``, the number of families,
        ``feature_names``, ``DESCR`` and ``frame``, all columns as a data frame if ``as_frame``.

    References
    ----------
    .. [1] Geissler, A. (1889). Beiträge zur Frage des Geschlechtsverhältnisses der Geborenen.
       Zeitschrift des K. Sächsischen Statistischen Bureaus, 35, 1-24.
    .. [2] Lindsey, J. K. (1995). Modelling frequency and count data. Oxford, p. 59.

    Examples
    --------
    >>> from skcoin.datasets import load_saxony
    >>> load_saxony().sample_weight.sum()
    np.int64(6115)
    """
    return _load("saxony_families12.csv", load_saxony.__doc__, return_X_y, as_frame)


def load_geissler(*, return_X_y=False, as_frame=False):
    """Load boys in 991,958 families of 1 to 12 children in Saxony, 1876 to 1885.

    Heads are boys, 90 distinct families.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
        Each distinct row is then repeated as often as it was counted, so that nothing is lost;
        ``target`` is None.
    as_frame : bool, default=False
        Whether ``data`` and ``target`` are pandas objects; needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` of shape (90, 2) in the layout "heads_tails",
        ``sample_weight``, the number of families,
        ``feature_names``, ``DESCR`` and ``frame``, all columns as a data frame if ``as_frame``.

    References
    ----------
    .. [1] Edwards, A. W. F. (1958). An analysis of Geissler's data on the human sex ratio. Annals
       of Human Genetics, 23(1), 6-15, table 1.

    Examples
    --------
    >>> from skcoin.datasets import load_geissler
    >>> load_geissler().sample_weight.sum()
    np.int64(991958)
    """
    return _load("geissler_all_sizes.csv", load_geissler.__doc__, return_X_y, as_frame)


def load_rat_tumours(*, return_X_y=False, as_frame=False):
    """Load endometrial stromal polyps in 71 groups of control rats.

    Heads are rats with a tumour. The last row is the current experiment, 4 of 14, the others are
    historical controls.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether ``data`` and ``target`` are pandas objects; needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` of shape (71, 2) in the layout "heads_tails", ``target``, which is None,
        ``feature_names``, ``DESCR`` and ``frame``, all columns as a data frame if ``as_frame``.

    References
    ----------
    .. [1] Tarone, R. E. (1982). The use of historical control information in testing for a trend
       in proportions. Biometrics, 38(1), 215-220.
    .. [2] Gelman, A. et al. (2013). Bayesian data analysis, 3rd edition, table 5.1.

    Examples
    --------
    >>> from skcoin.datasets import load_rat_tumours
    >>> load_rat_tumours().data[-1]
    array([ 4, 10])
    """
    return _load("rat_tumours.csv", load_rat_tumours.__doc__, return_X_y, as_frame)


def load_tacks(*, return_X_y=False, as_frame=False):
    """Load thumbtacks: 320 sets of nine flicks, 16 tacks on two surfaces by two people.

    Heads are flicks that end point up.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether ``data`` and ``target`` are pandas objects; needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` of shape (320, 2) in the layout "heads_tails", ``target``, which is None,
        ``feature_names``, ``DESCR`` and ``frame``, all columns as a data frame if ``as_frame``.

    References
    ----------
    .. [1] Beckett, L. and Diaconis, P. (1994). Spectral analysis for discrete longitudinal data.
       Advances in Mathematics, 103(1), 107-128.
    .. [2] Liu, J. S. (1996). Nonparametric hierarchical Bayes via sequential imputations. Annals
       of Statistics, 24(3), 911-930.

    Examples
    --------
    >>> from skcoin.datasets import load_tacks
    >>> load_tacks().data.sum(axis=0)
    array([1869, 1011])
    """
    return _load("tacks.csv", load_tacks.__doc__, return_X_y, as_frame)


def load_efron_morris(*, return_X_y=False, as_frame=False):
    """Load hits of 18 baseball players in their first 45 at bats of 1970, and in the rest.

    Heads are hits. The averages of the rest of the season show that the raw averages of the
    first 45 are worse guesses than shrunken ones.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether ``data`` and ``target`` are pandas objects; needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` of shape (18, 2) in the layout "heads_tails",
        ``target``, the batting average over the rest of the
        season, ``players``, their names, ``rest_at_bats``,
        ``feature_names``, ``DESCR`` and ``frame``, all columns as a data frame if ``as_frame``.

    References
    ----------
    .. [1] Efron, B. and Morris, C. (1975). Data analysis using Stein's estimator and its
       generalizations. Journal of the American Statistical Association, 70(350), 311-319, table
       1.

    Examples
    --------
    >>> from skcoin.datasets import load_efron_morris
    >>> load_efron_morris().data[0]
    array([18, 27])
    """
    return _load(
        "efron_morris_1970.csv",
        load_efron_morris.__doc__,
        return_X_y,
        as_frame,
        target=lambda c: c["rest_average"].astype(float),
        players=lambda c: c["player"],
        rest_at_bats=lambda c: c["rest_at_bats"].astype(int),
    )


def _load(file, description, return_X_y, as_frame, **columns_of_bunch):
    columns = _read(file)
    data = np.column_stack([columns[name].astype(int) for name in FEATURES])
    bunch = Bunch(data=data, target=None, frame=None, feature_names=FEATURES, DESCR=description)
    if "count" in columns:
        bunch.sample_weight = columns["count"].astype(int)
    for name, read in columns_of_bunch.items():
        bunch[name] = read(columns)
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


def _read(file):
    """The columns of a CSV file whose first line is a comment that names its source."""
    with files(__package__).joinpath("data", file).open(encoding="utf-8", newline="") as lines:
        next(lines)
        header, *rows = csv.reader(lines)
    return dict(zip(header, np.array(rows).T, strict=True))
