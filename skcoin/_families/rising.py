"""Sums along the terms of a beta-binomial density, at any depth.

With ``p`` one of ``theta``, ``1 - theta`` and 1, for the heads, the tails and all tosses of a row,
let

    x_0 = p,   x_i = (1 - rho) p + rho i,   i = 1, 2, ...

The log-density and its derivatives are sums over ``i < m``, with ``m`` the number of heads, of
tails or, taken off, of tosses, of ``log x_i`` and

    e_i = d log x_i / d logit theta = +-(1 - rho) v / x_i   (e_0 = +-v / p),
    f_i = d log x_i / d rho = (i - p) / x_i   (f_0 = 0),   v = theta (1 - theta),

of their squares and of ``+-v i / x_i^2``; the sign is that of heads and of tails, and ``e`` of all
tosses is zero. ``Tabulated`` adds up all terms and looks up each ``m``, whose cost is that of the
largest ``m``. ``Closed`` takes the same time for any: the first terms one by one, the others by the
formula of Euler and Maclaurin, whose integral it takes by that of Gauss and Legendre in ``log x``,
in which all terms are smooth and no difference is taken.

Shapes: ``c`` is (..., n_components, 2), counts of heads, tails and tosses are (..., 3, n_rows).
"""

from functools import cached_property

import numpy as np

ONE_BY_ONE = 10  # terms
# Rules of quadrature, and how long a stretch they are enough for.
NODES = [
    (np.polynomial.legendre.leggauss(n), longest)
    for n, longest in ((8, 1.0), (12, 4.0), (18, 9.0), (40, np.inf))
]
OF_TWO = 0, 2, 3
LEAST = 1e-75
STEEPEST = 1e3  # by which rounding may grow in rows of next to no probability
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240)
SIGNS = np.array([1.0, 1.0, -1.0])  # of heads, tails and tosses
SIDES = np.array([0, 1, 0, 1, 2])  # of e of heads and of tails, then of f of all three


class _Sums:
    """What both have."""

    def __init__(self, c, counts):
        self.c, self.counts = c, counts
        self.most = int(counts[..., 2, :].max(initial=0))

    @cached_property
    def centre(self):
        """What is taken off each ``f``, its limit ``1 / rho``, where many are near it, else 0.

        Of a row with heads and tails one more is taken off than added, of others as many.
        """
        rho = self.c[..., 1]
        return np.divide(1.0, rho, out=np.zeros_like(rho), where=rho * self.most > 1)

    @cached_property
    def is_linear(self):
        """Where ``f_i`` is near ``(i - p) / p``, its limit without dispersion, which is taken off.

        Of a million tosses the sums of these are 1e12, and cancel but for what stands below.
        """
        rarer = np.minimum(self.c[..., 0], 1 - self.c[..., 0])
        return (rarer > LEAST) & (self.c[..., 1] * self.most <= np.minimum(STEEPEST * rarer, 1))

    @cached_property
    def taken_off(self):
        """What rows have been taken off in ``f``, (..., n_components, n_rows).

        Where it is linear,

            ((h - n theta)^2 - h (1 - 2 theta) - n theta^2) / 2 v + [h t > 0].
        """
        heads, tails, tosses = np.moveaxis(self.counts[..., None, :, :], -2, 0)
        is_mixed = (heads > 0) & (tails > 0)
        theta, is_linear = self.c[..., 0, None], self.is_linear[..., None]
        constant = -self.centre[..., None] * is_mixed
        if not is_linear.any():
            return constant
        twice = (heads - tosses * theta) ** 2 - heads * (1 - 2 * theta) - tosses * theta**2
        v = np.where(is_linear, theta * (1 - theta), 1.0)
        return np.where(is_linear, (tosses > 1) * twice / (2 * v) + is_mixed, constant)


