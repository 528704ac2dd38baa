"""Settings of the verification of a store."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT, FetchConfig


@dataclass(frozen=True, config=STRICT)
class VerifyConfig:
    """Settings of a verification.

    Parameters
    ----------
    content
        Content identifier that the store must have, or the SHA-256 of its root: at least 16 of
        their 64 hexadecimal digits. None accepts any.
    strict
        Whether a remark counts as damage in the exit status.
    jobs
        Worker processes for the comparison with sources. None chooses by cores and memory.
    annotations
        Derivative that the store was converted with, ``[DESC=]FOLDER``.
    fetching
        Access to remote sources.
    """

    content: str | None = None
    strict: bool = False
    jobs: int | None = Field(default=None, ge=1)
    annotations: str | None = None
    fetching: FetchConfig | None = None
