"""Documents beside a published copy of a store: card, citation, Croissant, BIDS description.

The documents inside a store are in its manifest, so they cannot name its address or its DOI. These
can.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bids_dl.errors import ConfigError
from bids_dl.input import parse_json
from bids_dl.publishing.content import StoreContent
from bids_dl.publishing.hub_copy import ATTRIBUTES, add_rule
from bids_dl.sharing.card import build_published_card
from bids_dl.sharing.citation import find_doi
from bids_dl.sharing.licence import store_licence
from bids_dl.sharing.published_citation import build_published_citation
from bids_dl.sharing.published_copy import PublishedCopy, attributes_of_copy
from bids_dl.sharing.published_croissant import build_published_croissant
from bids_dl.store.format import to_json

CROISSANT = "croissant.json"
BIDS_VERSION = "1.10.0"  # of which `DatasetType` and `GeneratedBy` are part
DATE_FIELD = "datePublished"  # of croissant.json

Documents = Mapping[str, bytes]


def build_beside(content: StoreContent, copy: PublishedCopy) -> dict[str, bytes]:
    """Build the documents beside a published copy.

    Parameters
    ----------
    content
        The store.
    copy
        Address, DOI, creators, licence and day of the copy.

    Returns
    -------
    dict
        Content of README.md, CITATION.cff, croissant.json and dataset_description.json by name.
    """
    store = content.store
    objects = {}
    for name, entry in content.entries.items():
        objects[name] = {"bytes": entry.n_bytes, "sha256": entry.sha256}
    croissant = build_published_croissant(store.root, objects, copy)
    return {
        "README.md": build_published_card(store.attributes, store.shape, copy).encode(),
        "CITATION.cff": build_published_citation(store.attributes, copy).encode(),
        CROISSANT: to_json(croissant),
        "dataset_description.json": to_json(describe_derivative(store.attributes, copy)),
    }


def describe_derivative(attributes: Mapping[str, Any], copy: PublishedCopy) -> dict[str, Any]:
    """Return dataset_description.json of a repository: a BIDS derivative with its sources.

    Parameters
    ----------
    attributes
        Attributes of the store's root.
    copy
        The published copy.
    """
    attributes = attributes_of_copy(attributes, copy)
    sources = []
    for source in attributes["sources"]:
        doi = find_doi(source["doi"])
        fields = {
            "URL": source.get("address", ""),
            "DOI": f"doi:{doi}" if doi else "",
            "Version": source.get("version", ""),
        }
        sources.append({name: text for name, text in fields.items() if text})
    described = {
        "Name": attributes["title"],
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "License": store_licence(attributes),
        "Authors": list(attributes.get("creators", ())),
        "DatasetDOI": f"doi:{find_doi(copy.doi)}" if copy.doi else "",
        "GeneratedBy": [{"Name": "bids_dl", "Version": attributes["software"]["bids_dl"]}],
        "SourceDatasets": [source for source in sources if source],
    }
    return {name: value for name, value in described.items() if value}


@dataclass(frozen=True)
class RepositoryDocuments:
    """Choice of the documents of a repository. What somebody has edited there is kept.

    Attributes
    ----------
    build
        Returns the documents of a copy.
    copy
        The copy, with the day of today.
    on_kept
        Called with the path of each document that is kept although it differs.
    """

    build: Callable[[PublishedCopy], Documents]
    copy: PublishedCopy
    on_kept: Callable[[str], None] = field(default=lambda _: None)

    def choose(self, existing: Documents) -> dict[str, bytes]:
        """Return the documents to write.

        A document is written if there is none, or if the one there is as bids_dl wrote it without
        a DOI and an author.

        Parameters
        ----------
        existing
            Content of the documents of the repository, by path.
        """
        date = _find_date(existing.get(CROISSANT, b"")) or self.copy.date
        copy = replace(self.copy, date=date)
        requested = self.build(copy)
        earlier = self.build(replace(copy, doi="", creators=()))
        chosen = {}
        for name, content in requested.items():
            before = existing.get(name)
            if before == content:
                continue
            if before is None or before == earlier[name]:
                chosen[name] = content
            else:
                self.on_kept(name)
        rule = add_rule(existing.get(ATTRIBUTES))
        if rule is not None:
            chosen[ATTRIBUTES] = rule
        return chosen


def check_doi(doi: str | None) -> str:
    """Return a DOI without the address of a resolver, "" for None.

    Raises
    ------
    ConfigError
        The text has no DOI.

    Examples
    --------
    >>> check_doi("https://doi.org/10.5281/zenodo.1234")
    '10.5281/zenodo.1234'
    """
    if doi is None:
        return ""
    found = find_doi(doi)
    if not found:
        raise ConfigError(f"--doi {doi!r}: is no DOI; write it as 10.5281/zenodo.1234567")
    return found


def _find_date(croissant: bytes) -> str:
    """Return the day of publication that an existing croissant.json states, "" if none."""
    try:
        parsed = parse_json(croissant)
    except (ValueError, json.JSONDecodeError):
        return ""
    date = parsed.get(DATE_FIELD, "") if isinstance(parsed, dict) else ""
    return date if isinstance(date, str) else ""
