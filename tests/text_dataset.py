"""A BIDS dataset of text files only, with one recording and rows of choice."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from bids_dl.config import parsing
from bids_dl.planning.survey import Survey, survey_sources

CODES = {
    "red": "Sensory-event, Red",
    "blue": "Sensory-event, Blue",
    "bad": "Data-artifact",
    "on": "(Def/Task-a, Onset)",
    "off": "(Def/Task-a, Offset)",
    "other": "Agent-action",
    "jump": "Data-feature",
}
"""HED of each value of the column `code`. A row with "jump" is a boundary."""
SFREQ = 64.0


def write_dataset(root: Path, rows: list[tuple[float, str, float]], duration: float | None) -> Path:
    """Write a dataset.

    Parameters
    ----------
    rows
        Onset in s, code and duration in s of each row of events.tsv.
    duration
        Length of the recording in s that its sidecar states, None if it states none.
    """
    folder = root / "ds" / "sub-1" / "eeg"
    folder.mkdir(parents=True)
    description = {"Name": "x", "BIDSVersion": "1.9.0", "HEDVersion": "8.3.0"}
    (root / "ds" / "dataset_description.json").write_text(json.dumps(description))
    definitions = {"HED": {"a": "(Definition/Task-a, (Task))"}}
    sidecar = {"code": {"HED": CODES}, "definitions": definitions}
    (root / "ds" / "events.json").write_text(json.dumps(sidecar))
    lines = ["onset\tduration\tcode\ttype"]
    for onset, code, length in rows:
        row_type = "boundary" if code == "jump" else "n/a"
        lines.append(f"{onset}\t{length or 'n/a'}\t{code}\t{row_type}")
    (folder / "sub-1_task-x_events.tsv").write_text("\n".join(lines))
    header = {"SamplingFrequency": SFREQ}
    if duration:
        header["RecordingDuration"] = duration
    (folder / "sub-1_task-x_eeg.json").write_text(json.dumps(header))
    return root / "ds"


def survey_rows(
    rows: list[tuple[float, str, float]], duration: float | None, options: dict
) -> Survey:
    """Survey a dataset of these rows."""
    with TemporaryDirectory() as folder:
        root = write_dataset(Path(folder), rows, duration)
        return survey_folder(root, options)


def survey_folder(root: Path, options: dict) -> Survey:
    """Survey a dataset with options of `bids_dl.events`."""
    return survey_sources(
        [str(root)],
        parsing.parse_source(options),
        parsing.parse_events(options),
        parsing.parse_windows(options),
    )
