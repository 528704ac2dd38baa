"""Where the next loop over a stream begins: one place for all its copies, worker processes of a DataLoader included."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import get_worker_info

from bids_dl.errors import ConfigError
from bids_dl.stream.order import Phase

MAX_PHASES, MAX_WORKERS = 64, 1024
SEED, EPOCH, RESUMED_EPOCH, N_PHASES, PHASES = range(
    5
)  # cells of the shared memory; the phases follow
LOOPS = (
    PHASES + 3 * MAX_PHASES
)  # then the loops begun since the last load: one cell for the main process, one per worker


@dataclass(frozen=True, slots=True)
class Start:
    """What one loop begins with: the epoch and the phases of it that are done."""

    seed: int
    epoch: int
    phases: tuple[Phase, ...]


class Position:
    """Seed, epoch and resume point of a stream, in memory that worker processes share.

    Other processes (a rank started by fork or spawn) go on with a copy of their own.
    """

    def __init__(self, seed: int) -> None:
        self._cells = torch.zeros(LOOPS + 1 + MAX_WORKERS, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        self._cells[SEED] = seed
        self._owner = os.getpid()

    @property
    def epoch(self) -> int:
        return self._get(EPOCH)

    def set_epoch(self, epoch: int) -> None:
        """Pick the epoch; a resume point in another one is forgotten."""
        self._own()
        self._cells[EPOCH] = epoch
        if epoch != self._get(RESUMED_EPOCH):
            self._clear(epoch)

    def load(self, start: Start, *, complete: bool) -> None:
        """Begin the next loop at ``start``.

        A later epoch that was set already holds for the loops after it where nothing of ``start``'s epoch is left (``complete``).
        """
        self._own()
        if len(start.phases) > MAX_PHASES:
            raise ConfigError(
                f"this epoch was resumed with another world or batch size {len(start.phases)} times, over {MAX_PHASES}; begin it anew"
            )
        later = complete and self._get(EPOCH) > start.epoch
        self._clear(start.epoch)
        self._cells[SEED] = start.seed
        self._cells[EPOCH] = self._get(EPOCH) if later else start.epoch
        self._cells[N_PHASES] = len(start.phases)
        flat = [number for phase in start.phases for number in phase]
        self._cells[PHASES : PHASES + len(flat)] = torch.tensor(flat, dtype=torch.int64)

    def load_worker(self, start: Start, *, complete: bool) -> None:
        """Follow the epoch of a state that one worker resumes by itself; all workers of a loop load the same."""
        later = complete and self._get(EPOCH) > start.epoch
        self._cells[SEED] = start.seed
        if not later:
            self._cells[EPOCH] = start.epoch
        self._cells[RESUMED_EPOCH] = self._get(EPOCH)

    def take(self) -> Start:
        """The start of a loop that begins now in this process."""
        self._own()
        cell = _cell()
        start = self._start(self._get(cell))
        self._cells[cell] += 1
        return start

    def next(self) -> Start:
        """The start of the loop that would begin next."""
        self._own()
        return self._start(self._begun())

    def current(self) -> Start:
        """The start of the loop that workers are in."""
        return self._start(self._begun() - 1)

    @property
    def in_workers(self) -> bool:
        """Whether workers of a DataLoader have begun a loop."""
        return bool(self._cells[LOOPS + 1 :].any())

    def _start(self, loops_before: int) -> Start:
        if loops_before > 0:
            return Start(self._get(SEED), self._get(EPOCH), ())
        flat = self._cells[PHASES : PHASES + 3 * self._get(N_PHASES)].reshape(-1, 3).tolist()
        return Start(
            self._get(SEED), self._get(RESUMED_EPOCH), tuple(Phase(*numbers) for numbers in flat)
        )

    def _begun(self) -> int:
        return int(self._cells[LOOPS:].max())

    def _get(self, cell: int) -> int:
        return int(self._cells[cell])

    def _clear(self, epoch: int) -> None:
        """Forget the resume point, in ``epoch`` from now on, and the loops begun."""
        self._cells[RESUMED_EPOCH] = epoch
        self._cells[N_PHASES:] = 0

    def _own(self) -> None:
        """Take a copy where the memory is another process's and this one is no worker of its."""
        if self._owner != os.getpid() and get_worker_info() is None:
            self._cells = self._cells.clone().share_memory_()
            self._owner = os.getpid()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._cells.share_memory_()


def to_phases(progress: Sequence[Sequence[int]]) -> tuple[Phase, ...]:
    """Phases of a state, without those that handed out nothing."""
    phases = [Phase(*(int(number) for number in phase)) for phase in progress]
    if any(phase.world < 1 or phase.batch_size < 1 or phase.steps < 0 for phase in phases):
        raise ValueError("a phase has ranks, windows in a batch, and no step below 0")
    return tuple(phase for phase in phases if phase.steps)


def _cell() -> int:
    info = get_worker_info()
    number = 0 if info is None else info.id + 1
    if number > MAX_WORKERS:
        raise ConfigError(f"at most {MAX_WORKERS} workers can read one stream")
    return LOOPS + number
