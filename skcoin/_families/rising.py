"""Sums along the terms of a beta-binomial density, at any depth.

With ``p`` one of ``theta``, ``1 - theta`` and 1, which belong to the heads, the tails and all tosses
of a row, let

    x_0 = p,   x_i = (1 - rho) p + rho i,   i = 1, 2, ...

The log-density and its derivatives are sums over ``i < m`` of ``log x_i``, of

    e_i = (1 - rho) v / x_i   (e_0 = v / p),   f_i = d log x_i / d rho = (i - p) / x_i   (f_0 = 0),

of their squares and of ``v i / x_i^2``, with ``v = theta (1 - theta)`` and ``m`` the number of heads, tails or tosses. ``Tabulated``
adds up all of them and looks up each ``m``, whose cost is that of the largest ``m``; ``Closed`` has
the same sums of derivatives in the same time for any. It takes the first terms one by one and the others
by the formula of Euler and Maclaurin, whose integral it takes by that of Gauss and Legendre in
``log x``, in which all terms are smooth and no difference is taken.

Shapes: ``c`` is (..., n_components, 2), counts (..., 3, n_rows), sums (..., n_components, 3,
n_rows), where the axis of three is that of heads, tails, tosses.
"""

from functools import cached_property

import numpy as np

ONE_BY_ONE = 10  # terms
NODES, NODE_WEIGHTS = (x / 2 for x in np.polynomial.legendre.leggauss(24))
NODES = NODES + 0.5  # in (0, 1)
LEAST = 1e-75
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240)


class _Sums:
    """What both have."""

    def __init__(self, c, counts):
        self.c, self.counts = c, counts
        self.most = int(counts[..., 2, :].max(initial=0))

    @cached_property
    def centre(self):
        """What is taken off each ``f``, its limit ``1 / rho``, where many are near it, else 0."""
        rho = self.c[..., 1]
        return np.divide(1.0, rho, out=np.zeros_like(rho), where=rho * self.most > 1)


class Tabulated(_Sums):
    """Sums for a table of rows whose counts are not too large."""

    def __init__(self, c, counts):
        super().__init__(c, counts)
        self.index = counts.astype(np.intp) + (np.arange(3) * (self.most + 1))[:, None]

    @cached_property
    def _i(self):
        return np.arange(float(max(self.most, 1)))

    @cached_property
    def _p(self):
        return _shares(self.c)[..., None]

    @cached_property
    def _x(self):
        rho = self.c[..., 1, None, None]
        x = (1 - rho) * self._p + rho * self._i
        x[..., :1] = self._p
        return x

    @cached_property
    def _e(self):
        e = _e(self._x, self.c)
        e[..., 1:] *= 1 - self.c[..., 1, None, None]
        return e

    @cached_property
    def _f(self):
        f = (self._i - self._p) * _inverse_of(self._x)
        f[..., 0] = 0
        return f

    @cached_property
    def _off(self):
        """``f`` without the centre."""
        centre = self.centre[..., None, None]
        if not centre.any():
            return self._f
        off = np.where(centre > 0, -centre * self._p * _inverse_of(self._x), self._f)
        off[..., 0] = 0
        return off

    def log_density(self):
        with np.errstate(divide="ignore"):
            heads, tails, tosses = self._below(np.log(self._x))
        return heads + tails - tosses

    def slopes(self):
        """Sums of ``e`` and of ``f``, from its centre."""
        return self._below(self._e), self._below(self._off)

    def _below(self, values):
        """``sum_{i < m}`` of values of shape (..., 3, n_terms), the axis of three first."""
        sums = np.zeros((*values.shape[:-1], self.most + 1))
        np.cumsum(values[..., : self.most], axis=-1, out=sums[..., 1:])
        sums = sums.reshape(*sums.shape[:-2], -1)
        if self.index.ndim == 2:
            return np.moveaxis(sums.take(self.index, axis=-1), -2, 0)
        index = self.index.reshape(*self.index.shape[:-2], 1, -1)
        taken = np.take_along_axis(sums, index, axis=-1)
        return np.moveaxis(taken.reshape(*taken.shape[:-1], 3, -1), -2, 0)

    def weighted(self, weights):
        """Sums of ``e, f, e^2, v i / x^2, f^2`` over rows by weights (..., n_components, n_rows).

        The second from its centre.

        Each of shape (..., n_components, 3). As many rows have more than ``i`` tosses, term ``i``
        counts [1]_.

        References
        ----------
        .. [1] Smith, D. M. (1983). Algorithm AS 189: maximum likelihood estimation of the
           parameters of the beta binomial distribution. Applied Statistics, 32(2), 196-204.
        """
        above = self._above(weights)
        mixed = _e(self._x, self.c) * _inverse_of(self._x) * self._i
        terms = self._e, self._off, self._e**2, mixed, self._f**2
        return tuple((above * values).sum(axis=-1) for values in terms)

    def _above(self, weights):
        """How much weight has more than ``i`` heads, tails and tosses, (..., 3, n_terms)."""
        size, shape = self.most + 1, (*weights.shape[:-1], 3, weights.shape[-1])
        of_count = np.arange(np.prod(shape[:-2], dtype=int)).reshape(*shape[:-2], 1, 1)
        index = self.index[..., None, :, :] + 3 * size * of_count
        weights = np.broadcast_to(weights[..., None, :], shape)
        sums = np.bincount(index.ravel(), weights.ravel(), minlength=3 * size * of_count.size)
        sums = sums.reshape(*shape[:-1], size)
        above = sums[..., ::-1].cumsum(axis=-1)[..., -2::-1]
        return above if self.most > 0 else np.zeros((*shape[:-1], 1))


