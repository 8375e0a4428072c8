"""
Two coins
=========

Five times, one of two coins was picked and tossed ten times. Which coin was it each time, and how
often does each show heads? Either question would be easy if the other were answered. EM answers
both by turns. The five sets, and the first step below, are those of Do and Batzoglou (2008).

This page is also in Chinese: `中文 <../zh/gallery/plot_two_coins.html>`__.
"""

# %%
# **The coins are known.** Then nothing is to be guessed: the probability of heads of a coin is
# estimated by its heads over its tosses. Coin A was tossed in the sets of 9, 8 and 7 heads and
# shows 24 of 30; coin B shows 9 of 20.

# sphinx_gallery_start_ignore
import sys

if "sphinx_gallery" not in sys.modules:  # in a terminal, where nothing else says that it has begun
    print("Importing numpy, scikit-learn and matplotlib, which takes a few seconds ...", flush=True)
# sphinx_gallery_end_ignore
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture
from skcoin.datasets import load_do_batzoglou
from skcoin.inspection import standard_errors
from skcoin.plotting import LowerBoundDisplay

tosses = load_do_batzoglou()
X, coins = tosses.data, tosses.target
heads, tails = X.T
known = BinomialMixture().fit(X, coins=coins)
print(f"coins known:  A {known.theta_[0]:.2f}  B {known.theta_[1]:.2f}\n")

# %%
# **The coins are hidden**, each picked with probability one half. We start from a guess,
# :math:`\theta_A = 0.6` and :math:`\theta_B = 0.5`. Under this guess every set has a probability of
# having come from coin A, by Bayes' rule. For a set :math:`i` of :math:`h_i` heads and :math:`t_i`
# tails it is
#
# .. math::
#
#    r_{iA} = \frac{w_A \, \theta_A^{h_i} (1 - \theta_A)^{t_i}}
#                  {w_A \, \theta_A^{h_i} (1 - \theta_A)^{t_i}
#                   + w_B \, \theta_B^{h_i} (1 - \theta_B)^{t_i}}
#
# with the weights :math:`w_A = w_B = 1/2`. That is the *E-step*: it expects a share of each set's
# heads and tails to be coin A's, and the rest to be coin B's.

guess = np.array([0.6, 0.5])
joint = 0.5 * guess ** heads[:, None] * (1 - guess) ** tails[:, None]
share = joint / joint.sum(axis=1, keepdims=True)
heads_of, tails_of = share * heads[:, None], share * tails[:, None]

print("               probability    expected of A   expected of B")
print("heads  tails    A     B       heads   tails   heads   tails")
for (h, t), (a, b), (ha, hb), (ta, tb) in zip(X, share, heads_of, tails_of, strict=True):
    print(f"{h:5d}  {t:5d}   {a:.2f}  {b:.2f}  {ha:8.1f}{ta:8.1f}{hb:8.1f}{tb:8.1f}")
(ha, hb), (ta, tb) = heads_of.sum(axis=0), tails_of.sum(axis=0)
print(f"together                  {ha:8.1f}{ta:8.1f}{hb:8.1f}{tb:8.1f}")

# %%
# The *M-step* takes these shares as if they had been seen and does what we did when the coins were
# known: heads over tosses. Coin A is expected to have shown 21.3 heads and 8.6 tails, so that its
# next value is :math:`21.3 / (21.3 + 8.6) = 0.71`.

print(f"\nafter one step: A {ha / (ha + ta):.4f}  B {hb / (hb + tb):.4f}\n")

# %%
# **The climb.** The new values give new shares, these give new values, and so on until nothing
# moves. ``solver="em"`` is this iteration, to the digit. The log-likelihood, the logarithm of the
# probability of all five sets, rises in every step; how well the values explain the tosses never
# gets worse.

model = BinomialMixture(
    theta_init=[0.6, 0.5], learn_weights=False, solver="em", tol=1e-12, max_iter=100
).fit(X)
print("step  coin A  coin B  log-likelihood")
for step, ((a, b), bound) in enumerate(zip(model.theta_path_, model.lower_bounds_, strict=True)):
    print(f"{step:4d}  {a:.4f}  {b:.4f}  {bound * len(X):14.8f}")

# %%
# **Which coin was it?** The last E-step tells. Sets 2 and 4 leave little doubt. The set of 7 heads
# was coin A's, but coin B is given 0.40 of it, and something of the sets of 9 and 8 heads as well.
# This is why coin B ends at 0.52 and not at the 0.45 of the known coins: the tosses alone do not
# tell which sets are whose.

