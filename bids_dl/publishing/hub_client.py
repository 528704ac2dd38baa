"""Requests to a repository of Hugging Face, with retries and errors in one line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from bids_dl.errors import MissingPackageError, StoreError
from bids_dl.publishing.hub_errors import (
    BUSY,
    DENIED,
    MOVED,
    LostAnswerError,
    ParentMovedError,
    describe,
    is_missing,
    is_transient,
    seconds_to_wait,
    status_of,
)
from bids_dl.publishing.transfer import TransferCallbacks
from bids_dl.remote.cancellation import sleep
from bids_dl.remote.hub.account import token
from bids_dl.remote.hub.hub_address import HubAddress
from bids_dl.remote.location import Location
from bids_dl.remote.waits import RETRY_TIMEOUT_SECONDS, backoff_delays
from bids_dl.requirements import describe_missing

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

T = TypeVar("T")

MAX_WAIT_SECONDS = 900.0  # for a server that asks to wait; its limits are of 5 and 60 minutes
MAX_DOCUMENT_BYTES = 16_000_000  # of a small file of a repository


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a repository, as its listing states it.

    Attributes
    ----------
    n_bytes
        Size.
    blob_id
        Hash by which git knows the file: of its content, or of the pointer to a large one.
    sha256
        SHA-256 of a large file, "" for a small one.
    """

    n_bytes: int
    blob_id: str
    sha256: str


