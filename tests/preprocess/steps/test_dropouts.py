"""Dropouts put into real EEG are found to the sample; nothing outside them changes."""

from __future__ import annotations

import math
from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.preprocess import excerpt
from bids_dl.preprocess.recipe import Recipe, spec_of
from bids_dl.preprocess.steps.dropouts import Dropouts, dropout_mask, inherit
from bids_dl.preprocess.steps.reference import Reference
from bids_dl.preprocess.steps.rename import Rename
from bids_dl.preprocess.steps.resample import Resample

RAIL = 3.2767e-3  # V
KINDS = {
    "zeros": lambda signals, start, stop: np.zeros((len(signals), stop - start)),
    "no numbers": lambda signals, start, stop: np.full((len(signals), stop - start), np.nan),
    "a rail": lambda signals, start, stop: np.full((len(signals), stop - start), RAIL),
    "the last value": lambda signals, start, stop: np.repeat(
        signals[:, [start - 1]], stop - start, axis=1
    ),
}
LENGTHS = (0.1, 0.25, 0.5, 0.75, 3.0, 20.0)  # s
STARTS = (3.0, 5.0, 8.0, 11.0, 15.0, 25.0)  # s


def read(eegbci):
    return mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")


@pytest.fixture(scope="module")
def real(eegbci):
    """A minute of real EEG, 24 channels at 160 Hz, whose samples are whole µV: one in 25 equals the one before."""
    return read(eegbci).crop(0, 60, include_tmax=False)


def test_a_real_recording_filled_up_with_zeros_at_its_end_shows_them(eegbci):
    raw = read(eegbci)
    made, report = run(raw, Dropouts())
    assert dropout_mask(made, raw.ch_names).any(0).nonzero()[0].tolist() == list(range(9632, 9760))
    assert report.notes == (
        "0.0 to 61.0 s: 1 dropout of 0.8 s, over all channels 19.2 s; 0 imputed, 1 left",
        "changed nothing",
    )


@pytest.fixture(scope="module")
def fine(real):
    """The same as an amplifier of many bits gives it: no sample equals the one before by chance."""
    signals = real.get_data()
    return mne.io.RawArray(
        signals + np.random.default_rng(0).uniform(-5e-7, 5e-7, signals.shape),
        real.info,
        verbose="error",
    )


def put(raw, gaps, kind, channels=None):
    """A copy with dropouts, and their mask (n_chans, n_times)."""
    raw, mask = raw.copy(), np.zeros((len(raw.ch_names), raw.n_times), dtype=bool)
    rows = np.arange(len(raw.ch_names)) if channels is None else np.asarray(channels)
    signals = raw.get_data()
    for start, stop in gaps:
        signals[rows, start:stop] = KINDS[kind](signals[rows], start, stop)
        mask[rows, start:stop] = True
    raw[:] = signals
    return raw, mask


def samples(raw, starts=STARTS, lengths=LENGTHS):
    sfreq = raw.info["sfreq"]
    return [
        (round(start * sfreq), round((start + length) * sfreq))
        for start, length in zip(starts, lengths, strict=True)
    ]


def run(raw, *steps):
    made, reports = Recipe("test", "", steps).run(raw.copy())
    return made, reports[0]


