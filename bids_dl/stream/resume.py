"""Resume points of a stream, shared by all its copies, including DataLoader workers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.utils.data import get_worker_info

from bids_dl.errors import ConfigError
from bids_dl.stream.order import Phase

MAX_PHASES = 64
MAX_WORKERS = 1024
MAX_NUMBER = 2**63  # of the cells, which are int64
PHASE_CELLS = len(Phase._fields)
# Cells of the shared memory: five numbers, then the phases, then the iterations begun since the
# last load (one cell for the main process and one for each worker).
SEED, EPOCH, RESUMED_EPOCH, N_PHASES, PHASES = range(5)
ITERATIONS = PHASES + PHASE_CELLS * MAX_PHASES


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Start of an iteration: the epoch and the phases of it that are done."""

    seed: int
    epoch: int
    phases: tuple[Phase, ...]


@dataclass(slots=True)
class Iteration:
    """One pass over a stream and its progress in this process."""

    start: ResumePoint
    worker: int = 0
    n_workers: int = 1
    batches_delivered: int = 0  # by this worker


class WorkerState(NamedTuple):
    """Progress of one DataLoader worker, as stored by a ``StatefulDataLoader``."""

    worker: int
    n_workers: int
    batches_delivered: int


class StreamState(NamedTuple):
    """Content of a ``state_dict``."""

    start: ResumePoint
    selection: int  # checksum of the windows and of the options that determine their order
    worker: WorkerState | None


