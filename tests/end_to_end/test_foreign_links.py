"""A dataset whose texts are links to files of its user: no command reads them into a store."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from conversions import convert

from bids_dl.errors import SourceError

CLOSED = {"hed": {"closed": "Eyes-closed"}, "split": 1}
PRIVATE = "the_words_of_a_private_file"
RUN = "sub-001/eeg/sub-001_task-motion_run-2"
TEXTS = ["participants.tsv", "participants.json", f"{RUN}_events.tsv", f"{RUN}_channels.tsv"]
TEXTS += [f"{RUN}_eeg.json", f"{RUN}_events.json", f"{RUN}_electrodes.tsv", ".bidsignore"]
TEXTS += ["dataset_description.json", "LICENSE", "events.json", f"{RUN}_coordsystem.json"]
OF_ALL_RECORDINGS = {
    *("participants.tsv", "participants.json", ".bidsignore"),
    *("dataset_description.json", "events.json"),
}
NOT_READ = "is a link to a place outside of the dataset and was not read"


def replace_by_link(file: Path, base: Path, seed: str) -> None:
    """Replace a file of a dataset by a chain of links to a copy outside, with private words."""
    choice = random.Random(seed)
    content = file.read_text() if file.exists() else "x\ty\n1\t2\n"
    if file.suffix == ".tsv":
        header, *rows = content.splitlines()
        content = "\n".join([f"{header}\t{PRIVATE}", *(f"{row}\t{PRIVATE}" for row in rows)])
    elif file.suffix == ".json":
        content = content.replace("{", f'{{"{PRIVATE}": "{PRIVATE}",', 1).replace(",}", "}")
    else:
        content = PRIVATE
    target = base / "private"
    target.write_text(content)
    for number in range(choice.randint(0, 2)):
        link = choice.choice([base, file.parent]) / f"{number}.link"
        link.symlink_to(target)
        target = link
    file.unlink(missing_ok=True)
    file.symlink_to(target)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_outside_of_a_dataset_never_gets_into_a_store(eegbci, tmp_path, name):
    root = tmp_path / "ds"
    shutil.copytree(eegbci, root, ignore=shutil.ignore_patterns("sub-00[34]"))
    replace_by_link(root / name, tmp_path, name)
    if name in OF_ALL_RECORDINGS:
        with pytest.raises(SourceError, match=f"{name}: {NOT_READ}") as refusal:
            convert(root, tmp_path / "x.zarr", **CLOSED)
        assert PRIVATE not in str(refusal.value)
        assert not (tmp_path / "x.zarr").exists()
        return
    outcome = convert(root, tmp_path / "x.zarr", **CLOSED)
    told = [failure for failure in outcome.failures if name in failure.reason]
    lines = [failure.reason for failure in told]
    lines += [line for line in outcome.warnings if name in line]
    assert NOT_READ in lines[0]
    if name.endswith("events.tsv"):
        assert [failure.stage for failure in told] == ["events"]
    for file in (tmp_path / "x.zarr").rglob("*"):
        assert file.is_dir() or PRIVATE.encode() not in file.read_bytes()


def test_signals_that_are_links_to_another_place_are_read_and_told_once(eegbci, tmp_path):
    root = tmp_path / "ds"
    shutil.copytree(eegbci, root, ignore=shutil.ignore_patterns("sub-00[34]"))
    signals = sorted(root.rglob("*.edf"))
    for number, signal in enumerate(signals):
        shutil.move(signal, tmp_path / f"{number}.edf")
        signal.symlink_to(tmp_path / f"{number}.edf")
    linked = convert(root, tmp_path / "linked.zarr", **CLOSED)
    [warning] = [line for line in linked.warnings if "outside of the dataset" in line]
    first = signals[0].relative_to(root).as_posix()
    assert f"{len(signals)} signal files outside of the dataset, read through links" in warning
    assert warning.endswith(f"the first {first}")
    assert not linked.failures


def test_links_in_a_circle_end_in_one_line(eegbci_copy, tmp_path):
    events = eegbci_copy / f"{RUN}_events.tsv"
    events.unlink()
    events.symlink_to(events.name)
    outcome = convert(eegbci_copy, tmp_path / "x.zarr", **CLOSED)
    assert [failure.recording.partition("/")[2] for failure in outcome.failures] == [RUN]
    assert "\n" not in outcome.failures[0].reason
