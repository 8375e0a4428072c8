"""The state of an estimator: what is stored, by which versions, and what may be left out."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Self

from sklearn.exceptions import InconsistentVersionWarning

from skcoin._validation import refuse_if_forgotten, refuse_if_not_fitted
from skcoin._warnings import warn_user

KEY = "_skcoin_version"
PACKAGES = (  # what skcoin needs, and what it speaks to where it is there
    *("numpy", "scipy", "scikit-learn", "joblib", "matplotlib", "narwhals", "pandas", "polars"),
    *("pyarrow", "duckdb", "dask", "ibis-framework", "pyspark", "skops"),
)


class _InconsistentVersion(InconsistentVersionWarning):
    """scikit-learn's warning, in words that name skcoin."""

    def __str__(self):
        return (
            f"This {self.estimator_name} was pickled by skcoin {self.original_sklearn_version} and "
            f"is read by skcoin {self.current_sklearn_version}, which may understand it otherwise. "
            "Fit it again, or read it with the version that wrote it."
        )


class PersistenceMixin:
    """The part of the estimators that is stored and read again."""

    def forget_counts(self) -> Self:
        """Forget the rows of the fit, so that a model can be given away without them.

        A fitted model keeps the counts of its rows: the distinct pairs of heads and tails, and how
        often each came. ``partial_fit`` goes on from them, and ``sample`` draws numbers of tosses
        from them; nothing else reads them. What else it holds are parameters, the way to them, and
        the names of the columns.

        Returns
        -------
        self : object
            The same model, of which ``sample`` now needs ``n_tosses``, and ``partial_fit`` raises
            a ``ValueError`` until ``fit`` has been called again.

        Raises
        ------
        NotFittedError
            If the model is not fitted.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> BinomialMixture().fit(X).forget_counts().predict(X)
        array([1, 0, 0, 1, 0])
        """
        refuse_if_not_fitted(self)
        self._counts = None
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "theta_")

    def __getstate__(self):
        return {**super().__getstate__(), KEY: _version()}

    def __setstate__(self, state):
        name, parameters = type(self).__name__, self._get_param_names()
        super().__setstate__(_checked(state, name, parameters, self._learned))

    def _counts_so_far(self):
        """The counts of the rows that ``partial_fit`` goes on from; None if it is the first."""
        if hasattr(self, "_counts"):
            what = "partial_fit cannot add to the rows of before. Call fit, with all rows."
            refuse_if_forgotten(self._counts, what)
        return getattr(self, "_counts", None)


def _checked(state, name, parameters, learned):
    """A state without its version, if this version can read it.

    Parameters
    ----------
    state : dict
    name : str
        Of the estimator.
    parameters : list of str
        What an estimator holds.
    learned : set of str
        What a fitted one holds besides.

    Raises
    ------
    ValueError
        If a version before 0.2.0 wrote it, whose counts were of another form, or if it lacks what
        this version reads.
    """
    written, here = state.get(KEY), _version()
    if written is None and "_counts" in state:
        raise ValueError(
            f"This {name} was fitted and pickled by skcoin 0.1, which kept its counts in another "
            f"form than skcoin {here} does. Read it with skcoin 0.1, or fit it again."
        )
    needed = {*parameters, *(learned if "theta_" in state else ())}
    if missing := sorted(needed - state.keys()):
        raise ValueError(
            f"This {name} was pickled by skcoin {written or '0.1'} without {', '.join(missing)}, "
            f"which skcoin {here} needs. Read it with the version that wrote it, or fit it again."
        )
    if written not in (None, here):
        warning = _InconsistentVersion(
            estimator_name=name, current_sklearn_version=here, original_sklearn_version=written
        )
        warn_user(warning, InconsistentVersionWarning)
    return {key: value for key, value in state.items() if key != KEY}


def _version():
    from skcoin import __version__  # which is complete only when all of skcoin is imported

    return __version__


def show_versions() -> None:
    """Print the versions of skcoin, of Python and of what skcoin works with.

    A report of a mistake should name them. Nothing is imported for it.

    Examples
    --------
    >>> import skcoin
    >>> skcoin.show_versions()
    skcoin          0...
    python          3...
    machine         ...
    numpy           2...
    ...
    """
    print(f"{'skcoin':14}  {_version()}")
    print(f"{'python':14}  {platform.python_version()}")
    print(f"{'machine':14}  {platform.platform()}")
    for package in PACKAGES:
        print(f"{package:14}  {_installed(package)}")


def _installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
