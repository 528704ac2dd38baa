"""Load recipes: shipped or from a YAML file, with what they extend and with changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bids_dl.config.stages import PreprocessConfig
from bids_dl.errors import ConfigError
from bids_dl.plugins import Plugin
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.recipe_files import (
    RecipeFile,
    parse_document,
    read_recipe_file,
    shipped_recipes,
)
from bids_dl.preprocess.step_entries import (
    StepEntry,
    build_step,
    change_parameter,
    check_stated_plugin,
    parse_entry,
)
from bids_dl.preprocess.step_order import check_order


def list_recipes() -> list[tuple[str, str]]:
    """Return name and one-line description of each recipe of the package, sorted by name.

    Examples
    --------
    >>> [name for name, _ in list_recipes()][:3]
    ['chambon2018', 'common', 'deepsync']
    """
    recipes = []
    for name, text in shipped_recipes().items():
        title = f"recipe {name}"
        recipes.append((name, RecipeFile(title, Path(), parse_document(text, title)).description))
    return recipes


def load_recipe(config: PreprocessConfig) -> Recipe:
    """Load a recipe, apply changes to its parameters, and validate all of it.

    Parameters
    ----------
    config
        Name or file of the recipe, and changes by ``step.parameter``.

    Raises
    ------
    ConfigError
        No such recipe, step or parameter (the most similar known one is suggested), a value that
        is not allowed, steps in an order that cannot work, or a plug-in of another version than
        the recipe states.

    Examples
    --------
    >>> from bids_dl.config.stages import PreprocessConfig
    >>> recipe = load_recipe(PreprocessConfig("default", {"filter.high": 40}))
    >>> recipe.steps[1].high
    40.0
    """
    file, entries = _load_entries(config.recipe, Path(), ())
    for key, value in config.set.items():
        change_parameter(entries, key, value, file.title)
    steps = [build_step(entry) for entry in entries]
    n_signal = sum(not entry.step_class.is_on_windows for entry in entries)
    for entry in entries[:n_signal]:
        if entry.step_class.is_on_windows:
            raise ConfigError(
                f"{file.title}: {entry.name} works on windows, "
                "so it must come after all steps on the recording; put it last"
            )
    check_order(steps, file.title)
    return Recipe(
        name=str(file.document.get("name") or Path(config.recipe).stem),
        description=file.description,
        signal_steps=tuple(steps[:n_signal]),
        window_steps=tuple(steps[n_signal:]),
        plugins=_plugins_of(entries),
    )


def _plugins_of(entries: Sequence[StepEntry]) -> tuple[Plugin, ...]:
    """Return the plug-ins of steps, each once."""
    plugins = {entry.step_class.plugin: None for entry in entries}
    return tuple(plugin for plugin in plugins if plugin is not None)


def _load_entries(
    recipe: str, folder: Path, extending: tuple[Path, ...]
) -> tuple[RecipeFile, list[StepEntry]]:
    """Read a recipe, and list its steps after those of the recipe that it extends.

    Parameters
    ----------
    folder
        Folder that a relative path starts from: that of the recipe that extends this one.
    extending
        Locations of the recipes that extend this one, to detect a cycle.
    """
    file = read_recipe_file(recipe, folder)
    if file.location in extending:
        chain = " and ".join(location.name for location in extending)
        raise ConfigError(f"{file.title} extends itself, through {chain}; remove one `extends`")
    entries: list[StepEntry] = []
    if "extends" in file.document:
        base = file.document["extends"]
        _, entries = _load_entries(base, file.folder, (*extending, file.location))
        for key, value in (file.document.get("changes") or {}).items():
            change_parameter(entries, key, value, f"{file.title}, which extends {base},")
    packages = file.document.get("plugins") or {}
    for number, item in enumerate(file.document.get("steps") or [], 1):
        title = f"{file.title}, step {number}"
        check_stated_plugin(item, packages, title)
        entries.append(parse_entry(item, title))
    return file, entries
