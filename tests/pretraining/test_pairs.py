from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.errors import ConfigError
from bids_dl.pretraining.pairs import (
    FAR,
    NEAR,
    Distances,
    PairedRecording,
    find_recordings,
    keep_paired,
)

DISTANCES = Distances(window=2.0, near=4.0, far=10.0)


def recording_of(onsets: list[float], distances: Distances = DISTANCES) -> PairedRecording:
    """Return a recording with windows at these onsets, whose rows begin at 100."""
    rows = 100 + np.arange(len(onsets))
    return PairedRecording(("ds", "r"), ("ds", "s"), rows, np.array(onsets), distances)


@given(
    onsets=st.lists(st.integers(0, 80), min_size=1, max_size=40, unique=True).map(sorted),
    near=st.sampled_from([2.0, 4.0, 7.0]),
    far=st.sampled_from([7.0, 20.0, 60.0]),
    seed=st.integers(0, 5),
)
@settings(max_examples=100)
def test_near_and_far_pairs_are_as_far_apart_as_they_say(onsets, near, far, seed):
    recording = recording_of(list(map(float, onsets)), Distances(2.0, near, far))
    pairs, target = recording.draw(np.random.default_rng(seed))
    onset_of = dict(zip(recording.rows.tolist(), recording.onsets, strict=True))
    distance = np.array([abs(onset_of[a] - onset_of[b]) for a, b in pairs.tolist()])
    assert len(pairs) == len(target) == recording.n_pairs <= len(onsets) + 1
    assert (distance[target == NEAR] >= 2).all()
    assert (distance[target == NEAR] <= near).all()
    assert (distance[target == FAR] > far).all()
    assert (target == NEAR).sum() == (target == FAR).sum()
    for of_class in (pairs[target == NEAR], pairs[target == FAR]):
        anchors = of_class[:, 0].tolist()
        assert len(set(anchors)) == len(anchors)


def test_every_partner_of_a_window_is_drawn_equally_often():
    recording = recording_of([2.0 * number for number in range(12)])
    far, near = recording.partners
    rng = np.random.default_rng(0)
    drawn = [near.draw(np.array([5]), rng)[0] for _ in range(400)]
    assert np.unique(drawn).tolist() == [3, 4, 6, 7]
    assert np.bincount(drawn)[[3, 4, 6, 7]].min() > 70
    drawn = [far.draw(np.array([5]), rng)[0] for _ in range(100)]
    assert set(drawn) == {11}
    assert far.anchors.tolist() == [*range(6), *range(6, 12)]


def test_overlapping_windows_of_a_near_pair_share_no_sample():
    recording = recording_of([0.5 * number for number in range(40)])
    pairs, target = recording.draw(np.random.default_rng(0))
    assert (np.abs(np.diff(pairs[target == NEAR]))[:, 0] * 0.5 >= 2).all()


def test_a_recording_with_one_kind_of_pair_has_none():
    assert recording_of([0.0, 2.0, 4.0]).n_pairs == 0  # near only
    assert recording_of([0.0, 20.0, 40.0]).n_pairs == 0  # far only
    assert recording_of([0.0, 2.0, 20.0]).n_pairs == 4


def test_windows_are_grouped_by_recording_in_order_of_onset():
    table = pd.DataFrame(
        {
            "dataset": "ds",
            "subject": ["b", "b", "a", "b"],
            "recording": ["b1", "b1", "a1", "b1"],
            "onset": [4.0, 0.0, 0.0, 2.0],
        }
    )
    found = find_recordings(table, np.array([0, 1, 2, 3]), DISTANCES)
    assert [recording.name for recording in found] == [("ds", "b1"), ("ds", "a1")]
    assert found[0].rows.tolist() == [1, 3, 0]
    assert found[0].onsets.tolist() == [0.0, 2.0, 4.0]
    [only] = find_recordings(table, np.array([0, 3]), DISTANCES)
    assert only.rows.tolist() == [3, 0]


def test_recordings_without_pairs_are_left_out_with_their_number():
    good = recording_of([2.0 * number for number in range(12)])
    paired, [line] = keep_paired([good, recording_of([0.0, 2.0])], "s.zarr, training persons")
    assert paired == [good]
    assert line == (
        "s.zarr, training persons: 1 of 2 recordings have no windows up to 4 s apart and more "
        "than 10 s apart, and are left out"
    )


@pytest.mark.parametrize(
    ("recordings", "message"),
    [
        (
            [[0.0], [30.0]],
            r"^s: each of 2 recordings has one window, but a pair needs two of the same recording; "
            r"convert with --window and shorter windows$",
        ),
        (
            [[0.0, 2.0, 4.0, 8.0], [0.0]],
            r"^s: no recording has near and far pairs: of 2 recordings, 1 have windows 2 to 4 s "
            r"apart, 0 more than 10 s apart, and the longest has 4 windows over 8 s; change --near "
            r"or --far$",
        ),
    ],
)
def test_recordings_that_all_lack_pairs_are_refused_with_numbers(recordings, message):
    with pytest.raises(ConfigError, match=message):
        keep_paired([recording_of(onsets) for onsets in recordings], "s")
