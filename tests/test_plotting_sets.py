"""Displays of several coins a row: what they compute, and what they draw, against that."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose, assert_array_equal
from test_products import X, slides

from skcoin import BetaBinomialMixture, BinomialMixture, ProductBinomialMixture
from skcoin.datasets import load_rat_tumours
from skcoin.inspection import confidence_intervals
from skcoin.plotting import MixtureDisplay, PairsDisplay, ProfileDisplay
from skcoin.plotting._display import COLORS

pytestmark = pytest.mark.usefixtures("no_window")
RATS = load_rat_tumours().data
PATTERNS, TIMES = slides()
CLASSES = ProductBinomialMixture(2, layout="tosses").fit(PATTERNS, sample_weight=TIMES)
TWO = ProductBinomialMixture(2).fit(X)
READS = pd.DataFrame(X, columns=["lung", "l", "liver", "v", "bone", "b"])


class TestProfile:
    @pytest.mark.parametrize(("method", "n_classes"), [("wald", 2), ("profile", 1)])
    def test_draws_thetas_and_intervals_of_each_class(self, method, n_classes):
        rows, times = PATTERNS, TIMES
        model = ProductBinomialMixture(n_classes, layout="tosses").fit(rows, sample_weight=times)
        display = ProfileDisplay.from_estimator(
            model, rows, sample_weight=times, method=method, level=0.9
        )
        ends = confidence_intervals(model, rows, times, level=0.9, method=method).theta
        assert_array_equal(display.intervals, ends)
        assert np.isnan(ends).any() == (method == "wald")
        for line, bars, theta, own in zip(
            display.lines_, display.interval_lines_, model.theta_, ends, strict=True
        ):
            assert_array_equal(line.get_ydata(), theta)
            bars = {path[0, 0]: path[:, 1] for path in bars.get_segments() if len(path)}
            for place, interval in zip(line.get_xdata(), own, strict=True):
                assert_array_equal(bars.get(place, [np.nan] * 2), interval)
            assert_allclose(line.get_xdata(), np.arange(7), atol=0.25)
        display.figure_.canvas.draw()

    def test_names_coins_by_columns_or_names_or_numbers(self):
        model = ProductBinomialMixture(2).fit(READS)
        for rows, fitted, given, names in (
            (READS, model, None, ["lung", "liver", "bone"]),
            (X, TWO, None, ["0", "1", "2"]),
            (X, TWO, [7, "b", "c"], ["7", "b", "c"]),
        ):
            display = ProfileDisplay.from_estimator(fitted, rows, names=given)
            assert display.names == names
            assert [text.get_text() for text in display.ax_.get_xticklabels()] == names
        assert [text.get_text() for text in display.ax_.get_legend().texts] == [
            f"class {k} ({100 * w:.3g}%)" for k, w in enumerate(TWO.weights_)
        ]

    def test_is_drawn_without_bars_where_no_theta_has_an_error(self):
        rows = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 0, 1]])
        held = ProductBinomialMixture(
            theta_init=[[0.9, 0.8, 0.5], [0.1, 0.2, 0.5]], learn_theta=False, layout="tosses"
        ).fit(rows)
        display = ProfileDisplay.from_estimator(held, rows)
        assert np.isnan(display.intervals).all()
        display.figure_.canvas.draw()

    def test_grows_with_the_coins_and_turns_long_names(self):
        rows = np.random.default_rng(0).integers(2, size=(50, 30))
        names = [f"question {j}" for j in range(30)]
        model = ProductBinomialMixture(1, layout="tosses").fit(pd.DataFrame(rows, columns=names))
        display = ProfileDisplay.from_estimator(model, pd.DataFrame(rows, columns=names))
        assert display.figure_.get_figwidth() == pytest.approx(10)
        assert {text.get_rotation() for text in display.ax_.get_xticklabels()} == {90}


class TestPairs:
    def test_points_are_rates_in_colours_mixed_by_the_posterior(self):
        display = PairsDisplay.from_estimator(TWO, X)
        distinct, times = np.unique(X, axis=0, return_counts=True)
        heads, tosses = distinct[:, ::2], distinct[:, ::2] + distinct[:, 1::2]
        rates = np.where(tosses > 0, heads / np.maximum(tosses, 1), np.nan)
        expected = np.column_stack([rates, TWO.predict_proba(distinct), times])
        found = np.column_stack([display.rates, display.posterior, display.sizes])
        for rows in (expected, found):
            rows[:] = rows[np.lexsort(np.nan_to_num(rows[:, :3], nan=-1).T)]
        assert_allclose(found[:, :3], expected[:, :3])
        assert_allclose(found[:, 3:].sum(axis=0), expected[:, 3:].sum(axis=0))
        colors = display.posterior @ [to_rgb(COLORS[0]), to_rgb(COLORS[1])]
        for (i, j), points in zip([(0, 1), (0, 2), (1, 2)], display.points_, strict=True):
            assert points.axes is display.axes_[j - 1, i]
            both = display.rates[:, [i, j]] * [1, 1]
            both[np.isnan(both).any(axis=1)] = np.nan
            assert_array_equal(points.get_offsets().filled(np.nan), both)
            assert_allclose(points.get_facecolor()[:, :3], colors, atol=1e-6)
        assert display.axes_[0, 1] is None
        display.figure_.canvas.draw()

    def test_centres_are_thetas_and_coins_share_their_limits(self):
        display = PairsDisplay.from_estimator(TWO, X, names=["a", "b", "c"])
        for (row, column), panel in np.ndenumerate(display.axes_):
            if panel is not None:
                centers = [line.get_xydata()[0] for line in panel.lines]
                assert_array_equal(centers, TWO.theta_[:, [column, row + 1]])
        first, below, last = display.axes_[0, 0], display.axes_[1, 0], display.axes_[1, 1]
        assert first.get_xlim() == below.get_xlim()
        assert first.get_ylim() == last.get_xlim()
        assert below.get_ylim() == last.get_ylim()
        assert (below.get_xlabel(), below.get_ylabel()) == ("rate of a", "rate of c")
        assert len(display.ax_.get_legend().texts) == len(display.centers_) == 2

    @pytest.mark.parametrize(
        ("which", "places"), [(["bone", "lung"], [2, 0]), ([1, 2], [1, 2]), (None, [0, 1, 2])]
    )
    def test_draws_the_coins_that_are_asked_for(self, which, places):
        model = ProductBinomialMixture(2).fit(READS)
        _, ax = plt.subplots()
        display = PairsDisplay.from_estimator(model, READS, which=which, size="depth", ax=ax)
        assert display.names == [["lung", "liver", "bone"][j] for j in places]
        assert_array_equal(display.theta, model.theta_[:, places])
        assert display.posterior.shape == (len(display.rates), 2)
        assert display.sizes.max() <= X.sum(axis=1).max()
        assert (display.axes_[0, 0] is ax) == (len(places) == 2)
        assert ax.axison == (len(places) == 2)

    def test_many_points_are_one_picture_in_vector_graphics(self):
        rng = np.random.default_rng(0)
        rows = rng.integers(1, 10**6, size=(5001, 4))
        display = PairsDisplay.from_estimator(ProductBinomialMixture(1).fit(rows), rows)
        assert display.points_[0].get_rasterized()

    @pytest.mark.parametrize("which", [[0], [0, 0], [0, 3], ["lung", "hand"], [-1, 0]])
    def test_coins_that_are_not_there_are_refused_with_those_that_are(self, which):
        with pytest.raises(ValueError, match=r"which is \[.*two of the 3 coins.*names, which are"):
            PairsDisplay.from_estimator(TWO, X, which=which)

    def test_one_coin_alone_is_no_pair(self):
        with pytest.raises(
            ValueError, match=r"which is \[0\], but must hold at least two of the 1"
        ):
            PairsDisplay.from_estimator(ProductBinomialMixture(2).fit(X[:, :2]), X[:, :2])

    def test_single_tosses_are_refused_with_what_to_draw(self):
        with pytest.raises(ValueError, match=r"four corners\. Draw a ProfileDisplay"):
            PairsDisplay.from_estimator(CLASSES, PATTERNS)
        with pytest.raises(ValueError, match="size is 'rows'"):
            PairsDisplay.from_estimator(TWO, X, size="rows")


@pytest.mark.parametrize("display", [ProfileDisplay, PairsDisplay])
def test_one_coin_a_row_and_wrong_names_are_refused(display):
    with pytest.raises(
        TypeError, match=r"BinomialMixture, with one coin in each row, but .*\. [A-Z].*\.$"
    ):
        display.from_estimator(BinomialMixture(1).fit(RATS), RATS)
    with pytest.raises(ValueError, match="names has 1 names for the 3 coins"):
        display.from_estimator(TWO, X, names=["a"])


def test_histogram_names_the_dispersion_of_coins_that_vary():
    for model, words in (
        (BetaBinomialMixture(1).fit(RATS), "coin 0: θ = 0.142, dispersion = 0.0573, w = 1"),
        (BinomialMixture(1).fit(RATS), "coin 0: θ = 0.154, w = 1"),
    ):
        display = MixtureDisplay.from_estimator(model, RATS)
        assert words in [text.get_text() for text in display.ax_.get_legend().texts]
