"""Settings of the search in NEMAR's catalogue, as one frozen dataclass."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT

Limits = tuple[int | None, int | None]  # lowest and highest number; None is no limit


@dataclass(frozen=True, config=STRICT)
class FindConfig:
    """Datasets of a catalogue to list.

    Parameters
    ----------
    search
        Words in name, description or authors.
    modality
        Modality that a dataset must have.
    task
        Part of the name of a task.
    subjects, channels
        Lowest and highest number; None is no limit.
    license
        Kinds of licence, of which a dataset must have one; empty for all.
    with_hed, with_copies
        Whether only datasets with HED, or with Zarr copies, are listed.
    include_unknown
        Whether datasets are listed of which the catalogue lacks a number.
    max_datasets
        Largest number of datasets; None for all.
    """

    search: str | None = Field(default=None, min_length=1)
    modality: str | None = Field(default="eeg", min_length=1)
    task: str | None = Field(default=None, min_length=1)
    subjects: Limits | None = None
    channels: Limits | None = None
    license: tuple[str, ...] = ()
    with_hed: bool = False
    with_copies: bool = False
    include_unknown: bool = False
    max_datasets: int | None = Field(default=None, ge=1)
