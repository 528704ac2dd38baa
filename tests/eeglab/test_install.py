"""The plug-in is copied to EEGLAB under its version, and nothing else is touched."""

from __future__ import annotations

import doctest
import os
import sys
import zipfile
from pathlib import Path

import pytest
from command_line import without_styles

import bids_dl
from bids_dl.eeglab import install
from bids_dl.eeglab.install import install_plugin, list_files, name_folder, zip_plugin
from bids_dl.errors import ConfigError


def test_the_examples_of_the_docstrings_are_right(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(install).failed == 0


@pytest.fixture
def eeglab(tmp_path) -> Path:
    """Folder like that of EEGLAB, with another plug-in."""
    folder = tmp_path / "eeglab é 2024"
    (folder / "plugins" / "clean_rawdata2.91").mkdir(parents=True)
    (folder / "eeglab.m").touch()
    (folder / "plugins" / "clean_rawdata2.91" / "a.m").write_text("% mine")
    return folder


def installed(eeglab: Path) -> list[str]:
    return sorted(path.name for path in (eeglab / "plugins").iterdir())


def make_version(eeglab: Path, name: str) -> Path:
    folder = eeglab / "plugins" / name
    folder.mkdir()
    (folder / "eegplugin_bidsdl.m").touch()
    return folder


def test_the_folder_has_all_files_and_the_path_of_this_python(eeglab):
    folder, removed = install_plugin(eeglab)
    assert folder == eeglab / "plugins" / f"BIDS-DL{bids_dl.__version__}"
    expected = {"python.txt", *(file.name for file in list_files())}
    assert {file.name for file in folder.iterdir()} == expected
    assert (folder / "python.txt").read_text(encoding="utf-8") == f"{sys.executable}\n"
    assert removed == ()
    assert installed(eeglab) == [folder.name, "clean_rawdata2.91"]


def test_the_path_of_a_virtual_environment_is_not_that_of_its_base(eeglab, tmp_path, monkeypatch):
    link = tmp_path / "venv" / "python"
    link.parent.mkdir()
    link.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(link))
    folder, _ = install_plugin(eeglab)
    assert (folder / "python.txt").read_text(encoding="utf-8") == f"{link}\n"


def test_the_folder_of_plugins_is_made_if_eeglab_has_none(tmp_path):
    (tmp_path / "eeglab.m").touch()
    assert install_plugin(tmp_path).folder.parent == tmp_path / "plugins"


def test_the_folder_of_plugins_may_be_named(eeglab):
    assert install_plugin(eeglab / "plugins").folder.parent == eeglab / "plugins"


def test_other_versions_are_replaced_and_other_folders_are_kept(eeglab):
    older = [make_version(eeglab, name) for name in ("BIDS-DL0.0.9", "bids-dl", "BIDS-DL9_1")]
    kept = [make_version(eeglab, name) for name in ("BIDS-DLtools1.0", "EEG-BIDS10.5")]
    (eeglab / "plugins" / "BIDS-DL0.0.8").mkdir()  # without our files
    folder, removed = install_plugin(eeglab)
    assert set(removed) == set(older)
    names = {folder.name, "BIDS-DL0.0.8", "clean_rawdata2.91", *(path.name for path in kept)}
    assert set(installed(eeglab)) == names
    assert (eeglab / "plugins" / "clean_rawdata2.91" / "a.m").read_text() == "% mine"


def test_the_same_version_is_replaced_only_if_asked(eeglab):
    folder, _ = install_plugin(eeglab)
    (folder / "eegplugin_bidsdl.m").write_text("changed")
    with pytest.raises(ConfigError, match=r"BIDS-DL.*: exists already; overwrite=True replaces it"):
        install_plugin(eeglab)
    assert (folder / "eegplugin_bidsdl.m").read_text() == "changed"
    assert install_plugin(eeglab, overwrite=True).removed == ()
    assert (folder / "eegplugin_bidsdl.m").read_text() != "changed"
    assert installed(eeglab) == [folder.name, "clean_rawdata2.91"]


@pytest.mark.parametrize(
    ("name", "message"), [("other", "has no eeglab.m"), ("missing", "is no folder")]
)
def test_a_folder_that_is_not_of_eeglab_is_refused(tmp_path, name, message):
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match=message):
        install_plugin(tmp_path / name)
    assert list((tmp_path / "other").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused_in_one_line(eeglab):
    (eeglab / "plugins").chmod(0o500)
    with pytest.raises(ConfigError, match="cannot be written"):
        install_plugin(eeglab)


def test_the_zip_has_the_folder_without_the_path_of_this_python(tmp_path):
    first = zip_plugin(tmp_path / "a.zip")
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
    assert names == [f"{name_folder()}/{file.name}" for file in list_files()]
    assert zip_plugin(tmp_path / "b.zip").read_bytes() == first.read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        zip_plugin(first)
    with pytest.raises(ConfigError, match=r"give a file that ends in \.zip"):
        zip_plugin(tmp_path / "a.tar")


@pytest.mark.parametrize("name", ["install", "zip"])
def test_each_command_has_help_with_an_example(command, name):
    text = " ".join(without_styles(command("eeglab", name, "--help").out).split())
    assert f"Example: bids-dl eeglab {name} " in text


def test_a_wrong_use_names_the_help_of_the_group(command):
    result = command("eeglab", "instal", "folder")
    assert result.status == 2
    assert "(see: bids-dl eeglab --help)" in result.err


def test_the_commands_print_what_they_wrote(command, eeglab):
    make_version(eeglab, "BIDS-DL0.0.9")
    result = command("eeglab", "install", eeglab)
    assert (result.status, result.out) == (0, f"{eeglab / 'plugins' / name_folder()}\n")
    assert "removed" in result.err
    assert "--overwrite replaces it" in command("eeglab", "install", eeglab).err
    assert command("eeglab", "zip", "a.zip").out == "a.zip\n"
