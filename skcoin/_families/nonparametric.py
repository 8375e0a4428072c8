"""The nonparametric maximum-likelihood estimate of the mixing distribution of thetas.

Over all distributions ``G`` of theta on [0, 1], ``l(G) = sum_i m_i log g_i`` with ``g_i`` the
integral of ``f(x_i | theta)`` is concave, and a maximum has finitely many atoms [1]_. How far any
``G`` is from it, Lindsay's gradient function ``D`` bounds: ``l(max) - l(G) <= W log(1 + D / W)``,
at the largest ``D``.

The search goes round: all local maxima of ``D`` join the atoms; a convex quadratic programme shares
out the weights, most of which become zero [2]_; atoms that straddle a single one are merged; a few
joint steps of Newton, those of any mixture, move atoms and weights together. It ends when ``D`` is
nowhere above the tolerance.

References
----------
.. [1] Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory. Annals of
   Statistics, 11(1), 86-94.
.. [2] Wang, Y. (2007). On fast computation of the non-parametric maximum likelihood estimate of a
   mixing distribution. Journal of the Royal Statistical Society, Series B, 69(2), 185-198.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import csr_array

from skcoin._em.e_step import log_likelihood
from skcoin._em.loop import repeat
from skcoin._em.parameters import Parameters, inside
from skcoin._em.problem import Problem
from skcoin._em.specification import all_free
from skcoin._em.steps import em_step, newton_step
from skcoin._families.binomial import BINOMIAL
from skcoin._families.gradient_function import blocks, ragged, refine, rounding_of

PER_WIDTH = 4  # points of the grid to the standard deviation of the longest row's likelihood
FEWEST = 100  # points of the grid
EVERY = 8  # which of them the search begins with
NEGLIGIBLE = 45.0  # e-folds below a row's largest density
BLOCK = 2**22  # densities
STORED = 2**26  # the same, kept: 0.8 GB
MOST_LOG_RATIO = 400.0  # of densities; beyond, any step improves
SIDE_BY_SIDE = 2**14  # rows of all maxima
EM_STEPS = 3
WEIGHINGS = 2
MOST_ACTIVE = 10  # changes of the active set of a quadratic programme, for each atom
HALVINGS = 30
NEWTON_STEPS = 6
MOST_JOINT = 64  # atoms
LAST_STEPS = 50
MERGED = (2.2, 1.2, 0.3)  # cells of the grid
SHARP = 1e-4  # gap of a certificate
ROUNDING = 1e-13  # of the gap, relative to the weight of all rows


@dataclass(frozen=True)
class MixingDistribution:
    """A distribution of theta with finitely many atoms.

    Attributes
    ----------
    parameters : Parameters of shape (n_atoms,)
        By falling theta.
    gap : float
        What no other distribution can gain more than, in log-likelihood of all rows.
    n_iter : int
        Rounds of the search.
    converged : bool
        Whether the gap is within the tolerance.
    """

    parameters: Parameters
    gap: float
    n_iter: int
    converged: bool


def npmle(heads, tails, multiplicity, *, tol=1e-8, max_iter=200, start=None, report=None):
    """The mixing distribution of largest likelihood.

    Parameters
    ----------
    heads, tails, multiplicity : ndarray of shape (n_rows,)
        Of rows with at least one toss.
    tol : float
        The gap to end at, in log-likelihood of all rows, or per unit of their weight if that is
        below one; at least what rounding leaves of it, 1e-13 of their weight.
    max_iter : int
        Rounds at most.
    start : Parameters of shape (n_atoms,), default=None
        Atoms to begin with, beside those of a grid.
    report : callable, default=None
        Told ``n_iter, n_atoms, log_likelihood, gap, at_end`` of the first atoms and each round's.

    Returns
    -------
    distribution : MixingDistribution
    """
    rows = _Rows(heads, tails, multiplicity)
    rounding = max(ROUNDING * rows.n_rows, 2 * rounding_of(rows.top, rows.multiplicity))
    tol = max(tol * min(rows.n_rows, 1), rounding)
    atoms, n_iter, n_steps = _first_atoms(rows), 0, NEWTON_STEPS
    if start is not None:
        atoms = _reweigh(rows, _join(atoms, start.components[:, 0]))
    maxima, gap = _maxima(rows, atoms)

    def tell(at_end=False):
        if report is not None:
            report(n_iter, len(atoms.weights), _height(rows, atoms), gap, at_end)

    tell()
    while gap > tol and n_iter < max_iter:
        n_before = len(atoms.weights)
        atoms = _join(atoms, maxima)
        for _ in range(WEIGHINGS):
            atoms = _reweigh(rows, atoms)
        atoms = _merge(rows, atoms)
        # As long as the atoms are others every round, a few steps are enough.
        n_steps = min(2 * n_steps, LAST_STEPS) if len(atoms.weights) == n_before else NEWTON_STEPS
        atoms = _newton(rows, atoms, n_steps)
        maxima, gap = _maxima(rows, atoms)
        n_iter += 1
        tell()
    atoms, gap = _tidied(rows, atoms, gap, tol)
    tell(at_end=True)
    order = np.argsort(-atoms.components[:, 0])
    return MixingDistribution(atoms[order], gap, n_iter, gap <= tol)


def ceiling(heads, tails, multiplicity):
    """What the log-likelihood of no mixture exceeds, without binomial coefficients.

    That of the best mixing distribution plus its gap, and what rounding may hide.
    """
    found = npmle(heads, tails, multiplicity, tol=SHARP)
    log_fitted = log_likelihood(
        BINOMIAL, found.parameters, BINOMIAL.tabulate(heads, tails, multiplicity)
    )
    return multiplicity @ log_fitted + found.gap + rounding_of(log_fitted, multiplicity)


@dataclass(frozen=True)
class _Rows:
    """The rows, by rising rate, and a grid of thetas from the lowest to the highest of their rates.

    No maximum of ``D`` lies outside, since each of its terms falls from its row's rate to both
    sides. In ``x = arcsin sqrt theta`` the density of a row of ``n`` tosses falls at least as
    ``cos(x - x_i)^(2 n)``, which is why each row is looked at near its own rate only.
    """

    heads: np.ndarray
    tails: np.ndarray
    multiplicity: np.ndarray

    @cached_property
    def n_rows(self):
        return self.multiplicity.sum()

    @cached_property
    def tosses(self):
        return self.heads + self.tails

    @cached_property
    def table(self):
        return BINOMIAL.tabulate(self.heads, self.tails, self.multiplicity)

    @cached_property
    def top(self):
        """The largest log-density of each row, that of its own rate."""
        return BINOMIAL.highest(self.table)

    @cached_property
    def grid(self):
        """Even in ``x``, in which all likelihoods of ``n`` tosses are as wide.

        Few deep rows take fewer points within their reach alone, as dense as each asks for.
        """
        x = np.arcsin(np.sqrt(self.heads / self.tosses))
        n_points = int(np.ceil(2 * np.sqrt(NEGLIGIBLE) * PER_WIDTH))
        steps = np.linspace(-1, 1, 2 * n_points + 1)
        if self.n_cells < len(x) * len(steps):
            points = np.linspace(x.min(), x.max(), self.n_cells + 1)
        else:
            around = x[:, None] + steps * self.reach[:, None]
            points = np.clip(np.unique(around), x.min(), x.max())
        grid = np.sin(points) ** 2
        rates = self.heads / self.tosses
        rates = np.where(self.heads * self.tails > 0, inside(rates), rates)
        grid[[0, -1]] = rates.min(), rates.max()
        return np.unique(grid)

    @cached_property
    def n_cells(self):
        """Between the lowest and the highest rate, of the width that the longest row asks for."""
        width = np.ptp(np.arcsin(np.sqrt(self.heads / self.tosses)))
        return max(FEWEST - 1, int(np.ceil(2 * PER_WIDTH * np.sqrt(self.tosses.max()) * width)))

    @cached_property
    def cell(self):
        return np.ptp(np.arcsin(np.sqrt(self.grid))) / self.n_cells

    @cached_property
    def reach(self):
        """How far in ``x`` from its rate a row is looked at."""
        tosses = np.maximum(self.tosses, np.finfo(float).eps)  # of fewer it is everywhere
        return np.arccos(np.exp(-NEGLIGIBLE / (2 * tosses)))

    @cached_property
    def _span(self):
        """The first point of the grid that concerns each row, and how many do."""
        x_grid = np.arcsin(np.sqrt(self.grid))
        x = np.arcsin(np.sqrt(self.heads / self.tosses))
        first = np.searchsorted(x_grid, x - self.reach)
        return first, np.searchsorted(x_grid, x + self.reach, "right") - first

    @cached_property
    def _stored(self):
        return [(rows, self._densities(rows)) for rows in blocks(self._span[1], BLOCK)]

    def densities(self):
        """Runs of rows with ``f(x_i | theta)`` over its ``top``, (n_run, n_grid), run by run.

        What is next to zero is left out. The table is kept where it is not too large.
        """
        if self._span[1].sum() <= STORED:
            return self._stored
        return ((rows, self._densities(rows)) for rows in blocks(self._span[1], BLOCK))

    def _densities(self, rows):
        first, length = (column[rows] for column in self._span)
        row, point = ragged(first, length)
        ends = np.append(0, np.cumsum(length))
        log_f = BINOMIAL.log_density_of_pairs(self.grid, point, self.table[:, rows], row)
        density = np.exp(log_f - self.top[rows][row])
        return csr_array((density, point, ends), shape=(len(first), len(self.grid)))

    def gradient(self, log_fitted):
        """``D + W`` on the grid, of a model with these log-densities of the rows."""
        share = self.multiplicity * self.ratio(log_fitted)
        return sum(density.T @ share[rows] for rows, density in self.densities())

    def ratio(self, log_fitted):
        """Each row's largest density over that of a model, as large as a float can be."""
        return np.exp(np.minimum(self.top - log_fitted, MOST_LOG_RATIO))

    def near(self, point):
        """The rows that a point of the grid concerns."""
        first, length = self._span
        return np.flatnonzero((first <= point) & (point < first + length))


