"""Streams in worker processes, ranks and other people's loaders."""

from __future__ import annotations

import threading
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import small_store
import torch
import torch.multiprocessing as mp
from small_store import SmallStore
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from bids_dl.errors import ConfigError
from bids_dl.stream import Batch, StreamingDataset

SMALL = SmallStore()


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("workers") / "small.zarr"
    small_store.write(path, SMALL)
    return str(path)


def stream_of(store, **options) -> StreamingDataset:
    return StreamingDataset(store, **{"batch_size": 4, "pool_bytes": 2000} | options)


def rows(batches) -> list[list[int]]:
    return [batch.index.tolist() for batch in batches]


@pytest.mark.parametrize(
    ("n_workers", "context"), [(0, None), (1, "fork"), (3, "fork"), (2, "spawn"), (2, "forkserver")]
)
def test_a_dataloader_gives_the_batches_of_the_plain_loop(store, n_workers, context):
    loader = DataLoader(
        stream_of(store), batch_size=None, num_workers=n_workers, multiprocessing_context=context
    )
    batches = list(loader)
    assert rows(batches) == rows(stream_of(store))
    assert all(isinstance(batch, Batch) for batch in batches)
    for batch in batches:
        np.testing.assert_array_equal(batch.signals.numpy(), SMALL.signals[batch.index])


def test_a_stream_that_is_being_read_can_be_forked(store):
    stream = stream_of(store)
    whole = rows(stream)
    loop = iter(stream)
    next(loop)
    assert (
        rows(DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context="fork"))
        == whole
    )
    assert rows(loop) == whole[1:]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_set_epoch_reaches_persistent_workers(store, context):
    stream = stream_of(store)
    loader = DataLoader(
        stream,
        batch_size=None,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context=context,
    )
    for epoch in (0, 1, 7):
        stream.set_epoch(epoch)
        alone = stream_of(store)
        alone.set_epoch(epoch)
        assert rows(loader) == rows(alone)


@pytest.mark.parametrize("persistent", [False, True])
def test_a_position_reaches_workers_once(store, persistent):
    whole = rows(stream_of(store))
    stream = stream_of(store)
    stream.load_state_dict({**stream.state_dict(), "progress": [[1, 4, 5]]})
    loader = DataLoader(stream, batch_size=None, num_workers=2, persistent_workers=persistent)
    assert len(loader) == 18  # of an epoch: frameworks ask once
    assert rows(loader) == whole[5:]
    assert rows(loader) == whole
    stream.load_state_dict({**stream_of(store).state_dict(), "progress": [[1, 4, 9]]})
    assert rows(loader) == whole[9:]


def test_under_workers_the_position_must_be_given(store):
    stream, whole = stream_of(store), rows(stream_of(store))
    loop = iter(DataLoader(stream, batch_size=None, num_workers=2))
    seen = rows(islice(loop, 3))
    with pytest.raises(ConfigError, match="pass step="):
        stream.state_dict()
    state = stream.state_dict(step=3)
    assert state["progress"] == [[1, 4, 3]]
    del loop
    other = stream_of(store)
    other.load_state_dict(state)
    loop = iter(DataLoader(other, batch_size=None, num_workers=3))
    seen += rows(islice(loop, 2))
    assert other.state_dict(step=2)["progress"] == [[1, 4, 5]]
    assert seen == whole[:5]


@pytest.mark.parametrize("n_workers", [0, 2])
@pytest.mark.parametrize("made", [0, 5, 18])
def test_a_stateful_dataloader_resumes_within_an_epoch_and_goes_on_to_the_next(
    store, n_workers, made
):
    whole, other = rows(stream_of(store)), stream_of(store)
    other.set_epoch(1)
    loader = StatefulDataLoader(stream_of(store), batch_size=None, num_workers=n_workers)
    loop = iter(loader)
    assert rows(islice(loop, made)) == whole[:made]
    if made == 18:
        assert next(loop, None) is None
    state = loader.state_dict()
    del loop
    stream = stream_of(store)
    resumed = StatefulDataLoader(stream, batch_size=None, num_workers=n_workers)
    resumed.load_state_dict(state)
    if made < 18:
        assert rows(resumed) == whole[made:]
    stream.set_epoch(1)
    assert rows(resumed) == rows(other)


def test_a_stateful_dataloader_resumes_twice_with_persistent_workers(store):
    whole, seen, state = rows(stream_of(store)), [], None
    for made in (4, 5, 100):
        loader = StatefulDataLoader(
            stream_of(store), batch_size=None, num_workers=2, persistent_workers=True
        )
        if state is not None:
            loader.load_state_dict(state)
        seen += rows(islice(loader, made))
        state = loader.state_dict()
    assert seen == whole


def train(rank: int, world: int, rendezvous: str, store: str, out: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=world
    )
    stream = stream_of(store)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(60, 1))
    seen = []
    for epoch in range(2):
        stream.set_epoch(epoch)
        for batch in DataLoader(
            stream, batch_size=None, num_workers=rank
        ):  # as many steps, however it is read
            model(batch.signals.flatten(1)).sum().backward()
            seen.append([epoch, batch.index.tolist()])
    torch.save(seen, f"{out}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_train_together_and_see_every_window_once_an_epoch(store, tmp_path: Path):
    mp.spawn(train, args=(2, str(tmp_path / "rendezvous"), store, str(tmp_path)), nprocs=2)
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    assert [len(seen) for seen in ranks] == [2 * 9] * 2
    for epoch in range(2):
        assert sorted(
            row for seen in ranks for e, batch in seen for row in batch if e == epoch
        ) == list(range(SMALL.n_windows))


def test_a_stream_made_before_the_ranks_finds_its_rank_in_each(store, tmp_path: Path):
    stream = stream_of(store)
    stream.load_state_dict({**stream.state_dict(), "progress": [[1, 4, 6]]})
    mp.spawn(follow, args=(2, str(tmp_path / "rendezvous"), stream, str(tmp_path)), nprocs=2)
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    done = [row for batch in rows(islice(stream_of(store), 6)) for row in batch]
    assert sorted(done + [row for seen in ranks for batch in seen for row in batch]) == list(
        range(SMALL.n_windows)
    )


def follow(rank: int, world: int, rendezvous: str, stream: StreamingDataset, out: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=world
    )
    torch.save(rows(stream), f"{out}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_nothing_is_left_of_a_loop_over_workers_that_is_broken_off(store):
    for _ in DataLoader(stream_of(store), batch_size=None, num_workers=2):
        break
    assert not mp.active_children()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bids_dl")]
