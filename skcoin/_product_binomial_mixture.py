"""ProductBinomialMixture: classes of rows, each with several coins."""

from numbers import Integral
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils._param_validation import Interval, StrOptions

from skcoin._base import BaseMixture, counts_of
from skcoin._em.e_step import e_step
from skcoin._em.escape import quadratic_around
from skcoin._em.parameters import Parameters, falling
from skcoin._em.specification import Specification
from skcoin._families.product import ProductBetaBinomial, ProductBinomial
from skcoin._layouts import check_sets
from skcoin._validation import (
    Floats,
    InitParams,
    Labels,
    Layout,
    Seed,
    Solver,
    check_learned_sets,
    check_matrix,
    check_tosses,
    check_weights,
    refuse_if_not_fitted,
)
from skcoin._warnings import warn_of_sets

Dispersion = Literal["none", "tied", "coin", "separate"]
SINGULAR = 1e-8  # eigenvalue of the information, relative to that of complete data
NEXT, FLAT = 1e-9, 1e-5  # to 0 or 1; slope, relative to its terms


class ProductBinomialMixture(BaseMixture):
    r"""Mixture of products of binomials: several coins in each row.

    Each row holds tosses of ``n_coins`` different coins: reads of a variant in several samples of a
    tumour, answers of a person to several questions. A hidden class, one of ``n_components``, says
    which set of coins it is, and given the class the coins are independent,

    .. math::

        \sum_k w_k \prod_j \binom{n_j}{h_j} \theta_{kj}^{h_j} (1 - \theta_{kj})^{t_j} .

    With one toss of each coin this is the latent class model [1]_, a mixture of Bernoullis. A coin
    that is not tossed in a row says nothing there, and the row stays.

    Parameters
    ----------
    n_components : int, default=2
        Number of classes, at least 1.
    layout : {"heads_tails", "heads_tosses", "tosses"}, default="heads_tails"
        What the columns of X hold: heads and tails of each coin, one pair after another; heads and
        all tosses of each; or in column ``j`` one toss of coin ``j``, 1 heads, 0 tails, NaN where
        it is missing.
    dispersion_type : {"none", "tied", "coin", "separate"}, default="none"
        Whether the coins of a class are all alike, or vary from row to row as beta-binomials do:
        with one dispersion for all, one for each coin, or one for each coin and class. Then counts
        must be whole. One for all is the model to begin with.
    theta_init : array-like of shape (n_components, n_coins), default=None
        Start values in [0, 1]; NaN where none is given.
    weights_init : array-like of shape (n_components,), default=None
        Start values that sum to 1.
    learn_theta : bool or array-like of shape (n_components, n_coins), default=True
        Whether thetas are learned or stay at their start.
    learn_weights : bool, default=True
        Whether the weights are learned, or stay at their start: equal by default.
    theta_prior : (float, float), default=(1, 1)
        ``(a, b)`` of a Beta prior on each theta, at least 1; (1, 1) is flat.
    weights_prior : float, default=1
        Concentration of a Dirichlet prior on the weights, at least 1; 1 is flat.
    init_params : {"auto", "quantile", "random", "k-means++"}, default="auto"
        Where to start what is not given a start. "auto" gives the same every time: it adds one
        class after the other where that helps most, starts from many places on small tables, and
        looks for classes that would be of more use elsewhere; of more than 1,024 distinct rows it
        does so on fewer that stand for them. "quantile" starts at rows far from each other, once.
        The others draw, thetas or rows.
    n_init : int, default=1
        Number of starts, of which the one that climbs highest is kept; further ones are random.
    solver : {"em-newton", "em"}, default="em-newton"
        "em" is the textbook's iteration; "em-newton" takes one step of it and then safeguarded
        Newton steps.
    tol : float, default=1e-6
        Stop when the estimated gain that remains in the total objective is below it.
    max_iter : int, default=1000
        Steps at most.
    warm_start : bool, default=False
        Whether to start from the last fit, if it had as many classes.
    random_state : int, RandomState instance or None, default=None
        For random starts and for ``sample``.
    verbose : int, default=0
        What is printed of all the work, which is more than the steps of ``n_iter_``: 0 nothing, 1
        where a climb begins and ends and every tenth step, 2 also the time, the gain and what is
        left of it, 3 every step.

    Attributes
    ----------
    theta_ : ndarray of shape (n_components, n_coins)
        Probability of heads of each coin in each class; classes by falling weight, unless a start
        or ``coins`` gives their order.
    weights_ : ndarray of shape (n_components,)
        Probability of each class.
    dispersion_ : ndarray of shape (n_components, n_coins)
        The correlation of two tosses of a coin in a row, 0 without a ``dispersion_type``.
    converged_ : bool
        Whether the climb ended by itself, before ``max_iter``, and at a local maximum.
    n_iter_ : int
        Steps of the best climb.
    lower_bound_ : float
        Objective of the fit, per unit weight: log-likelihood plus log prior up to a constant.
    lower_bounds_ : ndarray of shape (n_iter_ + 1,)
        The objective at each iterate; it never falls.
    theta_path_, dispersion_path_ : ndarray of shape (n_iter_ + 1, n_components, n_coins)
        The iterates; the start is row 0.
    weights_path_ : ndarray of shape (n_iter_ + 1, n_components)
        The same of the weights.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X has names that are all strings.

    See Also
    --------
    BinomialMixture : One coin in each row.
    BetaBinomialMixture : One coin in each row, which varies.

    Notes
    -----
    Rows are counted first, as sets of all their pairs, so that the cost of a step depends on the
    number of distinct rows. The more coins, the less that saves. Classes can be told apart only if
    there are enough patterns: with yes or no to ``J`` questions at most ``2^J - 1`` numbers, and
    sometimes fewer, of which an ``IdentifiabilityWarning`` tells. Answers of more than two kinds,
    covariates and distal outcomes are not modelled.

    References
    ----------
    .. [1] Goodman, L. A. (1974). Exploratory latent structure analysis using both identifiable and
       unidentifiable models. Biometrika, 61(2), 215-231.

    Examples
    --------
    Three questions, two kinds of people, one answer is missing:

    >>> import numpy as np
    >>> from skcoin import ProductBinomialMixture
    >>> X = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 1, 1]] * 5)
    >>> people = ProductBinomialMixture(2, layout="tosses").fit(X)
    >>> people.theta_.round(2)
    array([[1.  , 1.  , 0.67],
           [0.  , 0.  , 0.5 ]])
    >>> people.predict([[1, np.nan, 0]])
    array([0])
    """

    theta_path_: Floats
    weights_path_: Floats
    dispersion_: Floats
    dispersion_path_: Floats
    lower_bounds_: Floats

    _check = staticmethod(check_sets)
    _learned = BaseMixture._learned | {"dispersion_", "dispersion_path_"}

    _parameter_constraints = {  # noqa: RUF012
        **BaseMixture._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "dispersion_type": [StrOptions({"none", "tied", "coin", "separate"})],
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
        dispersion_type: Dispersion = "none",
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
        self.dispersion_type = dispersion_type
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

    @property
    def _n_coins(self):
        """Of the rows that are fitted; before there are any, of the start values."""
        if not hasattr(self, "n_features_in_"):
            return np.shape(self.theta_init)[-1] if np.ndim(self.theta_init) == 2 else 1
        return self.n_features_in_ // (1 if self._layout == "tosses" else 2)

    @property
    def _family(self):
        if self.dispersion_type == "none":
            return ProductBinomial(self._n_coins)
        n_dispersions = 1 if self.dispersion_type == "tied" else self._n_coins
        return ProductBetaBinomial(self._n_coins, n_dispersions)

    def _check_parameters(self):
        self._validate_params()

    def _specification(self):
        family, size = self._family, (self.n_components, self._n_coins)
        theta = check_matrix(self.theta_init, "theta_init", size)
        learn = check_learned_sets(self.learn_theta, theta)
        n_others = len(family.names) - family.n_coins
        others = np.full((self.n_components, n_others), np.nan)
        return Specification(
            init=np.concatenate([theta, others], axis=1),
            weights_init=check_weights(self.weights_init, "weights_init", self.n_components),
            free=np.concatenate([learn, np.ones(others.shape, dtype=bool)], axis=1),
            free_weights=bool(self.learn_weights),
            tied=np.repeat([False, self.dispersion_type != "separate"], [family.n_coins, n_others]),
            names="theta_init and weights_init",
        )

    def _parameters(self):
        components = self.theta_.copy()
        if self.dispersion_type != "none":
            n_dispersions = self._family.n_dispersions
            components = np.concatenate([components, self.dispersion_[:, :n_dispersions]], axis=1)
        return Parameters(self.weights_.copy(), components)

    def _order(self, parameters, alike):
        """Those that are alike come by falling weight."""
        return falling(parameters.weights, alike)

    def _learn(self, run, order, counts, recipe):
        n_coins, path = self._n_coins, run.path.components[:, order]
        self.theta_path_, self.theta_ = path[..., :n_coins], path[-1, :, :n_coins].copy()
        of_each = path[..., n_coins:] if self.dispersion_type != "none" else 0.0
        self.dispersion_path_ = np.broadcast_to(of_each, self.theta_path_.shape).copy()
        self.dispersion_ = self.dispersion_path_[-1].copy()
        self._learn_the_rest(run, order, counts, recipe)

    def _warn_of_identifiability(self, run, order):
        warn_of_sets(self, run, order, is_singular=is_singular(run))

    def sample(
        self, n_samples: int = 1, *, n_tosses: ArrayLike | None = None, random_state: Seed = None
    ) -> tuple[Floats, Labels]:
        """Draw rows, each of a class that is picked by ``weights_``.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.
        n_tosses : int or array-like of shape (n_coins,) or (n_samples, n_coins), default=None
            Tosses of each coin; by default those of rows of the fit, drawn at random. With
            ``layout="tosses"`` one or none.
        random_state : int, RandomState instance or None, default=None
            By default that of the estimator.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            In the layout of the fit.
        classes : ndarray of shape (n_samples,), int
            The class of each row.

        Raises
        ------
        ValueError
            If ``n_tosses`` does not fit, is negative or not whole, or is needed and not given.

        Examples
        --------
        >>> from skcoin import ProductBinomialMixture
        >>> X = [[5, 5, 1, 9], [9, 1, 7, 3], [8, 2, 9, 1], [4, 6, 0, 10], [7, 3, 8, 2]]
        >>> rows, classes = ProductBinomialMixture().fit(X).sample(3, random_state=0)
        >>> rows.shape, classes.shape
        ((3, 4), (3,))
        """
        refuse_if_not_fitted(self)
        rng = check_random_state(self.random_state if random_state is None else random_state)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        size = n_samples, self._n_coins
        if n_tosses is None:
            counts = counts_of(self)
            rows = rng.choice(
                len(counts.label), size=n_samples, p=counts.multiplicity / counts.n_rows
            )
            tosses = (counts.heads + counts.tails)[:, rows].T
        else:
            tosses = check_tosses(n_tosses, size, at_most_one=self._layout == "tosses")
        classes = rng.choice(len(self.weights_), size=n_samples, p=self.weights_)
        theta = self._family.rates(self._parameters().components[classes], rng)
        heads = rng.binomial(np.rint(tosses).astype(np.int64), theta)
        if self._layout == "tosses":
            return np.where(tosses > 0, heads, np.nan), classes
        second = tosses if self._layout == "heads_tosses" else tosses - heads
        return np.stack([heads, second], axis=2).reshape(n_samples, -1), classes


def is_singular(run):
    """Whether other sets of coins near the end of a climb have the same likelihood."""
    least = quadratic_around([run]).eigenvalues.min(initial=1)
    return bool(least < SINGULAR or _is_end_of_ridge(run))


def _is_end_of_ridge(run):
    """Whether some theta stands at 0 or 1 without a slope that holds it there.

    Then it may as well be inside, along a ridge of equal likelihood. At a distance ``eps`` from 0
    the slope is that of ``h / eps - t``, with the heads and tails that are expected there.
    """
    problem, n_coins = run.problem, run.problem.family.n_coins
    components = run.last.components.copy()
    theta = components[..., :n_coins]
    low, high = theta == 0, theta == 1
    if problem.family.has_sufficient_statistics is False or not (low | high).any():
        return False
    np.clip(theta, NEXT, 1 - NEXT, out=theta)
    expected = e_step(problem, Parameters(run.last.weights, components)).statistics
    heads, tails = expected[..., :n_coins], expected[..., n_coins:]
    few, many = np.where(low, heads, tails), np.where(low, tails, heads)
    flat = np.abs(few / NEXT - many) < FLAT * many
    return bool((flat & (low | high) & problem.specification.free[:, :n_coins]).any())