def _first_atoms(rows):
    """Every few points of the grid, with weights by a few steps of EM."""
    n_points = len(rows.grid)
    places = np.unique(np.append(np.arange(0, n_points, EVERY), n_points - 1))
    weights = np.zeros(n_points)
    weights[places] = 1 / len(places)
    for _ in range(EM_STEPS):
        expected = np.zeros(n_points)
        for run, density in rows.densities():
            fitted = np.maximum(density @ weights, np.finfo(float).tiny)
            expected += density.T @ (rows.multiplicity[run] / fitted)
        weights = weights * expected / rows.n_rows
    return _with_weight(Parameters(weights[places], rows.grid[places, None]))


def _log_fitted(rows, atoms):
    return log_likelihood(BINOMIAL, atoms, rows.table)


def _height(rows, atoms):
    return rows.multiplicity @ _log_fitted(rows, atoms)


def _maxima(rows, atoms):
    """Where ``D`` has local maxima above zero, and the gap that the largest leaves."""
    log_fitted = _log_fitted(rows, atoms)
    value = rows.gradient(log_fitted)
    padded = np.pad(value, 1, constant_values=-np.inf)
    peaks = np.flatnonzero((value >= padded[:-2]) & (value > padded[2:]))
    log_share = np.log(rows.multiplicity) - log_fitted
    theta, height = rows.grid[peaks], value[peaks]
    if len(rows.grid) > 1:
        refined, log_top = _refined(rows, peaks, log_share)
        top = np.exp(np.minimum(log_top, MOST_LOG_RATIO))
        theta, height = np.where(top > height, refined, theta), np.maximum(top, height)
    # What has been left out of D adds next to nothing, but a bound is a bound.
    left_out = np.exp(-NEGLIGIBLE) * (rows.ratio(log_fitted) @ rows.multiplicity)
    gap = rows.n_rows * np.log(max(height.max() + left_out, rows.n_rows) / rows.n_rows)
    gap += rounding_of(log_fitted, rows.multiplicity)
    return theta[height > rows.n_rows], float(gap)


