"""
Sequencing reads that scatter
=============================

Of each variant in a tumour we know how many reads cover its site and how many of these show it.
Variants come in clusters, but reads of a cluster scatter more than tosses of one coin. How many
clusters are there, and which variants have the highest rates? A mixture of binomials and one of
beta-binomials answer side by side. Needs pandas and narwhals.
"""

# %%
# **The rows** are variants: reads that show it, and depth. That is ``layout="heads_tosses"``. They
# are simulated, so that the truth is known.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcoin import BetaBinomialMixture, BinomialMixture, join_posterior
from skcoin.inspection import compare_n_components, standard_errors
from skcoin.plotting import MixtureDisplay

# %%
# .. raw:: html
#
#    <details><summary>How the reads are simulated</summary>
#
# There are three clusters of rates around
# 0.40, 0.20 and 0.05. The rate of a variant differs from that of its cluster, by mapping,
# amplification and the number of copies, so that two reads of a site have the correlation 0.02.
# That seems little, but at a depth of 100 it triples the variance: ``1 + 99 * 0.02``.

CLUSTER, SHARE, DISPERSION = np.array([0.40, 0.20, 0.05]), [0.5, 0.3, 0.2], 0.02


def sequence(n_variants, random_state):
    """Variant reads and depth of each variant, its true rate and its cluster."""
    rng = np.random.default_rng(random_state)
    cluster = rng.choice(3, size=n_variants, p=SHARE)
    depth = rng.negative_binomial(10, 10 / (10 + 100), size=n_variants)
    a_and_b = 1 / DISPERSION - 1
    rate = rng.beta(a_and_b * CLUSTER[cluster], a_and_b * (1 - CLUSTER[cluster]))
    return np.column_stack([rng.binomial(depth, rate), depth]), rate, cluster


all_reads, rates, clusters = sequence(8000, random_state=0)
X, rate, cluster = all_reads[:2000], rates[:2000], clusters[:2000]

# %%
# .. raw:: html
#
#    </details>
#
# **The first fit**, of three clusters of rates that vary. Whether there are three is asked below.

print(X[:4])
three = BetaBinomialMixture(3, layout="heads_tosses").fit(X)
print(f"rates {three.theta_.round(3)}, shares {three.weights_.round(2)}")
print(f"dispersion {three.dispersion_[0]:.4f}\n")
variant, depth = X.T
print(f"{len(X)} variants, depth {depth.min()} to {depth.max()}, median {np.median(depth):.0f}")

# %%
# **How many clusters?** The mixture of binomials can follow the scatter with further coins only,
# and BIC asks for seven. Coins that vary, with one dispersion for all, need three, and have a lower
# BIC than any number of coins that do not. With four times the variants the binomials ask for more,
# and there is no end to it. The clusters remain three.

alike = BinomialMixture(layout="heads_tosses")
vary = BetaBinomialMixture(layout="heads_tosses")
for reads in (X, all_reads):
    print(f"{len(reads)} variants, BIC of 1, 2, ... components")
    for name, estimator, most in (("binomials", alike, 9), ("beta-binomials", vary, 4)):
        bic = compare_n_components(reads, most, estimator=estimator).bic
        print(f"{name:15s}", *(f"{b:6.0f}" for b in bic), f" lowest: {bic.argmin() + 1}")

# %%
# The mixtures as a whole are alike, so that no picture of the fit would tell which is the wrong
# one. Their parts are not.

seven = BinomialMixture(7, layout="heads_tosses").fit(X)
fig, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained", sharey=True)
for model, title, ax in zip(
    (seven, three), ("coins that are alike", "that vary"), axes, strict=True
):
    MixtureDisplay.from_estimator(model, X, bins=40, ax=ax)
    ax.set(xlabel="variant reads / depth", ylabel="variants", ylim=(0, 190), title=title)

# %%
# **What is known of the clusters.** Given the true number of coins, the mixture of binomials has
# errors of theta that are half as large as they should be, and the first is off by seven of them.

