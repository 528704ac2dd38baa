"""Progress of a run on disk: its finished models, and the checkpoint of the model in training.

All of it is in the folder `UNFINISHED` of the run folder, which is removed at the end of the run.
Each file is written beside and renamed, so that a killed process leaves the previous one.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.errors import BidsDlError
from bids_dl.training.fitting import Clock, EpochRow, Fitting

UNFINISHED = "unfinished"  # folder of a run folder
CHECKPOINT = "checkpoint.pt"
SHARED_CHECK_STEPS = 16  # between two questions to process 0, which cost a message each
DIGEST_BYTES = 32  # of the SHA-256 before the content of a file; torch finds no flipped bit
FAILURES = (
    *(OSError, RuntimeError, ValueError, LookupError, TypeError, EOFError),
    pickle.UnpicklingError,
)
"""Errors of reading a file that is not one of these."""


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Result of training one model.

    Parameters
    ----------
    rows
        int64 (n_windows,): tested rows of the store.
    decoded
        float64 (n_windows, n_outputs): predictions, as `decode` returns them.
    history
        One row per epoch.
    best_epoch
        Epoch whose weights were kept, from 1.
    clock
        Time of the training.
    """

    rows: npt.NDArray[np.int64]
    decoded: npt.NDArray[np.float64]
    history: list[EpochRow]
    best_epoch: int
    clock: Clock


class RunProgress:
    """Finished models and the checkpoint of an unfinished run.

    Parameters
    ----------
    run_dir
        The run folder.
    """

    def __init__(self, run_dir: Path) -> None:
        self.folder = run_dir / UNFINISHED

    def load_model(self, name: str) -> FittedModel | None:
        """Return a finished model, None if it is not finished."""
        state = self._load(f"{name}.finished.pt")
        if state is None:
            return None
        return FittedModel(
            state["rows"].numpy(),
            state["decoded"].numpy(),
            state["history"],
            state["best_epoch"],
            Clock(*state["clock"]),
        )

    def save_model(self, name: str, model: FittedModel) -> None:
        """Write a finished model, and remove the checkpoint."""
        state = {
            "rows": torch.from_numpy(model.rows),
            "decoded": torch.from_numpy(model.decoded),
            "history": model.history,
            "best_epoch": model.best_epoch,
            "clock": [model.clock.seconds, model.clock.waiting_seconds, model.clock.n_windows],
        }
        self._save(f"{name}.finished.pt", state)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def load_checkpoint(self, name: str) -> dict[str, Any] | None:
        """Return the state of a model in training, None if it has not been saved."""
        saved = self._load(CHECKPOINT)
        if saved is None or saved["name"] != name:
            return None
        state: dict[str, Any] = saved["state"]
        return state

    def save_checkpoint(self, name: str, state: dict[str, Any]) -> None:
        """Replace the checkpoint."""
        self._save(CHECKPOINT, {"name": name, "state": state})

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _load(self, file: str) -> dict[str, Any] | None:
        path = self.folder / file
        if not path.exists():
            return None
        try:
            content = path.read_bytes()
            if hashlib.sha256(content[DIGEST_BYTES:]).digest() != content[:DIGEST_BYTES]:
                raise ValueError("its checksum is wrong")
            buffer = io.BytesIO(content[DIGEST_BYTES:])
            state: dict[str, Any] = torch.load(buffer, map_location="cpu", weights_only=True)
        except FAILURES as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BidsDlError(
                f"{path}: is damaged ({reason}); delete {self.folder.parent} and train again"
            ) from error
        return state

    def _save(self, file: str, state: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
        self.folder.mkdir(exist_ok=True)
        write_atomically(self.folder / file, hashlib.sha256(content).digest() + content)


@dataclass
class Checkpoints:
    """Checkpoints of one model in training.

    Parameters
    ----------
    progress
        Destination.
    name
        Name of the model within its run.
    seconds
        Seconds between two checkpoints within an epoch.
    """

    progress: RunProgress
    name: str
    seconds: float

    def __post_init__(self) -> None:
        self._last = time.monotonic()

    def are_due(self, fitting: Fitting) -> bool:
        """Return whether a checkpoint is due, which process 0 decides for all."""
        ranks = fitting.compute.ranks
        is_due = time.monotonic() - self._last >= self.seconds
        if ranks.world_size == 1:
            return is_due
        if fitting.step % SHARED_CHECK_STEPS:
            return False
        return ranks.send_first(is_due)

    def save(self, fitting: Fitting) -> None:
        """Save the fitting between two steps. Only process 0 writes."""
        state = fitting.state_dict()
        if fitting.compute.ranks.is_first:
            self.progress.save_checkpoint(self.name, state)
        self._last = time.monotonic()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file completely or not at all, also if the process is killed or the power fails."""
    beside = path.with_name(f"{path.name}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
