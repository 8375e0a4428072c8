"""What several test files share: the reference results, their real sets, and exact arithmetic."""

import csv
import json
import warnings
from pathlib import Path

import mpmath
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, datasets

DATA = Path(__file__).parent / "data"
REFERENCES = json.loads((DATA / "references.json").read_text(encoding="utf-8"))
LOADERS = {
    "do_batzoglou_2008": datasets.load_do_batzoglou,
    "li_hang_three_coins": datasets.load_li_hang,
    "collins_three_coins": datasets.load_collins,
    "saxony_families12": datasets.load_saxony,
    "geissler_all_sizes": datasets.load_geissler,
    "rat_tumours": datasets.load_rat_tumours,
    "efron_morris_1970": datasets.load_efron_morris,
    "tacks": datasets.load_tacks,
}


def load_set(name):
    """Heads and tails of a set of the references, and the weight of each row or None."""
    if name in LOADERS:
        bunch = LOADERS[name]()
        return bunch.data, bunch.get("sample_weight")
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        next(lines)  # the source
        return np.array([[int(r["heads"]), int(r["tails"])] for r in csv.DictReader(lines)]), None


def in_every_layout(cells):
    """The tosses of these cells (1 heads, 0 tails, NaN not tossed), by layout."""
    heads, tosses = np.nansum(cells, axis=1), np.isfinite(cells).sum(axis=1)
    return {
        "heads_tails": np.column_stack([heads, tosses - heads]),
        "heads_tosses": np.column_stack([heads, tosses]),
        "tosses": cells,
    }


def held(theta, weights=None, X=((1, 0), (0, 1)), **parameters):
    """A fitted mixture of coins that are known and not learned."""
    return BinomialMixture(
        len(theta),
        theta_init=theta,
        weights_init=weights,
        learn_theta=False,
        learn_weights=False,
        **parameters,
    ).fit(X)


def fit_to_the_end(model, X, **fit_params):
    """Fit; that ``max_iter`` may end the climb is what the caller asks for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, **fit_params)


def exact_log_binomial_coefficient(heads, tails):
    heads, tails = mpmath.mpf(heads), mpmath.mpf(tails)
    log_gamma = mpmath.loggamma
    return log_gamma(heads + tails + 1) - log_gamma(heads + 1) - log_gamma(tails + 1)


def exact_joint(theta, weights, heads, tails):
    """``w_k theta_k^h (1 - theta_k)^t`` of each coin, in mpmath's working precision."""
    theta, weights = [mpmath.mpf(p) for p in theta], [mpmath.mpf(w) for w in weights]
    heads, tails = mpmath.mpf(heads), mpmath.mpf(tails)
    return [w * p**heads * (1 - p) ** tails for p, w in zip(theta, weights, strict=True)]


def exact_objective(
    theta,
    weights,
    X,
    sample_weight=None,
    coins=None,
    theta_prior=(1, 1),
    weights_prior=1,
    learn_theta=True,
    learn_weights=True,
):
    """Log-likelihood of all rows, hidden and known, plus the log prior of what is learned.

    Binomial coefficients and the constants of the priors are left out.
    """
    sample_weight = np.ones(len(X)) if sample_weight is None else sample_weight
    coins = np.full(len(X), -1) if coins is None else coins
    total = mpmath.mpf(0)
    for (heads, tails), rows, coin in zip(X, sample_weight, coins, strict=True):
        joint = exact_joint(theta, weights, heads, tails)
        total += mpmath.mpf(rows) * mpmath.log(sum(joint) if coin < 0 else joint[coin])
    learned = np.flatnonzero(np.broadcast_to(learn_theta, len(theta)))
    for a, sides in zip(
        theta_prior, ([theta[k] for k in learned], [1 - theta[k] for k in learned]), strict=True
    ):
        total += sum((a - 1) * mpmath.log(side) for side in sides if a > 1)
    if learn_weights and weights_prior > 1:
        total += sum((weights_prior - 1) * mpmath.log(w) for w in weights)
    return total
