"""Copy of a store to a folder of a dataset repository of Hugging Face.

A commit is atomic: shards go in commits of up to `MAX_FILES`, and the last commit has all small
objects, the root and the documents of the repository. Before it nobody can open the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.publishing.content import ObjectEntry, StoreContent
from bids_dl.publishing.existing_copy import CopyPlan, CopyState, ExistingCopy, plan_copy, refuse
from bids_dl.publishing.hub_client import HubClient, StoredFile
from bids_dl.publishing.hub_commits import commit_all
from bids_dl.publishing.hub_destination import path_in, tag_name
from bids_dl.publishing.object_order import is_shard
from bids_dl.publishing.transfer import SENDING, ByteCounter
from bids_dl.remote.hub.hub_address import HubAddress
from bids_dl.remote.parallel import call_in_threads
from bids_dl.store import open_store
from bids_dl.store.format import CARD, ROOT
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd

MAX_FILES = 100  # of a commit with large files; the hub takes 128 commits an hour
SMALL_BYTES = 1_000_000  # of objects that are sent with the commit, all together in memory
ATTRIBUTES = ".gitattributes"
RULE = b"*/c/** filter=lfs diff=lfs merge=lfs -text\n"
"""Rule of .gitattributes for all chunks. Else the hub adds a line for each shard."""


@dataclass(frozen=True)
class HubPlan:
    """Files that remain to be copied, and the commit that they were compared with.

    Attributes
    ----------
    copy
        What remains.
    head
        Commit of the branch, None if the repository does not exist.
    documents
        Files beside the store that are to be written, by path.
    """

    copy: CopyPlan
    head: str | None
    documents: Mapping[str, bytes]

    @property
    def is_done(self) -> bool:
        """True if nothing is to be committed."""
        return not (self.copy.missing or self.documents)


ChooseDocuments = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""Returns the files to write beside the store, from those that exist by path."""


