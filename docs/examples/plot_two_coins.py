"""
Two coins
=========

Five times, one of two coins was picked and tossed ten times. Which one was it, and how often
does each show heads? These are the five sets of tosses of Do and Batzoglou (2008).
"""

# %%
# **The coins are known.** Then there is nothing to guess: each coin's heads over its tosses.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture
from skcoin.datasets import load_do_batzoglou

tosses = load_do_batzoglou()
X, coins = tosses.data, tosses.target
known = BinomialMixture().fit(X, coins=coins)
print(f"coins known:  A {known.theta_[0]:.2f}  B {known.theta_[1]:.2f}\n")

# %%
# **The coins are hidden**, each picked with probability one half. EM starts from a guess, 0.6 and
# 0.5. It splits every set between the coins by their probability (E-step), then counts heads over
# tosses as if that split were known (M-step), and so on.

model = BinomialMixture(
    theta_init=[0.6, 0.5], learn_weights=False, solver="em", tol=1e-12, max_iter=100
).fit(X)
print("step  coin A  coin B  log-likelihood")
for step, ((a, b), bound) in enumerate(zip(model.theta_path_, model.lower_bounds_, strict=True)):
    print(f"{step:4d}  {a:.4f}  {b:.4f}  {bound * len(X):14.8f}")

# %%
# Which coin was it? The probability of each coin, set by set.

print(f"\ncoins hidden: A {model.theta_[0]:.2f}  B {model.theta_[1]:.2f}\n")
print("set  heads  tails  P(coin A)  P(coin B)  was")
for i, ((heads, tails), (a, b)) in enumerate(zip(X, model.predict_proba(X), strict=True)):
    print(f"{i + 1:3d}  {heads:5d}  {tails:5d}  {a:9.2f}  {b:9.2f}  {'AB'[coins[i]]:>3}")

# %%
# **How often each coin is picked** can be learned as well. The maximum is then another one.

free = BinomialMixture().fit(X)
print(f"\nweights free: A {free.theta_[0]:.4f}  B {free.theta_[1]:.4f}", end="")
print(f"  A is picked with probability {free.weights_[0]:.4f}")

# %%
# **A larger simulation**: a hundred rounds of ten tosses, coins 0.45 and 0.75, twenty steps from
# 0.3 and 0.4.

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
# The path of EM, where there is a screen to draw it on.

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for k, name in enumerate("AB"):
    (line,) = ax.plot(model.theta_path_[:, k], marker="o", label=f"coin {name}, hidden")
    ax.axhline(known.theta_[k], color=line.get_color(), linestyle=":", label=f"coin {name}, known")
ax.set(xlabel="EM step", ylabel="probability of heads", xticks=np.arange(0, model.n_iter_ + 1, 2))
ax.legend()
if plt.get_backend().lower() != "agg":
    plt.show()
