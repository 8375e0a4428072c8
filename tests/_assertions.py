"""Claims that several test files make of results, fits and refusals."""

import pytest
import scipy
from numpy.testing import assert_array_equal
from sklearn.utils.fixes import parse_version

NEEDS_BETA = pytest.mark.skipif(
    parse_version(scipy.__version__) < parse_version("1.15"),
    reason="the incomplete beta function of older scipy is off by 1e-5 for very many tosses",
)


def assert_same(result, expected):
    """The same numbers under the same names, to the last bit."""
    assert result.keys() == expected.keys()
    for name, value in expected.items():
        assert_array_equal(result[name], value, err_msg=name)


def assert_same_fit(model, expected):
    """The same way to the same coins, to the last bit."""
    for name in ("theta_path_", "weights_path_", "lower_bounds_", "n_iter_", "converged_"):
        assert_array_equal(getattr(model, name), getattr(expected, name), err_msg=name)


def assert_refuses(call, *words, error=ValueError):
    """The call raises, and what it says has all of these words."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
