"""Artifact subspace reconstruction: bursts replaced by what the rest of the signal says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.calibration import WINDOW, clean_mask
from bids_dl.preprocess.channels import listed
from bids_dl.preprocess.eeglab import MICROVOLT, good_eeg, microvolts, quiet, structure
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.packages import needed
from bids_dl.preprocess.step import Array, Context, number

if TYPE_CHECKING:
    import mne

Share: TypeAlias = Annotated[float, Field(gt=0, le=1), BeforeValidator(number)]
Deviations: TypeAlias = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(number)]

CHANGED = 1e-8  # µV, from which clean_rawdata takes a sample for changed
LEAST = 64  # samples to calibrate on, below which clean_rawdata takes all


@dataclass(frozen=True, config=STRICT)
class Asr:
    """Reconstruct bursts in the EEG (Mullen et al. 2015, IEEE Trans Biomed Eng 62; Chang et al. 2020, IEEE Trans Biomed Eng 67).

    The work is eegprep's clean_asr; it is calibrated on the recording's own clean stretches, selected as EEGLAB's clean_windows does. The
    signal must be high-pass filtered. Channels marked bad take no part.

    Parameters
    ----------
    cutoff
        Standard deviations of clean signal from which a burst is one; 20 is lax, 5 changes much.
    max_dims
        Most dimensions to reconstruct at a time, as a share of the channels.
    max_bad_channels
        Share of the channels that may be bad in a window to calibrate on.
    tolerances
        Below and above which a channel's power is bad there, in standard deviations.
    """

    cutoff: Annotated[Deviations, Field(gt=0)] = 20.0
    max_dims: Share = 0.66
    max_bad_channels: Annotated[Share, Field(lt=1)] = 0.075
    tolerances: tuple[Deviations, Deviations] = (-3.5, 5.5)

    name: ClassVar[str] = "asr"
    copies: ClassVar[float] = 7.0  # peak memory over the samples it is given, measured
    packages: ClassVar[tuple[str, ...]] = ("eegprep",)

    @model_validator(mode="after")
    def _check(self) -> Asr:
        if not self.tolerances[0] < 0 < self.tolerances[1]:
            raise ValueError(
                f"tolerances must be one below 0 and one above, got {list(self.tolerances)}"
            )
        return self

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        needed(self.name, *self.packages)
        if spec.ch_types.count("eeg") < 2:
            raise RecordingError(
                self.name,
                f"needs two EEG channels or more; the recording has {listed(spec.ch_names)}",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        from eegprep.plugins.clean_rawdata.clean_asr import clean_asr

        names, sfreq = good_eeg(raw, spec), float(spec.sfreq)
        signals = microvolts(raw, names, self.name)
        clean, notes = self._calibration(signals, sfreq)
        with quiet():
            made = clean_asr(
                structure(signals, sfreq),
                self.cutoff,
                max_dims=self.max_dims,
                ref_maxbadchannels=clean,
            )["data"]
        changed = np.abs(made - signals) > CHANGED
        for name, signal, where in zip(names, made, changed, strict=True):
            own = raw.get_data(picks=[name])
            own[0, where] = signal[where] * MICROVOLT  # the rest keeps its bits
            raw[[name]] = own
        share = float(changed.mean())
        return raw, StepReport(
            self.name,
            share=share * len(names) / spec.n_chans,
            notes=(*notes, *share_flag(share, "samples")),
        )

    def _calibration(self, signals: Array, sfreq: float) -> tuple[Array, tuple[str, ...]]:
        """Clean signal, and how much there is."""
        n_chans, n_times = signals.shape
        if n_chans < 2:
            raise RecordingError(self.name, "fewer than two channels are not marked bad")
        if n_times <= 2 * WINDOW * sfreq:
            raise RecordingError(
                self.name, f"needs more than {2 * WINDOW:g} s of signal, got {n_times / sfreq:g} s"
            )
        mask = clean_mask(
            signals, sfreq, max_bad_channels=self.max_bad_channels, tolerances=self.tolerances
        )
        if mask.sum() < LEAST:
            return signals, ("nothing was clean enough to calibrate on, so all was taken",)
        return signals[:, mask], (
            f"calibrated on {mask.sum() / sfreq:.1f} of {n_times / sfreq:.1f} s",
        )
