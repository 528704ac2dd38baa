"""Choices of the page: filters that it offers, and the first view of a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bids_dl.annotate.viewing.montages import MONTAGES, list_montages, make_montage
from bids_dl.annotate.viewing.signals import SignalHeader

FILTERS: Mapping[str, Sequence[float | None]] = {
    "low": (None, 0.16, 0.5, 1, 5, 70),
    "high": (15, 35, 70, 100, 250, None),
    "notch": (None, 50, 60),
}
"""Frequencies in Hz as readers know them; None is off."""
DEFAULT_LOW, DEFAULT_HIGH = 1.0, 70.0  # Hz; the raw envelope of 32 kHz is a band of noise
DEFAULT_SECONDS = 10.0  # of a page
SCALP_SENSITIVITY, INTRACRANIAL_SENSITIVITY = 7, 50  # µV/mm
SENSITIVITIES = (7, 10, 15, 20, 30, 50, 70, 100, 200)  # µV/mm, as readers know them
MANY_TRACES = 32  # more overlap on a laptop at the usual sensitivity
SCALP_MONTAGES = ("banana", "average", "recorded")
INTRACRANIAL_MONTAGES = ("neighbours", "average", "recorded")
"""Montages by preference; the recording has the last one in any case."""


def describe_recording(header: SignalHeader) -> dict[str, Any]:
    """Describe channels, montages and the first view of a recording.

    Parameters
    ----------
    header
        Rate, length and channels. It has no dates, names and annotations of the file.

    Examples
    --------
    >>> from bids_dl.annotate.viewing.channel_groups import make_channels
    >>> header = SignalHeader(100.0, 60.0, make_channels(["A1", "A2"], ["seeg", "seeg"]))
    >>> describe_recording(header)["defaults"]["montage"]
    'neighbours'
    """
    channels = []
    for channel in header.channels:
        channels.append(
            {
                "name": channel.name,
                "type": channel.kind,
                "group": channel.group,
                "bad": channel.is_bad,
            }
        )
    names = list_montages(header)
    return {
        "seconds": header.seconds,
        "sfreq": header.sfreq,
        "channels": channels,
        "montages": [_describe_montage(header, name) for name in names],
        "defaults": _choose_defaults(header, names),
    }


def _describe_montage(header: SignalHeader, name: str) -> dict[str, Any]:
    n_traces = len(make_montage(header.channels, name).traces)
    sensitivity = _choose_sensitivity(header, n_traces)
    return {"name": name, "title": MONTAGES[name], "sensitivity": sensitivity}


def _choose_sensitivity(header: SignalHeader, n_traces: int) -> int:
    """Return the usual sensitivity in µV/mm, or a step that keeps many traces apart."""
    usual = INTRACRANIAL_SENSITIVITY if header.is_intracranial else SCALP_SENSITIVITY
    wanted = usual * max(n_traces / MANY_TRACES, 1)
    return next((step for step in SENSITIVITIES if step >= wanted), SENSITIVITIES[-1])


def _choose_defaults(header: SignalHeader, montages: Sequence[str]) -> dict[str, Any]:
    preferred = INTRACRANIAL_MONTAGES if header.is_intracranial else SCALP_MONTAGES
    montage = next(name for name in preferred if name in montages)
    return {
        "montage": montage,
        "low": DEFAULT_LOW,
        "high": DEFAULT_HIGH if header.sfreq / 2 > DEFAULT_HIGH else None,
        "notch": None,
        "duration": DEFAULT_SECONDS,
        "sensitivity": _describe_montage(header, montage)["sensitivity"],
    }
