"""Preview figures: signal envelopes, selections of one recording, and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bids_dl import preview
from bids_dl.config.parsing import parse_events, parse_windows
from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import Event, EventRows
from bids_dl.errors import ConfigError
from bids_dl.planning.survey import Survey, survey_sources

WINDOWS = parse_windows({"window": 2})


@pytest.fixture(scope="module")
def survey(eegbci: Path) -> Survey:
    events_config = parse_events({"hed": {"closed": "Eyes-closed"}})
    return survey_sources([str(eegbci)], SourceConfig(), events_config, WINDOWS)


def test_each_bin_has_the_smallest_and_largest_of_its_samples():
    signal = np.array([[3.0, 1.0, 2.0, -5.0, 4.0], [0.0, 0.0, 0.0, 0.0, 7.0]])
    ranges = preview._bin_ranges(signal, 2)
    np.testing.assert_array_equal(ranges[0], [[1.0, -5.0, 4.0], [3.0, 2.0, 4.0]])
    np.testing.assert_array_equal(ranges[1], [[0.0, 0.0, 7.0], [0.0, 0.0, 7.0]])


def test_reading_in_parts_does_not_change_the_envelope(survey, monkeypatch):
    recording = survey.recordings[0]
    dataset = survey.datasets[recording.dataset]
    whole = preview._read_envelope(dataset, recording)
    monkeypatch.setattr(preview, "MAX_SAMPLES_READ", 500)
    in_parts = preview._read_envelope(dataset, recording)
    assert whole.ch_names == in_parts.ch_names
    assert len(whole.ch_names) == preview.MAX_CHANNELS
    np.testing.assert_array_equal(whole.ranges, in_parts.ranges)
    assert whole.times[-1] < 61.0


def test_the_selection_of_a_recording_has_only_its_own_events_blocks_and_windows(survey):
    recording = preview._first_selected(survey)
    selected = preview._select_recording(survey, WINDOWS, recording)
    items = [*selected.events, *selected.blocks, *selected.windows]
    assert {item.recording for item in items} == {recording.key}
    assert list(selected.colors) == ["closed"]
    assert len(selected.end_rules) == len(selected.blocks)
    assert selected.window_duration == 2.0


def test_the_axis_ends_after_the_last_event_if_the_duration_is_unknown():
    rows = EventRows("ds/a", {"onset": ("1.0", "n/a", "nan", "20.0")}, {}, duration=None)
    event = Event("ds/a", 0, onset=20.0, end=30.0, end_rule="duration", label="closed")
    assert preview._row_onsets(rows) == (1.0, 20.0)
    assert preview._time_limit(rows, [event], []) == pytest.approx(30.9)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_first_recording_that_matches_is_drawn_to_a_file(survey, suffix, tmp_path):
    file = tmp_path / f"preview{suffix}"
    recording = preview.draw_preview(survey, WINDOWS, file)
    assert recording.key == survey.blocks[0].recording
    assert file.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("a.gif", r"give a file that ends in \.png, \.svg, \.pdf"),
        ("no/a.png", "folder no does not exist"),
    ],
)
def test_a_file_that_cannot_be_written_is_rejected(survey, file, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"--plot {file}: {message}"):
        preview.draw_preview(survey, WINDOWS, file)


def test_names_with_dollar_signs_are_drawn_as_they_are(eegbci, tmp_path):
    events_config = parse_events({"hed": {"$\\frac$ \x1b": "Eyes-closed"}})
    survey = survey_sources([str(eegbci)], SourceConfig(subject=("001",)), events_config, WINDOWS)
    preview.draw_preview(survey, WINDOWS, tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size
