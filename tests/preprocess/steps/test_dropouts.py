"""Dropouts simulated in real EEG: detection to the sample, imputation, and the mask."""

from __future__ import annotations

import math
from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_dropouts import KINDS, RAIL, add_dropouts
from step_runs import run_step, run_steps

from bids_dl.preprocess import read_excerpt
from bids_dl.preprocess.recipe import spec_of
from bids_dl.preprocess.steps.dropouts import Dropouts, dropout_mask, inherit_dropouts
from bids_dl.preprocess.steps.reference import Reference
from bids_dl.preprocess.steps.rename import Rename
from bids_dl.preprocess.steps.resample import Resample

DURATIONS = (0.1, 0.25, 0.5, 0.75, 3.0, 20.0)  # s
ONSETS = (3.0, 5.0, 8.0, 11.0, 15.0, 25.0)  # s


def read_first(eegbci):
    return mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")


@pytest.fixture(scope="module")
def real(eegbci):
    """A minute of real EEG, 24 channels at 160 Hz.

    Samples are whole µV, so one in 25 equals the one before by chance.
    """
    return read_first(eegbci).crop(0, 60, include_tmax=False)


def test_zeros_at_the_end_of_a_real_recording_are_a_dropout(eegbci):
    raw = read_first(eegbci)
    processed, report = run_step(raw, Dropouts())
    in_dropout = dropout_mask(processed, raw.ch_names).any(0)
    assert np.flatnonzero(in_dropout).tolist() == list(range(9632, 9760))
    assert report.notes == (
        "0.0 to 61.0 s: 1 dropout of 0.8 s, over all channels 19.2 s; 0 imputed, 1 left",
    )
    assert report.flag == "changed nothing"


@pytest.fixture(scope="module")
def fine(real):
    """The same EEG with the resolution of many bits: no sample equals the one before by chance."""
    signals = real.get_data()
    return mne.io.RawArray(
        signals + np.random.default_rng(0).uniform(-5e-7, 5e-7, signals.shape),
        real.info,
        verbose="error",
    )


def make_spans(raw):
    """Return the samples of dropouts at `ONSETS`."""
    sfreq = raw.info["sfreq"]
    spans = []
    for onset, duration in zip(ONSETS, DURATIONS, strict=True):
        spans.append((round(onset * sfreq), round((onset + duration) * sfreq)))
    return spans


def has_equal_samples(raw, other, selection):
    """Return whether two recordings have the same samples, to the last bit."""
    samples = raw.get_data()[selection]
    return np.array_equal(samples, other.get_data()[selection], equal_nan=True)


def read_mask(raw):
    return dropout_mask(raw, raw.ch_names)


@pytest.mark.parametrize("kind", KINDS)
def test_dropouts_of_all_channels_are_found_to_the_sample_in_eeg_of_few_bits(real, kind):
    raw, mask = add_dropouts(real, make_spans(real), kind)
    processed, report = run_step(raw, Dropouts(impute=0.0))
    np.testing.assert_array_equal(read_mask(processed), mask)
    assert report.channels == tuple(raw.ch_names)
    assert "6 dropouts of 0.1 to 20 s" in report.notes[0]
    assert "0 imputed, 6 left" in report.notes[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [[0], [3, 17], [1, 5, 9, 22]])
def test_dropouts_of_some_channels_are_found_to_the_sample(fine, kind, channels):
    raw, mask = add_dropouts(fine, make_spans(fine), kind, channels)
    processed, report = run_step(raw, Dropouts(impute=0.0))
    np.testing.assert_array_equal(read_mask(processed), mask)
    assert report.channels == tuple(raw.ch_names[i] for i in channels)


@settings(max_examples=40)
@given(data=st.data())
def test_each_channel_may_have_different_dropouts(fine, data):
    # Edges are equal or 8 samples apart; closer ones would count as one dropout, by chance.
    raw = fine.copy()
    mask = np.zeros((24, fine.n_times), dtype=bool)
    dropouts = st.tuples(
        st.integers(5, 1160).map(lambda k: 8 * k),
        st.integers(2, 50).map(lambda k: 8 * k),
        st.sampled_from(sorted(KINDS)),
    )
    for channel in data.draw(st.lists(st.integers(0, 23), unique=True, max_size=6)):
        last_stop = 0
        for start, length, kind in sorted(data.draw(st.lists(dropouts, max_size=4))):
            if start > last_stop + 40 and start + length < raw.n_times - 1:
                raw, added = add_dropouts(raw, [(start, start + length)], kind, [channel])
                mask |= added
                last_stop = start + length
    processed, report = run_step(raw, Dropouts())
    assert_masks_match(read_mask(processed), mask)
    assert has_equal_samples(processed, raw, ~mask)
    assert report.share <= mask.mean()


