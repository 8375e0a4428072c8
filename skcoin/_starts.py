"""Start values, from the counts alone: row order and repetition cannot matter.

``quantile``, ``random`` and ``k_means_plus_plus`` each return thetas of shape (n_coins,), in
falling order and no two equal: coins that start equal stay equal under EM.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, rel_entr

from skcoin._counts import HIDDEN
from skcoin._likelihood import Coins


@dataclass(frozen=True)
class Given:
    """What the user says of the coins before the data are seen.

    Attributes
    ----------
    theta : ndarray of shape (n_components,)
        Start values, NaN where none is given.
    weights : ndarray of shape (n_components,) or None
    learn_theta : ndarray of shape (n_components,), bool
    learn_weights : bool
    names : str
        The start parameters as a message shall name them.
    """

    theta: np.ndarray
    weights: np.ndarray | None
    learn_theta: np.ndarray
    learn_weights: bool
    names: str

    @property
    def start_weights(self):
        n_components = len(self.theta)
        return np.full(n_components, 1 / n_components) if self.weights is None else self.weights

    @property
    def orders_coins(self):
        return self.weights is not None or not np.isnan(self.theta).all()

    @property
    def n_parameters(self):
        return int(self.learn_theta.sum()) + self.learn_weights * (len(self.theta) - 1)


def start_values(counts, given, init_params, n_init, rng):
    """One start or several: what is given, then the rates of known coins, then what is drawn.

    Parameters
    ----------
    counts : Counts
        Rows with at least one toss, hidden and known.
    given : Given
    init_params : str
        Of the estimator. "quantile" is deterministic; further starts are random.
    n_init : int
    rng : RandomState

    Returns
    -------
    start : Coins of shape (n_starts, n_components)
    """
    theta = np.where(np.isnan(given.theta), _known_rates(counts, len(given.theta)), given.theta)
    open_ = np.isnan(theta)
    starts = []
    for i in range(n_init if open_.any() else 1):
        start = theta.copy()
        start[open_] = _draw(init_params, i, counts, given.start_weights[open_], rng)
        starts.append(start)
    return Coins(np.array(starts), np.tile(given.start_weights, (len(starts), 1)))


def quantile(counts, weights):
    """Pooled rates of consecutive groups of rows, sorted by their rate.

    Group ``k`` holds the share ``weights[k]`` of all rows; a distinct pair that straddles two
    groups is divided between them. Half a head and half a tail are added to each group.

    Parameters
    ----------
    counts : Counts
        Rows with at least one toss.
    weights : ndarray of shape (n_coins,)
    """
    order = np.lexsort((counts.tosses, -counts.heads / counts.tosses))
    heads, tosses, rows = counts.heads[order], counts.tosses[order], counts.rows[order]
    upper = np.cumsum(rows)
    edges = np.concatenate(([0], np.cumsum(weights) / np.sum(weights))) * upper[-1]
    lower = upper - rows
    share = np.minimum(edges[1:, None], upper) - np.maximum(edges[:-1, None], lower)
    share = np.maximum(share, 0)
    return _spread((share @ heads + 0.5) / (share @ tosses + 1))


def random(n_coins, rng):
    """Thetas uniform on (0, 1)."""
    return _spread(np.sort(rng.uniform(size=n_coins))[::-1])


def k_means_plus_plus(counts, n_coins, rng):
    """Rates of rows drawn one after the other, far from those drawn before.

    The first row is drawn in proportion to ``rows``, each further one in proportion to ``rows``
    times its deviance from the nearest theta so far, the divergence that belongs to tosses as
    the squared distance of k-means++ [1]_ does to points.

    References
    ----------
    .. [1] Arthur, D. and Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding.
       SODA, 1027-1035.
    """
    tosses = counts.tosses
    rate = (counts.heads + 0.5) / (tosses + 1)
    drawing, deviance, theta = counts.rows, np.inf, []
    for _ in range(n_coins):
        cumulative = np.cumsum(drawing)
        # A draw from the cumulative sum: the same for a row of weight two as for a row twice.
        drawn = np.searchsorted(cumulative, rng.uniform() * cumulative[-1], side="right")
        theta.append(rate[min(drawn, len(rate) - 1)])
        divergence = rel_entr(rate, theta[-1]) + rel_entr(1 - rate, 1 - theta[-1])
        deviance = np.minimum(deviance, tosses * divergence)
        drawing = counts.rows * deviance
        if not drawing.any():
            drawing = counts.rows
    return _spread(np.sort(theta)[::-1])


def _draw(init_params, i, counts, weights, rng):
    if init_params == "k-means++":
        return k_means_plus_plus(counts, len(weights), rng)
    if init_params == "random" or i > 0:
        return random(len(weights), rng)
    return quantile(counts, weights)


def _known_rates(counts, n_components):
    known = counts.where(counts.coin != HIDDEN)
    heads = np.bincount(known.coin, known.rows * known.heads, minlength=n_components)
    tosses = np.bincount(known.coin, known.rows * known.tosses, minlength=n_components)
    rates = np.full(n_components, np.nan)
    return np.divide(heads + 0.5, tosses + 1, out=rates, where=tosses > 0)


def _spread(theta):
    """Falling thetas made strictly falling: where two tie, all move by 0.05 logits at most."""
    x = logit(theta)
    if np.any(np.diff(x) > -1e-3):
        x = x + np.linspace(0.05, -0.05, len(x))
    return expit(x)