def _refined(rows, peaks, log_share):
    """Maxima on the grid, off it; by the rows that concern each, or few of them side by side."""
    if len(peaks) * len(rows.heads) <= SIDE_BY_SIDE:
        return refine(rows.grid, peaks, rows.table, log_share)
    each = []
    for i, peak in enumerate(peaks):
        near = rows.near(peak)
        each.append(refine(rows.grid, peaks[i : i + 1], rows.table[:, near], log_share[near]))
    return np.concatenate(each, axis=1)


def _join(atoms, theta):
    """The atoms and further ones without weight."""
    components = np.concatenate([atoms.components, theta[:, None]])
    return Parameters(np.concatenate([atoms.weights, np.zeros(len(theta))]), components)


def _reweigh(rows, atoms):
    """Weights by a step of Newton, as a quadratic programme, and a search along its line.

    With ``S_ik = f(x_i | theta_k) / g_i`` the log-likelihood of weights ``p`` that sum to one is
    ``-|sqrt(m) (S p - 2)|^2 / 2`` to second order, up to a constant. Its maximum over ``p >= 0`` is
    that of nonnegative least squares with a row for the sum, rescaled.
    """
    log_fitted = _log_fitted(rows, atoms)
    log_ratio = BINOMIAL.log_density(atoms.components, rows.table) - log_fitted
    ratio = np.exp(np.minimum(log_ratio, MOST_LOG_RATIO))
    root = np.linalg.qr(np.sqrt(rows.multiplicity)[:, None] * (ratio.T - 2), mode="r")
    scale = np.abs(root).max()
    system = np.vstack([root / scale, np.ones(root.shape[1])])
    try:
        most = MOST_ACTIVE * len(atoms.weights)
        last = np.append(np.zeros(len(root)), 1.0)
        target, _ = nnls(np.asarray_chkfinite(system), last, maxiter=most)
    except (RuntimeError, ValueError):  # older releases of scipy may go round in circles
        target = atoms.weights * (ratio @ (rows.multiplicity / rows.n_rows))  # a step of EM
    target = target / target.sum()
    now = rows.multiplicity @ log_fitted
    for halving in range(HALVINGS):
        weights = atoms.weights + (target - atoms.weights) * 0.5**halving
        moved = _with_weight(replace(atoms, weights=weights))
        if _height(rows, moved) >= now:
            return moved
    return _with_weight(atoms)


