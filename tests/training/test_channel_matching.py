from __future__ import annotations

import mne
import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.errors import ModelError
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.target import TargetSpec
from bids_dl.preprocess.positions import template_positions
from bids_dl.store import open_store
from bids_dl.training.channel_matching import match_channels

LABEL = TargetSpec("label", "classes", ("label",), ("rest", "move"))
CAP = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "Fz", "Pz")


def card_of(*channels, **changes):
    return ModelCard("shallow-fbcsp", channels, 64, 64.0, LABEL, **changes)


@pytest.fixture(scope="module")
def cap(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cap") / "cap.zarr"
    return open_store(write_store(folder, window_table(1), channels=CAP, n_chans=len(CAP)))


def test_the_same_channels_need_no_map(cap):
    match = match_channels(card_of(*CAP), cap, "match", "run")
    assert (match.network_channels, match.matrix, match.lines) == ((), (), ())


def test_channels_are_selected_and_reordered_by_name(cap):
    match = match_channels(card_of("O2", "fp1", "Pz"), cap, "match", "run")
    assert match.network_channels == ("O2", "fp1", "Pz")
    assert np.argmax(match.matrix, axis=1).tolist() == [9, 0, 11]
    assert np.sum(match.matrix) == 3
    [line] = match.lines
    assert line.startswith("--init-from run: 3 of 12 channels are used, without Fp2, F3")
    assert line.endswith("in the order of the run")


def test_missing_channels_are_refused_by_name(cap):
    message = r"cap\.zarr: --init-from run .* the store has no Cz, T7; --channels interpolate"
    with pytest.raises(ModelError, match=message):
        match_channels(card_of("Cz", "O1", "T7"), cap, "match", "run")


def test_missing_channels_are_those_that_mne_interpolates(cap):
    match = match_channels(card_of("O1", "Cz"), cap, "interpolate", "run")
    template = template_positions("standard_1005")
    info = mne.create_info([*CAP, "Cz"], 64.0, "eeg")
    for channel in info["chs"]:
        channel["loc"][:3] = template[channel["ch_name"].casefold()]
    signals = np.random.default_rng(0).standard_normal((len(CAP), 64))
    raw = mne.io.RawArray(np.vstack([signals, np.zeros(64)]), info, verbose="error")
    raw.info["bads"] = ["Cz"]
    raw.interpolate_bads(origin=(0.0, 0.0, 0.04), method={"eeg": "spline"}, verbose="error")
    computed = np.array(match.matrix) @ signals
    np.testing.assert_array_equal(computed[0], signals[CAP.index("O1")])
    # the centre of the head is another here: that of the template
    assert np.corrcoef(computed[1], raw.get_data()[-1])[0, 1] > 0.99
    assert match.lines[-1].startswith("--channels interpolate: Cz from 12 others")


def test_a_position_of_the_run_is_used_for_a_name_that_no_template_has(cap):
    template = template_positions("standard_1005")
    names = (*CAP, "Cz")
    places = tuple(tuple(template[name.casefold()].tolist()) for name in names)
    named = match_channels(card_of(*names), cap, "interpolate", "run")
    card = card_of(*CAP, "E55", positions=places)
    numbered = match_channels(card, cap, "interpolate", "run")
    np.testing.assert_allclose(numbered.matrix[-1], named.matrix[-1], atol=0.05)
    with pytest.raises(ModelError, match="run has no position for E55, nor has the template stand"):
        match_channels(card_of(*CAP, "E55"), cap, "interpolate", "run")


def test_too_few_electrodes_are_refused(tmp_path):
    names = ("Cz", "Pz", "E1")
    store = open_store(write_store(tmp_path / "few.zarr", window_table(1), channels=names))
    with pytest.raises(
        ModelError, match=r"few\.zarr has 2 EEG channels with a position, expected 4"
    ):
        match_channels(card_of("Cz", "Oz"), store, "interpolate", "run")


def test_a_distant_channel_is_named(cap):
    match = match_channels(card_of("T10"), cap, "interpolate", "run")
    assert "far from any electrode: T10 (" in match.lines[-1]
