"""A fitted model and the data that it is judged by, as counts."""

from dataclasses import dataclass

from sklearn.utils.validation import check_is_fitted

from skcoin._counts import HIDDEN, Counts
from skcoin._likelihood import Coins, Evidence
from skcoin._starts import Given
from skcoin._validation import refuse_if_no_model, refuse_if_no_toss


@dataclass(frozen=True)
class Fitted:
    """What the functions of this folder look at.

    Attributes
    ----------
    coins : Coins of shape (n_coins,)
    counts : Counts
        Rows with at least one toss, or of a known coin.
    given : Given
    evidence : Evidence
    """

    coins: Coins
    counts: Counts
    given: Given
    evidence: Evidence


def look_at(model, X, sample_weight=None, coins=None):
    """Check a model and its data, and count them."""
    check_model(model)
    counts = model._count(X, sample_weight, coins)
    refuse_if_no_toss(counts)
    telling = counts.where((counts.tosses > 0) | (counts.coin != HIDDEN))
    given = model._given()
    return Fitted(model._coins(), telling, given, model._evidence(counts, given))


def check_model(model, name="model"):
    """Refuse what is no fitted model of hidden coins."""
    refuse_if_no_model(model, name, "fitted ")
    check_is_fitted(model)
    if len(model.theta_) != model._n_components:
        raise ValueError(
            f"n_components of {name} is {model._n_components}, but it was fitted with "
            f"{len(model.theta_)}. Fit it again."
        )
