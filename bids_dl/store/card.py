"""What travels beside the arrays so that a store can be used, checked and cited: card, citation, licence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bids_dl.errors import SourceError
from bids_dl.store.format import to_json

Attributes = Mapping[str, Any]
# SPDX names (spdx.org/licenses) of what dataset_description.json files say, compared without case, blanks and punctuation
SPDX = {
    "cc0": "CC0-1.0",
    "cc010": "CC0-1.0",
    "pddl": "PDDL-1.0",
    "pddl10": "PDDL-1.0",
    "odcby": "ODC-By-1.0",
    "odcby10": "ODC-By-1.0",
    "ccby": "CC-BY-4.0",
    "ccby30": "CC-BY-3.0",
    "ccby40": "CC-BY-4.0",
    "ccbysa30": "CC-BY-SA-3.0",
    "ccbysa40": "CC-BY-SA-4.0",
    "ccbync40": "CC-BY-NC-4.0",
    "ccbyncsa30": "CC-BY-NC-SA-3.0",
    "ccbyncsa40": "CC-BY-NC-SA-4.0",
    "ccbynd40": "CC-BY-ND-4.0",
    "ccbyncnd40": "CC-BY-NC-ND-4.0",
}


def spdx(licence: str) -> str:
    """SPDX name of a licence; "" where the text is none that is known."""
    plain = "".join(c for c in licence.casefold() if c.isalnum())
    for word in ("creativecommons", "license", "licence", "universal", "international"):
        plain = plain.replace(word, "")
    return SPDX.get(plain, "")


def check_licences(sources: Sequence[Attributes]) -> None:
    """Refuse sources that may not be changed, or not shared under one licence.

    Raises
    ------
    SourceError
        A no-derivatives licence, or a share-alike licence beside another one that is not in the public domain.
    """
    named = {source["dataset"]: spdx(source["licence"]) for source in sources}
    for dataset, name in named.items():
        if "-ND-" in name:
            raise SourceError(f"{dataset}: its licence {name} forbids sharing changed copies, and a store is one; leave this source out")
    alike = {name for name in named.values() if "-SA-" in name}
    others = {name for name in named.values() if name and name not in {"CC0-1.0", "PDDL-1.0"}}
    if alike and len(others) > 1:
        said = ", ".join(f"{dataset} {name}" for dataset, name in named.items())
        raise SourceError(f"the licences of the sources exclude each other in one store ({said}); convert them to stores of their own")


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
