"""Only the selected stretches, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.excerpt import excerpt
from bids_dl.preprocess.step import Context

if TYPE_CHECKING:
    import mne

SELECTED = "bids_dl selected"  # annotation of a stretch
Stretches = Sequence[tuple[int, int]]
"""First sample and the first behind, disjoint and in order of time."""


@dataclass(frozen=True, config=STRICT)
class KeepSelected:
    """Join the selected stretches of a recording, so that the steps after it see nothing else.

    Filters before it see the whole recording, and so have no edge at a stretch; where two stretches meet, the signal is marked as not
    continuous, as `mne.concatenate_raws` does. Steps that look at a whole recording (bad channels, ASR, ICA) then judge by the selected
    signal alone. Steps after it may not change the rate.
    """

    name: ClassVar[str] = "keep_selected"

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:  # noqa: ARG002
        import mne

        stretches = marked(raw)
        if not stretches:
            raise RecordingError(self.name, "nothing of the recording is selected")
        before = raw.n_times
        marks = [
            i
            for i, description in enumerate(raw.annotations.description)
            if description == SELECTED
        ]
        raw.annotations.delete(marks)
        kept = mne.concatenate_raws([excerpt(raw, *stretch) for stretch in stretches])
        seconds = kept.n_times / kept.info["sfreq"]
        number = f"{len(stretches)} stretches" if len(stretches) > 1 else "one stretch"
        return kept, StepReport(
            self.name,
            share=0.0,
            notes=(f"kept {seconds:.1f} of {before / kept.info['sfreq']:.1f} s, {number}",),
        )


def mark_selected(raw: mne.io.BaseRaw, stretches: Stretches, sfreq: Fraction) -> None:
    """Note stretches on a recording, given in samples of a rate that it has now or will have, so that `KeepSelected` finds them."""
    for start, stop in stretches:
        raw.annotations.append(
            raw.first_time + float(start / sfreq), float((stop - start) / sfreq), SELECTED
        )


def marked(raw: mne.io.BaseRaw) -> Stretches:
    """The stretches noted on a recording, in its samples; not beyond its end."""
    sfreq = raw.info["sfreq"]
    found = []
    for annotation in raw.annotations:
        if annotation["description"] == SELECTED:
            start = round((annotation["onset"] - raw.first_time) * sfreq)
            found.append(
                (max(0, start), min(start + round(annotation["duration"] * sfreq), raw.n_times))
            )
    return [(start, stop) for start, stop in sorted(found) if start < stop]


def position(stretches: Stretches, sample: int) -> int:
    """Where a sample is once the stretches are joined.

    Raises
    ------
    ValueError
        It is in none of them.
    """
    before = 0
    for start, stop in stretches:
        if start <= sample < stop:
            return before + sample - start
        before += stop - start
    raise ValueError(f"sample {sample} is in none of the selected stretches")
