"""Pairs of windows of one recording, near or far, drawn without reading a signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.errors import ConfigError
from bids_dl.wording import count

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
TOLERANCE = 1e-6  # s, of onsets, which are multiples of a sample
FAR, NEAR = 0, 1  # classes of pairs, in the order of the outputs


@dataclass(frozen=True, slots=True)
class Distances:
    """Distances of the onsets of two windows in s.

    Parameters
    ----------
    window
        Smallest distance of near windows: their length, so that they share no sample.
    near
        Largest distance of near windows.
    far
        Distance that far windows exceed.
    """

    window: float
    near: float
    far: float


@dataclass(frozen=True, slots=True, eq=False)
class Partners:
    """Windows of a recording at an allowed distance from each window of it.

    Parameters
    ----------
    first, count
        (n_windows, 2): position of the first window, and the number of windows, of two ranges:
        those before the window and those after it.
    """

    first: Rows
    count: Rows

    @property
    def anchors(self) -> Rows:
        """Positions of the windows that have a partner."""
        return np.flatnonzero(self.count.sum(axis=1))

    def draw(self, anchors: Rows, rng: np.random.Generator) -> Rows:
        """Draw a partner of each of some windows, all with equal probability."""
        counts = self.count[anchors]
        number = rng.integers(counts.sum(axis=1))
        is_after = number >= counts[:, 0]
        number = np.where(is_after, number - counts[:, 0], number)
        partners: Rows = self.first[anchors, is_after.astype(np.int64)] + number
        return partners


@dataclass(frozen=True, eq=False)
class PairedRecording:
    """Windows of one recording in order of onset, of which pairs are drawn.

    Parameters
    ----------
    name, person
        Dataset and recording, and dataset and subject.
    rows
        (n_windows,): rows of the store.
    onsets
        (n_windows,): onsets in s, ascending.
    distances
        Distances of near and far windows.

    Examples
    --------
    >>> distances = Distances(window=2.0, near=4.0, far=10.0)
    >>> rows = np.arange(9)
    >>> recording = PairedRecording(("d", "r"), ("d", "s"), rows, 2.0 * rows, distances)
    >>> pairs, target = recording.draw(np.random.default_rng(0))
    >>> recording.n_pairs, target.tolist(), int(np.abs(np.diff(pairs[target == NEAR])).max() <= 2)
    (6, [0, 0, 0, 1, 1, 1], 1)
    """

    name: tuple[str, str]
    person: tuple[str, str]
    rows: Rows
    onsets: Floats
    distances: Distances

    @cached_property
    def partners(self) -> tuple[Partners, Partners]:
        """Far and near partners of each window."""
        onsets = self.onsets
        limits = self.distances
        n_windows = len(onsets)
        zeros = np.zeros(n_windows, np.int64)
        far_before = np.searchsorted(onsets, onsets - limits.far - TOLERANCE, "left")
        far_after = np.searchsorted(onsets, onsets + limits.far + TOLERANCE, "right")
        far = _ranges((zeros, far_before), (far_after, zeros + n_windows))
        near = _ranges(
            (
                np.searchsorted(onsets, onsets - limits.near - TOLERANCE, "left"),
                np.searchsorted(onsets, onsets - limits.window + TOLERANCE, "right"),
            ),
            (
                np.searchsorted(onsets, onsets + limits.window - TOLERANCE, "left"),
                np.searchsorted(onsets, onsets + limits.near + TOLERANCE, "right"),
            ),
        )
        return far, near

    @property
    def n_pairs(self) -> int:
        """Pairs of an epoch, half of them near: at most as many as windows."""
        numbers = [len(partners.anchors) for partners in self.partners]
        return 2 * min(*numbers, (len(self.rows) + 1) // 2)

    def draw(self, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Draw the pairs of an epoch.

        Returns
        -------
        pairs, target
            (n_pairs, 2): rows of the store. (n_pairs,): `FAR` or `NEAR`.
        """
        per_class = self.n_pairs // 2
        positions: list[Rows] = []
        for partners in self.partners:
            anchors = rng.permutation(partners.anchors)[:per_class]
            positions.append(np.stack([anchors, partners.draw(anchors, rng)], axis=1))
        target = np.repeat(np.array([FAR, NEAR]), per_class)
        return self.rows[np.concatenate(positions)], target


def find_recordings(table: pd.DataFrame, rows: Rows, distances: Distances) -> list[PairedRecording]:
    """Return the recordings of some windows, in the order of the store.

    Parameters
    ----------
    table
        Table of the whole store.
    rows
        Rows of the windows, ascending.
    distances
        Distances of near and far windows.
    """
    selected = table.iloc[rows]
    keys = ["dataset", "subject", "recording"]
    names = selected[keys].astype(str).to_numpy()
    all_onsets = selected["onset"].to_numpy(np.float64)
    recordings: list[PairedRecording] = []
    for positions in selected.groupby(keys, sort=False).indices.values():
        dataset, subject, recording = names[positions[0]].tolist()
        ordered = positions[np.argsort(all_onsets[positions], kind="stable")]
        recordings.append(
            PairedRecording(
                (dataset, recording),
                (dataset, subject),
                rows[ordered],
                all_onsets[ordered],
                distances,
            )
        )
    return recordings


def keep_paired(
    recordings: Sequence[PairedRecording], source: str
) -> tuple[list[PairedRecording], list[str]]:
    """Return the recordings that have near and far pairs, and a line about the others.

    Parameters
    ----------
    recordings
        Recordings, at least one.
    source
        Store and persons, for messages.

    Raises
    ------
    ConfigError
        No recording has both kinds of pairs.
    """
    paired = [recording for recording in recordings if recording.n_pairs]
    if not paired:
        raise ConfigError(_describe_none(recordings, source))
    n_left = len(recordings) - len(paired)
    if not n_left:
        return paired, []
    limits = recordings[0].distances
    return paired, [
        f"{source}: {n_left} of {count(len(recordings), 'recording')} have no windows up to "
        f"{limits.near:g} s apart and more than {limits.far:g} s apart, and are left out"
    ]


def _describe_none(recordings: Sequence[PairedRecording], source: str) -> str:
    limits = recordings[0].distances
    most = max(len(recording.rows) for recording in recordings)
    longest = max(float(np.ptp(recording.onsets)) for recording in recordings)
    shown = count(len(recordings), "recording")
    if most == 1:
        return (
            f"{source}: each of {shown} has one window, but a pair needs two of the same "
            "recording; convert with --window and shorter windows"
        )
    n_near = sum(len(recording.partners[NEAR].anchors) > 0 for recording in recordings)
    n_far = sum(len(recording.partners[FAR].anchors) > 0 for recording in recordings)
    return (
        f"{source}: no recording has near and far pairs: of {shown}, {n_near} have windows "
        f"{limits.window:g} to {limits.near:g} s apart, {n_far} more than {limits.far:g} s apart, "
        f"and the longest has {most} windows over {longest:g} s; change --near or --far"
    )


def _ranges(before: tuple[Rows, Rows], after: tuple[Rows, Rows]) -> Partners:
    """Return the partners between pairs of first and last positions, the last ones excluded."""
    first = np.stack([before[0], after[0]], axis=1)
    last = np.stack([before[1], after[1]], axis=1)
    return Partners(first, np.maximum(last - first, 0))
