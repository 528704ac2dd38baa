"""The options and the recipe that ask for the same store again, as files for `bids-dl convert --config`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

RECIPE = "recipe.yaml"
OF_LABEL = {
    "until": None,
    "trim": [0.0, 0.0],
    "within": None,
    "min_duration": 0.0,
    "exclude": [],
    "during": None,
    "around": None,
}
"""Options that a label may have of its own, with what they are when they are not given."""

Request = Mapping[str, Any]


def options_file(request: Request) -> str:
    """YAML for `--config`: the request of a store as options, what is default left out.

    Parameters
    ----------
    request
        As in the attributes of a store.
    """
    events, windows = request["events"], request["windows"]
    options: dict[str, Any] = {"hed": {label["label"]: _label(label) for label in events["labels"]}}
    if events["aliases"]:
        options["aliases"] = events["aliases"]
    if events["overlap"] != "error":
        options["overlap"] = events["overlap"]
    options |= {name: events[name] for name in ("hed_version", "hed_strict") if events.get(name)}
    options |= {name: chosen for name, chosen in request["source"].items() if chosen}
    options |= {
        "window" if name == "size" else name: value
        for name, value in windows.items()
        if value is not None
    }
    options |= {"split": request["splits"]["split"], "seed": request["splits"]["seed"]}
    options |= {"recipe": RECIPE, "dtype": request["store"]["dtype"]}
    return _yaml(options)


def recipe_file(request: Request) -> str:
    """YAML of the recipe, every parameter in it."""
    return _yaml(request["preprocess"])


def _label(label: Mapping[str, Any]) -> Any:
    """A query, or the mapping that it needs where it is combined or the label has options of its own."""
    query = label["query"]
    own = {name: label[name] for name, plain in OF_LABEL.items() if label.get(name, plain) != plain}
    if isinstance(query, str):
        return {"hed": query, **own} if own else query
    return {**query, **own}


def _yaml(content: Any) -> str:
    text: str = yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100
    )
    return text
