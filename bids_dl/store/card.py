"""What travels beside the arrays so that a store can be used, checked and cited: card, citation, licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from bids_dl.errors import SourceError
from bids_dl.store.format import to_json

Attributes = Mapping[str, Any]
WITHOUT_VERSIONS = {"cc 0": "CC0-1.0", "pddl": "PDDL-1.0", "odc by": "ODC-By-1.0"}  # of which there is one
CREATIVE_COMMONS = re.compile(r"\b(?:cc|licenses) by(?P<nc> nc)?(?P<more> nd| sa)?(?: (?P<major>\d) (?P<minor>\d))\b")
NO_CHANGES, SHARE_ALIKE, FREE = (
    re.compile(rf"\b({words})") for words in (r"nd\b|no ?deriv", r"sa\b|share ?alike", "cc 0|zero|pddl|public domain")
)


def spdx(licence: str) -> str:
    """SPDX name (spdx.org/licenses) of what a dataset_description.json says, or of a Creative Commons URL; "" where it is none for sure."""
    words = _words(licence)
    if match := CREATIVE_COMMONS.search(words):
        parts = [(match["nc"] or "").strip(), (match["more"] or "").strip()]
        return "-".join(["CC-BY", *(part.upper() for part in parts if part), f"{match['major']}.{match['minor']}"])
    return next((name for start, name in WITHOUT_VERSIONS.items() if words.startswith(start)), "")


def check_licences(licences: Mapping[str, str]) -> None:
    """Refuse sources that may not be changed, or not shared under one licence.

    Parameters
    ----------
    licences
        What each dataset says of its licence, by name.

    Raises
    ------
    SourceError
        A no-derivatives licence, or a share-alike licence beside another one that is not in the public domain.
    """
    said = {dataset: _words(licence) for dataset, licence in licences.items()}
    for dataset, words in said.items():
        if NO_CHANGES.search(words):
            raise SourceError(
                f"{dataset}: its licence ({licences[dataset]}) forbids sharing changed copies, and a store is one; leave this source out"
            )
    bound = {words for words in said.values() if words and not FREE.search(words)}
    if len(bound) > 1 and any(SHARE_ALIKE.search(words) for words in bound):
        names = ", ".join(f"{dataset} {licence}" for dataset, licence in licences.items())
        raise SourceError(f"the licences of the sources exclude each other in one store ({names}); convert them to stores of their own")


def _words(licence: str) -> str:
    return " ".join(re.findall(r"[a-z]+|\d", licence.casefold()))


def documents(attributes: Attributes, shape: tuple[int, int, int]) -> dict[str, bytes]:
    """README.md, CITATION.cff and LICENSE of a store."""
    return {
        "README.md": _readme(attributes, shape).encode(),
        "CITATION.cff": _citation(attributes).encode(),
        "LICENSE": _licence(attributes).encode(),
    }


def _readme(attributes: Attributes, shape: tuple[int, int, int]) -> str:
    sources, request, statistics = attributes["sources"], attributes["request"], attributes["statistics"]
    (n_windows, n_chans, n_times), sfreq = shape, attributes["sfreq"]
    header = {
        "pretty_name": attributes["title"],
        "license": "other" if len(sources) > 1 else (spdx(sources[0]["licence"]) or "unknown").lower(),
        "tags": ["eeg", "bids", "hed", "zarr", "bids-dl"],
    }
    queries = "\n".join(f"| {label['label']} | `{_query(label['query'])}` |" for label in request["events"]["labels"])
    steps = "\n".join(f"{i}. {_step(step)}" for i, step in enumerate(request["preprocess"]["steps"], 1))
    counts = "\n".join(f"| {label} | {n} |" for label, n in statistics["windows"].items())
    splits = "\n".join(f"| {name} | {n['persons']} | {n['windows']} |" for name, n in statistics["splits"].items())
    failed = "\n".join(f"- {f['recording']}: {f['stage']}: {f['reason']}" for f in attributes["failures"]) or "none"
    return f"""---
{yaml.safe_dump(header, sort_keys=False, allow_unicode=True).strip()}
---
# {attributes["title"]}

{n_windows} windows of {n_chans} channels x {n_times} samples ({n_times / sfreq:g} s at {sfreq:g} Hz), float32, in microvolts,
from {statistics["recordings"]} recordings of {statistics["persons"]} people. Made by bids_dl {attributes["software"]["bids_dl"]}.

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

## Recordings that failed

{failed}
"""


def _query(query: Any) -> str:
    return query if isinstance(query, str) else to_json(query).decode().replace("\n", " ").strip()


def _step(step: Mapping[str, Any]) -> str:
    [(name, parameters)] = step.items()
    said = ", ".join(f"{key} {value}" for key, value in (parameters or {}).items() if value not in (None, []))
    return f"{name}: {said}" if said else name


def _source(source: Attributes) -> str:
    lines = [f"### {source['dataset']}: {source['title']}", ""]
    lines += [f"- {word}: {source[key]}" for word, key in (("DOI", "doi"), ("licence", "licence")) if source[key]]
    lines += [f"- authors: {', '.join(source['authors'])}"] if source["authors"] else []
    lines += [f"- {word}: {'; '.join(source[key])}" for word, key in (("funding", "funding"), ("ethics", "ethics")) if source[key]]
    lines += ["", source["how_to_acknowledge"]] if source["how_to_acknowledge"] else []
    return "\n".join([*lines, ""])


def _citation(attributes: Attributes) -> str:
    """Citation File Format 1.2.0: the store, with its sources as references."""
    references = [_reference(source) for source in attributes["sources"]]
    authors = list(dict.fromkeys(author for source in attributes["sources"] for author in source["authors"]))
    content = {
        "cff-version": "1.2.0",
        "message": "If you use this data, please cite its sources as below, and bids_dl.",
        "type": "dataset",
        "title": attributes["title"],
        "authors": [{"name": author} for author in authors] or [{"name": "unknown"}],
        "references": references,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _reference(source: Attributes) -> dict[str, Any]:
    reference: dict[str, Any] = {
        "type": "data",
        "title": source["title"],
        "authors": [{"name": author} for author in source["authors"]] or [{"name": "unknown"}],
    }
    return reference | ({"doi": source["doi"].removeprefix("doi:")} if source["doi"] else {})


def _licence(attributes: Attributes) -> str:
    parts = ["This store holds changed copies of recordings of the following datasets, each under its own licence.", ""]
    parts += [f"{s['dataset']} ({s['title']}): {s['licence'] or 'no licence stated'}{_named(s)}" for s in attributes["sources"]]
    return "\n".join([*parts, "", "What was changed: see README.md.", ""])


def _named(source: Attributes) -> str:
    name = spdx(source["licence"])
    return f" (SPDX: {name})" if name and name != source["licence"] else ""
