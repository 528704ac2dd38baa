"""Sphinx configuration of the site. `docs/CONTRIBUTING.md` has the command that builds it.

The build makes no request: pages link to elsewhere, but load nothing from there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))  # so that Sphinx finds `extensions`

from extensions.gallery import first_notebook_cell  # noqa: E402

import bids_dl  # noqa: E402

project = "bids_dl"
author = "The bids_dl developers"
project_copyright = author
version = release = bids_dl.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "extensions.docstrings",
    "extensions.type_checking_imports",
    "extensions.reference",
]

# Pages of the reference and of the galleries are written by the build, and git ignores them.
exclude_patterns = ["extensions", "_templates", "_static", "container", "workflows"]
templates_path = ["_templates"]
default_role = "literal"  # a name in single backticks of a docstring is code

# Markdown
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4  # headings have the anchors that a repository browser gives them

# Docstrings
autodoc_typehints = "description"  # because our docstrings leave types to the annotations
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = True
napoleon_use_ivar = True

# Names of other packages. Their inventories are on the internet, so they are read on request only:
# BIDS_DL_DOCS_INTERSPHINX=1 turns the names below into links.
INVENTORIES = {
    "python": "https://docs.python.org/3",
    "numpy": "https://numpy.org/doc/stable",
    "pandas": "https://pandas.pydata.org/docs",
    "torch": "https://docs.pytorch.org/docs/stable",
    "mne": "https://mne.tools/stable",
    "zarr": "https://zarr.readthedocs.io/en/stable",
}
if os.environ.get("BIDS_DL_DOCS_INTERSPHINX") == "1":
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {name: (address, None) for name, address in INVENTORIES.items()}
OTHER_PACKAGES = (
    "collections|os|pathlib|typing|fractions|datetime|numpy|np|npt|pandas|pd|torch|nn|mne|zarr"
)
nitpick_ignore_regex = [("py:.*", rf"({OTHER_PACKAGES})(\..*)?")]

# Galleries: scripts that the build runs
sphinx_gallery_conf = {
    "examples_dirs": ["../examples/tutorials", "../examples/decisions"],
    "gallery_dirs": ["tutorials", "decisions"],
    "filename_pattern": r"plot_\w+\.py",
    "within_subsection_order": "extensions.gallery.position",
    "first_notebook_cell": first_notebook_cell(
        os.environ.get("BIDS_DL_DOCS_INSTALL", "bids_dl[planted,s3]")
    ),
    "parallel": 2,
    "doc_module": ("bids_dl",),
    "capture_repr": (),  # only what a script prints or draws is shown
    "backreferences_dir": "reference/generated/backreferences",
    "default_thumb_file": str(DOCS / "pictures" / "eyes-closed.png"),
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib",),
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 3600,  # s, because the time of the machine of the build says nothing
    "notebook_images": True,  # inside the notebook, which is read in any folder
}

# Pages
html_theme = "pydata_sphinx_theme"
html_title = "bids_dl"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "bids_dl"},
    "navbar_center": ["navbar-nav"],
    # Room for "version-switcher": docs/CONTRIBUTING.md says how a release gets its folder.
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button-field"],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "use_edit_page_button": False,  # the repository has no public address yet
    "show_prev_next": True,
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