print(f"\ncoins hidden: A {model.theta_[0]:.2f}  B {model.theta_[1]:.2f}\n")
print("set  heads  tails  P(coin A)  P(coin B)  was")
for i, ((h, t), (a, b)) in enumerate(zip(X, model.predict_proba(X), strict=True)):
    print(f"{i + 1:3d}  {h:5d}  {t:5d}  {a:9.2f}  {b:9.2f}  {'AB'[coins[i]]:>3}")

# %%
# **Why it climbs.** Hold coin B at its fitted value and let coin A, the first, move. In the code
# coins count from 0. The thick line is the log-likelihood as a function of :math:`\theta_A`. The
# E-step at :math:`\theta_t` yields a simpler function :math:`g_t`, that of tosses which have been
# dealt out to the coins. It touches the log-likelihood at :math:`\theta_t` and is nowhere above it
# (Jensen's inequality). The M-step goes to the top of :math:`g_t`. There the log-likelihood is at
# least as high as :math:`g_t`, and :math:`g_t` is at least as high as where we were: no step goes
# down. The picture is :class:`skcoin.plotting.LowerBoundDisplay`; the guide has the proof,
# :doc:`/guide/em`.

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
display = LowerBoundDisplay.from_estimator(model, X, coin=0, start=0.25, ax=ax)

# %%
# **How often each coin is picked** can be learned as well. The M-step then sets each weight to the
# mean share of its coin. There is one number more to fit the tosses with, so that the maximum is
# another one, and not lower: the log-likelihood rises from -9.7969 to -9.7954, which is next to
# nothing. This is what ``BinomialMixture().fit(X)`` does when it is told nothing.

free = BinomialMixture().fit(X)
print(f"\nweights free: A {free.theta_[0]:.4f}  B {free.theta_[1]:.4f}", end="")
print(f"  A is picked with probability {free.weights_[0]:.4f}")
print(f"log-likelihood {free.score(X) * len(X):.4f}")

# %%
# **A larger simulation.** Five sets are few. Let us toss coins that we know, 0.45 and 0.75, in a
# hundred rounds of ten, and take twenty steps from 0.3 and 0.4. Both guesses are too low, and the
# first step already parts them.

truth = BinomialMixture(theta_init=[0.45, 0.75], learn_theta=False, learn_weights=False).fit(X)
rounds, _ = truth.sample(100, n_tosses=10, random_state=0)
simulated = BinomialMixture(
    theta_init=[0.3, 0.4], learn_weights=False, solver="em", tol=0, max_iter=20
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # twenty steps are what we ask for
    simulated.fit(rounds)
print("\nsimulated coins 0.45 and 0.75\nstep  lower   upper")
for step, (a, b) in enumerate(simulated.theta_path_):
    print(f"{step:4d}  {a:.4f}  {b:.4f}")

# %%
# After ten steps the fourth digit stands still, but not at 0.45 and 0.75. A hundred rounds know no
# better: the standard errors, from the curvature of the log-likelihood, say how far such estimates
# stray by chance, and both are within one of them.

errors = standard_errors(simulated, rounds).theta
print(f"standard errors: lower {errors[0]:.4f}  upper {errors[1]:.4f}")

# %%
# **The path of EM** on the five sets. Coin A ends near where it is when the coins are known, coin B
# above. Both rise at first, as 33 of the 50 tosses are heads, more than either guess allows for;
# then the coins part. From the fifth step on, each leaves about two fifths of the way that is left.
# How slow it can be for other coins, and what can be done about it, is in
# :ref:`sphx_glr_gallery_plot_em_against_newton.py`; whether the start matters, in
# :ref:`sphx_glr_gallery_plot_does_the_start_matter.py`. The next exercise of the textbooks is
# :ref:`sphx_glr_gallery_plot_three_coins.py`.

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
looks = (("A", "#0072B2", "o"), ("B", "#D55E00", "s"))  # Okabe and Ito: told apart by all
for k, (name, color, marker) in enumerate(looks):
    path = model.theta_path_[:, k]
    ax.plot(path, color=color, marker=marker, label=f"coin {name}, hidden")
    ax.axhline(known.theta_[k], color=color, linestyle=":", label=f"coin {name}, known")
ax.set(xlabel="EM step", ylabel="probability of heads", xticks=np.arange(0, model.n_iter_ + 1, 2))
ax.legend()
# sphinx_gallery_start_ignore
if plt.get_backend().lower() != "agg":
    plt.show()
elif "sphinx_gallery" not in sys.modules:  # on the site the pictures stand on the page
    fig.savefig("two_coins.png")
    print("\nThere is no screen: the path of EM is drawn in two_coins.png.")
# sphinx_gallery_end_ignore
