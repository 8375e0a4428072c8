"""Models that tests need fitted in a way of their own."""

import warnings

from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture


def held(theta, weights=None, X=((1, 0), (0, 1)), **parameters):
    """A fitted mixture of coins that are known and not learned."""
    return BinomialMixture(
        len(theta),
        theta_init=theta,
        weights_init=weights,
        learn_theta=False,
        learn_weights=False,
        **parameters,
    ).fit(X)


def fit_to_the_end(model, X, **fit_params):
    """Fit; that ``max_iter`` may end the climb is what the caller asks for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, **fit_params)
