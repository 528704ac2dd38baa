"""BrainVision headers (.vhdr): files, units and number of samples of a recording.

The format is the BrainVision Core Data Format 1.0 of Brain Products.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bids_dl.errors import RecordingError
from bids_dl.source.file_checks import text_conversion_damage
from bids_dl.source.gaps import Gap

SAMPLE_BYTES = {"INT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}
# Size in V that MNE assumes for a unit; any other unit is not scaled
VOLTS_IN_MNE = {
    "V": 1.0,
    "µV": 1e-6,
    "uV": 1e-6,
    "mV": 1e-3,
    "nV": 1e-9,
    "µS": 1e-6,
    "uS": 1e-6,
}
SECTION = re.compile(r"^\[(.+?)\]\s*$", re.MULTILINE)
ENTRY = re.compile(r"^([^;=\n]+)=(.*?)\s*$", re.MULTILINE)
UNIT_FIELD = 3  # of a channel entry: name, reference, resolution, unit


@dataclass(frozen=True, slots=True)
class BrainVisionHeader:
    """Content of a .vhdr file.

    Attributes
    ----------
    data_file, marker_file
        Names of the files with samples and markers, "" if the header does not state one.
    n_chans
        Number of channels.
    n_times
        Number of samples that the header states, 0 if it does not state it.
    sample_bytes
        Bytes of a sample, 0 for text.
    is_vectorized
        True if the file is stored channel by channel (VECTORIZED), not sample by sample.
    units
        Unit of each channel as written; µV if it is omitted, as in the specification.
    sfreq
        Sampling rate in Hz.
    segment_length
        Samples of each segment if the file was exported in segments of one length, else 0.
    """

    data_file: str
    marker_file: str
    n_chans: int
    n_times: int
    sample_bytes: int
    is_vectorized: bool
    units: tuple[str, ...]
    sfreq: float
    segment_length: int

    @property
    def assumed_volts(self) -> tuple[float, ...]:
        """Size in V that MNE assumes for one unit of each channel."""
        return tuple(VOLTS_IN_MNE.get(unit, 1.0) for unit in self.units)


def read_vhdr(path: Path) -> BrainVisionHeader:
    """Read the header of a BrainVision recording.

    Raises
    ------
    RecordingError
        Stage "header": a required entry is missing or not a number.
    """
    sections = _parse_sections(decode_text(path.read_bytes()))
    common = sections.get("common infos", {})
    binary = sections.get("binary infos", {})
    channels = sections.get("channel infos", {})
    is_text = common.get("dataformat", "").upper() == "ASCII"
    try:
        n_chans = int(common["numberofchannels"])
        n_times = int(common.get("datapoints", "0") or 0)
        data_file = common["datafile"]
        interval = float(common["samplinginterval"])  # µs
        if not interval > 0:
            raise ValueError("SamplingInterval is not positive")
        segment_length = int(common.get("segmentdatapoints", "0") or 0)
    except (KeyError, ValueError) as error:
        raise RecordingError(
            "header",
            f"{path.name} is not a BrainVision header, or is damaged ({error}); download it again",
        ) from None
    return BrainVisionHeader(
        data_file=data_file,
        marker_file=common.get("markerfile", ""),
        n_chans=n_chans,
        n_times=n_times,
        sample_bytes=0 if is_text else SAMPLE_BYTES.get(binary.get("binaryformat", ""), 0),
        is_vectorized=common.get("dataorientation", "").upper() == "VECTORIZED",
        units=tuple(_parse_unit(channels.get(f"ch{i}", "")) for i in range(1, n_chans + 1)),
        sfreq=1e6 / interval,
        segment_length=segment_length,
    )


def check_data_file(header: BrainVisionHeader, path: Path, name: str) -> str:
    """Check the size of the file of samples against its header.

    Parameters
    ----------
    header
        Header of the recording.
    path
        File of samples.
    name
        Name of the file in messages.

    Returns
    -------
    str
        Note on a truncated file that can still be read, else "".

    Raises
    ------
    RecordingError
        Stage "header": the file was converted as text, or too little of it remains to locate the
        samples.
    """
    if not header.sample_bytes:
        return ""
    size = path.stat().st_size
    frame_bytes = header.sample_bytes * header.n_chans
    n_times, n_rest = divmod(size, frame_bytes)
    if not n_rest and header.n_times in {0, n_times}:
        return ""
    if damage := text_conversion_damage(path):
        raise RecordingError(
            "header",
            f"{name} was corrupted in transfer ({damage}); download it again in binary mode",
        )
    if header.is_vectorized or not n_times:
        raise RecordingError(
            "header",
            f"{name} has {size} bytes, its header promises {frame_bytes * header.n_times}; "
            "download it again",
        )
    promised = f"{header.n_times} samples" if header.n_times else "complete samples"
    rest = f" and {n_rest} bytes" if n_rest else ""
    return (
        f"{name} has {n_times} samples{rest}, its header promises {promised}; {n_times} were read"
    )


def find_segments(header: BrainVisionHeader, path: Path) -> tuple[Gap, ...]:
    """Find the boundaries between segments of one length (SegmentDataPoints), as gaps of 0 s.

    Parameters
    ----------
    header
        Header of the recording.
    path
        File of samples.
    """
    if header.segment_length < 1:
        return ()
    n_times = header.n_times
    if header.sample_bytes:
        n_times = path.stat().st_size // (header.sample_bytes * header.n_chans)
    starts = range(header.segment_length, n_times, header.segment_length)
    return tuple(Gap(start / header.sfreq, 0.0) for start in starts)


def decode_text(content: bytes) -> str:
    r"""Decode a header or marker file as UTF-8, or as Latin-1 if it is not valid UTF-8.

    Returns
    -------
    str
        Text without byte order mark, its lines separated by ``"\n"``.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return re.sub(r"\r\n?", "\n", text)


def _parse_sections(text: str) -> dict[str, Mapping[str, str]]:
    """Parse the entries of each section, with all names in lower case.

    The free text of the section [Comment] is skipped.
    """
    parts = SECTION.split(text)
    sections: dict[str, Mapping[str, str]] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name.casefold() != "comment":
            entries = ENTRY.findall(body)
            sections[name.casefold()] = {key.strip().casefold(): value for key, value in entries}
    return sections


def _parse_unit(entry: str) -> str:
    """Return the unit of a channel entry, µV if it is omitted.

    UTF-8 text that was decoded as Latin-1 has an "Â" before "µ".
    """
    fields = entry.split(",")
    if len(fields) <= UNIT_FIELD:
        return "µV"
    return fields[UNIT_FIELD].replace("Â", "") or "µV"
