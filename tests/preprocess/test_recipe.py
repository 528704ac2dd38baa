"""Recipes: what they plan, run and report."""

from __future__ import annotations

import json
import pickle
import warnings
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import mne
import numpy as np
import pytest
from recipe_yaml import load_file, load_steps, make_recording

from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import Context, Recipe, StepTraits, Windows, merge_reports
from bids_dl.preprocess.step import WindowStepResult

SPEC = SignalSpec(("Fp1", "Cz", "O1", "EOG1"), ("eeg", "eeg", "eeg", "eog"), Fraction(160))


@dataclass(frozen=True)
class DropOver:
    """A step on windows that drops windows by their first sample."""

    limit: float
    name: ClassVar[str] = "drop_over"
    traits: ClassVar[StepTraits] = StepTraits(packages=("numpy",))

    def required_context(self, _):
        return Context("recording" if self.limit < 0 else "windows")

    def output_spec(self, spec):
        return spec

    def apply_windows(self, windows):
        reasons = [
            f"{value:g} over {self.limit:g}" if value > self.limit else ""
            for value in windows.signals[:, 0, 0]
        ]
        return WindowStepResult(windows.signals + 10, tuple(reasons), StepReport(self.name))


def test_to_dict_holds_every_parameter_and_loads_back_equal(tmp_path):
    steps = """
  - rename: {names: {T3: T7}, missing: ignore}
  - notch: {freqs: [50, 100]}
  - filter: {high: 40}
  - baseline: {end: 0}
"""
    recipe = load_steps(tmp_path, steps)
    document = recipe.to_dict()
    assert document["steps"][2] == {
        "filter": {
            "low": None,
            "high": 40.0,
            "transition": "auto",
            "method": "fir",
            "phase": "zero",
            "fir_window": "hamming",
            "fir_design": "firwin",
        }
    }
    (tmp_path / "again.yaml").write_text(json.dumps(document))
    assert load_file(tmp_path / "again.yaml") == recipe
    assert json.dumps(document) == json.dumps(load_steps(tmp_path, steps).to_dict())


def test_a_pickled_recipe_is_equal():
    recipe = load_file("default")
    assert pickle.loads(pickle.dumps(recipe)) == recipe


@pytest.mark.parametrize(
    ("steps", "stage", "message"),
    [
        ("  - pick: {names: [Cz, Fp1-Ref]}", "channels", r"no channel Fp1-Ref \(closest: Fp1\)"),
        ("  - pick: {names: [Cz, CZ]}", "channels", "channel Cz is named twice"),
        (
            "  - pick: {types: [ecog]}",
            "channels",
            "no channel of type ecog; the recording has 3 eeg, 1 eog",
        ),
        ("  - drop: {names: [Oz]}", "channels", "no channel Oz"),
        ("  - drop: {names: [Fp1, Cz, O1, EOG1]}", "channels", "no channel is left"),
        ("  - rename: {names: {Fz: Cz}}", "channels", "no channel Fz"),
        ("  - rename: {names: {Fp1: Cz}}", "rename", "two channels would be named Cz"),
        ("  - reference: {channels: [M1, M2]}", "channels", "no channel M1, M2"),
        ("  - pick: {names: Cz}\n  - reference: {}", "reference", "needs two channels"),
        ("  - filter: {high: 80}", "filter", "80 Hz is not below the Nyquist frequency, 80 Hz"),
        ("  - notch: {freqs: [50, 100]}", "notch", "a notch at 100 Hz"),
    ],
)
def test_plan_and_run_refuse_a_recording_alike(tmp_path, steps, stage, message):
    recipe = load_steps(tmp_path, steps)
    for attempt in (lambda: recipe.output_spec(SPEC), lambda: recipe.run(make_recording())):
        with pytest.raises(RecordingError, match=message) as failed:
            attempt()
        assert failed.value.stage == stage


