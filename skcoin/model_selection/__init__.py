"""Criteria of a fit as scorers of scikit-learn's searches: greater is better.

A criterion judges a fit by the rows that it is a fit to, so that there is nothing to hold out.
"""

from skcoin.model_selection._all_rows import AllRows
from skcoin.model_selection._scorers import aic_scorer, bic_scorer, icl_scorer

__all__ = ["AllRows", "aic_scorer", "bic_scorer", "icl_scorer"]


def __dir__() -> list[str]:
    return __all__
