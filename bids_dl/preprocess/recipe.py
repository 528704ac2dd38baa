"""A recipe: steps in order, what they make of a layout, and their run over a recording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_dl.datamodel import SignalSpec, StepReport, exact_rate
from bids_dl.errors import RecordingError
from bids_dl.preprocess.notes import as_recording_error, capture_warnings, one_line, settled, unique
from bids_dl.preprocess.step import SignalStep, Step, Windows, WindowStep
from bids_dl.preprocess.steps.dropouts import Dropouts
from bids_dl.preprocess.steps.keep_selected import KeepSelected

if TYPE_CHECKING:
    import mne

MOST_NOTES = 20  # of a step on a recording: a long one goes in many excerpts, each of which may have something to say


@dataclass(frozen=True, slots=True)
class RecipeContext:
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
class WindowResults:
    """Windows after the steps on windows.

    Attributes
    ----------
    windows
        Those that stay.
    kept, dropped
        Their numbers among those given, and of the others number and reason.
    reports
        What each step did.
    given
        How many windows each step was given: those that the steps before it left.
    """

    windows: Windows
    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str], ...]
    reports: tuple[StepReport, ...]
    given: tuple[int, ...]


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
        return tuple(
            sorted({name for step in self.steps for name in getattr(step, "packages", ())})
        )

    @property
    def needs_all_windows(self) -> bool:
        """Whether a step on windows must get all windows of a recording together."""
        nothing = SignalSpec((), (), Fraction(1))
        return any(step.needs(nothing).kind == "recording" for step in self.window_steps)

    @property
    def concatenates(self) -> bool:
        """Whether the signal after it is the selected stretches only, one after the other."""
        return any(isinstance(step, KeepSelected) for step in self.signal_steps)

    @property
    def writes_dropout_mask(self) -> bool:
        """Whether it looks for stretches in which amplifier or link was silent, so that a store says where."""
        return any(isinstance(step, Dropouts) for step in self.signal_steps)

    def to_dict(self) -> dict[str, Any]:
        """Name and steps with every parameter, as JSON and YAML can hold them; equal recipes give equal dicts."""
        steps = [
            {step.name: {f.name: _plain(getattr(step, f.name)) for f in fields(step)}}
            for step in self.steps
        ]
        return {"name": self.name, "steps": steps}

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Channels and rate after the recipe.

        Raises
        ------
        RecordingError
            A step cannot be done: stage "channels" where channels are missing, else the step's name.
        """
        for step in self.steps:
            spec = step.output_spec(spec)
        return spec

    def reach(self, spec: SignalSpec) -> RecipeContext:
        """What of a recording of this layout the steps on signals must see."""
        first, margin, period, whole, growth = spec, 0.0, 1, "", 1.0
        for step in self.signal_steps:
            need = step.needs(spec)
            margin += need.margin
            whole = whole or (step.name if need.kind == "recording" else "")
            spec = step.output_spec(spec)
            period = math.lcm(period, (spec.sfreq / first.sfreq).denominator)
            growth = max(growth, float(spec.n_chans * spec.sfreq / (first.n_chans * first.sfreq)))
        return RecipeContext(margin, period, whole, growth)

    def run(self, raw: mne.io.BaseRaw) -> tuple[mne.io.BaseRaw, list[StepReport]]:
        """The cleaned recording and what each step did; ``raw`` is loaded and may be changed in place.

        Steps on windows are left to `run_windows`. What MNE warns of is in the notes of the step's report.

        Raises
        ------
        RecordingError
            The first step that failed, and why.
        """
        with as_recording_error("read"), capture_warnings():
            raw.load_data()
        reports = []
        for step in self.signal_steps:
            raw, report = _run_step(step, raw)
            reports.append(report)
        return raw, reports

    def run_windows(self, windows: Windows) -> WindowResults:
        """What the steps on windows make of some windows; of one step after the other, each sees what the last one left."""
        kept = np.arange(len(windows.signals))
        dropped: list[tuple[int, str]] = []
        reports, given = [], []
        for step in self.window_steps:
            given.append(len(kept))
            with as_recording_error(step.name), capture_warnings() as notes:
                judged = step.apply_windows(windows)
            reports.append(_timed(judged.report, judged.report.notes + unique(notes), windows))
            stays = np.array([not reason for reason in judged.reasons], dtype=bool)
            dropped += [
                (int(kept[i]), f"{step.name}: {judged.reasons[i]}") for i in np.flatnonzero(~stays)
            ]
            windows = replace(windows, signals=judged.signals[stays], silent=windows.silent[stays])
            kept = kept[stays]
        return WindowResults(
            windows, tuple(kept.tolist()), tuple(sorted(dropped)), tuple(reports), tuple(given)
        )


def spec_of(raw: mne.io.BaseRaw) -> SignalSpec:
    """The layout of a recording as it is now."""
    return SignalSpec(
        tuple(raw.ch_names), tuple(raw.get_channel_types()), exact_rate(raw.info["sfreq"])
    )


def info_of(raw: mne.io.BaseRaw, ch_names: Sequence[str]) -> mne.Info:
    """What MNE knows of some channels of a recording, in this order."""
    import mne

    return mne.pick_info(raw.info, [raw.ch_names.index(name) for name in ch_names])


def joined(
    reports: Sequence[Sequence[StepReport]], spans: Sequence[tuple[int, int]]
) -> list[StepReport]:
    """What each step did to a recording, from what it did to its excerpts, each from a sample up to another; excerpts may overlap."""
    sizes = [stop - start for start, stop in spans]
    covered, end = 0, 0
    for start, stop in sorted(spans):
        covered, end = covered + max(0, stop - max(start, end)), max(end, stop)
    out = []
    for same in zip(*reports, strict=True):
        channels = unique(name for report in same for name in report.channels)
        share = sum(report.share * size for report, size in zip(same, sizes, strict=True)) / max(
            1, sum(sizes)
        )
        notes = unique(settled([report.notes for report in same]))
        notes = (
            notes
            if len(notes) <= MOST_NOTES
            else (*notes[:MOST_NOTES], f"and {len(notes) - MOST_NOTES} notes more")
        )
        seconds = sum(report.seconds for report in same) * covered / max(1, sum(sizes))
        out.append(StepReport(same[0].step, channels, share, notes, round(seconds, 6)))
    return out


def _run_step(step: SignalStep, raw: mne.io.BaseRaw) -> tuple[mne.io.BaseRaw, StepReport]:
    before, seconds = spec_of(raw), raw.n_times / raw.info["sfreq"]
    promised = step.output_spec(before)
    with as_recording_error(step.name), capture_warnings() as notes:
        raw, report = step.apply(raw, before)
    if spec_of(raw) != promised:
        raise RecordingError(
            step.name, one_line(f"made {spec_of(raw)} where {promised} was planned")
        )
    return raw, replace(report, notes=report.notes + unique(notes), seconds=report.share * seconds)


def _timed(report: StepReport, notes: tuple[str, ...], windows: Windows) -> StepReport:
    """A report on windows with the seconds that the share stands for."""
    n_windows, _, n_times = windows.signals.shape
    between = windows.times[1] - windows.times[0] if n_times > 1 else 0.0
    return replace(report, notes=notes, seconds=float(report.share * n_windows * n_times * between))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value
