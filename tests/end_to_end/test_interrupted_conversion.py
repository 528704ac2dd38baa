"""A conversion that is killed, interrupted, or run twice at once."""

from __future__ import annotations

import glob
import json
import os
import signal
import subprocess
import time

import pytest
from conversions import contents, convert_command

import bids_dl


def wait_for(folder, pattern, process):
    """Wait up to a minute until a file matches or the process ends."""
    deadline = time.monotonic() + 60
    # not Path.glob, which fails if a folder is removed while it looks
    while not glob.glob(pattern, root_dir=folder) and process.poll() is None:  # noqa: PTH207
        if time.monotonic() > deadline:
            break
        time.sleep(0.005)


def outlives(group: int, seconds: float) -> bool:
    """Return whether a process of a group is still alive after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["a.zarr.staging/*.json", "a.zarr/unfinished.json"])
def test_after_kill_9_the_same_command_writes_the_same_bytes(eegbci, eyes_store, tmp_path, moment):
    command = convert_command(eegbci, tmp_path / "a.zarr", "--jobs", "1", "--json")
    conversion = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(tmp_path, moment, conversion)
    os.killpg(conversion.pid, signal.SIGKILL)
    conversion.wait()
    n_staged = len(list(tmp_path.glob("a.zarr.staging/*.json")))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    if n_staged:
        assert json.loads(done.stdout)["reused"] >= n_staged
    assert contents(tmp_path / "a.zarr") == contents(eyes_store)
    assert not list(tmp_path.glob("*.staging"))


@pytest.mark.slow
def test_ctrl_c_exits_with_130_leaves_no_process_and_can_be_resumed(eegbci, eyes_store, tmp_path):
    command = convert_command(eegbci, tmp_path / "a.zarr", "--jobs", "1")
    # Background jobs of a shell ignore SIGINT, and would pass that on.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    conversion = subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, handler)
    wait_for(tmp_path, "a.zarr.staging/*.json", conversion)
    os.killpg(conversion.pid, signal.SIGINT)  # to the whole foreground group, like a terminal
    _, errors = conversion.communicate(timeout=60)
    assert conversion.returncode == 130
    [line] = errors.strip().splitlines()
    assert line.startswith("error: interrupted; ")
    assert not outlives(conversion.pid, 10)
    subprocess.run(command, check=True, capture_output=True)
    assert contents(tmp_path / "a.zarr") == contents(eyes_store)


@pytest.mark.slow
@pytest.mark.parametrize("is_group", [True, False])
def test_sigterm_exits_with_143_and_leaves_no_process_and_no_temporary_folder(
    eegbci, eyes_store, tmp_path, monkeypatch, is_group
):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    command = convert_command(eegbci, tmp_path / "a.zarr", "--jobs", "1")
    conversion = subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    wait_for(tmp_path, "a.zarr.staging/*.json", conversion)
    (os.killpg if is_group else os.kill)(conversion.pid, signal.SIGTERM)
    _, errors = conversion.communicate(timeout=60)
    assert conversion.returncode == 143
    assert errors.strip() == "error: interrupted; run the same command again to resume"
    assert not outlives(conversion.pid, 10)
    assert list(temporary.iterdir()) == []
    subprocess.run(command, check=True, capture_output=True)
    assert contents(tmp_path / "a.zarr") == contents(eyes_store)
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_more_ctrl_c_while_it_ends_change_nothing(eegbci, tmp_path):
    command = convert_command(eegbci, tmp_path / "a.zarr", "--jobs", "2")
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    conversion = subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, handler)
    wait_for(tmp_path, "a.zarr.staging/*.json", conversion)
    for _ in range(5):
        if conversion.poll() is None:
            os.killpg(conversion.pid, signal.SIGINT)
        time.sleep(0.4)
    _, errors = conversion.communicate(timeout=60)
    assert conversion.returncode == 130
    assert errors.strip() == "error: interrupted; run the same command again to resume"
    assert not outlives(conversion.pid, 10)


@pytest.mark.slow
def test_two_conversions_to_one_destination_do_not_mix(eegbci, tmp_path):
    flags = ("--subject", "001", "--scheduler", "synchronous")
    command = convert_command(eegbci, tmp_path / "a.zarr", *flags)
    conversions = []
    for _ in range(2):
        conversion = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        conversions.append(conversion)
    for conversion in conversions:
        _, errors = conversion.communicate(timeout=120)
        assert conversion.returncode == 0 or "another conversion is writing here" in errors
    # The second one succeeds if it starts after the first has ended.
    statuses = sorted(conversion.returncode for conversion in conversions)
    assert statuses in ([0, 2], [0, 0])
    assert bids_dl.open_store(str(tmp_path / "a.zarr")).shape == (60, 24, 256)
