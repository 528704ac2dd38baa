"""Optional packages: those that only some steps use and that a plain installation lacks."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from bids_dl.errors import MissingPackageError
from bids_dl.requirements import install_command


def require_packages(step: str, *packages: str) -> None:
    """Check that the packages of a step are installed, before any work is done.

    Parameters
    ----------
    step
        Name of the step in messages.
    *packages
        Names of the distributions, as pip knows them.

    Raises
    ------
    MissingPackageError
        A package is not installed. The message has the command that installs it.
    """
    missing = [package for package in packages if not _is_installed(package)]
    if missing:
        names = " and ".join(missing)
        raise MissingPackageError(
            f"step {step}: {names} not installed; run {install_command(missing)}"
        )


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
