"""Licences of sources: SPDX names, what they forbid, and the LICENSE document of a store."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bids_dl.errors import SourceError
from bids_dl.sharing.safe_text import clean_lines

Attributes = Mapping[str, Any]

VERSIONLESS = {"cc 0": "CC0-1.0", "pddl": "PDDL-1.0", "odc by": "ODC-By-1.0"}
"""Beginnings of licences that exist in one version only, as `_normalize` writes them."""

CREATIVE_COMMONS = re.compile(
    r"\b(?:cc|licenses) by(?P<nc> nc)?(?P<more> nd| sa)?(?: (?P<version>1 0|2 0|2 5|3 0|4 0))\b"
)
NO_DERIVATIVES = re.compile(r"\b(nd\b|no ?deriv)")
SHARE_ALIKE = re.compile(r"\b(sa\b|share ?alike)")
PUBLIC_DOMAIN = re.compile(r"\b(cc 0|zero|pddl|public domain)")
LEGAL_TEXTS = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/legalcode",
    "PDDL-1.0": "https://opendatacommons.org/licenses/pddl/1-0/",
    "ODC-By-1.0": "https://opendatacommons.org/licenses/by/1-0/",
    "ODbL-1.0": "https://opendatacommons.org/licenses/odbl/1-0/",
    "CDLA-Permissive-2.0": "https://cdla.dev/permissive-2-0/",
    "CDLA-Sharing-1.0": "https://cdla.dev/sharing-1-0/",
    "MIT": "https://opensource.org/license/mit",
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "BSD-3-Clause": "https://opensource.org/license/bsd-3-clause",
}
RULER = "-" * 72


def spdx_name(licence: str) -> str:
    """Return the SPDX name (spdx.org/licenses) of a licence.

    Parameters
    ----------
    licence
        ``License`` of dataset_description.json, or the URL of a Creative Commons licence.

    Returns
    -------
    str
        The SPDX name, "" if the licence is unknown or its version is not stated.

    Examples
    --------
    >>> spdx_name("CC BY-SA 4.0"), spdx_name("cc-0"), spdx_name("ask me")
    ('CC-BY-SA-4.0', 'CC0-1.0', '')
    """
    words = _normalize(licence)
    match = CREATIVE_COMMONS.search(words)
    if match:
        parts = ["CC-BY"]
        parts += [match[group].strip().upper() for group in ("nc", "more") if match[group]]
        return "-".join([*parts, match["version"].replace(" ", ".")])
    for beginning, name in VERSIONLESS.items():
        if words.startswith(beginning):
            return name
    return ""


def legal_text_url(name: str) -> str:
    """Return the URL of a licence's legal text, "" if its SPDX name is not known."""
    if name.startswith("CC-BY-"):
        kind, _, version = name.removeprefix("CC-").lower().rpartition("-")
        return f"https://creativecommons.org/licenses/{kind}/{version}/legalcode"
    return LEGAL_TEXTS.get(name, "")


def summarize_obligations(name: str) -> str:
    """Summarize the obligations of a licence in one line.

    This is not legal advice: the licence text prevails. The summary is "" if ``name`` is not from
    `spdx_name`.
    """
    if name in {"CC0-1.0", "PDDL-1.0"}:
        return "No rights are reserved; please cite the authors all the same."
    if not name:
        return ""
    obligations = ["Credit the authors, name this licence, and state what was changed."]
    if "-NC" in name:
        obligations.append("Do not use it commercially.")
    if "-SA" in name:
        obligations.append("Share what you make from it under this licence only.")
    return " ".join(obligations)


