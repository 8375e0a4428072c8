"""What the optimiser asks of a family."""

import numpy as np

from skcoin._families.special import up_to

MOST_DIVIDED = 32  # places that each of two components is tried at
LOWEST = -1e300  # log-density, which times zero is zero


class At:
    """The methods of a family for one table at one place, which may share their work."""

    def __init__(self, family, c, table):
        self.family, self.c, self.table = family, c, table

    def log_density(self):
        return self.family.log_density(self.c, self.table)

    def score(self):
        return self.family.score(self.c, self.table)

    def collect(self, posterior):
        return self.family.collect(self.c, posterior, self.table)


class Family:
    """The contract. Shapes are explained in ``skcoin._families``.

    Attributes
    ----------
    names : tuple of str
        Of the parameters of a component.
    coordinates : tuple of {"logit", "linear"}
        In which each moves. The score of a logit is zero at 0 and 1, which a step of Newton can
        reach but not leave; a linear one stays there as long as the slope points outwards.
    n_axes : int
        Of heads and of tails: two where a row holds tosses of several coins.
    start : tuple of float
        Where each parameter of a component starts that is given no start; NaN of the first, which
        is told by the rates.
    special_case : Family or None
        That in which all parameters but the first are zero.
    has_closed_m_step : bool
        Whether there is ``m_step``; else the optimiser takes steps of Newton.
    needs_whole : bool
        Whether the density is one of whole counts only.
    has_sufficient_statistics : bool
        Whether what is collected says all about complete data, wherever components go from there.
        If not it only holds their derivatives where the components are, and ``objective`` is that
        of priors; rows whose component is known are then kept one by one.
    """

    names = ()
    coordinates = ()
    n_axes = 1
    start = (np.nan,)
    special_case = None
    has_closed_m_step = False
    needs_whole = False
    has_sufficient_statistics = True

    @property
    def exact(self):
        """The same family where every digit of a density counts more than time."""
        return self

    def tabulate(self, heads, tails, multiplicity):
        """The columns that the other methods read, (n_columns, *shape of the counts).

        The multiplicity may be a number, for all rows.
        """
        raise NotImplementedError

    def coarse(self, table, multiplicity):
        """Roughly the same rows in a small table, and their multiplicity, for searches."""
        return table, multiplicity

    def log_density(self, c, table):
        """``log f(x_i | c_k)`` without what is free of ``c``, (..., n_components, n_rows)."""
        raise NotImplementedError

    def log_density_in_parts(self, c, table):
        """The same as two arrays whose sum it is, for rows at which one float is not enough."""
        return self.log_density(c, table), 0.0

    def limit(self, c, table):
        """How the density vanishes as parameters at 0 or 1 are approached from inside.

        ``f`` behaves as ``eps ** order * exp(log_density)`` at a distance ``eps``: two arrays of
        shape (n_components, n_rows), the first of zeros where the density is positive.
        """
        raise NotImplementedError

    def score(self, c, table):
        """``d log f / d coordinate``, (..., n_components, n_parameters, n_rows).

        Finite everywhere: zero where the density is.
        """
        raise NotImplementedError

    def at(self, c, table):
        """The family at components, for a table: what an E-step asks of it, one after another."""
        return At(self, c, table)

    def setup(self, table):
        """How many rows take as long as what is to be done once for each part of a table."""
        return 0

    def collect(self, c, posterior, table):
        """Expected rows and then statistics, summed over the rows, of each component.

        From a posterior of shape (..., n_components, n_rows), the multiplicity of rows being part
        of the table: (..., n_components, 1 + n_statistics).
        """
        raise NotImplementedError

    def objective(self, c, statistics):
        """``q(c_k; s_k)``, the log-likelihood of statistics, (..., n_components).

        Of what is collected with a posterior ``r``, it is ``sum_i r_ik m_i log f(x_i | c_k)``.
        """
        raise NotImplementedError

    def gradient(self, c, statistics):
        """Its derivatives by the coordinates, (..., n_components, n_parameters)."""
        raise NotImplementedError

    def information(self, c, statistics):
        """Minus its second derivatives, (..., n_components, n_parameters, n_parameters)."""
        raise NotImplementedError

    def m_step(self, c, statistics):
        """Components that maximise the objective of statistics, in closed form.

        Those whose statistics say nothing stay as they are in ``c``.
        """
        raise NotImplementedError

    def support(self, c, statistics):
        """How many observations keep each parameter off its nearer end, as the shape of ``c``.

        With less than one, a logit may be put there, if the objective rises to it.
        """
        return np.full(c.shape, np.inf)

    def pseudo_statistics(self, prior):
        """The statistics that a prior on a component counts for, (n_statistics,)."""
        raise NotImplementedError

    def candidates(self, table):
        """Where a further component may stand, (n_candidates, n_parameters).

        Of a coarse table; in no order but the same every time, and neighbours next to each other.
        """
        raise NotImplementedError

    def divide(self, c, table, share):
        """Pairs of components for rows that have been of one, (n_pairs, 2, n_parameters).

        Parameters
        ----------
        c : ndarray of shape (n_parameters,)
            The one component.
        table : ndarray of shape (n_columns, n_rows)
        share : ndarray of shape (n_rows,)
            How often each row counts.
        """
        places = self.candidates(table)
        places = places[:: -(-len(places) // MOST_DIVIDED)]
        log_density = np.maximum(self.log_density(places, table), LOWEST)
        fit = np.maximum(log_density[:, None], log_density) @ share  # each row is of the nearer one
        return places[np.array(np.unravel_index(fit.argmax(), fit.shape))][None]

    def settled(self, c, specification):
        """The components of a fit, with 0 for what was learned but has no effect where they are."""
        return c

    def reach(self, c, tosses):
        """The lowest and the highest heads whose probability a float can tell from zero.

        Whole numbers, of the shape of ``c[..., 0]`` and ``tosses`` together; bounds of them will
        do.
        """
        tosses = np.broadcast_to(tosses, np.broadcast_shapes(c.shape[:-1], np.shape(tosses)))
        return np.zeros_like(tosses), tosses

    def ends_exclude(self, c):
        """Which components exclude some rows, (..., n_components), bool."""
        return (c == np.rint(c)).any(axis=-1)

    def theta_given(self, c, heads, tails):
        """Mean and variance of the theta of a row, if it is of a component, given what it showed.

        Returns
        -------
        mean, variance : ndarray of shape (n_components,) or (n_rows, n_components)
        """
        return c[:, 0], 0.0

    def theta_up_to(self, c, heads, tails, x):
        """How probable it is, given the same, that theta is no more than ``x``.

        Parameters
        ----------
        x : ndarray of shape (n_rows,)

        Returns
        -------
        probability : ndarray of shape (n_rows, n_components)
        """
        return (c[:, 0] <= x[:, None]).astype(float)

    def rates(self, c, rng):
        """A theta for each row, from its component in ``c``, (n_rows, n_parameters)."""
        return c[:, 0]

    def up_to(self, c, heads, tosses):
        """How probable a row of one component is to show no more heads than these.

        Parameters
        ----------
        c : ndarray of shape (n_parameters,)
        heads : ndarray of shape (n_lengths, n)
            From -1 to the tosses, whole.
        tosses : ndarray of shape (n_lengths,)

        Returns
        -------
        probability : ndarray of shape (n_lengths, n)
        """
        return up_to(c[0], heads, tosses[:, None])

    def sample(self, c, tosses, rng):
        """Heads of one row for each of ``c`` that is so often tossed."""
        return rng.binomial(tosses, self.rates(c, rng))

    def log_base(self, heads, tails, *, in_order=False):
        """What ``log_density`` leaves out, of the shape of the arguments.

        With the number of ways to see a row, unless the order of its tosses is data.
        """
        raise NotImplementedError

    def log_base_of_sums(self, statistics):
        """What ``objective`` leaves out, (..., n_components)."""
        return np.zeros(statistics.shape[:-1])

    def n_unknown(self, problem):
        """Number of parameters that the rows whose component is hidden have to tell."""
        raise NotImplementedError

    def most_tosses(self, problem):
        """Most tosses of such a row, rounded up."""
        raise NotImplementedError

    def is_identifiable(self, problem):
        """Whether some row has as many tosses as there are parameters to tell apart."""
        return self.n_unknown(problem) <= self.most_tosses(problem) or problem.table.shape[-1] == 0
