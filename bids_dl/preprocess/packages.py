"""Optional packages: those that only some steps use and that a plain installation lacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version

from bids_dl.errors import ConfigError

DISTRIBUTION = "bids_dl"
NAME = re.compile(r"[\w.-]+")  # of a distribution, at the start of a requirement


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
    ConfigError
        A package is not installed. The message has the command that installs it.
    """
    missing = [package for package in packages if not _is_installed(package)]
    if missing:
        names = " and ".join(missing)
        raise ConfigError(f"step {step}: {names} not installed; run {install_command(missing)}")


def install_command(packages: Sequence[str]) -> str:
    """Return the command that installs optional packages, in the versions that this one requires.

    It names the packages, not an extra of this package, because it must work for a clone as well.

    Examples
    --------
    >>> install_command(["autoreject"])
    "pip install 'autoreject>=0.4.3'"
    """
    known = _requirements()
    words = [f"'{known[package]}'" if package in known else package for package in packages]
    return f"pip install {' '.join(words)}"


def _requirements() -> dict[str, str]:
    """Return the requirements of this package with a version, by the name of the distribution."""
    try:
        texts = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # run from its folder, without an installation
        return {}
    requirements = {}
    for text in texts:
        requirement = text.partition(";")[0].strip()
        match = NAME.match(requirement)
        if match and match[0] != requirement:
            requirements[match[0]] = requirement
    return requirements


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
