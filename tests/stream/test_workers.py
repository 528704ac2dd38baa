"""Streams in DataLoader workers, in ranks, and in the loaders of other libraries."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from counting_server import CountingServer
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import SMALL, all_rows, batch_rows, check_signals, stream_threads
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from bids_dl.errors import ConfigError
from bids_dl.stream import Batch, StreamingDataset


def make_stream(store, **options) -> StreamingDataset:
    return StreamingDataset(store, **{"batch_size": 4, "pool_bytes": 2000} | options)


def state_after(store, steps: int) -> dict:
    """Return the state of a stream with one rank after some steps."""
    return make_stream(store).state_dict() | {"progress": [[1, 4, steps]]}


@pytest.mark.parametrize(
    ("n_workers", "context"), [(0, None), (1, "fork"), (3, "fork"), (2, "spawn"), (2, "forkserver")]
)
def test_a_dataloader_delivers_the_batches_of_the_plain_loop(store, n_workers, context):
    loader = DataLoader(
        make_stream(store), batch_size=None, num_workers=n_workers, multiprocessing_context=context
    )
    batches = list(loader)
    assert batch_rows(batches) == batch_rows(make_stream(store))
    assert all(isinstance(batch, Batch) for batch in batches)
    check_signals(batches)


def test_a_stream_can_be_forked_while_it_is_read(store):
    stream = make_stream(store)
    expected = batch_rows(stream)
    loop = iter(stream)
    next(loop)
    loader = DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context="fork")
    assert batch_rows(loader) == expected
    assert batch_rows(loop) == expected[1:]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_set_epoch_reaches_persistent_workers(store, context):
    stream = make_stream(store)
    loader = DataLoader(
        stream,
        batch_size=None,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context=context,
    )
    for epoch in (0, 1, 7):
        stream.set_epoch(epoch)
        without_workers = make_stream(store)
        without_workers.set_epoch(epoch)
        assert batch_rows(loader) == batch_rows(without_workers)


@pytest.mark.parametrize("persistent", [False, True])
def test_a_loaded_state_reaches_workers_once(store, persistent):
    expected = batch_rows(make_stream(store))
    stream = make_stream(store)
    stream.load_state_dict(state_after(store, 5))
    loader = DataLoader(stream, batch_size=None, num_workers=2, persistent_workers=persistent)
    assert len(loader) == 18  # of a whole epoch, because frameworks ask once
    assert batch_rows(loader) == expected[5:]
    assert batch_rows(loader) == expected
    stream.load_state_dict(state_after(store, 9))
    assert batch_rows(loader) == expected[9:]


def test_with_workers_the_step_must_be_given(store):
    expected = batch_rows(make_stream(store))
    stream = make_stream(store)
    loop = iter(DataLoader(stream, batch_size=None, num_workers=2))
    rows = batch_rows(islice(loop, 3))
    with pytest.raises(ConfigError, match="pass step="):
        stream.state_dict()
    state = stream.state_dict(step=3)
    assert state["progress"] == [[1, 4, 3]]
    del loop
    resumed = make_stream(store)
    resumed.load_state_dict(state)
    loop = iter(DataLoader(resumed, batch_size=None, num_workers=3))
    rows += batch_rows(islice(loop, 2))
    assert resumed.state_dict(step=2)["progress"] == [[1, 4, 5]]
    assert rows == expected[:5]


@pytest.mark.slow
@settings(max_examples=4)
@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(1, 9), st.integers(0, 4), st.integers(0, 4)
)
def test_an_epoch_in_workers_resumed_twice_delivers_every_window_once(
    store, n_workers, world_size, batch_size, first_steps, second_steps
):
    state = None
    rows = []
    for steps in (first_steps, second_steps, 1000):
        states = []
        for rank in range(world_size):
            stream = StreamingDataset(
                store, batch_size=batch_size, rank=rank, world_size=world_size
            )
            if state is not None:
                stream.load_state_dict(state)
            loader = DataLoader(stream, batch_size=None, num_workers=n_workers)
            batches = list(islice(loader, steps))
            rows += all_rows(batches)
            states.append(stream.state_dict(step=len(batches)))
        assert all(other == states[0] for other in states)
        state = states[0]
        world_size = world_size % 3 + 1
        n_workers = n_workers % 4 + 1
    assert sorted(rows) == list(range(SMALL.n_windows))


@pytest.mark.parametrize("n_workers", [0, 2])
@pytest.mark.parametrize("steps", [0, 5, 18])
def test_a_stateful_dataloader_resumes_within_an_epoch_and_continues_with_the_next(
    store, n_workers, steps
):
    expected = batch_rows(make_stream(store))
    loader = StatefulDataLoader(make_stream(store), batch_size=None, num_workers=n_workers)
    loop = iter(loader)
    assert batch_rows(islice(loop, steps)) == expected[:steps]
    if steps == 18:
        assert next(loop, None) is None
    state = loader.state_dict()
    del loop
    stream = make_stream(store)
    resumed = StatefulDataLoader(stream, batch_size=None, num_workers=n_workers)
    resumed.load_state_dict(state)
    if steps < 18:
        assert batch_rows(resumed) == expected[steps:]
    stream.set_epoch(1)
    next_epoch = make_stream(store)
    next_epoch.set_epoch(1)
    assert batch_rows(resumed) == batch_rows(next_epoch)


def test_a_stateful_dataloader_resumes_twice_with_persistent_workers(store):
    state = None
    rows = []
    for steps in (4, 5, 100):
        loader = StatefulDataLoader(
            make_stream(store), batch_size=None, num_workers=2, persistent_workers=True
        )
        if state is not None:
            loader.load_state_dict(state)
        rows += batch_rows(islice(loader, steps))
        state = loader.state_dict()
    assert rows == batch_rows(make_stream(store))


class ChannelsOf:
    """Transform that replaces a batch by the channels of its stream."""

    def __init__(self) -> None:
        self.stream: StreamingDataset | None = None

    def __call__(self, _batch: Batch) -> tuple[str, ...]:
        return self.stream.channels


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_know_the_channels_of_a_remote_store(store, method):
    transform = ChannelsOf()
    with CountingServer(Path(store).parent) as server:
        url = f"{server.url}/small.zarr"
        stream = StreamingDataset(url, batch_size=4, transform=transform)
        transform.stream = stream
        loader = DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context=method)
        channels = list(loader)
    assert channels == [list(SMALL.channels)] * len(stream)  # a loader turns tuples into lists


def train_rank(rank: int, world_size: int, rendezvous: str, store: str, out: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=world_size
    )
    stream = make_stream(store)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(60, 1))
    rows_by_epoch = []
    for epoch in range(2):
        stream.set_epoch(epoch)
        rows = []
        # Ranks with and without workers make the same number of steps.
        for batch in DataLoader(stream, batch_size=None, num_workers=rank):
            model(batch.signals.flatten(1)).sum().backward()
            rows.append(batch.index.tolist())
        rows_by_epoch.append(rows)
    torch.save(rows_by_epoch, f"{out}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_ranks_train_together_on_every_window_once_per_epoch(store, tmp_path: Path):
    mp.spawn(train_rank, args=(2, str(tmp_path / "rendezvous"), store, str(tmp_path)), nprocs=2)
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for epoch in range(2):
        batches = [rows_by_epoch[epoch] for rows_by_epoch in ranks]
        assert [len(rank_batches) for rank_batches in batches] == [9, 9]
        rows = chain.from_iterable(chain.from_iterable(batches))
        assert sorted(rows) == list(range(SMALL.n_windows))


def save_rows(
    rank: int, world_size: int, rendezvous: str, stream: StreamingDataset, out: str
) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=world_size
    )
    torch.save(all_rows(stream), f"{out}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_a_stream_made_before_the_ranks_takes_the_rank_of_its_process(store, tmp_path: Path):
    stream = make_stream(store)
    stream.load_state_dict(state_after(store, 6))
    mp.spawn(save_rows, args=(2, str(tmp_path / "rendezvous"), stream, str(tmp_path)), nprocs=2)
    rows = all_rows(islice(make_stream(store), 6))
    for rank in range(2):
        rows += torch.load(tmp_path / f"{rank}.pt", weights_only=True)
    assert sorted(rows) == list(range(SMALL.n_windows))


def test_a_loop_over_workers_that_is_left_early_ends_its_processes(store):
    for _ in DataLoader(make_stream(store), batch_size=None, num_workers=2):
        break
    assert not mp.active_children()
    assert not stream_threads()


@pytest.mark.parametrize(
    ("n_workers", "context", "options"),
    [
        (0, None, {}),
        (0, None, {"batch_size": 4, "drop_last": True}),
        pytest.param(1, "fork", {}, marks=pytest.mark.slow),
        pytest.param(1, "spawn", {"batch_size": 4}, marks=pytest.mark.slow),
    ],
)
def test_a_loader_that_batches_batches_is_refused_with_the_way_out(
    store, n_workers, context, options
):
    loader = DataLoader(
        make_stream(store), num_workers=n_workers, multiprocessing_context=context, **options
    )
    with pytest.raises(ConfigError, match=r"use DataLoader\(stream, batch_size=None\)"):
        next(iter(loader))


def test_a_stateful_loader_that_batches_batches_is_refused_too(store):
    with pytest.raises(ConfigError, match=r"use DataLoader\(stream, batch_size=None\)"):
        next(iter(StatefulDataLoader(make_stream(store))))
