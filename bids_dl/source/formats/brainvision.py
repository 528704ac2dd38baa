"""BrainVision: what the .vhdr says of its samples and markers (Brain Products, BrainVision Core Data Format 1.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bids_dl.errors import RecordingError
from bids_dl.source.file_checks import converted

WIDTHS = {"INT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}  # bytes of a sample
READ_BY_MNE = {
    "V": 1.0,
    "µV": 1e-6,
    "uV": 1e-6,
    "mV": 1e-3,
    "nV": 1e-9,
    "µS": 1e-6,
    "uS": 1e-6,
}  # any other unit is left as it is
SECTION = re.compile(r"^\[(.+?)\]\s*$", re.MULTILINE)
ENTRY = re.compile(r"^([^;=\n]+)=(.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Vhdr:
    """What a .vhdr says.

    Attributes
    ----------
    data, markers
        Names of the files that it speaks of; "" where it names none.
    n_times
        Samples that it promises, 0 where it does not say.
    width
        Bytes of a sample, 0 for text.
    by_channel
        Whether the file holds channel after channel (VECTORIZED), not sample after sample.
    units
        Of the channels in order, as written; µV where nothing is, by the specification.
    """

    data: str
    markers: str
    n_chans: int
    n_times: int
    width: int
    by_channel: bool
    units: tuple[str, ...]

    @property
    def read(self) -> tuple[float, ...]:
        """Volts that MNE takes one unit of each channel for."""
        return tuple(READ_BY_MNE.get(unit, 1.0) for unit in self.units)


def read_vhdr(path: Path) -> Vhdr:
    """The header of a recording.

    Raises
    ------
    RecordingError
        Stage "header": it lacks what one must say.
    """
    sections = _sections(decoded(path.read_bytes()))
    common, binary = sections.get("common infos", {}), sections.get("binary infos", {})
    try:
        n_chans, n_times = int(common["numberofchannels"]), int(common.get("datapoints", "0") or 0)
        data = common["datafile"]
        if not float(common["samplinginterval"]) > 0:
            raise ValueError("SamplingInterval is not positive")
    except (KeyError, ValueError) as problem:
        raise RecordingError(
            "header",
            f"{path.name} is no BrainVision header or a damaged one ({problem}); get it again",
        ) from None
    channels = sections.get("channel infos", {})
    units = tuple(_unit(channels.get(f"ch{i}", "")) for i in range(1, n_chans + 1))
    width = WIDTHS.get(binary.get("binaryformat", ""), 0)
    by_channel = common.get("dataorientation", "").upper() == "VECTORIZED"
    return Vhdr(data, common.get("markerfile", ""), n_chans, n_times, width, by_channel, units)


def check_samples(header: Vhdr, path: Path, name: str) -> str:
    """What to tell of a file of samples whose size is not the one promised.

    Parameters
    ----------
    name
        What messages call the file.

    Raises
    ------
    RecordingError
        Stage "header": it is not what a recorder wrote, or too little of it is there to find the samples.
    """
    if not header.width:
        return ""
    size, frame = path.stat().st_size, header.width * header.n_chans
    n_times, rest = divmod(size, frame)
    if not rest and header.n_times in {0, n_times}:
        return ""
    if spoilt := converted(path):
        raise RecordingError(
            "header", f"{name} was altered on its way ({spoilt}); get it again, in binary mode"
        )
    if header.by_channel or not n_times:
        raise RecordingError(
            "header",
            f"{name} holds {size} bytes, its header promises {frame * header.n_times}; get it again",
        )
    promised = f"{header.n_times} samples" if header.n_times else "whole samples"
    return f"{name} holds {n_times} samples{f' and {rest} bytes' if rest else ''}, its header promises {promised}; {n_times} were read"


def decoded(content: bytes) -> str:
    """The text of a header or of markers, whatever its encoding; one line end, no byte order mark."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return re.sub(r"\r\n?", "\n", text)


def _sections(text: str) -> dict[str, Mapping[str, str]]:
    """Entries by section, all names in lower case; the free text of [Comment] is left out."""
    parts = SECTION.split(text)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return {
        name.casefold(): {key.strip().casefold(): value for key, value in ENTRY.findall(body)}
        for name, body in pairs
        if name.casefold() != "comment"
    }


def _unit(entry: str) -> str:
    fields = entry.split(",")
    return (fields[3].replace("Â", "") if len(fields) > 3 else "") or "µV"