def same(made, raw, where):
    """Whether two recordings have the same samples there, to the last bit."""
    return np.array_equal(made.get_data()[where], raw.get_data()[where], equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_dropouts_of_all_channels_are_found_to_the_sample_in_eeg_of_few_bits(real, kind):
    raw, mask = put(real, samples(real), kind)
    made, report = run(raw, Dropouts(impute=0.0))
    np.testing.assert_array_equal(dropout_mask(made, raw.ch_names), mask)
    assert report.channels == tuple(raw.ch_names)
    assert "6 dropouts of 0.1 to 20 s" in report.notes[0]
    assert "0 imputed, 6 left" in report.notes[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [[0], [3, 17], [1, 5, 9, 22]])
def test_dropouts_of_some_channels_are_found_to_the_sample(fine, kind, channels):
    raw, mask = put(fine, samples(fine), kind, channels)
    made, report = run(raw, Dropouts(impute=0.0))
    np.testing.assert_array_equal(dropout_mask(made, raw.ch_names), mask)
    assert report.channels == tuple(raw.ch_names[i] for i in channels)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_each_channel_may_have_dropouts_of_its_own(fine, data):
    """They begin and end at the same sample or some apart; what is closer is taken for one dropout and chance."""
    raw, mask = fine.copy(), np.zeros((24, fine.n_times), dtype=bool)
    gap = st.tuples(
        st.integers(5, 1160).map(lambda k: 8 * k),
        st.integers(2, 50).map(lambda k: 8 * k),
        st.sampled_from(sorted(KINDS)),
    )
    for channel in data.draw(st.lists(st.integers(0, 23), unique=True, max_size=6)):
        at = 0
        for start, length, kind in sorted(data.draw(st.lists(gap, max_size=4))):
            if start > at + 40 and start + length < raw.n_times - 1:
                raw, one = put(raw, [(start, start + length)], kind, [channel])
                mask |= one
                at = start + length
    made, report = run(raw, Dropouts())
    assert_found(dropout_mask(made, raw.ch_names), mask)
    assert same(made, raw, ~mask)
    assert report.share <= mask.mean()


def assert_found(found, mask):
    """Equal, but that a lone channel's held value may be judged by its first sample, three times as far as usual from the one before."""
    wrong = np.argwhere(found != mask)
    assert all(found[channel, sample] and mask[channel, sample + 1] for channel, sample in wrong)
    assert len(wrong) <= 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [None, [2, 7, 11]])
def test_short_ones_are_imputed_long_ones_left_and_no_sample_outside_changes(fine, kind, channels):
    raw, mask = put(fine, samples(fine), kind, channels)
    made, report = run(raw, Dropouts(impute=0.5))
    assert same(made, raw, ~mask)
    for start, stop in samples(raw):
        rows = np.flatnonzero(mask[:, start])
        signals, ends = made.get_data(), raw.get_data()[rows][:, [start - 1, stop]]
        if stop - start <= 80:
            wanted = [np.interp(np.arange(start, stop), [start - 1, stop], pair) for pair in ends]
            np.testing.assert_allclose(signals[rows, start:stop], wanted, atol=1e-15)
        elif kind == "no numbers":
            assert (signals[rows, start:stop] == 0).all()
        else:
            np.testing.assert_array_equal(
                signals[rows, start:stop], raw.get_data()[rows, start:stop]
            )
    assert "3 imputed, 3 left" in report.notes[0]
    assert report.share == pytest.approx(
        sum(stop - start for start, stop in samples(raw)[:3]) * len(rows) / mask.size
    )


def test_recent_signal_is_put_in_and_joins_at_both_ends(fine):
    start, stop = 1600, 1664
    raw, _ = put(fine, [(start, stop)], "zeros", [4])
    made, _ = run(raw, Dropouts(method="recent"))
    found, own = made.get_data()[4], raw.get_data()[4]
    before = own[start - 66 : start]
    tilt = np.interp(np.arange(66), [0, 65], [own[start - 1] - before[0], own[stop] - before[-1]])
    np.testing.assert_allclose(found[start:stop], (before + tilt)[1:-1], atol=1e-18)
    assert np.std(np.diff(found[start:stop])) == pytest.approx(np.std(np.diff(before)), rel=0.02)
    assert abs(found[start] - own[start - 1]) < 5 * np.std(np.diff(before))


def test_recent_signal_comes_from_after_where_there_is_no_clean_one_before(fine):
    first, second = (400, 440), (480, 540)
    raw, _ = put(fine, [first, second], "a rail", [0])
    made, _ = run(raw, Dropouts(method="recent"))
    found, own = made.get_data()[0], raw.get_data()[0]
    after = own[540:602]
    tilt = np.linspace(own[479] - after[0], own[540] - after[-1], 62)
    np.testing.assert_allclose(found[480:540], (after + tilt)[1:-1], atol=1e-18)


def test_recent_signal_never_holds_a_dropout(fine):
    gaps = [(1000 + 100 * i, 1060 + 100 * i) for i in range(5)]
    raw, _ = put(fine, gaps, "a rail", [0])
    made, _ = run(raw, Dropouts(method="recent"))
    assert np.abs(made.get_data()[0]).max() < RAIL / 2


