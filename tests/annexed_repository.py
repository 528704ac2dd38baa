"""Git repositories in the shape of OpenNeuro's: text in git, signals in git-annex, two versions."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Self

from dulwich.index import commit_tree
from dulwich.objects import Blob, Commit, Tag
from dulwich.repo import Repo

REMOTE_UUID = "57894849-d0c8-4c62-8418-3627be18a196"
DEAD_UUID = "00000000-1111-2222-3333-444444444444"
FILE, LINK, EXECUTABLE, SUBMODULE = 0o100644, 0o120000, 0o100755, 0o160000
TEXT_SUFFIXES = {".json", ".tsv", ".md", ".bidsignore"}
TEXT_NAMES = {"README", "CHANGES", "LICENSE", ".bidsignore"}
DIGESTS = {"MD5E": "md5", "MD5": "md5", "SHA256E": "sha256", "SHA256": "sha256"}
COMMIT_TIME = 1_600_000_000

Publish = Callable[[str, bytes], str]
"""Function that stores an object of the bucket, by path and content, and returns its version."""


@dataclass(frozen=True)
class Annexed:
    """Content of an annexed file, whose place in git is a link or a pointer file."""

    content: bytes
    backend: str = "MD5E"
    pointer: bool = False


@dataclass(frozen=True)
class Special:
    """Raw entry of a tree: a blob with any mode."""

    content: bytes
    mode: int = LINK


Content = bytes | Annexed | Special


def invent_version() -> Publish:
    """Return a function that invents the versions of objects: v1, v2."""
    numbers = itertools.count(1)
    return lambda _path, _content: f"v{next(numbers)}/+"


def key_of(file: Annexed, path: str) -> str:
    """Return the key that git-annex gives to a file."""
    if file.backend not in DIGESTS:
        return f"{file.backend}-s{len(file.content)}-m1600000000--{PurePosixPath(path).name}"
    digest = hashlib.new(DIGESTS[file.backend], file.content).hexdigest()
    extension = "".join(PurePosixPath(path).suffixes) if file.backend.endswith("E") else ""
    return f"{file.backend}-s{len(file.content)}--{digest}{extension}"


def log_folder(key: str) -> str:
    """Return the folder of a key in branch git-annex."""
    digest = hashlib.md5(key.encode()).hexdigest()
    return f"{digest[:3]}/{digest[3:6]}"


@dataclass
class AnnexedRepository:
    """A bare repository that is committed to version by version.

    Attributes
    ----------
    folder, accession
        Folder of the repository, and the first folder of the objects in the bucket.
    publish
        Called for each file of each version that is new in the bucket.
    commits
        Commit by tag.
    versions
        Files by tag.
    keys
        Key by path, of the newest version.
    contents
        Content by key.
    objects
        Path, version and content of each object of the bucket.
    """

    folder: Path
    accession: str = "ds004362"
    publish: Publish = field(default_factory=invent_version)
    commits: dict[str, str] = field(default_factory=dict)
    versions: dict[str, dict[str, Content]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    objects: list[tuple[str, str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repo = Repo.init_bare(str(self.folder), mkdir=True)
        self._logs: dict[str, list[str]] = {}
        self._known: dict[str, str] = {}
        self._time = COMMIT_TIME

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.repo.close()

    def commit(
        self, files: Mapping[str, Content], tag: str = "", *, annotated: bool = False
    ) -> str:
        """Commit all files of a version, tag it, and write branch git-annex."""
        self._time += 3600
        blobs = []
        entries = []
        self.keys = {}
        for path, content in files.items():
            blob, mode = self._entry(path, content)
            blobs.append((blob, None))
            entries.append((path.encode(), blob.id, mode))
        self.repo.object_store.add_objects(blobs)
        commit = self._commit(entries, b"refs/heads/main")
        if tag:
            self.commits[tag] = commit.decode()
            self.versions[tag] = dict(files)
            self.repo.refs[b"refs/tags/" + tag.encode()] = (
                self._annotate(tag, commit) if annotated else commit
            )
        self.repo.refs.set_symbolic_ref(b"HEAD", b"refs/heads/main")
        self._write_annex_branch()
        return commit.decode()

    def set_log(self, path: str, text: str) -> None:
        """Replace a file of branch git-annex."""
        self._logs[path] = [text]
        self._write_annex_branch()

    def drop_annex_branch(self) -> None:
        """Remove branch git-annex, as some mirrors lack it."""
        del self.repo.refs[b"refs/heads/git-annex"]

    def _entry(self, path: str, content: Content) -> tuple[Blob, int]:
        if isinstance(content, Special):
            return Blob.from_string(content.content), content.mode
        if isinstance(content, bytes):
            blob = Blob.from_string(content)
            self._store(f"GIT--{blob.id.decode()}", path, content)
            return blob, FILE
        key = key_of(content, path)
        self.keys[path] = key
        self.contents[key] = content.content
        self._store(key, path, content.content)
        name = key.replace("/", "%")
        if content.pointer:
            return Blob.from_string(f"/annex/objects/{name}\n".encode()), FILE
        above = "../" * path.count("/")
        target = f"{above}.git/annex/objects/Xx/9k/{name}/{name}"
        return Blob.from_string(target.encode()), LINK

    def _store(self, key: str, path: str, content: bytes) -> None:
        """Put a file into the bucket if it is new there, and log its version."""
        if self._known.get(path) == key:
            return
        self._known[path] = key
        name = f"{self.accession}/{path}"
        version = self.publish(name, content)
        self.objects.append((name, version, content))
        log = self._logs.setdefault(f"{log_folder(key)}/{key}.log.rmet", [])
        log.append(f"{self._time}.5s {REMOTE_UUID}:V +{version}#{name}")
        self._logs[f"{log_folder(key)}/{key}.log"] = [f"{self._time}s 1 {REMOTE_UUID}"]

    def _commit(self, entries: list[tuple[bytes, bytes, int]], ref: bytes) -> bytes:
        commit = Commit()
        commit.tree = commit_tree(self.repo.object_store, entries)
        commit.parents = [self.repo.refs[ref]] if ref in self.repo.refs else []
        commit.author = commit.committer = b"OpenNeuro <git@openneuro.org>"
        commit.author_time = commit.commit_time = self._time
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"version"
        self.repo.object_store.add_object(commit)
        self.repo.refs[ref] = commit.id
        return commit.id

    def _annotate(self, name: str, commit: bytes) -> bytes:
        tag = Tag()
        tag.name, tag.object = name.encode(), (Commit, commit)
        tag.tagger, tag.tag_time, tag.tag_timezone = b"OpenNeuro <x@y>", self._time, 0
        tag.message = b"version"
        self.repo.object_store.add_object(tag)
        return tag.id

    def _write_annex_branch(self) -> None:
        remote = (
            f"{REMOTE_UUID} autoenable=true bucket=openneuro.org datacenter=US encryption=none "
            f"exporttree=yes fileprefix={self.accession}/ host=s3.amazonaws.com name=s3-PUBLIC "
            "partsize=1GiB port=80 public=yes publicurl=http://openneuro.org.s3.amazonaws.com/ "
            "storageclass=STANDARD type=S3 versioning=yes timestamp=1588743361.5s\n"
            f"{DEAD_UUID} name=s3-OLD type=S3 bucket=old public=yes timestamp=1500000000s\n"
        )
        texts = {"remote.log": remote, "trust.log": f"{DEAD_UUID} X timestamp=1500000001s\n"}
        texts |= {path: "\n".join(lines) + "\n" for path, lines in self._logs.items()}
        blobs = [Blob.from_string(text.encode()) for text in texts.values()]
        self.repo.object_store.add_objects([(blob, None) for blob in blobs])
        entries = [(path.encode(), blob.id, FILE) for path, blob in zip(texts, blobs, strict=True)]
        self._commit(entries, b"refs/heads/git-annex")


def is_text(path: str) -> bool:
    """Return whether OpenNeuro keeps a file in git."""
    name = PurePosixPath(path)
    return name.suffix in TEXT_SUFFIXES or name.name in TEXT_NAMES


def read_version(root: Path, *, backend: str = "MD5E", annexed: str = "") -> dict[str, Content]:
    """Read a BIDS folder as the files of a version.

    Signals are annexed, the first of them as a pointer file, and so is the text file `annexed`.
    """
    files: dict[str, Content] = {}
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        if not file.is_file():
            continue
        content = file.read_bytes()
        if is_text(path) and path != annexed:
            files[path] = content
        else:
            is_first = not any(isinstance(item, Annexed) for item in files.values())
            files[path] = Annexed(content, backend, pointer=is_first)
    return files


def openneuro_repository(
    root: Path,
    folder: Path,
    *,
    accession: str = "ds004362",
    publish: Publish | None = None,
    backend: str = "MD5E",
) -> AnnexedRepository:
    """Make a repository with versions 1.0.0 and 1.1.0 of a BIDS folder.

    The first events file is annexed. Version 1.1.0 has another last byte in the first annexed
    signal, has a new LICENSE, and lacks all files of the last recording.
    """
    paths = sorted(file.relative_to(root).as_posix() for file in root.rglob("*"))
    events = next(path for path in paths if path.endswith("_events.tsv"))
    files = read_version(root, backend=backend, annexed=events)
    repository = AnnexedRepository(folder, accession, publish or invent_version())
    repository.commit(files, "1.0.0")
    signals = [path for path in files if isinstance(files[path], Annexed) and path != events]
    first = files[signals[0]]
    changed = first.content[:-1] + bytes([first.content[-1] ^ 1])
    removed = signals[-1].rpartition("_")[0]
    later = {path: content for path, content in files.items() if not path.startswith(removed)}
    later[signals[0]] = Annexed(changed, backend, first.pointer)
    later["LICENSE"] = b"CC0\n"
    repository.commit(later, "1.1.0", annotated=True)
    return repository
