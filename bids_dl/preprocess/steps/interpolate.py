"""Channels where no electrode was: spherical splines."""

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
from bids_dl.preprocess.channels import add, find, listed
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Array, Context, Names

if TYPE_CHECKING:
    import mne

LISTS = {
    "10-20": (
        "Fp1",
        "Fp2",
        "F7",
        "F3",
        "Fz",
        "F4",
        "F8",
        "T7",
        "C3",
        "Cz",
        "C4",
        "T8",
        "P7",
        "P3",
        "Pz",
        "P4",
        "P8",
        "O1",
        "O2",
    )
}
"""Names a recipe may give by one word."""

FEWEST = 4  # electrodes to interpolate from: below, a spline is little more than their mean
FAR = 25.0  # degrees to the nearest electrode, beyond which a channel is noted: 4 cm on a head of 9.5 cm radius


def _spelled_out(names: Any) -> Any:
    return LISTS.get(names, names) if isinstance(names, str) else names


@dataclass(frozen=True, config=STRICT)
class Interpolate:
    """Make the EEG channels asked for, of any recording: those it has are kept, others come from spherical splines over its good ones.

    As `mne.io.Raw.interpolate_bads` does (Perrin et al. 1989, Electroencephalogr Clin Neurophysiol 72), from the positions that the
    recording holds (see the step `montage`). Channels marked bad are interpolated too, and are good afterwards. Other types stay.

    Parameters
    ----------
    channels
        EEG channels to end with, in this order, or ``10-20``: the 19 of the 10-20 system; none: the recording's own.
    template
        MNE template that says where those lie that a recording does not have.
    """

    channels: Annotated[Names, BeforeValidator(_spelled_out)] = ()
    template: Annotated[str, AfterValidator(positions.known_template)] = positions.DEFAULT_TEMPLATE

    name: ClassVar[str] = "interpolate"

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        eeg = _of_type_eeg(spec)
        targets = self._targets(spec)
        others = [
            (name, kind)
            for name, kind in zip(spec.ch_names, spec.ch_types, strict=True)
            if kind != "eeg"
        ]
        if len(eeg) < FEWEST:
            raise RecordingError(
                self.name, f"needs {FEWEST} EEG channels or more, got {listed(eeg) or 'none'}"
            )
        if taken := [name for name, _ in others if name in targets]:
            raise RecordingError(
                "channels",
                f"{taken[0]} is to be an EEG channel, and the recording has one of another type; rename or drop it",
            )
        names, types = zip(*((name, "eeg") for name in targets), *others, strict=True)
        return SignalSpec(names, types, spec.sfreq)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        eeg, bads = _of_type_eeg(spec), set(raw.info["bads"])
        own = {
            target: name
            for target, name in self._targets(spec).items()
            if name and name not in bads
        }
        made = [target for target in self._targets(spec) if target not in own]
        sources = [name for name in eeg if name not in bads]
        if not made:
            return _arranged(raw, own, self.output_spec(spec)), StepReport(
                self.name, share=0.0, notes=share_flag(0.0, "channels")
            )
        if len(sources) < FEWEST:
            raise RecordingError(
                self.name,
                f"fewer than {FEWEST} channels are not marked bad; good are {listed(sources) or 'none'}",
            )
        places = positions.held(raw.info, eeg)
        self._check(places, sources, raw.info)
        directions = dict(
            zip(places, positions.directions(np.array(list(places.values()))), strict=True)
        )
        wanted = np.array([self._direction(target, spec, directions) for target in made])
        known = np.array([directions[name] for name in sources])
        signals = _splines(known, wanted) @ raw.get_data(picks=sources)
        added = _added(raw, signals, wanted, places)
        named = own | dict(zip(made, added, strict=True))
        angles = np.degrees(np.arccos(np.clip(wanted @ known.T, -1, 1))).min(1)
        far = [
            f"{target} ({angle:.0f}°)"
            for target, angle in zip(made, angles, strict=True)
            if angle > FAR
        ]
        flags = share_flag(len(made) / len(named), "channels")
        notes = (f"far from any electrode: {listed(far)}", *flags) if far else flags
        share = len(made) / (len(spec.ch_names) - len(eeg) + len(named))
        return _arranged(raw, named, self.output_spec(spec)), StepReport(
            self.name, channels=tuple(made), share=share, notes=notes
        )

    def _targets(self, spec: SignalSpec) -> dict[str, str | None]:
        """Channels to end with, and the recording's own channel of that name."""
        eeg = SignalSpec(tuple(_of_type_eeg(spec)), ("eeg",) * len(_of_type_eeg(spec)), spec.sfreq)
        if not self.channels:
            return {name: name for name in eeg.ch_names}
        targets = {target: find(target, eeg) for target in self.channels}
        if len({target.casefold() for target in targets}) < len(self.channels):
            raise RecordingError(
                "channels", f"a channel is named twice among {listed(self.channels)}"
            )
        places = positions.template(self.template)
        if unknown := [
            target
            for target, own in targets.items()
            if own is None and target.casefold() not in places
        ]:
            raise RecordingError(
                "channels",
                f"no channel {listed(unknown)} in the recording, nor in the template {self.template}",
            )
        return targets

    def _check(self, places: Mapping[str, Array], sources: Sequence[str], info: mne.Info) -> None:
        """Refuse to interpolate from positions that are not there, or wrong."""
        if lost := [name for name in sources if name not in places]:
            raise RecordingError(
                self.name, f"no position for {listed(lost)}; put a step montage before"
            )
        if doubt := positions.implausible(info, places):
            raise RecordingError(
                self.name,
                f"positions of electrodes.tsv cannot be used: {doubt}; put a step montage before",
            )

    def _direction(self, target: str, spec: SignalSpec, directions: Mapping[str, Array]) -> Array:
        """The recording's own where a channel is there, only bad; else the template's."""
        own = find(target, spec)
        if own is not None and own in directions:
            return directions[own]
        usual = positions.template_directions(self.template)
        if target.casefold() not in usual:
            raise RecordingError(
                self.name,
                f"no position for {target}, marked bad, in the recording or in {self.template}",
            )
        return usual[target.casefold()]


