"""Fits of many tables side by side: what ``fit_groups`` has in the columns of its result.

A group has one row; where rows of the data hold tosses of several coins, one for each class.
"""

from dataclasses import dataclass

import numpy as np
from joblib import delayed

from skcoin._em.parameters import concatenate, falling
from skcoin._em.problem import pad
from skcoin._em.redundancy import redundant_pairs
from skcoin._families import BINOMIAL
from skcoin._families.nonparametric import ceiling
from skcoin._fit import Recipe, fit_tables
from skcoin._mixture import Mixture
from skcoin._product_binomial_mixture import is_singular
from skcoin._progress.workers import share_out

FLAGS = ("identifiable", "converged")
BATCH = 2**15  # numbers in an E-step; more no longer save calls, and leave the cache


@dataclass(frozen=True)
class Request:
    """What is asked of each fit.

    Attributes
    ----------
    recipe : Recipe
    coins : list of str
        Names of several coins in a row; empty if there is one.
    in_order : bool
        Whether the order of tosses is data.
    has_gap : bool
    random_state : int or None
    """

    recipe: Recipe
    coins: list
    in_order: bool
    has_gap: bool
    random_state: int | None

    @property
    def n_components(self):
        return self.recipe.specification.n_components

    @property
    def rows_of_each(self):
        """How many rows of the result a group has."""
        return self.n_components if self.coins else 1

    @property
    def names(self):
        """Of the columns of the result."""
        parts = dict.fromkeys(self.recipe.family.names)
        if self.coins:
            of_components = [f"{part}_{coin}" for part in parts for coin in self.coins]
            of_components.append("weight")
        else:
            components = range(self.n_components)
            of_components = [f"{part}{k}" for part in (*parts, "weight") for k in components]
        return [*of_components, "log_likelihood", "bic", *["gap"] * self.has_gap, *FLAGS]


def fit_each(request, tables, **options):
    """Fit a mixture to each of several tables.

    Parameters
    ----------
    request : Request
    tables : list of Counts
        Of hidden coins.
    **options
        Of ``share_out``.

    Returns
    -------
    columns : dict of ndarray of shape (n_tables, request.rows_of_each)
        By ``request.names``; NaN and False for a table without a toss.
    """
    tossed = [table.keep((table.tosses > 0) & (table.multiplicity > 0)) for table in tables]
    # Tables about as long side by side, so that little is padded.
    order = [i for i, table in enumerate(tossed) if len(table.multiplicity)]
    order.sort(key=lambda i: len(tossed[i].multiplicity))
    size = [table.heads.size * request.n_components for table in tossed]
    fit, batches = delayed(_fit_batch), [*_batches(order, size)]
    calls = (fit(request, [tossed[i] for i in batch]) for batch in batches)
    parts = share_out(calls, len(batches), name="fit_groups", **options)
    columns, shape = {}, (len(tables), request.rows_of_each)
    for name in request.names:
        columns[name] = np.full(shape, False if name in FLAGS else np.nan)
        if parts:
            columns[name][order] = np.concatenate([part[name] for part in parts])
    return columns


def _batches(order, size):
    """Consecutive groups of ``order`` that are small enough together."""
    batch, largest = [], 0
    for i in order:
        largest = max(largest, size[i])
        if batch and (len(batch) + 1) * largest > BATCH:
            yield batch
            batch, largest = [], size[i]
        batch.append(i)
    if batch:
        yield batch


def _fit_batch(request, tables):
    recipe, specification = request.recipe, request.recipe.specification
    runs = fit_tables(recipe, tables, random_state=request.random_state)
    parameters = concatenate([run.last for run in runs])
    n_parameters = specification.n_parameters
    mixture = Mixture(recipe.family.exact, parameters, n_parameters, request.in_order)
    values = parameters.weights if request.coins else parameters.components[..., 0]
    columns = {
        **_of_components(request, mixture, falling(values, specification.is_alike)),
        **_criteria(mixture, tables, request.has_gap),
        "identifiable": np.array([_is_identifiable(run, recipe) for run in runs]),
        "converged": np.array([run.converged for run in runs]),
    }
    shape = request.rows_of_each, len(tables)
    return [{name: np.broadcast_to(column.T, shape).T for name, column in columns.items()}]


def _of_components(request, mixture, order):
    """The parameters, (n_tables,) each, or of all classes (n_tables, n_components)."""
    columns = {}
    for part, values in mixture.by_name.items():
        places = np.expand_dims(order, tuple(range(2, values.ndim)))
        values = np.take_along_axis(values, places, axis=1)
        if part == "weights":
            part = "weight"
            columns |= {"weight": values} if request.coins else {}
        elif request.coins:  # which may have one dispersion for all
            shape = *order.shape, len(request.coins)
            values = np.broadcast_to(values if values.ndim == 3 else values[..., None], shape)
            each = np.moveaxis(values, -1, 0)
            columns |= {f"{part}_{c}": v for c, v in zip(request.coins, each, strict=True)}
        if not request.coins:
            columns |= {f"{part}{k}": column for k, column in enumerate(values.T)}
    return columns


def _is_identifiable(run, recipe):
    return (
        recipe.family.is_identifiable(run.problem)
        and not redundant_pairs(run, recipe.tol)
        and not (recipe.family.n_axes == 2 and is_singular(run))
    )


def _criteria(mixture, tables, has_gap):
    """Log-likelihood, BIC and gap of each table, under a mixture of its own."""
    heads, tails, multiplicity = (
        pad([getattr(table, name) for table in tables])
        for name in ("heads", "tails", "multiplicity")
    )
    sides = (np.moveaxis(side, 0, -2) for side in (heads, tails))  # coins, if several, come first
    n_rows = multiplicity.sum(axis=1)
    log_likelihood = (multiplicity * mixture.log_likelihood(*sides)).sum(axis=1)
    columns = {
        "log_likelihood": log_likelihood,
        "bic": -2 * log_likelihood + mixture.n_parameters * np.log(n_rows),
    }
    if has_gap:
        log_density = mixture.log_density_as(BINOMIAL, heads, tails)
        height = (multiplicity * log_density).sum(axis=1)
        highest = [ceiling(table.heads, table.tails, table.multiplicity) for table in tables]
        columns["gap"] = np.maximum(highest - height, 0.0)
    return columns
