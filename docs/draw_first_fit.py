"""Draw docs/_static/first_fit.svg, the picture of the README's first fit, by the code above it."""

import doctest
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "skcoin"}  # text that can be read

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
code = README.read_text("utf-8").partition("```python\n")[2].partition("\n```")[0]
names = {}
for example in doctest.DocTestParser().get_examples(code):
    exec(example.source, names)
picture = DOCS / "_static" / "first_fit.svg"
names["display"].figure_.savefig(picture, metadata={"Date": None, "Creator": None})
