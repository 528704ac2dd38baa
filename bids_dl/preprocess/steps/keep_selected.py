"""Step `keep_selected`: only the selected segments of a recording, joined."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.excerpt import read_excerpt
from bids_dl.preprocess.step import Context, StepTraits
from bids_dl.wording import count

if TYPE_CHECKING:
    import mne

SELECTED = "bids_dl selected"  # description of the annotations that mark selected segments
SampleRanges: TypeAlias = Sequence[tuple[int, int]]
"""First sample, and the sample after the last, of disjoint segments in order of time."""


@dataclass(frozen=True, config=STRICT)
class KeepSelected:
    """Join the selected segments of a recording, so that later steps see nothing else.

    Filters before this step see the whole recording, so segments have no edge effects. The
    signal is marked as discontinuous where two segments meet, as `mne.concatenate_raws` does.
    Later steps that need a whole recording (`bad_channels`, `asr`, `ica`) then use the selected
    signal only. Later steps must not change the rate.

    Examples
    --------
    In a recipe, after filters and before the steps that need a whole recording::

        - keep_selected
        - asr
    """

    name: ClassVar[str] = "keep_selected"
    traits: ClassVar[StepTraits] = StepTraits(concatenates=True, keeps_samples=True)

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the whole recording, from which segments are joined."""
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate."""
        return spec

    def apply(
        self,
        raw: mne.io.BaseRaw,
        spec: SignalSpec,  # noqa: ARG002
    ) -> tuple[mne.io.BaseRaw, StepReport]:
        """Join the segments that `mark_selected` marked, of which there must be one or more."""
        import mne

        segments = selected_segments(raw)
        if not segments:
            raise RecordingError(self.name, "nothing of the recording is selected")
        descriptions = raw.annotations.description
        marks = [i for i, description in enumerate(descriptions) if description == SELECTED]
        raw.annotations.delete(marks)
        joined = mne.concatenate_raws([read_excerpt(raw, *segment) for segment in segments])
        sfreq = joined.info["sfreq"]
        note = (
            f"kept {joined.n_times / sfreq:.1f} of {raw.n_times / sfreq:.1f} s, "
            f"{count(len(segments), 'segment')}"
        )
        return joined, StepReport(self.name, share=0.0, notes=(note,))


def mark_selected(raw: mne.io.BaseRaw, segments: SampleRanges, sfreq: Fraction) -> None:
    """Annotate the selected segments of a recording, so that `KeepSelected` finds them.

    Parameters
    ----------
    segments
        Segments in samples at the rate ``sfreq``.
    sfreq
        Rate in Hz of the recording when `KeepSelected` is applied.
    """
    for start, stop in segments:
        onset = raw.first_time + float(start / sfreq)
        raw.annotations.append(onset, float((stop - start) / sfreq), SELECTED)


def selected_segments(raw: mne.io.BaseRaw) -> SampleRanges:
    """Return the segments that are marked as selected, in samples and inside the recording."""
    sfreq = raw.info["sfreq"]
    segments = []
    for annotation in raw.annotations:
        if annotation["description"] != SELECTED:
            continue
        start = round((annotation["onset"] - raw.first_time) * sfreq)
        stop = start + round(annotation["duration"] * sfreq)
        start = max(0, start)
        stop = min(stop, raw.n_times)
        if start < stop:
            segments.append((start, stop))
    return sorted(segments)


def joined_position(segments: SampleRanges, sample: int) -> int:
    """Return the position of a sample after the segments are joined.

    Raises
    ------
    ValueError
        The sample is in none of the segments.

    Examples
    --------
    >>> joined_position([(10, 20), (50, 60)], 52)
    12
    """
    position = 0
    for start, stop in segments:
        if start <= sample < stop:
            return position + sample - start
        position += stop - start
    raise ValueError(f"sample {sample} is in none of the selected segments")
