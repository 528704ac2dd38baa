"""Signal files for tests: EDF, BDF, BrainVision and EEGLAB, and one recording as a BIDS dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import Recording
from bids_dl.errors import RecordingError
from bids_dl.source import Dataset, find_recordings, open_dataset, open_raw, read_header

STEM = "sub-1/eeg/sub-1_task-x"
ANNOTATION_SAMPLES = 60  # of a data record
EDF_FIELD_BYTES = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
CONTINUOUS_SET = {"trials": 1.0, "srate": 100.0, "xmin": 0.0, "xmax": 4.99, "setname": "x"}


@dataclass(frozen=True)
class EdfChannel:
    """One signal of an EDF or BDF file."""

    label: str
    samples: np.ndarray  # (n_times,) digital values
    rate: int = 100  # samples in a data record of 1 s
    unit: str = "uV"
    scale: float = 1.0  # physical over digital


def edf_bytes(
    channels: Sequence[EdfChannel],
    *,
    onsets: Sequence[float] | None = None,
    reserved: str = "",
    n_records_header: int | None = None,
    bdf: bool = False,
) -> bytes:
    """Build an EDF or BDF file with data records of 1 s.

    Parameters
    ----------
    channels
        Signals; the first determines the number of data records.
    onsets
        Onset of each data record in s, written to an annotation signal.
    reserved
        ``"EDF+C"`` or ``"EDF+D"``.
    n_records_header
        Number of data records in the header, if it should differ from that of the file.
    bdf
        Write 24-bit samples.
    """
    n_records = len(channels[0].samples) // channels[0].rate
    sample_bytes = 3 if bdf else 2
    max_digital = 8_000_000 if bdf else 32_767
    rows: list[tuple[object, ...]] = []
    for channel in channels:
        max_physical = max_digital * channel.scale
        limits = (-max_physical, max_physical, -max_digital, max_digital)
        rows.append((channel.label, "", channel.unit, *limits, "", channel.rate, ""))
    if onsets is not None:
        label = f"{'BDF' if bdf else 'EDF'} Annotations"
        limits = (-1, 1, -max_digital, max_digital)
        rows.append((label, "", "", *limits, "", ANNOTATION_SAMPLES, ""))
    content = (b"\xffBIOSEMI" if bdf else b"0       ") + b" " * 160 + b"01.02.0310.11.12"
    content += _field(256 * (len(rows) + 1), 8) + _field(reserved, 44)
    content += _field(n_records if n_records_header is None else n_records_header, 8)
    content += _field(1, 8) + _field(len(rows), 4)
    for i, size in enumerate(EDF_FIELD_BYTES):
        content += b"".join(_field(row[i], size) for row in rows)
    records = bytearray()  # grows in place
    for i in range(n_records):
        for channel in channels:
            samples = channel.samples[i * channel.rate : (i + 1) * channel.rate]
            records += _little_endian(samples, sample_bytes)
        if onsets is not None:
            annotation = f"{onsets[i]:+g}\x14\x14\x00".encode()
            records += annotation.ljust(ANNOTATION_SAMPLES * sample_bytes, b"\x00")
    return content + bytes(records)


def write_recording(
    root: Path,
    files: Mapping[str, bytes | Path | str],
    *,
    channels: str = "",
    events: str = "onset\tduration\n0\tn/a\n",
    sidecar: Mapping = {},
) -> tuple[Dataset, Recording]:
    """Write one recording as a BIDS dataset.

    Parameters
    ----------
    root
        Folder of the dataset.
    files
        Content, or a file to copy, by its ending after ``sub-1_task-x`` ("_eeg.edf"), or by a
        complete file name.
    channels, events
        Content of channels.tsv and events.tsv. Without channels there is no channels.tsv.
    sidecar
        Additional content of eeg.json.
    """
    contents: dict[str, bytes | Path | str] = {
        "_events.tsv": events,
        "_eeg.json": json.dumps({"TaskName": "x", **sidecar}),
        **files,
    }
    if channels:
        contents["_channels.tsv"] = channels
    (root / STEM).parent.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text(
        json.dumps({"Name": "x", "BIDSVersion": "1.10.0", "HEDVersion": "8.3.0"})
    )
    for name, content in contents.items():
        path = root / (f"{STEM}{name}" if name.startswith("_") else f"sub-1/eeg/{name}")
        if isinstance(content, Path):
            content = content.read_bytes()
        elif isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
    dataset = open_dataset(str(root))
    return dataset, find_recordings(dataset, SourceConfig())[0]


def vhdr_text(channels: Sequence[str], *, n_times: int, data: str, markers: str = "") -> str:
    """Build a BrainVision header of float32 samples at 200 Hz.

    ``channels`` are entries such as "Cz,,0.1,µV".
    """
    entries = "\n".join(f"Ch{i}={entry}" for i, entry in enumerate(channels, 1))
    return (
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={data}\nMarkerFile={markers}\n"
        "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(channels)}\nDataPoints={n_times}\nSamplingInterval=5000\n\n"
        f"[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{entries}\n"
    )


def write_set(
    path: Path, data: np.ndarray | str, *, boundaries: Sequence[float] = (), trials: float = 1.0
) -> Path:
    """Write an EEGLAB .set of three channels and 500 samples at 100 Hz.

    ``boundaries`` are latencies in samples as EEGLAB counts them, from 1.
    """
    locations = np.array([("Cz",), ("Pz",), ("Oz",)], dtype=[("labels", object)])
    events = np.array(
        [(latency, "boundary", 3.0) for latency in boundaries],
        dtype=[("latency", object), ("type", object), ("duration", object)],
    )
    content = {
        **CONTINUOUS_SET,
        "trials": trials,
        "nbchan": 3.0,
        "pnts": 500.0,
        "data": data,
        "chanlocs": locations,
        "event": events,
    }
    scipy.io.savemat(path, {"EEG": content})
    return path


def noise(n_chans: int = 3, n_times: int = 500) -> np.ndarray:
    """Draw float32 noise of 20 µV, (n_chans, n_times)."""
    return np.random.default_rng(0).normal(scale=20, size=(n_chans, n_times)).astype("<f4")


def read_microvolts(dataset: Dataset, recording: Recording) -> tuple[list[str], np.ndarray]:
    """Read the channel names and the samples (n_chans, n_times) in µV of a recording."""
    with open_raw(dataset, recording) as raw:
        return raw.ch_names, raw.get_data() * 1e6


def refusal(dataset: Dataset, recording: Recording) -> RecordingError:
    """Return the error of reading a header: one line, without a path of this machine."""
    with pytest.raises(RecordingError) as failure:
        read_header(dataset, recording)
    assert "\n" not in str(failure.value)
    assert str(dataset.root) not in str(failure.value)
    return failure.value


def _field(value: object, size: int) -> bytes:
    """Format a header field."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.encode("latin-1").ljust(size)[:size]


def _little_endian(samples: np.ndarray, sample_bytes: int) -> bytes:
    """Encode digital values with 2 or 3 bytes each."""
    values = np.asarray(samples).astype("<i4")
    return values.view(np.uint8).reshape(-1, 4)[:, :sample_bytes].tobytes()
