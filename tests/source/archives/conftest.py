"""Archives on loopback that serve the sample of the package as an OpenNeuro and NEMAR dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from annexed_repository import openneuro_repository
from archive_api import NEMAR_ID, ArchiveApi
from archive_servers import ArchiveAccess, Archives
from git_server import GitServer
from versioned_bucket import VersionedBucket

SIGNAL_BYTES = 1000


@pytest.fixture(scope="session")
def small_dataset(eegbci: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample of the package, with signals cut to 1,000 bytes."""
    root = tmp_path_factory.mktemp("small") / "ds004362"
    for file in sorted(eegbci.rglob("*")):
        if file.is_file():
            target = root / file.relative_to(eegbci)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
            target.write_bytes(content[:SIGNAL_BYTES] if file.suffix == ".edf" else content)
    return root


@pytest.fixture(scope="module")
def running_archives(
    small_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Archives]:
    folder = tmp_path_factory.mktemp("archives")
    with VersionedBucket() as bucket:
        repository = openneuro_repository(
            small_dataset, folder / "ds004362.git", publish=bucket.publish
        )
        repositories = {"ds004362": repository.repo, NEMAR_ID: repository.repo}
        with repository, GitServer(repositories) as git, ArchiveApi(repository) as api:
            yield Archives(repository, git, bucket, api)


@pytest.fixture
def archives(running_archives: Archives) -> Archives:
    """Servers of the sample, without faults and counts."""
    running_archives.reset()
    return running_archives


@pytest.fixture
def access(archives: Archives, tmp_path: Path) -> ArchiveAccess:
    """Access to the servers, with an empty cache."""
    return ArchiveAccess(archives, tmp_path / "cache")
