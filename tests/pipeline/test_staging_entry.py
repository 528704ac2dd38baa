"""Descriptions of staged recordings."""

from __future__ import annotations

import numpy as np

from bids_dl import source
from bids_dl.pipeline import staging_entry as module
from bids_dl.pipeline.staging_entry import DropoutRun, ElectrodePositions, StagingEntry

ENTRY = StagingEntry(
    kept=(0, 2),
    dropped=(),
    mean=(0.5, 1.5, 0.0),
    std=(1.0, 2.0, 1.0),
    steps=(),
    dropout_runs=(DropoutRun(2, 0, 9, (0, 1)),),
)


def test_dropout_masks_have_the_runs_of_their_windows(monkeypatch):
    monkeypatch.setattr(module, "MASK_BYTES", 15)
    masks = np.concatenate(list(ENTRY.dropout_masks((3, 12))))
    expected = np.zeros((2, 3, 12), dtype=bool)
    expected[1, :2, :9] = True
    np.testing.assert_array_equal(masks, expected)


def test_positions_of_channels_are_those_of_the_template_and_nan_without_one():
    names = ["E57", "nose", "Cz"]
    electrodes = ElectrodePositions.of_names(names, ["GSN-HydroCel-129"])
    expected, template = source.standard_positions(names, ["GSN-HydroCel-129"])
    assert electrodes.template == template
    assert electrodes.positions[1] is None
    np.testing.assert_array_equal(electrodes.to_array(), expected)
    assert ElectrodePositions().to_array().shape == (0, 3)
