"""Construction of stages from values, with the errors of pydantic in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError

from bids_dl.config.catalogue_options import CatalogueOptions
from bids_dl.config.declaration import DeclaredOption, declared_options
from bids_dl.config.embedding_options import EmbedOptions, ProbeOptions
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.labelling_options import LabellingOptions
from bids_dl.config.options import ConvertOptions, EventsOptions
from bids_dl.config.publishing_options import PushOptions
from bids_dl.config.simulation_options import SimulateOptions
from bids_dl.config.training_options import TrainOptions
from bids_dl.errors import ConfigError
from bids_dl.wording import closest

T = TypeVar("T")

MAX_VALUE_CHARS = 60  # of a value in a message
EXPECTED: Mapping[str, str] = {
    "string_type": "text",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_parsing_size": "an integer of fewer digits",
    "int_from_float": "an integer",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "dataclass_type": "a mapping",
    "literal_error": "one of {expected}",
    "greater_than": "a number greater than {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number less than {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "too_short": "at least {min_length} values",
    "too_long": "at most {max_length} values",
    "missing": "more values",
}
"""Expected value by the type of pydantic's error."""


def build(stage: Callable[..., T], **values: Any) -> T:
    """Build the dataclass of a stage. A value of None means that the field keeps its default.

    Raises
    ------
    ConfigError
        A value is refused; the message shows the first one.
    """
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        if isinstance(value, bool):
            _check_boolean(stage, name, value)
    try:
        return stage(**given)
    except ValidationError as problem:
        raise ConfigError(explain(problem)) from None


def explain(problem: ValidationError, *, as_flag: bool = True) -> str:
    """Describe the first value that pydantic refused.

    Parameters
    ----------
    problem
        Error of a dataclass.
    as_flag
        True if its fields have the names of options, which are then named by their flags.
    """
    details = problem.errors(include_url=False)
    first = details[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "value_error":
        return str(first["msg"]).removeprefix("Value error, ")
    if not name:
        return f"{describe_input(first['input'])}: expected {describe_expected(details)}"
    option = _options().get(name) if as_flag else None
    if first["type"] == "unexpected_keyword_argument":
        return f"unknown name {name!r}"
    if len(first["loc"]) == 1 and first["type"] == "missing":
        return f"{_shown(name, option)} must be given"
    expected = describe_expected(details)
    if option is not None and get_origin(option.type) is Literal:
        expected = f"one of {', '.join(get_args(option.type))}"  # may have more, such as none
    return f"{_shown(name, option)} {describe_input(first['input'])}: expected {expected}"


def explain_cause(problem: BaseException) -> str | None:
    """Describe the value that pydantic refused, if its error caused another, such as Typer's."""
    cause = problem.__cause__
    return explain(cause) if isinstance(cause, ValidationError) else None


def describe_expected(details: Sequence[Mapping[str, Any]]) -> str:
    """Describe the values that pydantic would accept in place of the first one it refused.

    Parameters
    ----------
    details
        `ValidationError.errors()`: one error for each type that a value may have.

    Examples
    --------
    >>> describe_expected([{"type": "greater_than", "ctx": {"gt": 0}, "loc": (), "input": -1}])
    'a number greater than 0'
    """
    first = details[0]
    texts: dict[str, None] = {}
    for detail in details:
        if detail["loc"][:1] == first["loc"][:1] and detail["input"] is first["input"]:
            context = dict(detail.get("ctx", {}))
            choices = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
            text = EXPECTED.get(str(detail["type"]), "another value")
            texts[text.format_map(context | {"expected": choices})] = None
    return " or ".join(texts)


def describe_input(value: Any) -> str:
    """Return a value as Python writes it, or the name of its type if that is long.

    Examples
    --------
    >>> describe_input("2s"), describe_input("x" * 100)
    ("'2s'", 'str')
    """
    text = repr(value)
    is_short = len(text) <= MAX_VALUE_CHARS and "\n" not in text
    return text if is_short else type(value).__name__


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


def _options() -> dict[str, DeclaredOption]:
    """Return the options that a field of a stage may stand for."""
    representations = (ExplainOptions, EmbedOptions, ProbeOptions, SimulateOptions)
    others = (CatalogueOptions, LabellingOptions, *representations, TrainOptions, PushOptions)
    return declared_options(EventsOptions, ConvertOptions, *others)


def _shown(name: str, option: DeclaredOption | None) -> str:
    """Return the flag of an option, or the name of what has none."""
    return option.flags[0] if option is not None and option.flags else name


def _check_boolean(stage: Any, name: str, value: bool) -> None:
    """Refuse True and False in place of a number, because pydantic converts them."""
    field = stage.__pydantic_fields__.get(name)
    kinds = set() if field is None else {field.annotation, *get_args(field.annotation)}
    if {int, float} & kinds and bool not in kinds:
        raise ConfigError(f"{_shown(name, _options().get(name))} {value}: expected a number")
