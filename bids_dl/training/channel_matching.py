"""Channels of a store for a network that was trained on others: selected, or interpolated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.config.training_options import ChannelRule
from bids_dl.errors import ModelError
from bids_dl.models.channel_map import index_channels
from bids_dl.models.channel_selection import summarize_channels
from bids_dl.models.checkpoint import ModelCard
from bids_dl.preprocess import positions
from bids_dl.preprocess.splines import MIN_ELECTRODES, spline_weights
from bids_dl.store import Store
from bids_dl.wording import count, join_names

SHOWN = 5  # names of channels in a message
MAX_ANGLE = 25.0  # degrees to the nearest electrode; 4 cm on a head of 9.5 cm radius

Directions = dict[str, npt.NDArray[np.float64]]
"""Unit vectors (3,) from the centre of the head to electrodes, by channel name."""


@dataclass(frozen=True, slots=True)
class ChannelMatch:
    """Channels of a network, as they are computed from those of a store.

    Parameters
    ----------
    network_channels, matrix
        As ``network_channels`` and ``channel_map`` of a `ModelCard`: empty if the store has the
        channels of the network in the same order, and no others.
    lines
        Lines on what was selected and interpolated.
    """

    network_channels: tuple[str, ...] = ()
    matrix: tuple[tuple[float, ...], ...] = ()
    lines: tuple[str, ...] = ()


def match_channels(source: ModelCard, store: Store, rule: ChannelRule, name: str) -> ChannelMatch:
    """Find the channels of a trained network in a store.

    Channels are matched by name. With the rule ``"interpolate"``, missing ones are computed from
    the EEG channels of the store by spherical splines.

    Parameters
    ----------
    source
        Description of the trained model.
    store
        Store to train on.
    rule
        ``"match"``, or ``"interpolate"``.
    name
        Name of the run of the model, for messages.

    Raises
    ------
    ModelError
        Channels are missing and are not to be interpolated, or have no known position.
    """
    wanted = source.input_channels
    if wanted == store.channels:
        return ChannelMatch()
    found = index_channels(wanted, store.channels)
    missing = [channel for channel, i in zip(wanted, found, strict=True) if i is None]
    if missing and rule == "match":
        raise ModelError(
            f"{store.location.name}: --init-from {name} was trained on channels "
            f"{summarize_channels(wanted)}; the store has no {join_names(missing, limit=SHOWN)}; "
            "--channels interpolate computes them from the others"
        )
    matrix = np.zeros((len(wanted), len(store.channels)))
    for row, index in enumerate(found):
        if index is not None:
            matrix[row, index] = 1
    lines = [_describe_selection(found, store, name)]
    if missing:
        rows = [row for row, index in enumerate(found) if index is None]
        matrix[rows], line = _interpolate(missing, source, store, name)
        lines.append(line)
    return ChannelMatch(wanted, tuple(map(tuple, matrix.tolist())), tuple(lines))


def _describe_selection(found: Sequence[int | None], store: Store, name: str) -> str:
    """Describe which channels of a store a network is given."""
    used = [index for index in found if index is not None]
    text = f"--init-from {name}: {len(used)} of {count(len(store.channels), 'channel')} are used"
    unused = [channel for i, channel in enumerate(store.channels) if i not in used]
    if unused:
        text += f", without {join_names(unused, limit=SHOWN)}"
    return text if used == sorted(used) else f"{text}, in the order of the run"


def _interpolate(
    missing: Sequence[str], source: ModelCard, store: Store, name: str
) -> tuple[npt.NDArray[np.float64], str]:
    """Return the weights (n_missing, n_chans) of missing channels, and a line about them.

    Raises
    ------
    ModelError
        A missing channel or too many channels of the store have no known position.
    """
    known = _locate_source(source) | _locate_by_name(missing)
    unknown = [channel for channel in missing if channel not in known]
    if unknown:
        raise ModelError(
            f"--channels interpolate: --init-from {name} has no position for "
            f"{join_names(unknown, limit=SHOWN)}, nor has the template "
            f"{positions.DEFAULT_TEMPLATE}; convert the store with these channels"
        )
    located = _locate_store(store)
    if len(located) < MIN_ELECTRODES:
        raise ModelError(
            f"--channels interpolate: {store.location.name} has {len(located)} EEG channels with a "
            f"position, expected {MIN_ELECTRODES} or more"
        )
    from_directions = np.array(list(located.values()))
    to_directions = np.array([known[channel] for channel in missing])
    weights = np.zeros((len(missing), len(store.channels)))
    columns = [store.channels.index(channel) for channel in located]
    weights[:, columns] = spline_weights(from_directions, to_directions)
    cosines = np.clip(to_directions @ from_directions.T, -1, 1).max(axis=1)
    distant = [
        f"{channel} ({angle:.0f}°)"
        for channel, angle in zip(missing, np.degrees(np.arccos(cosines)), strict=True)
        if angle > MAX_ANGLE
    ]
    line = f"--channels interpolate: {join_names(missing, limit=SHOWN)} from {len(located)} others"
    if distant:
        line += f"; far from any electrode: {join_names(distant, limit=SHOWN)}"
    return weights, line


def _locate_source(source: ModelCard) -> Directions:
    """Return the directions of the channels of a network, as far as its card has positions."""
    if not source.positions:
        return {}
    return _directions(source.input_channels, np.array(source.positions))


def _locate_store(store: Store) -> Directions:
    """Return the directions of the EEG channels of a store, from its positions or by name."""
    names = list(store.channels)
    types = ["eeg"] * len(names)
    if "channel_type" in store.arrays:
        types = [str(ch_type) for ch_type in store.read("channel_type")]
    eeg = [channel for channel, ch_type in zip(names, types, strict=True) if ch_type == "eeg"]
    located = _locate_by_name(eeg)
    if "channel_position" in store.arrays:
        stored = np.asarray(store.read("channel_position"), float)
        located |= _directions(eeg, stored[[names.index(channel) for channel in eeg]])
    return {channel: located[channel] for channel in eeg if channel in located}


def _locate_by_name(channels: Sequence[str]) -> Directions:
    """Return the directions of those channels whose names the 10-05 system has."""
    template = positions.template_directions(positions.DEFAULT_TEMPLATE)
    return {
        channel: template[channel.casefold()]
        for channel in channels
        if channel.casefold() in template
    }


def _directions(channels: Sequence[str], places: npt.NDArray[np.float64]) -> Directions:
    """Return the directions of those channels whose positions (n_chans, 3) in m are known."""
    rows = np.flatnonzero(np.isfinite(places).all(axis=1)).tolist()
    if not rows:
        return {}
    known = [channels[row] for row in rows]
    return dict(zip(known, positions.unit_directions(places[rows]), strict=True))
