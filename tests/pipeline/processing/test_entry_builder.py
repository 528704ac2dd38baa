"""Description of a recording while its windows are processed."""

from __future__ import annotations

import mne
import numpy as np
from recording_tasks import make_tasks

from bids_dl.pipeline.processing.entry_builder import EntryBuilder


def test_a_window_that_ends_a_sample_after_its_excerpt_has_a_spectrum(eegbci, tmp_path):
    [task, *_] = make_tasks(eegbci, tmp_path)
    [excerpt] = task.excerpt_plan.excerpts
    sfreq = task.header.sfreq
    n_times = round(task.n_times / float(task.spec.sfreq) * sfreq) - 1
    signal = np.random.default_rng(0).standard_normal((task.spec.n_chans, n_times))
    info = mne.create_info(list(task.header.ch_names), sfreq, "eeg")
    builder = EntryBuilder(task)
    builder.add_raw(mne.io.RawArray(signal, info, verbose="error"), excerpt)
    powers = builder._spectrum_before.median(task.excerpt_plan.kept)
    assert len(powers) == int(sfreq / 2) + 1
    assert np.isfinite(powers).all()
