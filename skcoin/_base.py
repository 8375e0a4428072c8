"""What the estimators share: validate, count, fit, and read off the attributes.

``recipe_of``, ``mixture_of``, ``counts_of`` and ``count_rows`` are how all other rooms read an
estimator.
"""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, DensityMixin

from skcoin._counts import count, map_rows, merge, with_columns
from skcoin._criteria import CriteriaMixin
from skcoin._em.parameters import Parameters, falling
from skcoin._em.specification import warm_start
from skcoin._families import BINOMIAL
from skcoin._fit import Recipe, fit_tables, total_log_base
from skcoin._guesses import warn_of_index
from skcoin._layouts import check_layout, chunks_of
from skcoin._mixture import Mixture
from skcoin._persistence import PersistenceMixin
from skcoin._prediction import PredictionMixin
from skcoin._progress.printing import ClimbTeller, teller
from skcoin._sampling import SamplingMixin
from skcoin._tells import spread_around_coins, warn_of_columns
from skcoin._validation import (
    CONSTRAINTS,
    Column,
    Floats,
    check_coins,
    check_sample_weight,
    check_theta_prior,
    checks_parameters,
    refuse_if_coin_is_gone,
    refuse_if_forgotten,
    refuse_if_not_fitted,
)
from skcoin._warnings import (
    warn_of_excluded,
    warn_of_identifiability,
    warn_of_status,
    warn_of_weights,
)