def assert_masks_match(mask, expected):
    """Check that two masks are equal, except for the first sample of at most two dropouts.

    On a lone channel, the held value counts as part of the dropout if it happens to be three
    times as far as usual from the sample before.
    """
    different = np.argwhere(mask != expected)
    assert len(different) <= 2
    for channel, sample in different:
        assert mask[channel, sample]
        assert expected[channel, sample + 1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [None, [2, 7, 11]])
def test_only_short_dropouts_are_imputed_and_no_sample_outside_changes(fine, kind, channels):
    raw, mask = add_dropouts(fine, make_spans(fine), kind, channels)
    processed, report = run_step(raw, Dropouts(impute=0.5))
    assert has_equal_samples(processed, raw, ~mask)
    signals = processed.get_data()
    for start, stop in make_spans(raw):
        rows = np.flatnonzero(mask[:, start])
        ends = raw.get_data()[rows][:, [start - 1, stop]]
        if stop - start <= 80:
            times = np.arange(start, stop)
            expected = [np.interp(times, [start - 1, stop], values) for values in ends]
            np.testing.assert_allclose(signals[rows, start:stop], expected, atol=1e-15)
        elif kind == "no numbers":
            assert (signals[rows, start:stop] == 0).all()
        else:
            np.testing.assert_array_equal(
                signals[rows, start:stop], raw.get_data()[rows, start:stop]
            )
    assert "3 imputed, 3 left" in report.notes[0]
    n_imputed = sum(stop - start for start, stop in make_spans(raw)[:3])
    assert report.share == pytest.approx(n_imputed * len(rows) / mask.size)


def test_the_recent_signal_is_tilted_to_join_at_both_ends(fine):
    start, stop = 1600, 1664
    raw, _ = add_dropouts(fine, [(start, stop)], "zeros", [4])
    processed, _ = run_step(raw, Dropouts(method="recent"))
    imputed = processed.get_data()[4]
    signal = raw.get_data()[4]
    before = signal[start - 66 : start]
    offsets = [signal[start - 1] - before[0], signal[stop] - before[-1]]
    tilt = np.interp(np.arange(66), [0, 65], offsets)
    np.testing.assert_allclose(imputed[start:stop], (before + tilt)[1:-1], atol=1e-18)
    spread = np.std(np.diff(before))
    assert np.std(np.diff(imputed[start:stop])) == pytest.approx(spread, rel=0.02)
    assert abs(imputed[start] - signal[start - 1]) < 5 * spread


def test_the_signal_after_is_used_if_the_signal_before_is_not_clean(fine):
    raw, _ = add_dropouts(fine, [(400, 440), (480, 540)], "a rail", [0])
    processed, _ = run_step(raw, Dropouts(method="recent"))
    signal = raw.get_data()[0]
    after = signal[540:602]
    tilt = np.linspace(signal[479] - after[0], signal[540] - after[-1], 62)
    imputed = processed.get_data()[0, 480:540]
    np.testing.assert_allclose(imputed, (after + tilt)[1:-1], atol=1e-18)


def test_the_recent_signal_is_never_taken_from_a_dropout(fine):
    spans = [(1000 + 100 * i, 1060 + 100 * i) for i in range(5)]
    raw, _ = add_dropouts(fine, spans, "a rail", [0])
    processed, _ = run_step(raw, Dropouts(method="recent"))
    assert np.abs(processed.get_data()[0]).max() < RAIL / 2


@pytest.mark.parametrize("method", ["linear", "recent"])
@pytest.mark.parametrize("span", [(0, 60), (9540, 9600)])
def test_a_dropout_at_an_end_of_the_recording_joins_at_its_other_end(fine, span, method):
    assert fine.n_times == 9600
    raw, mask = add_dropouts(fine, [span], "zeros", [0, 5, 6])
    processed, _ = run_step(raw, Dropouts(method=method))
    np.testing.assert_array_equal(read_mask(processed), mask)
    start, stop = span
    inside, outside = (stop - 1, stop) if start == 0 else (start, start - 1)
    largest_step = np.abs(np.diff(fine.get_data()[5])).max()
    step = processed.get_data()[5, inside] - raw.get_data()[5, outside]
    assert abs(step) <= largest_step


