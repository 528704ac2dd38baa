"""Durations of recordings, for the log file of a command."""

from __future__ import annotations

import logging

from bids_dl.datamodel import Failure

logger = logging.getLogger("bids_dl.durations")
"""Logger of one line for each recording, at the level DEBUG."""


def log_duration(recording: str, seconds: float, failure: Failure | None) -> None:
    """Log how long a recording took, and its failure.

    Parameters
    ----------
    recording
        Key of the recording.
    seconds
        Time from its start on a worker to its end.
    failure
        None if the recording is staged.
    """
    end = "staged" if failure is None else f"failed ({failure.stage}: {failure.reason})"
    logger.debug("%s: %s after %.1f s", recording, end, seconds)
