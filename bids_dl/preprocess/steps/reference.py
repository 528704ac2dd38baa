"""Step `reference`: the reference of the voltages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.channels import (
    add_channels,
    channels_of_type,
    find_channel,
    find_derivations,
    locate_channels,
)
from bids_dl.preprocess.excerpt import loaded_samples
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Array, Context, Names, StepTraits
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

POSITION_TOLERANCE = 1e-4  # m; between a position and that of the template it is taken from
TYPES_BY_PREFERENCE = ("eeg", "ecog", "seeg", "dbs")  # MNE references the first that occurs


@dataclass(frozen=True, config=STRICT)
class Reference:
    """Subtract the mean of some channels from the EEG, or else from the intracranial channels.

    The computation is that of `mne.set_eeg_reference`. As in MNE, a channel marked bad is
    neither averaged nor referenced, and only the EEG is referenced if a recording has
    intracranial channels too. Derivations, such as C3-M2, keep their own reference, unless all
    channels have the same one: the average of channels with different references is no reference.
    The report names the channels that are not referenced.

    Parameters
    ----------
    channels
        ``"average"`` of all channels of the referenced type, or the names of the channels to
        average, such as both mastoids.
    restore
        Name of the reference of the recording. If the recording lacks it, it is added as the
        last channel, with zeros, so that it is part of an average
        (`mne.add_reference_channels`).
    template
        MNE template with the position of the restored channel, which is moved to the head of the
        other electrodes.

    Examples
    --------
    In a recipe::

        - reference: {channels: average, restore: Cz}
    """

    channels: Literal["average"] | Names = "average"
    restore: Annotated[str, Field(min_length=1)] | None = None
    template: Annotated[str, AfterValidator(positions.check_template_name)] = (
        positions.DEFAULT_TEMPLATE
    )

    name: ClassVar[str] = "reference"
    traits: ClassVar[StepTraits] = StepTraits()

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the sample only, because channels are combined sample by sample."""
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the channels with the restored one, if the recording has the reference."""
        spec = self._with_restored(spec)
        referenced = _referenced_channels(spec)
        derivations = find_derivations(referenced)
        if not referenced:
            raise RecordingError(
                self.name,
                "no EEG or intracranial channel to reference; "
                f"the recording has {join_names(spec.ch_names)}",
            )
        if self.channels != "average":
            locate_channels(self.channels, spec)
        elif len(referenced) - len(derivations) < 2 and len(derivations) < len(referenced):
            others = [name for name in referenced if name not in derivations]
            raise RecordingError(
                self.name,
                f"an average reference needs two channels or more, got {join_names(others)}",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Add the restored channel and subtract the reference, in place."""
        restored = self._with_restored(spec)
        added = restored.ch_names[spec.n_chans :]
        if added:
            position = self._restored_position(raw.info, spec)
            zeros = np.zeros((1, raw.n_times))
            add_channels(raw, added, restored.ch_types[-1:], zeros, [position])
        referenced = _referenced_channels(restored)
        derivations = find_derivations(referenced)
        if derivations and len(derivations) == len(referenced):
            note = f"derivations keep their own reference: {join_names(derivations)}"
            return raw, StepReport(self.name, added, 0.0, (note,), flag=share_flag(0.0))
        referenced = [name for name in referenced if name not in derivations]
        good = [name for name in referenced if name not in raw.info["bads"]]
        bads = [name for name in referenced if name not in good]
        if self.channels == "average" and len(good) < 2:
            raise RecordingError(
                self.name, f"fewer than two channels are not marked bad; bad are {join_names(bads)}"
            )
        # The reference is subtracted from all good channels, so one of them shows if it is zero.
        probe = raw.ch_names.index((good or referenced)[0])
        before = loaded_samples(raw)[probe].copy()
        self._subtract(raw, restored, good, derivations)
        share = 0.0
        if not np.array_equal(before, loaded_samples(raw)[probe]):
            share = len(good) / restored.n_chans
        others = [name for name in restored.ch_names if name not in referenced]
        notes = []
        if added:
            notes.append(f"restored: {self.restore}")
        if others:
            notes.append(f"not referenced: {join_names(others)}")
        if bads:
            notes.append(f"marked bad, so neither averaged nor referenced: {join_names(bads)}")
        flag = "" if share else share_flag(0.0)
        return raw, StepReport(self.name, added, share, tuple(notes), flag=flag)

    def _subtract(
        self, raw: mne.io.BaseRaw, spec: SignalSpec, good: list[str], derivations: list[str]
    ) -> None:
        """Subtract the reference from all channels but derivations and those marked bad."""
        channels: str | list[str] = "average"
        if self.channels != "average":
            channels = locate_channels(self.channels, spec)
        elif derivations:  # MNE would average them too
            channels = good
        kept = raw.get_data(picks=derivations) if derivations else None
        raw.set_eeg_reference(channels, projection=False)
        if kept is not None:
            raw[derivations] = kept

    def _with_restored(self, spec: SignalSpec) -> SignalSpec:
        """Return the channels with the restored one at the end, if the recording lacks it."""
        referenced = _referenced_channels(spec)
        if self.restore is None or not referenced or find_channel(self.restore, spec) is not None:
            return spec
        ch_type = spec.ch_types[spec.ch_names.index(referenced[0])]
        return SignalSpec((*spec.ch_names, self.restore), (*spec.ch_types, ch_type), spec.sfreq)

    def _restored_position(self, info: mne.Info, spec: SignalSpec) -> Array | None:
        """Return the position (3,) of the restored channel in m, or None if it is unknown.

        It is the position of the template if the other electrodes are from the template, else
        the same direction on the sphere of the other electrodes.
        """
        located = positions.electrode_positions(info, _referenced_channels(spec))
        name = str(self.restore).casefold()
        template = positions.template_positions(self.template)
        if not located or name not in template:
            return None
        distances = []
        for ch_name, position in located.items():
            if ch_name.casefold() in template:
                distances.append(np.linalg.norm(position - template[ch_name.casefold()]))
        if distances and max(distances) < POSITION_TOLERANCE:
            return template[name]
        centre, radius = positions.fit_sphere(np.array(list(located.values())))
        direction = positions.template_directions(self.template)[name]
        return np.asarray(centre + radius * direction, dtype=np.float64)


def _referenced_channels(spec: SignalSpec) -> list[str]:
    """Return the channels of the first type that occurs, in MNE's order of preference."""
    for ch_type in TYPES_BY_PREFERENCE:
        names = channels_of_type(spec, ch_type)
        if names:
            return names
    return []
