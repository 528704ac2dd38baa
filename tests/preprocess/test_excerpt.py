"""Excerpts of a recording, and its continuous segments."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from recipe_yaml import make_recording

from bids_dl.errors import RecordingError
from bids_dl.preprocess import read_excerpt
from bids_dl.preprocess.excerpt import (
    continuous_segments,
    count_mirrored,
    loaded_samples,
    renew_mirrored,
)


@pytest.mark.parametrize("date", [None, 1_000_000])
def test_annotations_and_dates_follow_an_excerpt(date):
    raw = make_recording(sfreq=100.0, n_times=2000)
    raw.set_meas_date(date)
    annotations = mne.Annotations(
        [2, 12], [1, 1], ["early", "late"], orig_time=raw.info["meas_date"]
    )
    raw.set_annotations(annotations)
    late = read_excerpt(raw.crop(1), 1000, 1500)
    assert [str(name) for name in late.annotations.description] == ["late"]
    assert late.annotations.onset[0] - late.first_time == pytest.approx(1.0)
    np.testing.assert_array_equal(late.get_data(), raw.get_data(start=1000, stop=1500))


def test_an_excerpt_of_a_loaded_recording_is_a_copy():
    raw = make_recording(n_times=200)
    before = raw.get_data()
    read_excerpt(raw, 0, 100)._data[:] = 7
    np.testing.assert_array_equal(raw.get_data(), before)


def test_loaded_samples_are_those_of_mne_without_a_copy(tmp_path):
    raw = make_recording(n_times=200)
    assert np.shares_memory(loaded_samples(raw), loaded_samples(raw))
    np.testing.assert_array_equal(loaded_samples(raw), raw.get_data())
    raw.save(tmp_path / "x_raw.fif", fmt="double")
    not_loaded = mne.io.read_raw_fif(tmp_path / "x_raw.fif")
    np.testing.assert_array_equal(loaded_samples(not_loaded), not_loaded.get_data())


def test_a_file_that_ends_early_is_refused_with_both_lengths():
    raw = make_recording(n_times=200)
    with pytest.raises(RecordingError, match="200 samples, but the header promises 200") as failed:
        read_excerpt(raw, 100, 300)
    assert failed.value.stage == "read"


def test_prepended_samples_mirror_the_signal_in_its_first_sample():
    raw = make_recording(n_times=200)
    part = read_excerpt(raw, 50, 100, before=5)
    assert count_mirrored(part) == 5
    assert count_mirrored(read_excerpt(raw, 50, 100)) == 0
    signal = raw.get_data(start=50, stop=100)
    np.testing.assert_allclose(part.get_data()[:, 5:], signal)
    expected = 2 * signal[:, :1] - signal[:, 5:0:-1]
    np.testing.assert_allclose(part.get_data()[:, :5], expected)


def test_mirrored_samples_are_renewed_for_the_named_channels_only():
    raw = make_recording(n_times=200)
    part = read_excerpt(raw, 50, 100, before=5)
    before = part.get_data()
    part._data[:, 5:] = 0.0
    renew_mirrored(part, ["Cz"])
    np.testing.assert_array_equal(part.get_data()[1, :5], 0.0)
    np.testing.assert_array_equal(part.get_data()[0, :5], before[0, :5])


def test_segments_end_at_jumps_and_cover_the_recording():
    part = read_excerpt(make_recording(n_times=400), 100, 300, jumps=[150, 220])
    assert list(continuous_segments(part)) == [(0, 50), (50, 120), (120, 200)]
    assert list(continuous_segments(make_recording(n_times=400))) == [(0, 400)]
