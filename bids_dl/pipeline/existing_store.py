"""A store that exists at the destination: read its attributes, and compare its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bids_dl.errors import StoreError
from bids_dl.input import parse_json
from bids_dl.remote.location import PROBE_FILE, Location
from bids_dl.store.format import FORMAT, ROOT, UNFINISHED, digest
from bids_dl.store.json_objects import MAX_JSON_BYTES, read_json

if TYPE_CHECKING:
    from bids_dl.planning.plan import Plan


def read_finished_store(location: Location) -> Mapping[str, Any] | None:
    """Read the attributes of the finished store at a location.

    Returns
    -------
    mapping or None
        None if the location is empty or holds an unfinished store.

    Raises
    ------
    StoreError
        The location holds something else, which must not be overwritten.
    """
    try:
        root = parse_json(location.read(ROOT, max_bytes=MAX_JSON_BYTES))
        attributes: Mapping[str, Any] = dict(root["attributes"])
    except FileNotFoundError:
        names = location.list()
        foreign = [name for name in names if not PROBE_FILE.fullmatch(name)]
        if foreign and UNFINISHED not in names:
            raise StoreError(
                f"{location.url}: exists and is not a bids-dl store (contains {foreign[0]!r}); "
                "choose an empty DEST"
            ) from None
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(
            f"{location.url}: exists and is not a bids-dl store ({ROOT} cannot be read); "
            "choose an empty DEST"
        ) from None
    if attributes.get("format") != FORMAT:
        raise StoreError(
            f"{location.url}: exists and is not a bids-dl store (another Zarr group); "
            "choose an empty DEST"
        )
    return attributes


def check_same_plan(location: Location, plan: Plan, attributes: Mapping[str, Any]) -> None:
    """Check that a finished store was made by a plan.

    Parameters
    ----------
    attributes
        Attributes of the store.

    Raises
    ------
    StoreError
        Another plan made it. The message lists the differences.
    """
    if attributes.get("plan") == digest(plan.identity):
        return
    # here, because the existing store is read before workers start, and its plan after that
    from bids_dl.pipeline.plan_differences import describe_differences, shorten

    stored = read_json(location, "plan.json")
    lines = [
        f"{location.url}: a finished store of another plan",
        *shorten(describe_differences(stored, plan.identity)),
        "a finished store never changes: choose another DEST, or replace it with --overwrite",
    ]
    raise StoreError("\n  ".join(lines))
