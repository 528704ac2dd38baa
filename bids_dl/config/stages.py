"""One frozen dataclass per stage; unknown settings and values out of range are refused."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.errors import ConfigError

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

Query = str | dict[str, Any]
"""HED query, event-level AND / OR / NOT included; or {all: [...], any: [...], none: [...]}, nested."""


@dataclass(frozen=True, config=STRICT)
class SourceConfig:
    """Which recordings of the sources to look at; empty means all."""

    subject: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    run: tuple[str, ...] = ()


@dataclass(frozen=True, config=STRICT)
class LabelConfig:
    """One class: its query and where its blocks end.

    Parameters
    ----------
    until
        ``"next"`` (the next match of any query), a HED query, or a span in s.
    trim
        Seconds dropped at the start and at the end of each block.
    within
        The part of each block to keep, (from, to) in s after its onset.
    min_duration
        Shortest block to keep, in s, after trimming.
    exclude
        Queries: rows that match one are not taken, nor what overlaps one.
    during
        Query of a state: only events that begin while it holds are taken.
    around
        Query and seconds: only what lies so near to a match is taken.
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
                f"{self.label}: trim and min_duration must not be negative, got {self.trim} and {self.min_duration}"
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
    """What to look for: one query per class, in the order of the classes."""

    labels: tuple[LabelConfig, ...] = Field(min_length=1)
    aliases: dict[str, tuple[Query, ...]] = Field(
        default_factory=dict
    )  # a whole query of that name stands for any of these
    overlap: Literal["error", "first", "each"] = "error"
    hed_version: str | None = None  # overrides HEDVersion of dataset_description.json
    hed_schema_dir: str | None = None
    hed_strict: bool = False

    @field_validator("labels")
    @classmethod
    def _unique(cls, labels: tuple[LabelConfig, ...]) -> tuple[LabelConfig, ...]:
        names = [label.label for label in labels]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"two queries have the label {twice[0]!r}; name them apart with NAME=QUERY"
            )
        return labels


@dataclass(frozen=True, config=STRICT)
class WindowsConfig:
    """Sliding windows inside blocks (``size``, ``stride``), or one window locked to each event (``tmin``, ``tmax``); in s."""

    size: float | None = None
    stride: float | None = None
    tmin: float | None = None
    tmax: float | None = None

    @model_validator(mode="after")
    def _check(self) -> WindowsConfig:
        sliding, locked = (
            self.size is not None or self.stride is not None,
            self.tmin is not None or self.tmax is not None,
        )
        if sliding and locked:
            raise ValueError(
                "ask for sliding windows (--window, --stride) or event-locked ones (--tmin, --tmax), not both"
            )
        if sliding and self.size is None:
            raise ValueError("--stride needs --window")
        if locked and (self.tmin is None or self.tmax is None or self.tmin >= self.tmax):
            raise ValueError(
                f"--tmin and --tmax go together, tmin < tmax, got {self.tmin} and {self.tmax}"
            )
        if (self.size is not None and self.size <= 0) or (
            self.stride is not None and self.stride <= 0
        ):
            raise ValueError(
                f"window and stride must be positive, got {self.size} s and {self.stride} s"
            )
        if self.stride is None:
            object.__setattr__(
                self, "stride", self.size
            )  # side by side, said or not: the same request
        return self

    @property
    def sliding(self) -> bool:
        return self.size is not None

    @property
    def asked(self) -> bool:
        return self.size is not None or self.tmin is not None

    @property
    def duration(self) -> float:
        """Length of a window in s."""
        if self.size is not None:
            return self.size
        if self.tmin is None or self.tmax is None:
            raise ConfigError("no windows asked for: give --window SIZE or --tmin and --tmax")
        return self.tmax - self.tmin


@dataclass(frozen=True, config=STRICT)
class SplitsConfig:
    """How persons are shared out: fractions of train, validation and test, or a column of participants.tsv."""

    split: tuple[float, ...] | str = (0.7, 0.15, 0.15)
    seed: int = Field(default=0, ge=0)

    @field_validator("split")
    @classmethod
    def _fractions(cls, split: tuple[float, ...] | str) -> tuple[float, ...] | str:
        if isinstance(split, tuple) and (
            not 1 <= len(split) <= 3 or min(split) < 0 or abs(sum(split) - 1) > 1e-6
        ):
            raise ValueError(
                f"split is up to three fractions that add up to 1 (train, validation, test), got {split}"
            )
        return split


@dataclass(frozen=True, config=STRICT)
class PreprocessConfig:
    """A recipe by name or file, and changes to its parameters (``{"filter.high": 40}``)."""

    recipe: str = "default"
    changes: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class StoreConfig:
    """How samples are stored."""

    dtype: Literal["float32", "int16"] = "float32"
    chunk_bytes: int = Field(
        default=500_000, gt=0
    )  # near 0.5 MB: reference for the shuffle pool and range requests
    shard_bytes: int = Field(default=96_000_000, gt=0)


@dataclass(frozen=True, config=STRICT)
class PipelineConfig:
    """How the work is run; nothing here may change a byte of the store."""

    jobs: int | None = Field(default=None, ge=1)  # None: one per core
    memory: int | None = Field(
        default=None, gt=0
    )  # bytes that all workers may take together; None: most of what is free
    scheduler: str | None = None  # address of a Dask scheduler
    staging: str | None = None
    overwrite: bool = False
    storage_options: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class TrainConfig:
    """How a network is trained.

    Parameters
    ----------
    folds
        ``"loso"`` (leave one person out), a number of folds, or None for the store's own splits.
    epochs
        Largest number of epochs.
    patience
        Epochs without a better validation loss before training stops and the best weights are restored; None trains all ``epochs``.
    normalize, drop_missing
        As in `StreamingDataset`.
    class_weights
        ``"inverse"`` weighs the loss by the inverse frequency of each class among the training windows.
    """

    model: str = "shallow-fbcsp"
    target: str = "label"
    folds: str | int | None = None
    epochs: int = Field(default=30, ge=1)
    patience: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=64, ge=1)
    optimizer: Literal["adamw", "adamax", "adam"] = "adamw"
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    normalize: Literal["window", "recording", "training"] | None = "window"
    drop_missing: bool = False
    class_weights: Literal["inverse"] | None = None
    seed: int = Field(default=0, ge=0)
    device: str = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    model_options: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Request:
    """All that decides what a store holds: the same request on the same sources gives the same store."""

    events: EventsConfig
    source: SourceConfig = Field(default_factory=SourceConfig)
    windows: WindowsConfig = Field(default_factory=WindowsConfig)
    splits: SplitsConfig = Field(default_factory=SplitsConfig)
    preprocess: PreprocessConfig = Field(default_factory=PreprocessConfig)
    store: StoreConfig = Field(default_factory=StoreConfig)
