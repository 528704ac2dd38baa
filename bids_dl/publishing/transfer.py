"""Course and result of a transfer: bytes so far, messages, and what was copied."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from bids_dl.publishing.rights import Rights

ProgressCallback = Callable[[str, int, int], None]
"""Called with a stage, the bytes so far and all bytes."""
MessageCallback = Callable[[str], None]

SENDING = "send"
RECEIVING = "receive"
READING_BACK = "read back"
"""Stages of a transfer."""


@dataclass(frozen=True)
class TransferCallbacks:
    """Functions that are called in the course of a transfer.

    Attributes
    ----------
    on_progress
        Called with a stage, the bytes so far and all bytes, in any thread, one call at a time.
    on_message
        Called with one line about what is unusual, such as a server that asks to wait.
    """

    on_progress: ProgressCallback | None = None
    on_message: MessageCallback | None = None

    def tell(self, text: str) -> None:
        """Pass a line to `on_message`, if there is one."""
        if self.on_message is not None:
            self.on_message(text)


class ByteCounter:
    """Count of the bytes of a stage, shared by threads.

    Parameters
    ----------
    stage
        Name of the stage.
    total
        Bytes of the whole stage.
    callbacks
        Callbacks of the transfer.
    """

    def __init__(self, stage: str, total: int, callbacks: TransferCallbacks) -> None:
        self._stage = stage
        self._total = total
        self._on_progress = callbacks.on_progress
        self._done = 0
        self._lock = threading.Lock()
        self.add(0)

    def add(self, n_bytes: int) -> None:
        """Add bytes, and report the sum."""
        with self._lock:
            self._done += n_bytes
            if self._on_progress is not None:
                self._on_progress(self._stage, self._done, self._total)


@dataclass(frozen=True)
class TransferOutcome:
    """Result of a push or a pull.

    Attributes
    ----------
    state
        "sent" or "received" if objects were copied, "resumed" if some were there before, "present"
        if all were, "planned" for a dry run.
    source, destination
        What was copied, and where to.
    address
        Address that opens the copy, and pins its version if the place has versions.
    content
        Content identifier of the store; "" for a run.
    n_objects, n_bytes
        Objects of the whole, and their bytes.
    copied_objects, copied_bytes
        Objects that were copied, or would be, and their bytes.
    unchecked
        Objects for which the server states no SHA-256 and that were not read back.
    rights
        Licences, None of a pull.
    """

    state: str
    source: str
    destination: str
    address: str
    content: str
    n_objects: int
    n_bytes: int
    copied_objects: int
    copied_bytes: int
    unchecked: int = 0
    rights: Rights | None = field(default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON."""
        values = asdict(self)
        values.pop("rights")
        if self.rights is not None:
            values |= self.rights.to_dict()
        return values
