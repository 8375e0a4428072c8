"""Everything that a user can get wrong, and the words in which they are told.

The layouts of X live here too: ``iter_tosses`` is the one place that knows them. It works in
chunks, so that checking ten million rows takes no more memory than checking one chunk.
"""

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.validation import validate_data

from skcoin._advice import warn_user
from skcoin._counts import HIDDEN

LAYOUTS = ("heads_tails", "heads_tosses", "tosses")
MOST = 2.0**53  # in a cell, or of a prior; beyond, not every whole number is a float
CHUNK = 1 << 17  # rows; a chunk and its codes stay in a processor's second-level cache


def check_layout(estimator, X, *, reset):
    """X as a numeric 2-D array with the columns that the estimator's layout asks for.

    The cells themselves are read, and refused, by ``iter_tosses``.
    """
    if isinstance(X, np.ma.MaskedArray):
        raise ValueError(
            "X is a masked array, whose mask would be ignored. Drop the masked rows, or use "
            'layout="tosses" with X.filled(np.nan), which says that a toss was not made.'
        )
    X = validate_data(estimator, X, reset=reset, dtype="numeric", ensure_all_finite=False)
    if X.dtype.kind == "O":
        X = _as_floats(X, "X")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X holds {X.dtype.name} values, but must hold counts of tosses.")
    layout, n_columns = estimator.layout, X.shape[1]
    if layout == "tosses":
        return X
    if n_columns == 1:
        raise ValueError(
            f"layout={layout!r} needs two columns, but X has n_features = 1. If every cell is one "
            'toss (1 heads, 0 tails, NaN not tossed), use layout="tosses".'
        )
    if n_columns > 2 and layout == "heads_tosses":
        raise ValueError(
            f'layout="heads_tosses" needs exactly two columns, heads and tosses, but X has '
            f"{n_columns}. Select the two, e.g. X[:, [0, 1]]."
        )
    if n_columns > 2 and reset:
        warn_user(
            f'layout="heads_tails": X has {n_columns} columns; column 0 is taken as heads and the '
            f"sum of columns 1 to {n_columns - 1} as tails. For heads and tosses in two columns "
            'use layout="heads_tosses", for single tosses in cells layout="tosses".',
            UserWarning,
        )
    return X


def iter_tosses(X, layout, caller, chunk=CHUNK):
    """Yield heads and tails of X, chunk by chunk; refuse a cell that holds no count of tosses.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        From ``check_layout``.
    layout : one of LAYOUTS
    caller : str
        Who reads X, as the message shall say.

    Yields
    ------
    heads, tails : ndarray of shape (n_rows,)
    """
    split = {"heads_tails": _heads_tails, "heads_tosses": _heads_tosses, "tosses": _tosses}[layout]
    for start in range(0, len(X), chunk):
        part = X[start : start + chunk]
        if part.dtype.kind in "bf" or part.dtype.itemsize < 8:
            # So that sums and differences are exact.
            part = part.astype(np.float64 if part.dtype.kind == "f" else np.int64, copy=False)
        yield split(part, start, caller)


def check_sample_weight(sample_weight, n_samples):
    """``sample_weight`` as float64 of shape (n_samples,), or None."""
    if sample_weight is None:
        return None
    sample_weight = _check_vector(sample_weight, "sample_weight", n_samples, "one weight per row")
    for row in np.flatnonzero(sample_weight < 0)[:1]:
        raise ValueError(
            f"sample_weight[{row}] is {sample_weight[row]:g}; weights say how often a row counts "
            "and must not be negative. Use 0 to leave a row out."
        )
    if not sample_weight.any():
        raise ValueError(
            "sample_weight is zero in every row, so no row counts: sample weights must contain at "
            "least one non-zero number."
        )
    return sample_weight


def check_coins(coins, n_samples, n_components):
    """``coins`` as integers of shape (n_samples,), in -1, ..., n_components - 1, or None."""
    if coins is None:
        return None
    coins = _check_vector(coins, "coins", n_samples, "one coin per row, -1 where it is hidden")
    wrong = (coins != np.rint(coins)) | (coins < HIDDEN) | (coins >= n_components)
    for row in np.flatnonzero(wrong)[:1]:
        raise ValueError(
            f"coins[{row}] is {coins[row]:g}, but must be a whole number from 0 to "
            f"{n_components - 1} (n_components={n_components}), or -1 where the coin is hidden."
        )
    return coins.astype(np.intp)


def check_theta(theta, name, n_components):
    """Probabilities of heads of shape (n_components,), each in [0, 1], or None."""
    if theta is None:
        return None
    theta = _check_vector(theta, name, n_components, "one probability of heads per coin")
    for k in np.flatnonzero((theta < 0) | (theta > 1))[:1]:
        raise ValueError(
            f"{name}[{k}] is {theta[k]:g}; a probability of heads must be in [0, 1]. Give "
            "percentages as fractions."
        )
    return theta


