"""Excerpts of recordings give what the whole recording gives."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl import windows
from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import Block, Header, StepReport, Window, exact_rate
from bids_dl.pipeline.processing import excerpts
from bids_dl.pipeline.processing.excerpts import (
    Excerpt,
    ExcerptPlan,
    find_jumps,
    plan_excerpts,
    select_intervals,
)
from bids_dl.preprocess import Context, Recipe, RecipeContext, load_recipe, read_excerpt
from bids_dl.preprocess.step import StepTraits

DEFAULT_STEPS = "[{filter: {low: 0.5, high: 45}}, {reference: {}}, {resample: {sfreq: 128}}]"
WINDOW_SECONDS = 2.0


def write_recipe(folder, steps):
    path = folder / "own.yaml"
    path.write_text(f"name: own\nsteps: {steps}\n", encoding="utf-8")
    return load_recipe(PreprocessConfig(str(path)))


def red_noise(sfreq, seconds, boundaries=(), n_chans=3):
    """Generate a recording whose level jumps at each boundary."""
    rng = np.random.default_rng(0)
    signals = np.cumsum(rng.standard_normal((n_chans, int(seconds * sfreq))), axis=1) * 1e-6
    for boundary in boundaries:
        signals[:, math.ceil(boundary * sfreq) :] += 1e-3
    info = mne.create_info(n_chans, float(sfreq), "eeg", verbose="error")
    return mne.io.RawArray(signals, info, verbose="error")


def header_of(raw, boundaries=()):
    return Header(
        raw.info["sfreq"],
        raw.n_times,
        tuple(raw.ch_names),
        tuple(raw.get_channel_types()),
        tuple(boundaries),
    )


def windows_at(onsets, sfreq):
    planned = []
    for onset in onsets:
        sample = math.floor(onset * sfreq + 0.5)
        planned.append(Window("r", 0, float(onset), sample, sample, "rest"))
    return planned


def plan_for(raw, recipe, onsets, boundaries=()):
    header = header_of(raw, boundaries)
    store_rate = recipe.output_spec(header.spec).sfreq
    return plan_excerpts(
        windows_at(onsets, header.sfreq),
        header,
        recipe.required_context(header.spec),
        ratio=store_rate / header.spec.sfreq,
        offset=0,
        n_times=round(WINDOW_SECONDS * store_rate),
    )


def cut_windows(raw, recipe, plan, rate):
    """Cut all windows from their excerpts, by number."""
    cut = {}
    n_times = round(WINDOW_SECONDS * rate)
    for excerpt in plan.excerpts:
        jumps = [jump for jump in find_jumps(header_of(raw)) if excerpt.start < jump < excerpt.stop]
        signal = read_excerpt(raw, excerpt.start, excerpt.stop, before=excerpt.before, jumps=jumps)
        cleaned = recipe.run(signal)[0].get_data()
        for number, row in excerpt.windows:
            cut[number] = cleaned[:, row : row + n_times]
    return cut


STEPS = [
    (DEFAULT_STEPS, 160, 128),
    (DEFAULT_STEPS, 250, 128),
    (DEFAULT_STEPS, 512, 128),
    (DEFAULT_STEPS, 1000 / 3, 128),
    ("[{filter: {low: 1, high: 40, phase: zero-double}}]", 250, 250),
    ("[{filter: {low: 1, high: 40, phase: minimum}}]", 250, 250),
    ("[{filter: {low: 1, high: 40, fir_window: blackman}}]", 250, 250),
    ("[{filter: {low: 1, high: 40, fir_design: firwin2}}]", 250, 250),
    ("[{filter: {low: 1, high: 40, transition: eeglab}}]", 250, 250),
    ("[{filter: {low: 1, high: 40, method: iir}}]", 250, 250),
    ("[{notch: {freqs: [50]}}, {notch: {freqs: [100], fir_design: firwin2}}]", 256, 256),
    ("[{resample: {sfreq: 100}}, {filter: {high: 40}}, {resample: {sfreq: 256}}]", 250, 256),
]


@pytest.mark.parametrize(("steps", "sfreq", "rate"), STEPS)
def test_windows_from_excerpts_are_those_of_the_whole_recording(
    tmp_path, monkeypatch, steps, sfreq, rate
):
    monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 30_000)
    monkeypatch.setattr(excerpts, "MIN_MARGINS", 2)
    recipe, raw = write_recipe(tmp_path, steps), red_noise(sfreq, 121.3)
    onsets = np.arange(0, 119.3, 1.37)
    plan = plan_for(raw, recipe, onsets)
    assert plan.kept == tuple(range(len(onsets)))
    assert len(plan.excerpts) > 3 or "iir" in steps
    whole = recipe.run(raw.copy())[0].get_data()
    planned = windows_at(onsets, sfreq)
    n_times = round(WINDOW_SECONDS * rate)
    for number, window in cut_windows(raw, recipe, plan, rate).items():
        ratio = Fraction(rate) / exact_rate(sfreq)
        start = windows.resampled_start(planned[number], ratio, 0)
        expected = whole[:, start : start + n_times]
        np.testing.assert_allclose(window, expected, rtol=0, atol=1e-13 * np.abs(whole).max())


@pytest.mark.parametrize("steps", [steps for steps, *_ in STEPS if "resample" not in steps])
def test_no_filter_crosses_a_jump_in_time(tmp_path, monkeypatch, steps):
    monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 30_000)
    boundaries = (23.3, 70.002)
    recipe, raw = write_recipe(tmp_path, steps), red_noise(256, 100, boundaries)
    onsets = [*np.arange(0, 21.3, 2), *np.arange(23.3, 68, 2), *np.arange(70.002, 98, 2)]
    plan = plan_for(raw, recipe, onsets, boundaries)
    assert plan.kept == tuple(range(len(onsets)))
    cut = cut_windows(raw, recipe, plan, 256)
    planned = windows_at(onsets, 256)
    edges = [0, *find_jumps(header_of(raw, boundaries)), raw.n_times]
    for low, high in itertools.pairwise(edges):
        segment = mne.io.RawArray(raw.get_data(start=low, stop=high), raw.info, verbose="error")
        alone = recipe.run(segment)[0].get_data()
        for number, window in enumerate(planned):
            if low <= window.start < high:
                start = window.start - low
                expected = alone[:, start : start + 512]
                np.testing.assert_allclose(cut[number], expected, rtol=0, atol=1e-16)


@pytest.mark.parametrize("sfreq", [160, 250, 512])
def test_a_jump_of_a_millivolt_leaves_no_trace_if_the_rates_share_no_sample_with_it(
    tmp_path, sfreq
):
    boundaries = (33.303, 70.002)
    recipe = write_recipe(tmp_path, DEFAULT_STEPS)
    onsets = [*np.arange(0, 31, 2), *np.arange(33.303, 68, 2), *np.arange(70.002, 98, 2)]
    cuts = []
    for raw in (red_noise(sfreq, 100, boundaries), red_noise(sfreq, 100)):
        plan = plan_for(raw, recipe, onsets, boundaries)
        cuts.append(cut_windows(raw, recipe, plan, 128))
    with_jumps, without_jumps = cuts
    assert set(with_jumps) == set(range(len(onsets)))
    for number, window in with_jumps.items():
        np.testing.assert_allclose(window, without_jumps[number], atol=1e-12)


@dataclass(frozen=True)
class WholeRecording:
    """Step that needs the whole recording, and notes the jumps that are marked in it."""

    name: ClassVar[str] = "whole_recording"
    traits: ClassVar[StepTraits] = StepTraits()

    def required_context(self, _):
        return Context("recording")

    def output_spec(self, spec):
        return spec

    def apply(self, raw, _):
        notes = [f"{note['description']} {note['onset']:.3f}" for note in raw.annotations]
        return raw, StepReport(self.name, notes=tuple(notes))


def test_a_step_that_needs_the_recording_receives_it_whole_with_its_jumps_marked():
    recipe, raw = Recipe("own", "", (WholeRecording(),)), red_noise(100, 20, (5.0, 12.345))
    [excerpt] = plan_for(raw, recipe, [0, 6, 13], (5.0, 12.345)).excerpts
    assert (excerpt.start, excerpt.stop, excerpt.before) == (0, 2000, 0)
    jumps = find_jumps(header_of(raw, (5.0, 12.345)))
    cleaned, [report] = recipe.run(read_excerpt(raw, 0, 2000, jumps=jumps))
    assert report.notes == ("EDGE boundary 5.000", "EDGE boundary 12.350")
    filtered = cleaned.copy().filter(1, 40, verbose="error").get_data()
    segment = mne.io.RawArray(raw.get_data(stop=500), raw.info, verbose="error")
    alone = segment.filter(1, 40, verbose="error").get_data()
    np.testing.assert_allclose(filtered[:, :500], alone, atol=1e-16)


def test_only_the_surroundings_of_few_windows_of_a_long_recording_are_filtered(tmp_path):
    recipe, raw = write_recipe(tmp_path, DEFAULT_STEPS), red_noise(250, 1000)
    plan = plan_for(raw, recipe, [10, 11, 500, 990])
    assert [len(excerpt.windows) for excerpt in plan.excerpts] == [2, 1, 1]
    n_filtered = sum(excerpt.stop - excerpt.start for excerpt in plan.excerpts)
    assert n_filtered < 0.04 * raw.n_times


def test_a_short_recording_is_one_excerpt(tmp_path):
    raw = red_noise(160, 61)
    plan = plan_for(raw, write_recipe(tmp_path, DEFAULT_STEPS), np.arange(0, 60, 2))
    [excerpt] = plan.excerpts
    assert (excerpt.start, excerpt.stop, excerpt.before) == (0, raw.n_times, 0)


def test_a_window_beyond_its_recording_at_the_new_rate_is_dropped_with_its_samples(tmp_path):
    recipe = write_recipe(tmp_path, DEFAULT_STEPS)
    plan = plan_for(red_noise(160, 10), recipe, [0, 8, 8.01, -0.01])
    assert plan.kept == (0, 1)
    reason = "it needs samples {} at the new rate, there are 0 to 1280"
    assert plan.dropped == ((2, reason.format("1026 to 1282")), (3, reason.format("-2 to 254")))


def test_windows_keep_their_numbers_whatever_their_order(tmp_path):
    recipe, raw = write_recipe(tmp_path, DEFAULT_STEPS), red_noise(250, 300)
    plan = plan_for(raw, recipe, [200.0, 10.0, 201.0, 9.5])
    assert plan.kept == (0, 1, 2, 3)
    numbers = [[number for number, _ in excerpt.windows] for excerpt in plan.excerpts]
    assert numbers == [[3, 1], [0, 2]]


RATES = [(160, 128), (250, 128), (256, 256), (1000, 250), (500, 128), (100, 128)]


@settings(max_examples=200)
@given(
    rates=st.sampled_from(RATES),
    edges=st.lists(st.floats(0, 60), max_size=4),
    onsets=st.lists(st.floats(0, 58), max_size=30),
    margin=st.sampled_from([0.0, 0.3, 3.4, math.inf]),
)
def test_each_window_is_in_one_excerpt_with_its_margins_and_no_excerpt_crosses_a_jump(
    rates, edges, onsets, margin
):
    sfreq, rate = rates
    ratio = Fraction(rate, sfreq)
    n_times = round(WINDOW_SECONDS * rate)
    header = Header(float(sfreq), 60 * sfreq, ("E1", "E2"), ("eeg", "eeg"), tuple(edges))

    def is_continuous(onset):
        return not any(onset < edge < onset + WINDOW_SECONDS for edge in edges)

    planned = windows_at(filter(is_continuous, onsets), sfreq)
    context = RecipeContext(margin, ratio.denominator, "", 1.0)
    plan = plan_excerpts(planned, header, context, ratio=ratio, offset=0, n_times=n_times)
    jumps = [0, *find_jumps(header), header.n_times]
    in_excerpts = [number for excerpt in plan.excerpts for number, _ in excerpt.windows]
    assert sorted(in_excerpts) == list(plan.kept)
    dropped = [number for number, _ in plan.dropped]
    assert sorted([*plan.kept, *dropped]) == list(range(len(planned)))
    for excerpt in plan.excerpts:
        low = max(jump for jump in jumps if jump <= excerpt.start)
        high = min(jump for jump in jumps if jump > excerpt.start)
        assert excerpt.stop <= high
        origin = excerpt.start - excerpt.before
        assert origin % ratio.denominator == 0 or ratio.denominator == 1
        assert excerpt.before == 0 or excerpt.start == low > 0
        length = math.ceil((excerpt.stop - origin) * ratio)
        for number, row in excerpt.windows:
            window = planned[number]
            assert 0 <= row <= length - n_times
            assert abs(row / ratio + origin - window.start) <= Fraction(1, 2) / ratio
            margin_samples = min(margin, 1000.0) * sfreq
            stop = window.start + WINDOW_SECONDS * sfreq
            assert excerpt.start <= max(low, window.start - margin_samples)
            assert excerpt.stop >= min(high, stop + margin_samples - 1 / ratio)


def test_selected_intervals_cover_blocks_and_windows_and_are_disjoint():
    plan = ExcerptPlan((Excerpt(0, 1000, 0, ((0, 10), (1, 300))),), (0, 1), ())
    blocks = [Block("r", 0, "a", 0.05, 0.4), Block("r", 1, "a", 2.0, None)]
    sfreq = Fraction(100)
    intervals = select_intervals(plan, blocks, sfreq=sfreq, n_times=20, end=310)
    assert intervals == ((5, 40), (300, 310))
