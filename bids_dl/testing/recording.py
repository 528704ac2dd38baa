"""The signal of a synthetic recording, channel by channel, so that a long one needs little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.testing.design import Design
from bids_dl.testing.events import SyntheticEvent, events_of, n_times

TONE = 20.0  # Hz
ALPHA = 10.0  # Hz
ALPHA_AMPLITUDE = 30.0  # µV, at the back of the head
NOISE = 5.0  # µV, standard deviation
IMPULSE_AREA = 2.0  # µV s: the height of an impulse grows with the rate, so that low-passed ones look alike at all rates

Array = NDArray[np.float64]


@dataclass(frozen=True, config=STRICT)
class SyntheticRecording:
    """One recording as it was written."""

    path: str  # BIDS path without suffix and extension, "sub-001/eeg/sub-001_task-rest_run-1"
    subject: str  # "001"
    run: str  # "1"
    ch_names: tuple[str, ...]
    events: tuple[SyntheticEvent, ...]  # in order of onset
    tones: tuple[float, ...]  # µV: amplitude of each channel's tone, all of one phase
    alphas: tuple[float, ...]  # µV: amplitude of each channel's alpha while eyes are closed
    design: Design  # the subject's own, where the dataset has variants
    key: tuple[int, ...]  # of its random numbers
    session: str = ""

    @property
    def n_times(self) -> int:
        return n_times(self.design)

    def signals(self) -> Array:
        """The samples that were written, (n_chans, n_times) in µV, before the file format rounded them."""
        return np.array(list(self.channels()))

    def channels(self) -> Iterator[Array]:
        """The same channel by channel, each (n_times,)."""
        length, sfreq = self.n_times, self.design.sfreq
        times = np.arange(length) / sfreq
        tone, alpha = (
            np.sin(2 * np.pi * TONE * times),
            self._closed() * np.sin(2 * np.pi * ALPHA * times),
        )
        impulses = [event.sample for event in self.events if event.label == "impulse"]
        lost = [
            slice(round(onset * sfreq), round((onset + duration) * sfreq))
            for onset, duration in self.design.dropouts
        ]
        rng = np.random.default_rng([*self.key, 1])
        for i, (tone_amplitude, alpha_amplitude) in enumerate(
            zip(self.tones, self.alphas, strict=True)
        ):
            signal = _pink(length, rng)
            signal += tone_amplitude * tone
            signal += alpha_amplitude * alpha
            if i == 0:
                signal[impulses] += IMPULSE_AREA * sfreq
            for stretch in lost:
                signal[stretch] = 0
            yield signal

    def _closed(self) -> Array:
        closed = np.zeros(self.n_times)
        for event in self.events:
            if event.label == "closed":
                closed[event.sample : event.sample + event.n_times] = 1
        return closed


@dataclass(frozen=True, config=STRICT)
class SyntheticDataset:
    """What `make_dataset` wrote."""

    root: Path
    design: Design
    recordings: tuple[SyntheticRecording, ...]


def plan_recording(
    design: Design, positions: Mapping[str, Array], subject: int, session: int | None, run: int
) -> SyntheticRecording:
    """What one recording will hold. ``positions`` of its channels in m; subject, session and run are counted from 0."""
    key = (design.seed, subject, run) if session is None else (design.seed, subject, run, session)
    label, run_label, session_label = (
        f"{subject + 1:03d}",
        str(run + 1),
        "" if session is None else f"{session + 1:02d}",
    )
    front = np.array([position[1] for position in positions.values()])
    back = np.clip(-front / np.abs(front).max(), 0.1, 1)
    folder, name = f"sub-{label}", f"sub-{label}"
    if session_label:
        folder, name = f"{folder}/ses-{session_label}", f"{name}_ses-{session_label}"
    return SyntheticRecording(
        path=f"{folder}/eeg/{name}_task-{design.task}_run-{run_label}",
        subject=label,
        run=run_label,
        ch_names=tuple(positions),
        events=tuple(events_of(design, np.random.default_rng([*key, 0]))),
        tones=tuple(4.0 + 2 * (i % 8) for i in range(len(positions))),
        alphas=tuple(float(a) for a in np.round(ALPHA_AMPLITUDE * back, 6)),
        design=design,
        key=key,
        session=session_label,
    )


def _pink(length: int, rng: np.random.Generator) -> Array:
    """Noise (length,) whose power falls as 1 / frequency, without a mean."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(NOISE * noise / noise.std(), dtype=np.float64)
