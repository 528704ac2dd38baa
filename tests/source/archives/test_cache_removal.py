"""Removal from the cache: what a kept version needs stays."""

from __future__ import annotations

import pytest

from bids_dl.config.cache_stage import CacheConfig
from bids_dl.errors import ConfigError
from bids_dl.source.archives.address import parse_address
from bids_dl.source.archives.cache_contents import measure_files, read_cache_contents
from bids_dl.source.archives.cache_removal import empty_cache
from bids_dl.source.archives.opening import open_archive

OLD, NEW = "openneuro:ds004362@1.0.0", "openneuro:ds004362@1.1.0"
LATER = 4e9  # s since 1970


@pytest.fixture
def opened(access):
    """Access to a cache that holds all files of two versions, which share most of them."""
    with access.open() as opened:
        for address in (OLD, NEW):
            archived = open_archive(parse_address(address), opened)
            for file in archived.files.values():
                opened.cache.fetch(file, opened.client)
        yield opened


def paths_of(opened, address: str):
    archived = open_archive(parse_address(address), opened)
    return {opened.cache.path_of(file) for file in archived.files.values()}


def empty(opened, **options):
    return empty_cache(opened.cache, opened.endpoints, CacheConfig(**options), now=LATER)


def test_both_versions_are_listed_with_what_they_share(opened):
    contents = read_cache_contents(opened.cache, opened.endpoints)
    assert [version.address for version in contents.versions] == [OLD, NEW]
    assert [version.n_files for version in contents.versions] == [
        len(paths_of(opened, address)) for address in (OLD, NEW)
    ]
    sizes = [version.total.n_bytes for version in contents.versions]
    assert max(sizes) < contents.total.n_bytes < sum(sizes)
    assert contents.unowned == ()


def test_a_file_that_a_kept_version_has_too_stays(opened):
    old, new = paths_of(opened, OLD), paths_of(opened, NEW)
    assert new - old
    assert old & new
    removal = empty(opened, remove=(NEW,))
    assert removal.addresses == (NEW,)
    assert removal.n_bytes > 0
    assert all(path.is_file() for path in old)
    assert not any(path.exists() for path in new - old)
    contents = read_cache_contents(opened.cache, opened.endpoints)
    assert [version.address for version in contents.versions] == [OLD]


@pytest.mark.parametrize("address", ["openneuro:ds004362@v1.0.0", "openneuro:ds004362@COMMIT"])
def test_a_version_has_several_names(opened, archives, address):
    commit = archives.repository.commits["1.0.0"]
    assert empty(opened, remove=(address.replace("COMMIT", commit),)).addresses == (OLD,)


def test_a_dataset_is_removed_with_all_its_versions_and_fetched_again(opened):
    assert empty(opened, remove=("openneuro:ds004362",)).addresses == (OLD, NEW)
    assert not (opened.cache.root / "datasets" / "openneuro" / "ds004362").exists()
    assert measure_files(opened.cache.root.rglob("*")).n_bytes < 100_000  # folders
    assert open_archive(parse_address(OLD), opened).root.is_dir()


def test_files_of_no_version_are_removed_by_age_only(opened, tmp_path):
    part = opened.cache.root / "objects" / "md5" / "ab" / "abcd.part"
    partial = opened.cache.root / "partial" / "abcd" / "0123"
    for file in (part, partial):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    empty(opened, remove=(OLD,))
    assert part.exists()
    assert partial.exists()
    assert empty(opened, older_than=3600.0).addresses == (NEW,)
    assert not part.exists()
    assert not partial.exists()


def test_an_unfinished_download_of_a_kept_version_stays(opened):
    path = sorted(paths_of(opened, NEW))[0]
    part = path.rename(path.with_name(f"{path.name}.part"))
    empty(opened, remove=(OLD,), older_than=3600.0)
    assert part.is_file()


def test_an_address_that_is_not_there_removes_nothing(opened):
    with pytest.raises(ConfigError, match=f"not in the cache .*; it holds {OLD}, {NEW}"):
        empty(opened, remove=(OLD, "openneuro:ds999999"))
    assert len(read_cache_contents(opened.cache, opened.endpoints).versions) == 2
