"""A few open files, of which the least recently used is closed first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _OpenFile(Generic[V]):
    """One file, its lock, and what closes it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.closing = ExitStack()
        self.content: V | None = None
        self.is_closed = False

    def close(self) -> None:
        with self.lock:
            self.is_closed = True
            self.content = None
            self.closing.close()


class OpenFiles(Generic[K, V]):
    """Keeps files open by their keys. Each is used by one thread at a time.

    Parameters
    ----------
    open_file
        Opens the file of a key. Its context ends when the file is closed.
    max_open
        Number of files to keep open, 1 or more.

    Examples
    --------
    >>> from contextlib import nullcontext
    >>> files = OpenFiles(lambda key: nullcontext(key.upper()), max_open=2)
    >>> with files.use("a") as content:
    ...     print(content)
    A
    """

    def __init__(
        self, open_file: Callable[[K], AbstractContextManager[V]], *, max_open: int
    ) -> None:
        self._open_file = open_file
        self._max_open = max_open
        self._lock = Lock()
        self._files: OrderedDict[K, _OpenFile[V]] = OrderedDict()  # the oldest first

    def __len__(self) -> int:
        return len(self._files)

    @contextmanager
    def use(self, key: K) -> Iterator[V]:
        """Open a file, unless it is open, and use it alone.

        After an error inside the context the file is closed, so that the next use opens it again.
        """
        while True:
            file = self._find(key)
            with file.lock:
                if file.is_closed:  # by another thread in between
                    continue
                try:
                    if file.content is None:
                        file.content = file.closing.enter_context(self._open_file(key))
                    yield file.content
                    return
                except BaseException:
                    file.is_closed = True
                    file.content = None
                    self._forget(key, file)
                    file.closing.close()
                    raise

    def close(self) -> None:
        """Close all files, each once its use has ended."""
        with self._lock:
            files = list(self._files.values())
            self._files.clear()
        for file in files:
            file.close()

    def _find(self, key: K) -> _OpenFile[V]:
        """Return the entry of a file, and close those that are beyond the number to keep."""
        with self._lock:
            file = self._files.setdefault(key, _OpenFile())
            self._files.move_to_end(key)
            evicted = []
            while len(self._files) > self._max_open:
                evicted.append(self._files.popitem(last=False)[1])
        for old in evicted:
            old.close()
        return file

    def _forget(self, key: K, file: _OpenFile[V]) -> None:
        with self._lock:
            if self._files.get(key) is file:
                del self._files[key]
