"""Fetch the files of recordings ahead of the workers, in the order of the plan."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Self

from bids_dl import source
from bids_dl.datamodel import Failure, Recording
from bids_dl.errors import BidsDlError, RecordingError
from bids_dl.pipeline.outcome import Progress, ProgressCallback
from bids_dl.pipeline.processing.process import unexpected_failure
from bids_dl.pipeline.processing.task import Task
from bids_dl.remote.caching.partial_file import PartialFile

if TYPE_CHECKING:
    from bids_dl.planning.plan import Plan

PARALLEL_RECORDINGS = 4  # that are fetched at once
MAX_BYTES_AHEAD = 8_000_000_000  # fetched, and not processed yet
JOIN_SECONDS = 1.0  # that an ending conversion waits for its downloads
REPORT_SECONDS = 0.2  # between two reports of progress
MAX_SHARE = 0.7  # of a file: ranges that take more are not worth their requests
MIN_SAVED_BYTES = 4_000_000  # by fetching ranges of a file
OnFetchedBytes = Callable[[int, int], None]
"""Called with the bytes that have arrived and those of all recordings together."""


def choose_bytes(task: Task, access: source.Access) -> Task:
    """Choose the bytes of a remote recording to fetch: whole files, or the ranges of its excerpts.

    Ranges are chosen where a file in which only they are filled gives the same samples, unless all
    samples are needed or the whole file is in the cache. With ``--fetch auto``, they must also be
    few, and come from an address of the exact content if a checksum could verify the whole file. A
    recording without excerpts keeps its partial files, because nothing is read from it.

    Parameters
    ----------
    task
        A task in whose dataset the files with a known header are partial.
    access
        Options of the user.

    Returns
    -------
    Task
        The task, in whose dataset the files to fetch in ranges are partial and no others.
    """
    remote = task.dataset.remote
    if remote is None or not task.excerpt_plan.excerpts:
        return task
    whole = replace(task, dataset=replace(task.dataset, remote=replace(remote, partial={})))
    if access.config.fetch == "whole":
        return whole
    try:
        layout = source.find_layout(task.dataset, task.recording, task.header)
    except (RecordingError, OSError):  # reported when the recording is read
        return whole
    if layout is None or not task.dataset.is_remote(layout.file):
        return whole
    remote_file = remote.by_path[layout.file]
    if remote_file.size is None or remote.cache.holds(remote_file):
        return whole
    spans = tuple((excerpt.start, excerpt.stop) for excerpt in task.excerpt_plan.excerpts)
    partial = remote.cache.partial_file(remote_file, layout.ranges(spans))
    if list(partial.ranges) == layout.ranges([(0, layout.n_times)]):  # its checksum is worth more
        return whole
    n_saved = layout.n_bytes - partial.n_bytes
    is_certain = bool(remote_file.pinned_urls) or not remote_file.checksum
    is_useful = partial.n_bytes < MAX_SHARE * layout.n_bytes and n_saved > MIN_SAVED_BYTES
    if access.config.fetch == "auto" and not (is_certain and is_useful):
        return whole
    in_ranges = replace(remote, partial={layout.file: partial})
    return replace(task, dataset=replace(task.dataset, remote=in_ranges), fetched=spans)


def measure_tasks(tasks: Sequence[Task]) -> source.FetchSize:
    """Count the remote files of tasks and their bytes, in the cache or to fetch.

    Parameters
    ----------
    tasks
        Results of `choose_bytes`.
    """
    return source.measure_fetch([(task.dataset, task.dataset.files) for task in tasks])


@dataclass(frozen=True)
class FetchItem:
    """A recording to make available, with the files that it is read from.

    Attributes
    ----------
    dataset
        Dataset with the files of the recording, of which those to fetch in ranges are partial.
    known
        Partial files, by path, from which bytes are copied instead of downloaded.
    """

    dataset: source.Dataset
    recording: Recording
    known: Mapping[str, PartialFile] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Key of the recording."""
        return self.recording.key


