from __future__ import annotations

import dataclasses
import json
import pickle
import re
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import mne
import numpy as np
import pytest

from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.preprocess import load_recipe, recipes
from bids_dl.preprocess.steps.registry import STEPS

DOCS = Path(__file__).parents[2] / "docs/recipes.md"


def recipe(tmp_path, steps, **changes):
    path = tmp_path / "own.yaml"
    path.write_text(f"name: own\nsteps:\n{steps}", encoding="utf-8")
    return load_recipe(PreprocessConfig(str(path), changes))


def recording(
    ch_names=("Fp1", "Cz", "O1", "EOG1"),
    ch_types=("eeg", "eeg", "eeg", "eog"),
    sfreq=160.0,
    n_times=1600,
):
    signals = np.random.default_rng(0).standard_normal((len(ch_names), n_times)) * 1e-5
    return mne.io.RawArray(
        signals,
        mne.create_info(list(ch_names), sfreq, list(ch_types), verbose="error"),
        verbose="error",
    )


LAYOUT = SignalSpec(("Fp1", "Cz", "O1", "EOG1"), ("eeg", "eeg", "eeg", "eog"), Fraction(160))


def test_the_default_recipe_is_what_main_users_were_promised():
    default = load_recipe(PreprocessConfig())
    assert [next(iter(step)) for step in default.to_dict()["steps"]] == [
        "pick",
        "filter",
        "reference",
        "resample",
    ]
    made = default.output_spec(LAYOUT)
    assert made == SignalSpec(("Fp1", "Cz", "O1"), ("eeg", "eeg", "eeg"), Fraction(128))


def test_every_shipped_recipe_loads_and_describes_itself():
    assert "default" in dict(recipes())
    for name, description in recipes():
        assert load_recipe(PreprocessConfig(name)).name == name
        assert len(description) > 20
        assert "\n" not in description


def test_a_recipe_answers_without_importing_mne_or_scipy():
    code = (
        "import sys; from fractions import Fraction; from bids_dl.config.stages import PreprocessConfig;"
        "from bids_dl.preprocess import load_recipe, recipes;"
        "from bids_dl.datamodel import SignalSpec; recipes(); r = load_recipe(PreprocessConfig()); r.to_dict();"
        "r.output_spec(Layout(('Cz', 'Oz'), ('eeg', 'eeg'), Fraction(160))); print({'mne', 'scipy', 'torch'} & set(sys.modules))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "set()"
    )


