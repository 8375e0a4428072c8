"""What pairs of coins have in common beyond their classes: local dependence.

Of a pair, ``z_i`` and ``z_j`` are the Pearson residuals of a row, its heads less their mean under
the model, over their standard deviation. If the model is true, ``z_i z_j`` has the mean ``c`` and
the variance ``v``, and the covariances ``a_ij`` with ``z_i`` and ``a_ji`` with ``z_j``, all of them
from means and variances of the heads within classes. A fit leaves little of the sums of ``z_i`` and
``z_j``, so that what counts is the rest of ``z_i z_j - c`` after regression on both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._layouts import coin_names
from skcoin._progress.workers import repeat
from skcoin._validation import Column, Seed, check_number
from skcoin._warnings import warn_of_excluded
from skcoin.inspection._dispersion import LEAST
from skcoin.inspection._goodness_of_fit import p_values
from skcoin.inspection._inspected import check_fitted, check_several_coins
from skcoin.inspection._predictive import as_whole, moments
from skcoin.inspection._refits import Refits
from skcoin.inspection._resampling import simulation
from skcoin.inspection._standard_errors import gain_of, refuse_if_below
from skcoin.inspection._tables import AsFrame, Result, frame_maker

NOTHING = 1e-10  # of a variance, that is left
NUMBERS = 2**22  # of classes, coins and rows, in one array


def bivariate_residuals(
    model: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    n_boot: int = 0,
    random_state: Seed = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    callbacks: Sequence[object] = (),
    as_frame: AsFrame = False,
) -> Any:
    """Whether pairs of coins go together more, or less, than their classes explain.

    Given the class, coins are taken to be independent. Of each pair this compares the two-way table
    of their heads with the one that the model expects, over the rows in which both are tossed. For
    questions with one answer each, that is the table of two by two, and the square of the residual
    is Pearson's statistic, "bivariate residual" in other programs,

        ``chi2 = sum (O - E)^2 / E``,   ``E_ab = N sum_k w_k P_k(a) P_k(b)``,

    on one degree of freedom as the fit leaves both margins as they are. For counts of any depth it
    is what is left of the sum of ``z_i z_j``, less its mean under the model, over its standard
    deviation, with the Pearson residuals ``z`` of the two coins in a row.

    Parameters
    ----------
    model : ProductBinomialMixture
        Fitted.
    X : array-like of shape (n_samples, n_features)
        The rows of the fit.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of the fit: how often each row counts.
    n_boot : int, default=0
        Number of simulations for p-values; 0 for none. Counts and weights must then be whole.
    random_state : int, RandomState instance or None, default=None
        For the simulations. The result does not depend on ``n_jobs``.
    n_jobs : int, default=None
        Workers, as joblib counts them.
    verbose : int, default=0
        Of joblib; 0 is silent.
    callbacks : sequence, default=()
        Callbacks of scikit-learn 1.9 or newer, such as ``sklearn.callback.ProgressBar()``.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has a row for each pair, ``coin`` and ``other`` by the names of the columns of
        heads.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`, or a data frame
        ``residual`` : ndarray of shape (n_coins, n_coins)
            Symmetric; positive where the two go together more than their classes explain. NaN on
            the diagonal, for pairs never tossed in one row, and where both margins leave nothing to
            vary, as where a cell of the table of two by two is impossible.
        ``chi2`` : ndarray of shape (n_coins, n_coins)
            Its square.
        ``rows`` : ndarray of shape (n_coins, n_coins)
            Weight of the rows in which both are tossed, and vary.
        ``total`` : float
            The sum of ``chi2`` over all pairs.
        ``p_value`` : ndarray of shape (n_coins, n_coins)
            Only if ``n_boot``: of each pair, in (0, 1].
        ``total_p_value`` : float
            Only if ``n_boot``: of the total, which is one test for all pairs.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins, or one of a single coin a row.
    ValueError
        If the data are not as in ``fit``. With ``n_boot``, if the model is not at a maximum for
        these rows, or tosses or weights are not whole.
    ImportError
        If the library of ``as_frame`` is missing, or there are ``callbacks`` and the installed
        scikit-learn has none.

    Warns
    -----
    UserWarning
        If no class can show some rows.

    See Also
    --------
    classification_table : How sure the classes are.
    likelihood_ratio_test : Whether there is one class more.
    quantile_residuals : Row by row, of each coin.

    Notes
    -----
    With ``n_boot``, rows are drawn from the model, with the tosses of X, the model is fitted to
    them, and the residuals are computed of that fit. Without, ``chi2`` cannot be read off the
    chi-square distribution on one degree of freedom: the classes have been fitted to these very
    pairs, and where the model is true its values are smaller [1]_. Of pairs of six questions, in
    simulations of two classes, fewer than 1 in 100 were above 3.84; of counts of 80 tosses none
    was. So large ones are worth a look, but small ones clear nothing, least of all of deep counts.

    Where answers are missing, the classes of the rows in which both are given are taken to be as
    common as in all. The margins of these rows need not be those of the model; the residual is of
    the dependence alone.

    References
    ----------
    .. [1] Oberski, D. L., van Kollenburg, G. H. and Vermunt, J. K. (2013). A Monte Carlo evaluation
       of three methods to detect local dependence in binary data latent class models. Advances in
       Data Analysis and Classification, 7(3), 267-279.

    Examples
    --------
    The fourth question repeats the third for nearly all of 200 people, whatever their class:

    >>> import numpy as np
    >>> from skcoin import ProductBinomialMixture
    >>> from skcoin.inspection import bivariate_residuals
    >>> rng = np.random.default_rng(0)
    >>> theta = np.array([[0.9, 0.8, 0.7, 0.8, 0.9], [0.2, 0.1, 0.3, 0.2, 0.1]])
    >>> X = (rng.random((200, 5)) < theta[rng.integers(2, size=200)]).astype(int)
    >>> X[:, 3] = np.where(rng.random(200) < 0.8, X[:, 2], X[:, 3])
    >>> model = ProductBinomialMixture(2, layout="tosses").fit(X)
    >>> found = bivariate_residuals(model, X, n_boot=99, random_state=0)
    >>> found.residual.round(1)
    array([[ nan,  0. ,  0.3, -0.6,  0.2],
           [ 0. ,  nan, -1. , -0.7,  0.5],
           [ 0.3, -1. ,  nan,  9.6, -0.5],
           [-0.6, -0.7,  9.6,  nan, -0.5],
           [ 0.2,  0.5, -0.5, -0.5,  nan]])
    >>> print(f"{found.p_value[2, 3]:.2f}")
    0.01
    """
    to_frame = frame_maker(as_frame)
    check_several_coins(
        model, "pairs are of several", "Use goodness_of_fit, which tests the heads of one coin."
    )
    check_number(n_boot, "n_boot", Integral, min_val=0)
    fitted = check_fitted(model, X, sample_weight)
    counts = fitted.counts
    warn_of_excluded(fitted.mixture, counts.heads, counts.tails, counts.multiplicity)
    pairs = _Pairs.of(fitted.mixture, counts)
    chi2 = pairs.residual**2
    result = Result(residual=pairs.residual, chi2=chi2, rows=pairs.rows, total=float(_total(chi2)))
    if n_boot:
        refuse_if_below(gain_of(fitted))
        rows = simulation(as_whole(counts), fitted.mixture)
        simulated = repeat(
            Refits(rows, fitted, _squares),
            n_boot,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
            callbacks=callbacks,
        )
        null = np.array(simulated)
        result.p_value = np.where(np.isnan(chi2), np.nan, p_values(chi2, null))
        result.total_p_value = float(p_values(_total(chi2), _total(null)))
    return result if to_frame is None else to_frame(_columns(result, coin_names(model)))


def _columns(result, names):
    """Each pair once."""
    pairs = np.triu_indices(len(names), k=1)
    coin, other = (np.array(names)[of_pairs] for of_pairs in pairs)
    matrices = {name: value[pairs] for name, value in result.items() if np.ndim(value)}
    return {"coin": coin, "other": other, **matrices}


def _squares(mixture, counts, rng):  # noqa: ARG001
    return _Pairs.of(mixture, counts).residual ** 2


def _total(chi2):
    """Over all pairs, of each table."""
    return np.nansum(chi2, axis=(-2, -1)) / 2


@dataclass(frozen=True)
class _Pairs:
    """Sums over the rows in which both coins of a pair are tossed, (n_coins, n_coins) each.

    Attributes
    ----------
    rows : of 1, which is also the sum of the mean of ``z_i^2``
    single, seen : of ``z_i`` and of ``z_i z_j``
    c, a, v : of what the model expects
    """

    rows: np.ndarray
    single: np.ndarray
    seen: np.ndarray
    c: np.ndarray
    a: np.ndarray
    v: np.ndarray

    @classmethod
    def of(cls, mixture, counts):
        n_rows, n_numbers = len(counts.multiplicity), mixture.weights.size * counts.heads.size
        blocks = np.array_split(np.arange(n_rows), n_numbers // NUMBERS + 1)
        parts = [_sums(mixture, counts, block) for block in blocks]
        return cls(*(sum(of_blocks) for of_blocks in zip(*parts, strict=True)))

    @property
    def residual(self):
        """Of ``z_i z_j - c``, regressed on ``z_i + z_j`` and ``z_i - z_j``, which do not depend."""
        rest, variance = self.seen - self.c, self.v.copy()
        for sign in (1, -1):
            both = 2 * (self.rows + sign * self.c)  # the variance of z_i +- z_j
            slope, varies = np.zeros_like(both), both > NOTHING * self.rows
            np.divide(self.a + sign * self.a.T, both, out=slope, where=varies)
            rest -= slope * (self.single + sign * self.single.T)
            variance -= slope**2 * both
        is_pair = (variance > NOTHING * self.rows) & ~np.eye(len(rest), dtype=bool)
        residual = np.full(rest.shape, np.nan)
        np.divide(rest, np.sqrt(np.maximum(variance, 0)), out=residual, where=is_pair)
        return (residual + residual.T) / 2  # the same to the last bit


def _sums(mixture, counts, block):
    """The sums of ``_Pairs``, in their order, over a block of rows."""
    heads, m = counts.heads[:, block], counts.multiplicity[block]
    tosses = heads + counts.tails[:, block]
    w = mixture.weights[:, None, None]
    of_coins = [moments(mixture.of_coin(j), n) for j, n in enumerate(tosses)]
    within, variance = (np.stack(parts, axis=1) for parts in zip(*of_coins, strict=True))
    mean = (w * within).sum(axis=0)
    square = variance + (within - mean) ** 2  # around the mean of all classes
    scale = (w * square).sum(axis=0)
    varies = scale > LEAST
    scale = np.where(varies, scale, np.inf)
    z, d, q = (heads - mean) / np.sqrt(scale), (within - mean) / np.sqrt(scale), square / scale

    def product(left, right, weight=1.0):
        return np.tensordot(weight * m * left, right, axes=[(0, 2), (0, 2)])

    # Of the mean c of each row the square is summed, over all pairs of classes.
    twofold = (d[:, None] * d).reshape(-1, *z.shape)
    weights = (w[:, None] * w).reshape(-1, 1, 1)
    v = product(q, q, w) - product(twofold, twofold, weights)
    one = varies.astype(float)[None]
    z = z[None]
    return product(one, one), product(z, one), product(z, z), product(d, d, w), product(q, d, w), v
