"""Files of a commit and branch ``git-annex``, read from a git repository on this machine.

dulwich is imported inside functions, because that takes time.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from bids_dl.errors import SourceError
from bids_dl.source.archives.git.git_versions import (
    ANNEX_BRANCH,
    PEELED,
    TAG_PREFIX,
    GitVersions,
    read_versions,
)
from bids_dl.wording import one_line

if TYPE_CHECKING:
    from dulwich.objects import ObjectID, Tree
    from dulwich.refs import Ref
    from dulwich.repo import Repo

Kind = Literal["file", "executable", "link", "submodule"]

FORBIDDEN_NAMES = {b"", b".", b".."}  # in a path of a tree
MAX_ENTRIES = 2_000_000  # of a commit, because a few trees that hold each other may list billions
SUBMODULE_MODE = 0o160000  # type of an entry that names a commit of another repository
ADJUSTED = re.compile(rb"ref: refs/heads/adjusted/(.+)\([a-z-]+\)\s*")  # HEAD, as git-annex sets it


@dataclass(frozen=True, slots=True)
class GitEntry:
    """A file of a commit.

    Attributes
    ----------
    path
        Path relative to the root of the dataset.
    kind
        ``"file"``, ``"executable"``, ``"link"``, or ``"submodule"``: another repository.
    sha
        SHA-1 of the blob, or of the commit of a submodule.
    """

    path: str
    kind: Kind
    sha: str


class Snapshot:
    """Files of one commit, and branch ``git-annex``, in a repository on this machine.

    It is a context manager, which closes the repository and removes it if it was fetched.

    Attributes
    ----------
    address
        URL or folder of the repository, for messages.
    version, commit
        Tag, "" if the commit has none, and the 40 digits of the commit.
    versions
        All versions of the repository.
    """

    def __init__(
        self,
        repository: Repo,
        address: str,
        *,
        head: tuple[str, str],
        versions: GitVersions,
        annex_commits: Sequence[str],
    ) -> None:
        self.address = address
        self.version, self.commit = head
        self.versions = versions
        self._repository = repository
        self._annex_commits = annex_commits
        self._annex_folders: dict[tuple[str, str], Mapping[bytes, bytes]] = {}
        self._cleanup = ExitStack()
        self._cleanup.callback(repository.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def on_close(self, cleanup: ExitStack) -> None:
        """Close these contexts after the repository."""
        own = self._cleanup
        self._cleanup = ExitStack()
        self._cleanup.enter_context(cleanup)
        self._cleanup.enter_context(own)

    @property
    def has_annex_branch(self) -> bool:
        """True if the repository tells where the content of annexed files is."""
        return bool(self._annex_commits)

    def entries(self) -> list[GitEntry]:
        """List the files of the commit, sorted by path.

        Raises
        ------
        SourceError
            A path leads out of the dataset or is not UTF-8, or there are far too many files.
        """
        entries: list[GitEntry] = []
        pending = [(b"", self._tree_of(self.commit))]
        while pending:
            folder, tree = pending.pop()
            for name, mode, sha in tree.iteritems():
                path = folder + name
                if _is_folder(mode):
                    self._check_name(path, name)
                    pending.append((path + b"/", self._read_tree(sha)))
                else:
                    kind = _kind_of(mode)
                    entries.append(GitEntry(self._check_name(path, name), kind, sha.decode()))
            if len(entries) + len(pending) > MAX_ENTRIES:
                raise SourceError(
                    f"{self.address}: commit {self.commit[:10]} lists over {MAX_ENTRIES} files; "
                    "that is no dataset"
                )
        return sorted(entries, key=lambda entry: entry.path)

    def read(self, sha: str) -> bytes:
        """Read the content of a blob.

        Raises
        ------
        SourceError
            The repository does not have the blob, or it is damaged.
        """
        from dulwich.objects import ObjectID

        with self._damage_described(f"object {sha}"):
            _, content = self._repository.object_store.get_raw(ObjectID(sha.encode()))
            return content

    def annex_file(self, path: str) -> str:
        """Read a file of branch ``git-annex``, "" if it does not exist.

        A clone may have the branch of its own and that of its origin. Their lines are joined, as
        git-annex merges them.
        """
        texts = [self._annex_text(commit, path) for commit in self._annex_commits]
        return "\n".join(filter(None, texts))

    def _annex_text(self, commit: str, path: str) -> str:
        """Read a file of one commit of the branch, "" if it does not exist."""
        folder, _, name = path.rpartition("/")
        sha = self._annex_folder(commit, folder).get(name.encode())
        return self.read(sha.decode()).decode("utf-8", errors="replace") if sha else ""

    def _annex_folder(self, commit: str, folder: str) -> Mapping[bytes, bytes]:
        """Return names and objects of a folder of the branch, which is read once."""
        key = (commit, folder)
        if key not in self._annex_folders:
            content: dict[bytes, bytes] = {}
            if not folder:
                content = _names_of(self._tree_of(commit))
            else:
                above, _, name = folder.rpartition("/")
                sha = self._annex_folder(commit, above).get(name.encode())
                if sha:
                    content = _names_of(self._read_tree(sha))
            self._annex_folders[key] = content
        return self._annex_folders[key]

    def _tree_of(self, commit: str) -> Tree:
        from dulwich.objects import Commit

        with self._damage_described(f"commit {commit}"):
            item = self._repository.object_store[commit.encode()]  # type: ignore[index]
            if not isinstance(item, Commit):
                raise KeyError(commit)
        return self._read_tree(item.tree)

    def _read_tree(self, sha: bytes) -> Tree:
        from dulwich.objects import Tree

        with self._damage_described(f"folder {sha.decode()}"):
            item = self._repository.object_store[sha]  # type: ignore[index]
            if not isinstance(item, Tree):
                raise KeyError(sha)
            return item

    def _check_name(self, path: bytes, name: bytes) -> str:
        """Return a path as text if it stays within the dataset."""
        is_outside = name in FORBIDDEN_NAMES or b"\0" in name or b"/" in name
        if is_outside or (os.name == "nt" and (b"\\" in name or b":" in name)):
            raise SourceError(
                f"{self.address}: path {path.decode(errors='replace')!r} of commit "
                f"{self.commit[:10]} leads out of the dataset; it is refused"
            )
        try:
            return path.decode()
        except UnicodeDecodeError:
            raise SourceError(
                f"{self.address}: path {path!r} of commit {self.commit[:10]} is not UTF-8; "
                "BIDS paths have letters, digits, '-' and '_'"
            ) from None

    @contextmanager
    def _damage_described(self, what: str) -> Iterator[None]:
        """Turn an error of reading an object into one line."""
        try:
            yield
        except git_damage() as error:
            raise SourceError(
                f"{self.address}: {what} is missing or damaged ({type(error).__name__}); "
                "repair the clone with 'git fetch', or use the address of the archive"
            ) from error


def open_clone(folder: Path) -> Snapshot:
    """Open a clone on this machine: the commit of HEAD, and branch ``git-annex``.

    On a branch that git-annex has adjusted, as on Windows, the commit is that of the branch from
    which it was made.

    Raises
    ------
    SourceError
        The folder is no git repository, or has no commit.
    """
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    try:
        repository = Repo(str(folder))
    except (NotGitRepository, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(
            f"{folder}: cannot be read as a git repository ({one_line(error)}); "
            "check that 'git status' works there"
        ) from None
    try:
        refs = repository.get_refs()
        commit = _head_commit(repository, refs)
        versions = _versions_of_clone(repository, refs)
    except git_damage() as error:
        repository.close()
        raise SourceError(
            f"{folder}: the clone has no commit ({type(error).__name__}); clone it again"
        ) from None
    tags = [tag for tag, tagged in versions.tags.items() if tagged == commit]
    annex = [sha.decode() for name, sha in refs.items() if _is_annex_branch(name)]
    return Snapshot(
        repository,
        str(folder),
        head=(tags[-1] if tags else "", commit),
        versions=versions,
        annex_commits=tuple(dict.fromkeys(annex)),
    )


def git_damage() -> tuple[type[Exception], ...]:
    """Return the errors by which dulwich reports damaged data."""
    import struct
    import zlib

    from dulwich import errors

    return (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        AssertionError,
        errors.GitProtocolError,
        errors.ChecksumMismatch,
        errors.ApplyDeltaError,
        errors.ObjectMissing,
        errors.FileFormatException,
        errors.WrongObjectException,
        zlib.error,
        struct.error,
    )


def _names_of(tree: Tree) -> dict[bytes, bytes]:
    """Return the object of each name of a folder."""
    return {name: sha for name, _, sha in tree.iteritems()}


def versions_of(refs: Mapping[Ref, ObjectID] | Mapping[Ref, ObjectID | None]) -> GitVersions:
    texts = {}
    for name, sha in refs.items():
        if sha is not None:
            texts[name.decode(errors="replace")] = sha.decode()
    return read_versions(texts)


def _is_annex_branch(name: bytes) -> bool:
    """Return whether a reference is branch git-annex of the clone or of one of its remotes."""
    is_branch = name.startswith((b"refs/heads/", b"refs/remotes/"))
    return is_branch and name.endswith(f"/{ANNEX_BRANCH}".encode())


def _versions_of_clone(repository: Repo, refs: Mapping[Ref, ObjectID]) -> GitVersions:
    """Read the versions of a clone, with the commits of annotated tags."""
    texts = {}
    for name, sha in refs.items():
        text = name.decode(errors="replace")
        texts[text] = sha.decode()
        if text.startswith(TAG_PREFIX):
            _, commit = repository.object_store.peel(sha)
            texts[text + PEELED] = commit.id.decode()
    return read_versions(texts)


def _head_commit(repository: Repo, refs: Mapping[Ref, ObjectID]) -> str:
    """Return the commit of HEAD, or of the branch from which git-annex made that of HEAD."""
    from dulwich.refs import HEADREF, Ref

    adjusted = ADJUSTED.fullmatch(repository.refs.read_ref(HEADREF) or b"")
    origin = Ref(b"refs/heads/" + adjusted[1]) if adjusted else HEADREF
    return (refs.get(origin) or repository.head()).decode()


def _is_folder(mode: int) -> bool:
    return stat.S_ISDIR(mode)


def _kind_of(mode: int) -> Kind:
    """Return the kind of an entry of a tree."""
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_IFMT(mode) == SUBMODULE_MODE:
        return "submodule"
    return "executable" if mode & stat.S_IXUSR else "file"
