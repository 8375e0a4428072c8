"""How far each step is below the maximum."""

import numpy as np

from skcoin._ascent import ascend
from skcoin._likelihood import Coins
from skcoin._validation import refuse_if_impossible
from skcoin.inspection._fitted import look_at
from skcoin.plotting._display import Display, looks

NAMES = {"em": "EM", "em-newton": "EM-Newton"}


class ConvergenceDisplay(Display):
    """What each step still has to gain, for EM and EM-Newton side by side.

    Both solvers start where the model's own climb did, on data of your choice, and go on until
    less than ``tol`` is left to gain. The gap at step ``t`` is the objective at the maximum less
    that at step ``t``: log-likelihood of all rows plus log prior. Every step costs one E-step, so
    that steps can be compared. On the log axis EM ends in a straight line: each step leaves the
    same share of the gap.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    gaps : dict of str to ndarray of shape (n_steps + 1,)
        For each solver the gap at each iterate, at least 0, natural log; the start comes first.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : dict of str to matplotlib Line2D
        For each solver.

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

    def __init__(self, *, gaps):
        self.gaps = gaps

    @classmethod
    def from_estimator(
        cls,
        model,
        X,
        *,
        sample_weight=None,
        coins=None,
        solvers=("em", "em-newton"),
        tol=1e-9,
        max_iter=10_000,
        ax=None,
    ):
        """Climb again from the model's start with each solver, and draw it.

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
        solvers : sequence of {"em", "em-newton"}, default=("em", "em-newton")
            Whose climbs to draw.
        tol : float, default=1e-9
            Where to stop: at this remaining gain, as estimated.
        max_iter : int, default=10_000
            Steps at most.
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : ConvergenceDisplay
            With its arrays, drawn.

        Raises
        ------
        ValueError
            If X, a weight or a coin is not as in ``fit``, the start of the model excludes a row
            of X, or a solver is unknown or none is given.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import ConvergenceDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = ConvergenceDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> print(f"{display.gaps['em'][0]:.4f} to gain from the start")
        0.0195 to gain from the start
        """
        for solver in solvers:
            if solver not in NAMES:
                raise ValueError(f"solvers holds {solver!r}, but knows {', '.join(NAMES)} only.")
        if not solvers:
            raise ValueError(f"solvers is empty, but must hold some of {', '.join(NAMES)}.")
        fitted = look_at(model, X, sample_weight, coins)
        start = Coins(model.theta_path_[:1], model.weights_path_[:1])
        refuse_if_impossible(start, fitted.counts, fitted.given.names)

        def climb(start, **options):
            [best] = ascend([start], [fitted.evidence], regroup=False, **options)
            return best

        climbs = {s: climb(start, solver=s, tol=tol, max_iter=max_iter) for s in solvers}
        highest = max(climbs.values(), key=lambda climb: climb.objective[-1])
        top = climb(highest.last, solver="em-newton", tol=0, max_iter=100).objective.max()
        gaps = {s: np.maximum(top - climb.objective, 0) for s, climb in climbs.items()}
        return cls(gaps=gaps).plot(ax)

    def plot(self, ax=None):
        """Draw the gaps on a log axis; a gap that rounding hides is left out.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            To draw on; by default new ones.

        Returns
        -------
        display : ConvergenceDisplay
            Itself.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import ConvergenceDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = ConvergenceDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> display = display.plot(ax=display.ax_)
        """
        ax = self._open(ax)
        self.lines_ = {}
        for (solver, gap), look in zip(self.gaps.items(), looks(len(self.gaps)), strict=True):
            (self.lines_[solver],) = ax.plot(
                np.where(gap > 0, gap, np.nan),
                **look,
                markersize=4,
                markevery=max(1, len(gap) // 20),
                label=f"{NAMES[solver]}: {len(gap) - 1} steps",
            )
        ax.set(xlabel="E-steps after the start", ylabel="gap to the maximum (log-likelihood)")
        ax.set_yscale("log")
        ax.legend()
        return self
