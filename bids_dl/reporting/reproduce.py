"""Files that reproduce a store: its options and its recipe, for `bids-dl convert --config`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from bids_dl.config.documents import request_from_document, request_to_options
from bids_dl.sharing.origin import address_of

RECIPE = "recipe.yaml"  # name of the recipe in the options

RequestDocument = Mapping[str, Any]
"""`request` of the attributes of a store."""


def convert_command(sources: Sequence[Mapping[str, Any]]) -> str:
    """Return the command that makes a store from its sources.

    Parameters
    ----------
    sources
        `sources` of the attributes of the store. Local folders have no address; the user fills
        in their paths.

    Examples
    --------
    >>> convert_command([{"address": "openneuro:ds004362", "version": "1.0.0"}])
    'bids-dl convert openneuro:ds004362@1.0.0 DEST --config request.yaml'
    >>> convert_command([{"dataset": "ds1"}, {"dataset": "ds2"}])
    'bids-dl convert SOURCE... DEST --config request.yaml'
    """
    addresses = list(map(address_of, sources))
    if all(addresses):
        words = " ".join(map(shlex.quote, addresses))
    else:
        words = "SOURCE..." if len(addresses) > 1 else "SOURCE"
    return f"bids-dl convert {words} DEST --config request.yaml"


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
