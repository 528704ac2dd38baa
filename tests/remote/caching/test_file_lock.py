"""Locks of files between processes and threads."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from bids_dl.remote.caching.file_lock import SharedUse, file_lock, lock_file, sole_use

KILLED_HOLDER = """
import os, sys
from pathlib import Path
from bids_dl.remote.caching.file_lock import lock_file
ready, child = os.pipe()
with lock_file(Path(sys.argv[1]), is_inherited=sys.argv[2] == "True"):
    if os.fork() == 0:
        os.write(child, b"1")
        sys.stdin.read()
        os._exit(0)
    os.read(ready, 1)
    os.kill(os.getpid(), 9)
"""


def test_only_one_holder_at_a_time_however_many_wait(tmp_path):
    target = tmp_path / "a"
    inside = []
    highest = []

    def work() -> None:
        for _ in range(20):
            with file_lock(target):
                inside.append(1)
                highest.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(highest) == 80
    assert max(highest) == 1
    assert list(tmp_path.iterdir()) == []


def test_several_commands_use_a_cache_and_none_empties_it_meanwhile(tmp_path):
    uses = [SharedUse(tmp_path), SharedUse(tmp_path)]
    for use in uses:
        use.begin()
        use.begin()  # of a second dataset
    for use in uses:
        with sole_use(tmp_path) as is_sole:
            assert not is_sole
        use.end()
    with sole_use(tmp_path) as is_sole:
        assert is_sole


def test_a_folder_that_does_not_exist_can_be_emptied(tmp_path):
    with sole_use(tmp_path / "absent") as is_sole:
        assert is_sole
    assert not (tmp_path / "absent").exists()


def test_a_cache_that_cannot_be_written_to_is_used_without_a_lock(tmp_path):
    (tmp_path / "file").write_text("")
    use = SharedUse(tmp_path / "file" / "cache")
    use.begin()
    use.end()


@pytest.mark.parametrize("is_inherited", [True, False])
def test_a_forked_process_holds_the_lock_of_a_killed_one_only_if_it_inherits_it(
    tmp_path, is_inherited
):
    path = tmp_path / "a.lock"
    command = [sys.executable, "-c", KILLED_HOLDER, str(path), str(is_inherited)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as holder:
        assert holder.wait() == -signal.SIGKILL
        with lock_file(path, blocking=False) as is_held:
            assert is_held is not is_inherited
