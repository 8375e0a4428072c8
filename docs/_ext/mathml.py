r"""Formulas as MathML, which browsers draw by themselves: no script and no font is fetched.

The LaTeX is read by docutils. A formula that it cannot read is a warning, so that the build fails.
A displayed formula with ``\\`` outside of an environment is aligned at its ``&``.
"""

import re
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

APPLY = "\u2061"  # stands between a function and what it is applied to
BRACES = "⏞⏟"
OPENING, CLOSING = "([{", ")]}"
THIN = "0.1667em"

logger = logging.getLogger(__name__)


def convert(node, *, as_block):
    latex = node.astext()
    try:
        mathml = tex2mathml(re.sub(r"\\dots\b", r"\\ldots", latex), as_block=as_block)
    except MathError as error:
        logger.warning("no MathML for %r: %s", latex, error, location=node)
        return ""
    mathml = mathml.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    math = ElementTree.fromstring(mathml.replace("&ApplyFunction;", APPLY))
    for element in math.iter():
        put_under_brace(element)
        space_functions(element)
    return ElementTree.tostring(math, encoding="unicode")


def put_under_brace(element):
    """The label of a brace stands below or above it, not beside it as an index does."""
    if element.tag in ("msub", "msup") and element[0].tag in ("munder", "mover"):
        _, brace = element[0]
        if brace.text in BRACES:
            element.tag = element[0].tag


def space_functions(row):
    """A thin space around a function, as in TeX, but not before the bracket that it opens."""
    for i in reversed([i for i, child in enumerate(row) if child.text == APPLY]):
        after = row[i + 1] if i + 1 < len(row) else None
        if after is not None and not (after.tag == "mo" and after.text in OPENING):
            row[i].set("rspace", THIN)
        before = row[i - 2] if i > 1 else None
        if before is not None and (before.tag not in ("mo", "mspace") or before.text in CLOSING):
            row.insert(i - 1, ElementTree.Element("mspace", width=THIN))


def visit_inline(translator, node):
    translator.body.append(convert(node, as_block=False))
    raise nodes.SkipNode


def visit_display(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(convert(node, as_block=True))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
