"""Lay out the data of Melbourne, AES and NIH (Kaggle 2016) as BIDS, for system 5.

Usage: python layout_melbourne.py DOWNLOADED_FOLDER BIDS_FOLDER

Needs `pip install pybv`. Download train_1, train_2 and train_3 of
https://www.kaggle.com/c/melbourne-university-seizure-prediction under the rules of the competition.
`I_J_K.mat`, segment J of patient I, becomes the BrainVision file
`sub-I/ses-S/ieeg/sub-I_ses-S_task-interictal_run-J_ieeg.vhdr`, with `task-preictal` if K is 1. Its
channels are subdural (ECoG, µV). events.tsv has one row, with the class in `trial_type` and the
duration of the segment. Dropouts stay zeros; a segment without other samples is left out.

Six segments (`sequence` 1 to 6) are an hour. Sessions 1 to 4 are quarters of each class, in the
order of the numbers, and no hour is in two of them, so that `--folds session` tests other hours
than those of the training. `--folds time` does not suit, because each recording is one window.
No date is published, so none is in scans.tsv.
"""

from __future__ import annotations

import re
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import mne
from mne_bids import BIDSPath, make_dataset_description, write_raw_bids
from pymatreader import read_mat

NAME = re.compile(r"(\d+)_(\d+)_([01])\.mat")  # the test data, I_J.mat, have no class
CLASSES = ("interictal", "preictal")
N_SESSIONS = 4
SEGMENTS_PER_HOUR = 6


def parse_name(file: Path) -> tuple[int, int, int]:
    """Return the patient, the class and the number of a segment."""
    patient, number, kind = map(int, NAME.fullmatch(file.name).groups())
    return patient, kind, number


def write_segment(segment: dict[str, Any], path: BIDSPath) -> None:
    signals = segment["data"].T.astype(float) * 1e-6  # (n_chans, n_times), V
    if not signals.any():
        raise ValueError("all samples are dropouts")
    sfreq = float(segment["iEEGsamplingRate"])
    names = [f"Ch{int(index):02d}" for index in segment["channelIndices"]]
    raw = mne.io.RawArray(signals, mne.create_info(names, sfreq, "ecog"))
    raw.set_annotations(mne.Annotations(0, signals.shape[1] / sfreq, path.task))
    ids = {path.task: 1 + CLASSES.index(path.task)}
    write_raw_bids(
        raw, path, event_id=ids, format="BrainVision", allow_preload=True, overwrite=True
    )


def write_class(files: list[Path], path: BIDSPath) -> int:
    """Write the segments of a class of a patient, and return how many were left out."""
    failures = session = previous = 0
    for position, file in enumerate(files):
        try:
            segment = read_mat(file)["dataStruct"]
            if segment["sequence"] <= previous or not session:  # the first segment of an hour
                middle = position + SEGMENTS_PER_HOUR // 2
                session = min(1 + N_SESSIONS * middle // len(files), N_SESSIONS)
            previous = segment["sequence"]
            path.update(session=str(session), run=parse_name(file)[2])
            write_segment(segment, path)
        except (KeyError, OSError, TypeError, ValueError) as error:
            failures += 1
            print(f"{file.name} is left out: {error}", file=sys.stderr)
    return failures


def main(downloaded: Path, bids: Path) -> int:
    mne.set_log_level("ERROR")
    files = [file for file in downloaded.rglob("*.mat") if NAME.fullmatch(file.name)]
    if not files:
        print(f"error: {downloaded}: no file I_J_K.mat, such as 1_12_1.mat", file=sys.stderr)
        return 2
    failures = 0
    for (patient, kind), group in groupby(
        sorted(files, key=parse_name), key=lambda file: parse_name(file)[:2]
    ):
        path = BIDSPath(root=bids, subject=str(patient), task=CLASSES[kind], datatype="ieeg")
        failures += write_class(list(group), path)
    make_dataset_description(path=bids, name="Melbourne seizure prediction", overwrite=True)
    print(f"{bids}: {len(files) - failures} segments, {failures} left out")
    return 3 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
