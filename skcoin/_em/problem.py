"""What is to be maximised: the data, and the part of the objective that is fixed.

With ``f`` the density of the family, ``c_k`` the parameters of component ``k`` and ``m_i`` the
multiplicity of row ``i``, the objective is

    Q(w, c) = sum_i m_i log sum_k w_k f(x_i | c_k) + sum_k [ q(c_k; s_k) + n_k log w_k ].

The second sum holds what needs no posterior: ``n_k`` rows with the statistics ``s_k`` that are
known to be of component ``k``, and the pseudo-rows of the priors. ``q(c; s)`` is the log-likelihood
that the family gives to statistics.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skcoin._em.specification import Specification

OWN = ("table", "multiplicity", "pseudo_rows", "pseudo_statistics")  # what differs by start


@dataclass(frozen=True)
class Problem:
    """Data of a family and what is fixed; the symbols are those of the module's formula.

    The four arrays of ``OWN`` have a leading axis of starts if each start has rows of its own, as
    from ``batch``.

    Attributes
    ----------
    family : object
        As in ``skcoin._families``.
    table : ndarray of shape (n_columns, n_rows)
        What the family reads of the rows whose component is hidden.
    multiplicity : ndarray of shape (n_rows,)
        ``m``, how often each row counts.
    pseudo_rows : ndarray of shape (n_components,)
        ``n``.
    pseudo_statistics : ndarray of shape (n_components, n_statistics)
        ``s``.
    labelled : ndarray of shape (n_components,)
        The part of ``n`` that was seen, without that of the prior.
    specification : Specification
    scale : float
        By which all that counts was multiplied, so that a tolerance may be one of whole rows.
    """

    family: object
    table: np.ndarray
    multiplicity: np.ndarray
    pseudo_rows: np.ndarray
    pseudo_statistics: np.ndarray
    labelled: np.ndarray
    specification: Specification
    scale: float = 1.0

    @property
    def is_shared(self):
        """Whether all starts have the same rows."""
        return self.multiplicity.ndim == 1

    @cached_property
    def has_fixed(self):
        """Whether the second sum has a term."""
        return bool(self.pseudo_rows.any() or self.pseudo_statistics.any())

    @cached_property
    def coarse(self):
        """Roughly the same rows in a small table, for searches."""
        table, multiplicity = self.family.coarse(self.table, self.multiplicity)
        if len(multiplicity) == len(self.multiplicity):
            return self
        return replace(self, table=table, multiplicity=multiplicity)

    def at(self, starts):
        """The problem of these starts, given as a mask or as indices."""
        if self.is_shared:
            return self
        return replace(self, **{name: getattr(self, name)[starts] for name in OWN})


def pad(arrays, fill=0.0):
    """Vectors or matrices of unlike last axes as one array, filled up at their ends."""
    lengths = np.array([array.shape[-1] for array in arrays])
    padded = np.full((len(arrays), *arrays[0].shape[:-1], lengths.max()), fill)
    within = np.arange(lengths.max()) < lengths[:, None]
    padded.swapaxes(1, -1)[within] = np.concatenate(arrays, axis=-1).T  # by a view
    return padded


def batch(problems, n_starts):
    """One problem in which each of several serves as many starts as given for it.

    Parameters
    ----------
    problems : list of Problem
        Of one family and specification.
    n_starts : list of int

    Returns
    -------
    problem : Problem
        Shorter tables end in columns of zeros with multiplicity zero, which add nothing.
    """
    own = {}
    for name in OWN:
        arrays = [getattr(problem, name) for problem in problems]
        together = np.stack(arrays) if name.startswith("pseudo") else pad(arrays)
        own[name] = np.repeat(together, n_starts, axis=0)
    return replace(problems[0], **own)
