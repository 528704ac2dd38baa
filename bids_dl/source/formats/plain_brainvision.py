"""Plain BrainVision recordings, whose text files tell what MNE reads.

The format is the BrainVision Core Data Format 1.0 of Brain Products. The comment of a header is
free text, of which MNE reads filters and impedances; a comment that it cannot read stops it.
"""

from __future__ import annotations

import configparser
import math
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bids_dl.source.formats.brainvision import SAMPLE_BYTES, decode_text
from bids_dl.source.formats.plain_signal import PlainSignal

VOLT_UNITS = {"V", "mV", "µV", "uV", "nV"}  # any other unit makes a channel misc in MNE
EYE_LABELS = {"HEOGL", "HEOGR", "VEOGb"}  # EOG in MNE
COMMON = ("Common Infos", "Common infos")
CHANNELS = "Channel Infos"
COORDINATES = "Coordinates"
ORIENTATIONS = {"MULTIPLEXED", "VECTORIZED"}
COMMENT = "[Comment]"
CODEPAGE = re.compile(r"Codepage=(.+)")
CODEPAGES = {"utf-8", "utf8"}
MARKERS = re.compile(r"\[Marker Infos\]", re.IGNORECASE)
MARKER = re.compile(r"^Mk\d+=(.*)", re.MULTILINE)
DATE = re.compile(r"^Mk\d+=New Segment,.*,\d+,\d+,-?\d+,(\d{20})\s*$", re.MULTILINE)
DATE_FORMAT = "%Y%m%d%H%M%S%f"
NO_DATE = "0" * 20
SEGMENT = "New Segment"
SEGMENT_FIELDS = 5  # with which MNE reads a date as the beginning of the clock of all markers
FILTER_TABLE = re.compile(r"#\s+Name")
SOFTWARE_FILTERS = re.compile(r"#\s+Low Cutoff")
FILTER_COLUMNS = (4, 5)  # low cutoff, high cutoff
OFF = ({"NaN", "Off", "DC"}, {"NaN", "Off", "0"})  # cutoffs of a disabled filter
IMPEDANCE_RANGE = "Selected Impedance Measurement Range"
IMPEDANCES = "Impedance ["


def read_plain_brainvision(
    vhdr: Path, data_file: Path, marker_file: Path | None
) -> PlainSignal | None:
    """Read the header and the markers of a BrainVision recording.

    Parameters
    ----------
    vhdr, data_file, marker_file
        The files. Without a marker file, there are no markers.

    Returns
    -------
    PlainSignal or None
        None if MNE may read the files in another way, or not at all.
    """
    try:
        content = b"" if marker_file is None else marker_file.read_bytes()
        # MNE is given their ASCII only, as `link_recording` writes it
        markers = decode_text(content).encode("ascii", "replace").decode()
        return _read(vhdr.read_bytes(), data_file, markers)
    except (configparser.Error, ValueError, LookupError, ArithmeticError):
        return None


def _read(content: bytes, data_file: Path, markers: str) -> PlainSignal | None:
    """Read a recording. An exception means that it is not plain."""
    _, _, text = content.partition(b"\n")
    settings, separator, comment = _decode(text).partition(COMMENT)
    if COMMENT in comment:
        return None
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(settings)
    common = config[next(filter(config.has_section, COMMON), COMMON[0])]
    is_binary = common["DataFormat"] == "BINARY" and common["DataOrientation"] in ORIENTATIONS
    if not is_binary or config.has_section(COORDINATES):
        return None
    n_chans = int(common["NumberOfChannels"])
    sfreq = 1e6 / float(common["SamplingInterval"])
    channels = _parse_channels(config.items(CHANNELS), n_chans)
    labels = tuple(label for label, _ in channels)
    if len(set(labels)) < n_chans or "" in labels:
        return None
    lines = comment.splitlines() if separator else []
    date = _find_date(markers)
    _check_filters(lines, labels)
    _check_impedances(lines, date)
    frame_bytes = SAMPLE_BYTES[config["Binary Infos"]["BinaryFormat"]] * n_chans
    return PlainSignal(
        labels=labels,
        ch_types=tuple(_type_of(label, unit) for label, unit in channels),
        sfreq=sfreq,
        n_times=data_file.stat().st_size // frame_bytes,
        markers=_parse_markers(markers, sfreq),
    )


