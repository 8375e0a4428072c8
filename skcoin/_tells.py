"""What tells that two columns are not what they are read as: their names, and their numbers.

Heads and tails in place of heads and all tosses give a fit that looks well and is wrong: a rate
``p`` becomes ``p / (1 + p)``. The rule is on the page "Data, weights and pipelines".
"""

import re

import numpy as np
from scipy.special import gammainc

from skcoin._counts import HIDDEN
from skcoin._warnings import warn_user

WORDS = {
    "tosses": "trial trials toss tosses flips throws n total totals depth dp coverage impressions "
    "views visits visitors sessions bats size attempts exposures denominator shots shown sent "
    "delivered tested births games reads patients population all",
    "tails": "tails tail failure failures fail fails failed losses loss lost misses miss missed "
    "ref reference refs negative negatives neg rest remaining other others controls",
    "heads": "heads head success successes successful wins win won hits hit alt alts alternate "
    "variant variants positive positives pos",
    "rate": "rate rates proportion proportions prop fraction fractions frac vaf baf af ctr percent "
    "percentage pct probability prob ratio share",
}
MEANING = {word: meaning for meaning, words in WORDS.items() for word in words.split()}
GLUED = ("trials", "tosses", "total", "depth", "coverage", "impressions", "heads", "tails")
NOT = {"no", "non", "not", "without"}
AT_AN_END = ("count", "counts", "num", "number", "of")  # which leave the meaning to another word
LEAST_ROWS = 5
MANY_ROWS = 20  # distinct ones of like weight, beyond the parameters
CHANCE = 1e-3  # of one constant column that is a coincidence, at most
NARROW, SURE = 0.85, 1e-4  # spread of heads and tails, and the probability of less than was seen

IN_X = {
    "second": 'use layout="heads_tosses"',
    "first": 'put it second and use layout="heads_tosses"',
    "tails": 'use layout="heads_tails"',
    "exchanged": "exchange the columns",
    "rate": 'multiply it by all tosses, which layout="heads_tosses" reads beside it',
    "quiet": 'name the columns "heads" and "tails" in a data frame',
}
IN_FRAMES = {
    "second": "give it as tosses, not as tails",
    "first": "give it as tosses, and the other column as heads",
    "tails": "give it as tails, not as tosses",
    "exchanged": "give the one as heads and the other as tails",
    "rate": "multiply it by all tosses, and give these as tosses",
    "quiet": "name that column tails",
}


def warn_of_columns(layout, names, heads, tails, rows, *, spread=None, remedies=IN_X):
    """Say so where two columns seem to be others than they are read as: once, the surest tell.

    Parameters
    ----------
    layout : {"heads_tails", "heads_tosses"}
    names : sequence of two str, or None
    heads, tails, rows : ndarray of shape (n_distinct,)
    spread : callable, default=None
        Without arguments, what ``spread_around_coins`` returns, if there are coins.
    remedies : dict of str
    """
    names = names is not None and [str(name) for name in names]
    others = tails if layout == "heads_tails" else heads + tails
    fits = layout == "heads_tails" and names and is_of_tails(*names)
    tell = not fits and told_by_rates(names, heads, others, rows)
    tell = tell or (names and told_by_names(layout, *names))
    if layout == "heads_tails" and not fits:
        tell = tell or told_by_constant(heads, tails, rows)
        tell = tell or (spread and told_by_spread(heads, tails, spread))
    if tell:
        what, remedy = tell
        read_as = "heads and tails" if layout == "heads_tails" else "heads and all tosses"
        columns = f"Columns {names[0]!r} and {names[1]!r}" if names else "Columns 0 and 1 of X"
        quiet = f", or, if it is right, {remedies['quiet']}" if layout == "heads_tails" else ""
        warn_user(
            f"{columns} are read as {read_as}, but {what}. If so, {remedies[remedy]}{quiet}.",
            UserWarning,
        )


def meaning_of(name):
    """What a column's name says it holds: "heads", "tails", "tosses", "rate" or None.

    The last word decides, whole or as the end of what is written together; "n_alt" is of "alt".
    """
    words = words_of(name)
    if not words:
        return None
    ends = [word for word in GLUED if words[-1].endswith(word)]
    meaning = MEANING.get(words[-1]) or (MEANING[ends[0]] if ends else None)
    return "tails" if NOT & set(words) and meaning != "tosses" else meaning


