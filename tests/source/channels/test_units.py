"""Units of channels and their conversion to volts."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.errors import RecordingError
from bids_dl.source.channels import units
from bids_dl.source.channels.units import ChannelUnit, scale_to_volts, unit_in_volts


def unit(
    file_unit: str | None = "uV",
    *,
    table_unit: str = "",
    name: str = "Cz",
    ch_type: str = "eeg",
    assumed_volts: float = 1e-6,
    is_brain: bool = True,
) -> ChannelUnit:
    return ChannelUnit(name, ch_type, file_unit, table_unit, assumed_volts, is_brain)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(units).failed == 0


@pytest.mark.parametrize(
    "text",
    [
        *("uV", "UV", "uv", "µV", "μV", "microV", "MicroVolts", "µVolt", "Âµv", "Î¼V"),
        *("\x83\xcaV", "?V", "uV\x00\x00", " uV "),
    ],
)
def test_microvolts_are_recognized_in_every_spelling(text):
    assert unit_in_volts(text) == 1e-6


@pytest.mark.parametrize(
    ("text", "volts"),
    [
        ("V", 1),
        ("v", 1),
        ("Volts", 1),
        ("mV", 1e-3),
        ("MV", 1e-3),
        ("milliVolt", 1e-3),
        ("nV", 1e-9),
    ],
)
def test_other_voltages_have_their_size(text, volts):
    assert unit_in_volts(text) == volts


@pytest.mark.parametrize(
    "text",
    ["", "n/a", "%", "degC", "Boolean", "bpm", "-", "uV/10", "kV", "uS", "mmHg", "m", "10uV"],
)
def test_other_quantities_are_not_voltages(text):
    assert unit_in_volts(text) is None


@given(st.text(max_size=10))
def test_any_text_is_a_voltage_or_none(text):
    assert unit_in_volts(text) in {None, 1.0, 1e-3, 1e-6, 1e-9}


def test_a_unit_that_mne_misreads_is_corrected_with_a_note():
    scaling = scale_to_volts([unit("UV", assumed_volts=1.0), unit("uV", name="Pz")])
    assert scaling.factors == (1e-6, 1.0)
    assert scaling.notes == ("Cz: unit 'UV' was read as µV",)


def test_channels_with_the_same_note_share_a_line():
    scaling = scale_to_volts([unit("uV", table_unit="V", name=name) for name in ("Cz", "Pz")])
    assert scaling.notes == (
        "Cz, Pz: channels.tsv has the unit V, the file uV; the file's unit was used",
    )


def test_the_unit_of_channels_tsv_replaces_a_missing_one():
    scaling = scale_to_volts([unit("", table_unit="mV", assumed_volts=1.0)])
    assert scaling.factors == (1e-3,)
    assert scaling.notes == ("Cz: the file has no unit; mV from channels.tsv was used",)


def test_a_format_with_a_fixed_unit_keeps_it_and_notes_a_contradiction():
    scaling = scale_to_volts([unit(None), unit(None, name="Pz", table_unit="mV")])
    assert scaling.factors == (1.0, 1.0)
    assert scaling.notes == (
        "Pz: channels.tsv has the unit mV; µV, the unit of the file format, was used",
    )


def test_a_channel_that_is_not_a_voltage_is_listed_with_its_unit():
    scaling = scale_to_volts([unit(), unit("%", name="SaO2", is_brain=False)])
    assert scaling.factors == (1.0, 1.0)
    assert scaling.non_voltages == ("SaO2",)
    assert scaling.notes == ("SaO2: unit '%' is not a voltage; the channel type was set to misc",)


@pytest.mark.parametrize("file_unit", ["", "Ohm", "%"])
def test_brain_signal_without_a_voltage_is_refused(file_unit):
    message = f"^channels: Cz: its unit is '{file_unit}' in the file and 'n/a' in channels.tsv"
    with pytest.raises(RecordingError, match=message):
        scale_to_volts([unit(file_unit)])


def test_a_recording_without_any_voltage_is_refused():
    with pytest.raises(RecordingError, match=r"^channels: X1: its unit is 'Ohm' in the file"):
        scale_to_volts([unit("Ohm", name="X1", is_brain=False)])


def test_the_unit_of_another_channel_type_is_not_changed():
    scaling = scale_to_volts([unit(), unit("degC", name="Temp", ch_type="misc", is_brain=False)])
    assert scaling == units.UnitScaling((1.0, 1.0), (), ())
