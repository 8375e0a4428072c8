"""The objective to second order, and the steps that follow from it.

In the coordinates ``log w`` and those of the family let ``g`` be the gradient of the objective,
``D`` the information that complete data would hold and ``M`` the part of it that is missing
because the components are hidden, so that the Hessian is ``-(D - M)`` [1]_. ``D^-1 g`` is the EM
step to first order. In coordinates that make ``D`` the identity the Hessian's negative is
``I - M``, with eigenvalues ``1 - fraction missing``: 1 where EM is Newton, near 0 where EM crawls,
negative where the objective curves up. The step divides the gradient by their absolute values,
as the saddle-free Newton method does [2]_.

References
----------
.. [1] Louis, T. A. (1982). Finding the observed information matrix when using the EM algorithm.
   Journal of the Royal Statistical Society, Series B, 44(2), 226-233.
.. [2] Dauphin, Y. N. et al. (2014). Identifying and attacking the saddle point problem in
   high-dimensional non-convex optimization. Advances in Neural Information Processing Systems 27.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skcoin._em.parameters import Parameters

FLOOR = 1e-5  # of the eigenvalues; where EM would need 100,000 steps counts as flat
LEAST = 1e-150  # information; with less, a parameter has no scale and stays where it is
LEAST_OF_MANY = 1e-100  # the same of parameters whose missing information may be huge
LONGEST = 0.5  # step in any coordinate
MOST_DAMPING = 10.0  # where a step is a tenth of EM's


@dataclass(frozen=True)
class DiagonalRoot:
    """``D^-1/2`` where ``D`` is diagonal: one number a coordinate, 0 for what cannot move."""

    scale: np.ndarray

    def whiten(self, gradient):
        return gradient * self.scale

    def whiten_matrix(self, missing):
        return self.scale[..., None] * missing * self.scale[..., None, :]

    def unwhiten(self, step):
        return self.scale * step

    def unwhiten_matrix(self, steps):
        return self.scale[..., None] * steps

    @property
    def moves(self):
        return self.scale > 0


@dataclass(frozen=True)
class MatrixRoot:
    """``R`` with ``R R' = A (A' D A)^-1 A'``, a column for each free number."""

    matrix: np.ndarray

    def whiten(self, gradient):
        return (self.matrix.swapaxes(-1, -2) @ gradient[..., None])[..., 0]

    def whiten_matrix(self, missing):
        return self.matrix.swapaxes(-1, -2) @ missing @ self.matrix

    def unwhiten(self, step):
        return (self.matrix @ step[..., None])[..., 0]

    def unwhiten_matrix(self, steps):
        return self.matrix @ steps

    @property
    def moves(self):
        return (self.matrix != 0).any(axis=-1)


@dataclass(frozen=True)
class Quadratic:
    """The objective around each start, to second order.

    Attributes
    ----------
    root : DiagonalRoot or MatrixRoot
        Of the inverse of the complete-data information.
    eigenvalues, slope : ndarray of shape (n_starts, n_free)
        Of ``I - M``, rising, and the gradient along the eigenvectors.
    eigenvectors : ndarray of shape (n_starts, n_free, n_free)
    gradient, curvature : ndarray of shape (n_starts, n_coordinates)
        In the coordinates, the second one downwards; those of a shared parameter are of the number
        that is shared.
    n_rows : ndarray of shape (n_starts,)
    """

    root: DiagonalRoot | MatrixRoot
    eigenvalues: np.ndarray
    slope: np.ndarray
    eigenvectors: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray
    n_rows: np.ndarray

    @cached_property
    def steepness(self):
        """Absolute eigenvalues, none flatter than the floor."""
        return np.maximum(np.abs(self.eigenvalues), FLOOR)

    @property
    def distance(self):
        """Newton decrement per root of a row: how far off the summit is."""
        return np.sqrt(2 * self.remaining_gain() / self.n_rows)

    def remaining_gain(self):
        """Half the squared Newton decrement: what the objective would gain were it quadratic."""
        return 0.5 * (self.slope**2 / self.steepness).sum(axis=-1)

    def is_saddle(self):
        """Whether the objective rises to both sides along some line.

        As far as one can tell from here: the eigenvalues are off by the distance from the summit.
        """
        return self.eigenvalues.min(axis=-1, initial=1) < -FLOOR - 3 * self.distance

    def step(self, damping):
        """Newton's step by absolute eigenvalues, each raised by ``damping``; 1 is EM's scale."""
        along = self.slope / (self.steepness + damping[:, None])
        step = self.root.unwhiten((self.eigenvectors @ along[..., None])[..., 0])
        longest = np.abs(step).max(axis=-1, keepdims=True)
        return step * np.minimum(1, LONGEST / np.maximum(longest, LONGEST))

    def more_damping(self, damping):
        """Ten times the damping, and enough to shorten the longest part of the step."""
        least = 3 * self.steepness.min(axis=-1, initial=1)
        return np.clip(10 * damping, least, MOST_DAMPING)

    def negative_curvature(self):
        """The line that curves up most, as a step whose longest part is one."""
        step = self.root.unwhiten(self.eigenvectors[..., 0])
        return step / np.abs(step).max(axis=-1, keepdims=True)

    def reaches_bound(self, problem, parameters, e_step):
        """Which coordinates reach their bound 0 or 1, shape (n_starts, n_coordinates), or None.

        One does so where less than one row or observation supports it inside and Newton's step in
        the parameter itself, rather than in its logarithm or logit, leads past the bound: at a
        distance ``x`` from 0 with gradient ``g < 0`` and curvature ``c`` of the logit, where
        ``c + g (2 - 3 x) <= 0``; and the like at 1. A linear coordinate is cut off at its bound,
        and what is shared goes there together or not at all.
        """
        family, specification = problem.family, problem.specification
        n_components = specification.n_components
        support = as_coordinates(family.support(parameters.components, e_step.statistics))
        if min(e_step.n.min(), support.min()) >= 1:
            return None
        support = np.concatenate([e_step.n, support], axis=-1)
        value = as_coordinates(parameters.components)
        low = value <= 0.5
        x = np.concatenate([parameters.weights, np.where(low, value, 1 - value)], axis=-1)
        outwards = np.ones_like(x)
        outwards[..., n_components:] = np.where(low, 1, -1)
        gradient = self.gradient * outwards
        over = (gradient < 0) & (self.curvature + gradient * (2 - 3 * x) <= 0)
        over &= (support < 1) & (x < 0.5 / n_components) & self.root.moves
        if "linear" in family.coordinates:
            over[..., n_components:] &= np.repeat(is_logit(family), n_components)
        if specification.tied.any():
            over &= ~(specification.together @ ~over[..., None])[..., 0]
        return over


