"""YAML -> Recipe: by shipped name or from a file, with changes, checked before anything is read."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bids_dl.config.stages import PreprocessConfig
from bids_dl.errors import ConfigError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.step import Step
from bids_dl.preprocess.steps.dropouts import Dropouts
from bids_dl.preprocess.steps.keep_selected import KeepSelected
from bids_dl.preprocess.steps.registry import KEEP_SAMPLES, SIGNAL_STEPS, STEPS, WINDOW_STEPS
from bids_dl.preprocess.steps.reject import Reject
from bids_dl.preprocess.steps.resample import Resample

KEYS = ("name", "description", "extends", "changes", "steps")

CHANGE = re.compile(r"(?P<step>[^.\[\]]+)(\[(?P<number>\d+)\])?\.(?P<parameter>[^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """A step as the YAML gives it, parameters not yet checked."""

    name: str
    parameters: dict[str, Any]
    place: str  # what messages call it


def recipes() -> list[tuple[str, str]]:
    """Name and description of each recipe that ships with the package."""
    return [
        (name, _described(_document(text, f"recipe {name}")))
        for name, text in sorted(_shipped().items())
    ]


def load_recipe(config: PreprocessConfig) -> Recipe:
    """The recipe asked for, validated.

    Raises
    ------
    ConfigError
        No such recipe, step or parameter (the closest known one is named), or a value out of its range.
    """
    where, document, entries = _read(config.recipe, Path(), ())
    for key, value in config.changes.items():
        _change(entries, key, value, where)
    steps = [_step(entry) for entry in entries]
    n_signal = sum(entry.name in SIGNAL_STEPS for entry in entries)
    if misplaced := [entry.name for entry in entries[:n_signal] if entry.name in WINDOW_STEPS]:
        raise ConfigError(
            f"{where}: {misplaced[0]} works on windows, so it must come after all steps on the recording; put it last"
        )
    _check_joined([entry.name for entry in entries], where)
    _check_silence(steps, where)
    name = str(document.get("name") or Path(config.recipe).stem)
    return Recipe(name, _described(document), tuple(steps[:n_signal]), tuple(steps[n_signal:]))


def _check_joined(names: list[str], where: str) -> None:
    """Refuse what would lose the places of windows."""
    if names.count(KeepSelected.name) > 1:
        raise ConfigError(f"{where}: {KeepSelected.name} stands there twice; once is enough")
    if KeepSelected.name in names and Resample.name in names[names.index(KeepSelected.name) :]:
        raise ConfigError(
            f"{where}: {Resample.name} must come before {KeepSelected.name}: joined stretches begin at samples of the final rate"
        )


def _check_silence(steps: Sequence[Step], where: str) -> None:
    """Refuse to look for silence where none can be found any more, and to judge by it where nobody looks."""
    names = [step.name for step in steps]
    if Dropouts.name in names:
        before = [name for name in names[: names.index(Dropouts.name)] if name not in KEEP_SAMPLES]
        if before:
            raise ConfigError(
                f"{where}: {Dropouts.name} must come before {before[0]}, after which silence is no silence; put it first"
            )
    elif any(isinstance(step, Reject) and step.dropout is not None for step in steps):
        raise ConfigError(
            f"{where}: {Reject.name} by dropout needs the step {Dropouts.name}, which finds them; put it first"
        )


def _read(
    recipe: str, folder: Path, extending: tuple[Path, ...]
) -> tuple[str, dict[str, Any], list[Entry]]:
    """What messages call a recipe, its document, and its steps after those of the recipes it extends.

    Parameters
    ----------
    folder
        Where a file named relatively is looked for: beside the one that extends it.
    extending
        The recipes that led here, so that none extends itself.
    """
    where, text, folder = _text(recipe, folder)
    own_place = folder / where
    if own_place in extending:
        raise ConfigError(
            f"{where} extends itself, through {' and '.join(place.name for place in extending)}; take out one `extends`"
        )
    document = _document(text, where)
    entries: list[Entry] = []
    if "extends" in document:
        entries = _read(document["extends"], folder, (*extending, own_place))[2]
        for key, value in (document.get("changes") or {}).items():
            _change(entries, key, value, f"{where}, which extends {document['extends']}")
    own = document.get("steps") or []
    return (
        where,
        document,
        entries + [_entry(item, f"{where}, step {i}") for i, item in enumerate(own, 1)],
    )


def _shipped() -> dict[str, str]:
    folder = files("bids_dl.preprocess") / "recipes"
    return {
        item.name.removesuffix(".yaml"): item.read_text(encoding="utf-8")
        for item in folder.iterdir()
        if item.name.endswith(".yaml")
    }


def _text(recipe: str, folder: Path) -> tuple[str, str, Path]:
    """What messages call it, its YAML, and the folder it lies in."""
    shipped = _shipped()
    if recipe in shipped:
        return f"recipe {recipe}", shipped[recipe], Path()
    path = folder / recipe
    if path.suffix not in (".yaml", ".yml") and not path.is_file():
        raise ConfigError(
            f"no recipe {recipe!r}{_closest(recipe, shipped)}; there are {', '.join(sorted(shipped))}, or give a .yaml file"
        )
    try:
        return f"recipe {path.name}", path.read_text(encoding="utf-8"), path.resolve().parent
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"recipe {recipe}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8 text'})"
        ) from error


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(
            f"{where}: not YAML: {place}{getattr(error, 'problem', None) or 'unreadable characters'}"
        ) from error
    if not isinstance(document, dict):
        raise ConfigError(f"{where}: expected a mapping with name, description and a list of steps")
    for key in document:
        if key not in KEYS:
            raise ConfigError(
                f"{where}: unknown key {key!r}{_closest(str(key), KEYS)}; there are {', '.join(KEYS)}"
            )
    _check_document(document, where)
    return document


def _check_document(document: dict[str, Any], where: str) -> None:
    """Refuse values of the wrong kind."""
    base, changes = document.get("extends"), document.get("changes")
    if "extends" in document and not isinstance(base, str):
        raise ConfigError(
            f"{where}: extends must be the name of a recipe or a .yaml file, got {base!r}"
        )
    if not isinstance(changes, dict | None) or any(
        not isinstance(key, str) for key in changes or ()
    ):
        raise ConfigError(
            f"{where}: changes must be a mapping such as `{{filter.high: 40}}`, got {changes!r}"
        )
    if changes and base is None:
        raise ConfigError(
            f"{where}: changes alter the steps of another recipe; say which one it extends, or write them in the steps"
        )
    if not isinstance(document.get("steps"), list if base is None else list | None):
        raise ConfigError(f"{where}: expected a mapping with name, description and a list of steps")


def _described(document: dict[str, Any]) -> str:
    """The description on one line."""
    return " ".join(str(document.get("description") or "").split())


def _entry(item: Any, where: str) -> Entry:
    if isinstance(item, str):
        item = {item: None}
    if not isinstance(item, dict) or len(item) != 1:
        raise ConfigError(
            f"{where}: expected one step, such as `filter: {{low: 0.5, high: 45}}`, got {item!r}"
        )
    [(name, parameters)] = item.items()
    if name not in STEPS:
        raise ConfigError(
            f"{where}: unknown step {name!r}{_closest(str(name), STEPS)}; there are {', '.join(STEPS)}"
        )
    if not isinstance(parameters, dict | None):
        raise ConfigError(
            f"{where} ({name}): expected parameters by name, {', '.join(_parameters(name))}, got {parameters!r}"
        )
    return Entry(name, copy.deepcopy(parameters or {}), f"{where} ({name})")


def _change(entries: list[Entry], key: str, value: Any, where: str) -> None:
    """Set one parameter, ``step.parameter`` or, where a step occurs more than once, ``step[2].parameter``, counted from 1."""
    match = CHANGE.fullmatch(key)
    if not match:
        raise ConfigError(f"cannot change {key!r}: expected step.parameter, such as filter.high")
    name, number, parameter = match["step"], match["number"], match["parameter"]
    found = [entry.parameters for entry in entries if entry.name == name]
    if not found:
        used = list(dict.fromkeys(entry.name for entry in entries))
        raise ConfigError(
            f"cannot change {key}: {where} has no step {name!r}{_closest(name, used)}; its steps are {', '.join(used)}"
        )
    if number is None and len(found) > 1:
        choice = " or ".join(
            f"{name}[{i}].{parameter} (now {p.get(parameter, 'its default')})"
            for i, p in enumerate(found, 1)
        )
        raise ConfigError(
            f"cannot change {key}: {where} has {len(found)} steps {name}; say {choice}"
        )
    index = int(number or 1)
    if not 1 <= index <= len(found):
        raise ConfigError(f"cannot change {key}: {where} has {len(found)} {name}, counted from 1")
    if parameter not in _parameters(name):
        raise ConfigError(f"cannot change {key}: {_unknown(name, parameter)}")
    found[index - 1][parameter] = value


def _step(entry: Entry) -> Any:
    for parameter in entry.parameters:
        if parameter not in _parameters(entry.name):
            raise ConfigError(f"{entry.place}: {_unknown(entry.name, parameter)}")
    try:
        return STEPS[entry.name](**entry.parameters)
    except ValidationError as error:
        raise ConfigError(f"{entry.place}: {_reason(error)}") from error


def _reason(error: ValidationError) -> str:
    """What is wrong with the first parameter that is, with its value."""
    first, *others = error.errors(include_url=False)
    parameter = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "missing":
        return f"{parameter} must be given"
    same = [
        first,
        *(
            other
            for other in others
            if other["loc"][:1] == first["loc"][:1] and other["input"] == first["input"]
        ),
    ]
    message = ", or ".join(
        dict.fromkeys(_message(each) for each in same)
    )  # one for each kind of value that it may be
    return f"{parameter} = {first['input']!r}: {message}" if parameter else message


def _message(error: Any) -> str:
    """What pydantic says, in the words of YAML."""
    own = str(error["msg"]).removeprefix("Value error, ")
    if own != error["msg"]:
        return own
    own = (
        own.replace("valid tuple", "list")
        .replace("valid dictionary", "mapping")
        .replace("Dictionary", "mapping")
    )
    return own[:1].lower() + own[1:]


def _parameters(name: str) -> list[str]:
    return [field.name for field in fields(STEPS[name])]


def _unknown(name: str, parameter: Any) -> str:
    known = _parameters(name)
    return f"{name} has no parameter {str(parameter)!r}{_closest(str(parameter), known)}; it has {', '.join(known) or 'none'}"


def _closest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}?" if close else ""