def _with_weight(atoms):
    """The atoms that have weight."""
    atoms = atoms[atoms.weights > 0]
    return replace(atoms, weights=atoms.weights / atoms.weights.sum())


def _merge(rows, atoms):
    """Neighbours as one, where joint steps then find as high a likelihood.

    Left alone, pairs of atoms would straddle single ones ever more closely.
    """
    now = _height(rows, atoms)
    for n_cells in MERGED:
        merged = _merged(atoms, n_cells * rows.cell)
        if len(merged.weights) < len(atoms.weights):
            merged = _newton(rows, merged, NEWTON_STEPS)
            if _height(rows, merged) >= now:
                return merged
    return atoms


def _tidied(rows, atoms, gap, tol):
    """Atoms that are all but equal as one, if the gap stays below the tolerance."""
    merged = _merged(atoms, MERGED[-1] * rows.cell)
    if len(merged.weights) == len(atoms.weights):
        return atoms, gap
    merged = _newton(rows, merged, LAST_STEPS)
    left = _maxima(rows, merged)[1]
    return (merged, left) if left <= max(gap, tol) else (atoms, gap)


def _merged(atoms, width):
    """Runs of atoms that are closer than a width in ``arcsin sqrt theta``, each as one."""
    x = np.arcsin(np.sqrt(atoms.components[:, 0]))
    order = np.argsort(x)
    x, weights = x[order], atoms.weights[order]
    first = np.flatnonzero(np.diff(x, prepend=-np.inf) > width)
    total = np.add.reduceat(weights, first)
    theta = np.sin(np.add.reduceat(weights * x, first) / total) ** 2
    alone = np.diff(np.append(first, len(x))) == 1
    theta[alone] = atoms.components[order[first[alone]], 0]
    return Parameters(total, theta[:, None])


def _newton(rows, atoms, n_steps):
    """Joint steps of weights and thetas; with very many atoms, which hardly overlap, of EM."""
    n_atoms = len(atoms.weights)
    nothing = np.zeros(n_atoms)
    problem = Problem(
        family=BINOMIAL,
        table=rows.table,
        multiplicity=rows.multiplicity,
        pseudo_rows=nothing,
        pseudo_statistics=np.zeros((n_atoms, 2)),
        labelled=nothing,
        specification=all_free(n_atoms),
    )
    step = newton_step if n_atoms <= MOST_JOINT else em_step
    [run] = repeat(step, [problem], [atoms[None]], tol=0, max_iter=n_steps)
    return _with_weight(run.last[0])
