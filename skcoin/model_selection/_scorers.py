"""The negative criterion of a fit, read off the counts that it was fitted to.

On rows that a search holds out, ``-2 log L + p log n`` is no BIC: ``log L`` is not at its maximum
there, so that it pays for ``p`` by itself. The rows that a scorer is given are therefore not read.
"""
# ruff: noqa: ARG001

from typing import TypeAlias

from sklearn.pipeline import Pipeline

from skcoin._base import BaseMixture, check_model, counts_of, mixture_of
from skcoin._mixture import Mixture
from skcoin._validation import Method

Judged: TypeAlias = BaseMixture | Pipeline  # which ends in one


def _weights_are_of_the_fit(scorer: Method) -> Method:
    """Tell searches that weights may be given: they warn where a scorer does not take any."""
    scorer._accept_sample_weight = lambda: True
    return scorer


@_weights_are_of_the_fit
def aic_scorer(
    estimator: Judged, X: object = None, y: object = None, sample_weight: object = None
) -> float:
    """Negative AIC of a fit, for the ``scoring`` of scikit-learn's searches.

    As ``bic_scorer``, with the criterion of the estimator's method ``aic``.

    Parameters
    ----------
    estimator : BinomialMixture or another model of skcoin, or a Pipeline that ends in one
        Fitted.
    X, y, sample_weight : object
        Ignored; there for scikit-learn's conventions.

    Returns
    -------
    score : float
        Greater is better.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As from ``bic_scorer``.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.model_selection import aic_scorer
    >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
    >>> model = BinomialMixture().fit(X)
    >>> print(f"{aic_scorer(model):.2f} is minus {model.aic(X):.2f}")
    -25.59 is minus 25.59
    """
    return _score(estimator, Mixture.aic)


@_weights_are_of_the_fit
def bic_scorer(
    estimator: Judged, X: object = None, y: object = None, sample_weight: object = None
) -> float:
    """Negative BIC of a fit, for the ``scoring`` of scikit-learn's searches.

    The BIC is that of the rows, with their weights, that the model was fitted to. What the search
    gives is not read: on rows that are held out there is no BIC. With ``cv=AllRows()`` the search
    finds what a loop over ``fit`` and ``bic`` finds; with other folds the score is the mean over
    fits to a part of the rows each.

    Parameters
    ----------
    estimator : BinomialMixture or another model of skcoin, or a Pipeline that ends in one
        Fitted.
    X, y, sample_weight : object
        Ignored; there for scikit-learn's conventions.

    Returns
    -------
    score : float
        Greater is better, so that ``refit`` takes the lowest BIC.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is no model of hidden coins, nor ends in one.
    ValueError
        If it has forgotten its counts, or they hold no toss.

    See Also
    --------
    AllRows : The fold to go with it.
    skcoin.inspection.compare_n_components : A table of numbers of coins, with the gap.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.model_selection import AllRows, bic_scorer
    >>> X = load_rat_tumours().data
    >>> grid = {"n_components": [1, 2], "theta_prior": [(1, 1), (2, 2)]}
    >>> search = GridSearchCV(BinomialMixture(), grid, scoring=bic_scorer, cv=AllRows())
    >>> search.fit(X).best_params_
    {'n_components': 2, 'theta_prior': (1, 1)}
    >>> print(f"{search.best_score_:.2f} is minus {search.best_estimator_.bic(X):.2f}")
    -322.64 is minus 322.64
    """
    return _score(estimator, Mixture.bic)


@_weights_are_of_the_fit
def icl_scorer(
    estimator: Judged, X: object = None, y: object = None, sample_weight: object = None
) -> float:
    """Negative ICL of a fit, for the ``scoring`` of scikit-learn's searches.

    As ``bic_scorer``, with the criterion of the estimator's method ``icl``, which asks for coins
    that can be told apart row by row.

    Parameters
    ----------
    estimator : BinomialMixture or another model of skcoin, or a Pipeline that ends in one
        Fitted.
    X, y, sample_weight : object
        Ignored; there for scikit-learn's conventions.

    Returns
    -------
    score : float
        Greater is better.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As from ``bic_scorer``.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.model_selection import icl_scorer
    >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
    >>> model = BinomialMixture().fit(X)
    >>> print(f"{icl_scorer(model):.2f} is minus {model.icl(X):.2f}")
    -27.90 is minus 27.90
    """
    return _score(estimator, Mixture.icl)


def _score(estimator, criterion):
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    check_model(estimator, "estimator")
    return -criterion(mixture_of(estimator), counts_of(estimator))
