"""
Clones in three regions of a tumour
===================================

A tumour was sequenced in three regions. Mutations that came up in the same cells, a clone, have the
same rates of variant reads, region by region. How many clones are there, which mutations are of
which, and how far can that be trusted?
"""

# %%
# **What it takes** is a model of several coins a row, and two pictures.

import matplotlib.pyplot as plt
import numpy as np

from skcoin import ProductBinomialMixture
from skcoin.inspection import bivariate_residuals, classification_table
from skcoin.plotting import PairsDisplay, ProfileDisplay

# %%
# .. raw:: html
#
#    <details><summary>How the reads are simulated</summary>
#
# Three clones: one that all cells have, one that is nearly missing in the second region, one that
# is not in the first. Depth varies about 90 by a negative binomial. The rate of a mutation varies
# about that of its clone, so that two reads of a site have the correlation 0.01.

RATES = np.array([[0.42, 0.42, 0.42], [0.30, 0.05, 0.22], [0.01, 0.25, 0.12]])
SHARES, DISPERSION = [0.5, 0.3, 0.2], 0.01
REGIONS = ["region 1", "region 2", "region 3"]


def sequence(n_mutations, rng):
    """Variant reads and depth, region by region, and the clone of each mutation."""
    clone = rng.choice(3, size=n_mutations, p=SHARES)
    depth = rng.negative_binomial(12, 12 / (12 + 90), size=(n_mutations, 3))
    a_and_b = 1 / DISPERSION - 1
    rate = rng.beta(a_and_b * RATES[clone], a_and_b * (1 - RATES[clone]))
    variant = rng.binomial(depth, rate)
    return np.stack([variant, depth], axis=2).reshape(n_mutations, 6), clone


X, clone = sequence(300, np.random.default_rng(0))

# %%
# .. raw:: html
#
#    </details>
#
# **The rows** have a pair of columns for each region: variant reads and depth. That is
# ``layout="heads_tosses"``. ``dispersion_type="tied"`` says that rates vary within a clone, by one
# number for all.

print(X[:4])
model = ProductBinomialMixture(
    3, layout="heads_tosses", dispersion_type="tied", init_params="quantile"
).fit(X)
print(f"\nclones of {np.round(model.weights_, 2)}, rates by region")
print(model.theta_.round(3))
print(f"dispersion {model.dispersion_[0, 0]:.4f}, put wrong: {np.sum(model.predict(X) != clone)}")

# %%
# **In pairs of regions** the clones can be seen. A point is a mutation, its area its depth. Colours
# mix where a mutation may be of two clones. What lies on the left edge of two panels was not seen
# in region 1 at all.

PairsDisplay.from_estimator(model, X, size="depth", names=REGIONS)

# %%
# **How many?** Without the dispersion, clones are added as long as reads scatter, and BIC goes on
# falling. With it, it is lowest at three, and lower than that of any number without.
#
# ``init_params="quantile"`` climbs once, from rows far from each other; with ``n_init=10``, nine
# random starts come on top. The default looks further, and takes longer.

print("clones      1      2      3      4      5      6")
for kind in ("none", "tied"):
    bic = [
        ProductBinomialMixture(
            n_clones,
            layout="heads_tosses",
            dispersion_type=kind,
            init_params="quantile",
            n_init=10,
            random_state=0,
        )
        .fit(X)
        .bic(X)
        for n_clones in range(1, 7)
    ]
    print(f"{kind:5s} ", *(f"{b:6.0f}" for b in bic), f" lowest: {np.argmin(bic) + 1}")

# %%
# **What becomes of a clone** when it is split: of four clones without a dispersion, two lie side by
# side, in nearly the same place, with intervals as if they were two. What tells is how sure the
# model is of a mutation that it puts there: less than nine in ten, and of the others wholly.

four = ProductBinomialMixture(4, layout="heads_tosses").fit(X)
fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained", sharey=True)
for ax, fit in zip(axes, (four, model), strict=True):
    ProfileDisplay.from_estimator(fit, X, names=REGIONS, ax=ax)
    ax.set(xlabel="", ylabel="rate of variant reads", ylim=(0, 0.52))
for name, fit in (("four that do not vary", four), ("three that vary", model)):
    table = classification_table(fit, X)
    print(f"{name:22s} sure of a mutation: {table.average_posterior.diagonal().round(3)}")

# %%
# **Do regions go together within a clone?** In the model they do not. The residuals of pairs hold
# that against the rows; their p-values are from fits to rows that the model itself has drawn.

pairs = bivariate_residuals(model, X, n_boot=39, random_state=0)
print("residuals of regions 1 and 2, 1 and 3, 2 and 3:", end=" ")
print(pairs.residual[np.triu_indices(3, 1)].round(2))
print("p-values:", pairs.p_value[np.triu_indices(3, 1)], f"of all: {pairs.total_p_value}")

if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# **The answer.** Three clones, once the rows are allowed to scatter. See
# :doc:`/guide/several_coins`, and :ref:`sphx_glr_gallery_plot_sequencing_reads.py` for the same
# question with one region.