@pytest.mark.parametrize("method", ["linear", "recent"])
@pytest.mark.parametrize("gap", [(0, 60), (9540, 9600)])
def test_a_dropout_at_an_end_of_the_recording_joins_at_its_other_end(fine, gap, method):
    assert fine.n_times == 9600
    raw, mask = put(fine, [gap], "zeros", [0, 5, 6])
    made, _ = run(raw, Dropouts(method=method))
    np.testing.assert_array_equal(dropout_mask(made, raw.ch_names), mask)
    inner, outer = (gap[1] - 1, gap[1]) if gap[0] == 0 else (gap[0], gap[0] - 1)
    usual = np.abs(np.diff(fine.get_data()[5])).max()
    assert abs(made.get_data()[5, inner] - raw.get_data()[5, outer]) <= usual


def test_a_channel_silent_throughout_is_marked_and_left(fine):
    raw, mask = put(fine, [(0, fine.n_times)], "zeros", [9])
    made, report = run(raw, Dropouts(impute=1000.0))
    np.testing.assert_array_equal(dropout_mask(made, raw.ch_names), mask)
    assert same(made, raw, slice(None))
    assert report.notes[1] == f"0.0 to 60.0 s: silent throughout: {raw.ch_names[9]}"
    assert report.share == 0


def test_shorter_repeats_are_no_dropouts(real):
    made, report = run(real, Dropouts())
    assert not dropout_mask(made, real.ch_names).any()
    assert same(made, real, slice(None))
    assert report.notes == ("changed nothing",)
    raw, _ = put(real, [(1000, 1015)], "zeros")
    assert not dropout_mask(run(raw, Dropouts())[0], raw.ch_names).any()
    assert dropout_mask(run(raw, Dropouts(shortest=0.09))[0], raw.ch_names).sum() == 15 * 24


def test_no_dropout_reaches_over_a_jump_in_time(fine):
    raw, mask = put(fine, [(1000, 1080)], "zeros", [0, 1])
    raw.annotations.append(1040 / 160, 0.0, "EDGE boundary")
    made, report = run(raw, Dropouts())
    np.testing.assert_array_equal(dropout_mask(made, raw.ch_names), mask)
    signals, own = made.get_data(), raw.get_data()
    np.testing.assert_allclose(
        signals[:2, 1000:1040], np.repeat(own[:2, [999]], 40, axis=1), atol=1e-15
    )
    np.testing.assert_allclose(
        signals[:2, 1040:1080], np.repeat(own[:2, [1080]], 40, axis=1), atol=1e-15
    )
    assert "2 dropouts of 0.25 s" in report.notes[0]


@pytest.mark.parametrize("before", [7, 100, 700])
@pytest.mark.parametrize("length", [48, 80, 96])
@pytest.mark.parametrize("kind", ["zeros", "no numbers"])
def test_a_dropout_where_an_excerpt_was_mirrored_is_as_long_as_the_recording_has_it(
    fine, before, length, kind
):
    raw, mask = put(fine, [(4000, 4000 + length)], kind)
    plain, report = run(excerpt(raw, 4000, 5000), Dropouts())
    mirrored, other = run(excerpt(raw, 4000, 5000, before=before), Dropouts())
    assert same(mirrored.copy().crop(before / 160), plain, slice(None))
    np.testing.assert_array_equal(
        dropout_mask(mirrored, raw.ch_names), np.pad(mask[:, 4000:5000], ((0, 0), (before, 0)))
    )
    ahead = np.pad(plain.get_data(), ((0, 0), (before, 0)), mode="reflect", reflect_type="odd")
    np.testing.assert_array_equal(mirrored.get_data(), ahead)
    assert other.notes[0].split(": ")[1] == report.notes[0].split(": ")[1]


@settings(max_examples=80, deadline=None)
@given(
    starts=st.lists(st.integers(60, 9000), max_size=8),
    lengths=st.lists(st.integers(16, 300), min_size=8, max_size=8),
    kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=8, max_size=8),
    channels=st.sampled_from([None, [0], [0, 1], [2, 3, 4]]),
    core=st.tuples(st.integers(0, 9500), st.integers(1, 3000)),
    method=st.sampled_from(["linear", "recent"]),
)
def test_an_excerpt_with_its_margin_gives_what_the_whole_recording_gives(
    real, starts, lengths, kinds, channels, core, method
):
    raw = real
    for start, length, kind in zip(starts, lengths, kinds, strict=False):
        raw, _ = put(raw, [(start, min(start + length, raw.n_times))], kind, channels)
    step = Dropouts(method=method)
    margin = math.ceil(step.needs(spec_of(raw)).margin * 160)
    first, last = core[0], min(core[0] + core[1], raw.n_times)
    low, high = max(0, first - margin), min(raw.n_times, last + margin)
    whole, part = run(raw, step)[0], run(excerpt(raw, low, high), step)[0]
    inside = slice(first - low, last - low)
    np.testing.assert_array_equal(part.get_data()[:, inside], whole.get_data()[:, first:last])
    np.testing.assert_array_equal(
        dropout_mask(part, raw.ch_names)[:, inside],
        dropout_mask(whole, raw.ch_names)[:, first:last],
    )


