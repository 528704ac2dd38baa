"""MEF3 sessions, read by pymef through MNE."""

from __future__ import annotations

import numpy as np
import pytest
from mef_files import write_mef

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source import (
    find_recordings,
    hash_source_files,
    open_dataset,
    open_raw,
    read_header,
    read_header_with_notes,
)

STORED = np.random.default_rng(0).integers(-1000, 1000, (3, 2560))
STEM = "sub-1/ieeg/sub-1_task-x"


def as_dataset(root, names, *, channels="", **session):
    folder = root / "sub-1/ieeg"
    folder.mkdir(parents=True)
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    (root / f"{STEM}_events.tsv").write_text("onset\tduration\n0\tn/a\n")
    if channels:
        (root / f"{STEM}_channels.tsv").write_text(channels)
    write_mef(root / f"{STEM}_ieeg.mefd", dict(zip(names, STORED, strict=False)), **session)
    dataset = open_dataset(str(root))
    return dataset, find_recordings(dataset, SourceConfig())[0]


def test_samples_are_those_that_were_written(tmp_path):
    names = ("LA1", "LA2", "EKG")
    dataset, recording = as_dataset(tmp_path, names)
    with open_raw(dataset, recording) as raw:
        np.testing.assert_allclose(raw.get_data(list(names)), STORED * 0.5e-6)
        part = raw.copy().crop(1.0, 2.0, include_tmax=False).pick(["LA2"]).load_data().get_data()
    np.testing.assert_allclose(part, STORED[1:2, 256:512] * 0.5e-6)


def test_names_tell_other_signals_from_the_default_of_the_format(tmp_path):
    report = read_header_with_notes(*as_dataset(tmp_path, ("LA1", "X", "EKG")))
    types = dict(zip(report.header.ch_names, report.header.ch_types, strict=True))
    assert types == {"LA1": "seeg", "X": "seeg", "EKG": "ecg"}
    assert report.header.sfreq == 256.0
    assert report.notes == (
        "LA1, X: no type given and no known name, sEEG by default of the file format",
        "EKG (ecg): no type given, not brain signal because of their names",
    )


def test_types_and_order_are_those_of_channels_tsv(tmp_path):
    table = "name\ttype\tunits\nLA2\tECOG\tuV\nLA1\tECOG\tuV\n"
    header = read_header(*as_dataset(tmp_path, ("LA1", "LA2"), channels=table))
    assert (header.ch_names, header.ch_types) == (("LA2", "LA1"), ("ecog", "ecog"))


def test_the_hash_of_a_session_covers_its_files(tmp_path):
    dataset, recording = as_dataset(tmp_path, ("LA1", "LA2"))
    before = hash_source_files(dataset, recording)
    file = next((tmp_path / f"{STEM}_ieeg.mefd").rglob("*.tdat"))
    file.write_bytes(file.read_bytes() + b"x")
    assert hash_source_files(dataset, recording) != before


def test_an_encrypted_session_is_refused_by_name(tmp_path):
    dataset, recording = as_dataset(tmp_path, ("LA1",), passwords=("one", "two"))
    with pytest.raises(RecordingError, match=r"_ieeg\.mefd is encrypted, which is not supported"):
        read_header(dataset, recording)
