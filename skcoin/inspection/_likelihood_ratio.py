"""Are there more coins? The likelihood ratio test, by simulation under the null model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture, layout_of
from skcoin._em.specification import warm_start
from skcoin._fit import fit_tables
from skcoin._progress.workers import repeat
from skcoin._validation import Column, Seed
from skcoin.inspection._inspected import Inspected, check_fitted, check_parametric
from skcoin.inspection._nesting import as_alternative, roles_if_nested
from skcoin.inspection._resampling import Simulation, draw_tables, simulation
from skcoin.inspection._standard_errors import gain_of, refuse_if_below
from skcoin.inspection._tables import AsFrame, Result, frame_maker, one_row


def likelihood_ratio_test(
    null: BaseMixture,
    alternative: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    n_boot: int = 199,
    random_state: Seed = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    callbacks: Sequence[object] = (),
    as_frame: AsFrame = False,
) -> Any:
    """Test a model against one with more coins, with coins that vary, or with less held.

    The statistic is ``2 (log L(alternative) - log L(null))``. What it would be if the null model
    were true is found by simulation [1]_: rows are drawn from the null model, with the numbers of
    tosses of X, and both models are fitted to them, ``n_boot`` times. If ``b`` of the ``B``
    statistics are at least that of X, the p-value is ``(b + 1) / (B + 1)``, which under the null
    model is below ``alpha`` with a probability of at most ``alpha`` [2]_.

    Parameters
    ----------
    null : BinomialMixture, BetaBinomialMixture, ProductBinomialMixture or ThreeCoinModel
        Fitted to X.
    alternative : BinomialMixture, BetaBinomialMixture, ProductBinomialMixture or ThreeCoinModel
        Fitted to X; of its coins, ``null`` must be a special case. Coins that do not vary are one
        of those that do, with a dispersion of 0.
    X : array-like of shape (n_samples, n_features)
        The rows of both fits.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of both fits. They must be whole: so many rows are simulated.
    n_boot : int, default=199
        Number of simulations ``B``, at least 1. The smallest p-value is ``1 / (B + 1)``.
    random_state : int, RandomState instance or None, default=None
        The result does not depend on ``n_jobs``.
    n_jobs : int, default=None
        Workers, as joblib counts them.
    verbose : int, default=0
        Of joblib; 0 is silent.
    callbacks : sequence, default=()
        Callbacks of scikit-learn 1.9 or newer, such as ``sklearn.callback.ProgressBar()``.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has one row: ``statistic``, ``p_value``, ``n_boot``.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`, or a data frame
        ``statistic`` : float
            Twice the gain in log-likelihood.
        ``p_value`` : float
            In (0, 1].
        ``null_distribution`` : ndarray of shape (n_boot,)
            The statistics of the simulations.

    Raises
    ------
    NotFittedError
        If a model is not fitted.
    TypeError
        If one is no model of hidden coins.
    ValueError
        If ``null`` is no special case of ``alternative``, or stands higher than it; if either is
        not at a maximum for these rows; if ``n_boot`` is less than 1, or weights or tosses are not
        whole.
    ImportError
        If the library of ``as_frame`` is missing, or there are ``callbacks`` and the installed
        scikit-learn has none.

    See Also
    --------
    compare_n_components : A table of criteria for each number of coins.

    Notes
    -----
    The chi-square distribution, with as many degrees of freedom as there are parameters more, is
    wrong here. Under the null model the further coin has weight 0, on the boundary of what a
    weight can be, and its theta could then be anything: neither the expansion around an inner
    point nor the regular information that the theorem of Wilks asks for exists [3]_. Its p-values
    can be wrong in either direction.

    Nor does it hold for ``BinomialMixture(K)`` in ``BetaBinomialMixture(K)``: a dispersion of 0 is
    on the boundary. With many rows of coins that do not vary, the best dispersion of one coin, or
    of all if it is tied, is exactly 0 in half of all samples: the statistic is 0 with probability
    1/2, and else from chi-square with one degree of freedom [3]_. Where ``chi2`` is its survival
    function, the p-value of a statistic above 0 is ``chi2(statistic) / 2``. With few rows 0 is more
    frequent; the simulation has as many of these as there are, so that its p-value is 1 for a
    statistic of 0.

    Each simulation is fitted with the start values of the two models; the null also from the
    coins that it was drawn from, the alternative also from the null's with further coins placed
    where they help most. Fits end within ``tol`` of a maximum, so that statistics closer than
    that count as equal, which is in favour of the null.

    References
    ----------
    .. [1] McLachlan, G. J. (1987). On bootstrapping the likelihood ratio test statistic for the
       number of components in a normal mixture. Applied Statistics, 36(3), 318-324.
    .. [2] Davison, A. C. and Hinkley, D. V. (1997). Bootstrap methods and their application,
       chapter 4. Cambridge University Press.
    .. [3] Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood
       estimators and likelihood ratio tests under nonstandard conditions. Journal of the American
       Statistical Association, 82(398), 605-610.

    Examples
    --------
    Do the rats of all 71 groups have one rate of tumours?

    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import likelihood_ratio_test
    >>> X = load_rat_tumours().data
    >>> one, two = BinomialMixture(1).fit(X), BinomialMixture(2).fit(X)
    >>> test = likelihood_ratio_test(one, two, X, n_boot=99, random_state=0)
    >>> round(test.statistic, 1), test.p_value
    (34.0, 0.01)

    If it is one kind of group, do its rates vary?

    >>> from skcoin import BetaBinomialMixture
    >>> varies = BetaBinomialMixture(1).fit(X)
    >>> test = likelihood_ratio_test(one, varies, X, n_boot=19, random_state=0)
    >>> round(test.statistic, 1), test.p_value
    (30.7, 0.05)
    """
    to_frame = frame_maker(as_frame)
    for model, name in ((null, "null"), (alternative, "alternative")):
        check_parametric(model, name)
    small, large = (check_fitted(model, X, sample_weight) for model in (null, alternative))
    layout, other = layout_of(null), layout_of(alternative)
    if layout != other:
        raise ValueError(
            f"null has layout={layout!r} and alternative layout={other!r}, but both read the same "
            "X."
        )
    if small.mixture.family.n_axes != large.mixture.family.n_axes:
        raise ValueError(
            f"null is a {type(null).__name__} and alternative a {type(alternative).__name__}: one "
            "has several coins in each row, the other one, so that neither is a special case."
        )
    roles = roles_if_nested(small, large)
    statistic = _statistic(small.mixture, large.mixture, small.counts)
    resolution = _resolution(small, large)
    _refuse_if_lower(statistic, resolution, small, large)
    for fitted, name in ((small, "null"), (large, "alternative")):
        refuse_if_below(gain_of(fitted), name)
    simulated = repeat(
        _Statistic(simulation(small.counts, small.mixture), small, large, roles),
        n_boot,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
        callbacks=callbacks,
    )
    distribution = np.array(simulated)
    n_higher = np.sum(distribution >= statistic - resolution)
    test = {"statistic": statistic, "p_value": float((n_higher + 1) / (n_boot + 1))}
    if to_frame is None:
        return Result(**test, null_distribution=distribution)
    return to_frame(one_row(test | {"n_boot": n_boot}))


@dataclass(frozen=True)
class _Statistic:
    """The statistic of rows that are drawn from the null model."""

    rows: Simulation
    null: Inspected
    alternative: Inspected
    roles: np.ndarray

    def __call__(self, rngs):
        drawn = draw_tables(self.rows, rngs)
        return [value for tables, rng in drawn for value in self._of_tables(tables, rng)]

    def _of_tables(self, tables, rng):
        truth = warm_start(self.null.parameters, self.null.specification)[None]
        low = _highest(self.null, tables, [truth] * len(tables), rng)
        at_null = [
            as_alternative(mixture.parameters, self.roles, self.alternative.recipe, counts)[None]
            for mixture, counts in zip(low, tables, strict=True)
        ]
        high = _highest(self.alternative, tables, at_null, rng)
        return map(_statistic, low, high, tables)


def _statistic(low, high, counts):
    return float(2 * (high.total_log_likelihood(counts) - low.total_log_likelihood(counts)))


def _highest(fitted, tables, further_starts, rng):
    """The mixtures that fit each table, from the model's own starts and a further one."""
    runs = fit_tables(
        fitted.recipe,
        tables,
        warm=further_starts,
        strict=False,
        random_state=int(rng.integers(2**31)),  # the model's own would not give the same again
    )
    return [replace(fitted.mixture, parameters=run.last[0]) for run in runs]


def _resolution(small, large):
    """Statistics that are closer than this may be equal, by tolerance or rounding."""
    rounding = 1e-13 * abs(small.mixture.total_log_likelihood(small.counts))
    return 2 * (small.recipe.tol + large.recipe.tol) + rounding


def _refuse_if_lower(statistic, resolution, small, large):
    flat = all(
        np.all(np.equal(fitted.recipe.theta_prior, 1)) and fitted.recipe.weights_prior == 1
        for fitted in (small, large)
    )
    if flat and statistic < -resolution:
        raise ValueError(
            f"alternative has a log-likelihood that is lower than that of null by "
            f"{-statistic / 2:.6g}, though null is a special case of it, so that it is not at its "
            "maximum. Fit it on these rows, from more starts (n_init) or others."
        )
