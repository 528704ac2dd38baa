"""Licences of a store, shown before anything is sent, and the refusal of an unstated one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bids_dl.errors import ConfigError
from bids_dl.sharing.licence import (
    check_licences,
    spdx_name,
    store_licence,
    summarize_obligations,
)
from bids_dl.sharing.licence_terms import NOT_STATED, check_store_licence, name_licence
from bids_dl.wording import join_names, one_line

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SourceRights:
    """Licence of one source.

    Attributes
    ----------
    dataset
        Name of the source.
    licence
        Licence as the source states it, "" if it states none.
    obligations
        Obligations in a sentence, "" if the licence is not known.
    """

    dataset: str
    licence: str
    obligations: str


@dataclass(frozen=True, slots=True)
class Rights:
    """Licences under which a store is published.

    Attributes
    ----------
    licence
        SPDX name of the licence of the store, "" if each source has its own.
    sources
        Licence of each source.
    """

    licence: str
    sources: tuple[SourceRights, ...]

    def lines(self) -> list[str]:
        """Return one line for the store and one for each source.

        Examples
        --------
        >>> Rights("", (SourceRights("ds1", "ask me", ""),)).lines()
        ['licence: those of the sources', 'ds1: ask me']
        """
        lines = [f"licence: {self.licence or 'those of the sources'}"]
        for source in self.sources:
            parts = [f"{source.dataset}: {source.licence or 'no licence stated'}"]
            parts += [source.obligations] if source.obligations else []
            lines.append(one_line(". ".join(parts)))
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return the licences as JSON."""
        sources = []
        for source in self.sources:
            sources.append(
                {
                    "dataset": source.dataset,
                    "licence": source.licence,
                    "obligations": source.obligations,
                }
            )
        return {"licence": self.licence, "sources": sources}


def find_rights(url: str, attributes: Attributes, requested: str | None = None) -> Rights:
    """Return the licences of a store, and refuse to publish it if one is not stated.

    Parameters
    ----------
    url
        Store, for messages.
    attributes
        Attributes of the store's root.
    requested
        Licence that its publisher gives it, None for that of the store.

    Raises
    ------
    ConfigError
        A source states no licence and none is given, or the given one allows more than a source.
    SourceError
        The licence of a source forbids changed copies, or two licences exclude each other.
    """
    stated = {source["dataset"]: source["licence"] for source in attributes["sources"]}
    check_licences(stated)
    licence = store_licence(attributes)
    if requested is not None:
        licence = name_licence(requested)
        check_store_licence(licence, stated)
    unstated = [name for name, text in stated.items() if text.strip().casefold() in NOT_STATED]
    if unstated and not licence:
        raise ConfigError(
            f"{url}: {join_names(unstated)} states no licence, so nobody may use a copy; ask its "
            "authors, and give the licence of the store with --license"
        )
    sources = []
    for dataset, text in stated.items():
        sources.append(SourceRights(dataset, text, summarize_obligations(spdx_name(text))))
    return Rights(licence, tuple(sources))
