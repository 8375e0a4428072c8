"""The version in the state of an estimator: told when another one reads it."""

import warnings

from sklearn.exceptions import InconsistentVersionWarning

KEY = "_skcoin_version"


class _InconsistentVersion(InconsistentVersionWarning):
    """scikit-learn's warning, in words that name skcoin."""

    def __str__(self):
        return (
            f"This {self.estimator_name} was pickled by skcoin {self.original_sklearn_version} and "
            f"is read by skcoin {self.current_sklearn_version}, which may understand it otherwise. "
            "Fit it again, or read it with the version that wrote it."
        )


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
    written, here = state.get(KEY), _version()
    if written is None and "_counts" in state:
        raise ValueError(
            f"This {name} was fitted and pickled by skcoin 0.1, which kept its counts in another "
            f"form than skcoin {here} does. Read it with skcoin 0.1, or fit it again."
        )
    if written not in (None, here):
        warning = _InconsistentVersion(
            estimator_name=name, current_sklearn_version=here, original_sklearn_version=written
        )
        warnings.warn(warning, stacklevel=3)
    return {key: value for key, value in state.items() if key != KEY}


def _version():
    from skcoin import __version__  # which is complete only when all of skcoin is imported

    return __version__