coins = BinomialMixture(3, layout="heads_tosses").fit(X)
print("           binomials               beta-binomials")
print("truth      theta   error  off by   theta   error  off by")
for k, truth in enumerate(CLUSTER):
    print(f"{truth:.2f}   ", end="")
    for model in (coins, three):
        theta, error = model.theta_[k], standard_errors(model, X).theta[k]
        print(f"    {theta:.3f}  {error:.4f}  {(theta - truth) / error:+6.1f}", end="")
    print()
error = standard_errors(three, X).dispersion[0]
print(f"dispersion {three.dispersion_[0]:.4f}, error {error:.4f}, truth {DISPERSION}")

# %%
# Of single variants, about as many are put into a wrong cluster, as the clusters overlap. But the
# binomials are sure of most, by a posterior probability above 0.99, and too often wrong then.

for name, model in (("binomials", coins), ("beta-binomials", three)):
    posterior = model.predict_proba(X)
    sure = posterior.max(axis=1) > 0.99
    wrong = posterior.argmax(axis=1) != cluster
    print(f"{name:14s}  {wrong.mean():.1%} put wrong; sure of {sure.mean():.0%}", end="")
    print(f", of which {wrong[sure].mean():.1%} are wrong")

# %%
# **A ranking with its uncertainty.** Which variants have the highest rates? The highest of the raw
# shares are in part luck. ``join_posterior`` puts the rate given the reads beside each row, which
# is pulled towards those of the clusters, and an interval, which says how far the order is to be
# believed. The true rates behind the 50 highest shares are lower by 0.05; behind the 50 highest
# rates given the reads they are not.

reads = pd.DataFrame({"variant": variant, "depth": depth})
ranked = join_posterior(three, reads, heads="variant", tosses="depth", level=0.95)
ranked = ranked[["variant", "depth", "rate", "rate_low", "rate_high"]]
ranked["share"] = variant / depth
ranked["true"] = rate
ranked = ranked.sort_values("rate", ascending=False)
print(ranked.head(8).round(2).to_string(index=False))

print("\nthe highest 50 by   on average  true rates")
for by in ("share", "rate"):
    highest = ranked.nlargest(50, by)
    print(f"{by:18s}  {highest[by].mean():10.3f}  {highest['true'].mean():10.3f}")

# %%
# The intervals of 95% hold the true rate as often as they say, of all variants and of those that
# were picked because they came out highest. Those of coins run from coin to coin, and are
# often a single point: they say which coin it was, and take its rate for known.

for name, model in (("seven coins", seven), ("three that vary", three)):
    low, high = model.posterior_interval(X).T
    holds = (low <= rate) & (rate <= high)
    top = np.argsort(-model.posterior_mean(X))[:50]
    print(f"{name:15s}  hold {holds.mean():.0%} of all rates, {holds[top].sum()} of the top 50")

fig, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", sharex=True)
for model, title, ax in zip((seven, three), ("seven coins", "three that vary"), axes, strict=True):
    top = np.argsort(-model.posterior_mean(X))[:25][::-1]
    place = np.arange(len(top))
    ax.hlines(place, *model.posterior_interval(X[top]).T, color="#0072B2", linewidth=4, alpha=0.4)
    ax.plot(model.posterior_mean(X[top]), place, "o", color="#0072B2", label="rate given reads")
    ax.plot((variant / depth)[top], place, "|", color="black", label="share of reads")
    ax.plot(rate[top], place, "D", color="#D55E00", markersize=4, label="true rate")
    ax.set(xlabel="rate of the variant", ylabel="the highest 25", yticks=[], title=title)
fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)

if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# **The answer.** There are three clusters, and the variants within each differ. One dispersion for
# all is the model to begin with. A dispersion of each cluster's own is there for controls that show
# it; on few variants it may lay a broad cluster over a narrow one. Where reads do not scatter,
# ``dispersion_`` comes out as 0 and the two mixtures are one;
# :ref:`sphx_glr_gallery_plot_mutations.py` shows what else can be asked of clusters. More is in
# :doc:`/guide/overdispersion`.
