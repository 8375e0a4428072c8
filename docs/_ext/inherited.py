"""Methods that come from scikit-learn: one sentence here, the rest where scikit-learn has it."""

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

BASES = (ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator)
ROUTING = "`metadata routing <https://scikit-learn.org/stable/metadata_routing.html>`__"


def shorten(_app, what, name, thing, _options, lines):
    """Keep the summary of such a method, and name the class that documents it."""
    if what != "method" or not thing.__module__.startswith("sklearn."):
        return
    method = name.rpartition(".")[2]
    base = next((base.__name__ for base in BASES if hasattr(base, method)), None)
    where = f":meth:`sklearn.base.{base}.{method}`" if base else ROUTING
    summary = " ".join(lines[: lines.index("")])
    lines[:] = [f"{summary} See scikit-learn's {where}.", ""]


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", shorten, priority=400)  # numpydoc comes at 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
