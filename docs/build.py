"""Build the site into docs/_build/html, from nothing and with warnings as errors.

English at the top, Chinese in zh/ if docs/zh is there. Every example is run, every figure drawn.
"""

import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent
HTML = DOCS / "_build" / "html"

for generated in (DOCS / "_build", DOCS / "gallery", DOCS / "zh" / "gallery"):
    shutil.rmtree(generated, ignore_errors=True)
for stub in DOCS.glob("api/skcoin*.rst"):
    stub.unlink()
for source, html in ((DOCS, HTML), (DOCS / "zh", HTML / "zh")):
    if (source / "conf.py").exists():
        doctrees = DOCS / "_build" / "doctrees" / source.name
        options = ["--fail-on-warning", "--doctree-dir", doctrees]
        build = subprocess.run([sys.executable, "-m", "sphinx", *options, source, html])
        if build.returncode:
            sys.exit(build.returncode)
