"""A fit on one screen."""

from dataclasses import dataclass
from html import escape
from textwrap import TextWrapper
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from skcoin._base import BaseMixture
from skcoin._layouts import coin_names
from skcoin._validation import Column, check_level
from skcoin.inspection._classification import relative_entropy_of
from skcoin.inspection._dispersion import dispersion_ratio_of
from skcoin.inspection._inspected import check_fitted
from skcoin.inspection._intervals import profile, wald
from skcoin.inspection._optimality_gap import gap_of
from skcoin.inspection._standard_errors import errors_of
from skcoin.inspection._tables import (
    by_component,
    ends,
    frame_maker,
    html_table,
    latex_table,
    text_lines,
)
from skcoin.inspection._text import several

SURE = 2.5  # standard errors of the dispersion ratio, which are a little too large
FEWEST = 10  # rows that are enough for its standard error
ROUNDING = 1e-9


def summary(
    model: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    coins: Column = None,
    level: float = 0.95,
    method: Literal["wald", "profile"] = "wald",
) -> "Summary":
    """A fit on one screen: coins, how sure they are, criteria, and what to beware of.

    Parameters
    ----------
    model : BinomialMixture, BetaBinomialMixture or another
        Fitted. Of a ProductBinomialMixture there is a table of classes and one of their coins, by
        the names of the columns of heads, and no gap.
    X : array-like of shape (n_samples, n_features)
        The rows of the fit.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of the fit: how often each row counts.
    coins : array-like of shape (n_samples,), default=None
        The known coins of the fit, -1 where hidden.
    level : float, default=0.95
        Of the intervals, in (0, 1).
    method : {"wald", "profile"}, default="wald"
        Of the intervals, as in ``confidence_intervals``.

    Returns
    -------
    summary : Summary
        Prints as text, and shows as a table in a notebook.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If ``level`` or ``method`` is not as above, or the data are not as in ``fit``.

    See Also
    --------
    standard_errors, confidence_intervals, optimality_gap : Where the numbers come from.
    goodness_of_fit : The dispersion ratio with a test by simulation, and more of them.

    Notes
    -----
    The dispersion ratio is the variance of rows around the coins, over that of the coins, with
    its standard error. It is called too large where it exceeds 1 by more than 2.5 of them, which of
    simulations from models that are true at most 2 in 1,000 did.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import summary
    >>> X = load_rat_tumours().data
    >>> print(summary(BinomialMixture(2).fit(X), X))
    BinomialMixture: 2 coins, 71 rows (39 distinct), 1739 tosses
    <BLANKLINE>
    coin   theta   error      95% interval  weight   error      95% interval
       0  0.2097  0.0212  0.1711 to 0.2542  0.5853  0.1242  0.3411 to 0.7937
       1  0.0503  0.0209  0.0220 to 0.1110  0.4147  0.1242  0.2063 to 0.6589
    <BLANKLINE>
    log-likelihood    -154.9259
    parameters        3
    AIC, BIC, ICL     315.85, 322.64, 362.83
    relative entropy  0.592, where 1 leaves no row in doubt
    dispersion ratio  1.035 ± 0.098 around the coins, where 1 is expected
    optimality gap    2.07 log-likelihood at most, by any mixture
    converged         yes, after ... steps of em-newton
    """
    check_level(level)
    if method not in ("wald", "profile"):
        raise ValueError(
            f'method is {method!r}, but must be "wald" or "profile"; see confidence_intervals '
            "for others."
        )
    fitted = check_fitted(model, X, sample_weight, coins)
    errors, intervals, advice = _errors_and_intervals(fitted, level, method)
    return Summary(
        title=_title(model, fitted),
        level=level,
        estimates=Bunch(**fitted.mixture.by_name),
        errors=errors,
        intervals=intervals,
        facts=_facts(model, fitted),
        notes=list(dict(advice)),
        shared=tuple(_shared(fitted)),
        coin_names=tuple(coin_names(model)),
    )


def _shared(fitted):
    """The names of parameters that are the same in all components."""
    pairs = zip(fitted.mixture.family.names, fitted.specification.tied, strict=True)
    return dict.fromkeys(name for name, tied in pairs if tied)


def _errors_and_intervals(fitted, level, method):
    if fitted.recipe.is_nonparametric:  # atoms are no parameters
        none = np.full(fitted.specification.n_components, np.nan)
        errors = Bunch(**dict.fromkeys(fitted.mixture.by_name, none))
        return errors, wald(fitted.mixture, errors, level), []
    errors, advice = errors_of(fitted)
    if method == "wald":
        return errors, wald(fitted.mixture, errors, level), advice
    intervals, more = profile(fitted, level)
    return errors, intervals, advice + more


