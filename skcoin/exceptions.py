"""The warnings that are skcoin's own."""


class IdentifiabilityWarning(UserWarning):
    """The tosses cannot tell the coins apart: many mixtures have the same likelihood.

    A row of ``n`` tosses tells of the coins only through the first ``n`` moments
    ``sum_k weights[k] * theta[k] ** j``, ``j = 1, ..., n``. ``K`` free coins have ``2 K - 1``
    parameters, so some row needs at least ``2 K - 1`` tosses; with held weights, ``K`` [1]_.

    References
    ----------
    .. [1] Blischke, W. R. (1964). Estimating the parameters of mixtures of binomial
       distributions. Journal of the American Statistical Association, 59(306), 510-528.

    Examples
    --------
    >>> import warnings
    >>> from skcoin import BinomialMixture, IdentifiabilityWarning
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = BinomialMixture().fit([[1, 0], [1, 0], [0, 1]])
    >>> [w.category is IdentifiabilityWarning for w in caught]
    [True]
    """
