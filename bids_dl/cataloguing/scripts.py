"""Data and scripts inside a page: JSON that cannot close its element, and the hash of a script."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from markupsafe import Markup

from bids_dl.errors import CONTROLS

ESCAPES = {character: f"\\u{ord(character):04x}" for character in "<>&"}
"""Characters of markup, which JSON may write as escapes in its texts only."""


def embed_json(content: Any) -> Markup:
    r"""Write JSON for a script element, which no text in it can close.

    Parameters
    ----------
    content
        Any JSON value. Control characters become escapes too.

    Examples
    --------
    >>> print(embed_json({"title": "</script><b>"}))
    {"title": "\u003c/script\u003e\u003cb\u003e"}
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    text = CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return Markup(text)  # noqa: S704  (its markup is escaped above)


def hash_script(script: str) -> str:
    """Return the source expression by which a content security policy allows an inline script.

    Parameters
    ----------
    script
        Text of the script element, as it is in the page.

    Examples
    --------
    >>> hash_script("alert('Hello, world.');")
    "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
    """
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
