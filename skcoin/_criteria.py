"""How well a fitted mixture describes rows: likelihood and information criteria."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skcoin import _likelihood
from skcoin._counts import log_binomial_coefficient
from skcoin._validation import refuse_if_no_toss


class Criteria:
    """The part of the estimators that judges the fit."""

    def score_samples(self, X):
        """Log-likelihood of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Natural log of the probability of the row, at most 0; with the binomial coefficient
            for layouts of counts. Minus infinity for a row that no coin can show.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> BinomialMixture().fit(X).score_samples([[9, 1], [4, 6]]).round(4)
        array([-1.9639, -2.3476])
        """
        return self._map_rows(X, self._log_likelihood)

    def score(self, X, y=None, sample_weight=None):
        """Mean log-likelihood per row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.
        y : None
            Ignored; there for scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.

        Returns
        -------
        score : float
            Weighted mean of ``score_samples``.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> print(f"{BinomialMixture().fit(X).score(X):.4f}")
        -1.9591
        """
        check_is_fitted(self)
        counts = self._count(X, sample_weight)
        return float(self._total_log_likelihood(counts) / counts.rows.sum())

    def aic(self, X, sample_weight=None):
        """Information criterion of Akaike, ``-2 log L + 2 p``; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.

        Returns
        -------
        aic : float
            ``p`` is the number of free parameters: ``2 n_components - 1`` less what is held.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> print(f"{BinomialMixture().fit(X).aic(X):.2f}")
        25.59
        """
        check_is_fitted(self)
        return self._aic(self._count(X, sample_weight))

    def bic(self, X, sample_weight=None):
        """Bayesian information criterion, ``-2 log L + p log n``; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.

        Returns
        -------
        bic : float
            ``p`` as in ``aic``; ``n`` is the total weight of the rows that hold a toss.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> print(f"{BinomialMixture().fit(X).bic(X):.2f}")
        24.42
        """
        check_is_fitted(self)
        return self._bic(self._count(X, sample_weight))

    def icl(self, X, sample_weight=None):
        """Integrated completed likelihood criterion; lower is better.

        The BIC plus twice the entropy of the posterior, ``-sum_i sum_k r_ik log r_ik`` over the
        rows that hold a toss: it asks for coins that can be told apart row by row [1]_.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.

        Returns
        -------
        icl : float
            At least the BIC.

        References
        ----------
        .. [1] Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for
           clustering with the integrated completed likelihood. IEEE Transactions on Pattern
           Analysis and Machine Intelligence, 22(7), 719-725.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> print(f"{BinomialMixture().fit(X).icl(X):.2f}")
        27.90
        """
        check_is_fitted(self)
        return self._icl(self._count(X, sample_weight))

    def _log_likelihood(self, coins, heads, tails):
        value = _likelihood.log_likelihood(coins, heads[..., None, :], tails[..., None, :])
        return np.minimum(value + self._log_ways(heads, tails), 0)  # rounding may leave it above

    def _log_ways(self, heads, tails):
        """Log of the number of ways to see a row: one where the order of tosses is data."""
        if self.layout == "tosses":
            return np.zeros_like(heads)
        return log_binomial_coefficient(heads, tails)

    def _total_log_ways(self, counts):
        return counts.rows @ self._log_ways(counts.heads, counts.tails)

    def _total_log_likelihood(self, counts, coins=None):
        coins = self._coins() if coins is None else coins
        return counts.rows @ self._log_likelihood(coins, counts.heads, counts.tails)

    def _aic(self, counts):
        refuse_if_no_toss(counts)
        return float(-2 * self._total_log_likelihood(counts) + 2 * self._n_parameters)

    def _bic(self, counts):
        refuse_if_no_toss(counts)
        n_rows = counts.rows[counts.tosses > 0].sum()
        penalty = self._n_parameters * np.log(n_rows)
        return float(-2 * self._total_log_likelihood(counts) + penalty)

    def _icl(self, counts):
        tossed = counts.where(counts.tosses > 0)
        posterior = _likelihood.posterior(self._coins(), tossed.heads, tossed.tails)
        return float(self._bic(counts) + 2 * tossed.rows @ _likelihood.entropy(posterior))
