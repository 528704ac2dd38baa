"""Files that reproduce a store: its options and its recipe, for `bids-dl convert --config`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from bids_dl.config.documents import request_from_document, request_to_options

RECIPE = "recipe.yaml"  # name of the recipe in the options

RequestDocument = Mapping[str, Any]
"""`request` of the attributes of a store."""


def options_file(document: RequestDocument) -> str:
    """Write the options of a store as YAML.

    Parameters
    ----------
    document
        `request` of the attributes of the store.

    Returns
    -------
    str
        YAML for `--config`; the recipe is the file `RECIPE` beside it. If the store is of a later
        version and has an option that this one does not know, a comment says so.
    """
    try:
        request = request_from_document(document)
    except ValidationError as problem:
        option = ".".join(str(part) for part in problem.errors()[0]["loc"])
        return f"# This version of bids-dl does not know an option of the store ({option}).\n"
    options = request_to_options(request) | {"recipe": RECIPE}
    return _to_yaml(options)


def recipe_file(document: RequestDocument) -> str:
    """Write the recipe of a store as YAML, with all parameters of its steps."""
    return _to_yaml(document["preprocess"])


def _to_yaml(content: Any) -> str:
    text: str = yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100
    )
    return text
