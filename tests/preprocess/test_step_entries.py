"""Entries of a recipe file: names of steps, changes of parameters, and their validation."""

from __future__ import annotations

import pytest
from recipe_yaml import load_file, load_steps, write_recipe

from bids_dl.errors import ConfigError
from bids_dl.preprocess.step_entries import build_step, change_parameter, parse_entry


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
        ("filter", "give low, high or both"),
        ({"keep_selected": {"a": 1}}, "has no parameter 'a'; its parameters: none"),
        (
            {"filter": {"high": 3, "transition": -1}},
            r"transition = -1: input should be 'auto' or 'eeglab', or .* greater than 0$",
        ),
        ({"rename": {"names": ["a"]}}, r"names = \['a'\]: input should be a mapping$"),
        ({"filter": {"lo": 1}}, r"no parameter 'lo', did you mean 'low'\?"),
        ("resample", r"step 1 \(resample\): sfreq must be given"),
        ({"montage": {"positions": "standart_1005"}}, "no template of this name"),
    ],
)
def test_an_invalid_step_is_refused_in_one_line(item, message):
    with pytest.raises(ConfigError, match=message) as refused:
        build_step(entries(item)[0])
    assert "\n" not in str(refused.value)


def test_a_single_number_is_a_list_of_one(tmp_path):
    path = write_recipe(tmp_path / "own.yaml", "steps: [{notch: {freqs: 50}}]")
    assert load_file(path).steps[0].freqs == (50.0,)


def test_a_change_leaves_the_document_of_the_recipe_as_it_is():
    parameters = {"low": 1.0}
    [entry] = entries({"filter": parameters})
    change_parameter([entry], "filter.low", 2.0, "recipe own")
    assert build_step(entry).low == 2.0
    assert parameters == {"low": 1.0}
