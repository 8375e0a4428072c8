"""Criteria in scikit-learn's searches: they judge the fit, by the rows that it is a fit to."""

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skcoin import BinomialMixture, NonparametricBinomialMixture
from skcoin.inspection import compare_n_components
from skcoin.model_selection import AllRows, aic_scorer, bic_scorer, icl_scorer

SCORERS = {"aic": aic_scorer, "bic": bic_scorer, "icl": icl_scorer}
GRID = {"n_components": [1, 2, 3]}
HEADS = np.random.default_rng(0).binomial(20, np.repeat([0.2, 0.5, 0.8], [60, 90, 50]))
X = np.column_stack([HEADS, 20 - HEADS])
WEIGHTS = np.random.default_rng(1).integers(0, 4, len(X))
criteria = pytest.mark.parametrize("name", SCORERS)
pytestmark = pytest.mark.filterwarnings("error::UserWarning")


def search(scoring, estimator=None, grid=GRID, **options):
    return GridSearchCV(estimator or BinomialMixture(), grid, scoring=scoring, **options)


@criteria
def test_a_search_finds_what_the_table_of_criteria_finds(name):
    found = search(SCORERS[name], cv=AllRows()).fit(X)
    table = compare_n_components(X, 3)
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], -table[name], rtol=1e-9)
    assert found.best_params_["n_components"] == table.n_components[table[name].argmin()]
    criterion = getattr(found.best_estimator_, name)(X)  # the refit has the right sign
    assert found.best_score_ == found.score(X) == pytest.approx(-criterion, rel=1e-12)


@criteria
def test_weights_of_the_fit_are_those_of_the_criterion(name):
    found = search(SCORERS[name], cv=AllRows()).fit(X, sample_weight=WEIGHTS)
    criterion = getattr(found.best_estimator_, name)(X, WEIGHTS)
    assert found.best_score_ == pytest.approx(-criterion, rel=1e-12)


def test_several_criteria_go_together_with_weights_too():
    found = search(SCORERS, cv=AllRows(), refit="icl").fit(X, sample_weight=WEIGHTS)
    for name in SCORERS:
        alone = search(SCORERS[name], cv=AllRows()).fit(X, sample_weight=WEIGHTS)
        scores = alone.cv_results_["mean_test_score"]
        np.testing.assert_array_equal(found.cv_results_[f"mean_test_{name}"], scores)


def test_routed_weights_are_counted_once():
    with config_context(enable_metadata_routing=True):
        model = BinomialMixture().set_fit_request(sample_weight=True)
        routed = search(bic_scorer, model, cv=AllRows()).fit(X, sample_weight=WEIGHTS)
    plain = search(bic_scorer, cv=AllRows()).fit(X, sample_weight=WEIGHTS)
    assert routed.best_score_ == plain.best_score_


@criteria
def test_with_other_folds_each_fit_is_judged_by_its_own_rows(name):
    folds = [(np.arange(100), np.arange(100, 200)), (np.arange(100, 200), np.arange(100))]
    found = cross_val_score(BinomialMixture(), X, scoring=SCORERS[name], cv=folds)
    by_hand = [-getattr(BinomialMixture().fit(X[rows]), name)(X[rows]) for rows, _ in folds]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)


def test_a_search_over_all_rows_stands_inside_a_cross_validation():
    inner = search(bic_scorer, cv=AllRows())
    outer = cross_validate(
        inner, X, cv=4, scoring=lambda found, rows: found.best_estimator_.score(rows)
    )
    assert np.isfinite(outer["test_score"]).all()


def test_a_pipeline_is_judged_by_the_mixture_at_its_end():
    half = FunctionTransformer(lambda X: X // 2)
    nested = make_pipeline(half, make_pipeline(BinomialMixture()))
    found = search(
        bic_scorer, nested, {"pipeline__binomialmixture__n_components": [1, 2]}, cv=AllRows()
    )
    assert found.fit(X).best_score_ == pytest.approx(-BinomialMixture(2).fit(X // 2).bic(X // 2))


def test_all_rows_fit_and_all_rows_judge():
    [(fitted, judged)] = AllRows().split(X)
    assert fitted.tolist() == judged.tolist() == list(range(len(X)))
    assert AllRows().get_n_splits(X) == 1
    assert repr(search(bic_scorer, cv=AllRows())).count("cv=AllRows()") == 1


def test_what_has_no_criterion_is_refused():
    for model in (LogisticRegression(), make_pipeline(BinomialMixture(), LogisticRegression())):
        model.fit(X, HEADS > 9)
        with pytest.raises(TypeError, match=r"estimator must be .* is a LogisticRegression"):
            bic_scorer(model, X)
    with pytest.raises(NotFittedError):
        bic_scorer(BinomialMixture(), X)
    with pytest.raises(ValueError, match=r"forget_counts.*no fitted rows to judge it by\. Fit it"):
        bic_scorer(BinomialMixture().fit(X).forget_counts(), X)


def test_rows_are_not_read_but_those_of_the_fit():
    model = NonparametricBinomialMixture().fit(X[:50]).partial_fit(X[50:])
    again = pickle.loads(pickle.dumps(model))
    assert bic_scorer(again) == bic_scorer(model, X[:3]) == pytest.approx(-model.bic(X), rel=1e-12)
