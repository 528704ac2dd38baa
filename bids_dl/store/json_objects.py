"""Read the JSON objects of a store, whose content may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.config.json_schema import find_violation
from bids_dl.errors import DamagedStoreError
from bids_dl.input import parse_json
from bids_dl.remote.location import Location
from bids_dl.store.checking.root_schema import DOCUMENT_SCHEMAS

MAX_JSON_BYTES = 96_000_000  # as much as a shard, the largest object that a reader holds


def read_json(location: Location, name: str) -> Mapping[str, Any]:
    """Read a JSON object of a store, and check it by its schema in `DOCUMENT_SCHEMAS`.

    Parameters
    ----------
    location
        Location of the store.
    name
        Name of the object, such as "plan.json".

    Raises
    ------
    FileNotFoundError
        The object does not exist.
    DamagedStoreError
        The object is no regular file, is too large, is not JSON, or has values of wrong types.
    """
    content, problem = _read(location, name)
    if problem:
        raise DamagedStoreError(
            f"{location.url}: {name} cannot be read ({problem}); "
            "run `bids-dl verify` to see all damage"
        )
    return content


def find_json_problem(location: Location, name: str) -> str | None:
    """Return why a JSON object of a store cannot be read, or None if it can or is missing."""
    try:
        return _read(location, name)[1]
    except FileNotFoundError:
        return None


def _read(location: Location, name: str) -> tuple[Mapping[str, Any], str | None]:
    """Return the content of a JSON object, or why it cannot be read."""
    try:
        content = parse_json(location.read(name, max_bytes=MAX_JSON_BYTES))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        return {}, getattr(error, "strerror", None) or str(error)
    return content, find_violation(content, DOCUMENT_SCHEMAS.get(name, {"type": "object"}))
