"""What is to be maximised: the data, and the part of the objective that is fixed.

With ``f`` the density of the family, ``c_k`` the parameters of component ``k`` and ``m_i`` the
multiplicity of row ``i``, the objective is

    Q(w, c) = sum_i m_i log sum_k w_k f(x_i | c_k) + sum_k [ q(c_k; s_k) + n_k log w_k ].

The second sum holds what needs no posterior: ``n_k`` rows with the statistics ``s_k`` that are
known to be of component ``k``, and the pseudo-rows of the priors. ``q(c; s)`` is the log-likelihood
that the family gives to statistics.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skcoin._em.specification import Specification

# What differs by start.
OWN = ("table", "multiplicity", "pseudo_rows", "pseudo_statistics", "known_table", "known_rows")


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
    known_table : ndarray of shape (n_columns, n_known), default=None
        Rows that are known to be of a component, in a family without sufficient statistics.
    known_rows : ndarray of shape (n_components, n_known), default=None
        How often each of them is of which; ``n`` has them, too.
    scale : float
        By which all that counts was multiplied, so that a tolerance may be one of whole rows.
    report : callable, default=None
        Told of every step of every climb on these rows, or on a part of them, as
        ``report(step, problem, state, n_steps, done, at_end)``; of where one begins, too.
    """

    family: object
    table: np.ndarray
    multiplicity: np.ndarray
    pseudo_rows: np.ndarray
    pseudo_statistics: np.ndarray
    labelled: np.ndarray
    specification: Specification
    known_table: np.ndarray | None = None
    known_rows: np.ndarray | None = None
    scale: float = 1.0
    report: Callable | None = None

    @property
    def is_shared(self):
        """Whether all starts have the same rows."""
        return self.multiplicity.ndim == 1

    @cached_property
    def has_fixed(self):
        """Whether the second sum has a term."""
        has_known = self.known_rows is not None
        return bool(self.pseudo_rows.any() or self.pseudo_statistics.any() or has_known)

    @cached_property
    def setup(self):
        """The family's, of the table."""
        return self.family.setup(self.table)

    def log_fixed(self, components, of=slice(None)):
        """``q(c; s)``, of all components or of places of one, given as ``of=[k]``."""
        log_q = self.family.objective(components, self.pseudo_statistics[of])
        if self.known_rows is not None:
            rows, log_f = self.known_rows[of], self.family.log_density(components, self.known_table)
            log_q = log_q + (rows * np.where(rows > 0, log_f, 0.0)).sum(axis=-1)
        return log_q

    def fixed_statistics(self, components):
        """``s`` where the components are."""
        if self.known_rows is None:
            return self.pseudo_statistics
        known = self.family.collect(components, self.known_rows, self.known_table)
        return self.pseudo_statistics + known[..., 1:]

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
        own = {name: getattr(self, name) for name in OWN}
        return replace(self, **{k: None if x is None else x[starts] for k, x in own.items()})


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
        if arrays[0] is None:
            continue
        together = np.stack(arrays) if name.startswith("pseudo") else pad(arrays)
        own[name] = np.repeat(together, n_starts, axis=0)
    return replace(problems[0], **own)
