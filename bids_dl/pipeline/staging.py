"""Preprocessed recordings on their way into a store: one entry a recording, keyed by all that decides its bytes."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import Failure, StepReport
from bids_dl.store.location import Location

READ_BYTES = 32_000_000  # windows read from an entry at a time


@dataclass(frozen=True)
class Entry:
    """What a staged recording says of itself.

    Attributes
    ----------
    kept
        Which of the planned windows are there, by their number within the recording.
    dropped
        Number of a planned window and why it is not there.
    mean, std
        Of each channel over all samples of the windows, in µV.
    """

    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str], ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    steps: tuple[StepReport, ...]


@dataclass(frozen=True)
class Staging:
    """A folder of entries, local or remote; an entry is there once its JSON is.

    Attributes
    ----------
    ours
        Whether the folder is of our making; one that the user named stays, whatever else is in it.
    """

    location: Location
    ours: bool = False

    def read(self, key: str) -> Entry | Failure | None:
        """A finished entry, or why it can never be one, or None."""
        try:
            content = json.loads(self.location.read(f"{key}.json"))
        except FileNotFoundError:
            return None
        if "failure" in content:
            return Failure(**content["failure"])
        steps = tuple(
            StepReport(step["step"], tuple(step["channels"]), step["share"], tuple(step["notes"])) for step in content.pop("steps")
        )
        dropped = tuple((number, reason) for number, reason in content.pop("dropped"))
        return Entry(dropped=dropped, steps=steps, **{name: tuple(values) for name, values in content.items()})

    def write(self, key: str, signals: npt.NDArray[np.float32], entry: Entry) -> None:
        """Stage windows (n_windows, n_chans, n_times) in µV; the JSON last."""
        buffer = io.BytesIO()
        np.save(buffer, signals, allow_pickle=False)
        self.location.write(f"{key}.npy", buffer.getvalue())
        self.location.write(f"{key}.json", json.dumps(asdict(entry)).encode())

    def write_failure(self, key: str, failure: Failure) -> None:
        """Note that a recording cannot be converted, so that a rerun does not try again."""
        self.location.write(f"{key}.json", json.dumps({"failure": asdict(failure)}).encode())

    def windows(self, key: str) -> Iterator[npt.NDArray[np.float32]]:
        """The windows of an entry in order, in pieces of bounded size."""
        if self.location.is_local:
            array = np.load(self.location.folder / f"{key}.npy", mmap_mode="r", allow_pickle=False)
        else:
            array = np.load(io.BytesIO(self.location.read(f"{key}.npy")), allow_pickle=False)
        step = max(1, READ_BYTES // max(1, array[:1].nbytes))
        for start in range(0, len(array), step):
            yield np.asarray(array[start : start + step])

    def remove(self, keys: Iterable[str]) -> None:
        """Remove entries and what was begun of them; the folder too where it is ours and left empty."""
        mine = set(keys)
        for name in self.location.list():
            if name.partition(".")[0] in mine:
                self.location.remove(name)
        if self.ours and not self.location.list():
            self.location.remove()


def staging_for(dest: Location, asked: str | None) -> Staging:
    """Where the entries of a conversion lie: where asked, else beside a local DEST, else in the user's cache folder."""
    if asked:
        return Staging(Location(asked, dest.storage_options if "://" in asked else {}))
    if dest.is_local:
        return Staging(Location(f"{dest.folder}.staging"), ours=True)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = hashlib.sha256(dest.url.encode()).hexdigest()[:16]
    return Staging(Location(str(cache / "bids_dl" / "staging" / name)), ours=True)
