"""The house: which room may know which, how large a file may grow, and what no room may read."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import skcoin
from skcoin._families import Family

ROOM = Path(skcoin.__file__).parent
FILES = {
    ".".join(("skcoin", *path.relative_to(ROOM).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(ROOM.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
OPTIONAL = {"matplotlib", "narwhals", "pandas", "polars", "pyarrow", "duckdb"}


def imports(nodes):
    """Modules that these nodes import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in FILES else node.module


def at_import(name):
    """What a module imports when it is imported itself."""
    return set(imports(TREES[name].body))


def anywhere(name):
    return set(imports(ast.walk(TREES[name])))


def within(name, *rooms):
    return any(name == room or name.startswith(room + ".") for room in rooms)


def each_file(*rooms):
    """Run a test on every file of some rooms."""
    return pytest.mark.parametrize("name", [name for name in FILES if within(name, *rooms)])


@each_file("skcoin._em", "skcoin._families")
def test_optimiser_and_families_import_numpy_and_scipy_and_each_other_only_downwards(name):
    allowed = ["numpy", "scipy", "dataclasses", "decimal", "functools", "itertools"]
    allowed += ["collections.abc", "skcoin._em"]
    if within(name, "skcoin._families"):
        allowed += ["skcoin._families"]
    assert [module for module in anywhere(name) if not within(module, *allowed)] == []


@each_file("skcoin._em")
def test_optimiser_names_no_family_and_no_coin(name):
    text = FILES[name].read_text(encoding="utf-8")
    assert re.findall(r"(?i)(?<!sk)coin|heads|tails|toss|theta|binomial|bernoulli", text) == []


def test_imports_have_no_circle():
    graph = {
        name: {module for module in at_import(name) if module in FILES and module != name}
        for name in FILES
    }
    for name, below in graph.items():  # a package is imported before what is in it
        if name.rpartition(".")[0] in ("skcoin._em", "skcoin._families"):
            below.discard(name.rpartition(".")[0])
    assert list(TopologicalSorter(graph).static_order())


@each_file("skcoin")
def test_nothing_optional_is_imported_with_a_module(name):
    assert {module.partition(".")[0] for module in at_import(name)} & OPTIONAL == set()


ROOMS = [  # from the top; a room imports from itself and from those after it
    ("skcoin",),
    ("skcoin.plotting",),
    ("skcoin.inspection", "skcoin.frames", "skcoin.model_selection"),
    (
        *("skcoin._binomial_mixture", "skcoin._three_coin", "skcoin._nonparametric_mixture"),
        *("skcoin._beta_binomial_mixture", "skcoin._product_binomial_mixture"),
    ),
    ("skcoin._base",),
    ("skcoin._prediction", "skcoin._criteria", "skcoin._sampling", "skcoin._fit"),
    ("skcoin._mixture", "skcoin._starts", "skcoin._layouts", "skcoin._tells", "skcoin._guesses"),
    ("skcoin._validation", "skcoin._warnings", "skcoin._counts", "skcoin._persistence"),
    ("skcoin._progress",),
    ("skcoin._families",),
    ("skcoin._em",),
]


def floor(name):
    if name == "skcoin":
        return 0
    return next((i for i, rooms in enumerate(ROOMS) if i and within(name, *rooms)), len(ROOMS))


@each_file("skcoin")
def test_arrows_go_down(name):
    upwards = [
        module for module in at_import(name) if module in FILES and floor(module) < floor(name)
    ]
    assert upwards == []


@each_file("skcoin.plotting", "skcoin.inspection", "skcoin.frames", "skcoin.model_selection")
def test_rooms_above_read_no_private_member_of_another_object(name):
    reads = {
        node.attr
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }
    assert reads <= {"_init_callback_context", "_accept_sample_weight"}  # asked by scikit-learn


def test_few_files_lie_flat():
    assert len(list(ROOM.glob("*.py"))) <= 21


@each_file("skcoin")
def test_a_file_and_a_function_can_be_read_in_a_sitting(name):
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= 400
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno + 1 - len(docstring.splitlines())
            assert length <= 60, node.name


def test_the_page_on_the_house_lists_the_contract_of_a_family():
    page = (Path(__file__).parents[1] / "docs" / "how_it_works.rst").read_text(encoding="utf-8")
    table = page[page.index("\nA family\n") : page.index("Louis' formula")]
    listed = set(re.findall(r"^``(\w+)``", table, re.MULTILINE))
    assert listed == {name for name in vars(Family) if not name.startswith("_")}
