"""Preprocessed recordings on their way into a store: one entry a recording, keyed by all that decides its bytes."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import Failure, StepReport
from bids_dl.errors import StoreError
from bids_dl.remote.location import Location

READ_BYTES = 32_000_000  # windows read from an entry at a time
HEAD_BYTES = 256  # of an entry: more than the header that numpy writes before the windows
PART = ".part"

DropoutRun = tuple[int, int, int, tuple[int, ...]]


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
    silent
        Where amplifier or link was silent: number of a window, first sample and the first behind, and the channels by number.
    before, after
        Spectrum of the recording as it was read and of the windows, µV²/Hz at 0, 1, 2, ... Hz; each as far as its rate goes.
    magnitudes
        How many samples of the windows have which power of two, as `store.codes.MagnitudeHistogram` counts; nothing where there is no window.
    """

    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str], ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    steps: tuple[StepReport, ...]
    silent: tuple[DropoutRun, ...] = ()
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    magnitudes: tuple[int, ...] = ()

    def masks(self, shape: Sequence[int]) -> Iterator[npt.NDArray[np.bool_]]:
        """The silent samples of its windows of this shape (n_chans, n_times), in pieces (n_windows, n_chans, n_times) of bounded size."""
        found: dict[int, list[DropoutRun]] = {}
        for silence in self.silent:
            found.setdefault(silence[0], []).append(silence)
        step = max(1, READ_BYTES // math.prod(shape))
        for i in range(0, len(self.kept), step):
            mask = np.zeros((len(self.kept[i : i + step]), *shape), dtype=bool)
            for row, number in enumerate(self.kept[i : i + step]):
                for _, start, stop, channels in found.get(number, ()):
                    mask[row, list(channels), start:stop] = True
            yield mask


class Writer:
    """Windows of one entry as they come, in any order; `entry` is what the entry says of itself once all are there."""

    def __init__(self, file: BinaryIO, shape: tuple[int, int, int]) -> None:
        self._file, self._shape, self._bytes = file, shape, 4 * math.prod(shape[1:])
        self._begin = self._head(shape[0])
        self._rows: set[int] = set()
        self.entry: Entry | None = None

    def __call__(self, rows: Sequence[int], signals: npt.NDArray[np.float32]) -> None:
        """Put windows (n_windows, n_chans, n_times) in µV into these rows."""
        for row, window in zip(rows, signals, strict=True):
            self._file.seek(self._begin + row * self._bytes)
            self._file.write(window.astype("<f4", copy=False).tobytes())
        self._rows.update(rows)

    def close(self) -> None:
        """Close up where rows were left out, so that the file holds those that came and nothing else."""
        for row, there in enumerate(sorted(self._rows)):
            if row != there:
                self._file.seek(self._begin + there * self._bytes)
                window = self._file.read(self._bytes)
                self._file.seek(self._begin + row * self._bytes)
                self._file.write(window)
        self._head(len(self._rows))
        self._file.truncate(self._begin + len(self._rows) * self._bytes)

    def _head(self, n_windows: int) -> int:
        """Write the header, for which numpy leaves room enough for any number of windows; its length."""
        self._file.seek(0)
        shape = (n_windows, *self._shape[1:])
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": "<f4", "fortran_order": False, "shape": shape}
        )
        return self._file.tell()


