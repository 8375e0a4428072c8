"""
Does the model fit? Tumours of rats, flicks of tacks
====================================================

A fit is the best of its kind, and its kind may be wrong. Whether rows are such as the model would
give, a test says; in what way they are not, two pictures do. Three models are asked: of one coin,
of two, and of a kind that varies.
"""

# %%
# **The data and three fits.** In 71 groups of 10 to 52 rats, heads are rats with a tumour (Tarone,
# 1982).

import matplotlib.pyplot as plt
import numpy as np

from skcoin import BetaBinomialMixture, BinomialMixture
from skcoin.datasets import load_rat_tumours, load_tacks
from skcoin.inspection import goodness_of_fit, quantile_residuals
from skcoin.plotting import ResidualDisplay, RootogramDisplay

X = load_rat_tumours().data
models = {
    "one coin": BinomialMixture(1),
    "two coins": BinomialMixture(2),
    "one kind that varies": BetaBinomialMixture(1),
}
for name, model in models.items():
    print(f"{name:20s}  {model.fit(X).theta_.round(3)}")

# %%
# **The test** draws rows from the model, fits the model to them, and looks how often they are
# further from it than the real ones. The dispersion ratio says how much rows vary around their
# coins, to how much tosses make them vary: 1 is expected. One coin fails by all three statistics;
# 0.005 is the smallest p-value that 199 simulations can give. The other two models pass.


def report(models, X):
    print("                      Pearson      p  deviance      p  ratio      p")
    tests = {name: goodness_of_fit(model, X, random_state=0) for name, model in models.items()}
    for name, test in tests.items():
        print(
            f"{name:20s}  {test.pearson:7.1f}  {test.pearson_p_value:5.3f}  "
            f"{test.deviance:8.1f}  {test.deviance_p_value:5.3f}  "
            f"{test.dispersion_ratio:5.2f}  {test.dispersion_ratio_p_value:5.3f}"
        )
    return tests


tests = report(models, X)

# %%
# Variance that comes from coins grows with the tosses of a row; so the ratio is given for rows of
# few, more and many tosses, too, with its p-value. In the largest groups two coins leave something
# to be desired, which a kind that varies does not.

for name, test in tests.items():
    for (low, high), ratio, p in zip(
        test.class_tosses, test.class_dispersion_ratio, test.class_p_value, strict=True
    ):
        print(f"{name:20s}  {low} to {high} rats: ratio {ratio:.2f}, p {p:.3f}")

# %%
# **Hanging rootograms.** Bars of what was seen hang from the line of what is expected, both as
# roots. As groups are of many sizes, each is put where it stands in the distribution of its own
# size, and every bin should hold the same. One coin has too many groups at both ends and too few
# between: that is too much variance. Two coins stay within the limits, and so does a kind that
# varies.


def draw(display, models, X, **options):
    fig, axes = plt.subplots(1, 3, figsize=(11, 3.9), layout="constrained", sharey=True)
    for ax, (name, model) in zip(axes, models.items(), strict=True):
        display.from_estimator(model, X, ax=ax, **options)
        ax.set_title(name)
        ax.label_outer()
        ax.get_legend().remove()
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)


draw(RootogramDisplay, models, X)

# %%
# **Residuals.** The same group by group: under the model they are draws of a standard normal
# distribution. Those of one coin run more steeply than the diagonal and leave the band of
# simulations.

draw(ResidualDisplay, models, X, random_state=0)

# %%
# **Which rows?** The furthest from one coin are groups with far more tumours than its rate of 0.154
# would give, and groups of 20 without any. No single group is to blame.

residuals = quantile_residuals(models["one coin"], X, random_state=0)
print("tumours  rats  residual under one coin")
for i in np.argsort(-np.abs(residuals))[:6]:
    print(f"{X[i, 0]:7d}  {X[i].sum():4d}  {residuals[i]:8.2f}")

# %%
# **To pass is not to be true.** In 320 sets of nine flicks a thumbtack lands point up or down. One
# coin fails again, and two coins and a kind that varies pass. These say opposite things, two kinds
# of sets or a continuum, and the test cannot choose between them. BIC prefers the continuum:
# :ref:`sphx_glr_gallery_plot_overdispersed_counts.py` has more.

tacks = load_tacks().data
report({name: model.fit(tacks) for name, model in models.items()}, tacks)
for name, model in models.items():
    print(f"{name:20s}  BIC {model.bic(tacks):.1f}")

# %%
# What the statistics are, and which has power when, is in :doc:`/guide/fit`.

if plt.get_backend().lower() != "agg":
    plt.show()
