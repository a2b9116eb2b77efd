"""The documentation as a site: ``make docs`` builds it into build/docs; any warning is an error.

The pages are Markdown (MyST), the API reference comes from the docstrings. What a page shows is run
by tests/docs; nothing is executed here.
"""

import importlib.metadata
import re
from typing import Any

from pygments.lexers import TextLexer

project = "ensemble"
release = importlib.metadata.version("ensemble")
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["**.ipynb_checkpoints"]

# Whoever looks at a page needs no network: this theme has no fonts or scripts from elsewhere.
html_theme = "furo"
html_title = f"ensemble {release}"
html_show_sourcelink = False
html_copy_source = False

myst_heading_anchors = 3
nb_execution_mode = "off"

# `names` in docstrings are links where they can be found, and code where not.
default_role = "py:obj"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
# By these names, not by the page of text that stands behind each.
autodoc_type_aliases = {name: name for name in ("ArrayLike", "Cells", "Floats", "Index", "Ints")}
numpydoc_show_class_members = False


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", _name_aliases)
    app.add_lexer("lammps", TextLexer)


def _name_aliases(*event: Any) -> tuple[str | None, str | None]:
    """Sphinx shows an alias in a union as what it holds it in."""
    signature, returned = event[-2:]
    pattern = r"TypeAliasForwardRef\('(\w+)'\)"
    first, second = (text and re.sub(pattern, r"\1", text) for text in (signature, returned))
    return first, second
