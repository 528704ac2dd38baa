"""Options, each declared once: name, type, help, value on the command line.

The command line, YAML files (`--config`), the functions of `bids_dl` and the tests of `docs/cli.md`
derive from the `TypedDict` classes below. The default of an option stands in the dataclass of its
stage (`bids_dl.config.stages`), in the field of the same name. To add an option, write its line
here, its field there and its row in `docs/cli.md`. Options of models are in `training_options`.

The command line imports this module to show its help, so the module imports nothing slow.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from bids_dl.config.annotation_options import AnnotationOptions
from bids_dl.config.declaration import Opt

SELECTION = "Selection"
WINDOWS = "Windows"
CONVERSION = "Conversion"
SHARING = "Sharing"
EXECUTION = "Execution"
OUTPUT = "Output"
"""Panels of the help."""

PathLike = str | os.PathLike[str]
Texts = str | Sequence[str]
Assignments = Mapping[str, Any]
Query = str | Mapping[str, Any]
"""HED, or ``COLUMN==VALUE``; or a mapping ``{"all": [...], "any": [...], "none": [...]}``, nested.
"""

Overlap = Literal["error", "first", "each"]
Dtype = Literal["float32", "int16"]
FetchMode = Literal["auto", "whole", "ranges"]


class SourceOptions(TypedDict, total=False):
    """Recordings to search, by their BIDS entities and by participants.tsv."""

    subject: Annotated[Texts, Opt("Only this subject; repeatable.", "LABEL", SELECTION)]
    session: Annotated[Texts, Opt("Only this session; repeatable.", "LABEL", SELECTION)]
    task: Annotated[Texts, Opt("Only this task; repeatable.", "LABEL", SELECTION)]
    run: Annotated[
        str | int | Sequence[str | int], Opt("Only this run; repeatable.", "INDEX", SELECTION)
    ]
    where: Annotated[
        Texts | Mapping[str, Any],
        Opt(
            "Only people whose row of participants.tsv meets this; repeatable, all must hold.",
            "COLUMN=VALUE|LOW..HIGH",
            SELECTION,
        ),
    ]


class QueryOptions(TypedDict, total=False):
    """The queries of the classes: by HED, or by the columns of events.tsv."""

    hed: Annotated[
        str | Sequence[str] | Mapping[str, Query],
        Opt("HED query of one class; repeatable.", "[LABEL=]QUERY", SELECTION),
    ]
    event: Annotated[
        str | Sequence[str] | Mapping[str, Query],
        Opt(
            "Class of the rows with a value in a column of events.tsv, or one class for each "
            "value of the column; repeatable.",
            "[LABEL=]COLUMN[==VALUE[,VALUE]]",
            SELECTION,
        ),
    ]


class LabelOptions(TypedDict, total=False):
    """Options that a label may have for itself. Without LABEL= they hold for all labels."""

    until: Annotated[
        str | float | Sequence[str] | Mapping[str, str | float],
        Opt("End of a block.", "[LABEL=]next|QUERY|SECONDS", SELECTION),
    ]
    trim: Annotated[
        str | float | Sequence[float] | Sequence[str] | Mapping[str, float | Sequence[float]],
        Opt(
            "Seconds to drop at the start and at the end of each block.", "[LABEL=]S[,S]", SELECTION
        ),
    ]
    within: Annotated[
        str | Sequence[float] | Sequence[str] | Mapping[str, Sequence[float]],
        Opt(
            "Part of each block to keep, in seconds after its onset.", "[LABEL=]FROM,TO", SELECTION
        ),
    ]
    min_duration: Annotated[
        str | float | Sequence[str] | Mapping[str, float],
        Opt("Minimum duration of a block.", "[LABEL=]SECONDS", SELECTION),
    ]
    exclude: Annotated[
        Query | Sequence[Query],
        Opt(
            "Leave out events that match, and whatever overlaps them; repeatable.",
            "[LABEL=]QUERY",
            SELECTION,
        ),
    ]
    during: Annotated[
        Query | Sequence[str],
        Opt(
            "Keep events that begin while this state holds (Onset to Offset, or Duration).",
            "[LABEL=]QUERY",
            SELECTION,
        ),
    ]
    around: Annotated[
        tuple[Query, float] | Mapping[str, tuple[Query, float]],
        Opt(
            "Keep only what is within this many seconds of a match.",
            "[LABEL=]QUERY SECONDS",
            SELECTION,
            tuple[str, float],
        ),
    ]


class EventOptions(AnnotationOptions, total=False):
    """Search for events, the same for all labels."""

    whole: Annotated[
        bool,
        Opt("Take whole recordings, of which none needs an events.tsv.", panel=SELECTION),
    ]
    aliases: Annotated[
        Mapping[str, str | Sequence[Query]],
        Opt("Names for lists of queries.", "{NAME: [QUERY, ...]}", SELECTION, flags=()),
    ]
    overlap: Annotated[
        Overlap, Opt("Treatment of blocks of two labels that overlap.", panel=SELECTION)
    ]
    hed_version: Annotated[
        str, Opt("HED schema version, instead of the dataset's HEDVersion.", "VERSION", SELECTION)
    ]
    hed_schema_dir: Annotated[
        PathLike, Opt("Folder with schemas that hedtools does not include.", "FOLDER", SELECTION)
    ]
    hed_sidecar: Annotated[
        PathLike | Sequence[PathLike] | Mapping[str, Any],
        Opt(
            "HED to add to datasets, in a file like events.json; repeatable.",
            "[DATASET=]FILE.json",
            SELECTION,
        ),
    ]
    hed_strict: Annotated[
        bool, Opt("Treat problems in the HED annotations as errors.", panel=SELECTION)
    ]


class WindowOptions(TypedDict, total=False):
    """Sliding or event-locked windows."""

    window: Annotated[float, Opt("Length of sliding windows.", "SECONDS", WINDOWS)]
    stride: Annotated[
        float, Opt("Distance between the onsets of consecutive windows.", "SECONDS", WINDOWS)
    ]
    tmin: Annotated[
        float, Opt("Start of event-locked windows, relative to the event.", "SECONDS", WINDOWS)
    ]
    tmax: Annotated[
        float, Opt("End of event-locked windows, relative to the event.", "SECONDS", WINDOWS)
    ]


class RecipeOptions(TypedDict, total=False):
    """Preprocessing."""

    recipe: Annotated[
        PathLike,
        Opt("Preprocessing recipe; `bids-dl recipes` lists them.", "NAME|FILE.yaml", CONVERSION),
    ]
    set: Annotated[
        Assignments,
        Opt("Change a parameter of the recipe; repeatable.", "STEP.PARAMETER=VALUE", CONVERSION),
    ]


class SplitOptions(TypedDict, total=False):
    """Assignment of persons to splits."""

    split: Annotated[
        str | float | Sequence[float],
        Opt(
            "Fractions for train, validation and test, or a column of participants.tsv.",
            "F[,F[,F]]|COLUMN",
            CONVERSION,
            str,
        ),
    ]
    stratify: Annotated[
        str,
        Opt("Balance this column of participants.tsv over the splits.", "COLUMN", CONVERSION),
    ]
    seed: Annotated[int, Opt("Random seed of the split.", "N", CONVERSION)]


class StoreOptions(TypedDict, total=False):
    """Storage of the samples."""

    dtype: Annotated[
        Dtype,
        Opt("Type of the stored samples; int16 takes a third of the space.", None, CONVERSION),
    ]


class SharingOptions(TypedDict, total=False):
    """Title, maker and licence of a store, for its documents."""

    title: Annotated[str, Opt("Title of the store.", "TEXT", SHARING)]
    description: Annotated[str, Opt("Description of the store.", "TEXT", SHARING)]
    author: Annotated[Texts, Opt("Person who makes the store; repeatable.", "NAME", SHARING)]
    license: Annotated[
        str, Opt("Licence of the store, no weaker than those of the sources.", "SPDX", SHARING)
    ]


class CacheFolderOptions(TypedDict, total=False):
    """Folder of the cache of remote datasets."""

    cache: Annotated[PathLike, Opt("Folder for files of remote datasets.", "FOLDER", EXECUTION)]


class ArchiveOptions(CacheFolderOptions, total=False):
    """Access to the archives of remote datasets."""

    endpoints: Annotated[
        Assignments,
        Opt(
            "Base address of an archive, such as a mirror; repeatable.",
            "NAME=URL",
            EXECUTION,
            flags=("--endpoint",),
        ),
    ]


class FetchOptions(ArchiveOptions, total=False):
    """Access to remote datasets. No option changes a byte of a store."""

    fetch: Annotated[
        FetchMode,
        Opt("Fetch whole files, or only the byte ranges that the plan needs.", panel=EXECUTION),
    ]


class JobOptions(TypedDict, total=False):
    """Worker processes."""

    jobs: Annotated[int, Opt("Number of worker processes.", "N", EXECUTION)]


class AccessOptions(TypedDict, total=False):
    """Access to a store."""

    storage_options: Annotated[
        Assignments,
        Opt(
            "Option of fsspec for the URL of the store; repeatable.",
            "KEY=VALUE",
            EXECUTION,
            flags=("--storage-option",),
        ),
    ]


class RunOptions(JobOptions, AccessOptions, total=False):
    """Execution of a conversion. No option changes a byte of the store."""

    memory: Annotated[
        int | str,
        Opt("Memory limit for all workers together, such as 8GB.", "SIZE", EXECUTION, str),
    ]
    scheduler: Annotated[
        str,
        Opt(
            "Dask scheduler to use, such as tcp://host:8786; "
            "`synchronous` converts in this process.",
            "ADDRESS|synchronous",
            EXECUTION,
        ),
    ]
    staging: Annotated[
        PathLike, Opt("Location of preprocessed recordings before packing.", "URL", EXECUTION)
    ]
    overwrite: Annotated[bool, Opt("Replace a finished store.", panel=EXECUTION)]


class FileOptions(TypedDict, total=False):
    """A file of options."""

    config: Annotated[
        PathLike,
        Opt(
            "YAML file with any of these options; options given directly override it.",
            "FILE.yaml",
            EXECUTION,
        ),
    ]


class SelectionOptions(
    SourceOptions, QueryOptions, LabelOptions, EventOptions, WindowOptions, total=False
):
    """Selection of recordings, events, blocks and windows."""


class EventsOptions(SelectionOptions, FetchOptions, FileOptions, total=False):
    """Options of `bids_dl.events`."""

    plot: Annotated[
        PathLike,
        Opt("Draw the first recording that matches, with its blocks.", "FILE.png|svg|pdf", OUTPUT),
    ]


class SidecarOptions(SourceOptions, FetchOptions, total=False):
    """Options of `bids_dl.make_sidecar`."""


class TemplateOptions(TypedDict, total=False):
    """A sidecar to fill in, on the command line only. In Python: `bids_dl.make_sidecar`."""

    make_sidecar: Annotated[
        str,
        Opt(
            "Write the columns and values of events.tsv to a file, to add their HED.",
            "FILE.json",
            OUTPUT,
        ),
    ]


class RequestOptions(
    SelectionOptions, RecipeOptions, SplitOptions, StoreOptions, SharingOptions, total=False
):
    """All options that decide the content of a store."""


class ConvertOptions(RequestOptions, FetchOptions, RunOptions, FileOptions, total=False):
    """Options of `bids_dl.convert`."""


class InfoOptions(AccessOptions, total=False):
    """Options of `bids_dl.info`."""


class CheckOptions(TypedDict, total=False):
    """Options that decide which stores pass a verification."""

    content: Annotated[
        str, Opt("Content identifier that the store must have, from a paper.", "ID", EXECUTION)
    ]
    strict: Annotated[
        bool, Opt("End with status 1 also for remarks, such as foreign files.", panel=EXECUTION)
    ]


class VerifyOptions(
    CheckOptions, AnnotationOptions, FetchOptions, JobOptions, AccessOptions, total=False
):
    """Options of `bids_dl.verify`."""

    sources: Annotated[
        PathLike | Sequence[PathLike],
        Opt(
            "BIDS dataset to convert again for the comparison; repeatable.",
            "SOURCE",
            EXECUTION,
            flags=("--source",),
        ),
    ]


class ReportOptions(AccessOptions, total=False):
    """Options of `bids_dl.report`."""

    output: Annotated[
        PathLike,
        Opt(
            "Page to write, or - for standard output; default: NAME.report.html.",
            "FILE.html",
            OUTPUT,
            str,
            flags=("--output", "-o"),
        ),
    ]


class DemoOptions(JobOptions, total=False):
    """Options of `bids-dl demo`."""
