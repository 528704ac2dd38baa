"""Text that steers terminals and viewers, in every text field of a dataset."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import strategies as st

MARKS = [
    *("\x1b]0;owned\x07", "\x1b[31m", "\x9b31m", "\x85", "\x7f", "\u202e", "\u2066", "\u2028"),
    *("<script>alert(1)</script>", "<img src=x onerror=y>", "<!--", "&lt;b&gt;"),
    *("[bold red]x[/]", "[/]", ":bomb:", "*b*", "[x](javascript:1)", "`", "| a |", "$\\frac$"),
]
TEXTS = st.lists(st.sampled_from([*MARKS, "a", " "]), min_size=1, max_size=5).map("".join)
"""Texts for cells of a table. A line break would end a row."""

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
TAG = re.compile("<(script|img|!--)")


def poison(root: Path, text: str) -> None:
    """Put a text into the fields of a dataset that bids_dl reads or repeats."""
    names = ["Name", "License", "HowToAcknowledge", "DatasetDOI", "BIDSVersion"]
    lists = ["Authors", "ReferencesAndLinks", "Funding", "EthicsApprovals"]
    path = root / "dataset_description.json"
    description = json.loads(path.read_text())
    description |= dict.fromkeys(names, text) | {name: [text, text] for name in lists}
    path.write_text(json.dumps(description))
    subjects = [folder.name for folder in sorted(root.glob("sub-*"))]
    rows = "".join(f"{subject}\t{text}\n" for subject in [*subjects, f"sub-x{text}"])
    (root / "participants.tsv").write_text(f"participant_id\t{text}\n{rows}", encoding="utf-8")
    levels = {text: {"Description": text, "Levels": {text: text}}}
    (root / "participants.json").write_text(json.dumps(levels))
    (root / "LICENSE").write_text(f"{text}\r\n{text}\n", encoding="utf-8")
    (root / ".bidsignore").write_text("nothing\n", encoding="utf-8")
    for table in root.rglob("*_events.tsv"):
        header, *lines = table.read_text().splitlines()
        lines = [f"{line}\t{text}" for line in lines]
        table.write_text("\n".join([f"{header}\tx{text}", *lines]), encoding="utf-8")
    for table in root.rglob("*_channels.tsv"):
        header, *lines = table.read_text().splitlines()
        lines = [f"{line}\t{text}" for line in lines]
        table.write_text("\n".join([f"{header}\tx{text}", *lines]), encoding="utf-8")
    for sidecar in root.rglob("*_eeg.json"):
        content = json.loads(sidecar.read_text())
        sidecar.write_text(json.dumps(content | {"Manufacturer": text, "EEGReference": text}))


def add_named_files(root: Path, text: str) -> None:
    """Add files whose names hold a text: an unnamed recording, a subject, and a table."""
    name = text.replace("/", "-")[:40]  # twice in a name of at most 255 bytes
    (root / f"{name}.edf").write_bytes(b"")
    folder = root / f"sub-{name}" / "eeg"
    folder.mkdir(parents=True)
    (folder / f"sub-{name}_task-{name}_eeg.edf").write_bytes(b"<html>")
    (folder / f"sub-{name}_task-{name}_events.tsv").write_text("onset\tduration\n1\n")
