from __future__ import annotations

import json

import pytest
import yaml
from finished_runs import metrics_of, write_run

import bids_dl
from bids_dl.errors import ConfigError, ModelError, StoreError

DEST = "hf://lab/eyes-net"
NAME = "lab/eyes-net"
LICENCE = {"license": "CC-BY-4.0"}


@pytest.fixture
def run(tmp_path):
    """A finished run with weights, and with files that are not published."""
    store = {"url": "/home/ann/private/eyes.zarr", "name": "eyes.zarr"}
    shape = {"shape": [240, 24, 256], "sfreq": 128.0, "channels": ["Cz", "Pz"]}
    folder = write_run(tmp_path / "run", metrics_of([0.8, 0.9]), **store, **shape)
    config = json.loads((folder / "config.json").read_text())
    config["command"] = "bids-dl train /home/ann/private/eyes.zarr"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "weights.safetensors").write_bytes(bytes(200_000))
    (folder / "training.lock").write_text("")
    (folder / "unfinished").mkdir()
    (folder / "unfinished" / "checkpoint.pt").write_bytes(b"pickle")
    return folder


def test_a_run_gets_a_card_and_no_pickle(hub, run):
    told = []
    outcome = bids_dl.push(run, DEST, on_message=told.append, **LICENCE)
    files = hub.repositories[NAME].files
    published = {"README.md", "config.json", "folds.json", "metrics.json", "weights.safetensors"}
    assert set(files) == {*published, ".gitattributes"}
    assert 'not sent: "training.lock", "unfinished/checkpoint.pt"' in told
    card = files["README.md"].decode()
    header = yaml.safe_load(card.split("---")[1])
    assert header["license"] == "cc-by-4.0"
    assert header["library_name"] == "bids_dl"
    assert outcome.address in card
    assert "| accuracy | 0.850 |" in card
    assert outcome.address.startswith("hf://lab/eyes-net@run-")
    assert hub.repositories[NAME].tags


def test_no_folder_of_this_machine_is_published(hub, run):
    bids_dl.push(run, DEST, **LICENCE)
    for content in hub.repositories[NAME].files.values():
        assert b"/home/ann" not in content


def test_a_second_push_sends_nothing(hub, run):
    bids_dl.push(run, DEST, **LICENCE)
    hub.log.clear()
    assert bids_dl.push(run, DEST, **LICENCE).state == "present"
    assert hub.log.lines("^(PUT|POST)") == []


def test_another_run_at_the_same_place_is_refused(hub, run):
    bids_dl.push(run, DEST, **LICENCE)
    (run / "weights.safetensors").write_bytes(bytes(100_001))
    with pytest.raises(StoreError, match=r"holds another run \(weights\.safetensors"):
        bids_dl.push(run, DEST, **LICENCE)


def test_a_lost_answer_to_the_commit_is_found(hub, run):
    hub.log.fail("lost", "/commit/")
    bids_dl.push(run, DEST, storage_options={"retry_timeout": 0.1}, **LICENCE)
    assert len(hub.repositories[NAME].commits) == 2


def test_a_dry_run_sends_nothing(hub, run):
    outcome = bids_dl.push(run, DEST, dry_run=True, **LICENCE)
    assert (outcome.state, outcome.copied_objects) == ("planned", 5)
    assert hub.repositories == {}


def test_an_unfinished_run_is_refused(run):
    (run / "metrics.json").unlink()
    with pytest.raises(ModelError, match="not finished"):
        bids_dl.push(run, DEST, **LICENCE)


def test_a_run_without_weights_is_refused(run):
    (run / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        bids_dl.push(run, DEST, **LICENCE)


def test_a_run_needs_a_licence(run):
    with pytest.raises(ConfigError, match="a run states no licence"):
        bids_dl.push(run, DEST)


@pytest.mark.parametrize("url", ["hf://datasets/lab/eyes", "s3://bucket/run"])
def test_a_run_goes_to_a_model_repository(run, url):
    with pytest.raises(ConfigError, match=r"model repository|names no repository"):
        bids_dl.push(run, url, **LICENCE)
