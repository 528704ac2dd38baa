from __future__ import annotations

import json

import pytest

from bids_dl.cli.show_model import print_model
from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import MODELS, find_spec


def test_a_model_is_explained_with_windows_rate_licence_parameters_and_options(capsys):
    print_model("s-vgg", as_json=False)
    shown = capsys.readouterr().out
    assert "windows: channels with known positions\n" in shown
    assert "shortest window: 1 s\n" in shown
    assert "sampling rate: any; 128 Hz is published\n" in shown
    assert "normalization: none, signals in µV\n" in shown
    assert "transforms: band-topography\n" in shown
    assert "licence: BSD-3-Clause\n" in shown
    assert "parameters: 1,751,506 for 2 outputs and windows of (24, 256) at 128 Hz\n" in shown
    assert "  dropout: 0.5\n" in shown


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_json_has_what_the_text_has(capsys, name):
    print_model(name, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["name"] == name
    assert shown["n_parameters"] > 0
    assert set(shown["example"]) == {"n_chans", "n_times", "sfreq"}


def test_lengths_of_an_adapted_model_are_given_in_seconds_at_its_rate(capsys):
    try:
        find_spec("braindecode/Deep4Net")
    except ModelError as error:
        pytest.skip(str(error))
    print_model("braindecode/Deep4Net", as_json=False)
    shown = capsys.readouterr().out
    assert "filter_time_length: 10  (0.04 s at 250 Hz, if it is along time)\n" in shown
    print_model("braindecode/CBraMod", as_json=False)
    shown = capsys.readouterr().out
    assert "sampling rate: 200 Hz, no other\n" in shown
    assert "licence: MIT\n" in shown
    assert "pretrained weights: huggingface.co/braindecode/cbramod-pretrained" in shown


def test_an_unknown_model_is_refused_with_the_names_of_adapters():
    message = r"did you mean 'eegnet'\?; available: .*braindecode/NAME, timm/NAME, MODULE:CLASS$"
    with pytest.raises(ConfigError, match=message):
        print_model("eegnett", as_json=False)