def test_a_channel_that_is_silent_throughout_is_marked_but_not_imputed(fine):
    raw, mask = add_dropouts(fine, [(0, fine.n_times)], "zeros", [9])
    processed, report = run_step(raw, Dropouts(impute=1000.0))
    np.testing.assert_array_equal(read_mask(processed), mask)
    assert has_equal_samples(processed, raw, slice(None))
    assert report.notes[1] == f"0.0 to 60.0 s: silent throughout: {raw.ch_names[9]}"
    assert report.share == 0


def test_runs_shorter_than_the_shortest_dropout_are_ignored(real):
    processed, report = run_step(real, Dropouts())
    assert not read_mask(processed).any()
    assert has_equal_samples(processed, real, slice(None))
    assert (report.notes, report.flag) == ((), "changed nothing")
    raw, _ = add_dropouts(real, [(1000, 1015)], "zeros")
    assert not read_mask(run_step(raw, Dropouts())[0]).any()
    assert read_mask(run_step(raw, Dropouts(shortest=0.09))[0]).sum() == 15 * 24


def test_no_dropout_extends_over_a_jump_in_time(fine):
    raw, mask = add_dropouts(fine, [(1000, 1080)], "zeros", [0, 1])
    raw.annotations.append(1040 / 160, 0.0, "EDGE boundary")
    processed, report = run_step(raw, Dropouts())
    np.testing.assert_array_equal(read_mask(processed), mask)
    signals = processed.get_data()[:2]
    before = np.repeat(raw.get_data()[:2, [999]], 40, axis=1)
    after = np.repeat(raw.get_data()[:2, [1080]], 40, axis=1)
    np.testing.assert_allclose(signals[:, 1000:1040], before, atol=1e-15)
    np.testing.assert_allclose(signals[:, 1040:1080], after, atol=1e-15)
    assert "2 dropouts of 0.25 s" in report.notes[0]


@pytest.mark.parametrize("before", [7, 100, 700])
@pytest.mark.parametrize("length", [48, 80, 96])
@pytest.mark.parametrize("kind", ["zeros", "no numbers"])
def test_mirrored_samples_of_an_excerpt_do_not_lengthen_a_dropout(fine, before, length, kind):
    raw, mask = add_dropouts(fine, [(4000, 4000 + length)], kind)
    plain, report = run_step(read_excerpt(raw, 4000, 5000), Dropouts())
    excerpt = read_excerpt(raw, 4000, 5000, before=before)
    mirrored, mirrored_report = run_step(excerpt, Dropouts())
    assert has_equal_samples(mirrored.copy().crop(before / 160), plain, slice(None))
    expected_mask = np.pad(mask[:, 4000:5000], ((0, 0), (before, 0)))
    np.testing.assert_array_equal(read_mask(mirrored), expected_mask)
    padding = ((0, 0), (before, 0))
    expected = np.pad(plain.get_data(), padding, mode="reflect", reflect_type="odd")
    np.testing.assert_array_equal(mirrored.get_data(), expected)
    assert mirrored_report.notes[0].split(": ")[1] == report.notes[0].split(": ")[1]


@settings(max_examples=80)
@given(
    starts=st.lists(st.integers(60, 9000), max_size=8),
    lengths=st.lists(st.integers(16, 300), min_size=8, max_size=8),
    kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=8, max_size=8),
    channels=st.sampled_from([None, [0], [0, 1], [2, 3, 4]]),
    core=st.tuples(st.integers(0, 9500), st.integers(1, 3000)),
    method=st.sampled_from(["linear", "recent"]),
)
def test_an_excerpt_with_its_context_is_processed_as_the_whole_recording(
    real, starts, lengths, kinds, channels, core, method
):
    raw = real
    for start, length, kind in zip(starts, lengths, kinds, strict=False):
        span = (start, min(start + length, raw.n_times))
        raw, _ = add_dropouts(raw, [span], kind, channels)
    step = Dropouts(method=method)
    margin = math.ceil(step.required_context(spec_of(raw)).margin * 160)
    first = core[0]
    last = min(first + core[1], raw.n_times)
    low = max(0, first - margin)
    high = min(raw.n_times, last + margin)
    whole, _ = run_step(raw, step)
    part, _ = run_step(read_excerpt(raw, low, high), step)
    inside = slice(first - low, last - low)
    np.testing.assert_array_equal(part.get_data()[:, inside], whole.get_data()[:, first:last])
    np.testing.assert_array_equal(read_mask(part)[:, inside], read_mask(whole)[:, first:last])


