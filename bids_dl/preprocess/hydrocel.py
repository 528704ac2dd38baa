"""Electrode numbers of the 128-channel HydroCel net and their places in the 10-10 system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

N_ELECTRODES = 128
SMALLER = (
    32,
    33,
    64,
    65,
)  # electrodes of the other nets whose numbers begin with E1, without and with the reference
REFERENCE = "Cz"  # the vertex, the net's reference, number 129

# fmt: off
# Luu P, Ferree T (2005). Determination of the HydroCel Geodesic Sensor Nets' average electrode positions and their
# 10-10 international equivalents. Electrical Geodesics, Inc. From the nose to the neck, each row from left to right.
TO_1010: Mapping[int, str] = {
    22: "Fp1", 15: "Fpz", 9: "Fp2",
    26: "AF7", 23: "AF3", 16: "AFz", 3: "AF4", 2: "AF8",
    32: "F9", 33: "F7", 27: "F5", 24: "F3", 19: "F1", 11: "Fz", 4: "F2", 124: "F4", 123: "F6", 122: "F8", 1: "F10",
    38: "FT9", 34: "FT7", 28: "FC5", 29: "FC3", 13: "FC1", 6: "FCz", 112: "FC2", 111: "FC4", 117: "FC6", 116: "FT8", 121: "FT10",
    44: "T9", 45: "T7", 41: "C5", 36: "C3", 30: "C1", 105: "C2", 104: "C4", 103: "C6", 108: "T8", 114: "T10",
    57: "TP9", 46: "TP7", 47: "CP5", 42: "CP3", 37: "CP1", 55: "CPz", 87: "CP2", 93: "CP4", 98: "CP6", 102: "TP8", 100: "TP10",
    64: "P9", 58: "P7", 51: "P5", 52: "P3", 60: "P1", 62: "Pz", 85: "P2", 92: "P4", 97: "P6", 96: "P8", 95: "P10",
    65: "PO7", 67: "PO3", 72: "POz", 77: "PO4", 90: "PO8",
    70: "O1", 75: "Oz", 83: "O2",
}
# fmt: on

OLD_1020: Mapping[str, str] = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
"""Names of the 10-20 system that the 10-10 system gave up."""

NUMBERED = re.compile(r"(?:EEG|E)\s*0*(\d+)", re.IGNORECASE)
VERTEX = re.compile(r"cz|vref|vertex reference|(?:EEG|E)\s*129", re.IGNORECASE)


def canonical(names: Iterable[str]) -> dict[str, str]:
    """``E22`` (or ``Cz``, the reference) for each name of the net, however it is written: ``EEG 022``, ``e22``, ``E129``, ``VREF``.

    Raises
    ------
    ValueError
        The numbers are those of another net.
    """
    found: dict[str, str] = {}
    for name in names:
        if VERTEX.fullmatch(name):
            found[name] = REFERENCE
        elif match := NUMBERED.fullmatch(name):
            found[name] = f"E{int(match[1])}"
    numbers = {int(name[1:]) for name in found.values() if name != REFERENCE}
    if 0 in numbers or max(numbers, default=0) > N_ELECTRODES + 1:
        raise ValueError(
            f"E{min(numbers) if 0 in numbers else max(numbers)} is not on the net of {N_ELECTRODES} electrodes"
        )
    if len(numbers) in SMALLER and max(numbers) == len(numbers):
        raise ValueError(
            f"E1 to E{max(numbers)} are those of a smaller net than the one of {N_ELECTRODES} electrodes"
        )
    return found


def to_1010(names: Iterable[str]) -> dict[str, str]:
    """New name for each name of the net: of the 10-10 system where it has an equivalent, else as on the net (``E8``)."""
    return {name: _equivalent(own) for name, own in canonical(names).items()}


def from_1010(names: Iterable[str]) -> dict[str, str]:
    """``E22`` for each name of the 10-10 system that has an equivalent on the net; old names of the 10-20 system are understood."""
    numbers = {name.casefold(): number for number, name in TO_1010.items()}
    old = {name.casefold(): new.casefold() for name, new in OLD_1020.items()}
    found = {name: numbers.get(old.get(name.casefold(), name.casefold())) for name in names}
    made = {name: f"E{number}" for name, number in found.items() if number is not None}
    return made | {name: REFERENCE for name in found if name.casefold() == REFERENCE.casefold()}


def from_old(names: Iterable[str]) -> dict[str, str]:
    """``T7`` for ``T3``, and so on."""
    new = {name.casefold(): made for name, made in OLD_1020.items()}
    return {name: new[name.casefold()] for name in names if name.casefold() in new}


def _equivalent(own: str) -> str:
    return own if own == REFERENCE else TO_1010.get(int(own[1:]), own)