class BaseMixture(
    PredictionMixin,
    CriteriaMixin,
    SamplingMixin,
    PersistenceMixin,
    DensityMixin,
    BaseEstimator,
    ABC,
):
    """Base of the estimators: all but their parameters and the names of what they learn."""

    theta_: Floats
    weights_: Floats
    converged_: bool
    n_iter_: int
    lower_bound_: float
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    _family = BINOMIAL
    _check = staticmethod(check_layout)
    _learned = frozenset(
        {"theta_", "weights_", "theta_path_", "weights_path_", "lower_bound_", "lower_bounds_"}
        | {"converged_", "n_iter_", "n_features_in_", "_n_parameters", "_layout", "_counts"}
    )

    _parameter_constraints = CONSTRAINTS

    @abstractmethod
    def _specification(self):
        """Check the start parameters and return them as a ``Specification``."""

    @property
    @abstractmethod
    def _n_components(self):
        """Number of components, from the parameters."""

    @checks_parameters
    def fit(
        self, X: ArrayLike, y: object = None, sample_weight: Column = None, coins: Column = None
    ) -> Self:
        """Estimate the coins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Tosses, one set of one coin per row, in the ``layout`` of the estimator.
        y : None
            Ignored; there for scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, at least 0. A row of weight two is that row twice. A Series
            is taken by position, whatever its index; so are ``coins``.
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
            names the row or the entry and a remedy, and the estimator is as it was.

        Warns
        -----
        IdentifiabilityWarning
            If no row has enough tosses to tell the coins apart, or a coin is there twice or has no
            weight.
        ConvergenceWarning
            If ``max_iter`` ends the climb, or it ends where there is no local maximum.
        UserWarning
            If names of columns or counts tell that X is in another layout, or weights are shares.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> BinomialMixture().fit(X).theta_.round(4)
        array([0.7934, 0.5139])
        >>> BinomialMixture().fit(X, coins=[1, 0, 0, 1, 0]).theta_      # all coins known
        array([0.8 , 0.45])
        """
        return self._learn_rows(X, y, sample_weight, coins)

    @checks_parameters
    def partial_fit(
        self, X: ArrayLike, y: object = None, sample_weight: Column = None, coins: Column = None
    ) -> Self:
        """Estimate the coins from these rows and all those before.

        Exact: the counts so far and the new ones are merged, so that ten chunks are one fit on
        everything, whatever their order. Only the distinct pairs of heads and tails are kept. One
        climb goes on from the coins so far, others start as ``fit`` does, so that a misleading
        first chunk does no harm, and the highest is kept. ``fit`` forgets all rows before;
        ``partial_fit`` after ``fit`` goes on. Until some row holds a toss, rows are counted and
        nothing is learned.

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
        IdentifiabilityWarning, ConvergenceWarning, UserWarning
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
        return self._learn_rows(X, y, sample_weight, coins, goes_on=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.categorical = self._family.needs_whole  # scikit-learn's word for it
        tags.input_tags.allow_nan = self.layout == "tosses"
        return tags

    def _recipe(self):
        return Recipe(
            family=self._family,
            specification=self._specification(),
            theta_prior=check_theta_prior(self.theta_prior),
            weights_prior=self.weights_prior,
            init_params=self.init_params,
            n_init=self.n_init,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
        )

    def _check_parameters(self):
        """Before a row is read."""
        recipe_of(self)

    def _learn_rows(self, X, y, sample_weight, coins=None, *, goes_on=False):
        """``fit``, or ``partial_fit`` if it ``goes_on``; what fails or is interrupted sets nothing.

        All is learned by a twin, whose attributes become those of the estimator in one assignment.
        """
        self._check_parameters()
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        before = self._counts_so_far() if goes_on else None
        twin._layout = self.layout  # rows that go on may come in another
        counts = count_rows(twin, X, sample_weight, coins, y=y, reset=before is None, before=before)
        refuse_if_coin_is_gone(counts, self._n_components)
        twin._counts, recipe = counts, recipe_of(twin)
        if counts.tosses.any() or not goes_on:  # a later chunk may bring the first toss
            twin._fit_counts(counts, recipe, goes_on=before is not None)
        self.__dict__ = vars(twin)
        return self

    def _fit_counts(self, counts, recipe, *, goes_on):
        """All of ``fit`` that comes after the counting; ``goes_on`` from the last fit."""
        last = self._last(recipe) if goes_on or self.warm_start else None
        own_starts = goes_on or last is None
        [run] = fit_tables(
            recipe,
            [counts],
            warm=None if last is None else [last],
            own_starts=own_starts,
            regroup=own_starts,
            random_state=self.random_state,
            report=teller(ClimbTeller, self.verbose, counts),
        )
        alike = recipe.specification.is_alike & (run.problem.labelled == 0) & own_starts
        order = self._order(run.last[0], alike)
        self._n_parameters = recipe.specification.n_parameters
        self._learn(run, order, counts, recipe)
        warn_of_layout(self, counts)
        warn_of_status(run, self)
        self._warn_of_identifiability(run, order)

    def _order(self, parameters, alike):
        return falling(parameters.components[..., 0], alike)

    def _warn_of_identifiability(self, run, order):
        warn_of_identifiability(self, run, order)

    def _last(self, recipe):
        """The last fit as a start, or None where there is none to go on from."""
        if len(getattr(self, "theta_", ())) != self._n_components:
            return None
        return warm_start(self._parameters(), recipe.specification)[None]

    def _parameters(self):
        """Copies: what pictures and summaries show may be written into."""
        columns = [getattr(self, f"{name}_") for name in self._family.names]
        return Parameters(self.weights_.copy(), np.stack(columns, axis=-1))

    def _learn(self, run, order, counts, recipe):
        for p, name in enumerate(self._family.names):
            path = run.path.components[:, order, p]
            setattr(self, f"{name}_path_", path)
            setattr(self, f"{name}_", path[-1].copy())
        self._learn_the_rest(run, order, counts, recipe)

    def _learn_the_rest(self, run, order, counts, recipe):
        """All that does not depend on the parameters of the family."""
        self.weights_path_ = run.path.weights[:, order]
        self.weights_ = self.weights_path_[-1].copy()
        log_base = total_log_base(recipe, mixture_of(self), counts, run.problem)
        self.lower_bounds_ = (run.height + log_base) / counts.n_rows
        self.lower_bound_ = float(self.lower_bounds_[-1])
        self.converged_ = run.converged
        self.n_iter_ = run.n_iter

    def _map_rows(self, X, function, shape=(), mixture=None):
        """``function(mixture, heads, tails)`` of every row, an array of this shape each."""
        mixture = mixture_of(self) if mixture is None else mixture
        X = self._check(self, X, reset=False)
        chunks = chunks_of(self, X)
        return map_rows(lambda *pair: function(mixture, *pair), chunks, len(X), shape)

    def _map_posterior(self, X, function, shape):
        """The same of what the posterior says, with a word on rows that no coin can show."""
        mixture = mixture_of(self)
        values = self._map_rows(X, function, shape, mixture)
        if mixture.may_exclude:
            shape = 2, *self.theta_.shape[1:]
            rows = self._map_rows(X, lambda _, *pair: _side_by_side(pair), shape, mixture)
            warn_of_excluded(mixture, rows[:, 0].T, rows[:, 1].T)
        return values

    def _of_counts(self, function, X, sample_weight, *, quiet=False):
        """``function(mixture, counts)`` of the counts of X."""
        return function(mixture_of(self), count_rows(self, X, sample_weight, quiet=quiet))


def _side_by_side(pair):
    """Heads and tails of each row, (n_rows, 2) or (n_rows, 2, n_coins)."""
    return np.stack([side.T for side in pair], axis=1)


def recipe_of(model):
    """What a model, fitted or not, asks of a fit: its parameters, checked as they are now."""
    model._validate_params()
    return model._recipe()


def layout_of(model):
    """The layout of the rows that a model was fitted to."""
    return model._layout


def mixture_of(model):
    """What a fitted model has learned."""
    refuse_if_not_fitted(model)
    in_order = layout_of(model) == "tosses"
    return Mixture(model._family.exact, model._parameters(), model._n_parameters, in_order)


def counts_of(model):
    """The counts of the rows that a fitted model has learned from."""
    refuse_if_forgotten(model._counts, "there are no fitted rows to judge it by. Fit it again.")
    return model._counts


def count_rows(
    model, X, sample_weight=None, coins=None, *, y=None, reset=False, before=None, quiet=False
):
    """The counts of X in the layout of a model: that of its fit or, to ``reset``, of its own.

    Those of ``before`` are added to them. There is a word on weights that leave next to no rows,
    unless ``quiet``.
    """
    for values, name in ((sample_weight, "sample_weight"), (coins, "coins")):
        warn_of_index(X, values, name)
    X = model._check(model, X, y, reset=reset)
    sample_weight = check_sample_weight(sample_weight, len(X))
    labels = check_coins(coins, len(X), model._n_components)
    counts = count(with_columns(chunks_of(model, X), sample_weight, labels))
    if before is not None:
        counts = merge([before, counts])
    if sample_weight is not None and not quiet:
        fits = reset or before is not None
        n_parameters = recipe_of(model).specification.n_parameters if fits else model._n_parameters
        warn_of_weights(sample_weight, counts, n_parameters)
    return counts


def warn_of_layout(model, counts):
    """Say so where names or counts of a fit tell that its layout is another."""
    if model._layout == "tosses" or model.n_features_in_ != 2 or model._family.n_axes == 2:
        return
    is_fitted, tossed = hasattr(model, "theta_"), counts.tossed
    warn_of_columns(
        model._layout,
        getattr(model, "feature_names_in_", None),
        tossed.heads,
        tossed.tails,
        tossed.multiplicity,
        spread=(lambda: spread_around_coins(mixture_of(model), counts)) if is_fitted else None,
    )


def map_model(model, X, function, shape):
    """``function(mixture, heads, tails)`` of every row of X, an array of this shape each.

    It may read the posterior: there is a word on rows that no coin can show.
    """
    return model._map_posterior(X, function, shape)


def refuse_if_no_model(model, name, fitted=""):
    """Refuse what is no model of hidden coins."""
    if not isinstance(model, BaseMixture):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        article = "" if isinstance(model, type) else "a "
        raise TypeError(
            f"{name} must be a {fitted}BinomialMixture, ThreeCoinModel, BetaBinomialMixture, "
            f"ProductBinomialMixture or NonparametricBinomialMixture, but is {article}{kind}."
        )


def check_model(model, name="model"):
    """Refuse what is no fitted model of hidden coins."""
    refuse_if_no_model(model, name, "fitted ")
    refuse_if_not_fitted(model, name)
    if len(model.theta_) != model._n_components:
        raise ValueError(
            f"n_components of {name} is {model._n_components}, but it was fitted with "
            f"{len(model.theta_)}. Fit it again."
        )
