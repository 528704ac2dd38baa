"""A page for each preprocessing step and each shipped recipe."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

import yaml
from pydantic.fields import FieldInfo
from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import NumpyDocstring

from bids_dl.config.defaults import default_values
from bids_dl.config.stages import PreprocessConfig
from bids_dl.preprocess import Recipe, list_recipes, load_recipe
from bids_dl.preprocess.recipe_files import shipped_recipes
from bids_dl.preprocess.steps.registry import (
    MAIN_PARAMETERS,
    OTHER_NAMES,
    STEPS,
    WINDOW_STEPS,
)
from extensions.docstrings import adapt_docstring
from extensions.markdown import block, code, contents, directive, literals, page, table
from extensions.option_tables import type_name

NAPOLEON: Any = Config()


def step_pages() -> dict[str, str]:
    """Return the pages of all steps by path."""
    recipes = {name: load_recipe(PreprocessConfig(name)) for name, _ in list_recipes()}
    pages = {f"steps/{name}.md": _step_page(name, recipes) for name in STEPS}
    rows = [
        (f"[{name}]({name}.md)", _place(name), literals(inspect.getdoc(step) or ""))
        for name, step in STEPS.items()
    ]
    pages["steps/index.md"] = page(
        "steps",
        "Preprocessing steps",
        "Each step with its parameters, from the code. "
        "[Recipes](../../../recipes.md) explains how they are combined.",
        table(("step", "works on", "purpose"), rows),
        contents(STEPS),
    )
    return pages


def _place(name: str) -> str:
    return "windows" if name in WINDOW_STEPS else "signal"


def _step_page(name: str, recipes: dict[str, Recipe]) -> str:
    step = STEPS[name]
    used = [
        f"[{recipe}](../recipes/{recipe}.md)"
        for recipe, content in recipes.items()
        if name in {entry.name for entry in content.steps}
    ]
    facts = [f"- Works on the {_place(name)}."]
    if name in MAIN_PARAMETERS:
        facts.append(f"- `{name}: VALUE` sets {code(MAIN_PARAMETERS[name])}.")
    if name in OTHER_NAMES:
        facts.append(f"- Elsewhere called {', '.join(map(code, OTHER_NAMES[name]))}.")
    if used:
        facts.append(f"- Part of the recipes {', '.join(used)}.")
    return page(
        f"step-{name}",
        name,
        "\n".join(facts),
        _description(step),
        _parameter_table(step),
    )


def _description(step: type) -> str:
    """Return the docstring of a step. Types are in the table, because pydantic's are unreadable."""
    lines = adapt_docstring("class", step, (inspect.getdoc(step) or "").splitlines())
    converted = str(NumpyDocstring(lines, NAPOLEON, what="class"))
    return directive(
        "py:class", f"{step.__module__}.{step.__qualname__}", "", *converted.split("\n")
    )


def _parameter_table(step: type) -> str:
    kinds = get_type_hints(step)
    rows = []
    for field in fields(step):
        rows.append((code(field.name), code(type_name(kinds[field.name])), _default(step, field)))
    if not rows:
        return "The step has no parameters."
    return "## Parameters in a recipe\n\n" + table(("parameter", "type", "default"), rows)


def _default(step: type, field: Field[Any]) -> str:
    """Return a default as a recipe writes it, "required" if the parameter has none."""
    info = field.default
    if info is MISSING and field.default_factory is MISSING:
        return "required"
    if isinstance(info, FieldInfo) and info.is_required():
        return "required"
    default = default_values(step)[field.name]
    return code(_plain(list(default) if isinstance(default, tuple) else default))


def recipe_pages() -> dict[str, str]:
    """Return the pages of all shipped recipes by path."""
    recipes = {name: load_recipe(PreprocessConfig(name)) for name, _ in list_recipes()}
    pages = {f"recipes/{name}.md": _recipe_page(name, recipe) for name, recipe in recipes.items()}
    rows = [(f"[{name}]({name}.md)", recipe.description) for name, recipe in recipes.items()]
    pages["recipes/index.md"] = page(
        "recipes",
        "Shipped recipes",
        "Each recipe with its steps and all parameters, from the code. "
        "[Recipes](../../../recipes.md) explains the choice.",
        table(("recipe", "description"), rows),
        contents(recipes),
    )
    return pages


def _recipe_page(name: str, recipe: Recipe) -> str:
    rows = []
    for document in recipe.to_dict()["steps"]:
        [(step, parameters)] = document.items()
        values = ", ".join(f"{key}: {_plain(value)}" for key, value in parameters.items())
        rows.append((f"[{step}](../steps/{step}.md)", code(values)))
    return page(
        f"recipe-{name}",
        name,
        recipe.description,
        block("bash", f"bids-dl convert SOURCE DEST --hed QUERY --recipe {name}"),
        "## Steps with all parameters\n\n" + table(("step", "parameters"), rows),
        "## File\n\nTo change it, copy it and give the copy with `--recipe FILE.yaml`.",
        block("yaml", shipped_recipes()[name]),
    )


def _plain(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).replace("...", "").strip()
