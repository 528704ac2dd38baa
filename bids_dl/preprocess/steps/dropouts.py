"""Step `dropouts`: detection of dropouts of the amplifier or its link, and imputation.

Dropouts are kept as annotations of the recording, so that later steps and the store know them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import VOLTAGE_TYPES, SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import channels_of_type
from bids_dl.preprocess.dropout_runs import MAX_CONTEXT_SAMPLES, find_dropout_runs
from bids_dl.preprocess.excerpt import continuous_segments, count_mirrored, renew_mirrored
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Array, Context, Mask, StepTraits, reject_bool
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    import mne

DROPOUT = "dropout"
"""Description of the annotations of dropouts."""

# MNE rounds the times of annotations to microseconds when it crops.
ANNOTATION_TOLERANCE = 2e-6  # s
SAMPLE_TOLERANCE = 1e-4  # samples; error of a time in floating point

Positive: TypeAlias = Annotated[
    float, Field(gt=0, allow_inf_nan=False), BeforeValidator(reject_bool)
]
NonNegative: TypeAlias = Annotated[
    float, Field(ge=0, allow_inf_nan=False), BeforeValidator(reject_bool)
]
Span: TypeAlias = tuple[int, int]
"""First sample, and the sample after the last."""


@dataclass(frozen=True, config=STRICT)
class Dropouts:
    """Find the dropouts of each channel, annotate them, and impute short ones.

    A dropout is a run of equal samples, or of samples that are not finite, so the step must
    precede all filters. Zeros, rails and samples that are not finite count from the first
    sample. If a channel holds its last value, that first sample is true and does not count (see
    `bids_dl.preprocess.dropout_runs`). A channel that is silent throughout is annotated and
    stays as it is. No sample outside a dropout changes.

    Parameters
    ----------
    shortest
        Smallest duration of a dropout in s.
    impute
        Longest dropout to impute, in s; 0 imputes none. Longer dropouts stay as they are, except
        that samples that are not finite become 0, because a filter would spread them.
    method
        ``"linear"``: a straight line from the sample before to the sample after. ``"recent"``:
        the equally long clean signal just before, or else just after, plus the line that joins
        it at both ends; only the line if neither is clean.

    Examples
    --------
    In a recipe, as the first step that changes samples::

        - dropouts: {shortest: 0.1, impute: 1.0, method: recent}
    """

    shortest: Positive = 0.1
    impute: NonNegative = 0.5
    method: Literal["linear", "recent"] = "linear"

    name: ClassVar[str] = "dropouts"
    traits: ClassVar[StepTraits] = StepTraits(marks_dropouts=True, keeps_samples=True)

    def required_context(self, spec: SignalSpec) -> Context:
        """Require both ends of a dropout to impute, and the signal it is imputed from."""
        imputed = self.impute * (2 if self.method == "recent" else 1)
        search = MAX_CONTEXT_SAMPLES / float(spec.sfreq)
        return Context("samples", imputed + self.shortest + search)

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if one of them is a voltage."""
        if not channels_of_type(spec, *VOLTAGE_TYPES):
            raise RecordingError(
                self.name, f"no channel of a voltage; the recording has {join_names(spec.ch_names)}"
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Annotate and impute the dropouts in place, and report their number and durations."""
        picks = [i for i, ch_type in enumerate(spec.ch_types) if ch_type in VOLTAGE_TYPES]
        sfreq = float(spec.sfreq)
        min_samples = max(2, math.ceil(self.shortest * sfreq - SAMPLE_TOLERANCE))
        max_imputed = math.floor(self.impute * sfreq + SAMPLE_TOLERANCE)
        n_mirrored = count_mirrored(raw)
        channels_by_span: dict[Span, list[str]] = {}
        imputed: set[Span] = set()
        n_imputed = 0
        for low, high in continuous_segments(raw):
            low = max(low, n_mirrored)
            signals = (raw.get_data(picks=[i], start=low, stop=high)[0] for i in picks)
            runs_by_channel = find_dropout_runs(signals, min_samples)
            for pick, runs in zip(picks, runs_by_channel, strict=True):
                for start, stop in runs:
                    span = (low + start, low + stop)
                    channels_by_span.setdefault(span, []).append(spec.ch_names[pick])
                for start, stop in self._impute(raw, pick, (low, high), runs, max_imputed):
                    imputed.add((low + start, low + stop))
                    n_imputed += stop - start
        annotate_dropouts(raw, channels_by_span)
        share = n_imputed / (spec.n_chans * raw.n_times)
        affected = {name for names in channels_by_span.values() for name in names}
        channels = tuple(name for name in spec.ch_names if name in affected)
        renew_mirrored(raw, channels)
        notes = _describe(raw, channels_by_span, imputed)
        return raw, StepReport(self.name, channels, share, notes, flag=share_flag(share))

    def _impute(
        self,
        raw: mne.io.BaseRaw,
        pick: int,
        segment: Span,
        runs: Sequence[Span],
        max_samples: int,
    ) -> list[Span]:
        """Impute the short dropouts of one channel in a continuous segment, in place.

        Parameters
        ----------
        pick
            Index of the channel.
        segment
            The segment in samples of ``raw``.
        runs
            Dropouts in samples of the segment.
        max_samples
            Length of the longest dropout to impute.

        Returns
        -------
        list of Span
            The dropouts that were imputed.
        """
        if not runs:
            return []
        low, high = segment
        signal = raw.get_data(picks=[pick], start=low, stop=high)[0]
        is_clean = np.ones(len(signal), dtype=np.bool_)
        short = []
        for start, stop in runs:
            is_clean[start:stop] = False
            if stop - start <= max_samples and stop - start < len(signal):
                short.append((start, stop))
        # All values are computed first, because a dropout is not imputed from imputed samples.
        values = []
        for span in short:
            if self.method == "recent":
                values.append(_impute_recent(signal, is_clean, span))
            else:
                values.append(_interpolate(signal, span))
        for (start, stop), imputed in zip(short, values, strict=True):
            signal[start:stop] = imputed
        signal[~np.isfinite(signal)] = 0.0
        raw[[pick], low:high] = signal[None]
        return short


def dropout_mask(raw: mne.io.BaseRaw, ch_names: Sequence[str]) -> Mask:
    """Return the samples that are in dropouts, at the present rate of a recording.

    After resampling, a sample is in a dropout if the dropout begins at or before it and ends
    after it.

    Parameters
    ----------
    raw
        A recording after the step `dropouts`.
    ch_names
        Names of channels; names that the recording lacks have no dropouts.

    Returns
    -------
    Mask
        (len(ch_names), n_times).
    """
    mask = np.zeros((len(ch_names), raw.n_times), dtype=np.bool_)
    rows = {name: row for row, name in enumerate(ch_names)}
    annotations = raw.annotations
    for i in _dropout_indices(raw):
        onset = float(annotations.onset[i] - raw.first_time)
        start = _first_sample_from(onset, raw.info["sfreq"])
        stop = _first_sample_from(onset + float(annotations.duration[i]), raw.info["sfreq"])
        affected = [rows[name] for name in annotations.ch_names[i] if name in rows]
        mask[affected, max(0, start) : max(0, stop)] = True
    return mask


def annotate_dropouts(raw: mne.io.BaseRaw, channels_by_span: Mapping[Span, Sequence[str]]) -> None:
    """Annotate dropouts, one annotation for the channels of each span of samples."""
    if not channels_by_span:
        return
    spans = sorted(channels_by_span)
    starts, stops = np.array(spans).T
    sfreq = raw.info["sfreq"]
    raw.annotations.append(
        raw.first_time + starts / sfreq,
        (stops - starts) / sfreq,
        [DROPOUT] * len(spans),
        ch_names=[tuple(channels_by_span[span]) for span in spans],
    )


def inherit_dropouts(raw: mne.io.BaseRaw, sources: Mapping[str, Sequence[str]]) -> None:
    """Annotate new channels wherever a channel they are computed from has a dropout.

    Parameters
    ----------
    sources
        Names of the source channels of each new channel.
    """
    annotations = raw.annotations
    for i in _dropout_indices(raw):
        affected = set(annotations.ch_names[i])
        inheriting = [name for name, channels in sources.items() if affected & set(channels)]
        annotations.ch_names[i] = (*annotations.ch_names[i], *inheriting)


def _dropout_indices(raw: mne.io.BaseRaw) -> list[int]:
    """Return the indices of the annotations of dropouts."""
    is_dropout = np.asarray(raw.annotations.description) == DROPOUT
    return [int(i) for i in np.flatnonzero(is_dropout)]


def _first_sample_from(time: float, sfreq: float) -> int:
    """Return the first sample at a time in s or after it."""
    return math.ceil(time * sfreq - ANNOTATION_TOLERANCE * sfreq - SAMPLE_TOLERANCE)


def _interpolate(signal: Array, span: Span) -> Array:
    """Return a line over a dropout, or a constant if it is at an end of the signal."""
    start, stop = span
    after = signal[stop if stop < len(signal) else start - 1]
    before = signal[start - 1] if start else after
    return np.linspace(before, after, stop - start + 2)[1:-1]


def _impute_recent(signal: Array, is_clean: Mask, span: Span) -> Array:
    """Return the clean signal before or after a dropout, tilted to join it at both ends."""
    start, stop = span
    size = stop - start + 2  # with the two samples around the dropout
    for first in (start - size, stop):
        if first < 0 or is_clean[first : first + size].sum() != size:
            continue
        pattern = signal[first : first + size]
        if stop < len(signal):
            offset_after = signal[stop] - pattern[-1]
        else:
            offset_after = signal[start - 1] - pattern[0]
        offset_before = signal[start - 1] - pattern[0] if start else offset_after
        tilted = pattern + np.linspace(offset_before, offset_after, size)
        return np.asarray(tilted, dtype=np.float64)[1:-1]
    return _interpolate(signal, span)


def _describe(
    raw: mne.io.BaseRaw, channels_by_span: Mapping[Span, Sequence[str]], imputed: set[Span]
) -> tuple[str, ...]:
    """Describe the dropouts of a recording, or of this excerpt of it."""
    if not channels_by_span:
        return ()
    sfreq = raw.info["sfreq"]
    n_recorded = raw.n_times - count_mirrored(raw)
    seconds = []
    total_seconds = 0.0  # over channels
    silent_channels: list[str] = []
    for (start, stop), names in channels_by_span.items():
        seconds.append((stop - start) / sfreq)
        total_seconds += (stop - start) / sfreq * len(names)
        if stop - start == n_recorded:
            silent_channels += names
    durations = f"{min(seconds):.3g}"
    if min(seconds) != max(seconds):
        durations += f" to {max(seconds):.3g}"
    end = raw.first_time + raw.n_times / sfreq
    times = f"{raw.first_time:.1f} to {end:.1f} s"
    n_spans = len(channels_by_span)
    notes = [
        f"{times}: {count(n_spans, 'dropout')} of {durations} s, "
        f"over all channels {total_seconds:.3g} s; "
        f"{len(imputed)} imputed, {n_spans - len(imputed)} left"
    ]
    if silent_channels:
        notes.append(f"{times}: silent throughout: {join_names(sorted(silent_channels))}")
    return tuple(notes)
