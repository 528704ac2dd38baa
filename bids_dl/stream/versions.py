"""Versions of the stores of a stream: a branch of the hub may move between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bids_dl.errors import ConfigError
from bids_dl.remote.hub.hub_address import commit_of, with_revision
from bids_dl.store.reader import Store

VERSIONS = "versions"  # key of a state


def describe_versions(stores: Sequence[Store]) -> dict[str, Any]:
    """Return what a state holds of its stores: commit and content of each.

    Returns
    -------
    dict
        Empty if no store is in a repository, whose commit is its version.

    Examples
    --------
    >>> from bids_dl.store import open_store
    >>> describe_versions([open_store("eyes.zarr")])
    {}
    """
    commits = [commit_of(store.url) for store in stores]
    if not any(commits):
        return {}
    contents = [str(store.attributes.get("content", "")) for store in stores]
    return {VERSIONS: [list(version) for version in zip(commits, contents, strict=True)]}


def check_versions(stores: Sequence[Store], state: Mapping[str, Any]) -> None:
    """Check that stores have the content that they had when a state was taken.

    A commit that left a store unchanged is no difference.

    Raises
    ------
    ConfigError
        A store has another content. The message has the address of the former one.
    """
    versions = state.get(VERSIONS, [])
    if not isinstance(versions, list) or len(versions) not in (0, len(stores)):
        raise ConfigError(
            f"this state belongs to {len(versions)} stores, the stream reads {len(stores)}: "
            "use the same stores"
        )
    for store, (commit, content) in zip(stores, versions, strict=False):
        if commit != commit_of(store.url) and content != store.attributes.get("content", ""):
            raise ConfigError(
                f"{store.url}: this state belongs to commit {commit} of the repository, whose "
                f"store differs; stream {with_revision(store.url, commit)}"
            )