def check_weights(weights, name, n_components):
    """Mixing proportions of shape (n_components,), in [0, 1] with sum one, or None."""
    if weights is None:
        return None
    weights = _check_vector(weights, name, n_components, "one proportion per coin")
    for k in np.flatnonzero(weights < 0)[:1]:
        raise ValueError(f"{name}[{k}] is {weights[k]:g}; a proportion must be in [0, 1].")
    if abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"{name} sums to {weights.sum():.9g}, but must sum to 1. Divide it by its sum."
        )
    return weights / weights.sum()


def check_learn_theta(learn_theta, theta_init, n_components):
    """``learn_theta`` as one bool per coin; a theta that is held needs a value to be held at."""
    learn = np.asarray(learn_theta)
    if learn.dtype != bool or learn.shape not in [(), (n_components,)]:
        raise ValueError(
            f"learn_theta is {learn_theta!r}, but must be True, False or a list of "
            f"{n_components} of them (n_components={n_components})."
        )
    if not learn.all() and theta_init is None:
        raise ValueError(
            f"learn_theta is {learn_theta!r}, but theta_init is None: a theta that is not learned "
            "stays at its start. Give theta_init."
        )
    return np.broadcast_to(learn, n_components)


def check_theta_prior(theta_prior):
    """The pair (a, b) of the Beta prior, both at least 1 and finite."""
    prior = _check_vector(theta_prior, "theta_prior", 2, "the pair (a, b) of a Beta prior")
    if prior.min() < 1:
        raise ValueError(
            f"theta_prior is {theta_prior!r}, but both numbers must be at least 1: below that the "
            "prior is infinite at 0 or 1 and has no mode. (1, 1) is flat."
        )
    if prior.max() > MOST:
        raise ValueError(f"theta_prior is {theta_prior!r}, but must not exceed {MOST:g}.")
    return prior


def check_number(value, name, kind, **bounds):
    """Refuse what is no number of this kind within bounds, and NaN, which passes any bounds."""
    check_scalar(value, name, kind, **bounds)
    if value != value:
        raise ValueError(f"{name} is NaN, but must be a number.")


def check_n_tosses(n_tosses, n_samples):
    """``n_tosses`` as float64 of shape (n_samples,)."""
    if np.ndim(n_tosses) == 0:
        n_tosses = np.full(n_samples, n_tosses)
    return _check_vector(n_tosses, "n_tosses", n_samples, "the number of tosses, or one per row")


def refuse_if_not_drawable(tosses, most, of_the_fit):
    """Refuse numbers of tosses that are not whole, negative, or more than ``most``."""
    for row in np.flatnonzero((tosses != np.rint(tosses)) | (tosses < 0) | (tosses > most))[:1]:
        source = "The fitted rows hold" if of_the_fit else "n_tosses asks for"
        raise ValueError(
            f"{source} {tosses[row]:g} tosses in a row, but a row can be drawn with a whole number "
            f"of them only, from 0 to {most:g}. Give n_tosses in this range."
        )


def refuse_if_no_model(model, name, fitted=""):
    """Refuse what is no model of hidden coins."""
    if isinstance(model, type) or not hasattr(model, "_count"):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        article = "" if isinstance(model, type) else "a "
        raise TypeError(
            f"{name} must be a {fitted}BinomialMixture or ThreeCoinModel, but is {article}{kind}."
        )


def refuse_if_not_whole(values, what, remedy):
    """Refuse values that are no whole numbers, up to rounding; ``what`` has a place for one."""
    wrong = np.abs(values - np.rint(values)) > 1e-9 * np.maximum(values, 1)
    for value in values[wrong | (values > MOST)][:1]:
        raise ValueError(
            f"{what.format(f'{value:.12g}')}: it must be a whole number, up to 2**53. {remedy}"
        )


def refuse_if_coin_is_gone(counts, n_components):
    """Refuse rows counted before of a known coin that the model no longer has."""
    most = counts.coin.max()
    if most >= n_components:
        raise ValueError(
            f"n_components is {n_components}, but among the rows of earlier calls of partial_fit "
            f"some are known to be of coin {most}. Raise n_components, or call fit, which forgets "
            "them."
        )


def refuse_if_no_toss(counts):
    """Refuse rows that hold no toss, and totals that no float can hold."""
    with np.errstate(over="ignore"):
        total = counts.rows @ counts.tosses
    if total == 0:
        raise ValueError(
            "X holds no toss: every row of positive weight has 0 heads and 0 tails, so that there "
            "is nothing to learn from."
        )
    if not np.isfinite(total):
        raise ValueError(
            f"X and sample_weight hold more tosses than a float can count: up to "
            f"{counts.tosses.max():g} in a row of weight up to {counts.rows.max():g}. Scale them "
            "down."
        )


