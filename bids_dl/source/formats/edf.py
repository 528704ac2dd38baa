"""EDF and BDF: header, size and the times of data records. Kemp et al. 1992; EDF+: Kemp & Olivan 2003; BDF: BioSemi."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from bids_dl.errors import RecordingError
from bids_dl.source.file_checks import converted
from bids_dl.source.gaps import Gap

FIXED = 256  # bytes of the header, and of each signal's
WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # of the fields of a signal
VERSIONS = {b"0", b"\xffBIOSEMI"}
ANNOTATIONS = {"EDF Annotations", "BDF Annotations"}
ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)\x14")  # what the annotations of a data record begin with
READ_BY_MNE = {
    "μV": 1e-6,
    "µV": 1e-6,
    "\x83\xcaV": 1e-6,
    "uV": 1e-6,
    "mV": 1e-3,
}  # V; any other unit it takes for volts
COARSE = 0.001  # s; onsets of data records are often rounded to it
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of the header; its texts are as MNE has them, NUL characters among them."""

    label: str
    unit: str
    is_scaled: bool  # whether its physical and digital ranges are ranges
    n_samples: int  # in a data record

    @property
    def is_annotations(self) -> bool:
        return self.label in ANNOTATIONS

    @property
    def read(self) -> float:
        """Volts that MNE takes one unit for."""
        return (
            1.0
            if self.label.casefold() in {"status", "trigger"}
            else READ_BY_MNE.get(self.unit, 1.0)
        )


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """Header of an EDF or BDF file.

    Attributes
    ----------
    length
        Bytes of the header.
    duration
        Of a data record, in s.
    promised
        Data records that the header speaks of, -1 where it leaves them open.
    width
        Bytes of a sample.
    discontinuous
        Whether data records may leave out time (EDF+D).
    """

    signals: tuple[Signal, ...]
    length: int
    duration: float
    promised: int
    width: int
    discontinuous: bool

    @property
    def record_bytes(self) -> int:
        return self.width * sum(signal.n_samples for signal in self.signals)

    def rate(self, signal: Signal) -> float:
        """Samples of a signal per s."""
        return signal.n_samples / self.duration


def may_have_gaps(path: Path) -> bool:
    """Whether a file says that its data records may leave out time, by a few bytes of its header."""
    with path.open("rb") as file:
        return _is_discontinuous(file.read(FIXED))


def read_edf_header(path: Path) -> EdfHeader:
    """The header of a file.

    Raises
    ------
    RecordingError
        Stage "header": it is none, or one that contradicts itself.
    """
    with path.open("rb") as file:
        fixed = file.read(FIXED)
        count = _number(fixed[252:256], "number of signals", int) if len(fixed) == FIXED else 0
        if count < 1 or count > 9999 or fixed[:8].strip(b" \0") not in VERSIONS:
            raise RecordingError(
                "header",
                f"no EDF or BDF file: it begins with {fixed[:8]!r} and gives {count} signals",
            )
        return parse_header(fixed, file.read(FIXED * count))


def parse_header(fixed: bytes, rest: bytes) -> EdfHeader:
    """The header from its first 256 bytes and those of its signals."""
    count = len(rest) // FIXED
    length = _number(fixed[184:192], "length of the header", int)
    if length != FIXED + len(rest) or len(rest) % FIXED:
        raise RecordingError(
            "header",
            f"the header is {FIXED + len(rest)} bytes long and says {length}; the file is cut off or altered",
        )
    ends = np.cumsum([0, *(width * count for width in WIDTHS)])
    columns = [
        [rest[start + width * i : start + width * (i + 1)] for i in range(count)]
        for start, width in zip(ends, WIDTHS, strict=False)
    ]
    signals = tuple(
        _signal(*fields)
        for fields in zip(*(columns[i] for i in (0, 2, 3, 4, 5, 6, 8)), strict=True)
    )
    duration = _number(fixed[244:252], "duration of a data record", float)
    promised = _number(fixed[236:244], "number of data records", int)
    recorded = [signal for signal in signals if not signal.is_annotations]
    if not sum(signal.n_samples for signal in recorded):
        raise RecordingError("header", "the file holds no signal, only annotations")
    if not (math.isfinite(duration) and duration > 0):
        raise RecordingError(
            "header",
            f"a data record lasts {duration:g} s by the header, so the rate is unknown; repair the header",
        )
    return EdfHeader(
        signals,
        length,
        duration,
        promised,
        3 if fixed[:1] == b"\xff" else 2,
        _is_discontinuous(fixed),
    )


