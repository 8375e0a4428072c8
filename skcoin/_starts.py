"""Start values, from the counts alone: row order and repetition cannot matter.

``quantile``, ``random`` and ``k_means_plus_plus`` each return thetas of shape (n_coins,), in
falling order. ``start_values`` parts those that tie: coins that start equal stay equal under EM.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.special import expit, logit, rel_entr
from sklearn.utils import check_random_state

from skcoin._counts import HIDDEN
from skcoin._likelihood import Coins, padded

INSIDE = 1e-6  # where a start goes on from a theta or weight of 0 or 1


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
    def can_regroup(self):
        """Whether any coin can be put anywhere, and there are some to choose from."""
        return self.learn_weights and self.learn_theta.all() and len(self.theta) > 2

    @property
    def n_parameters(self):
        return int(self.learn_theta.sum()) + self.learn_weights * (len(self.theta) - 1)


def from_the_inside(coins, given):
    """The coins of an earlier fit as a start for other rows.

    What is held is as given. A learned value of exactly 0 or 1 could never leave it, whatever the
    new rows show, and is moved inside.
    """
    inside = np.clip(coins.theta, INSIDE, 1 - INSIDE)
    theta, weights = np.where(given.learn_theta, inside, given.theta), given.start_weights
    if given.learn_weights:
        weights = np.maximum(coins.weights, INSIDE)
        weights = weights / weights.sum()
    return Coins(theta, weights)


def start_values(tables, given, init_params, n_init, random_state):
    """One start or several, for each table: what is given, the rates of known coins, or drawn.

    Parameters
    ----------
    tables : list of Counts
        Rows with at least one toss, hidden and known.
    given : Given
    init_params : str
        Of the estimator.
    n_init : int
        With "auto" and "quantile", deterministic starts come first, and ``n_init - 1`` are random.
    random_state : int, RandomState instance or None

    Returns
    -------
    starts : list of Coins of shape (n_starts, n_components)
    """
    rates = [_known_rates(counts, len(given.theta)) for counts in tables]
    thetas = [np.where(np.isnan(given.theta), rate, given.theta) for rate in rates]
    n_open = [int(np.isnan(theta).sum()) for theta in thetas]
    mixings = [None] * len(tables)
    if init_params == "auto" and max(n_open) > 1:
        mixings = _mixings(tables, n_open)
    return [
        _start(counts, theta, mixing, given, init_params, n_init, check_random_state(random_state))
        for counts, theta, mixing in zip(tables, thetas, mixings, strict=True)
    ]


def _start(counts, theta, mixing, given, init_params, n_init, rng):
    open_, movable = np.isnan(theta), np.isnan(given.theta)
    if not open_.any():
        return Coins(_spread(theta, movable)[None], given.start_weights[None])
    draws = list(_draws(counts, given.start_weights[open_], mixing, init_params, n_init, rng))
    start = Coins(*(np.tile(x, (len(draws), 1)) for x in (theta, given.start_weights)))
    for i, (drawn, weights) in enumerate(draws):
        start.theta[i, open_] = drawn
        if given.weights is None and given.learn_weights:
            start.weights[i, open_] = weights * open_.mean()
        start.theta[i] = _spread(start.theta[i], movable)
    return start


def _draws(counts, weights, mixing, init_params, n_init, rng):
    """Thetas and weights of the open coins, start by start."""
    n_coins = len(weights)
    uniform = np.full(n_coins, 1 / n_coins)
    if init_params in ("auto", "quantile"):
        yield quantile(counts, weights), uniform
        n_init -= 1
    if init_params == "auto" and n_coins > 1 and np.ptp(weights) > 0:
        yield from ((theta, uniform) for theta in _quantile_in_other_orders(counts, weights))
    if mixing is not None:
        yield mixing
    for _ in range(n_init):
        draw = k_means_plus_plus if init_params == "k-means++" else random
        yield draw(counts, n_coins, rng), uniform


def _mixings(tables, n_open):
    """What ``merged_mixing`` finds for each table, or None where there is nothing to find."""
    found = [None] * len(tables)
    binned = [bins(counts) for counts in tables]
    for n_coins in set(n_open) - {0, 1}:
        places = [
            i
            for i, (rows, heads, tails) in enumerate(binned)
            if n_open[i] == n_coins < len(rows) and np.ptp(heads / (heads + tails)) > 0
        ]
        if places:
            theta, weights = merged_mixing([binned[i] for i in places], n_coins)
            for i, mixing in zip(places, zip(theta, weights, strict=True), strict=True):
                found[i] = mixing
    return found


def _quantile_in_other_orders(counts, weights):
    """The coin with most heads need not be the one whose weight comes first."""
    n_coins = len(weights)
    orders = permutations(range(n_coins)) if n_coins <= 4 else [range(n_coins)[::-1]]
    for order in map(list, orders):
        theta = np.empty(n_coins)
        theta[order] = quantile(counts, weights[order])
        yield theta


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
    order = _by_falling_rate(counts)
    heads, tosses, rows = counts.heads[order], counts.tosses[order], counts.rows[order]
    upper = np.cumsum(rows)
    edges = np.concatenate(([0], np.cumsum(weights) / np.sum(weights))) * upper[-1]
    lower = upper - rows
    share = np.minimum(edges[1:, None], upper) - np.maximum(edges[:-1, None], lower)
    share = np.maximum(share, 0)
    return (share @ heads + 0.5) / (share @ tosses + 1)


def merged_mixing(binned, n_coins, n_steps=30):
    """The nonparametric mixing distribution, roughly, with its atoms merged into few coins.

    EM finds weights for a grid of thetas. The atoms are then divided into ``n_coins`` groups of
    neighbours, such that the variance within the groups is least: that of ``arcsin sqrt theta``,
    in which tosses have the same variance everywhere.

    Parameters
    ----------
    binned : list of ndarray of shape (3, n_bins)
        From ``bins``, for each table; more bins than coins, and of more than one rate.
    n_coins : int
    n_steps : int

    Returns
    -------
    theta, weights : ndarray of shape (n_tables, n_coins)
    """
    atoms = [_atoms(rows, heads, tails, n_coins) for rows, heads, tails in binned]
    x = padded(atoms, fill=np.nan)
    is_atom = np.isfinite(x)
    x = np.where(is_atom, x, [[of_table[-1]] for of_table in atoms])  # one more there, but empty
    rows, heads, tails = (padded(column, fill=1.0) for column in zip(*binned, strict=True))
    share = padded([of_table[0] / of_table[0].sum() for of_table in binned])
    log_f = (heads / rows)[:, :, None] * np.log(np.sin(x))[:, None]
    log_f += (tails / rows)[:, :, None] * np.log(np.cos(x))[:, None]
    f = np.exp(2 * (log_f - log_f.max(axis=2, keepdims=True)))
    weights = is_atom / is_atom.sum(axis=1, keepdims=True)
    for _ in range(n_steps):
        fitted = (f @ weights[..., None])[..., 0]
        weights = weights * ((share / fitted)[:, None] @ f)[:, 0]
    weights = np.maximum(weights, 1e-12)  # what has underflowed must still belong somewhere
    first = _partition(x, weights, n_coins)
    totals = _before(np.stack([weights, weights * x]))
    weights, moment = np.diff(np.take_along_axis(totals, first[None], axis=-1))
    return np.sin(moment / weights) ** 2, weights / weights.sum(axis=1, keepdims=True)


def _atoms(rows, heads, tails, n_coins):
    """A grid in ``arcsin sqrt theta``, falling: even, and at some rates."""
    x = np.arcsin(np.sqrt((heads + 0.25 * rows) / (heads + tails + 0.5 * rows)))
    even = np.linspace(x.min(), x.max(), max(16, 2 * n_coins))
    return np.union1d(even, x[:: len(x) // 16 + 1])[::-1]


def _partition(x, weights, n_groups):
    """Edges of consecutive groups of least variance within, by dynamic programming.

    Shape (n_tables, n_groups + 1); the first is 0, the last the number of places.
    """
    n_places = x.shape[1]
    before = _before(np.stack([weights, weights * x, weights * x**2]))
    sums = before[:, :, None, 1:] - before[:, :, :-1, None]  # from one place to another
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = sums[2] - sums[1] ** 2 / sums[0]
    loss[:, *np.tril_indices(n_places, -1)] = np.inf
    best, starts = loss[:, 0], []
    for _ in range(n_groups - 1):
        both = best[:, :-1, None] + loss[:, 1:]  # the last group starts one after the others end
        starts.append(both.argmin(axis=1) + 1)
        best = both.min(axis=1)
    edges = [np.full((len(x), 1), n_places)]
    for start in reversed(starts):
        edges.append(np.take_along_axis(start, edges[-1] - 1, axis=1))
    edges.append(np.zeros((len(x), 1), dtype=int))
    return np.concatenate(edges[::-1], axis=1)


def _before(values):
    """Sums of all values before each place, along the last axis, and of all."""
    return np.pad(np.cumsum(values, axis=-1), [(0, 0)] * (values.ndim - 1) + [(1, 0)])


def random(counts, n_coins, rng):  # noqa: ARG001
    """Thetas uniform on (0, 1)."""
    return np.sort(rng.uniform(size=n_coins))[::-1]


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
    return np.sort(theta)[::-1]


def bins(counts, n_bins=64):
    """Rows, heads and tails of at most ``n_bins`` groups of rows of falling rate.

    Half of the cuts are even in rows and half in ``arcsin sqrt rate``, so that neither a crowd of
    like rates nor a few rows far off are lumped together.

    Parameters
    ----------
    counts : Counts or Evidence
        Rows with at least one toss.

    Returns
    -------
    bins : ndarray of shape (3, n_bins or fewer)
    """
    order = _by_falling_rate(counts)
    rows, heads, tails = counts.rows[order], counts.heads[order], counts.tails[order]
    columns = np.stack([rows, rows * heads, rows * tails])
    if len(order) <= n_bins:
        return columns
    place = (np.cumsum(rows) - rows / 2) / rows.sum()
    x = np.arccos(np.sqrt(heads / (heads + tails)))
    place += (x - x[0]) / (x[-1] - x[0]) if x[-1] > x[0] else 0
    number = (place * n_bins / 2).astype(int)
    return np.add.reduceat(columns, np.flatnonzero(np.diff(number, prepend=-1)), axis=1)


def _by_falling_rate(counts):
    tosses = counts.heads + counts.tails
    return np.lexsort((tosses, -counts.heads / tosses))


def _known_rates(counts, n_components):
    known = counts.where(counts.coin != HIDDEN)
    if not len(known.rows):
        return np.full(n_components, np.nan)
    heads = np.bincount(known.coin, known.rows * known.heads, minlength=n_components)
    tosses = np.bincount(known.coin, known.rows * known.tosses, minlength=n_components)
    rates = np.full(n_components, np.nan)
    return np.divide(heads + 0.5, tosses + 1, out=rates, where=tosses > 0)


def _spread(theta, movable):
    """Thetas of which no two are equal: where two tie, those that may move do.

    By 0.05 logits at most, and keeping their order. Those that are not the user's own may.
    """
    if not movable.any():
        return theta
    x = logit(theta)
    order = np.argsort(-x, kind="stable")
    if np.any(np.diff(x[order]) > -1e-3):
        moving = order[movable[order]]
        x[moving] += np.linspace(0.05, -0.05, len(moving))
    return np.where(movable, expit(x), theta)
