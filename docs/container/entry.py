#!/usr/bin/env python3
"""Run bids_dl with the arguments of a BIDS App: BIDS_DIR OUT participant|group [options].

`participant` converts each subject to OUT/sub-LABEL.zarr, `group` converts all subjects to
OUT/group.zarr. Both then write a report beside the store. Options of `bids-dl convert` follow
after ``--``: at least a query, such as ``-- --hed eyes_closed=Eyes-closed --window 2``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PREFIX = "sub-"


def parse(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Parse the arguments, and return the options of `bids-dl convert` apart."""
    words = list(words)
    options: list[str] = []
    if "--" in words:
        place = words.index("--")
        words, options = words[:place], words[place + 1 :]
    parser = argparse.ArgumentParser(prog="bids-dl-app", description=__doc__)
    parser.add_argument("bids_dir", type=Path, help="folder of the BIDS dataset")
    parser.add_argument("output_dir", type=Path, help="folder of the stores; created if missing")
    parser.add_argument("analysis_level", choices=["participant", "group"])
    parser.add_argument(
        *("--participant-label", "--participant_label"),
        nargs="+",
        default=[],
        metavar="LABEL",
        help="subjects to convert, with or without sub-; all by default",
    )
    arguments = parser.parse_args(words)
    if not options:
        parser.error("give the options of bids-dl convert after --, such as -- --hed Eyes-closed")
    return arguments, options


def find_subjects(bids_dir: Path, labels: Sequence[str]) -> list[str]:
    """Return the labels of the subjects to convert, in order.

    Raises
    ------
    SystemExit
        A label has no folder, or the dataset has no subject.
    """
    found = sorted(
        folder.name.removeprefix(PREFIX)
        for folder in bids_dir.glob(f"{PREFIX}*")
        if folder.is_dir()
    )
    if not found:
        raise SystemExit(f"error: {bids_dir}: has no folder {PREFIX}*; give a BIDS dataset")
    wanted = [label.removeprefix(PREFIX) for label in labels]
    unknown = [label for label in wanted if label not in found]
    if unknown:
        raise SystemExit(
            f"error: {bids_dir}: no subject {', '.join(unknown)}; available: {', '.join(found)}"
        )
    return wanted or found


def run(*words: object) -> int:
    """Run a command of bids-dl, and return its exit status."""
    command = [sys.executable, "-m", "bids_dl.cli", *map(str, words)]
    print("$ bids-dl", *words, file=sys.stderr, flush=True)
    return subprocess.run(command, check=False).returncode


def convert(source: Path, store: Path, options: Sequence[str]) -> int:
    """Convert into a store and write its report. Return the first status that is not 0."""
    log = ["--log-file", store.with_suffix(".log")]
    status = run("convert", source, store, *options, *log)
    if status or not store.exists():
        return status or 1
    return run("report", store, "--output", store.with_suffix(".html"), *log)


def main(words: Sequence[str]) -> int:
    """Run the app, and return the worst exit status of its commands."""
    arguments, options = parse(words)
    subjects = find_subjects(arguments.bids_dir, arguments.participant_label)
    try:
        arguments.output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise SystemExit(
            f"error: {arguments.output_dir}: cannot be made a folder ({problem.strerror}); give "
            "another folder"
        ) from None
    if arguments.analysis_level == "group":
        chosen = [word for label in arguments.participant_label for word in ("--subject", label)]
        return convert(arguments.bids_dir, arguments.output_dir / "group.zarr", [*options, *chosen])
    worst = 0
    for subject in subjects:
        store = arguments.output_dir / f"{PREFIX}{subject}.zarr"
        status = convert(arguments.bids_dir, store, [*options, "--subject", subject])
        worst = max(worst, status)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
