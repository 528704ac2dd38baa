"""Removal of named channels."""

from __future__ import annotations

import numpy as np
import pytest
from step_runs import make_raw, run_step

from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import spec_of
from bids_dl.preprocess.steps.drop import Drop


@pytest.fixture
def raw():
    return make_raw(np.arange(8.0).reshape(4, 2), 100.0)


def test_named_channels_are_dropped_and_reported(raw):
    dropped, report = run_step(raw, Drop(names=("e4", "E1")))
    assert dropped.ch_names == ["E2", "E3"]
    np.testing.assert_array_equal(dropped.get_data(), [[2, 3], [4, 5]])
    assert (set(report.channels), report.share) == ({"E1", "E4"}, 0.0)


def test_a_missing_channel_is_refused_or_ignored(raw):
    with pytest.raises(RecordingError, match="no channel E9"):
        Drop(names=("E1", "E9")).output_spec(spec_of(raw))
    step = Drop(names=("E1", "E9"), missing="ignore")
    assert step.output_spec(spec_of(raw)).ch_names == ("E2", "E3", "E4")


def test_nothing_to_drop_is_flagged(raw):
    assert run_step(raw, Drop(names="E9", missing="ignore"))[1].flag == "changed nothing"


def test_the_last_channel_cannot_be_dropped(raw):
    with pytest.raises(RecordingError, match="no channel is left"):
        Drop(names=("E1", "E2", "E3", "E4")).output_spec(spec_of(raw))
