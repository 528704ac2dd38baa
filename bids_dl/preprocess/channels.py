"""Channels of a recording by name and type, as a layout lists them."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Array

if TYPE_CHECKING:
    import mne

ChannelType: TypeAlias = Literal[
    "eeg",
    "seeg",
    "ecog",
    "dbs",
    "eog",
    "ecg",
    "emg",
    "bio",
    "resp",
    "gsr",
    "temperature",
    "eyegaze",
    "pupil",
    "ref_meg",
    "syst",
    "stim",
    "misc",
]

FILTERED_TYPES = ("eeg", "seeg", "ecog", "dbs")
"""Types that hold brain signal: what MNE filters when nobody says which channels."""


def find(name: str, spec: SignalSpec) -> str | None:
    """The recording's own spelling of a name, the exact one before one that differs in case; None if it has no such channel."""
    if name in spec.ch_names:
        return name
    return next((own for own in spec.ch_names if own.casefold() == name.casefold()), None)


def locate(names: Iterable[str], spec: SignalSpec) -> list[str]:
    """The recording's own spelling of each name.

    Raises
    ------
    RecordingError
        Stage "channels": the recording lacks one, or two names mean the same channel.
    """
    found = {name: find(name, spec) for name in names}
    if missing := [name for name, own in found.items() if own is None]:
        raise RecordingError(
            "channels",
            f"no channel {listed(missing)}{_closest(missing[0], spec)}; the recording has {listed(spec.ch_names)}",
        )
    own_names = [own for own in found.values() if own is not None]
    if twice := [own for own, count in Counter(own_names).items() if count > 1]:
        raise RecordingError("channels", f"channel {twice[0]} is named twice")
    return own_names


def subset(spec: SignalSpec, names: Iterable[str]) -> SignalSpec:
    """The layout of some channels, in the order of ``names``."""
    names = tuple(names)
    types = dict(zip(spec.ch_names, spec.ch_types, strict=True))
    return SignalSpec(names, tuple(types[name] for name in names), spec.sfreq)


def listed(names: Iterable[str], *, most: int = 8) -> str:
    """Names for a message: "O1, O2, Oz", the first few if there are many."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _closest(name: str, spec: SignalSpec) -> str:
    lower = {own.casefold(): own for own in spec.ch_names}
    close = difflib.get_close_matches(name.casefold(), lower, n=1)
    return f" (closest: {lower[close[0]]})" if close else ""


def add(
    raw: mne.io.BaseRaw,
    names: Sequence[str],
    ch_types: Sequence[str],
    signals: Array,
    places: Sequence[Array | None],
) -> None:
    """Put new channels (n_chans, n_times) in V after the others, at positions (3,) in m, head coordinates, or at none."""
    import mne

    info = mne.create_info(list(names), raw.info["sfreq"], list(ch_types), verbose="error")
    for channel, place in zip(info["chs"], places, strict=True):
        if place is not None:
            channel["loc"][:3] = place
    new = mne.io.RawArray(signals, info, first_samp=raw.first_samp, verbose="error")
    raw.add_channels([new], force_update_info=True)
