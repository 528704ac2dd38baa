"""Interface of a conversion to its workers, on this machine or in a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from bids_dl.datamodel import Failure

if TYPE_CHECKING:
    from bids_dl.pipeline.processing.task import Task

KILLED = "its worker process was killed each time (out of memory, or a crash in a reader)"
"""Reason of the failure of a recording that kills its worker."""


class PendingResult(Protocol):
    """Result of a task that is running."""

    def add_done_callback(self, callback: Callable[[Any], object], /) -> None:
        """Call a function when the task has ended, from any thread."""
        ...

    def result(self) -> Failure | None:
        """Return the failure of a task that has ended, None if it succeeded.

        Raises
        ------
        BidsDlError
            No worker can be reached any more.
        """
        ...


class WorkerPool(Protocol):
    """Workers, and the memory they may take.

    Attributes
    ----------
    name
        Name of the workers in messages.
    total_memory, memory_per_recording
        Bytes that all recordings together and one recording may take, None for no limit.
    """

    name: str
    total_memory: int | None
    memory_per_recording: int | None

    def count_workers(self) -> int:
        """Return the number of recordings that may be processed at once, one per worker.

        Workers may join and leave.
        """
        ...

    def has_workers(self) -> bool:
        """Return whether a worker is left."""
        ...

    def submit(self, task: Task) -> PendingResult:
        """Start a task on a worker that is free."""
        ...
