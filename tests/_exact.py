"""The likelihood in mpmath's working precision, from its definition."""

import mpmath
import numpy as np


def exact_log_binomial_coefficient(heads, tails):
    heads, tails = mpmath.mpf(heads), mpmath.mpf(tails)
    log_gamma = mpmath.loggamma
    return log_gamma(heads + tails + 1) - log_gamma(heads + 1) - log_gamma(tails + 1)


def exact_joint(theta, weights, heads, tails):
    """``w_k theta_k^h (1 - theta_k)^t`` of each coin, in mpmath's working precision."""
    theta, weights = [mpmath.mpf(p) for p in theta], [mpmath.mpf(w) for w in weights]
    heads, tails = mpmath.mpf(heads), mpmath.mpf(tails)
    return [w * p**heads * (1 - p) ** tails for p, w in zip(theta, weights, strict=True)]


def exact_objective(
    theta,
    weights,
    X,
    sample_weight=None,
    coins=None,
    theta_prior=(1, 1),
    weights_prior=1,
    learn_theta=True,
    learn_weights=True,
):
    """Log-likelihood of all rows, hidden and known, plus the log prior of what is learned.

    Binomial coefficients and the constants of the priors are left out.
    """
    sample_weight = np.ones(len(X)) if sample_weight is None else sample_weight
    coins = np.full(len(X), -1) if coins is None else coins
    total = mpmath.mpf(0)
    for (heads, tails), rows, coin in zip(X, sample_weight, coins, strict=True):
        joint = exact_joint(theta, weights, heads, tails)
        total += mpmath.mpf(rows) * mpmath.log(sum(joint) if coin < 0 else joint[coin])
    learned = np.flatnonzero(np.broadcast_to(learn_theta, len(theta)))
    for a, sides in zip(
        theta_prior, ([theta[k] for k in learned], [1 - theta[k] for k in learned]), strict=True
    ):
        total += sum((a - 1) * mpmath.log(side) for side in sides if a > 1)
    if learn_weights and weights_prior > 1:
        total += sum((weights_prior - 1) * mpmath.log(w) for w in weights)
    return total
