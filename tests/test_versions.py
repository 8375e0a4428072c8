"""What one version has pickled, another reads only if it can, and says so."""

import pickle
import warnings

import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

import skcoin
from skcoin import BinomialMixture, ThreeCoinModel

X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
estimators = pytest.mark.parametrize("estimator", [BinomialMixture(), ThreeCoinModel()])


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
