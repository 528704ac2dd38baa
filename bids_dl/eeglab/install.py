"""The plug-in's folder among those of EEGLAB, and its zip file."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import bids_dl
from bids_dl.errors import ConfigError
from bids_dl.output import check_output, writing

NAME = "BIDS-DL"
"""Name of the plug-in's folder, before its version."""
FOLDER_NAME = re.compile(rf"{NAME}[\d._]*", re.IGNORECASE)  # as EEGLAB parts name and version
PLUGINS = "plugins"  # folder in that of EEGLAB
MAIN_FILE = "eeglab.m"  # in the folder of EEGLAB
MENU_FILE = "eegplugin_bidsdl.m"  # in each version of the plug-in
PYTHON_FILE = "python.txt"
"""File beside the plug-in's with the path of the Python that installed it, in UTF-8."""
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member, so that equal files give an equal zip


class Installation(NamedTuple):
    """An installed plug-in."""

    folder: Path  # of the plug-in
    removed: tuple[Path, ...]  # folders of other versions


def name_folder() -> str:
    """Return the name of the plug-in's folder, which ends in the version.

    Examples
    --------
    >>> name_folder()
    'BIDS-DL0.1.0'
    """
    return f"{NAME}{bids_dl.__version__}"


def install_plugin(eeglab: Path, *, overwrite: bool = False) -> Installation:
    """Copy the plug-in to EEGLAB, with the path of this Python. Other versions of it are removed.

    Parameters
    ----------
    eeglab
        Folder of EEGLAB, or its folder ``plugins``, which is created if missing.
    overwrite
        Replace an installed plug-in of this version.

    Returns
    -------
    Installation
        The folder of the plug-in, and the removed folders.

    Raises
    ------
    ConfigError
        The folder is not that of EEGLAB, this version is installed already, or a file cannot be
        written.

    Examples
    --------
    >>> Path("eeglab", "plugins").mkdir(parents=True)
    >>> install_plugin(Path("eeglab", "plugins")).folder.name
    'BIDS-DL0.1.0'
    """
    plugins = _find_plugins(eeglab)
    target = plugins / name_folder()
    if target.exists() and not overwrite:
        raise ConfigError(f"{target}: exists already; overwrite=True replaces it")
    with writing(str(target), "choose a folder that you may write to"):
        plugins.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=plugins) as temporary:
            folder = Path(temporary, target.name)
            folder.mkdir()
            for file in list_files():
                shutil.copyfile(file, folder / file.name)
            # not resolved, because the link of a virtual environment is the environment
            python = os.path.abspath(sys.executable)  # noqa: PTH100
            (folder / PYTHON_FILE).write_text(f"{python}\n", encoding="utf-8")
            previous = list(_installed(plugins))
            for other in previous:  # moved first, so that a failure leaves no half of a folder
                other.replace(Path(temporary, f"old-{other.name}"))
            folder.replace(target)
    return Installation(target, tuple(other for other in previous if other != target))


def zip_plugin(file: Path, *, overwrite: bool = False) -> Path:
    """Write the plug-in's folder to a zip file, as EEGLAB's list of extensions takes it.

    The file has no path of this Python.

    Parameters
    ----------
    file
        File to write, whose name ends in ``.zip``.
    overwrite
        Replace an existing file.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ConfigError
        The file exists, its name has another end, or it cannot be written.

    Examples
    --------
    >>> str(zip_plugin(Path("plugin.zip")))
    'plugin.zip'
    """
    check_output(str(file), file, suffixes=[".zip"])
    if file.exists() and not overwrite:
        raise ConfigError(f"{file}: exists already; overwrite=True replaces it")
    with (
        writing(str(file), "choose another folder"),
        tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as temporary,
    ):
        partial = Path(temporary, file.name)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in list_files():
                info = zipfile.ZipInfo(f"{name_folder()}/{member.name}", EPOCH)
                archive.writestr(info, member.read_bytes(), zipfile.ZIP_DEFLATED)
        partial.replace(file)
    return file


def list_files() -> list[Path]:
    """Return the files of the plug-in in this package, sorted by name.

    Examples
    --------
    >>> sorted({file.suffix for file in list_files()} - {".m", ".md", ""})
    []
    """
    folder = Path(__file__).parent / "plugin"
    return sorted(
        file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")
    )


def _find_plugins(folder: Path) -> Path:
    """Return the folder ``plugins`` of EEGLAB, which may be missing."""
    if not folder.is_dir():
        raise ConfigError(f"{folder}: is no folder; give the folder of EEGLAB, which has eeglab.m")
    if folder.name == PLUGINS:
        return folder
    if (folder / MAIN_FILE).is_file():
        return folder / PLUGINS
    raise ConfigError(
        f"{folder}: has no {MAIN_FILE}; give the folder of EEGLAB, or its folder {PLUGINS}"
    )


def _installed(plugins: Path) -> Iterator[Path]:
    """Yield the folders of all versions of the plug-in."""
    for folder in sorted(plugins.iterdir()):
        if FOLDER_NAME.fullmatch(folder.name) and (folder / MENU_FILE).is_file():
            yield folder
