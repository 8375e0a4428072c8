"""Are there more coins? The likelihood ratio test, by simulation under the null model."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.utils import Bunch

from skcoin._gradient import best_place
from skcoin._likelihood import Coins, concatenate
from skcoin._starts import from_the_inside
from skcoin.inspection._fitted import check_model, look_at
from skcoin.inspection._repeat import repeat
from skcoin.inspection._resampling import Simulation
from skcoin.inspection._standard_errors import MOST_GAIN, gain_of

SAME_WEIGHT = 1e-8
SHARES = (0.3, 0.1, 0.03, 0.01, 0.0001)  # of the weight, that a further coin starts with


def likelihood_ratio_test(
    null,
    alternative,
    X,
    sample_weight=None,
    *,
    n_boot=199,
    random_state=None,
    n_jobs=None,
    verbose=0,
    callbacks=(),
):
    """Test a model against one with more coins, or with less held.

    The statistic is ``2 (log L(alternative) - log L(null))``. What it would be if the null model
    were true is found by simulation [1]_: rows are drawn from the null model, with the numbers of
    tosses of X, and both models are fitted to them, ``n_boot`` times. If ``b`` of the ``B``
    statistics are at least that of X, the p-value is ``(b + 1) / (B + 1)``, which under the null
    model is below ``alpha`` with a probability of at most ``alpha`` [2]_.

    Parameters
    ----------
    null : BinomialMixture or ThreeCoinModel
        Fitted to X.
    alternative : BinomialMixture or ThreeCoinModel
        Fitted to X; of its coins, ``null`` must be a special case.
    X : array-like of shape (n_samples, n_features)
        The rows of both fits.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of both fits. They must be whole: so many rows are simulated.
    n_boot : int, default=199
        Number of simulations ``B``, at least 1. The smallest p-value is ``1 / (B + 1)``.
    random_state : int, RandomState instance or None, default=None
        The result does not depend on ``n_jobs``.
    n_jobs : int, default=None
        Workers, as joblib counts them.
    verbose : int, default=0
        Of joblib; 0 is silent.
    callbacks : sequence, default=()
        Callbacks of scikit-learn 1.9 or newer, such as ``sklearn.callback.ProgressBar()``.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``statistic`` : float
            Twice the gain in log-likelihood.
        ``p_value`` : float
            In (0, 1].
        ``null_distribution`` : ndarray of shape (n_boot,)
            The statistics of the simulations.

    Raises
    ------
    NotFittedError
        If a model is not fitted.
    TypeError
        If one is no model of hidden coins.
    ValueError
        If ``null`` is no special case of ``alternative``, or stands higher than it; if either is
        not at a maximum for these rows; if ``n_boot`` is less than 1, or weights or tosses are not
        whole.
    ImportError
        If there are ``callbacks`` and the installed scikit-learn has none.

    See Also
    --------
    compare_n_components : A table of criteria for each number of coins.

    Notes
    -----
    The chi-square distribution, with as many degrees of freedom as there are parameters more, is
    wrong here. Under the null model the further coin has weight 0, on the boundary of what a
    weight can be, and its theta could then be anything: neither the expansion around an inner
    point nor the regular information that the theorem of Wilks asks for exists [3]_. Its p-values
    can be wrong in either direction.

    Each simulation is fitted with the start values of the two models; the null also from the
    coins that it was drawn from, the alternative also from the null's with further coins placed
    where they help most. Fits end within ``tol`` of a maximum, so that statistics closer than
    that count as equal, which is in favour of the null.

    References
    ----------
    .. [1] McLachlan, G. J. (1987). On bootstrapping the likelihood ratio test statistic for the
       number of components in a normal mixture. Applied Statistics, 36(3), 318-324.
    .. [2] Davison, A. C. and Hinkley, D. V. (1997). Bootstrap methods and their application,
       chapter 4. Cambridge University Press.
    .. [3] Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood
       estimators and likelihood ratio tests under nonstandard conditions. Journal of the American
       Statistical Association, 82(398), 605-610.

    Examples
    --------
    Do the rats of all 71 groups have one rate of tumours?

    >>> from skcoin import BinomialMixture
    >>> from skcoin.datasets import load_rat_tumours
    >>> from skcoin.inspection import likelihood_ratio_test
    >>> X = load_rat_tumours().data
    >>> one, two = BinomialMixture(1).fit(X), BinomialMixture(2).fit(X)
    >>> test = likelihood_ratio_test(one, two, X, n_boot=99, random_state=0)
    >>> round(test.statistic, 1), test.p_value
    (34.0, 0.01)
    """
    for model, name in ((null, "null"), (alternative, "alternative")):
        check_model(model, name)
    small, large = (look_at(model, X, sample_weight) for model in (null, alternative))
    roles = _roles_if_nested(null, alternative, small, large)
    statistic = _statistic(null, small.coins, alternative, large.coins, small.counts)
    resolution = _resolution(null, alternative, small)
    _refuse_if_lower(statistic, resolution, null, alternative)
    for fitted, name in ((small, "null"), (large, "alternative")):
        _refuse_if_below(gain_of(fitted), name)
    simulated = repeat(
        _Statistic(Simulation(small.counts, small.coins), null, alternative, roles),
        n_boot,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
        callbacks=callbacks,
    )
    distribution = np.array(simulated)
    n_higher = np.sum(distribution >= statistic - resolution)
    return Bunch(
        statistic=statistic,
        p_value=float((n_higher + 1) / (n_boot + 1)),
        null_distribution=distribution,
    )


@dataclass(frozen=True)
class _Statistic:
    """The statistic of rows that are drawn from the null model."""

    rows: Simulation
    null: object
    alternative: object
    roles: np.ndarray

    def __call__(self, rngs):
        tables = [self.rows.draw(rng) for rng in rngs]
        given = self.null._given(), self.alternative._given()
        truth = from_the_inside(self.rows.coins, given[0])[None]
        low = _highest(self.null, given[0], tables, [truth] * len(tables), rngs[0])
        at_null = [
            _as_alternative(coins, self.roles, given[1], counts)[None]
            for coins, counts in zip(low, tables, strict=True)
        ]
        high = _highest(self.alternative, given[1], tables, at_null, rngs[0])
        return [
            _statistic(self.null, below, self.alternative, above, counts)
            for below, above, counts in zip(low, high, tables, strict=True)
        ]


def _statistic(null, low, alternative, high, counts):
    gain = alternative._total_log_likelihood(counts, high) - null._total_log_likelihood(counts, low)
    return float(2 * gain)


def _highest(model, given, tables, further_starts, rng):
    """The coins of a fit of each table, from the model's own starts and a further one."""
    seed = int(rng.integers(2**31))  # the model's own generator would not give the same again
    own = model._starts(tables, given, seed)
    starts = [concatenate(pair) for pair in zip(own, further_starts, strict=True)]
    evidence = [model._evidence(counts, given) for counts in tables]
    return [fit.last[0] for fit in model._ascend(starts, evidence, given, unlabelled=True)]


