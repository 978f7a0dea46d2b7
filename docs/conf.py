"""How the documentation is built: without a network, and with warnings as errors."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.writers.html5 import HTML5Translator

DOCS = Path(__file__).parent

project = "supplyrisk"
author = "The supplyrisk developers"
project_copyright = f"2026, {author}"
release = version = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]["version"]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "numpydoc",
    "myst_nb",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # figures and numbers come from the code as it is now
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # the default comes from the network

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}
extlinks_detect_hardcoded_links = False

html_theme = "pydata_sphinx_theme"
html_title = "supplyrisk"
html_static_path = ["_static"]
html_css_files = ["formulas.css"]
html_sidebars = {  # the sidebar lists the pages below; these have none
    page: []
    for page in (
        *("index", "walikale-2025", "three-more-cases", "notebooks/*", "methods", "glossary"),
        *("calibration", "exact", "intervals", "rare", "hazards", "running", "data", "questions"),
        *("readers", "arch*"),
    )
}
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"  # MathJax would come from the network
html_theme_options = {
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
    "show_prev_next": False,
}

# What a browser would fetch while it shows a page; links that a reader follows are fine.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["']?(?:https?:)?//[^"'> ]+
    | <link\b[^>]*\brel=["']?(?:stylesheet|preload|icon|preconnect)[^>]*
        \bhref=["']?(?:https?:)?//[^"'> ]+
    | <link\b[^>]*\bhref=["']?(?:https?:)?//[^>]*\brel=["']?(?:stylesheet|preload|icon)
    | (?:@import\s+|\burl\()\s*(?:url\()?["']?(?:https?:)?//[^"') ]+
    """,
    re.VERBOSE | re.IGNORECASE,
)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the three steps of our own; no progress bars in what notebooks show."""
    os.environ["TQDM_DISABLE"] = "1"  # here: pytest imports this file too
    app.connect("config-inited", lay_out_sources)
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(visit_inline_math, None),
        block_renderers=(visit_block_math, None),
    )
    app.connect("build-finished", refuse_what_would_be_fetched)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def lay_out_sources(_app: Sphinx, _config: Config) -> None:
    """Bring the notebooks to where Sphinx looks for pages; clear pages of names long gone."""
    target = DOCS / "notebooks"
    for made in (target, DOCS / "generated"):
        shutil.rmtree(made, ignore_errors=True)
    target.mkdir()
    for notebook in sorted((DOCS.parent / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, target)


def mathml(node: Element, *, as_block: bool) -> str:
    """Return the LaTeX of `node` as MathML; what cannot be said in MathML is a warning."""
    from docutils.utils.math import MathError  # noqa: PLC0415 - pytest imports this file too
    from docutils.utils.math.latex2mathml import tex2mathml  # noqa: PLC0415
    from sphinx.util import logging  # noqa: PLC0415

    latex = re.sub(r"\\dots\b", r"\\ldots", node.astext())  # the one common word it lacks
    try:
        return str(tex2mathml(latex, as_block=as_block))
    except MathError as error:
        logging.getLogger(__name__).warning("no MathML: %s", error, location=node)
        return ""


def visit_inline_math(self: HTML5Translator, node: Element) -> NoReturn:
    """Write an inline formula."""
    from docutils.nodes import SkipNode  # noqa: PLC0415

    self.body.append(mathml(node, as_block=False))
    raise SkipNode


def visit_block_math(self: HTML5Translator, node: Element) -> NoReturn:
    """Write a formula that stands on its own."""
    from docutils.nodes import SkipNode  # noqa: PLC0415

    self.body.append(self.starttag(node, "div", CLASS="formula notranslate"))
    self.body.append(mathml(node, as_block=True))
    self.body.append("</div>\n")
    raise SkipNode


def refuse_what_would_be_fetched(app: Sphinx, failure: Exception | None) -> None:
    """Fail a build whose pages would load anything from the network."""
    if failure is not None or app.builder.format != "html":
        return
    from sphinx.errors import ExtensionError  # noqa: PLC0415

    pages = (path for kind in ("*.html", "*.css") for path in Path(app.outdir).rglob(kind))
    fetched = {
        f"{page.relative_to(app.outdir)}: {match.group()[:120]}"
        for page in sorted(pages)
        for match in FETCHED.finditer(page.read_text(encoding="utf-8"))
    }
    if fetched:
        message = "pages would load from the network:\n" + "\n".join(sorted(fetched))
        raise ExtensionError(message)
