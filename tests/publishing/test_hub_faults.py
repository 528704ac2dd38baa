"""Faults between any two requests of a push to the hub: afterwards no store, or a whole one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from copied_stores import assert_none_or_whole, assert_whole
from hub_server import hub_environment

import bids_dl
from bids_dl.errors import BidsDlError

DEST = "hf://datasets/lab/eyes"
NAME = "lab/eyes"
OPTIONS = {"retry_timeout": 0.05}


def objects_of(hub):
    repository = hub.repositories.get(NAME)
    files = {} if repository is None else repository.files
    prefix = "eyes.zarr/"
    return {
        path.removeprefix(prefix): body for path, body in files.items() if path.startswith(prefix)
    }


def n_requests(hub, store):
    """Return the number of requests of a push without faults."""
    bids_dl.push(store, DEST, storage_options=OPTIONS)
    number = len(hub.log.requests)
    restart(hub)
    return number


def restart(hub):
    hub.repositories.clear()
    hub.storage.files.clear()
    hub.log.clear()


def push_twice(hub, store, content):
    """Push with a fault, check what is there, and push again."""
    problem = ""
    try:
        bids_dl.push(store, DEST, storage_options=OPTIONS)
    except BidsDlError as error:
        problem = str(error)
    assert "\n" not in problem
    assert "Signature" not in problem
    assert_none_or_whole(objects_of(hub), content)
    hub.log.clear()
    outcome = bids_dl.push(store, DEST, storage_options=OPTIONS)
    assert_whole(objects_of(hub), content)
    repository = hub.repositories[NAME]
    [(tag, commit)] = repository.tags.items()
    assert f"@{tag}/" in outcome.address
    assert "eyes.zarr/zarr.json" in repository.commit(commit).files


FAULTS = ("error", "lost", "busy", "short", "denied")


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_any_request_leaves_no_store_or_a_whole_one(hub, eyes_store, content, kind):
    """Each request fails once, in one of the ways: all ways at all requests take ten minutes."""
    for number in range(FAULTS.index(kind), n_requests(hub, eyes_store), len(FAULTS)):
        restart(hub)
        hub.log.fail(kind, skip=number).seconds = 0
        push_twice(hub, eyes_store, content)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dropped", "reset"])
def test_an_outage_leaves_no_store_or_a_whole_one(hub, eyes_store, content, kind):
    for number in range(0, n_requests(hub, eyes_store), 8):
        restart(hub)
        hub.log.fail(kind, skip=number, times=30)
        push_twice(hub, eyes_store, content)


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("kind", ["error", "lost", "dropped", "reset", "moved", "busy"])
def test_a_fault_of_a_commit_is_survived(hub, eyes_store, content, kind, skip):
    hub.log.fail(kind, "/commit/", skip=skip).seconds = 0
    outcome = bids_dl.push(eyes_store, DEST, storage_options=OPTIONS)
    assert outcome.state == "sent"
    assert_whole(objects_of(hub), content)
    assert len(hub.repositories[NAME].commits) == 3  # a lost answer is not committed again


def test_a_busy_server_is_obeyed_and_said(hub, eyes_store):
    told = []
    fault = hub.log.fail("busy", "/commit/")
    fault.seconds = 1
    bids_dl.push(eyes_store, DEST, storage_options=OPTIONS, on_message=told.append)
    assert any("asks to wait for 1 s" in text for text in told)


def test_a_server_that_asks_for_too_long_ends_the_push(hub, eyes_store, content):
    hub.log.fail("busy", "/commit/").seconds = 3600
    with pytest.raises(BidsDlError, match=r"takes no more requests for 3600 s.*same command later"):
        bids_dl.push(eyes_store, DEST, storage_options=OPTIONS)
    assert_none_or_whole(objects_of(hub), content)


def test_a_commit_of_somebody_else_meanwhile_is_kept(hub, eyes_store, content):
    def commit_before(request):
        if "/commit/" in request.line and "other.txt" not in hub.repositories[NAME].files:
            hub.repositories[NAME].put({"other.txt": b"theirs"})

    hub.log.on_request = commit_before
    bids_dl.push(eyes_store, DEST, storage_options=OPTIONS)
    assert_whole(objects_of(hub), content)
    assert hub.repositories[NAME].files["other.txt"] == b"theirs"


def test_a_store_that_appears_in_the_folder_meanwhile_is_kept(hub, eyes_store, other_store):
    root = (other_store / "zarr.json").read_bytes()

    def commit_before(request):
        if "/commit/" in request.line:
            hub.log.on_request = lambda _: None
            hub.repositories[NAME].put({"eyes.zarr/zarr.json": root})

    hub.log.on_request = commit_before
    with pytest.raises(BidsDlError, match="holds another store"):
        bids_dl.push(eyes_store, DEST, storage_options=OPTIONS)
    assert objects_of(hub) == {"zarr.json": root}


def test_a_token_that_may_not_write_is_named(hub, eyes_store):
    hub.log.fail("denied", "/preupload/", times=99)
    with pytest.raises(BidsDlError, match=r"access denied \(HTTP 403\)"):
        bids_dl.push(eyes_store, DEST, storage_options=OPTIONS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "is_after"),
    [("POST /api/repos", True), ("PUT /stored", False), ("/commit/", False), ("/commit/", True)],
)
def test_a_killed_push_is_ended_by_the_same_command(
    hub, eyes_store, content, tmp_path, part, is_after
):
    def kill(request):
        lines = hub.log.lines("")
        seen = any(part in line for line in (lines[:-1] if is_after else lines))
        if seen:
            os.kill(process.pid, signal.SIGKILL)

    hub.log.on_request = kill
    command = [sys.executable, "-m", "bids_dl", "push", str(eyes_store), DEST]
    environment = os.environ | hub_environment(hub)
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    process.communicate(timeout=120)
    assert process.returncode in (-signal.SIGKILL, 0)
    hub.log.on_request = lambda _: None
    assert_none_or_whole(objects_of(hub), content)
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert_whole(objects_of(hub), content)
    assert done.stdout.splitlines()[-1].startswith("hf://datasets/lab/eyes@eyes.zarr-")