def _as_alternative(coins, roles, given, counts):
    """The null's coins as coins of the alternative; what plays no role goes where it helps."""
    plays = roles >= 0
    theta = np.where(given.learn_theta & plays, coins.theta[roles], given.theta)
    weights = given.start_weights
    if given.learn_weights:
        weights = np.where(plays, coins.weights[roles], 0.0)
        for k in np.flatnonzero(~plays):
            so_far = Coins(theta[weights > 0], weights[weights > 0])
            place, share = best_place(so_far, counts.heads, counts.tails, counts.rows, SHARES)
            theta[k] = place if given.learn_theta[k] else given.theta[k]
            weights = weights * (1 - share)
            weights[k] = share
    return Coins(theta, weights)


def _resolution(null, alternative, small):
    """Statistics that are closer than this may be equal, by tolerance or rounding."""
    rounding = 1e-13 * abs(null._total_log_likelihood(small.counts))
    return 2 * (null.tol + alternative.tol) + rounding


def _refuse_if_lower(statistic, resolution, null, alternative):
    flat = all(
        np.all(np.equal(model.theta_prior, 1)) and model.weights_prior == 1
        for model in (null, alternative)
    )
    if flat and statistic < -resolution:
        raise ValueError(
            f"alternative has a log-likelihood that is lower than that of null by "
            f"{-statistic / 2:.6g}, though null is a special case of it, so that it is not at its "
            "maximum. Fit it on these rows, from more starts (n_init) or others."
        )


def _refuse_if_below(gain, name):
    if gain > MOST_GAIN:
        raise ValueError(
            f"{name} is not at a maximum for these rows, which a step could raise by {gain:.3g} in "
            "log-likelihood. Fit it on these rows and weights, with a tol that is small."
        )


def _roles_if_nested(null, alternative, small, large):
    """For each coin of the alternative the coin of the null that it can play, -1 for none."""
    if null.layout != alternative.layout:
        raise ValueError(
            f"null has layout={null.layout!r} and alternative layout={alternative.layout!r}, but "
            "both read the same X."
        )
    n_small, n_large = small.given.n_parameters, large.given.n_parameters
    if n_small >= n_large:
        raise ValueError(
            f"null has {n_small} free parameters and alternative {n_large}, but null must be the "
            "smaller model. Fit alternative with more coins, or swap the two."
        )
    roles = _roles(small, large)
    if roles is None:
        raise ValueError(
            "null is not nested in alternative: what alternative holds cannot make every mixture "
            f"that null can be. null: {_described(small)}; alternative: {_described(large)}. Hold "
            "less in alternative, or the same in null."
        )
    return roles


def _roles(small, large):
    """Roles such that all coins of the null are played, or None where there are none."""
    can_play = large.given.learn_theta[:, None] | (
        ~small.given.learn_theta & (large.coins.theta[:, None] == small.coins.theta)
    )
    n_large, n_small = can_play.shape
    if large.given.learn_weights:  # one for each; the others may have the weight 0
        player, role = linear_sum_assignment(~can_play)
        roles = np.full(n_large, -1)
        roles[player] = role
        return roles if n_large >= n_small and can_play[player, role].all() else None
    if small.given.learn_weights and n_small > 1:
        return None
    left = tuple(small.coins.weights.tolist())
    return _shared_out(can_play, large.coins.weights.tolist(), left)


def _shared_out(can_play, weights, left):
    """Roles by which weights add up to what is left of each role, or None."""

    @cache
    def share(k, left):
        if k == len(weights):
            return () if max(left) < SAME_WEIGHT else None
        for role in np.flatnonzero(can_play[k]).tolist():
            rest = round(left[role] - weights[k], 9)
            if rest >= -SAME_WEIGHT:
                others = share(k + 1, (*left[:role], rest, *left[role + 1 :]))
                if others is not None:
                    return (role, *others)
        return None

    roles = share(0, left)
    return None if roles is None else np.array(roles)


def _described(fitted):
    learns_theta, learns_weights = fitted.given.learn_theta, fitted.given.learn_weights
    held = [f"theta[{k}]={fitted.coins.theta[k]:.6g}" for k in np.flatnonzero(~learns_theta)]
    if not learns_weights:
        held.append(f"weights={fitted.coins.weights.round(6).tolist()}")
    return f"{len(learns_theta)} coins, " + ("held " + ", ".join(held) if held else "all learned")
