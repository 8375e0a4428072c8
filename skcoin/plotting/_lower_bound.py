"""Why EM climbs: bounds that touch the likelihood from below."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from scipy.special import xlog1py, xlogy
from sklearn.utils import check_scalar

from skcoin._likelihood import Coins, em_step, expect
from skcoin.inspection._fitted import look_at
from skcoin.plotting._display import Display, looks

N_GRID = 1001


class LowerBoundDisplay(Display):
    """The likelihood along one coin, and the bounds that EM climbs by.

    All but the ``theta`` of one coin stands as fitted. At ``theta_t``, with ``a_t`` and ``b_t``
    the heads and tails that the E-step expects of the coin, the bound is ``g_t(theta) =``

        ``l(theta_t) + a_t log(theta / theta_t) + b_t log((1 - theta) / (1 - theta_t))``.

    By Jensen's inequality it is nowhere above the log-likelihood ``l``; it touches it at
    ``theta_t``; and its maximum is the M-step's ``theta_{t+1} = a_t / (a_t + b_t)``, where the
    log-likelihood can only be higher [1]_. Priors and known coins are part of ``l``, as in ``fit``.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    theta : ndarray of shape (n_grid,)
        The thetas around the path and the fitted one that are drawn, in [0, 1].
    log_likelihood : ndarray of shape (n_grid,)
        Of all rows, natural log, minus infinity where a row is impossible.
    bounds : ndarray of shape (n_steps, n_grid)
        ``g_t`` on the grid.
    path : ndarray of shape (n_steps + 1,)
        ``theta_t``.
    path_log_likelihood : ndarray of shape (n_steps + 1,)
        ``l(theta_t)``.
    coin : int
        Which coin it is.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    line_ : matplotlib Line2D
        The log-likelihood.
    bound_lines_ : list of matplotlib Line2D
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
    >>> bool((display.bounds <= display.log_likelihood + 1e-9).all())
    True
    >>> display.path.round(3)
    array([0.3  , 0.47 , 0.621, 0.716])
    """

    def __init__(self, *, theta, log_likelihood, bounds, path, path_log_likelihood, coin):
        self.theta = theta
        self.log_likelihood = log_likelihood
        self.bounds = bounds
        self.path = path
        self.path_log_likelihood = path_log_likelihood
        self.coin = coin

    @classmethod
    def from_estimator(
        cls, model, X, *, sample_weight=None, coins=None, coin=0, start=None, n_steps=3, ax=None
    ):
        """Take steps of EM along one coin of a fitted model, and draw them.

        Parameters
        ----------
        model : BinomialMixture or ThreeCoinModel
            Fitted. It is not changed.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the model.
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
        >>> display = LowerBoundDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> display.bounds.shape
        (3, 1001)
        """
        fitted = look_at(model, X, sample_weight, coins)
        last = len(model.theta_) - 1
        check_scalar(coin, "coin", Integral, min_val=0, max_val=last)
        check_scalar(n_steps, "n_steps", Integral, min_val=1)
        evidence = replace(
            fitted.evidence, learn_theta=np.arange(last + 1) == coin, learn_weights=False
        )
        if start is None:
            start = _start(fitted.coins, coin, evidence)
        check_scalar(start, "start", Real, min_val=0, max_val=1, include_boundaries="neither")

        path, expectations = [], []
        moved = _along(fitted.coins, coin, [start])
        expected = expect(moved, evidence)
        for _ in range(n_steps + 1):
            path.append(moved.theta[0, coin])
            expectations.append(expected)
            moved, expected = em_step(expected, moved, evidence)
        path = np.array(path)
        log_ways = fitted.counts.rows @ model._log_ways(fitted.counts.heads, fitted.counts.tails)
        heights = np.array([e.objective[0] for e in expectations]) + log_ways

        grid = _around([*path, fitted.coins.theta[coin]])
        bounds = [
            height + _log_tosses(e, coin, grid) - _log_tosses(e, coin, theta)
            for theta, height, e in zip(path[:-1], heights[:-1], expectations[:-1], strict=True)
        ]
        return cls(
            theta=grid,
            log_likelihood=expect(_along(fitted.coins, coin, grid), evidence).objective + log_ways,
            bounds=np.array(bounds),
            path=path,
            path_log_likelihood=heights,
            coin=coin,
        ).plot(ax)

    def plot(self, ax=None):
        """Draw the log-likelihood, the bounds below it, and the iterates on it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : LowerBoundDisplay
            Itself.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import LowerBoundDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = LowerBoundDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> display = display.plot(ax=display.ax_)
        """
        ax = self._open(ax)
        (self.line_,) = ax.plot(
            self.theta, self.log_likelihood, color="black", linewidth=2, label="log P(x; θ)"
        )
        self.bound_lines_ = []
        for t, (bound, look) in enumerate(zip(self.bounds, looks(len(self.bounds)), strict=True)):
            look = look | {"marker": None}
            self.bound_lines_ += ax.plot(self.theta, bound, **look, label=f"$g_{{{t}}}$")
            peak = self.path[t + 1]
            top = np.interp(peak, self.theta, bound)
            ax.vlines(peak, top, self.path_log_likelihood[t + 1], color=look["color"], alpha=0.6)
        (self.path_,) = ax.plot(
            self.path, self.path_log_likelihood, "o", color="black", label="$θ_t$"
        )
        aside = (-17, 4) if self.path[-1] > self.path[0] else (6, 4)  # where the curve is not
        for t, place in enumerate(zip(self.path, self.path_log_likelihood, strict=True)):
            ax.annotate(f"$θ_{{{t}}}$", place, xytext=aside, textcoords="offset points")
        seen = self.log_likelihood[np.isfinite(self.log_likelihood)]
        top, bottom = max(seen.max(), self.path_log_likelihood[-1]), self.path_log_likelihood[0]
        room = max(top - bottom, 1e-9 * abs(top))
        ax.set(
            xlabel=f"θ of coin {self.coin}, all else as fitted",
            ylabel="log-likelihood",
            xlim=(self.theta[0], self.theta[-1]),
            ylim=(bottom - 0.6 * room, top + 0.2 * room),
        )
        ax.legend()
        return self


def _along(coins, coin, thetas):
    """Starts that differ in the theta of one coin."""
    theta = np.tile(coins.theta, (len(thetas), 1))
    theta[:, coin] = thetas
    return Coins(theta, np.tile(coins.weights, (len(thetas), 1)))


def _start(coins, coin, evidence):
    """A theta from which steps can be seen: neither at the maximum nor where all is flat."""
    here = coins.theta[coin]
    thetas = np.linspace((here + (here < 0.5)) / 2, here, N_GRID)
    height = expect(_along(coins, coin, thetas), evidence).objective
    return float(thetas[np.abs(height - (height[0] + height[-1]) / 2).argmin()])


def _around(thetas):
    """A grid over some thetas and the room that a picture of them needs."""
    low, high = min(thetas), max(thetas)
    room = 0.6 * (high - low)
    return np.linspace(max(low - room, 0), min(high + room, 1), N_GRID)


def _log_tosses(expected, coin, theta):
    """Log-probability of the tosses that an E-step expects of a coin."""
    heads, tails = expected.heads[0, coin], expected.tails[0, coin]
    return xlogy(heads, theta) + xlog1py(tails, -theta)
