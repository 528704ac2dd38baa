"""Construction of stages from values, with the errors of pydantic in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from bids_dl.errors import ConfigError
from bids_dl.wording import closest

T = TypeVar("T")


def build(stage: Callable[..., T], **values: Any) -> T:
    """Build the dataclass of a stage. A value of None means that the field keeps its default.

    Raises
    ------
    ConfigError
        A value is refused; the message shows the first one.
    """
    try:
        return stage(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as problem:
        raise ConfigError(explain(problem)) from None


def explain(problem: ValidationError) -> str:
    """Describe the first value that pydantic refused, by the name of its option.

    Parameters
    ----------
    problem
        Error of a stage's dataclass, whose fields have the names of the options.
    """
    first = problem.errors(include_url=False)[0]
    message = first["msg"]
    if first["type"] == "value_error" or not first["loc"]:
        return message.removeprefix("Value error, ")
    option = str(first["loc"][0]).replace("_", "-")
    return f"{option} {first['input']!r}: {message[:1].lower()}{message[1:]}"


def check_names(names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names that are not known.

    Raises
    ------
    ConfigError
        The message has the closest known name, or all of them if none is similar.
    """
    known = list(known)
    for name in names:
        if name not in known:
            match = closest(name, known)
            hint = f"did you mean {match!r}?" if match else f"use one of {', '.join(known)}"
            raise ConfigError(f"unknown option {name!r}; {hint}")
