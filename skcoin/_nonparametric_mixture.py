"""NonparametricBinomialMixture: as many coins as the tosses ask for."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture, mixture_of, warn_of_layout
from skcoin._em.specification import all_free
from skcoin._families.nonparametric import npmle
from skcoin._fit import Recipe
from skcoin._progress.printing import RoundTeller, teller
from skcoin._validation import (
    CONSTRAINTS,
    Column,
    Labels,
    Layout,
    Seed,
    checks_parameters,
    refuse_if_no_toss,
)
from skcoin._warnings import warn_of_gap, warn_of_moments


class NonparametricBinomialMixture(BaseMixture):
    r"""Any number of coins: the mixing distribution of largest likelihood, with a certificate.

    Each row is tossed with a probability of heads of its own, drawn from a distribution ``G`` on
    [0, 1] of which nothing is assumed. A row of ``h`` heads and ``t`` tails has the probability

    .. math::

        \binom{h + t}{h} \int \theta^h (1 - \theta)^t \, dG(\theta)

    and the fit maximises the product over all rows over *all* distributions. The maximum has
    finitely many atoms [1]_, which are the coins: nobody has to choose their number. It is global,
    and ``gap_`` proves it: no distribution at all has a log-likelihood that is higher by more.

    Parameters
    ----------
    layout : {"heads_tails", "heads_tosses", "tosses"}, default="heads_tails"
        What the columns of X hold: heads and tails (with more columns, the sum of all but the
        first is tails); heads and all tosses; or one toss per cell, 1 heads, 0 tails, NaN not
        tossed.
    tol : float, default=1e-6
        Stop when ``gap_``, in log-likelihood of all rows (or per unit of their weight where that is
        below one), is at most that, or at most 1e-13 of the weight of all rows, which is what
        rounding leaves of it.
    max_iter : int, default=200
        Rounds of the search at most.
    warm_start : bool, default=False
        Whether the search begins with the coins of the last fit beside its own.
    random_state : int, RandomState instance or None, default=None
        For ``sample``. The fit is deterministic.
    verbose : int, default=0
        What is printed: 0 nothing, 1 a line for the start, the end and every tenth round, 2 also
        the time, the gain and the gap, 3 every round.

    Attributes
    ----------
    theta_ : ndarray of shape (n_components,)
        Probability of heads of each coin, falling.
    weights_ : ndarray of shape (n_components,)
        Probability of each coin to be picked.
    n_components_ : int
        Number of coins.
    gap_ : float
        What no other mixture can gain more than, in log-likelihood of all rows; at least 0.
    converged_ : bool
        Whether ``gap_`` is within the tolerance.
    n_iter_ : int
        Rounds of the search.
    lower_bound_ : float
        Log-likelihood of the fit, with binomial coefficients, per unit weight.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X has names that are all strings.

    See Also
    --------
    BinomialMixture : A number of coins that is given.
    BetaBinomialMixture : Rates that vary as a Beta distribution, or as several.
    skcoin.inspection.optimality_gap : How far any mixture is from this one.

    Notes
    -----
    The posterior mean of the theta of a row, as from ``posterior_mean``, is its nonparametric
    empirical Bayes estimate. Atoms are not to be read as groups: even where theta varies
    smoothly, the maximum has few, which tell its distribution no better than the tosses do.

    References
    ----------
    .. [1] Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory. Annals of
       Statistics, 11(1), 86-94.

    Examples
    --------
    Tumours in 71 groups of rats:

    >>> from skcoin import NonparametricBinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> rats = NonparametricBinomialMixture().fit(load_rat_tumours().data)
    >>> rats.theta_.round(3), rats.weights_.round(3)
    (array([0.228, 0.105, 0.   ]), array([0.44 , 0.415, 0.145]))
    >>> rats.gap_ < 1e-6
    True
    """

    n_components_: int
    gap_: float

    _learned = BaseMixture._learned - {"theta_path_", "weights_path_", "lower_bounds_"} | {
        "n_components_",
        "gap_",
    }

    _parameter_constraints = {  # noqa: RUF012
        name: CONSTRAINTS[name]
        for name in ("layout", "tol", "max_iter", "warm_start", "random_state", "verbose")
    }

    def __init__(
        self,
        *,
        layout: Layout = "heads_tails",
        tol: float = 1e-6,
        max_iter: int = 200,
        warm_start: bool = False,
        random_state: Seed = None,
        verbose: int = 0,
    ) -> None:
        self.layout = layout
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @checks_parameters
    def fit(self, X: ArrayLike, y: object = None, sample_weight: Column = None) -> Self:
        """Estimate the mixing distribution.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses, one set of one coin per row, in the ``layout`` of the estimator.
        y : None
            Ignored; there for scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, at least 0. A row of weight two is that row twice. A Series
            is taken by position, whatever its index.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X or a weight is not what the text above says, or X holds no toss. The estimator is
            then as it was.

        Warns
        -----
        IdentifiabilityWarning
            If other distributions have the same likelihood, as where each row is a single toss.
        ConvergenceWarning
            If ``max_iter`` ends the search.
        UserWarning
            If names of columns or counts tell that X is in another layout, or weights are shares.

        Examples
        --------
        >>> from skcoin import NonparametricBinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> NonparametricBinomialMixture().fit(X).theta_.round(4)
        array([0.7934, 0.5139])
        """
        return self._learn_rows(X, y, sample_weight)

    @checks_parameters
    def partial_fit(self, X: ArrayLike, y: object = None, sample_weight: Column = None) -> Self:
        """Estimate the mixing distribution from these rows and all those before.

        Exact: the counts so far and the new ones are merged, so that ten chunks are one fit on
        everything, whatever their order. Until some row holds a toss, rows are counted and nothing
        is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further tosses, in the ``layout`` of the estimator.
        y : None
            Ignored; there for scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X or a weight is not as in ``fit``. The estimator is then as it was.

        Warns
        -----
        IdentifiabilityWarning, ConvergenceWarning, UserWarning
            As in ``fit``.

        Examples
        --------
        >>> from skcoin import NonparametricBinomialMixture
        >>> coins = NonparametricBinomialMixture()
        >>> for chunk in ([[5, 5], [9, 1]], [[8, 2], [4, 6], [7, 3]]):
        ...     coins = coins.partial_fit(chunk)
        >>> coins.theta_.round(4)
        array([0.7934, 0.5139])
        """
        return self._learn_rows(X, y, sample_weight, goes_on=True)

    def fit_predict(self, X: ArrayLike, y: object = None, sample_weight: Column = None) -> Labels:
        """Fit, then say which coin each row most likely is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses, in the ``layout`` of the estimator.
        y : None
            Ignored; there for scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            As from ``predict``.

        Examples
        --------
        >>> from skcoin import NonparametricBinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> NonparametricBinomialMixture().fit_predict(X)
        array([1, 0, 0, 1, 0])
        """
        return self.fit(X, y, sample_weight=sample_weight).predict(X)

    def _fit_counts(self, counts, recipe, *, goes_on):
        """All of ``fit`` that comes after the counting, which has one maximum."""
        refuse_if_no_toss(counts)
        tossed = counts.tossed
        found = npmle(
            tossed.heads,
            tossed.tails,
            tossed.multiplicity,
            tol=self.tol,
            max_iter=self.max_iter,
            start=self._parameters() if self.warm_start and hasattr(self, "theta_") else None,
            report=teller(RoundTeller, self.verbose, counts),
        )
        self.weights_, self.theta_ = found.parameters.weights, found.parameters.components[:, 0]
        self.n_components_ = len(self.theta_)
        self.gap_, self.converged_, self.n_iter_ = found.gap, found.converged, found.n_iter
        self._n_parameters = 2 * self.n_components_ - 1
        self.lower_bound_ = mixture_of(self).score(counts)
        warn_of_layout(self, counts)
        warn_of_gap(self)
        warn_of_moments(self, int(np.ceil(tossed.tosses.max())))

    @property
    def _n_components(self):
        return getattr(self, "n_components_", 0)

    def _specification(self):
        return all_free(self._n_components)

    def _recipe(self):
        """Of a mixture of as many coins, which is what inspection looks at."""
        return Recipe(
            family=self._family,
            specification=self._specification(),
            theta_prior=np.ones(2),
            weights_prior=1,
            init_params="auto",
            n_init=1,
            solver="em-newton",
            tol=self.tol,
            max_iter=self.max_iter,
            is_nonparametric=True,
        )