def _decode(content: bytes) -> str:
    """Decode a header as MNE does: UTF-8, or Latin-1 if it is not valid UTF-8."""
    codepage = CODEPAGE.search(content.decode("ascii", "ignore"))
    if codepage and codepage[1].strip().casefold() not in CODEPAGES:
        raise ValueError("another code page")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _parse_channels(entries: Sequence[tuple[str, str]], n_chans: int) -> list[tuple[str, str]]:
    """Return name and unit of each channel. An entry that is missing raises a KeyError."""
    channels: dict[int, tuple[str, str]] = {}
    for key, entry in entries:
        number = int(re.findall(r"ch(\d+)", key)[0])
        fields = entry.split(",")
        if not 1 <= number <= n_chans or number in channels:
            raise ValueError("an entry of no channel")
        name, _, resolution, *others = fields
        unit = others[0] if others and others[0] else "µV"
        if resolution and math.isnan(float(resolution)):
            raise ValueError("a channel without resolution")
        channels[number] = name.replace(r"\1", ","), unit.replace("\xc2", "")
    return [channels[number] for number in range(1, n_chans + 1)]


def _type_of(label: str, unit: str) -> str:
    """Return MNE's type of a channel."""
    if label in EYE_LABELS:
        return "eog"
    if unit not in VOLT_UNITS:
        return "misc"
    return "stim" if label == "STI 014" else "eeg"


def _find_date(markers: str) -> datetime | None:
    """Return the date of the first marker that has one. An invalid date raises a ValueError."""
    match = DATE.search(markers)
    if match is None or match[1] == NO_DATE:
        return None
    return datetime.strptime(match[1], DATE_FORMAT)


def _parse_markers(text: str, sfreq: float) -> tuple[tuple[float, str], ...]:
    """Return onset and description of each marker but the first New Segment, as MNE does."""
    codepage = CODEPAGE.search(text)
    if codepage and codepage[1].strip().casefold() not in CODEPAGES:
        raise ValueError("another code page")
    section = MARKERS.search(text)
    entries = MARKER.findall(text[section.end() :]) if section else []
    markers = []
    for number, entry in enumerate(entries):
        fields = entry.split(",")
        kind, description, onset, _ = fields[:4]
        if kind == SEGMENT and len(fields) == SEGMENT_FIELDS:
            raise ValueError("a date in another field")
        sample = int(onset) - 1
        if number or kind != SEGMENT:
            name = f"{kind}/{description}".replace(r"\1", ",")
            markers.append((sample / sfreq, name))
    return tuple(markers)


def _check_filters(lines: Sequence[str], labels: Sequence[str]) -> None:
    """Raise an error if MNE would, at the table of filters in a comment."""
    if any(map(SOFTWARE_FILTERS.match, lines)):
        raise ValueError("filters of the software")
    if "Channels" not in lines:
        return
    rows = lines[lines.index("Channels") + 1 :]
    first = next((i for i, row in enumerate(rows) if FILTER_TABLE.match(row)), 0)
    if not first:
        return
    heading = re.split(r"\s\s+", rows[first])
    shift = int("Resolution / Unit" in rows[first])
    cutoffs: tuple[list[str], list[str]] = ([], [])
    for number, label in enumerate(labels, start=1):
        row = rows[first + number]
        if label not in row:
            raise ValueError("a table in another order")
        fields = re.split(r"\s+", row)
        for column, values in zip(FILTER_COLUMNS, cutoffs, strict=True):
            values.append(fields[column + shift + len(re.split(r"\s+", label)) - 1])
    for column, values, disabled in zip(FILTER_COLUMNS, cutoffs, OFF, strict=True):
        is_time = "[s]" in heading[column]
        for value in set(values) - disabled:
            if is_time and not float(value):
                raise ValueError("a time constant of 0 s")
            float(value)


def _check_impedances(lines: Sequence[str], date: datetime | None) -> None:
    """Raise an error if MNE would, at the impedances in a comment."""
    ranges = [line.split() for line in lines if IMPEDANCE_RANGE in line]
    for fields in ranges:
        lower, upper = (fields[-4], fields[-2]) if len(ranges) == 1 else (fields[6], fields[8])
        if math.isnan(float(lower) + float(upper)) or len(fields) < 4:
            raise ValueError("a range of impedances")
        if len(ranges) > 1:
            fields[9]
    headings = [line for line in lines if line.startswith(IMPEDANCES) and line.endswith(" :")]
    if headings and date is not None:
        hour, minute, second = map(int, headings[0].split()[3].split(":")[:3])
        date.replace(hour=hour, minute=minute, second=second)
