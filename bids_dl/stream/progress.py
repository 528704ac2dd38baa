"""Progress of a stream in its epochs: begin, save and resume loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch.utils.data import get_worker_info

from bids_dl.config.arguments import check_integers, check_optional_integers
from bids_dl.errors import ConfigError
from bids_dl.stream.epoch_plan import EpochPlan
from bids_dl.stream.order import Steps
from bids_dl.stream.ranks import current_rank, is_distributed
from bids_dl.stream.resume import (
    Iteration,
    ResumePoint,
    SharedProgress,
    WorkerState,
    format_state,
    parse_state,
)


class StreamProgress:
    """Loops over a stream in this process, and the progress that worker processes share.

    Parameters
    ----------
    plan
        Order of the windows.
    ranks
        Rank and world size. None takes those of ``torch.distributed``.
    seed
        Seed of the order.
    endless
        Continue a loop with the next epoch, without end.
    """

    def __init__(
        self, plan: EpochPlan, ranks: tuple[int, int] | None, seed: int, *, endless: bool
    ) -> None:
        self._plan = plan
        self._ranks = ranks
        self._endless = endless
        self._shared = SharedProgress(seed)
        self._iteration: Iteration | None = None  # the last one begun in this process
        self._resumed: Iteration | None = None  # first iteration of a worker that loaded a state

    @property
    def epoch(self) -> int:
        """Epoch of the next loop."""
        return self._shared.epoch

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next loop, as in `StreamingDataset.set_epoch`."""
        check_integers(epoch=epoch, minimum=0)
        self._shared.set_epoch(epoch)
        if self._iteration is not None and self._iteration.start.epoch != epoch:
            self._iteration = None

    def rank(self) -> tuple[int, int]:
        """Return rank and world size."""
        return self._ranks or current_rank()

    def begin(self) -> Iteration:
        """Begin a loop in this process."""
        if self._resumed is not None:
            iteration = self._resumed
            self._resumed = None
        else:
            iteration = Iteration(self._shared.begin_iteration())
            info = get_worker_info()
            if info is not None:
                iteration.worker = info.id
                iteration.n_workers = info.num_workers
        self._iteration = iteration
        return iteration

    def steps_of(self, iteration: Iteration) -> Iterator[Steps]:
        """Yield the steps of each epoch that are left for this process.

        Without ``endless``, there is one epoch. The batches delivered by the iteration are counted
        when the next epoch is requested.
        """
        rank, world_size = self.rank()
        while True:
            start = iteration.start
            step = iteration.worker + iteration.batches_delivered * iteration.n_workers
            if self._endless:
                start, step = self._plan.skip_epochs(start, step, world_size)
            steps = self._plan.steps_left(start, rank, world_size)
            yield steps.take_every(iteration.n_workers, start=step)
            if not self._endless:
                return

    def state(self, step: int | None) -> dict[str, Any]:
        """Return the progress, as `StreamingDataset.state_dict` describes it."""
        check_optional_integers(step=step, minimum=None)
        iteration = self._iteration
        is_worker = get_worker_info() is not None
        if is_worker and iteration is not None:
            worker = WorkerState(iteration.worker, iteration.n_workers, iteration.batches_delivered)
            return self._state(iteration.start, 0, worker)
        in_workers = self._shared.in_workers
        if step is None and not is_worker and in_workers:
            raise ConfigError(
                "worker processes read this stream ahead of the loop: "
                "pass step=, the number of batches the loop has received"
            )
        if iteration is not None and not in_workers:
            delivered = iteration.batches_delivered if step is None else step
            return self._state(iteration.start, delivered)
        if step is None:
            return self._state(self._shared.next_start(), 0)
        return self._state(self._shared.current_start(), step)

    def load(self, state: Mapping[str, Any]) -> None:
        """Resume at the next batch after a state, as in `StreamingDataset.load_state_dict`."""
        start, selection, worker = parse_state(state)
        if selection != self._plan.checksum():
            raise ConfigError(
                "this state belongs to other windows or another order: "
                "use the same stores, split, where, target, weights and shuffle"
            )
        info = get_worker_info()
        _, world_size = self.rank()
        steps_left = self._plan.n_steps_left(start, world_size)
        if info is None:
            if worker is not None:
                raise ConfigError(
                    "this is the state of one worker process; "
                    "restore it with a StatefulDataLoader that has as many workers"
                )
            self._shared.load(start, is_complete=steps_left == 0)
            self._iteration = None
            return
        worker = worker or WorkerState(info.id, info.num_workers, 0)
        if worker[:2] != (info.id, info.num_workers):
            raise ConfigError(
                f"the state of worker {worker.worker} of {worker.n_workers} was loaded by "
                f"worker {info.id} of {info.num_workers}; keep num_workers"
            )
        next_step = worker.worker + worker.batches_delivered * worker.n_workers
        self._resumed = Iteration(start, *worker)
        self._shared.load_worker(start, is_complete=next_step >= steps_left)

    def _state(
        self, start: ResumePoint, step: int, worker: WorkerState | None = None
    ) -> dict[str, Any]:
        """Return the state after ``step`` steps from ``start``."""
        _, world_size = self.rank()
        if self._endless and step > 0:
            start, step = self._plan.skip_epochs(start, step, world_size)
        phases = self._plan.phases_after(start, step, world_size)
        return format_state(start, phases, self._plan.checksum(), worker)

    def __getstate__(self) -> dict[str, Any]:
        # torch.distributed may be initialized here, but not in a spawned worker.
        ranks = current_rank() if self._ranks is None and is_distributed() else self._ranks
        return self.__dict__ | {"_iteration": None, "_ranks": ranks}
