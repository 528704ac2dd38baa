"""What voltages are measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic.dataclasses import dataclass

from bids_dl.config import STRICT
from bids_dl.datamodel import Layout, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import listed, locate
from bids_dl.preprocess.step import Names, Need

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Reference:
    """Subtract the mean of some channels from the EEG (or intracranial) channels, as `mne.set_eeg_reference` does.

    As in MNE, a channel marked bad takes no part: it is neither in the average nor referenced to it, and where a recording has both EEG and
    intracranial channels, the EEG only is referenced. The report names what is left out.

    Parameters
    ----------
    channels
        ``"average"`` of all channels of the signal's type, or the names of the channels to average, such as both mastoids.
    """

    channels: Literal["average"] | Names = "average"

    name: ClassVar[str] = "reference"

    def needs(self, layout: Layout) -> Need:  # noqa: ARG002
        return Need("samples")

    def layout(self, layout: Layout) -> Layout:
        referenced = _referenced(layout)
        if not referenced:
            raise RecordingError(self.name, f"no EEG or intracranial channel to reference; the recording has {listed(layout.ch_names)}")
        if self.channels != "average":
            locate(self.channels, layout)
        elif len(referenced) < 2:
            raise RecordingError(self.name, f"an average reference needs two channels or more, got {listed(referenced)}")
        return layout

    def apply(self, raw: mne.io.BaseRaw, layout: Layout) -> tuple[mne.io.BaseRaw, StepReport]:
        marked, referenced = set(raw.info["bads"]), _referenced(layout)
        bads = [name for name in referenced if name in marked]
        if self.channels == "average" and len(referenced) - len(bads) < 2:
            raise RecordingError(self.name, f"fewer than two channels are not marked bad; bad are {listed(bads)}")
        raw.set_eeg_reference("average" if self.channels == "average" else locate(self.channels, layout), projection=False)
        others = [name for name in layout.ch_names if name not in referenced]
        notes = [f"not referenced: {listed(others)}"] if others else []
        notes += [f"marked bad, so neither averaged nor referenced: {listed(bads)}"] if bads else []
        return raw, StepReport(self.name, notes=tuple(notes))


def _referenced(layout: Layout) -> list[str]:
    """The channels of the first type there is, in MNE's order of preference."""
    for wanted in ("eeg", "ecog", "seeg", "dbs"):
        if found := [name for name, ch_type in zip(layout.ch_names, layout.ch_types, strict=True) if ch_type == wanted]:
            return found
    return []