def summarize_licences(attributes: Attributes) -> list[str]:
    r"""Summarize the licence of a store and of each source, with their obligations, a line each.

    Parameters
    ----------
    attributes
        Attributes of the store's root.

    Returns
    -------
    list of str
        The first line is about the store. A licence that is not known has no obligations here,
        and the line refers to its text.

    Examples
    --------
    >>> source = {"dataset": "ds1", "title": "One", "licence": "CC0"}
    >>> print(*summarize_licences({"sources": [source]}), sep="\n")
    store: CC0-1.0. No rights are reserved; please cite the authors all the same.
    source ds1: CC0. No rights are reserved; please cite the authors all the same.
    """
    name = store_licence(attributes)
    store = name or "no licence of its own; those of its sources apply"
    lines = [f"store: {store}. {summarize_obligations(name)}".strip()]
    for source in attributes["sources"]:
        stated = source["licence"].strip()
        if not stated:
            lines.append(f"source {source['dataset']}: no licence stated; ask its authors")
            continue
        unknown = "Its obligations are in its text."
        obligations = summarize_obligations(spdx_name(stated)) or unknown
        lines.append(f"source {source['dataset']}: {stated.rstrip('.')}. {obligations}")
    return lines


def common_licence(sources: Sequence[Attributes]) -> str:
    """Return the SPDX name of the licence that all sources share, "" if there is none."""
    names = {spdx_name(source["licence"]) for source in sources}
    return names.pop() if len(names) == 1 else ""


def store_licence(attributes: Attributes) -> str:
    """Return the SPDX name of a store's licence, "" if each source has its own.

    Parameters
    ----------
    attributes
        Attributes of the store's root.
    """
    return str(attributes.get("licence", "")) or common_licence(attributes["sources"])


def check_licences(licences: Mapping[str, str]) -> None:
    """Check that changed copies of all sources may be shared in one store.

    Parameters
    ----------
    licences
        Licence of each dataset, as it states it, by dataset name.

    Raises
    ------
    SourceError
        A licence forbids derivatives, or a share-alike licence is combined with another one that
        is not in the public domain.
    """
    for dataset, licence in licences.items():
        if NO_DERIVATIVES.search(_normalize(licence)):
            raise SourceError(
                f"{dataset}: its licence ({licence}) forbids sharing changed copies, and a store "
                "is one; exclude this source"
            )
    binding = set()
    for licence in licences.values():
        words = _normalize(licence)
        if words and not PUBLIC_DOMAIN.search(words):
            binding.add(spdx_name(licence) or words)
    if len(binding) > 1 and any(SHARE_ALIKE.search(_normalize(words)) for words in binding):
        names = ", ".join(f"{dataset} {licence}" for dataset, licence in licences.items())
        raise SourceError(
            f"the licences of the sources exclude each other in one store ({names}); "
            "convert the sources to separate stores"
        )


def build_licence_document(
    sources: Sequence[Attributes], texts: Mapping[str, str], licence: str = ""
) -> str:
    """Build LICENSE: the licence of each source, with its licence file or the URL of its text.

    Parameters
    ----------
    sources
        Attribute ``sources`` of the store.
    texts
        Content of each dataset's own licence file, by dataset name.
    licence
        SPDX name of the licence that was requested for the store, "" if none was.
    """
    parts = []
    if licence:
        parts += [f"This store is licensed under {licence}, text: {legal_text_url(licence)}", ""]
    parts += [
        "This store contains changed copies of recordings of the following datasets, "
        "each under its own licence.",
        "",
    ]
    for source in sources:
        stated = clean_lines(source["licence"]) or "no licence stated"
        parts.append(f"{source['dataset']} ({source['title']}): {stated}{_describe(source)}")
    parts += ["", "See README.md for what was changed.", ""]
    for dataset, text in texts.items():
        parts += [RULER, f"Licence file of {dataset}:", "", clean_lines(text).strip(), ""]
    return "\n".join(parts)


def _describe(source: Attributes) -> str:
    """Return two lines with SPDX name, text and obligations of a licence, "" if it is unknown."""
    name = spdx_name(source["licence"])
    if not name:
        return ""
    return f"\n  SPDX: {name}, text: {legal_text_url(name)}\n  {summarize_obligations(name)}"


def _normalize(licence: str) -> str:
    """Return the words and digits of a licence in lower case, separated by spaces."""
    return " ".join(re.findall(r"[a-z]+|\d", licence.casefold()))
