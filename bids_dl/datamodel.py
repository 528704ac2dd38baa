"""Recording, Event, Block, Window: values that the stages exchange. NumPy only, no I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

BRAIN_TYPES = frozenset({"eeg", "seeg", "ecog", "dbs"})
"""MNE's channel types of brain signal."""

VOLTAGE_TYPES = BRAIN_TYPES | {"eog", "ecg", "emg", "bio"}
"""MNE's channel types whose samples are volts."""

MAX_DENOMINATOR = 10_000  # of an exact sampling rate: finer than any rate in a file header
BOUNDARY_ROUNDING = 0.25  # samples by which the time of a boundary may be rounded up
BOUNDARY_NAMES = frozenset({"boundary", "bad boundary", "edge boundary"})
"""Names of events at a boundary, in lower case: EEGLAB's, and those of joined files in MNE."""

ENTITY_PREFIXES = {"subject": "sub", "session": "ses", "task": "task", "run": "run"}
"""Prefixes of BIDS entities in file names, by the word used here."""

IN_GAP = "in a gap"  # onset of a row of events.tsv in a gap of the file, which has no sample
NO_ROW = -1  # `row` of an event that is a whole recording

Person = tuple[str, str]
"""(dataset, subject): equal subject labels of two datasets are two persons."""


def exact_rate(sfreq: float) -> Fraction:
    """Return the exact sampling rate in Hz that a float approximates.

    Parameters
    ----------
    sfreq
        Sampling rate in Hz, as written in a file header.

    Returns
    -------
    Fraction
        The nearest fraction with a denominator of at most 10,000, in Hz.

    Examples
    --------
    >>> exact_rate(333.3333333)
    Fraction(1000, 3)
    """
    return Fraction(sfreq).limit_denominator(MAX_DENOMINATOR)


def nearest_sample(time: float, sfreq: float) -> int:
    """Return the sample nearest to a time in s at a rate in Hz; a half is rounded up.

    Examples
    --------
    >>> nearest_sample(0.3887, 256.0), nearest_sample(-0.5, 1.0)
    (100, 0)
    """
    return math.floor(time * sfreq + 0.5)


def boundary_sample(time: float, sfreq: float) -> int:
    """Return the first sample after a boundary at a time in s.

    EEGLAB places a boundary half a sample before that sample, other programs place it at the
    sample. The time may be rounded by up to a quarter of a sample.

    Examples
    --------
    >>> [boundary_sample(sample / 256, 256.0) for sample in (99.5, 99.4, 100.0, 100.1)]
    [100, 100, 100, 100]
    """
    return math.floor(time * sfreq + 1 - BOUNDARY_ROUNDING)


@dataclass(frozen=True, slots=True)
class Recording:
    """One continuous EEG file of a BIDS dataset, or only its events.tsv if the file is absent."""

    dataset: str  # accession from the source or DatasetDOI, else the name of the folder
    path: str  # BIDS path without suffix and extension, "sub-001/eeg/sub-001_task-motion_run-2"
    subject: str  # BIDS entities are stored without prefix; "" if the path does not have one
    session: str
    task: str
    run: str
    datatype: str  # "eeg", "ieeg", or "meg" (listed, but not read)
    signal: str | None = None  # signal file, relative to the dataset; None in a text-only copy
    events: str | None = None  # events.tsv that applies to it, relative to the dataset

    @property
    def key(self) -> str:
        """Unique name over all sources, "ds004362/sub-001/eeg/sub-001_task-motion_run-2"."""
        return f"{self.dataset}/{self.path}"

    @property
    def person(self) -> Person:
        """(dataset, subject) of the recording."""
        return self.dataset, self.subject


MISSING_SPELLINGS = frozenset(
    {"", "n/a", "N/A", "#N/A", "NA", "<NA>", "NaN", "nan", "NAN", "NaT", "None", "null", "NULL"}
)
"""Cells without a value in columns of numbers: n/a as in BIDS, and as other programs write it."""


@dataclass(frozen=True, slots=True)
class TableIssue:
    """Problems of one kind in the cells of an events.tsv."""

    kind: str  # key of `bids_dl.selection.advice.issues.TEMPLATES`
    place: str  # the first row
    number: int  # of rows


