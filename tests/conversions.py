"""Conversions in tests, and the bytes that they write."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bids_dl

if TYPE_CHECKING:
    from bids_dl.pipeline.outcome import Outcome

EYES_QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
EYES = {"hed": EYES_QUERIES, "window": 2, "stride": 2}
KILL_SEEDS = range(int(os.environ.get("BIDS_DL_KILL_SEEDS", "2")))
"""Seeds of the tests that kill a conversion. Set the environment variable to try more."""


def convert(source: Path, dest: Path, **options) -> Outcome:
    """Convert open and closed eyes in windows of 2 s, in this process unless told otherwise."""
    if not options.keys() & {"jobs", "scheduler"}:
        options["scheduler"] = "synchronous"
    return bids_dl.convert(str(source), str(dest), **{**EYES, **options})


def convert_command(source: Path, dest: Path, *flags: str) -> list[str]:
    """Return the command line of the same conversion, in worker processes."""
    command = [sys.executable, "-m", "bids_dl", "convert", str(source), str(dest)]
    for label, query in EYES_QUERIES.items():
        command += ["--hed", f"{label}={query}"]
    return [*command, "--window", "2", "--stride", "2", *flags]


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of each file below a folder, by its relative path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
