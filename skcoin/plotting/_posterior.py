"""Raw rates and what the mixture makes of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture, check_model, map_model
from skcoin._validation import Column, Floats, check_level
from skcoin._warnings import warn_of_excluded
from skcoin.inspection._inspected import check_fitted, check_one_coin
from skcoin.plotting._display import (
    COLORS,
    HEIGHT,
    Display,
    Labels,
    MaybeAxes,
    check_names,
    part_names_from_labels,
    pyplot,
)

if TYPE_CHECKING:
    from matplotlib.collections import LineCollection, PathCollection
    from matplotlib.lines import Line2D


class PosteriorDisplay(Display):
    """Each row's own rate of heads against the shrunken one, with intervals.

    The shrunken rate is the posterior mean of the heads probability of the row's coin,
    ``E[theta | h, t] = sum_k r_k theta_k``, as from ``posterior_mean``. The interval runs between
    the quantiles ``(1 - level) / 2`` and ``(1 + level) / 2`` of the same posterior, as from
    ``posterior_interval``. Of coins that do not vary it holds their thetas only: both ends are
    thetas, and it covers at least ``level``. The coins are taken as known, so that intervals are
    too short where the fit itself is in doubt.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    raw : ndarray of shape (n_points,)
        Heads over tosses, NaN where there is no toss.
    shrunken : ndarray of shape (n_points,)
        Posterior means, in [0, 1].
    intervals : ndarray of shape (n_points, 2)
        Of the same thetas.
    rows : ndarray of shape (n_points,)
        How many rows a point stands for, by weight.
    level : float
        Of the intervals.
    names : sequence of str, default=None
        A name for each point.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    points_ : matplotlib PathCollection or Line2D
        The shrunken rates.
    raw_ : matplotlib Line2D
        The raw rates: a diagonal, or points where rows have names.
    interval_lines_ : matplotlib LineCollection

    See Also
    --------
    MixtureDisplay : All rows at once.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_efron_morris
    >>> from skcoin.plotting import PosteriorDisplay
    >>> players = load_efron_morris()
    >>> model = BinomialMixture(2).fit(players.data)
    >>> display = PosteriorDisplay.from_estimator(model, players.data, names=players.players)
    >>> print(f"{display.names[0]}: {display.raw[0]:.3f} becomes {display.shrunken[0]:.3f}")
    Roberto Clemente: 0.400 becomes 0.285
    """

    points_: "PathCollection | Line2D"
    raw_: "Line2D"
    interval_lines_: "LineCollection"

    def __init__(
        self,
        *,
        raw: Floats,
        shrunken: Floats,
        intervals: Floats,
        rows: Floats,
        level: float,
        names: Sequence[str] | None = None,
    ) -> None:
        self.raw = raw
        self.shrunken = shrunken
        self.intervals = intervals
        self.rows = rows
        self.level = level
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        level: float = 0.95,
        names: Column = None,
        labels: Labels | Column = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Shrink the rates of rows by a fitted model, and draw them.

        Parameters
        ----------
        estimator : BinomialMixture, BetaBinomialMixture or ThreeCoinModel
            Fitted.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the estimator.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts: the area of its point. Not with ``names``.
        level : float, default=0.95
            Of the intervals, in (0, 1).
        names : array-like of shape (n_samples,), default=None
            Names of the rows. With them every row has a line of its own, in the order of X;
            without, every distinct row is a point.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`. What is no
            mapping is read as ``names``, which had this name in version 0.1.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : PosteriorDisplay
            With its arrays, drawn.

        Raises
        ------
        ValueError
            If X is not as in ``fit``, or ``level``, ``names`` or ``labels`` not as above.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import PosteriorDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = PosteriorDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> display.raw
        array([0.4, 0.5, 0.7, 0.8, 0.9])
        """
        pyplot(cls)
        check_level(level)
        names, labels = part_names_from_labels(names, labels)
        check_one_coin(
            estimator,
            "a rate is drawn of one coin a row",
            "Read posterior_mean and posterior_interval, coin by coin.",
        )

        def read(mixture, heads, tails):
            return _read(mixture, heads, tails, level)

        if names is None:
            fitted = check_fitted(estimator, X, sample_weight)
            counts = fitted.counts
            values = read(fitted.mixture, counts.heads, counts.tails)
            rows = counts.multiplicity
            warn_of_excluded(fitted.mixture, counts.heads, counts.tails, rows)
        else:
            check_model(estimator)
            if sample_weight is not None:
                raise ValueError("names are of rows one by one: leave out sample_weight, or names.")
            values = map_model(estimator, X, read, (4,))
            names = check_names(names, len(values), "rows of X")
            rows = np.ones(len(values))
        raw, shrunken, *ends = values.T
        return cls(
            raw=raw,
            shrunken=shrunken,
            intervals=np.column_stack(ends),
            rows=rows,
            level=level,
            names=names,
        ).plot(ax, labels=labels)

    def _height(self):
        return max(HEIGHT, 1 + 0.22 * len(self.names or []))

    def _draw(self, ax):
        interval = {"color": COLORS[0], "alpha": 0.35, "label": f"{100 * self.level:g}% interval"}
        shrunken = {"color": COLORS[0], "zorder": 3, "label": "posterior mean"}
        if self.names is None:
            area = 12 + 60 * self.rows / self.rows.max()
            self.interval_lines_ = ax.vlines(self.raw, *self.intervals.T, **interval)
            self.points_ = ax.scatter(self.raw, self.shrunken, area, **shrunken)
            ends = [np.nanmin(self.raw), np.nanmax(self.raw)]
            (self.raw_,) = ax.plot(ends, ends, color="black", linestyle=":", label="raw rate")
            ax.set(xlabel="heads over tosses", ylabel="probability of heads, given the row")
        else:
            place = np.arange(len(self.raw))
            self.interval_lines_ = ax.hlines(place, *self.intervals.T, **interval, linewidth=4)
            (self.points_,) = ax.plot(self.shrunken, place, "o", **shrunken)
            (self.raw_,) = ax.plot(
                self.raw, place, "o", color="black", markerfacecolor="white", label="raw rate"
            )
            ax.set(xlabel="probability of heads", yticks=place, yticklabels=self.names)
            ax.yaxis.set_inverted(True)
        ax.legend()


def _read(mixture, heads, tails, level):
    """Raw rate, posterior mean, and both ends of the interval, of each row."""
    tosses = heads + tails
    raw = np.divide(heads, tosses, out=np.full(len(heads), np.nan), where=tosses > 0)
    mean, _ = mixture.moments(mixture.posterior(heads, tails), heads, tails)
    ends = mixture.interval(heads, tails, level)
    return np.column_stack([raw, mean, ends])
