"""Git servers of datasets: their versions, and one fetch of a version.

dulwich is imported inside functions, because that takes time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bids_dl.errors import SourceError
from bids_dl.source.archives.git.git_snapshot import Snapshot, git_damage, versions_of
from bids_dl.source.archives.git.git_transport import (
    RETRY_SECONDS,
    STALL_SECONDS,
    GitAnswerError,
    GitConnectionError,
    GitHttp,
    MirrorMissingError,
    with_git_retries,
)
from bids_dl.source.archives.git.git_versions import GitVersions, choose_version

if TYPE_CHECKING:
    from dulwich.client import HttpGitClient
    from dulwich.objects import ObjectID
    from dulwich.refs import Ref
    from dulwich.repo import Repo

PROTOCOL = 0  # of git: lists all references in the answer to one GET; 2 needs one more POST


@dataclass(frozen=True, slots=True)
class GitAccess:
    """Settings of all requests to a git server.

    Attributes
    ----------
    token
        Token for GitHub; no other host gets it.
    stall_seconds
        Time without enough bytes after which a connection is given up.
    retry_seconds
        Time of all waits before retries together.
    """

    token: str = field(default="", repr=False)
    stall_seconds: float = STALL_SECONDS
    retry_seconds: float = RETRY_SECONDS


def list_versions(url: str, access: GitAccess | None = None) -> GitVersions:
    """List the tags and branches of a repository by one request.

    Raises
    ------
    MirrorMissingError
        There is no such repository, or it is not public.
    MirrorUnreachableError
        There is no network, or the server fails or refuses more requests.
    """
    access = access or GitAccess()

    def request() -> GitVersions:
        with _open_client(url, access) as client, _damage_is_transient():
            result = client.get_refs(b"", protocol_version=PROTOCOL)
            return versions_of(result.refs)

    return with_git_retries(request, url=url, retry_seconds=access.retry_seconds)


def fetch_snapshot(
    url: str, version: str = "", *, folder: Path, access: GitAccess | None = None
) -> Snapshot:
    """Fetch one version and branch ``git-annex``, without their history, by two requests.

    Parameters
    ----------
    url
        Address of the repository, http or https.
    version
        Tag, with or without ``v``, or 40 digits of a commit; "" for the newest version.
    folder
        Folder for a temporary repository. Closing the snapshot removes it.

    Raises
    ------
    MirrorMissingError
        There is no such repository or version, or it is not public.
    MirrorUnreachableError
        There is no network, or the server fails or refuses more requests.
    SourceError
        The folder cannot be written to.
    """
    access = access or GitAccess()

    def request() -> Snapshot:
        return _fetch_once(url, version, folder, access)

    return with_git_retries(request, url=url, retry_seconds=access.retry_seconds)


def _fetch_once(url: str, version: str, folder: Path, access: GitAccess) -> Snapshot:
    """Fetch a version into a new repository below a folder."""
    from dulwich.repo import Repo

    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="git-", dir=folder))
            repository = Repo.init_bare(scratch)
        except OSError as error:
            raise SourceError(f"{folder}: cannot be written to ({error.strerror})") from None
        stack.callback(repository.close)
        choice = _Choice(url, version)
        with _open_client(url, access) as client, _damage_is_transient():
            client.fetch(
                b"",
                repository,
                determine_wants=choice.wants,
                depth=1,
                protocol_version=PROTOCOL,
            )
        with _damage_is_transient():
            commit = _peel(repository, choice.target)
        annex_commit = choice.versions.annex_commit
        snapshot = Snapshot(
            repository,
            url,
            head=(choice.tag, commit),
            versions=choice.versions,
            annex_commits=(annex_commit,) if annex_commit else (),
        )
        snapshot.on_close(stack.pop_all())
    return snapshot


class _Choice:
    """Objects to fetch, chosen while dulwich holds the list of references."""

    def __init__(self, url: str, version: str) -> None:
        self.versions = GitVersions()
        self.tag = ""
        self.target = ""
        self._url = url
        self._version = version

    def wants(
        self,
        refs: Mapping[Ref, ObjectID],
        depth: int | None = None,  # noqa: ARG002  (dulwich passes it by this name)
    ) -> list[ObjectID]:
        """Return the objects to fetch: one version and branch ``git-annex``."""
        from dulwich.objects import ObjectID

        self.versions = versions_of(refs)
        choice = choose_version(self.versions, self._version)
        if choice is None:
            raise MirrorMissingError(f"{self._url}: {self.versions.describe(self._version)}")
        self.tag, self.target = choice
        wanted = dict.fromkeys(filter(None, [self.target, self.versions.annex_commit]))
        return [ObjectID(name.encode()) for name in wanted]


@contextmanager
def _open_client(url: str, access: GitAccess) -> Iterator[HttpGitClient]:
    """Open a client of dulwich for one repository."""
    from dulwich.client import HttpGitClient

    if not url.startswith(("http://", "https://")):
        raise SourceError(f"{url}: not an address of a git server; use https://...")
    parts = urlsplit(url)
    http = GitHttp(url, token=access.token, stall_seconds=access.stall_seconds)
    try:
        yield HttpGitClient(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            pool_manager=http,  # type: ignore[arg-type]  # has the parts that dulwich uses
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or ""),
            quiet=True,
        )
    finally:
        http.close()


@contextmanager
def _damage_is_transient() -> Iterator[None]:
    """Turn any error of reading an answer, which may be cut off, into a lost connection."""
    try:
        yield
    except (GitConnectionError, GitAnswerError, SourceError):
        raise
    except OSError as error:
        raise SourceError(
            f"the git repository cannot be written to the cache ({error.strerror or error})"
        ) from None
    except git_damage() as error:
        name = type(error).__name__
        raise GitConnectionError(f"the answer is cut off or damaged, {name}") from error


def _peel(repository: Repo, name: str) -> str:
    """Return the commit of an object, which may be an annotated tag."""
    _, commit = repository.object_store.peel(name.encode())  # type: ignore[arg-type]
    return commit.id.decode()
