"""Packages that only some steps use, and that a plain installation lacks."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from bids_dl.errors import ConfigError

INSTALL = "pip install 'bids_dl[clean]'"


def needed(step: str, *packages: str) -> None:
    """Refuse a step whose packages (as pip names them) are not installed, before any work is done.

    Raises
    ------
    ConfigError
        Says what is missing and how to install it.
    """
    if missing := [package for package in packages if not _installed(package)]:
        raise ConfigError(f"step {step}: {' and '.join(missing)} not installed; run {INSTALL}")


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
