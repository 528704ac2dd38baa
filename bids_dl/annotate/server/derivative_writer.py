"""The derivative of a folder, rewritten from the log while the page is used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bids_dl.annotate.answers import AnswerClass
from bids_dl.annotate.derivative import Export, export_annotations
from bids_dl.errors import BidsDlError, NoMatchError


class DerivativeWriter:
    """Writes the derivative in a thread of its own, never two at a time.

    Parameters
    ----------
    folder
        Folder of the derivative.
    classes
        Classes of the answers.
    on_message
        Called with one line if the derivative cannot be written. The log has all answers.
    """

    def __init__(
        self, folder: Path, classes: Sequence[AnswerClass], on_message: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._classes = classes
        self._on_message = on_message
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="derivative")
        self._is_due = False

    def request(self) -> None:
        """Write the derivative soon. Requests that come before it is begun are one."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().run_in_executor(self._thread, self._write_or_tell)

    def finish(self) -> Export | None:
        """Write the derivative a last time.

        Returns
        -------
        Export or None
            None if no answer holds.

        Raises
        ------
        ConfigError
            The derivative cannot be written.
        """
        self._thread.shutdown(wait=True, cancel_futures=True)
        return self._write()

    def _write_or_tell(self) -> None:
        self._is_due = False
        try:
            self._write()
        except BidsDlError as error:
            self._on_message(f"the derivative was not written: {error}")

    def _write(self) -> Export | None:
        try:
            return export_annotations(self._folder, self._classes)
        except NoMatchError:
            return None
