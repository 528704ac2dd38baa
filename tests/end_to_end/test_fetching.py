"""Commands on a dataset of OpenNeuro: what they fetch, say, resume, and do without network."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conversions import KILL_SEEDS, contents
from served_dataset import ACCESSION, served_dataset

from bids_dl.testing import make_dataset

N_SUBJECTS = 4
QUERY = ("--hed", "closed=Eyes-closed", "--window", "2")
NOWHERE = "http://127.0.0.1:9"  # nothing answers there


@pytest.fixture(scope="module")
def dataset_root(tmp_path_factory) -> Path:
    """Four recordings of 1.3 MB, larger than what is fetched whole for its header."""
    root = tmp_path_factory.mktemp("dataset") / ACCESSION
    make_dataset(root, n_subjects=N_SUBJECTS, sfreq=1000, format="brainvision")
    return root


@pytest.fixture(scope="module")
def running(dataset_root, tmp_path_factory):
    with served_dataset(dataset_root, tmp_path_factory.mktemp("server")) as served:
        yield served


def environment_of(running, cache: Path) -> dict[str, str]:
    """Return the environment in which commands use these servers and a cache."""
    return {
        "BIDS_DL_CACHE": str(cache),
        "BIDS_DL_OPENNEURO_GIT": running.git.url,
        "BIDS_DL_OPENNEURO_S3": running.bucket.url,
        "BIDS_DL_OPENNEURO_API": NOWHERE,
    }


@pytest.fixture(scope="module")
def undisturbed_store(running, tmp_path_factory) -> Path:
    """Store of a conversion that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    command = convert_command(running.address, folder / "a.zarr")
    environment = os.environ | environment_of(running, folder / "cache")
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return folder / "a.zarr"


def reset_faults(running) -> None:
    """Forget all requests, and answer at once and rightly."""
    running.reset()
    running.bucket.absent.clear()
    running.bucket.damaged.clear()
    running.bucket.bytes_per_second = 0
    running.bucket.delay = 0.0


