"""The displays: what they compute, against enumeration, and what they draw, against that."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from _models import for_display
from scipy.stats import binom

from skcoin import BinomialMixture, inspection
from skcoin.datasets import load_do_batzoglou, load_rat_tumours, load_saxony
from skcoin.plotting import (
    ConvergenceDisplay,
    GradientDisplay,
    LowerBoundDisplay,
    MixtureDisplay,
    PairsDisplay,
    PosteriorDisplay,
    ProfileDisplay,
    ResidualDisplay,
    RootogramDisplay,
)
from skcoin.plotting._display import style

pytestmark = pytest.mark.usefixtures("no_window")
DISPLAYS = [
    ConvergenceDisplay,
    GradientDisplay,
    LowerBoundDisplay,
    MixtureDisplay,
    PairsDisplay,
    PosteriorDisplay,
    ProfileDisplay,
    ResidualDisplay,
    RootogramDisplay,
]
SETS = load_do_batzoglou().data
RATS = load_rat_tumours().data


def same(mine, other):
    """Whether two displays, or parts of them, hold the same numbers."""
    if isinstance(mine, dict):
        return mine.keys() == other.keys() and all(same(mine[k], other[k]) for k in mine)
    if mine is None or isinstance(mine, (list, str)):
        return mine == other
    return np.array_equal(mine, other, equal_nan=True)


def arrays_of(display):
    """What a display keeps, without artists."""
    return {name: value for name, value in vars(display).items() if not name.endswith("_")}


@pytest.mark.parametrize("display", DISPLAYS)
def test_display_draws_on_the_axes_that_it_is_given(display):
    _, (ax, other) = plt.subplots(ncols=2)
    drawn = display.from_estimator(*for_display(display), ax=ax)
    assert drawn.ax_ is ax
    assert drawn.figure_ is ax.figure
    assert ax.has_data()
    assert not other.has_data()
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert ax.get_legend() is not None


@pytest.mark.parametrize("display", DISPLAYS)
def test_plot_draws_again_elsewhere_and_changes_no_array(display):
    drawn = display.from_estimator(*for_display(display))
    first, before = drawn.ax_, arrays_of(drawn)
    again = drawn.plot()
    assert again is drawn
    assert drawn.ax_ is not first
    assert same(arrays_of(drawn), before)
    assert len(first.lines) == len(drawn.ax_.lines)
    rebuilt = display(**arrays_of(drawn)).plot(first)
    assert rebuilt.ax_ is first


@pytest.mark.parametrize("display", DISPLAYS)
def test_missing_matplotlib_is_said_with_its_remedy(display, monkeypatch):
    drawn = display.from_estimator(*for_display(display))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(
        ImportError, match=rf"{display.__name__} draws with matplotlib.*skcoin\[plot"
    ):
        drawn.plot()


def test_coins_differ_in_colour_and_line_and_marker_as_far_as_there_are_some():
    for cue, n_different in (("color", 6), ("linestyle", 5), ("marker", 7)):
        assert len({style(k)[cue] for k in range(n_different)}) == n_different
    assert len({str(style(k)) for k in range(210)}) == 210


# Mixture


def brute_force(edges, X, theta, weights):
    """Observed and expected rows in bins of rates, row by row and head by head."""
    observed, expected = np.zeros(len(edges) - 1), np.zeros((len(theta), len(edges) - 1))

    def bin_of(rate):
        if rate == edges[-1]:
            return len(edges) - 2
        inside = [j for j in range(len(edges) - 1) if edges[j] <= rate < edges[j + 1]]
        return inside[0] if inside else None

    for heads, tails in X:
        n = heads + tails
        if (j := bin_of(heads / n)) is not None:
            observed[j] += 1
        for h in range(int(n) + 1):
            if (j := bin_of(h / n)) is not None:
                expected[:, j] += weights * binom.pmf(h, n, theta)
    return observed, expected


@pytest.mark.parametrize(
    "bins",
    [None, 3, 7, np.linspace(0, 1, 21), [0.0, 0.05, 0.1, 0.3], [0, 1 / 3, 2 / 3, 1], [0.1, 0.2]],
)
def test_bins_hold_what_enumeration_puts_there(bins, rats):
    display = MixtureDisplay.from_estimator(rats, RATS, bins=bins)
    observed, expected = brute_force(display.edges, RATS, rats.theta_, rats.weights_)
    np.testing.assert_array_equal(display.observed, observed)
    np.testing.assert_allclose(display.shares, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "depths", [(2, 10, 29, 49, 58), pytest.param(range(1, 60), marks=pytest.mark.slow)]
)
def test_edges_that_are_rates_part_them_as_floats_do(depths):
    """A rate such as 3 of 49 and the edge 3 / 49 are the same float, whatever n times it is."""
    X = [[h, n - h] for n in depths for h in range(n + 1)]
    model = BinomialMixture(1).fit(X)
    edges = np.unique([h / n for n in (10, 29, 49, 58) for h in range(n + 1)])
    display = MixtureDisplay.from_estimator(model, X, bins=edges)
    observed, expected = brute_force(edges, X, model.theta_, model.weights_)
    np.testing.assert_array_equal(display.observed, observed)
    np.testing.assert_allclose(display.shares, expected, rtol=1e-9, atol=1e-10)


def test_each_number_of_heads_is_a_bin_where_all_rows_are_alike():
    families = load_saxony()
    X, times = families.data, families.sample_weight
    model = BinomialMixture(2).fit(X, sample_weight=times)
    display = MixtureDisplay.from_estimator(model, X, sample_weight=times)
    assert display.n_tosses == 12
    np.testing.assert_array_equal(display.edges, np.arange(14) - 0.5)
    np.testing.assert_array_equal(display.observed, times[np.argsort(X[:, 0])])
    each = model.weights_[:, None] * binom.pmf(np.arange(13), 12, model.theta_[:, None])
    np.testing.assert_allclose(display.shares, 6115 * each, rtol=1e-10)


@pytest.mark.parametrize("n_tosses", [1, 60, 61, 10**6])
def test_all_rows_are_in_some_bin(n_tosses):
    heads = np.random.default_rng(0).binomial(n_tosses, 0.3, 200)
    X = np.column_stack([heads, n_tosses - heads])
    model = BinomialMixture(1).fit(X)
    display = MixtureDisplay.from_estimator(model, X)
    assert display.observed.sum() == 200
    assert (display.n_tosses is None) == (n_tosses > 60)
    assert display.shares.sum() <= 200 * (1 + 1e-12)


def test_counts_that_are_whole_up_to_rounding_are_whole():
    X = np.array([[8, 0.29 * 100], [3, 0.29 * 100], [20, 29]])
    model = BinomialMixture(1, layout="heads_tosses").fit(X)
    display = MixtureDisplay.from_estimator(model, X)
    assert display.n_tosses == 29
    assert display.shares.sum() == pytest.approx(3)


def test_light_rows_are_counted_beside_heavy_ones():
    weights = np.array([1e12, 1e-6, 1e-6, 1e12, 1e-6])
    model = BinomialMixture(2).fit(SETS, sample_weight=weights)
    display = MixtureDisplay.from_estimator(model, SETS, sample_weight=weights)
    np.testing.assert_array_equal(display.observed[SETS[:, 0]], weights)


def test_bins_that_hold_nothing_are_drawn_empty(rats):
    display = MixtureDisplay.from_estimator(rats, RATS, bins=[0.9999, 0.99995])
    assert display.observed.tolist() == [0]
    assert display.n_outside == 71
    display.figure_.canvas.draw()


def test_rates_far_from_all_others_do_not_hide_them():
    rng = np.random.default_rng(0)
    heads = rng.binomial(10**5, np.where(rng.random(300) < 0.5, 1e-4, 5e-4))
    X = np.vstack([np.column_stack([heads, 10**5 - heads]), [[1, 1]]])
    model = BinomialMixture(2).fit(X)
    display = MixtureDisplay.from_estimator(model, X)
    assert (display.observed > 0).sum() > 8
    assert display.observed.sum() + display.n_outside == 301
    assert display.n_outside >= 1
    assert f"({display.n_outside:g} of the rows outside)" in display.ax_.get_xlabel()


def test_unit_of_the_weights_does_not_matter_to_the_bins(rats):
    whole = MixtureDisplay.from_estimator(rats, RATS)
    share = MixtureDisplay.from_estimator(rats, RATS, sample_weight=np.full(71, 1 / 71))
    assert len(share.edges) > len(whole.edges) / 2


def test_bars_and_lines_show_the_arrays(rats):
    display = MixtureDisplay.from_estimator(rats, RATS)
    np.testing.assert_array_equal([bar.get_height() for bar in display.bars_], display.observed)
    for line, share in zip(display.lines_, display.shares, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), share)
    np.testing.assert_allclose(display.mixture_.get_ydata(), display.shares.sum(axis=0))
    assert "coin 0: θ = 0.21, w = 0.585" in [t.get_text() for t in display.ax_.get_legend().texts]


def test_fractional_counts_have_no_distribution():
    X = [[1.5, 2], [3, 4]]
    with pytest.raises(ValueError, match=r"X holds a count of 1\.5: it must be a whole number"):
        MixtureDisplay.from_estimator(BinomialMixture(1).fit(X), X)


@pytest.mark.parametrize(
    ("bins", "error", "words"),
    [
        (0, ValueError, "bins == 0, must be >= 1"),
        (2.5, TypeError, "bins must be an instance of"),
        ([0.5, 0.2], ValueError, r"bins is \[0\.5, 0\.2\], but edges must rise"),
        ([0, 2], ValueError, r"bins is \[0, 2\], but edges must rise from 0 or more to 1"),
        ([0.5], ValueError, "edges must rise"),
    ],
)
def test_bins_that_cannot_be_are_refused(bins, error, words, rats):
    with pytest.raises(error, match=words):
        MixtureDisplay.from_estimator(rats, RATS, bins=bins)


# Posterior


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_interval_is_between_quantiles_of_the_posterior(level):
    model = BinomialMixture(3).fit(RATS)
    display = PosteriorDisplay.from_estimator(model, RATS, level=level, names=range(len(RATS)))
    np.testing.assert_allclose(display.shrunken, model.posterior_mean(RATS), rtol=1e-14)
    np.testing.assert_allclose(display.raw, RATS[:, 0] / RATS.sum(axis=1))
    for probability, ends in zip(model.predict_proba(RATS), display.intervals, strict=True):
        below = [sum(probability[model.theta_ <= theta]) for theta in model.theta_]
        for end, quantile in zip(ends, ((1 - level) / 2, (1 + level) / 2), strict=True):
            enough = [t for t, p in zip(model.theta_, below, strict=True) if p >= quantile]
            assert end == min(enough)
        inside = (model.theta_ >= ends[0]) & (model.theta_ <= ends[1])
        assert probability[inside].sum() >= level - 1e-12


def test_points_are_the_distinct_rows_with_their_weight(rats):
    display = PosteriorDisplay.from_estimator(rats, RATS)
    distinct, times = np.unique(RATS, axis=0, return_counts=True)
    assert sorted(display.rows) == sorted(times)
    rates = distinct[:, 0] / distinct.sum(axis=1)
    np.testing.assert_allclose(display.raw, rates)
    np.testing.assert_allclose(display.shrunken, rats.posterior_mean(distinct))
    np.testing.assert_array_equal(
        display.points_.get_offsets(), np.column_stack([display.raw, display.shrunken])
    )


def test_rows_with_names_keep_their_order_and_a_row_without_tosses_is_the_mean(rats):
    X = np.vstack([[[0, 0]], RATS[::-1]])
    display = PosteriorDisplay.from_estimator(rats, X, names=["none", *range(len(RATS))])
    assert np.isnan(display.raw[0])
    assert display.shrunken[0] == pytest.approx(rats.weights_ @ rats.theta_)
    np.testing.assert_allclose(display.shrunken[1:], rats.posterior_mean(RATS[::-1]))
    assert [t.get_text() for t in display.ax_.get_yticklabels()][:2] == ["none", "0"]
    top, bottom = display.ax_.transData.transform([(0, 0), (0, 1)])[:, 1]
    assert top > bottom


def test_first_name_is_at_the_top_however_often_it_is_drawn(rats):
    _, axes = plt.subplots(ncols=2, sharey=True)
    names = list("abcde")
    for ax in (*axes, axes[0]):
        PosteriorDisplay.from_estimator(rats, RATS[:5], names=names, ax=ax)
    assert all(ax.yaxis_inverted() for ax in axes)


def test_figure_grows_with_the_names(rats):
    few, many = (PosteriorDisplay.from_estimator(rats, RATS[:n], names=range(n)) for n in (5, 71))
    assert few.figure_.get_figheight() == 4.8
    assert many.figure_.get_figheight() > 14


def test_names_and_levels_that_cannot_be_are_refused(rats):
    with pytest.raises(ValueError, match="names has 2 names for the 71 rows of X"):
        PosteriorDisplay.from_estimator(rats, RATS, names=["a", "b"])
    with pytest.raises(ValueError, match="leave out sample_weight, or names"):
        PosteriorDisplay.from_estimator(rats, RATS, names=range(71), sample_weight=np.ones(71))
    with pytest.raises(ValueError, match="level"):
        PosteriorDisplay.from_estimator(rats, RATS, level=1.5)


# Gradient


def test_gradient_is_that_of_the_optimality_gap(rats):
    display = GradientDisplay.from_estimator(rats, RATS)
    bound = inspection.optimality_gap(rats, RATS)
    assert (display.gap, display.best) == (bound.gap, bound.theta)
    np.testing.assert_array_equal(display.grid, bound.grid)
    np.testing.assert_array_equal(display.gradient, bound.gradient / 71)
    assert display.gradient.min() >= -1
    at_coins = np.interp(rats.theta_, display.grid, display.gradient)
    np.testing.assert_allclose(at_coins, 0, atol=1e-3)
    np.testing.assert_array_equal(display.coins_.get_xdata(), rats.theta_)
    assert bound.one_step == pytest.approx(71 * np.log1p(display.highest), rel=1e-12)
    assert display.highest >= display.gradient.max() * (1 - 1e-12)
    assert display.best_.get_xydata().tolist() == [[display.best, display.highest]]


def test_thetas_that_no_row_suggests_are_left_out():
    heads = np.random.default_rng(0).binomial(10**5, 3e-4, 300)
    X = np.column_stack([heads, 10**5 - heads])
    display = GradientDisplay.from_estimator(BinomialMixture(1).fit(X), X)
    low, high = display.ax_.get_xlim()
    assert 0 <= low < 3e-4 < high < 2e-3


def test_gradient_beyond_any_float_can_be_drawn():
    X = [[0, 2000], [2000, 0], [1000, 1000]]
    held = BinomialMixture(1, theta_init=[0.5], learn_theta=False).fit(X)
    display = GradientDisplay.from_estimator(held, X)
    assert np.isinf(display.gradient).any()
    assert display.ax_.get_yscale() == "asinh"
    display.figure_.canvas.draw()
