"""Excerpts of recordings: they must give what the whole recording gives."""

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
from bids_dl.datamodel import Header, SignalSpec, StepReport, Window, exact_rate
from bids_dl.pipeline import excerpts
from bids_dl.pipeline.excerpts import jumps, plan_excerpts
from bids_dl.preprocess import Context, Recipe, RecipeContext, excerpt, joined, load_recipe

DEFAULT = "[{filter: {low: 0.5, high: 45}}, {reference: {}}, {resample: {sfreq: 128}}]"
SIZE = 2.0  # s, of all windows here


def recipe(tmp_path, steps):
    path = tmp_path / "own.yaml"
    path.write_text(f"name: own\nsteps: {steps}\n", encoding="utf-8")
    return load_recipe(PreprocessConfig(str(path)))


def noise(sfreq, seconds, boundaries=(), n_chans=3):
    """Red noise, the level of which jumps at each boundary."""
    rng = np.random.default_rng(0)
    signals = np.cumsum(rng.standard_normal((n_chans, int(seconds * sfreq))), axis=1) * 1e-6
    for place in boundaries:
        signals[:, math.ceil(place * sfreq) :] += 1e-3
    return mne.io.RawArray(
        signals, mne.create_info(n_chans, float(sfreq), "eeg", verbose="error"), verbose="error"
    )


def header(raw, boundaries=()):
    return Header(
        raw.info["sfreq"],
        raw.n_times,
        tuple(raw.ch_names),
        tuple(raw.get_channel_types()),
        tuple(boundaries),
    )


def at(onsets, sfreq):
    samples = [math.floor(onset * sfreq + 0.5) for onset in onsets]
    return [
        Window("r", 0, float(onset), sample, sample, "rest")
        for onset, sample in zip(onsets, samples, strict=True)
    ]


def pieces_of(raw, own, onsets, boundaries=()):
    head = header(raw, boundaries)
    spec = SignalSpec(head.ch_names, head.ch_types, exact_rate(head.sfreq))
    after = own.output_spec(spec)
    planned = at(onsets, head.sfreq)
    n_times = round(SIZE * after.sfreq)
    return plan_excerpts(
        planned,
        head,
        own.reach(spec),
        ratio=after.sfreq / spec.sfreq,
        offset=0,
        n_times=n_times,
    )


def cut(raw, own, made, rate):
    """Windows by number, each from its piece."""
    found = {}
    for piece in made.pieces:
        inside = [jump for jump in jumps(header(raw)) if piece.start < jump < piece.stop]
        cleaned, _ = own.run(
            excerpt(raw, piece.start, piece.stop, before=piece.before, jumps=inside)
        )
        signal = cleaned.get_data()
        found |= {
            number: signal[:, row : row + round(SIZE * rate)] for number, row in piece.windows
        }
    return found


STEPS = [
    (DEFAULT, 160, 128),
    (DEFAULT, 250, 128),
    (DEFAULT, 512, 128),
    (DEFAULT, 1000 / 3, 128),
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
def test_windows_from_pieces_are_those_of_the_whole_recording(
    tmp_path, monkeypatch, steps, sfreq, rate
):
    monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 30_000)
    monkeypatch.setattr(excerpts, "LEAST_MARGINS", 2)
    own, raw = recipe(tmp_path, steps), noise(sfreq, 121.3)
    onsets = np.arange(0, 119.3, 1.37)
    made = pieces_of(raw, own, onsets)
    assert made.kept == tuple(range(len(onsets)))
    assert len(made.pieces) > 3 or "iir" in steps
    whole = own.run(raw.copy())[0].get_data()
    for number, window in cut(raw, own, made, rate).items():
        start = windows.position(at(onsets, sfreq)[number], Fraction(rate) / exact_rate(sfreq), 0)
        np.testing.assert_allclose(
            window,
            whole[:, start : start + round(SIZE * rate)],
            rtol=0,
            atol=1e-13 * np.abs(whole).max(),
        )


