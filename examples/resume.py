"""Stop in the middle of an epoch and resume in another process, with every window once.

Usage: python resume.py [FOLDER]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import bids_dl
from bids_dl.demo import sample_folder

QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}
STOP_AFTER = 5  # batches


def main(folder: Path) -> None:
    store = folder / "eyes.zarr"
    checkpoint = folder / "checkpoint.json"
    # does nothing if the store exists already
    bids_dl.convert(sample_folder(), store, hed=QUERIES, window=2)

    first = bids_dl.StreamingDataset(store, batch_size=16, seed=0)
    seen: list[int] = []
    for step, (_, _, index) in enumerate(first, 1):
        seen += index.tolist()
        if step == STOP_AFTER:
            checkpoint.write_text(json.dumps(first.state_dict()))  # with the weights of a model
            break
    print(f"stopped after {STOP_AFTER} of {len(first)} batches: {checkpoint.read_text()}")

    second = bids_dl.StreamingDataset(store, batch_size=16, seed=0)  # as in a new process
    second.load_state_dict(json.loads(checkpoint.read_text()))
    rest = rows_of(second)
    whole = rows_of(bids_dl.StreamingDataset(store, batch_size=16, seed=0))
    each_once = sorted(seen + rest) == sorted(whole)
    print(f"{len(seen)} windows before, {len(rest)} after, each once: {each_once}")
    print(f"the same order as without the stop: {seen + rest == whole}")


def rows_of(stream: bids_dl.StreamingDataset) -> list[int]:
    """List the rows of the windows of an epoch, in its order."""
    rows = []
    for _, _, index in stream:
        rows += index.tolist()
    return rows


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
