"""Application of channels.tsv and units to a recording that MNE opened."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bids_dl.source.channels.channel_rows import (
    ChannelKind,
    ChannelRow,
    check_brain_signal,
    determine_kinds,
    match_rows,
    notes_on_kinds,
)
from bids_dl.source.channels.units import ChannelUnit, UnitScaling, scale_to_volts
from bids_dl.source.formats.signal_info import SignalInfo
from bids_dl.wording import join_names

if TYPE_CHECKING:
    from mne.io import BaseRaw


def set_up_channels(
    raw: BaseRaw, table: Sequence[ChannelRow], info: SignalInfo, *, brain_type: str = "eeg"
) -> tuple[str, ...]:
    """Set the names, order, types, units and bad flags of the channels in place.

    Parameters
    ----------
    raw
        Recording as MNE opened it, not loaded.
    table
        Rows of channels.tsv; empty if there is none.
    info
        Result of `inspect_file`.
    brain_type
        MNE's type of channels whose name tells brain signal only.

    Returns
    -------
    tuple of str
        Notes on the changes, one line each.

    Raises
    ------
    RecordingError
        Stage "channels": names or units cannot be resolved, or no channel is known to be brain
        signal.
    """
    labels = list(raw.ch_names)
    mne_types = raw.get_channel_types()
    rows = match_rows(labels, table) if table else [None] * len(labels)
    kinds = determine_kinds(
        labels, rows, mne_types, file_types=info.file_types, brain_type=brain_type
    )
    kept = dict(zip(labels, kinds, strict=True))
    for label, row in zip(labels, rows, strict=True):
        if table and row is None:  # omitted
            del kept[label]
    check_brain_signal(kept)
    scaling = _scale(labels, rows, kinds, info)
    # The factors with which MNE multiplies samples when it reads them. There is no public way to
    # scale a recording before it is loaded.
    raw._cals *= np.array(scaling.factors)
    notes = [*notes_on_kinds(kept), *scaling.notes]
    new_types = {label: kind.ch_type for label, kind in zip(labels, kinds, strict=True)}
    for label in scaling.non_voltages:
        new_types[label] = "misc"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw.set_channel_types(new_types, on_unit_change="ignore", verbose="error")
        if table:
            notes += _rename_channels(raw, dict(zip(labels, rows, strict=True)), table)
    return tuple(notes)


def _scale(
    labels: Sequence[str],
    rows: Sequence[ChannelRow | None],
    kinds: Sequence[ChannelKind],
    info: SignalInfo,
) -> UnitScaling:
    """Compute the conversion of the channels to volts."""
    units = info.units or (None,) * len(labels)
    assumed_volts = info.assumed_volts or (info.default_unit_volts,) * len(labels)
    channels = []
    for i, (label, row) in enumerate(zip(labels, rows, strict=True)):
        channels.append(
            ChannelUnit(
                name=label,
                ch_type=kinds[i].ch_type,
                file_unit=units[i],
                table_unit=row.unit if row else "",
                assumed_volts=assumed_volts[i],
                is_brain=kinds[i].is_known_brain,
            )
        )
    return scale_to_volts(channels)


def _rename_channels(
    raw: BaseRaw, rows: Mapping[str, ChannelRow | None], table: Sequence[ChannelRow]
) -> list[str]:
    """Apply the names, order and bad flags of channels.tsv, dropping channels that it omits."""
    labels = {row.name: label for label, row in rows.items() if row}
    names = [row.name for row in table if row.name in labels]
    raw.reorder_channels([labels[name] for name in names])
    raw.rename_channels({labels[name]: name for name in names}, verbose="error")
    raw.info["bads"] = [row.name for row in table if row.is_bad and row.name in labels]
    omitted = [label for label, row in rows.items() if row is None]
    return [f"omitted, not in channels.tsv: {join_names(omitted)}"] if omitted else []
