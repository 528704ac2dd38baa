"""Application of channels.tsv and units to a recording that MNE opened."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bids_dl.source.channels.channel_rows import (
    ChannelKind,
    ChannelRow,
    FileTypes,
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

KNOWN_PLANS = 128  # most recordings of a dataset have the channels of others


class FileUnits(NamedTuple):
    """Units that a file states, as in `SignalInfo`."""

    units: tuple[str, ...]
    assumed_volts: tuple[float, ...]
    default_volts: float
    file_types: FileTypes

    @classmethod
    def of_signal(cls, info: SignalInfo) -> FileUnits:
        """Return the units of an inspected file."""
        return cls(info.units, info.assumed_volts, info.default_unit_volts, info.file_types)


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """Names, types, units and bad flags of the channels, decided before a signal is read.

    Attributes
    ----------
    labels
        Names of the channels to keep in the file, in the order of channels.tsv.
    names, types
        Their names in channels.tsv, and MNE's types.
    all_types
        MNE's type of each channel of the file.
    factors
        Of each channel of the file: V of one unit, as MNE reads it.
    bads
        Names of bad channels.
    notes
        Remarks for the user, one line each.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    all_types: tuple[str, ...]
    factors: tuple[float, ...]
    bads: tuple[str, ...] | None
    notes: tuple[str, ...]


@lru_cache(maxsize=KNOWN_PLANS)
def plan_channels(
    labels: tuple[str, ...],
    mne_types: tuple[str, ...],
    table: tuple[ChannelRow, ...],
    units: FileUnits,
    *,
    brain_type: str = "eeg",
) -> ChannelPlan:
    """Decide names, order, types, units and bad flags of the channels of a file.

    Parameters
    ----------
    labels, mne_types
        Names and types of the channels, as MNE reads them.
    table
        Rows of channels.tsv; empty if there is none.
    units
        Units of the channels.
    brain_type
        MNE's type of channels whose name tells brain signal only.

    Raises
    ------
    RecordingError
        Stage "channels": names or units cannot be resolved, or no channel is known to be brain
        signal.
    """
    rows = match_rows(labels, table) if table else [None] * len(labels)
    kinds = determine_kinds(
        labels, rows, mne_types, file_types=units.file_types, brain_type=brain_type
    )
    kept = dict(zip(labels, kinds, strict=True))
    for label, row in zip(labels, rows, strict=True):
        if table and row is None:  # omitted
            del kept[label]
    check_brain_signal(kept)
    scaling = _scale(labels, rows, kinds, units)
    new_types = {label: kind.ch_type for label, kind in zip(labels, kinds, strict=True)}
    for label in scaling.non_voltages:
        new_types[label] = "misc"
    label_of = {row.name: label for label, row in zip(labels, rows, strict=True) if row}
    names = tuple(row.name for row in table if row.name in label_of) if table else labels
    ordered = tuple(label_of[name] for name in names) if table else labels
    omitted = [label for label, row in zip(labels, rows, strict=True) if table and row is None]
    notes = [*notes_on_kinds(kept), *scaling.notes]
    if omitted:
        notes.append(f"omitted, not in channels.tsv: {join_names(omitted)}")
    bads = tuple(row.name for row in table if row.is_bad and row.name in label_of)
    return ChannelPlan(
        labels=ordered,
        names=names,
        types=tuple(new_types[label] for label in ordered),
        all_types=tuple(new_types[label] for label in labels),
        factors=scaling.factors,
        bads=bads if table else None,
        notes=tuple(notes),
    )


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
    labels = tuple(raw.ch_names)
    mne_types = tuple(raw.get_channel_types())
    units = FileUnits.of_signal(info)
    plan = plan_channels(labels, mne_types, tuple(table), units, brain_type=brain_type)
    # The factors with which MNE multiplies samples when it reads them. There is no public way to
    # scale a recording before it is loaded.
    raw._cals *= np.array(plan.factors)
    new_types = dict(zip(labels, plan.all_types, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw.set_channel_types(new_types, on_unit_change="ignore", verbose="error")
        if plan.labels != labels:
            raw.reorder_channels(list(plan.labels))
        if plan.names != plan.labels:
            raw.rename_channels(dict(zip(plan.labels, plan.names, strict=True)), verbose="error")
        if plan.bads is not None:
            raw.info["bads"] = list(plan.bads)
    return plan.notes


def _scale(
    labels: Sequence[str],
    rows: Sequence[ChannelRow | None],
    kinds: Sequence[ChannelKind],
    file_units: FileUnits,
) -> UnitScaling:
    """Compute the conversion of the channels to volts."""
    units = file_units.units or (None,) * len(labels)
    assumed_volts = file_units.assumed_volts or (file_units.default_volts,) * len(labels)
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
