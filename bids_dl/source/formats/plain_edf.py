"""Plain EDF and BDF files, whose header tells what MNE reads."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from bids_dl.source.formats.edf import (
    FIELD_BYTES,
    HEADER_BYTES,
    STATUS_LABELS,
    EdfHeader,
    count_records,
    read_edf_header,
)
from bids_dl.source.formats.plain_signal import PlainSignal
from bids_dl.source.formats.signal_info import SignalInfo

PATIENT = slice(8, 88)  # bytes of fields of the header
START_TIME = slice(176, 184)
NUMBERS = (slice(184, 192), slice(236, 244), slice(244, 252), slice(252, 256))
TIME_OF_DAY = re.compile(rb"([01]\d|2[0-3])\.[0-5]\d\.[0-5]\d")
RESERVED_LABELS = {"auto"}  # at which MNE's reader stops
# Texts of annotations that may be boundaries, or that MNE treats in a way of its own
NOTABLE = re.compile(rb"boundary|new segment|-99|acq_skip|[+-]\d{9}", re.IGNORECASE)


def read_plain_edf(path: Path, info: SignalInfo) -> PlainSignal | None:
    """Read the header of an EDF or BDF file.

    Parameters
    ----------
    path
        The file.
    info
        Result of `inspect_file`, with the header and the channels to read.

    Returns
    -------
    PlainSignal or None
        None if MNE may read the file in another way, or not at all.

    Raises
    ------
    RecordingError
        Stage "header": the header contradicts itself.
    """
    header = info.edf or read_edf_header(path)
    channels = {signal.label: signal for signal in header.recorded}
    kept = tuple(channels) if info.labels is None else info.labels
    if not _is_plain(path, header) or not set(kept) <= channels.keys() or not kept:
        return None
    rates = {channels[label].n_samples for label in kept}
    if len(rates) != 1:
        return None
    n_records, _ = count_records(header, path)
    n_samples = rates.pop()
    if header.has_onsets and _has_notable_annotation(path, header, n_records):
        return None
    return PlainSignal(
        labels=kept,
        ch_types=tuple("stim" if label.casefold() in STATUS_LABELS else "eeg" for label in kept),
        sfreq=header.sfreq(channels[kept[0]]),
        n_times=n_records * n_samples,
    )


def _is_plain(path: Path, header: EdfHeader) -> bool:
    """Return whether each field of a header that MNE reads is written as it expects."""
    with path.open("rb") as file:
        fixed = file.read(HEADER_BYTES)
        file.seek(header.header_bytes - FIELD_BYTES["reserved"] * len(header.signals))
        reserved = file.read(FIELD_BYTES["reserved"] * len(header.signals))
    labels = Counter(signal.label.casefold() for signal in header.recorded)
    patient = fixed[PATIENT].rstrip().split(b" ")
    return bool(
        max(labels.values()) == 1
        and "" not in labels
        and RESERVED_LABELS.isdisjoint(labels)
        and TIME_OF_DAY.fullmatch(fixed[START_TIME])
        and not any(b"," in fixed[number] for number in NUMBERS)
        and not any(part.count(b"=") > 1 for part in patient)
        and reserved.isascii()
    )


def _has_notable_annotation(path: Path, header: EdfHeader, n_records: int) -> bool:
    """Return whether the annotations of a file may have a boundary."""
    shape = (n_records, header.record_bytes)
    records = np.memmap(path, np.uint8, "r", header.header_bytes, shape)
    start = 0
    for signal in header.signals:
        stop = start + signal.n_samples * header.sample_bytes
        if signal.is_annotations and NOTABLE.search(records[:, start:stop].tobytes()):
            return True
        start = stop
    return False
