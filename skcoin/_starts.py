"""Start values of coins, from the counts alone: row order and repetition cannot matter.

``quantile``, ``random`` and ``k_means_plus_plus`` each return thetas of shape (n_coins,), in
falling order. ``start_values`` parts those that tie: coins that start equal stay equal under EM.
"""

import numpy as np
from scipy.special import expit, logit, rel_entr
from sklearn.utils import check_random_state

from skcoin._counts import HIDDEN
from skcoin._em.parameters import Parameters, inside
from skcoin._families.division import MOST_ORDERED, divide, slices
from skcoin._families.rates import bins, by_falling_rate
from skcoin._families.reduced_npmle import grid_of_atoms, reduced, rough_npmle
from skcoin._families.spread import spread_rates

MOST_ORDERS = 64  # starts, of those in which given weights may come
N_DRAWN = 8, 128  # starts of sets of coins, of small tables more than of large ones
MOST_DRAWN_NUMBERS = 2**19
LEAST_SHARE = 1e-3  # of the rows, that a coin starts with


def start_values(tables, specification, init_params, n_init, random_state):
    """One start or several, for each table: what is given, the rates of known coins, or drawn.

    Parameters
    ----------
    tables : list of Counts
        Rows with at least one toss, hidden and known.
    specification : Specification
    init_params : str
        Of the estimator.
    n_init : int
        With "auto" and "quantile", deterministic starts come first, and ``n_init - 1`` are random.
    random_state : int, RandomState instance or None

    Returns
    -------
    starts : list of Parameters of shape (n_starts, n_components)
    """
    given = specification.init[:, 0]
    rates = [_known_rates(counts, len(given)) for counts in tables]
    thetas = [np.where(np.isnan(given), rate, given) for rate in rates]
    n_open = [int(np.isnan(theta).sum()) for theta in thetas]
    mixings = [None] * len(tables)
    if init_params == "auto" and max(n_open) > 1:
        mixings = _mixings(tables, n_open)
    starts = []
    for counts, theta, mixing in zip(tables, thetas, mixings, strict=True):
        rng = check_random_state(random_state)
        starts.append(_start(counts, theta, mixing, specification, init_params, n_init, rng))
    return starts


