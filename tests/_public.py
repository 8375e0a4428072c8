"""What is public: names, methods, and the attributes that docstrings list."""

import importlib
import inspect

from numpydoc.docscrape import NumpyDocString

import skcoin
import skcoin.datasets
import skcoin.frames
import skcoin.inspection
import skcoin.model_selection
import skcoin.plotting

MODULES = [skcoin, skcoin.datasets, skcoin.frames, skcoin.inspection]
MODULES += [skcoin.model_selection, skcoin.plotting]
ESTIMATORS = [thing for thing in map(vars(skcoin).get, skcoin.__all__) if hasattr(thing, "fit")]
PUBLIC = [
    f"{module.__name__}.{name}"
    for module in MODULES
    if module is not skcoin.frames  # whose names are those of skcoin
    for name in module.__all__
]


def with_methods(names):
    """These names, and those of the methods that skcoin itself gives to its classes."""
    for full in names:
        yield full
        module, _, name = full.rpartition(".")
        thing = getattr(importlib.import_module(module), name)
        if inspect.isclass(thing):
            for method, function in inspect.getmembers(thing, inspect.isroutine):
                home = getattr(function, "__module__", None) or ""
                if not method.startswith("_") and home.startswith("skcoin"):
                    yield f"{full}.{method}"


def properties_of(estimator):
    """Those that are computed from what a fit learns."""
    computed = inspect.getmembers(estimator, lambda member: isinstance(member, property))
    return {name: thing for name, thing in computed if name.endswith("_") and name[0] != "_"}


def documented_attributes(thing):
    entries = NumpyDocString(inspect.getdoc(thing))["Attributes"]
    return {name.strip() for entry in entries for name in entry.name.split(",")}
