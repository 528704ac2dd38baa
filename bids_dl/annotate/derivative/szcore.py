"""Files of SzCORE: the seizures of a recording, or the absence of seizures.

The format is that of Dan et al. 2024 (doi:10.1111/epi.18113), a BIDS events.tsv with fixed columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path

import pandas as pd

from bids_dl.annotate.derivative.tables import MISSING, format_table
from bids_dl.errors import EventError
from bids_dl.input import read_text
from bids_dl.output import writing
from bids_dl.source.tables import Table, parse_table

BACKGROUND_TYPE = "bckg"
SEIZURE_TYPE = "sz"
EVENT_TYPE = re.compile(r"sz([_-][A-Za-z0-9]+)*")
DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
UNKNOWN_START = datetime(1900, 1, 1)  # BIDS: a year before 1925 is no true date
COLUMNS = (
    *("onset", "duration", "eventType", "confidence", "channels", "dateTime"),
    "recordingDuration",
)
END_TOLERANCE = 1e-3  # s, of an event that ends with its recording


@dataclass(frozen=True, slots=True)
class SeizureEvent:
    """A seizure.

    Attributes
    ----------
    onset, duration
        In s, on the clock of the recording.
    event_type
        ``"sz"``, or a kind of it such as ``"sz_foc"``.
    confidence
        From 0 to 1. None if unknown.
    channels
        Names of the channels. Empty stands for all.
    """

    onset: float
    duration: float
    event_type: str = SEIZURE_TYPE
    confidence: float | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeizureList:
    """Seizures of a recording.

    Attributes
    ----------
    events
        The seizures. Empty for a recording without any.
    recording_seconds
        Length of the recording in s.
    start
        Date and time of its first sample, to the second.
    """

    events: tuple[SeizureEvent, ...]
    recording_seconds: float
    start: datetime = UNKNOWN_START


def format_seizures(seizures: SeizureList) -> bytes:
    r"""Format a file of SzCORE. A recording without seizures has one ``bckg`` row of its length.

    Parameters
    ----------
    seizures
        The seizures, which are sorted by onset.

    Raises
    ------
    EventError
        An event is not within the recording, or a cell is wrong.

    Examples
    --------
    >>> print(format_seizures(SeizureList((), 3600.0)).decode().splitlines()[1].split("\t"))
    ['0.0', '3600.0', 'bckg', 'n/a', 'n/a', '1900-01-01 00:00:00', '3600.0']
    """
    _check_list(seizures)
    events = sorted(seizures.events, key=lambda event: (event.onset, event.duration))
    if not events:
        events = [SeizureEvent(0.0, float(seizures.recording_seconds), BACKGROUND_TYPE)]
    rows = []
    for event in events:
        rows.append(
            {
                "onset": float(event.onset),
                "duration": float(event.duration),
                "eventType": event.event_type,
                "confidence": None if event.confidence is None else float(event.confidence),
                "channels": ",".join(event.channels),
                "dateTime": seizures.start.strftime(DATE_FORMAT),
                "recordingDuration": float(seizures.recording_seconds),
            }
        )
    return format_table(COLUMNS, rows)


def write_seizures(path: Path, seizures: SeizureList) -> None:
    """Write a file of SzCORE, as `format_seizures` does.

    Raises
    ------
    EventError
        An event is not within the recording, or a cell is wrong.
    BidsDlError
        The file cannot be written.
    """
    content = format_seizures(seizures)
    with writing(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read_seizures(path: Path) -> SeizureList:
    """Read a file of SzCORE.

    Parameters
    ----------
    path
        File with the columns of SzCORE. Other columns are ignored.

    Returns
    -------
    SeizureList
        Rows of ``bckg`` are no events.

    Raises
    ------
    EventError
        The file cannot be read or has no rows, a column is missing, or a cell is wrong.
    """
    try:
        return _read_table(parse_table(read_text(path)))
    except (OSError, UnicodeDecodeError, EventError) as error:
        raise EventError(f"{path.name}: {error}") from None


def list_seizures(files: Mapping[tuple[str, str], Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read files of SzCORE as the tables that `bids_dl.annotate.scoring.score_events` takes.

    Parameters
    ----------
    files
        Files by dataset and path of the recording, such as
        ``("ds1", "sub-01/eeg/sub-01_task-szMonitoring")``.

    Returns
    -------
    events
        ``dataset``, ``recording``, ``onset`` and ``duration`` in s.
    recordings
        ``dataset``, ``subject``, ``recording`` and ``duration`` in s.

    Raises
    ------
    EventError
        A file is wrong.
    """
    events = []
    recordings = []
    for (dataset, recording), path in files.items():
        seizures = read_seizures(path)
        subject = recording.split("/")[0].removeprefix("sub-")
        recordings.append((dataset, subject, recording, seizures.recording_seconds))
        for event in seizures.events:
            events.append((dataset, recording, event.onset, event.duration))
    return (
        pd.DataFrame(events, columns=["dataset", "recording", "onset", "duration"]),
        pd.DataFrame(recordings, columns=["dataset", "subject", "recording", "duration"]),
    )


