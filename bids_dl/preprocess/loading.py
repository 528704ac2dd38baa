"""YAML -> Recipe: by shipped name or from a file, with changes, checked before anything is read."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bids_dl.config import PreprocessConfig
from bids_dl.errors import ConfigError
from bids_dl.preprocess.baseline import Baseline
from bids_dl.preprocess.drop import Drop
from bids_dl.preprocess.filter import Filter
from bids_dl.preprocess.harmonise import Harmonise
from bids_dl.preprocess.interpolate import Interpolate
from bids_dl.preprocess.montage import Montage
from bids_dl.preprocess.notch import Notch
from bids_dl.preprocess.pick import Pick
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.reference import Reference
from bids_dl.preprocess.rename import Rename
from bids_dl.preprocess.resample import Resample
from bids_dl.preprocess.step import SignalStep, WindowStep

SIGNAL_STEPS: Mapping[str, type[SignalStep]] = {
    step.name: step for step in (Pick, Drop, Rename, Montage, Interpolate, Harmonise, Notch, Filter, Reference, Resample)
}
WINDOW_STEPS: Mapping[str, type[WindowStep]] = {step.name: step for step in (Baseline,)}
STEPS: Mapping[str, type[SignalStep] | type[WindowStep]] = {**SIGNAL_STEPS, **WINDOW_STEPS}

Entry = tuple[str, dict[str, Any]]
"""A step's name and its parameters as the YAML gives them."""

CHANGE = re.compile(r"(?P<step>[^.\[\]]+)(\[(?P<number>\d+)\])?\.(?P<parameter>[^.\[\]]+)")


def recipes() -> list[tuple[str, str]]:
    """Name and description of each recipe that ships with the package."""
    return [(name, _document(text, f"recipe {name}").get("description", "")) for name, text in sorted(_shipped().items())]


def load_recipe(config: PreprocessConfig) -> Recipe:
    """The recipe asked for, validated.

    Raises
    ------
    ConfigError
        No such recipe, step or parameter (the closest known one is named), or a value out of its range.
    """
    where, text = _text(config.recipe)
    document = _document(text, where)
    entries = [_entry(item, f"{where}, step {i}") for i, item in enumerate(document["steps"], 1)]
    for key, value in config.changes.items():
        _change(entries, key, value, where)
    steps = [_step(name, parameters, f"{where}, step {i} ({name})") for i, (name, parameters) in enumerate(entries, 1)]
    n_signal = sum(name in SIGNAL_STEPS for name, _ in entries)
    if misplaced := [name for name, _ in entries[:n_signal] if name in WINDOW_STEPS]:
        raise ConfigError(f"{where}: {misplaced[0]} works on windows, so it must come after all steps on the recording; put it last")
    name = str(document.get("name") or Path(config.recipe).stem)
    return Recipe(name, " ".join(str(document.get("description") or "").split()), tuple(steps[:n_signal]), tuple(steps[n_signal:]))


def _shipped() -> dict[str, str]:
    folder = files("bids_dl.preprocess") / "recipes"
    return {item.name.removesuffix(".yaml"): item.read_text(encoding="utf-8") for item in folder.iterdir() if item.name.endswith(".yaml")}


def _text(recipe: str) -> tuple[str, str]:
    """What messages call it, and its YAML."""
    shipped = _shipped()
    if recipe in shipped:
        return f"recipe {recipe}", shipped[recipe]
    path = Path(recipe)
    if path.suffix not in (".yaml", ".yml") and not path.is_file():
        raise ConfigError(f"no recipe {recipe!r}{_closest(recipe, shipped)}; there are {', '.join(sorted(shipped))}, or give a .yaml file")
    try:
        return f"recipe {path.name}", path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {recipe}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8 text'})") from error


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(f"{where}: not YAML: {place}{getattr(error, 'problem', None) or 'unreadable characters'}") from error
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        raise ConfigError(f"{where}: expected a mapping with name, description and a list of steps")
    for key in document:
        if key not in ("name", "description", "steps"):
            raise ConfigError(
                f"{where}: unknown key {key!r}{_closest(str(key), ('name', 'description', 'steps'))}; there are name, description, steps"
            )
    return document


def _entry(item: Any, where: str) -> Entry:
    if isinstance(item, str):
        item = {item: None}
    if not isinstance(item, dict) or len(item) != 1:
        raise ConfigError(f"{where}: expected one step, such as `filter: {{low: 0.5, high: 45}}`, got {item!r}")
    [(name, parameters)] = item.items()
    if name not in STEPS:
        raise ConfigError(f"{where}: unknown step {name!r}{_closest(str(name), STEPS)}; there are {', '.join(STEPS)}")
    if not isinstance(parameters, dict | None):
        raise ConfigError(f"{where} ({name}): expected parameters by name, {', '.join(_parameters(name))}, got {parameters!r}")
    return name, copy.deepcopy(parameters or {})


def _change(entries: list[Entry], key: str, value: Any, where: str) -> None:
    """Set one parameter, ``step.parameter`` or, where a step occurs more than once, ``step[2].parameter``, counted from 1."""
    match = CHANGE.fullmatch(key)
    if not match:
        raise ConfigError(f"cannot change {key!r}: expected step.parameter, such as filter.high")
    name, number, parameter = match["step"], match["number"], match["parameter"]
    found = [parameters for step, parameters in entries if step == name]
    if not found:
        used = list(dict.fromkeys(step for step, _ in entries))
        raise ConfigError(f"cannot change {key}: {where} has no step {name!r}{_closest(name, used)}; its steps are {', '.join(used)}")
    if number is None and len(found) > 1:
        choice = " or ".join(f"{name}[{i}].{parameter} (now {p.get(parameter, 'its default')})" for i, p in enumerate(found, 1))
        raise ConfigError(f"cannot change {key}: {where} has {len(found)} steps {name}; say {choice}")
    index = int(number or 1)
    if not 1 <= index <= len(found):
        raise ConfigError(f"cannot change {key}: {where} has {len(found)} {name}, counted from 1")
    if parameter not in _parameters(name):
        raise ConfigError(f"cannot change {key}: {_unknown(name, parameter)}")
    found[index - 1][parameter] = value


def _step(name: str, parameters: dict[str, Any], where: str) -> Any:
    for parameter in parameters:
        if parameter not in _parameters(name):
            raise ConfigError(f"{where}: {_unknown(name, parameter)}")
    try:
        return STEPS[name](**parameters)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_reason(error)}") from error


def _reason(error: ValidationError) -> str:
    """What is wrong with the first parameter that is, with its value."""
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    parameter = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "missing":
        return f"{parameter} must be given"
    return f"{parameter} = {first['input']!r}: {message[:1].lower()}{message[1:]}" if parameter else message


def _parameters(name: str) -> list[str]:
    return [field.name for field in fields(STEPS[name])]


def _unknown(name: str, parameter: Any) -> str:
    known = _parameters(name)
    return f"{name} has no parameter {str(parameter)!r}{_closest(str(parameter), known)}; it has {', '.join(known)}"


def _closest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}?" if close else ""
