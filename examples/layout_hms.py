"""Lay out the data of HMS on harmful brain activity (Kaggle 2024) as BIDS, for system3_votes.py.

Usage: python layout_hms.py DOWNLOADED_FOLDER BIDS_FOLDER

Needs `pip install 'bids_dl[parquet]' pybv`. Download train.csv and train_eegs/ of
https://www.kaggle.com/competitions/hms-harmful-brain-activity-classification, under the rules of
the competition. `train_eegs/EEG.parquet` of patient P becomes the BrainVision file
`sub-P/eeg/sub-P_task-monitoring_run-EEG_eeg.vhdr` (200 Hz, µV). Each row of train.csv becomes a row
of events.tsv: the onset is eeg_label_offset_seconds, the duration 50 s, `trial_type` the consensus
of the experts, and `seizure_vote` to `other_vote` count their votes. Segments overlap. Missing
samples become 0, which the step `dropouts` finds; a channel without samples is bad in
channels.tsv. The test data have no votes and stay as they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from mne_bids import BIDSPath, make_dataset_description, write_raw_bids

VOTES = [f"{name}_vote" for name in ("seizure", "lpd", "gpd", "lrda", "grda", "other")]
COLUMNS = ["eeg_id", "patient_id", "eeg_label_offset_seconds", "expert_consensus", *VOTES]
CLASSES = {"Seizure": 1, "LPD": 2, "GPD": 3, "LRDA": 4, "GRDA": 5, "Other": 6}
SFREQ = 200.0  # Hz
DURATION = 50.0  # s, of a segment that the experts saw


def write_recording(file: Path, labels: pd.DataFrame, path: BIDSPath) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"no such file in {file.parent}")
    table = pd.read_parquet(file)
    signals = table.to_numpy(dtype=float).T  # (n_chans, n_times), µV
    is_missing = np.isnan(signals)
    if is_missing.all():
        raise ValueError("no channel has a sample")
    types = ["ecg" if name == "EKG" else "eeg" for name in table.columns]
    info = mne.create_info(list(table.columns), SFREQ, types)
    raw = mne.io.RawArray(np.where(is_missing, 0, signals) * 1e-6, info)
    raw.info["bads"] = list(table.columns[is_missing.all(axis=1)])
    segments = mne.Annotations(
        labels["eeg_label_offset_seconds"],
        DURATION,
        labels["expert_consensus"],
        extras=labels[VOTES].to_dict("records"),
    )
    raw.set_annotations(segments)
    write_raw_bids(
        raw, path, event_id=CLASSES, format="BrainVision", allow_preload=True, overwrite=True
    )


def main(downloaded: Path, bids: Path) -> int:
    mne.set_log_level("ERROR")
    try:
        table = pd.read_csv(downloaded / "train.csv", usecols=COLUMNS)
    except (OSError, ValueError) as error:
        print(f"error: {downloaded / 'train.csv'}: {error}", file=sys.stderr)
        return 2
    failures = 0
    recordings = table.groupby(["patient_id", "eeg_id"])
    for (patient, eeg), labels in recordings:
        path = BIDSPath(root=bids, subject=str(patient), task="monitoring", run=int(eeg))
        try:
            write_recording(downloaded / "train_eegs" / f"{eeg}.parquet", labels, path)
        except (OSError, ValueError) as error:
            failures += 1
            print(f"{eeg}.parquet is left out: {error}", file=sys.stderr)
    make_dataset_description(path=bids, name="HMS harmful brain activity", overwrite=True)
    print(f"{bids}: {len(recordings) - failures} recordings, {failures} left out")
    return 3 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
