"""The bootstrap: refits to rows that could have been."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from skcoin._base import BaseMixture
from skcoin._em.quadratic import is_logit
from skcoin._fit import Recipe
from skcoin._layouts import coin_names
from skcoin._mixture import Mixture
from skcoin._progress.workers import repeat
from skcoin._validation import Column, Seed
from skcoin._warnings import warn_user
from skcoin.inspection._inspected import check_fitted, check_parametric
from skcoin.inspection._refits import fit_again
from skcoin.inspection._resampling import Resampling, Simulation, draw_tables, simulation
from skcoin.inspection._tables import AsFrame, Result, by_component, frame_maker


def bootstrap(
    model: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    coins: Column = None,
    n_boot: int = 200,
    parametric: bool = True,
    random_state: Seed = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    callbacks: Sequence[object] = (),
    as_frame: AsFrame = False,
) -> Any:
    """Fit again and again to rows that could have been: the distribution of the estimates.

    Either to rows simulated from the model, with the numbers of tosses of the rows of X, or to
    rows of X drawn with replacement. Both draw how many rows hold each pair of heads and tails,
    rather than row by row, and each fit starts at the coins of the model.

    Parameters
    ----------
    model : BinomialMixture, BetaBinomialMixture, ProductBinomialMixture or ThreeCoinModel
        Fitted.
    X : array-like of shape (n_samples, n_features)
        The rows of the fit.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of the fit: how often each row counts. They must be whole: so many rows are
        drawn.
    coins : array-like of shape (n_samples,), default=None
        The known coins of the fit, -1 where hidden. In a simulation the coin of such a row is
        drawn like any other, and known again.
    n_boot : int, default=200
        Number of fits, at least 1. 200 are enough for a standard error, not for an interval.
    parametric : bool, default=True
        Whether to simulate rows rather than to draw rows of X.
    random_state : int, RandomState instance or None, default=None
        The results do not depend on ``n_jobs``.
    n_jobs : int, default=None
        Workers, as joblib counts them.
    verbose : int, default=0
        Of joblib; 0 is silent.
    callbacks : sequence, default=()
        Callbacks of scikit-learn 1.9 or newer, such as ``sklearn.callback.ProgressBar()``.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has a row for each coin of each fit, the ``replicate``; of a
        ProductBinomialMixture for each class and coin, by the names of the columns of heads.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`, or a data frame
        ``theta``, ``weights`` : ndarray of shape (n_boot, n_components)
            The coins of each fit, in the order of those of the model: coins that could as well
            change their names are matched to the nearest, by ``arcsin sqrt theta`` and, if coins
            vary, half of ``arcsin sqrt dispersion``, which is about by how much.
            Of a ProductBinomialMixture ``theta`` has shape (n_boot, n_components, n_coins), and
            classes are matched by all their coins.
        ``dispersion`` : ndarray of shape (n_boot, n_components)
            Of a BetaBinomialMixture: their dispersions, many of them exactly 0 where there is none.
        ``log_likelihood`` : ndarray of shape (n_boot,)
            Of each fit, of all its own rows together.
        ``converged`` : ndarray of shape (n_boot,), bool
            Whether each fit ended at a maximum.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If ``n_boot`` is less than 1, weights are not whole, tosses are not whole and
        ``parametric``, or the data are not as in ``fit``.
    ImportError
        If the library of ``as_frame`` is missing, or there are ``callbacks`` and the installed
        scikit-learn has none.

    Warns
    -----
    ConvergenceWarning
        If fits did not converge.

    See Also
    --------
    confidence_intervals : Percentiles of these fits, with ``method="bootstrap"``.
    likelihood_ratio_test : The test of the number of coins that is valid.

    Notes
    -----
    Each fit climbs by "em-newton", whatever the solver of the model, in at most 1000 steps [1]_.

    References
    ----------
    .. [1] Efron, B. and Tibshirani, R. J. (1993). An introduction to the bootstrap. Chapman and
       Hall.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import bootstrap, standard_errors
    >>> X = load_rat_tumours().data
    >>> coins = BinomialMixture(2).fit(X)
    >>> fits = bootstrap(coins, X, n_boot=200, random_state=0)
    >>> fits.theta.std(axis=0).round(2), standard_errors(coins, X).theta.round(2)
    (array([0.02, 0.01]), array([0.02, 0.02]))
    """
    to_frame = frame_maker(as_frame)
    check_parametric(model)
    result = replicates_of(
        check_fitted(model, X, sample_weight, coins),
        n_boot,
        parametric=parametric,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
        callbacks=callbacks,
    )
    return (
        result if to_frame is None else to_frame(by_component(coin_names(model), estimate=result))
    )


def replicates_of(fitted, n_boot, *, parametric, random_state, n_jobs, verbose=0, callbacks=()):
    """The bootstrap of a model that has been checked."""
    check_scalar(parametric, "parametric", (bool, np.bool_))
    if parametric:
        rows = simulation(
            fitted.counts, fitted.mixture, ", or draw rows of X instead, with parametric=False"
        )
    else:
        rows = Resampling(fitted.counts)
    fits = repeat(
        _Refit(rows, fitted.recipe, fitted.mixture, _who_may_swap(fitted)),
        n_boot,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
        callbacks=callbacks,
    )
    result = Result(**{name: np.array([fit[name] for fit in fits]) for name in fits[0]})
    converged = result.converged
    if not converged.all():
        warn_user(
            f"{(~converged).sum()} of {n_boot} fits did not converge; they are kept, and "
            "`converged` says which. Coins that can hardly be told apart do that; try fewer.",
            ConvergenceWarning,
        )
    return result


@dataclass(frozen=True)
class _Refit:
    """Draw rows, fit, and put the coins in the order of the original ones."""

    rows: Resampling | Simulation
    recipe: Recipe
    original: Mixture
    may_swap: np.ndarray

    def __call__(self, rngs):
        results = []
        for tables, _ in draw_tables(self.rows, rngs):
            runs = fit_again(self.recipe, self.original.parameters, tables)
            results += map(self._result, runs, tables)
        return results

    def _result(self, run, counts):
        parameters = run.last[0]
        refit = replace(self.original, parameters=parameters[self._order(parameters)])
        log_likelihood = refit.total_log_likelihood(counts)
        return refit.by_name | {"log_likelihood": log_likelihood, "converged": run.converged}

    def _order(self, parameters):
        """The coins whose rates of rows are nearest, with ``x = arcsin sqrt`` of the rates.

        Its mean is about that of ``theta`` and its standard deviation half that of the dispersion:
        the squared distance of two normals is that of both, squared and added up.
        """
        unit = np.where(is_logit(self.original.family), 1.0, 0.5)
        x, y = (
            unit * np.arcsin(np.sqrt(p.components)) for p in (self.original.parameters, parameters)
        )
        distance = ((x[:, None] - y) ** 2).sum(axis=-1)
        return linear_sum_assignment(np.where(self.may_swap, distance, np.inf))[1]


def _who_may_swap(fitted):
    """Which coin may be given which one's name: pairs that nothing but their order tells apart."""
    specification, weights = fitted.specification, fitted.mixture.weights
    unmarked = specification.free.all(axis=1) & (fitted.problem.labelled == 0)
    alike = specification.free_weights | (weights[:, None] == weights)
    return np.eye(len(weights), dtype=bool) | (unmarked[:, None] & unmarked & alike)
