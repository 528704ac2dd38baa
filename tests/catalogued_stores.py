"""Stores for catalogues: copies of a real one with other attributes."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from resealed_store import read_root, write_root


def copy_store(template: Path, store: Path, **attributes: Any) -> Path:
    """Copy a store with other attributes, and with a content of its own unless one is given."""
    shutil.copytree(template, store)
    root = read_root(store)
    content = hashlib.sha256(store.name.encode()).hexdigest()
    root["attributes"] |= {"title": store.name, "content": content, **attributes}
    write_root(store, root)
    return store
