"""What travels beside the arrays so that a store can be used, checked and cited: card, citation, licence, Croissant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from bids_dl.sharing.citation import citation, sentence
from bids_dl.sharing.croissant import croissant
from bids_dl.sharing.licence import check_licences, common, licence_document, spdx
from bids_dl.store.format import to_json

__all__ = ["check_licences", "documents", "spdx"]

Attributes = Mapping[str, Any]
HUB_NAMES = {
    "PDDL-1.0": "pddl",
    "ODC-By-1.0": "odc-by",
}  # licences that Hugging Face names in its own way
SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
}


def documents(
    attributes: Attributes,
    shape: tuple[int, int, int],
    objects: Mapping[str, Mapping[str, Any]],
    licences: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """README.md, CITATION.cff, LICENSE and croissant.json of a store.

    Parameters
    ----------
    shape
        (n_windows, n_chans, n_times).
    objects
        Entries of the manifest by name, of the arrays at least.
    licences
        Dataset -> text of its licence file.
    """
    return {
        "README.md": _readme(attributes, shape).encode(),
        "CITATION.cff": citation(attributes).encode(),
        "LICENSE": licence_document(attributes["sources"], licences or {}).encode(),
        "croissant.json": to_json(croissant(attributes, _description(attributes, shape), objects)),
    }


def _description(attributes: Attributes, shape: tuple[int, int, int]) -> str:
    (n_windows, n_chans, n_times), sfreq, counts = (
        shape,
        attributes["sfreq"],
        attributes["statistics"],
    )
    stored = (
        f"int16 in steps of {attributes['rounding']['step']:g} microvolts"
        if "rounding" in attributes
        else "float32, in microvolts"
    )
    return (
        f"{n_windows} windows of {n_chans} channels x {n_times} samples ({n_times / sfreq:g} s at {sfreq:g} Hz), {stored},\n"
        f"from {counts['recordings']} recordings of {counts['persons']} people. Made by bids_dl {attributes['software']['bids_dl']}."
    )


def _header(attributes: Attributes, n_windows: int) -> dict[str, Any]:
    """What Hugging Face reads of a dataset card."""
    name = common(attributes["sources"])
    stated = any(source["licence"] for source in attributes["sources"])
    kind = HUB_NAMES.get(name, name.lower()) if name else "other" if stated else "unknown"
    named = (
        {"license_name": "as-stated-by-the-sources", "license_link": "LICENSE"}
        if kind == "other"
        else {}
    )
    size = next((said for most, said in SIZES.items() if n_windows < most), "n>100M")
    header = {
        "pretty_name": attributes["title"],
        "license": kind,
        **named,
        "size_categories": [size],
    }
    return header | {"tags": ["eeg", "bids", "hed", "zarr", "bids-dl"]}


def _readme(attributes: Attributes, shape: tuple[int, int, int]) -> str:
    sources, request, statistics = (
        attributes["sources"],
        attributes["request"],
        attributes["statistics"],
    )
    queries = "\n".join(
        f"| {label['label']} | `{_query(label['query'])}` |"
        for label in request["events"]["labels"]
    )
    steps = "\n".join(
        f"{i}. {_step(step)}" for i, step in enumerate(request["preprocess"]["steps"], 1)
    )
    counts = "\n".join(f"| {label} | {n} |" for label, n in statistics["windows"].items())
    splits = "\n".join(
        f"| {name} | {n['persons']} | {n['windows']} |" for name, n in statistics["splits"].items()
    )
    failed = (
        "\n".join(
            f"- {f['recording']}: {f['stage']}: {f['reason']}" for f in attributes["failures"]
        )
        or "none"
    )
    return f"""---
{yaml.safe_dump(_header(attributes, shape[0]), sort_keys=False, allow_unicode=True).strip()}
---
# {attributes["title"]}

{_description(attributes, shape)}
{_rounded(attributes)}
```python
import bids_dl

stream = bids_dl.StreamingDataset("PATH OR URL OF THIS FOLDER", split="train", batch_size=64)
for signals, target, index in stream: ...
```

or with xarray: `xarray.open_zarr("PATH OR URL OF THIS FOLDER")`.

## Selection

| label | HED query |
| --- | --- |
{queries}

| label | windows |
| --- | --- |
{counts}

| split | people | windows |
| --- | --- | --- |
{splits}

## Preprocessing (recipe `{request["preprocess"]["name"]}`)

{steps}

## Sources

{chr(10).join(_source(source) for source in sources)}

## How to cite

{sentence(attributes)}

The content identifier `bids-dl:{attributes["content"]}` names these arrays, byte by byte, wherever they lie; `bids-dl verify` checks it.

## Recordings that failed

{failed}
"""


def _rounded(attributes: Attributes) -> str:
    if "rounding" not in attributes:
        return ""
    said = attributes["rounding"]
    return (
        f"Rounding changed no sample by more than {said['largest_error']:.3g} microvolts; {said['clipped']} samples beyond "
        f"{32767 * said['step']:g} microvolts were clipped (the largest: {said['peak']:.6g}).\n"
    )


def _query(query: Any) -> str:
    return query if isinstance(query, str) else to_json(query).decode().replace("\n", " ").strip()


def _step(step: Mapping[str, Any]) -> str:
    [(name, parameters)] = step.items()
    said = ", ".join(
        f"{key} {value}" for key, value in (parameters or {}).items() if value not in (None, [])
    )
    return f"{name}: {said}" if said else name


def _source(source: Attributes) -> str:
    lines = [f"### {source['dataset']}: {source['title']}", ""]
    lines += [
        f"- {word}: {source[key]}"
        for word, key in (("DOI", "doi"), ("licence", "licence"))
        if source[key]
    ]
    lines += [f"- authors: {', '.join(source['authors'])}"] if source["authors"] else []
    lines += [
        f"- {key}: {'; '.join(source[key])}"
        for key in ("funding", "ethics", "references")
        if source[key]
    ]
    lines += ["", source["how_to_acknowledge"]] if source["how_to_acknowledge"] else []
    return "\n".join([*lines, ""])
