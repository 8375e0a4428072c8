"""Why EM climbs: bounds that touch the likelihood from below."""

from numbers import Integral, Real
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._validation import Column, Floats, check_number
from skcoin.inspection._inspected import check_fitted, check_one_coin
from skcoin.inspection._paths import lower_bounds, telling_start
from skcoin.plotting._display import Display, Labels, MaybeAxes, pyplot, style

if TYPE_CHECKING:
    from matplotlib.lines import Line2D


class LowerBoundDisplay(Display):
    r"""The likelihood along one coin, and the bounds that EM climbs by.

    All but the ``theta`` of one coin stands as fitted. At ``theta_t``, with ``a_t`` and ``b_t``
    the heads and tails that the E-step expects of the coin, the bound is

    .. math::

        g_t(\theta) = \ell(\theta_t) + a_t \log \frac{\theta}{\theta_t}
                      + b_t \log \frac{1 - \theta}{1 - \theta_t} .

    By Jensen's inequality it is nowhere above the log-likelihood ``l``; it touches it at
    ``theta_t``; and its maximum is the M-step's ``theta_{t+1} = a_t / (a_t + b_t)``, where the
    log-likelihood can only be higher [1]_. The log prior and known coins are part of ``l``, as in
    ``fit``, and the heads and tails that they are sure of part of ``a_t`` and ``b_t``.

    Of a coin that varies the bound is, with its posterior ``r_t`` of the rows of multiplicity
    ``m_i``, ``l(theta_t) + sum_i m_i r_ti log(f(x_i | theta) / f(x_i | theta_t))``, and the M-step
    one step of Newton on it, which ends near its maximum.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    grid : ndarray of shape (n_grid,)
        The thetas around the path and the fitted one that are drawn, in [0, 1].
    objective : ndarray of shape (n_grid,)
        ``l`` on the grid, of all rows, natural log, minus infinity where a row is impossible.
    bounds : ndarray of shape (n_steps, n_grid)
        ``g_t`` on the grid.
    path : ndarray of shape (n_steps + 1,)
        ``theta_t``.
    path_objective : ndarray of shape (n_steps + 1,)
        ``l(theta_t)``.
    coin : int
        Which coin it is.
    with_prior : bool, default=False
        Whether a log prior is part of ``l``.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    line_ : matplotlib Line2D
        The log-likelihood.
    bound_lines_ : list of matplotlib Line2D
        The bounds; the legend names the first six.
    path_ : matplotlib Line2D
        The iterates, as points on the log-likelihood.

    See Also
    --------
    ConvergenceDisplay : How many steps that takes.

    References
    ----------
    .. [1] Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from
       incomplete data via the EM algorithm. Journal of the Royal Statistical Society, Series B,
       39(1), 1-38.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.plotting import LowerBoundDisplay
    >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
    >>> model = BinomialMixture(theta_init=[0.6, 0.5], learn_weights=False).fit(X)
    >>> display = LowerBoundDisplay.from_estimator(model, X, coin=0, start=0.3)
    >>> bool((display.bounds <= display.objective + 1e-9).all())
    True
    >>> display.path.round(3)
    array([0.3  , 0.47 , 0.621, 0.716])
    """

    line_: "Line2D"
    bound_lines_: "list[Line2D]"
    path_: "Line2D"

    def __init__(
        self,
        *,
        grid: Floats,
        objective: Floats,
        bounds: Floats,
        path: Floats,
        path_objective: Floats,
        coin: int,
        with_prior: bool = False,
    ) -> None:
        self.grid = grid
        self.objective = objective
        self.bounds = bounds
        self.path = path
        self.path_objective = path_objective
        self.coin = coin
        self.with_prior = with_prior

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        coins: Column = None,
        coin: int = 0,
        start: float | None = None,
        n_steps: int = 3,
        labels: Labels = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Take steps of EM along one coin of a fitted model, and draw them.

        Parameters
        ----------
        estimator : BinomialMixture, BetaBinomialMixture or ThreeCoinModel
            Fitted. It is not changed.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the estimator.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
        coins : array-like of shape (n_samples,), default=None
            The known coins, -1 where hidden.
        coin : int, default=0
            The one whose theta moves, from 0 to ``n_components - 1``.
        start : float, default=None
            Its first theta, in (0, 1); by default off the fitted one towards the farther of 0 and
            1, where the log-likelihood has lost half of what it loses halfway to there.
        n_steps : int, default=3
            Steps to take, at least 1.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : LowerBoundDisplay
            With its arrays, drawn.

        Raises
        ------
        ValueError
            If ``coin``, ``start`` or ``n_steps`` is out of its range, or the data are not as in
            ``fit``.
        TypeError
            If one of them is no number of its kind.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import LowerBoundDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = LowerBoundDisplay.from_estimator(BinomialMixture().fit(X), X, n_steps=2)
        >>> len(display.path), len(display.bounds)
        (3, 2)
        """
        pyplot(cls)
        check_one_coin(
            estimator,
            "this picture moves the theta of one coin",
            "Draw a ConvergenceDisplay.",
        )
        fitted = check_fitted(estimator, X, sample_weight, coins)
        n_coins = fitted.specification.n_components
        check_number(coin, "coin", Integral, min_val=0, max_val=n_coins - 1)
        check_number(n_steps, "n_steps", Integral, min_val=1)
        if start is None:
            start = telling_start(fitted, coin)
        check_number(start, "start", Real, min_val=0, max_val=1, include_boundaries="neither")
        steps = lower_bounds(fitted, coin, start, n_steps)
        return cls(
            grid=steps.grid,
            objective=steps.objective,
            bounds=steps.bounds,
            path=steps.path,
            path_objective=steps.path_objective,
            coin=coin,
            with_prior=bool(max(*fitted.recipe.theta_prior, fitted.recipe.weights_prior) > 1),
        ).plot(ax, labels=labels)

    def _draw(self, ax):
        (self.line_,) = ax.plot(
            self.grid, self.objective, color="black", linewidth=2, label="log P(x; θ)"
        )
        self.bound_lines_ = []
        for t, bound in enumerate(self.bounds):
            name = f"$g_{{{t}}}$" if t < 6 else None
            line = style(t) | {"marker": None}
            self.bound_lines_ += ax.plot(self.grid, bound, **line, label=name)
            following, height = self.path[t + 1], self.path_objective[t + 1]
            top = np.interp(following, self.grid, bound)
            ax.vlines(following, top, height, color=line["color"], alpha=0.6)
        (self.path_,) = ax.plot(self.path, self.path_objective, "ko", label="$θ_t$")
        self._name_points(ax)
        seen = self.objective[np.isfinite(self.objective)]
        top, bottom = max([*seen, self.path_objective[-1]]), self.path_objective[0]
        room = max(top - bottom, 1e-6 * max(1, abs(top)))
        ax.set(
            xlabel=f"θ of coin {self.coin}, all else as fitted",
            ylabel="log-likelihood" + self.with_prior * " + log prior",
            xlim=(self.grid[0], self.grid[-1]),
            ylim=(bottom - 0.6 * room, top + 0.2 * room),
        )
        ax.legend()

    def _name_points(self, ax):
        """Write the names of the iterates where the curve is not and they have room."""
        aside = (-17, 4) if self.path[-1] > self.path[0] else (6, 4)
        last = np.inf
        for t, place in enumerate(zip(self.path, self.path_objective, strict=True)):
            if abs(place[0] - last) > 0.045 * np.ptp(self.grid):
                ax.annotate(f"$θ_{{{t}}}$", place, xytext=aside, textcoords="offset points")
                last = place[0]
