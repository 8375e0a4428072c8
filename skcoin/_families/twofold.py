"""Numbers of twice as many digits, each the sum of two floats, of which the second is rounding.

``theta^h (1 - theta)^t`` of 1e16 tosses has a logarithm of about -1e16, and a float holds its whole
part. What tells coins apart are digits behind the point: 1e-12 of 1e16 asks for 28 of them, and the
pair has 31. The building blocks are those of Dekker [1]_.

References
----------
.. [1] Dekker, T. J. (1971). A floating-point technique for extending the available precision.
   Numerische Mathematik, 18(3), 224-242.
"""

from decimal import Decimal, localcontext
from functools import cache

import numpy as np

SPLITTER = 2.0**27 + 1
N_STEPS = 512  # of the table of logarithms


def add(a, b):
    """``a + b`` of floats, and the rounding of it."""
    high = a + b
    of_b = high - a
    return high, (a - (high - of_b)) + (b - of_b)


def multiply(a, b):
    """``a b`` of floats, and the rounding of it."""
    high = a * b
    (a_high, a_low), (b_high, b_low) = halves(a), halves(b)
    return high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low


def divide(a, b, b_low):
    """``a / (b + b_low)`` of floats."""
    high = a / b
    product, rounding = multiply(high, b)
    return high, ((a - product) - rounding - high * b_low) / b


def log(x, x_low):
    """Natural logarithm of ``x + x_low``, where ``x`` is in (0, 2**1000).

    With ``x = 2^e m`` and ``a`` the neighbour of ``m`` in a table,

        log x = e log 2 + log a + 2 artanh s,    s = (m - a) / (m + a),

    where ``|s| < 2^-10``, so that of the series ``s + s^3 / 3 + s^5 / 5 + ...`` two terms need more
    digits than a float has.
    """
    m, exponent = np.frexp(x)
    place = np.rint(N_STEPS * m).astype(int)
    a, exponent = place / N_STEPS, exponent.astype(float)
    (of_two, of_a), (of_two_low, of_a_low) = ((part[0], part[place]) for part in _table())
    s, s_low = divide(m - a, *add(m, a))
    square, square_low = multiply(s, s)
    third, third_low = divide(square, 3.0, 0.0)
    cube, cube_low = multiply(third, s)
    cube_low += third * s_low + (third_low + (square_low + 2 * s * s_low) / 3) * s
    tail = square * square * s * (1 / 5 + square * (1 / 7 + square / 9))
    high, low = multiply(exponent, of_two)
    for part in (of_a, 2 * s, 2 * cube):
        high, rounding = add(high, part)
        low = low + rounding
    low += exponent * of_two_low + of_a_low + 2 * (s_low + cube_low + tail) + x_low / x
    return add(high, low)


def weigh(heads, tails, log_heads, log_tails):
    """``h u + t v`` of floats h and t and twofold u and v."""
    of_heads, low = multiply(heads, log_heads[0])
    of_tails, tails_low = multiply(tails, log_tails[0])
    high, rounding = add(of_heads, of_tails)
    return high, rounding + (low + heads * log_heads[1]) + (tails_low + tails * log_tails[1])


def halves(x):
    """A float as two of 26 digits, whose products are exact."""
    far = SPLITTER * x
    high = far - (far - x)
    return high, x - high


@cache
def _table():
    """Logarithms of ``j / 512`` for j from 256 to 512, and of 2 in place of that for 0."""
    table = np.zeros((2, N_STEPS + 1))
    with localcontext() as context:
        context.prec = 40
        for j in [0, *range(N_STEPS // 2, N_STEPS + 1)]:
            value = (Decimal(j) / N_STEPS if j else Decimal(2)).ln()
            table[:, j] = float(value), float(value - Decimal(float(value)))
    return table
