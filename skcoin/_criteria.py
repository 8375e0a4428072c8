"""How well a fitted mixture describes rows: likelihood and information criteria."""

from numpy.typing import ArrayLike

from skcoin._mixture import Mixture
from skcoin._validation import Column, Floats


class CriteriaMixin:
    """The part of the estimators that judges the fit."""

    def score_samples(self, X: ArrayLike) -> Floats:
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
        return self._map_rows(X, Mixture.log_likelihood)

    def score(self, X: ArrayLike, y: object = None, sample_weight: Column = None) -> float:
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
        return self._of_counts(Mixture.score, X, sample_weight, quiet=True)

    def aic(self, X: ArrayLike, sample_weight: Column = None) -> float:
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
            ``p`` is the number of free parameters: ``2 n_components - 1`` less what is held, and
            more for dispersions, wherever they end.

        Warns
        -----
        UserWarning
            If the weights are shares, which leave next to no rows.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> print(f"{BinomialMixture().fit(X).aic(X):.2f}")
        25.59
        """
        return self._of_counts(Mixture.aic, X, sample_weight)

    def bic(self, X: ArrayLike, sample_weight: Column = None) -> float:
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

        Warns
        -----
        UserWarning
            If the weights are shares, which leave next to no rows.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> print(f"{BinomialMixture().fit(X).bic(X):.2f}")
        24.42
        """
        return self._of_counts(Mixture.bic, X, sample_weight)

    def icl(self, X: ArrayLike, sample_weight: Column = None) -> float:
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

        Warns
        -----
        UserWarning
            If the weights are shares, which leave next to no rows.

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
        return self._of_counts(Mixture.icl, X, sample_weight)
