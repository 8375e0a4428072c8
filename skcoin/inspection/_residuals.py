"""Residuals that are exactly normal where the model is true."""

from numbers import Real
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri_exp
from sklearn.utils import check_random_state

from skcoin._base import BaseMixture, check_model, map_model
from skcoin._layouts import coin_names
from skcoin._validation import Floats, Seed, check_number
from skcoin.inspection._predictive import log_tails, refuse_fractions
from skcoin.inspection._tables import AsFrame, frame_maker

LEAST = 2.0**-54  # of a place; at 0 itself a residual would be infinite
MOST_DRAWN = 2**17  # residuals of one table


@overload
def quantile_residuals(
    model: BaseMixture,
    X: ArrayLike,
    random_state: Seed = None,
    *,
    place: float | None = None,
    as_frame: Literal[False] = False,
) -> Floats: ...


@overload
def quantile_residuals(
    model: BaseMixture,
    X: ArrayLike,
    random_state: Seed = None,
    *,
    place: float | None = None,
    as_frame: AsFrame,
) -> Any: ...


def quantile_residuals(
    model: BaseMixture,
    X: ArrayLike,
    random_state: Seed = None,
    *,
    place: float | None = None,
    as_frame: AsFrame = False,
) -> Any:
    r"""The quantile of each row under the model, as that of a normal distribution.

    With ``F`` the distribution function of the heads of a row of ``n`` tosses, and ``U`` uniform
    on (0, 1), the randomised quantile residual [1]_

    .. math::

        q = \Phi^{-1}\bigl( F(h - 1) + U f(h) \bigr) , \quad f(h) = F(h) - F(h - 1)

    has exactly the standard normal distribution if the model is true, whatever the numbers of
    tosses. Residuals that spread more than that tell of overdispersion, one beyond 4 of a row that
    does not belong there. That the coins were fitted makes them a little narrower.

    Parameters
    ----------
    model : BinomialMixture, BetaBinomialMixture or another
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Tosses in the layout of the fit, in whole numbers. Where a cell is a toss, their order
        plays no part.
    random_state : int, RandomState instance or None, default=None
        What draws ``U``, row by row.
    place : float, default=None
        In [0, 1], a value for ``U`` instead, the same for all rows: 0.5 gives residuals that are
        not random, and not quite normal.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has a row for each row of X, with the index of X where both are of pandas, and
        one column, ``residual``; of a ProductBinomialMixture a column for each coin, by the names
        of those of heads.

    Returns
    -------
    residuals : ndarray of shape (n_samples,), or a data frame
        Of a ProductBinomialMixture (n_samples, n_coins). NaN for a row or a coin without tosses;
        infinite for one that no coin can show, and for a place of 0
        or 1 at an end of what can be seen.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If X is not as in ``fit``, or holds counts that are not whole, or ``place`` is not in
        [0, 1].
    ImportError
        If the library of ``as_frame`` is missing.

    Warns
    -----
    UserWarning
        If no coin can show some rows.

    See Also
    --------
    goodness_of_fit : One answer for all rows.
    skcoin.plotting.ResidualDisplay : The residuals, against those of a normal distribution.

    Notes
    -----
    ``F(h - 1)`` and ``1 - F(h)`` are each summed from their own end, and the smaller side is
    inverted by its logarithm: residuals of 30 have all their digits. Of rows of very many tosses,
    those that have millions of heads to show, the distribution function is that of its family, and
    its digits are relative to one.

    Of several coins in a row each has its own, by the mixture of all classes with ``weights_``,
    whatever the other coins of the row show. Each is exactly standard normal under the model; those
    of one row depend on each other, as they are of one class.

    References
    ----------
    .. [1] Dunn, P. K. and Smyth, G. K. (1996). Randomized quantile residuals. Journal of
       Computational and Graphical Statistics, 5(3), 236-244.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import quantile_residuals
    >>> X = load_rat_tumours().data
    >>> q = quantile_residuals(BinomialMixture(2).fit(X), X, random_state=0)
    >>> print(f"standard deviation {q.std():.2f}, from {q.min():.2f} to {q.max():.2f}")
    standard deviation 0.92, from -1.54 to 2.10
    """
    to_frame = frame_maker(as_frame)
    check_model(model)
    if place is not None:
        check_number(place, "place", Real, min_val=0, max_val=1)
    of_rows = map_model(model, X, _log_tails, (*model.theta_.shape[1:], 3))
    of_rows = np.moveaxis(of_rows, -1, 0)
    if place is None:
        place = draw_places(check_random_state(random_state), of_rows.shape[1:])
    residuals = residuals_at(place, of_rows)
    if to_frame is None:
        return residuals
    names = coin_names(model) or ("residual",)
    frame = to_frame(dict(zip(names, residuals.reshape(len(residuals), -1).T, strict=True)))
    if hasattr(frame, "iloc") and hasattr(X, "iloc"):
        frame.index = X.index
    return frame


def residuals_at(place, log_tails):
    """``Phi^-1`` of ``P(H < h) + U P(H = h)``, or of minus the same from above if that is less.

    Infinite where ``P(H = h)`` is zero, also between coins of 0 and 1.

    Parameters
    ----------
    place : float or ndarray of shape (n_rows,)
        ``U``.
    log_tails : ndarray of shape (3, n_rows)
        ``log P(H < h)``, ``log P(H = h)`` and ``log P(H > h)``.
    """
    below, at, above = log_tails
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN without tosses
        below = np.logaddexp(below, np.log(place) + at)
        above = np.logaddexp(above, np.log1p(-np.asarray(place)) + at)
    lower = below <= above
    q = ndtri_exp(np.minimum(np.where(lower, below, above), 0))
    q = np.where(lower, q, -q)
    return np.where(np.isneginf(at), np.copysign(np.inf, q), q)


def residual_quantiles(mixture, counts, rng, *, n_points):
    """So many of the residuals of all rows, from low to high, the middle ones of equal parts.

    Of very many rows some are drawn.
    """
    n = counts.multiplicity.astype(np.int64)
    if n.sum() > MOST_DRAWN:
        n = rng.multinomial(MOST_DRAWN, n / n.sum())
    row = np.arange(len(n)).repeat(n)
    of_rows = log_tails(mixture, counts.heads, counts.tails)[:, row]
    residuals = np.sort(residuals_at(draw_places(rng, len(row)), of_rows))
    return residuals[(len(row) * middles(n_points)).astype(int)]


def middles(n_points):
    """The middles of equal parts of the interval from 0 to 1."""
    return (np.arange(n_points) + 0.5) / n_points


def draw_places(rng, n):
    """Uniform numbers in the open interval from 0 to 1."""
    return np.maximum(rng.uniform(size=n), LEAST)


def _log_tails(mixture, heads, tails):
    """Of each row, (n_rows, 3) or (n_rows, n_coins, 3), NaN without tosses."""
    if mixture.family.n_axes == 2:
        pairs = zip(heads, tails, strict=True)
        of_coins = [_log_tails(mixture.of_coin(j), *pair) for j, pair in enumerate(pairs)]
        return np.stack(of_coins, axis=1)
    refuse_fractions(heads, tails)
    tossed = heads + tails > 0
    result = np.full((len(heads), 3), np.nan)
    result[tossed] = log_tails(mixture, heads[tossed], tails[tossed]).T
    return result
