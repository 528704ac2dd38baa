"""Step `autoreject`: repair or rejection of windows by learned thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.eeglab import MICROVOLT
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.packages import require_packages
from bids_dl.preprocess.positions import require_positions
from bids_dl.preprocess.step import (
    Context,
    StepTraits,
    Windows,
    WindowStepResult,
    as_tuple,
    reject_bool,
)
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    import mne
    from autoreject import AutoReject

Count: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(reject_bool)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1), BeforeValidator(reject_bool)]

MIN_CHANNELS = 4  # EEG channels; fewer cannot interpolate another channel
BAD = 1  # label in autoreject's log: bad, not interpolated
INTERPOLATED = 2  # label in autoreject's log: bad and interpolated
CONSENSUS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, config=STRICT)
class Autoreject:
    """Learn amplitude thresholds by cross-validation, and repair or drop windows beyond them.

    The computation is that of the package autoreject [1]_, on the EEG channels that are not
    marked bad and on all windows of a recording together. The report has the learned values.

    Parameters
    ----------
    method
        ``"local"``: one peak-to-peak threshold per channel. In a window with few bad channels
        they are interpolated; a window with many is dropped. ``"global"``: one peak-to-peak
        threshold for all channels; a window with a channel above it is dropped.
    n_interpolate
        Candidates for the largest number of channels to interpolate in a window, for
        ``"local"``. Numbers that are not below the number of good channels are ignored.
    consensus
        Candidates for the share of bad channels from which a window is dropped, for ``"local"``.
    cv
        Number of folds of the cross-validation. There must be at least as many windows.
    seed
        Seed of the random numbers.

    References
    ----------
    .. [1] Jas et al. 2017, NeuroImage 159, 417-429.

    Examples
    --------
    In a recipe, after the other steps::

        - autoreject: {method: global, cv: 5}
    """

    method: Literal["local", "global"] = "local"
    n_interpolate: Annotated[tuple[Count, ...], Field(min_length=1), BeforeValidator(as_tuple)] = (
        1,
        4,
        32,
    )
    consensus: Annotated[tuple[Share, ...], Field(min_length=1), BeforeValidator(as_tuple)] = (
        CONSENSUS
    )
    cv: Annotated[int, Field(ge=2), BeforeValidator(reject_bool)] = 10
    seed: Annotated[int, Field(ge=0), BeforeValidator(reject_bool)] = 0

    name: ClassVar[str] = "autoreject"
    traits: ClassVar[StepTraits] = StepTraits(packages=("autoreject",))

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require all windows of the recording, from which the thresholds are learned."""
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if four or more of them are EEG."""
        require_packages(self.name, *self.traits.packages)
        if spec.ch_types.count("eeg") < MIN_CHANNELS:
            raise RecordingError(
                self.name,
                f"needs {MIN_CHANNELS} EEG channels or more; "
                f"the recording has {join_names(spec.ch_names)}",
            )
        return spec

    def apply_windows(self, windows: Windows) -> WindowStepResult:
        """Learn the thresholds from all windows, then repair or drop the windows beyond them."""
        if not len(windows.signals):
            return WindowStepResult(windows.signals, (), StepReport(self.name, share=0.0))
        names = _good_channels(windows.info)
        self._check(windows, names)
        epochs = _to_epochs(windows, names)
        if self.method == "local":
            return self._apply_local(windows, epochs)
        return self._apply_global(windows, epochs)

    def _check(self, windows: Windows, names: list[str]) -> None:
        """Refuse windows for which autoreject would raise an error that users cannot interpret."""
        if len(names) < MIN_CHANNELS:
            raise RecordingError(
                self.name,
                f"fewer than {MIN_CHANNELS} EEG channels are not marked bad; "
                f"good are {join_names(names) or 'none'}",
            )
        if len(windows.signals) < self.cv:
            raise RecordingError(
                self.name,
                f"needs {self.cv} windows or more for its cross-validation, "
                f"got {len(windows.signals)}; lower cv",
            )
        if self.method == "local":
            require_positions(windows.info, names, self.name)

    def _apply_local(self, windows: Windows, epochs: mne.EpochsArray) -> WindowStepResult:
        names = epochs.ch_names
        model = self._fit_local(epochs)
        log = model.get_reject_log(epochs)
        is_dropped = np.asarray(log.bad_epochs)
        is_repaired = log.labels == INTERPOLATED
        is_repaired[is_dropped] = False
        signals = windows.signals.copy()
        if not is_dropped.all():
            repaired = np.zeros(epochs.get_data(copy=False).shape)
            transformed = model.transform(epochs, reject_log=log).get_data()
            repaired[~is_dropped] = transformed / MICROVOLT
            picks = np.array([windows.info["ch_names"].index(name) for name in names])
            window, channel = np.nonzero(is_repaired)
            # Only repaired channels are replaced, so that the others keep every bit.
            signals[window, picks[channel]] = repaired[window, channel]
        limit = f"{model.consensus_['eeg']:.0%} of the channels"
        reasons = []
        for n_bad, dropped in zip((log.labels >= BAD).sum(1), is_dropped, strict=True):
            reason = f"{n_bad} of {len(names)} channels bad, fewer than {limit} allowed"
            reasons.append(reason if dropped else "")
        n_windows, n_chans = signals.shape[:2]
        share = float(is_dropped.mean() + is_repaired.sum() / (n_windows * n_chans))
        notes = (
            f"learned: up to {count(model.n_interpolate_['eeg'], 'channel')} interpolated "
            f"in a window; windows with {limit} bad are dropped",
            f"{count(is_repaired.any(1).sum(), 'window')} repaired, {is_dropped.sum()} dropped",
        )
        channels = tuple(names[i] for i in np.flatnonzero(is_repaired.any(0)))
        report = StepReport(self.name, channels, share, notes, flag=share_flag(share))
        return WindowStepResult(signals, tuple(reasons), report)

    def _fit_local(self, epochs: mne.EpochsArray) -> AutoReject:
        from autoreject import AutoReject

        n_chans = len(epochs.ch_names)
        candidates = np.array([count for count in self.n_interpolate if count < n_chans])
        if not len(candidates):
            raise RecordingError(
                self.name,
                f"n_interpolate must be below the number of good channels, {n_chans}; "
                f"got {', '.join(map(str, self.n_interpolate))}",
            )
        model = AutoReject(
            candidates,
            np.array(self.consensus),
            cv=self.cv,
            random_state=self.seed,
            n_jobs=1,
            verbose=False,
        )
        return model.fit(epochs)

    def _apply_global(self, windows: Windows, epochs: mne.EpochsArray) -> WindowStepResult:
        from autoreject import get_rejection_threshold

        thresholds = get_rejection_threshold(
            epochs, ch_types="eeg", cv=self.cv, random_state=self.seed, verbose=False
        )
        limit = thresholds["eeg"] / MICROVOLT
        amplitudes = np.ptp(epochs.get_data(), axis=2) / MICROVOLT  # peak to peak
        reasons = []
        loud_channels = set()
        for amplitude in amplitudes:
            loudest = int(amplitude.argmax())
            name = epochs.ch_names[loudest]
            if amplitude[loudest] > limit:
                reasons.append(
                    f"{amplitude[loudest]:.4g} µV peak to peak on {name}, {limit:.4g} allowed"
                )
                loud_channels.add(name)
            else:
                reasons.append("")
        n_dropped = sum(map(bool, reasons))
        share = n_dropped / len(reasons)
        channels = tuple(name for name in epochs.ch_names if name in loud_channels)
        notes = (f"learned: {limit:.4g} µV peak to peak; {count(n_dropped, 'window')} dropped",)
        report = StepReport(self.name, channels, share, notes, flag=share_flag(share))
        return WindowStepResult(windows.signals, tuple(reasons), report)


def _good_channels(info: mne.Info) -> list[str]:
    """Return the names of the EEG channels that are not marked bad."""
    types = zip(info["ch_names"], info.get_channel_types(), strict=True)
    eeg = [name for name, ch_type in types if ch_type == "eeg"]
    return [name for name in eeg if name not in info["bads"]]


def _to_epochs(windows: Windows, names: list[str]) -> mne.EpochsArray:
    """Convert the windows of some channels to epochs of MNE, in V."""
    import mne

    picks = [windows.info["ch_names"].index(name) for name in names]
    info = mne.pick_info(windows.info, picks)
    signals = windows.signals[:, picks] * MICROVOLT
    return mne.EpochsArray(signals, info, tmin=float(windows.times[0]), verbose="error")
