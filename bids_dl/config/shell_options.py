"""Options that only the command line has, declared once as in `bids_dl.config.options`."""

from typing import Annotated, TypedDict

from bids_dl.config.declaration import Opt
from bids_dl.config.options import EXECUTION, OUTPUT, CacheFolderOptions, Texts


class LogOptions(TypedDict, total=False):
    """Log file of every command, on the command line only."""

    log_file: Annotated[
        str,
        Opt(
            "Append what the command says to a file, with times, versions and tracebacks.",
            "FILE",
            OUTPUT,
        ),
    ]


class MessageOptions(LogOptions, total=False):
    """Messages of every command, on the command line only."""

    quiet: Annotated[
        bool,
        Opt("Print results only: no progress, no warnings.", None, OUTPUT, flags=("--quiet", "-q")),
    ]
    verbose: Annotated[
        bool,
        Opt(
            "Print the warnings of libraries, and the cause of an error.",
            None,
            OUTPUT,
            flags=("--verbose", "-v"),
        ),
    ]


class JsonOptions(MessageOptions, total=False):
    """Output of commands that print one JSON object, on the command line only."""

    json: Annotated[bool, Opt("Print one JSON object.", panel=OUTPUT)]


class CacheOptions(CacheFolderOptions, total=False):
    """Options of `bids-dl cache`."""

    remove: Annotated[
        Texts,
        Opt("Remove a dataset, or one version; repeatable.", "SOURCE[@VERSION]", EXECUTION),
    ]
    older_than: Annotated[
        str,
        Opt("Remove only what was not used for this time, such as 30d.", "AGE", EXECUTION),
    ]
    all: Annotated[bool, Opt("Remove everything.", panel=EXECUTION)]
