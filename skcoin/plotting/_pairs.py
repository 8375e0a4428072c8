"""Rates of two coins against each other, coloured by class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._layouts import coin_names
from skcoin._validation import Column, Floats
from skcoin._warnings import warn_of_excluded
from skcoin.inspection._inspected import check_fitted, check_several_coins
from skcoin.plotting._display import (
    HEIGHT,
    Display,
    Labels,
    MaybeAxes,
    check_names,
    class_names,
    legend_of_classes,
    part_names_from_labels,
    pyplot,
    style,
)

if TYPE_CHECKING:
    from matplotlib.collections import PathCollection
    from matplotlib.lines import Line2D

MOST_VECTORS = 5000  # points that are drawn one by one in an SVG or PDF
PANEL = 2.2  # inches, of one of several
GAP = 0.06  # between panels, of their size


class PairsDisplay(Display):
    """Rates of heads of the rows, of one coin against another, coloured by class.

    Each distinct row is a point in each panel, at its heads over tosses. Its colour mixes those of
    the classes by their posterior probabilities, so that rows in doubt lie between; the thetas of
    each class are a larger mark. Of more than two coins there is a panel for each pair, below the
    diagonal of a grid.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    rates : ndarray of shape (n_points, n_coins)
        Heads over tosses, NaN where there is no toss.
    posterior : ndarray of shape (n_points, n_components)
        Probability of each class.
    sizes : ndarray of shape (n_points,)
        What the area of each point says, from 0 on.
    theta : ndarray of shape (n_components, n_coins)
        Where the classes are.
    weights : ndarray of shape (n_components,)
        Of the classes.
    names : sequence of str
        A name for each coin.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
        Of more than two coins, the axes hold the panels.
    axes_ : ndarray of shape (n_coins - 1, n_coins - 1), matplotlib Axes
        In ``axes_[j - 1, i]`` coin ``j`` against coin ``i``, and None above the diagonal.
    points_ : list of matplotlib PathCollection
        The rows, one for each panel, row by row of the grid.
    centers_ : list of matplotlib Line2D
        The classes, in the first panel.

    See Also
    --------
    ProfileDisplay : The thetas alone, with intervals; also of single tosses.

    Examples
    --------
    >>> from skcoin import ProductBinomialMixture
    >>> from skcoin.plotting import PairsDisplay
    >>> X = [[5, 5, 1, 9], [9, 1, 7, 3], [8, 2, 9, 1], [4, 6, 0, 10], [7, 3, 8, 2]]
    >>> display = PairsDisplay.from_estimator(ProductBinomialMixture().fit(X), X)
    >>> display.rates[:2]
    array([[0.4, 0. ],
           [0.5, 0.1]])
    """

    axes_: "np.ndarray[tuple[int, int], np.dtype[np.object_]]"
    points_: "list[PathCollection]"
    centers_: "list[Line2D]"

    def __init__(
        self,
        *,
        rates: Floats,
        posterior: Floats,
        sizes: Floats,
        theta: Floats,
        weights: Floats,
        names: Sequence[str],
    ) -> None:
        self.rates = rates
        self.posterior = posterior
        self.sizes = sizes
        self.theta = theta
        self.weights = weights
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        which: Sequence[int | str] | None = None,
        size: Literal["weight", "depth"] = "weight",
        names: Column = None,
        labels: Labels | Column = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Put rows into the classes of a fitted model, and draw them.

        Parameters
        ----------
        estimator : ProductBinomialMixture
            Fitted.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the fit, more than one of each coin.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
        which : sequence of int or str, default=None
            The coins to draw, by place or name, at least two; by default all.
        size : {"weight", "depth"}, default="weight"
            What the area of a point says: how many rows are there, by weight, or how many tosses
            the row holds.
        names : array-like of shape (n_coins,), default=None
            Names of all coins of the model; by default those of the columns of X that hold their
            heads, or numbers.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`. What is no
            mapping is read as ``names``.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones. Of more than two coins, its frame is taken away and
            panels are put into it.

        Returns
        -------
        display : PairsDisplay
            With its arrays, drawn.

        Raises
        ------
        TypeError
            If the model is one of a single coin a row.
        ValueError
            If X is not as in ``fit``, or holds one toss of each coin, whose rates are all 0 or 1;
            or if ``which``, ``size``, ``names`` or ``labels`` is not as above.

        Warns
        -----
        UserWarning
            If no class can show some rows.

        Examples
        --------
        >>> from skcoin import ProductBinomialMixture
        >>> from skcoin.plotting import PairsDisplay
        >>> X = [[5, 5, 1, 9, 2, 2], [9, 1, 7, 3, 1, 3], [8, 2, 9, 1, 2, 1], [4, 6, 0, 10, 0, 4]]
        >>> model = ProductBinomialMixture().fit(X)
        >>> display = PairsDisplay.from_estimator(model, X, which=[0, 2], size="depth")
        >>> display.theta.round(2)
        array([[0.85, 0.43],
               [0.45, 0.25]])
        """
        pyplot(cls)
        check_several_coins(
            estimator, "pairs are of several", "MixtureDisplay draws the rates of one coin."
        )
        if size not in ("weight", "depth"):
            raise ValueError(f'size is {size!r}, but must be "weight" or "depth".')
        names, labels = part_names_from_labels(names, labels)
        by_default = coin_names(estimator)
        names = check_names(by_default if names is None else names, len(by_default), "coins")
        places = _places(which, names)
        fitted = check_fitted(estimator, X, sample_weight)
        counts, mixture = fitted.counts.tossed, fitted.mixture
        warn_of_excluded(mixture, counts.heads, counts.tails, counts.multiplicity)
        heads, tosses = counts.heads[places], (counts.heads + counts.tails)[places]
        if tosses.max() <= 1:
            raise ValueError(
                "X holds at most one toss of each coin, whose rates are all 0 or 1, so that points "
                "would lie on four corners. Draw a ProfileDisplay, or look at bivariate_residuals."
            )
        rates = np.divide(heads, tosses, out=np.full(heads.shape, np.nan), where=tosses > 0)
        return cls(
            rates=rates.T,
            posterior=mixture.posterior(counts.heads, counts.tails),
            sizes=counts.multiplicity if size == "weight" else tosses.sum(axis=0),
            theta=mixture.by_name["theta"][:, places],
            weights=mixture.weights,
            names=[f"coin {names[j]}" if names[j] == str(j) else names[j] for j in places],
        ).plot(ax, labels=labels)

    @property
    def _n_panels(self):
        """Along one side of the grid."""
        return len(self.names) - 1

    def _width(self):
        return 4 / 3 * HEIGHT if self._n_panels == 1 else self._height()

    def _height(self):
        return max(HEIGHT, 1 + PANEL * self._n_panels)

    def _draw(self, ax):
        n = self._n_panels
        if n > 1:
            ax.set_axis_off()
        self.axes_, self.points_ = np.full((n, n), None), []
        for j in range(1, n + 1):
            for i in range(j):
                panel = ax if n == 1 else ax.inset_axes(_bounds(j - 1, i, n))
                self.axes_[j - 1, i] = panel
                self._draw_panel(panel, i, j)
                panel.set(xlim=self._limits(i), ylim=self._limits(j))
                panel.set_xlabel(f"rate of {self.names[i]}" if j == n else "")
                panel.set_ylabel(f"rate of {self.names[j]}" if i == 0 else "")
                panel.tick_params(labelbottom=j == n, labelleft=i == 0)
        self.centers_ = list(self.axes_[0, 0].lines)
        if n == 1:
            legend_of_classes(ax, self.centers_)
        else:  # where the grid is empty
            ax.legend(handles=self.centers_, loc="upper right")

    def _draw_panel(self, ax, i, j):
        looks = [style(k) for k in range(len(self.weights))]
        colors = [[int(look["color"][at : at + 2], 16) / 255 for at in (1, 3, 5)] for look in looks]
        area = 4 + 26 * self.sizes / self.sizes.max()
        points = ax.scatter(
            *self.rates[:, [i, j]].T,
            area,
            color=np.clip(self.posterior @ colors, 0, 1),
            alpha=0.6,
            linewidth=0,
            rasterized=len(area) > MOST_VECTORS,
        )
        self.points_.append(points)
        for look, center, name in zip(looks, self.theta, class_names(self.weights), strict=True):
            look = look | {"linestyle": "none", "markersize": 9, "markeredgecolor": "black"}
            ax.plot(center[i], center[j], **look, label=name)

    def _limits(self, j):
        """The range of one coin, the same in all its panels, with a margin."""
        seen = np.append(self.rates[:, j], self.theta[:, j])
        low, high = np.nanmin(seen), np.nanmax(seen)
        margin = 0.05 * (high - low) or 0.05
        return low - margin, high + margin


def _places(which, names):
    """The places of the coins that are to be drawn."""
    which = list(range(len(names))) if which is None else list(which)
    places = [names.index(one) if one in names else one for one in which]
    wrong = [one for one in places if one not in range(len(names))]
    if wrong or len(places) < 2 or len(set(places)) < len(places):
        raise ValueError(
            f"which is {which!r}, but must hold at least two of the {len(names)} coins, each once: "
            f"places from 0 to {len(names) - 1}, or names, which are {', '.join(names)}."
        )
    return places


def _bounds(row, column, n):
    """Of a panel, in parts of the axes: left, bottom, width, height."""
    side = 1 / (n + GAP * (n - 1))
    return column * side * (1 + GAP), (n - 1 - row) * side * (1 + GAP), side, side
