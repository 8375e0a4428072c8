"""BetaBinomialMixture: a mixture of coins that are not all alike."""

from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from skcoin._base import BaseMixture
from skcoin._em.specification import Specification
from skcoin._families.beta_binomial import BETA_BINOMIAL
from skcoin._validation import (
    Floats,
    InitParams,
    Layout,
    Seed,
    Solver,
    check_dispersion,
    check_learned,
    check_theta,
    check_weights,
)


class BetaBinomialMixture(BaseMixture):
    r"""Mixture of beta-binomials: coins that are not all alike.

    Each row is tosses of one coin of one of ``n_components`` kinds. The coins of a kind differ: the
    probability of heads of a row is drawn from a Beta distribution with mean ``theta_`` and then
    kept for all its tosses. ``dispersion_``, rho, is the correlation of two tosses of a row: 0
    where all coins of the kind are alike, which is the binomial, 1 where each shows heads only or
    tails only. Heads in ``n`` tosses of one kind have the variance

    .. math::

        n \theta (1 - \theta) (1 + (n - 1) \rho) .

    Counts of sequencing reads, clicks, litters or hits nearly always vary more than those of one
    coin. A mixture of binomials then takes variation for further coins, and its standard errors
    and the intervals of its rows are too short.

    Parameters
    ----------
    n_components : int, default=1
        Number of kinds of coins, at least 1.
    layout : {"heads_tails", "heads_tosses", "tosses"}, default="heads_tails"
        What the columns of X hold: heads and tails (with more columns, the sum of all but the
        first is tails); heads and all tosses; or one toss per cell, 1 heads, 0 tails, NaN not
        tossed. Counts must be whole.
    dispersion_type : {"tied", "separate"}, default="tied"
        Whether all kinds have the same dispersion, or each one of its own: see Notes.
    theta_init : array-like of shape (n_components,), default=None
        Start values in [0, 1]; NaN for a coin that is given none. By default from ``init_params``.
    dispersion_init : float or array-like of shape (n_components,), default=None
        Start values in [0, 1], one for all coins or one each; NaN where none is given.
    weights_init : array-like of shape (n_components,), default=None
        Start values that sum to 1.
    learn_theta, learn_dispersion : bool or array-like of shape (n_components,), default=True
        Whether these are learned, of all coins or coin by coin, or stay at their start.
    learn_weights : bool, default=True
        Whether the weights are learned, or stay at their start: equal by default.
    theta_prior : (float, float), default=(1, 1)
        ``(a, b)`` of a Beta prior on each theta, at least 1; (1, 1) is flat.
    weights_prior : float, default=1
        Concentration of a Dirichlet prior on the weights, at least 1; 1 is flat.
    init_params : {"auto", "quantile", "random", "k-means++"}, default="auto"
        Where to start coins that are not given a start. "auto" is deterministic: besides the rates
        of the rows, it starts from the fit of one coin less with one more where that helps most,
        from that of binomials and, where each has a dispersion of its own, from that of a shared
        one; no fit is below these. It then looks for coins that would be of more use elsewhere.
        The others start from rates alone, and a dispersion of 0.01.
    n_init : int, default=1
        Number of starts, of which the one that climbs highest is kept; those after the
        deterministic ones are random.
    solver : {"em-newton", "em"}, default="em-newton"
        "em" is EM, with a step of Newton for its M-step. "em-newton" takes one such step and then
        safeguarded Newton steps in all parameters, of which it needs far fewer.
    tol : float, default=1e-6
        Stop when the estimated gain that remains in the total objective is below it; Newton goes on
        to 1e-10, as a dispersion may be far off for little. It is a gain of all rows together, or
        per unit of their weight where that is below one (to a factor of two).
    max_iter : int, default=1000
        Steps at most.
    warm_start : bool, default=False
        Whether to start from the coins of the last fit, if it had as many, rather than from the
        start values. Learned values of exactly 0 or 1 are moved inside by 1e-6.
    random_state : int, RandomState instance or None, default=None
        For random starts and for ``sample``.
    verbose : int, default=0
        What is printed of all the work, which is more than the steps of ``n_iter_``: 0 nothing, 1
        where a climb begins and ends and every tenth step, 2 also the time, the gain and what is
        left of it, 3 every step.

    Attributes
    ----------
    theta_ : ndarray of shape (n_components,)
        Mean probability of heads of each kind of coin, in the order of the start or of ``coins``
        where one is given, else falling.
    dispersion_ : ndarray of shape (n_components,)
        The correlation of two tosses of a row, in [0, 1]; 0 where ``theta_`` is 0 or 1 and it has
        no effect, unless it is tied or held.
    concentration_ : ndarray of shape (n_components,)
        ``a + b = 1 / dispersion_ - 1`` of the Beta distributions; infinite where that is 0.
    weights_ : ndarray of shape (n_components,)
        Probability of each kind to be picked.
    converged_ : bool
        Whether the climb ended by itself, before ``max_iter``, and at a local maximum.
    n_iter_ : int
        Steps of the best climb, each of one E-step, whether it was taken or rejected.
    lower_bound_ : float
        Objective of the fit, per unit weight: log-likelihood, with binomial coefficients, plus
        log prior up to a constant. It is ``score`` where priors are flat and no coin is known.
    lower_bounds_ : ndarray of shape (n_iter_ + 1,)
        The objective at each iterate; it never falls.
    theta_path_, dispersion_path_, weights_path_ : ndarray of shape (n_iter_ + 1, n_components)
        The iterates; the start is row 0.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X has names that are all strings.

    See Also
    --------
    BinomialMixture : Coins that are all alike; it takes fractional counts, too.
    NonparametricBinomialMixture : Any distribution of the probability of heads.
    skcoin.inspection.compare_n_components : Coins that are alike, and that vary, in one table.
    skcoin.inspection.likelihood_ratio_test : A test of whether coins vary.

    Notes
    -----
    A row of ``h`` heads and ``t`` tails, ``n`` in all, has the probability

    .. math::

        \binom{n}{h} \frac{B(a + h, b + t)}{B(a, b)} ,
        \quad a + b = 1 / \rho - 1, \quad a = \theta (a + b) ,

    computed in a form that keeps its digits at any depth and for a rho of exactly 0 and 1. Rows of
    one toss say nothing of rho; with ``n`` tosses in every row, ``3 n_components - 1`` numbers can
    be told apart if they are no more than ``n`` (``2 n_components`` with a tied dispersion). EM
    with one step of Newton [1]_ creeps where dispersion and weights are slow. The steps of
    "em-newton" use the exact observed information and an active set, so that both ends are reached;
    ``rho = 0`` is a common answer.

    One dispersion for all kinds is the default, because separate ones may lay a broad kind over a
    narrow one where both are parts of the same, and cost a parameter each. In 36 simulated sets
    with one dispersion, BIC preferred the tied one in 35, and found the right number of kinds with
    it in 35, with separate ones in 30. With one kind there is no difference.

    References
    ----------
    .. [1] Smith, D. M. (1983). Algorithm AS 189: maximum likelihood estimation of the parameters of
       the beta binomial distribution. Applied Statistics, 32(2), 196-204.

    Examples
    --------
    Tumours of rats in 71 groups of up to 52, one kind of coin that varies:

    >>> from skcoin import BetaBinomialMixture, BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> X = load_rat_tumours().data
    >>> varies = BetaBinomialMixture().fit(X)
    >>> print(f"{varies.theta_[0]:.4f} {varies.dispersion_[0]:.4f}")
    0.1423 0.0573
    >>> print(f"{varies.bic(X):.1f} {BinomialMixture(2).fit(X).bic(X):.1f}")
    321.7 322.6

    Where the rate of a group is, of which 4 rats have a tumour and 10 have none:

    >>> varies.posterior_interval([[4, 10]]).round(2)
    array([[0.09, 0.37]])
    """

    dispersion_: Floats
    lower_bounds_: Floats
    theta_path_: Floats
    dispersion_path_: Floats
    weights_path_: Floats

    _family = BETA_BINOMIAL
    _learned = BaseMixture._learned | {"dispersion_", "dispersion_path_"}

    _parameter_constraints = {  # noqa: RUF012
        **BaseMixture._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "dispersion_type": [StrOptions({"tied", "separate"})],
        "theta_init": ["array-like", None],
        "dispersion_init": ["array-like", Interval(Real, 0, 1, closed="both"), None],
        "weights_init": ["array-like", None],
        "learn_theta": ["boolean", "array-like"],
        "learn_dispersion": ["boolean", "array-like"],
        "learn_weights": ["boolean"],
    }

    def __init__(
        self,
        n_components: int = 1,
        *,
        layout: Layout = "heads_tails",
        dispersion_type: Literal["tied", "separate"] = "tied",
        theta_init: ArrayLike | None = None,
        dispersion_init: float | ArrayLike | None = None,
        weights_init: ArrayLike | None = None,
        learn_theta: bool | ArrayLike = True,
        learn_dispersion: bool | ArrayLike = True,
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
        self.dispersion_type = dispersion_type
        self.theta_init = theta_init
        self.dispersion_init = dispersion_init
        self.weights_init = weights_init
        self.learn_theta = learn_theta
        self.learn_dispersion = learn_dispersion
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
    def concentration_(self) -> Floats:
        """``a + b = 1 / dispersion_ - 1`` of each coin's Beta distribution, infinite at 0."""
        rho = self.dispersion_
        return np.divide(1 - rho, rho, out=np.full(len(rho), np.inf), where=rho > 0)

    @property
    def _n_components(self):
        return self.n_components

    def _specification(self):
        n = self.n_components
        tied = self.dispersion_type == "tied" and n > 1
        theta = check_theta(self.theta_init, "theta_init", n)
        dispersion = check_dispersion(self.dispersion_init, n, is_tied=tied)
        learn_theta = check_learned(self.learn_theta, "theta", theta, n)
        learn = check_learned(self.learn_dispersion, "dispersion", dispersion, n, is_tied=tied)
        if not tied:  # where theta is held at 0 or 1, there is nothing to vary, nor to learn
            idle = learn & ~learn_theta & ((theta == 0) | (theta == 1))
            learn, dispersion = learn & ~idle, np.where(idle, 0.0, dispersion)
        return Specification(
            init=np.stack([theta, dispersion], axis=1),
            weights_init=check_weights(self.weights_init, "weights_init", n),
            free=np.stack([learn_theta, learn], axis=1),
            free_weights=bool(self.learn_weights),
            tied=np.array([False, tied]),
            names="theta_init, dispersion_init and weights_init",
        )
