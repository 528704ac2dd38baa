"""Packages that are not installed: the one that an import lacks, and the command that installs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from bids_dl.errors import MissingPackageError

DISTRIBUTION = "bids_dl"
NAME = re.compile(r"[\w.-]+")  # of a distribution, at the start of a requirement
EXTRA = re.compile(r"""extra\s*==\s*["']([\w-]+)["']""")
COLLECTIONS = frozenset({"test", "docs"})  # extras that repeat the packages of others
DISTRIBUTIONS = {
    "bids": "pybids",
    "google_crc32c": "google-crc32c",
    "hed": "hedtools",
    "mne_bids": "mne-bids",
    "mne_icalabel": "mne-icalabel",
    "picard": "python-picard",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Distributions whose modules have another name, by the module."""
BOUND_TO_TORCH = frozenset({"braindecode", "lightning", "skorch", "timm", "torchvision"})
"""Packages that would replace the installed torch by a newer one."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement of bids_dl on another distribution.

    Attributes
    ----------
    name
        Name of the distribution.
    text
        Name and versions, as pip takes them: ``"mne>=1.12"``.
    extra
        Extra that requires it; "" if every installation does.
    """

    name: str
    text: str
    extra: str


def install_command(packages: Sequence[str]) -> str:
    """Return the command that installs packages, in the versions that bids_dl requires.

    It names the packages, not an extra of bids_dl, because it must work in a clone as well. A
    package that depends on PyTorch is installed beside the PyTorch that is installed already.

    Examples
    --------
    >>> install_command(["autoreject"])
    "pip install 'autoreject>=0.4.3'"
    """
    known: dict[str, str] = {}
    for requirement in _requirements():
        known.setdefault(requirement.name, requirement.text)
    words = [_quote(known.get(package, package)) for package in packages]
    if BOUND_TO_TORCH & set(packages):
        words += _installed_torch()
    return f"pip install {' '.join(words)}"


def extra_command(extra: str) -> str:
    """Return the command that installs the packages of an extra.

    Examples
    --------
    >>> extra_command("parquet")
    "pip install 'pyarrow>=15'"
    """
    packages = [requirement.name for requirement in _requirements() if requirement.extra == extra]
    return install_command(packages or [f"{DISTRIBUTION}[{extra}]"])


def describe_missing(package: str) -> str:
    """Return that a package is not installed, and what to do.

    Parameters
    ----------
    package
        Name of the distribution.

    Examples
    --------
    >>> describe_missing("pyarrow")
    "the package pyarrow is not installed; run pip install 'pyarrow>=15' (extra parquet)"
    """
    extras = [item.extra for item in _requirements() if item.name == package]
    hint = ""
    if extras and not extras[0]:
        hint = f", or install {DISTRIBUTION} without --no-deps"
    elif extras and extras[0] not in COLLECTIONS:
        hint = f" (extra {extras[0]})"
    return f"the package {package} is not installed; run {install_command([package])}{hint}"


def require_module(module: str) -> None:
    """Check that a module is installed, without importing it.

    Raises
    ------
    MissingPackageError
        It is not. The message has the command that installs it.

    Examples
    --------
    >>> require_module("numpy")
    """
    if find_spec(module) is None:
        raise MissingPackageError(describe_missing(DISTRIBUTIONS.get(module, module)))


def missing_package(error: ModuleNotFoundError) -> MissingPackageError | None:
    """Return the error of a user whose environment lacks a package.

    Parameters
    ----------
    error
        Failure of an import.

    Returns
    -------
    MissingPackageError or None
        None if the module is one of bids_dl itself, which is a defect.

    Examples
    --------
    >>> missing_package(ModuleNotFoundError("No module named 'mne'", name="mne.io"))
    MissingPackageError("the package mne is not installed; run pip install 'mne>=1.12', or install \
bids_dl without --no-deps")
    """
    module = (error.name or "").partition(".")[0]
    if not module or module == DISTRIBUTION:
        return None
    return MissingPackageError(describe_missing(DISTRIBUTIONS.get(module, module)))


@cache
def _requirements() -> tuple[Requirement, ...]:
    """Return the requirements of the installed bids_dl: its own, of extras, of collections."""
    try:
        texts = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # run from its folder, without an installation
        return ()
    requirements = []
    for text in texts:
        specifier, _, marker = text.partition(";")
        match = NAME.match(specifier)
        extra = EXTRA.search(marker)
        name = extra[1] if extra else ""
        if match and match[0] != DISTRIBUTION:
            requirements.append(Requirement(match[0], specifier.strip(), name))
    return tuple(sorted(requirements, key=lambda item: (item.extra in COLLECTIONS, item.extra)))


def _quote(requirement: str) -> str:
    """Quote a requirement for a shell if it has versions."""
    return requirement if NAME.fullmatch(requirement) else f"'{requirement}'"


def _installed_torch() -> list[str]:
    """Return the requirement of the installed torch, without its build such as ``+cpu``."""
    try:
        return [f"torch=={version('torch').partition('+')[0]}"]
    except PackageNotFoundError:
        return []
