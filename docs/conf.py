"""How the site is built. Nothing is fetched: neither by the build nor by the pages it writes."""

import sys
from pathlib import Path

import skcoin
import skcoin.inspection
import skcoin.plotting

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "skcoin"
author = "The skcoin developers"
copyright = f"{author}, BSD-3-Clause"  # noqa: A001
release = version = skcoin.__version__

extensions = [
    "inherited",
    "mathml",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "benchmarks/README.md", "examples", "inventories", "zh"]
templates_path = ["_templates"]
nitpicky = True
smartquotes = False  # types quote strings of Python
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

# Pages that are in Chinese as well: the first, those that have a catalogue, and those of the guide.
zh = DOCS / "zh"
catalogues = zh / "locale" / "zh_CN" / "LC_MESSAGES"
chinese = [
    path.relative_to(folder).with_suffix("").as_posix()
    for folder, pattern in ((catalogues, "**/*.po"), (zh, "guide/*.rst"))
    for path in sorted(folder.glob(pattern))
]
if chinese:
    chinese = ["index", *chinese]
    tags.add("zh")  # noqa: F821

# The names of other projects that we link to, in inventories small enough to be read.
intersphinx_mapping = {
    name: (site, f"inventories/{name}.txt")
    for name, site in {
        "matplotlib": "https://matplotlib.org/stable",
        "numpy": "https://numpy.org/doc/stable",
        "pandas": "https://pandas.pydata.org/docs",
        "python": "https://docs.python.org/3",
        "scipy": "https://docs.scipy.org/doc/scipy",
        "sklearn": "https://scikit-learn.org/stable",
    }.items()
}

autodoc_typehints = "none"
autosummary_filename_map = {  # beside summary, on disks that do not tell A from a
    "skcoin.inspection.Summary": "skcoin.inspection.Summary_class",
}
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # of the words of a type, link those below and no others
numpydoc_xref_aliases = {
    "Axes": "matplotlib.axes.Axes",
    "BarContainer": "matplotlib.container.BarContainer",
    "Bunch": "sklearn.utils.Bunch",
    "Figure": "matplotlib.figure.Figure",
    "Line2D": "matplotlib.lines.Line2D",
    "array-like": "numpy.typing.ArrayLike",
    "bool": ":class:`python:bool`",
    **{name: name.replace("_", r"\_") for name in ("n_features_in_", "n_features_in_,", "n_iter_")},
    "sequence": "collections.abc.Sequence",
} | {
    name: f"{module.__name__}.{name}"
    for module in (skcoin, skcoin.inspection, skcoin.plotting)
    for name in module.__all__
    if isinstance(getattr(module, name), type)
}

sphinx_gallery_conf = {
    "abort_on_example_error": True,
    "backreferences_dir": "gallery/backreferences",
    "capture_repr": ("_repr_html_",),
    "doc_module": ("skcoin",),
    "download_all_examples": False,
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "image_srcset": ["2x"],
    "min_reported_time": 0,
    "minigallery_sort_order": "teaching.order",
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "thumbnail_size": (640, 448),
    "within_subsection_order": "teaching.order",
    "write_computation_times": False,
}

plot_formats = ["svg"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = True
plot_pre_code = ""  # what a figure needs stands above it

copybutton_exclude = ".gp, .go"  # prompts and output

html_theme = "pydata_sphinx_theme"
html_title = "skcoin"
html_favicon = "_static/coin.svg"
html_static_path = ["_static"]
html_css_files = ["skcoin.css"]
html_math_renderer = "mathml"
html_search_scorer = str(DOCS / "_ext" / "scorer.js")
html_context = {
    "chinese": chinese,
    "default_mode": "auto",  # light or dark, as the reader's system is
}
html_use_index = html_domain_indices = False
html_copy_source = html_show_sourcelink = html_show_sphinx = False
html_sidebars = {page: [] for page in ("index", "install", "compare", "how_it_works", "changelog")}
html_theme_options = {
    "footer_end": [],
    "footer_start": ["copyright"],
    "header_links_before_dropdown": 4,
    "logo": {"text": "skcoin", "image_light": "_static/coin.svg", "image_dark": "_static/coin.svg"},
    "navbar_end": ["chinese", "theme-switcher"],
    "navbar_persistent": ["search-field"],
    "search_bar_text": "Search",
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
