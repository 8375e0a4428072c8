"""What one version has stored, another reads only if it can, and says so; what is stored."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError

import skcoin
from skcoin import BinomialMixture, NonparametricBinomialMixture, ThreeCoinModel
from skcoin.inspection import summary

X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
estimators = pytest.mark.parametrize(
    "estimator", [BinomialMixture(), ThreeCoinModel(), NonparametricBinomialMixture()]
)


def pickled(model, monkeypatch, version):
    """The bytes that skcoin of another version would have written."""
    with monkeypatch.context() as patch:
        patch.setattr(skcoin, "__version__", version)
        return pickle.dumps(model)


@estimators
def test_the_same_version_reads_what_it_wrote_without_a_word(estimator):
    model = clone(estimator).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = pickle.loads(pickle.dumps(model))
    assert vars(again).keys() == vars(model).keys()
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.partial_fit(X).score(X) == model.partial_fit(X).score(X)


@estimators
def test_another_version_is_told_with_both_numbers(estimator, monkeypatch):
    model = clone(estimator).fit(X)
    written = pickled(model, monkeypatch, "0.9.7")
    name = type(estimator).__name__
    with pytest.warns(InconsistentVersionWarning) as caught:
        again = pickle.loads(written)
    [warning] = caught
    for part in (name, "0.9.7", skcoin.__version__):
        assert part in str(warning.message)
    assert "skcoin" in str(warning.message)
    assert_array_equal(again.theta_, model.theta_)


@estimators
def test_a_fit_of_the_version_that_stored_none_is_refused_with_both_numbers(estimator):
    model = clone(estimator).fit(X)
    state = {key: value for key, value in model.__getstate__().items() if "version" not in key}
    with pytest.raises(ValueError, match=r"skcoin 0\.1.*skcoin " + skcoin.__version__) as caught:
        type(model)().__setstate__(state)
    assert type(estimator).__name__ in str(caught.value)
    assert "fit it again" in str(caught.value)


@estimators
def test_an_estimator_of_that_version_that_was_not_fitted_is_read(estimator):
    state = {key: value for key, value in estimator.__getstate__().items() if "version" not in key}
    again = type(estimator)()
    again.__setstate__(state)
    assert again.get_params() == estimator.get_params()


@estimators
def test_what_a_fit_learns_is_what_is_missed_when_it_is_read(estimator):
    model = clone(estimator).fit(X)
    state = model.__getstate__()
    learned = vars(model).keys() - model.get_params().keys()
    assert type(model)._learned == learned
    for name in [*learned, *model.get_params()]:
        part = {key: value for key, value in state.items() if key != name}
        if name == "theta_":  # by which a model is known to be fitted
            continue
        with pytest.raises(ValueError, match=rf"without {name}, which skcoin .* needs.*fit it"):
            type(model)().__setstate__(part)


def test_a_model_that_another_version_has_stored_is_read_from_a_file_with_the_warning(
    tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(skcoin, "__version__", "0.9.7")
        joblib.dump(BinomialMixture().fit(X), tmp_path / "model")
    with pytest.warns(InconsistentVersionWarning, match=r"0\.9\.7") as caught:
        joblib.load(tmp_path / "model")
    assert len(caught) == 1


# --- Without the data ---------------------------------------------------------------------------


@estimators
def test_a_model_that_has_forgotten_its_counts_says_the_same_and_holds_no_rows(estimator):
    rows = [[1234567, 7654321], [7654321, 1234567], [4444444, 3333333]]
    model = clone(estimator).fit(rows)
    again = clone(estimator).fit(rows).forget_counts()
    again = pickle.loads(pickle.dumps(again))
    for read in (
        lambda model: model.predict_proba(X),
        lambda model: model.posterior_mean(X),
        lambda model: model.score_samples(X),
        lambda model: model.bic(X),
        lambda model: model.sample(3, n_tosses=5, random_state=0)[0],
        lambda model: str(summary(model, rows)),
    ):
        assert_array_equal(read(again), read(model))
    for value in vars(again).values():
        cells = value.ravel().tolist() if isinstance(value, np.ndarray) else [value]
        assert not set(cells) & {1234567, 7654321, 4444444, 3333333}
    with pytest.raises(ValueError, match=r"forget_counts.*Give n_tosses"):
        again.sample(3)
    before = dict(vars(again))
    with pytest.raises(ValueError, match=r"forget_counts.*Call fit"):
        again.partial_fit(X)
    assert vars(again) == before
    again.fit(X).partial_fit(X).sample(3)


def test_a_model_that_is_not_fitted_has_nothing_to_forget():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        BinomialMixture().forget_counts()


def test_a_warm_start_needs_no_counts():
    model = BinomialMixture(warm_start=True).fit(X)
    expected = pickle.loads(pickle.dumps(model)).fit(X[1:])
    assert_array_equal(model.forget_counts().fit(X[1:]).theta_path_, expected.theta_path_)
