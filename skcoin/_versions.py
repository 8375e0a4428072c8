"""The versions that a report of a mistake should name."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (  # what skcoin needs, and what it speaks to where it is there
    *("numpy", "scipy", "scikit-learn", "joblib", "matplotlib", "narwhals", "pandas", "polars"),
    *("pyarrow", "duckdb", "dask", "ibis-framework", "pyspark", "skops"),
)


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
    from skcoin import __version__  # which is complete only when all of skcoin is imported

    print(f"{'skcoin':14}  {__version__}")
    print(f"{'python':14}  {platform.python_version()}")
    print(f"{'machine':14}  {platform.platform()}")
    for package in PACKAGES:
        print(f"{package:14}  {_version(package)}")


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
