"""Licence files of the sources go into a store, and nothing else does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conversions import convert

ONE = {"hed": {"closed": "Eyes-closed"}, "subject": "001", "split": 1}
PRIVATE = "the words of a private file"


def test_a_licence_that_is_a_link_out_of_the_dataset_is_left_out_with_a_warning(
    eegbci_copy, tmp_path
):
    (tmp_path / "key").write_text(PRIVATE)
    (eegbci_copy / "LICENSE").unlink(missing_ok=True)
    (eegbci_copy / "LICENSE").symlink_to(tmp_path / "key")
    outcome = convert(eegbci_copy, tmp_path / "x.zarr", **ONE)
    [warning] = [line for line in outcome.warnings if "LICENSE" in line]
    assert "LICENSE: is a link to a place outside of the dataset and was not read" in warning
    assert warning.endswith("the store has no copy of it")
    for file in (tmp_path / "x.zarr").rglob("*"):
        assert file.is_dir() or PRIVATE.encode() not in file.read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "large"])
def test_a_licence_that_is_no_licence_is_left_out_and_the_next_one_taken(
    eegbci_copy, tmp_path, kind
):
    (eegbci_copy / "LICENSE").unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(eegbci_copy / "LICENSE")
    else:
        (eegbci_copy / "LICENSE").write_text("x" * 300_000)
    (eegbci_copy / "COPYING").write_bytes(b"\xef\xbb\xbfUse it.\r\nCite\x0cus \x1b[31m.\n")
    outcome = convert(eegbci_copy, tmp_path / "x.zarr", **ONE)
    [warning] = [line for line in outcome.warnings if "LICENSE" in line]
    assert ("is a named pipe" if kind == "pipe" else "has 300 kB, which no licence has") in warning
    text = Path(tmp_path / "x.zarr/LICENSE").read_bytes().decode()
    assert "Use it.\nCite\nus \\x1b[31m." in text
