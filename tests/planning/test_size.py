"""The size of a store, estimated from headers."""

from __future__ import annotations

import pytest
from text_dataset import survey_folder, survey_rows

from bids_dl.config.stages import WindowsConfig
from bids_dl.errors import WindowError
from bids_dl.planning.size import estimate_size


def test_a_plan_with_too_many_windows_is_refused_before_it_is_made():
    message = r"39,\d{3},\d{3} windows of 1 s, one every 1e-06 s; a store holds at most 10,000,000"
    options = {"hed": "Red", "window": 1, "stride": 1e-6}
    with pytest.raises(WindowError, match=message):
        survey_rows([(0.0, "red", 40.0)], 60.0, options)


def test_the_size_is_that_of_all_channels_at_the_rate_of_the_recording(eegbci):
    survey = survey_folder(eegbci, {"hed": "Eyes-closed", "window": 2, "subject": ["001"]})
    windows = survey.window_plan.windows
    config = WindowsConfig(window=2.0)
    assert estimate_size(windows, survey.headers, config) == 30 * 2 * 160 * 24 * 4
    assert estimate_size(windows, {}, config) is None
