"""Documentation of the options of a function, written from their declarations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from types import FunctionType
from typing import cast

from bids_dl.config.declaration import DeclaredOption, declared_options

RESULT = "Returns\n-------\n"
"""Heading before which the options stand."""


def document_options(function: Callable[..., object]) -> str | None:
    """Return the docstring of a function with a section of its options.

    Returns
    -------
    str | None
        The docstring as it is, if the function has no ``**options`` of a declared `TypedDict`. None
        without a docstring, as with ``python -OO``.

    Examples
    --------
    >>> from bids_dl.config.options import InfoOptions
    >>> from typing import Unpack
    >>> def info(store: str, **options: Unpack[InfoOptions]) -> None:
    ...     "Describe a store."
    >>> "Other Parameters" in document_options(info)
    True
    """
    documentation = inspect.getdoc(function)
    # Read as text, because types of results are imported only where they are used.
    annotation = str(function.__annotations__.get("options", ""))
    declaration = re.fullmatch(r"Unpack\[(\w+)\]", annotation)
    if documentation is None or declaration is None:
        return documentation
    names = cast(FunctionType, function).__globals__
    options = declared_options(names[declaration[1]]).values()
    entries = "".join(
        f"{option.name} : {_type(option)}\n    {option.opt.help}\n" for option in options
    )
    section = f"Other Parameters\n----------------\n{entries}\n"
    before, result, after = documentation.partition(RESULT)
    return f"{before}{section}{result}{after}" if result else f"{before}\n\n{section}"


def _type(option: DeclaredOption) -> str:
    """Return the type of an option without the names of modules."""
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", inspect.formatannotation(option.type))
