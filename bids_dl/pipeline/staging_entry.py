"""Description of a staged recording: its windows, and what was done to them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import starmap
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl import source
from bids_dl.datamodel import Recording, StepReport

MASK_BYTES = 32_000_000  # of dropout masks made at once


class DropoutRun(NamedTuple):
    """Samples of a window during which some channels were silent.

    Attributes
    ----------
    window
        Number of the window.
    start, stop
        First sample and the sample after the last.
    channels
        Numbers of the channels.
    """

    window: int
    start: int
    stop: int
    channels: tuple[int, ...]


class DroppedWindow(NamedTuple):
    """A planned window that is not in the entry.

    Attributes
    ----------
    number
        Number of the window within its recording.
    step
        Step of the recipe that dropped it, "" if the recording cannot hold it.
    reason
        Reason in one line, without the name of the step.
    """

    number: int
    step: str
    reason: str

    @property
    def message(self) -> str:
        """Reason with the name of the step, for people."""
        return f"{self.step}: {self.reason}" if self.step else self.reason


class ElectrodePositions(NamedTuple):
    """Standard positions of the channels of a store.

    Attributes
    ----------
    template
        Name of the MNE template; "" without windows.
    positions
        (x, y, z) of each channel in m, head coordinates; None if the template does not have it.
    """

    template: str = ""
    positions: tuple[tuple[float, ...] | None, ...] = ()

    @classmethod
    def of_names(cls, names: Sequence[str], templates: Sequence[str]) -> ElectrodePositions:
        """Look up channels by name, as `source.standard_positions` does."""
        positions, template = source.standard_positions(names, templates)
        rows: list[tuple[float, ...] | None] = []
        for row in positions.tolist():
            rows.append(tuple(row) if all(map(math.isfinite, row)) else None)
        return cls(template, tuple(rows))

    def to_array(self) -> npt.NDArray[np.float64]:
        """Return the positions (n_chans, 3) in m, NaN for those that are not known."""
        rows = [(np.nan,) * 3 if row is None else row for row in self.positions]
        return np.array(rows).reshape(-1, 3)


NO_ELECTRODES = ElectrodePositions()
"""Positions in an entry without windows."""


@dataclass(frozen=True)
class StagingEntry:
    """Description of a staged recording.

    Attributes
    ----------
    kept
        Numbers of the planned windows that are in the entry, sorted.
    dropped
        The other windows.
    mean, std
        Mean and standard deviation of each channel over all samples of the windows, in µV.
    steps
        Reports of reading and of each step.
    dropout_runs
        Samples during which the amplifier or its link was silent.
    spectrum_before, spectrum_after
        Power spectrum of the windows before and after the recipe, in µV²/Hz at 0, 1, 2, ... Hz,
        up to half the sampling rate.
    magnitudes
        Counts of a `store.quantization.MagnitudeHistogram` of all samples; empty without windows.
    verified
        How each remote file was verified, by path.
    electrodes
        Positions of the channels of the store. They are the same in all entries of a store; a
        worker looks them up, because the process that packs the store does without MNE.
    """

    kept: tuple[int, ...]
    dropped: tuple[DroppedWindow, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    steps: tuple[StepReport, ...]
    dropout_runs: tuple[DropoutRun, ...] = ()
    spectrum_before: tuple[float, ...] = ()
    spectrum_after: tuple[float, ...] = ()
    magnitudes: tuple[int, ...] = ()
    verified: Mapping[str, str] = field(default_factory=dict)
    electrodes: ElectrodePositions = NO_ELECTRODES

    def dropout_masks(self, shape: Sequence[int]) -> Iterator[npt.NDArray[np.bool_]]:
        """Yield the dropout mask of all windows, in parts of bounded size.

        Parameters
        ----------
        shape
            (n_chans, n_times) of a window.

        Yields
        ------
        ndarray of bool
            (n_windows, n_chans, n_times), True in dropouts.
        """
        runs: dict[int, list[DropoutRun]] = {}  # by window
        for run in self.dropout_runs:
            runs.setdefault(run.window, []).append(run)
        part_size = max(1, MASK_BYTES // math.prod(shape))
        for i in range(0, len(self.kept), part_size):
            numbers = self.kept[i : i + part_size]
            mask = np.zeros((len(numbers), *shape), dtype=bool)
            for row, number in enumerate(numbers):
                for run in runs.get(number, ()):
                    mask[row, list(run.channels), run.start : run.stop] = True
            yield mask

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object.

        Its tuples become lists. `dataclasses.asdict` would copy each number of them.
        """
        content = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**content, "steps": [asdict(step) for step in self.steps]}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> StagingEntry:
        """Read the JSON object of an entry."""
        values = {name: _as_tuple(value) for name, value in content.items()}
        values["dropped"] = tuple(starmap(DroppedWindow, values["dropped"]))
        values["dropout_runs"] = tuple(starmap(DropoutRun, values["dropout_runs"]))
        values["electrodes"] = ElectrodePositions(*values["electrodes"])
        steps = []
        for step in content["steps"]:
            lists = {"channels": tuple(step["channels"]), "notes": tuple(step["notes"])}
            steps.append(StepReport(**{**step, **lists}))
        values["steps"] = tuple(steps)
        return cls(**values)


class StagedRecording(NamedTuple):
    """A recording of a plan, with the key of its entry and the entry."""

    recording: Recording
    key: str
    entry: StagingEntry


def _as_tuple(value: Any) -> Any:
    """Convert nested lists, which JSON has instead of tuples."""
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value