@pytest.mark.parametrize(("sfreq", "new_sfreq"), [(500, 128), (160, 128), (128, 500), (1000, 333)])
@pytest.mark.parametrize("date", [None, 1_000_000])
def test_the_mask_keeps_its_times_when_resampled_cropped_and_concatenated(sfreq, new_sfreq, date):
    rng = np.random.default_rng(1)
    raw = mne.io.RawArray(
        rng.standard_normal((3, 60 * sfreq)),
        mne.create_info(["A", "B", "C"], sfreq, "eeg"),
        verbose="error",
    )
    raw.set_meas_date(date)
    raw.crop(7 / sfreq)
    spans = [
        (3 * sfreq + 1, 3 * sfreq + sfreq // 4),
        (10 * sfreq + 3, 30 * sfreq + 6),
        (raw.n_times - sfreq, raw.n_times),
    ]
    raw, _ = add_dropouts(raw, spans, "zeros", [0, 2])
    steps = (Dropouts(impute=0.0), Rename({"C": "X"}), Resample(new_sfreq))
    resampled, _ = run_steps(raw, *steps)
    expected = np.zeros(resampled.n_times, dtype=bool)
    for i in range(resampled.n_times):
        sample = Fraction(i) * Fraction(sfreq, new_sfreq)  # of the recording
        expected[i] = any(start <= sample < stop for start, stop in spans)
    mask = dropout_mask(resampled, ["X", "A", "B"])
    np.testing.assert_array_equal(mask, [expected, expected, np.zeros_like(expected)])
    joined = mne.concatenate_raws(
        [
            resampled.copy().crop(2, 5, verbose="error"),
            resampled.copy().crop(20, 35, verbose="error"),
        ],
        verbose="error",
    )
    first_part = expected[2 * new_sfreq : 5 * new_sfreq + 1]
    second_part = expected[20 * new_sfreq : 35 * new_sfreq + 1]
    np.testing.assert_array_equal(
        dropout_mask(joined, ["A"])[0], np.concatenate([first_part, second_part])
    )


def test_dropouts_follow_their_channels_through_pick_drop_and_rename(fine):
    raw, mask = add_dropouts(fine, [(1000, 1100)], "zeros", [0, 1])
    processed, _ = run_step(raw, Dropouts(impute=0.0))
    first, second, third = raw.ch_names[:3]
    processed.drop_channels([first]).rename_channels({second: "new"})
    np.testing.assert_array_equal(
        dropout_mask(processed, ["new", third, first]), [mask[1], mask[2], mask[2]]
    )
    processed.pick([third])
    assert not dropout_mask(processed, [third]).any()


def test_a_derived_channel_inherits_the_dropouts_of_its_sources(fine):
    raw, mask = add_dropouts(fine, [(1000, 1100)], "zeros", [0])
    processed, _ = run_step(raw, Dropouts(impute=0.0))
    inherit_dropouts(processed, {"new": raw.ch_names[:2], "other": raw.ch_names[2:4]})
    np.testing.assert_array_equal(dropout_mask(processed, ["new", "other"]), [mask[0], mask[2]])


def test_later_steps_keep_the_dropouts(fine):
    raw, mask = add_dropouts(fine, [(1000, 1100)], "zeros")
    processed, _ = run_steps(raw, Dropouts(impute=0.0), Reference("average"))
    np.testing.assert_array_equal(read_mask(processed), mask)


def test_channels_that_are_no_voltages_are_not_searched():
    signals = np.zeros((2, 1000))
    signals[0] = np.random.default_rng(0).standard_normal(1000)
    raw = mne.io.RawArray(
        signals, mne.create_info(["Cz", "STI"], 100.0, ["eeg", "stim"]), verbose="error"
    )
    assert not read_mask(run_step(raw, Dropouts())[0]).any()


@pytest.mark.parametrize(
    "parameters",
    [
        {"shortest": 0},
        {"impute": -1},
        {"impute": math.inf},
        {"method": "cubic"},
        {"shortest": True},
    ],
)
def test_invalid_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Dropouts(**parameters)