@pytest.mark.parametrize(("sfreq", "new"), [(500, 128), (160, 128), (128, 500), (1000, 333)])
@pytest.mark.parametrize("date", [None, 1_000_000])
def test_the_mask_follows_the_clock_through_resampling_cropping_and_joining(sfreq, new, date):
    rng = np.random.default_rng(1)
    raw = mne.io.RawArray(
        rng.standard_normal((3, 60 * sfreq)),
        mne.create_info(["A", "B", "C"], sfreq, "eeg"),
        verbose="error",
    )
    raw.set_meas_date(date)
    raw.crop(7 / sfreq)
    gaps = [
        (3 * sfreq + 1, 3 * sfreq + sfreq // 4),
        (10 * sfreq + 3, 30 * sfreq + 6),
        (raw.n_times - sfreq, raw.n_times),
    ]
    raw, _ = put(raw, gaps, "zeros", [0, 2])
    made, _ = run(raw, Dropouts(impute=0.0), Rename({"C": "X"}), Resample(new))
    found = dropout_mask(made, ["X", "A", "B"])
    ratio = Fraction(new, sfreq)
    moments = [Fraction(k) / ratio for k in range(made.n_times)]
    wanted = np.array([any(start <= moment < stop for start, stop in gaps) for moment in moments])
    np.testing.assert_array_equal(found, [wanted, wanted, wanted & False])
    parts = [made.copy().crop(2, 5, verbose="error"), made.copy().crop(20, 35, verbose="error")]
    joined = mne.concatenate_raws(parts, verbose="error")
    cuts = [slice(2 * new, 5 * new + 1), slice(20 * new, 35 * new + 1)]
    np.testing.assert_array_equal(
        dropout_mask(joined, ["A"])[0], np.concatenate([wanted[cut] for cut in cuts])
    )


def test_marks_follow_their_channels_through_pick_drop_and_rename(fine):
    raw, mask = put(fine, [(1000, 1100)], "zeros", [0, 1])
    made, _ = run(raw, Dropouts(impute=0.0))
    first, second, third = raw.ch_names[:3]
    made.drop_channels([first]).rename_channels({second: "new"})
    np.testing.assert_array_equal(
        dropout_mask(made, ["new", third, first]), [mask[1], mask[2], mask[2]]
    )
    made.pick([third])
    assert not dropout_mask(made, [third]).any()


def test_a_channel_made_of_others_is_marked_where_they_are(fine):
    raw, mask = put(fine, [(1000, 1100)], "zeros", [0])
    made, _ = run(raw, Dropouts(impute=0.0))
    inherit(made, {"new": raw.ch_names[:2], "other": raw.ch_names[2:4]})
    np.testing.assert_array_equal(dropout_mask(made, ["new", "other"]), [mask[0], mask[2]])


def test_other_steps_leave_the_marks(fine):
    raw, mask = put(fine, [(1000, 1100)], "zeros")
    made, _ = run(raw, Dropouts(impute=0.0), Reference("average"))
    np.testing.assert_array_equal(dropout_mask(made, raw.ch_names), mask)


def test_channels_that_may_stay_at_one_value_are_not_watched():
    signals = np.zeros((2, 1000))
    signals[0] = np.random.default_rng(0).standard_normal(1000)
    raw = mne.io.RawArray(
        signals, mne.create_info(["Cz", "STI"], 100.0, ["eeg", "stim"]), verbose="error"
    )
    assert not dropout_mask(run(raw, Dropouts())[0], ["Cz", "STI"]).any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"shortest": 0},
        {"impute": -1},
        {"impute": math.inf},
        {"method": "cubic"},
        {"shortest": True},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Dropouts(**wrong)
