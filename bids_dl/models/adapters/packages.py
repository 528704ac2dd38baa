"""Import of optional packages, with two repairs for builds of torch for the CPU."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

import torch

from bids_dl.errors import ModelError
from bids_dl.requirements import extra_command

TORCHVISION_OPERATORS = ("nms", "qnms")
OPERATOR_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
PARTIAL_PACKAGES = ("braindecode", "torchaudio")  # torchvision continues where it failed


class RepairWarning(UserWarning):
    """An import that succeeded only after a repair in this process."""


def import_optional(name: str, extra: str) -> types.ModuleType:
    """Import a package, and repair the import in this process if torch was built for the CPU.

    The wheels of torchaudio and torchvision on PyPI are built for CUDA. Beside a torch for the
    CPU, braindecode fails on a library of torchaudio, and timm on an operator of torchvision.
    Models need neither. Only after exactly such a failure, the library is left out or the
    operators are declared, no file is changed, and a `RepairWarning` says so.

    Parameters
    ----------
    name
        Package to import.
    extra
        Extra of bids_dl that installs the package.

    Raises
    ------
    ModelError
        The package is not installed, or its import fails in another way.

    Examples
    --------
    >>> import_optional("json", "json").__name__
    'json'
    """
    try:
        return _import_quietly(name)
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        raise ModelError(
            f"the package {missing} is not installed; run {extra_command(extra)} (extra {extra})"
        ) from error
    except (OSError, RuntimeError, ImportError) as error:
        repair = _repair(error)
        if repair is None:
            raise ModelError(f"import {name} fails: {_first_line(error)}") from error
    _forget_partial_imports()
    try:
        module = _import_quietly(name)
    except Exception as error:
        raise ModelError(f"import {name} fails: {_first_line(error)}") from error
    warnings.warn(f"import {name}: {repair}", RepairWarning, stacklevel=2)
    return module


@contextmanager
def recorded_repairs() -> Iterator[list[str]]:
    """Collect the repairs of imports inside the context in a list, and hide other warnings.

    Examples
    --------
    >>> with recorded_repairs() as repairs:
    ...     warnings.warn("import x: repaired", RepairWarning, stacklevel=1)
    >>> repairs
    ['import x: repaired']
    """
    repairs: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RepairWarning)
        yield repairs
    for warning in caught:
        if issubclass(warning.category, RepairWarning):
            repairs.append(str(warning.message))


def installed_version(distribution: str) -> str:
    """Return the name and version of a distribution, such as ``"timm 1.0.31"``."""
    try:
        return f"{distribution} {metadata.version(distribution)}"
    except metadata.PackageNotFoundError:
        return distribution


def _import_quietly(name: str) -> types.ModuleType:
    """Import a package without the warnings of its dependencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def _repair(error: Exception) -> str | None:
    """Repair a known failure of an import, and return a description of the repair, or None."""
    text = str(error)
    if isinstance(error, OSError) and "torchaudio" in text and _lacks_cuda_library(error):
        _leave_out_torchaudio_extension()
        return "the CUDA library of torchaudio cannot be loaded and is left out in this process"
    if isinstance(error, RuntimeError) and "torchvision::nms does not exist" in text:
        _declare_torchvision_operators()
        return "the operators of torchvision cannot be loaded and are left out in this process"
    return None


def _lacks_cuda_library(error: BaseException) -> bool:
    """Return True if an error, or its cause, names a missing library of CUDA."""
    causes = [str(error), str(error.__cause__ or error.__context__ or "")]
    return any("cuda" in text or "cudart" in text for text in causes)


def _leave_out_torchaudio_extension() -> None:
    """Replace the extension of torchaudio by a module that has none."""
    extension = types.ModuleType("torchaudio._extension")
    values = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "fail_if_no_align": lambda function: function,
    }
    extension.__dict__.update(values)
    sys.modules[extension.__name__] = extension


def _declare_torchvision_operators() -> None:
    """Define the operators whose absence makes torchvision fail. They compute nothing."""
    for operator in TORCHVISION_OPERATORS:
        torch.library.define(f"torchvision::{operator}", OPERATOR_SCHEMA)


def _forget_partial_imports() -> None:
    """Remove modules whose packages were imported in part, so that they are imported anew."""
    for name in list(sys.modules):
        root = name.partition(".")[0]
        is_complete = root in sys.modules
        if root in PARTIAL_PACKAGES and not is_complete and name != "torchaudio._extension":
            del sys.modules[name]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
