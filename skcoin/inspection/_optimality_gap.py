"""The optimality gap: what any other mixture could still gain."""

import numpy as np
from sklearn.utils import Bunch

from skcoin._families.gradient_function import most_gain, supremum
from skcoin.inspection._inspected import check_fitted


def optimality_gap(model, X, sample_weight=None):
    """How much log-likelihood any mixture of binomials could still gain over a model.

    Any: of any number of coins, with any thetas and weights. With the gradient function

        ``D(theta) = sum_i m_i (f(x_i | theta) / f(x_i | model) - 1)``,

    where ``m_i`` is the weight of row ``i`` and ``W`` their sum over the rows that hold a toss, no
    mixture has a total log-likelihood of more than the model's plus ``W log(1 + sup D / W)``
    [1]_. A gap of zero certifies that the model is the best of all mixtures; a positive one bounds
    what more coins, or a better maximum, could bring.

    Parameters
    ----------
    model : BinomialMixture or ThreeCoinModel
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Tosses in the layout of the model.
    sample_weight : array-like of shape (n_samples,), default=None
        How often each row counts.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``gap`` : float, at least 0
            The bound, in total log-likelihood (natural log).
        ``theta`` : float in [0, 1]
            Where a further coin would help most: at which ``D`` is largest.
        ``grid`` : ndarray of shape (n_grid,)
            Thetas from 0 to 1, eight to the width of the likelihood of the longest row.
        ``gradient`` : ndarray of shape (n_grid,)
            ``D`` on the grid; infinite where no float is large enough.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If X or ``sample_weight`` is not as in ``fit``, or X holds no toss.

    See Also
    --------
    skcoin.BinomialMixture.score : Mean log-likelihood per row.

    Notes
    -----
    The log-likelihood is concave in the mixing distribution, and ``D`` its directional derivative
    towards a single coin. The supremum is found on the grid and refined around each local maximum.
    Priors and known coins play no part: the bound is about the likelihood of hidden coins.

    References
    ----------
    .. [1] Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory. Annals of
       Statistics, 11(1), 86-94.

    Examples
    --------
    Two coins leave something to gain on the families of Saxony, four nothing:

    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_saxony
    >>> from skcoin.inspection import optimality_gap
    >>> families = load_saxony()
    >>> X, times = families.data, families.sample_weight
    >>> two = BinomialMixture(2).fit(X, sample_weight=times)
    >>> optimality_gap(two, X, sample_weight=times).gap > 1.6
    True
    >>> four = BinomialMixture(4).fit(X, sample_weight=times)
    >>> abs(optimality_gap(four, X, sample_weight=times).gap) < 1e-3
    True
    """
    fitted = check_fitted(model, X, sample_weight)
    return gap_of(fitted.mixture, fitted.counts)


def gap_of(mixture, counts):
    """The optimality gap of a mixture on counts of rows that hold a toss."""
    columns = counts.heads, counts.tails, counts.multiplicity
    log_fitted = mixture.log_density(counts.heads, counts.tails)
    theta, highest, grid, value = supremum(log_fitted[None], *(x[None] for x in columns))
    n_rows = counts.n_rows
    with np.errstate(over="ignore"):
        gradient = np.exp(value[0]) - n_rows
    gap = float(most_gain(highest[0], n_rows))
    return Bunch(gap=gap, theta=float(theta[0]), gradient=gradient, grid=grid)