@pytest.mark.parametrize(
    "steps",
    [
        "  - pick: {types: [eeg]}",
        "  - pick: {names: [o1, CZ]}",
        "  - pick: {types: eog, names: [O1, Fp1]}",
        "  - drop: {names: [cz, A1], missing: ignore}",
        "  - rename: {names: {fp1: AF7, T3: T7}, missing: ignore}",
        "  - rename: {names: {Fp1: Cz, Cz: Fp1}}",
        "  - montage: {positions: standard_1005}\n  - reference: {channels: cz}",
        "  - resample: {sfreq: 333.3333333333}",
        "  - filter: {low: 1}\n  - resample: {sfreq: 250}\n  - drop: {names: EOG1}",
    ],
)
def test_channels_and_rate_after_a_run_are_the_planned_ones(tmp_path, steps):
    recipe = load_steps(tmp_path, steps)
    raw, reports = recipe.run(make_recording())
    planned = recipe.output_spec(SPEC)
    assert tuple(raw.ch_names) == planned.ch_names
    assert tuple(raw.get_channel_types()) == planned.ch_types
    assert raw.info["sfreq"] == pytest.approx(float(planned.sfreq), abs=1e-9)
    assert [report.step for report in reports] == [step.name for step in recipe.signal_steps]


@pytest.mark.parametrize(
    ("steps", "is_whole"),
    [
        ("  - filter: {low: 1}\n  - resample: {sfreq: 250}", False),
        ("  - resample: {sfreq: 250}\n  - filter: {low: 1}", True),
        ("  - filter: {low: 1}", True),
    ],
)
def test_samples_that_no_window_needs_are_omitted_by_the_last_step_only(tmp_path, steps, is_whole):
    recipe = load_steps(tmp_path, steps)
    whole, _ = recipe.run(make_recording())
    expected = whole.get_data()
    partial, _ = recipe.run(make_recording(), [(40, 60)])
    signals = partial.get_data()
    np.testing.assert_array_equal(signals[:, 40:60], expected[:, 40:60])
    assert np.isfinite(signals).all() == is_whole


def test_a_step_that_departs_from_its_plan_fails():
    @dataclass(frozen=True)
    class Unplanned:
        name: ClassVar[str] = "unplanned"
        traits: ClassVar[StepTraits] = StepTraits()

        def output_spec(self, spec):
            return spec

        def apply(self, raw, _):
            return raw.drop_channels(["Cz"]), StepReport(self.name)

    message = r"unplanned: produced SignalSpec\(.*\), but SignalSpec\(.*\) was planned"
    with pytest.raises(RecordingError, match=message):
        Recipe("own", "", (Unplanned(),)).run(make_recording(("Fp1", "Cz"), ("eeg", "eeg")))


def test_the_context_of_a_recipe_adds_up_over_its_steps(tmp_path):
    steps = "  - filter: {low: 1}\n  - resample: {sfreq: 320}\n"
    recipe = load_steps(tmp_path, steps)
    band, resample = recipe.signal_steps
    context = recipe.required_context(SPEC)
    margins = [step.required_context(SPEC).margin for step in (band, resample)]
    assert context.margin == pytest.approx(sum(margins))
    assert (context.period, context.needs_whole, context.size_factor) == (1, "", 2.0)
    whole = load_steps(tmp_path, "  - demean\n  - resample: {sfreq: 128}\n  - keep_selected\n")
    context = whole.required_context(SPEC)
    assert (context.period, context.needs_whole, context.size_factor) == (5, "demean", 1.0)


def test_the_properties_of_a_recipe_follow_the_traits_of_its_steps(tmp_path):
    plain = load_steps(tmp_path, "  - pick: {types: eeg}")
    assert not plain.concatenates
    assert not plain.writes_dropout_mask
    assert not plain.needs_all_windows
    assert plain.packages == ()
    full = load_steps(tmp_path, "  - dropouts\n  - keep_selected\n  - asr\n  - drifts")
    assert full.concatenates
    assert full.writes_dropout_mask
    assert full.packages == ("eegprep",)
    assert Recipe("own", "", (), (DropOver(-1),)).needs_all_windows
    assert Recipe("own", "", (), (DropOver(1),)).packages == ("numpy",)


