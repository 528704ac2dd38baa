"""Damaged objects of remote stores are found with the windows and recordings they affect."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import fsspec
import numpy as np
import pytest
import small_store
from small_store import SmallStore, recordings_of

import bids_dl
from bids_dl.errors import BidsDlError, DamagedStoreError, StoreError
from bids_dl.store import open_store
from bids_dl.verification import verify

# 24 windows: 6 chunks in 3 shards
SMALL = SmallStore(n_subjects=2, per_recording=6, per_chunk=4, chunks_per_shard=2)
CHUNK_BYTES = SMALL.per_chunk * small_store.WINDOW_BYTES + 4
FOLDER = "bucket/small.zarr"
STREAMED_OBJECTS = ("zarr.json", "label/c/0", "signals/c/")
N_DAMAGED = {"http": 50, "s3": 10}  # the same code locates damage for every URL


@pytest.fixture
def store(moto, s3) -> tuple[fsspec.AbstractFileSystem, dict[str, Any]]:
    """A store in a bucket: file system and options, without the faulty server in between."""
    endpoint = {"client_kwargs": {"endpoint_url": f"http://127.0.0.1:{moto}"}}
    options = {**s3, **endpoint, "config_kwargs": {}}
    small_store.write(f"s3://{FOLDER}", SMALL, storage_options=options)
    return fsspec.filesystem("s3", **options), options


def affected_windows(shard_object: str, position: int | None) -> tuple[int, int]:
    """Return the first window that a damaged byte of a shard affects, and the one after the last.

    Damage of the index, or of the length (``position`` is None), affects the whole shard.
    """
    shard = int(shard_object.split("/")[2])
    n_chunks = SMALL.chunks_per_shard
    chunk = n_chunks if position is None else position // CHUNK_BYTES
    first, last = (0, n_chunks) if chunk >= n_chunks else (chunk, chunk + 1)
    start = shard * n_chunks
    return (start + first) * SMALL.per_chunk, (start + last) * SMALL.per_chunk


def damage(content: bytes, how: str, generator: np.random.Generator) -> tuple[bytes, int]:
    """Flip a random bit or cut the content short; return it with the position."""
    position = int(generator.integers(len(content)))
    if how == "cut short":
        return content[:position], position
    flipped = bytearray(content)
    flipped[position] ^= 1 << int(generator.integers(8))
    return bytes(flipped), position


def draw_names(
    bucket: fsspec.AbstractFileSystem, count: int, generator: np.random.Generator
) -> list[str]:
    """Draw objects of the store at random, shards eight times as often as others."""
    names = sorted(path.removeprefix(f"{FOLDER}/") for path in bucket.find(FOLDER))
    weights = np.array([8.0 if "signals/c" in name else 1.0 for name in names])
    numbers = generator.choice(len(names), size=count, p=weights / weights.sum())
    return [names[number] for number in numbers]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", N_DAMAGED)
@pytest.mark.parametrize("how", ["flipped", "cut short"])
def test_each_damaged_object_is_found_with_the_recordings_it_affects(store, moto, scheme, how):
    bucket, options = store
    if scheme == "s3":
        url = f"s3://{FOLDER}"
        options = {**options, "retry_timeout": 0.01}
    else:
        url = f"http://127.0.0.1:{moto}/{FOLDER}"
        options = {"retry_timeout": 0.01}
    generator = np.random.default_rng(len(scheme + how))
    for name in draw_names(bucket, N_DAMAGED[scheme], generator):
        content = bucket.cat_file(f"{FOLDER}/{name}")
        damaged, position = damage(content, how, generator)
        bucket.pipe_file(f"{FOLDER}/{name}", damaged, ACL="public-read")
        rows = None
        if name.startswith("signals/c/"):
            rows = affected_windows(name, position if how == "flipped" else None)
        check_verification(url, options, name, rows)
        if name.startswith(STREAMED_OBJECTS):
            check_stream(url, options, rows)
        bucket.pipe_file(f"{FOLDER}/{name}", content, ACL="public-read")
    assert verify(url, storage_options=options).exit_status == 0


def check_verification(url: str, options: dict, name: str, rows: tuple[int, int] | None) -> None:
    """Check that `verify` finds a damaged object; ``rows`` are its windows if it is a shard."""
    verification = verify(url, storage_options=options)
    assert verification.exit_status == 1, name
    if rows is not None:
        found = [(item.where, item.windows, item.recordings) for item in verification.damages]
        assert found == [(name, rows, recordings_of(SMALL, rows))]


def check_stream(url: str, options: dict, rows: tuple[int, int] | None) -> None:
    """Check that a stream fails, and names the recording if a shard is damaged."""
    with pytest.raises(BidsDlError) as caught:
        list(bids_dl.StreamingDataset(url, batch_size=24, storage_options=options))
    if rows is not None:
        recording = recordings_of(SMALL, rows)[0].removeprefix("ds1/")
        assert isinstance(caught.value, DamagedStoreError)
        assert recording in str(caught.value)


@pytest.fixture
def plain_server(tmp_path) -> Iterator[str]:
    """URL of a store behind `python -m http.server`, which ignores byte ranges."""
    small_store.write(tmp_path / "small.zarr", SMALL)

    class QuietHandler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(QuietHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/small.zarr"
        server.shutdown()


def test_a_server_without_byte_ranges_is_reported_as_such_and_not_as_damage(plain_server):
    assert open_store(plain_server).shape == SMALL.signals.shape
    assert not verify(plain_server).damages
    message = r"small\.zarr: the server ignores byte ranges and sends whole objects"
    with pytest.raises(StoreError, match=message) as refusal:
        list(bids_dl.StreamingDataset(plain_server))
    assert "\n" not in str(refusal.value)


def test_the_folder_listing_of_a_web_server_is_not_a_store(plain_server):
    with pytest.raises(StoreError, match=r"not a bids-dl store \(it has no zarr\.json\)"):
        open_store(plain_server.removesuffix("/small.zarr"))


def test_an_incomplete_copy_is_reported_as_such(tmp_path):
    small_store.write(tmp_path / "small.zarr", SMALL)
    (tmp_path / "small.zarr/zarr.json").unlink()
    message = r"a store without its zarr\.json; copy the whole store again"
    with pytest.raises(StoreError, match=message):
        open_store(str(tmp_path / "small.zarr"))


def test_a_password_in_a_url_is_in_no_message():
    url = "http://me:hidden@127.0.0.1:9/small.zarr"
    message = r"^http://\*\*\*@127\.0\.0\.1:9/small\.zarr: cannot be reached"
    with pytest.raises(StoreError, match=message) as refusal:
        open_store(url, storage_options={"retry_timeout": 0})
    assert "hidden" not in str(refusal.value)