@pytest.mark.parametrize("steps", [steps for steps, *_ in STEPS if "resample" not in steps])
def test_no_filter_crosses_a_place_where_time_jumps(tmp_path, monkeypatch, steps):
    monkeypatch.setattr(excerpts, "EXCERPT_BYTES", 30_000)
    boundaries = (23.3, 70.002)
    own, raw = recipe(tmp_path, steps), noise(256, 100, boundaries)
    onsets = [*np.arange(0, 21.3, SIZE), *np.arange(23.3, 68, SIZE), *np.arange(70.002, 98, SIZE)]
    made = pieces_of(raw, own, onsets, boundaries)
    assert made.kept == tuple(range(len(onsets)))
    found = cut(raw, own, made, 256)
    edges = [0, *jumps(header(raw, boundaries)), raw.n_times]
    for low, high in itertools.pairwise(edges):
        apart = mne.io.RawArray(raw.get_data(start=low, stop=high), raw.info, verbose="error")
        alone = own.run(apart)[0].get_data()
        for number in (i for i, window in enumerate(at(onsets, 256)) if low <= window.start < high):
            start = at(onsets, 256)[number].start - low
            np.testing.assert_allclose(
                found[number], alone[:, start : start + 512], rtol=0, atol=1e-16
            )


@pytest.mark.parametrize("sfreq", [160, 250, 512])
def test_a_jump_of_a_millivolt_leaves_no_trace_where_rates_share_no_sample_with_it(tmp_path, sfreq):
    boundaries = (33.303, 70.002)
    own = recipe(tmp_path, DEFAULT)
    onsets = [*np.arange(0, 31, SIZE), *np.arange(33.303, 68, SIZE), *np.arange(70.002, 98, SIZE)]
    loud, quiet = noise(sfreq, 100, boundaries), noise(sfreq, 100)
    found = [cut(raw, own, pieces_of(raw, own, onsets, boundaries), 128) for raw in (loud, quiet)]
    assert set(found[0]) == set(range(len(onsets)))
    for number, window in found[0].items():
        np.testing.assert_allclose(window, found[1][number], atol=1e-12)


@dataclass(frozen=True)
class Everything:
    """A step that needs the whole recording; it keeps where it was told that time jumps."""

    name: ClassVar[str] = "everything"

    def needs(self, _):
        return Context("recording")

    def output_spec(self, spec):
        return spec

    def apply(self, raw, _):
        return raw, StepReport(
            self.name, notes=tuple(f"{a['description']} {a['onset']:.3f}" for a in raw.annotations)
        )


def test_a_step_that_needs_the_recording_gets_it_whole_with_its_jumps_marked():
    own, raw = Recipe("own", "", (Everything(),)), noise(100, 20, (5.0, 12.345))
    made = pieces_of(raw, own, [0, 6, 13], (5.0, 12.345))
    [piece] = made.pieces
    assert (piece.start, piece.stop, piece.before) == (0, 2000, 0)
    cleaned, [report] = own.run(excerpt(raw, 0, 2000, jumps=jumps(header(raw, (5.0, 12.345)))))
    assert report.notes == ("EDGE boundary 5.000", "EDGE boundary 12.350")
    filtered = cleaned.copy().filter(1, 40, verbose="error").get_data()
    alone = (
        mne.io.RawArray(raw.get_data(stop=500), raw.info, verbose="error")
        .filter(1, 40, verbose="error")
        .get_data()
    )
    np.testing.assert_allclose(filtered[:, :500], alone, atol=1e-16)


def test_few_windows_of_a_long_recording_are_filtered_and_nothing_else(tmp_path):
    own, raw = recipe(tmp_path, DEFAULT), noise(250, 1000)
    made = pieces_of(raw, own, [10, 11, 500, 990])
    assert [len(piece.windows) for piece in made.pieces] == [2, 1, 1]
    assert sum(piece.stop - piece.start for piece in made.pieces) < 0.04 * raw.n_times


def test_a_short_recording_is_one_piece_whole(tmp_path):
    raw = noise(160, 61)
    [piece] = pieces_of(raw, recipe(tmp_path, DEFAULT), np.arange(0, 60, SIZE)).pieces
    assert (piece.start, piece.stop, piece.before) == (0, raw.n_times, 0)


def test_a_window_that_its_recording_cannot_hold_at_the_new_rate_is_dropped_with_the_numbers(
    tmp_path,
):
    made = pieces_of(noise(160, 10), recipe(tmp_path, DEFAULT), [0, 8, 8.01, -0.01])
    assert made.kept == (0, 1)
    reason = "it needs samples {} at the new rate, there are 0 to 1280"
    assert made.dropped == ((2, reason.format("1026 to 1282")), (3, reason.format("-2 to 254")))


