"""Fit again to rows that are drawn: from the parameters that they were drawn from."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from skcoin._em.specification import warm_start
from skcoin._families.nonparametric import npmle
from skcoin._fit import fit_tables
from skcoin.inspection._inspected import Inspected
from skcoin.inspection._resampling import Simulation, draw_tables

MAX_ITER = 1000


def fit_again(recipe, parameters, tables):
    """Runs to the maximum next to some parameters, of each table, whatever the solver was."""
    recipe = replace(recipe, solver="em-newton", max_iter=MAX_ITER)
    start = warm_start(parameters, recipe.specification)[None]
    options = {"own_starts": False, "regroup": False, "strict": False}
    return fit_tables(recipe, tables, warm=[start] * len(tables), **options)


@dataclass(frozen=True)
class Refits:
    """A task to repeat: draw rows from a model, fit it to them, and read off what is wanted.

    Attributes
    ----------
    rows : Simulation
    fitted : Inspected
        The model; the number of coins is learned again where it was.
    read : callable
        ``read(mixture, counts, rng)``, of a fit, its rows and the generator that drew them.
    """

    rows: Simulation
    fitted: Inspected
    read: Callable

    def __call__(self, rngs):
        results, rng = [], iter(rngs)
        for tables, _ in draw_tables(self.rows, rngs):
            for mixture, counts in zip(self._mixtures(tables), tables, strict=True):
                results.append(self.read(mixture, counts, next(rng)))
        return results

    def _mixtures(self, tables):
        recipe, mixture = self.fitted.recipe, self.fitted.mixture
        if recipe.is_nonparametric:
            found = [npmle(t.heads, t.tails, t.multiplicity, tol=recipe.tol) for t in tables]
            return [replace(mixture, parameters=each.parameters) for each in found]
        runs = fit_again(recipe, mixture.parameters, tables)
        return [replace(mixture, parameters=run.last[0]) for run in runs]
