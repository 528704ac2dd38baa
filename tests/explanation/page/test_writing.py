from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from explanations import make_explanation

from bids_dl.errors import ConfigError
from bids_dl.explanation.page import claimed_folder, render_explanation, write_explanation

FILES = ["claims.csv", "explanation.html", "explanation.npz"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_page_arrays_and_claims_are_written(tmp_path):
    explanation = make_explanation()
    written = write_explanation(tmp_path / "explanation", explanation)
    assert written.page.read_bytes() == render_explanation(explanation)
    assert written.explanation is explanation
    assert names_in(written.page.parent) == FILES
    np.load(written.page.parent / "explanation.npz", allow_pickle=False).close()


def test_a_second_explanation_replaces_the_first(tmp_path):
    folder = tmp_path / "explanation"
    write_explanation(folder, make_explanation(("a", "b")))
    assert claimed_folder(tmp_path, folder, store="eyes.zarr") == folder
    page = write_explanation(folder, make_explanation(("c", "d"))).page.read_text()
    assert "<h3>c</h3>" in page
    assert "<h3>a</h3>" not in page
    assert names_in(folder) == FILES


def test_the_default_folder_is_in_the_run_folder(tmp_path):
    assert claimed_folder(tmp_path, None, store="eyes.zarr") == tmp_path / "explanation"
    assert names_in(tmp_path) == []


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds other files \(notes.txt\); choose another"):
        claimed_folder(tmp_path, tmp_path, store="eyes.zarr")
    assert names_in(tmp_path) == ["notes.txt"]


def test_a_folder_inside_the_store_is_refused(tmp_path):
    store = tmp_path / "eyes.zarr"
    store.mkdir()
    with pytest.raises(ConfigError, match="is inside the store"):
        claimed_folder(tmp_path, store / "explanation", store=str(store))


def test_a_file_and_a_folder_in_a_missing_one_are_refused(tmp_path):
    file = tmp_path / "page.html"
    file.write_text("mine")
    with pytest.raises(ConfigError, match="is a file; name a folder"):
        claimed_folder(tmp_path, file, store="eyes.zarr")
    with pytest.raises(ConfigError, match="does not exist; create it first"):
        claimed_folder(tmp_path, tmp_path / "a" / "b", store="eyes.zarr")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="cannot be written"):
        claimed_folder(tmp_path, None, store="eyes.zarr")


def test_a_failed_write_leaves_the_first_page(tmp_path, monkeypatch):
    folder = tmp_path / "explanation"
    first = write_explanation(folder, make_explanation()).page.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bids_dl.explanation.page.writing.write_arrays", fail)
    with pytest.raises(ConfigError, match=r"cannot be written \(No space left on device\)"):
        write_explanation(folder, make_explanation(("a", "b")))
    assert (folder / "explanation.html").read_bytes() == first
    assert names_in(folder) == FILES