def refuse_if_impossible(start, counts, names):
    """Refuse start values that exclude a row, whose likelihood could never rise above zero.

    Parameters
    ----------
    start : Coins of shape (n_starts, n_components)
    counts : Counts
    names : str
        The parameters to change, as the message shall say.
    """
    if np.all((start.theta > 0) & (start.theta < 1) & (start.weights > 0)):
        return
    for coins in start:
        possible = (
            ((counts.heads[:, None] == 0) | (coins.theta > 0))
            & ((counts.tails[:, None] == 0) | (coins.theta < 1))
            & (coins.weights > 0)
        )
        hidden = counts.coin == HIDDEN
        own = possible[np.arange(len(hidden)), counts.coin]
        for i in np.flatnonzero(~np.where(hidden, possible.any(axis=1), own))[:1]:
            whose = "any coin" if hidden[i] else f"its coin {counts.coin[i]}"
            raise ValueError(
                f"A row of {counts.heads[i]:g} heads and {counts.tails[i]:g} tails is impossible "
                f"for {whose} at the start: theta={coins.theta.tolist()}, "
                f"weights={coins.weights.tolist()}. Move {names} inside (0, 1)."
            )


def _heads_tails(part, start, caller):
    _refuse_non_counts(part, start, caller)
    tails = part[:, 1] if part.shape[1] == 2 else part[:, 1:].sum(axis=1, dtype=np.float64)
    return part[:, 0], tails


def _heads_tosses(part, start, caller):
    _refuse_non_counts(part, start, caller)
    heads, tosses = part[:, 0], part[:, 1]
    rounding = 4 * np.finfo(float).eps  # of fractional counts
    for row in np.flatnonzero(heads > tosses * (1 + rounding))[:1]:
        raise ValueError(
            f"Row {start + row} of X has {heads[row]:.15g} heads in {tosses[row]:.15g} tosses. "
            'With layout="heads_tosses" column 0 is heads and column 1 all tosses; if column 1 '
            'is tails, use layout="heads_tails".'
        )
    return heads, np.maximum(tosses - heads, 0)


def _tosses(part, start, caller):
    heads, tails = part == 1, part == 0
    wrong = ~(heads | tails)
    if part.dtype.kind == "f":
        wrong &= ~np.isnan(part)
    for row, column in np.argwhere(wrong)[:1]:
        negative = "Negative values in data passed to" if part[row, column] < 0 else "X of"
        raise ValueError(
            f"{negative} {caller}: row {start + row}, column {column} is {part[row, column]:g}, "
            'which is no toss. With layout="tosses" a cell is 1 for heads, 0 for tails or NaN for '
            'not tossed; for counts use layout="heads_tails".'
        )
    return heads.sum(axis=1), tails.sum(axis=1)


def _refuse_non_counts(part, start, caller):
    low, high = part.min(), part.max()  # NaN reaches both
    if low >= 0 and high <= MOST:
        return
    row, column = np.argwhere(~((part >= 0) & (part <= MOST)))[0]
    value, where = part[row, column], f"row {start + row}, column {column}"
    if value < 0 and np.isfinite(value):
        raise ValueError(
            f"Negative values in data passed to {caller}: {where} is {value:g}, but heads and "
            "tails are counts. Remove or repair the row."
        )
    if np.isfinite(value):
        raise ValueError(
            f"{where} of X is {value:g}; counts above 2**53 = {MOST:g} have lost their last "
            "digits. Scale X down."
        )
    said = "NaN" if np.isnan(value) else "infinity (inf)"
    raise ValueError(
        f"X of {caller} contains {said}: {where}. Counts must be finite; a row without tosses is "
        '(0, 0), and only layout="tosses" takes NaN, for a toss that was not made.'
    )


def _check_vector(values, name, length, meaning):
    vector = np.asarray(values)
    if vector.dtype.kind == "O":
        vector = _as_floats(vector, name)
    if vector.dtype.kind not in "biuf":
        kind = "strings" if vector.dtype.kind in "US" else f"{vector.dtype.name} values"
        example = f" such as {vector.flat[0].item()!r}" if vector.size else ""
        raise ValueError(f"{name} holds {kind}{example}, but must hold real numbers: {meaning}.")
    if vector.shape != (length,):
        raise ValueError(
            f"{name} has shape {vector.shape}, but must have shape ({length},): {meaning}."
        )
    vector = vector.astype(np.float64)
    for i in np.flatnonzero(~np.isfinite(vector))[:1]:
        raise ValueError(f"{name}[{i}] is {vector[i]:g}, but must be a finite number: {meaning}.")
    return vector


def _as_floats(values, name):
    """An array of objects as float64, None as NaN; where a cell is no number, name it."""
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        for place, value in np.ndenumerate(values):
            try:
                np.float64(value)
            except (TypeError, ValueError) as error:
                where = ", ".join(map(str, place))
                kind = "the string " if isinstance(value, str) else ""
                raise ValueError(
                    f"{name}[{where}] is {kind}{value!r}, which is no number."
                ) from error
        raise
