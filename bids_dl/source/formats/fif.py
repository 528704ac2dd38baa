"""FIF files: the explanation of those that are not recordings."""

from __future__ import annotations

import warnings
from pathlib import Path

# Results of `mne.what` that a recording may be mistaken for
CONTENTS = {
    "epochs": "epochs",
    "evoked": "an average (evoked)",
    "ica": "an ICA solution",
    "events": "events",
    "proj": "projectors",
    "cov": "a covariance matrix",
}


def explain_error(error: Exception, path: Path, name: str) -> str:
    """Explain an error of MNE's reader of FIF files.

    Parameters
    ----------
    error
        Exception raised by MNE.
    path
        The file.
    name
        Name of the file in the explanation.

    Returns
    -------
    str
        One line, or "" if the message of the error is clear by itself.
    """
    import mne

    if not isinstance(error, ValueError):
        return ""
    try:
        with warnings.catch_warnings(), mne.utils.use_log_level("error"):
            warnings.simplefilter("ignore")
            content = mne.what(path)
    except Exception:  # noqa: BLE001  (readers raise anything at damaged files)
        return ""
    if content in CONTENTS:
        return f"{name} contains {CONTENTS[content]}; only continuous recordings are supported"
    if "No raw data" in str(error):
        return f"{name} has no continuous data; only continuous recordings are supported"
    return ""
