"""Options of exports, declared once as in `bids_dl.config.options`."""

from typing import Annotated, TypedDict

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, SELECTION, AccessOptions, PathLike, Texts
from bids_dl.config.publishing_options import CopyFactsOptions


class WindowChoiceOptions(TypedDict, total=False):
    """Windows of a store to export."""

    label: Annotated[Texts, Opt("Only windows of this label; repeatable.", "LABEL", SELECTION)]
    split: Annotated[Texts, Opt("Only windows of this split; repeatable.", "NAME", SELECTION)]
    subject: Annotated[Texts, Opt("Only windows of this subject; repeatable.", "LABEL", SELECTION)]
    recording: Annotated[
        Texts,
        Opt("Only windows of this recording; repeatable.", "PATH", SELECTION),
    ]
    max_windows: Annotated[
        int,
        Opt("Export at most this many windows, evenly over labels and people.", "N", SELECTION),
    ]


class ExportOptions(WindowChoiceOptions, CopyFactsOptions, AccessOptions, total=False):
    """Options of `bids_dl.export`."""

    predictions: Annotated[
        PathLike, Opt("Join the table that `bids-dl predict` wrote.", "FILE.csv", SELECTION)
    ]
    recording_events: Annotated[
        PathLike,
        Opt("Write the windows as events on the clock of their recording.", "FILE.tsv", OUTPUT),
    ]
    overwrite: Annotated[bool, Opt("Replace an existing file.", panel=OUTPUT)]
