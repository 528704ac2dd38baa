"""One frozen dataclass per stage. Unknown settings and values out of range are refused.

The fields have the names of the options (`bids_dl.config.options`), and hold their defaults.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bids_dl.config.options import Dtype, Overlap
from bids_dl.config.training_options import ClassWeighting, Normalization, Optimizer, Precision
from bids_dl.errors import ConfigError

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

Query = str | dict[str, Any]
"""HED query with event-level AND, OR, NOT; or ``{all: [...], any: [...], none: [...]}``, nested."""


@dataclass(frozen=True, config=STRICT)
class SourceConfig:
    """Recordings to search, by their BIDS entities. An empty tuple selects all."""

    subject: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    run: tuple[str, ...] = ()


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
                f"{self.label}: trim and min_duration must not be negative, "
                f"got {self.trim} and {self.min_duration}"
            )
        if self.within and not 0 <= self.within[0] < self.within[1]:
            raise ValueError(
                f"{self.label}: within must be FROM,TO with 0 <= FROM < TO, got {self.within}"
            )
        if isinstance(self.until, float) and self.until <= 0:
            raise ValueError(f"{self.label}: until must be longer than 0 s, got {self.until:g}")
        if self.around and self.around[1] < 0:
            raise ValueError(f"{self.label}: around must not be negative, got {self.around[1]:g} s")
        return self


@dataclass(frozen=True, config=STRICT)
class EventsConfig:
    """Events to search for: one query per class, in the order of the classes.

    Parameters
    ----------
    labels
        The classes.
    aliases
        Names that, as a whole query, stand for any of these queries.
    overlap
        Treatment of blocks of two labels that overlap: refuse, the first label keeps the time, or
        each keeps it.
    hed_version
        Schema version; None: HEDVersion of dataset_description.json.
    hed_schema_dir
        Folder with schemas that hedtools does not include.
    hed_strict
        Problems in the HED annotations are errors.
    """

    labels: tuple[LabelConfig, ...] = Field(min_length=1)
    aliases: dict[str, tuple[Query, ...]] = Field(default_factory=dict)
    overlap: Overlap = "error"
    hed_version: str | None = None
    hed_schema_dir: str | None = None
    hed_strict: bool = False

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
        if event_locked and (self.tmin is None or self.tmax is None or self.tmin >= self.tmax):
            raise ValueError(
                f"--tmin and --tmax go together, tmin < tmax, got {self.tmin} and {self.tmax}"
            )
        for name, length in (("window", self.window), ("stride", self.stride)):
            if length is not None and length <= 0:
                raise ValueError(f"{name} must be positive, got {length} s")
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
    seed
        Random seed of the assignment.
    """

    split: tuple[float, ...] | str = (0.7, 0.15, 0.15)
    seed: int = Field(default=0, ge=0)

    @field_validator("split")
    @classmethod
    def _check_fractions(cls, split: tuple[float, ...] | str) -> tuple[float, ...] | str:
        if isinstance(split, str):
            return split
        if not 1 <= len(split) <= 3 or min(split) < 0 or abs(sum(split) - 1) > 1e-6:
            raise ValueError(
                "split must be up to three fractions that add up to 1 "
                f"(train, validation, test), got {split}"
            )
        return split


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
        Address of a Dask scheduler; ``"synchronous"``: conversion in this process; None: a local
        cluster of worker processes.
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
class TrainConfig:
    """Training of a network.

    Parameters
    ----------
    model, model_options
        Name of the architecture, and its options.
    target
        Column of the store to predict.
    folds
        ``"loso"`` (leave one person out), a number of folds, or None for the splits of the store.
    epochs
        Maximum number of epochs.
    patience
        Epochs without a lower validation loss before training stops and the best weights are
        restored; None trains all ``epochs``.
    batch_size
        Windows per batch.
    optimizer, lr, weight_decay
        Optimizer of PyTorch, its learning rate and its weight decay.
    normalize, drop_missing
        As in `StreamingDataset`.
    class_weights
        ``"inverse"`` weights the loss by the inverse frequency of each class among the training
        windows.
    seed
        Random seed of weights, order and folds.
    device, precision
        Device and precision of the computation; ``"auto"`` selects the best that is available.
    """

    model: str = "shallow-fbcsp"
    target: str = "label"
    folds: str | int | None = None
    epochs: int = Field(default=30, ge=1)
    patience: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=64, ge=1)
    optimizer: Optimizer = "adamw"
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    normalize: Normalization | None = "window"
    drop_missing: bool = False
    class_weights: ClassWeighting | None = None
    seed: int = Field(default=0, ge=0)
    device: str = "auto"
    precision: Precision = "auto"
    model_options: dict[str, Any] = Field(default_factory=dict)


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


def default_values(stage: Any) -> dict[str, Any]:
    """Return the default of each field of a stage, or None for a field that is required.

    Examples
    --------
    >>> default_values(WindowsConfig)
    {'window': None, 'stride': None, 'tmin': None, 'tmax': None}
    """
    defaults = {}
    for field in fields(stage):
        info = field.default if isinstance(field.default, FieldInfo) else None
        if info is not None and info.default_factory is not None:
            default = info.get_default(call_default_factory=True)
        else:
            default = field.default if info is None else info.default
        defaults[field.name] = None if default in (MISSING, PydanticUndefined) else default
    return defaults