def list_detections(
    detected: pd.DataFrame, recordings: pd.DataFrame
) -> dict[tuple[str, str], SeizureList]:
    """Return the detections of each recording, for `write_seizures`.

    Parameters
    ----------
    detected
        Result of `bids_dl.annotate.scoring.find_detections`. The probability is the confidence.
    recordings
        ``dataset``, ``recording`` and ``duration`` in s; a column ``start`` of dates is optional.

    Examples
    --------
    >>> recordings = pd.DataFrame({"dataset": ["ds"], "recording": ["a"], "duration": [60.0]})
    >>> detected = pd.DataFrame(columns=["dataset", "recording", "onset", "duration"])
    >>> list_detections(detected, recordings)[("ds", "a")].events
    ()
    """
    events: dict[tuple[str, str], list[SeizureEvent]] = {}
    for row in detected.to_dict("records"):
        confidence = row.get("probability")
        event = SeizureEvent(row["onset"], row["duration"], confidence=confidence)
        events.setdefault((row["dataset"], row["recording"]), []).append(event)
    lists = {}
    for row in recordings.to_dict("records"):
        key = (row["dataset"], row["recording"])
        start = row.get("start", UNKNOWN_START)
        lists[key] = SeizureList(tuple(events.get(key, ())), row["duration"], start)
    return lists


def _read_table(table: Table) -> SeizureList:
    """Return the content of a table with the columns of SzCORE."""
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise EventError(f"column {missing[0]} is missing; SzCORE expects {', '.join(COLUMNS)}")
    rows = list(zip(*(table.columns[name] for name in COLUMNS), strict=True))
    if not rows:
        raise EventError(
            "the table has no rows; SzCORE expects a bckg row for a recording without seizures"
        )
    events = []
    for onset, duration, event_type, confidence, channels, _, _ in rows:
        if event_type == BACKGROUND_TYPE:
            continue
        events.append(
            SeizureEvent(
                _read_number("onset", onset),
                _read_number("duration", duration),
                event_type,
                None if confidence == MISSING else _read_number("confidence", confidence),
                () if channels == MISSING else tuple(channels.split(",")),
            )
        )
    *_, date, recording_seconds = rows[0]
    seconds = _read_number("recordingDuration", recording_seconds)
    seizures = SeizureList(tuple(events), seconds, _read_date(date))
    _check_list(seizures)
    return seizures


def _read_number(name: str, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise EventError(f"{name} {cell!r}: expected a number")
    return number


def _read_date(cell: str) -> datetime:
    try:
        return datetime.strptime(cell, DATE_FORMAT)
    except ValueError:
        raise EventError(f"dateTime {cell!r}: expected YYYY-MM-DD HH:MM:SS") from None


def _check_list(seizures: SeizureList) -> None:
    """Refuse events outside the recording, and cells that the format does not know."""
    seconds = seizures.recording_seconds
    if not (isfinite(seconds) and seconds > 0):
        raise EventError(f"recordingDuration {seconds}: expected above 0 s")
    for event in seizures.events:
        _check_event(event, seconds)


def _check_event(event: SeizureEvent, seconds: float) -> None:
    """Refuse an event outside a recording of some seconds, and wrong cells."""
    end = event.onset + event.duration
    if not (0 <= event.onset <= end <= seconds + END_TOLERANCE):
        raise EventError(
            f"event at {event.onset:g} s with duration {event.duration:g} s is not within the "
            f"recording of {seconds:g} s"
        )
    if not EVENT_TYPE.fullmatch(event.event_type):
        raise EventError(f"eventType {event.event_type!r}: expected sz, or a kind such as sz_foc")
    if event.confidence is not None and not 0 <= event.confidence <= 1:
        raise EventError(f"confidence {event.confidence}: expected from 0 to 1")
    wrong: Sequence[str] = [name for name in event.channels if not name or set(name) & set(",\t\n")]
    if wrong:
        raise EventError(f"channel {wrong[0]!r}: expected a name without comma, tab or line break")
