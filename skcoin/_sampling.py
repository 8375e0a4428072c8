"""Tosses of known coins, in any layout."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state, check_scalar

from skcoin._validation import (
    Labels,
    Seed,
    check_n_tosses,
    refuse_if_forgotten,
    refuse_if_not_drawable,
    refuse_if_not_fitted,
)

MOST_DRAWN = 2**53  # tosses in a row; beyond, not every count has a float


class SamplingMixin:
    """The part of the estimators that draws rows."""

    def sample(
        self, n_samples: int = 1, n_tosses: int | ArrayLike | None = None, random_state: Seed = None
    ) -> tuple[NDArray[Any], Labels]:
        """Pick coins and toss them.

        Parameters
        ----------
        n_samples : int, default=1
            Rows to draw, at least 1.
        n_tosses : int or array-like of shape (n_samples,), default=None
            Tosses of each row, at least 0. By default they are drawn from those of the fitted
            rows.
        random_state : int, RandomState instance or None, default=None
            By default the estimator's own.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features_in_)
            In the layout of the fit. Cells that are left over hold 0, or NaN where a cell
            is a toss.
        coins : ndarray of shape (n_samples,), int
            The coin behind each row.

        Raises
        ------
        ValueError
            If ``n_samples`` or ``n_tosses`` is out of its range, or ``n_tosses`` is not given and
            the fitted rows hold fractional tosses or have been forgotten.
        TypeError
            If ``n_samples`` is no whole number.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> tosses, coins = BinomialMixture().fit(X).sample(3, n_tosses=100, random_state=0)
        >>> tosses
        array([[55, 45],
               [60, 40],
               [50, 50]])
        >>> coins
        array([1, 1, 1])
        """
        refuse_if_not_fitted(self)
        rng = check_random_state(self.random_state if random_state is None else random_state)
        check_scalar(n_samples, "n_samples", Integral, min_val=1, max_val=MOST_DRAWN)
        if n_tosses is None:
            counts = self._counts
            refuse_if_forgotten(counts, "it has no numbers of tosses to draw from. Give n_tosses.")
            share = counts.multiplicity / counts.n_rows
            tosses = rng.choice(counts.tosses, size=n_samples, p=share)
        else:
            tosses = check_n_tosses(n_tosses, n_samples)
        most = self.n_features_in_ if self._layout == "tosses" else MOST_DRAWN
        refuse_if_not_drawable(tosses, most, n_tosses is None)
        coins = rng.choice(len(self.theta_), size=n_samples, p=self.weights_)
        cells = (n_samples, self.n_features_in_)
        theta = self._family.rates(self._parameters().components[coins], rng)
        return toss(theta, tosses.astype(np.int64), self._layout, cells, rng), coins


def toss(theta, tosses, layout, cells, rng):
    """Toss a coin in each row.

    Parameters
    ----------
    theta : ndarray of shape (n_rows,)
        Probability of heads of the coin of each row.
    tosses : ndarray of shape (n_rows,), int
    layout : Layout
    cells : (int, int)
        Rows and columns of X.
    rng : RandomState

    Returns
    -------
    X : ndarray of shape (n_rows, n_columns)
        Cells that are left over hold 0, or NaN where a cell is a toss.
    """
    if layout == "tosses":
        X = (rng.uniform(size=cells) < theta[:, None]).astype(float)
        X[np.arange(cells[1]) >= tosses[:, None]] = np.nan
        return X
    X = np.zeros(cells, dtype=np.int64)
    X[:, 0] = rng.binomial(tosses, theta)
    X[:, 1] = tosses if layout == "heads_tosses" else tosses - X[:, 0]
    return X
