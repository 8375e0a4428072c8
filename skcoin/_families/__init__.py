"""Families of component densities: the contract, and what they share.

A family says what the density of a component is, and nothing else: it owns no parameters, holds no
state, and knows neither weights nor a posterior. The optimiser in ``skcoin._em`` asks it.

Shapes, in the words of the methods below: ``c`` are component parameters of shape
``(..., n_components, n_parameters)`` in [0, 1], ends included, where the leading axes are starts;
``table`` has shape ``(..., n_columns, n_rows)`` and the same leading axes, or none. A table may end
in columns of zeros, rows that are not there.
"""

from skcoin._families.binomial import BINOMIAL, Binomial
from skcoin._families.contract import Family

__all__ = ["BINOMIAL", "Binomial", "Family"]
