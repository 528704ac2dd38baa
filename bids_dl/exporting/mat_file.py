"""MAT-files of version 5 whose text MATLAB and GNU Octave read alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl.errors import ConfigError

if TYPE_CHECKING:
    from scipy.io.matlab._mio5 import VarWriter5

HEADER = b"MATLAB 5.0 MAT-file, written by bids_dl"
HEADER_BYTES = 116  # of the text at the beginning of a MAT-file
TEXT_CODEC = "utf-16-le"
BEYOND_UTF16_UNITS = re.compile("[\U00010000-\U0010ffff]")
REPLACEMENT = "\ufffd"


def save_struct(file: Path, name: str, value: npt.NDArray[Any]) -> None:
    """Write one variable as a MAT-file of version 5.

    SciPy's `savemat` writes text as UTF-8, of which GNU Octave reads as many bytes as the text has
    characters, and so loses the end of a text with letters such as é. MATLAB and Octave write
    UTF-16, and read it. A character of two units, such as an emoji, becomes U+FFFD, because SciPy
    and MNE cannot read a text with one.

    Parameters
    ----------
    file
        File to write.
    name
        Name of the variable.
    value
        Struct array, whose values are arrays, numbers and text.

    Raises
    ------
    ConfigError
        The installed SciPy has another writer of MAT-files than this module knows.

    Examples
    --------
    >>> import scipy.io
    >>> from bids_dl.exporting.eeglab_structs import make_structs
    >>> save_struct(Path("label.mat"), "EEG", make_structs([{"type": "é"}]))
    >>> scipy.io.loadmat("label.mat", simplify_cells=True)["EEG"]
    {'type': 'é'}
    """
    import scipy

    # These classes are private. `savemat` uses them, and has no option for the codec of text.
    # tests/exporting/test_mat_file.py fails if a release of SciPy changes them.
    try:
        from scipy.io.matlab._mio5 import MatFile5Writer
        from scipy.io.matlab._mio5_params import miUTF16  # noqa: F401
    except ImportError as problem:
        raise ConfigError(
            f"{file}: SciPy {scipy.__version__} has another writer of MAT-files ({problem}); "
            "install scipy==1.17.1"
        ) from None

    with file.open("wb") as stream:
        writer = MatFile5Writer(stream, unicode_strings=True, long_field_names=True)
        writer.write_file_header()
        _text_writer(writer).write_top(value, name.encode("ascii"), False)
        stream.seek(0)  # SciPy writes the time there, and equal values give equal files
        stream.write(HEADER.ljust(HEADER_BYTES))


def _text_writer(writer: Any) -> VarWriter5:
    """Return SciPy's writer of variables, with text as UTF-16."""
    from scipy.io.matlab._mio5 import VarWriter5
    from scipy.io.matlab._mio5_params import miUTF16, mxCHAR_CLASS

    class TextWriter(VarWriter5):  # type: ignore[misc]
        """Writer of variables whose text is UTF-16."""

        def write_char(self, arr: npt.NDArray[Any], _: str = TEXT_CODEC) -> None:
            """Write one text as a row of UTF-16 units, which has no unit if the text is empty."""
            text = BEYOND_UTF16_UNITS.sub(REPLACEMENT, str(arr.item()))
            units = np.frombuffer(text.encode(TEXT_CODEC), dtype="<u2")
            self.write_header((min(1, len(units)), len(units)), mxCHAR_CLASS)
            self.write_element(units, mdtype=miUTF16)

    return TextWriter(writer)
