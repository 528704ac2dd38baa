"""dataset_description.json of a BIDS derivative: the folder below `derivatives/` with a store.

The keys are those of BIDS 1.10, "Derived dataset and pipeline description".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.sharing.citation import find_doi
from bids_dl.sharing.licence import store_licence
from bids_dl.source.tree import DESCRIPTION
from bids_dl.store.format import to_json

Attributes = Mapping[str, Any]

BIDS_VERSION = "1.10.0"
DERIVATIVES = "derivatives"
DOI_VERSION = re.compile(r"\.v(\d+(?:\.\d+)+)$")  # of OpenNeuro and NEMAR


def find_derivative_folder(path: PurePosixPath) -> PurePosixPath | None:
    """Return the folder of the derivative that a store belongs to.

    Parameters
    ----------
    path
        Absolute path of the store within its file system.

    Returns
    -------
    PurePosixPath or None
        The folder inside the innermost ``derivatives`` folder, or ``derivatives`` itself if the
        store lies directly in it. None if the store lies in no such folder.

    Examples
    --------
    >>> print(find_derivative_folder(PurePosixPath("/ds1/derivatives/eyes/v1/eyes.zarr")))
    /ds1/derivatives/eyes
    """
    folders = path.parts[:-1]
    if DERIVATIVES not in folders:
        return None
    depth = len(folders) - folders[::-1].index(DERIVATIVES)  # folders down to `derivatives`
    return PurePosixPath(*folders[: depth + 1])


def describe_derivative(store: Location, attributes: Attributes, roots: Mapping[str, Path]) -> str:
    """Write the dataset_description.json of the derivative that a store belongs to.

    Nothing happens if the store lies in no ``derivatives`` folder. An existing file is kept.

    Parameters
    ----------
    store
        Location of a finished store.
    attributes
        Attributes of the store's root.
    roots
        Folder of each source that is one, by dataset name.

    Returns
    -------
    str
        A warning if the file could not be written, or exists with another content. "" otherwise.
    """
    path = PurePosixPath(store.root)
    folder = find_derivative_folder(path)
    if folder is None:
        return ""
    derivatives = folder if folder.name == DERIVATIVES else folder.parent
    dataset = _ancestor(store, derivatives.parent)
    if not dataset.exists(DESCRIPTION):
        folder = path.parent  # because `derivatives` may be any folder of this name far above
    description = to_json(build_description(attributes, _relative_sources(dataset, folder, roots)))
    location = _ancestor(store, folder)
    try:
        if not location.exists(DESCRIPTION):
            location.write(DESCRIPTION, description)
        elif location.read(DESCRIPTION) != description:
            return (
                f"{location.url}/{DESCRIPTION}: exists and was not changed; "
                "check that it describes this store"
            )
    except (OSError, StoreError) as error:
        return f"{location.url}/{DESCRIPTION}: cannot be written ({error})"
    return ""


def build_description(attributes: Attributes, paths: Mapping[str, str]) -> dict[str, Any]:
    """Build the dataset_description.json of a derivative.

    Parameters
    ----------
    attributes
        Attributes of the store's root.
    paths
        Relative path of the sources that the derivative lies in, by dataset name.
    """
    description: dict[str, Any] = {
        "Name": attributes["title"],
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "License": store_licence(attributes),
        "Authors": attributes.get("creators"),
        "GeneratedBy": [{"Name": "bids_dl", "Version": attributes["software"]["bids_dl"]}],
        "SourceDatasets": [
            _describe_source(source, paths.get(source["dataset"], ""))
            for source in attributes["sources"]
        ],
    }
    return {key: value for key, value in description.items() if value}


def _describe_source(source: Attributes, path: str) -> dict[str, str]:
    """Describe a source by its DOI, else by its relative path, its address or its name."""
    described = {"URL": path or source.get("address", "")}
    version = source.get("version", "")
    if doi := find_doi(source["doi"]):
        described = {"DOI": f"doi:{doi}", "URL": f"https://doi.org/{doi}"}
        match = DOI_VERSION.search(doi)
        version = version or (match[1] if match else "")
    if not described["URL"]:
        return {"Name": source["dataset"]}
    return {**described, "Version": version} if version else described


def _relative_sources(
    dataset: Location, folder: PurePosixPath, roots: Mapping[str, Path]
) -> dict[str, str]:
    """Return the path from a derivative to the dataset around it, if this is a source."""
    if not dataset.is_local:
        return {}
    root = dataset.folder.resolve()
    depth = len(folder.relative_to(PurePosixPath(dataset.root)).parts)
    return {name: "/".join([".."] * depth) for name, path in roots.items() if path == root}


def _ancestor(store: Location, folder: PurePosixPath) -> Location:
    """Return the location of a folder above a store, by its path in the same file system."""
    if store.is_local:
        return Location(str(folder))
    protocol = store.url.partition("://")[0]
    return Location(f"{protocol}://{folder}", store.storage_options)
