"""Types: all that is public has them, and they are true. Type checkers read ``typed.py``."""

import inspect
import re
from importlib.resources import files
from types import WrapperDescriptorType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
import pytest
import typed
from _models import for_display
from _public import ESTIMATORS, PUBLIC, documented_attributes, properties_of, with_methods

import skcoin
from skcoin import plotting

X = pd.DataFrame({"heads": [5, 9, 8, 4, 7], "tails": [5, 1, 2, 6, 3]})


def public(name):
    """The function, method or constructor of this full name."""
    thing = skcoin
    for part in name.split(".")[1:]:
        thing = getattr(thing, part)
    return thing.__init__ if inspect.isclass(thing) else thing


# A class without a constructor of its own has that of object.
NAMES = [n for n in with_methods(PUBLIC) if not isinstance(public(n), WrapperDescriptorType)]


def attributes_of(estimator):
    """The type of each attribute that is learned, or computed from what is."""
    computed = properties_of(estimator).items()
    returned = {name: get_type_hints(thing.fget).get("return") for name, thing in computed}
    return get_type_hints(estimator) | returned


def holds(value, hint):
    """Whether a value is of a type, to the last bit: an int is no float, nor a float64."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is np.ndarray:
        [kind] = get_args(arguments[1])
        return isinstance(value, np.ndarray) and (kind is Any or value.dtype.type is kind)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return len(value) == len(arguments) and all(map(holds, value, arguments))
    return type(value) is hint or any(holds(value, one) for one in arguments)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_and_result_has_a_type(name):
    signature = inspect.signature(public(name))
    untyped = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
    assert untyped in ([], ["self"], ["cls"])
    assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_attribute_that_is_documented_is_declared_and_no_other(estimator):
    assert attributes_of(estimator).keys() == documented_attributes(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_what_is_learned_is_of_the_declared_type(estimator):
    model = estimator().fit(X)
    for name, hint in attributes_of(estimator).items():
        assert holds(getattr(model, name), hint), name


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_what_is_returned_is_of_the_declared_type(estimator):
    model = estimator().fit(X)
    calls = {"sample": [(3,)], "forget_counts": [()], "posterior_mean": [(X,), (X, True)]}
    names = [name for name, _ in inspect.getmembers(estimator, inspect.isfunction)]
    names = [n for n in names if f"skcoin.{estimator.__name__}.{n}" in NAMES]
    assert {"fit", "predict", "sample", "bic"} <= set(names)
    for name in sorted(names, key="forget_counts".__eq__):  # which comes last
        method = getattr(model, name)
        hint = get_type_hints(method)["return"]
        for arguments in calls.get(name, [(X,)]):
            result = method(*arguments)
            assert result is model if hint is Self else holds(result, hint), name


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_default_is_of_the_type_of_its_parameter(estimator):
    hints = get_type_hints(estimator.__init__)
    for name, parameter in inspect.signature(estimator).parameters.items():
        default, hint = parameter.default, hints[name]
        of_arrays = name == "theta_prior"  # protocols, which no value is an instance of
        assert of_arrays or holds(default, hint) or (type(default) is int and hint is float), name


@pytest.mark.usefixtures("no_window")
@pytest.mark.parametrize("display", [vars(plotting)[name] for name in plotting.__all__])
def test_what_is_drawn_is_of_the_declared_type(display):
    declared = {}
    for base in reversed(display.__mro__):
        declared |= inspect.get_annotations(base)
    assert declared.keys() == documented_attributes(display)
    drawn = display.from_estimator(*for_display(display))
    for name, hint in declared.items():  # a text, as matplotlib is not imported for types
        value = getattr(drawn, name)
        parts = {list: list, dict: dict.values}.get(type(value), lambda value: [value])(value)
        assert {type(part).__name__ for part in parts} <= set(re.findall(r"\w+", hint)), name


def test_type_checkers_are_told_that_there_are_types():
    assert files("skcoin").joinpath("py.typed").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("no_window")
def test_what_type_checkers_read_runs():
    typed.write()
