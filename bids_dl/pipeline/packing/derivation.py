"""The origin of a source that is a derivative, from its dataset_description.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def derivation_attributes(description: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the kind of a dataset, the programs that made it, and the datasets it is from.

    Parameters
    ----------
    description
        Content of dataset_description.json, whose fields may have wrong types.

    Returns
    -------
    dict
        ``dataset_type`` (``"derivative"``), ``generated_by`` (name and version of each program) and
        ``source_datasets`` (DOI or URL of each dataset), as far as they are stated. Empty for raw
        data, so that their stores keep their bytes.

    Examples
    --------
    >>> derivation_attributes(
    ...     {
    ...         "DatasetType": "derivative",
    ...         "GeneratedBy": [{"Name": "EEGLAB", "Version": "2024.2"}],
    ...         "SourceDatasets": [{"DOI": "doi:10.18112/openneuro.ds004362.v1.0.0"}],
    ...     }
    ... )["generated_by"]
    ['EEGLAB 2024.2']
    """
    kind = str(description.get("DatasetType") or "").casefold()
    stated = {
        "dataset_type": "" if kind == "raw" else kind,
        "generated_by": [_describe_tool(tool) for tool in _objects(description, "GeneratedBy")],
        "source_datasets": [
            _describe_dataset(dataset) for dataset in _objects(description, "SourceDatasets")
        ],
    }
    for name in ("generated_by", "source_datasets"):
        stated[name] = [text for text in stated[name] if text]
    return {name: value for name, value in stated.items() if value}


def _objects(description: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list, or a single object."""
    value = description.get(name)
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, dict)]


def _describe_tool(tool: Mapping[str, Any]) -> str:
    return " ".join(str(tool[key]) for key in ("Name", "Version") if tool.get(key))


def _describe_dataset(dataset: Mapping[str, Any]) -> str:
    """Describe a dataset by its DOI, else by its URL or its name, with its version."""
    for key in ("DOI", "URL", "Name"):
        if dataset.get(key):
            version = dataset.get("Version")
            return f"{dataset[key]} (version {version})" if version else str(dataset[key])
    return ""
