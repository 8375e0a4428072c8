"""Every public way to learn from rows or to read them, in one table and of one signature.

``test_invariance.py`` makes its claims for all of them. What is new in skcoin joins ``CALLS``, or
``EXCEPTIONS`` with the reason why none of the claims is about it; a test sees to that.

Models of several coins in each row are in it only where a data frame can be made for them, as the
rows of the claims are of one coin: see ``test_products.py`` and ``test_inspection_of_products.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from _references import FIVE_SETS
from sklearn.base import clone

from skcoin import (
    BetaBinomialMixture,
    BinomialMixture,
    NonparametricBinomialMixture,
    ProductBinomialMixture,
    ThreeCoinModel,
    count_tosses,
    fit_groups,
    inspection,
    join_posterior,
    model_selection,
    plotting,
)

ESTIMATORS = {
    "one coin": BinomialMixture(1),
    "two coins": BinomialMixture(2),
    "three coins": BinomialMixture(3),
    "ThreeCoinModel": ThreeCoinModel(),
    "by EM": BinomialMixture(2, solver="em"),
    "from quantiles": BinomialMixture(2, init_params="quantile"),
    "from random starts": BinomialMixture(2, init_params="random", n_init=2, random_state=0),
    "from k-means++": BinomialMixture(2, init_params="k-means++", n_init=2, random_state=0),
    "with priors": BinomialMixture(theta_prior=(2, 3), weights_prior=2),
    "with a held coin": BinomialMixture(theta_init=[0.5, 0.2], learn_theta=[False, True]),
    "nonparametric": NonparametricBinomialMixture(),
    "two that vary": BetaBinomialMixture(2, dispersion_type="separate"),
    "two that vary alike": BetaBinomialMixture(2),
}
PLAIN = ("one coin", "two coins", "three coins", "ThreeCoinModel")
ANY_NUMBER = ("nonparametric",)  # of coins, which is learned: no labels, no paths, no errors
VARYING = "two that vary", "two that vary alike"
PARAMETRIC = PLAIN + VARYING
ALL = PARAMETRIC + ANY_NUMBER
EXCEPTIONS = {
    "AllRows": "it reads how many rows there are",
    "IdentifiabilityWarning": "it is a warning",
    "show_versions": "it reads no rows",
    "bivariate_residuals": "it reads several coins in each row: see test_classes.py",
    "ProfileDisplay.from_estimator": "the same: see test_plotting_sets.py",
    "PairsDisplay.from_estimator": "the same",
    "forget_counts": "it reads no rows",
    "Summary": "it is what summary returns, and reads nothing",
    **{
        f"{name}.plot": "it draws again what from_estimator has computed"
        for name in plotting.__all__
    },
}
WEIGHTS, COINS = "sample_weight", "coins"


@dataclass(frozen=True, eq=False)
class Call:
    """A public call, and what the claims have to know of it.

    Attributes
    ----------
    of : str
        The public name that it stands for: a function, a method of the estimators, or a display
        and its method.
    read : callable
        ``read(model, X, **columns)`` returns a dict of what is to be the same. The model is fitted
        to X, but where the call fits by itself: then it is an estimator that may be cloned.
    takes : tuple of str
        Which of the columns ``sample_weight`` and ``coins``.
    variant : str
        What sets it apart from others of the same name.
    fits : bool
        Whether it fits by itself.
    per_row : bool
        Whether each of its arrays has an entry for each row of X, in their order.
    frames : bool
        Whether it reads a data frame, of which other words say what is wrong.
    refuses : str
        How its words begin where the model is of something else; empty if it is given none.
    models : tuple of str
        Those of ESTIMATORS that it takes.
    ways : dict
        What the layouts of counts add to some of its results: by name, a function of the log of
        the binomial coefficient and the weight of each row. None where rows are drawn, so that
        nothing but the sign is known: it is then more than with the order of the tosses.
    """

    of: str
    read: Callable
    takes: tuple = ()
    variant: str = ""
    fits: bool = False
    per_row: bool = False
    frames: bool = False
    refuses: str = ""
    models: tuple = PLAIN
    ways: dict = field(default_factory=dict)

    def __str__(self):
        return f"{self.of} {self.variant}".rstrip()


def mean(log_ways, weights):
    return np.average(log_ways, weights=weights)


def total(factor):
    return lambda log_ways, weights: factor * (weights @ log_ways)


def to_rounding(*names):
    """Results in which the coefficients cancel, but for their rounding."""
    return dict.fromkeys(names, total(0))


# --- estimators ---------------------------------------------------------------------------------


def method(name, *takes, **claims):
    """A method of a fitted model that returns an array or a number."""
    return Call(
        name,
        lambda model, X, **columns: {name: getattr(model, name)(X, **columns)},
        takes,
        models=ALL,
        **claims,
    )


def learn(method):
    """All that ``fit`` or ``partial_fit`` learns, to the last bit."""
    names = "theta_", "weights_", "theta_path_", "weights_path_", "n_components_", "gap_"
    names += "lower_bound_", "lower_bounds_", "n_iter_", "converged_"
    names += "dispersion_", "dispersion_path_"

    def read(estimator, X, **columns):
        model = getattr(clone(estimator), method)(X, **columns)
        return {name: getattr(model, name) for name in names if hasattr(model, name)}

    return read


def fit_predict(estimator, X, **columns):
    return {"labels": clone(estimator).fit_predict(X, **columns)}


def sample(estimator, X, **columns):
    model = clone(estimator).fit(X, **columns)
    rows, coins = model.sample(20, random_state=0)
    return {"coins": coins} | {k: v.to_numpy() for k, v in as_frame(rows, model.layout).items()}


def posterior_mean(model, X):
    return dict(zip(("mean", "std"), model.posterior_mean(X, return_std=True), strict=True))


OF_A_FIT = {
    "fits": True,
    "models": tuple(name for name in ESTIMATORS if name not in ANY_NUMBER),
    "ways": {"lower_bound_": mean, "lower_bounds_": mean},
}
OF_ANY_NUMBER = {"fits": True, "models": ANY_NUMBER, "variant": "of any number"}
METHODS = [
    Call("fit", learn("fit"), (WEIGHTS, COINS), **OF_A_FIT),
    Call("fit", learn("fit"), (WEIGHTS,), **OF_ANY_NUMBER, ways={"lower_bound_": mean}),
    Call("partial_fit", learn("partial_fit"), (WEIGHTS, COINS), **OF_A_FIT),
    Call(
        "partial_fit",
        learn("partial_fit"),
        (WEIGHTS,),
        **OF_ANY_NUMBER,
        ways={"lower_bound_": mean},
    ),
    Call("fit_predict", fit_predict, (WEIGHTS, COINS), fits=True, per_row=True),
    Call("fit_predict", fit_predict, (WEIGHTS,), per_row=True, **OF_ANY_NUMBER),
    Call("sample", sample, (WEIGHTS, COINS), fits=True),
    Call("sample", sample, (WEIGHTS,), **OF_ANY_NUMBER),
    method("predict", per_row=True),
    method("predict_proba", per_row=True),
    method("transform", per_row=True),
    Call("posterior_mean", posterior_mean, per_row=True, models=ALL),
    method("posterior_interval", per_row=True),
    method("score_samples", per_row=True, ways={"score_samples": lambda log_ways, _: log_ways}),
    method("score", WEIGHTS, ways={"score": mean}),
    method("aic", WEIGHTS, ways={"aic": total(-2)}),
    method("bic", WEIGHTS, ways={"bic": total(-2)}),
    method("icl", WEIGHTS, ways={"icl": total(-2)}),
]

# --- functions of a fitted model ----------------------------------------------------------------

KINDS = (
    "BinomialMixture, ThreeCoinModel, BetaBinomialMixture, ProductBinomialMixture or "
    "NonparametricBinomialMixture, but is "
)
NO_MODEL = "model must be a fitted " + KINDS


def inspect(name, *takes, variant="", models=PARAMETRIC, ways=(), **options):
    """A function of ``skcoin.inspection`` that returns numbers by name."""
    function = getattr(inspection, name)

    def read(model, X, **columns):
        return dict(function(model, X, **options, **columns))

    return Call(name, read, takes, variant, refuses=NO_MODEL, models=models, ways=dict(ways))


def other_model(n_components, model, X, sample_weight, kind=BinomialMixture):
    """The other one of a test: fitted to the same rows or, where fit refuses these, to others."""
    other = kind(n_components, layout=getattr(model, "layout", "heads_tails"))
    try:
        return other.fit(X, sample_weight=sample_weight)
    except (TypeError, ValueError, UserWarning):
        return other.fit(FIVE_SETS[other.layout])


def against_more_coins(model, X, sample_weight=None):
    more = other_model(1 + getattr(model, "n_components", 2), model, X, sample_weight)
    options = {"n_boot": 2, "random_state": 0}
    return dict(inspection.likelihood_ratio_test(model, more, X, sample_weight, **options))


def against_coins_that_vary(model, X, sample_weight=None):
    n_coins = getattr(model, "n_components", 2)
    varying = other_model(n_coins, model, X, sample_weight, BetaBinomialMixture)
    options = {"n_boot": 2, "random_state": 0}
    return dict(inspection.likelihood_ratio_test(model, varying, X, sample_weight, **options))


def against_one_coin(model, X, sample_weight=None):
    one = other_model(1, model, X, sample_weight)
    options = {"n_boot": 2, "random_state": 0}
    return dict(inspection.likelihood_ratio_test(one, model, X, sample_weight, **options))


def compare_n_components(estimator, X, sample_weight=None):
    compare = inspection.compare_n_components
    return dict(compare(X, 3, sample_weight=sample_weight, estimator=estimator))


def residuals(model, X):
    """Not those that are drawn, which depend on the place of a row."""
    return {"residuals": inspection.quantile_residuals(model, X, place=0.5)}


def summary(model, X, **columns):
    result = inspection.summary(model, X, **columns)
    facts = dict(result.facts)
    numbers = {
        f"{part} of {name}": getattr(result, part)[name]
        for part in ("estimates", "errors", "intervals")
        for name in result.estimates
    }
    return numbers | {
        "log-likelihood": float(facts.pop("log-likelihood")),
        "less the criteria": [-float(x) for x in facts.pop("AIC, BIC, ICL").split(",")],
        "text": "\n".join([result.title, *result.notes, *map(str, facts.items())]),
    }


def score(name):
    """A scorer, of the rows that the model is fitted to."""
    scorer = getattr(model_selection, name)

    def read(estimator, X, **columns):
        return {"score": scorer(clone(estimator).fit(X, **columns))}

    of_score = {**OF_A_FIT, "ways": {"score": total(2)}}
    return [
        Call(name, read, (WEIGHTS, COINS), **of_score),
        Call(name, read, (WEIGHTS,), **OF_ANY_NUMBER, ways=of_score["ways"]),
    ]


OF_A_TEST = to_rounding("statistic", "null_distribution", "p_value")
FUNCTIONS = [
    *score("aic_scorer"),
    *score("bic_scorer"),
    *score("icl_scorer"),
    inspect("standard_errors", WEIGHTS, COINS),
    inspect("classification_table", WEIGHTS, models=ALL),
    inspect("optimality_gap", WEIGHTS, models=ALL),
    *(
        inspect("confidence_intervals", WEIGHTS, COINS, variant=method, method=method, **options)
        for method, options in {
            "wald": {},
            "profile": {"models": ("two coins", "ThreeCoinModel", "two that vary alike")},  # slow
            "bootstrap": {"n_boot": 4, "random_state": 0},
        }.items()
    ),
    *(
        inspect(
            "bootstrap",
            WEIGHTS,
            COINS,
            variant=variant,
            ways={"log_likelihood": None},
            parametric=variant == "parametric",
            n_boot=3,
            random_state=0,
        )
        for variant in ("parametric", "of rows")
    ),
    *(
        Call(
            "summary",
            summary,
            takes,
            refuses=NO_MODEL,
            models=models,
            ways={"log-likelihood": None, "less the criteria": None},
        )
        for models, takes in ((PARAMETRIC, (WEIGHTS, COINS)), (ANY_NUMBER, (WEIGHTS,)))
    ),
    *(
        inspect("goodness_of_fit", *takes, models=models, n_boot=3, random_state=0)
        for models, takes in ((PLAIN + VARYING, (WEIGHTS, COINS)), (ANY_NUMBER, (WEIGHTS,)))
    ),
    Call("quantile_residuals", residuals, per_row=True, refuses=NO_MODEL, models=ALL),
    Call(
        "likelihood_ratio_test",
        against_more_coins,
        (WEIGHTS,),
        "as null",
        refuses=NO_MODEL.replace("model", "null", 1),
        models=("one coin", "two coins", "ThreeCoinModel"),
        ways=OF_A_TEST,
    ),
    Call(
        "likelihood_ratio_test",
        against_coins_that_vary,
        (WEIGHTS,),
        "against coins that vary",
        refuses=NO_MODEL.replace("model", "null", 1),
        models=("one coin", "two coins"),
        ways=OF_A_TEST,
    ),
    Call(
        "likelihood_ratio_test",
        against_one_coin,
        (WEIGHTS,),
        "as alternative",
        refuses=NO_MODEL.replace("model", "alternative", 1),
        models=("two coins", "three coins", "ThreeCoinModel", *VARYING),
        ways=OF_A_TEST,
    ),
    Call(
        "compare_n_components",
        compare_n_components,
        (WEIGHTS,),
        fits=True,
        refuses="estimator must be a BinomialMixture, BetaBinomialMixture or "
        "ProductBinomialMixture, such as BinomialMixture(), but is ",
        models=("two coins", *VARYING),
        ways={"log_likelihood": total(1)}
        | dict.fromkeys(("aic", "bic", "icl"), total(-2))
        | to_rounding("gap"),
    ),
]

# --- displays -----------------------------------------------------------------------------------


def display(name, *takes, models=PARAMETRIC, ways=(), **options):
    """What a display keeps, without artists."""
    kind = getattr(plotting, name)

    def read(model, X, **columns):
        drawn = kind.from_estimator(model, X, **columns, **options)
        plt.close(drawn.figure_)
        kept = {name: value for name, value in vars(drawn).items() if not name.endswith("_")}
        return kept | kept.pop("gaps", {})

    call = f"{name}.from_estimator"
    return Call(call, read, takes, refuses=NO_MODEL, models=models, ways=dict(ways))


BOUND = dict.fromkeys(("objective", "path_objective", "bounds"), total(1))
DISPLAYS = [
    display("ConvergenceDisplay", WEIGHTS, COINS),
    display("GradientDisplay", WEIGHTS, models=ALL),
    display("LowerBoundDisplay", WEIGHTS, COINS, ways=BOUND),
    display("MixtureDisplay", WEIGHTS, models=ALL),
    display("PosteriorDisplay", WEIGHTS, models=ALL),
    display("ResidualDisplay", WEIGHTS, models=ALL, n_boot=3, random_state=0),
    display("RootogramDisplay", WEIGHTS, models=ALL),
]

# --- data frames --------------------------------------------------------------------------------


def as_frame(X, layout):
    """Heads and tails of each row."""
    X = np.asarray(X)
    if layout == "tosses":
        cells = X.astype(float)
        heads, tails = (cells == 1).sum(axis=1), (cells == 0).sum(axis=1)
    else:
        heads, tails = X[:, 0], X[:, 1] - (X[:, 0] if layout == "heads_tosses" else 0)
    return pd.DataFrame({"heads": heads, "tails": tails})


def count(model, X, sample_weight=None):
    frame = as_frame(X, model.layout).assign(w=1 if sample_weight is None else sample_weight)
    table = count_tosses(frame, "heads", "tails", weight="w")
    return {name: table[name].to_numpy(dtype=float) for name in table}


def join(model, X):
    frame = as_frame(X, getattr(model, "layout", "heads_tails"))
    table = join_posterior(model, frame, "heads", "tails")
    return {name: table[name].to_numpy() for name in table if name not in frame}


def group(estimator, X, sample_weight=None):
    """The fit of all rows as one group, beside another one."""
    frame = as_frame(X, getattr(estimator, "layout", "heads_tails"))
    rows = 1.0 if sample_weight is None else np.asarray(sample_weight, dtype=float)
    others = pd.DataFrame({"heads": [1, 7, 6], "tails": [8, 1, 3], "rows": 2.0, "group": 1})
    table = pd.concat([frame.assign(rows=rows, group=0), others])
    fits = fit_groups(estimator, table, by="group")
    return {name: fits[name].to_numpy()[:1] for name in fits}


PAIRS = ["heads", "left"], ["tails", "right"]


def as_sets(X, layout="heads_tails"):
    """The same beside another coin, which shows the other side."""
    frame = as_frame(X, layout)
    return frame.assign(left=frame["tails"], right=frame["heads"])


def count_sets(model, X, sample_weight=None):
    frame = as_sets(X, model.layout).assign(w=1 if sample_weight is None else sample_weight)
    table = count_tosses(frame, *PAIRS, weight="w")
    return {name: table[name].to_numpy(dtype=float) for name in table}


@cache
def two_classes():
    return ProductBinomialMixture().fit(as_sets(FIVE_SETS["heads_tails"]))


def join_sets(estimator, X):
    frame = as_sets(X, estimator.layout)
    table = join_posterior(two_classes(), frame, *PAIRS, level=0.9)
    return {name: table[name].to_numpy() for name in table if name not in frame}


def group_sets(estimator, X, sample_weight=None):
    frame = as_sets(X, estimator.layout)
    rows = 1.0 if sample_weight is None else np.asarray(sample_weight, dtype=float)
    others = as_sets([[1, 8], [7, 1], [6, 3]]).assign(w=2.0, group=1)
    frame = pd.concat([frame.assign(w=rows, group=0), others])
    table = count_tosses(frame, *PAIRS, weight="w", by="group")
    fits = fit_groups(ProductBinomialMixture(), table, by="group")
    return {name: fits[name].to_numpy()[:2] for name in fits}


OF_SETS = {"variant": "of several coins", "fits": True, "frames": True, "models": ("two coins",)}
FRAMES = [
    Call("count_tosses", count, (WEIGHTS,), fits=True, frames=True, models=("two coins",)),
    Call("join_posterior", join, per_row=True, frames=True, refuses=NO_MODEL, models=ALL),
    Call(
        "fit_groups",
        group,
        (WEIGHTS,),
        fits=True,
        frames=True,
        refuses="estimator must be a " + KINDS,
        models=PARAMETRIC,
        ways={"log_likelihood": total(1), "bic": total(-2)},
    ),
    Call("count_tosses", count_sets, (WEIGHTS,), **OF_SETS),
    Call("join_posterior", join_sets, per_row=True, **OF_SETS),
    Call("fit_groups", group_sets, (WEIGHTS,), **OF_SETS),
]

CALLS = [*METHODS, *FUNCTIONS, *DISPLAYS, *FRAMES]