class SharedProgress:
    """Seed, epoch and resume point of a stream, in memory that worker processes share.

    Other processes, such as a rank started by fork or spawn, continue with their own copy.

    Parameters
    ----------
    seed
        Seed of the order, from 0 to 2**63 - 1.

    Raises
    ------
    ConfigError
        The seed is out of range.
    """

    def __init__(self, seed: int) -> None:
        if not 0 <= seed < 2**63:
            raise ConfigError(f"seed must be from 0 to 2**63 - 1, got {seed}")
        n_cells = ITERATIONS + 1 + MAX_WORKERS
        cells = torch.zeros(n_cells, dtype=torch.int64)
        self._cells = cells.share_memory_()  # type: ignore[no-untyped-call]
        self._cells[SEED] = seed
        self._owner = os.getpid()

    @property
    def epoch(self) -> int:
        """Epoch of the next iteration."""
        return self._get(EPOCH)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration, and drop a resume point in another epoch."""
        self._detach_from_parent()
        self._cells[EPOCH] = epoch
        if epoch != self._get(RESUMED_EPOCH):
            self._clear(epoch)

    def load(self, start: ResumePoint, *, is_complete: bool) -> None:
        """Begin the next iteration at ``start``.

        Parameters
        ----------
        start
            Epoch, and the phases of it that are done.
        is_complete
            Nothing of the epoch is left. A later epoch that is already set then stays set for the
            iterations that follow.
        """
        self._detach_from_parent()
        if len(start.phases) > MAX_PHASES:
            raise ConfigError(
                f"this epoch was resumed with another world or batch size {len(start.phases)} "
                f"times, over {MAX_PHASES}; restart it from its beginning"
            )
        epoch = self._later_epoch(start, is_complete=is_complete)
        self._clear(start.epoch)
        self._cells[SEED] = start.seed
        self._cells[EPOCH] = epoch
        self._cells[N_PHASES] = len(start.phases)
        numbers: list[int] = []
        for phase in start.phases:
            numbers.extend(phase)
        self._cells[PHASES : PHASES + len(numbers)] = torch.tensor(numbers, dtype=torch.int64)

    def load_worker(self, start: ResumePoint, *, is_complete: bool) -> None:
        """Set the epoch of a state that each worker resumes from by itself.

        All workers of an iteration load the same epoch. The parameters are those of `load`.
        """
        epoch = self._later_epoch(start, is_complete=is_complete)
        self._cells[SEED] = start.seed
        self._cells[EPOCH] = epoch
        self._cells[RESUMED_EPOCH] = epoch

    def begin_iteration(self) -> ResumePoint:
        """Count an iteration that begins in this process, and return its start."""
        self._detach_from_parent()
        cell = _iteration_cell()
        start = self._start_after(self._get(cell))
        self._cells[cell] += 1
        return start

    def next_start(self) -> ResumePoint:
        """Return the start of the iteration that would begin next."""
        self._detach_from_parent()
        return self._start_after(self._n_iterations())

    def current_start(self) -> ResumePoint:
        """Return the start of the iteration that the workers are in."""
        return self._start_after(self._n_iterations() - 1)

    @property
    def in_workers(self) -> bool:
        """True if DataLoader workers have begun an iteration."""
        return bool(self._cells[ITERATIONS + 1 :].any())

    def _start_after(self, n_iterations: int) -> ResumePoint:
        """Return the start of an iteration that follows ``n_iterations`` since the last load."""
        seed = self._get(SEED)
        if n_iterations > 0:
            return ResumePoint(seed, self._get(EPOCH), ())
        end = PHASES + PHASE_CELLS * self._get(N_PHASES)
        phase_cells = self._cells[PHASES:end].reshape(-1, PHASE_CELLS)
        phases = [Phase(*numbers) for numbers in phase_cells.tolist()]
        return ResumePoint(seed, self._get(RESUMED_EPOCH), tuple(phases))

    def _later_epoch(self, start: ResumePoint, *, is_complete: bool) -> int:
        """Return the epoch after a load: that of ``start``, or a later one already set."""
        if is_complete:
            return max(start.epoch, self._get(EPOCH))
        return start.epoch

    def _n_iterations(self) -> int:
        return int(self._cells[ITERATIONS:].max())

    def _get(self, cell: int) -> int:
        return int(self._cells[cell])

    def _clear(self, epoch: int) -> None:
        """Drop the phases and iterations, and set the epoch of the resume point."""
        self._cells[RESUMED_EPOCH] = epoch
        self._cells[N_PHASES:] = 0

    def _detach_from_parent(self) -> None:
        """Copy memory of another process, unless this process is a worker of its DataLoader."""
        if self._owner != os.getpid() and get_worker_info() is None:
            self._cells = self._cells.clone().share_memory_()
            self._owner = os.getpid()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._cells.share_memory_()


def parse_state(state: Mapping[str, Any]) -> StreamState:
    """Read what ``StreamingDataset.state_dict`` returned.

    Raises
    ------
    ConfigError
        The mapping is not a state of a stream.
    """
    try:
        phases = _parse_phases(state["progress"])
        start = ResumePoint(int(state["seed"]), int(state["epoch"]), phases)
        if not (0 <= start.seed < MAX_NUMBER and 0 <= start.epoch < MAX_NUMBER):
            raise ValueError("seed and epoch are from 0 to 2**63 - 1")
        worker = state.get("worker")
        return StreamState(
            start, int(state["selection"]), None if worker is None else WorkerState(*worker)
        )
    except (KeyError, TypeError, ValueError):
        raise ConfigError(
            "not a state of a StreamingDataset; pass what state_dict() returned"
        ) from None


def format_state(
    start: ResumePoint,
    phases: Sequence[Phase],
    selection: int,
    worker: WorkerState | None = None,
) -> dict[str, Any]:
    """Return a state for JSON, with the phases that are done. Inverse of `parse_state`."""
    state: dict[str, Any] = {
        "seed": start.seed,
        "epoch": start.epoch,
        "progress": [list(phase) for phase in phases if phase.steps],
        "selection": selection,
    }
    if worker is not None:
        state["worker"] = list(worker)
    return state


def _parse_phases(progress: Sequence[Sequence[int]]) -> tuple[Phase, ...]:
    """Return the phases of a state, without those that delivered nothing."""
    phases: list[Phase] = []
    for numbers in progress:
        phase = Phase(*map(int, numbers))
        if phase.world_size < 1 or phase.batch_size < 1 or phase.steps < 0:
            raise ValueError("a phase has at least one rank, one window per batch and no step")
        if phase.steps:
            phases.append(phase)
    return tuple(phases)


def _iteration_cell() -> int:
    """Return the cell that counts the iterations of this process."""
    info = get_worker_info()
    number = 0 if info is None else info.id + 1
    if number > MAX_WORKERS:
        raise ConfigError(f"at most {MAX_WORKERS} workers can read one stream")
    return ITERATIONS + number