@dataclass(frozen=True, eq=False)
class HubClient:
    """Client of one repository.

    Attributes
    ----------
    destination
        Repository, branch and folder.
    callbacks
        Callbacks of the transfer.
    retry_timeout
        Seconds to wait between the tries of a request, all waits together.
    """

    destination: HubAddress
    callbacks: TransferCallbacks = field(default_factory=TransferCallbacks)
    retry_timeout: float = RETRY_TIMEOUT_SECONDS

    @cached_property
    def api(self) -> HfApi:
        """Client of huggingface_hub, with the token of the user."""
        hub = import_hub(self.destination.url)
        return hub.HfApi(endpoint=hub.constants.ENDPOINT)

    @property
    def repo_type(self) -> str:
        """Kind of the repository, as huggingface_hub names it."""
        return self.destination.kind.removesuffix("s")

    @property
    def _repository(self) -> dict[str, Any]:
        return {"repo_id": self.destination.repository, "repo_type": self.repo_type}

    def check_login(self) -> None:
        """Raise if nobody is logged in, so that nothing can be written.

        Raises
        ------
        StoreError
            There is no token.
        """
        if not token():
            raise StoreError(
                f"{self.destination.url}: nobody is logged in; run `hf auth login` or set HF_TOKEN"
            )

    def find_head(self, *, private: bool = False) -> str | None:
        """Return the commit of the branch, None if the repository does not exist.

        Parameters
        ----------
        private
            Refuse a repository that everybody can read.

        Raises
        ------
        StoreError
            The branch does not exist, or the repository is public.
        """
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        revision = self.destination.revision
        try:
            info = self._call(
                lambda: self.api.repo_info(revision=revision, **self._repository), may_miss=True
            )
        except RepositoryNotFoundError:
            return None
        except RevisionNotFoundError:
            raise StoreError(
                f"{self.destination.url}: there is no branch {revision!r}; create it first, or "
                "leave @ out"
            ) from None
        if private and not info.private:
            raise StoreError(
                f"{self.destination.url}: this repository is public; --private is for a new one"
            )
        return str(info.sha)

    def create_repository(self, *, private: bool) -> str:
        """Create the repository, unless it exists, and return the commit of its branch."""
        self._call(
            lambda: self.api.create_repo(
                self.destination.repository,
                repo_type=self.repo_type,
                private=private,
                exist_ok=True,
            )
        )
        head = self.find_head(private=private)
        if head is None:
            raise StoreError(f"{self.destination.url}: cannot be read after its creation")
        return head

    def list_files(self, revision: str, folder: str = "") -> dict[str, StoredFile]:
        """List all files of a folder and below, by path within the repository."""
        from huggingface_hub.errors import EntryNotFoundError

        def list_tree() -> list[Any]:
            return list(
                self.api.list_repo_tree(
                    path_in_repo=folder or None,
                    recursive=True,
                    revision=revision,
                    **self._repository,
                )
            )

        try:
            entries = self._call(list_tree, may_miss=True)
        except EntryNotFoundError:
            return {}
        files = {}
        for entry in entries:
            if hasattr(entry, "blob_id"):  # else a folder
                sha256 = entry.lfs.sha256 if entry.lfs else ""
                files[entry.path] = StoredFile(entry.size, entry.blob_id, sha256)
        return files

    def read(self, path: str, revision: str) -> bytes:
        """Read a small file of the repository."""
        root = replace(self.destination, revision=revision, path="")
        location = Location(root.url, {"retry_timeout": self.retry_timeout})
        return location.read(path, max_bytes=MAX_DOCUMENT_BYTES)

    def find_tags(self) -> Mapping[str, str]:
        """Return the commit of each tag."""
        references = self._call(lambda: self.api.list_repo_refs(**self._repository))
        return {tag.name: tag.target_commit for tag in references.tags}

    def create_tag(self, tag: str, commit: str) -> None:
        """Create a tag, unless one of the name exists."""
        self._call(
            lambda: self.api.create_tag(
                self.destination.repository,
                tag=tag,
                revision=commit,
                repo_type=self.repo_type,
                exist_ok=True,
            )
        )

    def add(self, path: str, content: bytes) -> CommitOperationAdd:
        """Return the operation that adds a file. The commit sends it."""
        from huggingface_hub import CommitOperationAdd

        return CommitOperationAdd(path_in_repo=path, path_or_fileobj=content)

    def send(self, path: str, content: bytes) -> CommitOperationAdd:
        """Send a large file, and return the operation that adds it without its content."""
        operation = self.add(path, content)
        self._call(
            lambda: self.api.preupload_lfs_files(
                additions=[operation], revision=self.destination.revision, **self._repository
            )
        )
        return operation

    def commit(self, operations: Sequence[CommitOperationAdd], message: str, *, parent: str) -> str:
        """Make a commit, once, and return its hash.

        Raises
        ------
        ParentMovedError
            The branch is no longer at ``parent``. Nothing was committed.
        LostAnswerError
            The commit may or may not have been made.
        StoreError
            The commit was refused.
        """
        waited = 0.0
        while True:
            try:
                info = self.api.create_commit(
                    operations=list(operations),
                    commit_message=message,
                    revision=self.destination.revision,
                    parent_commit=parent,
                    **self._repository,
                )
                return str(info.oid)
            except Exception as error:
                status = status_of(error)
                if status == MOVED:
                    raise ParentMovedError from error
                if status == BUSY:
                    waited += self._wait(error, waited)
                elif is_transient(error):
                    raise LostAnswerError(describe(error)) from error
                else:
                    raise self._refused(error) from error

    def _call(self, request: Callable[[], T], *, may_miss: bool = False) -> T:
        """Make a request that may be repeated, with retries.

        Parameters
        ----------
        may_miss
            Raise the errors of huggingface_hub for what does not exist.

        Raises
        ------
        StoreError
            The server cannot be reached or refuses the request.
        Exception
            Errors of huggingface_hub for what does not exist.
        """
        delays = backoff_delays(self.retry_timeout)
        waited = 0.0
        while True:
            try:
                return request()
            except Exception as error:
                status = status_of(error)
                if may_miss and is_missing(error):
                    raise
                if status == BUSY:
                    waited += self._wait(error, waited)
                    continue
                delay = next(delays, None)
                if not is_transient(error) or delay is None:
                    raise self._refused(error) from error
                sleep(delay)

    def _wait(self, error: BaseException, waited: float) -> float:
        """Wait as long as a server asks, and return the seconds.

        Raises
        ------
        StoreError
            It asks for longer than `MAX_WAIT_SECONDS`.
        """
        seconds = seconds_to_wait(getattr(error, "response", None))
        if waited + seconds > MAX_WAIT_SECONDS:
            raise StoreError(
                f"{self.destination.url}: the server takes no more requests for {seconds:.0f} s; "
                "run the same command later, it goes on where it stopped"
            ) from error
        self.callbacks.tell(f"{self.destination.url}: the server asks to wait for {seconds:.0f} s")
        sleep(seconds)
        return seconds

    def _refused(self, error: BaseException) -> StoreError:
        """Return the final failure of a request in one line."""
        status = status_of(error)
        if status in DENIED:
            advice = "check that your token may write to this repository (`hf auth whoami`)"
            return StoreError(f"{self.destination.url}: access denied (HTTP {status}); {advice}")
        if is_transient(error):
            return StoreError(
                f"{self.destination.url}: cannot be reached ({describe(error)}) after several "
                "tries; run the same command later, it goes on where it stopped"
            )
        return StoreError(f"{self.destination.url}: the hub refuses ({describe(error)})")


def import_hub(url: str) -> Any:
    """Import huggingface_hub.

    Raises
    ------
    StoreError
        It is not installed.
    """
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.utils  # because the package imports none of its modules
    except ImportError:
        raise MissingPackageError(f"{url}: {describe_missing('huggingface_hub')}") from None
    return huggingface_hub


@contextmanager
def quiet_hub(url: str) -> Iterator[None]:
    """Suppress the bars and warnings of huggingface_hub inside the context."""
    hub = import_hub(url)
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    had_bars = not hub.utils.are_progress_bars_disabled()
    logger.setLevel(logging.ERROR)
    hub.utils.disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if had_bars:
            hub.utils.enable_progress_bars()
