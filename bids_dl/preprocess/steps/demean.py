"""Subtract the mean of each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import Layout, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import FILTERED_TYPES, listed
from bids_dl.preprocess.notes import flagged
from bids_dl.preprocess.step import Need

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Demean:
    """Subtract from each EEG or intracranial channel its mean over the recording.

    A direct-coupled amplifier's offset of tens of mV is more than a band-pass takes out.
    """

    name: ClassVar[str] = "demean"

    def needs(self, layout: Layout) -> Need:  # noqa: ARG002
        return Need("recording")

    def layout(self, layout: Layout) -> Layout:
        if not _picked(layout):
            raise RecordingError(
                self.name,
                f"no EEG or intracranial channel; the recording has {listed(layout.ch_names)}",
            )
        return layout

    def apply(self, raw: mne.io.BaseRaw, layout: Layout) -> tuple[mne.io.BaseRaw, StepReport]:
        moved = 0
        for i in _picked(
            layout
        ):  # one channel at a time, so that no second copy of the recording is made
            signal = raw.get_data(picks=[i])
            mean = signal.mean()
            raw[[i]] = signal - mean
            moved += int(mean != 0)
        notes = () if moved else flagged(0.0, "channels")
        return raw, StepReport(self.name, share=moved / layout.n_chans, notes=notes)


def _picked(layout: Layout) -> list[int]:
    return [i for i, kind in enumerate(layout.ch_types) if kind in FILTERED_TYPES]
