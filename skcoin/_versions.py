"""The version in the state of an estimator: told when another one reads it."""

import warnings

from sklearn.exceptions import InconsistentVersionWarning

KEY = "_skcoin_version"


def with_version(state):
    """A state to pickle, with the version that writes it."""
    return {**state, KEY: _version()}


def check_version(state, name):
    """A state without its version, if this version can read it.

    Parameters
    ----------
    state : dict
    name : str
        Of the estimator.

    Raises
    ------
    ValueError
        If a version before 0.2.0 wrote it, whose counts were of another form.
    """
    written = state.get(KEY)
    if written is None and "_counts" in state:
        raise ValueError(
            f"This {name} was fitted and pickled by skcoin 0.1, which kept its counts in another "
            f"form than skcoin {_version()} does. Load it with skcoin 0.1, or fit it again."
        )
    if written not in (None, _version()):
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=name,
                current_sklearn_version=_version(),
                original_sklearn_version=written,
            ),
            stacklevel=2,
        )
    return {key: value for key, value in state.items() if key != KEY}


def _version():
    from skcoin import __version__  # which is complete only when all of skcoin is imported

    return __version__
