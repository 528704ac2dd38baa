"""What the text of a unit stands for, in volts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bids_dl.errors import RecordingError

VOLTAGES = {
    "eeg",
    "seeg",
    "ecog",
    "dbs",
    "eog",
    "ecg",
    "emg",
    "bio",
}  # MNE's channel types whose samples are volts
PREFIXES = {"": 1.0, "m": 1e-3, "milli": 1e-3, "u": 1e-6, "micro": 1e-6, "n": 1e-9, "nano": 1e-9}
VOLT = re.compile(r"(.*?)\s*v(?:olts?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Channel:
    """What is known of the unit of one channel.

    Attributes
    ----------
    kind
        MNE's type.
    stated
        The unit as the file writes it; None where its format has one unit for all.
    listed
        As channels.tsv writes it; "" where it does not.
    read
        Volts that MNE takes one of the file's units for.
    brain
        Whether channels.tsv or a 10-05 name says that it is brain signal.
    """

    name: str
    kind: str
    stated: str | None
    listed: str
    read: float
    brain: bool


@dataclass(frozen=True, slots=True)
class Scales:
    """What to multiply each channel with to have volts, those that are no voltage after all, and what to tell of it."""

    factors: tuple[float, ...]
    others: tuple[str, ...]
    notes: tuple[str, ...]


def volts(text: str) -> float | None:
    """Volts in one unit, whatever its case and its sign for micro (also one lost in a conversion); None if it is no voltage.

    ``MV`` is taken for millivolts: nobody records megavolts.
    """
    match = VOLT.fullmatch(text.split("\0")[0].strip())
    if not match:
        return None
    prefix = match[1].casefold()
    if prefix and not re.search(r"[a-z0-9]", prefix, re.ASCII):
        return 1e-6  # µ, μ, or what UTF-8, Latin-1 and Shift-JIS make of each other's
    return PREFIXES.get(prefix)


def scales(channels: Sequence[Channel]) -> Scales:
    """How channels become volts: by the file's own unit, and where it has none by that of channels.tsv.

    Raises
    ------
    RecordingError
        Stage "channels": a channel of brain signal whose unit is no voltage or not given at all.
    """
    factors, others = [], []
    told: dict[str, list[str]] = {}
    for channel in channels:
        factor, note = _scale(channel)
        if factor is None:
            others.append(channel.name)
        factors.append(1.0 if factor is None else factor)
        if note:
            told.setdefault(note, []).append(channel.name)
    if others and len(others) == sum(channel.kind in VOLTAGES for channel in channels):
        raise _no_voltage(channels[[channel.name for channel in channels].index(others[0])])
    return Scales(
        tuple(factors),
        tuple(others),
        tuple(f"{few(names)}: {note}" for note, names in told.items()),
    )


def few(names: Sequence[str], most: int = 5) -> str:
    """Names for a message, the first few if there are many."""
    return (
        ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
        if names
        else "none"
    )


def _scale(channel: Channel) -> tuple[float | None, str]:
    """The factor of one channel, None where it is no voltage, and what to tell."""
    listed = volts(channel.listed)
    if channel.kind not in VOLTAGES:
        return 1.0, ""
    if channel.stated is None:
        said = f"channels.tsv gives them in {channel.listed}; read in {_plainly(channel.read)}, as their format stores them"
        return 1.0, said if listed not in (None, channel.read) else ""
    inside = volts(channel.stated)
    if inside is not None:
        factor = inside / channel.read
        if listed is not None and listed != inside:
            return (
                factor,
                f"channels.tsv says {channel.listed}, the file {channel.stated}; the file's unit was taken",
            )
        return (
            factor,
            f"unit {channel.stated!r} was read as {_plainly(inside)}" if factor != 1 else "",
        )
    if not channel.stated.strip() and listed is not None:
        return (
            listed / channel.read,
            f"the file gives no unit; {channel.listed} was taken from channels.tsv",
        )
    if channel.brain:
        raise _no_voltage(channel)
    return None, f"unit {channel.stated!r} is no voltage; taken as misc"


def _no_voltage(channel: Channel) -> RecordingError:
    return RecordingError(
        "channels",
        f"{channel.name}: its unit is {channel.stated!r} in the file and {channel.listed or 'n/a'!r} in channels.tsv, neither a voltage; "
        "write its unit (µV) in channels.tsv, or another type if it is no brain signal",
    )


def _plainly(unit: float) -> str:
    return {1.0: "V", 1e-3: "mV", 1e-6: "µV", 1e-9: "nV"}[unit]
