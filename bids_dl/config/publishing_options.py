"""Options of push and pull, declared once as in `bids_dl.config.options`."""

from typing import Annotated, TypedDict

from bids_dl.config.declaration import Opt
from bids_dl.config.options import EXECUTION, OUTPUT, SHARING, AccessOptions, Texts


class CopyFactsOptions(TypedDict, total=False):
    """Facts of a published copy, which the store itself cannot state."""

    doi: Annotated[
        str, Opt("DOI of the published copy, for card, citation and Croissant.", "DOI", SHARING)
    ]
    author: Annotated[Texts, Opt("Person who made the store; repeatable.", "NAME", SHARING)]
    license: Annotated[
        str,
        Opt("Licence of the copy, no weaker than those of the sources.", "SPDX", SHARING),
    ]


class TransferOptions(AccessOptions, total=False):
    """Execution of a push or a pull."""

    jobs: Annotated[int, Opt("Number of objects that are copied at a time.", "N", EXECUTION)]
    dry_run: Annotated[bool, Opt("Show what would be copied, and copy nothing.", panel=OUTPUT)]


class PushOptions(CopyFactsOptions, TransferOptions, total=False):
    """Options of `bids_dl.push`."""

    private: Annotated[
        bool, Opt("Create the repository so that only you can read it.", panel=SHARING)
    ]
    message: Annotated[str, Opt("First line of each commit.", "TEXT", SHARING)]
    check: Annotated[
        bool, Opt("Read everything back, also where checksums suffice.", panel=EXECUTION)
    ]


class PullOptions(TransferOptions, total=False):
    """Options of `bids_dl.pull`."""