def starts_of_sets(tables, specification, init_params, n_init, random_state):
    """The same of components that are sets of coins: rates of rows far from each other.

    Returns
    -------
    starts : list of Parameters of shape (n_starts, n_components)
        Of the thetas of all coins.
    """
    starts, n_coins = [], tables[0].heads.shape[0]
    given = specification.init[:, :n_coins]
    n_components, is_random = len(given), init_params in ("random", "k-means++")
    for counts in tables:
        rng = check_random_state(random_state)
        rows = counts.heads, counts.tails, counts.multiplicity
        drawn, n_wanted = [] if is_random else [spread_rates(*rows, n_components)], n_init
        if init_params == "auto" and n_components > 1:
            same = np.random.RandomState(0)  # every time
            n_drawn = int(np.clip(MOST_DRAWN_NUMBERS // (given.size * len(rows[-1])), *N_DRAWN))
            drawn += [spread_rates(*rows, n_components, same) for _ in range(n_drawn // 2)]
            drawn += list(same.uniform(0.01, 0.99, (n_drawn - n_drawn // 2, *given.shape)))
            n_wanted += n_drawn
        while len(drawn) < n_wanted:
            far = init_params == "k-means++"
            of_rows = (
                spread_rates(*rows, n_components, rng) if far else rng.uniform(size=given.shape)
            )
            drawn.append(of_rows)
        known = _rates_of_known_sets(counts, n_components)
        theta = np.where(np.isnan(known), drawn, known)
        theta = np.where(np.isnan(given), inside(theta), given)
        weights = np.tile(specification.start_weights, (len(drawn), 1))
        starts.append(Parameters(weights, theta))
    return starts


def _rates_of_known_sets(counts, n_components):
    """The pooled rates of the rows that are known to be of each component, NaN for none."""
    is_own = counts.label == np.arange(n_components)[:, None]
    rows = is_own * counts.multiplicity
    heads, tosses = rows @ counts.heads.T, rows @ (counts.heads + counts.tails).T
    rates = (heads + 0.5) / (tosses + 1)
    return np.where(is_own.any(axis=1, keepdims=True), rates, np.nan)


def _start(counts, theta, mixing, specification, init_params, n_init, rng):
    open_, movable = np.isnan(theta), np.isnan(specification.init[:, 0])
    given_weights = specification.start_weights
    if not open_.any():
        return Parameters(given_weights[None], _spread(theta, movable)[None, :, None])
    draws = list(_draws(counts, theta, given_weights, mixing, init_params, n_init, rng))
    thetas, weights = (np.tile(x, (len(draws), 1)) for x in (theta, given_weights))
    for i, (drawn, drawn_weights) in enumerate(draws):
        thetas[i, open_] = drawn
        if specification.weights_init is None and specification.free_weights:
            weights[i] = drawn_weights
        thetas[i] = _spread(thetas[i], movable)
    return Parameters(weights, thetas[..., None])


def _draws(counts, theta, weights, mixing, init_params, n_init, rng):
    """Thetas of the open coins and weights of all, start by start."""
    open_ = np.isnan(theta)
    n_coins, given = open_.sum(), weights[open_]
    is_even = np.ptp(given) == 0
    if init_params == "auto" and is_even:
        yield _divided(counts, theta)
    elif init_params in ("auto", "quantile"):
        yield quantile(counts, given), weights
    n_init -= init_params in ("auto", "quantile")
    if init_params == "auto" and n_coins > 1 and not is_even:
        if n_coins <= MOST_ORDERED:
            rows = counts.heads, counts.tails, counts.multiplicity
            yield from ((drawn, weights) for drawn in slices(*rows, given, MOST_ORDERS))
        else:
            yield quantile(counts, given[::-1])[::-1], weights
    if mixing is not None and not is_even and n_coins <= MOST_ORDERED:
        theta = np.sin(mixing[0]) ** 2
        tosses = counts.multiplicity @ counts.tosses / counts.n_rows
        for drawn in slices(tosses * theta, tosses * (1 - theta), mixing[1], given, MOST_ORDERS):
            yield drawn, weights
    if mixing is not None and is_even:
        drawn, share = (x[0] for x in reduced(*(x[None] for x in mixing), n_coins))
        of_all = weights.copy()
        of_all[open_] = share * open_.mean()
        yield drawn, of_all
    draw = k_means_plus_plus if init_params == "k-means++" else random
    for _ in range(n_init):
        drawn = draw(counts, n_coins, rng)
        # The coin with most heads need not be the one whose weight comes first.
        yield drawn if is_even else rng.permutation(drawn), weights


def _divided(counts, theta):
    """The rates and the shares of the rows of the best division into coins."""
    open_, weights = np.isnan(theta), np.empty(len(theta))
    columns = counts.heads, counts.tails, counts.multiplicity
    drawn, weights[open_], weights[~open_] = divide(*columns, open_.sum(), theta[~open_])
    weights = np.maximum(weights, LEAST_SHARE)
    return drawn, weights / weights.sum()


def _mixings(tables, n_open):
    """The reduced mixing distribution of each table, or None where there is nothing to find."""
    found = [None] * len(tables)
    binned = [bins(counts.heads, counts.tails, counts.multiplicity) for counts in tables]
    for n_coins in set(n_open) - {0, 1}:
        places = [
            i
            for i, (n, heads, tails) in enumerate(binned)
            if n_open[i] == n_coins < len(n)
            and np.ptp(heads / np.maximum(heads + tails, np.finfo(float).tiny)) > 0
            and len(grid_of_atoms(n, heads, tails, n_coins)) >= n_coins  # fewer by rounding
        ]
        if places:
            x, weights = rough_npmle([binned[i] for i in places], n_coins)
            for i, mixing in zip(places, zip(x, weights, strict=True), strict=True):
                found[i] = mixing
    return found


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
    order = by_falling_rate(counts.heads, counts.tails)
    heads, tosses, n = counts.heads[order], counts.tosses[order], counts.multiplicity[order]
    upper = np.cumsum(n)
    weights = weights if np.any(weights) else np.ones(len(weights))  # all may be those of others
    edges = np.concatenate(([0], np.cumsum(weights) / np.sum(weights))) * upper[-1]
    lower = upper - n
    share = np.minimum(edges[1:, None], upper) - np.maximum(edges[:-1, None], lower)
    share = np.maximum(share, 0)
    return (share @ heads + 0.5) / (share @ tosses + 1)


def random(counts, n_coins, rng):  # noqa: ARG001
    """Thetas uniform on (0, 1)."""
    return np.sort(rng.uniform(size=n_coins))[::-1]


def k_means_plus_plus(counts, n_coins, rng):
    """Rates of rows drawn one after the other, far from those drawn before.

    The first row is drawn in proportion to its multiplicity, each further one in proportion to that
    times its deviance from the nearest theta so far, the divergence that belongs to tosses as
    the squared distance of k-means++ [1]_ does to points.

    References
    ----------
    .. [1] Arthur, D. and Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding.
       SODA, 1027-1035.
    """
    tosses = counts.tosses
    rate = (counts.heads + 0.5) / (tosses + 1)
    drawing, deviance, theta = counts.multiplicity, np.inf, []
    for _ in range(n_coins):
        cumulative = np.cumsum(drawing)
        # A draw from the cumulative sum: the same for a row of weight two as for a row twice.
        drawn = np.searchsorted(cumulative, rng.uniform() * cumulative[-1], side="right")
        theta.append(rate[min(drawn, len(rate) - 1)])
        divergence = rel_entr(rate, theta[-1]) + rel_entr(1 - rate, 1 - theta[-1])
        deviance = np.minimum(deviance, tosses * divergence)
        drawing = counts.multiplicity * deviance
        if not drawing.any():
            drawing = counts.multiplicity
    return np.sort(theta)[::-1]


def _known_rates(counts, n_components):
    known = counts.keep(counts.label != HIDDEN)
    if not len(known.label):
        return np.full(n_components, np.nan)

    def total(values):
        return np.bincount(known.label, known.multiplicity * values, minlength=n_components)

    heads, tosses = total(known.heads), total(known.tosses)
    rates = np.full(n_components, np.nan)
    return np.divide(heads + 0.5, tosses + 1, out=rates, where=tosses > 0)


def _spread(theta, movable):
    """Thetas inside (0, 1) of which no two are equal: where two tie, those that may move do.

    By 0.05 logits at most, and keeping their order. Those that are not the user's own may.
    """
    if not movable.any():
        return theta
    x = logit(np.where(movable, inside(theta), theta))
    order = np.argsort(-x, kind="stable")
    with np.errstate(invalid="ignore"):  # of several that are given as 0, or as 1
        ties = np.diff(x[order]) > -1e-3
    if ties.any():
        moving = order[movable[order]]
        x[moving] += np.linspace(0.05, -0.05, len(moving))
    return np.where(movable, inside(expit(x)), theta)
