"""Opening of datasets that are not plain folders: archives, URLs and clones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bids_dl.source.archives.access import Access
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset

if TYPE_CHECKING:
    from bids_dl.source.archives.git.clone import CloneFiles

GIT_FOLDER = ".git"
ANNEX_BRANCH_PATTERNS = ("refs/heads/git-annex", "refs/remotes/*/git-annex")


def open_archive(address: Address, access: Access) -> ArchivedDataset:
    """Open a version of a dataset: its text files on this machine, and a list of all its files.

    Parameters
    ----------
    address
        Address that is not a folder.

    Raises
    ------
    SourceError
        There is no such dataset or version, or it cannot be reached.
    """
    # only the module of the archive is imported, because dulwich takes time
    if address.kind == "openneuro":
        from bids_dl.source.archives.openneuro import open_openneuro

        return open_openneuro(address, access)
    if address.kind == "nemar":
        from bids_dl.source.archives.nemar import open_nemar

        return open_nemar(address, access)
    if address.kind == "nemar-zarr":
        from bids_dl.source.archives.nemar_zarr import open_nemar_zarr

        return open_nemar_zarr(address, access)
    from bids_dl.source.archives.web import open_url

    return open_url(address, access)


def is_clone(root: Path) -> bool:
    """Return whether a folder is a git repository with a branch ``git-annex``.

    Only a few small files are read. A plain folder costs one look.
    """
    folder = root / GIT_FOLDER
    try:
        if folder.is_file():  # of a submodule or a further work tree
            text = folder.read_text(encoding="utf-8").strip()
            folder = root / text.removeprefix("gitdir:").strip()
            shared = folder / "commondir"
            if shared.is_file():
                folder /= shared.read_text(encoding="utf-8").strip()
        if not folder.is_dir():
            return False
        if any(any(folder.glob(pattern)) for pattern in ANNEX_BRANCH_PATTERNS):
            return True
        packed = folder / "packed-refs"
        return packed.is_file() and "/git-annex\n" in packed.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def open_clone_folder(root: Path, access: Access) -> CloneFiles:
    """Read which files of a clone are annexed, and fetch the text among them that is absent.

    Parameters
    ----------
    root
        Folder of which `is_clone` is true.

    Raises
    ------
    SourceError
        A text file cannot be fetched.
    """
    from bids_dl.source.archives.git.clone import open_clone_files

    return open_clone_files(root, access)
