"""What both estimators share: validate, count, start, climb, and read off the attributes."""

from abc import ABC, abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from skcoin._advice import warn_of_identifiability, warn_of_obstacles
from skcoin._ascent import ascend
from skcoin._counts import HIDDEN, count, merge, with_columns
from skcoin._criteria import Criteria
from skcoin._likelihood import Coins, Evidence, concatenate
from skcoin._prediction import Prediction
from skcoin._sampling import Sampling
from skcoin._starts import from_the_inside, start_values
from skcoin._validation import (
    LAYOUTS,
    MOST,
    check_coins,
    check_layout,
    check_sample_weight,
    check_theta_prior,
    iter_tosses,
    refuse_if_coin_is_gone,
    refuse_if_impossible,
    refuse_if_no_toss,
)


class HiddenCoins(Prediction, Criteria, Sampling, DensityMixin, BaseEstimator, ABC):
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

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> BinomialMixture().fit(X).theta_.round(4)
        array([0.7934, 0.5139])
        >>> BinomialMixture().fit(X, coins=[1, 0, 0, 1, 0]).theta_      # all coins known
        array([0.8 , 0.45])
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.allow_nan = self.layout == "tosses"
        return tags

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

    def _coins(self):
        return Coins(self.theta_, self.weights_)

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
        log_ways = self._total_log_ways(counts)
        self.lower_bounds_ = (best.objective + log_ways) / counts.rows.sum()
        self.lower_bound_ = float(self.lower_bounds_[-1])
        self.converged_ = best.converged
        self.n_iter_ = best.n_iter
        self._counts = counts
