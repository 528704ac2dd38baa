"""Each step against plain MNE, SciPy or NumPy, in float64."""

from __future__ import annotations

import math
from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mne.filter import create_filter

from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import load_recipe
from bids_dl.preprocess.positions import TEMPLATES
from bids_dl.preprocess.recipe import Recipe, spec_of
from bids_dl.preprocess.step import Context, Windows
from bids_dl.preprocess.steps.baseline import Baseline
from bids_dl.preprocess.steps.filter import Filter
from bids_dl.preprocess.steps.montage import Montage
from bids_dl.preprocess.steps.notch import Notch
from bids_dl.preprocess.steps.reference import Reference
from bids_dl.preprocess.steps.resample import Resample
from bids_dl.testing import ALPHA, NOISE, TONE, make_dataset

RATES = [100.0, 128.0, 160.0, 200.0, 250.0, 256.0, 1000 / 3, 499.998, 500.0, 512.0, 1000.0, 2048.0]


def run(raw, *steps):
    made, reports = Recipe("test", "", steps).run(raw.copy())
    return made, reports


def recording(signals, sfreq, ch_types="eeg"):
    names = [f"E{i + 1}" for i in range(len(signals))]
    return mne.io.RawArray(
        signals, mne.create_info(names, sfreq, ch_types, verbose="error"), verbose="error"
    )


def noise(sfreq=160.0, n_chans=4, n_times=3200):
    return recording(np.random.default_rng(1).standard_normal((n_chans, n_times)) * 1e-5, sfreq)


def close(made, wanted):
    np.testing.assert_allclose(made.get_data() * 1e6, wanted.get_data() * 1e6, rtol=0, atol=1e-9)


def test_the_default_recipe_on_real_eeg_equals_plain_mne_calls(eegbci):
    edf = sorted(eegbci.rglob("*_eeg.edf"))[0]
    raw = mne.io.read_raw_edf(edf, preload=True, verbose="error")
    wanted = (
        raw.copy().filter(0.5, 45.0, verbose="error").set_eeg_reference("average", verbose="error")
    )
    wanted.resample(128, method="polyphase", verbose="error")
    made, _ = load_recipe(PreprocessConfig()).run(raw)
    assert made.ch_names == wanted.ch_names
    assert made.n_times == wanted.n_times
    close(made, wanted)


@pytest.mark.parametrize(
    "parameters",
    [
        {"low": 0.5, "high": 45.0},
        {"low": 1.0},
        {"high": 30.0},
        {"low": 1.0, "high": 40.0, "fir_window": "blackman"},
        {"low": 1.0, "fir_design": "firwin2"},
        {"high": 30.0, "phase": "minimum"},
        {"low": 1.0, "high": 40.0, "method": "iir"},
    ],
)
def test_filter_equals_mne(parameters):
    raw = noise()
    plain = {"l_freq": None, "h_freq": None} | {
        {"low": "l_freq", "high": "h_freq"}.get(k, k): v for k, v in parameters.items()
    }
    close(run(raw, Filter(**parameters))[0], raw.copy().filter(**plain, verbose="error"))


@pytest.mark.parametrize(
    "step",
    [
        Filter(0.5, 45.0),
        Filter(low=2.0),
        Filter(high=30.0),
        Filter(1.0, 20.0, phase="zero-double"),
        Notch((50.0,)),
    ],
)
@pytest.mark.parametrize("sfreq", [128.0, 160.0, 500.0])
def test_a_step_on_samples_is_right_in_an_excerpt_with_its_margin(step, sfreq):
    raw = noise(sfreq, n_times=int(40 * sfreq), n_chans=2)
    need = step.needs(spec_of(raw))
    assert need.kind == "samples"
    margin = math.ceil(need.margin * sfreq)
    start, stop = int(15 * sfreq), int(25 * sfreq)
    excerpt = recording(raw.get_data(start=start - margin, stop=stop + margin), sfreq)
    whole, part = (
        run(raw, step)[0].get_data(start=start, stop=stop),
        run(excerpt, step)[0].get_data(start=margin, stop=margin + stop - start),
    )
    np.testing.assert_allclose(part * 1e6, whole * 1e6, rtol=0, atol=1e-9)


