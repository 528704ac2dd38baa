"""Part of a recording as a recording of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bids_dl.errors import RecordingError
from bids_dl.preprocess.guard import failing_as, heard

if TYPE_CHECKING:
    import mne


def excerpt(raw: mne.io.BaseRaw, start: int, stop: int, *, before: int = 0, jumps: Sequence[int] = ()) -> mne.io.BaseRaw:
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

    with failing_as("read"), heard():
        samples = raw.get_data(start=start, stop=stop)
        if raw.preload:
            samples = samples.copy()  # steps work in place, and excerpts may overlap
        if samples.shape[1] != stop - start:
            raise RecordingError("read", f"{start + samples.shape[1]} samples where the header says {raw.n_times}")
        if before:
            samples = np.pad(samples, ((0, 0), (before, 0)), mode="reflect", reflect_type="odd")
        piece = mne.io.RawArray(samples, raw.info, first_samp=raw.first_samp + start - before, verbose="error")
        annotations = raw.annotations.copy()
        if annotations.orig_time is None:
            annotations.onset -= piece.first_time  # MNE adds it where there is no date to count from
        piece.set_annotations(annotations, emit_warning=False)
        for jump in jumps:
            piece.annotations.append(piece.first_time + (jump - start + before) / raw.info["sfreq"], 0.0, "EDGE boundary")
    return piece
