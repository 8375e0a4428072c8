"""
EM against EM-Newton
====================

How many steps does EM need, and how many does EM-Newton, the default solver, from the same start to
the same maximum? Where the coins are far apart, few with either. Where they overlap EM crawls, at a
speed that can be computed, and EM-Newton does not.
"""

# %%
# **Two tables.** Each row is ten tosses. We take 10,000 rows of two coins and count how many show
# 0, 1, ..., 10 heads; eleven distinct rows with weights hold all there is to know. To have the
# maximum in a known place, we take the counts that the coins show on average: the maximum is then
# at the coins themselves. One pair is far apart, 0.7 and 0.2; the other overlaps, 0.55 and 0.35.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binom

from skcoin import BinomialMixture
from skcoin.inspection import standard_errors
from skcoin.plotting import ConvergenceDisplay

N_ROWS, N_TOSSES, WEIGHTS = 10_000, 10, np.array([0.4, 0.6])
START = [0.9, 0.2]
heads = np.arange(N_TOSSES + 1)
X = np.column_stack([heads, N_TOSSES - heads])


def mean_counts(theta):
    """Rows of each number of heads, on average."""
    return N_ROWS * WEIGHTS @ binom.pmf(heads, N_TOSSES, np.reshape(theta, (-1, 1)))


PAIRS = {"far apart": (0.7, 0.2), "overlapping": (0.55, 0.35)}
print("heads       " + "".join(f"{h:6d}" for h in heads))
for name, theta in PAIRS.items():
    print(f"{name:12s}" + "".join(f"{rows:6.0f}" for rows in mean_counts(theta)))

# %%
# **The same start, the same maximum.** Both solvers start from 0.9 and 0.2 with equal weights and
# stop when less than ``tol`` is left to gain in log-likelihood. A step of either costs one E-step,
# that is one pass over the distinct rows, so that steps can be compared.

print("\npair         solver      E-steps  thetas              weights")
for name, theta in PAIRS.items():
    for solver in ("em", "em-newton"):
        model = BinomialMixture(theta_init=START, solver=solver, tol=1e-9, max_iter=10_000)
        model.fit(X, sample_weight=mean_counts(theta))
        coins = "  ".join(f"{value:.6f}" for value in (*model.theta_, *model.weights_))
        print(f"{name:12s} {solver:10s} {model.n_iter_:8d}  {coins}")

# %%
# **How fast EM is.** The M-step takes the expected split of the tosses as if it had been seen, and
# so overrates what the rows tell. Let :math:`D` be the information on :math:`(\theta, w)` that the
# rows would hold if the coins were known, and :math:`I` what they do hold. What is missing because
# the coins are hidden is :math:`M = D - I`. Near the maximum one step of EM leaves
#
# .. math::
#
#    \theta^{(t+1)} - \hat\theta \approx D^{-1} M \, (\theta^{(t)} - \hat\theta)
#
# of the distance, and in the long run the largest eigenvalue :math:`\lambda` of :math:`D^{-1} M`
# decides: the share of information that is missing along the worst line (Dempster, Laird and Rubin,
# 1977). The log-likelihood is a parabola there, hence its gap to the maximum shrinks by
# :math:`\lambda^2` in each step.

# %%
# Both parts are at hand. :math:`I` is the inverse of the covariance that
# :func:`skcoin.inspection.standard_errors` returns. With known coins the information on
# :math:`\theta_k` is the number of tosses of coin :math:`k` over :math:`\theta_k (1 - \theta_k)`,
# and that on the weight of one of two coins is the number of rows over :math:`w_0 w_1`.


def missing_share(model, rows):
    """Largest eigenvalue of D^-1 M at the maximum, for two coins."""
    covariance = standard_errors(model, X, sample_weight=rows).covariance
    observed = np.linalg.inv(covariance[:3, :3])  # theta_0, theta_1, w_0; w_1 is 1 - w_0
    theta, weights = model.theta_, model.weights_
    tosses = N_TOSSES * weights * rows.sum()
    complete = np.append(tosses / (theta * (1 - theta)), rows.sum() / weights.prod())
    return np.linalg.eigvals(np.eye(3) - observed / complete[:, None]).real.max()


# %%
# The picture shows the gap to the maximum on a log axis. EM soon goes along a straight line, which
# has the slope that was computed (dotted, drawn somewhat higher). EM-Newton divides the gradient by
# the information that the rows do hold, where that is safe, and its gap falls ever more steeply.

fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
print("\npair         missing  gap shrinks in a step of EM by   E-steps per digit of the gap")
print("                      as computed     as observed")
for ax, (name, theta) in zip(axes, PAIRS.items(), strict=True):
    rows = mean_counts(theta)
    model = BinomialMixture(theta_init=START).fit(X, sample_weight=rows)
    display = ConvergenceDisplay.from_estimator(model, X, sample_weight=rows, ax=ax)
    share, gap = missing_share(model, rows), display.gaps["em"]
    last = np.flatnonzero(gap > 1e-4)[-1]
    observed = gap[last] / gap[last - 1]
    print(
        f"{name:12s}  {share:.4f}  {share**2:11.4f}     {observed:11.4f}  "
        f"{np.log(10) / -np.log(share**2):18.1f}"
    )
    step = np.arange(len(gap))
    ax.plot(step, 3 * gap[last] * share ** (2.0 * (step - last)), "k:", label="slope as computed")
    ax.set(title=f"{name}: {theta[0]} and {theta[1]}", ylim=(1e-9, None))
    ax.legend()
axes[1].set_ylabel("")

# %%
# **How near is near?** The two coins are moved together around 0.45, and we count the E-steps until
# less than a millionth of a unit of log-likelihood is left. At a distance of 0.6 about a third of
# the information is missing along the worst line, at 0.12 all but a thousandth.

DISTANCES = [0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.12]


def steps_to_maximum(rows):
    """Best fit, and E-steps of EM and of EM-Newton until the gap is below 1e-6."""
    best = BinomialMixture(theta_init=START, tol=0).fit(X, sample_weight=rows)
    n_steps = []
    for solver in ("em", "em-newton"):
        model = BinomialMixture(theta_init=START, solver=solver, tol=1e-7, max_iter=20_000)
        gap = N_ROWS * (best.lower_bound_ - model.fit(X, sample_weight=rows).lower_bounds_)
        n_steps.append(int(np.argmax(gap < 1e-6)))
    return best, n_steps


steps = []
print("\ndistance  missing    EM  EM-Newton")
for distance in DISTANCES:
    rows = mean_counts([0.45 + distance / 2, 0.45 - distance / 2])
    best, n_steps = steps_to_maximum(rows)
    steps.append(n_steps)
    share = missing_share(best, rows)
    print("{:8.2f}  {:7.4f}  {:4d}  {:9d}".format(distance, share, *n_steps))

# %%
# Average tables are kind. Here are ten that were drawn: 10,000 rows of the overlapping pair, at
# random. EM's number depends on what was drawn, that of EM-Newton hardly.

rng = np.random.default_rng(0)
chances = mean_counts(PAIRS["overlapping"]) / N_ROWS
drawn = np.array([steps_to_maximum(rng.multinomial(N_ROWS, chances))[1] for _ in range(10)])
print("\nten drawn tables  least  median  most E-steps")
for name, n_steps in zip(("EM", "EM-Newton"), drawn.T, strict=True):
    print(f"{name:16s}  {n_steps.min():5d}  {np.median(n_steps):6.0f}  {n_steps.max():4d}")

# %%
# **What it costs.** Beside the pass over the rows, a Newton step sums the covariance of the score,
# for each pair of coins, and finds the eigenvalues of a matrix with two rows for each coin. This is
# why we count E-steps and do not call them equal in seconds; those are in the benchmarks,
# :doc:`/benchmarks/index`. And the same start need not lead both solvers to the same maximum where
# there are several, as in :ref:`sphx_glr_gallery_plot_does_the_start_matter.py`. How a Newton step
# is kept safe is in the guide, :doc:`/guide/newton`.

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
looks = (("EM", "#0072B2", "o--"), ("EM-Newton", "#D55E00", "s-."))
for (name, color, look), n_steps in zip(looks, np.transpose(steps), strict=True):
    ax.plot(DISTANCES, n_steps, look, color=color, label=name)
ax.set(xscale="log", yscale="log", xlabel="distance of the two coins", ylabel="E-steps")
ax.set_xticks(DISTANCES, [f"{distance:g}" for distance in DISTANCES])
ax.minorticks_off()
ax.legend()
if plt.get_backend().lower() != "agg":
    plt.show()
