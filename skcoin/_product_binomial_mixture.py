"""ProductBinomialMixture: classes of rows, each with several coins."""

from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from skcoin._base import BaseMixture
from skcoin._em.escape import quadratic_around
from skcoin._em.parameters import Parameters
from skcoin._em.specification import Specification
from skcoin._families.product import ProductBetaBinomial, ProductBinomial
from skcoin._layouts import check_sets
from skcoin._validation import (
    Floats,
    InitParams,
    Layout,
    Seed,
    Solver,
    check_matrix,
    check_weights,
)
from skcoin._warnings import warn_of_sets

Dispersion = Literal["none", "tied", "coin", "separate"]
SINGULAR = 1e-8  # eigenvalue of the information, relative to that of complete data


class ProductBinomialMixture(BaseMixture):
    """DOC"""

    dispersion_: Floats
    dispersion_path_: Floats

    _check = staticmethod(check_sets)

    _parameter_constraints = {  # noqa: RUF012
        **BaseMixture._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "dispersion_type": [StrOptions({"none", "tied", "coin", "separate"})],
        "theta_init": ["array-like", None],
        "dispersion_init": [Interval(Real, 0, 1, closed="both"), None],
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
    ):
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
        learn = np.broadcast_to(np.asarray(self.learn_theta), size)
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
        places, order = np.flatnonzero(alike), np.arange(len(alike))
        order[places] = places[np.argsort(-parameters.weights[places], kind="stable")]
        return order

    def _learn(self, run, order, counts, recipe):
        n_coins, path = self._n_coins, run.path.components[:, order]
        self.theta_path_, self.theta_ = path[..., :n_coins], path[-1, :, :n_coins].copy()
        if self.dispersion_type != "none":
            size = (*path.shape[:-1], n_coins)
            self.dispersion_path_ = np.broadcast_to(path[..., n_coins:], size).copy()
            self.dispersion_ = self.dispersion_path_[-1].copy()
        self._learn_the_rest(run, order, counts, recipe)

    def _warn_of_identifiability(self, run, order):
        least = quadratic_around([run]).eigenvalues.min(initial=1)
        warn_of_sets(self, run, order, is_singular=least < SINGULAR)
