"""Staging: preprocessed recordings on their way into a store, one entry per recording.

The key of an entry is a hash of everything that decides its bytes. An entry is a file of windows,
``KEY.npy``, and its description, ``KEY.json``, which is written last and makes the entry complete.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from itertools import starmap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import Failure, Recording, StepReport
from bids_dl.errors import StoreError
from bids_dl.remote.location import Location

STAGING_VERSION = 2  # of the JSON of an entry; entries of another version are staged again
READ_BYTES = 32_000_000  # windows read from an entry at once
NPY_HEADER_BYTES = 256  # more than the header that NumPy writes before the windows
PART_SUFFIX = ".part"  # of a file that is being written


class DropoutRun(NamedTuple):
    """Samples of a window during which some channels were silent.

    Attributes
    ----------
    window
        Number of the window.
    start, stop
        First sample and the sample after the last.
    channels
        Numbers of the channels.
    """

    window: int
    start: int
    stop: int
    channels: tuple[int, ...]


class DroppedWindow(NamedTuple):
    """A planned window that is not in the entry.

    Attributes
    ----------
    number
        Number of the window within its recording.
    step
        Step of the recipe that dropped it, "" if the recording cannot hold it.
    reason
        Reason in one line, without the name of the step.
    """

    number: int
    step: str
    reason: str

    @property
    def message(self) -> str:
        """Reason with the name of the step, for people."""
        return f"{self.step}: {self.reason}" if self.step else self.reason


@dataclass(frozen=True)
class StagingEntry:
    """Description of a staged recording.

    Attributes
    ----------
    kept
        Numbers of the planned windows that are in the entry, sorted.
    dropped
        The other windows.
    mean, std
        Mean and standard deviation of each channel over all samples of the windows, in µV.
    steps
        Reports of reading and of each step.
    dropout_runs
        Samples during which the amplifier or its link was silent.
    spectrum_before, spectrum_after
        Power spectrum of the windows before and after the recipe, in µV²/Hz at 0, 1, 2, ... Hz,
        up to half the sampling rate.
    magnitudes
        Counts of a `store.quantization.MagnitudeHistogram` of all samples; empty without windows.
    verified
        How each remote file was verified, by path.
    """

    kept: tuple[int, ...]
    dropped: tuple[DroppedWindow, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    steps: tuple[StepReport, ...]
    dropout_runs: tuple[DropoutRun, ...] = ()
    spectrum_before: tuple[float, ...] = ()
    spectrum_after: tuple[float, ...] = ()
    magnitudes: tuple[int, ...] = ()
    verified: Mapping[str, str] = field(default_factory=dict)

    def dropout_masks(self, shape: Sequence[int]) -> Iterator[npt.NDArray[np.bool_]]:
        """Yield the dropout mask of all windows, in parts of bounded size.

        Parameters
        ----------
        shape
            (n_chans, n_times) of a window.

        Yields
        ------
        ndarray of bool
            (n_windows, n_chans, n_times), True in dropouts.
        """
        runs: dict[int, list[DropoutRun]] = {}  # by window
        for run in self.dropout_runs:
            runs.setdefault(run.window, []).append(run)
        part_size = max(1, READ_BYTES // math.prod(shape))
        for i in range(0, len(self.kept), part_size):
            numbers = self.kept[i : i + part_size]
            mask = np.zeros((len(numbers), *shape), dtype=bool)
            for row, number in enumerate(numbers):
                for run in runs.get(number, ()):
                    mask[row, list(run.channels), run.start : run.stop] = True
            yield mask

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object."""
        return {"version": STAGING_VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> StagingEntry:
        """Read the JSON object of an entry of this version."""
        values = {name: _as_tuple(value) for name, value in content.items()}
        del values["version"]
        values["dropped"] = tuple(starmap(DroppedWindow, values["dropped"]))
        values["dropout_runs"] = tuple(starmap(DropoutRun, values["dropout_runs"]))
        steps = []
        for step in content["steps"]:
            lists = {"channels": tuple(step["channels"]), "notes": tuple(step["notes"])}
            steps.append(StepReport(**{**step, **lists}))
        values["steps"] = tuple(steps)
        return cls(**values)


class StagedRecording(NamedTuple):
    """A recording of a plan, with the key of its entry and the entry."""

    recording: Recording
    key: str
    entry: StagingEntry


def _as_tuple(value: Any) -> Any:
    """Convert nested lists, which JSON has instead of tuples."""
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value


class EntryWriter:
    """Writes the windows of one entry, in any order.

    Attributes
    ----------
    entry
        Description of the entry, to be set when all windows are written.
    """

    def __init__(self, file: BinaryIO, shape: tuple[int, int, int]) -> None:
        self._file = file
        self._shape = shape
        self._window_bytes = 4 * math.prod(shape[1:])
        self._start = self._write_header(shape[0])
        self._rows: set[int] = set()
        self.entry: StagingEntry | None = None

    def write(self, rows: Sequence[int], signals: npt.NDArray[np.float32]) -> None:
        """Write windows (n_windows, n_chans, n_times) in µV into these rows."""
        for row, window in zip(rows, signals, strict=True):
            self._file.seek(self._start + row * self._window_bytes)
            self._file.write(window.astype("<f4", copy=False).tobytes())
        self._rows.update(rows)

    def close(self) -> None:
        """Close the gaps of rows that were not written, and truncate the file to the windows."""
        for row, source_row in enumerate(sorted(self._rows)):
            if row != source_row:
                self._file.seek(self._start + source_row * self._window_bytes)
                window = self._file.read(self._window_bytes)
                self._file.seek(self._start + row * self._window_bytes)
                self._file.write(window)
        self._write_header(len(self._rows))
        self._file.truncate(self._start + len(self._rows) * self._window_bytes)

    def _write_header(self, n_windows: int) -> int:
        """Write the header of the file and return its length in bytes.

        NumPy pads the header, so that it has the same length for any number of windows.
        """
        self._file.seek(0)
        shape = (n_windows, *self._shape[1:])
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._file.tell()


@dataclass(frozen=True)
class Staging:
    """A local or remote folder of entries.

    Attributes
    ----------
    is_owned
        True if the folder was created for one store, and is removed with everything in it. False
        if the user named it: it stays, and so does everything else in it.
    """

    location: Location
    is_owned: bool = False

    def prepare(self) -> None:
        """Create the folder, and remove unfinished files of a killed run if no other run uses it.

        Workers do not create it: a worker that outlives its run would leave the folder behind.
        """
        if not self.location.is_local:
            return
        self.location.folder.mkdir(parents=True, exist_ok=True)
        if self.is_owned:
            for part in self.location.folder.glob(f"*{PART_SUFFIX}"):
                part.unlink(missing_ok=True)

    def read_entry(self, key: str) -> StagingEntry | Failure | None:
        """Read a complete entry, or the failure that a rerun need not repeat.

        Returns
        -------
        StagingEntry, Failure or None
            None if there is no entry, or one of another `STAGING_VERSION`.
        """
        try:
            content = json.loads(self.location.read(f"{key}.json"))
        except FileNotFoundError:
            return None
        if content.get("version") != STAGING_VERSION:
            return None
        if "failure" in content:
            return Failure(**content["failure"])
        return StagingEntry.from_json(content)

    @contextmanager
    def write_entry(self, key: str, shape: tuple[int, int, int]) -> Iterator[EntryWriter]:
        """Write an entry inside the context. If the body fails, nothing is staged.

        Parameters
        ----------
        shape
            (n_windows, n_chans, n_times) of all planned windows.

        Yields
        ------
        EntryWriter
            The body writes the windows, and sets ``entry``.
        """
        context: AbstractContextManager[Path | str] = TemporaryDirectory(prefix="bids_dl-")
        if self.location.is_local:
            context = nullcontext(self.location.folder)
        with context as folder:
            part = Path(folder) / f"{key}.npy.{os.getpid()}{PART_SUFFIX}"
            try:
                with part.open("wb+") as file:
                    writer = EntryWriter(file, shape)
                    yield writer
                    writer.close()
                if writer.entry is None:
                    raise RuntimeError(f"{key}: the description of the entry was not set")
                if self.location.is_local:
                    part.replace(part.with_name(f"{key}.npy"))
                else:
                    self.location.upload_file(f"{key}.npy", part)
            finally:
                part.unlink(missing_ok=True)
        self._write_json(key, writer.entry.to_json())

    def write_failure(self, key: str, failure: Failure) -> None:
        """Record that a recording cannot be converted, so that a rerun does not try again."""
        self._write_json(key, {"version": STAGING_VERSION, "failure": asdict(failure)})

    def read_windows(self, key: str) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the windows of an entry in order, (n_windows, n_chans, n_times) in µV.

        An array has at most `READ_BYTES`, but at least one window.

        Raises
        ------
        StoreError
            The windows of the entry are gone.
        """
        try:
            header = io.BytesIO(self.location.read(f"{key}.npy", 0, NPY_HEADER_BYTES))
        except FileNotFoundError:
            raise StoreError(
                f"{self.location.url}: a staged recording has vanished; "
                "does another conversion use this --staging? run again"
            ) from None
        np.lib.format.read_magic(header)
        shape, _, dtype = np.lib.format.read_array_header_1_0(header)
        first_byte = header.tell()
        window_bytes = math.prod(shape[1:]) * dtype.itemsize
        batch_size = max(1, READ_BYTES // window_bytes)
        for start in range(0, shape[0], batch_size):
            stop = min(start + batch_size, shape[0])
            content = self.location.read(
                f"{key}.npy", first_byte + start * window_bytes, first_byte + stop * window_bytes
            )
            yield np.frombuffer(content, dtype).reshape(stop - start, *shape[1:])

    def remove(self, keys: Iterable[str]) -> None:
        """Remove entries, complete or not. An owned folder is removed with everything in it."""
        removed = set(keys)
        for name in self.location.list():
            if self.is_owned or _key_of(name) in removed:
                self.location.remove(name)
        self.location.abort_uploads([f"{key}.npy" for key in removed])
        if self.is_owned:
            self.location.remove()

    def remove_if_empty(self) -> None:
        """Remove an owned folder without entries."""
        if self.is_owned and not self.location.list():
            self.location.remove()

    def keep_only(self, keys: Iterable[str]) -> None:
        """Remove all other entries from an owned folder."""
        if not self.is_owned:
            return
        kept = set(keys)
        for name in self.location.list():
            if _key_of(name) not in kept:
                self.location.remove(name)

    def _write_json(self, key: str, content: object) -> None:
        if self.location.is_local and not self.location.folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the staging folder is gone")
        self.location.write(f"{key}.json", json.dumps(content).encode())


def _key_of(name: str) -> str:
    """Return the key of the entry that a file belongs to."""
    return name.partition(".")[0]


def locate_staging(dest: Location, requested: str | None) -> Staging:
    """Return the staging folder of a conversion.

    Parameters
    ----------
    dest
        Location of the store.
    requested
        Path or URL that the user named. None: beside a local ``dest``, else in the user's cache
        folder.
    """
    if requested:
        location = Location(requested, dest.storage_options if "://" in requested else {})
        if location.is_local:  # absolute, because a worker may run in another folder
            location = Location(str(location.folder.absolute()))
        return Staging(location)
    if dest.is_local:
        return Staging(Location(f"{dest.folder}.staging"), is_owned=True)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = hashlib.sha256(dest.url.encode()).hexdigest()[:16]
    return Staging(Location(str(cache / "bids_dl" / "staging" / name)), is_owned=True)
