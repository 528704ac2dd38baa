"""Step `bad_channels`: detection of flat, poorly correlated and noisy channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import channels_of_type
from bids_dl.preprocess.eeglab import good_eeg_channels, quiet_eegprep, read_microvolts, to_eeglab
from bids_dl.preprocess.notes import share_flag, unique
from bids_dl.preprocess.packages import require_packages
from bids_dl.preprocess.positions import require_plausible, require_positions, unit_directions
from bids_dl.preprocess.splines import MIN_ELECTRODES
from bids_dl.preprocess.step import Array, Context, Mask, StepTraits, reject_bool
from bids_dl.preprocess.steps.interpolate import Interpolate
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

Share: TypeAlias = Annotated[float, Field(gt=0, lt=1), BeforeValidator(reject_bool)]
Positive: TypeAlias = Annotated[
    float, Field(gt=0, allow_inf_nan=False), BeforeValidator(reject_bool)
]

WINDOW_SECONDS = 5.0  # clean_channels correlates a channel with its reconstruction in such windows
UNREACHABLE_DEVIATIONS = 1e9  # no line noise reaches it, which turns the criterion off
MIN_CHANNELS = 8  # clean_channels reconstructs from a quarter of them; from one, it would copy it


@dataclass(frozen=True, config=STRICT)
class BadChannels:
    """Find bad EEG channels by the criteria of clean_rawdata, and interpolate or mark them.

    A channel is bad if it is flat, if it correlates poorly with its reconstruction from other
    channels, or if it has much line noise. The search is that of clean_flatlines and
    clean_channels of EEGLAB's clean_rawdata, as ported by eegprep [1]_, over the whole
    recording. Its random subsets of channels are always the same. Channels that are already
    marked bad are not searched, but interpolated too. The signal should be high-pass filtered,
    except to find flat channels, because a filter removes flatness.

    Parameters
    ----------
    flat
        Longest time in s for which a good channel may be constant.
    correlation
        Smallest correlation of a good channel with its robust reconstruction from others, in
        windows of 5 s. None turns the criterion off.
    line_noise
        Largest noise above 50 Hz of a good channel, relative to its signal, in robust standard
        deviations over channels. None turns the criterion off.
    broken
        Largest share of the recording in which the correlation of a good channel may be lower.
    then
        ``"interpolate"``: interpolate bad channels as the step `interpolate` does. ``"mark"``:
        mark them bad, so that later steps leave them out.

    References
    ----------
    .. [1] Mullen et al. 2015, IEEE Trans Biomed Eng 62(11).

    Examples
    --------
    In a recipe, after a high-pass filter::

        - montage: {positions: standard_1005}
        - bad_channels: {correlation: 0.85, line_noise: null}
    """

    flat: Positive = 5.0
    correlation: Share | None = 0.8
    line_noise: Positive | None = 4.0
    broken: Share = 0.4
    then: Literal["interpolate", "mark"] = "interpolate"

    name: ClassVar[str] = "bad_channels"
    traits: ClassVar[StepTraits] = StepTraits(
        packages=("eegprep",),
        memory_factor=6.0,  # measured
    )

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the whole recording, over which channels are compared."""
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if enough of them are EEG."""
        require_packages(self.name, *self.traits.packages)
        eeg = channels_of_type(spec, "eeg")
        min_channels = MIN_CHANNELS if self._compares else MIN_ELECTRODES
        if len(eeg) < min_channels:
            raise RecordingError(
                self.name,
                f"needs {min_channels} EEG channels or more, got {join_names(eeg) or 'none'}",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Find the bad channels, interpolate or mark them, and report their names."""
        names = good_eeg_channels(raw, spec)
        signals = read_microvolts(raw, names, self.name)
        sfreq = float(spec.sfreq)
        directions = np.empty((len(names), 3))
        if self._compares or self.then == "interpolate":
            directions = self._read_directions(raw, names)
        is_flat = _find_flat(signals, sfreq, self.flat)
        is_atypical = np.zeros(len(names), dtype=bool)
        if self._compares:
            is_atypical[~is_flat] = self._find_atypical(
                signals[~is_flat], sfreq, directions[~is_flat]
            )
        bad = [names[i] for i in np.flatnonzero(is_flat | is_atypical)]
        notes = []
        if is_flat.any():
            notes.append(f"flat for {self.flat:g} s: {_join_masked(names, is_flat)}")
        if is_atypical.any():
            atypical = _join_masked(names, is_atypical)
            notes.append(f"poorly correlated or with line noise: {atypical}")
        flag = share_flag(len(bad) / len(names))
        raw.info["bads"] = [*raw.info["bads"], *bad]
        if self.then == "mark":
            return raw, StepReport(self.name, tuple(bad), 0.0, tuple(notes), flag=flag)
        raw, report = Interpolate().apply(raw, spec)
        raw.reorder_channels(list(spec.ch_names))
        return raw, StepReport(
            self.name,
            report.channels,
            report.share,
            unique((*notes, *report.notes)),
            flag=flag or report.flag,
        )

    @property
    def _compares(self) -> bool:
        """True if channels are compared with each other."""
        return self.correlation is not None or self.line_noise is not None

    def _read_directions(self, raw: mne.io.BaseRaw, names: list[str]) -> Array:
        """Return unit vectors (n_chans, 3) to the channels."""
        positions = require_positions(raw.info, names, self.name)
        require_plausible(raw.info, positions, self.name)
        return unit_directions(np.array(list(positions.values())))

    def _find_atypical(self, signals: Array, sfreq: float, directions: Array) -> Mask:
        """Find the poorly correlated and noisy channels (clean_channels).

        Parameters
        ----------
        signals
            (n_chans, n_times) in µV, of channels that are not flat.
        directions
            Unit vectors (n_chans, 3) to the electrodes.
        """
        from eegprep.plugins.clean_rawdata.clean_channels import clean_channels

        if len(signals) < MIN_CHANNELS:
            raise RecordingError(
                self.name,
                f"needs {MIN_CHANNELS} channels that are neither flat nor marked bad, "
                f"got {len(signals)}",
            )
        if signals.shape[1] <= round(WINDOW_SECONDS * sfreq):
            raise RecordingError(
                self.name,
                f"needs more than {WINDOW_SECONDS:g} s of signal, "
                f"got {signals.shape[1] / sfreq:g} s",
            )
        min_correlation = -1.0 if self.correlation is None else self.correlation
        max_noise = UNREACHABLE_DEVIATIONS if self.line_noise is None else self.line_noise
        structure = to_eeglab(signals, sfreq, directions)
        try:
            with quiet_eegprep():
                cleaned = clean_channels(
                    structure, min_correlation, max_noise, WINDOW_SECONDS, self.broken
                )
        except ValueError as error:
            if "75%" not in str(error):
                raise
            raise RecordingError(
                self.name,
                "over 75 % of the channels are poorly correlated or noisy; "
                "are their positions right, is the signal high-pass filtered?",
            ) from error
        return _removed_channels(cleaned, len(signals))


