"""Does a model fit, how sure is it, and how many coins are there? Functions of it and its data.

They work on the counts of the data, so that they cost the same for a hundred rows and for a
hundred million.
"""

from skcoin.inspection._bivariate import bivariate_residuals
from skcoin.inspection._bootstrap import bootstrap
from skcoin.inspection._classification import classification_table
from skcoin.inspection._comparison import compare_n_components
from skcoin.inspection._goodness_of_fit import goodness_of_fit
from skcoin.inspection._intervals import confidence_intervals
from skcoin.inspection._likelihood_ratio import likelihood_ratio_test
from skcoin.inspection._optimality_gap import optimality_gap
from skcoin.inspection._residuals import quantile_residuals
from skcoin.inspection._standard_errors import standard_errors
from skcoin.inspection._summary import Summary, summary

__all__ = [
    "Summary",
    "bivariate_residuals",
    "bootstrap",
    "classification_table",
    "compare_n_components",
    "confidence_intervals",
    "goodness_of_fit",
    "likelihood_ratio_test",
    "optimality_gap",
    "quantile_residuals",
    "standard_errors",
    "summary",
]


def __dir__() -> list[str]:
    return __all__
