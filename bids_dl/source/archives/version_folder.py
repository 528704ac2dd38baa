"""The folder of a version in the cache, which appears with all its files or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bids_dl.errors import SourceError


@contextmanager
def new_version_folder(root: Path) -> Iterator[Path]:
    """Give a new folder its name when the context ends without an error.

    Parameters
    ----------
    root
        Path of the folder. If another process creates it meanwhile, that one stays.

    Yields
    ------
    pathlib.Path
        Empty folder to write into, which is removed after an error.

    Raises
    ------
    SourceError
        The folder cannot be written to.
    """
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError as error:
        raise SourceError(
            f"the cache {root.parent} cannot be written to ({error.strerror}); "
            "choose another --cache"
        ) from None
    try:
        yield scratch
        _rename(scratch, root)
    except OSError as error:
        raise SourceError(f"{root}: cannot be written to ({error.strerror})") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _rename(scratch: Path, root: Path) -> None:
    """Give a complete folder its name, unless there is one with that name already."""
    try:
        scratch.rename(root)
    except OSError:
        if not root.is_dir():
            raise
