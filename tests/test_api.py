"""The public face: names, documentation, imports, version and the commands of the README."""

import ast
import importlib.metadata
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy
import pytest
from _models import for_display
from _public import ESTIMATORS, MODULES, documented_attributes, properties_of

import skcoin
import skcoin.exceptions
import skcoin.plotting

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
PACKAGE = ", ".join(module.__name__ for module in MODULES)


def run(*arguments, folder=None, **environment):
    """Run this Python on the package under test, wherever that is, and return what it says."""
    path = [str(Path(skcoin.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))} | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize("module", MODULES)
def test_all_is_the_public_namespace(module):
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert set(module.__all__) == public
    assert sorted(module.__all__) == list(module.__all__)


@pytest.mark.parametrize("module", MODULES)
def test_dir_shows_public_names_only(module):
    shown = set(dir(module)) - {"__version__"}
    if module is skcoin:
        rooms = {name for name in shown if inspect.ismodule(getattr(skcoin, name))}
        assert {"datasets", "exceptions", "frames", "inspection"} <= rooms
        assert {"model_selection", "plotting"} <= rooms
        shown -= rooms
    assert shown == set(module.__all__)


def test_versions_are_shown_of_skcoin_and_of_all_that_it_works_with(capsys):
    skcoin.show_versions()
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["skcoin"] == skcoin.__version__
    assert shown["numpy"] == numpy.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for needed in [*project["dependencies"], *extras["plot"], *extras["frames"]]:
        assert re.split(r"\W*>=", needed)[0] in shown


def test_versions_of_what_is_missing_are_said_to_be(capsys, monkeypatch):
    monkeypatch.setattr(skcoin._persistence, "PACKAGES", ("no-such-package",))
    skcoin.show_versions()
    assert "no-such-package  not installed" in capsys.readouterr().out


def test_public_names_are_those_of_the_package():
    assert {"BinomialMixture", "ThreeCoinModel", "IdentifiabilityWarning"} <= set(skcoin.__all__)
    assert skcoin.IdentifiabilityWarning is skcoin.exceptions.IdentifiabilityWarning
    assert issubclass(skcoin.IdentifiabilityWarning, UserWarning)


def test_version_is_a_literal_and_that_of_the_installed_package():
    tree = ast.parse(Path(skcoin.__file__).read_text(encoding="utf-8"))
    literals = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert literals["__version__"] == skcoin.__version__
    try:
        installed = importlib.metadata.version("skcoin")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("skcoin is not installed")
    assert installed == skcoin.__version__


IMPORT = f"""
import json, sys
import sklearn.mixture
before = set(sys.modules)
import {PACKAGE}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def fresh_import():
    """What a fresh interpreter, in which warnings are errors, says on importing the package."""
    return run("-W", "error", "-c", IMPORT)


@pytest.mark.slow
def test_import_brings_no_module_that_scikit_learn_does_not(fresh_import):
    added = json.loads(fresh_import.stdout)
    assert set(PACKAGE.split(", ")) <= set(added)
    roots = {name.partition(".")[0] for name in added}
    assert roots - sys.stdlib_module_names <= {"skcoin", "numpy", "scipy", "sklearn"}


def test_import_says_nothing(fresh_import):
    assert len(fresh_import.stdout.splitlines()) == 1  # that of the test above
    assert fresh_import.stderr == ""


def parameters_of(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_documented_attributes_are_what_fit_learns(estimator):
    pandas = pytest.importorskip("pandas")
    model = estimator().fit(pandas.DataFrame({"heads": [1, 9, 2], "tails": [9, 1, 8]}))
    learned = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert documented_attributes(estimator) == learned | properties_of(estimator).keys()


@pytest.mark.parametrize("name", skcoin.plotting.__all__)
def test_documented_attributes_are_what_plot_draws(name):
    display = getattr(skcoin.plotting, name)
    drawn = vars(display.from_estimator(*for_display(display)))
    assert documented_attributes(display) == {name for name in drawn if name.endswith("_")}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_constructor_stores_its_parameters_and_nothing_else(estimator):
    given = {name: object() for name in parameters_of(estimator)}
    assert vars(estimator(**given)) == given


def test_python_in_the_readme_is_a_doctest():
    readme, pyproject = ROOT / "README.md", ROOT / "pyproject.toml"
    if not (readme.exists() and pyproject.exists()):
        pytest.skip("the tests stand alone")
    blocks = re.findall(
        r"^```python\n(.*?)^```", readme.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert blocks
    assert all(block.startswith(">>> ") for block in blocks)
    # A closing fence right after the output would be read as a part of it.
    assert all(block.endswith("\n\n") for block in blocks)
    assert "--doctest-glob=README*.md" in pyproject.read_text("utf-8")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where examples are run, and what they write remains."""
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="session")
def output_of(folder):
    """What an example prints, which is run once."""
    if not EXAMPLES.is_dir():
        pytest.skip("docs/ is not here")

    @cache
    def output_of(example):
        arguments = "-W", "error::UserWarning:__main__", EXAMPLES / example
        return run(*arguments, folder=folder, MPLBACKEND="agg").stdout

    return output_of


