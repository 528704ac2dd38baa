"""Output of `bids-dl recipes` and `bids-dl models`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bids_dl.cli.console import err, format_pairs, out, print_json, print_warnings
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.plugins import Kind, describe_ignored, list_plugins
from bids_dl.wording import join_names

if TYPE_CHECKING:
    from bids_dl.models import ModelSpec
    from bids_dl.preprocess import Recipe

ADAPTERS = (
    "More models: braindecode/NAME and timm/NAME (extras braindecode and timm), such as "
    "braindecode/EEGNeX and timm/resnetv2_50; MODULE:CLASS for a network of your own. "
    "bids-dl models NAME explains each."
)


def print_recipes(descriptions: Mapping[str, str], *, as_json: bool) -> None:
    """Print the names and descriptions of recipes."""
    if as_json:
        print_json([{"name": name, "description": text} for name, text in descriptions.items()])
        return
    print_table(TextTable(("recipe", "description"), rows=list(descriptions.items())))
    from bids_dl.preprocess.steps.registry import STEPS

    _print_plugins("step", STEPS, "Steps of plug-ins, for recipes of your own")


def print_recipe(recipe: Recipe, *, as_json: bool) -> None:
    """Print the steps of a recipe with their parameters."""
    if as_json:
        print_json(recipe.to_dict() | {"description": recipe.description})
        return
    out.print(Text.assemble((recipe.name, "bold"), ": ", recipe.description), soft_wrap=True)
    documents = recipe.to_dict()["steps"]
    for number, (step, document) in enumerate(zip(recipe.steps, documents, strict=True), 1):
        [parameters] = document.values()
        summary = (step.__doc__ or "").partition("\n")[0].replace("`", "")
        title = Text.assemble(f"\n{number}. ", (step.name, "bold"), f"  {summary}")
        out.print(title, soft_wrap=True)
        for parameter, value in parameters.items():
            line = Text.assemble((f"   {parameter}: ", "dim"), _format_yaml(value))
            out.print(line, soft_wrap=True)


def _format_yaml(value: Any) -> str:
    """Format a value as in a recipe, on one line."""
    if isinstance(value, dict):
        items = [f"{key}: {_format_yaml(item)}" for key, item in value.items()]
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_format_yaml, value)) + "]"
    return "null" if value is None else str(value)


def print_models(models: Mapping[str, ModelSpec], *, as_json: bool) -> None:
    """Print the models with their windows, sources and options."""
    foreign = [plugin for plugin in list_plugins("model") if plugin.name not in models]
    if as_json:
        rows = [model_fields(model) for model in models.values()]
        for plugin in foreign:  # which is not imported for a list
            known = {"name": plugin.name, "package": plugin.package}
            rows.append(dict.fromkeys(rows[0]) | known)
        print_json(rows)
        return
    header = ("model", "windows (n_chans, n_times)", "normalize", "description", "source")
    table = TextTable((*header, "options"))
    for model in models.values():
        shape = str(model.shape) if model.shape else "any"
        options = format_pairs(model.options)
        normalize = model.normalize or "auto"
        row = (model.name, shape, normalize, model.summary, model.source, options)
        table.rows.append(row)
    print_table(table)
    err.print(ADAPTERS, soft_wrap=True)
    _print_plugins("model", models, "Models of plug-ins")


def _print_plugins(kind: Kind, names: Collection[str], title: str) -> None:
    """Print the plug-ins of a kind, and those that are ignored because bids_dl has their names."""
    found = [
        f"{plugin.name} ({plugin.package})"
        for plugin in list_plugins(kind)
        if plugin.name not in names
    ]
    if found:
        err.print(f"{title}: {join_names(found, limit=len(found))}.", soft_wrap=True)
    print_warnings(describe_ignored(kind, names))


def model_fields(model: ModelSpec) -> dict[str, Any]:
    """Return the description of a model as JSON."""
    names = (
        *("name", "summary", "shape", "normalize", "source", "options", "licence", "rate"),
        *("min_seconds", "transforms", "package", "hub"),
    )
    return {name: getattr(model, name) for name in names}
