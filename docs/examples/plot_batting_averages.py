"""
Shrinking batting averages
==========================

In the spring of 1970, 18 baseball players had each been at bat 45 times. How well would each bat in
the rest of the season? Efron and Morris (1975) showed that a player's own average is a poor guess:
one that is pulled towards the average of all is better. With a mixture of coins that is what
``posterior_mean`` does.
"""

# %%
# **The data.** Heads are hits. The average of the rest of the season, of 70 to 586 times at bat, is
# known too, but no fit sees it.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import xlog1py, xlogy

from skcoin import BinomialMixture, NonparametricBinomialMixture
from skcoin.datasets import load_efron_morris
from skcoin.inspection import (
    bootstrap,
    compare_n_components,
    confidence_intervals,
    likelihood_ratio_test,
)
from skcoin.plotting import PosteriorDisplay

players = load_efron_morris()
X, rest, rest_at_bats = players.data, players.target, players.rest_at_bats
at_bats = X.sum(axis=1)
raw = X[:, 0] / at_bats

# %%
# **How many coins?** Each player is a coin, but 18 rows cannot tell 18 coins apart. The table ends
# with two because the optimality gap is then zero: no mixture of any number of coins has a higher
# likelihood.

table = compare_n_components(X)
print("coins  log-likelihood    bic   gap")
for row in zip(table.n_components, table.log_likelihood, table.bic, table.gap, strict=True):
    print("{:5d}  {:14.2f}  {:5.1f}  {:4.2f}".format(*row))

# %%
# Whether there are two at all is another question. They gain next to nothing over one coin, BIC
# prefers one, and the test does not object to 18 players of one ability.

one, two = BinomialMixture(1).fit(X), BinomialMixture(2).fit(X)
test = likelihood_ratio_test(one, two, X, n_boot=199, random_state=0)
print(f"\ntwice the gain of a second coin: {test.statistic:.2f}, p-value {test.p_value:.2f}")

# %%
# That is no proof of one ability, only of how little 45 times at bat tell; where rows tell more, as
# in :ref:`sphx_glr_gallery_plot_rat_tumours.py`, a second coin shows. Look at the coins: a fifth of
# the players, roughly, at .312 and the others at .254, but the interval of either coin, by the
# profile likelihood, is all of [0, 1].

ends = confidence_intervals(two, X, method="profile").theta
print("\ncoin  theta  weight  95% interval of theta")
for k, (low, high) in enumerate(ends):
    print(f"{k:4d}  {two.theta_[k]:.3f}  {two.weights_[k]:6.3f}  {low:.3f} to {high:.3f}")

# %%
# **Shrunken averages.** We take the two coins. Which of them a player is, is not known: the
# posterior mean weighs both by their probability, given his 45 times at bat. The standard deviation
# tells how far the two are apart for him.

shrunken, std = two.posterior_mean(X, return_std=True)

# %%
# Nobody has to choose the number of coins for that. The mixing distribution of largest likelihood
# over all there are has as many atoms as the rows ask for, with a certificate: here the same two
# coins, and so the same averages.

free = NonparametricBinomialMixture().fit(X)
same = np.allclose(free.posterior_mean(X), shrunken, atol=1e-4)
print(f"\nnonparametric: {free.n_components_} coins, converged: {free.converged_}, ", end="")
print(f"the same averages: {same}")

# %%
# The classical rival is the James-Stein estimator, as in the paper: arcsines of the averages have
# about the same variance, 1, whatever the ability, and are pulled towards their mean.

y = np.sqrt(at_bats) * np.arcsin(2 * raw - 1)
pull = 1 - (len(y) - 3) / np.sum((y - y.mean()) ** 2)
james_stein = (1 + np.sin((y.mean() + pull * (y - y.mean())) / np.sqrt(at_bats))) / 2

# %%
# **The rest of the season judges.** Squared errors are summed over the players. The log loss is the
# mean over all later times at bat; as most of it is chance that nobody can predict, it is shown
# against that of one average for all, in thousandths.


def log_loss(guess):
    """Mean of minus the logarithm of the probability that the guess gave each time at bat."""
    each = -(xlogy(rest, guess) + xlog1py(1 - rest, -guess))
    return np.average(each, weights=rest_at_bats)


