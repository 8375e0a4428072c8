"""Which model is a special case of which, so that a likelihood ratio can test it."""

import numpy as np
import pytest
from _models import compare, fit_to_the_end
from _replicates import tosses_of

from skcoin import BinomialMixture, ThreeCoinModel
from skcoin.inspection import likelihood_ratio_test
from skcoin.inspection._nesting import _shared_out_in_turn

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore::skcoin.IdentifiabilityWarning"),
]
RESOLUTION = 4e-6 + 1e-9  # of statistics: twice what both fits may leave, tol = 1e-6 each


ONE_COIN = tosses_of([0.4], 40, 6, seed=4)
TWO_COINS = tosses_of([0.3, 0.7], 60, 8, seed=0)
FAIR = {"theta_init": [0.5], "learn_theta": False}


def equal(n_coins, **parameters):
    return BinomialMixture(n_coins, learn_weights=False, **parameters)


def weighted(*weights):
    return equal(len(weights), weights_init=weights)


def with_held(*theta):
    """A mixture of these coins, None for one that is learned."""
    learn = [value is None for value in theta]
    start = np.linspace(0.8, 0.3, len(theta))
    return BinomialMixture(
        len(theta),
        theta_init=[s if value is None else value for s, value in zip(start, theta, strict=True)],
        learn_theta=learn,
    )


NESTED = [
    (BinomialMixture(1), BinomialMixture(2)),
    (BinomialMixture(1), BinomialMixture(4)),
    (BinomialMixture(1), ThreeCoinModel()),
    (BinomialMixture(1), equal(2)),
    (BinomialMixture(1), weighted(0.1, 0.9)),
    (BinomialMixture(1, learn_weights=False), BinomialMixture(2)),
    (BinomialMixture(1, **FAIR), BinomialMixture(1)),
    (BinomialMixture(1, **FAIR), BinomialMixture(2)),
    (with_held(0.5), with_held(0.5, None)),
    (with_held(0.5), with_held(None, 0.5)),
    (with_held(0.5), with_held(0.5, 0.2)),
    (with_held(0.5, None), BinomialMixture(2)),
    (with_held(0.5, None), with_held(None, 0.5, None)),
    (with_held(0.5, 0.2), with_held(0.2, None)),
    (with_held(0.5, 0.2), with_held(None, 0.5, 0.2)),
    (BinomialMixture(1), with_held(0.4, None)),
    (with_held(0.5, 0.2), with_held(0.5, 0.3, None)),
    (BinomialMixture(2), with_held(0.5, None, None)),
    (BinomialMixture(2), BinomialMixture(3)),
    (ThreeCoinModel(), BinomialMixture(3)),
    (equal(2), BinomialMixture(2)),
    (equal(2), ThreeCoinModel()),
    (equal(2), equal(4)),
    (equal(2), weighted(0.25, 0.25, 0.5)),
    (weighted(0.5, 0.5), weighted(0.5, 0.2, 0.3)),
    (weighted(0.9, 0.1), weighted(0.3, 0.1, 0.6)),
    (equal(2, theta_init=[0.5, 0.2], learn_theta=[False, True]), equal(2)),
    (
        equal(2, theta_init=[0.5, 0.2], learn_theta=[False, True]),
        equal(4, theta_init=[0.5, 0.2, 0.3, 0.4], learn_theta=[False, True, True, True]),
    ),
]
NOT_NESTED = [
    (BinomialMixture(2), equal(4)),  # weights of 0.3 and 0.7 are no sums of quarters
    (equal(2), equal(3)),
    (weighted(0.9, 0.1), equal(4)),
    (weighted(0.4, 0.6), weighted(0.25, 0.25, 0.5)),
    (with_held(0.5), with_held(0.4, 0.2)),
    (with_held(0.5), with_held(0.4, 0.2, 0.1)),
    (with_held(0.5, 0.2, 0.7), with_held(0.4, 0.3, None, None)),
    (BinomialMixture(1), equal(3, theta_init=[0.5, 0.2, 0.3], learn_theta=[False, True, True])),
    (
        equal(2, theta_init=[0.5, 0.2], learn_theta=[True, False]),
        weighted(0.3, 0.7).set_params(theta_init=[0.5, 0.2], learn_theta=[True, True]),
    ),
]


