"""Signal files of a synthetic dataset: written through MNE's exporters, by hand where there is none, and broken on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bids_dl.testing.design import COMPANIONS
from bids_dl.testing.recording import SyntheticRecording

EXTENSIONS = {
    "edf": ".edf",
    "bdf": ".bdf",
    "brainvision": ".vhdr",
    "eeglab": ".set",
    "eeglab-fdt": ".set",
}
PACKAGES = {"edf": "edfio", "bdf": "edfio", "brainvision": "pybv"}
"""What MNE needs to write a format."""

LONG = 2**26  # values; a recording of more is written channel by channel
MAT_TEXT = 116  # bytes at the start of a MAT-file 5 that are free text; SciPy puts the time there
SLAB = 2**24  # values held at once while a long recording is put in order


def write_signal(path: Path, recording: SyntheticRecording) -> None:
    """The signal file of a recording and those it is read with."""
    kind = recording.design.format
    if kind.startswith("eeglab"):
        _eeglab(path, recording, apart=kind == "eeglab-fdt")
    elif len(recording.ch_names) * recording.n_times > LONG:
        _long_brainvision(path, recording)
    else:
        _export(path, recording)


def break_signal(path: Path, how: str) -> None:
    """Damage the file that holds the samples, as `Design` says."""
    samples = next((beside for beside in _beside(path) if beside.suffix in (".eeg", ".fdt")), path)
    if how == "companion":
        for beside in _beside(path):
            beside.unlink()
    else:
        {"truncated": _truncate, "empty": _empty, "pointer": _point, "link": _unlink}[how](samples)


def _beside(path: Path) -> list[Path]:
    endings = {ending for endings in COMPANIONS.values() for ending in endings}
    return [
        path.with_suffix(ending) for ending in sorted(endings) if path.with_suffix(ending).exists()
    ]


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _point(path: Path) -> None:
    """What a git-annex clone holds where links cannot be made and the content was not fetched."""
    path.write_bytes(
        f"/annex/objects/SHA256E-s{path.stat().st_size}--{'0' * 64}{path.suffix}\n".encode()
    )


def _unlink(path: Path) -> None:
    """What a git-annex clone holds elsewhere."""
    size = path.stat().st_size
    path.unlink()
    path.symlink_to(f"../../.git/annex/objects/00/00/SHA256E-s{size}--{'0' * 64}{path.suffix}")


def _export(path: Path, recording: SyntheticRecording) -> None:
    import mne

    info = mne.create_info(
        list(recording.ch_names), float(recording.design.sfreq), "eeg", verbose="error"
    )
    raw: mne.io.RawArray = mne.io.RawArray(recording.signals() / 1e6, info, verbose="error")
    if recording.design.boundaries:
        raw.set_annotations(
            mne.Annotations(recording.design.boundaries, 0.0, "boundary"), verbose="error"
        )
    mne.export.export_raw(path, raw, overwrite=True, verbose="error")


def _eeglab(path: Path, recording: SyntheticRecording, *, apart: bool) -> None:
    """An EEGLAB dataset as `pop_saveset` writes it; ``apart``: the samples in a file of float32 beside it."""
    from scipy.io import savemat

    signals = recording.signals().astype(np.float32)
    sfreq, n_times = recording.design.sfreq, recording.n_times
    beside = path.with_suffix(".fdt")
    if apart:
        beside.write_bytes(signals.tobytes(order="F"))
    jumps = [
        {"type": "boundary", "latency": onset * sfreq + 0.5, "duration": np.nan}
        for onset in recording.design.boundaries
    ]
    content: dict[str, Any] = {
        "setname": path.stem,
        "nbchan": float(len(signals)),
        "trials": 1.0,
        "pnts": float(n_times),
        "srate": float(sfreq),
        "xmin": 0.0,
        "xmax": (n_times - 1) / sfreq,
        "data": beside.name if apart else signals,
        "datfile": beside.name if apart else "",
        "ref": "common",
        "chanlocs": np.array([(name,) for name in recording.ch_names], dtype=[("labels", object)]),
        "event": np.array(
            [tuple(jump.values()) for jump in jumps],
            dtype=[(name, object) for name in ("type", "latency", "duration")],
        ),
        **{
            name: np.zeros((0, 0))
            for name in (
                "times",
                "icaact",
                "icawinv",
                "icasphere",
                "icaweights",
                "epoch",
                "urevent",
            )
        },
    }
    savemat(path, {"EEG": content}, appendmat=False)
    with path.open("r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file".ljust(MAT_TEXT))


def _long_brainvision(path: Path, recording: SyntheticRecording) -> None:
    """A BrainVision recording of any length, float32; as large as it on disk meanwhile, small in memory."""
    shape = (len(recording.ch_names), recording.n_times)
    by_channel, samples = path.with_suffix(".part"), path.with_suffix(".eeg")
    with by_channel.open("wb") as file:
        for signal in recording.channels():
            file.write(signal.astype("<f4").tobytes())
    width = max(1, SLAB // shape[0])
    with samples.open("wb") as file:
        for start in range(0, shape[1], width):
            rows = np.memmap(by_channel, dtype="<f4", mode="r", shape=shape)[
                :, start : start + width
            ]
            file.write(np.ascontiguousarray(rows.T).tobytes())
    by_channel.unlink()
    channels = "\n".join(f"Ch{i}={name},,1,µV" for i, name in enumerate(recording.ch_names, 1))
    path.write_text(
        "BrainVision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={samples.name}\nMarkerFile={path.stem}.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={shape[0]}\nSamplingInterval={1e6 / recording.design.sfreq!r}\n\n"
        f"[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{channels}\n",
        encoding="utf-8",
    )
    path.with_suffix(".vmrk").write_text(
        "BrainVision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={samples.name}\n\n[Marker Infos]\nMk1=New Segment,,1,1,0\n",
        encoding="utf-8",
    )
