"""Signal of a synthetic recording, computed channel by channel to need little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.testing.design import SLEEP_EVENTS, Design
from bids_dl.testing.events import SyntheticEvent, count_samples, draw_events
from bids_dl.testing.noise import Array, pink_noise
from bids_dl.testing.planting import draw_log_power, draw_person, draw_votes, plant_signals
from bids_dl.testing.sleep import EPOCH_SECONDS, UNCLEAR_SHARE, simulate_sleep

TONE_HZ = 20.0
ALPHA_HZ = 10.0
ALPHA_AMPLITUDE_UV = 30.0  # at the back of the head
MIN_ALPHA = 0.1  # at the front, as a fraction of the amplitude at the back
# The height of an impulse is proportional to the rate, so that low-passed impulses look alike at
# all rates.
IMPULSE_AREA_UV_S = 2.0


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
    design: Design  # design of the subject, which may be a variant
    key: tuple[int, ...]  # seed of its random numbers
    session: str = ""

    @property
    def n_times(self) -> int:
        """Number of samples."""
        return count_samples(self.design)

    def signals(self) -> Array:
        """Return the samples (n_chans, n_times) in µV, before the file format rounded them."""
        return np.array(list(self.iter_channels()))

    def log_power(self) -> Array:
        """Return the log power (n_windows,) of the planted effect, in its scale.

        It is empty in a recording without a planted effect.
        """
        effect = self.design.effect
        if effect is None:
            return np.empty(0)
        n_windows = round(self.n_times / self.design.sfreq / effect.window)
        per_block = round(self.design.block_duration / effect.window)
        person = draw_person(effect, *self.key[:2])
        return draw_log_power(effect, person, np.arange(n_windows) // per_block, self.key)

    def votes(self) -> NDArray[np.int64]:
        """Return the votes (n_windows, n_columns) of a planted effect of shares, else none."""
        effect = self.design.effect
        if effect is None or effect.kind != "shares":
            return np.empty((0, 0), dtype=np.int64)
        return draw_votes(effect, self.log_power(), self.key)

    def iter_channels(self) -> Iterator[Array]:
        """Yield the samples (n_times,) of each channel in µV."""
        channels = self._plant() if self.design.effect else self._simulate()
        if self.design.events in SLEEP_EVENTS:
            channels = self._sleep()
        for signal in channels:
            for onset, duration in self.design.dropouts:
                sfreq = self.design.sfreq
                signal[round(onset * sfreq) : round((onset + duration) * sfreq)] = 0
            yield signal

    def _plant(self) -> Iterator[Array]:
        """Yield the channels of a recording with a planted effect."""
        effect = self.design.effect
        if effect is not None:
            sfreq = float(self.design.sfreq)
            yield from plant_signals(effect, self.log_power(), self.ch_names, sfreq, self.key)

    def _simulate(self) -> Iterator[Array]:
        """Yield the channels of a recording with tones, alpha and impulses."""
        sfreq = self.design.sfreq
        times = np.arange(self.n_times) / sfreq
        tone = np.sin(2 * np.pi * TONE_HZ * times)
        alpha = self._eyes_closed() * np.sin(2 * np.pi * ALPHA_HZ * times)
        impulses = [event.sample for event in self.events if event.label == "impulse"]
        rng = np.random.default_rng([*self.key, 1])
        for i in range(len(self.ch_names)):
            signal = pink_noise(self.n_times, rng)
            signal += self.tones[i] * tone
            signal += self.alphas[i] * alpha
            if i == 0:
                signal[impulses] += IMPULSE_AREA_UV_S * sfreq
            yield signal

    def _sleep(self) -> Iterator[Array]:
        """Yield the channels of a recording of sleep."""
        sfreq = self.design.sfreq
        stages: list[str] = []
        for event in self.events:
            stages += [event.label] * round(event.n_times / sfreq / EPOCH_SECONDS)
        unclear = UNCLEAR_SHARE if self.design.events == "night" else 0.0
        return simulate_sleep(stages, len(self.ch_names), sfreq, self.key, unclear=unclear)

    def _eyes_closed(self) -> Array:
        """Return 1 for samples (n_times,) in blocks with eyes closed, 0 for others."""
        closed = np.zeros(self.n_times)
        for event in self.events:
            if event.label == "closed":
                closed[event.sample : event.sample + event.n_times] = 1
        return closed


@dataclass(frozen=True, config=STRICT)
class SyntheticDataset:
    """Folder, design and recordings of a dataset that `make_dataset` wrote."""

    root: Path
    design: Design
    recordings: tuple[SyntheticRecording, ...]


def plan_recording(
    design: Design, positions: Mapping[str, Array], subject: int, session: int | None, run: int
) -> SyntheticRecording:
    """Plan the content of one recording.

    Parameters
    ----------
    design
        Design of the subject.
    positions
        Position (3,) of each channel in m, x to the right and y to the front.
    subject, session, run
        Counted from 0. Without a session, the path does not have a session entity.
    """
    key = (design.seed, subject, run) if session is None else (design.seed, subject, run, session)
    subject_label = f"{subject + 1:03d}"
    session_label = "" if session is None else f"{session + 1:02d}"
    run_label = str(run + 1)
    folder = name = f"sub-{subject_label}"
    if session_label:
        folder = f"{folder}/ses-{session_label}"
        name = f"{name}_ses-{session_label}"
    front = np.array([position[1] for position in positions.values()])
    farthest = np.abs(front).max() or 1.0  # all channels may be on the line between the ears
    back = np.clip(-front / farthest, MIN_ALPHA, 1)
    return SyntheticRecording(
        path=f"{folder}/eeg/{name}_task-{design.task}_run-{run_label}",
        subject=subject_label,
        run=run_label,
        ch_names=tuple(positions),
        events=tuple(draw_events(design, np.random.default_rng([*key, 0]))),
        tones=tuple(4.0 + 2 * (i % 8) for i in range(len(positions))),
        alphas=tuple(np.round(ALPHA_AMPLITUDE_UV * back, 6).tolist()),
        design=design,
        key=key,
        session=session_label,
    )
