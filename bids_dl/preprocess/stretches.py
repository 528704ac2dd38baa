"""Stretches of a recording without a jump in time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mne


def stretches(raw: mne.io.BaseRaw) -> Iterator[tuple[int, int]]:
    """First sample and the one after the last of each; as MNE's filters, these go by annotations "edge"."""
    edges = {
        round((note["onset"] - raw.first_time) * raw.info["sfreq"])
        for note in raw.annotations
        if str(note["description"]).casefold().startswith("edge")
    }
    yield from pairwise([0, *sorted(edge for edge in edges if 0 < edge < raw.n_times), raw.n_times])