@given(
    low=st.floats(0.1, 20),
    width=st.floats(1, 30),
    sfreq=st.sampled_from([128.0, 250.0, 1000.0]),
    window=st.sampled_from(["hamming", "hann", "blackman"]),
)
@settings(max_examples=25, deadline=None)
def test_the_margin_of_a_filter_is_half_of_the_one_mne_designs(low, width, sfreq, window):
    step = Filter(low, low + width, fir_window=window)
    designed = create_filter(None, sfreq, step.low, step.high, fir_window=window, verbose="error")
    margin = step.needs(SignalSpec(("E1",), ("eeg",), Fraction(sfreq))).margin * sfreq
    assert len(designed) // 2 <= margin <= len(designed) // 2 + 2


def test_an_iir_filter_needs_all_that_is_continuous():
    assert Filter(low=1.0, method="iir").needs(spec_of(noise())) == Context("samples", math.inf)


def test_notch_takes_the_power_line_of_the_recording_and_its_multiples():
    raw = noise(250.0, n_times=5000)
    raw.info["line_freq"] = 50.0
    made, reports = run(raw, Notch())
    close(made, raw.copy().notch_filter([50, 100], verbose="error"))
    assert reports[0].notes == ("notches at 50, 100 Hz",)


def test_notch_removes_its_frequency_and_leaves_the_others():
    times = np.arange(20000) / 500
    signals = np.array([np.sin(2 * np.pi * 60 * times), np.sin(2 * np.pi * 40 * times)]) * 1e-5
    made, _ = run(recording(signals, 500.0), Notch((60.0,)))
    middle = made.get_data()[:, 5000:-5000]
    assert np.abs(middle[0]).max() < 2e-3 * 1e-5
    np.testing.assert_allclose(middle[1], signals[1, 5000:-5000], atol=2e-8)


def test_a_power_line_at_the_nyquist_frequency_leaves_nothing_to_notch():
    raw = noise(100.0)
    raw.info["line_freq"] = 50.0
    made, reports = run(raw, Notch())
    close(made, raw)
    assert reports[0].share == 0


@pytest.mark.parametrize("channels", ["average", ("E2",), ("e1", "E3")])
def test_reference_equals_mne(channels):
    raw = noise()
    names = channels if channels == "average" else [name.upper() for name in channels]
    close(run(raw, Reference(channels))[0], raw.copy().set_eeg_reference(names, verbose="error"))


def test_other_channels_are_neither_filtered_nor_referenced():
    raw = recording(
        np.random.default_rng(2).standard_normal((3, 1600)) * 1e-5, 160.0, ["eeg", "eeg", "eog"]
    )
    made, reports = run(raw, Filter(low=1.0), Reference())
    np.testing.assert_array_equal(made.get_data()[2], raw.get_data()[2])
    assert reports[0].notes == ("not filtered: E3",)


@pytest.mark.parametrize(
    ("sfreq", "new", "n_times"),
    [(160.0, 128.0, 3200), (500.0, 128.0, 5000), (100.0, 128.0, 1000), (1000.0, 250.0, 4000)],
)
def test_resample_equals_mne_where_the_ratio_divides_the_length(sfreq, new, n_times):
    raw = noise(sfreq, n_times=n_times)
    made, _ = run(raw, Resample(new))
    close(made, raw.copy().resample(new, method="polyphase", verbose="error"))


