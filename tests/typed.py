"""What users write, as type checkers see it: with no error but where one is told to be ignored.

``.ci/run types`` has mypy and pyright check it against the wheel; as a program it runs, too.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Callable
from typing import TypeAlias, assert_type

import numpy as np
import polars as pl
from numpy.typing import NDArray

import skcoin
from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    NonparametricBinomialMixture,
    ProductBinomialMixture,
    ThreeCoinModel,
    count_tosses,
    fit_groups,
    join_posterior,
)
from skcoin.datasets import load_saxony
from skcoin.inspection import (
    Summary,
    bivariate_residuals,
    bootstrap,
    classification_table,
    compare_n_components,
    confidence_intervals,
    goodness_of_fit,
    likelihood_ratio_test,
    optimality_gap,
    quantile_residuals,
    standard_errors,
    summary,
)
from skcoin.model_selection import AllRows, bic_scorer
from skcoin.plotting import MixtureDisplay, PairsDisplay, PosteriorDisplay, ProfileDisplay

Floats: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.intp]
X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]


def write() -> None:
    frame = pl.DataFrame(X, schema=["heads", "tails"], orient="row")

    # Models.
    model = BinomialMixture(2, theta_init=[0.6, np.nan], theta_prior=(2, 2), random_state=0)
    assert_type(model.fit(X, coins=[-1, 0, -1, -1, -1]), BinomialMixture)
    BinomialMixture().fit(frame, sample_weight=pl.Series([1, 1, 2, 2, 1])).partial_fit(frame)
    model = BinomialMixture().fit(np.array(X))
    assert_type(model.theta_, Floats)
    assert_type(model.theta_path_, Floats)
    assert_type(model.converged_, bool)
    assert_type(model.lower_bound_, float)
    assert_type(model.predict(X), Labels)
    assert_type(model.predict_proba(X), Floats)
    assert_type(model.posterior_mean(X), Floats)
    assert_type(model.posterior_mean(X, return_std=True), tuple[Floats, Floats])
    assert_type(model.sample(3, n_tosses=[1, 2, 3])[1], Labels)
    assert_type(model.score(X, sample_weight=np.ones(5)) - model.bic(X), float)
    assert_type(ThreeCoinModel(layout="heads_tosses", p_init=0.6).fit([[1, 4], [4, 4]]).pi_, float)
    assert_type(NonparametricBinomialMixture().fit(X).forget_counts().n_components_, int)
    assert_type(BetaBinomialMixture(dispersion_init=0.1).fit(X).dispersion_, Floats)
    assert_type(model.posterior_interval(X, level=0.9), Floats)

    # Functions, displays, frames.
    assert_type(summary(model, X), Summary)
    print(summary(model, X).title, standard_errors(model, X).theta, optimality_gap(model, X).gap)
    intervals = confidence_intervals(model, X, method="profile", level=0.9)
    print(intervals.theta[:, 0], bootstrap(model, X, n_boot=2).converged.all())
    print(standard_errors(model, X, as_frame=True)["theta_error"])
    print(
        confidence_intervals(model, X, as_frame=pl, verbose=1), summary(model, X).to_frame("polars")
    )
    assert_type(summary(model, X).to_latex(), str)
    print(quantile_residuals(model, X, as_frame="polars")["residual"])
    print(likelihood_ratio_test(BinomialMixture(1).fit(X), model, X, n_boot=2).p_value)
    print(goodness_of_fit(model, X, n_boot=2).deviance_p_value)
    assert_type(quantile_residuals(model, X, random_state=0), Floats)
    print(compare_n_components(X, 2, estimator=BinomialMixture()).bic)
    models = [BinomialMixture(), BetaBinomialMixture(dispersion_type="separate")]
    print(compare_n_components(X, 2, estimator=models).model)
    display = assert_type(MixtureDisplay.from_estimator(model, X), MixtureDisplay)
    display.ax_.set_title("coins")
    display.lines_[0].set_color("black")
    names = PosteriorDisplay.from_estimator(model, X, names=list("abcde"), ax=display.ax_)
    assert_type(names.plot(), PosteriorDisplay)
    pairs = np.array([[5, 5, 1, 9], [9, 1, 7, 3], [8, 2, 9, 1], [4, 6, 0, 10], [7, 3, 8, 2]])
    classes = ProductBinomialMixture().fit(pairs)
    assert_type(PairsDisplay.from_estimator(classes, pairs, which=[0, 1]).plot(), PairsDisplay)
    profile = ProfileDisplay.from_estimator(classes, pairs, names=["a", "b"])
    profile.lines_[0].set_color("black")
    print(classification_table(model, X).error_rate, bivariate_residuals(classes, pairs).total)
    table = count_tosses(frame.with_columns(kind=pl.lit("a")), "heads", "tails", by=["kind"])
    print(fit_groups(BinomialMixture(1), table, by="kind"), load_saxony(as_frame=True).frame)
    assert_type(join_posterior(model, frame, "heads", tails="tails"), pl.DataFrame)
    counted = count_tosses(frame, ["heads"], tails=["tails"])
    sets = ProductBinomialMixture(1).fit(counted.drop("rows"), sample_weight=counted["rows"])
    assert_type(join_posterior(sets, frame, ["heads"], ["tails"], level=0.9), pl.DataFrame)
    assert_type(bic_scorer(model), float)
    assert_type(next(AllRows().split(X)), tuple[Labels, Labels])
    skcoin.show_versions()

    # What is refused when it runs is refused before.
    mistakes: list[Callable[[], object]] = [
        lambda: BinomialMixture(layout="tails_heads").fit(X),  # type: ignore[arg-type]
        lambda: BinomialMixture(solver="newton").fit(X),  # type: ignore[arg-type]
        lambda: BinomialMixture(n_coins=2),  # type: ignore[call-arg]
        lambda: ThreeCoinModel("tosses", 2),  # type: ignore[call-arg]
        lambda: BinomialMixture().fit(X, weights=[1] * 5),  # type: ignore[call-arg]
        lambda: NonparametricBinomialMixture().fit(X, coins=[0] * 5),  # type: ignore[call-arg]
        lambda: model.sample("3"),  # type: ignore[arg-type]
        lambda: BinomialMixture(verbose="much").fit(X),  # type: ignore[arg-type]
        lambda: standard_errors(model, X, as_frame=3),  # type: ignore[arg-type]
        lambda: standard_errors(BinomialMixture, X),  # type: ignore[arg-type]
        lambda: MixtureDisplay.from_estimator(model, X, axes=None),  # type: ignore[call-arg]
        lambda: count_tosses(frame, 0),  # type: ignore[arg-type]
        lambda: skcoin.Binomial,  # type: ignore[attr-defined]
    ]
    for mistake in mistakes:
        try:
            mistake()
        except (AttributeError, TypeError, ValueError):
            continue
        raise AssertionError("A mistake is not refused")
