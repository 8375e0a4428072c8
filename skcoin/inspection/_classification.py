"""How well rows can be put into their classes, or coins: averages of the posterior.

With the posterior ``r_ik`` of row ``i``, its weight ``m_i``, and the class ``a_i = argmax_k r_ik``
that it is assigned to, all follows from the table of assigned and of true classes that the model
expects, ``T_lk = sum_i m_i [a_i = l] r_ik``.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skcoin._base import BaseMixture
from skcoin._em.e_step import entropy
from skcoin._validation import Column
from skcoin._warnings import warn_of_excluded
from skcoin.inspection._inspected import check_fitted
from skcoin.inspection._tables import AsFrame, Result, frame_maker


def classification_table(
    model: BaseMixture,
    X: ArrayLike,
    sample_weight: Column = None,
    *,
    as_frame: AsFrame = False,
) -> Any:
    """How sure the classes of rows are, by the class that each is assigned to.

    ``predict`` assigns row ``i`` to the class ``a_i`` of the largest posterior probability
    ``r_ik``. With the weights ``m_i`` of the rows, and ``T_lk = sum_i m_i [a_i = l] r_ik``, the
    average posterior of those assigned to ``l`` is ``T_lk / sum_k T_lk``, and a row of class ``k``
    is assigned to ``l`` with probability ``T_lk / sum_l T_lk``. The classes of a model of one coin
    a row are its coins.

    Parameters
    ----------
    model : BinomialMixture, ProductBinomialMixture or another
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Tosses in the layout of the fit. Rows without a toss are left out.
    sample_weight : array-like of shape (n_samples,), default=None
        How often each row counts.
    as_frame : bool, str or module, default=False
        Whether to return a table instead: of pandas, or of the library of this name, such as
        "polars". It has a row for each class, with ``assigned``, ``expected`` and its rows of the
        others: ``average_posterior0``, ..., ``assignment0``, ...

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`, or a data frame
        ``average_posterior`` : ndarray of shape (n_components, n_components)
            Row ``l``: the mean of ``predict_proba`` over the rows assigned to ``l``; its diagonal
            is near 1 where classes can be told apart. NaN if there are none.
        ``assignment`` : ndarray of shape (n_components, n_components)
            Row ``k``: the probabilities with which rows of class ``k`` are assigned to each: the
            classification errors that an analysis in three steps corrects for [1]_.
        ``assigned`` : ndarray of shape (n_components,)
            Share of the rows that is assigned to each class.
        ``expected`` : ndarray of shape (n_components,)
            Share of the rows that is of each class, the mean posterior: ``weights_`` after a fit
            to these rows without priors.
        ``error_rate`` : float
            Share of the rows that is assigned to a wrong class, as the model expects it.
        ``relative_entropy`` : float
            1 less the entropy of the posteriors, relative to that of rows which could be of any
            class: ``1 - sum_i m_i H(r_i) / (W log K)``, with ``H(r_i) = -sum_k r_ik log r_ik``, the
            total weight ``W`` and ``K`` classes. 1 if no row is in doubt, 0 if the rows tell
            nothing [2]_. NaN for a single class.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is no model of hidden coins.
    ValueError
        If the data are not as in ``fit``, or hold no toss.
    ImportError
        If the library of ``as_frame`` is missing.

    Warns
    -----
    UserWarning
        If no class can show some rows.

    See Also
    --------
    summary : Has the relative entropy in a line.
    bivariate_residuals : Whether the classes are enough.

    Notes
    -----
    All of it takes the model for true. It says how far classes are apart, not whether there are
    that many: a wrong model can be sure of itself.

    References
    ----------
    .. [1] Bolck, A., Croon, M. and Hagenaars, J. (2004). Estimating latent structure models with
       categorical variables: one-step versus three-step estimators. Political Analysis, 12(1),
       3-27.
    .. [2] Ramaswamy, V., DeSarbo, W. S., Reibstein, D. J. and Robinson, W. T. (1993). An empirical
       pooling approach for estimating marketing mix elasticities with PIMS data. Marketing Science,
       12(1), 103-124.

    Examples
    --------
    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import classification_table
    >>> X = load_rat_tumours().data
    >>> table = classification_table(BinomialMixture(2).fit(X), X)
    >>> table.average_posterior.round(2)
    array([[0.92, 0.08],
           [0.2 , 0.8 ]])
    >>> table.assigned.round(2)
    array([0.54, 0.46])
    >>> print(f"{table.error_rate:.2f}, {table.relative_entropy:.2f}")
    0.13, 0.59
    """
    to_frame = frame_maker(as_frame)
    fitted = check_fitted(model, X, sample_weight)
    counts, mixture = fitted.counts, fitted.mixture
    warn_of_excluded(mixture, counts.heads, counts.tails, counts.multiplicity)
    posterior, m = mixture.posterior(counts.heads, counts.tails), counts.multiplicity
    is_assigned = posterior.argmax(axis=1)[:, None] == np.arange(posterior.shape[1])
    table = (is_assigned * m[:, None]).T @ posterior
    total = table.sum()
    result = Result(
        average_posterior=_shares(table),
        assignment=_shares(table.T),
        assigned=table.sum(axis=1) / total,
        expected=table.sum(axis=0) / total,
        error_rate=float((table.sum() - np.trace(table)) / total),
        relative_entropy=relative_entropy_of(mixture, counts),
    )
    return result if to_frame is None else to_frame(_columns(result))


def _columns(result):
    """A row for each class."""
    columns = {"class": np.arange(len(result.assigned))}
    columns |= {name: result[name] for name in ("assigned", "expected")}
    for name in ("average_posterior", "assignment"):
        columns |= {f"{name}{k}": column for k, column in enumerate(result[name].T)}
    return columns


def relative_entropy_of(mixture, counts):
    """Of the rows that hold a toss, whose classes are taken as hidden."""
    tossed, n_components = counts.tossed, len(mixture.weights)
    if n_components == 1:
        return np.nan
    doubt = tossed.multiplicity @ entropy(mixture.posterior(tossed.heads, tossed.tails))
    return float(1 - doubt / (tossed.n_rows * np.log(n_components)))


def _shares(table):
    """Each row over its sum, NaN if that is zero."""
    of_rows = table.sum(axis=1, keepdims=True)
    return np.divide(table, of_rows, out=np.full(table.shape, np.nan), where=of_rows > 0)
