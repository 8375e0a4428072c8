"""What both estimators share: validate, count, start, climb, and read off the attributes."""

from abc import ABC, abstractmethod
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    DensityMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skcoin import _likelihood
from skcoin._advice import warn_of_identifiability, warn_of_obstacles
from skcoin._ascent import ascend
from skcoin._counts import (
    HIDDEN,
    count,
    log_binomial_coefficient,
    map_rows,
    merge,
    with_columns,
)
from skcoin._likelihood import Coins, Evidence, concatenate
from skcoin._sampling import MOST_DRAWN, toss
from skcoin._starts import from_the_inside, start_values
from skcoin._validation import (
    LAYOUTS,
    MOST,
    check_coins,
    check_layout,
    check_n_tosses,
    check_sample_weight,
    check_theta_prior,
    iter_tosses,
    refuse_if_coin_is_gone,
    refuse_if_impossible,
    refuse_if_no_toss,
    refuse_if_not_drawable,
)


class HiddenCoins(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, BaseEstimator, ABC
):
    """Base of the estimators: all but their parameters and the names of what they learn."""

    _doc_link_module = "skcoin"
    _doc_link_template = (
        "https://skcoin.readthedocs.io/en/stable/api/{estimator_module}.{estimator_name}.html"
    )

    _parameter_constraints = {  # noqa: RUF012
        "layout": [StrOptions(set(LAYOUTS))],
        "theta_prior": ["array-like"],
        "weights_prior": [Interval(Real, 1, MOST, closed="both")],
        "init_params": [StrOptions({"auto", "quantile", "random", "k-means++"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions({"em", "em-newton"})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _given(self):
        """Check the start parameters and return them as ``Given``."""

    @property
    @abstractmethod
    def _n_components(self):
        """Number of coins, from the parameters."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, coins=None):
        """Estimate the coins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses, one set of one coin per row, in the ``layout`` of the estimator.
        y : None
            Ignored; there for scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, at least 0. A row of weight two is that row twice.
        coins : array-like of shape (n_samples,), default=None
            The coin that was tossed in each row, from 0 to ``n_components - 1``, or -1 where it
            is hidden. With every coin known, the fit is the complete-data estimate.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, a weight, a coin or a start value is not what the text above says. The message
            names the row or the entry and a remedy.

        Warns
        -----
        IdentifiabilityWarning
            If no row has enough tosses to tell the coins apart.
        ConvergenceWarning
            If ``max_iter`` ends the climb, or it ends where there is no local maximum.
        """
        given = self._given()
        return self._fit_counts(self._count(X, sample_weight, coins, reset=True), given)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None, coins=None):
        """Estimate the coins from these rows and all those before.

        Exact: the counts so far and the new ones are merged, so that ten chunks are one fit on
        everything, whatever their order. Only the distinct pairs of heads and tails are kept. One
        climb goes on from the coins so far, others start as ``fit`` does, so that a misleading
        first chunk does no harm, and the highest is kept. ``fit`` forgets all rows before;
        ``partial_fit`` after ``fit`` goes on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further tosses, in the ``layout`` of the estimator.
        y : None
            Ignored; there for scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
        coins : array-like of shape (n_samples,), default=None
            The known coins, -1 where hidden.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            As in ``fit``; also if ``n_components`` has become too small for a coin known before.
            The estimator is then as it was.

        Warns
        -----
        IdentifiabilityWarning, ConvergenceWarning
            As in ``fit``.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> coins = BinomialMixture()
        >>> for chunk in ([[5, 5], [9, 1]], [[8, 2], [4, 6], [7, 3]]):
        ...     coins = coins.partial_fit(chunk)
        >>> coins.theta_.round(4)
        array([0.7934, 0.5139])
        """
        given = self._given()
        goes_on = hasattr(self, "_counts")
        counts = self._count(X, sample_weight, coins, reset=not goes_on)
        if goes_on:
            counts = merge([self._counts, counts])
            refuse_if_coin_is_gone(counts, self._n_components)
        return self._fit_counts(counts, given, goes_on=goes_on)

    def fit_predict(self, X, y=None, sample_weight=None, coins=None):
        """Fit, then say which coin each row most likely is.

        Parameters
        ----------
        X, y, sample_weight, coins
            As in ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            As from ``predict``, also where ``coins`` says which coin it was.
        """
        return self.fit(X, y, sample_weight=sample_weight, coins=coins).predict(X)

    def predict(self, X):
        """The most probable coin of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            From 0 to ``n_components - 1``; the first of coins that are equally probable.
        """
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X):
        """Posterior probability of each coin, row by row.

        ``P(coin k | h, t) = w_k theta_k^h (1 - theta_k)^t / sum_l w_l theta_l^h (1 - theta_l)^t``,
        once for each distinct row. A row without tosses gets ``weights_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.

        Returns
        -------
        posterior : ndarray of shape (n_samples, n_components)
            In [0, 1]; every row sums to one.
        """
        check_is_fitted(self)
        return self._map_rows(X, _likelihood.posterior, self.theta_.shape)

    def transform(self, X):
        """The posterior probabilities of ``predict_proba``, as features for a next step.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit.

        Returns
        -------
        posterior : ndarray of shape (n_samples, n_components)
            Or a data frame, as ``set_output`` says.
        """
        return self.predict_proba(X)

    def posterior_mean(self, X, return_std=False):
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
        """

        def moments(coins, heads, tails):
            posterior = _likelihood.posterior(coins, heads, tails)
            mean = posterior @ coins.theta
            variance = (posterior * (coins.theta - mean[:, None]) ** 2).sum(axis=1)
            return np.column_stack([mean, np.sqrt(variance)])

        mean, std = self._map_rows(X, moments, (2,)).T
        return (mean, std) if return_std else mean

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
        """
        check_is_fitted(self)
        counts = self._count(X, sample_weight)
        return float(self._total_log_likelihood(counts) / counts.rows.sum())

    def aic(self, X, sample_weight=None):
        """Akaike's information criterion, ``-2 log L + 2 p``; lower is better.

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

        References
        ----------
        .. [1] Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for
           clustering with the integrated completed likelihood. IEEE Transactions on Pattern
           Analysis and Machine Intelligence, 22(7), 719-725.
        """
        check_is_fitted(self)
        return self._icl(self._count(X, sample_weight))

    def sample(self, n_samples=1, n_tosses=None, random_state=None):
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
            In the layout of the estimator. Cells that are left over hold 0, or NaN where a cell
            is a toss.
        coins : ndarray of shape (n_samples,), int
            The coin behind each row.

        Raises
        ------
        ValueError
            If ``n_samples`` or ``n_tosses`` is out of its range, or the fitted rows hold
            fractional tosses and ``n_tosses`` is not given.
        TypeError
            If ``n_samples`` is no whole number.
        """
        check_is_fitted(self)
        rng = check_random_state(self.random_state if random_state is None else random_state)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        if n_tosses is None:
            share = self._counts.rows / self._counts.rows.sum()
            tosses = rng.choice(self._counts.tosses, size=n_samples, p=share)
        else:
            tosses = check_n_tosses(n_tosses, n_samples)
        most = self.n_features_in_ if self.layout == "tosses" else MOST_DRAWN
        refuse_if_not_drawable(tosses, most, n_tosses is None)
        coins = rng.choice(len(self.theta_), size=n_samples, p=self.weights_)
        cells = (n_samples, self.n_features_in_)
        return toss(self.theta_[coins], tosses.astype(np.int64), self.layout, cells, rng), coins

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.allow_nan = self.layout == "tosses"
        return tags

    @property
    def _n_features_out(self):
        return len(self.theta_)

    def _count(self, X, sample_weight=None, coins=None, *, reset=False):
        X = check_layout(self, X, reset=reset)
        sample_weight = check_sample_weight(sample_weight, len(X))
        coins = check_coins(coins, len(X), self._n_components)
        chunks = iter_tosses(X, self.layout, type(self).__name__)
        return count(with_columns(chunks, sample_weight, coins))

    def _fit_counts(self, counts, given, *, goes_on=False):
        """All of ``fit`` that comes after the counting; ``goes_on`` from the last coins."""
        refuse_if_no_toss(counts)
        evidence = self._evidence(counts, given)
        unlabelled = not evidence.known_rows.any() and not given.orders_coins
        last = self._last_coins(given) if goes_on or self.warm_start else None
        if last is None or goes_on:
            [start] = self._starts([counts], given, self.random_state)
            start = start if last is None else concatenate([start, last])
        else:
            start, unlabelled = last, False
        refuse_if_impossible(start, counts, given.names)
        [best] = self._ascend([start], [evidence], given, unlabelled)
        order = np.argsort(-best.theta[-1], kind="stable") if unlabelled else np.s_[:]
        self._n_parameters = given.n_parameters
        self._learn(best, order, counts)
        warn_of_obstacles(best, self)
        warn_of_identifiability(self.theta_, self.weights_, given, evidence)
        return self

    def _starts(self, tables, given, random_state):
        tossed = [counts.where(counts.tosses > 0) for counts in tables]
        return start_values(tossed, given, self.init_params, self.n_init, random_state)

    def _ascend(self, starts, evidence, given, unlabelled):
        return ascend(
            starts,
            evidence,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            regroup=unlabelled and self.init_params == "auto" and given.can_regroup,
        )

    def _map_rows(self, X, function, shape=()):
        check_is_fitted(self)
        X = check_layout(self, X, reset=False)
        chunks = iter_tosses(X, self.layout, type(self).__name__)
        return map_rows(partial(function, self._coins()), chunks, len(X), shape)

    def _coins(self):
        return Coins(self.theta_, self.weights_)

    def _log_likelihood(self, coins, heads, tails):
        value = _likelihood.log_likelihood(coins, heads[..., None, :], tails[..., None, :])
        return np.minimum(value + self._log_ways(heads, tails), 0)  # rounding may leave it above

    def _log_ways(self, heads, tails):
        """Log of the number of ways to see a row: one where the order of tosses is data."""
        if self.layout == "tosses":
            return np.zeros_like(heads)
        return log_binomial_coefficient(heads, tails)

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

    def _evidence(self, counts, given):
        heads_prior, tails_prior = check_theta_prior(self.theta_prior)
        hidden = counts.where((counts.coin == HIDDEN) & (counts.tosses > 0))
        known = counts.where(counts.coin != HIDDEN)
        own = known.rows * (known.coin == np.arange(self._n_components)[:, None])
        return Evidence(
            heads=hidden.heads,
            tails=hidden.tails,
            rows=hidden.rows,
            sure_heads=own @ known.heads + given.learn_theta * (heads_prior - 1),
            sure_tails=own @ known.tails + given.learn_theta * (tails_prior - 1),
            sure_rows=own.sum(axis=1) + given.learn_weights * (self.weights_prior - 1),
            known_rows=own.sum(axis=1),
            learn_theta=given.learn_theta,
            learn_weights=given.learn_weights,
        )

    def _last_coins(self, given):
        """The coins of the last fit as a start, or None where there are none to go on from."""
        if len(getattr(self, "theta_", ())) != self._n_components:
            return None
        return from_the_inside(self._coins(), given)[None]

    def _learn(self, best, order, counts):
        self.theta_path_ = best.theta[:, order]
        self.weights_path_ = best.weights[:, order]
        self.theta_, self.weights_ = self.theta_path_[-1].copy(), self.weights_path_[-1].copy()
        log_ways = counts.rows @ self._log_ways(counts.heads, counts.tails)
        self.lower_bounds_ = (best.objective + log_ways) / counts.rows.sum()
        self.lower_bound_ = float(self.lower_bounds_[-1])
        self.converged_ = best.converged
        self.n_iter_ = best.n_iter
        self._counts = counts
