"""Observed rows hung from those that the mixture expects, as roots."""

from numbers import Integral
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._validation import Column, Floats, check_number
from skcoin.inspection._inspected import check_fitted, check_one_coin
from skcoin.inspection._predictive import expected_heads, refuse_fractions, spread_over
from skcoin.inspection._text import several
from skcoin.plotting._display import COLORS, GREY, Display, Labels, MaybeAxes, pyplot

if TYPE_CHECKING:
    from matplotlib.container import BarContainer
    from matplotlib.lines import Line2D

MOST_BARS = 60
FEWEST, MOST = 5, 20  # bins of quantiles, by default


class RootogramDisplay(Display):
    """Hanging rootogram: where there are more rows than expected, and where fewer.

    Bars as long as the root of the observed rows hang from the line of the root of the expected
    ones [1]_. A bar that ends above zero is a lack of rows, one that reaches below it an excess.
    The root of a count varies by about a half whatever is expected, so that all bars can be held
    against the same limits, 1 above and 1 below: two standard errors, or more, as the model was
    fitted to these rows.

    Where all rows hold the same number of tosses, up to 60, each number of heads is a bin, in which
    ``m f(h)`` of ``m`` rows are expected. Else the bins are of quantiles: a row of ``h`` heads lies
    between ``F(h - 1)`` and ``F(h)``, with ``F`` the distribution that the mixture foretells for
    its number of tosses, and is shared out over the bins between them. Expected is then the same
    in each, whatever the mix of tosses [2]_. Too many rows in the outer bins and too few in the
    inner ones are overdispersion.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Of the bins, in heads or in quantiles from 0 to 1.
    observed, expected : ndarray of shape (n_bins,)
        Rows in each bin, by weight.
    n_tosses : int, default=None
        The tosses of every row, if the bins are of heads.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    bars_ : matplotlib BarContainer
        Observed rows.
    expected_ : matplotlib Line2D
        What they hang from.
    limits_ : list of matplotlib Line2D
        One above zero and one below.

    See Also
    --------
    MixtureDisplay : The same rows, and what each coin has to do with them.
    ResidualDisplay : Row by row, with a band.
    skcoin.inspection.goodness_of_fit : A test.

    References
    ----------
    .. [1] Kleiber, C. and Zeileis, A. (2016). Visualizing count data regressions using rootograms.
       The American Statistician, 70(3), 296-303.
    .. [2] Czado, C., Gneiting, T. and Held, L. (2009). Predictive model assessment for count data.
       Biometrics, 65(4), 1254-1261.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_saxony
    >>> from skcoin.plotting import RootogramDisplay
    >>> families = load_saxony()
    >>> model = BinomialMixture(1).fit(families.data, sample_weight=families.sample_weight)
    >>> display = RootogramDisplay.from_estimator(
    ...     model, families.data, sample_weight=families.sample_weight
    ... )
    >>> display.observed[:3]                         # families of 12 with 0, 1 and 2 boys
    array([ 3., 24., 104.])
    >>> display.expected[:3].round(1)
    array([ 0.9, 12.1, 71.8])
    """

    bars_: "BarContainer"
    expected_: "Line2D"
    limits_: "list[Line2D]"

    def __init__(
        self, *, edges: Floats, observed: Floats, expected: Floats, n_tosses: int | None = None
    ) -> None:
        self.edges = edges
        self.observed = observed
        self.expected = expected
        self.n_tosses = n_tosses

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        bins: int | None = None,
        labels: Labels = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Compare a fitted model with data, and draw it.

        Parameters
        ----------
        estimator : BinomialMixture, BetaBinomialMixture or another of hidden coins
            Fitted.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the estimator, in whole numbers. Where a cell is a toss, their
            order plays no part.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
        bins : int, default=None
            How many bins of quantiles. By default each number of heads is a bin where that is
            possible, else there are about as many as the root of the rows, from 5 to 20.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : RootogramDisplay
            With its arrays, drawn.

        Raises
        ------
        ValueError
            If X is not as in ``fit``, holds no toss or counts that are not whole, or ``bins`` is
            less than 1.
        TypeError
            If ``bins`` is no whole number, or the model is one of several coins a row.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.datasets import load_rat_tumours
        >>> from skcoin.plotting import RootogramDisplay
        >>> X = load_rat_tumours().data
        >>> display = RootogramDisplay.from_estimator(BinomialMixture(1).fit(X), X, bins=5)
        >>> display.observed.round(1), display.expected
        (array([26. , 10.5,  4.9, 10.7, 18.8]), array([14.2, 14.2, 14.2, 14.2, 14.2]))
        """
        pyplot(cls)
        check_one_coin(
            estimator,
            "heads are counted of one coin a row",
            "Look at quantile_residuals, coin by coin.",
        )
        fitted = check_fitted(estimator, X, sample_weight)
        counts, mixture = fitted.counts.tossed, fitted.mixture
        refuse_fractions(counts.heads, counts.tails)
        if bins is not None:
            check_number(bins, "bins", Integral, min_val=1)
        rows, tosses = counts.multiplicity, np.rint(counts.tosses)
        if bins is None and tosses.min() == tosses.max() <= MOST_BARS:
            n_tosses = int(tosses[0])
            edges = np.arange(n_tosses + 2) - 0.5
            heads = np.rint(counts.heads).astype(int)
            observed = np.bincount(heads, rows, minlength=n_tosses + 1)
            expected = rows.sum() * expected_heads(mixture, n_tosses)
        else:
            if bins is None:
                bins = int(np.clip(np.sqrt(max(rows.sum(), len(rows))), FEWEST, MOST))
            n_tosses, edges = None, np.linspace(0, 1, bins + 1)
            observed = spread_over(edges, mixture, counts)
            expected = np.full(bins, rows.sum() / bins)
        display = cls(edges=edges, observed=observed, expected=expected, n_tosses=n_tosses)
        return display.plot(ax, labels=labels)

    def _draw(self, ax):
        middle, width = (self.edges[1:] + self.edges[:-1]) / 2, np.diff(self.edges)
        top = np.sqrt(self.expected)
        self.bars_ = ax.bar(
            middle,
            -np.sqrt(self.observed),
            0.9 * width,
            bottom=top,
            color=GREY,
            edgecolor="#808080",
            linewidth=0.6,
            label="observed",
        )
        (self.expected_,) = ax.plot(
            middle, top, color=COLORS[1], marker="o", markersize=4, label="expected"
        )
        ax.axhline(0, color="black", linewidth=0.8)
        limits = {"color": "black", "linestyle": ":", "linewidth": 1}
        self.limits_ = [
            ax.axhline(1, label="limits", **limits),
            ax.axhline(-1, **limits),
        ]
        name = "quantile of what the mixture foretells"
        if self.n_tosses is not None:
            name = f"heads of {several(self.n_tosses, 'toss', 'es', ',')}"
        low = min(1.1 * (top - np.sqrt(self.observed)).min(), -1.5)
        room_for_legend = 1.2 * top.max() - 0.2 * low
        ax.set(xlabel=name, ylabel="root of rows", ylim=(low, room_for_legend))
        ax.legend(loc="upper center", ncols=3)
