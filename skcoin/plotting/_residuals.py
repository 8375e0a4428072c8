"""Quantile residuals against those of a normal distribution."""

from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from sklearn.utils import check_random_state

from skcoin._base import BaseMixture
from skcoin._progress.workers import repeat
from skcoin._validation import Column, Floats, Seed, check_level
from skcoin.inspection._inspected import check_fitted, check_one_coin
from skcoin.inspection._predictive import as_whole
from skcoin.inspection._refits import Refits
from skcoin.inspection._resampling import Simulation
from skcoin.inspection._residuals import middles, residual_quantiles
from skcoin.inspection._text import several
from skcoin.plotting._display import COLORS, GREY, Display, Labels, MaybeAxes, pyplot

if TYPE_CHECKING:
    from matplotlib.collections import FillBetweenPolyCollection, PolyCollection
    from matplotlib.lines import AxLine, Line2D

MOST_POINTS = 500


class ResidualDisplay(Display):
    """Normal Q-Q plot of the quantile residuals, with a band from simulations.

    The residuals of all rows, as :func:`~skcoin.inspection.quantile_residuals` draws them, from the
    lowest to the highest, against what so many of a standard normal distribution would be. If the
    model is true, they lie about the diagonal. How near, the band says: rows are drawn from the
    model, with the numbers of tosses of X, the model is fitted to them, and the residuals are drawn
    of that fit, again and again; of each point, the band holds the share ``level`` in the middle.
    Where all points are looked at, some are outside of it more often than one is.

    A line that is steeper than the diagonal tells of overdispersion, single points far off of rows
    that do not belong there. Of more than 500 rows, 500 quantiles are shown.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    theoretical : ndarray of shape (n_points,)
        Quantiles of the standard normal distribution.
    residuals : ndarray of shape (n_points,)
        Those of the residuals; infinite where no coin can show a row.
    band : ndarray of shape (n_points, 2)
        Lower and upper ends.
    level : float
        Share of the simulations in the band.
    n_rows : float
        Rows, by weight.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    points_ : matplotlib Line2D
        The residuals.
    line_ : matplotlib AxLine
        The diagonal.
    band_ : matplotlib PolyCollection
        The band.

    See Also
    --------
    skcoin.inspection.quantile_residuals : The numbers, row by row.
    RootogramDisplay : The table of counts, cell by cell.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.plotting import ResidualDisplay
    >>> X = load_rat_tumours().data
    >>> display = ResidualDisplay.from_estimator(BinomialMixture(1).fit(X), X, random_state=0)
    >>> low, high = display.band.T
    >>> outside = (display.residuals < low) | (display.residuals > high)
    >>> f"{outside.sum()} of {len(outside)} outside"
    '51 of 71 outside'
    """

    points_: "Line2D"
    line_: "AxLine"
    band_: "FillBetweenPolyCollection | PolyCollection"  # the latter before matplotlib 3.10

    def __init__(
        self,
        *,
        theoretical: Floats,
        residuals: Floats,
        band: Floats,
        level: float,
        n_rows: float,
    ) -> None:
        self.theoretical = theoretical
        self.residuals = residuals
        self.band = band
        self.level = level
        self.n_rows = n_rows

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        level: float = 0.95,
        n_boot: int = 99,
        random_state: Seed = None,
        n_jobs: int | None = None,
        labels: Labels = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Draw residuals of a fitted model and data, and of simulations, and plot them.

        Parameters
        ----------
        estimator : BinomialMixture, BetaBinomialMixture or another of hidden coins
            Fitted.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the estimator, in whole numbers. Where a cell is a toss, their
            order plays no part.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts: rows of the same heads and tails, a whole number of times.
        level : float, default=0.95
            Share of the simulations in the band, in (0, 1).
        n_boot : int, default=99
            Number of simulations, at least 1.
        random_state : int, RandomState instance or None, default=None
            For the residuals and the simulations. The result does not depend on ``n_jobs``.
        n_jobs : int, default=None
            Workers, as joblib counts them.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : ResidualDisplay
            With its arrays, drawn.

        Raises
        ------
        ValueError
            If X is not as in ``fit``, holds no toss, or tosses or weights that are not whole; or if
            ``level`` or ``n_boot`` is not as above.
        TypeError
            If the model is one of several coins a row.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import ResidualDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = ResidualDisplay.from_estimator(BinomialMixture().fit(X), X, random_state=0)
        >>> display.residuals.round(2)
        array([-1.23, -0.79,  0.21,  0.62,  1.31])
        """
        pyplot(cls)
        check_level(level)
        check_one_coin(
            estimator,
            "these residuals are of one coin a row",
            "Plot those of quantile_residuals, coin by coin.",
        )
        fitted = check_fitted(estimator, X, sample_weight)
        counts = as_whole(fitted.counts.tossed)
        n_points = int(min(counts.n_rows, MOST_POINTS))
        random_state = check_random_state(random_state)
        seed = random_state.randint(2**31 - 1)
        read = partial(residual_quantiles, n_points=n_points)
        simulated = repeat(
            Refits(Simulation(counts, fitted.mixture), fitted, read),
            n_boot,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=0,
            callbacks=(),
        )
        beyond = (1 - level) / 2
        return cls(
            theoretical=ndtri(middles(n_points)),
            residuals=read(fitted.mixture, counts, np.random.default_rng(seed)),
            band=np.quantile(simulated, [beyond, 1 - beyond], axis=0).T,
            level=level,
            n_rows=float(counts.n_rows),
        ).plot(ax, labels=labels)

    def _draw(self, ax):
        self.band_ = ax.fill_between(
            self.theoretical,
            *self.band.T,
            color=GREY,
            linewidth=0,
            label=f"{100 * self.level:g}% of simulations",
        )
        self.line_ = ax.axline((0, 0), slope=1, color="black", linewidth=0.8)
        (self.points_,) = ax.plot(
            self.theoretical,
            self.residuals,
            color=COLORS[0],
            marker="o",
            markersize=4,
            linestyle="none",
            label=several(self.n_rows, "row", spec=",.12g"),
        )
        ax.set(xlabel="quantile of a normal distribution", ylabel="quantile residual")
        ax.legend(loc="upper left")
