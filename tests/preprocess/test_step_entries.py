"""Entries of a recipe file: names of steps, changes of parameters, and their validation."""

from __future__ import annotations

import pytest
from recipe_yaml import load_file, load_steps, write_recipe

from bids_dl.errors import ConfigError
from bids_dl.preprocess.step_entries import build_step, change_parameter, parse_entry
from bids_dl.preprocess.steps.registry import ELSEWHERE, MAIN_PARAMETERS, OTHER_NAMES, STEPS


def entries(*items):
    return [parse_entry(item, f"recipe own, step {i}") for i, item in enumerate(items, 1)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"filter.hgih": 40}, r"no parameter 'hgih', did you mean 'high'\?; its parameters: low,"),
        (
            {"filtre.high": 40},
            r"no step 'filtre', did you mean 'filter'\?; its steps are pick, filter, reference,",
        ),
        ({"high": 40}, "cannot change 'high': expected step.parameter, such as filter.high"),
        ({"filter[2].high": 40}, "has 1 filter, counted from 1"),
        ({"filter[0].high": 40}, "has 1 filter, counted from 1"),
        ({"filter.high": "much"}, r"step 2 \(filter\): high = 'much'"),
        ({"filter.high": True}, "got true or false"),
        ({"filter.high": float("nan")}, "high = nan"),
        ({"resample.sfreq": -1}, "sfreq = -1"),
        ({"resample.method": "fft"}, "method = 'fft'"),
        ({"pick.types": ["egg"]}, "types = 'egg'"),
        ({"filter.phase": "forward"}, "phase forward .* method fir"),
    ],
)
def test_an_invalid_change_is_refused_in_one_line(changes, message):
    with pytest.raises(ConfigError, match=message) as refused:
        load_file("default", **changes)
    assert "\n" not in str(refused.value)


def test_a_change_of_one_of_two_steps_of_a_name_needs_a_number(tmp_path):
    message = (
        r"2 steps filter; use filter\[1\].high \(now its default\) or filter\[2\].high \(now 30\)"
    )
    with pytest.raises(ConfigError, match=message):
        load_steps(
            tmp_path, "  - filter: {low: 1}\n  - filter: {high: 30}\n", **{"filter.high": 20}
        )


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"filtr": {"low": 1}},
            r"step 1: unknown step 'filtr', did you mean 'filter'\?; use one of dropouts, pick,",
        ),
        ({"filter": {"low": 1}, "pick": {"types": ["eeg"]}}, "step 1: expected one step"),
        ({"filter": 40}, r"step 1 \(filter\): expected parameters by name, low, high,.* got 40"),
        ({"baseline": [-0.2, 0]}, r"write for example `baseline: {start: -0.2, end: 0}`$"),
        ({"demean": True}, r"step 1 \(demean\): has no parameters, got True; write `demean`$"),
        ({"resample": "fast"}, r"step 1 \(resample\): sfreq = 'fast': expected "),
        ("filter", "give low, high or both"),
        ({"keep_selected": {"a": 1}}, "has no parameter 'a'; its parameters: none"),
        (
            {"filter": {"high": 3, "transition": -1}},
            "transition = -1: expected one of auto, eeglab or a number greater than 0$",
        ),
        ({"rename": {"names": ["a"]}}, r"names = \['a'\]: expected a mapping$"),
        ({"filter": {"lo": 1}}, r"no parameter 'lo', did you mean 'low'\?"),
        ("resample", r"step 1 \(resample\): sfreq must be given"),
        ({"montage": {"positions": "standart_1005"}}, "no template of this name"),
    ],
)
def test_an_invalid_step_is_refused_in_one_line(item, message):
    with pytest.raises(ConfigError, match=message) as refused:
        build_step(entries(item)[0])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("short", "parameters"),
    [
        ("reference: average", {"channels": "average"}),
        ("reference: [M1, M2]", {"channels": ("M1", "M2")}),
        ("resample: 128", {"sfreq": 128.0}),
        ("notch: 50", {"freqs": (50.0,)}),
        ("drop: [EOG]", {"names": ("EOG",)}),
        ("pick: eeg", {"types": ("eeg",)}),
        ("montage: standard_1005", {"positions": ("standard_1005",)}),
    ],
)
def test_a_step_with_one_main_parameter_takes_its_value_alone(tmp_path, short, parameters):
    path = write_recipe(tmp_path / "own.yaml", f"steps: [{{{short}}}]")
    step = load_file(path).steps[0]
    assert {name: getattr(step, name) for name in parameters} == parameters


def test_main_parameters_are_parameters_of_their_steps():
    for name, parameter in MAIN_PARAMETERS.items():
        assert parameter in STEPS[name].__dataclass_fields__


def test_a_single_number_is_a_list_of_one(tmp_path):
    path = write_recipe(tmp_path / "own.yaml", "steps: [{notch: {freqs: 50}}]")
    assert load_file(path).steps[0].freqs == (50.0,)


def test_a_change_leaves_the_document_of_the_recipe_as_it_is():
    parameters = {"low": 1.0}
    [entry] = entries({"filter": parameters})
    change_parameter([entry], "filter.low", 2.0, "recipe own")
    assert build_step(entry).low == 2.0
    assert parameters == {"low": 1.0}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("bandpass", "did you mean 'filter'?"),
        ("High-pass", "did you mean 'filter'?"),
        ("re-reference", "did you mean 'reference'?"),
        ("CAR", "did you mean 'reference'?"),
        ("downsample", "did you mean 'resample'?"),
        ("line noise", "did you mean 'notch'?"),
        ("autorej", "did you mean 'autoreject'?"),
        ("interp", "did you mean 'interpolate'?"),
        ("epoch", "windows are cut by --window, or by --tmin and --tmax"),
    ],
)
def test_the_usual_name_of_a_step_leads_to_it(name, hint):
    with pytest.raises(ConfigError) as refusal:
        parse_entry({name: {}}, "step 1")
    assert f"unknown step {name!r}, {hint}; use one of" in str(refusal.value)


def test_no_usual_name_of_a_step_is_the_name_of_another():
    usual = [name for names in (*OTHER_NAMES.values(), *ELSEWHERE.values()) for name in names]
    assert len(usual) == len(set(usual))
    assert not set(usual) & set(STEPS)
    assert set(OTHER_NAMES) <= set(STEPS)
