"""EEGLAB datasets (.set and .fdt): checks before and after MNE opens them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bids_dl.errors import RecordingError
from bids_dl.requirements import describe_missing
from bids_dl.wording import count

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
USER_BLOCK_BYTES = 512  # before the HDF5 content of a MAT-file of version 7.3
MAT5_START = b"MATLAB 5.0 MAT-file"
ENDIAN_FIELD = slice(126, 128)  # of the header of a MAT-file of version 5
ENDIAN_MARKS = (b"IM", b"MI")
FDT_SAMPLE_BYTES = 4  # float32


def check_set(path: Path, name: str) -> None:
    """Check that a .set file is a MAT-file, and that the package to read it is installed.

    Parameters
    ----------
    path
        The .set file.
    name
        Name of the file in messages.

    Raises
    ------
    RecordingError
        Stage "header": not a MAT-file. Stage "source": version 7.3 without pymatreader.
    """
    with path.open("rb") as file:
        head = file.read(USER_BLOCK_BYTES + len(HDF5_SIGNATURE))
    if HDF5_SIGNATURE in (head[: len(HDF5_SIGNATURE)], head[USER_BLOCK_BYTES:]):
        if not (find_spec("pymatreader") and find_spec("h5py")):
            raise RecordingError(
                "source",
                f"{name} is a MATLAB 7.3 file: {describe_missing('pymatreader')}",
            )
    elif not head.startswith(MAT5_START) or head[ENDIAN_FIELD] not in ENDIAN_MARKS:
        raise RecordingError(
            "header",
            f"{name} is not a MATLAB file: it begins with {head[:16]!r}; download it again",
        )


def explain_error(error: Exception, name: str) -> str:
    """Explain an error of MNE's reader of .set files.

    Parameters
    ----------
    error
        Exception raised by MNE.
    name
        Name of the .set file in the explanation.

    Returns
    -------
    str
        One line, or "" if the message of the error is clear by itself.
    """
    if isinstance(error, FileNotFoundError):
        fdt = f"{name[: -len('.set')]}.fdt"
        return f"{fdt} with the samples of {name} does not exist; download it too"
    if isinstance(error, TypeError) and "number of trials" in str(error):
        detail = str(error).split(";")[0].split(". ")[0]
        return f"{name} is epoched ({detail}); only continuous recordings are supported"
    if isinstance(error, AttributeError | KeyError | IndexError | EOFError):
        return (
            f"{name} is not an EEGLAB dataset, or is damaged ({type(error).__name__}: {error}); "
            "download it again"
        )
    return ""


def check_fdt(n_chans: int, n_times: int, path: Path, name: str) -> None:
    """Check that a .fdt file has the float32 samples that its .set file promises.

    Raises
    ------
    RecordingError
        Stage "header": the size differs.
    """
    size = path.stat().st_size
    expected = FDT_SAMPLE_BYTES * n_chans * n_times
    if size != expected:
        raise RecordingError(
            "header",
            f"{name} has {size} bytes, its .set promises {expected} "
            f"({count(n_chans, 'channel')}, {count(n_times, 'sample')}); download it again",
        )
