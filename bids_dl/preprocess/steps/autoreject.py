"""Windows repaired or left out by thresholds that are learnt from the recording itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.channels import listed
from bids_dl.preprocess.eeglab import MICROVOLT
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.packages import needed
from bids_dl.preprocess.step import Context, Windows, WindowStepResult, listing, number

if TYPE_CHECKING:
    import mne

Count: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(number)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1), BeforeValidator(number)]

LEAST = 4  # EEG channels, below which a channel is not made of the others
BAD = 1  # in autoreject's log: a channel that is bad in a window; others are good, or bad and repaired


@dataclass(frozen=True, config=STRICT)
class Autoreject:
    """Learn by cross-validation what amplitude is too much, then repair or leave out windows (Jas et al. 2017, NeuroImage 159).

    The work is autoreject's, on the EEG channels that are not marked bad, with all windows of a recording at once. The report tells the
    numbers that were learnt.

    Parameters
    ----------
    method
        ``"local"``: a threshold of each channel; in a window with few bad channels they are interpolated, one with many is left out.
        ``"global"``: one threshold for all, peak to peak; a window with a channel over it is left out.
    n_interpolate
        Most channels to interpolate in a window: the numbers that are tried; those of all channels or more are not. Of ``"local"`` only.
    consensus
        Share of the channels that must be bad for a window to be left out: the values that are tried. Of ``"local"`` only.
    cv
        Parts of the cross-validation; there must be as many windows.
    """

    method: Literal["local", "global"] = "local"
    n_interpolate: Annotated[tuple[Count, ...], Field(min_length=1), BeforeValidator(listing)] = (
        1,
        4,
        32,
    )
    consensus: Annotated[tuple[Share, ...], Field(min_length=1), BeforeValidator(listing)] = tuple(
        round(0.1 * i, 1) for i in range(11)
    )
    cv: Annotated[int, Field(ge=2), BeforeValidator(number)] = 10
    seed: Annotated[int, Field(ge=0), BeforeValidator(number)] = 0

    name: ClassVar[str] = "autoreject"
    packages: ClassVar[tuple[str, ...]] = ("autoreject",)

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        needed(self.name, *self.packages)
        if spec.ch_types.count("eeg") < LEAST:
            raise RecordingError(
                self.name,
                f"needs {LEAST} EEG channels or more; the recording has {listed(spec.ch_names)}",
            )
        return spec

    def apply_windows(self, windows: Windows) -> WindowStepResult:
        if not len(windows.signals):
            return WindowStepResult(windows.signals, (), StepReport(self.name, share=0.0))
        names = _good(windows.info)
        self._check(windows, names)
        epochs = _epochs(windows, names)
        return (
            self._local(windows, epochs)
            if self.method == "local"
            else self._global(windows, epochs)
        )

    def _check(self, windows: Windows, names: list[str]) -> None:
        """Refuse what autoreject would fail at with a message for programmers."""
        if len(names) < LEAST:
            raise RecordingError(
                self.name,
                f"fewer than {LEAST} EEG channels are not marked bad; good are {listed(names) or 'none'}",
            )
        if len(windows.signals) < self.cv:
            raise RecordingError(
                self.name,
                f"needs {self.cv} windows or more for its cross-validation, got {len(windows.signals)}; lower cv",
            )
        if self.method == "local":
            places = positions.held(windows.info, names)
            if lost := [name for name in names if name not in places]:
                raise RecordingError(
                    self.name, f"no position for {listed(lost)}; put a step montage before"
                )

    def _local(self, windows: Windows, epochs: mne.EpochsArray) -> WindowStepResult:
        from autoreject import AutoReject

        names = epochs.ch_names
        tried = np.array([n for n in self.n_interpolate if n < len(names)])
        if not len(tried):
            raise RecordingError(
                self.name,
                f"every n_interpolate is as many as the {len(names)} good channels, or more",
            )
        made = AutoReject(
            tried,
            np.array(self.consensus),
            cv=self.cv,
            random_state=self.seed,
            n_jobs=1,
            verbose=False,
        ).fit(epochs)
        log = made.get_reject_log(epochs)
        out, repaired = np.asarray(log.bad_epochs), log.labels > BAD
        repaired[out] = False
        signals = windows.signals.copy()
        if not out.all():
            mended = np.zeros((*out.shape, *epochs.get_data(copy=False).shape[1:]))
            mended[~out] = made.transform(epochs, reject_log=log).get_data() / MICROVOLT
            picks = np.array([windows.info["ch_names"].index(name) for name in epochs.ch_names])
            which, where = np.nonzero(repaired)
            signals[which, picks[where]] = mended[which, where]  # the rest keeps its bits
        limit = f"{made.consensus_['eeg']:.0%} of the channels"
        bad = (log.labels >= BAD).sum(1)
        reasons = [
            f"{bad[i]} of {len(names)} channels bad, fewer than {limit} allowed" if out[i] else ""
            for i in range(len(out))
        ]
        share = float(out.mean() + repaired.sum() / (len(out) * signals.shape[1]))
        learnt = f"learnt: up to {made.n_interpolate_['eeg']} channels interpolated in a window, {limit} bad leave it out"
        done = f"{repaired.any(1).sum()} windows repaired, {out.sum()} left out"
        touched = tuple(name for name, any_ in zip(names, repaired.any(0), strict=True) if any_)
        return WindowStepResult(
            signals,
            tuple(reasons),
            StepReport(self.name, touched, share, (learnt, done, *share_flag(share, "samples"))),
        )

    def _global(self, windows: Windows, epochs: mne.EpochsArray) -> WindowStepResult:
        from autoreject import get_rejection_threshold

        limit = (
            get_rejection_threshold(
                epochs, ch_types="eeg", cv=self.cv, random_state=self.seed, verbose=False
            )["eeg"]
            / MICROVOLT
        )
        spans = np.ptp(epochs.get_data(), axis=2) / MICROVOLT
        worst = spans.argmax(1)
        reasons = [
            f"{span[i]:.4g} µV peak to peak on {epochs.ch_names[i]}, {limit:.4g} allowed"
            if span[i] > limit
            else ""
            for span, i in zip(spans, worst, strict=True)
        ]
        out = [i for i, reason in enumerate(reasons) if reason]
        share = len(out) / len(reasons)
        notes = (
            f"learnt: {limit:.4g} µV peak to peak; {len(out)} windows left out",
            *share_flag(share, "windows"),
        )
        guilty = {epochs.ch_names[worst[i]] for i in out}
        channels = tuple(name for name in epochs.ch_names if name in guilty)
        return WindowStepResult(
            windows.signals, tuple(reasons), StepReport(self.name, channels, share, notes)
        )


def _good(info: mne.Info) -> list[str]:
    """EEG channels that are not marked bad."""
    kinds = zip(info["ch_names"], info.get_channel_types(), strict=True)
    return [name for name, kind in kinds if kind == "eeg" and name not in info["bads"]]


def _epochs(windows: Windows, names: list[str]) -> mne.EpochsArray:
    """The windows of these channels as MNE holds them, in V."""
    import mne

    picks = [windows.info["ch_names"].index(name) for name in names]
    info = mne.pick_info(windows.info, picks)
    return mne.EpochsArray(
        windows.signals[:, picks] * MICROVOLT, info, tmin=float(windows.times[0]), verbose="error"
    )
