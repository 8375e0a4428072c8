"""The coins are at home in scikit-learn: its checks, its searches, its pipelines, its formats."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import skops.io
from _assertions import assert_same_fit
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, check_param_validation
from sklearn.utils.fixes import parse_version

from skcoin import BinomialMixture, ThreeCoinModel

ESTIMATORS = [BinomialMixture, ThreeCoinModel]
INITS = ["auto", "quantile", "random", "k-means++"]
BOTH = [
    {},
    {"solver": "em"},
    {"solver": "em", "theta_prior": (2, 3), "weights_prior": 2},
    {"theta_prior": (2, 3), "weights_prior": 2.5},
    {"warm_start": True},
    {"tol": 0, "max_iter": 50},
    *({"init_params": init_params, "n_init": 3} for init_params in INITS),
]
# scikit-learn's checks set n_components=1 where there is one, so that starts are given for one.
MIXTURE = [
    {"learn_weights": False},
    {"n_components": 1},
    {"n_components": 3},
    {"n_components": 3, "solver": "em"},
    {"n_components": 3, "learn_weights": False, "init_params": "k-means++"},
    {"n_components": 1, "theta_init": [0.4], "weights_init": [1.0]},
    {"n_components": 1, "theta_init": [0.4], "learn_theta": False, "learn_weights": False},
    {"n_components": 1, "theta_init": np.array([0.4]), "learn_theta": [True], "solver": "em"},
]
THREE_COINS = [
    {"pi_init": 0.3, "p_init": 0.3, "q_init": 0.6},
    {"pi_init": 0.3, "p_init": 0.3, "q_init": 0.6, "solver": "em"},
    {"q_init": 0.6},
]
CONFIGURED = [
    *(estimator(random_state=0, **given) for estimator in ESTIMATORS for given in BOTH),
    *(BinomialMixture(**given) for given in MIXTURE),
    *(ThreeCoinModel(**given) for given in THREE_COINS),
]
# There are fifty checks of each.
CHECKED = [
    model if i == 1 or i % 5 == 0 else pytest.param(model, marks=pytest.mark.slow)
    for i, model in enumerate(CONFIGURED)
]

# An invalid value for every parameter, by type or by range.
INVALID = {
    "n_components": [0, -1, 1.5, "2", None],
    "layout": ["tails_heads", None, 0],
    "theta_init": [0.5, "random", [0.5], [0.5, 2], [0.5, np.inf]],
    "weights_init": [0.5, "uniform", [1], [0.5, 0.6], [-1, 2]],
    "learn_theta": [None, "yes", 2, [True], [0, 1]],
    "learn_weights": [None, "yes", [True, False], 2],
    "pi_init": [-0.1, 1.1, "a", np.nan, [0.5]],
    "p_init": [-0.1, 1.1, "a", np.nan, [0.5]],
    "q_init": [-0.1, 1.1, "a", np.nan, [0.5]],
    "theta_prior": [1, None, (1,), (0.5, 1), (1, np.inf)],
    "weights_prior": [0.99, np.inf, None, "1", [1, 1]],
    "init_params": ["kmeans", None, 0],
    "n_init": [0, 1.5, None, "1"],
    "solver": ["newton", None, 0],
    "tol": [-1e-9, np.inf, np.nan, None, "small"],
    "max_iter": [0, 1.5, np.inf, None, "100"],
    "warm_start": [None, "no", 2],
    "random_state": [-1, 0.5, "seed", np.random.default_rng(0)],
    "verbose": [-1, 0.5, None, "much"],
}

GRIDS = {
    "n_components": {"n_components": [1, 2, 3]},
    "init_params": {"init_params": INITS, "random_state": [0, 1]},
    "theta_init": {"theta_init": [[0.6, 0.5], [0.9, 0.1], (0.2, 0.8), None]},
    "theta_init arrays": {"theta_init": [np.array([0.6, 0.5]), np.array([0.9, 0.1])]},
    "coins and their starts": [
        {"n_components": [2], "theta_init": [[0.6, 0.5]]},
        {"n_components": [3], "theta_init": [[0.8, 0.5, 0.2]]},
    ],
    "random_state": {"init_params": ["random"], "random_state": [0, 1, 2]},
    "priors": {"theta_prior": [(1, 1), (2, 2), [5, 3]], "weights_prior": [1, 1.5, 10]},
    "what is held": {
        "theta_init": [[0.7, 0.4]],
        "learn_theta": [True, [False, True], np.array([True, False])],
        "learn_weights": [True, False],
    },
    "solver": {"solver": ["em", "em-newton"], "tol": [1e-6, 1e-2]},
}


@pytest.fixture(scope="module")
def tosses():
    rng = np.random.default_rng(0)
    heads = rng.binomial(20, rng.choice([0.3, 0.7], p=[0.4, 0.6], size=120))
    return np.column_stack([heads, 20 - heads])


@pytest.fixture(scope="module")
def weights():
    return np.random.default_rng(1).integers(1, 5, size=120)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def in_one_line(model):
    return " ".join(repr(model).split())


def routed(model):
    return model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)


# --- checks -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("estimator", CHECKED, ids=in_one_line)
@pytest.mark.filterwarnings("ignore")  # of random tables: one toss a row, few iterations
def test_scikit_learns_checks_pass_without_exceptions(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    status = [result["status"] for result in results]
    unhappy = [
        (r["check_name"], r["exception"]) for r in results if r["status"] in ("failed", "xfail")
    ]
    assert unhappy == []
    assert status.count("passed") >= 45


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_parameter_is_validated_as_scikit_learn_validates_its_own(estimator):
    check_param_validation(estimator.__name__, estimator())


@pytest.mark.parametrize(
    ("estimator", "name", "value"),
    [
        (estimator, name, value)
        for estimator in ESTIMATORS
        for name in estimator().get_params()
        for value in INVALID[name]
    ],
    ids=lambda x: x.__name__ if isinstance(x, type) else repr(x)[:12],
)
def test_an_invalid_parameter_is_refused_by_name(estimator, name, value, tosses):
    given = {"theta_init": [0.6, 0.5]} if name == "learn_theta" else {}
    with pytest.raises(ValueError, match=name):
        estimator(**given, **{name: value}).fit(tosses)


# --- parameters ---------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_constructor_stores_and_does_nothing_else(estimator):
    given = {name: object() for name in estimator().get_params()}
    model = estimator(**given)
    assert vars(model) == given  # objects are equal to themselves alone


@pytest.mark.parametrize(
    "model",
    [
        BinomialMixture(theta_init=[0.6, 0.5], weights_init=(0.3, 0.7), learn_theta=[True, False]),
        BinomialMixture(theta_init=np.array([0.6, 0.5]), weights_init=np.array([0.3, 0.7])),
        BinomialMixture(3, init_params="k-means++", n_init=3, random_state=0, theta_prior=[2, 2]),
        BinomialMixture(warm_start=True, random_state=np.random.RandomState(0)),
        ThreeCoinModel(pi_init=0.3, p_init=0.3, q_init=0.6, theta_prior=np.array([2, 2])),
        ThreeCoinModel(init_params="random", n_init=2, random_state=0),
    ],
)
def test_fit_reads_parameters_and_never_writes_them(model, tosses, weights):
    model = clone(model)
    given, copied = model.get_params(), clone(model).get_params()
    model.fit(tosses, sample_weight=weights).fit(tosses[:50])
    assert all(value is given[name] for name, value in model.get_params().items())
    for name in set(given) - {"random_state"}:  # a RandomState moves on, as it should
        np.testing.assert_array_equal(given[name], copied[name])


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("init_params", INITS)
def test_fit_twice_gives_the_same(init_params, estimator, tosses, weights):
    model = estimator(init_params=init_params, n_init=2, random_state=3)
    once = clone(model).fit(tosses, sample_weight=weights)
    assert_same_fit(model.fit(tosses[:30]).fit(tosses, sample_weight=weights), once)


def test_inputs_are_never_written(tosses, weights):
    X, sample_weight, coins = tosses.astype(float), weights.astype(float), np.full(120, -1.0)
    theta_init, weights_init = np.array([0.6, 0.5]), np.array([0.3, 0.7])
    arrays = X, sample_weight, coins, theta_init, weights_init
    before = [array.copy() for array in arrays]
    model = BinomialMixture(theta_init=theta_init, weights_init=weights_init)
    model.fit(X, sample_weight=sample_weight, coins=coins)
    model.predict_proba(X)
    model.bic(X, sample_weight)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("n_components", [1, 3])
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "transform", "score_samples", "aic"]
)
def test_a_parameter_set_after_the_fit_waits_for_the_next(method, n_components, tosses):
    model = BinomialMixture().fit(tosses)
    expected = getattr(model, method)(tosses)
    model.set_params(n_components=n_components)
    np.testing.assert_array_equal(getattr(model, method)(tosses), expected)


@pytest.mark.parametrize("estimator", CONFIGURED, ids=in_one_line)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_clone_fits_the_same(estimator, tosses):
    model = clone(estimator).set_params(random_state=0)
    assert repr(clone(model)) == repr(model)
    assert_same_fit(clone(model).fit(tosses), model.fit(tosses))


# --- searches -----------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_a_grid_search_is_the_fits_by_hand(grid, tosses):
    search = GridSearchCV(BinomialMixture(), grid, cv=3, error_score="raise").fit(tosses)
    by_hand = [
        cross_val_score(BinomialMixture(**given), tosses, cv=3).mean()
        for given in ParameterGrid(grid)
    ]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], by_hand)
    assert_same_fit(search.best_estimator_, BinomialMixture(**search.best_params_).fit(tosses))


def test_a_grid_search_over_starts_works_for_three_coins(tosses):
    grid = {"pi_init": [0.3, 0.5, None], "p_init": [0.2, 0.9], "q_init": [0.4]}
    search = GridSearchCV(ThreeCoinModel(), grid, cv=3, error_score="raise").fit(tosses)
    by_hand = [
        cross_val_score(ThreeCoinModel(**given), tosses, cv=3).mean()
        for given in ParameterGrid(grid)
    ]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], by_hand)


def test_a_grid_search_finds_the_number_of_coins(tosses):
    search = GridSearchCV(BinomialMixture(), {"n_components": [1, 2]}, cv=5).fit(tosses)
    assert search.best_params_ == {"n_components": 2}


def test_a_grid_search_leaves_the_saddle(tosses):
    starts = [[0.5, 0.5], [0.6, 0.5]]  # coins that start equal stay equal under EM
    search = GridSearchCV(BinomialMixture(solver="em"), {"theta_init": starts}, cv=5).fit(tosses)
    assert search.best_params_ == {"theta_init": [0.6, 0.5]}


def test_a_grid_search_finds_a_prior_that_keeps_a_row_possible():
    # Each training set shows one coin of the two sides only: theta is 7 / 12 or 5 / 12 without a
    # prior, further from what is left out than the prior's one half.
    X, grid = [[3, 1], [1, 3]] * 2, {"theta_prior": [(1, 1), (100, 100)]}
    search = GridSearchCV(BinomialMixture(1), grid, cv=KFold(4)).fit(X)
    assert search.best_params_ == {"theta_prior": (100, 100)}


@pytest.mark.slow
def test_two_processes_find_what_one_finds(tosses):
    one, two = (
        GridSearchCV(BinomialMixture(random_state=0), GRIDS["init_params"], cv=3, n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    assert_same_fit(one.fit(tosses).best_estimator_, two.fit(tosses).best_estimator_)
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])


def test_weights_reach_the_fits_of_a_search(tosses, weights):
    search = GridSearchCV(BinomialMixture(), {"n_components": [2]}, cv=3)
    search.fit(tosses, sample_weight=weights)
    assert_same_fit(search.best_estimator_, BinomialMixture().fit(tosses, sample_weight=weights))


# --- pipelines ----------------------------------------------------------------------------------


def test_a_mixture_ends_a_pipeline(tosses, weights):
    # Data that come as heads and all tosses, with a column to drop.
    X = np.column_stack([np.arange(120), tosses[:, 0], tosses.sum(axis=1)])
    pipeline = Pipeline(
        [
            ("select", FunctionTransformer(lambda X: X[:, 1:])),
            ("coins", BinomialMixture(layout="heads_tosses")),
        ]
    )
    expected = BinomialMixture().fit(tosses, sample_weight=weights)
    pipeline.fit(X, coins__sample_weight=weights)
    assert_same_fit(pipeline["coins"], expected)
    np.testing.assert_array_equal(pipeline.predict(X), expected.predict(tosses))
    assert pipeline.score(X) == expected.score(tosses)
    search = GridSearchCV(pipeline, {"coins__n_components": [1, 2]}, cv=3).fit(X)
    assert search.best_params_ == {"coins__n_components": 2}


def test_a_mixture_stands_inside_a_pipeline(tosses):
    y = tosses[:, 0] > 10
    pipeline = make_pipeline(BinomialMixture(random_state=0), LogisticRegression())
    # Which coin it is tells nearly all of whether heads prevail.
    assert cross_val_score(pipeline, tosses, y, cv=3).min() > 0.9
    grid = {"binomialmixture__n_components": [1, 2], "logisticregression__C": [0.1, 1]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(tosses, y)
    assert search.best_params_["binomialmixture__n_components"] == 2


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_transform_is_the_posterior(estimator, tosses, weights):
    model = estimator().fit(tosses, sample_weight=weights)
    posterior = model.predict_proba(tosses)
    np.testing.assert_array_equal(model.transform(tosses), posterior)
    again = clone(model).fit_transform(tosses, sample_weight=weights)
    np.testing.assert_array_equal(again, posterior)
    np.testing.assert_array_equal(model.predict(tosses), posterior.argmax(axis=1))
    labels = clone(model).fit_predict(tosses, sample_weight=weights)
    np.testing.assert_array_equal(labels, model.predict(tosses))


@pytest.mark.parametrize("n_components", [1, 2, 3])
@pytest.mark.parametrize(("output", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output_gives_frames_with_names(output, frame, n_components, tosses):
    model = BinomialMixture(n_components).fit(tosses)
    posterior = model.transform(tosses)
    table = model.set_output(transform=output).transform(tosses)
    assert isinstance(table, frame)
    assert list(table.columns) == [f"binomialmixture{k}" for k in range(n_components)]
    assert list(table.columns) == list(model.get_feature_names_out())
    np.testing.assert_array_equal(table.to_numpy(), posterior)


def test_set_output_keeps_the_index_of_a_frame(tosses):
    X = pd.DataFrame(tosses, columns=["heads", "tails"], index=np.arange(120) * 2)
    table = ThreeCoinModel().set_output(transform="pandas").fit_transform(X)
    assert list(table.columns) == ["threecoinmodel0", "threecoinmodel1"]
    pd.testing.assert_index_equal(table.index, X.index)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_feature_names_are_learned_and_compared(frame, estimator, tosses):
    X = frame({"heads": tosses[:, 0], "tails": tosses[:, 1]})
    if not hasattr(StandardScaler().fit(X), "feature_names_in_"):
        pytest.skip("this scikit-learn reads no names from frames of this library's release")
    model = estimator().fit(X)
    assert model.feature_names_in_.tolist() == ["heads", "tails"]
    assert model.n_features_in_ == 2
    model.predict(X)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        model.predict(X[["tails", "heads"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(tosses)
    assert not hasattr(model.fit(tosses), "feature_names_in_")


# --- metadata routing ---------------------------------------------------------------------------


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_weights_are_routed_through_a_grid_search(grid, tosses, weights):
    search = GridSearchCV(routed(BinomialMixture()), grid, cv=3, error_score="raise")
    search.fit(tosses, sample_weight=weights)
    by_hand = [weighted_scores(given, tosses, weights) for given in ParameterGrid(grid)]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], np.mean(by_hand, axis=1))
    expected = BinomialMixture(**search.best_params_).fit(tosses, sample_weight=weights)
    assert_same_fit(search.best_estimator_, expected)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_weights_are_routed_through_cross_validation(n_jobs, tosses, weights):
    params = {"sample_weight": weights}
    scores = cross_val_score(routed(BinomialMixture()), tosses, cv=3, params=params, n_jobs=n_jobs)
    np.testing.assert_array_equal(scores, weighted_scores({}, tosses, weights))


@pytest.mark.usefixtures("routing")
@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7"),
    reason="scikit-learn 1.6 routes no weights to the score of any pipeline",
)
def test_weights_are_routed_through_cross_validation_of_a_pipeline(tosses, weights):
    pipeline = make_pipeline(FunctionTransformer(), routed(BinomialMixture()))
    scores = cross_val_score(pipeline, tosses, cv=3, params={"sample_weight": weights})
    np.testing.assert_array_equal(scores, weighted_scores({}, tosses, weights))


def weighted_scores(given, X, weights):
    scores = []
    for train, test in KFold(3).split(X):
        model = BinomialMixture(**given).fit(X[train], sample_weight=weights[train])
        scores.append(model.score(X[test], sample_weight=weights[test]))
    return scores


@pytest.mark.usefixtures("routing")
def test_weights_and_coins_are_routed_through_a_pipeline(tosses, weights):
    coins = np.where(np.arange(120) % 3 == 0, tosses[:, 0] < 10, -1)
    model = BinomialMixture().set_fit_request(sample_weight=True, coins=True)
    pipeline = make_pipeline(FunctionTransformer(), model)
    pipeline.fit(tosses, sample_weight=weights, coins=coins)
    expected = BinomialMixture().fit(tosses, sample_weight=weights, coins=coins)
    assert_same_fit(pipeline[-1], expected)


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_to_a_mixture_inside_a_pipeline(tosses, weights):
    model = BinomialMixture().set_fit_request(sample_weight=True)
    classifier = LogisticRegression().set_fit_request(sample_weight=False)
    pipeline = make_pipeline(model, classifier)
    pipeline.fit(tosses, tosses[:, 0] > 10, sample_weight=weights)
    assert_same_fit(pipeline[0], BinomialMixture().fit(tosses, sample_weight=weights))


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_metadata_that_nobody_asked_for_is_refused(estimator, tosses, weights):
    with pytest.raises(ValueError, match="sample_weight"):
        make_pipeline(estimator()).fit(tosses, sample_weight=weights)


# --- tags, repr, storage ------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("layout", ["heads_tails", "heads_tosses", "tosses"])
def test_tags_say_what_is_read(layout, estimator):
    tags = get_tags(estimator(layout=layout))
    assert tags.input_tags.positive_only
    assert tags.input_tags.allow_nan == (layout == "tosses")
    assert not tags.input_tags.sparse
    assert tags.transformer_tags is not None
    assert tags.estimator_type == "density_estimator"


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_html_repr_names_the_estimator(estimator, tosses):
    for model in (estimator(), estimator().fit(tosses), make_pipeline(estimator())):
        assert estimator.__name__ in model._repr_html_()


def test_the_repr_shows_what_differs_from_the_default():
    assert repr(BinomialMixture(3, solver="em")) == "BinomialMixture(n_components=3, solver='em')"


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


def through_skops(model):
    data = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith("skcoin.") for name in trusted), trusted
    return skops.io.loads(data, trusted=trusted)


@pytest.mark.parametrize("through", [through_pickle, through_skops])
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("layout", ["heads_tails", "tosses"])
def test_a_stored_model_is_the_model(layout, estimator, through, tosses):
    X = tosses if layout == "heads_tails" else (np.arange(20) < tosses[:, :1]).astype(float)
    model = estimator(layout=layout, theta_prior=(2, 2), random_state=0).fit(X)
    stored = through(model)
    assert stored.get_params() == model.get_params()
    assert_same_fit(stored, model)
    np.testing.assert_array_equal(stored.predict_proba(X), model.predict_proba(X))
    for ours, theirs in zip(model.sample(5), stored.sample(5), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert_same_fit(stored.fit(X), model)
