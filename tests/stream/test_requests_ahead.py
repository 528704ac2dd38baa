"""A loop that does little but wait requests chunks of a server ahead, and receives them itself."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_store
from counting_server import CountingServer
from small_store import SmallStore
from streams import SMALL, all_rows, batch_rows, check_signals, stream_threads

from bids_dl.errors import BidsDlError
from bids_dl.remote.http import connection_pool
from bids_dl.remote.http.open_ranges import OpenRanges
from bids_dl.remote.http.plain_connection import PlainConnection
from bids_dl.remote.http.plain_ranges import PlainRanges
from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.stream import StreamingDataset, read_settings, requests_ahead
from bids_dl.stream.assembler import Assembler
from bids_dl.stream.read_policy import ReadPolicy

OPTIONS = {"retry_timeout": 0}
MANY_SHARDS = SmallStore(n_subjects=20, per_recording=10, per_chunk=2, chunks_per_shard=1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CountingServer]:
    small_store.write(tmp_path / "float32.zarr", SMALL)
    small_store.write(tmp_path / "int16.zarr", SMALL, resolution=0.125)
    with CountingServer(tmp_path) as started:
        yield started


@pytest.fixture(autouse=True)
def opened(monkeypatch) -> Iterator[list[OpenRanges]]:
    """Let loops read themselves, however many cores there are. Check that no request is left."""
    monkeypatch.setattr(read_settings, "_spare_cores", lambda _: 1)
    opened: list[OpenRanges] = []
    open_ranges = PlainRanges.open

    def open_and_keep(self, *args, **options):
        ranges = open_ranges(self, *args, **options)
        if ranges is not None:
            opened.append(ranges)
        return ranges

    monkeypatch.setattr(PlainRanges, "open", open_and_keep)
    yield opened
    assert not any(ranges._sent or ranges._waiting for ranges in opened)


@pytest.fixture
def by_loop(monkeypatch) -> list[bool]:
    """Whether the loop made each read itself."""
    by_loop: list[bool] = []
    read = Assembler._read

    def record(self, *reads):
        by_loop.append(threading.current_thread() is threading.main_thread())
        return read(self, *reads)

    monkeypatch.setattr(Assembler, "_read", record)
    return by_loop


def open_stream(server: CountingServer, name: str = "float32.zarr", **options) -> StreamingDataset:
    return StreamingDataset(f"{server.url}/{name}", storage_options=OPTIONS, **options)


@pytest.mark.parametrize("turns", [None, 0, 1, 2])
@pytest.mark.parametrize("name", ["float32.zarr", "int16.zarr"])
@pytest.mark.parametrize("options", [{}, {"normalize": "recording"}, {"pool_bytes": 3000}], ids=str)
def test_batches_received_by_the_loop_by_threads_or_in_turns_are_those_of_the_disk(
    server, tmp_path, monkeypatch, name, options, turns
):
    options = {"batch_size": 4, **options}
    if turns is not None:
        inline = np.random.default_rng(turns)
        monkeypatch.setattr(ReadPolicy, "read_inline", property(lambda _: inline.random() < 0.5))
    stream = open_stream(server, name, **options)
    local = StreamingDataset(tmp_path / name, **options)
    for epoch in range(2):
        server.reset()
        for dataset in (stream, local):
            dataset.set_epoch(epoch)
        for batch, expected in zip(stream, local, strict=True):
            assert batch.index.tolist() == expected.index.tolist()
            assert batch.signals.numpy().tobytes() == expected.signals.numpy().tobytes()
    assert not stream_threads()
    if "pool_bytes" not in options:
        n_chunks = sum(reader.n_chunks for reader in stream._reader.chunks.readers)
        assert 0 < len(server.signal_requests()) <= n_chunks


def test_threads_receive_the_first_batch_and_whatever_a_loop_with_other_work_needs(
    server, tmp_path, monkeypatch, by_loop
):
    small_store.write(tmp_path / "many.zarr", MANY_SHARDS)
    stream = open_stream(server, "many.zarr", batch_size=4)
    batches = iter(stream)
    next(batches)
    assert not any(by_loop)
    by_loop.clear()
    list(batches)
    assert all(by_loop)
    by_loop.clear()
    inline = itertools.chain([True] * 10, itertools.repeat(False))
    monkeypatch.setattr(ReadPolicy, "read_inline", property(lambda _: next(inline)))
    list(stream)
    assert set(by_loop) == {True, False}


def test_two_loops_in_turns_do_not_wait_for_the_connections_of_each_other(server, monkeypatch):
    monkeypatch.setattr(connection_pool, "MAX_CONNECTIONS", 1)
    stream = open_stream(server, batch_size=4)
    other = iter(stream)
    next(other)
    epoch = list(stream)
    assert sorted(all_rows(epoch)) == list(range(SMALL.n_windows))
    check_signals([*epoch, *other])


def test_a_loop_that_ends_early_gives_up_its_requests(server, tmp_path, opened):
    small_store.write(tmp_path / "many.zarr", MANY_SHARDS)
    iterator = iter(open_stream(server, "many.zarr", batch_size=2, pool_bytes=3000))
    next(iterator)
    assert any(ranges._sent for ranges in opened)
    iterator.close()
    assert not any(ranges._sent for ranges in opened)


def test_connections_are_used_again(server):
    stream = open_stream(server, batch_size=4)
    for epoch in range(3):
        stream.set_epoch(epoch)
        list(stream)
    [reader] = stream._reader.chunks.readers
    [pool] = reader._ranges._plain._pools.values()
    assert 0 < len(pool._idle) <= reader.n_chunks


@pytest.mark.parametrize("reads_inline", [True, False])
def test_an_interrupt_ends_the_loop_and_the_next_one_reads_all(server, monkeypatch, reads_inline):
    stream = open_stream(server, batch_size=4)
    turns = itertools.chain([True, True], itertools.repeat(reads_inline))
    with monkeypatch.context() as patch:
        patch.setattr(ReadPolicy, "read_inline", property(lambda _: next(turns)))
        fill = PlainConnection.fill
        calls = itertools.count()

        def interrupt(self, arrays):
            if next(calls) == 12:
                raise KeyboardInterrupt
            return fill(self, arrays)

        patch.setattr(PlainConnection, "fill", interrupt)
        with pytest.raises(KeyboardInterrupt):
            list(stream)
    assert not stream_threads()
    check_signals(stream)


@pytest.mark.parametrize("action", ["change", "cut", "remove"])
def test_damage_is_an_error_that_names_the_chunk(server, tmp_path, action):
    shutil.copytree(tmp_path / "float32.zarr", tmp_path / "damaged.zarr")
    stream = open_stream(server, "damaged.zarr", batch_size=4)
    list(stream)  # so that the indexes are read
    shard = tmp_path / "damaged.zarr/signals/c/2/0/0"
    if action == "remove":
        shard.unlink()
    elif action == "cut":
        shard.write_bytes(shard.read_bytes()[:100])
    else:
        shard.write_bytes(b"\xff" + shard.read_bytes()[1:])
    with pytest.raises(BidsDlError, match=r"damaged\.zarr: chunk [678] of signals"):
        list(stream)
    assert not stream_threads()


def test_unusual_answers_are_left_to_the_general_client(server, monkeypatch, opened):
    monkeypatch.setattr(PlainRanges, "is_usable", False)
    stream = open_stream(server, batch_size=4)
    check_signals(list(stream))
    assert not opened


class ClosingServer(CountingServer):
    """Closes the connection after each answer."""

    async def answer(self, request, handler):
        response = await handler(request)
        response.force_close()
        return response


def test_a_server_that_closes_its_connections_is_read_by_threads(server, tmp_path, by_loop):
    with ClosingServer(tmp_path) as closing_server:
        check_signals(list(open_stream(closing_server, batch_size=4, pool_bytes=3000)))
    assert not any(by_loop)


def test_joined_stores_are_requested_too(server, tmp_path):
    other = SmallStore(seed=1, per_chunk=7)
    signals = np.concatenate([SMALL.signals, small_store.write(tmp_path / "other.zarr", other)])
    urls = [f"{server.url}/float32.zarr", f"{server.url}/other.zarr"]
    stream = StreamingDataset(urls, batch_size=8, storage_options=OPTIONS)
    batches = list(stream)
    assert sorted(all_rows(batches)) == list(range(len(signals)))
    check_signals(batches, signals)


def test_a_store_on_disk_beside_one_of_a_server_is_read_by_threads(server, tmp_path):
    both = [f"{server.url}/float32.zarr", tmp_path / "float32.zarr"]
    batches = list(StreamingDataset(both, batch_size=8, storage_options=OPTIONS))
    assert sorted(all_rows(batches)) == list(range(2 * SMALL.n_windows))
    check_signals(batches, np.concatenate([SMALL.signals] * 2))


def test_indexes_of_many_shards_are_read_together(server, tmp_path, monkeypatch):
    monkeypatch.setattr(requests_ahead, "max_connections", lambda: 16)
    small_store.write(tmp_path / "many.zarr", MANY_SHARDS)
    loads = []
    load_indexes = ChunkReader.load_indexes

    def count(self, chunks):
        loads.append(len(chunks))
        load_indexes(self, chunks)

    monkeypatch.setattr(ChunkReader, "load_indexes", count)
    stream = open_stream(server, "many.zarr", batch_size=16)
    check_signals(list(stream), MANY_SHARDS.signals)
    n_chunks = MANY_SHARDS.n_windows // 2
    assert len(loads) <= n_chunks // 16
    requests = Counter(server.signal_requests())
    assert set(requests.values()) == {2}  # its index and its chunk


def test_no_more_chunks_are_under_way_than_allowed(server, tmp_path, monkeypatch, opened):
    monkeypatch.setattr(requests_ahead, "max_connections", lambda: 16)
    small_store.write(tmp_path / "many.zarr", MANY_SHARDS)
    stream = open_stream(server, "many.zarr", batch_size=16)
    under_way = [sum(len(ranges._sent) for ranges in opened) for _ in stream]
    assert 0 < max(under_way) <= 16


def test_few_file_descriptors_allow_few_requests(server, tmp_path, monkeypatch, opened):
    monkeypatch.setattr(connection_pool, "max_open_files", lambda: 80)
    small_store.write(tmp_path / "many.zarr", MANY_SHARDS)
    stream = open_stream(server, "many.zarr", batch_size=16)
    under_way = [sum(len(ranges._sent) for ranges in opened) for _ in stream]
    assert 0 < max(under_way) <= 10
    [reader] = stream._reader.chunks.readers
    [pool] = reader._ranges._plain._pools.values()
    assert 0 < len(pool._idle) <= 10


def test_after_a_failure_threads_read_because_they_wait_beside_each_other(
    server, tmp_path, by_loop, monkeypatch
):
    small_store.write(tmp_path / "many.zarr", MANY_SHARDS)
    stream = StreamingDataset(
        f"{server.url}/many.zarr", batch_size=4, storage_options={"retry_timeout": 5}
    )
    batches = iter(stream)
    received = [next(batches)]
    fill = PlainConnection.fill
    failures = iter([ConnectionResetError("lost")])

    def fail_once(self, arrays):
        for failure in failures:
            raise failure
        return fill(self, arrays)

    monkeypatch.setattr(PlainConnection, "fill", fail_once)
    by_loop.clear()
    received += batches
    assert by_loop[0]
    assert by_loop.count(False) > by_loop.count(True)
    assert sorted(all_rows(received)) == list(range(MANY_SHARDS.n_windows))
    check_signals(received, MANY_SHARDS.signals)


def test_the_order_is_that_of_a_loop_with_threads(server):
    expected = batch_rows(open_stream(server, batch_size=4, threads=3))
    assert batch_rows(open_stream(server, batch_size=4)) == expected
