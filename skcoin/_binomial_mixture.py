"""BinomialMixture: any number of coins."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from skcoin._base import BaseMixture
from skcoin._em.specification import Specification
from skcoin._validation import (
    Floats,
    InitParams,
    Layout,
    Seed,
    Solver,
    check_learned,
    check_theta,
    check_weights,
)


class BinomialMixture(BaseMixture):
    r"""Coins that hide behind their tosses: a mixture of binomials, fitted by EM.

    A row is a set of tosses of one coin, picked with probability :math:`w_k`, ``weights_[k]``; the
    coin shows heads with probability :math:`\theta_k`, ``theta_[k]``. Which coin it was is hidden.
    A row of ``h`` heads and ``t`` tails has the probability

    .. math::

        \binom{h + t}{h} \sum_k w_k \theta_k^h (1 - \theta_k)^t

    and the fit maximises the product over all rows, for given ``h + t``.

    Parameters
    ----------
    n_components : int, default=2
        Number of coins.
    layout : {"heads_tails", "heads_tosses", "tosses"}, default="heads_tails"
        What the columns of X hold: heads and tails (with more columns, the sum of all but the
        first is tails); heads and all tosses; or one toss per cell, 1 heads, 0 tails, NaN not
        tossed.
    theta_init : array-like of shape (n_components,), default=None
        Start of ``theta_``, in [0, 1]. NaN where no start is given: that coin gets one from
        ``init_params``.
    weights_init : array-like of shape (n_components,), default=None
        Start of ``weights_``, which sums to one; uniform by default.
    learn_theta : bool or array-like of shape (n_components,), default=True
        Whether to learn theta, or which of them; the others stay at ``theta_init``.
    learn_weights : bool, default=True
        Whether to learn the weights; else they stay at ``weights_init``.
    theta_prior : (float, float), default=(1, 1)
        ``(a, b)`` of a Beta prior on each learned theta, at least 1: as if each coin had shown
        ``a - 1`` heads and ``b - 1`` tails more. (1, 1) is flat.
    weights_prior : float, default=1
        Concentration of a symmetric Dirichlet prior on learned weights, at least 1: as if each
        coin had been picked ``weights_prior - 1`` times more. 1 is flat.
    init_params : {"auto", "quantile", "random", "k-means++"}, default="auto"
        Where to start without ``theta_init``. Coins known in some rows start at their own rates.
        For the others, "auto" climbs from two starts, the quantiles of the rates and an estimate
        of their mixing distribution (and from more if unequal weights are given), and with three
        coins or more, none known, tries to put single coins elsewhere; it knows nothing of
        priors. "quantile" climbs from the first of these only. Both are
        deterministic. "random" draws thetas uniformly, "k-means++" rates of rows far apart.
    n_init : int, default=1
        Number of starts, of which the one that climbs highest is kept; those after a
        deterministic one are random. With ``theta_init`` there is one.
    solver : {"em-newton", "em"}, default="em-newton"
        "em" is the textbook's iteration. "em-newton" takes one EM step and then safeguarded
        Newton steps, of which it needs far fewer where coins overlap.
    tol : float, default=1e-6
        Stop when the estimated gain that remains in the total objective (log-likelihood of all
        rows plus log prior) is below it: half the squared Newton decrement, or Aitken's
        estimate for "em". With 0, stop when rounding hides any gain. It is a gain of all rows
        together, or per unit of their weight where that is below one (to a factor of two).
    max_iter : int, default=1000
        Steps at most.
    warm_start : bool, default=False
        Whether to start from the coins of the last fit, if it had as many, rather than from
        ``theta_init`` and ``weights_init``. Learned values of exactly 0 or 1 are moved inside by
        1e-6, as they could not move otherwise.
    random_state : int, RandomState instance or None, default=None
        For random starts and for ``sample``.
    verbose : int, default=0
        What is printed of all the work, which is more than the steps of ``n_iter_``: 0 nothing, 1
        where a climb begins and ends and every tenth step, 2 also the time, the gain and what is
        left of it, 3 every step.

    Attributes
    ----------
    theta_ : ndarray of shape (n_components,)
        Probability of heads of each coin, in the order of the start or of ``coins`` where one
        is given, else falling.
    weights_ : ndarray of shape (n_components,)
        Probability of each coin to be picked.
    converged_ : bool
        Whether the climb ended by itself, before ``max_iter``, and at a local maximum: not on a
        saddle, nor where a theta or weight of exactly 0 or 1 should move.
    n_iter_ : int
        Steps of the best climb, each of one E-step, whether it was taken or rejected; without
        the climbs of other starts and the trials of moves that lead on.
    lower_bound_ : float
        Objective of the fit, per unit weight: log-likelihood, with binomial coefficients, plus
        log prior up to a constant. It is ``score`` where priors are flat and no coin is known.
    lower_bounds_ : ndarray of shape (n_iter_ + 1,)
        The objective at each iterate; it never falls.
    theta_path_, weights_path_ : ndarray of shape (n_iter_ + 1, n_components)
        The iterates; the start is row 0. Where a coin was redundant or there was a saddle to
        leave, "em-newton" jumps.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X has names that are all strings.

    See Also
    --------
    BetaBinomialMixture : Coins of a kind that are not all alike, as in most real rows.
    NonparametricBinomialMixture : As many coins as the rows ask for.
    ThreeCoinModel : Two coins and a third that picks between them.
    sklearn.mixture.GaussianMixture : Mixture of normals, for measurements.

    Notes
    -----
    Rows are counted before anything else, so that the cost of a step depends on the number of
    distinct rows only, and a weight of two is a row twice. The E-step is in log space [1]_. The
    Newton step uses the exact observed information [2]_, which the E-step yields along with it.
    ``skcoin.inspection.optimality_gap`` bounds what any other mixture could still gain.

    References
    ----------
    .. [1] Do, C. B. and Batzoglou, S. (2008). What is the expectation maximization algorithm?
       Nature Biotechnology, 26(8), 897-899.
    .. [2] Louis, T. A. (1982). Finding the observed information matrix when using the EM
       algorithm. Journal of the Royal Statistical Society, Series B, 44(2), 226-233.

    Examples
    --------
    Five sets of ten tosses, two coins, which one was tossed is not known:

    >>> from skcoin import BinomialMixture
    >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
    >>> coins = BinomialMixture(theta_init=[0.6, 0.5], learn_weights=False).fit(X)
    >>> coins.theta_.round(2)
    array([0.8 , 0.52])
    >>> coins.predict_proba(X).round(2)
    array([[0.1 , 0.9 ],
           [0.95, 0.05],
           [0.85, 0.15],
           [0.03, 0.97],
           [0.6 , 0.4 ]])
    """

    lower_bounds_: Floats
    theta_path_: Floats
    weights_path_: Floats

    _parameter_constraints = {  # noqa: RUF012
        **BaseMixture._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "theta_init": ["array-like", None],
        "weights_init": ["array-like", None],
        "learn_theta": ["boolean", "array-like"],
        "learn_weights": ["boolean"],
    }

    def __init__(
        self,
        n_components: int = 2,
        *,
        layout: Layout = "heads_tails",
        theta_init: ArrayLike | None = None,
        weights_init: ArrayLike | None = None,
        learn_theta: bool | ArrayLike = True,
        learn_weights: bool = True,
        theta_prior: ArrayLike = (1, 1),
        weights_prior: float = 1,
        init_params: InitParams = "auto",
        n_init: int = 1,
        solver: Solver = "em-newton",
        tol: float = 1e-6,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: Seed = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.layout = layout
        self.theta_init = theta_init
        self.weights_init = weights_init
        self.learn_theta = learn_theta
        self.learn_weights = learn_weights
        self.theta_prior = theta_prior
        self.weights_prior = weights_prior
        self.init_params = init_params
        self.n_init = n_init
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _n_components(self):
        return self.n_components

    def _specification(self):
        theta = check_theta(self.theta_init, "theta_init", self.n_components)
        learn = check_learned(self.learn_theta, "theta", theta, self.n_components)
        return Specification(
            init=theta[:, None],
            weights_init=check_weights(self.weights_init, "weights_init", self.n_components),
            free=learn[:, None],
            free_weights=bool(self.learn_weights),
            tied=np.array([False]),
            names="theta_init and weights_init",
        )
