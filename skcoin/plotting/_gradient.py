"""Where a further coin would help."""

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._validation import Column, Floats
from skcoin.inspection._inspected import check_fitted, check_one_coin
from skcoin.inspection._optimality_gap import bounds_of
from skcoin.plotting._display import COLORS, Display, Labels, MaybeAxes, pyplot

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

MOST = 1e200  # more is too much for an axis


class GradientDisplay(Display):
    """The gradient function behind the optimality gap.

    ``D(theta) / W``, the gain per row and share of weight that a further coin would begin with, as
    in :func:`~skcoin.inspection.optimality_gap`. At the best of all mixtures it is nowhere
    positive, and zero at every coin that has weight. Far from it the gap, ``W log(1 + sup D / W)``,
    is a bound that more coins may not come near. Thetas that no row suggests, where the function
    is at its least, -1, are not drawn. Where it exceeds 10 the axis is that of its inverse
    hyperbolic sine: linear near zero, logarithmic beyond.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    grid : ndarray of shape (n_grid,)
        Thetas from 0 to 1.
    gradient : ndarray of shape (n_grid,)
        ``D / W`` on the grid, at least -1; infinite where no float is large enough.
    best : float
        The theta at which it is largest.
    highest : float
        ``D / W`` there.
    gap : float
        What any mixture could still gain at most, in log-likelihood of all rows.
    theta : ndarray of shape (n_components,)
        The coins of the estimator.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    line_ : matplotlib Line2D
        The gradient function.
    coins_ : matplotlib Line2D
        The coins of the estimator, on the zero line.
    best_ : matplotlib Line2D
        Where a further coin would help most.

    See Also
    --------
    skcoin.inspection.optimality_gap : The numbers.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.plotting import GradientDisplay
    >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
    >>> display = GradientDisplay.from_estimator(BinomialMixture(1).fit(X), X)
    >>> print(f"{display.gap:.2f} at most, most of all from a coin of {display.best:.2f}")
    0.48 at most, most of all from a coin of 0.86
    """

    line_: "Line2D"
    coins_: "Line2D"
    best_: "Line2D"

    def __init__(
        self,
        *,
        grid: Floats,
        gradient: Floats,
        best: float,
        highest: float,
        gap: float,
        theta: Floats,
    ) -> None:
        self.grid = grid
        self.gradient = gradient
        self.best = best
        self.highest = highest
        self.gap = gap
        self.theta = theta

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        labels: Labels = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Compute the gradient function of a fitted model, and draw it.

        Parameters
        ----------
        estimator : BinomialMixture or ThreeCoinModel
            Fitted.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the estimator.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : GradientDisplay
            With its arrays, drawn.

        Raises
        ------
        ValueError
            If X or ``sample_weight`` is not as in ``fit``, or X holds no toss.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import GradientDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = GradientDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> print(f"{display.gap:.4f}")
        0.0000
        """
        pyplot(cls)
        check_one_coin(
            estimator,
            "the nonparametric optimum is that of one coin a row",
            "Compare numbers of classes by compare_n_components.",
        )
        fitted = check_fitted(estimator, X, sample_weight)
        bound, n_rows = bounds_of(fitted.mixture, fitted.counts), fitted.counts.n_rows
        with np.errstate(over="ignore"):
            highest = float(np.expm1(bound.one_step / n_rows))
        return cls(
            grid=bound.grid,
            gradient=bound.gradient / n_rows,
            best=bound.theta,
            highest=highest,
            gap=bound.gap,
            theta=fitted.mixture.theta,
        ).plot(ax, labels=labels)

    def _draw(self, ax):
        marks = {"linestyle": "none", "clip_on": False, "zorder": 3}
        gain = f"{self.gap:.3f}" if self.gap < 1 else f"{self.gap:,.4g}"
        ax.axhline(0, color="black", linewidth=0.8)
        (self.line_,) = ax.plot(
            self.grid, np.minimum(self.gradient, MOST), color=COLORS[0], label="D(θ) / W"
        )
        (self.best_,) = ax.plot(
            self.best,
            min(self.highest, MOST),
            color=COLORS[1],
            marker="^",
            markersize=10,
            label=f"largest: at most {gain} to gain",
            **marks,
        )
        (self.coins_,) = ax.plot(
            self.theta, 0 * self.theta, color="black", marker="o", label="coins", **marks
        )
        if self.highest > 10:
            ax.set_yscale("asinh", linear_width=1)
        told = np.concatenate([self.grid[self.gradient > -0.99], self.theta, [self.best]])
        room = 0.05 * np.ptp(told)
        ax.set(
            xlabel="θ of a further coin",
            ylabel="gain per row and share of weight",
            xlim=(max(told.min() - room, 0), min(told.max() + room, 1)),
        )
        ax.legend()
