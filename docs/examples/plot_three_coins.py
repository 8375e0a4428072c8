"""
Three coins
===========

Coin A is tossed out of sight. If it shows heads, coin B is tossed, else coin C, and only the tosses
of B or C are seen. How often does each of the three show heads? Two texts set this exercise. In
the first EM finds the answer; in the second the answer depends on where EM starts, and we see why.

This page is also in Chinese: `中文 <../zh/gallery/plot_three_coins.html>`__.
"""

# %%
# **The model.** Coin A shows heads with probability :math:`\pi`, coin B with :math:`p` and coin C
# with :math:`q`. A round of :math:`h_i` heads and :math:`t_i` tails has the probability
#
# .. math::
#
#    P(x_i) = \pi \, p^{h_i} (1 - p)^{t_i} + (1 - \pi) \, q^{h_i} (1 - q)^{t_i} .
#
# That is a mixture of the two coins B and C with the weights :math:`\pi` and :math:`1 - \pi`.
# :class:`skcoin.ThreeCoinModel` fits it under these names, ``pi_``, ``p_`` and ``q_``.

# %%
# **Michael Collins (1997)**: coin B or C is tossed three times each round. The five tables of his
# paper, each with the probabilities of heads of A, B and C and, for every round, the probability
# that it was coin B.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skcoin import BinomialMixture, IdentifiabilityWarning, ThreeCoinModel
from skcoin.datasets import load_collins, load_li_hang

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
        warnings.simplefilter("ignore", IdentifiabilityWarning)
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
# In table 1 the rounds fall apart into two kinds, and EM gives each kind a coin: C shows heads
# always, B never, and A decides with probability one half. In table 2 three of five rounds are HHH,
# so that A sends us to coin C in 0.6 of the rounds. In table 3 one round is mixed. A coin that
# never shows heads cannot have shown HHT, hence it goes to coin C, which is no longer certain to
# show heads, and then even TTT might be C's, with probability 0.0051.

# %%
# **A saddle.** Table 4 is no maximum, though EM stands still there. Coins B and C start equal, so
# that in every round both are as probable as coin A says; each is then given the same share of each
# round and the two stay equal for ever. The slightest difference (table 5) grows until it reaches
# the maximum. Coins that are started equal are left equal by both solvers, and ``converged_`` is
# then false. Without a start the model chooses one in which they differ. It calls the coin of more
# heads B, which is the maximum of table 1 with B and C exchanged.

