"""Versions of an archived dataset in the cache: their files, and the commits of their tags.

The index of a version is written last. A version with an index is complete and needs no network.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.errors import SourceError
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.endpoints import Endpoints

INDEX_SUFFIX = ".json"
FORMAT = 2  # of an index; another one is fetched again
TAGS_FILE = "versions.json"


@dataclass(frozen=True)
class VersionIndex:
    """Versions of one dataset in the cache.

    Parameters
    ----------
    folder
        Folder of the dataset in the cache.
    endpoints
        Base addresses of the archives. An index names them instead of stating them, so that it
        also holds for a mirror.
    """

    folder: Path
    endpoints: Endpoints

    def root(self, commit: str) -> Path:
        """Return the folder of the text files of a version."""
        return self.folder / commit

    def commits(self) -> list[str]:
        """Return the commits of the versions whose index is in the cache, sorted."""
        files = sorted(self.folder.glob(f"*{INDEX_SUFFIX}"))
        return [file.name.removesuffix(INDEX_SUFFIX) for file in files if file.name != TAGS_FILE]

    def load(self, commit: str) -> ArchivedDataset | None:
        """Load a version, None if the cache does not hold all its text in its full size.

        Text files may be missing because file systems of clusters remove old files.
        """
        try:
            content = json.loads(self._index(commit).read_text(encoding="utf-8"))
            if content.pop("format") != FORMAT:
                return None
            if content["text"] != _text_sizes(self.root(commit), content["text"]):
                return None
            return self._from_json(content, self.root(commit))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # absent, damaged, or from another version of this package

    def discard_damaged(self, commit: str) -> None:
        """Remove a version that was complete and is not any more, so that it is fetched again."""
        if self._index(commit).exists() and self.load(commit) is None:
            self._index(commit).unlink(missing_ok=True)
            shutil.rmtree(self.root(commit), ignore_errors=True)

    def save(self, dataset: ArchivedDataset) -> None:
        """Save the index of a version, whose text files are complete.

        Raises
        ------
        SourceError
            The cache cannot be written to.
        """
        self._write(self._index(dataset.commit), {"format": FORMAT, **self._to_json(dataset)})

    def tags(self) -> dict[str, str]:
        """Return the commit of each tag as it was seen last, the newest version first."""
        try:
            content = json.loads((self.folder / TAGS_FILE).read_text(encoding="utf-8"))
            return {str(tag): str(commit) for tag, commit in content.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def save_tags(self, tags: Mapping[str, str]) -> None:
        """Save the commit of each tag, the newest version first.

        Raises
        ------
        SourceError
            The cache cannot be written to.
        """
        self._write(self.folder / TAGS_FILE, dict(tags))

    def _index(self, commit: str) -> Path:
        return index_of(self.root(commit))

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write a file that appears complete, by renaming."""
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(content), encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise SourceError(
                f"the cache {self.folder} cannot be written to ({error.strerror}); "
                "choose another --cache"
            ) from None

    def _to_json(self, dataset: ArchivedDataset) -> dict[str, Any]:
        files = {}
        for path, file in dataset.files.items():
            urls = list(map(self.endpoints.contract, file.urls))
            files[path] = [file.size, file.algorithm, file.checksum, urls, file.tag]
        return {
            "address": dataset.address,
            "name": dataset.name,
            "version": dataset.version,
            "commit": dataset.commit,
            "doi": dataset.doi,
            "notes": list(dataset.notes),
            "paths": list(dataset.paths),
            "links": dict(dataset.links),
            "files": files,
            "text": _text_sizes(dataset.root, dataset.paths),
        }

    def _from_json(self, content: Mapping[str, Any], root: Path) -> ArchivedDataset:
        files = {}
        for path, (size, algorithm, checksum, urls, tag) in content["files"].items():
            addresses = tuple(map(self.endpoints.expand, urls))
            files[path] = RemoteFile(size, algorithm, checksum, addresses, tag)
        return ArchivedDataset(
            address=content["address"],
            name=content["name"],
            root=root,
            paths=tuple(content["paths"]),
            files=files,
            links=content["links"],
            version=content["version"],
            commit=content["commit"],
            doi=content["doi"],
            notes=tuple(content["notes"]),
        )


def _text_sizes(root: Path, paths: Iterable[str]) -> dict[str, int]:
    """Return the bytes of those files that exist in the folder of a version, by path."""
    sizes = {}
    for path in paths:
        with suppress(OSError):
            sizes[path] = os.stat(f"{root}/{path}").st_size  # noqa: PTH116  (fast over many files)
    return sizes


def index_of(root: Path) -> Path:
    """Return the index of the version whose text files are in a folder."""
    return root.with_name(f"{root.name}{INDEX_SUFFIX}")


def mark_used(root: Path) -> None:
    """Note that a version was used now. Nothing happens if others own the cache."""
    with suppress(OSError):
        os.utime(index_of(root))
