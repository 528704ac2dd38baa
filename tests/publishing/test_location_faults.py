"""Faults between the requests of a push to a bucket: afterwards no store, or a whole one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from bucket import objects_at
from copied_stores import assert_none_or_whole, assert_whole

import bids_dl
from bids_dl.errors import BidsDlError

DEST = "s3://bucket/public/eyes.zarr"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("fault", ["500", "503", "reset", "lost", "truncated"])
def test_faults_of_a_bucket_leave_no_store_or_a_whole_one(
    eyes_store, content, options, faulty, fault
):
    faulty.fail(fault, share=0.3, seed=1)
    for _ in range(4):
        try:
            bids_dl.push(eyes_store, DEST, storage_options=options, jobs=2)
            break
        except BidsDlError:
            faulty.share, kept = 0.0, faulty.share
            assert_none_or_whole(objects_at(DEST, options), content)
            faulty.share = kept
    faulty.fail()
    bids_dl.push(eyes_store, DEST, storage_options=options)
    assert_whole(objects_at(DEST, options), content)


@pytest.mark.parametrize("number", [1, 2, 40, 72, 73, 74])
def test_a_killed_push_is_ended_by_the_same_command(
    eyes_store, content, options, faulty, tmp_path, number
):
    count = []

    def kill(_):
        count.append(1)
        if len(count) == number:
            os.kill(process.pid, signal.SIGKILL)

    faulty.on_write = kill
    command = [sys.executable, "-m", "bids_dl", "push", str(eyes_store), DEST, "--jobs", "1"]
    flags = {
        "key": "testing",
        "secret": "testing",
        "endpoint_url": faulty.url,
        "retry_timeout": "0.3",
    }
    for name, value in flags.items():
        command += ["--storage-option", f"{name}={value}"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    process.communicate(timeout=120)
    faulty.on_write = lambda _: None
    assert process.returncode in (-signal.SIGKILL, 0)
    assert_none_or_whole(objects_at(DEST, options), content)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_whole(objects_at(DEST, options), content)
