"""The step and the source of docs/plugins.md work as plug-ins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from foreign_distribution import install
from markdown_pages import DOCS, blocks

import bids_dl
from bids_dl.source.archives.foreign import SourceListing

STEP, SOURCE = [block.text for block in blocks(DOCS / "plugins.md") if block.language == "python"]


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Path:
    """Folder on the path for distributions of a test."""
    folder = tmp_path / "lab"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def test_the_step_of_the_page_clips_the_samples_of_a_store(lab, tmp_path, eegbci):
    install(lab, {"bids_dl.steps": {"clip": "page_steps:Clip"}}, {"page_steps": STEP})
    recipe = tmp_path / "clip.yaml"
    recipe.write_text("steps:\n  - pick: {types: [eeg]}\n  - clip: {limit: 20}\n")
    bids_dl.convert(
        eegbci,
        tmp_path / "clipped.zarr",
        hed={"closed": "Eyes-closed"},
        subject="001",
        window=2,
        split=1,
        recipe=recipe,
        scheduler="synchronous",
    )
    store = bids_dl.open_store(tmp_path / "clipped.zarr")
    largest = np.abs(store.read("signals")).max()
    assert largest == pytest.approx(20, abs=1e-4)
    assert store.attributes["request"]["preprocess"]["plugins"] == {"clip": "mylab-eeg 1.5"}


def test_the_source_of_the_page_lists_the_files_of_a_version():
    names: dict[str, object] = {}
    exec(compile(SOURCE, "docs/plugins.md", "exec"), names)
    listing = names["open_xnat"]("study12", "3")
    assert isinstance(listing, SourceListing)
    assert (listing.name, listing.version) == ("study12", "3")
    assert set(listing.files) == {"dataset_description.json"}
