"""The beta-binomial in many digits, by products or log-gammas of mpmath."""

import mpmath as mp

DIGITS = 50


def log_probability(theta, rho, heads, tails):
    """Natural log of the probability of heads and tails."""
    with mp.workdps(DIGITS):
        theta, rho, n = mp.mpf(theta), mp.mpf(rho), heads + tails
        ways = mp.loggamma(n + 1) - mp.loggamma(heads + 1) - mp.loggamma(tails + 1)
        return ways + sum(
            sign * _log_rising(p, rho, m)
            for p, m, sign in ((theta, heads, 1), (1 - theta, tails, 1), (mp.mpf(1), n, -1))
        )


def _log_rising(p, rho, m):
    """``sum_{i < m} log((1 - rho) p + rho i)``; that of ``(1 - rho)`` alone counts once."""
    if m == 0:
        return mp.mpf(0)
    if rho == 1:  # the first terms vanish as 1 - rho does, of which n takes one away
        return _log(p) + mp.loggamma(m)
    if rho == 0:
        return m * _log(p)
    a = (1 - rho) * p / rho
    if a == 0:
        return mp.mpf("-inf")
    return m * mp.log(rho) + mp.loggamma(a + m) - mp.loggamma(a)


def _log(p):
    return mp.log(p) if p > 0 else mp.mpf("-inf")


def slope_by_dispersion(theta, rho, heads, tails):
    """Its derivative by ``rho``, in (0, 1), by digammas."""
    with mp.workdps(2 * DIGITS):
        theta, rho = mp.mpf(theta), mp.mpf(rho)

        def side(p, m):
            if m == 0:
                return mp.mpf(0)
            a = (1 - rho) * p / rho
            return ((m - 1) - p * (mp.psi(0, a + m) - mp.psi(0, a + 1)) / rho) / rho

        slope = side(theta, heads) + side(1 - theta, tails) - side(mp.mpf(1), heads + tails)
        return slope - (1 / (1 - rho) if heads and tails else 0)
