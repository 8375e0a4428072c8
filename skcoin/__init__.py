"""skcoin: coins that hide behind their tosses, for scikit-learn.

Each row of data is a set of tosses of one coin. Which coin it was is hidden; EM estimates every
coin's probability of heads and how often it is picked.
"""

from skcoin._beta_binomial_mixture import BetaBinomialMixture
from skcoin._binomial_mixture import BinomialMixture
from skcoin._nonparametric_mixture import NonparametricBinomialMixture
from skcoin._persistence import show_versions
from skcoin._product_binomial_mixture import ProductBinomialMixture
from skcoin._three_coin import ThreeCoinModel
from skcoin.exceptions import IdentifiabilityWarning
from skcoin.frames import count_tosses, fit_groups, join_posterior

__version__ = "0.2.0"
__all__ = [
    "BetaBinomialMixture",
    "BinomialMixture",
    "IdentifiabilityWarning",
    "NonparametricBinomialMixture",
    "ProductBinomialMixture",
    "ThreeCoinModel",
    "count_tosses",
    "fit_groups",
    "join_posterior",
    "show_versions",
]


def __dir__() -> list[str]:
    """Public names, of those modules too that have been imported."""
    return [name for name in globals() if name == "__version__" or not name.startswith("_")]
