"""Tosses of known coins, in any layout."""

import numpy as np

MOST_DRAWN = 2**53  # tosses in a row; beyond, not every count has a float


def toss(theta, tosses, layout, cells, rng):
    """Toss a coin in each row.

    Parameters
    ----------
    theta : ndarray of shape (n_rows,)
        Probability of heads of the coin of each row.
    tosses : ndarray of shape (n_rows,), int
    layout : one of LAYOUTS
    cells : (int, int)
        Rows and columns of X.
    rng : RandomState

    Returns
    -------
    X : ndarray of shape (n_rows, n_columns)
        Cells that are left over hold 0, or NaN where a cell is a toss.
    """
    if layout == "tosses":
        X = (rng.uniform(size=cells) < theta[:, None]).astype(float)
        X[np.arange(cells[1]) >= tosses[:, None]] = np.nan
        return X
    X = np.zeros(cells, dtype=np.int64)
    X[:, 0] = rng.binomial(tosses, theta)
    X[:, 1] = tosses if layout == "heads_tosses" else tosses - X[:, 0]
    return X
