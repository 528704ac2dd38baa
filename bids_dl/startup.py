"""Faster import of inflect, a dependency of hedtools that takes two seconds to import."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def import_inflect() -> None:
    """Import inflect without its run-time type checks.

    hedtools uses inflect for the plurals of units. inflect decorates its functions with
    `typeguard.typechecked`, and typeguard then parses and recompiles the source of each of them
    during the import. The checks only verify argument types, so the results of inflect are the
    same without them. This function replaces the decorator by one that does nothing, imports
    inflect, and restores the decorator for other packages.

    Measured with inflect 7.5 and typeguard 4: the import takes 0.1 s instead of 2.2 s, in each
    command and each worker process (mne-bids imports hedtools for datasets with HED). Nothing is
    changed if inflect is already imported or typeguard is not installed.
    """
    if "inflect" in sys.modules:
        return
    try:
        typeguard = import_module("typeguard")
    except ImportError:
        return
    original = typeguard.typechecked
    typeguard.typechecked = _unchecked  # type: ignore[attr-defined]
    try:
        import_module("inflect")
    finally:
        typeguard.typechecked = original  # type: ignore[attr-defined]


def _unchecked(target: Any) -> Any:
    """Return a function or class unchanged, in place of `typeguard.typechecked`."""
    return target
