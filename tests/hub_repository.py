"""A repository of the imitated hub: commits, branches and tags, in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BRANCH = "main"


@dataclass(frozen=True)
class HubFile:
    """A file of a commit."""

    content: bytes
    is_large: bool

    @property
    def sha256(self) -> str:
        """Hash of the content, by which large files are stored."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def blob_id(self) -> str:
        """Hash by which git knows the file: of the content, or of the pointer to it."""
        content = self.content
        if self.is_large:
            content = (
                "version https://git-lfs.github.com/spec/v1\n"
                f"oid sha256:{self.sha256}\nsize {len(self.content)}\n"
            ).encode()
        return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()

    def describe(self, path: str) -> dict[str, Any]:
        """Return the entry of the file in a listing."""
        entry: dict[str, Any] = {
            "type": "file",
            "path": path,
            "size": len(self.content),
            "oid": self.blob_id,
        }
        if self.is_large:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.content), "pointerSize": 134}
        return entry


@dataclass(frozen=True)
class HubCommit:
    """A commit: its hash, its message and all its files by path."""

    oid: str
    title: str
    files: Mapping[str, HubFile]


class ParentMovedError(Exception):
    """The branch is no longer at the commit that a request names as its parent."""


@dataclass
class HubRepository:
    """A dataset repository.

    Attributes
    ----------
    commits
        All commits of the branch, oldest first.
    branches, tags
        Hash of a commit by name.
    """

    name: str
    is_private: bool = False
    commits: list[HubCommit] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        attributes = HubFile(b"*.bin filter=lfs diff=lfs merge=lfs -text\n", is_large=False)
        self._append(BRANCH, "initial commit", {".gitattributes": attributes})

    @property
    def files(self) -> dict[str, bytes]:
        """Content of each file of the main branch."""
        return {path: file.content for path, file in self.commit(BRANCH).files.items()}  # type: ignore[union-attr]

    def commit(self, revision: str) -> HubCommit | None:
        """Return the commit of a branch, a tag or a hash, None if it does not exist."""
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        return next((commit for commit in self.commits if commit.oid == oid), None)

    def add(self, revision: str, lines: bytes, stored: Mapping[str, bytes]) -> HubCommit:
        """Make a commit as ``/commit/`` describes it, one JSON object a line.

        Parameters
        ----------
        stored
            Content of large files by hash.

        Raises
        ------
        ParentMovedError
            The branch is at another commit than the given parent.
        KeyError
            The revision does not exist, or a large file was not sent.
        """
        items = [json.loads(line) for line in lines.splitlines()]
        header = items[0]["value"]
        head = self.branches[revision]
        if header.get("parentCommit") not in (None, head):
            raise ParentMovedError(head)
        files = dict(self.commit(head).files)  # type: ignore[union-attr]
        for item in items[1:]:
            _apply(item["key"], item["value"], files, stored)
        return self._append(revision, header["summary"], files)

    def put(self, files: Mapping[str, bytes], *, large: bool = True) -> str:
        """Add files to the main branch and return the hash of the commit.

        Parameters
        ----------
        large
            Whether files of 1 kB and more are stored as large files.
        """
        content = dict(self.commit(BRANCH).files)  # type: ignore[union-attr]
        for path, body in files.items():
            content[path] = HubFile(body, is_large=large and len(body) >= 1000)
        return self._append(BRANCH, "files of a test", content).oid

    def list(self, revision: str, folder: str, *, recursive: bool) -> list[dict[str, Any]] | None:
        """Return the entries below a folder, None if the folder does not exist."""
        commit = self.commit(revision)
        assert commit is not None
        prefix = f"{folder}/" if folder else ""
        entries: dict[str, dict[str, Any]] = {}
        for path, file in commit.files.items():
            if not path.startswith(prefix):
                continue
            parts = path.removeprefix(prefix).split("/")
            for depth in range(1, len(parts) if recursive else min(2, len(parts))):
                name = prefix + "/".join(parts[:depth])
                oid = hashlib.sha1(name.encode()).hexdigest()
                entries[name] = {"type": "directory", "path": name, "size": 0, "oid": oid}
            if recursive or len(parts) == 1:
                entries[path] = file.describe(path)
        if folder and not entries:
            return None
        return [entries[path] for path in sorted(entries)]

    def _append(self, branch: str, title: str, files: Mapping[str, HubFile]) -> HubCommit:
        text = f"{self.name} {len(self.commits)} {title} {sorted(files)}"
        commit = HubCommit(hashlib.sha1(text.encode()).hexdigest(), title, dict(files))
        self.commits.append(commit)
        self.branches[branch] = commit.oid
        return commit


def _apply(
    key: str, value: dict[str, Any], files: dict[str, HubFile], stored: Mapping[str, bytes]
) -> None:
    """Apply one line of a commit to its files."""
    path = value["path"]
    if key == "file":
        files[path] = HubFile(base64.b64decode(value["content"]), is_large=False)
    elif key == "lfsFile":
        files[path] = HubFile(stored[value["oid"]], is_large=True)
    elif key == "deletedFile":
        del files[path]
    elif key == "deletedFolder":
        for name in [name for name in files if name.startswith(path.rstrip("/") + "/")]:
            del files[name]
    else:
        raise KeyError(key)
