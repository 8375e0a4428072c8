"""
Three coins
===========

Coin A is tossed out of sight. If it shows heads, coin B is tossed, else coin C, and only these
tosses are seen. How often does each coin show heads? The exercise stands in two textbooks.
"""

# %%
# **Michael Collins (1997)**: coin B or C is tossed three times each round. The five tables of his
# paper, each with the probabilities of heads of A, B and C and, for every round, the probability
# that it was coin B.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, IdentifiabilityWarning, ThreeCoinModel

COLLINS = [
    ("HHH TTT HHH TTT", 0.3, 0.3, 0.6, 3),
    ("HHH TTT HHH TTT HHH", 0.3, 0.3, 0.6, 3),
    ("HHT TTT HHH TTT", 0.3, 0.3, 0.6, 4),
    ("HHH TTT HHH TTT", 0.3, 0.7, 0.7, 1),
    ("HHH TTT HHH TTT", 0.3, 0.7001, 0.7, 11),
]


def em(X, pi, p, q, n_steps):
    """So many steps of EM, with the probability of coin B in every round at each of them."""
    model = ThreeCoinModel(pi_init=pi, p_init=p, q_init=q, solver="em", tol=0, max_iter=n_steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X)
    iterates = zip(model.weights_path_, model.theta_path_, strict=True)
    return [(w[0], *theta, held(theta, w).fit(X).predict_proba(X)[:, 0]) for w, theta in iterates]


def held(theta, weights):
    """Coins that are known and not to be learned."""
    return BinomialMixture(
        theta_init=theta, weights_init=weights, learn_theta=False, learn_weights=False
    )


for number, (rounds, *start, n_steps) in enumerate(COLLINS, start=1):
    X = [[r.count("H"), r.count("T")] for r in rounds.split()]
    print(f"Table {number}: {rounds}\nstep  A       B       C       P(coin B)")
    for step, (a, b, c, of_b) in enumerate(em(X, *start, n_steps)):
        shares = " ".join(f"{r:.4f}" for r in of_b)
        print(f"{step:4d}  {a:.4f}  {b:.4f}  {c:.4f}  {shares}")
    print()

# %%
# Table 4 is a saddle: B and C start equal and EM cannot tell them apart, ever. The slightest
# difference (table 5) grows until it reaches the maximum.

# %%
# **Li Hang (chapter 9)**: one toss a round, 1 1 0 1 0 0 1 0 1 1. The answer depends on the start,
# because one toss a round says nothing but how often it is heads, pi p + (1 - pi) q. The model
# warns of it.

TOSSES = np.array([1, 1, 0, 1, 0, 0, 1, 0, 1, 1]).reshape(-1, 1)
STARTS = [(0.5, 0.5, 0.5), (0.4, 0.6, 0.7), (0.46, 0.55, 0.67)]

print("start               A       B       C       A B + (1 - A) C")
for pi, p, q in STARTS:
    model = ThreeCoinModel(layout="tosses", pi_init=pi, p_init=p, q_init=q, solver="em")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", IdentifiabilityWarning)
        model.fit(TOSSES)
    identified = model.weights_ @ model.theta_
    print(
        f"({pi:.2f}, {p:.2f}, {q:.2f})  {model.pi_:.4f}  {model.p_:.4f}  {model.q_:.4f}  "
        f"{identified:.4f}"
    )
print(f"\n{caught[-1].category.__name__}: {caught[-1].message}")

# %%
# All answers lie on one surface of equal likelihood. Here it is for pi = 0.5: every p and q on the
# line is as good as any other.

fig, ax = plt.subplots(figsize=(5, 4), layout="constrained")
p, q = np.meshgrid(np.linspace(0.01, 0.99, 99), np.linspace(0.01, 0.99, 99))
heads = 0.5 * p + 0.5 * q
log_likelihood = 6 * np.log(heads) + 4 * np.log(1 - heads)
image = ax.contourf(p, q, log_likelihood, levels=np.linspace(-12, -6.7, 20), extend="min")
ax.plot([0.2, 1.0], [1.0, 0.2], color="black", linestyle="--", label="the maximum: p + q = 1.2")
ax.set(xlabel="p, coin B", ylabel="q, coin C", xlim=(0.01, 0.99), ylim=(0.01, 0.99))
ax.legend(loc="lower left")
fig.colorbar(image, label="log-likelihood")
if plt.get_backend().lower() != "agg":
    plt.show()
