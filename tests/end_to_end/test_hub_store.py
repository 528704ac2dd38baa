"""A store on the hub is streamed with few requests, pinned to a commit, verified and described."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import xarray
from hub_server import HubServer, use_hub

import bids_dl
from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError
from bids_dl.store import open_store
from bids_dl.training.run_folder import describe_config
from bids_dl.verification import verify

URL = "hf://datasets/lab/eyes/eyes.zarr"
DELAY_SECONDS = 0.1


def contents(store: Path) -> dict[str, bytes]:
    """Content of each file of a store, by its path in the repository."""
    files = [path for path in store.rglob("*") if path.is_file()]
    return {f"eyes.zarr/{path.relative_to(store)}": path.read_bytes() for path in files}


@pytest.fixture
def hub(eyes_store) -> Iterator[HubServer]:
    with HubServer() as hub, use_hub(hub, token=None):
        hub.add_repository("lab/eyes").put(contents(eyes_store))
        yield hub


def test_an_epoch_needs_one_resolve_an_object_and_no_byte_too_many(hub):
    store = open_store(URL)
    hub.log.clear()
    hub.delay = DELAY_SECONDS
    stream = bids_dl.StreamingDataset(store, batch_size=16)
    hub.log.most_at_once = 0
    hub.held = 8
    assert sum(len(batch.index) for batch in stream) == 240
    resolves = Counter(hub.log.lines("/resolve/"))
    assert set(resolves.values()) == {1}
    assert hub.log.most_at_once >= 8
    stored = sum(request.n_bytes for request in hub.log.requests if request.is_storage)
    assert stored <= 1.1 * stream.traffic.bytes_used


def test_a_stream_reads_the_commit_that_it_began_with(hub, eyes_store):
    stream = bids_dl.StreamingDataset(URL, batch_size=16)
    repository = hub.repositories["lab/eyes"]
    commit = repository.branches["main"]
    damaged = {name: b"\0" * len(content) for name, content in contents(eyes_store).items()}
    repository.put(damaged)
    assert sum(len(batch.index) for batch in stream) == 240
    assert {line.split("/")[5] for line in hub.log.lines("/resolve/")} == {commit}


def test_a_state_names_the_commit_and_refuses_a_store_with_other_content(hub, eyes_store):
    stream = bids_dl.StreamingDataset(URL, batch_size=16)
    next(iter(stream))
    state = json.loads(json.dumps(stream.state_dict()))
    repository = hub.repositories["lab/eyes"]
    commit = repository.branches["main"]
    assert state["versions"] == [[commit, open_store(URL).attributes["content"]]]
    repository.put({"README.md": b"new words"})
    resumed = bids_dl.StreamingDataset(URL, batch_size=16)
    resumed.load_state_dict(state)
    assert len(list(resumed)) == len(stream) - 1
    state["versions"][0][1] = "another content"
    message = rf"commit {commit} .* stream hf://datasets/lab/eyes@{commit}/eyes.zarr"
    with pytest.raises(ConfigError, match=message):
        resumed.load_state_dict(state)


def test_the_record_of_a_run_names_the_commit(hub):
    commit = hub.repositories["lab/eyes"].branches["main"]
    config = describe_config(open_store(URL), TrainConfig())
    assert config["store"]["url"] == f"hf://datasets/lab/eyes@{commit}/eyes.zarr"
    assert config["store"]["url"] in config["command"]


def test_the_cache_of_chunks_is_used_again_after_a_commit_that_left_the_store_unchanged(
    hub, tmp_path
):
    for text in (b"a", b"b"):
        hub.repositories["lab/eyes"].put({"README.md": text})
        stream = bids_dl.StreamingDataset(URL, batch_size=16, cache=tmp_path)
        assert len(list(stream)) == 15
    assert stream.traffic.bytes_cached >= stream.traffic.bytes_used
    for path in tmp_path.rglob("*"):
        assert "Signature" not in str(path)
        assert not path.is_file() or b"Signature=" not in path.read_bytes()


def test_workers_read_a_store_of_the_hub(hub):
    from torch.utils.data import DataLoader

    stream = bids_dl.StreamingDataset(URL, batch_size=16)
    loader = DataLoader(stream, batch_size=None, num_workers=2)
    assert sum(len(batch.index) for batch in loader) == 240


def test_a_store_of_the_hub_is_verified_including_what_is_too_much(hub):
    assert not verify(URL).damages
    hub.repositories["lab/eyes"].put({"eyes.zarr/signals/c/7/0/0": b"x", "eyes.zarr/a.txt": b""})
    found = verify(URL)
    assert [damage.where for damage in found.damages] == ["signals/c/7/0/0"]
    assert "a.txt" in str(found.remarks)


def test_a_shard_that_is_missing_on_the_hub_is_damage(hub):
    repository = hub.repositories["lab/eyes"]
    files = dict(repository.commit("main").files)
    del files["eyes.zarr/signals/c/0/0/0"]
    repository._append("main", "less", files)
    assert "signals/c/0/0/0" in [damage.where for damage in verify(URL).damages]


def test_a_store_of_the_hub_is_described_with_its_pinned_address(hub, command):
    result = command("info", URL, "--json")
    assert result.status == 0
    assert f"@{hub.repositories['lab/eyes'].branches['main']}/eyes.zarr" in result.out


def test_xarray_opens_the_resolve_address(hub, eyes_store):
    commit = hub.repositories["lab/eyes"].branches["main"]
    data = xarray.open_zarr(f"{hub.url}/datasets/lab/eyes/resolve/{commit}/eyes.zarr")
    local = xarray.open_zarr(eyes_store)
    assert data["label"].values.tolist() == local["label"].values.tolist()


def test_a_conversion_to_the_hub_is_refused_with_the_way(hub, eegbci, command):
    hub.log.clear()
    result = command("convert", str(eegbci), URL, "--window", "2", "--hed", "Eyes-closed")
    assert result.status == 2
    assert f"convert to a folder, then run `bids-dl push FOLDER {URL}`" in result.err
    assert hub.log.requests == []


def test_a_store_that_is_not_there_or_not_public_is_said_in_one_line(hub, command):
    result = command("info", "hf://datasets/lab/none/eyes.zarr")
    assert result.status != 0
    assert "not there, or not public" in result.err
    assert "no store there" in command("info", "hf://datasets/lab/eyes/none.zarr").err