class Tabulated(_Sums):
    """Sums for a table of rows whose counts are not too large."""

    @cached_property
    def _index(self):
        """Places of the counts in tables of the three sides, one after the other."""
        return self.counts.astype(np.intp) + (np.arange(3) * (self.most + 1))[:, None]

    @cached_property
    def _i(self):
        return np.arange(float(max(self.most, 1)))

    @cached_property
    def _x(self):
        p, rho = _shares(self.c)[..., None], self.c[..., 1, None, None]
        x = (1 - rho) * p + rho * self._i
        x[..., :1] = p
        return x

    @cached_property
    def _share(self):
        """``v / x`` of heads and tails."""
        return _share(self._x[..., :2, :], self.c)

    @cached_property
    def _inverse(self):
        return _inverse_of(self._x)

    @cached_property
    def _f(self):
        f = (self._i - _shares(self.c)[..., None]) * self._inverse
        f[..., 0] = 0
        return f

    @cached_property
    def _slopes(self):
        """``e`` of heads and tails, and ``f`` from its centre of all three, with their signs."""
        slopes = np.empty((*self._x.shape[:-2], 5, self._x.shape[-1]))
        e, f = slopes[..., :2, :], slopes[..., 2:, :]
        np.multiply(self._share, 1 - self.c[..., 1, None, None], out=e)
        e[..., 0] = self._share[..., 0]
        p, i = _shares(self.c)[..., None], self._i
        f[...] = _off_centre(self._f, i, p, self.c, self._inverse, self.centre, self.is_linear)
        f[..., 0] = 0
        for of_minus in (1, 4):
            np.negative(slopes[..., of_minus, :], out=slopes[..., of_minus, :])
        return slopes

    def log_density(self):
        """Without what rows with heads and tails have besides, and the binomial coefficient."""
        with np.errstate(divide="ignore"):
            heads, tails, tosses = self._below(np.log(self._x), self._index)
        return heads + tails - tosses

    def slopes(self):
        """Derivatives of the log-density, (..., n_components, 2, n_rows), ``f`` from its centre."""
        index = self._index[..., SIDES, :] + ((np.arange(5) - SIDES) * (self.most + 1))[:, None]
        of_heads, of_tails, *by_rho = self._below(self._slopes, index)
        return np.stack([of_heads + of_tails, by_rho[0] + by_rho[1] + by_rho[2]], axis=-2)

    def _below(self, values, index):
        """``sum_{i < m}`` of values of shape (..., n_tables, n_terms), that axis first."""
        sums = np.zeros((*values.shape[:-1], self.most + 1))
        values[..., : self.most].cumsum(axis=-1, out=sums[..., 1:])
        sums = sums.reshape(*sums.shape[:-2], -1)
        if index.ndim == 2:
            return np.moveaxis(sums.take(index, axis=-1), -2, 0)
        taken = np.take_along_axis(sums, index.reshape(*index.shape[:-2], 1, -1), axis=-1)
        return np.moveaxis(taken.reshape(*taken.shape[:-1], *index.shape[-2:]), -2, 0)

    def weighted(self, weights):
        """Sums over rows by weights (..., n_components, n_rows), (..., n_components, 5).

        Of the slopes, ``f`` from its centre, and of ``e^2``, ``v i / x^2`` and ``f^2``. As many
        rows have more than ``i`` tosses, term ``i`` counts [1]_.

        References
        ----------
        .. [1] Smith, D. M. (1983). Algorithm AS 189: maximum likelihood estimation of the
           parameters of the beta binomial distribution. Applied Statistics, 32(2), 196-204.
        """
        size, shape = self.most + 1, (*weights.shape[:-1], 3, weights.shape[-1])
        of_count = np.arange(np.prod(shape[:-2], dtype=int)).reshape(*shape[:-2], 1, 1)
        index = self._index[..., None, :, :] + 3 * size * of_count
        weights = np.broadcast_to(weights[..., None, :], shape)
        rows = np.bincount(index.ravel(), weights.ravel(), minlength=3 * size * of_count.size)
        above = rows.reshape(*shape[:-1], size)[..., ::-1].cumsum(axis=-1)[..., -2::-1]
        if self.most == 0:
            return np.zeros((*weights.shape[:-2], 5))
        slopes = (above[..., SIDES, :] * self._slopes).sum(axis=-1)
        ee = (above[..., :2, :] * self._slopes[..., :2, :] ** 2).sum(axis=-1)
        ef = (above[..., :2, :] * self._share * self._inverse[..., :2, :] * self._i).sum(axis=-1)
        ff = (above * self._f**2).sum(axis=-1)
        return _signed_sums(slopes[..., :2] * [1, -1], slopes[..., 2:] * SIGNS, ee, ef, ff)


class Closed(_Sums):
    """The same sums at any depth."""

    def slopes(self):
        e, f = self._sums[:2]
        by_rho = f[..., 0, :] + f[..., 1, :] - f[..., 2, :]
        return np.stack([e[..., 0, :] - e[..., 1, :], by_rho], axis=-2)

    def weighted(self, weights):
        return _signed_sums(*((sums @ weights[..., None])[..., 0] for sums in self._sums))

    @cached_property
    def _sums(self):
        m, at = self.counts[..., None, :, :], _Terms(self.c, self.centre, self.is_linear)
        sums = _weighed(at.first, m > 0)
        for i in range(1, ONE_BY_ONE):
            sums = _added(sums, at.values(i), i < m)
        last = np.maximum(m, ONE_BY_ONE)
        n, x = last - ONE_BY_ONE, at.x(ONE_BY_ONE)
        u = np.divide(at.rho, x, out=np.zeros_like(x), where=x > 0) * n
        s, is_even = np.log1p(u), u == 0
        per_u = n / np.where(is_even, 1.0, u)
        for node, weight in zip(*_nodes(s.max(initial=0)), strict=True):
            rise = np.expm1(s * node)
            step = weight * (rise + 1) * s * per_u
            i = ONE_BY_ONE + rise * per_u
            if is_even.any():
                i = np.where(is_even, ONE_BY_ONE + n * node, i)
                step = np.where(is_even, weight * n, step)
            sums = _added(sums, at.values(i), step)
        for i, side in ((ONE_BY_ONE, 1), (last, -1)):
            sums = _added(sums, at.values(i), 0.5 * side)
            for number, slopes in zip(BERNOULLI, at.derivatives(i), strict=True):
                sums = _added(sums, slopes, -number * side)
        return sums


