"""Dropouts: stretches in which the amplifier or the link to it was silent, marked and, where short, imputed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import listed
from bids_dl.preprocess.excerpt import mirror_again, mirrored, stretches
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.silence import REACH, silences
from bids_dl.preprocess.step import Array, Context, number

if TYPE_CHECKING:
    import mne

DROPOUT = "dropout"
"""What annotations of dropouts are called."""

TYPES = ("eeg", "seeg", "ecog", "dbs", "eog", "ecg", "emg", "bio")
"""Types whose samples an amplifier makes of a voltage; a channel of another type may well stay at one value."""

CLOCK = 2e-6  # s, by which the times of annotations may be off: MNE rounds them to microseconds when it crops
SAME = 1e-4  # samples, by which a moment may be off for what float numbers make of it

Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(number)]
Gap: TypeAlias = tuple[int, int]  # first sample of a dropout and the one after its last


@dataclass(frozen=True, config=STRICT)
class Dropouts:
    """Find where channels were silent, mark it for the windows that are cut later, and impute what is short.

    Silence is samples that are exactly equal, or no numbers, so this step comes before any filter. Zeros, rails and samples that are no
    numbers count from the first; where channels hold the value they had, that one is true and does not count (see
    `bids_dl.preprocess.silence`). A channel that is silent throughout is marked and stays as it is. No sample outside a dropout changes.

    Parameters
    ----------
    shortest
        Least time in s that a channel must repeat one value.
    impute
        Longest dropout in s to impute; 0: none. Longer ones stay as they are, but samples that are no numbers become 0, because a filter
        would spread them.
    method
        ``"linear"``: a straight line from the sample before to the one after. ``"recent"``: the equally long clean signal just before, or
        after where there is none, plus the straight line that joins it at both ends; where neither is clean, the line alone.
    """

    shortest: Positive = 0.1
    impute: Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(number)] = 0.5
    method: Literal["linear", "recent"] = "linear"

    name: ClassVar[str] = "dropouts"

    def needs(self, spec: SignalSpec) -> Context:
        """Both ends of a dropout to impute, and the signal it is imputed from."""
        imputed = self.impute * (2 if self.method == "recent" else 1)
        return Context("samples", imputed + self.shortest + REACH / float(spec.sfreq))

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        if not _watched(spec):
            raise RecordingError(
                self.name, f"no channel of a voltage; the recording has {listed(spec.ch_names)}"
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        watched, sfreq = _watched(spec), float(spec.sfreq)
        shortest = max(2, math.ceil(self.shortest * sfreq - SAME))
        found: dict[Gap, list[str]] = {}
        imputed: set[Gap] = set()
        n_imputed, first = 0, mirrored(raw)
        for low, high in stretches(raw):
            low = max(low, first)
            signals = (raw.get_data(picks=[i], start=low, stop=high)[0] for i in watched)
            for i, gaps in zip(watched, silences(signals, shortest), strict=True):
                mended = self._mended(raw, i, (low, high), gaps, sfreq) if gaps else []
                imputed |= {(low + start, low + stop) for start, stop in mended}
                n_imputed += sum(stop - start for start, stop in mended)
                for start, stop in gaps:
                    found.setdefault((low + start, low + stop), []).append(spec.ch_names[i])
        mark(raw, found)
        share = n_imputed / (spec.n_chans * raw.n_times)
        touched = {name for names in found.values() for name in names}
        channels = tuple(name for name in spec.ch_names if name in touched)
        mirror_again(raw, channels)
        return raw, StepReport(
            self.name, channels, share, (*_told(raw, found, imputed), *share_flag(share, "samples"))
        )

    def _mended(
        self, raw: mne.io.BaseRaw, channel: int, stretch: Gap, gaps: Sequence[Gap], sfreq: float
    ) -> list[Gap]:
        """Impute the dropouts of one channel in a stretch without a jump in time; those that were."""
        low, high = stretch
        longest = math.floor(self.impute * sfreq + SAME)
        signal = raw.get_data(picks=[channel], start=low, stop=high)[0]
        clean = np.ones(len(signal), dtype=np.bool_)
        for start, stop in gaps:
            clean[start:stop] = False
        short = [
            (start, stop)
            for start, stop in gaps
            if stop - start <= longest and stop - start < len(signal)
        ]
        made = [
            _recent(signal, clean, gap) if self.method == "recent" else _line(signal, gap)
            for gap in short
        ]
        for (start, stop), values in zip(short, made, strict=True):
            signal[start:stop] = values
        signal[~np.isfinite(signal)] = 0.0
        raw[[channel], low:high] = signal[None]
        return short


def dropout_mask(raw: mne.io.BaseRaw, ch_names: Sequence[str]) -> NDArray[np.bool_]:
    """Which samples lie in a dropout, (len(ch_names), n_times), at the rate that the recording has now.

    A sample of another rate than the one at which dropouts were found belongs to one that begins with or before it and ends after it.
    """
    mask = np.zeros((len(ch_names), raw.n_times), dtype=np.bool_)
    rows = {name: row for row, name in enumerate(ch_names)}
    for onset, duration, names in _marked(raw):
        start, stop = (_sample(onset + time, raw.info["sfreq"]) for time in (0.0, duration))
        mask[[rows[name] for name in names if name in rows], max(0, start) : max(0, stop)] = True
    return mask


def mark(raw: mne.io.BaseRaw, found: Mapping[Gap, Sequence[str]]) -> None:
    """Annotate dropouts by their samples and channels, those of equal samples as one."""
    if found:
        starts, stops = np.array(sorted(found)).T
        onsets = raw.first_time + starts / raw.info["sfreq"]
        names = [tuple(found[gap]) for gap in sorted(found)]
        raw.annotations.append(
            onsets, (stops - starts) / raw.info["sfreq"], [DROPOUT] * len(names), ch_names=names
        )


def inherit(raw: mne.io.BaseRaw, made: Mapping[str, Sequence[str]]) -> None:
    """Mark new channels wherever one of those that they are made of is marked."""
    notes = raw.annotations
    for i in np.flatnonzero(np.asarray(notes.description) == DROPOUT):
        silent = set(notes.ch_names[i])
        notes.ch_names[i] = (
            *notes.ch_names[i],
            *(name for name, sources in made.items() if silent & set(sources)),
        )


def _marked(raw: mne.io.BaseRaw) -> list[tuple[float, float, tuple[str, ...]]]:
    """Onset in s after the first sample, duration and channels of each dropout."""
    notes = raw.annotations
    chosen = np.flatnonzero(np.asarray(notes.description) == DROPOUT)
    return [
        (float(notes.onset[i] - raw.first_time), float(notes.duration[i]), tuple(notes.ch_names[i]))
        for i in chosen
    ]


def _sample(time: float, sfreq: float) -> int:
    """The first sample at a time in s or after it."""
    return math.ceil(time * sfreq - CLOCK * sfreq - SAME)


def _watched(spec: SignalSpec) -> list[int]:
    return [i for i, kind in enumerate(spec.ch_types) if kind in TYPES]


def _line(signal: Array, gap: Gap) -> Array:
    """A straight line over a dropout; at an end of the signal its value at the other side."""
    start, stop = gap
    after = signal[stop if stop < len(signal) else start - 1]
    before = signal[start - 1] if start else after
    return np.linspace(before, after, stop - start + 2)[1:-1]


def _recent(signal: Array, clean: NDArray[np.bool_], gap: Gap) -> Array:
    """The clean signal before a dropout, or after it, tilted so that its ends fall on the samples around the dropout."""
    start, stop = gap
    size = stop - start + 2  # with the two samples that join it
    for first in (start - size, stop):
        if first >= 0 and clean[first : first + size].sum() == size:
            like = signal[first : first + size]
            at_stop = signal[stop] - like[-1] if stop < len(signal) else signal[start - 1] - like[0]
            at_start = signal[start - 1] - like[0] if start else at_stop
            return np.asarray(like + np.linspace(at_start, at_stop, size), dtype=np.float64)[1:-1]
    return _line(signal, gap)


def _told(
    raw: mne.io.BaseRaw, found: Mapping[Gap, Sequence[str]], imputed: set[Gap]
) -> tuple[str, ...]:
    """What was found in the recording, or in this excerpt of it."""
    if not found:
        return ()
    lengths = [(stop - start) / raw.info["sfreq"] for start, stop in found]
    held = sum(length * len(names) for length, names in zip(lengths, found.values(), strict=True))
    shortest, longest = min(lengths), max(lengths)
    span = f"{shortest:.3g}" if shortest == longest else f"{shortest:.3g} to {longest:.3g}"
    first, last = raw.first_time, raw.first_time + raw.n_times / raw.info["sfreq"]
    when = f"{first:.1f} to {last:.1f} s"
    own = raw.n_times - mirrored(raw)
    throughout = sorted(
        name for (start, stop), names in found.items() if stop - start == own for name in names
    )
    notes = [
        f"{when}: {len(found)} dropout{'s' * (len(found) > 1)} of {span} s, over all channels {held:.3g} s; "
        f"{len(imputed)} imputed, {len(found) - len(imputed)} left"
    ]
    return (*notes, *([f"{when}: silent throughout: {listed(throughout)}"] if throughout else []))
