"""EEGLAB: the kind of a .set, before it is opened."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bids_dl.errors import RecordingError

HDF5 = b"\x89HDF\r\n\x1a\n"
USER_BLOCK = 512  # bytes before the HDF5 file in a .mat of version 7.3


def check_set(path: Path, name: str) -> None:
    """Refuse a .set that cannot be opened: no MATLAB file, cut off, or version 7.3 without what reads it.

    Raises
    ------
    RecordingError
        Stage "header", or "source" where a package is missing.
    """
    with path.open("rb") as file:
        start = file.read(USER_BLOCK + len(HDF5))
    if HDF5 in (start[: len(HDF5)], start[USER_BLOCK:]):
        if not (find_spec("pymatreader") and find_spec("h5py")):
            raise RecordingError(
                "source",
                f"{name} is a MATLAB 7.3 file, which needs the package pymatreader: pip install pymatreader",
            )
    elif not start.startswith(b"MATLAB 5.0 MAT-file") or start[126:128] not in (b"IM", b"MI"):
        raise RecordingError(
            "header", f"{name} is no MATLAB file: it begins with {start[:16]!r}; get it again"
        )


def explain(problem: Exception, name: str) -> str:
    """What MNE's error at a .set means to a user; "" where it says so itself."""
    if isinstance(problem, FileNotFoundError):
        return f"{name[: -len('.set')]}.fdt, which holds the samples of {name}, is not there; get it too"
    if isinstance(problem, TypeError) and "number of trials" in str(problem):
        return f"{name} is cut into epochs ({str(problem).split(';')[0].split('. ')[0]}), only continuous recordings are supported"
    if isinstance(problem, AttributeError | KeyError | IndexError | EOFError):
        return f"{name} is no EEGLAB dataset or a damaged one ({type(problem).__name__}: {problem}); get it again"
    return ""


def check_samples(n_chans: int, n_times: int, path: Path, name: str) -> None:
    """Refuse a .fdt that does not hold the float32 samples its .set speaks of.

    Raises
    ------
    RecordingError
        Stage "header".
    """
    size, wanted = path.stat().st_size, 4 * n_chans * n_times
    if size != wanted:
        promised = f"its .set promises {wanted} ({n_chans} channels, {n_times} samples)"
        raise RecordingError("header", f"{name} holds {size} bytes, {promised}; get it again")
