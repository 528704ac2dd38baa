"""Push of a finished store to a bucket, a folder or a dataset repository of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bids_dl.config.publishing_stage import PushConfig
from bids_dl.errors import ConfigError, StoreError
from bids_dl.publishing.content import StoreContent, read_content
from bids_dl.publishing.documents import RepositoryDocuments, build_beside, check_doi
from bids_dl.publishing.existing_copy import CopyPlan, CopyState
from bids_dl.publishing.hub_client import HubClient, quiet_hub
from bids_dl.publishing.hub_copy import ATTRIBUTES, HubCopy
from bids_dl.publishing.hub_destination import parse_store_destination, tag_name
from bids_dl.publishing.location_copy import LocationCopy
from bids_dl.publishing.rights import Rights, find_rights
from bids_dl.publishing.transfer import TransferCallbacks, TransferOutcome
from bids_dl.remote.hub.account import endpoint
from bids_dl.remote.hub.hub_address import HubAddress, is_hub_url
from bids_dl.remote.location import Location
from bids_dl.remote.waits import RETRY_TIMEOUT_SECONDS
from bids_dl.sharing.published_copy import PublishedCopy
from bids_dl.store import Store
from bids_dl.store.format import CARD
from bids_dl.store.root_object import require_attributes

DOCUMENT_NAMES = (
    *("README.md", "CITATION.cff", "croissant.json", "dataset_description.json"),
    ATTRIBUTES,
)
"""Files at the root of a repository, beside the folder of the store."""


@dataclass(frozen=True)
class PushRequest:
    """A store, its destination and the settings of a push.

    Attributes
    ----------
    store
        The store.
    destination
        Path or URL to write to.
    config
        Settings.
    storage_options
        Options of fsspec for the destination.
    today
        Day of publication as YYYY-MM-DD.
    callbacks
        Callbacks of the transfer.
    """

    store: Store
    destination: str
    config: PushConfig
    storage_options: Mapping[str, Any] = field(repr=False)
    today: str
    callbacks: TransferCallbacks = TransferCallbacks()  # noqa: RUF009  (it is frozen)


def push_store(request: PushRequest) -> TransferOutcome:
    """Push a store. Nobody can open the copy before it is whole.

    Parameters
    ----------
    request
        The store and its destination.

    Returns
    -------
    TransferOutcome
        What was sent, and the address of the copy.

    Raises
    ------
    StoreError
        The destination holds something else, or cannot be reached or written.
    DamagedStoreError
        An object of the store is damaged here, or differs there after it was sent.
    ConfigError
        The destination cannot be one, or the licence is not stated.
    """
    store = request.store
    require_attributes(store.url, store.attributes)
    check_doi(request.config.doi)
    rights = find_rights(store.url, store.attributes, request.config.license)
    _check_options(request)
    content = read_content(store)
    if not request.config.dry_run:
        for line in rights.lines():
            request.callbacks.tell(line)
    if is_hub_url(request.destination):
        with quiet_hub(request.destination):
            return _push_to_hub(request, content, rights)
    return _push_to_location(request, content, rights)


def _check_options(request: PushRequest) -> None:
    """Refuse options that have no effect at the destination."""
    if is_hub_url(request.destination):
        return
    for name in ("private", "message"):
        if getattr(request.config, name):
            raise ConfigError(
                f"--{name} has no effect on {request.destination}; leave it out, or push to "
                "hf://datasets/ORG/NAME"
            )


def _push_to_location(
    request: PushRequest, content: StoreContent, rights: Rights
) -> TransferOutcome:
    location = Location(request.destination, request.storage_options)
    if location.is_web:
        raise StoreError(
            f"{location.url}: http(s) URLs are read-only; push to the s3:// address of the bucket"
        )
    if location.is_local and content.location.is_local:
        _check_other_folder(content.location, location)
    content = _with_published_card(request, content, rights)
    config = request.config
    copy = LocationCopy(
        content, location, config.jobs, reads_back=config.check, callbacks=request.callbacks
    )
    plan = copy.plan()
    if plan.state is CopyState.FINISHED:
        copy.check_card()
    unchecked = 0
    if not config.dry_run:
        if plan.missing:
            unchecked = copy.send(plan)
        elif plan.has_marker:  # of a push that was killed after its root
            copy.remove_marker()
        if plan.state is CopyState.FINISHED and config.check:
            copy.check_all(plan)
    outcome = _describe(request, content, plan, address=location.url)
    return replace(outcome, unchecked=unchecked, rights=rights)


def _push_to_hub(request: PushRequest, content: StoreContent, rights: Rights) -> TransferOutcome:
    destination = parse_store_destination(request.destination, content.location.name)
    config = request.config
    timeout = request.storage_options.get("retry_timeout", RETRY_TIMEOUT_SECONDS)
    client = HubClient(destination, request.callbacks, retry_timeout=float(timeout))
    copy = HubCopy(
        content,
        client,
        _repository_documents(request, content, destination, rights).choose,
        DOCUMENT_NAMES,
        config.jobs,
        config.message or f"Add {destination.path} ({content.content[:16]})",
    )
    plan = copy.plan(private=config.private)
    address = copy.address
    if not config.dry_run:
        if not plan.is_done:
            copy.send(plan, private=config.private)
            copy.check()
        address = copy.pin()
        if not plan.is_done:
            copy.check_opens(address)
    outcome = _describe(request, content, plan.copy, address=address)
    if plan.copy.state is CopyState.FINISHED and plan.documents and not config.dry_run:
        outcome = replace(outcome, state="sent")
    return replace(outcome, destination=destination.url, rights=rights)


def _repository_documents(
    request: PushRequest, content: StoreContent, destination: HubAddress, rights: Rights
) -> RepositoryDocuments:
    pinned = destination.at(tag_name(destination.path, content.content))
    copy = replace(
        _published_copy(request, pinned.url, rights),
        page_url=f"{endpoint()}{destination.page_path}",
        objects_url=f"{endpoint()}{pinned.resolve_path}",
    )
    return RepositoryDocuments(
        lambda copy: build_beside(content, copy),
        copy,
        lambda name: request.callbacks.tell(
            f"{destination.url}: {name} of the repository is kept as it is; edit it by hand"
        ),
    )


def _published_copy(request: PushRequest, address: str, rights: Rights) -> PublishedCopy:
    """Return the facts of the copy that its documents state."""
    return PublishedCopy(
        address,
        doi=check_doi(request.config.doi),
        creators=request.config.author,
        licence=rights.licence if request.config.license else "",
        date=request.today,
    )


def _with_published_card(
    request: PushRequest, content: StoreContent, rights: Rights
) -> StoreContent:
    """Return the store with the card of a published copy, if that has facts of its own.

    A bucket has nothing beside the store, and README.md is the document that an owner may edit.
    """
    config = request.config
    if not (config.doi or config.license or config.author):
        return content
    copy = replace(_published_copy(request, request.destination, rights), date="")
    card = build_beside(content, copy)[CARD]
    return content.with_card(card)


def _check_other_folder(source: Location, destination: Location) -> None:
    """Raise if a folder would be copied into itself or onto itself."""
    inner = destination.folder.resolve()
    if inner == source.folder.resolve() or source.folder.resolve() in inner.parents:
        raise ConfigError(
            f"{destination.url}: is the store itself or inside it; choose another folder"
        )


def _describe(
    request: PushRequest, content: StoreContent, plan: CopyPlan, *, address: str
) -> TransferOutcome:
    states = {CopyState.EMPTY: "sent", CopyState.UNFINISHED: "resumed"}
    state = states.get(plan.state, "resumed" if plan.missing else "present")
    if request.config.dry_run:
        state = "planned"
    return TransferOutcome(
        state,
        source=request.store.url,
        destination=request.destination,
        address=address,
        content=content.content,
        n_objects=len(content.entries),
        n_bytes=content.n_bytes,
        copied_objects=len(plan.missing),
        copied_bytes=plan.missing_bytes,
    )
