"""ThreeCoinModel: coin A picks between coins B and C."""

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from skcoin._base import BaseMixture
from skcoin._em.specification import Specification
from skcoin._validation import Floats, InitParams, Layout, Seed, Solver

_PROBABILITY = [Interval(Real, 0, 1, closed="both"), None]


class ThreeCoinModel(BaseMixture):
    r"""Coin A picks between coins B and C; only the tosses of B or C are seen.

    In each row coin A is tossed once, hidden. If it shows heads, with probability ``pi_``, the
    row holds tosses of coin B, with probability ``p_`` of heads; else of coin C, with ``q_``. A
    row of ``h`` heads and ``t`` tails has the probability

    .. math::

        \pi \, p^h (1 - p)^t + (1 - \pi) \, q^h (1 - q)^t

    times the binomial coefficient where X holds counts. This is the mixture of two coins under
    the names of the textbooks [1]_ [2]_.

    Parameters
    ----------
    layout : {"heads_tails", "heads_tosses", "tosses"}, default="heads_tails"
        What the columns of X hold: heads and tails (with more columns, the sum of all but the
        first is tails); heads and all tosses; or one toss per cell, 1 heads, 0 tails, NaN not
        tossed.
    pi_init, p_init, q_init : float, default=None
        Start values in [0, 1]. Without them ``pi_init`` is one half and the others come from
        ``init_params``.
    theta_prior : (float, float), default=(1, 1)
        ``(a, b)`` of a Beta prior on p and q, at least 1: as if coins B and C had each shown
        ``a - 1`` heads and ``b - 1`` tails more. (1, 1) is flat.
    weights_prior : float, default=1
        Both parameters of a Beta prior on pi, at least 1: as if coin A had shown
        ``weights_prior - 1`` heads and as many tails more. 1 is flat.
    init_params : {"auto", "quantile", "random", "k-means++"}, default="auto"
        Where to start coins that are not given a start. "auto" climbs from two starts, the
        quantiles of the rates and an estimate of their mixing distribution; "quantile" from the
        first of these only. Both are deterministic. "random" draws p and q uniformly, "k-means++"
        rates of rows far apart.
    n_init : int, default=1
        Number of starts, of which the one that climbs highest is kept; those after a
        deterministic one are random. With ``p_init`` and ``q_init`` there is one.
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
        Whether to start from the coins of the last fit rather than from the start values.
        Values of exactly 0 or 1 are moved inside by 1e-6, as they could not move otherwise.
    random_state : int, RandomState instance or None, default=None
        For random starts and for ``sample``.
    verbose : int, default=0
        What is printed of all the work, which is more than the steps of ``n_iter_``: 0 nothing, 1
        where a climb begins and ends and every tenth step, 2 also the time, the gain and what is
        left of it, 3 every step.

    Attributes
    ----------
    pi_ : float
        Probability that coin A shows heads and so coin B is tossed.
    p_, q_ : float
        Probability of heads of coin B and of coin C; ``p_ >= q_`` unless a start value or
        ``coins`` gives the order.
    theta_ : ndarray of shape (2,)
        ``[p_, q_]``. In ``coins`` and in what is predicted, 0 is coin B and 1 is coin C.
    weights_ : ndarray of shape (2,)
        ``[pi_, 1 - pi_]``.
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
    theta_path_, weights_path_ : ndarray of shape (n_iter_ + 1, 2)
        The iterates; the start is row 0. Where a coin was redundant or there was a saddle to
        leave, "em-newton" jumps.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X has names that are all strings.

    See Also
    --------
    BinomialMixture : Any number of coins.
    BetaBinomialMixture : Any number of kinds of coins that vary.

    Notes
    -----
    With one toss a row, only ``pi_ * p_ + (1 - pi_) * q_`` is identified, and the answer depends
    on the start; with two tosses one parameter is still open; three are enough.

    References
    ----------
    .. [1] Collins, M. (1997). The EM algorithm. University of Pennsylvania.
    .. [2] Li, H. (2012). Statistical learning methods, chapter 9. Tsinghua University Press.

    Examples
    --------
    Collins' example: HHH, TTT, HHH, TTT.

    >>> from skcoin import ThreeCoinModel
    >>> X = [[3, 0], [0, 3], [3, 0], [0, 3]]
    >>> model = ThreeCoinModel(pi_init=0.3, p_init=0.3, q_init=0.6).fit(X)
    >>> print(f"{model.pi_:.4f} {model.p_:.4f} {model.q_:.4f}")
    0.5000 0.0000 1.0000
    """

    pi_: float
    p_: float
    q_: float
    lower_bounds_: Floats
    theta_path_: Floats
    weights_path_: Floats

    _learned = BaseMixture._learned | {"pi_", "p_", "q_"}

    _parameter_constraints = {  # noqa: RUF012
        **BaseMixture._parameter_constraints,
        "pi_init": _PROBABILITY,
        "p_init": _PROBABILITY,
        "q_init": _PROBABILITY,
    }

    def __init__(
        self,
        *,
        layout: Layout = "heads_tails",
        pi_init: float | None = None,
        p_init: float | None = None,
        q_init: float | None = None,
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
        self.layout = layout
        self.pi_init = pi_init
        self.p_init = p_init
        self.q_init = q_init
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
        return 2

    def _specification(self):
        pi = self.pi_init
        return Specification(
            init=np.array([[self.p_init], [self.q_init]], dtype=float),  # None becomes NaN
            weights_init=None if pi is None else np.array([pi, 1 - pi], dtype=float),
            free=np.array([[True], [True]]),
            free_weights=True,
            tied=np.array([False]),
            names="pi_init, p_init and q_init",
        )

    def _learn(self, run, order, counts, recipe):
        super()._learn(run, order, counts, recipe)
        self.pi_ = float(self.weights_[0])
        self.p_, self.q_ = self.theta_.tolist()
