"""What identifies a plan: its request as plain values, their digest, and where two plans differ."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from bids_dl import preprocess
from bids_dl.config.stages import Request


def described(request: Request, recipe: preprocess.Recipe) -> dict[str, Any]:
    """The request as a store keeps it: plain values, no path of this machine."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(request)))
    plain["preprocess"] = recipe.to_dict()
    plain["events"].pop("hed_schema_dir")
    return plain


def digest(content: Any) -> str:
    """SHA-256 of plain content, in one form of JSON."""
    return hashlib.sha256(
        json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()


def differing(old: Any, new: Any, path: str = "") -> list[str]:
    """Where two plain contents differ, with short values."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = [*old, *(name for name in new if name not in old)]
        return [
            p
            for name in names
            for p in differing(old.get(name), new.get(name), f"{path}.{name}".lstrip("."))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            p
            for i, (a, b) in enumerate(zip(old, new, strict=True))
            for p in differing(a, b, f"{path}[{i + 1}]")
        ]
    if old == new:
        return []
    short = all(not isinstance(value, dict | list) and len(str(value)) < 40 for value in (old, new))
    return [f"{path} ({old} there, {new} now)" if short else path]
