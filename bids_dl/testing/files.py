"""Signal files of a synthetic dataset, and damage to them.

MNE's exporters write EDF, BDF and short BrainVision files; EEGLAB and long BrainVision files are
written here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bids_dl.testing.design import COMPANION_EXTENSIONS
from bids_dl.testing.recording import SyntheticRecording

EXTENSIONS = {
    "edf": ".edf",
    "bdf": ".bdf",
    "brainvision": ".vhdr",
    "eeglab": ".set",
    "eeglab-fdt": ".set",
}
PACKAGES = {"edf": "edfio", "bdf": "edfio", "brainvision": "pybv"}
"""Format -> package that MNE needs to write it."""

MAX_EXPORT_VALUES = 2**26  # a recording with more values is written channel by channel
MAT_TEXT_BYTES = 116  # free text at the start of a MAT-file 5, in which SciPy writes the time
MAX_HELD_VALUES = 2**24  # in memory while a long recording is transposed
KEPT_PERCENT = 60  # of the bytes of a truncated file
# Fields of an EEGLAB dataset that stay empty
EMPTY_SET_FIELDS = (
    *("times", "icaact", "icawinv", "icasphere"),
    *("icaweights", "epoch", "urevent"),
)


def write_signal(path: Path, recording: SyntheticRecording) -> None:
    """Write the signal file of a recording and its companion files."""
    file_format = recording.design.format
    if file_format.startswith("eeglab"):
        _write_eeglab(path, recording, with_fdt=file_format == "eeglab-fdt")
    elif len(recording.ch_names) * recording.n_times > MAX_EXPORT_VALUES:
        _write_long_brainvision(path, recording)
    else:
        _export(path, recording)


def break_signal(path: Path, damage: str) -> None:
    """Replace, truncate or remove a file of a recording, as `Design.broken` says.

    Parameters
    ----------
    path
        Signal file.
    damage
        A value of `Design.broken`.
    """
    companions = _companions(path)
    if damage == "companion":
        for companion in companions:
            companion.unlink()
        return
    sample_files = [file for file in companions if file.suffix in {".eeg", ".fdt"}]
    file = sample_files[0] if sample_files else path
    actions = {
        "truncated": _truncate,
        "empty": _empty,
        "pointer": _replace_by_pointer,
        "link": _replace_by_broken_link,
    }
    actions[damage](file)


def _companions(path: Path) -> list[Path]:
    """List the existing companion files of a signal file."""
    extensions = {
        extension for extensions in COMPANION_EXTENSIONS.values() for extension in extensions
    }
    candidates = [path.with_suffix(extension) for extension in sorted(extensions)]
    return [file for file in candidates if file.exists()]


def _truncate(path: Path) -> None:
    """Remove the last 40 % of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * KEPT_PERCENT // 100])


def _empty(path: Path) -> None:
    """Remove the content of a file."""
    path.write_bytes(b"")


def _replace_by_pointer(path: Path) -> None:
    """Replace a file by a git-annex pointer, as in a clone on a file system without links."""
    size = path.stat().st_size
    path.write_bytes(f"/annex/objects/SHA256E-s{size}--{'0' * 64}{path.suffix}\n".encode())


def _replace_by_broken_link(path: Path) -> None:
    """Replace a file by a broken link, as in a git-annex clone without its content."""
    size = path.stat().st_size
    path.unlink()
    path.symlink_to(f"../../.git/annex/objects/00/00/SHA256E-s{size}--{'0' * 64}{path.suffix}")


def _export(path: Path, recording: SyntheticRecording) -> None:
    """Write a recording with MNE's exporter."""
    import mne

    sfreq = float(recording.design.sfreq)
    info = mne.create_info(list(recording.ch_names), sfreq, "eeg", verbose="error")
    raw: mne.io.RawArray = mne.io.RawArray(recording.signals() / 1e6, info, verbose="error")
    boundaries = recording.design.boundaries
    if boundaries:
        raw.set_annotations(mne.Annotations(boundaries, 0.0, "boundary"), verbose="error")
    mne.export.export_raw(path, raw, overwrite=True, verbose="error")


def _write_eeglab(path: Path, recording: SyntheticRecording, *, with_fdt: bool) -> None:
    """Write an EEGLAB dataset like `pop_saveset`, with float32 samples inside or in a .fdt file."""
    from scipy.io import savemat

    signals = recording.signals().astype(np.float32)
    sfreq = recording.design.sfreq
    fdt = path.with_suffix(".fdt")
    if with_fdt:
        fdt.write_bytes(signals.tobytes(order="F"))
    events = [("boundary", onset * sfreq + 0.5, np.nan) for onset in recording.design.boundaries]
    event_fields = [(name, object) for name in ("type", "latency", "duration")]
    labels = [(name,) for name in recording.ch_names]
    content: dict[str, Any] = {
        "setname": path.stem,
        "nbchan": float(len(signals)),
        "trials": 1.0,
        "pnts": float(recording.n_times),
        "srate": float(sfreq),
        "xmin": 0.0,
        "xmax": (recording.n_times - 1) / sfreq,
        "data": fdt.name if with_fdt else signals,
        "datfile": fdt.name if with_fdt else "",
        "ref": "common",
        "chanlocs": np.array(labels, dtype=[("labels", object)]),
        "event": np.array(events, dtype=event_fields),
    }
    for name in EMPTY_SET_FIELDS:
        content[name] = np.zeros((0, 0))
    savemat(path, {"EEG": content}, appendmat=False)
    with path.open("r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file".ljust(MAT_TEXT_BYTES))


def _write_long_brainvision(path: Path, recording: SyntheticRecording) -> None:
    """Write a float32 BrainVision recording of any length with little memory.

    The samples are first written channel by channel, then transposed, which takes the size of the
    recording on disk in addition.
    """
    n_chans = len(recording.ch_names)
    vectorized = path.with_suffix(".part")
    multiplexed = path.with_suffix(".eeg")
    with vectorized.open("wb") as file:
        for signal in recording.iter_channels():
            file.write(signal.astype("<f4").tobytes())
    shape = (n_chans, recording.n_times)
    width = max(1, MAX_HELD_VALUES // n_chans)
    with multiplexed.open("wb") as file:
        for start in range(0, recording.n_times, width):
            # mapped again for each slice, so that its pages do not stay in memory
            signals = np.memmap(vectorized, dtype="<f4", mode="r", shape=shape)
            file.write(np.ascontiguousarray(signals[:, start : start + width].T).tobytes())
    vectorized.unlink()
    path.write_text(_long_header(path, recording), encoding="utf-8")
    path.with_suffix(".vmrk").write_text(
        "BrainVision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={multiplexed.name}\n\n[Marker Infos]\nMk1=New Segment,,1,1,0\n",
        encoding="utf-8",
    )


def _long_header(path: Path, recording: SyntheticRecording) -> str:
    """Format the header of a float32 BrainVision recording."""
    channels = "\n".join(f"Ch{i}={name},,1,µV" for i, name in enumerate(recording.ch_names, 1))
    return (
        "BrainVision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={path.stem}.eeg\nMarkerFile={path.stem}.vmrk\n"
        "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(recording.ch_names)}\n"
        f"SamplingInterval={1e6 / recording.design.sfreq!r}\n\n"
        f"[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{channels}\n"
    )
