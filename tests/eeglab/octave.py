"""Cases of the EEGLAB plug-in, run by GNU Octave: one process for a script of cases.

`BIDS_DL_EEGLAB=FOLDER` names a real EEGLAB, in place of the stand-ins. It needs its plug-ins
dipfit (`eeg_checkset` of the sample recording) and firfilt (`pop_eegfiltnew`) in `plugins`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import bids_dl

HERE = Path(__file__).parent
PLUGIN = Path(bids_dl.__file__).parent / "eeglab" / "plugin"
EEGLAB = os.environ.get("BIDS_DL_EEGLAB", "")  # folder of a real EEGLAB, in place of the stand-ins
REASON = "needs GNU Octave (apt-get install octave)"
CASE = '{"case":'  # start of each line that emit.m prints
TIMEOUT_SECONDS = 540.0  # below the ten minutes of one call of the tests


def require_octave() -> str:
    """Find `octave-cli`, or skip the test. In CI a missing Octave fails the test.

    Returns
    -------
    Path of the program.
    """
    program = shutil.which("octave-cli")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(REASON)
        pytest.skip(REASON)
    return program


def run_cases(
    script: Path | str,
    *,
    paths: Sequence[Path] = (),
    eeglab: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Run a script of cases in one Octave process, and collect what its cases emit.

    The plug-in, the prepared windows (tests/eeglab/windows) and EEGLAB or its stand-ins are on
    the path. `HOME` is a temporary folder, because EEGLAB and `setpref` write there.

    Parameters
    ----------
    script
        File of Octave commands, or their text. `emit(name, struct)` reports one case.
    paths
        More folders with functions, searched before EEGLAB.
    eeglab
        Folder of a real EEGLAB; default: that of the environment variable BIDS_DL_EEGLAB, or
        the stand-ins of the tests.
    environment
        More environment variables of the process.

    Returns
    -------
    One dictionary for each case, with its name as `case`.

    Raises
    ------
    AssertionError
        If the process fails. The message holds its output.
    """
    program = require_octave()
    text = script.read_text(encoding="utf-8") if isinstance(script, Path) else script
    folder = eeglab or (Path(EEGLAB) if EEGLAB else None)
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "cases_of_the_test.m"
        file.write_text("\n".join([*search_path(paths, folder), text, ""]), encoding="utf-8")
        run = subprocess.run(
            [program, "--norc", "--quiet", str(file)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=home,
            env={**os.environ, "HOME": home, **(environment or {})},
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith(CASE)]


def search_path(paths: Sequence[Path], eeglab: Path | None) -> list[str]:
    """Octave commands that put EEGLAB or its stand-ins, the plug-in and the windows on the path."""
    if eeglab is None:
        first = [f"addpath({quote(HERE / 'standins')});"]
    else:
        first = [f"addpath({quote(eeglab)});", "warning('off', 'all');", "eeglab nogui;"]
    folders = [PLUGIN, HERE / "windows", *paths]
    return [*first, *(f"addpath({quote(folder)});" for folder in folders)]


def quote(value: Path | str) -> str:
    """Write a text as an Octave literal in single quotes."""
    return "'" + str(value).replace("'", "''") + "'"