@dataclass(frozen=True, slots=True)
class Arrival:
    """A recording that is available, or the reason for which it is not.

    Attributes
    ----------
    failure
        Failure of this recording only; None if it is available.
    error
        Error that ends the conversion, such as a full disk.
    """

    key: str
    failure: Failure | None = None
    error: BidsDlError | None = None


def make_fetcher(
    tasks: Sequence[Task],
    plan: Plan,
    access: source.Access,
    on_progress: ProgressCallback | None = None,
) -> Fetcher:
    """Make the fetcher of all remote recordings of some tasks.

    Parameters
    ----------
    tasks
        Results of `choose_bytes`, in the order in which they will be processed.
    plan
        The plan, which knows the files of which only the header was fetched.
    on_progress
        Called with the progress of the stage "fetch", in bytes.
    """
    items = []
    for task in tasks:
        if task.dataset.remote is not None:
            known = plan.survey.partial.get(task.recording.key, {})
            items.append(FetchItem(task.dataset, task.recording, known))
    start = monotonic()

    def report(received: int, total: int) -> None:
        if on_progress is not None:
            elapsed = monotonic() - start
            on_progress(Progress("fetch", received, total, elapsed=elapsed))

    return Fetcher(items, access, on_bytes=report)


class Fetcher:
    """Makes recordings available in threads, in order, while others are processed.

    The next recording is not fetched while those that are fetched and not processed yet take
    `MAX_BYTES_AHEAD` or more. Those whose files are in the cache arrive first. Threads run inside
    the context of the object, and none if there are no items.

    Parameters
    ----------
    items
        Recordings with remote files, in the order in which they will be processed. All others
        count as available.
    access
        Cache and connections; None if there are no items.
    on_bytes
        Called by `report`.
    max_bytes_ahead
        Bytes that may be fetched and not processed.
    """

    def __init__(
        self,
        items: Sequence[FetchItem] = (),
        access: source.Access | None = None,
        *,
        on_bytes: OnFetchedBytes | None = None,
        max_bytes_ahead: int = MAX_BYTES_AHEAD,
    ) -> None:
        self._access = access
        self._on_bytes = on_bytes
        self._max_bytes_ahead = max_bytes_ahead
        self._missing = {
            item.key: source.missing_bytes(item.dataset, item.dataset.files) for item in items
        }
        self._waiting = deque(sorted(items, key=lambda item: self._missing[item.key] > 0))
        self._received: Counter[str] = Counter()  # bytes by key
        self._reported = -1
        self._arrivals: dict[str, Arrival] = {}
        self._fetching: set[str] = set()
        self._ahead: set[str] = set()  # keys that are fetched or being fetched, not processed
        self._released: set[str] = set()
        self._error: BidsDlError | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._listeners: list[Callable[[Arrival], None]] = []
        self._threads: list[threading.Thread] = []

    @property
    def total_bytes(self) -> int:
        """Bytes to fetch for all recordings."""
        return sum(self._missing.values())

    def __enter__(self) -> Self:
        for _ in range(min(PARALLEL_RECORDINGS, len(self._waiting))):
            # not joined when the process ends, unlike those of a pool
            thread = threading.Thread(target=self._run, daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_closed = True
            is_busy = bool(self._fetching)
            self._changed.notify_all()
        if is_busy and self._access is not None:
            self._access.client.close()  # ends the downloads, of which none is needed any more
        end = monotonic() + JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - monotonic()))

    def listen(self, on_arrival: Callable[[Arrival], None]) -> None:
        """Call a function with each arrival, also with those before this call, from any thread."""
        with self._changed:
            self._listeners.append(on_arrival)
            past = list(self._arrivals.values())
        for arrival in past:
            on_arrival(arrival)

    def wait(self, key: str) -> Arrival:
        """Wait until a recording has arrived, and report progress meanwhile."""
        if key not in self._missing:
            return Arrival(key)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_settled(key), REPORT_SECONDS)
                arrival = self._arrivals.get(key)
                error = self._error
            self.report()
            if arrival is not None:
                return arrival
            if error is not None:
                return Arrival(key, error=error)

    def is_available(self, key: str) -> bool:
        """Return whether the files of a recording are on this machine."""
        if key not in self._missing:
            return True
        arrival = self._arrivals.get(key)
        return arrival is not None and arrival.failure is None and arrival.error is None

    def release(self, key: str) -> None:
        """Report that the files of a recording are not needed any more.

        The next recordings may then be fetched. A recording that is not fetched yet never is.
        """
        with self._changed:
            self._released.add(key)
            self._ahead.discard(key)
            self._changed.notify_all()

    def report(self) -> None:
        """Report the bytes that have arrived, if there are more than at the last call.

        Only the thread that processes recordings calls this function, never a download.
        """
        if self._on_bytes is None or not self.total_bytes:
            return
        done = self._count_done()
        if done != self._reported:
            self._reported = done
            self._on_bytes(done, self.total_bytes)

    def _count_done(self) -> int:
        """Count the bytes that have arrived. Those of a repeated download count once."""
        done = 0
        with self._changed:
            for key, n_missing in self._missing.items():
                is_done = key in self._arrivals or key in self._released
                done += n_missing if is_done else min(n_missing, self._received[key])
        return done

    def _is_settled(self, key: str) -> bool:
        return key in self._arrivals or self._error is not None

    def _run(self) -> None:
        """Fetch one recording after the other."""
        while (item := self._take()) is not None:
            self._arrive(self._fetch(item))

    def _take(self) -> FetchItem | None:
        """Wait until the next recording may be fetched, and return it; None at the end."""
        with self._changed:
            while self._waiting and not self._is_closed:
                item = self._waiting[0]
                if item.key in self._released:
                    self._waiting.popleft()
                elif self._fits(item.key):
                    self._ahead.add(item.key)
                    self._fetching.add(item.key)
                    return self._waiting.popleft()
                else:
                    self._changed.wait()
        return None

    def _fits(self, key: str) -> bool:
        """Return whether a recording may be fetched without exceeding the bytes ahead."""
        n_ahead = sum(self._missing[other] for other in self._ahead)
        return not n_ahead or n_ahead + self._missing[key] <= self._max_bytes_ahead

    def _fetch(self, item: FetchItem) -> Arrival:
        try:
            if self._access is None:
                raise BidsDlError(f"{item.key}: no access to remote files was opened")
            source.fetch_files(
                item.dataset,
                item.dataset.files,
                self._access,
                on_bytes=lambda n_bytes: self._count(item.key, n_bytes),
                known=item.known,
                check=True,  # as the files of a local folder are hashed for each plan
            )
        except RecordingError as problem:
            failure = Failure(item.key, problem.stage, problem.reason, problem.transient)
            return Arrival(item.key, failure=failure)
        except BidsDlError as problem:
            return Arrival(item.key, error=problem)
        except Exception as problem:  # noqa: BLE001  (a thread that dies would never arrive)
            return Arrival(item.key, failure=unexpected_failure(item.key, problem))
        return Arrival(item.key)

    def _count(self, key: str, n_bytes: int) -> None:
        with self._changed:
            self._received[key] += n_bytes

    def _arrive(self, arrival: Arrival) -> None:
        with self._changed:
            self._arrivals[arrival.key] = arrival
            self._fetching.discard(arrival.key)
            if arrival.failure or arrival.error:
                self._ahead.discard(arrival.key)
            if arrival.error:
                self._error = arrival.error
                self._is_closed = True
            listeners = list(self._listeners)
            self._changed.notify_all()
        for listener in listeners:
            listener(arrival)
