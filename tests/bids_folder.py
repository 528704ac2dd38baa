"""BIDS folders made of text files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

EVENTS = "onset\tduration\tvalue\n1.0\tn/a\ta\n"


def write_folder(root: Path, files: Mapping[str, str]) -> Path:
    """Write text files by their path relative to ``root``, with a dataset_description.json."""
    for name, content in {"dataset_description.json": "{}", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root
