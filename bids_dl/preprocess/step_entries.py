"""Steps as a recipe file lists them: their names, changes of their parameters, and validation."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic import ValidationError

from bids_dl.config.validation import describe_expected, describe_input
from bids_dl.errors import ConfigError
from bids_dl.preprocess.recipe_files import did_you_mean
from bids_dl.preprocess.steps.registry import ELSEWHERE, MAIN_PARAMETERS, OTHER_NAMES, STEPS
from bids_dl.wording import join_names

CHANGE = re.compile(r"(?P<step>[^.\[\]]+)(\[(?P<number>\d+)\])?\.(?P<parameter>[^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class StepEntry:
    """A step as a recipe file lists it. Its parameters are not validated yet.

    Attributes
    ----------
    title
        Name of the entry in messages: "recipe own.yaml, step 2 (filter)".
    """

    name: str
    parameters: dict[str, Any]
    title: str


def parse_entry(item: Any, title: str) -> StepEntry:
    """Parse one item of the list of steps: a name, or a name with parameters.

    Steps of `MAIN_PARAMETERS` may have one value in place of parameters.

    Parameters
    ----------
    item
        The item as YAML gives it.
    title
        Name of the item in messages: "recipe own.yaml, step 2".

    Raises
    ------
    ConfigError
        The item is no step, or the step is unknown.
    """
    if isinstance(item, str):
        item = {item: None}
    if not isinstance(item, dict) or len(item) != 1:
        raise ConfigError(
            f"{title}: expected one step, such as `filter: {{low: 0.5, high: 45}}`, got {item!r}"
        )
    [(name, parameters)] = item.items()
    if name not in STEPS:
        raise ConfigError(
            f"{title}: unknown step {name!r}{_suggest_step(str(name), STEPS)}; "
            f"use one of {join_names(STEPS, limit=len(STEPS))}"
        )
    title = f"{title} ({name})"
    if parameters is not None and not isinstance(parameters, dict):
        if name not in MAIN_PARAMETERS:
            raise _not_by_name(name, parameters, title)
        parameters = {MAIN_PARAMETERS[name]: parameters}
    return StepEntry(name, copy.deepcopy(parameters or {}), title)


def change_parameter(entries: Sequence[StepEntry], key: str, value: Any, recipe: str) -> None:
    """Set one parameter of one entry.

    Parameters
    ----------
    entries
        All entries of the recipe.
    key
        ``step.parameter``, or ``step[2].parameter`` (counted from 1) if the recipe has several
        steps of that name.
    value
        The new value; validated by `build_step`.
    recipe
        Name of the recipe in messages.

    Raises
    ------
    ConfigError
        The key names no step or parameter of the recipe, or more than one step.
    """
    match = CHANGE.fullmatch(key)
    if not match:
        raise ConfigError(f"cannot change {key!r}: expected step.parameter, such as filter.high")
    name, parameter = match["step"], match["parameter"]
    candidates = [entry.parameters for entry in entries if entry.name == name]
    if not candidates:
        used = list(dict.fromkeys(entry.name for entry in entries))
        raise ConfigError(
            f"cannot change {key}: {recipe} has no step {name!r}{_suggest_step(name, used)}; "
            f"its steps are {', '.join(used)}"
        )
    if match["number"] is None and len(candidates) > 1:
        choices = []
        for number, parameters in enumerate(candidates, 1):
            current = parameters.get(parameter, "its default")
            choices.append(f"{name}[{number}].{parameter} (now {current})")
        raise ConfigError(
            f"cannot change {key}: {recipe} has {len(candidates)} steps {name}; "
            f"use {' or '.join(choices)}"
        )
    number = int(match["number"] or 1)
    if not 1 <= number <= len(candidates):
        raise ConfigError(
            f"cannot change {key}: {recipe} has {len(candidates)} {name}, counted from 1"
        )
    if parameter not in _parameter_names(name):
        raise ConfigError(f"cannot change {key}: {_unknown_parameter(name, parameter)}")
    candidates[number - 1][parameter] = value


def build_step(entry: StepEntry) -> Any:
    """Return the step of an entry with validated parameters.

    Raises
    ------
    ConfigError
        A parameter is unknown or missing, or its value is not allowed.
    """
    for parameter in entry.parameters:
        if parameter not in _parameter_names(entry.name):
            raise ConfigError(f"{entry.title}: {_unknown_parameter(entry.name, parameter)}")
    try:
        return STEPS[entry.name](**entry.parameters)
    except ValidationError as error:
        raise ConfigError(f"{entry.title}: {_describe_error(error)}") from error


def _not_by_name(name: str, value: Any, title: str) -> ConfigError:
    """Return the error of parameters without names, with the form that was probably meant."""
    known = _parameter_names(name)
    if not known:
        return ConfigError(f"{title}: has no parameters, got {value!r}; write `{name}`")
    values = value if isinstance(value, list) else [value]
    pairs = [f"{parameter}: {item}" for parameter, item in zip(known, values, strict=False)]
    return ConfigError(
        f"{title}: expected parameters by name, {', '.join(known)}, got {value!r}; "
        f"write for example `{name}: {{{', '.join(pairs)}}}`"
    )


def _suggest_step(name: str, known: Collection[str]) -> str:
    """Suggest the step that was probably meant, by its usual names and then by spelling."""
    usual = re.sub(r"[\s-]+", "_", name.strip().casefold())
    for step, other_names in OTHER_NAMES.items():
        if usual in other_names and step in known:
            return f", did you mean {step!r}?"
    for hint, other_names in ELSEWHERE.items():
        if usual in other_names:
            return f", {hint}"
    return did_you_mean(name, known)


def _describe_error(error: ValidationError) -> str:
    """Describe the first invalid parameter, with its value."""
    details = error.errors(include_url=False)
    first = details[0]
    parameter = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "missing":
        return f"{parameter} must be given"
    if first["type"] == "value_error":
        message = str(first["msg"]).removeprefix("Value error, ")
    else:
        message = f"expected {describe_expected(details)}"
    return f"{parameter} = {describe_input(first['input'])}: {message}" if parameter else message


def _parameter_names(name: str) -> list[str]:
    return [field.name for field in fields(STEPS[name])]


def _unknown_parameter(name: str, parameter: Any) -> str:
    known = _parameter_names(name)
    hint = did_you_mean(str(parameter), known)
    parameters = ", ".join(known) or "none"
    return f"{name} has no parameter {str(parameter)!r}{hint}; its parameters: {parameters}"
