"""A dependency that takes two seconds to import, imported in a tenth."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def import_inflect() -> None:
    """Import inflect, which hedtools needs for plurals of units, without the run-time type checks that typeguard compiles into it.

    Measured with inflect 7.5 and typeguard 4: 2.2 s become 0.1 s, in each command and each worker process (mne-bids imports hedtools when a
    dataset has HED). What inflect answers stays the same. Nothing happens where it is there already.
    """
    if "inflect" in sys.modules:
        return
    try:
        typeguard = import_module("typeguard")
    except ImportError:
        return
    check = typeguard.typechecked
    typeguard.typechecked = _as_it_is  # type: ignore[attr-defined]
    try:
        import_module("inflect")
    finally:
        typeguard.typechecked = check  # type: ignore[attr-defined]


def _as_it_is(target: Any) -> Any:
    return target
