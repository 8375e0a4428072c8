"""Why EM climbs: bounds that touch the likelihood from below."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from scipy.special import xlog1py, xlogy

from skcoin._likelihood import Coins, em_step, expect
from skcoin._validation import check_number
from skcoin.inspection._fitted import look_at
from skcoin.plotting._display import Display, look, pyplot

N_GRID = 301


class LowerBoundDisplay(Display):
    """The likelihood along one coin, and the bounds that EM climbs by.

    All but the ``theta`` of one coin stands as fitted. At ``theta_t``, with ``a_t`` and ``b_t``
    the heads and tails that the E-step expects of the coin, the bound is ``g_t(theta) =``

        ``l(theta_t) + a_t log(theta / theta_t) + b_t log((1 - theta) / (1 - theta_t))``.

    By Jensen's inequality it is nowhere above the log-likelihood ``l``; it touches it at
    ``theta_t``; and its maximum is the M-step's ``theta_{t+1} = a_t / (a_t + b_t)``, where the
    log-likelihood can only be higher [1]_. The log prior and known coins are part of ``l``, as in
    ``fit``, and the heads and tails that they are sure of part of ``a_t`` and ``b_t``.

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

    def __init__(self, *, grid, objective, bounds, path, path_objective, coin, with_prior=False):
        self.grid = grid
        self.objective = objective
        self.bounds = bounds
        self.path = path
        self.path_objective = path_objective
        self.coin = coin
        self.with_prior = with_prior

    @classmethod
    def from_estimator(
        cls, estimator, X, *, sample_weight=None, coins=None, coin=0, start=None, n_steps=3, ax=None
    ):
        """Take steps of EM along one coin of a fitted model, and draw them.

        Parameters
        ----------
        estimator : BinomialMixture or ThreeCoinModel
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
        fitted = look_at(estimator, X, sample_weight, coins)
        n_coins = len(fitted.coins.theta)
        check_number(coin, "coin", Integral, min_val=0, max_val=n_coins - 1)
        check_number(n_steps, "n_steps", Integral, min_val=1)
        evidence = replace(
            fitted.evidence, learn_theta=np.arange(n_coins) == coin, learn_weights=False
        )
        if start is None:
            start = _start(fitted.coins, coin, evidence)
        check_number(start, "start", Real, min_val=0, max_val=1, include_boundaries="neither")

        path, expectations = _steps(_along(fitted.coins, coin, [start]), evidence, n_steps)
        theta = np.array([coins.theta[0, coin] for coins in path])
        log_ways = estimator._total_log_ways(fitted.counts)
        heights = np.array([expected.objective[0] for expected in expectations]) + log_ways
        grid = _around([*theta, fitted.coins.theta[coin]])
        bounds = [
            heights[t]
            + _log_tosses(expectations[t], coin, grid)
            - _log_tosses(expectations[t], coin, theta[t])
            for t in range(n_steps)
        ]
        return cls(
            grid=grid,
            objective=expect(_along(fitted.coins, coin, grid), evidence).objective + log_ways,
            bounds=np.array(bounds),
            path=theta,
            path_objective=heights,
            coin=coin,
            with_prior=max(*estimator.theta_prior, estimator.weights_prior) > 1,
        ).plot(ax)

    def _draw(self, ax):
        (self.line_,) = ax.plot(
            self.grid, self.objective, color="black", linewidth=2, label="log P(x; θ)"
        )
        self.bound_lines_ = []
        for t, bound in enumerate(self.bounds):
            name = f"$g_{{{t}}}$" if t < 6 else None
            style = look(t) | {"marker": None}
            self.bound_lines_ += ax.plot(self.grid, bound, **style, label=name)
            following, height = self.path[t + 1], self.path_objective[t + 1]
            top = np.interp(following, self.grid, bound)
            ax.vlines(following, top, height, color=style["color"], alpha=0.6)
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


def _along(coins, coin, thetas):
    """Starts that differ in the theta of one coin."""
    theta = np.tile(coins.theta, (len(thetas), 1))
    theta[:, coin] = thetas
    return Coins(theta, np.tile(coins.weights, (len(thetas), 1)))


def _start(coins, coin, evidence):
    """A theta from which steps can be seen: neither at the maximum nor where all is flat."""
    here = coins.theta[coin]
    thetas = np.linspace((here + (here < 0.5)) / 2, here, 51)
    height = expect(_along(coins, coin, thetas), evidence).objective
    possible = np.isfinite(height) & (thetas > 0) & (thetas < 1)
    thetas, height = thetas[possible], height[possible]
    half = (height[0] + height.max()) / 2
    return float(thetas[np.abs(height - half).argmin()])


def _steps(coins, evidence, n_steps):
    """The coins before each step and after the last, and the E-step at each."""
    path, expectations = [coins], [expect(coins, evidence)]
    for _ in range(n_steps):
        moved, expected = em_step(expectations[-1], path[-1], evidence)
        path.append(moved)
        expectations.append(expected)
    return path, expectations


def _around(thetas):
    """A grid over some thetas and the room that a picture of them needs."""
    low, high = min(thetas), max(thetas)
    room = max(0.6 * (high - low), 1e-3)
    return np.linspace(max(low - room, 0), min(high + room, 1), N_GRID)


def _log_tosses(expected, coin, theta):
    """Log-probability of the tosses that an E-step expects of a coin."""
    return xlogy(expected.heads[0, coin], theta) + xlog1py(expected.tails[0, coin], -theta)