def as_coordinates(of_components):
    """Values of (n_components, n_parameters) in the order of the coordinates, one after another."""
    if of_components.shape[-1] == 1:
        return of_components[..., 0]
    swapped = of_components.swapaxes(-1, -2)
    return swapped.reshape(*swapped.shape[:-2], -1)


def quadratic_at(problem, parameters, e_step, held=None):
    """The objective to second order around ``parameters``, from their E-step.

    In what is not ``held``, bool of shape (n_starts, n_coordinates).
    """
    gradient, of_weights, of_components = complete_data(problem, parameters, e_step)
    specification = problem.specification
    if specification.is_diagonal:
        information = np.concatenate([of_weights, of_components[..., 0, 0]], axis=-1)
        information = information * _active(problem, parameters, gradient, held)
        root, complete = _diagonal_root(information), specification.identity
        curvature = information - np.diagonal(e_step.missing, axis1=-2, axis2=-1)
        of_number = gradient
    else:
        A, information = specification.matrix, block_diagonal(of_weights, of_components)
        of_number = gradient @ A @ A.T
        active = _active(problem, parameters, of_number, held)
        root, complete = _matrix_root(A, information, active)
        curvature = np.einsum("ij,...ik,kj->...j", A, information - e_step.missing, A) @ A.T
    # The direction in which all log w rise together moves nothing: gradient 0, eigenvalue 1.
    eigenvalues, eigenvectors = np.linalg.eigh(complete - root.whiten_matrix(e_step.missing))
    slope = (root.whiten(gradient)[..., None, :] @ eigenvectors)[..., 0, :]
    n_rows = e_step.n.sum(axis=-1)
    return Quadratic(root, eigenvalues, slope, eigenvectors, of_number, curvature, n_rows)


def complete_data(problem, parameters, e_step):
    """Gradient of the expected complete-data objective, and its information.

    Returns
    -------
    gradient : ndarray of shape (..., n_coordinates)
    of_weights : ndarray of shape (..., n_components)
        Information of log w.
    of_components : ndarray of shape (..., n_components, n_parameters, n_parameters)
    """
    family, statistics = problem.family, e_step.statistics
    due = e_step.n.sum(axis=-1, keepdims=True) * parameters.weights
    slope = as_coordinates(family.gradient(parameters.components, statistics))
    gradient = np.concatenate([e_step.n - due, slope], axis=-1)
    return gradient, due, family.information(parameters.components, statistics)


def complete_step(problem, parameters, e_step):
    """Newton's step on the expected complete-data objective, of the components alone."""
    gradient, of_weights, of_components = complete_data(problem, parameters, e_step)
    gradient[..., : of_weights.shape[-1]] = 0
    A, information = problem.specification.matrix, block_diagonal(of_weights, of_components)
    root, _ = _matrix_root(A, information, _active(problem, parameters, gradient @ A @ A.T))
    return root.unwhiten(root.whiten(gradient))


