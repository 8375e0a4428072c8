"""What is printed of long work: all of it where it is asked for, and at no price."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from _assertions import assert_same, assert_same_fit
from _calls import learn
from _references import load_set
from numpy.testing import assert_allclose
from sklearn.base import clone

from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    NonparametricBinomialMixture,
    ProductBinomialMixture,
    ThreeCoinModel,
    fit_groups,
)
from skcoin._base import count_rows, recipe_of
from skcoin._fit import fit_tables
from skcoin._progress.printing import ClimbTeller
from skcoin.inspection import bootstrap, compare_n_components, confidence_intervals

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
RATS, _ = load_set("rat_tumours")
GROUPS = pd.DataFrame({"heads": RATS[:, 0], "tails": RATS[:, 1], "rows": 1, "half": RATS[:, 0] % 2})
MODELS = {
    "two coins": BinomialMixture(2),
    "three coins": BinomialMixture(3),
    "by EM": BinomialMixture(2, solver="em"),
    "ends at max_iter": BinomialMixture(2, solver="em", max_iter=3),
    "at 0 and 1": BinomialMixture(3, theta_init=[1e-300, 1 - 1e-16, np.nan]),
    "three coin model": ThreeCoinModel(),
    "coins that vary": BetaBinomialMixture(2),
    "any number": NonparametricBinomialMixture(),
    "of few rounds": NonparametricBinomialMixture(max_iter=1, tol=0),
    "sets": ProductBinomialMixture(2),
}
TESTED = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def rows_for(model):
    return RATS if not isinstance(model, ProductBinomialMixture) else np.tile(RATS, 2)


def printed(capsys, model, X=RATS):
    model.fit(X)
    return capsys.readouterr().out


def numbers(name, text):
    return [float(number) for number in re.findall(rf"  {name} ([-+.\de]+)", text)]


@TESTED
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_no_digit_depends_on_what_is_printed(model, method, capsys):
    X, results = rows_for(model), []
    for verbose in (0, 1, 2, 3):
        results.append(learn(method)(clone(model).set_params(verbose=verbose), X))
        said = capsys.readouterr()
        assert bool(said.out) == bool(verbose)
        assert said.err == ""
    for result in results[1:]:
        assert_same(result, results[0])


@TESTED
def test_what_begins_ends_and_at_two_has_times(model, capsys):
    X = rows_for(model)
    for verbose in (1, 2):
        out = printed(capsys, clone(model).set_params(verbose=verbose), X)
        head, *lines = out.splitlines()
        assert re.fullmatch(r"Counted \(rows: \d+, distinct: \d+\)", head)
        began = [int(n) for n in re.findall(r"^Initialization (\d+) \(.*\)$", out, re.MULTILINE)]
        ended = re.findall(r"^Initialization (?:converged|stopped|ended) after", out, re.MULTILINE)
        assert began == list(range(len(ended)))
        others = [line for line in lines if not line.startswith("Initialization")]
        assert all(re.match(r"  Iteration \d*0\b", line) for line in others)
        timed = len(others) + len(ended)
        assert len(numbers("time lapse", out)) == (timed if verbose > 1 else 0)


def test_all_the_work_is_printed_and_n_iter_is_that_of_the_best_climb(capsys):
    model = BinomialMixture(3, verbose=3)
    out = printed(capsys, model)
    assert out.count("  Iteration") > 2 * model.n_iter_
    assert "components: 3" in out
    assert "solver: em)" in out  # the search for better places, by steps of EM


@pytest.mark.parametrize("solver", ["em", "em-newton"])
def test_changes_are_those_of_the_objective_and_little_is_left(solver, capsys):
    model = BinomialMixture(2, theta_init=[0.3, 0.1], solver=solver, verbose=3)
    out = printed(capsys, model)
    first = out[: out.index("Initialization converged")]
    gains = np.diff(model.lower_bounds_) * len(RATS)
    change, left = numbers("change", first), numbers("left", first)
    assert_allclose(change, gains[: len(change)], rtol=1e-4, atol=1e-10)
    # To second order, which is nearly all of it near the top.
    top = BinomialMixture(2, tol=0).fit(RATS).lower_bound_
    to_gain = (top - model.lower_bounds_[1 : len(left) + 1]) * len(RATS)
    is_near = (to_gain > 1e-8) & (to_gain < 1e-3)
    assert is_near.any()
    assert_allclose(np.array(left)[is_near], to_gain[is_near], rtol=0.05)
    assert left[-1] < model.tol


def test_a_climb_from_what_excludes_a_row_is_told_like_any_other(capsys):
    model = BinomialMixture(1, theta_init=[0.0])
    [run] = fit_tables(
        recipe_of(model), [count_rows(model, RATS, reset=True)], strict=False, report=ClimbTeller(3)
    )
    assert np.isneginf(run.objective[0])
    assert "  Iteration 1 " in (out := capsys.readouterr().out)
    assert "  change inf  left " in out


def test_of_any_number_of_coins_what_is_left_is_the_gap(capsys):
    model = NonparametricBinomialMixture(verbose=3)
    out = printed(capsys, model)
    assert len(numbers("left", out)) == model.n_iter_
    assert float(re.search(r"gap of ([\d.e-]+\d)", out)[1]) == pytest.approx(model.gap_, rel=0.01)


def test_a_model_that_prints_is_stored_like_any_other():
    model = BinomialMixture(verbose=1).fit(RATS)
    assert_same_fit(pickle.loads(pickle.dumps(model)), model)
    assert "verbose=1" in repr(model)


def test_a_comparison_prints_its_rows_and_the_climbs_of_estimators_that_do(capsys):
    quiet = compare_n_components(RATS, 2, verbose=0)
    assert capsys.readouterr().out == ""
    table = compare_n_components(RATS, 2, verbose=2)
    out = capsys.readouterr().out
    assert_same(dict(table), dict(quiet))
    assert_allclose(numbers("bic", out), table.bic, rtol=1e-9)
    assert len(numbers("time lapse", out)) == 2
    loud = compare_n_components(RATS, 2, estimator=[BinomialMixture(verbose=1)])
    assert capsys.readouterr().out.count("Initialization 0") == 2
    assert loud.model[0] == "BinomialMixture()"


def test_profile_intervals_are_printed_as_they_come(capsys):
    model = BinomialMixture(2).fit(RATS)
    intervals = confidence_intervals(model, RATS, method="profile", verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    low, high = intervals.theta[1]
    assert lines[1] == f"theta of component 1: {low:.6g} to {high:.6g}"
    confidence_intervals(model, RATS, method="wald", verbose=1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "work",
    [
        lambda **words: bootstrap(BinomialMixture(1).fit(RATS), RATS, n_boot=30, **words),
        lambda **words: confidence_intervals(
            BinomialMixture(1).fit(RATS), RATS, method="bootstrap", n_boot=30, **words
        ),
        lambda **words: fit_groups(BinomialMixture(1, verbose=2), GROUPS, by="half", **words),
    ],
    ids=["bootstrap", "intervals", "groups"],
)
def test_joblib_tells_of_shared_work_and_nothing_of_single_fits(work, capfd):
    """Of several jobs; of one, older releases say nothing."""
    work(verbose=0, n_jobs=2)
    assert capfd.readouterr() == ("", "")
    work(verbose=1, n_jobs=2)
    assert "[Parallel(n_jobs=2)]" in "".join(said := capfd.readouterr())
    assert "Initialization" not in "".join(said)


@pytest.mark.parametrize("verbose", [-1, "much", 0.5])
def test_a_wrong_verbose_of_a_function_is_refused_by_name(verbose):
    with pytest.raises((TypeError, ValueError), match="verbose"):
        compare_n_components(RATS, 1, verbose=verbose)
