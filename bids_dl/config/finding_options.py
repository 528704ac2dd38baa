"""Options of the search in NEMAR's catalogue, declared once as in `bids_dl.config.options`."""

from collections.abc import Sequence
from typing import Annotated, TypedDict

from bids_dl.config.declaration import Opt
from bids_dl.config.options import (
    EXECUTION,
    SELECTION,
    ArchiveOptions,
    LabelOptions,
    QueryOptions,
    Texts,
)

Range = str | int | Sequence[int | None]
"""``"20.."``, ``"..64"``, ``"20..64"``, one number, or (low, high) where None is no limit."""


class DatasetFilterOptions(TypedDict, total=False):
    """Datasets of a catalogue to list."""

    search: Annotated[str, Opt("Words in name, description or authors.", "TEXT", SELECTION)]
    modality: Annotated[str, Opt("Modality, such as eeg or ieeg.", "NAME", SELECTION)]
    task: Annotated[str, Opt("Part of the name of a task.", "TEXT", SELECTION)]
    subjects: Annotated[Range, Opt("Number of subjects.", "LOW..HIGH", SELECTION, str)]
    channels: Annotated[Range, Opt("Number of channels.", "LOW..HIGH", SELECTION, str)]
    license: Annotated[
        Texts,
        Opt(
            "Kind of licence: public, attribution, sharealike, noncommercial, noderiv or unknown; "
            "repeatable.",
            "KIND",
            SELECTION,
        ),
    ]
    with_hed: Annotated[bool, Opt("Only datasets with HED.", panel=SELECTION)]
    with_copies: Annotated[
        bool, Opt("Only datasets with Zarr copies (nemar-zarr:).", panel=SELECTION)
    ]
    include_unknown: Annotated[
        bool, Opt("Also datasets of which the catalogue lacks a number.", panel=SELECTION)
    ]
    max_datasets: Annotated[
        int, Opt("List at most this many datasets, the newest.", "N", EXECUTION)
    ]


class FindOptions(DatasetFilterOptions, QueryOptions, LabelOptions, ArchiveOptions, total=False):
    """Options of `bids_dl.find`."""
