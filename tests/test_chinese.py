"""The Chinese README and pages: complete, up to date, and the same where nothing is translated."""

import ast
import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CATALOGUES = DOCS / "zh" / "locale" / "zh_CN" / "LC_MESSAGES"
README, README_ZH = ROOT / "README.md", ROOT / "README.zh.md"
PAGES = ["plot_two_coins", "plot_three_coins"]
GUIDE = sorted((DOCS / "zh" / "guide").glob("*.rst"))

HAN = r"[\u3400-\u9fff]"
NUMBER = r"-?\d+(?:\.\d+)?"
ROLE = r":([a-z]+):`(?:[^`<]*<)?([^`>]*)>?`"  # the role, and what it points at
LITERAL = r"(`+)(.+?)\1"
LINK = r"\[[^]]*\]\(([^)]*)\)|`[^`<]*<([^`>]*)>`__"


def paragraphs(page):
    """The English text of a page: its title and paragraphs, each in one line, without formulas."""
    source = (DOCS / "examples" / f"{page}.py").read_text("utf-8")
    comments = re.findall(r"^# %%.*\n((?:#.*\n)+)", source, re.MULTILINE)
    blocks = [re.sub(r"^# ?", "", block, flags=re.MULTILINE) for block in comments]
    title, _, docstring = ast.get_docstring(ast.parse(source)).partition("\n")
    for text in [docstring.strip("=\n"), *blocks]:
        for chunk in re.split(r"\n\s*\n", text.strip("\n")):
            if not chunk.startswith((".. ", " ")):
                yield " ".join(chunk.split())
    yield title


def catalogue(page):
    """The entries of a page: English text -> Chinese text."""
    text = (CATALOGUES / "gallery" / f"{page}.po").read_text("utf-8")
    entries = {}
    for key, quoted in re.findall(r'^msg(id|str) ((?:".*"\n?)+)', text, re.MULTILINE):
        message = "".join(ast.literal_eval(line) for line in quoted.splitlines())
        if key == "id":
            assert message not in entries, "an entry twice"
            english = message
        else:
            entries[english] = message
    assert text.count("\nmsgid ") == len(entries)
    del entries[""]  # the header
    return entries


def by_sphinx_gallery(english):
    """Whether the text is not of the script: sphinx-gallery adds lines on downloading it."""
    return ":download:" in english or "sphx_glr_download" in english


def untranslated(text):
    """What a translation keeps: roles with what they point at, code, numbers."""
    roles = re.findall(ROLE, text)
    text = re.sub(ROLE, "", re.sub(LINK, "", text))
    code = [literal for _, literal in re.findall(LITERAL, text)]
    numbers = re.findall(NUMBER, re.sub(LITERAL, "", text))
    return sorted(roles), sorted(code), sorted(numbers)


def prose(text):
    """The words alone, without what is in backticks."""
    return re.sub(LITERAL, "", re.sub(ROLE, "", re.sub(LINK, "", text)))


def code_blocks(path):
    return re.findall(r"^```.*?^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def readme_blocks(path):
    """Headings, paragraphs and items of a list, without code blocks."""
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(block.split()) for block in re.split(r"\n\s*\n|\n(?=- )", text.strip())]


@pytest.mark.parametrize("page", PAGES)
def test_every_paragraph_of_a_page_is_translated(page):
    assert [english for english in paragraphs(page) if not catalogue(page).get(english)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_translation_is_of_a_text_that_has_changed(page):
    stale = catalogue(page).keys() - set(paragraphs(page))
    assert [english for english in stale if not by_sphinx_gallery(english)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_translation_is_marked_as_a_guess_or_dropped(page):
    text = (CATALOGUES / "gallery" / f"{page}.po").read_text("utf-8")
    assert not re.search(r"^#(, .*fuzzy|~)", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_a_translation_is_chinese_and_keeps_formulas_links_code_and_numbers(page):
    for english, chinese in catalogue(page).items():
        assert re.search(HAN, chinese), english
        assert untranslated(chinese) == untranslated(english), english


@pytest.mark.parametrize("page", PAGES)
def test_a_page_and_its_chinese_page_link_to_each_other(page):
    (english,) = [text for text in paragraphs(page) if f"<../zh/gallery/{page}.html>`__" in text]
    assert f"<../../gallery/{page}.html>`__" in catalogue(page)[english]
    assert f"\ngallery/{page}\n" in (DOCS / "zh" / "index.md").read_text("utf-8")


def test_readmes_link_to_each_other():
    assert "[中文](README.zh.md)" in README.read_text("utf-8")
    assert "[English](README.md)" in README_ZH.read_text("utf-8")


def test_readmes_have_the_same_code():
    assert code_blocks(README_ZH) == code_blocks(README)


def test_readmes_have_the_same_parts():
    marks = [
        [re.match(r"#* |- |", block)[0] for block in readme_blocks(path)]
        for path in (README, README_ZH)
    ]
    assert marks[0] == marks[1]


def test_parts_of_the_readmes_have_the_same_links_code_and_numbers():
    for english, chinese in zip(readme_blocks(README), readme_blocks(README_ZH), strict=True):
        assert re.search(HAN, chinese) or chinese == english == "# skcoin", chinese
        assert untranslated(chinese) == untranslated(english), english
        swapped = english.replace("[中文](README.zh.md)", "[English](README.md)")
        assert re.findall(LINK, chinese) == re.findall(LINK, swapped), english


@pytest.mark.parametrize("source", ["README", *PAGES])
def test_chinese_is_set_apart_from_latin_and_has_its_own_punctuation(source):
    texts = readme_blocks(README_ZH) if source == "README" else catalogue(source).values()
    for text in map(prose, texts):
        assert not re.findall(rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9%]{HAN}", text), text
        assert not re.findall(rf"{HAN}\s*[,.;:!?()]|[,;:!?()]\s*{HAN}", text), text


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.stem)
def test_a_page_of_the_guide_has_an_english_one_with_its_figures(page):
    """Half at least of what the Chinese page prints, the English one prints, too."""
    english = (DOCS / "guide" / page.name).read_text("utf-8")
    assert f"\nguide/{page.stem}\n" in (DOCS / "zh" / "index.md").read_text("utf-8")
    examples = doctest.DocTestParser().get_examples(page.read_text("utf-8"))
    printed = [line for example in examples for line in example.want.splitlines() if line.strip()]
    of_its_own = [line for line in printed if line not in english]
    assert len(printed) > 5
    assert 2 * len(of_its_own) <= len(printed)


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.stem)
def test_words_of_a_page_of_the_guide_are_chinese(page):
    for block in re.split(r"\n\s*\n", page.read_text("utf-8")):
        text = prose(" ".join(block.split()))
        if re.search(HAN, text) and not block.startswith((" ", ">>>", "..", "-")):
            assert not re.findall(rf"{HAN}\s*[,;:!?()]|[,;:!?()]\s*{HAN}", text), text