@dataclass(frozen=True, slots=True)
class EventRows:
    """One events.tsv as text, row by row, and the sidecar that describes its columns."""

    recording: str  # Recording.key
    columns: Mapping[str, tuple[str, ...]]  # column name -> one string per data row
    sidecar: Mapping[str, Any]  # events.json files merged by inheritance; the nearest overrides
    duration: float | None = None  # s, length of the recording; None if unknown
    issues: tuple[TableIssue, ...] = ()  # found when the text was read

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


@dataclass(frozen=True, slots=True)
class Header:
    """Rate, length, channels and boundaries of a signal file, without its samples."""

    sfreq: float  # Hz
    n_times: int  # samples
    ch_names: tuple[str, ...]  # as in channels.tsv if there is one, else as in the file
    ch_types: tuple[str, ...]  # MNE's names: "eeg", "eog", ...
    boundaries: tuple[float, ...] = ()  # s: times at which the signal is not continuous

    @property
    def duration(self) -> float:
        """Length of the recording in s."""
        return self.n_times / self.sfreq

    @property
    def spec(self) -> SignalSpec:
        """Channels and exact sampling rate."""
        return SignalSpec(self.ch_names, self.ch_types, exact_rate(self.sfreq))


@dataclass(frozen=True, slots=True)
class Event:
    """One match of a query: a row of events.tsv (or its Delay group) and the end of its block.

    With --whole, a whole recording.
    """

    recording: str  # Recording.key
    row: int  # 0-based data row of events.tsv, or NO_ROW
    onset: float  # s, on the clock of the file
    end: float | None  # s; None if unknown
    end_rule: str  # "until", "process", "duration", "next", "recording", or "" for a point in time
    label: str  # name of the query that matched
    hed: str = ""  # HED string of the row as assembled


@dataclass(frozen=True, slots=True)
class Block:
    """One selected part of a recording, after trimming."""

    recording: str  # Recording.key
    index: int  # index of its event in the plan
    label: str
    onset: float  # s
    end: float | None  # s; None if the end is not known yet


@dataclass(frozen=True, slots=True)
class Window:
    """Address of one training example: the samples of a recording that it consists of."""

    recording: str  # Recording.key
    block: int  # index into the events of the plan
    onset: float  # s, of the first sample
    start: int  # first sample at the source rate, inclusive
    anchor: int  # sample at the source rate that resampling keeps: of the event, else `start`
    label: str  # name of the query that selected it


@dataclass(frozen=True, slots=True)
class Dropped:
    """A requested event, block or window that is not part of the plan or the store."""

    recording: str  # Recording.key
    row: int  # 0-based data row of events.tsv, or NO_ROW
    onset: float  # s, of the dropped event, block or window
    label: str
    kind: Literal["event", "block", "window"]
    option: str  # option or fact that dropped it: "exclude", "during", "trim", "boundary", ...
    reason: str  # one line, with the numbers
    step: str = ""  # name of the recipe step that dropped a window, "" if none did


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """Channels and sampling rate of a signal, before or after a recipe."""

    ch_names: tuple[str, ...]
    ch_types: tuple[str, ...]  # MNE's names
    sfreq: Fraction  # Hz, exact

    @property
    def n_chans(self) -> int:
        """Number of channels."""
        return len(self.ch_names)


@dataclass(frozen=True, slots=True)
class Failure:
    """Stage and reason for which one recording is missing from a store."""

    recording: str  # Recording.key
    stage: str  # "source", "header", "channels", "read", a step's name, "windows", "worker"
    reason: str  # one line, without a path of the machine
    transient: bool = False  # a retry may succeed


ShareFlag = Literal["", "changed nothing", "changed nearly everything"]
"""Warning that a step changed an implausible share of the samples; "" if the share is plausible."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """Changes that one step made to one recording."""

    step: str
    channels: tuple[str, ...] = ()  # dropped, interpolated, ...: beyond the plain task of the step
    share: float = 1.0  # fraction of the samples that changed
    notes: tuple[str, ...] = ()
    seconds: float = 0.0  # s of signal that the step received; `share` is a fraction of it
    flag: ShareFlag = ""
