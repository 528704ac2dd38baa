"""Settings of pushes and pulls, each as one frozen dataclass."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Name of a person, not blank."""


@dataclass(frozen=True, config=STRICT)
class TransferConfig:
    """Execution of a push or a pull.

    Parameters
    ----------
    jobs
        Number of objects that are copied at a time, each of which is in memory.
    dry_run
        Compare both places only.
    """

    jobs: int = Field(default=4, ge=1, le=64)
    dry_run: bool = False


@dataclass(frozen=True, config=STRICT)
class PushConfig(TransferConfig):
    """Push of a store or a run.

    Parameters
    ----------
    doi
        DOI of the published copy.
    author
        Persons who made the store. Those that the store states if empty.
    license
        Licence of the copy. That of the store if None.
    private
        Create the repository so that only its owner can read it.
    message
        First line of each commit.
    check
        Read all objects back, also those whose SHA-256 the server states.
    """

    doi: str | None = None
    author: tuple[Name, ...] = ()
    license: str | None = None
    private: bool = False
    message: str | None = None
    check: bool = False
