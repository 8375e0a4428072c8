"""
A pipeline that is stored and served
====================================

How does a mixture become a feature of another model, and how does that model answer for new rows,
in a process that has never seen the data? Needs pandas.
"""

# %%
# **Customers** get a newsletter, and after a year they renew their subscription or do not. Of each
# we know how many letters were sent, how many of them were opened, for how many months they have
# been customers, and the plan. The data are simulated.

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skcoin import BinomialMixture
from skcoin.model_selection import AllRows, bic_scorer
from skcoin.plotting import MixtureDisplay

# %%
# .. raw:: html
#
#    <details><summary>How the customers are simulated</summary>
#
# There are three kinds of readers, which nobody has written down: who opens most letters, who opens
# some, and whose mail program does not tell. The first and the third renew more often.

rng = np.random.default_rng(0)
KIND = rng.choice(3, size=2000, p=[0.3, 0.4, 0.3])
sent = rng.poisson(6, size=2000)
customers = pd.DataFrame(
    {
        "opened": rng.binomial(sent, np.array([0.8, 0.35, 0.02])[KIND]),
        "sent": sent,
        "months": rng.integers(1, 60, size=2000),
        "plan": rng.choice(["basic", "family", "student"], size=2000),
    }
)
log_odds = np.array([1.5, -1.5, 1.0])[KIND] + 0.02 * (customers["months"] - 30)
renews = rng.uniform(size=2000) < 1 / (1 + np.exp(-log_odds))
# %%
# .. raw:: html
#
#    </details>
#
# **The rows**, and whether the customers have renewed, which is what is to be predicted.

print(customers.head(4).assign(renews=renews[:4]).to_string(index=False))

# %%
# **How many kinds** do the letters show? The search fits all rows and takes the lowest BIC, of the
# same rows: nothing is held out, as :doc:`/guide/how_many` explains.

letters = customers[["opened", "sent"]]
search = GridSearchCV(
    BinomialMixture(layout="heads_tosses"),
    {"n_components": [1, 2, 3, 4]},
    scoring=bic_scorer,
    cv=AllRows(),
).fit(letters)
print("BIC   ", -search.cv_results_["mean_test_score"].round(1))
print("theta ", search.best_estimator_.theta_.round(3))

# %%
# **The mixture is one part of a ColumnTransformer.** Its features are the posterior probabilities
# of the kinds. They tell how much is known: one letter opened of one is little, nine of ten are
# much, and a customer who has got no letter has the shares of all. The rate would be 1, 0.9 and
# missing; it does much worse, also where what is missing is filled by the mean.


def pipeline(of_letters):
    columns = make_column_transformer(
        (of_letters, ["opened", "sent"]),
        (StandardScaler(), ["months"]),
        (OneHotEncoder(), ["plan"]),
    )
    return make_pipeline(columns, LogisticRegression())


def rate(letters):
    shares = letters["opened"] / letters["sent"]
    return shares.fillna(shares.mean()).to_frame()


for name, of_letters in (("rate", FunctionTransformer(rate)), ("kinds", search.best_estimator_)):
    scores = cross_val_score(pipeline(of_letters), customers, renews, scoring="neg_log_loss")
    print(f"{name:5}  log loss on held-out customers {-scores.mean():.3f}")

model = pipeline(search.best_estimator_).fit(customers, renews)
print(*model[0].get_feature_names_out(), sep="\n")

# %%
# On the left the letters and the kinds; on the right what the model makes of customers of a year
# in the basic plan, by the letters that they have opened. With few letters it stays near the mean
# of all.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
MixtureDisplay.from_estimator(search.best_estimator_, letters[letters["sent"] > 0], ax=left)
left.set(xlabel="share of letters opened", ylabel="customers")
for n_sent, line in ((1, ":"), (3, "--"), (12, "-")):
    grid = pd.DataFrame(
        {"opened": range(n_sent + 1), "sent": n_sent, "months": 12, "plan": "basic"}
    )
    right.plot(grid["opened"] / n_sent, model.predict_proba(grid)[:, 1], f"k.{line}", label=n_sent)
right.set(xlabel="share of letters opened", ylabel="probability of renewal", ylim=(0, 1))
right.legend(title="letters")

# %%
# **Store it.** Before the file is given away, the mixture forgets the counts of its customers: for
# predictions it needs its coins only (:doc:`/guide/persistence`).

model[0].named_transformers_["binomialmixture"].forget_counts()
folder = tempfile.TemporaryDirectory()
file = Path(folder.name, "renewal.joblib")
joblib.dump(model, file)

# %%
# **Serve it.** Another process loads the file, reads a customer per line and answers each at once.
# The last of these has got no letter yet.

SERVER = """
import json, sys
import joblib, pandas
model = joblib.load(sys.argv[1])
for line in sys.stdin:
    customer = pandas.DataFrame([json.loads(line)])
    print(json.dumps({"renews": round(model.predict_proba(customer)[0, 1], 3)}), flush=True)
"""

asked = [
    {"opened": 9, "sent": 10, "months": 30, "plan": "family"},
    {"opened": 4, "sent": 10, "months": 30, "plan": "family"},
    {"opened": 0, "sent": 10, "months": 30, "plan": "family"},
    {"opened": 0, "sent": 0, "months": 30, "plan": "family"},
]
lines = "".join(json.dumps(customer) + "\n" for customer in asked)
command = [sys.executable, "-c", SERVER, str(file)]
answers = subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout
for customer, answer in zip(asked, answers.splitlines(), strict=True):
    print(f"{customer['opened']:2d} of {customer['sent']:2d}  {answer}")

# %%
# They are the answers of the model here. What a row costs is in the
# :doc:`benchmarks </benchmarks/index>`: as much as one of ``GaussianMixture``.

here = model.predict_proba(pd.DataFrame(asked))[:, 1].round(3)
print(
    "the same:", [json.loads(answer)["renews"] for answer in answers.splitlines()] == here.tolist()
)

if plt.get_backend().lower() != "agg":
    plt.show()

folder.cleanup()
