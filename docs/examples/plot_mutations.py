"""
Clusters of mutations
=====================

Which mutations of a tumour are in all of its cells, which in a part of them, and which are errors
of the sequencer? Each site gives two numbers: how many reads cover it, and how many of these show
the variant. The reads of a site are tosses of a coin, and sites of one kind share their coin.
"""

# %%
# **The rows** are sites: reads that show the variant, and depth. That is ``layout="heads_tosses"``.
# They are simulated, so that the truth is known.

import matplotlib.pyplot as plt
import numpy as np

from skcoin import BinomialMixture
from skcoin.inspection import (
    compare_n_components,
    confidence_intervals,
    likelihood_ratio_test,
)
from skcoin.plotting import MixtureDisplay, PosteriorDisplay

# %%
# .. raw:: html
#
#    <details><summary>How the reads are simulated</summary>
#
# Of the cells in the sample 0.8 are of the
# tumour: its purity. A mutation on one of two copies, in a fraction ``f`` of the tumour's cells, is
# on a fraction ``0.8 f / 2`` of the reads. That is 0.40 for 180 mutations that all cells of the
# tumour have, and 0.15 for 80 of a subclone of 0.375 of them. At another 40 sites there is no
# mutation, but one read in a hundred is wrong. Depth varies about 100 by a negative binomial. Sites
# are on the list whether their variant shows in these reads or not, as where they were found in
# another sample; a list of what shows would be a truncated one, which is another model.

PURITY, ERROR_RATE = 0.8, 0.01
FRACTION = np.array([1, 0.375])  # of the tumour's cells
RATE = np.array([*(PURITY * FRACTION / 2), ERROR_RATE])
NAMES = np.array(["clonal", "subclone", "error"])
KIND = np.repeat([0, 1, 2], [180, 80, 40])


def sequence(rng, concentration=np.inf):
    """Variant reads and depth of each site; its rate is its kind's, or varies about that."""
    depth = rng.negative_binomial(10, 10 / (10 + 100), size=len(KIND))
    rate = RATE[KIND]
    if np.isfinite(concentration):
        rate = rng.beta(concentration * rate, concentration * (1 - rate))
    return np.column_stack([rng.binomial(depth, rate), depth])


X = sequence(np.random.default_rng(7))

# %%
# .. raw:: html
#
#    </details>
#
# **The first fit**, of three kinds. Below it is asked whether there are three.

print(X[:4])
model = BinomialMixture(3, layout="heads_tosses").fit(X)
print(f"rates {model.theta_.round(3)}, shares {model.weights_.round(2)}\n")
variant, depth = X.T
print(f"{len(X)} sites, depth {depth.min()} to {depth.max()}, median {np.median(depth):.0f}")

# %%
# **How many kinds?** Three, say BIC and ICL. AIC takes a fourth, for a gain of 2.4 in
# log-likelihood, which is more than the two parameters that it costs, but not by much.

reads = BinomialMixture(layout="heads_tosses")
table = compare_n_components(X, estimator=reads)
columns = ("n_components", "log_likelihood", "aic", "bic", "icl")
print("coins  log-likelihood     aic     bic     icl")
for row in zip(*(table[name] for name in columns), strict=True):
    print("{:5d}  {:14.1f}  {:6.1f}  {:6.1f}  {:6.1f}".format(*row))

# %%
# **Which is which?** The coins come by falling probability, here as clonal, subclone and error.
# Every site is put where its posterior probability is highest, and none is put wrong. Seven are in
# doubt, with less than 0.95 for any coin.

model = BinomialMixture(3, layout="heads_tosses").fit(X)
posterior = model.predict_proba(X)
cluster = posterior.argmax(axis=1)
print(f"put wrong: {np.sum(cluster != KIND)} of {len(X)}\n")
print("variant  depth  P(clonal)  P(subclone)  P(error)  was")
for i in np.flatnonzero(posterior.max(axis=1) < 0.95):
    shares = "  {:9.3f}  {:11.3f}  {:8.3f}".format(*posterior[i])
    print(f"{variant[i]:7d}  {depth[i]:5d}{shares}  {NAMES[KIND[i]]}")