@dataclass(frozen=True)
class Summary:
    """What ``summary`` returns: text when printed, a table in a notebook.

    Parameters
    ----------
    title : str
        Kind of model and size of the data.
    level : float
        Of the intervals.
    estimates, errors, intervals : :class:`~sklearn.utils.Bunch`
        ``theta`` and ``weights`` of each, and ``dispersion`` if they vary.
    facts : dict of str to str
        Criteria, and how the fit ended.
    notes : list of str
        What to beware of.
    shared : tuple of str, default=()
        Of which of them all coins have the same.
    coin_names : tuple of str, default=()
        Of several coins in each row: then ``theta`` has a row for each class.

    See Also
    --------
    summary : Makes one.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.inspection import summary
    >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
    >>> summary(BinomialMixture().fit(X), X).facts["parameters"]
    '3'
    """

    title: str
    level: float
    estimates: Bunch
    errors: Bunch
    intervals: Bunch
    facts: dict[str, str]
    notes: list[str]
    shared: tuple[str, ...] = ()
    coin_names: tuple[str, ...] = ()

    def __str__(self) -> str:
        width = max(map(len, self.facts))
        facts = [f"{name.ljust(width)}  {value}" for name, value in self.facts.items()]
        paragraph = TextWrapper(
            88, initial_indent="! ", subsequent_indent="  ", break_on_hyphens=False
        )
        notes = [paragraph.fill(note) for note in self.notes]
        blocks = [self.title], *map(text_lines, self._tables()), facts, notes
        return "\n\n".join("\n".join(block) for block in blocks if block)

    __repr__ = __str__

    def _repr_html_(self):
        tables = "".join(html_table(rows, head) for head, *rows in self._tables())
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f"<div><p><strong>{escape(self.title)}</strong></p>"
            f"{tables}{html_table([*self.facts.items()])}"
            + (f"<ul>{notes}</ul></div>" if notes else "</div>")
        )

    def to_frame(self, library: str | ModuleType = "pandas") -> Any:
        """The estimates as a data frame, with all their digits.

        Parameters
        ----------
        library : str or module, default="pandas"
            Whose frame, such as "polars" or "pyarrow".

        Returns
        -------
        frame : data frame
            A row for each ``coin`` with ``theta``, ``theta_error``, ``theta_low``, ``theta_high``,
            the same of ``dispersion`` if coins vary, and of ``weight``. Of several coins in a row
            there is one for each ``class`` and ``coin``.

        Raises
        ------
        ValueError
            If there is no such library with frames in memory.
        ImportError
            If it is not installed.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.inspection import summary
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> frame = summary(BinomialMixture().fit(X), X).to_frame()
        >>> print(frame[["coin", "theta", "theta_low", "theta_high", "weight"]].round(2))
           coin  theta  theta_low  theta_high  weight
        0     0   0.79       0.48        0.94    0.52
        1     1   0.51       0.22        0.80    0.48
        """
        to_frame = frame_maker(library)
        names = self.estimates
        parts = {"estimate": names, "error": self.errors, **ends(self.intervals, names)}
        return to_frame(by_component(self.coin_names, **parts))

    def to_latex(self) -> str:
        """The tables in LaTeX, with the rules of its package booktabs, to be put into a paper.

        Returns
        -------
        latex : str
            A ``tabular`` of the coins, or one of the classes and one of their coins, and one of the
            criteria. Title and notes are comments.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.inspection import summary
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> latex = summary(BinomialMixture(1).fit(X), X).to_latex()
        >>> latex.splitlines()[2]
        '\\\\begin{tabular}{rrrrrrr}'
        """
        comments = "\n".join(f"% {text}" for text in (self.title, *self.notes))
        tables = [latex_table(rows, head) for head, *rows in self._tables()]
        return "\n\n".join([comments, *tables, latex_table([*self.facts.items()], align="l")])

    def _tables(self):
        """The table of coins or, of several in a row, that of classes and that of their coins."""
        numbers = [str(k) for k in range(len(self.estimates.weights))]
        if not self.coin_names:
            return [self._cells([["coin", *numbers]], self.estimates)]
        of_classes = [name for name, values in self.estimates.items() if values.ndim == 1]
        of_coins = [name for name in self.estimates if name not in of_classes]
        blanks = [""] * (len(numbers) - 1)
        names = [text for name in self.coin_names for text in (name, *blanks)]
        classes = numbers * len(self.coin_names)
        return [
            self._cells([["class", *numbers]], of_classes),
            self._cells([["coin", *names], ["class", *classes]], of_coins),
        ]

    def _cells(self, columns, parts):
        """A table as text: a head, and a row for each coin or class, or class of a coin."""
        share = f"{100 * self.level:g}% interval"
        least = 4 if len(self.estimates) <= 2 else 3  # lest it be too wide for a screen
        for part in parts:
            decimals = _decimals(self.errors[part], least)
            n_axes = self.estimates[part].ndim
            estimates, errors, intervals = (
                _by_coin(values[part], n_axes)
                for values in (self.estimates, self.errors, self.intervals)
            )
            columns += [
                ["weight" if part == "weights" else part]
                + [_number(estimate, decimals) for estimate in estimates],
                ["error"] + [_number(error, decimals) for error in errors],
                [share] + [_interval(*ends, decimals) for ends in intervals],
            ]
            if part in self.shared:  # said once
                n = len(self.estimates.weights)
                for column, mark in zip(columns[-3:], ("same", "", ""), strict=True):
                    column[1:] = [mark if i % n else cell for i, cell in enumerate(column[1:])]
        return [list(row) for row in zip(*columns, strict=True)]


