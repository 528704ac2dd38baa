"""Options that only the command line has, declared once as in `bids_dl.config.options`."""

from typing import Annotated, TypedDict

from bids_dl.config.declaration import Opt
from bids_dl.config.options import EXECUTION, OUTPUT, CacheFolderOptions, Texts


class MessageOptions(TypedDict, total=False):
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
