"""Step `asr`: repair of bursts by artifact subspace reconstruction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.calibration import WINDOW_SECONDS, clean_mask
from bids_dl.preprocess.eeglab import (
    MICROVOLT,
    good_eeg_channels,
    quiet_eegprep,
    read_microvolts,
    to_eeglab,
)
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.packages import require_packages
from bids_dl.preprocess.step import Array, Context, StepTraits, reject_bool
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

Share: TypeAlias = Annotated[float, Field(gt=0, le=1), BeforeValidator(reject_bool)]
Deviations: TypeAlias = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(reject_bool)]

MIN_CHANNELS = 2
MIN_CHANGE_UV = 1e-8  # clean_rawdata counts a sample as changed above it
MIN_CALIBRATION_SAMPLES = 64  # with fewer clean samples, clean_rawdata calibrates on all samples


@dataclass(frozen=True, config=STRICT)
class Asr:
    """Reconstruct bursts in the EEG by artifact subspace reconstruction (ASR).

    Principal components of the signal whose power is far above that of clean signal are
    reconstructed from the other components. This is clean_asr of EEGLAB's clean_rawdata, as
    ported by eegprep [1]_ [2]_. It is calibrated on the clean parts of the recording itself,
    selected as EEGLAB's clean_windows does. The signal must be high-pass filtered. Channels
    marked bad are neither used nor changed. Samples outside bursts keep every bit.

    Parameters
    ----------
    cutoff
        Threshold of a burst in standard deviations of clean signal. 20 is conservative; 5
        changes much of the signal.
    max_dims
        Largest number of dimensions to reconstruct at a time, as a share of the channels.
    max_bad_channels
        Largest share of the channels that may be bad in a clean window.
    tolerances
        A channel is bad in a window if its power is below the first or above the second value,
        in standard deviations.

    References
    ----------
    .. [1] Mullen et al. 2015, IEEE Trans Biomed Eng 62(11).
    .. [2] Chang et al. 2020, IEEE Trans Biomed Eng 67(4).

    Examples
    --------
    In a recipe, after a high-pass filter::

        - asr: {cutoff: 10}
    """

    cutoff: Annotated[Deviations, Field(gt=0)] = 20.0
    max_dims: Share = 0.66
    max_bad_channels: Annotated[Share, Field(lt=1)] = 0.075
    tolerances: tuple[Deviations, Deviations] = (-3.5, 5.5)

    name: ClassVar[str] = "asr"
    traits: ClassVar[StepTraits] = StepTraits(
        packages=("eegprep",),
        memory_factor=7.0,  # measured
    )

    @model_validator(mode="after")
    def _check(self) -> Asr:
        if not self.tolerances[0] < 0 < self.tolerances[1]:
            raise ValueError(
                f"tolerances must be one below 0 and one above, got {list(self.tolerances)}"
            )
        return self

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the whole recording, because the calibration uses all of it."""
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if two or more of them are EEG."""
        require_packages(self.name, *self.traits.packages)
        if spec.ch_types.count("eeg") < MIN_CHANNELS:
            raise RecordingError(
                self.name,
                f"needs two EEG channels or more; the recording has {join_names(spec.ch_names)}",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Replace the samples in bursts, and report the share of the changed samples."""
        from eegprep.plugins.clean_rawdata.clean_asr import clean_asr

        names = good_eeg_channels(raw, spec)
        sfreq = float(spec.sfreq)
        signals = read_microvolts(raw, names, self.name)
        calibration, note = self._select_calibration(signals, sfreq)
        with quiet_eegprep():
            structure = clean_asr(
                to_eeglab(signals, sfreq),
                self.cutoff,
                max_dims=self.max_dims,
                ref_maxbadchannels=calibration,
            )
        cleaned = structure["data"]
        is_changed = np.abs(cleaned - signals) > MIN_CHANGE_UV
        for i, name in enumerate(names):
            signal = raw.get_data(picks=[name])
            # Only changed samples are replaced, so that the others keep every bit.
            signal[0, is_changed[i]] = cleaned[i, is_changed[i]] * MICROVOLT
            raw[[name]] = signal
        share = float(is_changed.mean())
        return raw, StepReport(
            self.name,
            share=share * len(names) / spec.n_chans,
            notes=(note,),
            flag=share_flag(share),
        )

    def _select_calibration(self, signals: Array, sfreq: float) -> tuple[Array, str]:
        """Select the clean samples of a signal (n_chans, n_times), and note their duration."""
        n_chans, n_times = signals.shape
        if n_chans < MIN_CHANNELS:
            raise RecordingError(self.name, "fewer than two channels are not marked bad")
        min_seconds = 2 * WINDOW_SECONDS
        if n_times <= min_seconds * sfreq:
            raise RecordingError(
                self.name,
                f"needs more than {min_seconds:g} s of signal, got {n_times / sfreq:g} s",
            )
        is_clean = clean_mask(
            signals,
            sfreq,
            max_bad_channels=self.max_bad_channels,
            tolerances=self.tolerances,
        )
        n_clean = is_clean.sum()
        if n_clean < MIN_CALIBRATION_SAMPLES:
            return signals, "calibrated on the whole signal, because no part was clean enough"
        note = f"calibrated on {n_clean / sfreq:.1f} of {n_times / sfreq:.1f} s"
        return signals[:, is_clean], note
