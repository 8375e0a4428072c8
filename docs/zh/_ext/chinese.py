"""What Chinese pages need beside their text: links to the English ones, and words to search for."""

import re
from itertools import pairwise

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.ext.intersphinx import resolve_reference_in_inventory
from sphinx.search import SearchLanguage

ENGLISH = "site://english/"  # of the inventory; a link is relative to the page it stands on
README_LINKS = {"README.md": f"{ENGLISH}index.html", "CONTRIBUTING.md": "CONTRIBUTING.md"}
SOURCE_OF_A_PAGE = re.compile(r"docs/(?:examples/(?P<example>\w+)\.py|(?P<page>[\w/]+)\.rst)")


class SearchChinese(SearchLanguage):
    """Chinese is written without spaces: every two neighbouring characters are a word.

    A query is cut in the same way, so that it finds the pages that have all its pairs.
    """

    lang = "zh"
    language_name = "Chinese"
    runs = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")
    js_splitter_code = r"""
    var splitQuery = (query) =>
      (query.match(/[\u3400-\u9fff]+|(?:(?![\u3400-\u9fff])[\p{L}\p{N}_])+/gu) || [])
        .flatMap((run) => /^[\u3400-\u9fff]{3,}$/.test(run)
          ? Array.from({length: run.length - 1}, (_, i) => run.slice(i, i + 2))
          : [run]);
    """

    def split(self, text):
        words = []
        for run in self.runs.findall(text.lower()):
            if "\u3400" <= run[0] <= "\u9fff":
                words += [*run, *map("".join, pairwise(run))]
            else:
                words.append(run)
        return words


def lead_out_of_readme(app, doctree):
    """The files that README.zh.md links to are no pages here, but some are made into pages.

    Its table looks as it does on the English page.
    """
    if app.env.docname == "index":
        for table in doctree.findall(nodes.table):
            table["classes"].append("ways")
    for link in list(doctree.findall(pending_xref)):
        target = README_LINKS.get(link["reftarget"])
        if source := SOURCE_OF_A_PAGE.fullmatch(link["reftarget"]):
            page = source["page"] or f"gallery/{source['example']}"
            is_chinese = page in app.env.found_docs
            target = f"{'' if is_chinese else ENGLISH}{page}.html"
        if target:
            link.replace_self(nodes.reference("", "", *link.children, refuri=target))


def find_english_page(_app, env, node, text):
    """An English page by its name from the top: ``:doc:`/guide/em```."""
    if node["reftype"] == "doc":
        node["reftarget"] = node["reftarget"].lstrip("/")
        return resolve_reference_in_inventory(env, "skcoin", node, text)


def lead_to_english(_app, doctree, docname):
    """Links to English pages, relative to this one."""
    top = "../" * (docname.count("/") + 1)
    for link in doctree.findall(nodes.reference):
        if link.get("refuri", "").startswith(ENGLISH):
            link["refuri"] = top + link["refuri"].removeprefix(ENGLISH)


def keep_punctuation(_app, doctree, _docname):
    """No line begins with the comma or full stop behind a formula: browsers would break there."""
    for formula in list(doctree.findall(nodes.math)):
        text = formula.next_node(descend=False, siblings=True)
        if isinstance(text, nodes.Text) and text[0] in "，。、；：？！）":
            together = nodes.inline("", "", classes=["together"])
            text.parent.replace(text, nodes.Text(text[1:]))
            formula.replace_self(together)
            together += [formula, nodes.Text(text[0])]


def setup(app):
    app.add_search_language(SearchChinese)
    app.connect("doctree-read", lead_out_of_readme)
    app.connect("missing-reference", find_english_page)
    app.connect("doctree-resolved", lead_to_english)
    app.connect("doctree-resolved", keep_punctuation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
