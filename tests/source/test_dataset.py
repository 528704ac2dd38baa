"""Opening a BIDS folder, its files, inheritance, and reading of JSON and TSV."""

from __future__ import annotations

import doctest

import pytest
from bids_folder import EVENTS, write_folder

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import SourceError
from bids_dl.source import dataset as dataset_module
from bids_dl.source import find_recordings, open_dataset


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(dataset_module).failed == 0


def test_the_name_of_a_dataset_is_the_accession_in_its_doi(eegbci, tmp_path):
    assert open_dataset(str(eegbci)).name == "ds004362"
    description = '{"DatasetDOI": "doi:10.18112/openneuro.ds001234.v1.0.0"}'
    root = write_folder(tmp_path / "copy", {"dataset_description.json": description})
    assert open_dataset(str(root)).name == "ds001234"


def test_the_name_of_a_dataset_without_an_accession_is_its_folder(tmp_path):
    assert open_dataset(str(write_folder(tmp_path / "mine", {}))).name == "mine"


@pytest.mark.parametrize("folder", ["", "sub-001", "~nobody-of-this-name/ds1"])
def test_a_folder_that_is_not_a_dataset_is_refused_in_one_line(tmp_path, folder):
    with pytest.raises(
        SourceError, match=r"no such folder|no dataset_description\.json"
    ) as refusal:
        open_dataset(folder if folder.startswith("~") else str(tmp_path / folder))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("below", r"pass the dataset below it as SOURCE: \S+/below/ds1"),
        ("two", r"pass the 2 datasets below it as SOURCEs: \S+/two/a \S+/two/b"),
        ("two/a/sub-1", r"must be the top folder of a BIDS dataset: \S+/two/a"),
        ("two/a/README", r"is a file; .*: \S+/two/a"),
        ("plain", r"which has sub-\* folders; add one"),
        ("store", "is a store; .* DEST follows all SOURCEs"),
    ],
)
def test_a_source_that_is_not_a_dataset_is_refused_with_the_one_to_pass(tmp_path, source, message):
    for folder in ("below/ds1", "two/a", "two/b"):
        write_folder(tmp_path / folder, {"sub-1/x.tsv": "", "README": "x"})
    (tmp_path / "plain/sub-1").mkdir(parents=True)
    (tmp_path / "store").mkdir()
    (tmp_path / "store/zarr.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        open_dataset(str(tmp_path / source))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("github:owner/name", "unknown archive 'github'; use one of openneuro, nemar"),
        ("openneurol:ds004362", "did you mean 'openneuro'"),
        ("openneuro:ds1", "expected ds and six digits"),
        ("openneuro:nm000110", "write nemar:nm000110"),
        ("https://me:secret@host.org/ds1", "must not hold a user or password"),
    ],
)
def test_an_address_that_cannot_be_opened_is_refused_in_one_line(source, message):
    with pytest.raises(SourceError, match=message) as refusal:
        open_dataset(source)
    assert "\n" not in str(refusal.value)


def test_only_files_that_may_belong_to_raw_recordings_are_listed(tmp_path):
    hidden = {"sourcedata/a.edf", "derivatives/a.edf", "code/a.edf", "stimuli/a.edf"}
    hidden |= {".git/a.edf", "sub-1/.cache/a.edf", "sub-1/beh/a.tsv", "sub-1/.hidden"}
    listed = {"README", "sub-1/eeg/a_eeg.edf", "sub-1/code/a.edf"}
    root = write_folder(tmp_path, dict.fromkeys(hidden | listed, ""))
    assert set(open_dataset(str(root)).files) == listed | {"dataset_description.json"}


def test_a_recording_that_is_a_folder_is_listed_as_one_file(tmp_path):
    root = write_folder(tmp_path, {"sub-1/meg/sub-1_task-x_meg.ds/data.meg4": ""})
    assert "sub-1/meg/sub-1_task-x_meg.ds" in open_dataset(str(root)).files


def test_a_linked_subject_is_listed_and_circular_links_are_not_followed(eegbci_copy, tmp_path):
    (eegbci_copy / "sub-004").rename(tmp_path / "elsewhere")
    (eegbci_copy / "sub-004").symlink_to(tmp_path / "elsewhere")
    (eegbci_copy / "sub-001" / "loop").symlink_to(eegbci_copy / "sub-001")
    assert len(find_recordings(open_dataset(str(eegbci_copy)), SourceConfig())) == 11


def test_inherited_files_are_those_whose_entities_the_recording_has_nearest_last(tmp_path):
    applicable = [
        "events.json",
        "task-x_events.json",
        "sub-1/sub-1_events.json",
        "sub-1/eeg/sub-1_task-x_events.json",
    ]
    others = ["task-y_events.json", "sub-2/sub-2_events.json", "sub-1/eeg/task-x_eeg.json"]
    dataset = open_dataset(str(write_folder(tmp_path, dict.fromkeys(applicable + others, "{}"))))
    assert dataset.inherited_files("sub-1/eeg/sub-1_task-x", "events.json") == applicable


@pytest.mark.parametrize("ending", ["electrodes.tsv", "coordsystem.json"])
def test_positions_apply_whatever_their_space_those_of_the_head_last(tmp_path, ending):
    beside = "sub-1/eeg/sub-1"
    files = {f"{beside}_space-{space}_{ending}": "" for space in ("Talairach", "CapTrak")}
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    inherited = dataset.inherited_files("sub-1/eeg/sub-1_task-x_run-1", ending)
    assert inherited[-1] == f"{beside}_space-CapTrak_{ending}"


def test_cells_are_text_and_short_rows_are_padded(tmp_path):
    content = "\ufeffonset\tduration\tvalue\r\n1.50\tn/a\t 01\r\n2\r\n\r\n3\t4\t5\t\r\n"
    dataset = open_dataset(str(write_folder(tmp_path, {"x.tsv": content})))
    columns = {"onset": ("1.50", "2", "3"), "duration": ("n/a", "n/a", "4")}
    verbatim = dataset.read_tsv_verbatim("x.tsv")
    assert verbatim.columns == {**columns, "value": (" 01", "n/a", "5")}
    assert verbatim.short_rows == (1,)
    assert dataset.read_tsv("x.tsv").columns == {**columns, "value": ("01", "n/a", "5")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name\tname\nCz\tPz\n", r"x\.tsv: two columns have the name 'name'"),
        (b"name\n\xff\n", r"x\.tsv: is not UTF-8 text, at byte 5; save it as UTF-8"),
        ("name\n".encode("utf-16"), r"x\.tsv: is not UTF-8 text \(but UTF-16\)"),
        ("name\n".encode("utf-16-le"), r"x\.tsv: .* contains NUL characters as UTF-16 does"),
        (b"name,type\nCz,EEG\n", r"x\.tsv: its columns are separated by commas"),
        (b"", r"x\.tsv is empty; download it again"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path, content, message):
    dataset = open_dataset(str(write_folder(tmp_path, {})))
    (tmp_path / "x.tsv").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        dataset.read_tsv("x.tsv")


def test_json_that_is_not_an_object_is_refused(tmp_path):
    dataset = open_dataset(str(write_folder(tmp_path, {"x.json": "[1]"})))
    with pytest.raises(SourceError, match=r"x\.json: contains a JSON list, expected an object"):
        dataset.read_json("x.json")


def test_deeply_nested_json_is_refused(tmp_path):
    content = '{"a":' * 100_000 + "1" + "}" * 100_000
    root = write_folder(tmp_path, {"dataset_description.json": content, "events.tsv": EVENTS})
    with pytest.raises(SourceError, match="cannot be read as JSON"):
        open_dataset(str(root))
