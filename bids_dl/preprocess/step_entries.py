"""Steps as a recipe file lists them: their names, changes of their parameters, and validation."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic import ValidationError

from bids_dl.config.validation import describe_expected, describe_input
from bids_dl.errors import ConfigError
from bids_dl.plugins import Plugin, find_plugin
from bids_dl.preprocess.recipe_files import did_you_mean
from bids_dl.preprocess.step_classes import StepClass, find_step, list_steps
from bids_dl.preprocess.steps.registry import ELSEWHERE, MAIN_PARAMETERS, OTHER_NAMES
from bids_dl.wording import join_names, one_line

CHANGE = re.compile(r"(?P<step>[^.\[\]]+)(\[(?P<number>\d+)\])?\.(?P<parameter>[^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class StepEntry:
    """A step as a recipe file lists it. Its parameters are not validated yet.

    Attributes
    ----------
    title
        Name of the entry in messages: "recipe own.yaml, step 2 (filter)".
    step_class
        Class of the step.
    """

    name: str
    parameters: dict[str, Any]
    title: str
    step_class: StepClass


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
        The item is no step, the step is unknown, or its plug-in cannot be imported.
    """
    if isinstance(item, str):
        item = {item: None}
    if not isinstance(item, dict) or len(item) != 1:
        raise ConfigError(
            f"{title}: expected one step, such as `filter: {{low: 0.5, high: 45}}`, got {item!r}"
        )
    [(name, parameters)] = item.items()
    step_class = find_step(str(name))
    if step_class is None:
        known = list_steps()
        raise ConfigError(
            f"{title}: unknown step {name!r}{_suggest_step(str(name), known)}; "
            f"use one of {join_names(known, limit=len(known))}"
        )
    title = f"{title} ({name})"
    if parameters is not None and not isinstance(parameters, dict):
        if name not in MAIN_PARAMETERS:
            raise _not_by_name(name, step_class.parameters, parameters, title)
        parameters = {MAIN_PARAMETERS[name]: parameters}
    return StepEntry(name, copy.deepcopy(parameters or {}), title, step_class)


def check_stated_plugin(item: Any, packages: Mapping[str, str], title: str) -> None:
    """Check that a step comes from the distribution and version that a recipe states.

    The recipe of a store states them, so that it never runs with another version unnoticed.

    Parameters
    ----------
    item
        Item of the list of steps, as YAML gives it.
    packages
        Distribution and version by name of a step, such as ``{"hum": "mylab 1.5"}``.
    title
        Name of the item in messages.

    Raises
    ------
    ConfigError
        The distribution is not installed, or in another version.
    """
    name = next(iter(item), "") if isinstance(item, dict) else str(item)
    stated = packages.get(name)
    if stated is None:
        return
    plugin = find_plugin("step", name)
    if plugin is None or plugin.package != stated:
        installed = "is not installed" if plugin is None else f"is {plugin.package} here"
        requirement = "==".join(str(stated).split())
        raise ConfigError(
            f"{title} ({name}): the step of {stated} {installed}; install {requirement}, or "
            "remove `plugins` from the recipe to accept any version"
        )


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
    named = [entry for entry in entries if entry.name == name]
    candidates = [entry.parameters for entry in named]
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
    known = named[number - 1].step_class.parameters
    if parameter not in known:
        raise ConfigError(f"cannot change {key}: {_unknown_parameter(name, known, parameter)}")
    candidates[number - 1][parameter] = value


def build_step(entry: StepEntry) -> Any:
    """Return the step of an entry with validated parameters.

    Raises
    ------
    ConfigError
        A parameter is unknown or missing, or its value is not allowed, or a plug-in keeps it in a
        form that no store can hold.
    """
    known = entry.step_class.parameters
    for parameter in entry.parameters:
        if parameter not in known:
            raise ConfigError(f"{entry.title}: {_unknown_parameter(entry.name, known, parameter)}")
    try:
        step = entry.step_class.make(**entry.parameters)
    except ValidationError as error:
        raise ConfigError(f"{entry.title}: {_describe_error(error)}") from error
    except Exception as error:
        if entry.step_class.plugin is None:
            raise
        raise ConfigError(f"{entry.title}: {one_line(str(error))}") from error  # of a plug-in
    _check_plain(step, entry.step_class.plugin)
    return step


def _check_plain(step: Any, plugin: Plugin | None) -> None:
    """Refuse a step of a plug-in with a field that the root of a store cannot hold."""
    if plugin is None:
        return
    for item in fields(step):
        value = getattr(step, item.name)
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise plugin.refuse(
                f"has the field {item.name} of type {type(value).__name__}, expected finite "
                "numbers, texts, or tuples of them"
            ) from None


def _not_by_name(name: str, known: Sequence[str], value: Any, title: str) -> ConfigError:
    """Return the error of parameters without names, with the form that was probably meant."""
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


def _unknown_parameter(name: str, known: Collection[str], parameter: Any) -> str:
    hint = did_you_mean(str(parameter), known)
    parameters = ", ".join(known) or "none"
    return f"{name} has no parameter {str(parameter)!r}{hint}; its parameters: {parameters}"
