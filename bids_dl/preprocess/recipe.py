"""Recipes: ordered steps, the context they need, and their run over a recording and its windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from bids_dl.datamodel import SignalSpec, StepReport, exact_rate
from bids_dl.errors import RecordingError
from bids_dl.plugins import Plugin
from bids_dl.preprocess.channels import channel_types
from bids_dl.preprocess.notes import (
    as_planning_error,
    as_recording_error,
    at_warning_level,
    capture_warnings,
    merge_flags,
    merge_notes,
    unique,
)
from bids_dl.preprocess.step import Context, IntervalStep, SignalStep, Step, Windows, WindowStep
from bids_dl.wording import one_line

if TYPE_CHECKING:
    import mne

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecipeContext:
    """Part of a recording that all steps of a recipe together must see around a sample.

    Attributes
    ----------
    margin
        Seconds before and after the sample; infinite: the whole continuous segment.
    period
        Number of samples of the recording between moments at which all sampling rates of the
        recipe share a sample. An excerpt begins at a multiple of it.
    needs_whole
        Name of the first step that needs the whole recording, or "".
    size_factor
        Bytes of the largest signal between two steps over those of the recording.
    """

    margin: float
    period: int
    needs_whole: str
    size_factor: float


@dataclass(frozen=True, slots=True)
class WindowResults:
    """Windows after all steps on windows, and what each step dropped.

    Attributes
    ----------
    windows
        The windows that were kept.
    kept
        Indices of these among the windows that `Recipe.run_windows` received.
    dropped
        Index, name of the step and reason of each dropped window, in order of the index.
    reports
        One report per step on windows.
    n_inputs
        Number of windows that each step received: those that the steps before it kept.
    """

    windows: Windows
    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str, str], ...]
    reports: tuple[StepReport, ...]
    n_inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Preprocessing of a recording: steps on its signal, then steps on its windows, in order.

    Examples
    --------
    >>> from bids_dl.config.stages import PreprocessConfig
    >>> from bids_dl.preprocess import load_recipe
    >>> recipe = load_recipe(PreprocessConfig("default"))
    >>> [step.name for step in recipe.steps]
    ['pick', 'filter', 'reference', 'resample']
    """

    name: str
    description: str
    signal_steps: tuple[SignalStep, ...]
    window_steps: tuple[WindowStep, ...] = ()
    plugins: tuple[Plugin, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.signal_steps + self.window_steps

    @property
    def packages(self) -> tuple[str, ...]:
        """Sorted distributions that its steps compute with, beyond a plain installation."""
        names: set[str] = set()
        for step in self.steps:
            names.update(step.traits.packages)
        names.update(plugin.distribution for plugin in self.plugins)
        return tuple(sorted(names))

    @property
    def needs_all_windows(self) -> bool:
        """True if a step on windows needs all windows of a recording together."""
        no_channels = SignalSpec((), (), Fraction(1))
        contexts = [_context_of(step, no_channels) for step in self.window_steps]
        return any(context.kind == "recording" for context in contexts)

    @property
    def concatenates(self) -> bool:
        """True if the signal after it holds the selected parts only, one after the other."""
        return any(step.traits.concatenates for step in self.signal_steps)

    @property
    def writes_dropout_mask(self) -> bool:
        """True if it looks for dropouts, so that a store says which samples are in dropouts."""
        return any(step.traits.marks_dropouts for step in self.signal_steps)

    def to_dict(self) -> dict[str, Any]:
        """Return name and steps with every parameter, as JSON and YAML can hold them.

        Equal recipes give equal dictionaries. Distribution and version of each step of a plug-in
        are part of it, because they decide the bytes of a store.
        """
        steps = []
        for step in self.steps:
            parameters = {
                field.name: _to_plain(getattr(step, field.name)) for field in fields(step)
            }
            steps.append({step.name: parameters})
        document: dict[str, Any] = {"name": self.name, "steps": steps}
        if self.plugins:
            document["plugins"] = {plugin.name: plugin.package for plugin in self.plugins}
        return document

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return channels and rate after the recipe.

        Parameters
        ----------
        spec
            Channels and rate of a recording.

        Raises
        ------
        RecordingError
            A step cannot be applied. The stage is "channels" if channels are missing, else the
            name of the step.
        """
        for step in self.steps:
            spec = _spec_after(step, spec)
        return spec

    def required_context(self, spec: SignalSpec) -> RecipeContext:
        """Return the part of a recording that the steps on signals must see.

        Parameters
        ----------
        spec
            Channels and rate of the recording.

        Raises
        ------
        RecordingError
            A step cannot be applied; see `output_spec`.
        """
        n_bytes = spec.n_chans * spec.sfreq
        source_rate = spec.sfreq
        margin = 0.0
        period = 1
        needs_whole = ""
        size_factor = 1.0
        for step in self.signal_steps:
            context = _context_of(step, spec)
            margin += context.margin
            if context.kind == "recording" and not needs_whole:
                needs_whole = step.name
            spec = _spec_after(step, spec)
            period = math.lcm(period, (spec.sfreq / source_rate).denominator)
            size_factor = max(size_factor, float(spec.n_chans * spec.sfreq / n_bytes))
        return RecipeContext(margin, period, needs_whole, size_factor)

    def run(
        self, raw: mne.io.BaseRaw, intervals: Sequence[tuple[int, int]] | None = None
    ) -> tuple[mne.io.BaseRaw, list[StepReport]]:
        """Run the steps on signals over a recording or an excerpt of it.

        The notes of each report include MNE's warnings during the step.

        Parameters
        ----------
        raw
            The recording. It is loaded, and may be changed in place.
        intervals
            First sample and the sample after the last of each interval that is used, at the rate
            of the result; None if all samples are.

        Returns
        -------
        raw : mne.io.BaseRaw
            The cleaned recording. Samples outside of the intervals may be NaN.
        reports : list of StepReport
            One report per step.

        Raises
        ------
        RecordingError
            The first step that failed, and its reason.
        """
        with as_recording_error("read"), capture_warnings():
            raw.load_data()
        reports = []
        spec = spec_of(raw)
        with at_warning_level():
            for number, step in enumerate(self.signal_steps, 1):
                is_last = number == len(self.signal_steps)
                raw, spec, report = _run_step(step, raw, spec, intervals if is_last else None)
                reports.append(report)
        return raw, reports

    def run_windows(self, windows: Windows) -> WindowResults:
        """Run the steps on windows. Each step receives the windows that the last one kept.

        Raises
        ------
        RecordingError
            The first step that failed, and its reason.
        """
        kept = np.arange(len(windows.signals))
        dropped: list[tuple[int, str, str]] = []
        reports: list[StepReport] = []
        n_inputs: list[int] = []
        for step in self.window_steps:
            n_inputs.append(len(kept))
            with as_recording_error(step.name), capture_warnings() as notes:
                result = step.apply_windows(windows)
            reports.append(_complete_report(result.report, notes, windows))
            for index, reason in zip(kept.tolist(), result.reasons, strict=True):
                if reason:
                    dropped.append((index, step.name, reason))
            is_kept = np.array([not reason for reason in result.reasons], dtype=bool)
            windows = replace(
                windows,
                signals=result.signals[is_kept],
                dropout_mask=windows.dropout_mask[is_kept],
            )
            kept = kept[is_kept]
        return WindowResults(
            windows=windows,
            kept=tuple(kept.tolist()),
            dropped=tuple(sorted(dropped)),
            reports=tuple(reports),
            n_inputs=tuple(n_inputs),
        )


def spec_of(raw: mne.io.BaseRaw) -> SignalSpec:
    """Return channels, types and exact rate of a recording."""
    return SignalSpec(tuple(raw.ch_names), channel_types(raw), exact_rate(raw.info["sfreq"]))


def info_of(raw: mne.io.BaseRaw, ch_names: Sequence[str]) -> mne.Info:
    """Return MNE's description of some channels of a recording, in this order.

    It is that of the recording itself if these are all of its channels.
    """
    import mne

    if list(ch_names) == raw.ch_names:
        return raw.info
    return mne.pick_info(raw.info, [raw.ch_names.index(name) for name in ch_names])


def merge_reports(
    excerpts: Sequence[Sequence[StepReport]], spans: Sequence[tuple[int, int]]
) -> list[StepReport]:
    """Merge the reports on the excerpts of a recording into one report per step.

    Parameters
    ----------
    excerpts
        The reports of all steps, per excerpt.
    spans
        First sample and the sample after the last of each excerpt. Excerpts may overlap.

    Returns
    -------
    list of StepReport
        Shares are averaged over the samples of the excerpts. Seconds are scaled down where
        excerpts overlap, so that each moment of the recording counts once. A flag is kept only
        if the reports on all excerpts have it.
    """
    sizes = [stop - start for start, stop in spans]
    n_samples = max(1, sum(sizes))
    n_distinct = _union_length(spans)
    merged = []
    for reports in zip(*excerpts, strict=True):
        share = sum(report.share * size for report, size in zip(reports, sizes, strict=True))
        seconds = sum(report.seconds for report in reports)
        merged.append(
            StepReport(
                reports[0].step,
                channels=unique(name for report in reports for name in report.channels),
                share=share / n_samples,
                notes=merge_notes([report.notes for report in reports]),
                seconds=round(seconds * n_distinct / n_samples, 6),
                flag=merge_flags([report.flag for report in reports]),
            )
        )
    return merged


def _union_length(spans: Sequence[tuple[int, int]]) -> int:
    """Count the samples in at least one of the spans."""
    length = 0
    end = 0
    for start, stop in sorted(spans):
        length += max(0, stop - max(start, end))
        end = max(end, stop)
    return length


def _run_step(
    step: SignalStep,
    raw: mne.io.BaseRaw,
    before: SignalSpec,
    intervals: Sequence[tuple[int, int]] | None,
) -> tuple[mne.io.BaseRaw, SignalSpec, StepReport]:
    """Run a step on a recording with these channels, and return those after it."""
    seconds = raw.n_times / raw.info["sfreq"]
    planned = _spec_after(step, before)
    with as_recording_error(step.name), capture_warnings() as warned:
        if intervals is not None and step.traits.computes_intervals:
            raw, report = cast(IntervalStep, step).apply_to_intervals(raw, before, intervals)
        else:
            raw, report = step.apply(raw, before)
    after = spec_of(raw)
    if after != planned:
        raise RecordingError(step.name, one_line(f"produced {after}, but {planned} was planned"))
    notes = report.notes + unique(warned)
    return raw, after, replace(report, notes=notes, seconds=report.share * seconds)


def _complete_report(report: StepReport, notes: Sequence[str], windows: Windows) -> StepReport:
    """Add captured notes, and the seconds of signal that the share of the windows stands for."""
    n_windows, _, n_times = windows.signals.shape
    sample_interval = windows.times[1] - windows.times[0] if n_times > 1 else 0.0
    return replace(
        report,
        notes=report.notes + unique(notes),
        seconds=float(report.share * n_windows * n_times * sample_interval),
    )


def _context_of(step: Step, spec: SignalSpec) -> Context:
    """Return the context that a step requires."""
    with as_planning_error(step.name):
        return _expect(Context, step.required_context(spec))


def _spec_after(step: Step, spec: SignalSpec) -> SignalSpec:
    """Return the channels and the rate after a step."""
    with as_planning_error(step.name):
        return _expect(SignalSpec, step.output_spec(spec))


def _expect(kind: type[T], found: object) -> T:
    """Check the type of what a step returns, which may be that of a plug-in."""
    if not isinstance(found, kind):
        raise TypeError(f"returns {type(found).__name__}, expected {kind.__name__}")
    return found


def _to_plain(value: Any) -> Any:
    """Convert tuples to lists, also inside mappings."""
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    return value
