"""Sphinx settings of the documentation: `make docs` builds the site from the Markdown files of the repository.

The source folder is that of the repository, so that links lead where they lead on GitHub.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "simulator")]

from vendorsim.core.version import __version__  # noqa: E402

project = "vendorsim"
author = copyright = "The vendorsim maintainers"
version = release = __version__
root_doc = "docs/index"
include_patterns = ["docs/**.md", "examples/*/README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
exclude_patterns = [".*", "site", "dist", "build", "benchmarks", "contracts", "scenarios", "simulator", "tests"]

extensions = ["myst_parser", "navigation", "sequence_diagrams", "markdown_twins"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

smartquotes = False  # it would change options such as --to
highlight_language = "sh"

html_theme = "furo"
html_title = f"vendorsim {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["../share/vendorsim"]  # schemas/
html_copy_source = False  # the Markdown twins are the source
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True, "footer_icons": []}
html_use_index = False