def test_to_dict_holds_every_parameter_and_loads_back_equal(tmp_path):
    steps = """
  - rename: {names: {T3: T7}, missing: ignore}
  - notch: {freqs: [50, 100]}
  - filter: {high: 40}
  - baseline: {end: 0}
"""
    first = recipe(tmp_path, steps)
    said = first.to_dict()
    assert said["steps"][2] == {
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
    (tmp_path / "again.yaml").write_text(json.dumps(said))
    assert load_recipe(PreprocessConfig(str(tmp_path / "again.yaml"))) == first
    assert json.dumps(said) == json.dumps(recipe(tmp_path, steps).to_dict())


def test_a_recipe_travels_to_other_processes():
    default = load_recipe(PreprocessConfig())
    assert pickle.loads(pickle.dumps(default)) == default


def test_a_change_reaches_its_step_and_no_other(tmp_path):
    changed = load_recipe(
        PreprocessConfig(changes={"filter.high": 40, "resample.sfreq": "100", "pick.types": "eeg"})
    ).to_dict()["steps"]
    assert (
        changed[1]["filter"]["high"],
        changed[1]["filter"]["low"],
        changed[3]["resample"]["sfreq"],
    ) == (40.0, 0.5, 100.0)
    assert load_recipe(PreprocessConfig()).to_dict()["steps"][1]["filter"]["high"] == 45.0
    twice = "  - filter: {low: 1}\n  - filter: {high: 30}\n"
    assert (
        recipe(tmp_path, twice, **{"filter[2].high": 20}).to_dict()["steps"][1]["filter"]["high"]
        == 20.0
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (PreprocessConfig("defualt"), r"no recipe 'defualt', did you mean 'default'\?"),
        (PreprocessConfig("nowhere.yaml"), "recipe nowhere.yaml: cannot be read"),
        (
            PreprocessConfig(changes={"filter.hgih": 40}),
            r"no parameter 'hgih', did you mean 'high'\?",
        ),
        (
            PreprocessConfig(changes={"filtre.high": 40}),
            r"no step 'filtre', did you mean 'filter'\?",
        ),
        (PreprocessConfig(changes={"high": 40}), "expected step.parameter"),
        (PreprocessConfig(changes={"filter[2].high": 40}), "has 1 filter, counted from 1"),
        (PreprocessConfig(changes={"filter.high": "much"}), r"step 2 \(filter\): high = 'much'"),
        (PreprocessConfig(changes={"filter.high": True}), "got true or false"),
        (PreprocessConfig(changes={"filter.high": float("nan")}), "high = nan"),
        (
            PreprocessConfig(changes={"filter.high": 0.1}),
            "low must be below high, got 0.5 and 0.1 Hz",
        ),
        (PreprocessConfig(changes={"resample.sfreq": -1}), "sfreq = -1"),
        (PreprocessConfig(changes={"resample.method": "fft"}), "method = 'fft'"),
        (PreprocessConfig(changes={"pick.types": ["egg"]}), "types = 'egg'"),
        (
            PreprocessConfig(changes={"filter.phase": "forward"}),
            "phase forward does not go with method fir",
        ),
    ],
)
def test_a_wrong_request_is_one_line_that_names_the_closest(config, message):
    with pytest.raises(ConfigError, match=message) as refused:
        load_recipe(config)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping"),
        ("- pick", "expected a mapping"),
        ("steps: {pick: {types: [eeg]}}", "a list of steps"),
        ("steps: [", "not YAML: line 1"),
        ("steps: []\nstep: []", r"unknown key 'step', did you mean 'steps'\?"),
        ("steps: [{filtr: {low: 1}}]", r"step 1: unknown step 'filtr', did you mean 'filter'\?"),
        ("steps: [{filter: {low: 1}, pick: {types: [eeg]}}]", "step 1: expected one step"),
        ("steps: [{filter: 40}]", r"step 1 \(filter\): expected parameters by name"),
        ("steps: [filter]", "give low, high or both"),
        ("steps: [{keep_selected: {a: 1}}]", r"has no parameter 'a'; it has none"),
        (
            "steps: [{filter: {high: 3, transition: -1}}]",
            r"transition = -1: input should be 'auto' or 'eeglab', or .* greater than 0$",
        ),
        ("steps: [{derive: {channels: {A: [Cz, cz]}}}]", r"A is a channel against itself"),
        ("steps: [{rename: {names: [a]}}]", r"names = \['a'\]: input should be a mapping$"),
        (
            "steps: [{filter: {high: 3}}, dropouts]",
            r"dropouts must come before filter, after which silence is no silence",
        ),
        (
            "steps: [{pick: {types: eeg}}, {reject: {dropout: 0.5}}]",
            r"reject by dropout needs the step dropouts",
        ),
        ("steps: [{filter: {lo: 1}}]", r"no parameter 'lo', did you mean 'low'\?"),
        ("steps: [resample]", r"step 1 \(resample\): sfreq must be given"),
        (
            "steps: [{baseline: {}}, {filter: {low: 1}}]",
            "baseline works on windows, so it must come after",
        ),
        ("steps: [{montage: {positions: standart_1005}}]", "no template of this name"),
        ("steps: [!!python/object/apply:os.getcwd []]", "not YAML"),
    ],
)
def test_a_recipe_file_is_checked_before_anything_is_read(tmp_path, text, message):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as refused:
        load_recipe(PreprocessConfig(str(path)))
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_a_number_alone_stands_for_a_list_of_one_and_dropouts_may_follow_what_keeps_samples(
    tmp_path,
):
    path = tmp_path / "own.yaml"
    path.write_text("steps: [{pick: {types: eeg}}, keep_selected, dropouts, {notch: {freqs: 50}}]")
    assert load_recipe(PreprocessConfig(str(path))).steps[-1].freqs == (50.0,)


def test_two_steps_of_a_name_must_be_told_apart(tmp_path):
    with pytest.raises(
        ConfigError,
        match=r"2 steps filter; say filter\[1\].high \(now its default\) or filter\[2\].high \(now 30\)",
    ):
        recipe(tmp_path, "  - filter: {low: 1}\n  - filter: {high: 30}\n", **{"filter.high": 20})


