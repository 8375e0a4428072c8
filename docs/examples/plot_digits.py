"""
A mixture of Bernoullis for handwritten digits
==============================================

What does a hidden class look like? The example of chapter 9.3.3 of Bishop's book, on the digits
that come with scikit-learn: pictures of 8 by 8 pixels, black or white, without their labels.
"""

# %%
# **The pixels** are tosses: 64 coins in each row, 1 where there is ink. As in the book, the digits
# are 2, 3 and 4, and there are three classes. The thetas of a class are its mean picture. With 192
# of them steps of Newton are long. So it is EM, from five random starts, and it ends where the
# default does, which takes longer.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix

from skcoin import ProductBinomialMixture
from skcoin.inspection import bivariate_residuals, classification_table

digits = load_digits()
chosen = np.isin(digits.target, [2, 3, 4])
X, y = (digits.data[chosen] > 7).astype(int), digits.target[chosen]
model = ProductBinomialMixture(
    3, layout="tosses", solver="em", init_params="k-means++", n_init=5, random_state=0
).fit(X)
single = ProductBinomialMixture(1, layout="tosses").fit(X)
fig, axes = plt.subplots(1, 4, figsize=(9, 2.8), layout="constrained")
titles = ["one class for all", *(f"class {k} ({w:.0%})" for k, w in enumerate(model.weights_))]
pictures = np.concatenate([single.theta_, model.theta_]).reshape(4, 8, 8)
for ax, theta, title in zip(axes, pictures, titles, strict=True):
    ax.imshow(theta, cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[], title=title)

# %%
# **Are the classes the digits?** Nobody told the model, and it finds them but for some of the 2s.

cluster = model.predict(X)
print("digit  class 0  class 1  class 2")
for digit, row in zip((2, 3, 4), confusion_matrix(y - 2, cluster), strict=True):
    print(f"{digit:5d}", *(f"{n:8d}" for n in row))

# %%
# Of the 2s that are put to the 3s these are the first eight. Of so few pixels the eye is not sure
# either.

others = np.flatnonzero((y == 2) & (cluster == 0))[:8]
fig, axes = plt.subplots(1, len(others), figsize=(9, 1.4), layout="constrained")
for ax, row in zip(axes, X[others], strict=True):
    ax.imshow(row.reshape(8, 8), cmap="gray_r")
    ax.set(xticks=[], yticks=[])

# %%
# **The model is sure of itself**, also where it is wrong. Given the class it takes pixels for
# independent, and so counts 64 answers where there are far fewer: a stroke covers several pixels.
# The residuals of pairs tell that. Large ones are much more common between neighbours than between
# other pixels.

wrong = np.mean(cluster != np.select([y == 3, y == 4], [0, 1], default=2))
expected = classification_table(model, X).error_rate
print(f"put wrong: {wrong:.1%}, as the model expects it: {expected:.1%}")
chi2 = bivariate_residuals(model, X).chi2
across, down = np.divmod(np.arange(64), 8)
distance = np.hypot(across[:, None] - across, down[:, None] - down)
for name, pairs in (("neighbours", distance == 1), ("others", distance > 1)):
    of_pairs = chi2[np.triu(pairs) & np.isfinite(chi2)]
    print(f"{name}: {np.mean(of_pairs > 3.84):.0%} of {len(of_pairs)} pairs above 3.84")

if plt.get_backend().lower() != "agg":
    plt.show()

# %%
# **The answer.** A class is a mean picture, and three of them are nearly the digits. For the
# probability of a class the pixels are too many and too much alike. See
# :doc:`/guide/several_coins`.
#
# Bishop, C. M. (2006). *Pattern recognition and machine learning*. Springer.
