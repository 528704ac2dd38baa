"""One frozen dataclass per stage. Unknown settings and values out of range are refused.

The fields have the names of the options (`bids_dl.config.options`), and hold their defaults.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.declaration import format_default
from bids_dl.config.options import Dtype, FetchMode, Overlap
from bids_dl.errors import ConfigError

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
WHOLE_LABEL = "recording"
"""Label of whole recordings."""
WHOLE_QUERY = "--whole"
"""Text in place of the query of whole recordings, in stores and tables. It is never searched."""

Query = str | dict[str, Any]
"""HED query with event-level AND, OR, NOT; or ``{all: [...], any: [...], none: [...]}``, nested."""


@dataclass(frozen=True, config=STRICT)
class SourceConfig:
    """Recordings to search. An empty tuple selects all.

    Parameters
    ----------
    subject, session, task, run
        Values of the BIDS entities.
    where
        Conditions on participants.tsv, such as ``"age=18..30"``, of which all must hold.
    """

    subject: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


@dataclass(frozen=True, config=STRICT)
class LabelConfig:
    """One class: its query and the limits of its blocks.

    Parameters
    ----------
    label
        Name of the class.
    query
        HED query of its events.
    until
        End of a block: ``"next"`` (the next match of any query), a HED query, or a duration in s.
    trim
        Seconds dropped at the start and at the end of each block.
    within
        Part of each block to keep, (from, to) in s after its onset.
    min_duration
        Minimum duration of a block in s, after trimming.
    exclude
        Queries: events that match one are left out, and so is whatever overlaps one.
    during
        Query of a state: only events that begin during it are kept.
    around
        Query and seconds: only what is within this many seconds of a match is kept.
    """

    label: str
    query: Query
    until: str | float | None = None
    trim: tuple[float, float] = (0.0, 0.0)
    within: tuple[float, float] | None = None
    min_duration: float = 0.0
    exclude: tuple[Query, ...] = ()
    during: Query | None = None
    around: tuple[Query, float] | None = None

    @model_validator(mode="after")
    def _check(self) -> LabelConfig:
        if min(self.trim) < 0 or self.min_duration < 0:
            raise ValueError(
                f"{self.label}: --trim and --min-duration must not be negative, "
                f"got {format_default(self.trim)} and {self.min_duration:g}"
            )
        if self.within and not 0 <= self.within[0] < self.within[1]:
            raise ValueError(
                f"{self.label}: --within must be FROM,TO with 0 <= FROM < TO, "
                f"got {format_default(self.within)}"
            )
        if isinstance(self.until, float) and self.until <= 0:
            raise ValueError(f"{self.label}: --until must be longer than 0 s, got {self.until:g}")
        if self.around and self.around[1] < 0:
            raise ValueError(
                f"{self.label}: --around must not be negative, got {self.around[1]:g} s"
            )
        return self


@dataclass(frozen=True, config=STRICT)
class EventsConfig:
    """Events to search for: one query per class, in the order of the classes.

    Parameters
    ----------
    labels
        The classes.
    whole
        The only label, `WHOLE_LABEL`, is each recording from its first to its last sample.
    aliases
        Names that, as a whole query, stand for any of these queries.
    overlap
        Treatment of blocks of two labels that overlap: refuse, the first label keeps the time, or
        each keeps it.
    hed_version
        Schema version; None: HEDVersion of dataset_description.json.
    hed_schema_dir
        Folder with schemas that hedtools does not include.
    hed_sidecar
        HED that is added to datasets: dataset, or "" for all, -> column of events.tsv ->
        ``{"HED": text or {value: text}}``.
    hed_strict
        Problems in the HED annotations are errors.
    annotations
        Derivative whose rows are read in place of events.tsv, ``[DESC=]FOLDER``.
    unexpanded
        Options of the labels as given, if a column still stands for all its values. Empty once
        every label is known, and not part of a stored request.
    """

    labels: tuple[LabelConfig, ...] = Field(min_length=1)
    whole: bool = False
    aliases: dict[str, tuple[Query, ...]] = Field(default_factory=dict)
    overlap: Overlap = "error"
    hed_version: str | None = None
    hed_schema_dir: str | None = None
    hed_sidecar: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    hed_strict: bool = False
    annotations: str | None = None
    unexpanded: dict[str, Any] = Field(default_factory=dict)

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, labels: tuple[LabelConfig, ...]) -> tuple[LabelConfig, ...]:
        names = [label.label for label in labels]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(
                f"two queries have the label {repeated[0]!r}; "
                "give them different labels with LABEL=QUERY"
            )
        return labels

    @model_validator(mode="after")
    def _check_whole(self) -> EventsConfig:
        if not self.whole:
            return self
        for option in ("until", "during"):
            if any(getattr(label, option) is not None for label in self.labels):
                raise ValueError(
                    f"--whole takes recordings from start to end, which --{option} does not fit; "
                    "keep parts of them with --within, --around or --exclude"
                )
        return self


@dataclass(frozen=True, config=STRICT)
class WindowsConfig:
    """Sliding windows inside blocks, or one event-locked window per event. Times are in s.

    Parameters
    ----------
    window
        Length of sliding windows.
    stride
        Distance between the onsets of consecutive sliding windows; None: their length.
    tmin, tmax
        Start and end of event-locked windows, relative to the event.
    """

    window: float | None = None
    stride: float | None = None
    tmin: float | None = None
    tmax: float | None = None

    @model_validator(mode="after")
    def _check(self) -> WindowsConfig:
        sliding = self.window is not None or self.stride is not None
        event_locked = self.tmin is not None or self.tmax is not None
        if sliding and event_locked:
            raise ValueError(
                "give sliding windows (--window, --stride) or event-locked ones "
                "(--tmin, --tmax), not both"
            )
        if sliding and self.window is None:
            raise ValueError("--stride needs --window")
        if event_locked:
            _check_event_locked(self.tmin, self.tmax)
        for flag, length in (("--window", self.window), ("--stride", self.stride)):
            if length is not None and length <= 0:
                raise ValueError(f"{flag} must be positive, got {length:g} s")
        if self.stride is None:
            # the same request as one that says stride = window, so that it has the same identity
            object.__setattr__(self, "stride", self.window)
        return self

    @property
    def sliding(self) -> bool:
        """True if windows slide inside blocks, False if they are event-locked or not requested."""
        return self.window is not None

    @property
    def requested(self) -> bool:
        """True if the request has windows of either kind."""
        return self.window is not None or self.tmin is not None

    @property
    def duration(self) -> float:
        """Length of a window in s.

        Raises
        ------
        ConfigError
            No windows are requested.
        """
        if self.window is not None:
            return self.window
        if self.tmin is None or self.tmax is None:
            raise ConfigError("no windows requested: give --window SECONDS or --tmin and --tmax")
        return self.tmax - self.tmin


@dataclass(frozen=True, config=STRICT)
class SplitsConfig:
    """Assignment of persons to train, validation and test.

    Parameters
    ----------
    split
        Up to three fractions that add up to 1, or a column of participants.tsv.
    stratify
        Column of participants.tsv whose values are balanced over the splits.
    seed
        Random seed of the assignment.
    """

    split: tuple[float, ...] | str = (0.7, 0.15, 0.15)
    stratify: str | None = None
    seed: int = Field(default=0, ge=0)

    @field_validator("split")
    @classmethod
    def _check_fractions(cls, split: tuple[float, ...] | str) -> tuple[float, ...] | str:
        if isinstance(split, str):
            return split
        if not 1 <= len(split) <= 3 or min(split) < 0 or abs(sum(split) - 1) > 1e-6:
            raise ValueError(
                "--split must be up to three fractions that add up to 1 "
                f"(train, validation, test), got {format_default(split) or 'none'}"
            )
        return split

    @model_validator(mode="after")
    def _check_stratify(self) -> SplitsConfig:
        if self.stratify is not None and isinstance(self.split, str):
            raise ValueError(
                f"--stratify {self.stratify} balances random splits, but --split {self.split} "
                "names the split of each person; give one of the two"
            )
        return self


@dataclass(frozen=True, config=STRICT)
class PreprocessConfig:
    """A recipe by name or file, and changes of its parameters, such as ``{"filter.high": 40}``."""

    recipe: str = "default"
    set: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class StoreConfig:
    """Storage of the samples."""

    dtype: Dtype = "float32"
    chunk_bytes: int = Field(default=500_000, gt=0)
    """Near 0.5 MB: a compromise between the shuffle pool and the number of range requests."""
    shard_bytes: int = Field(default=96_000_000, gt=0)


@dataclass(frozen=True, config=STRICT)
class SharingConfig:
    """Title, maker and licence of a store. What is not given is derived from the sources.

    Parameters
    ----------
    title
        Title on one line; None: the labels and the titles of the sources.
    description
        Text of the card, before the facts about the store.
    author
        Persons who make the store, which are not the authors of its sources.
    license
        SPDX name of a licence; None: those of the sources.
    """

    title: str | None = None
    description: str | None = None
    author: tuple[str, ...] = ()
    license: str | None = None


@dataclass(frozen=True, config=STRICT)
class PipelineConfig:
    """Execution of a conversion. No setting changes a byte of the store.

    Parameters
    ----------
    jobs
        Number of worker processes; None: one per core.
    memory
        Memory limit for all workers together in bytes; None: most of the available memory.
    scheduler
        Address of a Dask scheduler; ``"synchronous"``: conversion in this process; None: worker
        processes on this machine.
    staging
        Path or URL of preprocessed recordings before packing; None: beside a local store, else in
        the user's cache folder.
    overwrite
        Replace a finished store of another plan.
    storage_options
        Options of fsspec for the URL of the store.
    """

    jobs: int | None = Field(default=None, ge=1)
    memory: int | None = Field(default=None, gt=0)
    scheduler: str | None = None
    staging: str | None = None
    overwrite: bool = False
    storage_options: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class FetchConfig:
    """Access to remote datasets.

    Parameters
    ----------
    cache
        Folder for files of remote datasets; None: BIDS_DL_CACHE, else the user's cache folder.
    fetch
        Whole files, only the byte ranges that the plan needs, or the cheaper of the two where both
        give equal samples.
    endpoints
        Base addresses of archives by name, instead of the default ones.
    """

    cache: str | None = None
    fetch: FetchMode = "auto"
    endpoints: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Request:
    """All that decides the content of a store.

    The same request on the same sources gives the same store.
    """

    events: EventsConfig
    source: SourceConfig = Field(default_factory=SourceConfig)
    windows: WindowsConfig = Field(default_factory=WindowsConfig)
    splits: SplitsConfig = Field(default_factory=SplitsConfig)
    preprocess: PreprocessConfig = Field(default_factory=PreprocessConfig)
    store: StoreConfig = Field(default_factory=StoreConfig)
    sharing: SharingConfig = Field(default_factory=SharingConfig)


def _check_event_locked(tmin: float | None, tmax: float | None) -> None:
    """Raise `ValueError` unless both limits of event-locked windows are given, in order."""
    if tmin is None:
        raise ValueError(f"--tmax {tmax:g} needs --tmin")
    if tmax is None:
        raise ValueError(f"--tmin {tmin:g} needs --tmax")
    if tmin >= tmax:
        raise ValueError(f"--tmin must be less than --tmax, got {tmin:g} and {tmax:g}")
