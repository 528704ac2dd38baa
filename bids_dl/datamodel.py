"""Recording, Event, Block, Window: what the stages hand to each other. NumPy only, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

Person = tuple[str, str]
"""(dataset, subject): people of different datasets are different people."""


def exact_rate(sfreq: float) -> Fraction:
    """The exact rate in Hz that a float stands for: 333.3333333 is 1000/3."""
    return Fraction(sfreq).limit_denominator(10_000)


@dataclass(frozen=True, slots=True)
class Recording:
    """One continuous EEG file of a BIDS dataset, or what an events.tsv speaks for where the file is absent."""

    dataset: str  # accession from the source or DatasetDOI, else the folder's name
    path: str  # BIDS path without suffix and extension, "sub-001/eeg/sub-001_task-motion_run-2"
    subject: str  # entities are stored without their prefix; "" where a name has none
    session: str
    task: str
    run: str
    datatype: str  # "eeg", "ieeg", or "meg" (found, but not read)
    signal: str | None = None  # signal file, relative to the dataset; None in a text-only copy
    events: str | None = None  # events.tsv that applies to it, relative to the dataset

    @property
    def key(self) -> str:
        """Identity over all sources, "ds003645/sub-002/eeg/sub-002_task-FacePerception_run-1"."""
        return f"{self.dataset}/{self.path}"

    @property
    def person(self) -> Person:
        return self.dataset, self.subject


@dataclass(frozen=True, slots=True)
class EventRows:
    """One events.tsv as text, row by row, and the sidecar that explains it."""

    recording: str  # Recording.key
    columns: Mapping[str, tuple[str, ...]]  # column name -> one string per data row
    sidecar: Mapping[str, Any]  # events.json files merged by inheritance, nearest last
    duration: float | None = None  # s, length of the recording, None where unknown

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


@dataclass(frozen=True, slots=True)
class Header:
    """What a signal file says of itself, without its samples."""

    sfreq: float  # Hz
    n_times: int  # samples
    ch_names: tuple[str, ...]  # as in channels.tsv where there is one
    ch_types: tuple[str, ...]  # MNE's names: "eeg", "eog", ...
    boundaries: tuple[float, ...] = ()  # s: places where the signal is not continuous

    @property
    def duration(self) -> float:
        return self.n_times / self.sfreq


@dataclass(frozen=True, slots=True)
class Event:
    """One match of a query: a row of events.tsv (or what Delay split off it) and where its block ends."""

    recording: str  # Recording.key
    row: int  # 0-based data row of events.tsv
    onset: float  # s, on the recording's clock
    end: float | None  # s; None where unknown
    end_rule: str  # "until", "process", "duration", "next", "recording" or "" (a moment)
    label: str  # name of the query that matched
    hed: str = ""  # the row's HED string as assembled


@dataclass(frozen=True, slots=True)
class Block:
    """One selected stretch of a recording, after trimming."""

    recording: str  # Recording.key
    index: int  # index of its event in the plan
    label: str
    onset: float  # s
    end: float | None  # s; None where it runs to an end nobody knows yet


@dataclass(frozen=True, slots=True)
class Window:
    """The address of one training example: which samples of which recording."""

    recording: str  # Recording.key
    block: int  # index into the plan's events
    onset: float  # s, of the window's first sample
    start: int  # first sample at the source rate, included
    anchor: int  # sample at the source rate that must stay in its sample: the event's, or `start` of a sliding window
    label: str  # name of the query that selected it


@dataclass(frozen=True, slots=True)
class Dropped:
    """An event, a block or a window that was asked for and is left out."""

    recording: str  # Recording.key
    row: int  # 0-based data row of events.tsv
    onset: float  # s, of what is left out
    label: str
    what: Literal["event", "block", "window"]
    cause: str  # the option or fact that took it: "exclude", "during", "around", "overlap", "trim", "recording", "boundary", ...
    reason: str  # one line, with the numbers


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """The shape of a signal: what a recipe starts from and what it ends with."""

    ch_names: tuple[str, ...]
    ch_types: tuple[str, ...]
    sfreq: Fraction  # Hz, exact

    @property
    def n_chans(self) -> int:
        return len(self.ch_names)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one recording is not in a store."""

    recording: str  # Recording.key
    stage: str  # "source", "header", "channels", "read", a step's name, "windows", "worker"
    reason: str  # one line; no path of the machine it happened on
    transient: bool = False  # whether another try may pass


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did to one recording."""

    step: str
    channels: tuple[
        str, ...
    ] = ()  # channels it changed beyond its plain task (dropped, interpolated, ...)
    share: float = 1.0  # share of the samples it changed
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0  # of signal: its share of what it was given
