"""
Boys and girls in Saxony
========================

Is the probability of a boy the same in all families? Geissler (1889) counted families by their boys
and girls, from the births that were registered in Saxony from 1876 to 1885. Here are the first 12
children of 6,115 families of 13. The last child is left out, as some parents may have stopped at it
because of its sex.
"""

# %%
# **One coin does not fit.** If every birth were a toss of the same coin, boys per family would be
# binomial. Their variance is a sixth larger. If the probability ``theta`` differs from family to
# family, with variance ``v``, the variance of the boys of ``n`` children is the binomial one plus
# ``n (n - 1) v``; so the excess tells by how much it differs, without any model of how.

import matplotlib.pyplot as plt
import numpy as np

from skcoin import BetaBinomialMixture, BinomialMixture
from skcoin.datasets import load_saxony
from skcoin.inspection import compare_n_components, likelihood_ratio_test
from skcoin.plotting import GradientDisplay, MixtureDisplay

families = load_saxony()
X, times = families.data, families.sample_weight
boys, n = X[:, 0], 12

mean = np.average(boys, weights=times)
variance = np.average((boys - mean) ** 2, weights=times)
binomial = mean * (1 - mean / n)
print(f"boys: {mean / n:.4f} of the children of {times.sum()} families")
print(f"variance of boys per family: {variance:.3f}, binomial {binomial:.3f}", end="")
print(f", ratio {variance / binomial:.3f}")
deviation = np.sqrt((variance - binomial) / (n * (n - 1)))
print(f"standard deviation of theta between families: {deviation:.3f}")

# %%
# **Two, three, four coins.** The second gains a log-likelihood of 42, the third 1.6, the fourth
# nothing to speak of. Four are the end: the gap is zero, and no mixture of any number of coins has
# a higher likelihood. AIC and BIC take two.

table = compare_n_components(X, sample_weight=times)
columns = ("n_components", "log_likelihood", "aic", "bic", "gap")
print("coins  log-likelihood      aic      bic    gap")
for row in zip(*(table[name] for name in columns), strict=True):
    print("{:5d}  {:14.2f}  {:7.1f}  {:7.1f}  {:5.2f}".format(*row))

models = {k: BinomialMixture(k).fit(X, sample_weight=times) for k in (1, 2, 3, 4)}
print("\ncoins  theta (weight)")
for k, model in models.items():
    coins = zip(model.theta_, model.weights_, strict=True)
    print(f"{k:5d}", *(f" {theta:.3f} ({weight:.4f})" for theta, weight in coins))

# %%
# The tests say the same. In 199 simulations of one coin a second never gained nearly as much as
# here, and p is as small as so many simulations can make it. A third coin gains as much as here in
# one of nine simulations of two.

for fewer in (1, 2):
    test = likelihood_ratio_test(
        models[fewer], models[fewer + 1], X, times, n_boot=199, random_state=0
    )
    print(f"{fewer} coins against {fewer + 1}: statistic {test.statistic:5.2f}", end="")
    print(f", largest simulated {test.null_distribution.max():5.2f}, p-value {test.p_value:.3f}")

# %%
# One coin expects too few families on both sides, and more than there are of 7 boys. Two coins
# follow the counts, but for the families of 6 boys. Of those there are more than they expect, by
# more than two standard deviations, and four coins do hardly better: that is either chance or
# nothing that different coins could explain.

print(f"families with  6 boys  7 boys\nobserved       {times[6]:6d}  {times[7]:6d}")
for k in (1, 2, 4):
    expected = times.sum() * np.exp(models[k].score_samples(X))
    print(f"coins: {k}       {expected[6]:6.0f}  {expected[7]:6.0f}")

fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for k, ax in zip((1, 2), axes, strict=True):
    MixtureDisplay.from_estimator(models[k], X, sample_weight=times, ax=ax)
    ax.set(xlabel="boys among 12 children", ylabel="families", ylim=(0, 1900))

# %%
# **No mixture does better than four coins.** The gradient function is what a further coin would
# gain at first, per row and share of weight. Beside two coins that is something at both ends, in
# families of girls or boys only. Taken alone it bounds the gain poorly, as a coin that gains much
# at first may soon gain no more. Beside four coins it is nowhere positive. That proves them the
# best of all mixtures, and leaves two coins at most 1.64 to gain, as the table says.

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for k, ax in zip((2, 4), axes, strict=True):
    GradientDisplay.from_estimator(models[k], X, sample_weight=times, ax=ax)
    ax.set_title(f"{k} coins")

# %%
# **Are there two kinds of families, then?** That two coins fit is no proof of two. Let ``theta``
# vary without steps, by a beta distribution: boys per family are then beta-binomial. That has one
# parameter less, and a likelihood lower by half a unit only; AIC and BIC prefer it. It is a mixture
# of coins too, of infinitely many, so that the bound of four coins holds for it as well. And all of
# them say the same of what the data do tell, how much ``theta`` varies.

varies = BetaBinomialMixture().fit(X, sample_weight=times)
[mean], [rho] = varies.theta_, varies.dispersion_
log_likelihood = times.sum() * varies.score(X, sample_weight=times)
rows = [("beta-binomial", 2, log_likelihood, np.sqrt(rho * mean * (1 - mean)))]
for k, model in models.items():
    centre = model.weights_ @ model.theta_
    deviation = np.sqrt(model.weights_ @ (model.theta_ - centre) ** 2)
    rows.append((f"coins: {k}", 2 * k - 1, table.log_likelihood[k - 1], deviation))

print("model          parameters  log-likelihood      aic      bic  deviation of theta")
for name, n_parameters, log_likelihood, deviation in rows:
    aic = 2 * n_parameters - 2 * log_likelihood
    bic = n_parameters * np.log(times.sum()) - 2 * log_likelihood
    print(f"{name:13s}  {n_parameters:10d}  {log_likelihood:14.2f}", end="")
    print(f"  {aic:7.1f}  {bic:7.1f}  {deviation:18.3f}")

# %%
# More families like these could rule out two coins, or the beta distribution, but never tell which
# distribution it is: with 12 children each, the counts depend on it by its first 12 moments only.
#
# **What of a single family?** Twelve children tell little of a probability that varies so little.
# The posterior mean pulls the share of boys most of the way to 0.52. From 3 boys on the two models
# agree to 0.01. Below, where there are few families, two coins cannot go lower than 0.48, and the
# beta-binomial does.

guesses = models[2].posterior_mean(X), varies.posterior_mean(X)
print("boys  families  own share  two coins  beta-binomial")
for row in zip(boys, times, boys / n, *guesses, strict=True):
    print("{:4d}  {:8d}  {:9.3f}  {:9.3f}  {:13.3f}".format(*row))

if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# **The answer**: no, the probability is not the same. It has a standard deviation of about 0.06
# between families, if the sexes of the children of one family are independent. How many kinds of
# families there are, or whether there are kinds at all, these counts do not say. See
# :doc:`/guide/overdispersion`.
