"""Writing of sidecars to fill in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from text_dataset import write_dataset

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import ConfigError, EventError, NoMatchError, SourceError
from bids_dl.planning.template_file import write_template


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A dataset of two recordings whose values have no HED."""
    root = write_dataset(tmp_path, [(1, "red", 1), (2, "x", 1)], 10)
    (root / "events.json").unlink()
    first = root / "sub-1" / "eeg" / "sub-1_task-x_events.tsv"
    other = root / "sub-2" / "eeg" / "sub-2_task-x_events.tsv"
    other.parent.mkdir(parents=True)
    other.write_text(first.read_text().replace("red", "blue"))
    return root


def write(root: Path, file: Path, **options: tuple[str, ...]):
    return write_template([str(root)], SourceConfig(**options), str(file))


def test_the_file_has_the_content_of_the_template(dataset, tmp_path):
    file = tmp_path / "codes.json"
    template = write(dataset, file)
    assert json.loads(file.read_text(encoding="utf-8")) == template.content
    assert set(template.content["code"]["HED"]) == {"red", "blue", "x"}


def test_only_the_selected_recordings_are_read(dataset, tmp_path):
    template = write(dataset, tmp_path / "codes.json", subject=("2",))
    assert set(template.content["code"]["HED"]) == {"blue", "x"}


def test_an_existing_file_is_refused_before_a_source_is_read(tmp_path):
    file = tmp_path / "codes.json"
    file.write_text("mine")
    with pytest.raises(ConfigError, match=r"codes\.json: exists already; name another file"):
        write(tmp_path / "none", file)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [("none/codes.json", "folder .*none does not exist"), ("codes.tsv", r"ends in \.json")],
)
def test_a_file_that_cannot_be_written_is_refused(dataset, tmp_path, name, message):
    with pytest.raises(ConfigError, match=message):
        write(dataset, tmp_path / name)


def test_nothing_is_written_if_there_is_nothing_to_annotate(dataset, tmp_path):
    for table in dataset.rglob("*_events.tsv"):
        table.write_text("onset\tduration\n1\t2\n")
    with pytest.raises(NoMatchError, match="there are only times"):
        write(dataset, tmp_path / "codes.json")
    assert not (tmp_path / "codes.json").exists()


def test_a_table_that_cannot_be_read_is_named_and_the_others_are_used(dataset, tmp_path):
    tables = sorted(dataset.rglob("*_events.tsv"))
    tables[0].write_bytes(b"onset\tcode\n1\t\xff\n")
    notes: list[str] = []
    file = tmp_path / "codes.json"
    template = write_template([str(dataset)], SourceConfig(), str(file), on_message=notes.append)
    assert template.n_recordings == 1
    assert any("sub-1_task-x" in note and "UTF-8" in note for note in notes)
    tables[1].write_bytes(b"\xff")
    with pytest.raises(SourceError, match="UTF-8"):
        write(dataset, tmp_path / "other.json")


def test_recordings_without_events_are_refused(dataset, tmp_path):
    for table in dataset.rglob("*_events.tsv"):
        table.rename(table.with_name(table.name.replace("events.tsv", "eeg.edf")))
    with pytest.raises(EventError, match="no EEG or iEEG recording has"):
        write(dataset, tmp_path / "codes.json")