@dataclass(frozen=True)
class HubCopy:
    """A copy of a store in a repository, while it is made.

    Attributes
    ----------
    content
        The store.
    client
        Client of the repository.
    choose_documents
        Returns the documents beside the store that are to be written.
    document_names
        Paths of these documents.
    jobs
        Number of shards that are sent at a time.
    message
        First line of each commit.
    """

    content: StoreContent
    client: HubClient
    choose_documents: ChooseDocuments
    document_names: Sequence[str]
    jobs: int
    message: str

    @property
    def destination(self) -> HubAddress:
        """Repository, branch and folder."""
        return self.client.destination

    @property
    def tag(self) -> str:
        """Tag of this version."""
        return tag_name(self.destination.path, self.content.content)

    @property
    def address(self) -> str:
        """Address that pins this version by its tag."""
        return self.destination.at(self.tag).url

    def plan(self, *, private: bool = False) -> HubPlan:
        """Compare the repository with the store, without writing.

        Raises
        ------
        StoreError
            The folder holds something else, or the hub cannot be reached.
        """
        head = self.client.find_head(private=private)
        files = {} if head is None else self.client.list_files(head)
        copy = self._compare(files, head)
        if copy.state is CopyState.FINISHED and not copy.missing and not self.document_names:
            return HubPlan(copy, head, {})
        existing = {}
        for name in self.document_names:
            if name in files and head is not None:
                existing[name] = self.client.read(name, head)
        return HubPlan(copy, head, self.choose_documents(existing))

    def send(self, plan: HubPlan, *, private: bool = False) -> int:
        """Send what is missing, and return the number of commits.

        Raises
        ------
        DamagedStoreError
            An object of the store is damaged, or differs in the repository after it was sent.
        StoreError
            Somebody else writes to the folder, or the hub refuses.
        """
        self.client.check_login()
        total = plan.copy.missing_bytes
        counter = ByteCounter(SENDING, total, self.client.callbacks)
        sent: set[str] = set()

        def send_one(entry: ObjectEntry) -> CommitOperationAdd:
            path = path_in(self.destination, entry.name)
            is_large = is_shard(entry.name) or entry.n_bytes > SMALL_BYTES
            add = self.client.send if is_large else self.client.add
            operation = add(path, self.content.read(entry.name))
            if entry.name not in sent:  # a file may be sent again after a lost answer
                sent.add(entry.name)
                counter.add(entry.n_bytes)
            return operation

        if plan.head is None:
            self.client.create_repository(private=private)
            plan = self.plan(private=private)
        return commit_all(
            self.client,
            plan,
            commit_next=lambda plan: self._commit_next(plan, send_one),
            plan_again=self.plan,
            is_done=lambda plan: plan.is_done,
        )

    def pin(self) -> str:
        """Tag the version, and return the address that pins it.

        Returns
        -------
        str
            The address by tag, or by commit if the tag belongs to another store.
        """
        tags = self.client.find_tags()
        head = self.client.find_head()
        if head is None:
            raise StoreError(f"{self.destination.url}: the repository was removed")
        commit = tags.get(self.tag)
        if commit is None:
            self.client.check_login()
            self.client.create_tag(self.tag, head)
            return self.address
        tagged = self.client.list_files(commit)
        try:
            is_same = not self._compare(tagged, commit).missing
        except StoreError:
            is_same = False
        return self.address if is_same else self.destination.at(head).url

    def check_opens(self, address: str) -> None:
        """Open the copy as a reader does, and compare its content.

        Parameters
        ----------
        address
            Address that pins the version.

        Raises
        ------
        DamagedStoreError
            The copy is another store.
        """
        options = {"retry_timeout": self.client.retry_timeout}
        copy = open_store(address, storage_options=options)
        if copy.attributes.get("content") != self.content.content:
            raise DamagedStoreError(
                f"{address}: its content is not that of {self.content.store.url}; somebody else "
                "wrote to it, choose another folder and push again"
            )

    def check(self) -> None:
        """Compare the listing of the repository with the manifest.

        Raises
        ------
        DamagedStoreError
            An object is missing or differs.
        """
        head = self.client.find_head()
        files = {} if head is None else self.client.list_files(head, self.destination.path)
        damaged = []
        for entry in self.content.entries.values():
            file = files.get(path_in(self.destination, entry.name))
            may_differ = entry.name == CARD  # which its owner may edit
            if file is None or not (may_differ or self._is_same(file, entry)):
                damaged.append(entry.name)
        if damaged:
            raise DamagedStoreError(
                f"{self.destination.url}: {count(len(damaged), 'object')} differ from the manifest "
                f"({join_names(damaged, limit=3)}); remove the folder and push again"
            )

    def _compare(self, files: Mapping[str, StoredFile], revision: str | None) -> CopyPlan:
        """Compare the files of a repository with the store."""
        prefix = f"{self.destination.path}/"
        existing = {}
        for path, file in files.items():
            if path.startswith(prefix):
                existing[path.removeprefix(prefix)] = file
        root = None
        if ROOT in existing and revision is not None:
            is_ours = self._is_same(existing[ROOT], self.content.entries[ROOT])
            path = path_in(self.destination, ROOT)
            root = self.content.read(ROOT) if is_ours else self.client.read(path, revision)
        sizes = {name: file.n_bytes for name, file in existing.items()}
        url = self.destination.url
        plan = plan_copy(url, self.content, ExistingCopy(sizes, root))
        wrong = []
        for entry in plan.present:
            if entry.name != CARD and not self._is_same(existing[entry.name], entry):
                wrong.append(entry.name)
        if wrong:
            names = join_names(wrong, limit=3)
            raise refuse(url, f"is not a copy of this store ({names} differs in its bytes)")
        return plan

    def _is_same(self, file: StoredFile, entry: ObjectEntry) -> bool:
        """Return whether a file of the repository has the bytes of an object."""
        if file.sha256:
            return file.sha256 == entry.sha256 and file.n_bytes == entry.n_bytes
        return file.n_bytes == entry.n_bytes and file.blob_id == self._blob_id(entry)

    def _blob_id(self, entry: ObjectEntry) -> str:
        return blob_id(self.content.read(entry.name))

    def _commit_next(
        self, plan: HubPlan, send_one: Callable[[ObjectEntry], CommitOperationAdd]
    ) -> None:
        """Make the next commit: up to `MAX_FILES` shards, or all that remains."""
        shards = [entry for entry in plan.copy.missing if is_shard(entry.name)]
        entries: Sequence[ObjectEntry] = shards[:MAX_FILES] or plan.copy.missing
        documents = dict(plan.documents)
        if shards:  # the rule precedes the shards, the other documents come with the root
            documents = {name: documents[name] for name in (ATTRIBUTES,) if name in documents}
        operations = call_in_threads(send_one, entries, n_threads=self.jobs)
        operations += [self.client.add(path, content) for path, content in documents.items()]
        assert plan.head is not None  # noqa: S101  (`send` creates the repository)
        self.client.commit(operations, self.message, parent=plan.head)


def blob_id(content: bytes) -> str:
    """Return the hash by which git knows a small file.

    Examples
    --------
    >>> blob_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def add_rule(existing: bytes | None) -> bytes | None:
    """Return .gitattributes with the rule for chunks, None if it has the rule already.

    Examples
    --------
    >>> add_rule(b"*.bin filter=lfs") == b"*.bin filter=lfs" + bytes([10]) + RULE
    True
    """
    content = existing or b""
    if RULE.strip() in content.splitlines():
        return None
    separator = b"" if not content or content.endswith(b"\n") else b"\n"
    return content + separator + RULE
