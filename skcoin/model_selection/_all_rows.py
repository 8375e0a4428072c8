"""A splitter that holds nothing out."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from skcoin._validation import Labels


class AllRows:
    """One fold, of all rows: for the ``cv`` of a search by a criterion of the fit.

    See Also
    --------
    bic_scorer : A criterion for it, and an example.

    Examples
    --------
    >>> from skcoin.model_selection import AllRows
    >>> [(fitted, judged)] = AllRows().split([[5, 5], [9, 1], [8, 2]])
    >>> fitted, judged
    (array([0, 1, 2]), array([0, 1, 2]))
    """

    def split(
        self, X: Any, y: object = None, groups: object = None
    ) -> Iterator[tuple[Labels, Labels]]:
        """Give all rows, to be fitted, and again, to be judged.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Of which only the length is read.
        y, groups : object
            Ignored; there for scikit-learn's conventions.

        Yields
        ------
        fitted, judged : ndarray of shape (n_samples,), int
            The places of all rows.

        Examples
        --------
        >>> from skcoin.model_selection import AllRows
        >>> list(AllRows().split([[5, 5], [9, 1]]))
        [(array([0, 1]), array([0, 1]))]
        """
        rows = np.arange(len(X), dtype=np.intp)
        yield rows, rows

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """How many folds there are.

        Parameters
        ----------
        X, y, groups : object
            Ignored; there for scikit-learn's conventions.

        Returns
        -------
        n_splits : int
            One.

        Examples
        --------
        >>> from skcoin.model_selection import AllRows
        >>> AllRows().get_n_splits()
        1
        """
        return 1

    def __repr__(self) -> str:
        return "AllRows()"
