"""Stop in the middle of an epoch and go on in another process, nothing lost or repeated: python resume.py [FOLDER]."""

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
    store, checkpoint = str(folder / "eyes.zarr"), folder / "checkpoint.json"
    bids_dl.convert(
        str(sample_folder()), store, hed=QUERIES, window=2, stride=2
    )  # does nothing where the store is there

    first = bids_dl.StreamingDataset(store, batch_size=16, seed=0)
    seen: list[int] = []
    for step, (_, _, index) in enumerate(first, 1):
        seen += index.tolist()
        if step == STOP_AFTER:
            checkpoint.write_text(json.dumps(first.state_dict()))  # beside the weights of the model
            break
    print(f"stopped after {STOP_AFTER} of {len(first)} batches: {checkpoint.read_text()}")

    second = bids_dl.StreamingDataset(store, batch_size=16, seed=0)  # as a new process would
    second.load_state_dict(json.loads(checkpoint.read_text()))
    rest = [row for _, _, index in second for row in index.tolist()]
    whole = [
        row
        for _, _, index in bids_dl.StreamingDataset(store, batch_size=16, seed=0)
        for row in index.tolist()
    ]
    print(
        f"{len(seen)} windows before, {len(rest)} after, each once: {sorted(seen + rest) == sorted(whole)}"
    )
    print(f"the same order as without the stop: {seen + rest == whole}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
