"""Read the root object of a store, and refuse one that is missing, unfinished or damaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.input import parse_json
from bids_dl.remote.location import Location
from bids_dl.remote.retry import is_missing_bucket
from bids_dl.store.checking.root_check import find_root_problem
from bids_dl.store.checking.root_schema import REPORTED_ATTRIBUTES
from bids_dl.store.format import (
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    ROOT,
    UNFINISHED,
    is_valid_root,
)
from bids_dl.store.json_objects import MAX_JSON_BYTES
from bids_dl.wording import join_names

NOT_FINISHED = "not finished; run the same `bids-dl convert` again, it resumes where it stopped"


def read_root(location: Location) -> Mapping[str, Any]:
    """Read the root `zarr.json` of a finished store.

    Parameters
    ----------
    location
        Location of the store.

    Raises
    ------
    StoreError
        There is no store, the store is not finished, or it cannot be reached.
    DamagedStoreError
        The root object differs from the one written, or has values that no reader expects.
    """
    try:
        content = location.read(ROOT, max_bytes=MAX_JSON_BYTES)
        root = parse_json(content)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(f"{location.url}: {_describe_missing_root(location, error)}") from None
    except OSError as error:
        raise StoreError(
            f"{location.url}: {ROOT} cannot be read ({error.strerror or error})"
        ) from None
    except ValueError as error:
        raise StoreError(f"{location.url}: {ROOT} cannot be read ({error})") from None
    attributes = root.get("attributes") if isinstance(root, dict) else None
    attributes = attributes if isinstance(attributes, dict) else {}
    _check_finished(location.url, attributes)
    if not is_valid_root(content, attributes):
        raise DamagedStoreError(
            f"{location.url}: {ROOT} differs from the one written (SHA-256 mismatch); "
            "fetch or convert the store again"
        )
    problem = find_root_problem(root)
    if problem:
        raise DamagedStoreError(
            f"{location.url}: {ROOT} is not as bids_dl writes it ({problem}); "
            "get the store from its maker"
        )
    return dict(root)


def require_attributes(url: str, attributes: Mapping[str, Any]) -> None:
    """Check that a store has all attributes that `bids-dl info` and `bids-dl report` show.

    Small tools may write stores without them, which can be read and streamed.

    Raises
    ------
    DamagedStoreError
        An attribute is missing.
    """
    missing = [name for name in REPORTED_ATTRIBUTES if name not in attributes]
    if missing:
        raise DamagedStoreError(
            f"{url}: {ROOT} has no attribute {join_names(missing)}, which `bids-dl convert` "
            "writes; the store can be streamed, but not described"
        )


def _check_finished(url: str, attributes: Mapping[str, Any]) -> None:
    """Raise unless the attributes are those of a finished store of this version."""
    if attributes.get("format") != FORMAT:
        raise StoreError(
            f"{url}: a Zarr group, but not a bids-dl store "
            f"(its attribute `format` is {repr(attributes.get('format'))[:40]})"
        )
    version = attributes.get("format_version")
    if version != FORMAT_VERSION:
        raise StoreError(
            f"{url}: written in version {str(version)[:20]} of the format, this bids_dl reads "
            f"version {FORMAT_VERSION}; install a newer bids_dl"
        )
    if not attributes.get("finished"):
        raise StoreError(f"{url}: {NOT_FINISHED}")


def _describe_missing_root(location: Location, error: OSError) -> str:
    """Describe why there is no root object."""
    if is_missing_bucket(error):
        return "the bucket does not exist"
    if location.exists(UNFINISHED):
        return NOT_FINISHED
    if location.exists(MANIFEST):
        return (
            f"a store without its {ROOT}; copy the whole store again "
            "(`bids-dl verify` lists what else is missing)"
        )
    if not location.is_web and not location.exists():
        return "no store there"
    return f"not a bids-dl store (it has no {ROOT})"
