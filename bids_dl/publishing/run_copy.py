"""Push of a finished run to a model repository of Hugging Face, in one commit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bids_dl.config.publishing_stage import PushConfig
from bids_dl.errors import ConfigError, StoreError
from bids_dl.publishing.hub_client import HubClient, StoredFile, quiet_hub
from bids_dl.publishing.hub_commits import commit_all
from bids_dl.publishing.hub_copy import blob_id
from bids_dl.publishing.hub_destination import parse_hub_destination, path_in, tag_name
from bids_dl.publishing.rights import Rights
from bids_dl.publishing.run_files import (
    CARD,
    RunFiles,
    build_run_card,
    check_run_licence,
    describe_left_out,
    read_run,
)
from bids_dl.publishing.transfer import SENDING, ByteCounter, TransferCallbacks, TransferOutcome
from bids_dl.remote.hub.hub_address import HubAddress
from bids_dl.remote.waits import RETRY_TIMEOUT_SECONDS
from bids_dl.sharing.licence_terms import name_licence
from bids_dl.wording import join_names


@dataclass(frozen=True)
class RunPlan:
    """Files of a run that remain to be committed, and the commit that they were compared with."""

    missing: tuple[str, ...]
    is_begun: bool
    head: str | None


@dataclass(frozen=True)
class RunCopy:
    """A copy of a run in a repository, while it is made.

    Attributes
    ----------
    run
        The run.
    card
        Content of README.md.
    client
        Client of the repository.
    message
        First line of the commit.
    """

    run: RunFiles
    card: bytes
    client: HubClient
    message: str

    @property
    def names(self) -> list[str]:
        """Names of all files of the copy."""
        return [*self.run.names, CARD]

    def read(self, name: str) -> bytes:
        """Return the content of a file of the copy."""
        return self.card if name == CARD else self.run.read(name)

    def plan(self, *, private: bool = False) -> RunPlan:
        """Compare the repository with the run, without writing.

        Raises
        ------
        StoreError
            A file of the repository has other bytes.
        """
        head = self.client.find_head(private=private)
        files = {} if head is None else self.client.list_files(head)
        return RunPlan(*self._compare(files), head)

    def _compare(self, files: Mapping[str, StoredFile]) -> tuple[tuple[str, ...], bool]:
        """Return the missing files, and whether any file is there already."""
        destination = self.client.destination
        missing, different = [], []
        for name in self.names:
            file = files.get(path_in(destination, name))
            if file is None:
                missing.append(name)
            elif not _is_same(file, self.read(name)):
                different.append(name)
        if different:
            raise StoreError(
                f"{destination.url}: holds another run ({join_names(different, limit=3)} differs); "
                "nothing there is replaced, choose another repository or a folder in it"
            )
        return tuple(missing), len(missing) < len(self.names)

    def send(self, plan: RunPlan, *, private: bool) -> None:
        """Send what is missing in one commit."""
        self.client.check_login()
        if plan.head is None:
            self.client.create_repository(private=private)
            plan = self.plan()
        total = sum(len(self.read(name)) for name in plan.missing)
        counter = ByteCounter(SENDING, total, self.client.callbacks)
        sent: set[str] = set()

        def commit_next(plan: RunPlan) -> None:
            operations = []
            for name in plan.missing:
                content = self.read(name)
                operations.append(self.client.add(path_in(self.client.destination, name), content))
                if name not in sent:
                    sent.add(name)
                    counter.add(len(content))
            self.client.commit(operations, self.message, parent=str(plan.head))

        commit_all(
            self.client,
            plan,
            commit_next=commit_next,
            plan_again=self.plan,
            is_done=lambda plan: not plan.missing,
        )

    def pin(self, tag: str) -> str:
        """Tag the version, and return the address that pins it."""
        head = self.client.find_head()
        if head is None:
            raise StoreError(f"{self.client.destination.url}: the repository was removed")
        if tag not in self.client.find_tags():
            self.client.check_login()
            self.client.create_tag(tag, head)
        return self.client.destination.at(tag).url


def push_run(
    folder: Path,
    url: str,
    config: PushConfig,
    storage_options: Mapping[str, Any],
    callbacks: TransferCallbacks,
) -> TransferOutcome:
    """Push a finished run.

    Parameters
    ----------
    folder
        Run folder.
    url
        Model repository, ``hf://ORG/NAME[/FOLDER]``.
    config
        Settings.
    storage_options
        Options of the destination, of which only ``retry_timeout`` has an effect.
    callbacks
        Callbacks of the transfer.

    Raises
    ------
    ModelError
        The run is not finished.
    ConfigError
        The destination is no model repository, or no licence is given.
    StoreError
        The repository holds another run, or cannot be reached or written.
    """
    run = read_run(folder)
    check_run_licence(str(folder), config.license)
    _check_options(config)
    destination = _parse_destination(url)
    licence = name_licence(str(config.license))
    digest = _digest(run, licence)
    tag = tag_name(destination.path or "run", digest)
    card = build_run_card(run, licence, destination.at(tag).url).encode()
    timeout = float(storage_options.get("retry_timeout", RETRY_TIMEOUT_SECONDS))
    client = HubClient(destination, callbacks, retry_timeout=timeout)
    message = config.message or f"Add the run {folder.resolve().name}"
    copy = RunCopy(run, card, client, message)
    callbacks.tell(f"licence: {licence}")
    if run.left_out:
        callbacks.tell(describe_left_out(run.left_out))
    with quiet_hub(url):
        plan = copy.plan(private=config.private)
        address = destination.at(tag).url
        if not config.dry_run:
            if plan.missing:
                copy.send(plan, private=config.private)
            address = copy.pin(tag)
    outcome = _describe(copy, plan, config, address=address)
    return replace(outcome, rights=Rights(licence, ()))


def _check_options(config: PushConfig) -> None:
    """Refuse options that have no effect on a run."""
    for name in ("doi", "author", "check"):
        if getattr(config, name):
            raise ConfigError(f"--{name} is for stores; leave it out")


def _parse_destination(url: str) -> HubAddress:
    destination = parse_hub_destination(url)
    if destination.kind != "models":
        raise ConfigError(
            f"{url}: a run goes to a model repository; write hf://{destination.repository}"
        )
    return destination


def _digest(run: RunFiles, licence: str) -> str:
    """Return a digest of all files of a run and its licence."""
    digest = hashlib.sha256(licence.encode())
    for name in run.names:
        digest.update(name.encode() + b"\0" + hashlib.sha256(run.read(name)).digest())
    return digest.hexdigest()


def _is_same(file: StoredFile, content: bytes) -> bool:
    """Return whether a file of a repository has these bytes."""
    if file.n_bytes != len(content):
        return False
    if file.sha256:
        return file.sha256 == hashlib.sha256(content).hexdigest()
    return file.blob_id == blob_id(content)


def _describe(copy: RunCopy, plan: RunPlan, config: PushConfig, *, address: str) -> TransferOutcome:
    sizes = {name: len(copy.read(name)) for name in copy.names}
    state = "resumed" if plan.is_begun else "sent"
    if not plan.missing:
        state = "present"
    return TransferOutcome(
        "planned" if config.dry_run else state,
        source=str(copy.run.folder),
        destination=copy.client.destination.url,
        address=address,
        content="",
        n_objects=len(sizes),
        n_bytes=sum(sizes.values()),
        copied_objects=len(plan.missing),
        copied_bytes=sum(sizes[name] for name in plan.missing),
    )
