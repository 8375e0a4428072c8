"""The documentation: what it covers, and that what it shows is run or drawn."""

import doctest
import re
import tomllib
from pathlib import Path

import pytest
from _public import ESTIMATORS, PUBLIC, with_methods
from numpydoc.validate import validate

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    *(DOCS / name for name in ("index.rst", "install.rst", "compare.rst")),
    *sorted(DOCS.glob("guide/*.rst")),
]
SOURCES = [
    *PAGES,
    DOCS / "api" / "index.rst",
    DOCS / "changelog.md",
    *sorted(DOCS.glob("benchmarks/*.md")),
    *sorted(DOCS.glob("examples/*.*")),
]
NOT_CHECKED = {
    "ES01": "a summary of one line may be all there is to say",
    "SA01": "not everything has something to see also",
    "RT02": "what is returned has a name here, also where it is one thing",
}


def listed_in_api():
    """The full names in docs/api/index.rst, in its order."""
    module = None
    for line in (DOCS / "api" / "index.rst").read_text("utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif re.fullmatch(r"   \w+", line):
            yield f"{module}.{line.strip()}"


@pytest.mark.parametrize("name", list(with_methods(PUBLIC)))
def test_docstring_is_numpydoc(name):
    errors = [error for error in validate(name)["errors"] if error[0] not in NOT_CHECKED]
    assert not errors


def test_api_pages_are_those_of_the_public_names():
    assert sorted(listed_in_api()) == sorted(PUBLIC)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_estimator_links_to_its_page_on_the_site_and_nowhere_while_there_is_none(estimator):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    site = project.get("urls", {}).get("Documentation")
    page = f"{site}api/skcoin.{estimator.__name__}.html" if site else ""
    assert estimator()._get_doc_link() == page
    links = re.findall(r'href="(http[^"]*)"', estimator()._repr_html_())
    assert all(page and link.startswith(page) for link in links)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_on_a_page_is_a_doctest_or_a_figure(page):
    text = page.read_text("utf-8")
    languages = re.findall(r"^ *\.\. (?:code|code-block|sourcecode)::(.*)$", text, re.MULTILINE)
    assert {language.strip() for language in languages} <= {"sh"}
    assert not re.findall(r"^(?! *\.\. ).*::$", text, re.MULTILINE), "a literal block is not run"
    figures = re.findall(r"^ *\.\. plot::.*\n(?: +\S.*\n)*\n+ *(\S.*)$", text, re.MULTILINE)
    assert len(figures) == text.count(".. plot::")
    assert all(first_line.startswith(">>> ") for first_line in figures)


def test_pytest_runs_the_pages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    options = project["tool"]["pytest"]["ini_options"]
    assert "--doctest-glob=*.rst" in options["addopts"].split()
    paths = [ROOT / path for path in options["testpaths"]]
    for page in PAGES:
        assert {page, page.parent} & set(paths), f"{page.name} is in none of testpaths"


def test_no_page_shows_a_picture_that_the_build_does_not_draw():
    shown = re.compile(r"(?:image|figure)::|!\[[^]]*\]\(|<img")
    assert not [source.name for source in SOURCES if shown.search(source.read_text("utf-8"))]


def first_fit(page):
    """Its first examples, without indentation."""
    examples = doctest.DocTestParser().get_examples(page.read_text("utf-8"))
    return [(example.source, example.want) for example in examples][:8]


def test_the_first_fit_is_the_same_on_the_first_page_and_in_the_readme():
    assert first_fit(ROOT / "README.md") == first_fit(DOCS / "index.rst")


@pytest.mark.usefixtures("no_window")
def test_the_picture_in_the_readme_is_that_of_its_first_fit():
    """Else: python docs/draw_first_fit.py"""
    names = {}
    for source, _ in first_fit(ROOT / "README.md"):
        exec(source, names)
    drawn = {text.get_text() for text in names["display"].ax_.get_legend().get_texts()}
    svg = (DOCS / "_static" / "first_fit.svg").read_text("utf-8")
    assert drawn <= set(re.findall("<text[^>]*>([^<]*)</text>", svg))
