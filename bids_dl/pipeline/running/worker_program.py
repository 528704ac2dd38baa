"""Programs of the local worker processes, which `local_workers` starts.

A worker reads tasks and writes their results. Where processes can be forked safely, workers are
forked from a template, a process that has imported everything and has no threads.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import pickle
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from bids_dl.startup import paused_collection

if TYPE_CHECKING:
    from bids_dl.datamodel import Failure

FORK = b"f"
"""Message to a template: fork a worker, which owns the socket that comes with the message."""
END_WORKERS = b"e"
"""Message to a template: kill all workers, and confirm it."""
PR_SET_PDEATHSIG = 1  # option of Linux: the signal that a process gets when its parent ends
READY = "ready"
"""First message of a worker."""
PROCESSING = "bids_dl.pipeline.processing.process"
"""Module of this package that runs tasks. The process that starts workers imports it after that."""
LIBRARIES = (  # that MNE and the steps import at the first recording
    "_strptime",
    "encodings.utf_8_sig",
    "joblib",
    "mne.channels._standard_montage_utils",
    "mne.cov",
    "mne.filter",
    "mne.forward",
    "mne.io.array",
    "mne.io.brainvision.brainvision",
    "mne.io.edf.edf",
    "mne.io.eeglab.eeglab",
    "mne.source_estimate",
    "mne.time_frequency.tfr",
    "mne.utils._numerics_numba",
    "scipy.fft",
    "scipy.signal",
)


def serve(tasks: BinaryIO, results: BinaryIO) -> None:
    """Run tasks one after the other, until there are no more.

    Parameters
    ----------
    tasks
        A pickled tuple for each task: key of its recording, the pickled task, and the bytes of
        memory that it may allocate.
    results
        Receives `READY`, then for each task its failure or None.
    """
    importlib.import_module(PROCESSING)
    _send(READY, results)
    while True:
        try:
            key, task, max_bytes = pickle.load(tasks)  # noqa: S301  (from the process above)
        except EOFError:
            return
        _send(_run(key, task, max_bytes), results)


def _run(key: str, pickled_task: bytes, max_bytes: int | None) -> Failure | None:
    # imported by `serve`
    from bids_dl.pipeline.processing.process import run_task, unexpected_failure

    try:
        task = pickle.loads(pickled_task)  # noqa: S301  (from the process above)
    except Exception as problem:  # noqa: BLE001  (a plug-in that this process cannot import)
        return unexpected_failure(key, problem)
    return run_task(task, max_bytes)


def _send(message: object, file: BinaryIO) -> None:
    pickle.dump(message, file)
    file.flush()


def run_template(descriptor: int, parent: int) -> None:
    """Fork workers on request, until the other end of a socket is closed. Then kill them.

    Parameters
    ----------
    descriptor
        Socket of `FORK` and `END_WORKERS`.
    parent
        Number of the process that has started this one.
    """
    _end_with_parent(parent)
    os.dup2(2, 1)  # whatever a library prints goes to the standard error
    with paused_collection():
        for name in (PROCESSING, *LIBRARIES):
            with suppress(Exception):  # a recording that needs it fails with the reason
                importlib.import_module(name)
        gc.freeze()  # a collection in a worker would copy all pages
    template = os.getpid()
    workers: set[int] = set()  # process numbers, which no other process gets before `_reap`
    with socket.socket(fileno=descriptor) as control:
        while True:
            message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            _reap(workers, os.WNOHANG)
            if message == FORK:
                number = os.fork()
                if not number:
                    _end_with_parent(template)
                    control.close()
                    _serve_socket(descriptors[0])
                os.close(descriptors[0])
                workers.add(number)
                continue
            for number in workers:
                os.kill(number, signal.SIGKILL)
            _reap(workers, 0)
            if not message:
                os._exit(0)  # as fast as a worker: nothing is left to end
            control.sendall(END_WORKERS)


def _end_with_parent(parent: int) -> None:
    """Let this process be killed when its parent ends in whatever way."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


def _reap(workers: set[int], options: int) -> None:
    """Remove the workers that have ended."""
    for number in list(workers):
        if os.waitpid(number, options)[0]:
            workers.discard(number)


def _serve_socket(descriptor: int) -> None:
    """Run tasks that arrive through a socket, and end this process."""
    with suppress(OSError), socket.socket(fileno=descriptor) as connection:
        serve(connection.makefile("rb"), connection.makefile("wb"))
    os._exit(0)


def serve_standard_streams() -> None:
    """Run tasks that arrive through the standard input of this process.

    Whatever a library prints goes to the standard error.
    """
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(OSError):
        serve(sys.stdin.buffer, results)
