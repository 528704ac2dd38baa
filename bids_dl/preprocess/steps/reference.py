"""What voltages are measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.channels import add, find, listed, locate
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Array, Context, Names

if TYPE_CHECKING:
    import mne

SAME_PLACE = 1e-4  # m, by which a position may differ from a template's that it was taken from


@dataclass(frozen=True, config=STRICT)
class Reference:
    """Subtract the mean of some channels from the EEG (or intracranial) channels, as `mne.set_eeg_reference` does.

    As in MNE, a channel marked bad takes no part: it is neither in the average nor referenced to it, and where a recording has both EEG and
    intracranial channels, the EEG only is referenced. The report names what is left out.

    Parameters
    ----------
    channels
        ``"average"`` of all channels of the signal's type, or the names of the channels to average, such as both mastoids.
    restore
        Name of the channel that the recording was made against: where a recording does not hold it, it is added first, as zeros, last
        among the channels, so that it has its part in the average (`mne.add_reference_channels`). Its position is that of ``template``.
    template
        MNE template that says where the restored channel lies, on the head of the recording's other electrodes.
    """

    channels: Literal["average"] | Names = "average"
    restore: Annotated[str, Field(min_length=1)] | None = None
    template: Annotated[str, AfterValidator(positions.known_template)] = positions.DEFAULT_TEMPLATE

    name: ClassVar[str] = "reference"

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        spec = self._restored(spec)
        referenced = _referenced(spec)
        if not referenced:
            raise RecordingError(
                self.name,
                f"no EEG or intracranial channel to reference; the recording has {listed(spec.ch_names)}",
            )
        if self.channels != "average":
            locate(self.channels, spec)
        elif len(referenced) < 2:
            raise RecordingError(
                self.name,
                f"an average reference needs two channels or more, got {listed(referenced)}",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        restored = self._restored(spec)
        added = restored.ch_names[spec.n_chans :]
        if added:
            add(
                raw,
                added,
                restored.ch_types[-1:],
                np.zeros((1, raw.n_times)),
                [self._place(raw.info, spec)],
            )
        marked, referenced = set(raw.info["bads"]), _referenced(restored)
        bads = [name for name in referenced if name in marked]
        if self.channels == "average" and len(referenced) - len(bads) < 2:
            raise RecordingError(
                self.name, f"fewer than two channels are not marked bad; bad are {listed(bads)}"
            )
        one = next((name for name in referenced if name not in marked), referenced[0])
        before = raw.get_data(picks=[one])
        raw.set_eeg_reference(
            "average" if self.channels == "average" else locate(self.channels, restored),
            projection=False,
        )
        share = (
            0.0
            if np.array_equal(before, raw.get_data(picks=[one]))
            else (len(referenced) - len(bads)) / restored.n_chans
        )
        others = [name for name in restored.ch_names if name not in referenced]
        notes = [f"restored: {self.restore}"] if added else []
        notes += [f"not referenced: {listed(others)}"] if others else []
        notes += [f"marked bad, so neither averaged nor referenced: {listed(bads)}"] if bads else []
        return raw, StepReport(
            self.name, added, share, (*notes, *(share_flag(0.0, "channels") if not share else ()))
        )

    def _restored(self, spec: SignalSpec) -> SignalSpec:
        if self.restore is None or find(self.restore, spec) is not None or not _referenced(spec):
            return spec
        ch_type = dict(zip(spec.ch_names, spec.ch_types, strict=True))[_referenced(spec)[0]]
        return SignalSpec((*spec.ch_names, self.restore), (*spec.ch_types, ch_type), spec.sfreq)

    def _place(self, info: mne.Info, spec: SignalSpec) -> Array | None:
        """Where the restored channel lies: as the template says, of whose positions the others are, else on the sphere of the others."""
        held = positions.held(info, _referenced(spec))
        name = str(self.restore).casefold()
        usual = positions.template(self.template)
        if not held or name not in usual:
            return None
        shared = [
            (place, usual[own.casefold()]) for own, place in held.items() if own.casefold() in usual
        ]
        if shared and all(np.linalg.norm(one - other) < SAME_PLACE for one, other in shared):
            return usual[name]
        centre, radius = positions.sphere(np.array(list(held.values())))
        return np.asarray(
            centre + radius * positions.template_directions(self.template)[name], dtype=np.float64
        )


def _referenced(spec: SignalSpec) -> list[str]:
    """The channels of the first type there is, in MNE's order of preference."""
    for wanted in ("eeg", "ecog", "seeg", "dbs"):
        if found := [
            name
            for name, ch_type in zip(spec.ch_names, spec.ch_types, strict=True)
            if ch_type == wanted
        ]:
            return found
    return []
