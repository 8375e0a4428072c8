"""
Kinds, or one kind that varies?
===============================

Real counts nearly always vary more than tosses of one coin. Are there several coins then, or is
each row a coin of its own, of one kind? On real rows: which of the two the data want, how to test
it, and what becomes of the standard errors.
"""

# %%
# **The data.** In 71 experiments, groups of 10 to 52 rats without treatment were searched for a
# tumour (Tarone, 1982). :ref:`sphx_glr_gallery_plot_rat_tumours.py` asks how many rates there are.
# Here the rival is a rate that differs from group to group without steps: a Beta distribution of
# it, and a single kind.

import matplotlib.pyplot as plt
import numpy as np

from skcoin import BetaBinomialMixture, BinomialMixture
from skcoin.datasets import load_efron_morris, load_rat_tumours, load_saxony, load_tacks
from skcoin.inspection import (
    compare_n_components,
    confidence_intervals,
    likelihood_ratio_test,
    standard_errors,
)
from skcoin.plotting import MixtureDisplay

X = load_rat_tumours().data
n_rats = X.sum(axis=1)

# %%
# **One table for both.** ``BetaBinomialMixture`` has a theta, the mean rate, and a dispersion for
# each kind; here all kinds share one dispersion. With three kinds or coins nothing is left to gain
# for any mixture. AIC takes two kinds that vary, by a hair, and BIC one, which needs a parameter
# less than two coins.

varying = BetaBinomialMixture()
table = compare_n_components(X, 3, estimator=[BinomialMixture(), varying])
columns = ("n_components", "n_parameters", "log_likelihood", "aic", "bic", "gap")
print("                     n  parameters  log-likelihood    aic    bic    gap")
for name, *row in zip(table.model, *(table[name] for name in columns), strict=True):
    line = "{:d}  {:10d}  {:14.2f}  {:5.1f}  {:5.1f}  {:5.2f}".format(*row)
    print(f"{name.partition('(')[0]:19s}  {line}")

# %%
# **Tests** by simulation. That the groups do not share one rate is as sure as 199 simulations can
# make it. In half of these the best dispersion is exactly 0, as it is at the end of what it can be:
# no chi-square distribution has that. A second kind gains as much as here in nearly a tenth of the
# simulations of a single kind that varies.

alike = {k: BinomialMixture(k).fit(X) for k in (1, 2)}
vary = {k: BetaBinomialMixture(k).fit(X) for k in (1, 2)}
for null, alternative, n_boot, question in (
    (alike[1], vary[1], 199, "one coin, or one kind that varies? "),
    (vary[1], vary[2], 99, "one kind that varies, or two?      "),
):
    test = likelihood_ratio_test(null, alternative, X, n_boot=n_boot, random_state=0)
    print(f"{question} statistic {test.statistic:5.2f}, p-value {test.p_value:.3f}", end="")
    print(f", {np.mean(test.null_distribution < 1e-6):.0%} of the simulated are 0")

# %%
# The eye cannot choose: either follows the bars about as well.

fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
for model, title, ax in zip((alike[2], vary[1]), ("two coins", "one kind"), axes, strict=True):
    MixtureDisplay.from_estimator(model, X, ax=ax)
    ax.set(xlabel="share of rats with a tumour", ylabel="groups", ylim=(0, 24), title=title)

# %%
# **The standard errors.** One coin takes 1,739 rats for independent, and its error of the mean
# rate is too small. The dispersion, 0.057, is the correlation of two rats of a group. A group has
# 24 of them on average, which vary ``1 + 23 * 0.057 = 2.3`` times as much as independent ones. The
# error grows by the root of that. With two coins each has a small error of its own. But that holds
# *if there are two coins*: where they may vary, one falls to 0.004, the other by nearly two of its
# errors, and both errors are larger.

print("                 theta  error  95% interval    dispersion  error")
for name, model in (
    ("one coin", alike[1]),
    ("one that varies", vary[1]),
    ("two coins", alike[2]),
    ("two that vary", vary[2]),
):
    errors = standard_errors(model, X)
    ends = confidence_intervals(model, X, method="profile").theta
    for k, (low, high) in enumerate(ends):
        print(f"{'' if k else name:15s}  {model.theta_[k]:.3f}  {errors.theta[k]:.3f}", end="")
        print(f"  {low:.3f} to {high:.3f}", end="")
        varies = "dispersion" in errors and k == 0
        print(f"  {model.dispersion_[k]:10.3f}  {errors.dispersion[k]:.3f}" if varies else "")

# %%
# **A single group.** ``posterior_mean`` shrinks the rate of a group towards those of the others.
# The last group, 4 of 14 rats, is the control of a new experiment. Two coins are sure that it is of
# the first, and then take its rate for known: the interval is a single point. That of one kind says
# what 4 of 14 rats and 70 other groups can say.

print("                    two coins              one kind that varies")
print("rats with a tumour  rate  95% interval     rate  95% interval")
for i in (0, 14, 37, 66, 70):
    print(f"{X[i, 0]:8d} of {n_rats[i]:2d}    ", end="")
    for model in (alike[2], vary[1]):
        [rate], [[low, high]] = model.posterior_mean(X[[i]]), model.posterior_interval(X[[i]])
        print(f"    {rate:.2f}  {low:.2f} to {high:.2f}", end="")
    print()

fig, ax = plt.subplots(figsize=(7.5, 5.5), layout="constrained")
pairs = np.unique(X, axis=0)
share = pairs[:, 0] / pairs.sum(axis=1)
pairs, share = pairs[np.argsort(share)], np.sort(share)
place = np.arange(len(pairs))
for model, name, color, mark, shift in (
    (vary[1], "one kind that varies", "#0072B2", "o", 0.2),
    (alike[2], "two coins", "#D55E00", "s", -0.2),
):
    ends = model.posterior_interval(pairs)
    ax.hlines(place + shift, *ends.T, color=color, alpha=0.6)
    ax.plot(model.posterior_mean(pairs), place + shift, mark, color=color, markersize=4, label=name)
ax.plot(share, place, "|", color="black", label="own share")
ax.set(xlabel="rate of tumours, with 95% intervals", ylabel="groups, by their share", yticks=[])
ax.legend(loc="lower right")

# %%
# **Other counts.** Four sets, and the lowest BIC of one to three coins, and of one to three kinds
# that vary and share their dispersion. Wherever one coin does not do, one kind that varies is
# preferred to any number of coins. Of the batsmen, 45 times at bat do not show that they differ.

print("                  coins      BIC   kinds      BIC   dispersion")
for name, load in (
    ("rats", load_rat_tumours),
    ("thumbtacks", load_tacks),
    ("boys in families", load_saxony),
    ("batsmen", load_efron_morris),
):
    data = load()
    weights = data.get("sample_weight")
    line = f"{name:16s}"
    for estimator in (BinomialMixture(), varying):
        table = compare_n_components(data.data, 3, sample_weight=weights, estimator=estimator)
        best = table.bic.argmin()
        line += f"  {table.n_components[best]:5d}  {table.bic[best]:7.1f}"
    one = BetaBinomialMixture().fit(data.data, sample_weight=weights)
    print(f"{line}   {one.dispersion_[0]:10.3f}")

if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# **The answer.** The rats have no common rate, and no kinds either that 71 groups could show: one
# kind that varies is the shorter description, with errors and intervals that are honest. Three
# coins have a higher likelihood, as coins can follow any distribution of the rate. What they cannot
# do is to tell how sure a single rate is. See :doc:`/guide/overdispersion`, and
# :ref:`sphx_glr_gallery_plot_sequencing_reads.py` for rows that have kinds, and vary as well.
