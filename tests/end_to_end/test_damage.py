"""Bytes that are not the ones that were written, found from afar: each of many, with the windows and recordings it hits."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import numpy as np
import pytest
import small_store
from small_store import Small

import bids_dl
from bids_dl.errors import BidsDlError, DamagedStoreError, StoreError
from bids_dl.store import open_store
from bids_dl.verification import verify

SMALL = Small(
    n_subjects=2, per_recording=6, per_chunk=4, chunks_per_shard=2
)  # 24 windows: 6 chunks in 3 shards
CHUNK_BYTES = SMALL.per_chunk * small_store.WINDOW_BYTES + 4
STREAMED = ("zarr.json", "label/c/0", "signals/c/")


@pytest.fixture
def store(moto, s3) -> tuple[fsspec.AbstractFileSystem, dict]:
    """A store in a bucket, and what reaches it without a server in between that fails."""
    direct = s3 | {
        "client_kwargs": {"endpoint_url": f"http://127.0.0.1:{moto}"},
        "config_kwargs": {},
    }
    small_store.write("s3://bucket/small.zarr", SMALL, storage_options=direct)
    return fsspec.filesystem("s3", **direct), direct


def windows_hit(name: str, place: int | None) -> tuple[int, int]:
    """First window that a flipped byte of a shard hits and the first behind; all of the shard where it is cut short or its index is hit."""
    shard, chunks = int(name.split("/")[2]), SMALL.chunks_per_shard
    chunk = chunks if place is None else place // CHUNK_BYTES
    first, last = (0, chunks) if chunk >= chunks else (chunk, chunk + 1)
    return (shard * chunks + first) * SMALL.per_chunk, (shard * chunks + last) * SMALL.per_chunk


def recordings(rows: tuple[int, int]) -> tuple[str, ...]:
    names = small_store.columns(SMALL)[3].values
    return tuple(dict.fromkeys(f"ds1/{name}" for name in names[slice(*rows)]))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["s3", "http"])
@pytest.mark.parametrize("how", ["flipped", "cut short"])
def test_each_of_fifty_broken_objects_is_found_from_afar_with_the_recordings_it_hits(
    store, moto, scheme, how
):
    bucket, options = store
    url = (
        "s3://bucket/small.zarr" if scheme == "s3" else f"http://127.0.0.1:{moto}/bucket/small.zarr"
    )
    given = options | {"patience": 0.01} if scheme == "s3" else {"patience": 0.01}
    names = sorted(
        path.removeprefix("bucket/small.zarr/") for path in bucket.find("bucket/small.zarr")
    )
    weights = np.array([8.0 if "signals/c" in name else 1.0 for name in names])
    chance = np.random.default_rng(len(scheme + how))
    for _ in range(50):
        name = names[chance.choice(len(names), p=weights / weights.sum())]
        content = bucket.cat_file(f"bucket/small.zarr/{name}")
        place = int(chance.integers(len(content)))
        broken = bytearray(content[:place] if how == "cut short" else content)
        if how == "flipped":
            broken[place] ^= 1 << int(chance.integers(8))
        bucket.pipe_file(f"bucket/small.zarr/{name}", bytes(broken), ACL="public-read")
        verdict = verify(url, storage_options=given)
        assert verdict.exit_status == 1, (name, place)
        if name.startswith("signals/c/"):
            rows = windows_hit(name, place if how == "flipped" else None)
            assert [(d.where, d.windows, d.recordings) for d in verdict.damages] == [
                (name, rows, recordings(rows))
            ], (name, place)
        if name.startswith(STREAMED):
            with pytest.raises(BidsDlError) as found:
                list(bids_dl.StreamingDataset(url, batch_size=24, storage_options=given))
            if name.startswith("signals/c/"):
                assert isinstance(found.value, DamagedStoreError)
                assert recordings(rows)[0].removeprefix("ds1/") in str(found.value)
        bucket.pipe_file(f"bucket/small.zarr/{name}", content, ACL="public-read")
    assert verify(url, storage_options=given).exit_status == 0


@pytest.fixture
def plain_server(tmp_path) -> Iterator[str]:
    """URL of a store behind `python -m http.server`, which sends whole objects only."""
    small_store.write(tmp_path / "small.zarr", SMALL)

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Silent, directory=tmp_path)
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/small.zarr"
        server.shutdown()


def test_a_server_without_ranges_is_named_as_such_and_not_as_damage(plain_server):
    assert open_store(plain_server).shape == SMALL.signals.shape
    assert not verify(plain_server).damages
    with pytest.raises(
        StoreError, match=r"small\.zarr: the server sends whole objects where a part was asked for"
    ) as refusal:
        list(bids_dl.StreamingDataset(plain_server))
    assert "\n" not in str(refusal.value)


def test_a_listing_that_a_web_server_makes_of_a_folder_is_no_store(plain_server):
    with pytest.raises(StoreError, match=r"no bids-dl store \(it has no zarr\.json\)"):
        open_store(plain_server.removesuffix("/small.zarr"))


def test_a_copy_that_stopped_half_way_says_so(tmp_path):
    small_store.write(tmp_path / "small.zarr", SMALL)
    (tmp_path / "small.zarr/zarr.json").unlink()
    with pytest.raises(StoreError, match=r"a store without its zarr\.json; copy it again, whole"):
        open_store(str(tmp_path / "small.zarr"))


def test_a_password_in_a_url_is_in_no_message():
    with pytest.raises(
        StoreError, match=r"^http://\*\*\*@127\.0\.0\.1:9/small\.zarr: cannot be reached"
    ) as refusal:
        open_store("http://me:hidden@127.0.0.1:9/small.zarr", storage_options={"patience": 0})
    assert "hidden" not in str(refusal.value)
