"""
What is a label worth?
======================

Sometimes it is known of a few rows which coin was tossed: a referee looked, a patient was examined,
a sample was sequenced again. ``fit(X, coins=coins)`` takes such labels, with -1 for the rows whose
coin is hidden. What do a few of them add to the many that are hidden, and the other way round?
"""

# %%
# **Three cases**, each of 2,000 rows. Ten tosses of coins that are easy to tell apart, 0.8 and 0.3;
# ten tosses of coins that are hard to tell apart, 0.6 and 0.45; and one toss of the easy coins. Of
# five rows two show the first coin, on average. The labels go to rows at random: labelled rows
# count for the weights like all others, and if, say, only rows of the first coin were labelled, the
# weights would be wrong.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binom

from skcoin import BinomialMixture, IdentifiabilityWarning
from skcoin.inspection import standard_errors

N_ROWS, WEIGHTS = 2000, np.array([0.4, 0.6])
N_LABELS = [0, 10, 20, 50, 100, 200, 500, 1000, 2000]
CASES = {
    "easy, ten tosses": ([0.8, 0.3], 10),
    "hard, ten tosses": ([0.6, 0.45], 10),
    "easy, one toss": ([0.8, 0.3], 1),
}


def simulate(theta, n_tosses, seed=0):
    truth = BinomialMixture(
        theta_init=theta, weights_init=WEIGHTS, learn_theta=False, learn_weights=False
    )
    return truth.fit([[1, 1]]).sample(N_ROWS, n_tosses=n_tosses, random_state=seed)


def fit(X, coins):
    """Coins and their standard errors, NaN where the rows cannot tell the coins apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifiabilityWarning)
        model = BinomialMixture().fit(X, coins=coins)
        return model, standard_errors(model, X, coins=coins).theta


# %%
# **More and more labels.** The first so many rows are labelled; ``error`` is the standard error of
# the first coin's theta. :func:`skcoin.inspection.standard_errors` must be told the labels as well,
# since they are part of what was observed. ``alone`` is the standard error if the hidden rows are
# thrown away.

errors = {}
for name, (theta, n_tosses) in CASES.items():
    X, coins = simulate(theta, n_tosses)
    print(f"\n{name}\nlabels  thetas        weight   error   alone")
    errors[name] = []
    for n_labels in N_LABELS:
        known = np.where(np.arange(N_ROWS) < n_labels, coins, -1)
        model, error = fit(X, known)
        _, alone = fit(X[:n_labels], coins[:n_labels]) if n_labels else (None, [np.nan])
        errors[name].append((error[0], alone[0]))
        a, b = model.theta_
        print(
            f"{n_labels:6d}  {a:.3f} {b:.3f}  {model.weights_[0]:7.3f}  "
            f"{error[0]:6.4f}  {alone[0]:6.4f}"
        )

# %%
# **Easy coins need no labels.** Their rows give themselves away: a hundred labels bring the error
# from 0.0056 to 0.0055. What they do give is names. Without labels the coins come by falling theta;
# with labels, coin 0 is what was labelled 0.
#
# **Hard coins gain much.** A hundred labels, one row in twenty, bring the error from 0.033 to
# 0.011. And the hidden rows are not idle: without them a hundred labels leave an error of 0.024.
# Labels tell which coin is which and how often it is picked, and the hidden rows, once they know
# that, tell the thetas.
#
# **Single tosses** tell nothing of the coins without labels, only how many are heads. The thetas in
# the first line are one of endlessly many answers; there is no standard error, and the model warns.
# With ten or twenty labels, all labelled tosses of coin 0 are heads; its theta ends at 1 and has no
# standard error. From fifty labels on there is one. The labels do the work here: at a hundred, the
# 1,900 hidden tosses bring the error from 0.0511 to 0.0502.

# %%
# **A hidden row in labelled rows.** The squared standard error falls with the number of rows. Its
# ratio between all rows labelled and none labelled is therefore how many labelled rows a hidden row
# is worth, as far as the first coin is concerned.

for name, pairs in errors.items():
    worth = (pairs[-1][0] / pairs[0][0]) ** 2
    print(f"{name}: {'nothing by itself' if np.isnan(worth) else format(worth, '.3f')}")

# %%
# **Which coin was it?** One simulated set is subject to chance, so we take thirty of the hard
# coins. ``right`` is the probability that ``predict`` tells the coin of a new row, as a mean over
# the sets, and ``least`` that of the worst set. Nobody can do better than 0.696, not even one who
# knows the coins. Without labels the worst set does worse than to name the more frequent coin each
# time, which is right in 0.6; with a hundred labels none is far from the best. ``spread`` is how
# far the estimates of the first theta are from the truth, as a root mean square. It is about as
# large as ``error``, the median standard error, says.

theta, n_tosses = CASES["hard, ten tosses"]
heads = np.arange(n_tosses + 1)
chance = WEIGHTS[:, None] * binom.pmf(heads, n_tosses, np.reshape(theta, (-1, 1)))
print(f"\nat best {chance.max(axis=0).sum():.3f} are right")
print("labels  spread   error   right   least")
for n_labels in (0, 20, 100, 500, 2000):
    found, error, right = [], [], []
    for seed in range(30):
        X, coins = simulate(theta, n_tosses, seed)
        known = np.where(np.arange(N_ROWS) < n_labels, coins, -1)
        model, errors_of_theta = fit(X, known)
        found.append(model.theta_[0])
        error.append(errors_of_theta[0])
        told = model.predict(np.column_stack([heads, n_tosses - heads]))
        right.append(chance[told, heads].sum())
    spread = np.sqrt(np.mean((np.array(found) - theta[0]) ** 2))
    print(
        f"{n_labels:6d}  {spread:.4f}  {np.median(error):.4f}  "
        f"{np.mean(right):6.3f}  {np.min(right):6.3f}"
    )

# %%
# The errors of the first part as a picture: with the hidden rows (full), without them (hollow), and
# without labels (dotted line). Where the curves are far apart the hidden rows help; where the full
# one is flat, labels do not.

fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.8), sharex=True, sharey=True, layout="constrained")
for ax, (name, pairs) in zip(axes, errors.items(), strict=True):
    both, alone = np.transpose(pairs)
    ax.plot(
        N_LABELS[1:],
        alone[1:],
        "s-.",
        color="#D55E00",
        markerfacecolor="white",
        label="labelled rows alone",
    )
    ax.plot(N_LABELS[1:], both[1:], "o-", color="#0072B2", label="with the hidden rows")
    ax.axhline(both[0], color="black", linestyle=":", label="hidden rows alone")
    ax.set(title=name, xscale="log", yscale="log", xlabel="labelled rows of 2,000")
axes[0].set_ylabel(r"standard error of $\theta_0$")
axes[1].legend()
if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# Labels are one kind of knowledge; others are coins that are known, weights that are held and
# priors, in the guide, :doc:`/guide/knowledge`. How many tosses a row needs without any is in
# :doc:`/guide/identifiability`, and an example in which one toss a row is not enough is
# :ref:`sphx_glr_gallery_plot_three_coins.py`.