# %%
# On the left all sites, on the right each by itself. The reads of most sites leave no doubt, and
# the rate is pulled all the way to that of a coin. In between the posterior mean weighs two coins,
# and the interval runs from one to the other.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
MixtureDisplay.from_estimator(model, X, bins=30, ax=left)
left.set(xlabel="variant reads / depth", ylabel="sites", ylim=(0, 52))
PosteriorDisplay.from_estimator(model, X, ax=right)
right.set(xlabel="variant reads / depth", ylabel="rate of the site's coin, given its reads")

# %%
# **Fractions of cells.** From the rate of a coin to the fraction of the tumour's cells is a factor,
# ``2 / purity``, for the interval as for the estimate: if the purity is known, and if there are two
# copies everywhere.
#
# Where the error rate is known, from control samples say, that coin can be held: ``learn_theta``
# has one entry per coin. The test does not object to 0.01. With 40 sites of errors the others learn
# little from it.

held = BinomialMixture(
    3, layout="heads_tosses", theta_init=[0.4, 0.2, ERROR_RATE], learn_theta=[True, True, False]
).fit(X)
print("                 error rate  fraction of cells, 95% interval")
for name, fit in (("rate estimated", model), ("rate held", held)):
    intervals = 2 / PURITY * confidence_intervals(fit, X).theta[:2]
    fractions = 2 / PURITY * fit.theta_[:2]
    print(f"{name:15s}  {fit.theta_[2]:10.4f}", end="")
    for fraction, (low, high) in zip(fractions, intervals, strict=True):
        print(f"  {fraction:.3f} ({low:.3f} to {high:.3f})", end="")
    print()
test = likelihood_ratio_test(held, model, X, n_boot=99, random_state=0)
print(f"\nis the error rate 0.01? p-value {test.p_value:.2f}")

# %%
# **Real reads scatter more** than tosses do: the rate varies from site to site with mapping,
# amplification and the number of copies. Here it does so by a beta distribution. The degree of
# scatter is given as how many times its binomial variance a site of depth 100 has. BIC then finds
# kinds that are none, as further coins are the only way in which a mixture of binomials can follow
# the scatter. ICL, which asks for kinds that can be told apart, withstands more of it. And with the
# right number of kinds the intervals of 95% are too short: they hold the two fractions less often.

print("variance  coins by BIC  coins by ICL  put wrong  intervals that hold the fraction")
for concentration in (np.inf, 200, 100):
    chosen, n_wrong, holds = [], [], []
    for seed in range(40):
        scattered = sequence(np.random.default_rng(seed), concentration)
        three = BinomialMixture(3, layout="heads_tosses").fit(scattered)
        n_wrong.append(np.sum(three.predict(scattered) != KIND))
        low, high = confidence_intervals(three, scattered).theta[:2].T
        holds.append((low <= RATE[:2]) & (RATE[:2] <= high))
        if seed < 8:  # the table takes longer
            table = compare_n_components(scattered, estimator=reads)
            chosen.append([table.n_components[table[name].argmin()] for name in ("bic", "icl")])
    least, most = np.min(chosen, axis=0), np.max(chosen, axis=0)
    ranges = "  ".join(f"{a} to {b}".rjust(12) for a, b in zip(least, most, strict=True))
    print(f"{1 + 99 / (1 + concentration):8.1f}  {ranges}  {np.mean(n_wrong):9.1f}", end="")
    print(f"  {np.sum(holds)} of {np.size(holds)}")

if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# So the number of kinds is to be believed only as far as the reads are tosses; controls with known
# variants tell how far that is. Where they are not, a mixture of beta-binomials has a parameter for
# it: :ref:`sphx_glr_gallery_plot_sequencing_reads.py` goes on from here. See also
# :doc:`/guide/overdispersion`.