def test_windows_keep_their_numbers_whatever_their_order(tmp_path):
    own, raw = recipe(tmp_path, DEFAULT), noise(250, 300)
    onsets = [200.0, 10.0, 201.0, 9.5]
    made = pieces_of(raw, own, onsets)
    assert made.kept == (0, 1, 2, 3)
    assert [[number for number, _ in piece.windows] for piece in made.pieces] == [[3, 1], [0, 2]]


@settings(max_examples=200, deadline=None)
@given(
    rates=st.sampled_from(
        [(160, 128), (250, 128), (256, 256), (1000, 250), (500, 128), (100, 128)]
    ),
    edges=st.lists(st.floats(0, 60), max_size=4),
    onsets=st.lists(st.floats(0, 58), max_size=30),
    margin=st.sampled_from([0.0, 0.3, 3.4, math.inf]),
)
def test_each_window_lies_in_one_piece_with_its_margins_and_none_crosses_a_jump(
    rates, edges, onsets, margin
):
    sfreq, rate = rates
    ratio = Fraction(rate, sfreq)
    head = Header(float(sfreq), 60 * sfreq, ("E1", "E2"), ("eeg", "eeg"), tuple(edges))
    inside = [onset for onset in onsets if not any(onset < edge < onset + SIZE for edge in edges)]
    planned = at(inside, sfreq)
    made = plan_excerpts(
        planned,
        head,
        RecipeContext(margin, ratio.denominator, "", 1.0),
        ratio=ratio,
        offset=0,
        n_times=round(SIZE * rate),
    )
    cuts = [0, *jumps(head), head.n_times]
    assert sorted(number for piece in made.pieces for number, _ in piece.windows) == list(made.kept)
    assert sorted([*made.kept, *(number for number, _ in made.dropped)]) == list(
        range(len(planned))
    )
    for piece in made.pieces:
        low = max(edge for edge in cuts if edge <= piece.start)
        high = min(edge for edge in cuts if edge > piece.start)
        assert piece.stop <= high
        assert (piece.start - piece.before) % ratio.denominator == 0 or ratio.denominator == 1
        assert piece.before == 0 or piece.start == low > 0
        length = math.ceil((piece.stop - piece.start + piece.before) * ratio)
        for number, row in piece.windows:
            window = planned[number]
            assert 0 <= row <= length - round(SIZE * rate)
            moment = (row / ratio) + (piece.start - piece.before) - window.start
            assert abs(moment) <= Fraction(1, 2) / ratio
            reach = min(margin, 1000.0) * sfreq
            assert piece.start <= max(low, window.start - reach)
            assert piece.stop >= min(high, window.start + SIZE * sfreq + reach - 1 / ratio)


def test_reports_of_pieces_are_joined_by_their_share_of_the_samples():
    first = [StepReport("clean", ("E1",), 0.5, ("note",), 5.0), StepReport("pick", ("E9",), 0.0)]
    second = [
        StepReport("clean", ("E2", "E1"), 0.0, ("note", "more")),
        StepReport("pick", ("E9",), 0.0),
    ]
    assert joined([first, second], [(0, 100), (50, 350)]) == [
        StepReport(
            "clean", ("E1", "E2"), 0.125, ("note", "more"), 4.375
        ),  # of 40 s in two excerpts that cover 35 s
        StepReport("pick", ("E9",), 0.0),
    ]


def test_a_recording_of_many_excerpts_does_not_say_the_same_kind_of_thing_a_hundred_times():
    parts = [[StepReport("clean", notes=(f"excerpt {i}",))] for i in range(100)]
    [report] = joined(parts, [(i, i + 1) for i in range(100)])
    assert report.notes == (*(f"excerpt {i}" for i in range(20)), "and 80 notes more")


def test_annotations_and_dates_follow_an_excerpt():
    for date in (None, 1_000_000):
        raw = noise(100, 20)
        raw.set_meas_date(date)
        raw.set_annotations(
            mne.Annotations([2, 12], [1, 1], ["early", "late"], orig_time=raw.info["meas_date"])
        )
        late = excerpt(raw.crop(1), 1000, 1500)
        assert [str(name) for name in late.annotations.description] == ["late"]
        assert late.annotations.onset[0] - late.first_time == pytest.approx(1.0)
        np.testing.assert_array_equal(late.get_data(), raw.get_data(start=1000, stop=1500))


def test_an_excerpt_of_a_loaded_recording_is_a_copy():
    raw = noise(100, 2)
    before = raw.get_data()
    excerpt(raw, 0, 100)._data[:] = 7
    np.testing.assert_array_equal(raw.get_data(), before)
