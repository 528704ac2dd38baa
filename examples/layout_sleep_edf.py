"""Lay out Sleep-EDF (PhysioNet) as BIDS, for the request of system2_sleep.py.

Usage: python layout_sleep_edf.py DOWNLOADED_FOLDER BIDS_FOLDER

Download `sleep-cassette` of https://physionet.org/content/sleep-edfx/1.0.0 (Kemp et al. 2000,
doi:10.1109/10.867928), under the Open Data Commons Attribution License 1.0. `SC4ssNE0-PSG.edf`,
night N of person ss, is copied to `sub-ss/ses-N/eeg/sub-ss_ses-N_task-sleep_eeg.edf`. The rows of
`SC4ssNE?-Hypnogram.edf` become rows of events.tsv: `trial_type` is W, N1, N2, N3 (stages 3 and 4)
or R. Movement, unscored time, and wake more than 30 min before the first or after the last sleep
have no row. participants.tsv has the age and sex of the file headers.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import mne
import pandas as pd
from mne_bids import BIDSPath, make_dataset_description, write_raw_bids

STAGES = {"W": "W", "1": "N1", "2": "N2", "3": "N3", "4": "N3", "R": "R"}
EVENT_ID = {"W": 1, "N1": 2, "N2": 3, "N3": 4, "R": 5}
TYPES = {
    "EOG horizontal": "eog",
    "Resp oro-nasal": "resp",
    "EMG submental": "emg",
    "Temp rectal": "temperature",
    "Event marker": "misc",
}
WAKE = 30 * 60  # s, kept before the first and after the last sleep, as in the tutorial of MNE


def read_stages(file: Path) -> mne.Annotations:
    rows = mne.read_annotations(file)
    stages = pd.Series(rows.description).str.removeprefix("Sleep stage ").map(STAGES)
    known = stages.notna().to_numpy()
    asleep = known & (stages != "W").to_numpy()
    if not asleep.any():
        raise ValueError(f"{file.name} has no sleep")
    start = rows.onset[asleep].min() - WAKE
    stop = (rows.onset + rows.duration)[asleep].max() + WAKE
    kept = mne.Annotations(rows.onset[known], rows.duration[known], stages[known])
    return kept.crop(max(start, 0), stop)


def write_night(file: Path, bids: Path) -> tuple[str, float]:
    """Write a night, and return the label of the person and the age in years."""
    hypnograms = sorted(file.parent.glob(f"{file.name[:7]}*-Hypnogram.edf"))
    if not hypnograms:
        raise FileNotFoundError(f"no {file.name[:7]}?-Hypnogram.edf")
    raw = mne.io.read_raw_edf(file, stim_channel=None)
    raw.set_channel_types({name: kind for name, kind in TYPES.items() if name in raw.ch_names})
    raw.set_annotations(read_stages(hypnograms[0]))
    night = {"subject": file.name[3:5], "session": file.name[5], "task": "sleep"}
    path = BIDSPath(root=bids, datatype="eeg", **night)
    write_raw_bids(raw, path, event_id=EVENT_ID, overwrite=True)
    age = re.search(r"(\d+)yr", str(raw.info["subject_info"]))
    return f"sub-{path.subject}", float(age[1]) if age else float("nan")


def describe(bids: Path, ages: dict[str, float]) -> None:
    """Write the ages, the name and the licence of the dataset."""
    people = pd.read_csv(bids / "participants.tsv", sep="\t", dtype=str, keep_default_na=False)
    people["age"] = people["participant_id"].map(ages)
    people.to_csv(bids / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    make_dataset_description(path=bids, name="Sleep-EDF", data_license="ODC-By 1.0", overwrite=True)


def main(downloaded: Path, bids: Path) -> int:
    mne.set_log_level("ERROR")
    ages: dict[str, float] = {}
    failures = 0
    files = sorted(downloaded.rglob("SC4*-PSG.edf"))
    if not files:
        print(f"error: {downloaded}: no file SC4*-PSG.edf; give sleep-cassette", file=sys.stderr)
        return 2
    for file in files:
        try:
            person, ages[person] = write_night(file, bids)
        except (OSError, ValueError) as error:
            failures += 1
            print(f"{file.name} is left out: {error}", file=sys.stderr)
    if ages:
        describe(bids, ages)
    print(f"{bids}: {len(files) - failures} nights of {len(ages)} persons, {failures} left out")
    return 3 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