def _find_flat(signals: Array, sfreq: float, max_seconds: float) -> Mask:
    """Find the channels (n_chans,) that are constant for longer than some seconds.

    If all channels are flat at some time, as when an amplifier pauses, only channels that never
    change are returned.
    """
    from eegprep.plugins.clean_rawdata.clean_flatlines import clean_flatlines

    n_chans, n_times = signals.shape
    # eegprep removes no channel if all are flat, so a channel that is never flat is added.
    ramp = np.arange(n_times, dtype=np.float64)
    with quiet_eegprep():
        cleaned = clean_flatlines(to_eeglab(np.vstack([signals, ramp]), sfreq), max_seconds)
    is_flat = _removed_channels(cleaned, n_chans + 1)[:n_chans]
    is_constant = np.ptp(signals, axis=1) == 0
    return np.asarray(is_constant if is_flat.all() else is_constant | is_flat, dtype=np.bool_)


def _removed_channels(structure: dict[str, Any], n_chans: int) -> Mask:
    """Return the channels (n_chans,) that eegprep removed from a structure."""
    is_kept = structure["etc"].get("clean_channel_mask")
    if is_kept is None:
        return np.zeros(n_chans, dtype=np.bool_)
    return ~np.asarray(is_kept, dtype=np.bool_)


def _join_masked(names: list[str], mask: Mask) -> str:
    return join_names(np.array(names)[mask])
