"""EDF and BDF headers and file sizes.

EDF: Kemp et al. 1992, https://doi.org/10.1016/0013-4694(92)90009-7. EDF+: Kemp and Olivan 2003,
https://doi.org/10.1016/S1388-2457(03)00123-8. BDF: the 24-bit variant of BioSemi.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NoReturn, TypeVar

from bids_dl.errors import RecordingError
from bids_dl.source.file_checks import text_conversion_damage
from bids_dl.wording import count

HEADER_BYTES = 256  # of the fixed part, and of each signal's part
MAX_SIGNALS = 9999  # the field has four digits
FIELD_BYTES = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefilter": 80,
    "n_samples": 8,
    "reserved": 32,
}
"""Fields of the signals' part, each stored for all signals before the next field begins."""
LIMITS = ("physical_min", "physical_max", "digital_min", "digital_max")
PARSED_FIELDS = {"label", "unit", "n_samples", *LIMITS}
PARSED_HEADERS = 32  # kept, because a header is read several times and recordings often share it

VERSIONS = {b"0", b"\xffBIOSEMI"}
ANNOTATION_LABELS = {"EDF Annotations", "BDF Annotations"}
STATUS_LABELS = {"status", "trigger"}
# Size in V that MNE assumes for a unit; any other unit is read as volts
VOLTS_IN_MNE = {"μV": 1e-6, "µV": 1e-6, "\x83\xcaV": 1e-6, "uV": 1e-6, "mV": 1e-3}
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class EdfSignal:
    """One signal of a header. Its texts are as MNE reads them, including NUL characters."""

    label: str
    unit: str
    is_scaled: bool  # physical and digital minimum and maximum are finite and differ
    n_samples: int  # in a data record

    @property
    def is_annotations(self) -> bool:
        """True for the annotations of EDF+, which are not a signal."""
        return self.label in ANNOTATION_LABELS

    @property
    def assumed_volts(self) -> float:
        """Size in V that MNE assumes for one unit."""
        if self.label.casefold() in STATUS_LABELS:
            return 1.0
        return VOLTS_IN_MNE.get(self.unit, 1.0)


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """Header of an EDF or BDF file.

    Attributes
    ----------
    signals
        All signals, including annotations.
    header_bytes
        Size of the header.
    record_duration
        Duration of a data record in s.
    n_records
        Number of data records that the header promises, -1 if it is open.
    sample_bytes
        Bytes of a sample: 2 for EDF, 3 for BDF.
    is_discontinuous
        True if data records may leave out time (EDF+D).
    """

    signals: tuple[EdfSignal, ...]
    header_bytes: int
    record_duration: float
    n_records: int
    sample_bytes: int
    is_discontinuous: bool

    @property
    def record_bytes(self) -> int:
        """Bytes of a data record."""
        return self.sample_bytes * sum(signal.n_samples for signal in self.signals)

    @property
    def has_onsets(self) -> bool:
        """True if data records state their onset (EDF+)."""
        return any(signal.is_annotations for signal in self.signals)

    @property
    def recorded(self) -> tuple[EdfSignal, ...]:
        """Signals without annotations."""
        return tuple(signal for signal in self.signals if not signal.is_annotations)

    def sfreq(self, signal: EdfSignal) -> float:
        """Return the sampling rate of a signal in Hz."""
        return signal.n_samples / self.record_duration


def read_edf_header(path: Path) -> EdfHeader:
    """Read the header of an EDF or BDF file.

    Raises
    ------
    RecordingError
        Stage "header": the file is not EDF or BDF, or its header contradicts itself.
    """
    with path.open("rb") as file:
        fixed = file.read(HEADER_BYTES)
        n_signals = 0
        if len(fixed) == HEADER_BYTES:
            n_signals = _parse_number(fixed[252:256], "number of signals", int)
        if not 1 <= n_signals <= MAX_SIGNALS or fixed[:8].strip(b" \0") not in VERSIONS:
            _refuse(
                f"not an EDF or BDF file: it begins with {fixed[:8]!r} and states "
                f"{count(n_signals, 'signal')}"
            )
        return parse_header(fixed, file.read(HEADER_BYTES * n_signals))


def has_annotation_label(path: Path) -> bool:
    """Return whether an EDF or BDF file has a signal of annotations, by its header alone.

    Raises
    ------
    RecordingError
        Stage "header": the file does not state the number of its signals.
    """
    width = FIELD_BYTES["label"]
    with path.open("rb") as file:
        n_signals = _count_signals(file.read(HEADER_BYTES))
        labels = [file.read(width).decode("latin1").strip() for _ in range(n_signals)]
    return not ANNOTATION_LABELS.isdisjoint(labels)


def header_size(path: Path) -> int:
    """Return the bytes of the header of an EDF or BDF file, by its number of signals.

    Raises
    ------
    RecordingError
        Stage "header": the file does not state the number of its signals.
    """
    with path.open("rb") as file:
        return HEADER_BYTES * (1 + _count_signals(file.read(HEADER_BYTES)))


def _count_signals(fixed: bytes) -> int:
    """Return the number of signals that the first 256 bytes of a file state, 0 if it is negative.

    `read_edf_header` refuses a file without signals.
    """
    return max(0, _parse_number(fixed[252:256], "number of signals", int))


