"""Recordings that are folders, of which an archive keeps some files in git and others elsewhere."""

from __future__ import annotations

import pytest

from bids_dl.remote.caching.object_cache import ObjectCache
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source.dataset import Dataset
from bids_dl.source.fetching.fetch import fetch_files
from bids_dl.source.fetching.remote_files import RemoteFiles

FOLDER = "sub-1/ieeg/sub-1_ieeg.mefd"
INSIDE = RemoteFile(3, "md5", "900150983cd24fb0d6963f7d28e17f72", ("memory://folder/abc",))


@pytest.fixture
def dataset(tmp_path):
    root = tmp_path / "ds"
    (root / FOLDER / "a.timd").mkdir(parents=True)
    (root / FOLDER / "a.timd" / "a.tmet").write_bytes(b"in git")
    cache = ObjectCache(tmp_path / "cache")
    remote = RemoteFiles(cache, {f"{FOLDER}/a.timd/a.tdat": INSIDE}, root=root)
    return Dataset(root, "ds", {}, (FOLDER,), remote=remote)


def test_a_folder_is_completed_by_its_files_in_git(dataset):
    from bids_dl.remote.location import Location
    from bids_dl.source.archives.access import open_access

    Location("memory://folder").write("abc", b"abc")
    with open_access(environment={"BIDS_DL_CACHE": str(dataset.remote.cache.root)}) as access:
        fetch_files(dataset, [FOLDER], access)
    folder = dataset.path(FOLDER)
    assert (folder / "a.timd" / "a.tdat").read_bytes() == b"abc"
    assert (folder / "a.timd" / "a.tmet").read_bytes() == b"in git"


def test_the_digest_of_a_folder_covers_its_files_in_git(dataset):
    before = dataset.remote.digest(FOLDER)
    (dataset.root / FOLDER / "a.timd" / "a.tmet").write_bytes(b"in GIT")
    assert dataset.remote.digest(FOLDER) != before
