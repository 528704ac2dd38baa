"""Montages: exact differences, names, groups and bad channels."""

from __future__ import annotations

import numpy as np
import pytest
from array_signals import TEN_TWENTY
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bids_dl.annotate.viewing.channel_groups import make_channels
from bids_dl.annotate.viewing.montages import MONTAGES, list_montages, make_montage
from bids_dl.annotate.viewing.signals import SignalHeader

BANANA = [
    *("Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fp1-F3", "F3-C3", "C3-P3", "P3-O1", "Fz-Cz"),
    *("Cz-Pz", "Fp2-F4", "F4-C4", "C4-P4", "P4-O2", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2"),
]
SHAFTS = ["A1", "A2", "A3", "A5", "B'1", "B'2", "C7"]


def montage_of(names, montage, *, kinds=None, bads=()):
    channels = make_channels(names, kinds or ["eeg"] * len(names), bads)
    return make_montage(channels, montage)


def header_of(names, kinds):
    return SignalHeader(1000.0, 60.0, make_channels(names, kinds))


def test_the_double_banana_has_eighteen_pairs_from_left_to_right():
    montage = montage_of([*TEN_TWENTY, "ECG"], "banana", kinds=["eeg"] * 19 + ["ecg"])
    assert [trace.name for trace in montage.traces] == [*BANANA, "ECG"]
    groups = list(dict.fromkeys(trace.group for trace in montage.traces))
    assert groups == [
        *("left temporal", "left parasagittal", "midline"),
        *("right parasagittal", "right temporal", ""),
    ]


@pytest.mark.parametrize(
    "spell",
    [
        str.upper,
        str.lower,
        lambda name: f"EEG {name}-Ref",
        lambda name: f"{name}..",
        lambda name: {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}.get(name, name),
    ],
)
def test_the_double_banana_finds_electrodes_in_any_spelling(spell):
    names = [spell(name) for name in TEN_TWENTY]
    montage = montage_of(names, "banana")
    assert [trace.signal for trace in montage.traces] == [
        trace.signal for trace in montage_of(TEN_TWENTY, "banana").traces
    ]
    assert [montage.traces[i].name for i in (0, 8)] == ["Fp1-F7", "Fz-Cz"]
    assert montage.traces[1].name in {"F7-T3", "F7-T7"}
    assert montage.traces[0].channels == (names[0], names[2])


def test_a_missing_electrode_takes_its_pairs_with_it():
    names = [name for name in TEN_TWENTY if name != "C3"]
    traces = montage_of(names, "banana").traces
    assert [trace.name for trace in traces] == [name for name in BANANA if "C3" not in name]


def test_neighbours_are_consecutive_contacts_of_a_shaft():
    montage = montage_of(SHAFTS, "neighbours", kinds=["seeg"] * 7, bads=["A2"])
    assert [trace.name for trace in montage.traces] == ["A1-A2", "A2-A3", "B'1-B'2"]
    assert [trace.group for trace in montage.traces] == ["A", "A", "B'"]
    assert [trace.is_bad for trace in montage.traces] == [True, True, False]


def test_the_montages_of_a_recording_are_those_that_its_channels_allow():
    seeg = header_of(SHAFTS, ["seeg"] * 7)
    scalp = header_of(TEN_TWENTY, ["eeg"] * 19)
    one = header_of(["X"], ["eeg"])
    assert list_montages(seeg) == ["recorded", "average", "neighbours"]
    assert list_montages(scalp) == ["recorded", "average", "banana"]
    assert list_montages(one) == ["recorded"]


def test_a_montage_that_is_unknown_or_impossible_is_refused_with_the_others():
    with pytest.raises(ValueError, match="unknown montage 'x'; use one of recorded, average"):
        montage_of(TEN_TWENTY, "x")
    with pytest.raises(ValueError, match=r"do not allow.*'neighbours'; use one of recorded, av"):
        montage_of(TEN_TWENTY, "neighbours")


def test_bad_channels_are_left_out_of_the_average_and_marked():
    montage = montage_of(["Fz", "Cz", "Pz"], "average", bads=["Cz"])
    traces = montage.apply(np.array([[1.0], [100.0], [3.0]]))
    np.testing.assert_allclose(traces[:, 0], [-1.0, 98.0, 1.0])
    assert [trace.is_bad for trace in montage.traces] == [False, True, False]
    assert [trace.name for trace in montage.traces] == ["Fz-avg", "Cz-avg", "Pz-avg"]


def test_an_average_is_that_of_the_channels_of_the_same_type():
    names = ["A1", "A2", "Fz", "Cz", "ECG"]
    montage = montage_of(names, "average", kinds=["seeg", "seeg", "eeg", "eeg", "ecg"])
    samples = np.array([[1.0], [3.0], [10.0], [30.0], [7.0]])
    by_channel = {
        trace.channels[0]: value
        for trace, value in zip(montage.traces, montage.apply(samples)[:, 0], strict=True)
    }
    assert by_channel == {"A1": -1.0, "A2": 1.0, "Fz": -10.0, "Cz": 10.0, "ECG": 7.0}


@pytest.mark.parametrize("missing", ["Cz", "Pz"])
def test_a_channel_without_samples_changes_only_its_own_traces(missing):
    names = ["Fz", "Cz", "Pz", "Oz"]
    samples = np.arange(8.0).reshape(4, 2)
    samples[names.index(missing)] = np.nan
    traces = montage_of(names, "average", bads=["Cz"]).apply(samples)
    assert np.isnan(traces).any(axis=1).tolist() == [name == missing for name in names]
    rest = [i for i, name in enumerate(names) if name not in {missing, "Cz"}]
    np.testing.assert_allclose(traces[rest[0]], samples[rest[0]] - samples[rest].mean(axis=0))


@given(
    st.sampled_from(list(MONTAGES)),
    arrays(np.float64, (19, 5), elements=st.floats(-1e5, 1e5)),
    st.sets(st.integers(0, 18), max_size=5),
)
def test_traces_are_the_matrix_times_the_samples(name, samples, bads):
    names = TEN_TWENTY if name != "neighbours" else [f"A{i}" for i in range(1, 20)]
    kinds = ["eeg" if name != "neighbours" else "seeg"] * 19
    montage = montage_of(names, name, kinds=kinds, bads=[names[i] for i in bads])
    np.testing.assert_allclose(montage.apply(samples), montage.matrix @ samples, atol=1e-8)
    np.testing.assert_allclose(montage.matrix.sum(axis=1), float(name == "recorded"), atol=1e-12)


def test_differences_and_recorded_channels_are_exact():
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((19, 100)) * 1e4
    pairs = montage_of(TEN_TWENTY, "banana")
    for trace, values in zip(pairs.traces, pairs.apply(samples), strict=True):
        first, second = (TEN_TWENTY.index(name) for name in trace.channels)
        np.testing.assert_array_equal(values, samples[first] - samples[second])
    recorded = montage_of(TEN_TWENTY, "recorded")
    assert [trace.name for trace in recorded.traces] == TEN_TWENTY
    np.testing.assert_array_equal(recorded.apply(samples), samples)
