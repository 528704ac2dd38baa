"""Steps of an epoch from any resume point, for any rank."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from bids_dl.config.arguments import check_integers
from bids_dl.errors import ArgumentTypeError, ConfigError
from bids_dl.stream.mixing.weights import WeightedDraw
from bids_dl.stream.order import Indices, Order, Phase, Steps, n_remaining, n_steps, rank_steps
from bids_dl.stream.resume import ResumePoint
from bids_dl.wording import count


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """Selected windows and the options that determine their order.

    Parameters
    ----------
    rows, chunks
        (n_windows,): row of each selected window in the joined table, and its chunk.
    pool_chunks
        Number of chunks that are shuffled together.
    batch_size
        Windows per batch and rank.
    shuffle, drop_last
        As in `StreamingDataset`.
    draw
        Draws the windows of each epoch. None takes each window once.
    """

    rows: Indices
    chunks: Indices
    pool_chunks: int
    batch_size: int
    shuffle: bool
    drop_last: bool
    draw: WeightedDraw | None = None

    @property
    def n_windows(self) -> int:
        """Number of windows of an epoch."""
        return len(self.rows) if self.draw is None else self.draw.n_windows

    def n_steps(self, world_size: int) -> int:
        """Return the steps of a whole epoch on each rank."""
        return self._n_steps(self.n_windows, world_size)

    def n_steps_left(self, start: ResumePoint, world_size: int) -> int:
        """Return the steps from a resume point to the end of the epoch, on each rank."""
        phases, steps_done = self._split_phases(start, world_size)
        windows_left = n_remaining(self.n_windows, phases, drop_last=self.drop_last)
        return self._n_steps(windows_left, world_size) - steps_done

    def steps_left(self, start: ResumePoint, rank: int, world_size: int) -> Steps:
        """Return the steps of a rank from a resume point to the end of the epoch."""
        phases, steps_done = self._split_phases(start, world_size)
        chunks = self.chunks
        drawn = None
        if self.draw is not None:
            drawn = self.draw.draw(start.seed, start.epoch)
            # so that windows drawn again are spread over the epoch like those of other chunks
            chunks = chunks[drawn.windows] + drawn.copies * (int(chunks[-1]) + 1)
        order = Order(
            chunks, self.pool_chunks, start.seed, start.epoch, self.shuffle, self.drop_last
        )
        steps = rank_steps(order, phases, world_size, self.batch_size, rank)
        if drawn is not None:
            windows = steps.windows
            steps = Steps(drawn.windows[windows], steps.bounds, drawn.copies[windows])
        return steps.take_every(1, start=steps_done)

    def skip_epochs(
        self, start: ResumePoint, step: int, world_size: int
    ) -> tuple[ResumePoint, int]:
        """Find a step of an endless loop.

        Parameters
        ----------
        start
            Start of the loop.
        step
            Steps of a rank since then, over any number of epochs.

        Returns
        -------
        start, step
            Start of the epoch that contains the next step, and the steps since then.

        Raises
        ------
        ConfigError
            An epoch has no step.
        """
        n_left = self.n_steps_left(start, world_size)
        if step < n_left:
            return start, step
        n_steps = self.n_steps(world_size)
        if n_steps == 0:
            raise ConfigError(
                f"an epoch of {count(self.n_windows, 'window')} has no full batch of "
                f"{self.batch_size} on each of {count(world_size, 'rank')}; "
                "use drop_last=False or a smaller batch_size"
            )
        n_epochs, step = divmod(step - n_left, n_steps)
        return ResumePoint(start.seed, start.epoch + 1 + n_epochs, ()), step

    def phases_after(self, start: ResumePoint, steps: int, world_size: int) -> list[Phase]:
        """Return the phases of the epoch that are done ``steps`` steps after a resume point.

        Raises
        ------
        ConfigError
            Fewer steps are left.
        """
        steps_left = self.n_steps_left(start, world_size)
        if not 0 <= steps <= steps_left:
            left = count(steps_left, "step")
            raise ConfigError(f"step {steps} is not in the loop: it has {left}")
        phases, steps_done = self._split_phases(start, world_size)
        current = Phase(world_size, self.batch_size, steps_done + steps)
        return [*phases, current] if current.steps else [*phases]

    def checksum(self) -> int:
        """Return a checksum of the windows, their chunks and the options of their order."""
        options = f"{self.pool_chunks} {self.shuffle} {self.drop_last}".encode()
        if self.draw is not None:
            options += f" {self.draw.counts.tolist()} {self.draw.bounds.tolist()}".encode()
        checksum = zlib.crc32(self.rows.tobytes())
        checksum = zlib.crc32(self.chunks.tobytes(), checksum)
        return zlib.crc32(options, checksum)

    def _n_steps(self, n_windows: int, world_size: int) -> int:
        return n_steps(n_windows, world_size, self.batch_size, drop_last=self.drop_last)

    def _split_phases(self, start: ResumePoint, world_size: int) -> tuple[tuple[Phase, ...], int]:
        """Return earlier phases, and the steps of the last one if it continues.

        It continues if it has this world size and batch size.
        """
        last = start.phases[-1] if start.phases else None
        if last is not None and last[:2] == (world_size, self.batch_size):
            return start.phases[:-1], last.steps
        return start.phases, 0


def check_batch_size(batch_size: Any) -> None:
    """Check that a batch size is an integer of at least 1.

    Raises
    ------
    ArgumentTypeError
        It is no integer. If it is None, as that of a loader must be, the message says so.
    ConfigError
        It is below 1.
    """
    if batch_size is None:
        raise ArgumentTypeError(
            "batch_size must be an integer, got None; the stream makes the batches: "
            "StreamingDataset(store, batch_size=64) in DataLoader(stream, batch_size=None)"
        )
    check_integers(batch_size=batch_size)