def test_named_channels_come_in_the_order_of_the_recipe_with_their_own_samples(tmp_path):
    raw = make_recording()
    expected = raw.get_data(picks=["O1", "Fp1"])
    picked, reports = load_steps(tmp_path, "  - pick: {names: [o1, fp1]}").run(raw)
    np.testing.assert_array_equal(picked.get_data(), expected)
    assert reports[0].channels == ("Cz", "EOG1")


def test_the_error_of_a_step_names_the_step_and_is_not_transient(tmp_path):
    raw = make_recording()
    raw.set_eeg_reference("average", projection=True, verbose="error").apply_proj(verbose="error")
    recipe = load_steps(tmp_path, "  - pick: {types: eeg}\n  - notch: {}")
    with pytest.raises(RecordingError, match=r"^notch: .*PowerLineFrequency") as failed:
        recipe.run(raw)
    assert failed.value.stage == "notch"
    assert not failed.value.transient


def test_an_exception_of_mne_becomes_the_failure_of_its_step(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise ValueError("first line\n  second line")

    monkeypatch.setattr(mne.io.RawArray, "filter", fail)
    recipe = load_steps(tmp_path, "  - filter: {low: 1}")
    message = "filter: ValueError: first line second line"
    with pytest.raises(RecordingError, match=message) as failed:
        recipe.run(make_recording())
    assert "\n" not in failed.value.reason


def test_mne_prints_nothing_and_its_warnings_are_in_the_report(tmp_path, capfd):
    steps = "  - filter: {low: 0.1}\n  - reference: {}\n  - resample: {sfreq: 128}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, reports = load_steps(tmp_path, steps).run(make_recording(n_times=320))
    assert reports[0].notes[0] == "not filtered: EOG1"
    assert "longer than the signal" in reports[0].notes[1]
    assert reports[1].notes == ("not referenced: EOG1",)
    assert capfd.readouterr() == ("", "")


def test_each_step_on_windows_sees_the_windows_that_the_last_one_kept():
    signals = np.arange(5.0)[:, None, None] * np.ones((1, 2, 3))
    mask = signals == 3
    recipe = Recipe("own", "", (), (DropOver(3.5), DropOver(11.5)))
    info = mne.create_info(2, 4.0, "eeg", verbose="error")
    results = recipe.run_windows(Windows(signals, np.arange(3) / 4.0, info, mask))
    assert results.kept == (0, 1)
    assert results.dropped == (
        (2, "drop_over", "12 over 11.5"),
        (3, "drop_over", "13 over 11.5"),
        (4, "drop_over", "4 over 3.5"),
    )
    assert results.n_inputs == (5, 4)
    np.testing.assert_array_equal(results.windows.signals[:, 0, 0], [20, 21])
    assert results.windows.dropout_mask.shape == (2, 2, 3)
    assert not results.windows.dropout_mask.any()
    assert [report.seconds for report in results.reports] == [5 * 0.75, 4 * 0.75]


def test_reports_on_excerpts_are_merged_by_their_share_of_the_samples():
    first = [
        StepReport("clean", ("E1",), 0.5, ("note",), 5.0, "changed nothing"),
        StepReport("pick", ("E9",), 0.0, flag="changed nothing"),
    ]
    second = [
        StepReport("clean", ("E2", "E1"), 0.0, ("note", "more")),
        StepReport("pick", ("E9",), 0.0, flag="changed nothing"),
    ]
    assert merge_reports([first, second], [(0, 100), (50, 350)]) == [
        # 5 s of 40 s in two excerpts, which cover 35 s of the recording
        StepReport("clean", ("E1", "E2"), 0.125, ("note", "more"), 4.375),
        StepReport("pick", ("E9",), 0.0, flag="changed nothing"),
    ]
