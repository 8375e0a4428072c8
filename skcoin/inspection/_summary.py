"""A fit on one screen."""

from dataclasses import dataclass
from html import escape
from textwrap import TextWrapper
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from skcoin._base import BaseMixture
from skcoin._validation import Column, check_level
from skcoin.inspection._dispersion import dispersion_ratio_of
from skcoin.inspection._inspected import check_fitted
from skcoin.inspection._intervals import profile, wald
from skcoin.inspection._optimality_gap import gap_of
from skcoin.inspection._standard_errors import errors_of
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
    model : BinomialMixture, BetaBinomialMixture or ThreeCoinModel
        Fitted.
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
        shared=tuple(np.array(fitted.mixture.family.names)[fitted.specification.tied].tolist()),
    )


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

    def __str__(self) -> str:
        head, *rows = self._cells()
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [
            "  ".join(c.rjust(width) for c, width in zip(line, widths, strict=True)).rstrip()
            for line in (head, *rows)
        ]
        width = max(map(len, self.facts))
        facts = [f"{name.ljust(width)}  {value}" for name, value in self.facts.items()]
        paragraph = TextWrapper(
            88, initial_indent="! ", subsequent_indent="  ", break_on_hyphens=False
        )
        notes = [paragraph.fill(note) for note in self.notes]
        blocks = [self.title], lines, facts, notes
        return "\n\n".join("\n".join(block) for block in blocks if block)

    __repr__ = __str__

    def _repr_html_(self):
        head, *rows = self._cells()
        facts = [[name, value] for name, value in self.facts.items()]
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f"<div><p><strong>{escape(self.title)}</strong></p>"
            f"<table><thead>{_html_row(head, 'th')}</thead>"
            f"<tbody>{''.join(_html_row(row, 'td') for row in rows)}</tbody></table>"
            f"<table><tbody>{''.join(_html_row(fact, 'td') for fact in facts)}</tbody></table>"
            + (f"<ul>{notes}</ul></div>" if notes else "</div>")
        )

    def _cells(self):
        """The table of coins as text: a head and a row for each coin."""
        share = f"{100 * self.level:g}% interval"
        least = 4 if len(self.estimates) <= 2 else 3  # lest it be too wide for a screen
        columns = [["coin", *map(str, range(len(self.estimates.theta)))]]
        for part, estimates in self.estimates.items():
            decimals = _decimals(self.errors[part], least)
            columns += [
                ["weight" if part == "weights" else part]
                + [_number(estimate, decimals) for estimate in estimates],
                ["error"] + [_number(error, decimals) for error in self.errors[part]],
                [share] + [_interval(*ends, decimals) for ends in self.intervals[part]],
            ]
            if part in self.shared:  # said once
                for column, mark in zip(columns[-3:], ("same", "", ""), strict=True):
                    column[2:] = [mark] * len(column[2:])
        return [list(row) for row in zip(*columns, strict=True)]


def _facts(model, fitted):
    mixture, counts = fitted.mixture, fitted.counts
    gap = gap_of(mixture, counts.tossed)
    steps = f"{several(model.n_iter_, 'step')} of {fitted.recipe.solver}"
    return {
        "log-likelihood": f"{mixture.total_log_likelihood(counts):.4f}",
        "parameters": str(fitted.specification.n_parameters),
        "AIC, BIC, ICL": ", ".join(
            f"{criterion:.2f}"
            for criterion in (mixture.aic(counts), mixture.bic(counts), mixture.icl(counts))
        ),
        **({"dispersion ratio": _dispersion_ratio(fitted)} if mixture.family.n_axes == 1 else {}),
        "optimality gap": f"{gap:.3g} log-likelihood at most, by any mixture",
        "converged": f"{'yes' if model.converged_ else 'NO'}, after {steps}",
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
    parts = [
        several(len(model.theta_), "coin"),
        f"{several(counts.n_rows, 'row')} ({len(counts.heads)} distinct)",
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


def _html_row(cells, tag):
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