def _facts(model, fitted):
    mixture, counts = fitted.mixture, fitted.counts
    steps = f"{several(model.n_iter_, 'step')} of {fitted.recipe.solver}"
    return {
        "log-likelihood": f"{mixture.total_log_likelihood(counts):.4f}",
        "parameters": str(fitted.specification.n_parameters),
        "AIC, BIC, ICL": ", ".join(
            f"{criterion:.2f}"
            for criterion in (mixture.aic(counts), mixture.bic(counts), mixture.icl(counts))
        ),
        **_facts_of_classes(mixture, counts),
        **(_facts_of_one_coin(fitted) if mixture.family.n_axes == 1 else {}),
        "converged": f"{'yes' if model.converged_ else 'NO'}, after {steps}",
    }


def _facts_of_classes(mixture, counts):
    if len(mixture.weights) == 1:
        return {}
    told = f"{relative_entropy_of(mixture, counts):.3f}, where 1 leaves no row in doubt"
    return {"relative entropy": told}


def _facts_of_one_coin(fitted):
    gap = gap_of(fitted.mixture, fitted.counts.tossed)
    return {
        "dispersion ratio": _dispersion_ratio(fitted),
        "optimality gap": f"{gap:.3g} log-likelihood at most, by any mixture",
    }


def _dispersion_ratio(fitted):
    """The ratio of variances around the coins, and what to try where it is surely above 1."""
    ratio, error = dispersion_ratio_of(fitted.mixture, fitted.counts)
    if np.isnan(ratio):
        return "none, as no coin varies"
    decimals = _decimals([error], least=2)
    told = f"{ratio:.{decimals}f} ± {error:.{decimals}f}"
    if fitted.counts.n_rows < FEWEST or ratio <= 1 + SURE * error + ROUNDING:
        return f"{told} around the coins, where 1 is expected"
    remedy = "" if len(fitted.mixture.family.names) > 1 else "BetaBinomialMixture or "
    return f"{told}, not 1; overdispersed: try {remedy}more coins"


def _title(model, fitted):
    counts, n_empty = fitted.counts, fitted.n_empty
    n_components, *n_coins = model.theta_.shape
    things = several(n_components, "class", "es") if n_coins else several(n_components, "coin")
    parts = [
        things + "".join(f" of {several(n, 'coin')}" for n in n_coins),
        f"{several(counts.n_rows, 'row')} ({len(counts.multiplicity)} distinct)",
        several(counts.multiplicity @ counts.tosses, "toss", "es"),
    ]
    if n_empty:
        parts.append(f"{several(n_empty, 'more row')} without a toss")
    return f"{type(model).__name__}: {', '.join(parts)}"


def _decimals(errors, least=4):
    """So many that the smallest error shows two digits."""
    smallest = np.nanmin(errors, initial=1)
    return int(np.clip(np.ceil(1 - np.log10(smallest)), least, 15)) if smallest > 0 else least


def _interval(low, high, decimals):
    return "" if np.isnan([low, high]).all() else f"{low:.{decimals}f} to {high:.{decimals}f}"


def _number(value, decimals):
    return "" if np.isnan(value) else f"{value:.{decimals}f}"


def _by_coin(values, n_axes):
    """One after another: of classes and coins all classes of a coin, then those of the next."""
    return values if n_axes == 1 else values.swapaxes(0, 1).reshape(-1, *values.shape[2:])
