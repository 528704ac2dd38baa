"""A recipe: steps in order, what they make of a layout, and their run over a recording."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_dl.datamodel import Layout, StepReport, exact_rate
from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Array, SignalStep, Step, WindowStep

if TYPE_CHECKING:
    import mne

LONGEST_REASON = 300  # characters
NOT_FOR_USERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of a recording the steps of a recipe must see, taken together, to get a sample right.

    Attributes
    ----------
    margin
        Seconds on either side; infinite: all up to where the signal is not continuous.
    period
        An excerpt must begin at a multiple of so many samples of the recording, where all rates of the recipe share a sample.
    whole
        The name of a step that needs the whole recording, "" where none does.
    growth
        Bytes of the largest signal between two steps, over those of the recording.
    """

    margin: float
    period: int
    whole: str
    growth: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done to every recording, in order."""

    name: str
    description: str
    signal_steps: tuple[SignalStep, ...]
    window_steps: tuple[WindowStep, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.signal_steps + self.window_steps

    @property
    def packages(self) -> tuple[str, ...]:
        """Distributions that its steps compute with, beside those that all do; sorted."""
        return tuple(sorted({name for step in self.steps for name in getattr(step, "packages", ())}))

    def to_dict(self) -> dict[str, Any]:
        """Name and steps with every parameter, as JSON and YAML can hold them; equal recipes give equal dicts."""
        steps = [{step.name: {f.name: _plain(getattr(step, f.name)) for f in fields(step)}} for step in self.steps]
        return {"name": self.name, "steps": steps}

    def layout(self, layout: Layout) -> Layout:
        """Channels and rate after the recipe.

        Raises
        ------
        RecordingError
            A step cannot be done: stage "channels" where channels are missing, else the step's name.
        """
        for step in self.steps:
            layout = step.layout(layout)
        return layout

    def reach(self, layout: Layout) -> Reach:
        """What of a recording of this layout the steps on signals must see."""
        first, margin, period, whole, growth = layout, 0.0, 1, "", 1.0
        for step in self.signal_steps:
            need = step.needs(layout)
            margin += need.margin
            whole = whole or (step.name if need.kind == "recording" else "")
            layout = step.layout(layout)
            period = math.lcm(period, (layout.sfreq / first.sfreq).denominator)
            growth = max(growth, float(layout.n_chans * layout.sfreq / (first.n_chans * first.sfreq)))
        return Reach(margin, period, whole, growth)

    def run(self, raw: mne.io.BaseRaw) -> tuple[mne.io.BaseRaw, list[StepReport]]:
        """The cleaned recording and what each step did; ``raw`` is loaded and may be changed in place.

        Steps on windows are left to `run_windows`. What MNE warns of is in the notes of the step's report.

        Raises
        ------
        RecordingError
            The first step that failed, and why.
        """
        with _failing_as("read"), _heard():
            raw.load_data()
        reports = []
        for step in self.signal_steps:
            raw, report = _run_step(step, raw)
            reports.append(report)
        return raw, reports

    def run_windows(self, windows: Array, times: Array) -> Array:
        """Windows (n_windows, n_chans, n_times) in µV after the steps on windows; ``times`` (n_times,) in s relative to the event.

        No window at all is allowed: it finds out beforehand whether the steps fit windows of these times.
        """
        for step in self.window_steps:
            with _failing_as(step.name):
                windows = step.apply_windows(windows, times)
        return windows


def layout_of(raw: mne.io.BaseRaw) -> Layout:
    """The layout of a recording as it is now."""
    return Layout(tuple(raw.ch_names), tuple(raw.get_channel_types()), exact_rate(raw.info["sfreq"]))


def excerpt(raw: mne.io.BaseRaw, start: int, stop: int, *, before: int = 0, jumps: Sequence[int] = ()) -> mne.io.BaseRaw:
    """Some samples of a recording, loaded, as a recording of its own.

    Parameters
    ----------
    start, stop
        Samples, counted from the first of ``raw``.
    before
        Samples to put before them, the signal mirrored in its first one as MNE's filters do at an edge: where time jumps at ``start``,
        but an excerpt must begin earlier to share a sample with another rate.
    jumps
        Samples between which and the one before them time jumps; MNE's filters begin anew there.

    Raises
    ------
    RecordingError
        Stage "read": the samples cannot be read.
    """
    import mne

    with _failing_as("read"), _heard():
        samples = raw.get_data(start=start, stop=stop)
        if raw.preload:
            samples = samples.copy()  # steps work in place, and excerpts may overlap
        if samples.shape[1] != stop - start:
            raise RecordingError("read", f"{start + samples.shape[1]} samples where the header says {raw.n_times}")
        if before:
            samples = np.pad(samples, ((0, 0), (before, 0)), mode="reflect", reflect_type="odd")
        piece = mne.io.RawArray(samples, raw.info, first_samp=raw.first_samp + start - before, verbose="error")
        annotations = raw.annotations.copy()
        if annotations.orig_time is None:
            annotations.onset -= piece.first_time  # MNE adds it where there is no date to count from
        piece.set_annotations(annotations, emit_warning=False)
        for jump in jumps:
            piece.annotations.append(piece.first_time + (jump - start + before) / raw.info["sfreq"], 0.0, "EDGE boundary")
    return piece


def joined(reports: Sequence[Sequence[StepReport]], sizes: Sequence[int]) -> list[StepReport]:
    """What each step did to a recording, from what it did to its excerpts of these sizes."""
    out = []
    for same in zip(*reports, strict=True):
        channels = _once(name for report in same for name in report.channels)
        share = sum(report.share * size for report, size in zip(same, sizes, strict=True)) / sum(sizes)
        out.append(StepReport(same[0].step, channels, share, _once(note for report in same for note in report.notes)))
    return out


def _run_step(step: SignalStep, raw: mne.io.BaseRaw) -> tuple[mne.io.BaseRaw, StepReport]:
    before = layout_of(raw)
    promised = step.layout(before)
    with _failing_as(step.name), _heard() as notes:
        raw, report = step.apply(raw, before)
    if layout_of(raw) != promised:
        raise RecordingError(step.name, _line(f"made {layout_of(raw)} where {promised} was planned"))
    return raw, replace(report, notes=report.notes + _once(notes))


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what is warned of meanwhile; MNE's log stays silent."""
    import mne

    notes: list[str] = []
    log = mne.utils.logger
    disabled = log.disabled
    with mne.utils.use_log_level("warning"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        log.disabled = True  # at level "error" MNE would not warn at all; at "warning" it would also write where a log is kept
        try:
            yield notes
        finally:
            log.disabled = disabled
            notes.extend(_line(str(warning.message)) for warning in caught if not issubclass(warning.category, NOT_FOR_USERS))


@contextmanager
def _failing_as(stage: str) -> Iterator[None]:
    """Whatever goes wrong becomes the recording's failure at this stage."""
    try:
        yield
    except RecordingError:
        raise
    except MemoryError as error:
        raise RecordingError(stage, "not enough memory", transient=True) from error
    except Exception as error:
        raise RecordingError(stage, _line(f"{type(error).__name__}: {error}")) from error


def _line(text: str) -> str:
    """A message on one line of bearable length."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 3] + "..."


def _once(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, dict) else value
