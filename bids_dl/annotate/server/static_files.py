"""The files of the page: a table of names, made at the start, so that no request names a path."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from bids_dl.annotate.server.checking.refusals import NOT_FOUND, RefusedError

PAGE = "index.html"
KINDS: Mapping[str, str] = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""Content type by the end of a name. Other files of the folder are not served."""


class StaticFiles:
    """The files of the page, by name.

    Examples
    --------
    >>> StaticFiles().read("../server/static_files.py")
    Traceback (most recent call last):
    ...
    bids_dl.annotate.server.checking.refusals.RefusedError: the page has no file of this name
    """

    def __init__(self) -> None:
        self._files: dict[str, tuple[Traversable, str]] = {}
        self._add(files("bids_dl.annotate").joinpath("page"), "")

    def _add(self, folder: Traversable, prefix: str) -> None:
        """Add the files of a folder and of the folders in it, such as ``"signals/traces.js"``."""
        for file in folder.iterdir():
            name = f"{prefix}{file.name}"
            kind = KINDS.get(f".{file.name.rpartition('.')[2]}")
            if file.is_dir():
                self._add(file, f"{name}/")
            elif kind is not None:
                self._files[name] = (file, kind)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all files, sorted."""
        return tuple(sorted(self._files))

    def read(self, name: str) -> tuple[bytes, str]:
        """Read a file.

        Parameters
        ----------
        name
            Name of the table. For any other text, no file is looked for.

        Returns
        -------
        tuple
            Content, and its type.

        Raises
        ------
        RefusedError
            404 if the page has no such file.
        """
        if name not in self._files:
            raise RefusedError(NOT_FOUND, "the page has no file of this name")
        file, kind = self._files[name]
        return file.read_bytes(), kind
