"""Options of the page for experts, declared as in `bids_dl.config.options`."""

from collections.abc import Sequence
from typing import Annotated, Required, TypedDict

from bids_dl.config.declaration import Opt
from bids_dl.config.options import OUTPUT, AccessOptions, FetchOptions, PathLike

QUESTIONS = "Questions"
SIGNALS = "Signals"
SERVER = "Server"
LEARNER = "Learner"
"""Panels of the help."""


class PageOptions(TypedDict, total=False):
    """The page for experts: its questions, signals, learner and server."""

    labels: Required[
        Annotated[
            PathLike,
            Opt("BIDS derivative with the answers; new or empty at first.", "FOLDER", OUTPUT),
        ]
    ]
    classes: Annotated[
        PathLike,
        Opt(
            "Classes with HED and keys; default: code/classes.yaml of the folder.",
            "FILE.yaml",
            QUESTIONS,
        ),
    ]
    strategy: Annotated[
        str,
        Opt(
            "Choice of the windows: mixture, random, entropy, margin, committee, k-centre, "
            "typical, likeliest.",
            "NAME",
            QUESTIONS,
        ),
    ]
    batch: Annotated[int, Opt("Answers between two trainings.", "N", QUESTIONS)]
    votes: Annotated[
        int, Opt("Experts who are asked about a window on which they disagree.", "N", QUESTIONS)
    ]
    annotator: Annotated[
        str, Opt("Pseudonym of the expert; default: the page asks.", "NAME", QUESTIONS)
    ]
    show_opinion: Annotated[
        bool, Opt("Show the opinion of the model before the answer.", panel=QUESTIONS)
    ]
    sources: Annotated[
        PathLike | Sequence[PathLike],
        Opt(
            "BIDS dataset whose signals are shown; repeatable. Default: the windows of the pool.",
            "SOURCE",
            SIGNALS,
            flags=("--source",),
        ),
    ]
    run_dir: Annotated[
        PathLike,
        Opt("Run whose features and first predictions the learner takes.", "FOLDER", LEARNER),
    ]
    model: Annotated[
        str,
        Opt(
            "Network to train in each round; default: logistic regression on features, which "
            "takes seconds.",
            "NAME",
            LEARNER,
        ),
    ]
    host: Annotated[str, Opt("Address to serve; another machine may reach it.", "ADDRESS", SERVER)]
    port: Annotated[int, Opt("Port to serve; 0: that of the last time if it is free.", "N", SERVER)]
    no_browser: Annotated[bool, Opt("Print the address only.", panel=SERVER)]
    export: Annotated[
        bool, Opt("Write the derivative from the answers, and serve no page.", panel=OUTPUT)
    ]


class LabellingOptions(PageOptions, FetchOptions, AccessOptions, total=False):
    """Options of `bids_dl.label`."""