def overshoots(problem, parameters, step):
    """Which linear coordinates a step takes beyond 0 or 1, shape (..., n_coordinates)."""
    over = np.zeros(step.shape, dtype=bool)
    if "linear" in problem.family.coordinates:
        n_components = problem.specification.n_components
        moved = as_coordinates(parameters.components) + step[..., n_components:]
        linear = np.repeat(~is_logit(problem.family), n_components)
        over[..., n_components:] = ((moved < 0) | (moved > 1)) & linear
    return over


def _active(problem, parameters, gradient, held=None):
    """Which coordinates are free, not held, and not held at their bound by the slope there.

    In a linear coordinate the slope at 0 or 1 says whether to stay; in a logit there is none, and
    neither is there any information.
    """
    specification, family = problem.specification, problem.family
    if "linear" not in family.coordinates:
        return specification.free_coordinates
    n_components = specification.n_components
    value, slope = as_coordinates(parameters.components), gradient[..., n_components:]
    stays = ((value == 0) & (slope <= 0)) | ((value == 1) & (slope >= 0))
    active = np.broadcast_to(specification.free_coordinates, gradient.shape).copy()
    active[..., n_components:] &= ~(stays & np.repeat(~is_logit(family), n_components))
    return active if held is None else active & ~held


def _diagonal_root(information):
    with np.errstate(divide="ignore"):
        return DiagonalRoot(np.where(information > LEAST, 1 / np.sqrt(information), 0.0))


def block_diagonal(of_weights, of_components):
    """Information of all coordinates, which complete data do not mix between components.

    From that of log w, shape (..., n_components), and of the components' parameters, shape
    (..., n_components, n_parameters, n_parameters).
    """
    *lead, n_components, n_parameters, _ = of_components.shape
    blocks = np.zeros((*lead, 1 + n_parameters, n_components, 1 + n_parameters, n_components))
    own = np.einsum("...akbk->...kab", blocks)  # a view of the diagonals
    own[..., 0, 0] = of_weights
    own[..., 1:, 1:] = of_components
    size = (1 + n_parameters) * n_components
    return blocks.reshape(*lead, size, size)


def _matrix_root(A, information, active):
    """``R`` such that ``R R' = A (A' D A)^-1 A'`` over what is active, and ``R' D R``.

    Eigenvalues count by their size where ``D`` is indefinite, as it may be far from a maximum.
    What is inactive has a column of zeros and information one.
    """
    shared = A.T @ information @ A
    diagonal = np.abs(np.diagonal(shared, axis1=-2, axis2=-1))
    moves = (active[..., None] & (A > 0)).any(axis=-2) & (diagonal > LEAST_OF_MANY)
    scale = np.where(moves, 1 / np.sqrt(np.where(moves, diagonal, 1.0)), 0.0)
    scaled = scale[..., None] * shared * scale[..., None, :]
    scaled += (~moves)[..., None] * np.eye(A.shape[1])
    eigenvalues, eigenvectors = np.linalg.eigh(scaled)
    root = eigenvectors / np.sqrt(np.maximum(np.abs(eigenvalues), FLOOR))[..., None, :]
    complete = root.swapaxes(-1, -2) @ scaled @ root
    return MatrixRoot(A @ (scale[..., None] * root)), complete


def is_logit(family):
    """Which parameters move by their logit, shape (n_parameters,), bool."""
    return np.array([coordinate == "logit" for coordinate in family.coordinates])


def move(family, parameters, step):
    """``parameters`` after a step in their coordinates; what is 0 or 1 in a logit stays there.

    A linear coordinate is cut off at 0 and 1.
    """
    n_components = parameters.weights.shape[-1]
    of_weights = step[..., :n_components]
    by_parameter = step[..., n_components:].reshape(*step.shape[:-1], -1, n_components)
    of_components = by_parameter.swapaxes(-1, -2)
    weights, components = parameters.weights * np.exp(of_weights), parameters.components
    odds = components * np.exp(of_components)
    moved = np.minimum(odds / (odds + 1 - components), 1.0)  # rounding may leave it above
    if "linear" in family.coordinates:
        cut_off = np.clip(components + of_components, 0, 1)
        moved = np.where(is_logit(family), moved, cut_off)
    held = (of_weights == 0).all(axis=-1, keepdims=True)
    return Parameters(
        np.where(held, parameters.weights, weights / weights.sum(axis=-1, keepdims=True)),
        np.where(of_components == 0, components, moved),
    )


def to_bound(moved, parameters, reaches):
    """``moved``, but with the coordinates that reach their bound put at the nearer of 0 and 1."""
    n_components = parameters.weights.shape[-1]
    weights = np.where(reaches[..., :n_components], 0.0, moved.weights)
    of_components = reaches[..., n_components:].reshape(*reaches.shape[:-1], -1, n_components)
    return Parameters(
        np.where(
            reaches[..., :n_components].any(axis=-1, keepdims=True),
            weights / weights.sum(axis=-1, keepdims=True),
            moved.weights,
        ),
        np.where(of_components.swapaxes(-1, -2), np.rint(parameters.components), moved.components),
    )
