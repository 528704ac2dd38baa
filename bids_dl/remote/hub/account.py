"""The hub that is used, and the token of the person who is logged in there."""

from __future__ import annotations

import importlib.util
import os

PUBLIC_ENDPOINT = "https://huggingface.co"
TRUE_TEXTS = {"1", "on", "yes", "true"}  # as huggingface_hub reads its variables


def endpoint() -> str:
    """Return the address of the hub: that of ``HF_ENDPOINT``, else the public one.

    Examples
    --------
    >>> endpoint()  # doctest: +SKIP
    'https://huggingface.co'
    """
    return (os.environ.get("HF_ENDPOINT") or PUBLIC_ENDPOINT).rstrip("/")


def token() -> str | None:
    """Return the token of ``HF_TOKEN``, else that of ``hf auth login``. None if there is none.

    Without huggingface_hub, only ``HF_TOKEN`` is read. With ``HF_HUB_DISABLE_IMPLICIT_TOKEN``,
    there is no token.

    Examples
    --------
    >>> token() is None  # doctest: +SKIP
    True
    """
    if os.environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").lower() in TRUE_TEXTS:
        return None
    given = os.environ.get("HF_TOKEN", "").strip()
    if given or importlib.util.find_spec("huggingface_hub") is None:
        return given or None
    from huggingface_hub import get_token  # here, because most stores are elsewhere

    stored: str | None = get_token()
    return stored
