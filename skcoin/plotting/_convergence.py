"""How far each step is below the highest end."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._validation import Column, Floats, Solver, check_number
from skcoin.inspection._inspected import check_fitted, check_parametric
from skcoin.inspection._paths import gaps_to_the_top, start_of
from skcoin.inspection._text import several
from skcoin.plotting._display import GREY, Display, Labels, MaybeAxes, pyplot, style

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

NAMES = {"em": "EM", "em-newton": "EM-Newton"}


class ConvergenceDisplay(Display):
    """What each step still has to gain, for EM and EM-Newton side by side.

    Both solvers start where the estimator's own climb did, on data of your choice, and go on until
    less than ``tol`` is left to gain. The gap at step ``t`` is the objective (log-likelihood of all
    rows plus log prior) at the highest end of these climbs, less that at step ``t``. Whether that
    end is the highest of all maxima, :func:`~skcoin.inspection.optimality_gap` can tell. Every step
    costs one E-step, so that steps can be compared. On the log axis EM ends in a straight line:
    each step leaves the same share of the gap.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    gaps : dict of str to ndarray of shape (n_steps + 1,)
        For each solver the gap at each iterate, at least 0, natural log; the start comes first.
    rounding : float
        What rounding leaves uncertain in the objective. Smaller gaps are drawn as this one.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : dict of str to matplotlib Line2D
        For each solver.
    rounding_ : matplotlib Line2D
        Below which nothing can be seen.

    See Also
    --------
    LowerBoundDisplay : Why no step of EM goes down.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.plotting import ConvergenceDisplay
    >>> X = load_rat_tumours().data
    >>> display = ConvergenceDisplay.from_estimator(BinomialMixture(2).fit(X), X)
    >>> {solver: len(gap) - 1 for solver, gap in display.gaps.items()}      # steps
    {'em': ..., 'em-newton': ...}
    """

    lines_: "dict[str, Line2D]"
    rounding_: "Line2D"

    def __init__(self, *, gaps: Mapping[Solver, Floats], rounding: float) -> None:
        self.gaps = gaps
        self.rounding = rounding

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMixture,
        X: ArrayLike,
        *,
        sample_weight: Column = None,
        coins: Column = None,
        solvers: Sequence[Solver] = ("em", "em-newton"),
        tol: float = 1e-9,
        max_iter: int = 10_000,
        labels: Labels = None,
        ax: MaybeAxes = None,
    ) -> Self:
        """Climb again from the estimator's start with each solver, and draw it.

        Parameters
        ----------
        estimator : BinomialMixture, BetaBinomialMixture, ProductBinomialMixture or ThreeCoinModel
            Fitted. It is not changed.
        X : array-like of shape (n_samples, n_features)
            Tosses in the layout of the estimator.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts.
        coins : array-like of shape (n_samples,), default=None
            The known coins, -1 where hidden.
        solvers : sequence of {"em", "em-newton"}, default=("em", "em-newton")
            Whose climbs to draw.
        tol : float, default=1e-9
            Where to stop: at this remaining gain, as estimated.
        max_iter : int, default=10_000
            Steps at most.
        labels : mapping of str to str, default=None
            Other words for those of the picture, in any language: see :meth:`plot`.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : ConvergenceDisplay
            With its arrays, drawn.

        Raises
        ------
        ValueError
            If X, a weight or a coin is not as in ``fit``, the start of the estimator excludes a row
            of X, a solver is unknown or none is given, or ``tol`` or ``max_iter`` is out of range.
        TypeError
            If ``tol`` or ``max_iter`` is no number of its kind.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import ConvergenceDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = ConvergenceDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> print(f"{display.gaps['em'][0]:.4f} to gain from the start")
        0.0770 to gain from the start
        """
        pyplot(cls)
        solvers = [solvers] if isinstance(solvers, str) else list(solvers)
        if not solvers or set(solvers) - set(NAMES):
            raise ValueError(f"solvers is {solvers}, but must hold some of {list(NAMES)}.")
        check_number(tol, "tol", Real, min_val=0)
        check_number(max_iter, "max_iter", Integral, min_val=1)
        check_parametric(estimator)
        fitted = check_fitted(estimator, X, sample_weight, coins)
        start = start_of(estimator, fitted.mixture)
        gaps, top = gaps_to_the_top(fitted, start, solvers, tol, max_iter)
        rounding = float(8 * np.finfo(float).eps * max(1, abs(top)))
        return cls(gaps=gaps, rounding=rounding).plot(ax, labels=labels)

    def _draw(self, ax):
        self.lines_ = {}
        for k, (solver, gap) in enumerate(self.gaps.items()):
            (self.lines_[solver],) = ax.plot(
                np.maximum(gap, self.rounding),
                **style(k),
                markevery=max(1, len(gap) // 20),
                label=f"{NAMES[solver]}: {several(len(gap) - 1, 'step', spec=',')}",
            )
        self.rounding_ = ax.axhline(self.rounding, color=GREY, zorder=0, label="rounding")
        ax.set(xlabel="E-steps after the start", ylabel="gap to the highest end (log-likelihood)")
        ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend()
