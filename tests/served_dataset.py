"""A BIDS folder as a dataset of OpenNeuro on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annexed_repository import Annexed, AnnexedRepository, read_version
from git_server import GitServer
from versioned_bucket import VersionedBucket

from bids_dl import source
from bids_dl.config.stages import FetchConfig

ACCESSION = "ds000001"


@dataclass(frozen=True)
class ServedDataset:
    """Version 1.0.0 of a dataset, whose signals are in a bucket.

    Attributes
    ----------
    address
        SOURCE of the dataset.
    """

    git: GitServer
    bucket: VersionedBucket
    address: str = f"openneuro:{ACCESSION}@1.0.0"

    @property
    def endpoints(self) -> dict[str, str]:
        """Base addresses of both servers."""
        return {"openneuro-git": self.git.url, "openneuro-s3": self.bucket.url}

    def options(self, cache: Path, fetch: str = "auto") -> dict[str, Any]:
        """Return the options that let `bids_dl.convert` read from these servers."""
        return {"cache": str(cache), "fetch": fetch, "endpoints": self.endpoints}

    @contextmanager
    def access(self, cache: Path, fetch: str = "auto") -> Iterator[source.Access]:
        """Open the access to these servers."""
        with source.open_access(FetchConfig(**self.options(cache, fetch))) as access:
            yield access

    def n_bytes(self, ending: str = "") -> int:
        """Return the bytes that the bucket has sent of files with some ending."""
        sent = self.bucket.n_bytes.items()
        return sum(n_bytes for path, n_bytes in sent if path.endswith(ending))

    def reset(self) -> None:
        """Count from zero."""
        self.git.reset()
        self.bucket.reset()


@contextmanager
def served_dataset(
    root: Path,
    folder: Path,
    *,
    in_git: Callable[[str], bool] = lambda _: False,
    has_versions: bool = True,
) -> Iterator[ServedDataset]:
    """Serve a BIDS folder inside the context.

    Parameters
    ----------
    folder
        Empty folder for the repository.
    in_git
        Whether a signal file is in git, by its path, instead of being annexed.
    has_versions
        Whether the bucket has the versions that branch git-annex names.
    """
    files = read_version(root)
    for path, content in files.items():
        if isinstance(content, Annexed) and in_git(path):
            files[path] = content.content
    with VersionedBucket() as bucket:

        def publish(path: str, content: bytes) -> str:
            version = bucket.publish(path, content)
            return version if has_versions else f"{version}-removed"

        repository = AnnexedRepository(folder / "repository.git", ACCESSION, publish)
        with repository, GitServer({ACCESSION: repository.repo}) as git:
            repository.commit(files, "1.0.0")
            yield ServedDataset(git, bucket)
