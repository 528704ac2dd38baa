"""Dataset cards of a store and of its published copies, and all documents beside its arrays."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from bids_dl.sharing.citation import build_citation, cite
from bids_dl.sharing.croissant import build_croissant
from bids_dl.sharing.licence import (
    build_licence_document,
    legal_text_url,
    store_licence,
    summarize_licences,
)
from bids_dl.sharing.origin import address_of
from bids_dl.sharing.published_citation import build_bibtex, cite_copy
from bids_dl.sharing.published_copy import PublishedCopy, attributes_of_copy, clean_copy
from bids_dl.sharing.safe_text import clean_texts, code_span, escape_markdown, to_yaml
from bids_dl.store.format import to_json
from bids_dl.store.signals.quantization import MAX_INT16
from bids_dl.wording import count

Attributes = Mapping[str, Any]
Shape = tuple[int, int, int]

HUB_LICENCES = {"PDDL-1.0": "pddl", "ODC-By-1.0": "odc-by", "ODbL-1.0": "odbl"}
"""Licences whose name on Hugging Face is not the SPDX name in lower case."""

SIZE_CATEGORIES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
}
MAX_SIZE_CATEGORY = "n>100M"
LICENCE_DOCUMENT = "LICENSE"
URL_CHARACTERS = ":/?#@!$&'()*+,;=%~"  # that have a meaning in a URL; others are escaped
UNKNOWN_ADDRESS = "PATH OR URL OF THIS FOLDER"  # a store does not know the places of its copies


def build_documents(
    attributes: Attributes,
    shape: Shape,
    objects: Mapping[str, Mapping[str, Any]],
    licences: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """Build README.md, CITATION.cff, LICENSE and croissant.json of a store.

    Control characters of the sources are escaped in all of them, and their markup in the card.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    shape
        (n_windows, n_chans, n_times).
    objects
        Entries of the manifest by object name, at least those of the arrays.
    licences
        Content of each dataset's own licence file, by dataset name.

    Returns
    -------
    dict
        Content of each document by object name.
    """
    attributes = clean_texts(attributes)
    croissant = build_croissant(attributes, describe_store(attributes, shape), objects)
    return {
        "README.md": build_card(attributes, shape).encode(),
        "CITATION.cff": build_citation(attributes).encode(),
        LICENCE_DOCUMENT: build_licence_document(
            attributes["sources"], licences or {}, attributes.get("licence", "")
        ).encode(),
        "croissant.json": to_json(croissant),
    }


def build_card(attributes: Attributes, shape: Shape) -> str:
    """Build README.md: a dataset card with the YAML header that Hugging Face reads.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    shape
        (n_windows, n_chans, n_times).
    """
    attributes = clean_texts(attributes)
    origin = _describe_origin(attributes)
    usage = [_usage_snippet(UNKNOWN_ADDRESS)]
    citation = [escape_markdown(cite(attributes)), _describe_identifier(attributes)]
    header = _header(attributes, shape[0])
    return _join_card(
        header, [*_introduce(attributes, shape), *origin, *usage], attributes, citation
    )


def build_published_card(attributes: Attributes, shape: Shape, copy: PublishedCopy) -> str:
    """Build the README.md beside a published copy of a store, with the address of the copy.

    Parameters
    ----------
    attributes
        Attributes of the store's root, with ``content``.
    shape
        (n_windows, n_chans, n_times).
    copy
        Address, page, DOI and creators of the copy.

    Returns
    -------
    str
        A card as `build_card` writes it. Its header turns the viewer of Hugging Face off, which
        would show JSON documents of the store as its data.
    """
    attributes, copy = attributes_of_copy(attributes, copy), clean_copy(copy)
    places = {
        "address": code_span(copy.address),
        "page": _link(copy.page_url),
        "DOI": _link(copy.doi_url),
        "content": code_span(f"bids-dl:{attributes['content']}"),
    }
    rows = [(name, text) for name, text in places.items() if text]
    introduction = [
        *_introduce(attributes, shape),
        *_describe_origin(attributes),
        "## Use",
        _table(("", "this copy"), rows),
        _usage_snippet(copy.address),
        _copy_commands(copy),
        "## Licence and obligations",
        "\n".join(f"- {escape_markdown(line)}" for line in summarize_licences(attributes)),
    ]
    citation = [
        escape_markdown(cite_copy(attributes, copy)),
        f"```bibtex\n{build_bibtex(attributes, copy)}\n```",
        _describe_identifier(attributes),
    ]
    header = {**_header(attributes, shape[0]), "viewer": False}
    if header.get("license_link") == LICENCE_DOCUMENT:
        header["license_link"] = f"{copy.objects_base}/{LICENCE_DOCUMENT}"
    return _join_card(header, introduction, attributes, citation)


def _join_card(
    header: Mapping[str, Any],
    introduction: Iterable[str],
    attributes: Attributes,
    citation: Iterable[str],
) -> str:
    """Join the header, the introduction, the contents of the store and its citation."""
    request = attributes["request"]
    steps = map(_describe_step, request["preprocess"]["steps"])
    sections = [
        *introduction,
        "## Selection",
        _query_table(request),
        *_describe_added_hed(request),
        _label_table(attributes["statistics"]),
        _split_table(attributes["statistics"]),
        f"## Preprocessing (recipe {code_span(request['preprocess']['name'])})",
        "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)),
        "## Sources",
        *map(_describe_source, attributes["sources"]),
        "## How to cite",
        *citation,
        "## Recordings that failed",
        _list_failures(attributes),
    ]
    return f"---\n{to_yaml(header).strip()}\n---\n" + "\n\n".join(sections) + "\n"


def _introduce(attributes: Attributes, shape: Shape) -> list[str]:
    """Return the title and the description of a store."""
    description = describe_store(attributes, shape) + _describe_rounding(attributes)
    return [f"# {escape_markdown(attributes['title'])}", description]


def _describe_identifier(attributes: Attributes) -> str:
    return (
        f"The content identifier `bids-dl:{attributes['content']}` stands for the bytes of these "
        "arrays, at any location; `bids-dl verify` checks it."
    )


def _usage_snippet(address: str) -> str:
    """Return the code that reads a store at an address."""
    quoted = json.dumps(address, ensure_ascii=False)
    return f"""```python
import bids_dl

stream = bids_dl.StreamingDataset({quoted}, split="train", batch_size=64)
for signals, target, index in stream: ...
```