class TestNesting:
    @pytest.mark.parametrize(("null", "alternative"), NESTED, ids=range(len(NESTED)))
    def test_what_is_a_special_case_is_tested(self, null, alternative):
        result = compare(null, alternative, TWO_COINS, n_boot=1)
        assert result.statistic >= -RESOLUTION

    @pytest.mark.parametrize(("null", "alternative"), NOT_NESTED, ids=range(len(NOT_NESTED)))
    def test_what_is_none_is_refused(self, null, alternative):
        with pytest.raises(
            ValueError, match=r"null is not nested in alternative.*null: \d coins.*Hold less"
        ):
            compare(null, alternative, TWO_COINS)

    def test_what_is_held_is_said(self):
        with pytest.raises(
            ValueError,
            match=r"null: 1 coins, held theta\[0\]=0\.5, weights=\[1\.0\]; "
            r"alternative: 3 coins, held theta\[0\]=0\.25, theta\[1\]=0\.125, theta\[2\]=0\.125\.",
        ):
            compare(equal(1, **FAIR), with_held(0.25, 0.125, 0.125), TWO_COINS)

    @pytest.mark.parametrize(
        ("null", "alternative", "n_null", "n_alternative"),
        [
            (BinomialMixture(2), BinomialMixture(1), 3, 1),
            (BinomialMixture(2), BinomialMixture(2), 3, 3),
            (BinomialMixture(2), equal(2), 3, 2),
            (BinomialMixture(2), ThreeCoinModel(), 3, 3),
            (BinomialMixture(1), with_held(0.5, 0.2), 1, 1),
            (BinomialMixture(2), with_held(None, 0.5, 0.2), 3, 3),
        ],
    )
    def test_a_null_that_is_no_smaller_is_refused(self, null, alternative, n_null, n_alternative):
        words = f"null has {n_null} free parameters and alternative {n_alternative},.*swap"
        with pytest.raises(ValueError, match=words):
            compare(null, alternative, TWO_COINS)

    def test_models_of_different_layouts_are_refused(self):
        X = [[1, 2], [2, 3], [0, 5]]  # tails or tosses
        one, two = BinomialMixture(1).fit(X), BinomialMixture(2, layout="heads_tosses").fit(X)
        with pytest.raises(ValueError, match=r"layout='heads_tails'.*layout='heads_tosses'"):
            likelihood_ratio_test(one, two, X)

    def test_an_alternative_that_stands_lower_is_refused_with_a_remedy(self):
        two = fit_to_the_end(BinomialMixture(2, theta_init=[0.99, 0.98], max_iter=1), ONE_COIN)
        one = BinomialMixture(1).fit(ONE_COIN)
        lower = len(ONE_COIN) * (one.score(ONE_COIN) - two.score(ONE_COIN))
        assert lower > 0.01
        with pytest.raises(ValueError, match=rf"alternative.*by {lower:.6g},.*\(n_init\)"):
            likelihood_ratio_test(one, two, ONE_COIN)


def test_thirty_equal_coins_are_shared_out_among_fifteen():
    can_play = np.ones((30, 15), dtype=bool)
    roles = _shared_out_in_turn(can_play, np.full(30, 1 / 30), np.full(15, 1 / 15))
    assert np.bincount(roles).tolist() == [2] * 15
    with pytest.raises(ValueError, match="30 coins with weights that are held"):
        _shared_out_in_turn(can_play[:, :2], np.full(30, 1 / 30), np.array([0.501, 0.499]))
