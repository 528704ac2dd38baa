"""Templates of pages: one HTML file that loads nothing, with all text escaped."""

from __future__ import annotations

from typing import Any

import jinja2
from markupsafe import Markup

from bids_dl.errors import escape_controls
from bids_dl.reporting import formatting
from bids_dl.sharing.citation import find_doi


def open_templates(*packages: str) -> jinja2.Environment:
    """Open the templates of packages, and those of `bids_dl.reporting`, which all pages share.

    Parameters
    ----------
    packages
        Names of packages with a folder ``templates``.

    Returns
    -------
    jinja2.Environment
        Templates that escape markup and control characters, with the filters count, share,
        duration, value and doi.

    Examples
    --------
    >>> open_templates().from_string("{{ n | count('window') }} of {{ name }}").render(
    ...     n=1000, name="<b>"
    ... )
    '1,000 windows of &lt;b&gt;'
    """
    loaders = [jinja2.PackageLoader(name) for name in (*packages, "bids_dl.reporting")]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_without_controls,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": formatting.format_count,
        "share": formatting.format_share,
        "duration": formatting.format_duration,
        "value": formatting.format_value,
        "doi": find_doi,
    }
    return environment


def _without_controls(value: Any) -> Any:
    """Escape the control characters of a text that a template writes."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return escape_controls(value) if is_text else value
