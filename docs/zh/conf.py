"""The Chinese pages: what docs/conf.py says, the same two scripts, and text from locale/."""

import runpy
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1]
sys.path.insert(0, str(DOCS / "zh" / "_ext"))

english = runpy.run_path(str(DOCS / "conf.py"), init_globals={"tags": tags})  # noqa: F821
globals().update({name: value for name, value in english.items() if not name.startswith("_")})

language = "zh_CN"
locale_dirs = ["locale"]
gettext_compact = False  # one catalogue for each page
extensions = [*english["extensions"], "chinese"]

exclude_patterns = ["gallery/index.rst", "locale"]
templates_path = ["_templates", "../_templates"]
html_static_path = ["../_static", "_static"]
html_css_files = [*english["html_css_files"], "chinese.css"]
html_extra_path = ["../../CONTRIBUTING.md"]
html_favicon = "../_static/coin.svg"
html_search_language = "zh"
html_sidebars = {"**": []}

# Built after the English pages, into a folder of theirs.
intersphinx_mapping = {
    name: (site, str(DOCS / inventory))
    for name, (site, inventory) in english["intersphinx_mapping"].items()
} | {"skcoin": ("site://english", str(DOCS / "_build" / "html" / "objects.inv"))}

sphinx_gallery_conf = english["sphinx_gallery_conf"] | {
    "copyfile_regex": r"GALLERY_HEADER\.rst",
    "examples_dirs": "../examples",
    "ignore_pattern": r"plot_(?!(two|three)_coins)",
    "min_reported_time": float("inf"),  # a time that differs cannot be looked up in a catalogue
}

html_theme_options = english["html_theme_options"] | {
    "logo": {
        "text": "skcoin",
        "image_light": "../_static/coin.svg",
        "image_dark": "../_static/coin.svg",
    },
    "navbar_end": ["english", "theme-switcher"],
    "search_bar_text": "搜索",
}
