"""Read excerpts of a recording, and find where its signal is continuous."""

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
EDGE = "EDGE boundary"  # annotation at which MNE's filters start anew


def read_excerpt(
    raw: mne.io.BaseRaw, start: int, stop: int, *, before: int = 0, jumps: Sequence[int] = ()
) -> mne.io.BaseRaw:
    """Read an excerpt of a recording as a loaded recording.

    Parameters
    ----------
    start, stop
        First sample and the sample after the last, counted from the first sample of ``raw``.
    before
        Number of samples to prepend: the signal mirrored in its first sample, as MNE's filters
        extend it at an edge. They are needed if time jumps at ``start``, but the excerpt must
        begin earlier, at a sample that two sampling rates share.
    jumps
        Samples at which time jumps. MNE's filters start anew there.

    Returns
    -------
    mne.io.BaseRaw
        The excerpt, with its own copy of the samples and with annotations at the same times.

    Raises
    ------
    RecordingError
        Stage "read": the samples cannot be read, or the file ends before ``stop``.
    """
    import mne

    with as_recording_error("read"), capture_warnings():
        samples = raw.get_data(start=start, stop=stop)
        if raw.preload:
            samples = samples.copy()  # because steps work in place, and excerpts may overlap
        if samples.shape[1] != stop - start:
            raise RecordingError(
                "read",
                f"{start + samples.shape[1]} samples, but the header promises {raw.n_times}",
            )
        if before:
            samples = _prepend_mirrored(samples, before)
        first_samp = raw.first_samp + start - before
        part = mne.io.RawArray(samples, raw.info, first_samp=first_samp)
        annotations = raw.annotations  # which `set_annotations` copies
        if annotations.orig_time is None:
            # MNE adds the time of the first sample to annotations without a date.
            annotations = annotations.copy()
            annotations.onset -= part.first_time
        part.set_annotations(annotations, emit_warning=False)
        sfreq = raw.info["sfreq"]
        for jump in jumps:
            onset = part.first_time + (jump - start + before) / sfreq
            part.annotations.append(onset, 0.0, EDGE)
        if before:
            part.annotations.append(part.first_time, before / sfreq, MIRRORED)
    return part


def loaded_samples(raw: mne.io.BaseRaw) -> Array:
    """Load the samples (n_chans, n_times) of a recording, and return them without a copy.

    They are not to be changed. MNE has no public way to them: `get_data` copies the samples, and
    takes longer for its checks than for a window.
    """
    raw.load_data()
    samples: Array = raw._data
    return samples


def count_mirrored(raw: mne.io.BaseRaw) -> int:
    """Count the samples at the beginning of an excerpt that were prepended by mirroring."""
    for annotation in raw.annotations:
        if annotation["description"] == MIRRORED:
            end = annotation["onset"] + annotation["duration"]
            n_mirrored: int = round((end - raw.first_time) * raw.info["sfreq"])
            return n_mirrored
    return 0


def renew_mirrored(raw: mne.io.BaseRaw, ch_names: Sequence[str]) -> None:
    """Mirror the signal of some channels again, after a step has changed it, in place."""
    before = count_mirrored(raw)
    if not before:
        return
    for name in ch_names:
        signal = raw.get_data(picks=[name], start=before)
        raw[[name], :before] = _prepend_mirrored(signal, before)[:, :before]


def continuous_segments(raw: mne.io.BaseRaw) -> Iterator[tuple[int, int]]:
    """Yield first sample and the sample after the last of each continuous segment.

    As in MNE's filters, segments end at annotations whose description begins with "edge".
    """
    edges = set()
    for onset, description in zip(raw.annotations.onset, raw.annotations.description, strict=True):
        if str(description).casefold().startswith("edge"):
            edge = round((onset - raw.first_time) * raw.info["sfreq"])
            if 0 < edge < raw.n_times:
                edges.add(edge)
    yield from pairwise([0, *sorted(edges), raw.n_times])


def _prepend_mirrored(samples: Array, before: int) -> Array:
    return np.pad(samples, ((0, 0), (before, 0)), mode="reflect", reflect_type="odd")
