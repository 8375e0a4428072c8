"""What a user can get wrong in parameters and vectors, and the words in which they are told.

What can be right has names, for signatures: ``Column``, ``Layout``, ``InitParams``, ``Solver``,
``Seed``; and so have the ``Floats`` and ``Labels`` that are returned.
"""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils import check_scalar
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skcoin._counts import HIDDEN

# In a cell, or of a prior; beyond, not every whole number is a float. Itself an integer, with which
# integers are compared as such.
MOST = 2**53

Column: TypeAlias = ArrayLike | None  # one entry for each row, or none at all
Layout: TypeAlias = Literal["heads_tails", "heads_tosses", "tosses"]
InitParams: TypeAlias = Literal["auto", "quantile", "random", "k-means++"]
Solver: TypeAlias = Literal["em-newton", "em"]
Seed: TypeAlias = int | np.random.RandomState | None
Floats: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.intp]
CONSTRAINTS = {  # of the parameters that several estimators have
    "layout": [StrOptions(set(get_args(Layout)))],
    "theta_prior": ["array-like"],
    "weights_prior": [Interval(Real, 1, MOST, closed="both")],
    "init_params": [StrOptions(set(get_args(InitParams)))],
    "n_init": [Interval(Integral, 1, None, closed="left")],
    "solver": [StrOptions(set(get_args(Solver)))],
    "tol": [Interval(Real, 0, MOST, closed="both")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
Method = TypeVar("Method", bound=Callable[..., Any])


def checks_parameters(method: Method) -> Method:
    """Have ``fit`` check the parameters first as scikit-learn's do, and keep its signature."""
    return _fit_context(prefer_skip_nested_validation=True)(method)


def check_sample_weight(sample_weight, n_samples):
    """``sample_weight`` as float64 of shape (n_samples,), or None."""
    if sample_weight is None:
        return None
    sample_weight = check_vector(sample_weight, "sample_weight", n_samples, "one weight per row")
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
    coins = check_vector(coins, "coins", n_samples, "one coin per row, -1 where it is hidden")
    wrong = (coins != np.rint(coins)) | (coins < HIDDEN) | (coins >= n_components)
    for row in np.flatnonzero(wrong)[:1]:
        raise ValueError(
            f"coins[{row}] is {coins[row]:g}, but must be a whole number from 0 to "
            f"{n_components - 1} (n_components={n_components}), or -1 where the coin is hidden."
        )
    return coins.astype(np.intp)


def check_theta(theta, name, n_components):
    """Probabilities of heads of shape (n_components,), each in [0, 1]; NaN where none is given."""
    if theta is None:
        return np.full(n_components, np.nan)
    meaning = "one probability of heads per coin, NaN where none is given"
    theta = check_vector(theta, name, n_components, meaning, allow_nan=True)
    for k in np.flatnonzero((theta < 0) | (theta > 1))[:1]:
        raise ValueError(
            f"{name}[{k}] is {theta[k]:g}; a probability of heads must be in [0, 1]. Give "
            "percentages as fractions."
        )
    return theta


def check_matrix(theta, name, size):
    """Probabilities of heads of shape (n_components, n_coins), NaN where none is given."""
    if theta is None:
        return np.full(size, np.nan)
    refuse_masked(theta, name)
    theta = as_floats(np.asarray(theta, dtype=object), name)
    if theta.shape != size:
        raise ValueError(
            f"{name} has shape {theta.shape}, but must have shape {size}: a row for each class, a "
            "probability of heads per coin, NaN where none is given."
        )
    for place in np.argwhere((theta < 0) | (theta > 1))[:1]:
        k, j = place.tolist()
        raise ValueError(
            f"{name}[{k}, {j}] is {theta[k, j]:g}; a probability of heads must be in [0, 1]. Give "
            "percentages as fractions."
        )
    return theta


def check_learned_sets(learned, theta):
    """``learn_theta`` as one bool per class and coin; what is held needs a value to be held at."""
    learn = np.asarray(learned)
    if learn.dtype != bool or learn.shape not in [(), theta.shape]:
        raise ValueError(
            f"learn_theta is {learned!r}, but must be True, False or a table of shape "
            f"{theta.shape} of them, a row for each class."
        )
    learn = np.broadcast_to(learn, theta.shape)
    for place in np.argwhere(~learn & np.isnan(theta))[:1]:
        k, j = place.tolist()
        raise ValueError(
            f"learn_theta is {learned!r}, but theta_init gives no value to coin {j} of class {k}: "
            f"a theta that is not learned stays at its start. Give theta_init[{k}, {j}]."
        )
    return learn


def check_tosses(n_tosses, size, *, at_most_one):
    """Numbers of tosses of shape (n_samples, n_coins)."""
    tosses = as_floats(np.atleast_1d(np.asarray(n_tosses, dtype=object)), "n_tosses")
    try:
        tosses = np.broadcast_to(tosses, size)
    except ValueError:
        raise ValueError(
            f"n_tosses has shape {np.shape(n_tosses)}, but must be a number, one per coin, or of "
            f"shape {size}."
        ) from None
    most = 1 if at_most_one else MOST
    for value in tosses[(tosses < 0) | (tosses != np.rint(tosses)) | (tosses > most)][:1]:
        raise ValueError(
            f"n_tosses is {value:g}, but must be a whole number from 0 to {most} in this layout."
        )
    return tosses


def check_weights(weights, name, n_components):
    """Mixing proportions of shape (n_components,), in [0, 1] with sum one, or None."""
    if weights is None:
        return None
    weights = check_vector(weights, name, n_components, "one proportion per coin")
    for k in np.flatnonzero(weights < 0)[:1]:
        raise ValueError(f"{name}[{k}] is {weights[k]:g}; a proportion must be in [0, 1].")
    if abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"{name} sums to {weights.sum():.9g}, but must sum to 1. Divide it by its sum."
        )
    return weights / weights.sum()


def check_dispersion(dispersion, n_components, *, is_tied):
    """Dispersions of shape (n_components,), each in [0, 1]; NaN where none is given."""
    if dispersion is None:
        return np.full(n_components, np.nan)
    if np.ndim(dispersion) == 0 and not np.ma.isMaskedArray(dispersion):
        dispersion = [dispersion] * n_components
    meaning = "one number for all coins, or one per coin, NaN where none is given"
    name = "dispersion_init"
    dispersion = check_vector(dispersion, name, n_components, meaning, allow_nan=True)
    for k in np.flatnonzero((dispersion < 0) | (dispersion > 1))[:1]:
        raise ValueError(
            f"{name}[{k}] is {dispersion[k]:g}; a dispersion is the correlation of two tosses of "
            "a row, in [0, 1]. A concentration a + b is 1 / dispersion - 1."
        )
    if is_tied and not np.array_equal(dispersion, dispersion[:1].repeat(n_components), True):
        raise ValueError(
            f'{name} is {dispersion.tolist()}, but dispersion_type="tied" has one for all coins. '
            'Give one number, or use dispersion_type="separate".'
        )
    return dispersion


def check_learned(learned, name, values, n_components, *, is_tied=False):
    """``learn_<name>`` as one bool per coin; what is held needs a value to be held at."""
    refuse_masked(learned, f"learn_{name}")
    learn = np.asarray(learned)
    if learn.dtype != bool or learn.shape not in [(), (n_components,)]:
        raise ValueError(
            f"learn_{name} is {learned!r}, but must be True, False or a list of "
            f"{n_components} of them (n_components={n_components})."
        )
    learn = np.broadcast_to(learn, n_components)
    if is_tied and learn.any() != learn.all():
        raise ValueError(
            f'learn_{name} is {learned!r}, but {name}_type="tied" has one {name} for all coins, '
            f'which is learned or not. Give True or False, or use {name}_type="separate".'
        )
    for k in np.flatnonzero(~learn & np.isnan(values))[:1]:
        raise ValueError(
            f"learn_{name} is {learned!r}, but {name}_init gives no value to coin {k}: a {name} "
            f"that is not learned stays at its start. Give {name}_init[{k}]."
        )
    return learn


def check_theta_prior(theta_prior):
    """The pair (a, b) of the Beta prior, both at least 1 and finite."""
    prior = check_vector(theta_prior, "theta_prior", 2, "the pair (a, b) of a Beta prior")
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


def check_level(level):
    """Refuse what is no probability inside (0, 1)."""
    check_number(level, "level", Real, min_val=0, max_val=1, include_boundaries="neither")


def check_n_tosses(n_tosses, n_samples):
    """``n_tosses`` as float64 of shape (n_samples,)."""
    refuse_masked(n_tosses, "n_tosses")
    if np.ndim(n_tosses) == 0:
        n_tosses = np.full(n_samples, n_tosses)
    return check_vector(n_tosses, "n_tosses", n_samples, "the number of tosses, or one per row")


def refuse_if_not_drawable(tosses, most, of_the_fit):
    """Refuse numbers of tosses that are not whole, negative, or more than ``most``."""
    for row in np.flatnonzero((tosses != np.rint(tosses)) | (tosses < 0) | (tosses > most))[:1]:
        source = "The fitted rows hold" if of_the_fit else "n_tosses asks for"
        raise ValueError(
            f"{source} {tosses[row]:g} tosses in a row, but a row can be drawn with a whole number "
            f"of them only, from 0 to {most:g}. Give n_tosses in this range."
        )


def refuse_if_not_whole(values, what, remedy):
    """Refuse values that are no whole numbers, up to rounding; ``what`` has a place for one.

    Rounding is relative: a tiny value is no zero, and a half is none of a large one's.
    """
    wrong = np.abs(values - np.rint(values)) > np.minimum(1e-9 * values, 0.01)
    for value in values[wrong | (values > MOST)][:1]:
        raise ValueError(
            f"{what.format(f'{value:.12g}')}: it must be a whole number, up to 2**53. {remedy}"
        )


def refuse_if_fractional(family, *columns):
    """Refuse counts of a table that are not whole where a family has no density for them."""
    if family.needs_whole:
        for values in columns:
            refuse_if_not_whole(
                values,
                "The table holds a count of {}",
                "Tosses of a coin that varies are not alike, so that half a toss has no "
                "probability. Count whole tosses, or use BinomialMixture.",
            )


def refuse_if_coin_is_gone(counts, n_components):
    """Refuse rows counted before of a known coin that the model no longer has."""
    most = counts.label.max()
    if most >= n_components:
        raise ValueError(
            f"n_components is {n_components}, but among the rows of earlier calls of partial_fit "
            f"some are known to be of coin {most}. Raise n_components, or call fit, which forgets "
            "them."
        )


def refuse_if_forgotten(counts, consequence):
    """Refuse what needs counts that ``forget_counts`` has taken away."""
    if counts is None:
        raise ValueError(f"forget_counts has been called, so that {consequence}")


def refuse_if_not_fitted(model, name=None):
    """Refuse a model, the parameter of this name, that has learned nothing yet."""
    has_rows = getattr(model, "_counts", None) is not None
    so_far = " No row so far holds a toss." if has_rows else ""
    given = f" It is given as {name}." if name else ""
    check_is_fitted(
        model, msg=f"This %(name)s instance is not fitted yet.{given}{so_far} Call 'fit' first."
    )


def refuse_if_no_toss(counts):
    """Refuse rows that hold no toss, and totals that no float can hold."""
    with np.errstate(over="ignore"):
        total = counts.multiplicity @ counts.tosses
    if total == 0:
        raise ValueError(
            "X holds no toss: every row of positive weight has 0 heads and 0 tails, so that there "
            "is nothing to learn from."
        )
    if not np.isfinite(total):
        most, weight = counts.tosses.max(), counts.multiplicity.max()
        raise ValueError(
            f"X and sample_weight hold more tosses than a float can count: up to {most:g} in a row "
            f"of weight up to {weight:g}. Scale them down."
        )


def check_vector(values, name, length, meaning, *, allow_nan=False):
    """Real numbers as float64 of shape (length,), each finite or, if that is allowed, NaN."""
    refuse_masked(values, name)
    vector = np.asarray(values)
    if vector.dtype.kind == "O":
        vector = as_floats(vector, name)
    if vector.dtype.kind not in "biuf":
        kind = "strings" if vector.dtype.kind in "US" else f"{vector.dtype.name} values"
        example = f" such as {vector.flat[0].item()!r}" if vector.size else ""
        raise ValueError(f"{name} holds {kind}{example}, but must hold real numbers: {meaning}.")
    if vector.shape != (length,):
        raise ValueError(
            f"{name} has shape {vector.shape}, but must have shape ({length},): {meaning}."
        )
    if vector.dtype.kind == "f" and np.any(np.abs(vector) >= MOST):  # of integers, perhaps
        vector = np.asarray(values, dtype=object)
    vector = exact_floats(vector, name)
    for i in np.flatnonzero(~np.isfinite(vector) & ~(allow_nan & np.isnan(vector)))[:1]:
        raise ValueError(f"{name}[{i}] is {vector[i]:g}, but must be a finite number: {meaning}.")
    return vector


def exact_floats(values, name):
    """Numbers as float64; refuse a whole one of which no float has the last digits."""
    return _refuse_rounded(values, values.astype(np.float64), name)


def _refuse_rounded(values, floats, name):
    if values.dtype.kind in "Oiu":
        for place in zip(*np.nonzero(np.isfinite(floats) & (np.abs(floats) >= MOST)), strict=True):
            if values[place] == int(values[place]) != int(floats[place]):
                where = ", ".join(map(str, place))
                raise ValueError(
                    f"{name}[{where}] is {values[place]}, which no float equals: above 2**53 = "
                    f"{MOST} whole numbers lose their last digits. Scale {name} down."
                )
    return floats


def as_floats(values, name, remedy=lambda place, value: ""):  # noqa: ARG005
    """An array of objects as float64, None and pandas.NA as NaN.

    Where a cell is no number, it is named, with what ``remedy(place, value)`` says.
    """
    try:
        floats = values.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        floats = np.full(values.shape, np.nan)
        for place, value in np.ndenumerate(values):
            if type(value).__name__ == "NAType":
                continue
            where = f"{name}[{', '.join(map(str, place))}]"
            try:
                floats[place] = np.float64(value)
            except OverflowError as error:
                raise ValueError(f"{where} is larger than any float. Scale it down.") from error
            except (TypeError, ValueError) as error:
                kind = "the string " if isinstance(value, str) else ""
                raise type(error)(
                    f"{where} is {kind}{value!r}, which is no number ({error})."
                    f"{remedy(place, value)}"
                ) from error
    return _refuse_rounded(values, floats, name)


def refuse_masked(values, name, remedy=""):
    """Refuse an array of which entries are masked: arithmetic would forget which."""
    if np.ma.is_masked(values):
        raise ValueError(
            f"{name} is a masked array, whose mask would be ignored. Leave out what is masked, or "
            f"say what it is by {name}.filled(...).{remedy}"
        )
