"""Pictures of a fit, as scikit-learn's displays.

``from_estimator`` computes what is to be seen, keeps it as arrays and draws it; ``plot`` draws it
again, on other axes. What was drawn stands in attributes that end in an underscore and can be
restyled there: ``display.line_.set(color="black", label="...")``. The words are English, or what
``labels`` has in their place. Matplotlib is imported when something is drawn. Coins differ by
colour, line and marker, so that pictures can be read in black and white too.
"""

from skcoin.plotting._convergence import ConvergenceDisplay
from skcoin.plotting._gradient import GradientDisplay
from skcoin.plotting._lower_bound import LowerBoundDisplay
from skcoin.plotting._mixture import MixtureDisplay
from skcoin.plotting._pairs import PairsDisplay
from skcoin.plotting._posterior import PosteriorDisplay
from skcoin.plotting._profile import ProfileDisplay
from skcoin.plotting._residuals import ResidualDisplay
from skcoin.plotting._rootogram import RootogramDisplay

__all__ = [
    "ConvergenceDisplay",
    "GradientDisplay",
    "LowerBoundDisplay",
    "MixtureDisplay",
    "PairsDisplay",
    "PosteriorDisplay",
    "ProfileDisplay",
    "ResidualDisplay",
    "RootogramDisplay",
]


def __dir__() -> list[str]:
    return __all__
