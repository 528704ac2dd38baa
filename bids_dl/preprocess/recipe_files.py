"""Find recipes by name or file, read their YAML, and check the form of the document."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from bids_dl.config.yaml_files import load_yaml, read_yaml
from bids_dl.errors import ConfigError
from bids_dl.wording import closest, join_names

KEYS = ("name", "description", "extends", "changes", "steps", "plugins")


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A recipe as its YAML file states it, before its steps are checked.

    Attributes
    ----------
    title
        Name of the recipe in messages: "recipe default", "recipe own.yaml".
    folder
        Folder of the file, in which the recipe that it extends is looked up; empty for a shipped
        recipe.
    document
        Content of the file: a mapping with no other keys than `KEYS`.
    """

    title: str
    folder: Path
    document: dict[str, Any]

    @property
    def location(self) -> Path:
        """Path that tells recipes apart that have the same title."""
        return self.folder / self.title

    @property
    def description(self) -> str:
        """The description on one line."""
        return " ".join(str(self.document.get("description") or "").split())


def shipped_recipes() -> dict[str, str]:
    """Return name and YAML text of each recipe of the package, sorted by name."""
    texts = {}
    for item in (files("bids_dl.preprocess") / "recipes").iterdir():
        if item.name.endswith(".yaml"):
            texts[item.name.removesuffix(".yaml")] = item.read_text(encoding="utf-8")
    return dict(sorted(texts.items()))


def read_recipe_file(recipe: str, folder: Path) -> RecipeFile:
    """Read a recipe and check the form of its document.

    Parameters
    ----------
    recipe
        Name of a shipped recipe, or path of a YAML file.
    folder
        Folder that a relative path starts from.

    Raises
    ------
    ConfigError
        No such recipe or file, no YAML, an unknown key, or a value of the wrong kind.
    """
    shipped = shipped_recipes()
    if recipe in shipped:
        title = f"recipe {recipe}"
        return RecipeFile(title, Path(), parse_document(shipped[recipe], title))
    path = folder / recipe
    if path.suffix not in (".yaml", ".yml") and not path.is_file():
        raise ConfigError(
            f"no recipe {recipe!r}{did_you_mean(recipe, shipped)}; "
            f"use one of {join_names(shipped, limit=len(shipped))}, or give a .yaml file"
        )
    text = read_yaml(path, f"recipe {recipe}")
    title = f"recipe {path.name}"
    return RecipeFile(title, path.resolve().parent, parse_document(text, title))


def parse_document(text: str, title: str) -> dict[str, Any]:
    """Parse the YAML of a recipe and check keys and kinds of values.

    Parameters
    ----------
    text
        Content of the file.
    title
        Name of the recipe in messages.

    Raises
    ------
    ConfigError
        The text is no YAML, a key is unknown or occurs twice, or a value is of the wrong kind.
    """
    try:
        document = load_yaml(text, title)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "unreadable characters"
        raise ConfigError(f"{title}: not YAML: {line}{problem}") from error
    if not isinstance(document, dict):
        raise _no_mapping(title)
    for key in document:
        if key not in KEYS:
            raise ConfigError(
                f"{title}: unknown key {key!r}{did_you_mean(str(key), KEYS)}; "
                f"use {join_names(KEYS)}"
            )
    _check_values(document, title)
    return document


def did_you_mean(name: str, known: Any) -> str:
    """Return ", did you mean 'x'?" for the most similar known name, or "" if none is similar."""
    match = closest(name, known)
    return f", did you mean {match!r}?" if match else ""


def _check_values(document: dict[str, Any], title: str) -> None:
    """Raise `ConfigError` if a value is of the wrong kind."""
    base = document.get("extends")
    changes = document.get("changes")
    if "extends" in document and not isinstance(base, str):
        raise ConfigError(
            f"{title}: extends must be the name of a recipe or a .yaml file, got {base!r}"
        )
    plugins = document.get("plugins")
    texts = plugins.values() if isinstance(plugins, dict) else ()
    if not _is_mapping_by_name(plugins) or not all(isinstance(text, str) for text in texts):
        raise ConfigError(
            f"{title}: plugins must be a mapping such as `{{hum: mylab 1.5}}`, got {plugins!r}"
        )
    if not _is_mapping_by_name(changes):
        raise ConfigError(
            f"{title}: changes must be a mapping such as `{{filter.high: 40}}`, got {changes!r}"
        )
    if changes and base is None:
        raise ConfigError(
            f"{title}: changes alter the steps of another recipe; "
            "name that recipe by `extends`, or set the parameters in the steps"
        )
    steps = document.get("steps")
    if not isinstance(steps, list) and (base is None or steps is not None):
        raise _no_mapping(title)


def _is_mapping_by_name(changes: Any) -> bool:
    if changes is None:
        return True
    return isinstance(changes, dict) and all(isinstance(key, str) for key in changes)


def _no_mapping(title: str) -> ConfigError:
    return ConfigError(f"{title}: expected a mapping with name, description and a list of steps")
