"""Names of the 10-05 system."""

from __future__ import annotations

from bids_dl.source.channels import electrodes
from bids_dl.source.channels.electrode_names import ELECTRODES, is_electrode


def test_the_names_are_those_with_a_standard_position():
    _, positions = electrodes._template()
    assert set(positions) == ELECTRODES


def test_case_does_not_matter():
    assert is_electrode("FCZ")
    assert not is_electrode("E57")