X = load_collins().data[:4]
for name, start in (
    ("start of table 4", {"pi_init": 0.3, "p_init": 0.7, "q_init": 0.7}),
    ("none", {}),
):
    model = ThreeCoinModel(**start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it says what is printed here
        model.fit(X)
    print(
        f"{name:16s}  A {model.pi_:.4f}  B {model.p_:.4f}  C {model.q_:.4f}  "
        f"log-likelihood {model.score(X) * len(X):.4f}  converged {model.converged_}"
    )

# %%
# **Li Hang (chapter 9)**: one toss a round, 1 1 0 1 0 0 1 0 1 1. From three starts EM ends at three
# answers. All have in common how often a round shows heads, :math:`\pi p + (1 - \pi) q`, which is 6
# in 10 as in the data. The model warns that no more than this can be known.

X = load_li_hang().data
STARTS = [(0.5, 0.5, 0.5), (0.4, 0.6, 0.7), (0.46, 0.55, 0.67)]

answers, moved_later = [], []
print("\nstart               A       B       C       A B + (1 - A) C")
for pi, p, q in STARTS:
    model = ThreeCoinModel(pi_init=pi, p_init=p, q_init=q, solver="em")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", IdentifiabilityWarning)
        model.fit(X)
    answers.append((model.pi_, model.p_, model.q_))
    moved_later.append(np.ptp(model.theta_path_[1:], axis=0).max())
    identified = model.weights_ @ model.theta_
    print(
        f"({pi:.2f}, {p:.2f}, {q:.2f})  {model.pi_:.4f}  {model.p_:.4f}  {model.q_:.4f}  "
        f"{identified:.4f}"
    )
print(f"\n{caught[-1].category.__name__}: {caught[-1].message}")

# %%
# **Why the answer depends on the start.** A round is either heads or tails, so that the likelihood
# depends on the three numbers through :math:`s = \pi p + (1 - \pi) q` alone: it is :math:`s^6 (1 -
# s)^4`, highest at :math:`s = 0.6`. All triples with this :math:`s` are equally good. They form a
# surface, and nothing in the data prefers one point of it to another.

# %%
# EM gets onto the surface in one step. The E-step gives coin B the share :math:`r_1 = \pi p / s` of
# each heads and :math:`r_0 = \pi (1 - p) / (1 - s)` of each tails. The M-step, with six heads and
# four tails in ten rounds, yields
#
# .. math::
#
#    \pi' = 0.6 \, r_1 + 0.4 \, r_0 , \qquad
#    \pi' p' = 0.6 \, r_1 , \qquad
#    (1 - \pi') \, q' = 0.6 \, (1 - r_1) ,
#
# and the last two add up to :math:`s' = 0.6`. Now the next E-step finds :math:`\pi' p' / s' = r_1`
# again, and :math:`r_0` as well: the shares are those of the start, and EM stands still. What the
# data decide is that :math:`s` is 0.6; which part of the heads and of the tails is coin B's, the
# start has decided.

print(f"largest move after the first step: {max(moved_later):.1g}\n")
print("coin B's share of   heads   tails   heads   tails")
print("start               at the start    at the end")
for start, answer in zip(STARTS, answers, strict=True):
    shares = []
    for pi, p, q in (start, answer):
        s = pi * p + (1 - pi) * q
        shares += [pi * p / s, pi * (1 - p) / (1 - s)]
    print("({:.2f}, {:.2f}, {:.2f})  {:.4f}  {:.4f}  {:.4f}  {:.4f}".format(*start, *shares))

# %%
# **The surface as a line.** Three numbers do not fit on paper, but the likelihood depends only on
# the sum of :math:`\pi p`, the probability of heads by coin B, and of :math:`(1 - \pi) q`, that of
# heads by coin C. With these two as axes the surface is a straight line (left), whatever
# :math:`\pi` is. EM multiplies both by :math:`0.6 / s`: it goes to the line along the ray from the
# origin. On the right are the coins B and C themselves. For the :math:`\pi` of each answer, every
# :math:`p` and :math:`q` on the line is as good as the answer. Hollow marks are starts, full ones
# answers.

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.8), layout="constrained")
b, c = np.meshgrid(np.linspace(0.001, 0.45, 99), np.linspace(0.001, 0.5, 99))
log_likelihood = 6 * np.log(b + c) + 4 * np.log(1 - b - c)
levels = np.arange(-9.5, -6.6, 0.25)
shades = left.contourf(b, c, log_likelihood, levels=levels, extend="min", cmap="Greys_r")
fig.colorbar(shades, ax=left, label="log-likelihood")
left.plot([0, 0.6], [0.6, 0], color="black", linestyle="--")
left.text(0.29, 0.275, "maximum: sum 0.6", rotation=-45, va="top", transform_rotates_text=True)

looks = zip(("#0072B2", "#D55E00", "#009E73"), "os^", ("--", "-.", ":"), strict=True)
for start, answer, (color, marker, line) in zip(STARTS, answers, looks, strict=True):
    heads_by = np.array([(pi * p, (1 - pi) * q) for pi, p, q in (start, answer)])
    left.plot(*np.vstack([(0, 0), heads_by]).T, color=color, linestyle=":", linewidth=1)
    pi, p = answer[0], np.array([0, 1])
    right.plot(p, (0.6 - pi * p) / (1 - pi), color=color, linestyle=line)
    coins = np.array([start[1:], answer[1:]])
    for ax, (here, there) in ((left, heads_by), (right, coins)):
        ax.annotate("", there, here, arrowprops={"arrowstyle": "->", "color": color})
        ax.plot(*here, marker, markerfacecolor="white", markeredgecolor=color)
        name = "from ({:g}, {:g}, {:g})".format(*start)
        ax.plot(*there, color=color, marker=marker, linestyle=line, label=name)
left.set(
    xlabel=r"$\pi p$, heads by coin B",
    ylabel=r"$(1 - \pi) q$, heads by coin C",
    xlim=(0, 0.45),
    ylim=(0, 0.5),
)
right.set(xlabel="p, coin B", ylabel="q, coin C", xlim=(0.45, 0.7), ylim=(0.45, 0.75))
fig.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# Three tosses a round are enough to tell the three numbers apart, as in Collins' tables. With two,
# one number is still open. What else helps, such as a coin that is known, rounds that are labelled
# or a prior, is in the guide, :doc:`/guide/identifiability`, and in
# :ref:`sphx_glr_gallery_plot_semi_supervised.py`.
