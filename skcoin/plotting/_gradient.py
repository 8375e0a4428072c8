"""Where a further coin would help."""

import numpy as np

from skcoin.inspection._fitted import look_at
from skcoin.inspection._optimality_gap import gap_of
from skcoin.plotting._display import COLORS, Display


class GradientDisplay(Display):
    """The gradient function behind the optimality gap.

    ``D(theta) / W``, the gain per row and share of weight that a further coin would begin with,
    as in :func:`~skcoin.inspection.optimality_gap`. At the best of all mixtures it is nowhere
    positive, and zero at every coin that has weight. Where it exceeds 10 the axis is that of its
    inverse hyperbolic sine: about linear between -1, the least there is, and 1, logarithmic beyond.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    grid : ndarray of shape (n_grid,)
        Thetas from 0 to 1.
    gradient : ndarray of shape (n_grid,)
        ``D / W`` on the grid, at least -1; infinite where no float is large enough.
    theta : float
        Where it is largest.
    gap : float
        What any mixture could still gain at most, in log-likelihood of all rows.
    coins : ndarray of shape (n_components,)
        Thetas of the model.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    line_ : matplotlib Line2D
        The gradient function.
    coins_ : matplotlib Line2D
        The coins of the model, on the zero line.
    supremum_ : matplotlib Line2D
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
    >>> print(f"{display.gap:.2f} at most, most of all from a coin of {display.theta:.2f}")
    1.21 at most, most of all from a coin of 0.86
    """

    def __init__(self, *, grid, gradient, theta, gap, coins):
        self.grid = grid
        self.gradient = gradient
        self.theta = theta
        self.gap = gap
        self.coins = coins

    @classmethod
    def from_estimator(cls, model, X, *, sample_weight=None, ax=None):
        """Compute the gradient function of a fitted model, and draw it.

        Parameters
        ----------
        model : BinomialMixture or ThreeCoinModel
            Fitted.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the model.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
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
        fitted = look_at(model, X, sample_weight)
        bound = gap_of(fitted)
        return cls(
            grid=bound.grid,
            gradient=bound.gradient / fitted.counts.rows.sum(),
            theta=bound.theta,
            gap=bound.gap,
            coins=model.theta_,
        ).plot(ax)

    def plot(self, ax=None):
        """Draw the function, the coins of the model and the best place for a further one.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : GradientDisplay
            Itself.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import GradientDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = GradientDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> display = display.plot(ax=display.ax_)
        """
        ax = self._open(ax)
        gradient = np.minimum(self.gradient, 1e200)  # more is too much for an axis
        ax.axhline(0, color="black", linewidth=0.8)
        (self.line_,) = ax.plot(self.grid, gradient, color=COLORS[0], label="D(θ) / W")
        (self.coins_,) = ax.plot(
            self.coins, np.zeros_like(self.coins), "o", color="black", label="coins of the model"
        )
        (self.supremum_,) = ax.plot(
            self.theta,
            np.interp(self.theta, self.grid, gradient),
            "^",
            color=COLORS[1],
            markersize=9,
            label=f"largest: at most {self.gap:.3g} to gain",
        )
        if gradient.max() > 10:
            ax.set_yscale("asinh", linear_width=1)
        ax.set(xlabel="θ of a further coin", ylabel="gain per row and share of weight", xlim=(0, 1))
        ax.legend()
        return self