@pytest.mark.parametrize(
    ("steps", "stage", "message"),
    [
        ("  - pick: {names: [Cz, Fp2]}", "channels", r"no channel Fp2 \(closest: Fp1\)"),
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
    own = recipe(tmp_path, steps)
    for attempt in (lambda: own.output_spec(LAYOUT), lambda: own.run(recording())):
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
def test_the_planned_layout_is_the_one_that_comes_out(tmp_path, steps):
    own = recipe(tmp_path, steps)
    made, reports = own.run(recording())
    planned = own.output_spec(LAYOUT)
    assert tuple(made.ch_names) == planned.ch_names
    assert tuple(made.get_channel_types()) == planned.ch_types
    assert made.info["sfreq"] == pytest.approx(float(planned.sfreq), abs=1e-9)
    assert [report.step for report in reports] == [step.name for step in own.signal_steps]


def test_named_channels_come_in_the_order_of_the_recipe_with_their_own_samples(tmp_path):
    raw = recording()
    wanted = raw.get_data(picks=["O1", "Fp1"])
    made, reports = recipe(tmp_path, "  - pick: {names: [o1, fp1]}").run(raw)
    np.testing.assert_array_equal(made.get_data(), wanted)
    assert reports[0].channels == ("Cz", "EOG1")


def test_a_failing_step_is_one_line_with_its_name_and_no_traceback_of_mne(tmp_path):
    raw = recording()
    raw.set_eeg_reference("average", projection=True, verbose="error").apply_proj(verbose="error")
    own = recipe(tmp_path, "  - pick: {types: eeg}\n  - notch: {}")
    with pytest.raises(RecordingError, match="notch: PowerLineFrequency is not known") as failed:
        own.run(raw)
    assert failed.value.stage == "notch"
    assert not failed.value.transient


def test_what_mne_raises_becomes_the_failure_of_its_step(tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("first line\n  second line")

    monkeypatch.setattr(mne.io.RawArray, "filter", broken)
    with pytest.raises(
        RecordingError, match="filter: ValueError: first line second line"
    ) as failed:
        recipe(tmp_path, "  - filter: {low: 1}").run(recording())
    assert "\n" not in failed.value.reason


def test_too_little_memory_may_pass_on_another_try(tmp_path, monkeypatch):
    def greedy(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(mne.io.RawArray, "filter", greedy)
    with pytest.raises(RecordingError, match="not enough memory") as failed:
        recipe(tmp_path, "  - filter: {low: 1}").run(recording())
    assert failed.value.transient


def test_mne_is_silent_and_its_warnings_are_in_the_report(tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, reports = recipe(
            tmp_path, "  - filter: {low: 0.1}\n  - reference: {}\n  - resample: {sfreq: 128}"
        ).run(recording(n_times=320))
    assert reports[0].notes[0] == "not filtered: EOG1"
    assert "longer than the signal" in reports[0].notes[1]
    assert reports[1].notes == ("not referenced: EOG1",)
    assert capfd.readouterr() == ("", "")


def test_bad_channels_are_kept_but_neither_averaged_nor_referenced(tmp_path):
    raw = recording(("Fp1", "Cz", "O1", "Pz"), ("eeg",) * 4)
    raw.info["bads"] = ["Cz"]
    before = raw.get_data()
    made, reports = recipe(
        tmp_path, "  - pick: {types: eeg}\n  - reference: {channels: average}"
    ).run(raw)
    good = [0, 2, 3]
    np.testing.assert_allclose(
        made.get_data()[good], before[good] - before[good].mean(0), atol=1e-18
    )
    np.testing.assert_array_equal(made.get_data()[1], before[1])
    assert reports[1].notes == ("marked bad, so neither averaged nor referenced: Cz",)


def test_an_average_over_bad_channels_only_is_refused(tmp_path):
    raw = recording(("Fp1", "Cz"), ("eeg", "eeg"))
    raw.info["bads"] = ["Cz"]
    with pytest.raises(RecordingError, match="fewer than two channels are not marked bad"):
        recipe(tmp_path, "  - reference: {}").run(raw)


def test_channels_of_another_type_do_not_count_for_an_average(tmp_path):
    raw = recording(("Fp1", "Cz", "G1", "G2"), ("eeg", "eeg", "ecog", "ecog"))
    grid = raw.get_data(picks=["G1", "G2"])
    made, reports = recipe(tmp_path, "  - reference: {}").run(raw)
    np.testing.assert_array_equal(made.get_data(picks=["G1", "G2"]), grid)
    assert reports[0].notes == ("not referenced: G1, G2",)
    made.info["bads"] = ["Fp1"]
    with pytest.raises(
        RecordingError, match="fewer than two channels are not marked bad; bad are Fp1"
    ):
        recipe(tmp_path, "  - reference: {}").run(made)


def test_the_documentation_names_every_step_with_its_parameters_and_its_example_loads(tmp_path):
    text = DOCS.read_text(encoding="utf-8")
    for name, step in STEPS.items():
        [row] = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        parameters = re.findall(r"`(\w+)`", row.split("|")[2])
        assert parameters == [field.name for field in dataclasses.fields(step)]
    example = tmp_path / "alpha.yaml"
    example.write_text(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
    assert load_recipe(PreprocessConfig(str(example))).name == "alpha"
