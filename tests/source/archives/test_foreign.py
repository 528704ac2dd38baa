"""Sources of plug-ins: a folder, or a list of files with addresses."""

from __future__ import annotations

import hashlib

import pytest
from conversions import EYES_QUERIES
from foreign_distribution import install

import bids_dl
from bids_dl.config.stages import FetchConfig
from bids_dl.errors import ConfigError, SourceError
from bids_dl.source import open_access, open_dataset

LISTING = """
import hashlib, os
from pathlib import Path
from bids_dl.errors import SourceError
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source.archives.foreign import SourceListing

def open_lab(accession, version):
    if accession != "study12":
        raise SourceError(f"lab:{accession}: no such study")
    root = Path(os.environ["LAB_ROOT"])
    files = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            name, content = path.relative_to(root).as_posix(), path.read_bytes()
            url = f"file://{path}"
            files[name] = RemoteFile(len(content), "md5", hashlib.md5(content).hexdigest(), (url,))
    return SourceListing("study12", files, version or "3")

def open_folder(accession, version):
    return Path(os.environ["LAB_ROOT"])

def open_wrong(accession, version):
    return 3

def open_failing(accession, version):
    raise KeyError("token")
"""


@pytest.fixture
def lab(tmp_path, monkeypatch, eegbci):
    names = {name: f"mylab_source:open_{name}" for name in ("lab", "folder", "wrong", "failing")}
    points = {"bids_dl.sources": {**names, "openneuro": "mylab_source:open_wrong"}}
    monkeypatch.syspath_prepend(install(tmp_path / "site", points, {"mylab_source": LISTING}))
    monkeypatch.setenv("LAB_ROOT", str(eegbci))
    return FetchConfig(cache=str(tmp_path / "cache"))


def opened(source, config, messages=None):
    on_message = None if messages is None else messages.append
    with open_access(config, on_message=on_message) as access:
        return open_dataset(source, access)


def test_a_listing_is_opened_by_its_text_alone(lab):
    messages = []
    dataset = opened("lab:study12@3", lab, messages)
    assert (dataset.origin.address, dataset.origin.version) == ("lab:study12", "3")
    assert dataset.name == "study12" or dataset.name.startswith("ds")
    assert any("opened by the plug-in mylab-eeg 1.5" in message for message in messages)
    signal = next(name for name in dataset.files if name.endswith(".edf"))
    assert dataset.is_remote(signal)
    assert not dataset.path(signal).exists()


def test_the_events_of_a_listing_are_those_of_the_folder(lab, eegbci, tmp_path):
    request = {"hed": EYES_QUERIES, "window": 2}
    ours = bids_dl.events("lab:study12", cache=str(tmp_path / "cache"), **request)
    assert len(ours.events) == len(bids_dl.events(eegbci, **request).events)


def test_a_folder_of_a_plug_in_is_opened_as_a_folder(lab, eegbci):
    assert opened("folder:anything", lab).root == eegbci.resolve()


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("lab:study13", SourceError, r"^lab:study13: no such study$"),
        ("wrong:x", ConfigError, r"mylab-eeg 1\.5 returns int, expected a SourceListing"),
        ("failing:x", SourceError, r"failing:x: the plug-in mylab-eeg 1\.5 fails: KeyError"),
        ("labb:study12", SourceError, r"unknown archive 'labb'; did you mean 'lab'"),
        ("openneuro:x", SourceError, r"is not an accession of openneuro"),
    ],
)
def test_failures_are_one_line(lab, source, error, message):
    with pytest.raises(error, match=message):
        opened(source, lab)


def test_a_file_that_differs_from_its_checksum_is_refused(lab, tmp_path, monkeypatch):
    import mylab_source

    real = hashlib.md5

    def wrong(content):
        return real(content + b"x")

    monkeypatch.setattr(mylab_source.hashlib, "md5", wrong)
    with pytest.raises(SourceError):
        opened("lab:study12@4", FetchConfig(cache=str(tmp_path / "other")))
