"""Channels that recorded no brain: flat, unlike their neighbours, or full of line noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.channels import listed
from bids_dl.preprocess.eeglab import good_eeg, microvolts, quiet, structure
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.packages import needed
from bids_dl.preprocess.step import Array, Context, number
from bids_dl.preprocess.steps.interpolate import FEWEST, Interpolate

if TYPE_CHECKING:
    import mne

Share: TypeAlias = Annotated[float, Field(gt=0, lt=1), BeforeValidator(number)]
Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(number)]

WINDOW = 5.0  # s, over which clean_channels compares a channel with its reconstruction
NEVER = 1e9  # standard deviations that no line noise reaches
LEAST = 8  # good channels: reconstructions are made from a quarter of them, and from one channel they are its copies


@dataclass(frozen=True, config=STRICT)
class BadChannels:
    """Find bad EEG channels by the criteria of clean_rawdata (Mullen et al. 2015, IEEE Trans Biomed Eng 62), and make or mark them.

    The search is eegprep's clean_flatlines and clean_channels, over the whole recording; its random subsets of channels are always the
    same. Channels already marked bad take no part, and are made too. The signal should be high-pass filtered, except to find flat
    channels: a filter takes flatness away.

    Parameters
    ----------
    flat
        Longest time in s that a good channel may not change.
    correlation
        Least correlation of a good channel with its robust reconstruction from others (in windows of 5 s); None: not looked at.
    line_noise
        Most noise above 50 Hz, relative to the signal, in robust standard deviations over channels; None: not looked at.
    broken
        Longest share of the recording in which a good channel's correlation may be lower.
    then
        ``"interpolate"``: by spherical splines, as the step `interpolate` does; ``"mark"``: bad, for steps that leave such channels out.
    """

    flat: Positive = 5.0
    correlation: Share | None = 0.8
    line_noise: Positive | None = 4.0
    broken: Share = 0.4
    then: Literal["interpolate", "mark"] = "interpolate"

    name: ClassVar[str] = "bad_channels"
    copies: ClassVar[float] = 6.0  # peak memory over the samples it is given, measured
    packages: ClassVar[tuple[str, ...]] = ("eegprep",)

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        needed(self.name, *self.packages)
        eeg = [
            name for name, kind in zip(spec.ch_names, spec.ch_types, strict=True) if kind == "eeg"
        ]
        least = LEAST if self._compares else FEWEST
        if len(eeg) < least:
            raise RecordingError(
                self.name, f"needs {least} EEG channels or more, got {listed(eeg) or 'none'}"
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        names = good_eeg(raw, spec)
        signals = microvolts(raw, names, self.name)
        places = (
            self._directions(raw, names)
            if self._compares or self.then == "interpolate"
            else np.empty((len(names), 3))
        )
        flat = _flat(signals, float(spec.sfreq), self.flat)
        unlike = np.zeros(len(names), dtype=bool)
        if self._compares:
            unlike[~flat] = self._unlike(signals[~flat], float(spec.sfreq), places[~flat])
        found = [name for name, bad in zip(names, flat | unlike, strict=True) if bad]
        reasons = (
            (f"flat for {self.flat:g} s", flat),
            ("unlike other channels or with line noise", unlike),
        )
        notes = [f"{why}: {listed(np.array(names)[mask])}" for why, mask in reasons if mask.any()]
        notes += share_flag(len(found) / len(names), "channels")
        raw.info["bads"] = [*raw.info["bads"], *found]
        if self.then == "mark":
            return raw, StepReport(self.name, tuple(found), 0.0, tuple(notes))
        raw, made = Interpolate().apply(raw, spec)
        raw.reorder_channels(list(spec.ch_names))
        return raw, StepReport(
            self.name, made.channels, made.share, tuple(dict.fromkeys((*notes, *made.notes)))
        )

    @property
    def _compares(self) -> bool:
        return self.correlation is not None or self.line_noise is not None

    def _directions(self, raw: mne.io.BaseRaw, names: list[str]) -> Array:
        """Unit vectors (n_chans, 3) to the channels."""
        places = positions.held(raw.info, names)
        if lost := [name for name in names if name not in places]:
            raise RecordingError(
                self.name, f"no position for {listed(lost)}; put a step montage before"
            )
        if doubt := positions.implausible(raw.info, places):
            raise RecordingError(
                self.name,
                f"positions of electrodes.tsv cannot be used: {doubt}; put a step montage before",
            )
        return positions.directions(np.array(list(places.values())))

    def _unlike(self, signals: Array, sfreq: float, directions: Array) -> NDArray[np.bool_]:
        from eegprep.plugins.clean_rawdata.clean_channels import clean_channels

        if len(signals) < LEAST:
            raise RecordingError(
                self.name,
                f"needs {LEAST} channels that are neither flat nor marked bad, got {len(signals)}",
            )
        if signals.shape[1] <= round(WINDOW * sfreq):
            raise RecordingError(
                self.name,
                f"needs more than {WINDOW:g} s of signal, got {signals.shape[1] / sfreq:g} s",
            )
        limits = (
            -1.0 if self.correlation is None else self.correlation,
            NEVER if self.line_noise is None else self.line_noise,
        )
        try:
            with quiet():
                made = clean_channels(
                    structure(signals, sfreq, directions), *limits, WINDOW, self.broken
                )
        except ValueError as problem:
            if "75%" not in str(problem):
                raise
            why = "over 75 % of the channels are unlike the others or noisy; are their positions right, is the signal high-pass filtered?"
            raise RecordingError(self.name, why) from problem
        return _removed(made, len(signals))


def _flat(signals: Array, sfreq: float, longest: float) -> NDArray[np.bool_]:
    """Channels that do not change for longer than so many s, or at all; where all pause, as when an amplifier does, only the latter."""
    from eegprep.plugins.clean_rawdata.clean_flatlines import clean_flatlines

    n_chans, n_times = signals.shape
    changing = np.arange(
        n_times, dtype=np.float64
    )  # eegprep removes nothing, and does not say so, where all channels are flat
    with quiet():
        made = clean_flatlines(structure(np.vstack([signals, changing]), sfreq), longest)
    found = _removed(made, n_chans + 1)[:n_chans]
    constant = np.ptp(signals, axis=1) == 0
    return np.asarray(constant if found.all() else constant | found, dtype=np.bool_)


def _removed(made: dict[str, Any], n_chans: int) -> NDArray[np.bool_]:
    """Which channels eegprep took out of a structure."""
    kept = made["etc"].get("clean_channel_mask")
    return np.zeros(n_chans, dtype=np.bool_) if kept is None else ~np.asarray(kept, dtype=np.bool_)
