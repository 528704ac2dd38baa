"""Units of channels, and the factors that convert their samples to volts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bids_dl.datamodel import VOLTAGE_TYPES
from bids_dl.errors import RecordingError
from bids_dl.wording import join_names

PREFIXES = {"": 1.0, "m": 1e-3, "milli": 1e-3, "u": 1e-6, "micro": 1e-6, "n": 1e-9, "nano": 1e-9}
VOLT = re.compile(r"(.*?)\s*v(?:olts?)?", re.IGNORECASE)
UNIT_NAMES = {1.0: "V", 1e-3: "mV", 1e-6: "µV", 1e-9: "nV"}  # by their size in V


@dataclass(frozen=True, slots=True)
class ChannelUnit:
    """Facts about the unit of one channel.

    Attributes
    ----------
    name
        Name of the channel in the file.
    ch_type
        MNE's channel type.
    file_unit
        Unit as written in the file; None if the format has one fixed unit.
    table_unit
        Unit as written in channels.tsv, "" if it has none.
    assumed_volts
        Size in V that MNE assumes for one unit of the file.
    is_brain
        True if channels.tsv or a 10-05 name declares the channel as brain signal.
    """

    name: str
    ch_type: str
    file_unit: str | None
    table_unit: str
    assumed_volts: float
    is_brain: bool


@dataclass(frozen=True, slots=True)
class UnitScaling:
    """Conversion of channels, as MNE reads them, to volts.

    Attributes
    ----------
    factors
        Factor of each channel.
    non_voltages
        Names of the channels whose unit is not a voltage, against their type.
    notes
        One line per remark, with the channels it applies to.
    """

    factors: tuple[float, ...]
    non_voltages: tuple[str, ...]
    notes: tuple[str, ...]


def unit_in_volts(text: str) -> float | None:
    """Parse a unit of voltage.

    Case does not matter, and the sign for micro is recognized even if an encoding damaged it.
    ``MV`` is parsed as millivolts, because nobody records megavolts.

    Parameters
    ----------
    text
        Unit as written in a file or in channels.tsv.

    Returns
    -------
    float or None
        Size of the unit in V; None if the text is not a voltage.

    Examples
    --------
    >>> unit_in_volts("uV"), unit_in_volts("milliVolt"), unit_in_volts("Ohm")
    (1e-06, 0.001, None)
    """
    match = VOLT.fullmatch(text.split("\0")[0].strip())
    if not match:
        return None
    prefix = match[1].casefold()
    if prefix and not re.search(r"[a-z0-9]", prefix, re.ASCII):
        return 1e-6  # µ, μ, or the result of decoding them as UTF-8, Latin-1 or Shift-JIS
    return PREFIXES.get(prefix)


def scale_to_volts(channels: Sequence[ChannelUnit]) -> UnitScaling:
    """Compute the factors that convert channels to volts.

    The unit of the file takes precedence; the unit of channels.tsv is used if the file has none.

    Parameters
    ----------
    channels
        Units of all channels of a recording.

    Returns
    -------
    UnitScaling
        The factor of a channel that is not a voltage is 1.

    Raises
    ------
    RecordingError
        Stage "channels": a channel of brain signal has no unit or one that is not a voltage, or
        no channel at all is a voltage.
    """
    factors: list[float] = []
    non_voltages: list[ChannelUnit] = []
    names_by_note: dict[str, list[str]] = {}
    for channel in channels:
        factor, note = _scale_channel(channel)
        if factor is None:
            non_voltages.append(channel)
        factors.append(1.0 if factor is None else factor)
        if note:
            names_by_note.setdefault(note, []).append(channel.name)
    n_declared = sum(channel.ch_type in VOLTAGE_TYPES for channel in channels)
    if non_voltages and len(non_voltages) == n_declared:
        raise _not_a_voltage(non_voltages[0])
    notes = [f"{join_names(names)}: {note}" for note, names in names_by_note.items()]
    return UnitScaling(
        tuple(factors), tuple(channel.name for channel in non_voltages), tuple(notes)
    )


def _scale_channel(channel: ChannelUnit) -> tuple[float | None, str]:
    """Return the factor of one channel, None if it is not a voltage, and a note or ""."""
    if channel.ch_type not in VOLTAGE_TYPES:
        return 1.0, ""
    table_volts = unit_in_volts(channel.table_unit)
    if channel.file_unit is None:
        return 1.0, _note_on_fixed_unit(channel, table_volts)
    file_volts = unit_in_volts(channel.file_unit)
    if file_volts is not None:
        factor = file_volts / channel.assumed_volts
        return factor, _note_on_file_unit(channel, table_volts, file_volts)
    if not channel.file_unit.strip() and table_volts is not None:
        note = f"the file has no unit; {channel.table_unit} from channels.tsv was used"
        return table_volts / channel.assumed_volts, note
    if channel.is_brain:
        raise _not_a_voltage(channel)
    return None, f"unit {channel.file_unit!r} is not a voltage; the channel type was set to misc"


def _note_on_fixed_unit(channel: ChannelUnit, table_volts: float | None) -> str:
    """Return a note if channels.tsv contradicts the fixed unit of a format, else ""."""
    if table_volts in (None, channel.assumed_volts):
        return ""
    return (
        f"channels.tsv has the unit {channel.table_unit}; "
        f"{UNIT_NAMES[channel.assumed_volts]}, the unit of the file format, was used"
    )


def _note_on_file_unit(channel: ChannelUnit, table_volts: float | None, file_volts: float) -> str:
    """Return a note if channels.tsv contradicts a file or MNE misreads its unit, else ""."""
    if table_volts is not None and table_volts != file_volts:
        return (
            f"channels.tsv has the unit {channel.table_unit}, the file {channel.file_unit}; "
            "the file's unit was used"
        )
    if file_volts != channel.assumed_volts:
        return f"unit {channel.file_unit!r} was read as {UNIT_NAMES[file_volts]}"
    return ""


def _not_a_voltage(channel: ChannelUnit) -> RecordingError:
    """Build the error of a channel of brain signal without a unit of voltage."""
    return RecordingError(
        "channels",
        f"{channel.name}: its unit is {channel.file_unit!r} in the file and "
        f"{channel.table_unit or 'n/a'!r} in channels.tsv, neither is a voltage; enter its unit "
        "(µV) in channels.tsv, or another type if it is not brain signal",
    )
