"""Long recordings with many samples, as BrainVision files in BIDS folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SHAFT_CONTACTS = tuple(f"{shaft}{number}" for shaft in ("A", "B'") for number in range(1, 11))
RESOLUTION = 0.1  # µV of one integer
NOISE_SECONDS = 4.0
HEADER = """Brain Vision Data Exchange Header File Version 1.0

[Common Infos]
Codepage=UTF-8
DataFile={name}.eeg
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={n_chans}
SamplingInterval={interval!r}

[Binary Infos]
BinaryFormat=INT_16

[Channel Infos]
"""


@dataclass(frozen=True)
class LongRecording:
    """A recording to write.

    Attributes
    ----------
    seconds, sfreq
        Length in s and rate in Hz.
    names, kind, bads
        Channels, their type in BIDS, and those that are bad.
    line, drift
        Amplitudes in µV of 50 Hz on all channels, and of a wave of 0.05 Hz.
    """

    seconds: float = 600.0
    sfreq: float = 32_000.0
    names: Sequence[str] = SHAFT_CONTACTS
    kind: str = "SEEG"
    bads: Sequence[str] = ()
    line: float = 10.0
    drift: float = 200.0
    subject: str = "01"
    others: dict[str, str] = field(default_factory=dict)  # type of further channels by name

    @property
    def datatype(self) -> str:
        """Folder of BIDS."""
        return "eeg" if self.kind == "EEG" else "ieeg"

    @property
    def path(self) -> str:
        """BIDS path without suffix and extension."""
        return f"sub-{self.subject}/{self.datatype}/sub-{self.subject}_task-rest"


def write_long_recording(root: Path, recording: LongRecording, *, seed: int = 0) -> Path:
    """Write int16 noise with a 1/f spectrum, repeated with other weights, and return the root.

    The file is written in blocks of 4 s, so the memory does not depend on the length.
    """
    stem = root / recording.path
    stem.parent.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text('{"Name": "long", "BIDSVersion": "1.10.0"}')
    kinds = dict.fromkeys(recording.names, recording.kind) | recording.others
    rows = [
        f"{name}\t{kind}\tµV\t{'bad' if name in recording.bads else 'good'}\n"
        for name, kind in kinds.items()
    ]
    text = "name\ttype\tunits\tstatus\n" + "".join(rows)
    Path(f"{stem}_channels.tsv").write_text(text, encoding="utf-8")
    sidecar = {"TaskName": "rest", "SamplingFrequency": recording.sfreq, "PowerLineFrequency": 50}
    Path(f"{stem}_{recording.datatype}.json").write_text(json.dumps(sidecar))
    path = Path(f"{stem}_{recording.datatype}.vhdr")
    header = HEADER.format(name=path.stem, n_chans=len(kinds), interval=1e6 / recording.sfreq)
    channels = "".join(f"Ch{i + 1}={name},,{RESOLUTION},µV\n" for i, name in enumerate(kinds))
    path.write_text(header + channels, encoding="utf-8")
    _write_samples(path.with_suffix(".eeg"), recording, len(kinds), seed)
    return root


def _write_samples(path: Path, recording: LongRecording, n_chans: int, seed: int) -> None:
    """Write the samples in blocks."""
    rng = np.random.default_rng(seed)
    n_times = round(recording.seconds * recording.sfreq)
    n_block = min(n_times, round(NOISE_SECONDS * recording.sfreq))
    spectrum = np.fft.rfft(rng.standard_normal((n_chans, n_block)))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(n_block, 1 / recording.sfreq), 1.0))
    noise = np.fft.irfft(spectrum, n_block)
    noise *= 50 / noise.std()
    with path.open("wb") as file:
        for number, start in enumerate(range(0, n_times, n_block)):
            times = np.arange(start, min(start + n_block, n_times)) / recording.sfreq
            common = recording.line * np.sin(2 * np.pi * 50 * times)
            common += recording.drift * np.sin(2 * np.pi * 0.05 * times)
            block = np.roll(noise, 7 * number, axis=0)[:, : len(times)] + common
            file.write(np.rint(block.T / RESOLUTION).astype("<i2").tobytes())