@pytest.mark.parametrize("sfreq", [128, 250, 512])
def test_the_default_recipe_keeps_tones_alpha_and_impulses_of_known_content(tmp_path, sfreq):
    [content] = make_dataset(tmp_path, n_subjects=1, sfreq=sfreq).recordings
    raw = recording(content.signals() / 1e6, float(sfreq))
    made, _ = load_recipe(PreprocessConfig()).run(raw)
    signals = made.get_data() * 1e6
    tones = 2 * (signals * np.sin(2 * np.pi * TONE * made.times)).mean(-1)
    np.testing.assert_allclose(
        tones, np.array(content.tones) - np.mean(content.tones), atol=0.1 * NOISE
    )
    wave = np.sin(2 * np.pi * ALPHA * made.times)
    for event in content.events:
        start = math.floor(event.sample * Fraction(128, sfreq) + Fraction(1, 2))
        if event.label == "impulse":
            assert np.argmax(np.abs(signals[0, start - 20 : start + 21])) == 20
            continue
        block = slice(start, start + event.n_times * 128 // sfreq)
        alphas = 2 * (signals[:, block] * wave[block]).mean(-1)
        wanted = (np.array(content.alphas) - np.mean(content.alphas)) * (event.label == "closed")
        np.testing.assert_allclose(alphas, wanted, atol=0.4 * NOISE)


@given(
    sfreq=st.sampled_from(RATES),
    new=st.sampled_from([100.0, 128.0, 200.0, 256.0, 500.0]),
    where=st.floats(0.2, 0.8),
    extra=st.integers(0, 400),
)
@settings(max_examples=60, deadline=None)
def test_resampling_leaves_an_impulse_at_its_sample(sfreq, new, where, extra):
    n_times = int(4 * sfreq) + extra  # mostly lengths that the ratio does not divide
    sample = int(where * n_times)
    raw = recording(np.eye(1, n_times, sample), sfreq)
    made, _ = run(raw, Resample(new))
    exact = sample * Resample(new).output_spec(spec_of(raw)).sfreq / spec_of(raw).sfreq
    peak = int(np.argmax(made.get_data()[0]))
    nearest = {
        math.floor(exact + Fraction(1, 2)),
        math.ceil(exact - Fraction(1, 2)),
    }  # both where it lies half-way
    assert peak in nearest


@pytest.mark.parametrize("sfreq", RATES)
def test_resampling_does_not_stretch_a_tone_of_an_odd_length(sfreq):
    n_times = int(10 * sfreq) + 7
    tone = np.sin(2 * np.pi * 10 * np.arange(n_times) / sfreq)
    made, _ = run(recording(tone[None], sfreq), Resample(128.0))
    wanted = np.sin(2 * np.pi * 10 * np.arange(made.n_times) / 128.0)
    np.testing.assert_allclose(made.get_data()[0, 64:-64], wanted[64:-64], atol=2e-3)
    assert made.n_times == math.ceil(
        n_times * Fraction(128) / spec_of(recording(tone[None], sfreq)).sfreq
    )


def test_resampling_keeps_events_channels_bads_and_positions_of_the_recording():
    raw = noise(500.0, n_times=5003)
    raw.rename_channels({"E1": "Cz", "E2": "O1", "E3": "O2", "E4": "Pz"}).set_montage("easycap-M1")
    raw.info["bads"] = ["O2"]
    raw.info["line_freq"] = 50.0
    raw.set_annotations(mne.Annotations([1.5], [2.0], ["rest"]))
    raw.crop(tmin=1.0)
    made, _ = run(raw, Resample(128.0))
    assert (
        made.info["bads"],
        made.info["line_freq"],
        made.info["sfreq"],
        made.info["lowpass"],
    ) == (["O2"], 50.0, 128.0, 64.0)
    assert made.annotations.onset - made.first_time == pytest.approx(
        raw.annotations.onset - raw.first_time, abs=1 / 128
    )
    np.testing.assert_array_equal(made.info["chs"][1]["loc"], raw.info["chs"][1]["loc"])


def test_a_stimulus_channel_keeps_its_codes():
    codes = np.repeat([0.0, 5.0, 0.0, 7.0], 500)
    raw = recording(
        np.array([np.random.default_rng(0).standard_normal(2000), codes]), 500.0, ["eeg", "stim"]
    )
    made, _ = run(raw, Resample(128.0))
    found = made.get_data()[1]
    assert set(found) == {0.0, 5.0, 7.0}
    np.testing.assert_array_equal(np.flatnonzero(np.diff(found)) + 1, [128, 256, 384])


def test_the_same_rate_changes_nothing():
    raw = noise()
    made, reports = run(raw, Resample(160.0))
    close(made, raw)
    assert reports[0].share == 0


def test_a_montage_sets_positions_whatever_the_case_and_leaves_samples():
    raw = noise().rename_channels({"E1": "FP1", "E2": "cz", "E3": "O1", "E4": "oZ"})
    made, reports = run(raw, Montage("standard_1005"))
    close(made, raw)
    assert reports[0].channels == ("FP1", "cz", "O1", "oZ")
    front, back = made.info["chs"][0]["loc"][1], made.info["chs"][3]["loc"][1]
    assert front > 0.05
    assert back < -0.05
    close(run(made, Montage("electrodes"))[0], raw)


def test_a_channel_without_a_position_fails_or_is_noted():
    raw = noise().rename_channels({"E1": "Fp1", "E2": "Cz", "E3": "O1"})
    for positions in ("standard_1005", "electrodes"):
        with pytest.raises(RecordingError, match=r"no position for .*E4 in"):
            run(raw, Montage(positions))
    _, reports = run(raw, Montage("standard_1005", missing="ignore"))
    assert reports[0].notes == ("no position: E4",)


@given(
    sfreq=st.sampled_from([100, 160, 250, 333, 512]),
    edges=st.sets(st.integers(1, 999), min_size=1, max_size=4),
    which=st.integers(0, 4),
)
@settings(max_examples=40, deadline=None)
def test_resampling_carries_nothing_across_a_jump_in_time(sfreq, edges, which):
    bounds = [0, *sorted(edges), 1000]
    start, stop = bounds[which % len(edges) : which % len(edges) + 2]
    made = []
    for other in (0.0, 1e-3):
        raw = noise(sfreq=sfreq, n_chans=2, n_times=1000)
        raw._data[:, :start] += other
        raw._data[:, stop:] += other
        raw.set_annotations(mne.Annotations(np.array(sorted(edges)) / sfreq, 0, "EDGE boundary"))
        resampled, _ = run(raw, Resample(128))
        made.append(
            resampled.get_data()[:, math.ceil(start * 128 / sfreq) : math.ceil(stop * 128 / sfreq)]
        )
    np.testing.assert_array_equal(*made)
    assert np.isfinite(resampled.get_data()).all()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_a_recipe_may_name_exists(name):
    raw = noise()
    _, reports = run(raw, Montage(name, missing="ignore"))
    assert "deprecated" not in " ".join(reports[0].notes)


def seen(signals, times):
    info = mne.create_info([f"E{i}" for i in range(signals.shape[1])], 128.0, "eeg")
    return Windows(signals, times, info, np.zeros(signals.shape, dtype=bool))


@given(start=st.floats(-0.2, 0.2), width=st.floats(0.05, 0.5))
@settings(max_examples=30, deadline=None)
def test_baseline_takes_out_the_mean_of_its_interval_only(start, width):
    times = np.arange(-26, 103) / 128
    windows = np.random.default_rng(3).standard_normal((5, 3, len(times))) + 7
    made = Baseline(start, start + width).apply_windows(seen(windows, times)).signals
    inside = (times >= start - 1e-6) & (times <= start + width + 1e-6)
    np.testing.assert_allclose(
        made, windows - windows[..., inside].mean(-1, keepdims=True), atol=1e-12
    )
    assert windows.mean() > 6


@pytest.mark.parametrize(("start", "end"), [(-0.2, 0.0), (None, 0.0), (None, None), (0.0, 0.8)])
def test_baseline_equals_mne(start, end):
    times = np.arange(-26, 102) / 128  # a window from -0.2 to 0.8 s, as it is cut at 128 Hz
    windows = np.random.default_rng(4).standard_normal((2, 3, len(times)))
    made = Recipe("test", "", (), (Baseline(start, end),)).run_windows(seen(windows, times))
    np.testing.assert_allclose(
        made.windows.signals,
        mne.baseline.rescale(windows, times, (start, end), verbose="error"),
        atol=1e-12,
    )


@pytest.mark.parametrize("interval", [(-0.5, 0.0), (0.0, 2.0), (0.001, 0.002), (3.0, 4.0)])
def test_a_baseline_outside_the_windows_is_refused_even_without_windows(interval):
    times = np.arange(-26, 102) / 128
    with pytest.raises(RecordingError, match="baseline: no baseline from"):
        Recipe("test", "", (), (Baseline(*interval),)).run_windows(
            seen(np.empty((0, 3, len(times))), times)
        )
