"""Models that tests need fitted in a way of their own, and what they often ask of them."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, ProductBinomialMixture
from skcoin.datasets import load_rat_tumours
from skcoin.inspection import confidence_intervals, likelihood_ratio_test


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


def intervals(model, X, sample_weight=None, **options):
    """Of all thetas and then all weights, shape (2 n_components, 2)."""
    result = confidence_intervals(model, X, sample_weight, **options)
    assert set(result) == {"theta", "weights"}
    assert result.theta.shape == result.weights.shape == (len(model.theta_), 2)
    return np.concatenate([result.theta, result.weights])


def compare(null, alternative, X, sample_weight=None, **options):
    """The test of two models that are fitted to the same rows."""
    options = {"n_boot": 3, "random_state": 0, **options}
    null.fit(X, sample_weight=sample_weight)
    alternative.fit(X, sample_weight=sample_weight)
    return likelihood_ratio_test(null, alternative, X, sample_weight, **options)


def fit_quietly(model, X, **fit_params):
    """Fit; what the fit itself warns of is not the matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, **fit_params)


def to_the_last_digit(n_components, **parameters):
    """The information is that of the maximum, and has no gradient in it."""
    return BinomialMixture(n_components, tol=0, max_iter=100_000, **parameters)


def for_display(display):
    """A fitted model that a display takes, and its rows: of two coins each, or of one."""
    of_several = display.__name__ in ("PairsDisplay", "ProfileDisplay")
    X = load_rat_tumours().data
    if of_several:
        X = np.column_stack([X, X[::-1]])
        return ProductBinomialMixture(2).fit(X), X
    return BinomialMixture(2).fit(X), X
