"""Electrode numbers of the 128-channel HydroCel net and their equivalents in the 10-10 system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

N_ELECTRODES = 128
SMALLER_NETS = (32, 33, 64, 65)
"""Numbers of electrodes of the smaller nets, without and with the reference.

Their electrodes have the numbers from E1 too, but at other positions.
"""
REFERENCE = "Cz"  # the vertex, the net's reference, number 129

# fmt: off
# Luu P, Ferree T (2005). Determination of the HydroCel Geodesic Sensor Nets' average electrode
# positions and their 10-10 international equivalents. Electrical Geodesics, Inc.
# From the nose to the neck, each row from left to right.
TO_1010: Mapping[int, str] = {
    22: "Fp1", 15: "Fpz", 9: "Fp2",
    26: "AF7", 23: "AF3", 16: "AFz", 3: "AF4", 2: "AF8",
    32: "F9", 33: "F7", 27: "F5", 24: "F3", 19: "F1", 11: "Fz",
    4: "F2", 124: "F4", 123: "F6", 122: "F8", 1: "F10",
    38: "FT9", 34: "FT7", 28: "FC5", 29: "FC3", 13: "FC1", 6: "FCz",
    112: "FC2", 111: "FC4", 117: "FC6", 116: "FT8", 121: "FT10",
    44: "T9", 45: "T7", 41: "C5", 36: "C3", 30: "C1",
    105: "C2", 104: "C4", 103: "C6", 108: "T8", 114: "T10",
    57: "TP9", 46: "TP7", 47: "CP5", 42: "CP3", 37: "CP1", 55: "CPz",
    87: "CP2", 93: "CP4", 98: "CP6", 102: "TP8", 100: "TP10",
    64: "P9", 58: "P7", 51: "P5", 52: "P3", 60: "P1", 62: "Pz",
    85: "P2", 92: "P4", 97: "P6", 96: "P8", 95: "P10",
    65: "PO7", 67: "PO3", 72: "POz", 77: "PO4", 90: "PO8",
    70: "O1", 75: "Oz", 83: "O2",
}
# fmt: on

OLD_1020: Mapping[str, str] = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
"""Names of the 10-20 system that the 10-10 system replaced."""

NUMBERED = re.compile(r"(?:EEG|E)\s*0*(\d+)", re.IGNORECASE)
VERTEX = re.compile(r"cz|vref|vertex reference|(?:EEG|E)\s*129", re.IGNORECASE)


def net_names(names: Iterable[str]) -> dict[str, str]:
    """Map names of the net, in any spelling, to ``E22``, or ``Cz`` for the reference.

    Names that are not of the net are left out. ``EEG 022``, ``e22``, ``E129`` and ``VREF`` are
    recognized.

    Raises
    ------
    ValueError
        The numbers are those of another net.

    Examples
    --------
    >>> net_names(["EEG 022", "VREF", "EMG"])
    {'EEG 022': 'E22', 'VREF': 'Cz'}
    """
    mapping: dict[str, str] = {}
    numbers: set[int] = set()
    for name in names:
        if VERTEX.fullmatch(name):
            mapping[name] = REFERENCE
        elif match := NUMBERED.fullmatch(name):
            numbers.add(int(match[1]))
            mapping[name] = f"E{int(match[1])}"
    highest = max(numbers, default=0)
    if 0 in numbers or highest > N_ELECTRODES + 1:
        wrong = 0 if 0 in numbers else highest
        raise ValueError(f"E{wrong} is not on the net of {N_ELECTRODES} electrodes")
    if len(numbers) in SMALLER_NETS and highest == len(numbers):
        raise ValueError(
            f"E1 to E{highest} are the electrodes of a smaller net "
            f"than that of {N_ELECTRODES} electrodes"
        )
    return mapping


def to_1010(names: Iterable[str]) -> dict[str, str]:
    """Map names of the net to the 10-10 system.

    Electrodes without an equivalent keep their name on the net (``E8``).

    Raises
    ------
    ValueError
        The numbers are those of another net.
    """
    mapping = {}
    for name, net_name in net_names(names).items():
        if net_name == REFERENCE:
            mapping[name] = REFERENCE
        else:
            mapping[name] = TO_1010.get(int(net_name[1:]), net_name)
    return mapping


def from_1010(names: Iterable[str]) -> dict[str, str]:
    """Map names of the 10-10 system, and old names of the 10-20 system, to those of the net.

    Names without an equivalent on the net are left out.
    """
    numbers = {name.casefold(): number for number, name in TO_1010.items()}
    replaced = {name.casefold(): new.casefold() for name, new in OLD_1020.items()}
    mapping = {}
    for name in names:
        lower = name.casefold()
        number = numbers.get(replaced.get(lower, lower))
        if lower == REFERENCE.casefold():
            mapping[name] = REFERENCE
        elif number is not None:
            mapping[name] = f"E{number}"
    return mapping


def from_old_1020(names: Iterable[str]) -> dict[str, str]:
    """Map old names of the 10-20 system, such as ``T3``, to those of the 10-10 system (``T7``)."""
    replaced = {name.casefold(): new for name, new in OLD_1020.items()}
    return {name: replaced[name.casefold()] for name in names if name.casefold() in replaced}