def _nodes(longest):
    """Places in (0, 1) and weights for an integrand that rises by ``exp(longest)`` at most."""
    places, weights = next(rule for rule, most in NODES if longest <= most)
    return (places + 1) / 2, weights / 2


def _weighed(terms, weight):
    """Terms times a weight of three sides, of which ``e`` and its like have two."""
    of_two = weight[..., :2, :] if np.ndim(weight) else weight
    return [x * (of_two if k in OF_TWO else weight) for k, x in enumerate(terms)]


def _added(sums, terms, weight):
    return [a + b for a, b in zip(sums, _weighed(terms, weight), strict=True)]


class _Terms:
    """``e, f`` from its centre, ``e^2, v i / x^2, f^2``, zero where ``x`` is, as functions of i.

    Those of ``e`` without its sign, of heads and tails only.
    """

    def __init__(self, c, centre, is_linear):
        self.c, self.centre, self.is_linear = c, centre, is_linear
        self.p, self.rho = _shares(c)[..., None], c[..., 1, None, None]
        self.v = (c[..., 0] * (1 - c[..., 0]))[..., None, None]

    def x(self, i):
        return (1 - self.rho) * self.p + self.rho * i

    @property
    def first(self):
        """Those of ``i = 0``."""
        e, zero = _share(self.p[..., :2, :], self.c), np.zeros_like(self.p)
        return e, zero, e**2, 0 * e, zero

    def values(self, i):
        """Those of ``i >= 1``."""
        y = _inverse_of(self.x(i))
        f, of_two = (i - self.p) * y, y[..., :2, :]
        share = self.v * of_two
        e = (1 - self.rho) * share
        off = _off_centre(f, i, self.p, self.c, y, self.centre, self.is_linear)
        of_i = i[..., :2, :] if np.ndim(i) else i
        return e, off, e**2, of_i * share * of_two, f**2

    def derivatives(self, i):
        """Their first, third and fifth derivatives by ``i``."""
        a, rho, v, p = (1 - self.rho) * self.p, self.rho, self.v, self.p
        x = self.x(i)
        y = _inverse_of(x)
        u, f, r = p * y, (i - p) * y, rho * y
        of_i = i[..., :2, :] if np.ndim(i) else i
        a, x, two = a[..., :2, :], x[..., :2, :], y[..., :2, :]
        e, s, w = (1 - rho) * v * two, rho * two, v * two**3
        slope = u * y
        if self.is_linear.any():
            at = self.is_linear[..., None, None]
            slope = np.where(
                at, -rho * (i - p) * (p + self.x(i)) * y**2 / np.where(at, p, 1), slope
            )
        first = (-s * e, slope, -2 * s * e**2, (a - rho * of_i) * w, 2 * f * u * y)
        third = (
            *(-6 * s**3 * e, 6 * r**2 * u * y, -24 * s**3 * e**2),
            *(6 * s**2 * (4 * a - x) * w, 12 * r * u * (1 - 2 * u) * y**2),
        )
        fifth = (
            *(-120 * s**5 * e, 120 * r**4 * u * y, -720 * s**5 * e**2),
            *(120 * s**4 * (6 * a - x) * w, 240 * r**3 * u * (1 - 3 * u) * y**2),
        )
        return first, third, fifth


def _off_centre(f, i, p, c, inverse, centre, is_linear):
    """``f`` without its limit, in forms that take no difference; ``inverse`` is ``1 / x``."""
    centre, is_linear = centre[..., None, None], is_linear[..., None, None]
    if centre.any():
        f = np.where(centre > 0, -centre * p * inverse, f)
    if is_linear.any():
        rest = -c[..., 1, None, None] * (i - p) ** 2 * inverse / np.where(is_linear, p, 1.0)
        f = np.where(is_linear, rest, f)
    return f


def _signed_sums(e, f, ee, ef, ff):
    """Those of heads and tails added, of tosses taken off; ``e`` and ``v i / x^2`` have a sign."""
    sums = np.empty((*e.shape[:-1], 5))
    sums[..., 0] = e[..., 0] - e[..., 1]
    sums[..., 1] = f @ SIGNS
    sums[..., 2] = ee[..., 0] + ee[..., 1]
    sums[..., 3] = ef[..., 0] - ef[..., 1]
    sums[..., 4] = ff @ SIGNS
    return sums


def _shares(c):
    """``p`` of heads, tails and tosses, (..., 3)."""
    theta = c[..., 0]
    return np.stack([theta, 1 - theta, np.ones_like(theta)], axis=-1)


def _share(x, c):
    """``v / x``, of which none is far above one; zero where x is."""
    v = (c[..., 0] * (1 - c[..., 0]))[..., None, None]
    return np.divide(v, x, out=np.zeros_like(x), where=x > 0)


def _inverse_of(x):
    """``1 / x``, zero where its square would be beyond any float."""
    return np.divide(1.0, x, out=np.zeros_like(x), where=x > LEAST)
