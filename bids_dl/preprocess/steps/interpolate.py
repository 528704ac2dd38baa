"""Step `interpolate`: EEG channels from spherical splines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, BeforeValidator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.channels import add_channels, channels_of_type, find_channel
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.splines import MIN_ELECTRODES, spline_weights
from bids_dl.preprocess.step import Array, Context, Names, StepTraits
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

# fmt: off
CHANNEL_SETS = {
    "10-20": (
        "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz",
        "C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "O2",
    )
}
# fmt: on
"""Sets of channels that a recipe may name by one word."""

MAX_ANGLE = 25.0  # degrees to the nearest electrode; 4 cm on a head of 9.5 cm radius


def _expand_set(names: Any) -> Any:
    return CHANNEL_SETS.get(names, names) if isinstance(names, str) else names


@dataclass(frozen=True, config=STRICT)
class Interpolate:
    """Produce the requested EEG channels from any recording.

    Good channels of the recording are kept as they are. The others are interpolated from the
    good channels by spherical splines [1]_, as `mne.io.Raw.interpolate_bads` does, with the
    positions of the recording (see the step `montage`). Channels marked bad are interpolated
    too, and are good afterwards. Channels of other types are kept.

    Parameters
    ----------
    channels
        Names of the EEG channels of the result in order, or ``10-20`` for the 19 channels of the
        10-20 system. Without names, the EEG channels of the recording.
    template
        MNE template with the positions of the channels that a recording lacks.

    References
    ----------
    .. [1] Perrin et al. 1989, Electroencephalogr Clin Neurophysiol 72(2), 184-187.

    Examples
    --------
    In a recipe::

        - montage: {positions: [electrodes, standard_1005]}
        - interpolate: {channels: 10-20}
    """

    channels: Annotated[Names, BeforeValidator(_expand_set)] = ()
    template: Annotated[str, AfterValidator(positions.check_template_name)] = (
        positions.DEFAULT_TEMPLATE
    )

    name: ClassVar[str] = "interpolate"
    traits: ClassVar[StepTraits] = StepTraits()

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the sample only, because channels are combined sample by sample."""
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the requested EEG channels, then the channels of other types."""
        names = list(self._targets(spec))
        eeg = channels_of_type(spec, "eeg")
        if len(eeg) < MIN_ELECTRODES:
            raise RecordingError(
                self.name,
                f"needs {MIN_ELECTRODES} EEG channels or more, got {join_names(eeg) or 'none'}",
            )
        types = ["eeg"] * len(names)
        for name, ch_type in zip(spec.ch_names, spec.ch_types, strict=True):
            if ch_type == "eeg":
                continue
            if name in names:
                raise RecordingError(
                    "channels",
                    f"{name} is to be an EEG channel, but the recording has a channel of this "
                    "name and another type; rename or drop it",
                )
            names.append(name)
            types.append(ch_type)
        return SignalSpec(tuple(names), tuple(types), spec.sfreq)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Interpolate the missing and bad channels, and report their names."""
        output_spec = self.output_spec(spec)
        eeg = channels_of_type(spec, "eeg")
        bads = set(raw.info["bads"])
        sources = [name for name in eeg if name not in bads]
        kept = {}
        interpolated = []
        for target, ch_name in self._targets(spec).items():
            if ch_name is None or ch_name in bads:
                interpolated.append(target)
            else:
                kept[target] = ch_name
        if not interpolated:
            report = StepReport(self.name, share=0.0, flag=share_flag(0.0))
            return _arrange(raw, kept, output_spec), report
        if len(sources) < MIN_ELECTRODES:
            raise RecordingError(
                self.name,
                f"fewer than {MIN_ELECTRODES} channels are not marked bad; "
                f"good are {join_names(sources) or 'none'}",
            )
        positions.require_positions(raw.info, sources, self.name)
        located = positions.electrode_positions(raw.info, eeg)
        positions.require_plausible(raw.info, located, self.name)
        unit_vectors = positions.unit_directions(np.array(list(located.values())))
        directions = dict(zip(located, unit_vectors, strict=True))
        to_directions = np.array(
            [self._target_direction(name, spec, directions) for name in interpolated]
        )
        from_directions = np.array([directions[name] for name in sources])
        weights = spline_weights(from_directions, to_directions)
        signals = weights @ raw.get_data(picks=sources)
        added = _add_interpolated(raw, signals, to_directions, located)
        ch_names = kept | dict(zip(interpolated, added, strict=True))
        share = len(interpolated) / output_spec.n_chans
        return _arrange(raw, ch_names, output_spec), StepReport(
            self.name,
            channels=tuple(interpolated),
            share=share,
            notes=_note_distant(interpolated, from_directions, to_directions),
            flag=share_flag(len(interpolated) / len(ch_names)),
        )

    def _targets(self, spec: SignalSpec) -> dict[str, str | None]:
        """Return the EEG channels of the result, each with the recording's channel or None."""
        eeg = channels_of_type(spec, "eeg")
        if not self.channels:
            return dict(zip(eeg, eeg, strict=True))
        eeg_spec = SignalSpec(tuple(eeg), ("eeg",) * len(eeg), spec.sfreq)
        targets = {target: find_channel(target, eeg_spec) for target in self.channels}
        if len(set(map(str.casefold, targets))) < len(self.channels):
            raise RecordingError(
                "channels", f"a channel is named twice among {join_names(self.channels)}"
            )
        template = positions.template_positions(self.template)
        absent = [target for target, ch_name in targets.items() if ch_name is None]
        unknown = [target for target in absent if target.casefold() not in template]
        if unknown:
            raise RecordingError(
                "channels",
                f"no channel {join_names(unknown)} in the recording, "
                f"nor in the template {self.template}",
            )
        return targets

    def _target_direction(
        self, target: str, spec: SignalSpec, directions: Mapping[str, Array]
    ) -> Array:
        """Return the unit vector to a channel, from the recording if it has one, or the template.

        A recording has the position of a channel that is only marked bad.
        """
        ch_name = find_channel(target, spec)
        if ch_name is not None and ch_name in directions:
            return directions[ch_name]
        template = positions.template_directions(self.template)
        if target.casefold() not in template:
            raise RecordingError(
                self.name,
                f"no position for {target}, marked bad, in the recording or in {self.template}",
            )
        return template[target.casefold()]


