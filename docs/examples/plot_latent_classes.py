"""
Latent classes of a questionnaire
=================================

Seven pathologists looked at 118 slides, each by himself, and said whether they see a carcinoma.
Nobody knows the truth. Latent classes say how many kinds of slides there are, how each pathologist
answers on each kind, and what slides are when answers are missing.
"""

# %%
# **The answers** of Holmquist, McMahan and Williams (1967), as in Agresti (2002, table 13.1): each
# pattern of yes (1) and no (0) of pathologists A to G, and on how many slides it was seen. A
# pattern is a row, its number is its weight. A cell is a single answer: ``layout="tosses"``.

import matplotlib.pyplot as plt
import numpy as np

from skcoin import ProductBinomialMixture
from skcoin.inspection import bivariate_residuals, classification_table, compare_n_components
from skcoin.plotting import ProfileDisplay

SLIDES = """
0000000 34  0000100  2  0100000  6  0100001  1  0100100  4  0100101  5  1000000  2
1010101  1  1100000  2  1100001  1  1100100  2  1100101  7  1100111  1  1101001  1
1101101  2  1101111  3  1110101 13  1110111  5  1111101 10  1111111 16
"""
words = SLIDES.split()
X = np.array([list(pattern) for pattern in words[::2]], dtype=float)
times = np.array(words[1::2], dtype=int)
WHO = list("ABCDEFG")

model = ProductBinomialMixture(3, layout="tosses").fit(X, sample_weight=times)
print("class  share ", "     ".join(WHO))
for k, (share, theta) in enumerate(zip(model.weights_, model.theta_, strict=True)):
    print(f"{k:5d}  {share:.3f} ", "  ".join(f"{p:.2f}" for p in theta))

# %%
# **The picture of an analysis of latent classes.** The first class are slides on which A, B, E and
# G see a carcinoma all but always, and C, D and F more often than not, or nearly so. On those of
# the second hardly anybody does. Of the third, B says yes always, C and F never, and the others now
# and then: pathologists differ in where they draw the line. Thetas of exactly 0 and 1 have no
# interval of this kind.

display = ProfileDisplay.from_estimator(model, X, sample_weight=times, names=WHO)
display.ax_.set(xlabel="pathologist", ylabel="probability of a yes")

# %%
# **How many classes?** Three by BIC, and the log-likelihoods of two and three are the published
# ones, -317.26 and -293.71. For the fourth, the gain is less than its parameters cost.

estimator = ProductBinomialMixture(layout="tosses")
table = compare_n_components(X, 4, sample_weight=times, estimator=estimator)
print("classes  log-likelihood     BIC")
for row in zip(table.n_components, table.log_likelihood, table.bic, strict=True):
    print("{:7d}  {:14.4f}  {:6.1f}".format(*row))

# %%
# **Are they enough?** Within a class, pathologists should agree no more than by chance. With two
# classes many pairs agree more, and the total over all pairs is larger than in each of 199
# simulations of the model. With three a little is left, most of it of D and F, who agree on more
# slides than their classes say. Grey pairs have nothing to be judged by: in the model, one of their
# four answers cannot be.

fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for ax, n_classes in zip(axes, (2, 3), strict=True):
    fit = ProductBinomialMixture(n_classes, layout="tosses").fit(X, sample_weight=times)
    pairs = bivariate_residuals(fit, X, times, n_boot=199, random_state=0)
    ax.set_facecolor("#D0D0D0")
    image = ax.imshow(pairs.residual, cmap="RdBu_r", vmin=-4, vmax=4)
    ax.set_xticks(range(7), WHO)
    ax.set_yticks(range(7), WHO)
    ax.set(title=f"{n_classes} classes: total {pairs.total:.1f}, p = {pairs.total_p_value:.3f}")
    print(f"{n_classes} classes, D and F: p = {pairs.p_value[3, 5]:.3f}")
fig.colorbar(image, ax=axes, label="residual: more or less often alike")

# %%
# **How sure are the classes?** Of the slides that are put into the first two, hardly one is in
# doubt, of those between one in nine.

classes = classification_table(model, X, times)
print("assigned to   share   average posterior")
for k, row in enumerate(classes.average_posterior):
    print(f"class {k}       {classes.assigned[k]:.3f}   {row.round(3)}")
print(f"relative entropy {classes.relative_entropy:.3f}, wrong {classes.error_rate:.1%}")

# %%
# **Missing answers.** Now a third of the answers is struck out at random. Rows stay, with NaN for
# what is missing, and say what they can. The classes are found again, with wider intervals. One is
# sure of fewer slides, as each shows fewer answers.

rng = np.random.default_rng(0)
rows = np.repeat(X, times, axis=0)
rows[rng.random(rows.shape) < 1 / 3] = np.nan
fewer = ProductBinomialMixture(3, layout="tosses").fit(rows)
fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained", sharey=True)
for ax, fit, data, weight in zip(axes, (model, fewer), (X, rows), (times, None), strict=True):
    ProfileDisplay.from_estimator(fit, data, sample_weight=weight, names=WHO, ax=ax)
    table = classification_table(fit, data, weight)
    ax.set(xlabel=f"relative entropy {table.relative_entropy:.2f}", ylabel="probability of a yes")

# %%
# What would be lost if rows with a gap were left out: nearly all of them. And what the model says
# of a slide on which A and E said yes, and the others were not asked:

complete = ~np.isnan(rows).any(axis=1)
print(f"complete rows: {complete.sum()} of {len(rows)}")
asked = [[1, np.nan, np.nan, np.nan, 1, np.nan, np.nan]]
print("classes of a slide with two answers:", model.predict_proba(asked).round(2)[0])

if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# **The answer.** Slides with, without, and with something between, on which pathologists have
# habits of their own. That answers are missing costs width, not rows, as long as it does not depend
# on what they would have been. See :doc:`/guide/several_coins`.
#
# Agresti, A. (2002). *Categorical data analysis*, second edition. Wiley.
