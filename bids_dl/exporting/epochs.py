"""Export to epochs of MNE-Python, in memory or as ``-epo.fif``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import VOLTAGE_TYPES
from bids_dl.errors import StoreError
from bids_dl.store import Store
from bids_dl.store.format import DROPOUT
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    import mne

V_PER_UV = 1e-6
OTHER_TYPE = "misc"  # of a channel whose type MNE does not know


def make_epochs(store: Store) -> mne.EpochsArray:
    """Return the windows of a store as epochs.

    Samples are in V, or in the unit of a channel that is not a voltage. Epochs are numbered as the
    rows of the store, events have the codes 1, 2, ... in the order of the classes, and the metadata
    is the window table.

    Parameters
    ----------
    store
        Store to read.

    Raises
    ------
    StoreError
        The store has no window.
    """
    import mne  # here, because other exports do without it

    if not len(store):
        raise StoreError(f"{store.url}: has no window to export")
    data = store.to_numpy().astype(np.float64)
    types = _channel_types(store)
    is_voltage = np.array([kind in VOLTAGE_TYPES for kind in types])
    data[:, is_voltage] *= V_PER_UV
    codes, event_id = _events(store)
    events = np.zeros((len(data), 3), np.int64)
    events[:, 0] = np.arange(len(data)) * data.shape[2]  # because MNE wants them to differ
    events[:, 2] = codes
    return mne.EpochsArray(
        data,
        _make_info(store, types),
        events,
        tmin=float(store.read("time")[0]) if "time" in store.arrays else 0.0,
        event_id=event_id,
        metadata=store.table.reset_index(drop=True),
        proj=False,
        verbose="error",
    )


def write_epochs(store: Store, file: Path) -> None:
    """Write the windows of a store as ``-epo.fif``, split by MNE into files of at most 2 GB.

    Parameters
    ----------
    store
        Store to read.
    file
        File to write.
    """
    make_epochs(store).save(file, fmt="single", overwrite=True, verbose="error")


def describe_losses(store: Store) -> list[str]:
    """Describe what a store has and epochs of MNE cannot hold, one line each."""
    losses = []
    if DROPOUT in store.arrays:
        losses.append(f"without the array {DROPOUT}, which epochs of MNE cannot hold; use .npz")
    unknown = [
        f"{name} ({kind})"
        for name, kind, known in zip(
            store.channels, _stored_types(store), _channel_types(store), strict=True
        )
        if kind != known
    ]
    if unknown:
        channels = count(len(unknown), "channel")
        losses.append(f"{channels} of a type that MNE lacks became misc: {join_names(unknown)}")
    return losses


def _make_info(store: Store, types: list[str]) -> mne.Info:
    """Return the channels of a store, with their positions and the licences of its sources."""
    import mne

    info = mne.create_info(list(store.channels), store.sfreq, types, verbose="error")
    positions = _positions(store)
    if positions:
        montage = mne.channels.make_dig_montage(positions, coord_frame="head")
        info.set_montage(montage, on_missing="ignore", verbose="error")
    sources = []
    for source in store.attributes.get("sources", ()):
        licence = source.get("licence") or "no licence stated"
        sources.append(f"{source.get('dataset', '')} {source.get('doi', '')} ({licence})")
    content = store.attributes.get("content", "")
    info["description"] = f"bids-dl:{content}; sources: {'; '.join(sources)}"
    return info


def _positions(store: Store) -> dict[str, npt.NDArray[np.float64]]:
    """Return the known positions of channels in m, head coordinates."""
    if "channel_position" not in store.arrays:
        return {}
    by_name = zip(store.channels, store.read("channel_position"), strict=True)
    return {name: position for name, position in by_name if np.isfinite(position).all()}


def _stored_types(store: Store) -> list[str]:
    if "channel_type" not in store.arrays:
        return ["eeg"] * len(store.channels)
    return [str(kind) for kind in store.read("channel_type")]


def _channel_types(store: Store) -> list[str]:
    """Return the types of the channels in MNE, `OTHER_TYPE` for those that MNE does not know."""
    import mne

    known = {*mne.io.get_channel_type_constants(), *VOLTAGE_TYPES}
    return [kind if kind in known else OTHER_TYPE for kind in _stored_types(store)]


def _events(store: Store) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
    """Return the event code of each window, and the code of each label that occurs."""
    labels = [str(label) for label in store.read("label")]
    classes = store.attributes.get("classes", {}).get("label", ())
    ordered = dict.fromkeys([*map(str, classes), *sorted(set(labels))])
    codes = {label: code for code, label in enumerate(ordered, 1)}
    used = set(labels)
    event_id = {label: code for label, code in codes.items() if label in used}
    return np.array([codes[label] for label in labels], np.int64), event_id
