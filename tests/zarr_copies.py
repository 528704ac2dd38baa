"""Zarr copies of a dataset as NEMAR serves them, on loopback, with the text in a git mirror."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mne
import numpy as np
import zarr
from annexed_repository import AnnexedRepository, read_version
from counting_server import CountingServer
from git_server import GitServer
from zarr.codecs import BloscCodec

from bids_dl import source
from bids_dl.config.stages import FetchConfig

ACCESSION = "on004362"
ADDRESS = f"nemar-zarr:{ACCESSION}"
UPDATED = "2026-09-01T00:00:00Z"
CREATED = "2026-08-31T23:00:00+00:00"
CHUNK_SECONDS, SHARD_SECONDS = 1, 8


def write_copy(
    folder: Path, microvolts: np.ndarray, names: list[str], sfreq: float, *, unit: str = "uV"
) -> dict[str, Any]:
    """Write a copy in format 2, as biosigio does, and return its group for the index."""
    lowest, highest = microvolts.min(axis=1), microvolts.max(axis=1)
    scale = np.where(highest > lowest, (highest - lowest) / 65535, 1.0)
    offset = np.where(highest > lowest, lowest + 32768 * scale, lowest)
    digital = np.round((microvolts - offset[:, None]) / scale[:, None])
    n_chans, n_times = microvolts.shape
    root = zarr.create_group(folder, zarr_format=3, overwrite=True)
    root.attrs.update(
        {
            "format": "biosigio-zarr",
            "format_version": 2,
            "dtype": "int16",
            "channel_groups": ["eeg_160hz"],
            "created_utc": CREATED,
        }
    )
    group = root.create_group("eeg_160hz")
    channels = [
        {"label": name, "channel_type": "EEG", "unit": unit, "row_index": row}
        for row, name in enumerate(names)
    ]
    group.attrs.update(
        {
            "modality": "EEG",
            "rate": sfreq,
            "original_rate": sfreq,
            "n_channels": n_chans,
            "n_samples": n_times,
            "channels": channels,
        }
    )
    array = group.create_array(
        "0",
        shape=microvolts.shape,
        chunks=(n_chans, int(CHUNK_SECONDS * sfreq)),
        shards=(n_chans, int(SHARD_SECONDS * sfreq)),
        dtype="int16",
        compressors=[BloscCodec(cname="zstd", clevel=5)],
    )
    array[:] = digital.astype(np.int16)
    array.attrs.update({"level": 0, "scale": scale.tolist(), "offset": offset.tolist()})
    return {
        "name": "eeg_160hz",
        "modality": "EEG",
        "rate": sfreq,
        "n_channels": n_chans,
        "n_samples": n_times,
    }


@dataclass
class ServedCopies:
    """A dataset on loopback: text in a git mirror, and the Zarr copies of its signals.

    Attributes
    ----------
    folder
        Folder that the server shows, with the index and the copies.
    index
        Content of the index.
    """

    git: GitServer
    server: CountingServer
    folder: Path
    index: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """Folder of the copies."""
        return self.folder / ACCESSION / "zarr"

    @property
    def endpoints(self) -> dict[str, str]:
        """Base addresses of both servers."""
        return {"nemar-git": self.git.url, "nemar-zarr": self.server.url}

    def write_index(self, **changes: Any) -> None:
        """Write the index with other values of some fields."""
        self.index = {**self.index, **changes}
        (self.root / "index.json").write_text(json.dumps(self.index))

    def change(self, path: Path, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a JSON document below the folder of the copies."""
        content = json.loads((self.root / path).read_text())
        change(content)
        (self.root / path).write_text(json.dumps(content))

    def options(self, cache: Path) -> dict[str, Any]:
        """Return the options that let `bids_dl.convert` read from these servers."""
        return {"cache": str(cache), "endpoints": self.endpoints}

    @contextmanager
    def access(self, cache: Path) -> Iterator[source.Access]:
        """Open the access to these servers."""
        with source.open_access(FetchConfig(**self.options(cache))) as access:
            yield access


def make_index(stores: list[Mapping[str, Any]], commit: str, *, version: int) -> dict[str, Any]:
    """Return an index of format 1 or 3."""
    index: dict[str, Any] = {
        "format": "nemar-zarr-index",
        "format_version": version,
        "dataset_id": ACCESSION,
        "source_commit": commit,
        "updated_utc": UPDATED,
        "store_count": len(stores),
        "failures": [],
        "stores": stores,
    }
    if version == 3:
        base = f"https://zarr.nemar.org/{ACCESSION}/zarr/"
        index |= {"contract_base": base, "pending": [], "doi": "10.82901/nemar.on004362"}
    return index


@contextmanager
def served_copies(root: Path, folder: Path, *, version: int = 3) -> Iterator[ServedCopies]:
    """Serve copies of the EDF files of a BIDS folder inside the context.

    Parameters
    ----------
    folder
        Empty folder.
    version
        Format of the index.
    """
    stores = []
    served = folder / "served"
    for file in sorted(root.rglob("*_eeg.edf")):
        path = file.relative_to(root)
        raw = mne.io.read_raw_edf(file, preload=True, verbose="error")
        target = path.with_suffix(".zarr").as_posix()
        group = write_copy(
            served / ACCESSION / "zarr" / target,
            raw.get_data() * 1e6,
            raw.ch_names,
            raw.info["sfreq"],
        )
        entry = {"path": path.as_posix(), "zarr": target, "groups": [group]}
        if version == 3:
            entry |= {"updated_utc": UPDATED, "source_tree": "raw", "derived": False}
        stores.append(entry)
    repository = AnnexedRepository(folder / "repository.git", ACCESSION)
    with (
        repository,
        GitServer({ACCESSION: repository.repo}) as git,
        CountingServer(served) as server,
    ):
        commit = repository.commit(read_version(root), "v1.0.0")
        copies = ServedCopies(git, server, served)
        copies.write_index(**make_index(stores, commit, version=version))
        yield copies


def copy_served(served: ServedCopies, folder: Path) -> Path:
    """Copy the folder that a server shows, to change the copy."""
    return Path(shutil.copytree(served.folder, folder))
