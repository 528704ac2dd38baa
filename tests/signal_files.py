"""Signal files made or wrapped for a test: EDF and BDF byte by byte, BrainVision, and one recording as a BIDS dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import Recording
from bids_dl.source import Dataset, find_recordings, open_dataset

STEM = "sub-1/eeg/sub-1_task-x"


@dataclass(frozen=True)
class Channel:
    """One signal of an EDF or BDF file."""

    label: str
    samples: np.ndarray  # (n_times,) digital values
    rate: int = 100  # samples in a data record of 1 s
    unit: str = "uV"
    scale: float = 1.0  # physical over digital


def edf_bytes(
    channels: Sequence[Channel],
    *,
    onsets: Sequence[float] | None = None,
    reserved: str = "",
    promised: int | None = None,
    bdf: bool = False,
) -> bytes:
    """A file of data records of 1 s; with onsets (s) it has an annotation signal that says when each record begins."""
    n_records = len(channels[0].samples) // channels[0].rate
    width, top = (3, 8_000_000) if bdf else (2, 32_767)
    rows = [
        (c.label, "", c.unit, -top * c.scale, top * c.scale, -top, top, "", c.rate, "")
        for c in channels
    ]
    if onsets is not None:
        rows.append(
            (f"{'BDF' if bdf else 'EDF'} Annotations", "", "", -1, 1, -top, top, "", 60, "")
        )
    fixed = (b"\xffBIOSEMI" if bdf else b"0       ") + b" " * 160 + b"01.02.0310.11.12"
    fixed += b"".join(
        _field(value, size)
        for value, size in (
            (256 * (len(rows) + 1), 8),
            (reserved, 44),
            (n_records if promised is None else promised, 8),
            (1, 8),
            (len(rows), 4),
        )
    )
    header = fixed + b"".join(
        _field(row[i], size)
        for i, size in enumerate((16, 80, 8, 8, 8, 8, 8, 80, 8, 32))
        for row in rows
    )
    records = []
    for i in range(n_records):
        for channel in channels:
            values = np.asarray(channel.samples[i * channel.rate : (i + 1) * channel.rate]).astype(
                "<i4"
            )
            records.append(values.view(np.uint8).reshape(-1, 4)[:, :width].tobytes())
        if onsets is not None:
            records.append(f"{onsets[i]:+g}\x14\x14\x00".encode().ljust(60 * width, b"\x00"))
    return header + b"".join(records)


def wrap(
    root: Path,
    files: Mapping[str, bytes | Path | str],
    *,
    channels: str = "",
    events: str = "onset\tduration\n0\tn/a\n",
    sidecar: Mapping = {},
) -> tuple[Dataset, Recording]:
    """One recording as a BIDS dataset.

    Parameters
    ----------
    files
        Content (or a file to copy) by what follows ``sub-1_task-x``, "_eeg.edf", or by a name of its own.
    """
    contents = {
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
        content = (
            content.read_bytes()
            if isinstance(content, Path)
            else content.encode()
            if isinstance(content, str)
            else content
        )
        path.write_bytes(content)
    dataset = open_dataset(str(root))
    return dataset, find_recordings(dataset, SourceConfig())[0]


def vhdr(
    channels: Sequence[str], *, n_times: int, data: str, markers: str = "", lines: str = ""
) -> str:
    """A header of float32 samples at 200 Hz; ``channels`` are entries such as "Cz,,0.1,µV"."""
    entries = "\n".join(f"Ch{i}={entry}" for i, entry in enumerate(channels, 1))
    return (
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={data}\nMarkerFile={markers}\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(channels)}\nDataPoints={n_times}\nSamplingInterval=5000\n{lines}\n"
        f"[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{entries}\n"
    )


def _field(value: object, size: int) -> bytes:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.encode("latin-1").ljust(size)[:size]