def _of_type_eeg(spec: SignalSpec) -> list[str]:
    return [name for name, kind in zip(spec.ch_names, spec.ch_types, strict=True) if kind == "eeg"]


def _splines(known: Array, wanted: Array) -> Array:
    """Weights (n_wanted, n_known) of MNE's spherical splines between unit vectors: what it makes of one channel at a time."""
    import mne

    n_known, n_wanted = len(known), len(wanted)
    info = mne.create_info(n_known + n_wanted, 1000.0, "eeg", verbose="error")
    for channel, direction in zip(info["chs"], np.vstack([known, wanted]), strict=True):
        channel["loc"][:3] = direction
    info["bads"] = info["ch_names"][n_known:]
    unit = mne.io.RawArray(
        np.vstack([np.eye(n_known), np.zeros((n_wanted, n_known))]), info, verbose="error"
    )
    unit.interpolate_bads(origin=(0.0, 0.0, 0.0), method={"eeg": "spline"}, verbose="error")
    return np.asarray(unit.get_data()[n_known:], dtype=np.float64)


def _added(
    raw: mne.io.BaseRaw, signals: Array, directions: Array, places: Mapping[str, Array]
) -> list[str]:
    """Names, found nowhere else, of new channels of these signals, on the sphere of the others."""
    names = [f"interpolated channel {i}" for i in range(len(signals))]
    centre, radius = positions.sphere(np.array(list(places.values())))
    add(
        raw,
        names,
        ["eeg"] * len(names),
        signals,
        [centre + radius * direction for direction in directions],
    )
    return names


def _arranged(raw: mne.io.BaseRaw, named: Mapping[str, str], planned: SignalSpec) -> mne.io.BaseRaw:
    """The channels planned, in their order; ``named`` says which of the recording's becomes which."""
    raw.reorder_channels([named.get(name, name) for name in planned.ch_names])
    raw.rename_channels({old: new for new, old in named.items() if old != new})
    return raw