TWO_COINS = """
coins known:  A 0.80  B 0.45
   0  0.6000  0.5000
   1  0.7130  0.5813
  10  0.7967  0.5197
coins hidden: A 0.80  B 0.52
  1      5      5       0.10       0.90    B
  2      9      1       0.95       0.05    A
weights free: A 0.7934  B 0.5139  A is picked with probability 0.5228
   0  0.3000  0.4000
"""

THREE_COINS = """
Table 1: HHH TTT HHH TTT
   1  0.3738  0.0680  0.7578  0.0004 0.9714 0.0004 0.9714
   3  0.5000  0.0000  1.0000
   2  0.3940  0.0012  0.9893
   4  0.4970  0.0000  0.8284  0.0000 0.9949 0.0000 0.9949
   1  0.3000  0.5000  0.5000  0.3000 0.3000 0.3000 0.3000
   8  0.3593  0.8972  0.2773  0.9500 0.0016 0.9500 0.0016
(0.50, 0.50, 0.50)  0.5000  0.6000  0.6000  0.6000
(0.40, 0.60, 0.70)  0.4064  0.5368  0.6432  0.6000
(0.46, 0.55, 0.67)  0.4619  0.5346  0.6561  0.6000
IdentifiabilityWarning: 3 free parameters need a row of at least 3 tosses
"""


SERVED_PIPELINE = """
BIC    [9885.3 7453.  7208.8 7223.5]
binomialmixture__binomialmixture2
 0 of  0  {"renews":
the same: True
"""

OVERDISPERSED_COUNTS = """
BinomialMixture      2           3         -154.93  315.9  322.6   2.07
BetaBinomialMixture  1           2         -156.57  317.1  321.7   3.71
BetaBinomialMixture  2           4         -153.51  315.0  324.1   0.65
one coin, or one kind that varies?  statistic 30.67, p-value 0.005, 52%
one kind that varies, or two?       statistic  6.12, p-value 0.090
one that varies  0.142  0.013  0.118 to 0.170       0.057  0.018
       4 of 14        0.21  0.21 to 0.21    0.21  0.09 to 0.37
batsmen               1     93.6      1     96.5
"""


SEQUENCING_READS = """
binomials        38367  19886  16937  16329  16165  16115  16103  16112  16123  lowest: 7
beta-binomials   16485  16133  16044  16059  lowest: 3
binomials       152949  80977  68128  65419  64577  64310  64228  64206  64219  lowest: 8
0.40       0.413  0.0019    +6.8    0.403  0.0036    +0.7
share                    0.574       0.520
three that vary  hold 95% of all rates, 50 of the top 50
"""


@pytest.mark.parametrize(
    ("example", "lines"),
    [
        ("plot_two_coins.py", TWO_COINS),
        pytest.param("plot_three_coins.py", THREE_COINS, marks=pytest.mark.slow),
        pytest.param("plot_served_pipeline.py", SERVED_PIPELINE, marks=pytest.mark.slow),
        pytest.param("plot_overdispersed_counts.py", OVERDISPERSED_COUNTS, marks=pytest.mark.slow),
        pytest.param("plot_sequencing_reads.py", SEQUENCING_READS, marks=pytest.mark.slow),
    ],
)
def test_example_prints_the_known_numbers(output_of, example, lines):
    printed = output_of(example).splitlines()
    for line in filter(None, lines.splitlines()):
        assert any(p.startswith(line) for p in printed), line


def test_example_says_that_it_begins_and_where_the_picture_is_without_a_screen(output_of, folder):
    first, *_, last = output_of("plot_two_coins.py").splitlines()
    assert first.startswith("Importing")
    (picture,) = re.findall(r"\S+\.png", last)
    assert (folder / picture).read_bytes().startswith(b"\x89PNG")


def test_example_prints_twenty_steps_of_the_simulation(output_of):
    simulation = output_of("plot_two_coins.py").partition("simulated coins 0.45 and 0.75")[2]
    assert re.findall(r"^ *(\d+)  0\.\d{4}  0\.\d{4}$", simulation, re.MULTILINE) == [
        str(step) for step in range(21)
    ]
