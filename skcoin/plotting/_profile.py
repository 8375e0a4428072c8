"""The thetas of several coins, class by class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture, mixture_of
from skcoin._layouts import coin_names
from skcoin._validation import Column, Floats
from skcoin.inspection._inspected import check_several_coins
from skcoin.inspection._intervals import confidence_intervals
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
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

PER_COIN = 0.3  # inches
SPREAD = 0.5  # of the distance of two coins, over which classes are spread at most
SHORT = 70  # letters, in all names together, that stand side by side


class ProfileDisplay(Display):
    """The probability of heads of each coin, with its interval, a line for each class.

    The picture of a latent class analysis: where lines are far apart, a question tells the classes
    apart. Intervals are those of :func:`~skcoin.inspection.confidence_intervals`; where there is
    none there is no bar, as for a theta of exactly 0 or 1 by "wald".

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    theta : ndarray of shape (n_components, n_coins)
        Probabilities of heads.
    intervals : ndarray of shape (n_components, n_coins, 2)
        Their lower and upper ends; NaN for none.
    weights : ndarray of shape (n_components,)
        Of the classes.
    names : sequence of str
        A name for each coin.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : list of matplotlib Line2D
        One for each class.
    interval_lines_ : list of matplotlib LineCollection
        The same of their intervals.

    See Also
    --------
    PairsDisplay : The rows behind it, where they hold many tosses.

    Examples
    --------
    >>> import numpy as np
    >>> from skcoin import ProductBinomialMixture
    >>> from skcoin.plotting import ProfileDisplay
    >>> X = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0]] * 5)
    >>> model = ProductBinomialMixture(2, layout="tosses").fit(X)
    >>> display = ProfileDisplay.from_estimator(model, X, names=["read", "write", "count"])
    >>> [text.get_text() for text in display.ax_.get_legend().texts]
    ['class 0 (50%)', 'class 1 (50%)']
    """

    lines_: "list[Line2D]"
    interval_lines_: "list[LineCollection]"

    def __init__(
        self, *, theta: Floats, intervals: Floats, weights: Floats, names: Sequence[str]
    ) -> None:
        self.theta = theta
        self.intervals = intervals
        self.weights = weights
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        coins: Column = None,
        level: float = 0.95,
        method: Literal["wald", "profile"] = "wald",
        names: Column = None,
        labels: Labels | Column = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Draw the thetas of a fitted model with their intervals.

        Parameters
        ----------
        estimator : ProductBinomialMixture
            Fitted.
        X : array-like of shape (n_samples, n_features)
            The rows of the fit.
        sample_weight : array-like of shape (n_samples,), default=None
            The weights of the fit: how often each row counts.
        coins : array-like of shape (n_samples,), default=None
            The known classes of the fit, -1 where hidden.
        level : float, default=0.95
            Of the intervals, in (0, 1).
        method : {"wald", "profile"}, default="wald"
            Of the intervals, as in ``confidence_intervals``: "profile" takes longer, and has them
            for thetas of 0 and 1, too.
        names : array-like of shape (n_coins,), default=None
            Names of the coins; by default those of the columns of X that hold their heads, or
            numbers.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`. What is no
            mapping is read as ``names``.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : ProfileDisplay
            With its arrays, drawn.

        Raises
        ------
        TypeError
            If the model is one of a single coin a row.
        ValueError
            If X is not as in ``fit``, or ``level``, ``method``, ``names`` or ``labels`` is not as
            above.

        Warns
        -----
        UserWarning
            As in ``confidence_intervals``, where there are no errors.

        Examples
        --------
        >>> from skcoin import ProductBinomialMixture
        >>> from skcoin.plotting import ProfileDisplay
        >>> X = [[5, 5, 1, 9], [9, 1, 7, 3], [8, 2, 9, 1], [4, 6, 0, 10], [7, 3, 8, 2]]
        >>> display = ProfileDisplay.from_estimator(ProductBinomialMixture().fit(X), X)
        >>> display.theta.round(2)
        array([[0.8 , 0.8 ],
               [0.45, 0.05]])
        >>> display.intervals[0].round(2)
        array([[0.62, 0.91],
               [0.62, 0.91]])
        """
        pyplot(cls)
        check_several_coins(
            estimator, "a profile is of several", "Read theta_ and confidence_intervals."
        )
        if method not in ("wald", "profile"):
            raise ValueError(f'method is {method!r}, but must be "wald" or "profile".')
        names, labels = part_names_from_labels(names, labels)
        by_default = coin_names(estimator)
        names = check_names(by_default if names is None else names, len(by_default), "coins")
        intervals = confidence_intervals(
            estimator, X, sample_weight, coins=coins, level=level, method=method
        )
        found = mixture_of(estimator).by_name
        return cls(
            theta=found["theta"], intervals=intervals.theta, weights=found["weights"], names=names
        ).plot(ax, labels=labels)

    def _width(self):
        return max(4 / 3 * HEIGHT, 1 + PER_COIN * len(self.names))

    def _draw(self, ax):
        n_classes, n_coins = self.theta.shape
        place = np.arange(n_coins)
        shifts = np.linspace(-1, 1, n_classes) * min(0.05 * (n_classes - 1), SPREAD / 2)
        self.lines_, self.interval_lines_ = [], []
        for k, (shift, name) in enumerate(zip(shifts, class_names(self.weights), strict=True)):
            look = style(k)
            self.lines_ += ax.plot(place + shift, self.theta[k], **look, label=name, clip_on=False)
            self.interval_lines_.append(
                ax.vlines(place + shift, *self.intervals[k].T, color=look["color"], linewidth=1.5)
            )
        crowded = sum(map(len, self.names)) > SHORT
        ax.set_xticks(place, self.names, rotation=90 if crowded else 0)
        ax.set(xlabel="coin", ylabel="probability of heads", ylim=(0, 1))
        legend_of_classes(ax, self.lines_)
