"""A few open files: opened once, used by one thread at a time, closed when others follow."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from bids_dl.annotate.viewing.open_files import OpenFiles


class Opener:
    """Counts what is opened, closed and in use."""

    def __init__(self):
        self.opened = []
        self.closed = []
        self.in_use = dict.fromkeys("abcdefgh", 0)
        self.most_in_use = 0
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, key):
        with self._lock:
            self.opened.append(key)
        try:
            yield key
        finally:
            with self._lock:
                self.closed.append(key)


def test_the_least_recently_used_file_is_closed():
    opener = Opener()
    files = OpenFiles(opener, max_open=2)
    for key in "abacab":
        with files.use(key) as content:
            assert content == key
    assert opener.opened == ["a", "b", "c", "b"]
    assert opener.closed == ["b", "c"]
    files.close()
    assert sorted(opener.closed) == ["a", "b", "b", "c"]
    assert len(files) == 0


def test_a_file_is_opened_again_after_an_error():
    opener = Opener()
    files = OpenFiles(opener, max_open=2)
    with pytest.raises(ValueError, match="in use"), files.use("a"):
        raise ValueError("in use")
    with files.use("a"):
        pass
    assert opener.opened == ["a", "a"]
    assert opener.closed == ["a"]


def test_a_failure_to_open_is_raised_each_time():
    @contextmanager
    def fail(key):
        raise ValueError(f"no {key}")
        yield

    files = OpenFiles(fail, max_open=2)
    for _ in range(2):
        with pytest.raises(ValueError, match="no a"), files.use("a"):
            pass
    assert len(files) == 0


def test_threads_share_a_file_and_never_use_it_at_once():
    opener = Opener()
    files = OpenFiles(opener, max_open=2)

    def work(number):
        key = "abcd"[number % 4]
        with files.use(key) as content:
            opener.in_use[key] += 1
            assert opener.in_use[key] == 1
            assert content == key
            opener.in_use[key] -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(400)))
    assert len(files) <= 2
    files.close()
    assert sorted(opener.opened) == sorted(opener.closed)
