"""Find, select and add channels of a recording by name and type."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Array
from bids_dl.wording import closest, join_names

if TYPE_CHECKING:
    import mne

DERIVATION_SEPARATOR = re.compile(r"[-:/\u2013]")
KNOWN_NAMES = 1024  # of channels: most recordings of a dataset have those of others
ELECTRODE = re.compile(r"[A-Za-z]{1,4}(?:z|'?\d{1,3}'?h?)", re.IGNORECASE)  # scalp, ear or depth

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
"""Channel types of MNE that a recording from a BIDS dataset may have."""


def find_channel(name: str, spec: SignalSpec) -> str | None:
    """Return a channel name in the spelling of the recording.

    An exact match takes precedence over one that differs in case. The result is None if the
    recording has no such channel.
    """
    if name in spec.ch_names:
        return name
    for ch_name in spec.ch_names:
        if ch_name.casefold() == name.casefold():
            return ch_name
    return None


def locate_channels(names: Iterable[str], spec: SignalSpec) -> list[str]:
    """Return channel names in the spelling of the recording, in the order of ``names``.

    Raises
    ------
    RecordingError
        Stage "channels": the recording lacks a channel, or two names mean the same channel.
    """
    spellings = {name: find_channel(name, spec) for name in names}
    missing = [name for name, ch_name in spellings.items() if ch_name is None]
    if missing:
        match = closest(missing[0], spec.ch_names)
        hint = f" (closest: {match})" if match else ""
        raise RecordingError(
            "channels",
            f"no channel {join_names(missing)}{hint}; "
            f"the recording has {join_names(spec.ch_names)}",
        )
    ch_names = [ch_name for ch_name in spellings.values() if ch_name is not None]
    for ch_name, count in Counter(ch_names).items():
        if count > 1:
            raise RecordingError("channels", f"channel {ch_name} is named twice")
    return ch_names


def find_derivations(names: Sequence[str]) -> list[str]:
    """Find the channels that state their own reference electrode, such as C3-M2.

    Parameters
    ----------
    names
        Names of the channels that would be referenced together.

    Returns
    -------
    list of str
        Names in order; empty if all channels state the same reference.

    Examples
    --------
    >>> find_derivations(["Fpz-Cz", "Pz-Oz"]), find_derivations(["Fp1-A1", "EEG Fp2-A1"])
    (['Fpz-Cz', 'Pz-Oz'], [])
    """
    references = {name: _own_reference(name) for name in names}
    if len(set(references.values())) == 1:
        return []
    return [name for name, reference in references.items() if reference]


@lru_cache(maxsize=KNOWN_NAMES)
def _own_reference(name: str) -> str:
    """Return the reference electrode that a name states, in lower case, "" without one."""
    parts = DERIVATION_SEPARATOR.split(name.split()[-1]) if name.split() else []
    if len(parts) != 2 or not all(map(ELECTRODE.fullmatch, parts)):
        return ""
    return parts[1].casefold()


def channel_types(raw: mne.io.BaseRaw) -> tuple[str, ...]:
    """Return MNE's types of the channels of a recording, in order.

    `get_channel_types` takes five times as long, for picks that are not needed.
    """
    import mne

    return tuple(mne.channel_type(raw.info, number) for number in range(raw.info["nchan"]))


def channels_of_type(spec: SignalSpec, *ch_types: str) -> list[str]:
    """Return the names of the channels of these types, in order."""
    types = zip(spec.ch_names, spec.ch_types, strict=True)
    return [name for name, ch_type in types if ch_type in ch_types]


def select_channels(spec: SignalSpec, names: Iterable[str]) -> SignalSpec:
    """Return the spec of some channels, in the order of ``names``."""
    names = tuple(names)
    types = dict(zip(spec.ch_names, spec.ch_types, strict=True))
    return SignalSpec(names, tuple(types[name] for name in names), spec.sfreq)


def add_channels(
    raw: mne.io.BaseRaw,
    names: Sequence[str],
    ch_types: Sequence[str],
    signals: Array,
    positions: Sequence[Array | None],
) -> None:
    """Append new channels to a recording, in place.

    Parameters
    ----------
    signals
        (n_chans, n_times) in V.
    positions
        Position (3,) of each channel in m, head coordinates, or None if it has no position.
    """
    import mne

    info = mne.create_info(list(names), raw.info["sfreq"], list(ch_types), verbose="error")
    for channel, position in zip(info["chs"], positions, strict=True):
        if position is not None:
            channel["loc"][:3] = position
    new = mne.io.RawArray(signals, info, first_samp=raw.first_samp, verbose="error")
    raw.add_channels([new], force_update_info=True)