def count_records(header: EdfHeader, path: Path) -> tuple[int, str]:
    """Whole data records of a file, and what to tell where they are not what the header promises.

    Raises
    ------
    RecordingError
        Stage "header": none at all, or bytes that no recorder wrote.
    """
    content = path.stat().st_size - header.length
    count, rest = divmod(content, header.record_bytes)
    seconds = f"{count * header.duration:g} s"
    if count == header.promised and not rest:
        return count, "" if count else _refuse("the file holds no data records, only a header")
    if spoilt := converted(path, header.length):
        _refuse(f"the file was altered on its way ({spoilt}); get it again, in binary mode")
    if not count:
        _refuse(
            f"the file holds {content} bytes of samples, not even one data record of {header.record_bytes}; get it again"
        )
    if header.promised < 0 or count == header.promised:
        return count, ""
    if count < header.promised:
        return (
            count,
            f"cut off: the header promises {header.promised * header.duration:g} s, the file holds {seconds}",
        )
    if rest:
        _refuse(
            f"the file holds {content} bytes of samples, its header promises {header.promised * header.record_bytes}; get it again"
        )
    return (
        count,
        f"the header promises {header.promised * header.duration:g} s, the file holds {seconds}; all were read",
    )


def read_onsets(header: EdfHeader, path: Path, count: int) -> list[float]:
    """When each data record begins, in s after the first.

    Raises
    ------
    RecordingError
        Stage "header": a record does not say it.
    """
    before = 0
    for signal in header.signals:
        if signal.is_annotations:
            break
        before += signal.n_samples * header.width
    else:
        _refuse("an EDF+D file without annotations, so nobody knows where it leaves out time")
    width = min(signal.n_samples * header.width, 32)
    records = np.memmap(path, np.uint8, "r", header.length, (count, header.record_bytes))
    starts = [ONSET.match(row.tobytes()) for row in records[:, before : before + width]]
    if None in starts:
        _refuse(
            f"data record {starts.index(None) + 1} of an EDF+D file does not say when it begins; get the file again"
        )
    onsets = [float(start[1]) for start in starts if start]
    return [onset - onsets[0] for onset in onsets]


def find_gaps(onsets: Sequence[float], duration: float, tolerance: float) -> tuple[Gap, ...]:
    """Where data records of one duration (s) that begin at these onsets (s) leave out more time than the tolerance (s).

    Raises
    ------
    RecordingError
        Stage "header": a record begins before the end of the one before.
    """
    gaps = []
    for i, (before, onset) in enumerate(pairwise(onsets), 1):
        length = onset - before - duration
        if length < -tolerance:
            _refuse(
                f"data record {i + 1} begins at {onset:g} s, before the one before it ends ({before + duration:g} s)"
            )
        if length > tolerance:
            gaps.append(Gap(i * duration, length))
    return tuple(gaps)


def gaps_of(header: EdfHeader, path: Path, count: int) -> tuple[Gap, ...]:
    """Where an EDF+D file leaves out time; nowhere in any other."""
    if not header.discontinuous:
        return ()
    fastest = max(header.rate(signal) for signal in header.signals if not signal.is_annotations)
    return find_gaps(
        read_onsets(header, path, count), header.duration, max(1 / fastest, COARSE) + 1e-6
    )


def _signal(
    label: bytes, unit: bytes, low: bytes, high: bytes, bottom: bytes, top: bytes, n_samples: bytes
) -> Signal:
    name = label.strip().decode("latin-1")
    count = _number(n_samples, f"samples of {name!r} in a data record", int)
    if count < 0:
        _refuse(f"{name!r} has {count} samples in a data record; the header is damaged")
    low_high, ends = (
        [_number(edge, f"range of {name!r}", float) for edge in pair]
        for pair in ((low, high), (bottom, top))
    )
    is_scaled = len(set(low_high)) == len(set(ends)) == 2 and all(
        map(math.isfinite, (*low_high, *ends))
    )
    return Signal(name, unit.strip().decode("latin-1"), is_scaled, count)


def _is_discontinuous(fixed: bytes) -> bool:
    return fixed[192:197] in (b"EDF+D", b"BDF+D")


def _text(field: bytes) -> str:
    return field.decode("latin-1").split("\x00")[0].strip()


def _number(field: bytes, what: str, kind: Callable[[str], Number]) -> Number:
    said = _text(field)
    try:
        return kind(said.replace(",", "."))
    except ValueError:
        raise RecordingError(
            "header",
            f"{what}: the header says {said!r}, wanted a number; the file is damaged or no EDF",
        ) from None


def _refuse(reason: str) -> str:
    raise RecordingError("header", reason)