or with xarray: {code_span(f"xarray.open_zarr({quoted})")}."""


def _copy_commands(copy: PublishedCopy) -> str:
    """Return the commands that copy a published copy to a folder and check it."""
    address, folder = shlex.quote(copy.address), shlex.quote(copy.folder_name)
    return f"""To copy it to a folder and check every object:

```sh
bids-dl pull {address} {folder}
bids-dl verify {folder}
```"""


def _link(url: str) -> str:
    """Write a URL as a link of Markdown, "" if there is none."""
    return f"<{quote(url, safe=URL_CHARACTERS)}>" if url else ""


def _header(attributes: Attributes, n_windows: int) -> dict[str, Any]:
    """Return the metadata that Hugging Face reads from a dataset card."""
    header: dict[str, Any] = {"pretty_name": attributes["title"]}
    name = store_licence(attributes)
    if name:
        header["license"] = HUB_LICENCES.get(name, name.lower())
    elif any(source["licence"] for source in attributes["sources"]):
        header["license"] = "other"
        header["license_name"] = "as-stated-by-the-sources"
        header["license_link"] = LICENCE_DOCUMENT
    else:
        header["license"] = "unknown"
    header["size_categories"] = [_size_category(n_windows)]
    header["tags"] = ["eeg", "bids", "hed", "zarr", "bids-dl"]
    return header


def _size_category(n_windows: int) -> str:
    for limit, category in SIZE_CATEGORIES.items():
        if n_windows < limit:
            return category
    return MAX_SIZE_CATEGORY


def describe_store(attributes: Attributes, shape: Shape) -> str:
    """Describe size, sampling rate, data type and origin of the windows in two sentences.

    A description that was given for the store precedes them.

    Parameters
    ----------
    attributes
        Attributes of the store's root.
    shape
        (n_windows, n_chans, n_times).
    """
    n_windows, n_chans, n_times = shape
    sfreq = attributes["sfreq"]
    counts = attributes["statistics"]
    if "rounding" in attributes:
        stored = f"int16 with a resolution of {attributes['rounding']['step']:g} microvolts"
    else:
        stored = "float32, in microvolts"
    given = f"{attributes['description']}\n\n" if "description" in attributes else ""
    return (
        f"{given}{count(n_windows, 'window')} of {count(n_chans, 'channel')} x "
        f"{count(n_times, 'sample')} "
        f"({n_times / sfreq:g} s at {sfreq:g} Hz), {stored},\n"
        f"from {count(counts['recordings'], 'recording')} of "
        f"{count(counts['persons'], 'person', 'people')}. "
        f"Made by bids_dl {attributes['software']['bids_dl']}."
    )


def _describe_origin(attributes: Attributes) -> list[str]:
    """Name the creators and the licence of the store on a line each, as far as they are given."""
    lines = []
    if "creators" in attributes:
        creators = escape_markdown(", ".join(attributes["creators"]))
        lines.append(f"Store created by {creators}. The authors of its data are under Sources.")
    if "licence" in attributes:
        licence = attributes["licence"]
        lines.append(
            f"Licence of the store: [{escape_markdown(licence)}]({legal_text_url(licence)}). "
            "The licences of its sources are in LICENSE."
        )
    return lines


def _describe_rounding(attributes: Attributes) -> str:
    """Describe the quantization error of an int16 store on a line of its own."""
    if "rounding" not in attributes:
        return ""
    rounding = attributes["rounding"]
    limit = MAX_INT16 * rounding["step"]
    return (
        f"\nQuantization changed no sample by more than {rounding['largest_error']:.3g} "
        f"microvolts. Samples clipped at {limit:g} microvolts: {rounding['clipped']} "
        f"(largest magnitude: {rounding['peak']:.6g})."
    )


def _query_table(request: Attributes) -> str:
    labels = request["events"]["labels"]
    rows = []
    for label in labels:
        query = code_span(_format_query(label["query"]))
        rows.append((escape_markdown(label["label"]), query))
    kind = "query" if request["events"].get("whole") else "HED query"
    return _table(("label", kind), rows)


def _describe_added_hed(request: Attributes) -> list[str]:
    """Name the columns of events.tsv whose HED is from the maker of the store, if there are any."""
    lines = []
    for dataset, columns in request["events"].get("hed_sidecar", {}).items():
        where = dataset or "all sources"
        where, names = escape_markdown(where), escape_markdown(", ".join(columns))
        lines.append(
            f"The HED of {names} in {where} was added by the maker of the store; "
            "`request` in the attributes has it."
        )
    return lines


def _label_table(statistics: Attributes) -> str:
    windows = statistics["windows"].items()
    return _table(("label", "windows"), [(escape_markdown(name), n) for name, n in windows])


def _split_table(statistics: Attributes) -> str:
    splits = statistics["splits"].items()
    rows = []
    for name, counts in splits:
        rows.append((escape_markdown(name), counts["persons"], counts["windows"]))
    return _table(("split", "people", "windows"), rows)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    """Format a Markdown table."""
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _format_query(query: Any) -> str:
    """Format a query, a text or an object of several parts, on one line."""
    if isinstance(query, str):
        return query
    return to_json(query).decode().replace("\n", " ").strip()


def _describe_step(step: Mapping[str, Any]) -> str:
    """Format a step of the recipe with its parameters."""
    [(name, parameters)] = step.items()
    pairs = []
    for key, value in (parameters or {}).items():
        if value not in (None, []):
            pairs.append(f"{key} {value}")
    return escape_markdown(f"{name}: {', '.join(pairs)}" if pairs else name)


def _describe_source(source: Attributes) -> str:
    """Format title, licence, authors and acknowledgements of a source."""
    title = escape_markdown(f"{source['dataset']}: {source['title']}")
    lines = [f"### {title}", ""]
    fields = {
        "address": address_of(source),
        "DOI": source["doi"],
        "licence": source["licence"],
        "authors": ", ".join(source["authors"]),
        "funding": "; ".join(source["funding"]),
        "ethics": "; ".join(source["ethics"]),
        "references": "; ".join(source["references"]),
        "kind": source.get("dataset_type", ""),
        "made by": ", ".join(source.get("generated_by", ())),
        "made from": "; ".join(source.get("source_datasets", ())),
    }
    for name, value in fields.items():
        if value:
            lines.append(f"- {name}: {escape_markdown(value)}")
    if source["how_to_acknowledge"]:
        lines += ["", escape_markdown(source["how_to_acknowledge"])]
    return "\n".join(lines)


def _list_failures(attributes: Attributes) -> str:
    lines = []
    for failure in attributes["failures"]:
        reason = f"{failure['recording']}: {failure['stage']}: {failure['reason']}"
        lines.append(f"- {escape_markdown(reason)}")
    return "\n".join(lines) or "none"
