"""Checks of the arguments of Python functions. Messages have the names that Python users write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from bids_dl.errors import ArgumentTypeError, ConfigError

MAX_VALUE_CHARS = 60  # of a value in a message


def as_path(name: str, value: Any) -> str:
    """Return a path or URL as text.

    Parameters
    ----------
    name
        Name of the argument.
    value
        Text, or any object with a path, such as `pathlib.Path`.

    Raises
    ------
    ArgumentTypeError
        The value is neither, is empty, or its path is bytes.

    Examples
    --------
    >>> from pathlib import Path
    >>> as_path("store", Path("eyes.zarr"))
    'eyes.zarr'
    """
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        if path and isinstance(path, str):
            return path
    raise wrong_type(name, "a path or a URL", value)


def as_optional_path(name: str, value: Any) -> str | None:
    """Return a path or URL as text like `as_path`, and None for None."""
    return None if value is None else as_path(name, value)


def as_paths(name: str, value: Any) -> list[str]:
    """Return one or several paths or URLs as a list of texts.

    Parameters
    ----------
    name
        Name of the argument.
    value
        A path as in `as_path`, or an iterable of paths.

    Raises
    ------
    ArgumentTypeError
        The value is neither.
    ConfigError
        There is no path.

    Examples
    --------
    >>> as_paths("sources", "ds004362"), as_paths("sources", ("a", "b"))
    (['ds004362'], ['a', 'b'])
    """
    if isinstance(value, str | os.PathLike):
        return [as_path(name, value)]
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        raise wrong_type(name, "a path, a URL or a list of them", value)
    paths = [as_path(name, item) for item in value]
    if not paths:
        raise ConfigError(f"{name}: the list is empty; give at least one path or URL")
    return paths


def check_integers(*, minimum: int | None = 1, **numbers: Any) -> None:
    """Check that arguments are integers of at least ``minimum``, if it is not None.

    Raises
    ------
    ArgumentTypeError
        A value is no integer.
    ConfigError
        A number is too small.

    Examples
    --------
    >>> check_integers(batch_size=64, threads=2)
    """
    for name, number in numbers.items():
        if isinstance(number, bool) or not hasattr(number, "__index__"):
            raise wrong_type(name, "an integer", number)
        if minimum is not None and number < minimum:
            raise ConfigError(f"{name} must be at least {minimum}, got {number}")


def check_optional_integers(*, minimum: int | None = 1, **numbers: Any) -> None:
    """Check like `check_integers` those arguments that are not None."""
    for name, number in numbers.items():
        if number is not None:
            check_integers(minimum=minimum, **{name: number})


def check_flags(**flags: Any) -> None:
    """Check that arguments are True or False.

    Raises
    ------
    ArgumentTypeError
        A value is neither.
    """
    for name, flag in flags.items():
        if not isinstance(flag, bool) and type(flag).__name__ not in ("bool", "bool_"):
            raise wrong_type(name, "True or False", flag)


def check_callables(**functions: Any) -> None:
    """Check that arguments can be called. None passes.

    Raises
    ------
    ArgumentTypeError
        A value is no function.
    """
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise wrong_type(name, "a function or None", function)


def check_texts(**texts: Any) -> None:
    """Check that arguments are text. None passes.

    Raises
    ------
    ArgumentTypeError
        A value is no text, or is empty.
    """
    for name, text in texts.items():
        if text is not None and not (text and isinstance(text, str)):
            raise wrong_type(name, "a text or None", text)


def check_mappings(**mappings: Any) -> None:
    """Check that arguments are mappings. None passes.

    Raises
    ------
    ArgumentTypeError
        A value is no mapping.
    """
    for name, mapping in mappings.items():
        if mapping is not None and not isinstance(mapping, Mapping):
            raise wrong_type(name, "a mapping such as a dict", mapping)


def wrong_type(name: str, expected: str, value: Any) -> ArgumentTypeError:
    """Create the error for an argument of the wrong type.

    Examples
    --------
    >>> str(wrong_type("batch_size", "an integer", "32"))
    "batch_size must be an integer, got str '32'"
    """
    return ArgumentTypeError(f"{name} must be {expected}, got {describe_value(value)}")


def describe_value(value: Any) -> str:
    """Describe a value by its type and, if it is short, its text.

    Examples
    --------
    >>> describe_value("32"), describe_value(None), describe_value(list(range(100)))
    ("str '32'", 'None', 'list')
    """
    if value is None or isinstance(value, bool):
        return str(value)
    kind = type(value).__name__
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"{kind} of {getattr(value, 'dtype', '')} {tuple(shape)}"
    text = repr(value)
    if len(text) > MAX_VALUE_CHARS or "\n" in text or " at 0x" in text:
        return kind
    return f"{kind} {text}"
