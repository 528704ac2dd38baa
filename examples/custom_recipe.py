"""Convert with a custom recipe and a changed parameter, and print the effect of each step.

Usage: python custom_recipe.py [FOLDER]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import bids_dl
from bids_dl.demo import sample_folder


def main(folder: Path) -> None:
    outcome = bids_dl.convert(
        sample_folder(),
        folder / "alpha.zarr",
        hed={"eyes_closed": "Eyes-closed"},
        window=4,
        stride=2,
        subject=["001"],
        split=1,  # all persons are in `train`
        recipe=Path(__file__).with_name("recipe.yaml"),
        set={"filter.high": 20},
        jobs=1,
    )
    store = bids_dl.open_store(outcome.url)
    channels = ", ".join(store.channels)
    print(f"{store.shape} windows, channels, samples at {store.sfreq:g} Hz: {channels}")
    for step in store.attributes["request"]["preprocess"]["steps"]:
        print(f"  {step}")
    recordings = json.loads((folder / "alpha.zarr" / "recordings.json").read_text())
    for recording, entry in recordings.items():
        for report in entry["steps"]:
            print(
                f"{recording}: {report['step']} changed {report['share']:.0%} of the samples "
                + "; ".join(report["notes"])
            )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
