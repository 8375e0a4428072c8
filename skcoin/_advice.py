"""What a user is told after a fit that is not all it seems."""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skcoin.exceptions import IdentifiabilityWarning


def warn_of_obstacles(best, model):
    """Say so where the climb is not at a local maximum.

    Parameters
    ----------
    best : Climb
    model : HiddenCoins
        Fitted.
    """
    theta, weights = model.theta_.tolist(), model.weights_.tolist()
    or_newton = "" if model.solver == "em-newton" else ' or use solver="em-newton"'
    if not best.ended:
        gain = best.objective[-1] - best.objective[-2]
        warn_user(
            f"max_iter={model.max_iter} ended the climb: its last step gained {gain:.3g} in total "
            f"log-likelihood, and more than tol={model.tol:g} may be left. Raise "
            f"max_iter{or_newton}.",
            ConvergenceWarning,
        )
    elif best.obstacle == "saddle":
        warn_user(
            "The climb ended on a saddle, where the objective still curves up: "
            f"theta={theta}. {_tied(best.theta[0])}Start elsewhere, or leave the start to "
            'init_params and solver="em-newton".',
            ConvergenceWarning,
        )
    elif best.obstacle == "boundary":
        warn_user(
            "The climb ended where a probability of exactly 0 or 1 cannot move, though the "
            f"objective would rise: theta={theta}, weights={weights}. Start inside (0, "
            f"1){or_newton}.",
            ConvergenceWarning,
        )


def warn_of_identifiability(theta, weights, given, evidence):
    """Say so where no row has as many tosses as there are parameters to tell apart."""
    if not is_identifiable(given, evidence):
        unknown, most = _n_unknown(given, evidence), _most_tosses(evidence)
        warn_user(
            f"{unknown} free parameters need a row of at least {unknown} tosses, but no row "
            f"of a hidden coin has more than {most}. Only {_moments(most, weights @ theta)} "
            "identified; other coins have the same likelihood. Use fewer coins, hold theta or "
            "weights, or toss more often.",
            IdentifiabilityWarning,
        )


def is_identifiable(given, evidence):
    """Whether some hidden row has as many tosses as there are parameters to tell apart."""
    return _n_unknown(given, evidence) <= _most_tosses(evidence) or not len(evidence.rows)


def _n_unknown(given, evidence):
    """Number of parameters that hidden rows have to tell.

    The theta of a coin that is known in some row is not counted, nor are the weights where any is.
    """
    known = evidence.known_rows > 0
    learns_weights = given.learn_weights and not known.any()
    return int((given.learn_theta & ~known).sum()) + learns_weights * (len(known) - 1)


def _most_tosses(evidence):
    """Most tosses of any row of a hidden coin, rounded up."""
    return int(np.ceil(np.max(evidence.heads + evidence.tails, initial=0)))


def warn_user(message, category):
    """Warn at the line that called skcoin, whatever scikit-learn puts between."""
    frame, level = sys._getframe(1), 2
    between = ("skcoin.", "sklearn.", "joblib.")
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(between):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _tied(theta):
    """Which coins started equal, which no step of EM can tell apart."""
    ties = [np.flatnonzero(theta == value).tolist() for value in np.unique(theta)]
    return "".join(f"Coins {tie} started equal. " for tie in ties if len(tie) > 1)


def _moments(most, mean):
    if most == 1:
        return f"the mean weights_ @ theta_ = {mean:.6g} is"
    return f"the first {most} moments weights_ @ theta_**j, j = 1, ..., {most}, are"