@pytest.fixture
def served(running, monkeypatch, tmp_path):
    """The servers, and an environment in which commands use them with an empty cache."""
    reset_faults(running)
    for name, value in environment_of(running, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    yield running
    reset_faults(running)


def convert(command, address: str, dest: str | Path = "a.zarr", *flags: str):
    options = ("--scheduler", "synchronous", "--fetch", "whole")
    return command("convert", address, dest, *QUERY, *options, *flags)


def convert_command(address: str, dest: Path) -> list[str]:
    options = ["--fetch", "whole", "--jobs", "1"]
    return [sys.executable, "-m", "bids_dl", "convert", address, str(dest), *QUERY, *options]


def go_offline(monkeypatch) -> None:
    for name in ("GIT", "S3", "API"):
        monkeypatch.setenv(f"BIDS_DL_OPENNEURO_{name}", NOWHERE)


def signal_sizes(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in root.rglob("*.eeg")}


def test_events_say_what_a_conversion_would_fetch_and_fetch_no_signal(command, served):
    result = command("events", served.address, *QUERY)
    assert "to fetch: 12 files of 4 recordings, 5 MB" in result.words
    assert served.n_bytes(".eeg") == 0
    fetch = command("events", served.address, *QUERY, "--json").json["fetch"]
    assert (fetch["recordings"], fetch["files"]) == (4, 12)
    assert fetch["bytes"] > 4 * 1_280_000
    one = command("events", served.address, *QUERY, "--subject", "001", "--json").json["fetch"]
    assert (one["recordings"], one["files"]) == (1, 3)


def test_a_local_folder_needs_no_fetching(command, dataset_root):
    result = command("events", dataset_root, *QUERY, "--json")
    assert result.json["fetch"] == {"recordings": 0, "files": 0, "bytes": 0, "cached_bytes": 0}
    assert "fetch" not in command("events", dataset_root, *QUERY).out


def test_convert_says_on_standard_error_what_it_fetches_and_fetches_only_that(
    command, served, dataset_root
):
    result = convert(command, served.address, "a.zarr", "--subject", "002", "--json")
    assert result.status == 0, result.err
    assert f"{served.address}: fetching the text files of version 1.0.0" in result.err
    # the small text files of the recording were fetched for its header
    assert "to fetch: 1 file of 1 recording, 1 MB; " in result.err
    assert json.loads(result.out)["n_recordings"] == 1
    sent = {Path(path).name: n for path, n in served.bucket.n_bytes.items() if n}
    sizes = signal_sizes(dataset_root)
    assert {name: n for name, n in sent.items() if name.endswith(".eeg")} == {
        name: size for name, size in sizes.items() if "sub-002" in name
    }


def test_a_pinned_dataset_in_the_cache_needs_no_network(command, served, monkeypatch, tmp_path):
    assert convert(command, served.address, tmp_path / "a.zarr").status == 0
    go_offline(monkeypatch)
    served.reset()
    result = convert(command, served.address, tmp_path / "b.zarr")
    assert result.status == 0, result.err
    assert "to fetch: nothing, all 5 MB are in the cache" in result.err
    assert (served.git.requests, served.bucket.requests) == ([], [])
    assert contents(tmp_path / "a.zarr") == contents(tmp_path / "b.zarr")


def test_without_network_the_newest_version_in_the_cache_is_used_and_said(
    command, served, monkeypatch, tmp_path
):
    newest = served.address.partition("@")[0]
    assert convert(command, newest, tmp_path / "a.zarr").status == 0
    go_offline(monkeypatch)
    result = convert(command, newest, tmp_path / "b.zarr")
    assert result.status == 0, result.err
    assert "using version 1.0.0, the newest in the cache" in result.err
    assert contents(tmp_path / "a.zarr") == contents(tmp_path / "b.zarr")


@pytest.mark.slow
def test_a_store_is_verified_against_its_remote_source(command, served, tmp_path):
    assert convert(command, served.address, tmp_path / "a.zarr").status == 0
    shutil.rmtree(tmp_path / "cache")
    options = ("--source", served.address, "--jobs", "1")
    checked = command("verify", tmp_path / "a.zarr", *options)
    assert checked.status == 0, checked.out
    assert "4 recordings converted again from the source: OK" in checked.words
    assert "to fetch: 4 files of 4 recordings" in checked.err


def test_a_file_that_cannot_be_had_costs_its_recording(command, served, tmp_path):
    [path] = [path for path in served.bucket.paths() if "sub-003" in path and ".eeg" in path]
    served.bucket.damaged.add(path)
    result = convert(command, served.address, tmp_path / "a.zarr", "--json")
    assert result.status == 3
    outcome = json.loads(result.out)
    assert outcome["n_recordings"] == N_SUBJECTS - 1
    [failure] = outcome["failures"]
    assert "sub-003" in failure["recording"]
    assert (failure["stage"], failure["transient"]) == ("source", False)
    assert "its md5 checksum is" in failure["reason"]


def test_no_store_and_no_message_has_the_path_of_the_cache(command, served, tmp_path):
    [path] = [path for path in served.bucket.paths() if "sub-003" in path and ".vhdr" in path]
    served.bucket.damaged.add(path)
    dest = tmp_path / "derivatives" / "eyes" / "a.zarr"
    result = convert(command, served.address, dest, "--json")
    assert result.status == 3, result.err
    found = command("events", served.address, *QUERY, "--json")
    shown = command("info", dest, "--json")
    texts = [result.out, result.err, found.out, found.err, shown.out]
    texts += [content.decode("latin-1") for content in contents(dest.parent).values()]
    assert not [text for text in texts if str(tmp_path / "cache") in text]
    description = json.loads((dest.parent / "dataset_description.json").read_text())
    assert [described["Version"] for described in description["SourceDatasets"]] == ["1.0.0"]


def test_a_sidecar_is_made_from_the_text_of_a_remote_dataset(command, monkeypatch, tmp_path):
    root = make_dataset(tmp_path / ACCESSION, n_subjects=1, events="hbn").root
    monkeypatch.setenv("BIDS_DL_CACHE", str(tmp_path / "cache"))
    with served_dataset(root, tmp_path) as served:
        monkeypatch.setenv("BIDS_DL_OPENNEURO_GIT", served.git.url)
        remote = command("events", served.address, "--make-sidecar", "remote.json")
        assert served.bucket.requests == []
    assert remote.status == 0, remote.err
    assert "fetching the text files" in remote.err
    assert command("events", root, "--make-sidecar", "local.json").status == 0
    assert Path("remote.json").read_text() == Path("local.json").read_text()


@pytest.mark.slow
def test_ctrl_c_during_a_slow_download_ends_within_two_seconds(served, tmp_path):
    served.bucket.bytes_per_second = 20_000
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    conversion = subprocess.Popen(
        convert_command(served.address, tmp_path / "a.zarr"),
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, handler)
    assert wait_for_bytes(served, 40_000)
    os.killpg(conversion.pid, signal.SIGINT)
    start = time.monotonic()
    _, errors = conversion.communicate(timeout=30)
    assert time.monotonic() - start < 2
    assert conversion.returncode == 130
    assert errors.strip().splitlines()[-1].startswith("error: interrupted; ")
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("seed", KILL_SEEDS)
def test_after_kill_9_while_fetching_nothing_is_fetched_twice(
    undisturbed_store, served, dataset_root, tmp_path, seed
):
    served.bucket.bytes_per_second = 1_000_000
    command = convert_command(served.address, tmp_path / "a.zarr")
    conversion = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    total = sum(signal_sizes(dataset_root).values())
    wait_for_bytes(served, int(random.Random(seed).random() * total))
    os.killpg(conversion.pid, signal.SIGKILL)
    conversion.wait()
    time.sleep(0.2)  # until the server notices
    before = served.n_bytes(".eeg")
    arrived = sum(path.stat().st_size for path in (tmp_path / "cache/objects").rglob("*"))
    served.bucket.bytes_per_second = 0
    subprocess.run(command, check=True, capture_output=True)
    assert contents(tmp_path / "a.zarr") == contents(undisturbed_store)
    # what the server had sent and the process had not written is all that is sent again
    assert served.n_bytes(".eeg") <= total + max(0, before - arrived) + 1_000_000
    for name, size in signal_sizes(dataset_root).items():
        assert served.n_bytes(name) < 2 * size


@pytest.mark.slow
def test_two_conversions_at_once_fetch_each_file_once(
    undisturbed_store, served, dataset_root, tmp_path
):
    served.bucket.bytes_per_second = 2_000_000
    conversions = []
    for name in ("a.zarr", "b.zarr"):
        command = convert_command(served.address, tmp_path / name)
        conversions.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    for conversion in conversions:
        _, errors = conversion.communicate(timeout=120)
        assert conversion.returncode == 0, errors
    for name in ("a.zarr", "b.zarr"):
        assert contents(tmp_path / name) == contents(undisturbed_store)
    for name, size in signal_sizes(dataset_root).items():
        assert served.n_bytes(name) == size


def wait_for_bytes(served, n_bytes: int) -> bool:
    """Wait until the bucket has sent so many bytes of signals."""
    deadline = time.monotonic() + 60
    while served.n_bytes(".eeg") < n_bytes and time.monotonic() < deadline:
        time.sleep(0.005)
    return served.n_bytes(".eeg") >= n_bytes
