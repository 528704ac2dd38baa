"""Settings of the page for experts, as one frozen dataclass."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT, FetchConfig


@dataclass(frozen=True, config=STRICT)
class LabellingConfig:
    """Page on which experts answer about the windows of a pool.

    Parameters
    ----------
    labels
        Folder of the derivative, with the log of answers in it.
    classes
        Classes file; None reads ``code/classes.yaml`` of the folder.
    strategy
        Name of the strategy that chooses the windows.
    batch
        Answers between two trainings.
    votes
        Experts who are asked about a window on which they disagree. With 1, each window has one.
    annotator
        Pseudonym of the expert; None lets the page ask.
    show_opinion
        True shows the opinion of the model before the answer.
    sources
        BIDS datasets whose signals are shown. Empty: the windows of the pool.
    run_dir
        Run folder whose features and first predictions the learner takes.
    model
        Network to train in each round; None is logistic regression on features.
    host, port
        Address to serve. Port 0 is that of the last server of the folder, or any free one.
    no_browser
        True opens no browser.
    export
        True writes the derivative and serves no page.
    fetching
        Access to remote sources.
    """

    labels: str
    classes: str | None = None
    strategy: str = "mixture"
    batch: int = Field(default=20, ge=1, le=10_000)
    votes: int = Field(default=1, ge=1, le=100)
    annotator: str | None = None
    show_opinion: bool = False
    sources: tuple[str, ...] = ()
    run_dir: str | None = None
    model: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)
    no_browser: bool = False
    export: bool = False
    fetching: FetchConfig | None = None
