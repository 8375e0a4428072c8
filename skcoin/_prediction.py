"""What a fitted mixture says of rows: which coin it was, and how often it shows heads."""

from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from skcoin._mixture import Mixture
from skcoin._validation import Column, Floats, Labels, check_level, refuse_if_not_fitted


class PredictionMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The part of the estimators that reads rows by their posterior."""

    def fit_predict(
        self, X: ArrayLike, y: object = None, sample_weight: Column = None, coins: Column = None
    ) -> Labels:
        """Fit, then say which coin each row most likely is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses, in the ``layout`` of the estimator.
        y : None
            Ignored; there for scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
        coins : array-like of shape (n_samples,), default=None
            The known coins, -1 where hidden.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            As from ``predict``, also where ``coins`` says which coin it was.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> BinomialMixture().fit_predict([[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]])
        array([1, 0, 0, 1, 0])
        """
        return self.fit(X, y, sample_weight=sample_weight, coins=coins).predict(X)

    def predict(self, X: ArrayLike) -> Labels:
        """The most probable coin of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            From 0 to ``n_components - 1``; the first of coins that are equally probable.

        Warns
        -----
        UserWarning
            If no coin can show some rows: see ``predict_proba``.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> BinomialMixture().fit(X).predict(X)
        array([1, 0, 0, 1, 0])
        """
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: ArrayLike) -> Floats:
        r"""Posterior probability of each coin, row by row.

        .. math::

            P(k \mid h, t) = \frac{w_k \theta_k^h (1 - \theta_k)^t}
                                  {\sum_l w_l \theta_l^h (1 - \theta_l)^t} ,

        once for each distinct row. A row without tosses gets ``weights_``. Where coins of 0 and 1
        are all there are, a row may be one that none of them can show: it gets the limit for coins
        a hair inside (0, 1), which are those whose probability vanishes most slowly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.

        Returns
        -------
        posterior : ndarray of shape (n_samples, n_components)
            In [0, 1]; every row sums to one.

        Warns
        -----
        UserWarning
            If no coin can show some rows: how many, and the first.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> BinomialMixture().fit(X).predict_proba([[9, 1], [0, 0]]).round(4)
        array([[0.9587, 0.0413],
               [0.5228, 0.4772]])
        """
        refuse_if_not_fitted(self)
        return self._map_posterior(X, Mixture.posterior, self.weights_.shape)

    def transform(self, X: ArrayLike) -> Any:
        """The posterior probabilities of ``predict_proba``, as features for a next step.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.

        Returns
        -------
        posterior : ndarray of shape (n_samples, n_components)
            Or a data frame, as ``set_output`` says.

        Warns
        -----
        UserWarning
            If no coin can show some rows: see ``predict_proba``.

        Examples
        --------
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.linear_model import LogisticRegression
        >>> from skcoin import BinomialMixture
        >>> X, y = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]], [0, 1, 1, 0, 1]
        >>> make_pipeline(BinomialMixture(), LogisticRegression()).fit(X, y).predict([[1, 9]])
        array([0])
        """
        return self.predict_proba(X)

    @overload
    def posterior_mean(self, X: ArrayLike, return_std: Literal[False] = False) -> Floats: ...
    @overload
    def posterior_mean(self, X: ArrayLike, return_std: Literal[True]) -> tuple[Floats, Floats]: ...
    def posterior_mean(
        self, X: ArrayLike, return_std: bool = False
    ) -> Floats | tuple[Floats, Floats]:
        """Probability of heads of each row's coin, given the row: its shrunken rate.

        ``E[theta | h, t] = sum_k P(coin k | h, t) theta_k``, the empirical Bayes estimate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.
        return_std : bool, default=False
            Whether to return the posterior standard deviation of theta, too.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
            In [0, 1].
        std : ndarray of shape (n_samples,)
            Only if ``return_std``.

        Warns
        -----
        UserWarning
            If no coin can show some rows: see ``predict_proba``.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> mean, std = BinomialMixture().fit(X).posterior_mean([[10, 0], [7, 3]], return_std=True)
        >>> mean.round(3)
        array([0.79 , 0.692])
        >>> std.round(3)
        array([0.03 , 0.134])
        """
        refuse_if_not_fitted(self)
        values = self._map_posterior(X, _moments, (2, *self.theta_.shape[1:]))
        mean, std = values[:, 0], values[:, 1]
        return (mean, std) if return_std else mean

    def posterior_interval(self, X: ArrayLike, level: float = 0.95) -> Floats:
        r"""Where the probability of heads of each row's coin is, given the row.

        The quantiles ``(1 - level) / 2`` and ``(1 + level) / 2`` of theta given ``h`` and ``t``: of
        the least ``x`` with ``P(theta <= x | h, t)`` as large. In ``BetaBinomialMixture`` that is a
        mixture of Beta distributions,

        .. math::

            \sum_k P(k \mid h, t) \, \mathrm{Beta}(a_k + h, b_k + t) .

        In the other models theta is one of few values, and so are the ends. Such intervals are too
        short where coins are not really alike: they say which coin it was, and take it for known
        how often that shows heads. For a ranking with its uncertainty use ``BetaBinomialMixture``.
        In all models the coins are taken as known, without the error of their estimates.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.
        level : float, default=0.95
            Probability that theta is inside, in (0, 1).

        Returns
        -------
        interval : ndarray of shape (n_samples, 2)
            Lower and upper end, in [0, 1].

        Raises
        ------
        ValueError
            If ``level`` is not inside (0, 1).

        Warns
        -----
        UserWarning
            If no coin can show some rows: see ``predict_proba``.

        Examples
        --------
        Of 2 heads in 4 tosses and of 50 in 100, among coins that vary:

        >>> from skcoin import BetaBinomialMixture
        >>> from skcoin.datasets import load_rat_tumours
        >>> rats = BetaBinomialMixture().fit(load_rat_tumours().data)
        >>> rats.posterior_interval([[2, 2], [50, 50]]).round(2)
        array([[0.07, 0.41],
               [0.36, 0.54]])
        """
        refuse_if_not_fitted(self)
        check_level(level)
        shape = *self.theta_.shape[1:], 2
        return self._map_posterior(X, lambda mixture, *pair: mixture.interval(*pair, level), shape)

    @property
    def _n_features_out(self):
        return len(self.theta_)


def _moments(mixture, heads, tails):
    """Mean and standard deviation of theta given each row."""
    mean, variance = mixture.moments(mixture.posterior(heads, tails), heads, tails)
    return np.stack([mean, np.sqrt(variance)], axis=1)
