"""The optimality gap: what any other mixture could still gain."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._families import BINOMIAL
from skcoin._families.gradient_function import (
    log_gradient_on,
    most_gain,
    rounding_of,
    supremum,
)
from skcoin._families.nonparametric import ceiling
from skcoin._families.rates import grid_for
from skcoin._validation import Column
from skcoin.inspection._inspected import check_fitted, check_one_coin
from skcoin.inspection._tables import AsFrame, Result, frame_maker, one_row


def optimality_gap(
    model: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    as_frame: AsFrame = False,
) -> Any:
    r"""How much log-likelihood any mixture of binomials could still gain over a model.

    Any: of any number of coins, with any thetas and weights, and so of any distribution of theta.
    No mixture is better than the nonparametric optimum, which
    :class:`~skcoin.NonparametricBinomialMixture` finds with a certificate: the gap is its
    log-likelihood plus what its certificate leaves open, 1e-4 or less, minus the model's. A gap of
    zero certifies that the model is the best of all mixtures; a positive one is what more coins,
    or a better maximum, could bring.

    The search needs more than one look. What one look from the model proves is
    ``one_step``: with the gradient function

    .. math::

        D(\theta) = \sum_i m_i \left( \frac{f(x_i \mid \theta)}{f(x_i)} - 1 \right) ,

    where ``f(x_i)`` is the model's density, ``m_i`` the weight of row ``i`` and ``W`` their sum
    over the rows that hold a toss, no mixture has a total log-likelihood of more than the model's
    plus ``W log(1 + sup D / W)`` [1]_. Near the optimum it is nearly as sharp, far away it says
    little.

    Parameters
    ----------
    model : BinomialMixture, BetaBinomialMixture, ThreeCoinModel or NonparametricBinomialMixture
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Tosses in the layout of the model.
    sample_weight : array-like of shape (n_samples,), default=None
        How often each row counts.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has one row, without the grid.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`, or a data frame
        ``gap`` : float, at least 0
            In total log-likelihood (natural log); at most 1e-4, or 1e-13 of the weight of all rows,
            above the truth, but for rounding.
        ``one_step`` : float, at least 0
            The bound from the gradient function alone.
        ``theta`` : float in [0, 1]
            Where a further coin would help most: at which ``D`` is largest.
        ``grid`` : ndarray of shape (n_grid,)
            Thetas from 0 to 1, eight to the width of the likelihood of the longest row.
        ``gradient`` : ndarray of shape (n_grid,)
            ``D`` on the grid; infinite where no float is large enough.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If X or ``sample_weight`` is not as in ``fit``, or X holds no toss.
    ImportError
        If the library of ``as_frame`` is missing.

    See Also
    --------
    skcoin.BinomialMixture.score : Mean log-likelihood per row.

    Notes
    -----
    The log-likelihood is concave in the mixing distribution, and ``D`` its directional derivative
    towards a single coin. Its supremum is found on the grid and refined around the highest maxima.
    Priors and known coins play no part: the bound is about the likelihood of hidden coins. Coins
    that vary are mixtures of binomials themselves, and so below the same optimum.

    References
    ----------
    .. [1] Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory. Annals of
       Statistics, 11(1), 86-94.

    Examples
    --------
    Two coins leave something to gain on the families of Saxony, four nothing:

    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_saxony
    >>> from skcoin.inspection import optimality_gap
    >>> families = load_saxony()
    >>> X, times = families.data, families.sample_weight
    >>> two = BinomialMixture(2).fit(X, sample_weight=times)
    >>> optimality_gap(two, X, sample_weight=times).gap > 1.6
    True
    >>> four = BinomialMixture(4).fit(X, sample_weight=times)
    >>> abs(optimality_gap(four, X, sample_weight=times).gap) < 1e-3
    True
    """
    to_frame = frame_maker(as_frame)
    check_one_coin(
        model,
        "the nonparametric optimum bounds mixtures with one coin a row",
        "Compare numbers of classes by compare_n_components or likelihood_ratio_test.",
    )
    fitted = check_fitted(model, X, sample_weight)
    bounds = bounds_of(fitted.mixture, fitted.counts)
    if to_frame is None:
        return bounds
    return to_frame(one_row({name: bounds[name] for name in ("gap", "one_step", "theta")}))


def gap_of(mixture, counts, highest=None):
    """How far a mixture is below what no mixture exceeds on counts of rows that hold a toss.

    ``highest`` is that, without binomial coefficients, where it is known.
    """
    highest = highest_of(counts) if highest is None else highest
    log_fitted = mixture.log_density_as(BINOMIAL, counts.heads, counts.tails)
    return max(float(highest - counts.multiplicity @ log_fitted), 0.0)


def highest_of(counts):
    """What the log-likelihood of no mixture exceeds, without binomial coefficients."""
    return ceiling(counts.heads, counts.tails, counts.multiplicity)


def bounds_of(mixture, counts):
    """What ``optimality_gap`` returns, of a mixture on counts of rows that hold a toss."""
    columns = counts.heads, counts.tails, counts.multiplicity
    log_fitted = mixture.log_density_as(BINOMIAL, counts.heads, counts.tails)
    grid = grid_for(counts.heads, counts.tails, per_width=8)
    value = log_gradient_on(grid, log_fitted, *columns)
    theta, height = supremum(grid, value, log_fitted, *columns)
    with np.errstate(over="ignore"):
        gradient = np.exp(value) - counts.n_rows
    bound = most_gain(height, counts.n_rows) + rounding_of(log_fitted, counts.multiplicity)
    bound = float(bound)
    gap = min(gap_of(mixture, counts), bound)
    return Result(gap=gap, one_step=bound, theta=float(theta), grid=grid, gradient=gradient)