class Closed(_Sums):
    """The same sums at any depth."""

    def slopes(self):
        e, f = self._sums[:2]
        return np.moveaxis(e, -2, 0), np.moveaxis(f, -2, 0)

    def weighted(self, weights):
        return tuple((sums * weights[..., None, :]).sum(axis=-1) for sums in self._sums)

    @cached_property
    def _sums(self):
        m, at = self.counts[..., None, :, :], _Terms(self.c, self.centre)
        sums = [x * (m > 0) for x in at.first]
        for i in range(1, ONE_BY_ONE):
            sums = _added(sums, at.values(i), i < m)
        last = np.maximum(m, ONE_BY_ONE)
        n, x = last - ONE_BY_ONE, at.x(ONE_BY_ONE)
        u = np.divide(
            at.rho * n, x, out=np.zeros(np.broadcast_shapes(x.shape, n.shape)), where=x > 0
        )
        s = np.log1p(u)
        per_u = np.divide(1.0, u, out=np.ones_like(u), where=u > 0)
        for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
            i = ONE_BY_ONE + n * np.where(u > 0, np.expm1(s * node) * per_u, node)
            share = np.where(u > 0, s * per_u * np.exp(s * node), 1.0)
            sums = _added(sums, at.values(i), weight * n * share)
        for i, side in ((ONE_BY_ONE, 1), (last, -1)):
            sums = _added(sums, at.values(i), 0.5 * side)
            for number, slopes in zip(BERNOULLI, at.derivatives(i), strict=True):
                sums = _added(sums, slopes, -number * side)
        return sums


def _added(sums, terms, weight):
    return [a + weight * b for a, b in zip(sums, terms, strict=True)]


class _Terms:
    """``e, f`` from its centre, ``e^2, v i / x^2, f^2``, zero where ``x`` is, as functions of i."""

    def __init__(self, c, centre):
        self.c, self.centre = c, centre[..., None, None]
        self.p, self.rho = _shares(c)[..., None], c[..., 1, None, None]
        self.v = (c[..., 0] * (1 - c[..., 0]))[..., None, None]

    def x(self, i):
        return (1 - self.rho) * self.p + self.rho * i

    @property
    def first(self):
        """Those of ``i = 0``."""
        e = _e(self.p, self.c)
        return e, 0 * e, e**2, 0 * e, 0 * e

    def values(self, i):
        """Those of ``i >= 1``."""
        x = self.x(i)
        share, y = _e(x, self.c), _inverse_of(x)
        e, f = (1 - self.rho) * share, (i - self.p) * y
        off = np.where(self.centre > 0, -self.centre * self.p * y, f)
        return e, off, e**2, i * share * y, f**2

    def derivatives(self, i):
        """Their first, third and fifth derivatives by ``i``."""
        a, rho, v = (1 - self.rho) * self.p, self.rho, self.v
        x = self.x(i)
        y = _inverse_of(x)
        e, r, u, f = (1 - rho) * v * y, rho * y, self.p * y, (i - self.p) * y
        first = (-r * e, u * y, -2 * r * e**2, v * (a - rho * i) * y**3, 2 * f * u * y)
        third = (
            *(-6 * r**3 * e, 6 * r**2 * u * y, -24 * r**3 * e**2),
            *(6 * r**2 * v * (4 * a - x) * y**3, 12 * r * u * (1 - 2 * u) * y**2),
        )
        fifth = (
            *(-120 * r**5 * e, 120 * r**4 * u * y, -720 * r**5 * e**2),
            *(120 * r**4 * v * (6 * a - x) * y**3, 240 * r**3 * u * (1 - 3 * u) * y**2),
        )
        return first, third, fifth


def _shares(c):
    """``p`` of heads, tails and tosses, (..., 3)."""
    theta = c[..., 0]
    return np.stack([theta, 1 - theta, np.ones_like(theta)], axis=-1)


def _e(x, c):
    """``v / x``, of which none is far above one; zero where x is."""
    v = (c[..., 0] * (1 - c[..., 0]))[..., None, None]
    return np.divide(v, x, out=np.zeros_like(x), where=x > 0)


def _inverse_of(x):
    """``1 / x``, zero where its square would be beyond any float."""
    return np.divide(1.0, x, out=np.zeros_like(x), where=x > LEAST)
