from __future__ import annotations

from pathlib import Path

import pytest

from bids_dl.annotate.simulation.files import choose_folder
from bids_dl.errors import ConfigError


def test_the_default_folder_gets_a_number_if_it_exists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("simulations/eyes-label-0").mkdir(parents=True)
    assert choose_folder(None, "eyes-label-0", None) == Path("simulations/eyes-label-0-2")


def test_folders_with_files_and_folders_in_the_store_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="already exists and is never overwritten"):
        choose_folder(tmp_path, "x", None)
    with pytest.raises(ConfigError, match="cannot be written"):
        choose_folder(tmp_path / ("x" * 300), "x", None)
    with pytest.raises(ConfigError, match="inside the store"):
        choose_folder(tmp_path / "x.zarr" / "out", "x", tmp_path / "x.zarr")


def test_an_empty_folder_is_taken(tmp_path):
    assert choose_folder(tmp_path, "x", None) == tmp_path