def _add_interpolated(
    raw: mne.io.BaseRaw, signals: Array, directions: Array, located: Mapping[str, Array]
) -> list[str]:
    """Append interpolated channels on the sphere of the others, and return their unique names."""
    names = [f"interpolated channel {i}" for i in range(len(signals))]
    centre, radius = positions.fit_sphere(np.array(list(located.values())))
    ch_types = ["eeg"] * len(names)
    add_channels(raw, names, ch_types, signals, list(centre + radius * directions))
    return names


def _arrange(
    raw: mne.io.BaseRaw, ch_names: Mapping[str, str], output_spec: SignalSpec
) -> mne.io.BaseRaw:
    """Order and rename the channels as planned, with their present names by new name."""
    raw.reorder_channels([ch_names.get(name, name) for name in output_spec.ch_names])
    raw.rename_channels({old: new for new, old in ch_names.items() if old != new})
    return raw


def _note_distant(
    names: Sequence[str], from_directions: Array, to_directions: Array
) -> tuple[str, ...]:
    """Note the channels with no electrode within `MAX_ANGLE`."""
    cosines = np.clip(to_directions @ from_directions.T, -1, 1)
    angles = np.degrees(np.arccos(cosines)).min(1)
    distant = []
    for name, angle in zip(names, angles, strict=True):
        if angle > MAX_ANGLE:
            distant.append(f"{name} ({angle:.0f}°)")
    return (f"far from any electrode: {join_names(distant)}",) if distant else ()
