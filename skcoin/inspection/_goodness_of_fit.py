"""Does the model fit? The table of counts against tables that the model itself would give."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar

from skcoin._base import BaseMixture
from skcoin._counts import HIDDEN
from skcoin._progress.workers import repeat
from skcoin._validation import Column, Seed
from skcoin.inspection._dispersion import ratios, squares_around_coins
from skcoin.inspection._inspected import check_fitted, check_one_coin
from skcoin.inspection._optimality_gap import gap_of
from skcoin.inspection._predictive import as_whole, log_probability
from skcoin.inspection._refits import Refits
from skcoin.inspection._resampling import Simulation
from skcoin.inspection._standard_errors import gain_of, refuse_if_below
from skcoin.inspection._tables import AsFrame, Result, frame_maker

OF_ALL = "pearson", "deviance", "dispersion_ratio"
ROUNDING = 1e-6  # of statistics that count as equal


def goodness_of_fit(
    model: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    coins: Column = None,
    n_boot: int = 199,
    n_classes: int = 4,
    random_state: Seed = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    callbacks: Sequence[object] = (),
    as_frame: AsFrame = False,
) -> Any:
    r"""Test whether rows are such as the model would give, and whether they vary too much.

    In the table of counts, ``O`` rows have ``h`` heads in ``n`` tosses; of the ``m_n`` rows of
    ``n`` tosses the model expects ``E = m_n f(h | n)``. Three statistics say how far that is,

    .. math::

        X^2 = \sum \frac{(O - E)^2}{E} \quad\text{(Pearson)}, \qquad
        G^2 = 2 \sum O \log \frac{O}{E} \quad\text{(deviance)}

    over all cells ``h = 0, ..., n`` of all ``n`` that were seen, and the dispersion ratio, the mean
    over the rows of ``sum_k r_ik (h_i - n_i theta_k)^2 / V_k(n_i)``: how much they vary around the
    coins, to how much these do, with ``V_k`` the variance. What they would be if the model were
    true is found by simulation [1]_: rows are drawn from the model, with the numbers of tosses of
    X, the model is fitted to them, and the statistics are computed of that fit, ``n_boot`` times.
    If ``b`` of the ``B`` are at least that of X, the p-value is ``(b + 1) / (B + 1)``.

    Parameters
    ----------
    model : BinomialMixture, BetaBinomialMixture, ThreeCoinModel or NonparametricBinomialMixture
        Fitted to X.
    X : array-like of shape (n_samples, n_features)
        The rows of the fit, in whole numbers. Where a cell is a toss, their order plays no part.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of the fit: how often each row counts. Rows of the same heads and tails must
        have a whole one together, as so many are counted, and simulated.
    coins : array-like of shape (n_samples,), default=None
        The known coins of the fit, -1 where hidden. The cells of such rows are of coin and heads
        together, and their coin is drawn like any other.
    n_boot : int, default=199
        Number of simulations ``B``, at least 1. The smallest p-value is ``1 / (B + 1)``.
    n_classes : int, default=4
        Of the numbers of tosses, at most: each has about as many rows and a ratio of its own.
    random_state : int, RandomState instance or None, default=None
        The result does not depend on ``n_jobs``.
    n_jobs : int, default=None
        Workers, as joblib counts them.
    verbose : int, default=0
        Of joblib; 0 is silent.
    callbacks : sequence, default=()
        Callbacks of scikit-learn 1.9 or newer, such as ``sklearn.callback.ProgressBar()``.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has a row for each ``statistic``, of all rows and then of each class, with
        ``fewest_tosses``, ``most_tosses`` and ``rows``.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`, or a data frame
        ``pearson``, ``deviance`` : float
            The statistics of the cells.
        ``dispersion_ratio`` : float
            That of the rows. The ratio is about 1 if the model is true; it is NaN if no coin
            varies, all of them being 0 or 1.
        ``pearson_p_value`` : float
            In (0, 1].
        ``deviance_p_value`` : float
            In (0, 1].
        ``dispersion_ratio_p_value`` : float
            In (0, 1], small where rows vary too much, not where too little.
        ``null_pearson`` : ndarray of shape (n_boot,)
            The statistics of the simulations.
        ``null_deviance`` : ndarray of shape (n_boot,)
            The same.
        ``null_dispersion_ratio`` : ndarray of shape (n_boot,)
            Their ratios.
        ``class_tosses`` : ndarray of shape (n_classes, 2)
            Fewest and most tosses of each class.
        ``class_rows`` : ndarray of shape (n_classes,)
            Its rows.
        ``class_dispersion_ratio`` : ndarray of shape (n_classes,)
            Their ratio.
        ``class_p_value`` : ndarray of shape (n_classes,)
            Its p-value.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins, or one of several coins a row.
    ValueError
        If the model is not at a maximum for these rows; if ``n_boot`` or ``n_classes`` is less than
        1, or tosses or weights are not whole; or the data are not as in ``fit``.
    ImportError
        If the library of ``as_frame`` is missing, or there are ``callbacks`` and the installed
        scikit-learn has none.

    See Also
    --------
    quantile_residuals : What single rows have to do with it.
    likelihood_ratio_test : Whether there are more coins.
    skcoin.plotting.RootogramDisplay : The table, drawn.

    Notes
    -----
    The chi-square distribution of the textbooks asks for cells that are expected some five times.
    Here all cells count, however rare, and the simulations know it, as they have the same. But they
    tell less where nearly every row has one for itself, as with many numbers of tosses or of heads,
    and ``X^2`` least: one row in a rare cell then outweighs many others.

    Where rows vary too much the dispersion ratio has the most power. It is taken around the coins,
    as two coins and more take up nearly all variance around the mean of the mixture. Where the
    coins themselves have no fixed theta, or tosses of a row depend on each other, it is too large,
    and the more tosses the larger; streaks, unlike hidden coins, add no more beyond some number of
    tosses. Too few coins make it too large as well.

    Each fit climbs by "em-newton" from the coins that its rows were drawn from. The level of the
    p-values is exact where the model has nothing to learn, and near where it has, but for coins at
    0 or 1, with which a true model is rejected a little too often.

    References
    ----------
    .. [1] Davison, A. C. and Hinkley, D. V. (1997). Bootstrap methods and their application,
       chapter 4. Cambridge University Press.

    Examples
    --------
    Boys in families of twelve: they vary more than those of one coin, and about as those of two.

    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_saxony
    >>> from skcoin.inspection import goodness_of_fit
    >>> families = load_saxony()
    >>> for n_coins in (1, 2):
    ...     model = BinomialMixture(n_coins).fit(
    ...         families.data, sample_weight=families.sample_weight
    ...     )
    ...     test = goodness_of_fit(
    ...         model, families.data, families.sample_weight, n_boot=99, random_state=0
    ...     )
    ...     print(f"G2 {test.deviance:.1f}, p {test.deviance_p_value:.2f}; "
    ...           f"dispersion {test.dispersion_ratio:.2f}, p {test.dispersion_ratio_p_value:.2f}")
    G2 97.0, p 0.01; dispersion 1.16, p 0.01
    G2 13.5, p 0.13; dispersion 1.00, p 0.13
    """
    to_frame = frame_maker(as_frame)
    check_scalar(n_classes, "n_classes", Integral, min_val=1)
    check_one_coin(
        model,
        "its cells are the heads of one coin a row",
        "Look at quantile_residuals, coin by coin, or test more classes by likelihood_ratio_test.",
    )
    fitted = check_fitted(model, X, sample_weight, coins)
    counts, mixture = as_whole(fitted.counts), fitted.mixture
    rows = Simulation(counts, mixture)
    is_any_number = fitted.recipe.is_nonparametric
    refuse_if_below(gap_of(mixture, counts.tossed) if is_any_number else gain_of(fitted))
    read = _Statistics(_lowest_tosses(counts.tossed, n_classes))
    simulated = repeat(
        Refits(rows, fitted, read),
        n_boot,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
        callbacks=callbacks,
    )
    statistics, null = read(mixture, counts), np.array(simulated)
    shares = p_values(statistics, null)
    tosses, rows_of = read.describe(counts.tossed)
    if to_frame is not None:
        return to_frame(_columns(statistics, shares, tosses, rows_of))
    result = Result()
    for i, name in enumerate(OF_ALL):
        result[name] = float(statistics[i])
        result[f"{name}_p_value"] = float(shares[i])
        result[f"null_{name}"] = null[:, i]
    result.class_tosses, result.class_rows = tosses, rows_of
    result.class_dispersion_ratio, result.class_p_value = statistics[3:], shares[3:]
    return result


def _columns(statistics, p_values, tosses, rows):
    """The statistics of all rows and then those of each class of tosses, one below the other."""
    n_all, n_classes = len(OF_ALL), len(rows)
    return {
        "statistic": np.array([*OF_ALL, *["dispersion_ratio"] * n_classes]),
        "fewest_tosses": np.append([tosses[:, 0].min()] * n_all, tosses[:, 0]),
        "most_tosses": np.append([tosses[:, 1].max()] * n_all, tosses[:, 1]),
        "rows": np.append([rows.sum()] * n_all, rows),
        "value": statistics,
        "p_value": p_values,
    }


@dataclass(frozen=True)
class _Statistics:
    """Pearson's, the deviance, the dispersion ratio and that of each class of tosses in one array.

    Attributes
    ----------
    lowest : ndarray of shape (n_classes,)
        Fewest tosses of each class.
    """

    lowest: np.ndarray

    def __call__(self, mixture, counts, rng=None):
        tossed = counts.tossed
        square, share = (tossed.multiplicity * s for s in squares_around_coins(mixture, tossed))
        total = ratios(square, share, np.zeros(len(square), dtype=int), 1)
        by_class = ratios(square, share, self._class_of(tossed), len(self.lowest))
        return np.concatenate([_of_cells(mixture, counts), total, by_class])

    def describe(self, counts):
        """Fewest and most tosses of each class, and its rows."""
        group = self._class_of(counts)
        highest = np.zeros(len(self.lowest))
        np.maximum.at(highest, group, counts.tosses)
        tosses = np.column_stack([self.lowest, highest]).astype(np.int64)
        return tosses, np.bincount(group, counts.multiplicity)

    def _class_of(self, counts):
        return np.searchsorted(self.lowest, counts.tosses, "right") - 1


def _of_cells(mixture, counts):
    """Pearson's statistic and the deviance.

    Cells that were not seen add nothing to the deviance, and to Pearson's what is expected there:
    all rows less what is expected in the cells that were seen.
    """
    key = np.stack([counts.label != HIDDEN, counts.tosses])
    _, group = np.unique(key, axis=1, return_inverse=True)
    group, seen = group.ravel(), counts.multiplicity
    log_expected = np.log(np.bincount(group, seen))[group] + log_probability(mixture, counts)
    expected = np.exp(log_expected)
    with np.errstate(divide="ignore", over="ignore"):
        pearson = ((seen - expected) ** 2 / expected).sum()
    pearson += max(seen.sum() - expected.sum(), 0)
    return pearson, 2 * (seen @ (np.log(seen) - log_expected))


def _lowest_tosses(counts, n_classes):
    """The fewest tosses of each of some classes of about as many rows."""
    tosses, place = np.unique(counts.tosses, return_inverse=True)
    rows = np.bincount(place, counts.multiplicity)
    middle = (np.cumsum(rows) - rows / 2) / rows.sum()
    return tosses[np.unique(np.floor(n_classes * middle), return_index=True)[1]]


def p_values(statistics, null):
    """Share of simulations, that of X among them, that are as high; as high is what is not lower.

    What differs by the tolerance of fits, or by rounding, counts as equal.
    """
    least = statistics - ROUNDING * np.clip(np.abs(statistics), 1, 1e300)
    return (1 + (~(null < least)).sum(axis=0)) / (1 + len(null))
