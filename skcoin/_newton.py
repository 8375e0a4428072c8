"""A Newton step that is uphill always, EM's own where it must be, and leaves saddles.

In the free parameters ``log w`` and ``logit theta`` let ``g`` be the gradient of the objective,
``D`` the information that complete data would hold and ``M`` the part of it that is missing
because the coins are hidden, so that the Hessian is ``-(D - M)`` [1]_. ``D^-1 g`` is the EM step
to first order. In coordinates that make ``D`` the identity the Hessian's negative is ``I - M``,
with eigenvalues ``1 - fraction missing``: 1 where EM is Newton, near 0 where EM crawls, negative
where the objective curves up. The step divides the gradient by their absolute values.

References
----------
.. [1] Louis, T. A. (1982). Finding the observed information matrix when using the EM algorithm.
   Journal of the Royal Statistical Society, Series B, 44(2), 226-233.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skcoin._likelihood import Coins, em_step, expect, maximize

EM_STEPS_FIRST = 1  # from afar EM is the better guide
MOST_REJECTED = 4  # Newton steps in a row, then an EM step
MOST_DAMPING = 10.0  # where a step is a tenth of EM's
FLOOR = 1e-5  # of the eigenvalues; where EM would need 100,000 steps counts as flat
LEAST = 1e-150  # information; with less, a parameter has no scale and stays where it is
LONGEST = 0.5  # step in log w or logit theta


@dataclass(frozen=True)
class Quadratic:
    """The objective around each start, to second order.

    Attributes
    ----------
    scale : ndarray of shape (n_starts, 2 n_coins)
        ``D^-1/2``, 0 for a parameter that cannot move.
    eigenvalues, slope : ndarray of shape (n_starts, 2 n_coins)
        Of ``I - M``, rising, and the gradient along the eigenvectors.
    eigenvectors : ndarray of shape (n_starts, 2 n_coins, 2 n_coins)
    gradient, curvature : ndarray of shape (n_starts, 2 n_coins)
        In log w and logit theta, the second one downwards.
    n_rows : ndarray of shape (n_starts,)
    """

    scale: np.ndarray
    eigenvalues: np.ndarray
    slope: np.ndarray
    eigenvectors: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray
    n_rows: np.ndarray

    @cached_property
    def steepness(self):
        """Absolute eigenvalues, none flatter than the floor."""
        return np.maximum(np.abs(self.eigenvalues), FLOOR)

    def remaining_gain(self):
        """Half the squared Newton decrement: what the objective would gain were it quadratic."""
        return 0.5 * (self.slope**2 / self.steepness).sum(axis=-1)

    def curves_up(self):
        """Whether the objective rises to both sides along some line.

        As far as one can tell from here: the eigenvalues are off by the distance from the
        summit, per row, of which the remaining gain is the square.
        """
        distance = np.sqrt(2 * self.remaining_gain() / self.n_rows)
        return self.eigenvalues[:, 0] < -FLOOR - 3 * distance

    def step(self, damping):
        """Newton's step by absolute eigenvalues, each raised by ``damping``; 1 is EM's scale."""
        along = self.slope / (self.steepness + damping[:, None])
        step = self.scale * (self.eigenvectors @ along[..., None])[..., 0]
        longest = np.abs(step).max(axis=-1, keepdims=True)
        return step * np.minimum(1, LONGEST / np.maximum(longest, LONGEST))

    def more_damping(self, damping):
        """Ten times the damping, and enough to shorten the longest part of the step."""
        least = 3 * self.steepness.min(axis=-1)
        return np.clip(10 * damping, least, MOST_DAMPING)

    def upward(self):
        """The line that curves up most, as a step whose longest part is one."""
        step = self.scale * self.eigenvectors[..., 0]
        return step / np.abs(step).max(axis=-1, keepdims=True)

    def runs_out(self, coins, expected):
        """Which parameters run to 0 or 1, shape (n_starts, 2 n_coins).

        One does so where less than one row or toss keeps it inside and Newton's step in the
        parameter itself, rather than its logit, leads past the boundary: at a distance ``x`` from
        0 with gradient ``g < 0`` and curvature ``c`` of the logit, where
        ``c + g (2 - 3 x) <= 0``; and the like at 1.
        """
        low = coins.theta <= 0.5
        support = np.concatenate(
            [expected.rows, np.where(low, expected.heads, expected.tails)], axis=-1
        )
        x = np.concatenate([coins.weights, np.where(low, coins.theta, 1 - coins.theta)], axis=-1)
        outwards = np.ones_like(x)
        outwards[..., coins.theta.shape[-1] :] = np.where(low, 1, -1)
        gradient = self.gradient * outwards
        over = (gradient < 0) & (self.curvature + gradient * (2 - 3 * x) <= 0)
        return over & (support < 1) & (x < 0.5 / coins.theta.shape[-1]) & (self.scale > 0)


def quadratic(expected, coins, evidence):
    """The objective to second order around ``coins``, from their E-step."""
    n_rows = expected.rows.sum(axis=-1, keepdims=True)
    rows = n_rows * coins.weights
    tails_due = (expected.heads + expected.tails) * (1 - coins.theta)
    slope_of_theta = expected.heads * (1 - coins.theta) - expected.tails * coins.theta
    gradient = np.concatenate([expected.rows - rows, slope_of_theta], axis=-1)
    information = np.concatenate(
        [rows * evidence.learn_weights, tails_due * coins.theta * evidence.learn_theta], axis=-1
    )
    with np.errstate(divide="ignore"):
        scale = np.where(information > LEAST, 1 / np.sqrt(information), 0.0)
    # The direction in which all log w rise together moves nothing: gradient 0, eigenvalue 1.
    missing = scale[..., None] * expected.missing_information * scale[..., None, :]
    eigenvalues, eigenvectors = np.linalg.eigh(np.eye(missing.shape[-1]) - missing)
    slope = ((gradient * scale)[..., None, :] @ eigenvectors)[..., 0, :]
    curvature = information - np.diagonal(expected.missing_information, axis1=-2, axis2=-1)
    return Quadratic(scale, eigenvalues, slope, eigenvectors, gradient, curvature, n_rows[:, 0])


class NewtonStep:
    """A Newton step where it is safe, else an EM step; for ``climb``.

    A step that does not climb is rejected and tried again with more damping. A start is done when
    the gain that the quadratic promises is below ``tol``; the step it judges is still taken.
    """

    def __init__(self, tol):
        self._tol = tol
        self._n_rejected = self._damping = 0

    def keep(self, mask):
        self._n_rejected, self._damping = self._n_rejected[mask], self._damping[mask]

    def __call__(self, i, coins, expected, evidence):
        if i < EM_STEPS_FIRST:
            self._n_rejected, self._damping = np.zeros((2, len(coins.theta)))
            moved, after = em_step(expected, coins, evidence, curvature=True)
            return moved, after, np.zeros(len(coins.theta), dtype=bool)
        model = quadratic(expected, coins, evidence)
        noise = np.finfo(float).eps * np.abs(expected.objective)
        flat = model.remaining_gain() <= np.maximum(self._tol, noise)
        given_up = self._n_rejected >= MOST_REJECTED
        # A weight of next to nothing can grow by more in an EM step than in many half logits.
        doubles = expected.rows > 2 * model.n_rows[:, None] * coins.weights
        by_em = given_up | (doubles.any(axis=-1) & evidence.learn_weights)
        moved = self._propose(model, coins, expected, evidence, by_em)
        after = expect(moved, evidence, curvature=True)
        climbs = after.objective >= expected.objective
        self._n_rejected = np.where(climbs, 0, self._n_rejected + 1)
        if climbs.all():
            self._damping = self._damping / 10
        else:
            more = model.more_damping(self._damping)
            self._damping = np.where(climbs, self._damping / 10, more)
            moved, after = moved.where(climbs, coins), after.where(climbs, expected)
        return moved, after, flat | (given_up & ~climbs)

    def _propose(self, model, coins, expected, evidence, by_em):
        moved = move(coins, model.step(self._damping))
        if min(expected.rows.min(), expected.heads.min(), expected.tails.min()) < 1:
            bold = (self._n_rejected == 0)[:, None]
            moved = to_boundary(moved, coins, model.runs_out(coins, expected) & bold)
        if by_em.any():
            moved = maximize(expected, coins, evidence).where(by_em, moved)
        return moved


def move(coins, step):
    """``coins`` after a step in log w and logit theta; what is 0 or 1 stays there."""
    n_coins = coins.theta.shape[-1]
    of_weights, of_theta = step[..., :n_coins], step[..., n_coins:]
    weights = coins.weights * np.exp(of_weights)
    heads = coins.theta * np.exp(of_theta)
    held = (of_weights == 0).all(axis=-1, keepdims=True)
    return Coins(
        np.where(of_theta == 0, coins.theta, heads / (heads + 1 - coins.theta)),
        np.where(held, coins.weights, weights / weights.sum(axis=-1, keepdims=True)),
    )


def to_boundary(moved, coins, running_out):
    """``moved``, but with what runs out put at the nearer of 0 and 1."""
    n_coins = coins.theta.shape[-1]
    weights = np.where(running_out[..., :n_coins], 0.0, moved.weights)
    return Coins(
        np.where(running_out[..., n_coins:], np.rint(coins.theta), moved.theta),
        np.where(
            running_out[..., :n_coins].any(axis=-1, keepdims=True),
            weights / weights.sum(axis=-1, keepdims=True),
            moved.weights,
        ),
    )