mean = np.full(len(X), one.theta_[0])
print("\nguess          squared error  log loss")
for name, guess in (
    ("own average", raw),
    ("average of all", mean),
    ("James-Stein", james_stein),
    ("posterior mean", shrunken),
):
    extra = 1000 * (log_loss(guess) - log_loss(mean))
    print(f"{name:14s}  {np.sum((guess - rest) ** 2):12.4f}  {extra:+8.2f}")
worse = np.flatnonzero(abs(shrunken - rest) > abs(raw - rest))
print("\nOwn average nearer:", ", ".join(players.players[i] for i in worse))

# %%
# Seven tenths of the squared error are gone. That is true of all players together, not of each:
# four are worse off, among them Roberto Clemente, the best of all. And which of the last three
# guesses is the best, 18 players in one season cannot say.

# %%
# **What the standard deviations leave out.** They are those of the posterior *given the fitted
# coins*, as if the coins were known, and we saw that they are not. To put the coins' own
# uncertainty in, simulate 18 players from the fitted coins, fit again, take the posterior of the
# real players under these coins, and do so 400 times (Laird and Louis, 1987). The variance is then
# the mean of the variances plus the variance of the means.

fits = bootstrap(two, X, n_boot=400, random_state=0)
moments = np.array(
    [
        BinomialMixture(
            2, theta_init=theta, weights_init=weights, learn_theta=False, learn_weights=False
        )
        .fit(X)
        .posterior_mean(X, return_std=True)
        for theta, weights in zip(fits.theta, fits.weights, strict=True)
    ]
)
wider = np.sqrt(np.mean(moments[:, 1] ** 2, axis=0) + np.var(moments[:, 0], axis=0))

# %%
# An average of the rest of the season is a rate of finitely many times at bat, and strays from the
# ability by chance. That is the last part of how far it may be from the guess. Two standard
# deviations are a rule of thumb here: given the coins, the ability is one of two numbers.

farthest = np.sqrt(wider**2 + shrunken * (1 - shrunken) / rest_at_bats)
print("\n+- 2 standard deviations of                  median  hold the rest of the season")
for name, deviation in (
    ("ability, given the fitted coins", std),
    ("ability, with the uncertainty of the coins", wider),
    ("rest of the season", farthest),
):
    n_held = np.sum(abs(rest - shrunken) <= 2 * deviation)
    print(f"{name:43s}   {np.median(deviation):.3f}  {n_held} of {len(X)}")

# %%
# Player by player.

print("\nplayer             own  shrunken    coins known   coins uncertain  rest")
for i, name in enumerate(players.players):
    inner, outer = (
        f"{shrunken[i] - 2 * s[i]:.3f} to {shrunken[i] + 2 * s[i]:.3f}" for s in (std, wider)
    )
    print(f"{name:16s}  {raw[i]:.3f}  {shrunken[i]:.3f}  {inner}  {outer}  {rest[i]:.3f}")

# %%
# The same as a picture: from the ring to the dot is what shrinking does, and the diamond is what
# came. The thick bar is the 95% interval of the posterior if the coins are known. It runs from coin
# to coin for everyone, as 45 times at bat rule out neither for anyone. Seven diamonds are outside
# of it, none is outside of the thin bar, which has the coins' own uncertainty in it.

fig, ax = plt.subplots(figsize=(7.5, 6.5), layout="constrained")
display = PosteriorDisplay.from_estimator(two, X, names=players.players, ax=ax)
low, high = display.intervals.T
print(f"\noutside of the thick bar: {np.sum((rest < low) | (rest > high))} of {len(X)}")

place, ends = np.arange(len(X)), (shrunken - 2 * wider, shrunken + 2 * wider)
ax.hlines(place, *ends, color="black", linewidth=1, label="± 2 std, coins uncertain")
look = {"color": "#D55E00", "markeredgecolor": "white", "zorder": 4}
ax.plot(rest, place, "D", **look, label="rest of season")
ax.axvline(mean[0], color="0.5", linestyle=":", label="average of all")
ax.set_xlabel("batting average")
ax.get_legend().remove()
fig.legend(loc="outside upper center", ncols=2, frameon=False)
if plt.get_backend().lower() != "agg":
    plt.show()