def words_of(name):
    """The words of "n_trials", "nTrials" or "N trials (all)", without those that only count."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    words = [word.lower() for word in words]
    while len(words) > 1 and words[-1] in (*AT_AN_END, "reads"):
        words.pop()
    return words


def is_of_tails(first, second):
    """Whether names say that the second column is what the first one leaves."""
    opposite = {prefix + "".join(words_of(first)) for prefix in ("un", "non", "not", "no", "in")}
    return (
        meaning_of(second) == "tails" != meaning_of(first) or "".join(words_of(second)) in opposite
    )


def told_by_names(layout, first, second):
    """What names tell, and the remedy; None where they fit, or say nothing."""
    meanings = meaning_of(first), meaning_of(second)
    if words_of(first)[-1:] == words_of(second)[-1:]:  # such as "new_patients", "old_patients"
        return None
    if layout == "heads_tails" and meanings[1] == "tosses" != meanings[0]:
        return f"{second!r} sounds like all tosses, heads among them", "second"
    if meanings[0] == "tosses" != meanings[1]:
        return f"{first!r} sounds like all tosses, heads among them", "first"
    if layout == "heads_tails" and meanings == ("tails", "heads"):
        return f"{first!r} sounds like tails and {second!r} like heads", "exchanged"
    if layout == "heads_tosses" and meanings[1] == "tails":
        return f"{second!r} sounds like tails, without the heads", "tails"
    return None


def told_by_rates(names, heads, others, rows):
    """Heads in [0, 1], some inside, of whole tosses: ``heads * tosses`` would be the count.

    Of two tosses or less, a fraction that is no half is no rate but an expected number of heads.
    """
    inside = heads != np.rint(heads)
    is_named = bool(names) and meaning_of(names[0]) == "rate"
    count = heads * others
    could_be = (others > 2) | (np.abs(count - np.rint(count)) < 1e-6)
    is_rate = (
        heads.max(initial=0) <= 1
        and np.abs(others - np.rint(others)).max(initial=0) < 1e-9
        and could_be[inside].all()
        and n_rows(rows) >= LEAST_ROWS - 2
    )
    if inside.any() and (is_rate or is_named):
        return "the first holds fractions of the tosses, not a number of heads", "rate"
    return None


def told_by_constant(heads, tails, rows):
    """One column the same in all rows, and the other different but nowhere above it.

    In ``m`` rows of heads and tails, a Poisson number of mean ``c`` is ``c`` each time with a
    probability of about ``(2 pi c)**(-m / 2)``.
    """
    m = n_rows(rows)
    for whole, part, which in ((tails, heads, "second"), (heads, tails, "first")):
        c = whole.max(initial=0)
        if m < LEAST_ROWS or c < 1 or m / 2 * np.log(2 * np.pi * c) < -np.log(CHANCE):
            continue
        if whole.min() == c and part.min() < part.max() <= c:
            said = f"the {which} is {c:g} in all rows and the other one nowhere above it"
            return f"{said}, as if it were all tosses", which
    return None


def told_by_spread(heads, tails, spread):
    """One column nowhere below the other, and less spread than heads and tails can have."""
    which = "second" if np.all(tails >= heads) else "first"
    if which == "first" and not np.all(heads >= tails):
        return None
    ratio, probability = spread()
    if ratio < NARROW and probability < SURE:
        return (
            f"the {which} is nowhere below the other one, and around the coins they spread by "
            f"{ratio:.2g} of the variance of heads and tails, as if it were all tosses",
            which,
        )
    return None


def spread_around_coins(mixture, counts):
    """Variance around the coins, as a ratio to that of binomials, and how improbable it is.

    With ``z_ik`` the standardised heads of row ``i`` under coin ``k``, the mean of
    ``sum_k r_ik z_ik^2`` is 1 if the mixture is true, and more if it has too few coins. Of heads
    ``h`` and all tosses ``n``, read as ``h`` of ``h + n``, it is ``(1 - p) / (1 + p)``: the rows
    of a coin vary less than any coin's. The probability is that of a chi-square of the same
    variance, with the distinct rows for rows, which errs to the careful side.

    Returns
    -------
    ratio, probability : float
    """
    counts = counts.tossed.keep(counts.tossed.label == HIDDEN)
    theta, n, m = mixture.theta, counts.tosses[:, None], counts.multiplicity
    m = m / m.max(initial=np.finfo(float).tiny)  # squares of less may be zero
    n_free = (m.sum() ** 2 / (m @ m) if len(m) else 0) - mixture.n_parameters
    inside = np.flatnonzero((theta > 0) & (theta < 1))
    if n_free < MANY_ROWS or not len(inside):
        return 1.0, 1.0
    theta, variance = theta[inside], theta[inside] * (1 - theta[inside])
    posterior = mixture.posterior(counts.heads, counts.tails)[:, inside]
    square = (counts.heads[:, None] - n * theta) ** 2 / (n * variance)
    of_square = 2 + (1 - 6 * variance) / (n * variance)  # its own variance
    share = posterior.sum(axis=1) @ m
    ratio = (posterior * square).sum(axis=1) @ m / share * (1 + mixture.n_parameters / n_free)
    half = n_free / ((posterior * of_square).sum(axis=1) @ m / share)
    return float(ratio), float(gammainc(half, half * ratio))


def n_rows(rows):
    """How many rows there are, at least: weights may be shares."""
    return max(rows.sum(), len(rows))
