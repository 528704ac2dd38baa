"""Licences of sources: their names, what they forbid, and the text that travels with a store."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bids_dl.errors import SourceError

Attributes = Mapping[str, Any]
WITHOUT_VERSIONS = {
    "cc 0": "CC0-1.0",
    "pddl": "PDDL-1.0",
    "odc by": "ODC-By-1.0",
}  # of which there is one
CREATIVE_COMMONS = re.compile(
    r"\b(?:cc|licenses) by(?P<nc> nc)?(?P<more> nd| sa)?(?: (?P<version>1 0|2 0|2 5|3 0|4 0))\b"
)
NO_CHANGES, SHARE_ALIKE, FREE = (
    re.compile(rf"\b({words})")
    for words in (r"nd\b|no ?deriv", r"sa\b|share ?alike", "cc 0|zero|pddl|public domain")
)
LEGAL_TEXTS = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/legalcode",
    "PDDL-1.0": "https://opendatacommons.org/licenses/pddl/1-0/",
    "ODC-By-1.0": "https://opendatacommons.org/licenses/by/1-0/",
}


def spdx(licence: str) -> str:
    """SPDX name (spdx.org/licenses) of what a dataset_description.json says, or of a Creative Commons URL; "" where it is none for sure."""
    words = _words(licence)
    if match := CREATIVE_COMMONS.search(words):
        parts = [(match["nc"] or "").strip(), (match["more"] or "").strip()]
        return "-".join(
            ["CC-BY", *(part.upper() for part in parts if part), match["version"].replace(" ", ".")]
        )
    return next((name for start, name in WITHOUT_VERSIONS.items() if words.startswith(start)), "")


def legal_text(name: str) -> str:
    """Where the text of a licence is published; "" for what is no SPDX name of `spdx`."""
    if name.startswith("CC-BY-"):
        kind, _, version = name.removeprefix("CC-").lower().rpartition("-")
        return f"https://creativecommons.org/licenses/{kind}/{version}/legalcode"
    return LEGAL_TEXTS.get(name, "")


def obligations(name: str) -> str:
    """What a licence asks of whoever uses or shares a store, in a sentence (its text is what counts); "" for no name of `spdx`."""
    if name in {"CC0-1.0", "PDDL-1.0"}:
        return "No rights are reserved; cite the authors all the same."
    if not name:
        return ""
    asked = ["Credit the authors, name this licence, and say what was changed."]
    asked += ["Not for commercial use."] if "-NC" in name else []
    asked += ["Share what you make from it under this licence only."] if "-SA" in name else []
    return " ".join(asked)


def common(sources: Sequence[Attributes]) -> str:
    """SPDX name of the licence that all sources share; "" where there is none, or not for sure."""
    names = {spdx(source["licence"]) for source in sources}
    return names.pop() if len(names) == 1 else ""


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
    bound = {
        spdx(licences[dataset]) or words
        for dataset, words in said.items()
        if words and not FREE.search(words)
    }
    if len(bound) > 1 and any(SHARE_ALIKE.search(_words(words)) for words in bound):
        names = ", ".join(f"{dataset} {licence}" for dataset, licence in licences.items())
        raise SourceError(
            f"the licences of the sources exclude each other in one store ({names}); convert them to stores of their own"
        )


def licence_document(sources: Sequence[Attributes], texts: Mapping[str, str]) -> str:
    """LICENSE of a store: the licence of each source, with the text where the source brings one and where it is published else.

    Parameters
    ----------
    texts
        Dataset -> its own licence file.
    """
    parts = [
        "This store holds changed copies of recordings of the following datasets, each under its own licence.",
        "",
    ]
    parts += [
        f"{s['dataset']} ({s['title']}): {s['licence'] or 'no licence stated'}{_named(s)}"
        for s in sources
    ]
    parts += ["", "What was changed: see README.md.", ""]
    for dataset, text in texts.items():
        parts += ["-" * 72, f"Licence file of {dataset}:", "", text.strip(), ""]
    return "\n".join(parts)


def _named(source: Attributes) -> str:
    name = spdx(source["licence"])
    return f"\n  SPDX: {name}, text: {legal_text(name)}\n  {obligations(name)}" if name else ""


def _words(licence: str) -> str:
    return " ".join(re.findall(r"[a-z]+|\d", licence.casefold()))
