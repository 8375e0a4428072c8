"""What is asked of the parameters before the data are seen: starts, and what may move.

Held and shared parameters are one 0/1 matrix ``A``. With ``u`` the vector of everything that is
free, each shared parameter once, a step of all coordinates is ``A u``, so that a gradient ``g``
and an information ``D`` become ``A' g`` and ``A' D A``.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skcoin._em.parameters import Parameters

INSIDE = 1e-6  # where a start goes on from a learned value of 0 or 1


@dataclass(frozen=True)
class Specification:
    """Start values, and which parameters are learned.

    Attributes
    ----------
    init : ndarray of shape (n_components, n_parameters)
        Start values, NaN where none is given.
    weights_init : ndarray of shape (n_components,) or None
    free : ndarray of shape (n_components, n_parameters), bool
        What is learned; the rest stays at its start.
    free_weights : bool
    tied : ndarray of shape (n_parameters,), bool
        Which parameters are one number for all components.
    names : str
        The start parameters as a message shall name them.
    """

    init: np.ndarray
    weights_init: np.ndarray | None
    free: np.ndarray
    free_weights: bool
    tied: np.ndarray
    names: str

    @property
    def n_components(self):
        return len(self.init)

    @property
    def start_weights(self):
        n = self.n_components
        return np.full(n, 1 / n) if self.weights_init is None else self.weights_init

    @cached_property
    def is_open(self):
        """Which components are given no place, the first parameter, shape (n_components,), bool."""
        return np.isnan(self.init[:, 0])

    @property
    def is_alike(self):
        """Which components nothing tells from each other: neither a start nor a weight."""
        asked = np.concatenate([self.init, self.free], axis=1)[self.is_open]
        same = np.array_equal(asked, np.tile(asked[:1], (len(asked), 1)), equal_nan=True)
        return self.is_open & same & (self.weights_init is None)

    @property
    def n_parameters(self):
        n_free = self.free[:, ~self.tied].sum() + self.free[:, self.tied].any(axis=0).sum()
        return int(n_free) + self.free_weights * (self.n_components - 1)

    @cached_property
    def free_coordinates(self):
        """Which coordinates may move: those of all weights, then parameter by parameter."""
        return np.concatenate([np.full(self.n_components, self.free_weights), self.free.T.ravel()])

    @cached_property
    def is_diagonal(self):
        """Whether the complete-data information has no entry off its diagonal."""
        return len(self.tied) == 1 and not self.tied.any()

    @cached_property
    def identity(self):
        return np.eye(self.free_coordinates.size)

    @cached_property
    def is_separable(self):
        """Whether each component's parameters can be maximised apart from all others'."""
        if self.tied.any():
            return False
        return bool(self.free.all() or (self.free == self.free[:, :1]).all())

    @cached_property
    def together(self):
        """Which coordinates (columns) move with which (rows), bool."""
        return self.matrix @ self.matrix.T > 0

    @cached_property
    def matrix(self):
        """``A``: 1 where a coordinate (row) moves with a free number (column), else 0."""
        n_components, n_parameters = self.init.shape
        columns = []
        if self.free_weights:
            columns += list(np.eye((1 + n_parameters) * n_components)[:n_components])
        for p in range(n_parameters):
            at = np.zeros((n_components, 1 + n_parameters, n_components))
            at[range(n_components), 1 + p, range(n_components)] = self.free[:, p]
            at = at.sum(axis=0, keepdims=True) if self.tied[p] else at
            columns += [column.ravel() for column in at if column.any()]
        return np.stack(columns, axis=1) if columns else np.zeros((self.free_coordinates.size, 0))


def all_free(n_components, n_parameters=1, tied=None):
    """What is asked where nothing is given or held, and nothing shared but what is ``tied``."""
    size = n_components, n_parameters
    return Specification(
        init=np.full(size, np.nan),
        weights_init=None,
        free=np.ones(size, dtype=bool),
        free_weights=True,
        tied=np.zeros(n_parameters, dtype=bool) if tied is None else tied,
        names="the start",
    )


def warm_start(parameters, specification):
    """The parameters of an earlier fit as a start for other rows.

    What is held is as given. A learned logit of exactly 0 or 1 could never leave it, whatever the
    new rows show, and is moved inside; a linear parameter, which could, no less.
    """
    inside = np.clip(parameters.components, INSIDE, 1 - INSIDE)
    components = np.where(specification.free, inside, specification.init)
    weights = specification.start_weights
    if specification.free_weights:
        weights = np.maximum(parameters.weights, INSIDE)
        weights = weights / weights.sum()
    return Parameters(weights, components)