@dataclass(frozen=True)
class Staging:
    """A folder of entries, local or remote; an entry is there once its JSON is.

    Attributes
    ----------
    ours
        Whether the folder is of our making, for one store; one that the user named stays, whatever else is in it.
    """

    location: Location
    ours: bool = False

    def prepare(self) -> None:
        """Make the folder, and remove what a killed run had begun to write where nobody else can be writing.

        Workers don't make it: one that outlives its run would leave it behind.
        """
        if self.location.is_local:
            self.location.folder.mkdir(parents=True, exist_ok=True)
            for part in self.location.folder.glob(f"*{PART}") if self.ours else ():
                part.unlink(missing_ok=True)

    def read(self, key: str) -> Entry | Failure | None:
        """A finished entry, or why it can never be one; None where there is none of this version."""
        try:
            content = json.loads(self.location.read(f"{key}.json"))
        except FileNotFoundError:
            return None
        if "failure" in content:
            return Failure(**content["failure"])
        if content.keys() != {field.name for field in fields(Entry)}:
            return None  # of another version
        steps = tuple(
            StepReport(
                **step | {"channels": tuple(step["channels"]), "notes": tuple(step["notes"])}
            )
            for step in content.pop("steps")
        )
        dropped = tuple((number, reason) for number, reason in content.pop("dropped"))
        silent = tuple(
            (number, start, stop, tuple(channels))
            for number, start, stop, channels in content.pop("silent")
        )
        return Entry(
            dropped=dropped,
            steps=steps,
            silent=silent,
            **{name: tuple(values) for name, values in content.items()},
        )

    @contextmanager
    def writing(self, key: str, shape: tuple[int, int, int]) -> Iterator[Writer]:
        """Stage windows of this shape (n_windows, n_chans, n_times) piece by piece; nothing is staged where the body fails."""
        place: AbstractContextManager[Path | str] = TemporaryDirectory(prefix="bids_dl-")
        if self.location.is_local:
            place = nullcontext(self.location.folder)
        with place as folder:
            part = Path(folder) / f"{key}.npy.{os.getpid()}{PART}"
            try:
                with part.open("wb+") as file:
                    writer = Writer(file, shape)
                    yield writer
                    writer.close()
                if writer.entry is None:
                    raise RuntimeError(f"{key}: staged without saying what it is")
                if self.location.is_local:
                    part.replace(part.with_name(f"{key}.npy"))
                else:
                    self.location.put(f"{key}.npy", part)
            finally:
                part.unlink(missing_ok=True)
        self._write(f"{key}.json", asdict(writer.entry))

    def write_failure(self, key: str, failure: Failure) -> None:
        """Note that a recording cannot be converted, so that a rerun does not try again."""
        self._write(f"{key}.json", {"failure": asdict(failure)})

    def windows(self, key: str) -> Iterator[npt.NDArray[np.float32]]:
        """The windows of an entry in order, in pieces of bounded size."""
        try:
            head = io.BytesIO(self.location.read(f"{key}.npy", 0, HEAD_BYTES))
        except FileNotFoundError:
            raise StoreError(
                f"{self.location.url}: what was staged of a recording has vanished; does another conversion use this --staging? run again"
            ) from None
        np.lib.format.read_magic(head)
        shape, _, dtype = np.lib.format.read_array_header_1_0(head)
        begin, window = head.tell(), math.prod(shape[1:]) * dtype.itemsize
        step = max(1, READ_BYTES // window)
        for start in range(0, shape[0], step):
            stop = min(start + step, shape[0])
            some = self.location.read(f"{key}.npy", begin + start * window, begin + stop * window)
            yield np.frombuffer(some, dtype).reshape(stop - start, *shape[1:])

    def remove(self, keys: Iterable[str]) -> None:
        """Remove entries and what was begun of them; where the folder is ours all that is in it, and the folder."""
        mine = set(keys)
        for name in self.location.list():
            if self.ours or name.partition(".")[0] in mine:
                self.location.remove(name)
        self.location.drop_uploads([f"{key}.npy" for key in mine])
        if self.ours:
            self.location.remove()

    def remove_empty(self) -> None:
        """Remove the folder where it is ours and nothing is in it."""
        if self.ours and not self.location.list():
            self.location.remove()

    def keep(self, keys: Iterable[str]) -> None:
        """Remove entries of other plans where the folder is ours."""
        wanted = set(keys)
        for name in self.location.list() if self.ours else ():
            if name.partition(".")[0] not in wanted:
                self.location.remove(name)

    def _write(self, name: str, content: object) -> None:
        if self.location.is_local and not self.location.folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the staging folder is gone")
        self.location.write(name, json.dumps(content).encode())


def staging_for(dest: Location, asked: str | None) -> Staging:
    """Where the entries of a conversion lie: where asked, else beside a local DEST, else in the user's cache folder."""
    if asked:
        named = Location(asked, dest.storage_options if "://" in asked else {})
        return Staging(
            Location(str(named.folder.absolute())) if named.is_local else named
        )  # a worker may be in another folder
    if dest.is_local:
        return Staging(Location(f"{dest.folder}.staging"), ours=True)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = hashlib.sha256(dest.url.encode()).hexdigest()[:16]
    return Staging(Location(str(cache / "bids_dl" / "staging" / name)), ours=True)
