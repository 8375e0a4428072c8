"""What is said of data that are not what they seem, and that nothing is said of clean ones."""

import re
import warnings

import numpy as np
import polars as pl
import pytest

from skcoin import BinomialMixture, NonparametricBinomialMixture, join_posterior
from skcoin.plotting import PosteriorDisplay


def words_of(function):
    """What is said while a function runs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [str(warning.message) for warning in caught]


# --- Rows that no coin can show -----------------------------------------------------------------

ENDS = BinomialMixture().fit([[10, 0], [9, 0], [0, 10]])
NEW = np.array([[1, 0], [5, 5], [0, 0], [2, 1], [5, 5]])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "transform", "posterior_mean"])
def test_a_posterior_of_rows_that_no_coin_can_show_comes_with_one_word(method):
    [told] = words_of(lambda: getattr(ENDS, method)(NEW))
    assert "3 of 5 rows are such as no coin can show, with theta 0.0 or 1.0" in told
    assert "the first is row 1 with 5 heads and 5 tails" in told
    assert "theta_prior" in told
    assert words_of(lambda: getattr(ENDS, method)(NEW[[0, 2]])) == []


def test_engines_and_displays_say_so_too(no_window):
    frame = pl.DataFrame(NEW, schema=["h", "t"])
    [told] = words_of(lambda: join_posterior(ENDS, frame, "h", "t"))
    assert "3 of 5 rows are such" in told
    assert "the first is 2 heads and 1 tails" in told
    assert words_of(lambda: join_posterior(ENDS, frame[[0, 2]], "h", "t")) == []
    for options, first in (({}, "2 heads"), ({"labels": "abcde"}, "row 1 with 5 heads")):
        told = words_of(lambda o=options: PosteriorDisplay.from_estimator(ENDS, NEW, **o))
        assert [first in each for each in told] == [True]


def test_the_only_coin_of_one_side_says_so():
    for model in (BinomialMixture(1), NonparametricBinomialMixture()):
        model.fit([[10, 0]] * 5)
        [told] = words_of(lambda m=model: m.posterior_mean([[5, 5]]))
        assert "1 of 1 rows are such as no coin can show, with theta 1.0;" in told


def test_a_coin_inside_can_show_any_row_and_one_without_weight_none():
    inside = BinomialMixture(theta_init=[1, 0.5], learn_theta=False).fit([[10, 0], [5, 5]])
    assert words_of(lambda: inside.predict_proba([[0, 5000], [5000, 1]])) == []
    options = {"learn_theta": False, "learn_weights": False}
    gone = BinomialMixture(theta_init=[1, 0.5], weights_init=[1, 0], **options).fit([[10, 0]])
    [told] = words_of(lambda: gone.predict_proba([[5, 5]]))
    assert "with theta 1.0;" in told


def test_scores_say_it_by_their_value():
    assert words_of(lambda: ENDS.score_samples(NEW)) == []
    assert np.isneginf(ENDS.score_samples(NEW)).sum() == 3
