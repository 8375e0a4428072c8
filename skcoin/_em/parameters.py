"""Parameters of a mixture: the weights and the parameters of each component.

Any leading axes ("starts") come before that of the components, so that many runs share each call.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Parameters:
    """Mixing proportions and component parameters, all in [0, 1].

    Attributes
    ----------
    weights : ndarray of shape (..., n_components)
    components : ndarray of shape (..., n_components, n_parameters)
        Of each component the parameters of its family, in the order of ``family.names``.
    """

    weights: np.ndarray
    components: np.ndarray

    def __getitem__(self, index):
        return Parameters(self.weights[index], self.components[index])

    def select(self, mask, other):
        """These parameters at the starts where ``mask`` is true, the others elsewhere."""
        return Parameters(
            np.where(mask[:, None], self.weights, other.weights),
            np.where(mask[:, None, None], self.components, other.components),
        )


def inside(p):
    """The nearest floats inside (0, 1), to which 0 and 1 may have been rounded."""
    return np.clip(p, np.finfo(float).tiny, 1 - np.finfo(float).epsneg)


def stack(several):
    """One array of starts from several parameters that have no axis of starts."""
    return Parameters(
        np.stack([p.weights for p in several]), np.stack([p.components for p in several])
    )


def concatenate(several):
    """One array of starts from several of them."""
    return Parameters(
        np.concatenate([p.weights for p in several]),
        np.concatenate([p.components for p in several]),
    )


def joined(starts, others):
    """The starts of each of several problems, and others of the same."""
    return [concatenate(pair) for pair in zip(starts, others, strict=True)]


def falling(values, alike):
    """The order of components in which those that are alike come by falling value.

    Parameters
    ----------
    values : ndarray of shape (..., n_components)
    alike : ndarray of shape (n_components,), bool
        The others keep their places.

    Returns
    -------
    order : ndarray of shape (..., n_components), int
    """
    places = np.flatnonzero(alike)
    order = np.broadcast_to(np.arange(len(alike)), values.shape).copy()
    order[..., places] = places[np.argsort(-values[..., places], axis=-1, kind="stable")]
    return order