def parse_header(fixed: bytes, signals_part: bytes) -> EdfHeader:
    """Parse a header.

    Parameters
    ----------
    fixed
        The first 256 bytes of the file.
    signals_part
        The 256 bytes of each signal that follow.

    Raises
    ------
    RecordingError
        Stage "header": the header contradicts itself.
    """
    size = HEADER_BYTES + len(signals_part)
    stated_size = _parse_number(fixed[184:192], "length of the header", int)
    if stated_size != size or len(signals_part) % HEADER_BYTES:
        _refuse(
            f"the header has {size} bytes and states {stated_size}; "
            "the file is truncated or was altered"
        )
    signals = _parse_signals(signals_part)
    duration = _parse_number(fixed[244:252], "duration of a data record", float)
    n_records = _parse_number(fixed[236:244], "number of data records", int)
    if not any(signal.n_samples for signal in signals if not signal.is_annotations):
        _refuse("the file has no signals, only annotations")
    if not (math.isfinite(duration) and duration > 0):
        _refuse(
            f"a data record lasts {duration:g} s according to the header, so the sampling rate "
            "is unknown; repair the header"
        )
    return EdfHeader(
        signals=signals,
        header_bytes=stated_size,
        record_duration=duration,
        n_records=n_records,
        sample_bytes=3 if fixed[:1] == b"\xff" else 2,
        is_discontinuous=_is_discontinuous(fixed),
    )


def count_records(header: EdfHeader, path: Path) -> tuple[int, str]:
    """Count the complete data records of a file.

    Returns
    -------
    n_records : int
        Number of complete data records.
    note : str
        Note on a difference to the header, else "".

    Raises
    ------
    RecordingError
        Stage "header": there is no data record, the file was converted as text, or its size is
        not that of a recording.
    """
    n_bytes = path.stat().st_size - header.header_bytes
    n_records, n_rest = divmod(n_bytes, header.record_bytes)
    if n_records == header.n_records and not n_rest:
        if not n_records:
            _refuse("the file has a header but no data records")
        return n_records, ""
    if damage := text_conversion_damage(path, header.header_bytes):
        _refuse(f"the file was corrupted in transfer ({damage}); download it again in binary mode")
    if not n_records:
        _refuse(
            f"the file has {n_bytes} bytes of samples, less than one data record of "
            f"{header.record_bytes}; download it again"
        )
    if header.n_records < 0 or n_records == header.n_records:
        return n_records, ""
    promised = f"{header.n_records * header.record_duration:g} s"
    available = f"{n_records * header.record_duration:g} s"
    if n_records < header.n_records:
        return n_records, f"truncated: the header promises {promised}, the file has {available}"
    if n_rest:
        _refuse(
            f"the file has {n_bytes} bytes of samples, its header promises "
            f"{header.n_records * header.record_bytes}; download it again"
        )
    return (
        n_records,
        f"the header promises {promised}, the file has {available}; all were read",
    )


@lru_cache(maxsize=PARSED_HEADERS)
def _parse_signals(content: bytes) -> tuple[EdfSignal, ...]:
    """Parse the signals' part of a header, which stores field by field."""
    n_signals = len(content) // HEADER_BYTES
    columns: dict[str, list[bytes]] = {}
    start = 0
    for name, width in FIELD_BYTES.items():
        if name in PARSED_FIELDS:
            stop = start + width * n_signals
            columns[name] = [content[i : i + width] for i in range(start, stop, width)]
        start += width * n_signals
    rows = zip(*columns.values(), strict=True)
    return tuple(_parse_signal(dict(zip(columns, row, strict=True))) for row in rows)


def _parse_signal(fields: dict[str, bytes]) -> EdfSignal:
    """Parse the fields of one signal."""
    label = fields["label"].strip().decode("latin-1")
    n_samples = _parse_number(fields["n_samples"], f"samples of {label!r} in a data record", int)
    if n_samples < 0:
        _refuse(f"{label!r} has {n_samples} samples in a data record; the header is damaged")
    limits = {}
    for name in LIMITS:
        limits[name] = _parse_number(fields[name], f"range of {label!r}", float)
    is_scaled = (
        all(map(math.isfinite, limits.values()))
        and limits["physical_min"] != limits["physical_max"]
        and limits["digital_min"] != limits["digital_max"]
    )
    return EdfSignal(label, fields["unit"].strip().decode("latin-1"), is_scaled, n_samples)


def _is_discontinuous(fixed: bytes) -> bool:
    """Return whether the reserved field of a header declares gaps."""
    return fixed[192:197] in (b"EDF+D", b"BDF+D")


def _parse_number(field: bytes, name: str, kind: Callable[[str], Number]) -> Number:
    """Convert a header field to a number, also if a device wrote a decimal comma."""
    text = field.decode("latin-1").split("\x00")[0].strip()
    try:
        return kind(text.replace(",", "."))
    except ValueError:
        raise RecordingError(
            "header",
            f"{name}: the header states {text!r}, expected a number; "
            "the file is damaged or not EDF",
        ) from None


def _refuse(reason: str) -> NoReturn:
    """Raise a `RecordingError` of the stage "header"."""
    raise RecordingError("header", reason)
