"""Write the pages of the reference that follow from the code, before Sphinx reads the pages."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

import bids_dl
from extensions.command_pages import command_pages
from extensions.model_pages import model_pages, transform_pages
from extensions.preprocessing_pages import recipe_pages, step_pages
from extensions.python_pages import python_pages

FOLDER = "reference/generated"


def all_pages() -> dict[str, str]:
    """Return the text of all generated pages by path."""
    return {
        **command_pages(),
        **recipe_pages(),
        **step_pages(),
        **model_pages(),
        **transform_pages(),
        **python_pages(),
    }


def write_reference(app: Sphinx) -> None:
    """Write the pages that have changed, and remove those of names that are gone."""
    folder = Path(app.srcdir) / FOLDER
    pages = {folder / path: text for path, text in all_pages().items()}
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.rglob("*.md"):
        if path not in pages:
            path.unlink()


def accept_internal_names(
    _app: Sphinx, _env: Any, node: nodes.Element, contnode: nodes.Element
) -> nodes.Element | None:
    """Print a name of the package that has no page without a link.

    A name that does not exist stays a warning.
    """
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") == "py" and target.startswith("bids_dl.") and exists(target):
        return contnode
    return None


def exists(target: str) -> bool:
    """Return whether a dotted name leads to an object of the package.

    Examples
    --------
    >>> exists("bids_dl.store.Store.read"), exists("bids_dl.store.Shop")
    (True, False)
    """
    module, _, name = target.rpartition(".")
    if not module:
        return False
    try:
        return hasattr(import_module(module), name)
    except ImportError:
        return exists(module) and hasattr(_find(module), name)


def _find(target: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(import_module(module), name, None)
    except ImportError:
        return getattr(_find(module), name, None)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("builder-inited", write_reference, priority=200)
    app.connect("missing-reference", accept_internal_names)
    return {"version": bids_dl.__version__, "parallel_read_safe": True}
