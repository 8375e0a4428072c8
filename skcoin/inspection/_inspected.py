"""A fitted model and the data that it is judged by, as counts."""

from dataclasses import dataclass
from functools import cached_property

from skcoin._base import check_model, count_rows, mixture_of, recipe_of
from skcoin._counts import HIDDEN, Counts
from skcoin._fit import Recipe, as_problem
from skcoin._layouts import refuse_sets
from skcoin._mixture import Mixture
from skcoin._validation import refuse_if_no_toss


@dataclass(frozen=True)
class Inspected:
    """What the functions of this folder read.

    Attributes
    ----------
    mixture : Mixture
    counts : Counts
        Rows with at least one toss, or of a known coin.
    recipe : Recipe
    n_empty : float
        Total weight of the other rows.
    """

    mixture: Mixture
    counts: Counts
    recipe: Recipe
    n_empty: float

    @property
    def parameters(self):
        return self.mixture.parameters

    @property
    def specification(self):
        return self.recipe.specification

    @cached_property
    def problem(self):
        return as_problem(self.recipe, self.counts)


def check_parametric(model, name="model"):
    """Refuse a model whose number of coins is learned, and so has no parameters to be sure of."""
    check_model(model, name)
    if recipe_of(model).is_nonparametric:
        n_coins = len(model.theta_)
        raise TypeError(
            f"{name} is a {type(model).__name__}, whose number of coins is learned: its thetas and "
            f"weights are no fixed parameters. Fit BinomialMixture({n_coins}) for a number that is "
            "given."
        )


def check_one_coin(model, why, instead):
    """Refuse a model with several coins in each row, and what is no fitted model."""
    check_model(model)
    refuse_sets(model, "model", why, instead)


def check_several_coins(model, why, instead):
    """Refuse a model with one coin in each row, and what is no fitted model."""
    check_model(model)
    if mixture_of(model).family.n_axes == 1:
        raise TypeError(
            f"model is a {type(model).__name__}, with one coin in each row, but {why}. {instead}"
        )


def check_fitted(model, X, sample_weight=None, coins=None):
    """Check a model and its data, and count them."""
    check_model(model)
    counts = count_rows(model, X, sample_weight, coins)
    refuse_if_no_toss(counts)
    tells = (counts.tosses > 0) | (counts.label != HIDDEN)
    n_empty = counts.multiplicity[~tells].sum()
    return Inspected(mixture_of(model), counts.keep(tells), recipe_of(model), n_empty)
