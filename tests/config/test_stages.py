"""Dataclasses of the stages."""

from __future__ import annotations

import pytest

from bids_dl.config.defaults import default_values
from bids_dl.config.stages import LabelConfig, PreprocessConfig, WindowsConfig
from bids_dl.errors import ConfigError


def test_windows_are_sliding_event_locked_or_not_requested():
    sliding = WindowsConfig(window=2.0)
    locked = WindowsConfig(tmin=-0.5, tmax=1.0)
    assert (sliding.sliding, sliding.requested, sliding.duration) == (True, True, 2.0)
    assert (locked.sliding, locked.requested, locked.duration) == (False, True, 1.5)
    assert not WindowsConfig().requested


def test_a_duration_of_no_windows_is_refused():
    with pytest.raises(ConfigError, match="no windows requested"):
        _ = WindowsConfig().duration


def test_defaults_are_listed_by_field():
    assert default_values(PreprocessConfig) == {"recipe": "default", "set": {}}
    assert default_values(LabelConfig)["query"] is None
    assert default_values(LabelConfig)["trim"] == (0.0, 0.0)
