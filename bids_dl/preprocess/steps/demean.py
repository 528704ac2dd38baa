"""Subtract the mean of each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import FILTERED_TYPES, listed
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Context

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Demean:
    """Subtract from each EEG or intracranial channel its mean over the recording.

    A direct-coupled amplifier's offset of tens of mV is more than a band-pass takes out.
    """

    name: ClassVar[str] = "demean"

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        if not _picked(spec):
            raise RecordingError(
                self.name,
                f"no EEG or intracranial channel; the recording has {listed(spec.ch_names)}",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        moved = 0
        for i in _picked(
            spec
        ):  # one channel at a time, so that no second copy of the recording is made
            signal = raw.get_data(picks=[i])
            mean = signal.mean()
            raw[[i]] = signal - mean
            moved += int(mean != 0)
        notes = () if moved else share_flag(0.0, "channels")
        return raw, StepReport(self.name, share=moved / spec.n_chans, notes=notes)


def _picked(spec: SignalSpec) -> list[int]:
    return [i for i, kind in enumerate(spec.ch_types) if kind in FILTERED_TYPES]
