"""Observed rows against those that the mixture expects."""

from numbers import Integral
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._validation import Column, Floats, check_number, refuse_if_not_whole
from skcoin.inspection._inspected import check_fitted, check_one_coin
from skcoin.inspection._text import several
from skcoin.plotting._display import GREY, Display, Labels, MaybeAxes, pyplot, style

if TYPE_CHECKING:
    from matplotlib.container import BarContainer
    from matplotlib.lines import Line2D

MOST_BARS = 60


class MixtureDisplay(Display):
    r"""How many rows show so many heads, and how many each coin should show.

    Where all rows hold the same number of tosses, up to 60, each number of heads is a bin.
    Else the bins are of rates, heads over tosses. A bin from ``a`` to ``b`` is then expected to
    hold, of coin ``k``,

    .. math::

        \sum_n m_n w_k P(a \le H / n < b) , \quad H \sim \mathrm{Binomial}(n, \theta_k) ,

    rows, where ``m_n`` is the number of rows of ``n`` tosses: exact, whatever the mix of tosses.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Of the bins, in heads or in rates. The right edge is not part of a bin, but of the last.
    observed : ndarray of shape (n_bins,)
        Rows in each bin, by weight.
    shares : ndarray of shape (n_components, n_bins)
        Rows of each coin that are expected in each bin.
    theta, weights : ndarray of shape (n_components,)
        The coins.
    dispersion : ndarray of shape (n_components,), default=None
        Theirs, if they vary.
    n_tosses : int, default=None
        The tosses of every row, if the bins are of heads.
    n_outside : float, default=0
        Rows outside of all bins, by weight.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    bars_ : matplotlib BarContainer
        Observed rows.
    lines_ : list of matplotlib Line2D
        One for each coin.
    mixture_ : matplotlib Line2D
        Their sum.

    See Also
    --------
    PosteriorDisplay : What the mixture says of single rows.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_saxony
    >>> from skcoin.plotting import MixtureDisplay
    >>> families = load_saxony()
    >>> model = BinomialMixture(2).fit(families.data, sample_weight=families.sample_weight)
    >>> display = MixtureDisplay.from_estimator(
    ...     model, families.data, sample_weight=families.sample_weight
    ... )
    >>> display.observed[:3]                         # families of 12 with 0, 1 and 2 boys
    array([ 3., 24., 104.])
    >>> display.shares.sum(axis=0)[:3].round(1)
    array([ 1.7, 18.9, 97.7])
    """

    bars_: "BarContainer"
    lines_: "list[Line2D]"
    mixture_: "Line2D"

    def __init__(
        self,
        *,
        edges: Floats,
        observed: Floats,
        shares: Floats,
        theta: Floats,
        weights: Floats,
        dispersion: Floats | None = None,
        n_tosses: int | None = None,
        n_outside: float = 0,
    ) -> None:
        self.edges = edges
        self.observed = observed
        self.shares = shares
        self.theta = theta
        self.weights = weights
        self.dispersion = dispersion
        self.n_tosses = n_tosses
        self.n_outside = n_outside

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        bins: int | ArrayLike | None = None,
        labels: Labels = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Compare a fitted model with data, and draw it.

        Parameters
        ----------
        estimator : BinomialMixture or ThreeCoinModel
            Fitted.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the estimator, in whole numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
        bins : int or array-like, default=None
            Of rates: how many at most over the range of the data, or their edges in [0, 1],
            rising. By default each number of heads is a bin where that is possible, else there
            are up to twice the cube root of the number of rows, and rates far from all others
            are left out; the axis then says how many.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : MixtureDisplay
            With its arrays, drawn.

        Raises
        ------
        ValueError
            If X is not as in ``fit``, holds no toss or counts that are not whole, or ``bins`` is
            not as above.
        TypeError
            If ``bins`` is a number that is not whole.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import MixtureDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = MixtureDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> display.observed
        array([0., 0., 0., 0., 1., 1., 0., 1., 1., 1., 0.])
        """
        pyplot(cls)
        check_one_coin(
            estimator,
            "a histogram of rates is of one coin a row",
            "Read theta_ and standard_errors.",
        )
        fitted = check_fitted(estimator, X, sample_weight)
        counts, mixture = fitted.counts.tossed, fitted.mixture
        for values in (counts.heads, counts.tails):
            refuse_if_not_whole(values, "X holds a count of {}", "Only those have a distribution.")
        heads, tosses = np.rint(counts.heads), np.rint(counts.tosses)
        rates, rows = heads / tosses, counts.multiplicity
        lengths, which = np.unique(tosses, return_inverse=True)
        alike = len(lengths) == 1 and lengths[0] <= MOST_BARS
        n_tosses = int(lengths[0]) if bins is None and alike else None
        edges = _edges(bins, rates, tosses, rows) if n_tosses is None else _each(n_tosses)
        into = np.searchsorted(edges, rates, "right") - 1
        into[rates == edges[-1]] -= 1
        inside = (into >= 0) & (into < len(edges) - 1)
        return cls(
            edges=edges if n_tosses is None else edges * n_tosses,
            observed=np.bincount(into[inside], rows[inside], minlength=len(edges) - 1),
            shares=mixture.weights[:, None]
            * _expected(edges, lengths, np.bincount(which, rows), mixture),
            theta=mixture.theta,
            weights=mixture.weights,
            dispersion=mixture.by_name.get("dispersion"),
            n_tosses=n_tosses,
            n_outside=float(rows[~inside].sum()),
        ).plot(ax, labels=labels)

    def _draw(self, ax):
        middle, width = (self.edges[1:] + self.edges[:-1]) / 2, np.diff(self.edges)
        self.bars_ = ax.bar(middle, self.observed, 0.9 * width, color=GREY, label="observed")
        self.lines_ = []
        for k, share in enumerate(self.shares):
            self.lines_ += ax.plot(middle, share, **style(k), label=self._name(k))
        mixture = self.shares.sum(axis=0)
        (self.mixture_,) = ax.plot(middle, mixture, color="black", linewidth=1.5, label="mixture")
        outside = f" ({self.n_outside:,.4g} of the rows outside)" if self.n_outside else ""
        name = f"rate of heads{outside}"
        if self.n_tosses is not None:
            name = f"heads of {several(self.n_tosses, 'toss', 'es', ',')}"
        room_for_legend = 1.25 * max(self.observed.max(), mixture.max()) or 1
        ax.set(xlabel=name, ylabel="rows", ylim=(0, room_for_legend))
        ax.legend(handles=[self.bars_, *self.lines_, self.mixture_])

    def _name(self, k):
        varies = "" if self.dispersion is None else f"dispersion = {self.dispersion[k]:.3g}, "
        return f"coin {k}: θ = {self.theta[k]:.3g}, {varies}w = {self.weights[k]:.3g}"


def _each(n_tosses):
    """Edges, in rates, between any two numbers of heads."""
    return (np.arange(n_tosses + 2) - 0.5) / n_tosses


def _edges(bins, rates, tosses, rows):
    """Edges of bins of rates.

    Those that are not given lie midway between two numbers of heads of a typical row, one that
    holds the median toss: bins that hold unlike numbers of heads would look like bumps.
    """
    if np.ndim(bins) > 0:
        edges = np.asarray(bins, dtype=float)
        if len(edges) < 2 or not (edges[0] >= 0 and edges[-1] <= 1 and (np.diff(edges) > 0).all()):
            raise ValueError(f"bins is {bins!r}, but edges must rise from 0 or more to 1 at most.")
        return edges
    low, high = rates.min(), rates.max()
    if bins is None:
        bins = min(60, int(np.ceil(2 * np.cbrt(max(rows.sum(), len(rows))))) + 1)
        bulk = [_quantile(rates, rows, q) for q in (0.005, 0.995)]
        if 0 < 5 * (bulk[1] - bulk[0]) < high - low:
            low, high = bulk
    check_number(bins, "bins", Integral, min_val=1)
    n = _quantile(tosses, rows * tosses, 0.5)
    low, high = np.floor(n * low), np.ceil(n * high)
    per_bin = np.ceil((high - low + 1) / bins)
    return (np.arange(low, high + per_bin + 1, per_bin) - 0.5) / n


def _quantile(values, weights, share):
    order = np.argsort(values)
    up_to = np.cumsum(weights[order])
    return values[order][np.searchsorted(up_to, share * up_to[-1])]


def _expected(edges, tosses, rows, mixture):
    """Rows that each coin would show in each bin if all rows were its own.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
    tosses, rows : ndarray of shape (n_lengths,)
    mixture : Mixture

    Returns
    -------
    expected : ndarray of shape (n_coins, n_bins)
    """
    n = tosses[:, None]
    first = np.clip(np.ceil(n * edges), 0, n + 1)  # the least heads at or beyond an edge
    first -= (first > 0) & ((first - 1) / n >= edges)  # as rounded rates are compared
    first += (first <= n) & (first / n < edges)
    first[:, -1] += (first[:, -1] <= tosses) & (first[:, -1] / tosses == edges[-1])
    family, components = mixture.family, mixture.parameters.components
    return np.stack(
        [rows @ np.diff(family.up_to(c, first - 1, tosses), axis=1) for c in components]
    )
