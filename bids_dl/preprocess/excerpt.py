"""Part of a recording as a recording of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bids_dl.errors import RecordingError
from bids_dl.preprocess.notes import as_recording_error, capture_warnings
from bids_dl.preprocess.step import Array

if TYPE_CHECKING:
    import mne

MIRRORED = "bids_dl mirrored"  # annotation of samples that are no part of the recording


def excerpt(
    raw: mne.io.BaseRaw, start: int, stop: int, *, before: int = 0, jumps: Sequence[int] = ()
) -> mne.io.BaseRaw:
    """Some samples of a recording, loaded, as a recording of its own.

    Parameters
    ----------
    start, stop
        Samples, counted from the first of ``raw``.
    before
        Samples to put before them, the signal mirrored in its first one as MNE's filters do at an edge: where time jumps at ``start``,
        but an excerpt must begin earlier to share a sample with another rate.
    jumps
        Samples between which and the one before them time jumps; MNE's filters begin anew there.

    Raises
    ------
    RecordingError
        Stage "read": the samples cannot be read.
    """
    import mne

    with as_recording_error("read"), capture_warnings():
        samples = raw.get_data(start=start, stop=stop)
        if raw.preload:
            samples = samples.copy()  # steps work in place, and excerpts may overlap
        if samples.shape[1] != stop - start:
            raise RecordingError(
                "read", f"{start + samples.shape[1]} samples where the header says {raw.n_times}"
            )
        if before:
            samples = _padded(samples, before)
        piece = mne.io.RawArray(
            samples, raw.info, first_samp=raw.first_samp + start - before, verbose="error"
        )
        annotations = raw.annotations.copy()
        if annotations.orig_time is None:
            annotations.onset -= (
                piece.first_time
            )  # MNE adds it where there is no date to count from
        piece.set_annotations(annotations, emit_warning=False)
        for jump in jumps:
            piece.annotations.append(
                piece.first_time + (jump - start + before) / raw.info["sfreq"], 0.0, "EDGE boundary"
            )
        if before:
            piece.annotations.append(piece.first_time, before / raw.info["sfreq"], MIRRORED)
    return piece


def mirrored(raw: mne.io.BaseRaw) -> int:
    """How many samples of an excerpt, its first, were put before it."""
    ends = [
        note["onset"] + note["duration"]
        for note in raw.annotations
        if note["description"] == MIRRORED
    ]
    return round((ends[0] - raw.first_time) * raw.info["sfreq"]) if ends else 0


def mirror_again(raw: mne.io.BaseRaw, ch_names: Sequence[str]) -> None:
    """Put the samples before an excerpt anew, where a step has changed those of the recording behind them."""
    before = mirrored(raw)
    for name in ch_names if before else ():
        raw[[name], :before] = _padded(raw.get_data(picks=[name], start=before), before)[:, :before]


def _padded(samples: Array, before: int) -> Array:
    return np.pad(samples, ((0, 0), (before, 0)), mode="reflect", reflect_type="odd")


def stretches(raw: mne.io.BaseRaw) -> Iterator[tuple[int, int]]:
    """First sample and the one after the last of each; as MNE's filters, these go by annotations "edge"."""
    edges = {
        round((note["onset"] - raw.first_time) * raw.info["sfreq"])
        for note in raw.annotations
        if str(note["description"]).casefold().startswith("edge")
    }
    yield from pairwise([0, *sorted(edge for edge in edges if 0 < edge < raw.n_times), raw.n_times])
