"""Conditions of licences, and the check that a store's licence allows no more than its sources'.

This is not legal advice: a licence that is not understood as a whole is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bids_dl.errors import ConfigError
from bids_dl.wording import join_names, one_line

ATTRIBUTION = "attribution"
NON_COMMERCIAL = "no commercial use"
NO_DERIVATIVES = "no changes"
SHARE_ALIKE = "the same licence for what is made from it"

OTHER_LICENCES: Mapping[str, tuple[str, frozenset[str]]] = {
    "CC0-1.0": (r"cc (?:0|zero)(?: 1 0)?", frozenset()),
    "PDDL-1.0": (r"pddl(?: 1 0)?", frozenset()),
    "ODC-By-1.0": (r"odc (?:cc )?by(?: licen[cs]e)?(?: 1 0)?", frozenset({ATTRIBUTION})),
    "ODbL-1.0": (r"odbl(?: 1 0)?", frozenset({ATTRIBUTION, SHARE_ALIKE})),
    "CDLA-Permissive-2.0": (r"cdla permissive 2 0", frozenset({ATTRIBUTION})),
    "CDLA-Sharing-1.0": (r"cdla sharing 1 0", frozenset({ATTRIBUTION, SHARE_ALIKE})),
    "MIT": (r"mit", frozenset({ATTRIBUTION})),
    "Apache-2.0": (r"apache(?: licen[cs]e)? 2 0", frozenset({ATTRIBUTION})),
    "BSD-3-Clause": (r"bsd 3 clause", frozenset({ATTRIBUTION})),
}
"""Licences beside Creative Commons by SPDX name: pattern of their normalized text, conditions."""

PUBLIC_DOMAIN = re.compile(r"\b(?:pd|public domain)\b")
CREATIVE_COMMONS = re.compile(
    r"\bcc by(?P<parts>(?: nc| sa| nd)*)\b(?: (?P<version>1 0|2 0|2 5|3 0|4 0)\b)?(?! \d)"
)
CONDITION_OF_PART = {"nc": NON_COMMERCIAL, "sa": SHARE_ALIKE, "nd": NO_DERIVATIVES}
ABBREVIATIONS = (
    (r"\b(?:https? )?(?:www )?creativecommons org licenses\b", "cc"),
    (r"\b(?:https? )?(?:www )?creativecommons org publicdomain zero\b", "cc 0"),
    (r"\bopen data commons\b", "odc"),
    (r"\bopen database\b", "odbl"),
    (r"\bcreative ?commons\b", "cc"),
    (r"\b(?:attribution|ccby)\b", "cc by"),
    (r"\bnon ?commercial\b", "nc"),
    (r"\bshare ?alike\b", "sa"),
    (r"\bno ?deriv[a-z]*\b", "nd"),
    (r"\b(?:v|version) (?=\d)", ""),
    (r"\b(?:cc )+(?=cc\b)", ""),
)
"""Patterns of long names in normalized text, and their abbreviations, in order of application."""
FILLERS = frozenset(
    """
    a and by deed dedication domain en generic international is its legalcode licence licensed
    license odbl odc public the this under universal unported work
    """.split()  # noqa: SIM905  (one word a line would fill a screen)
)
"""Words that are not a condition of a licence."""
NOT_STATED = frozenset({"", "n/a", "none", "unknown"})
EXAMPLES = ("CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", *OTHER_LICENCES)


@dataclass(frozen=True, slots=True)
class LicenceTerms:
    """Conditions of a licence.

    Attributes
    ----------
    family
        SPDX name, for Creative Commons without the version; "" for the public domain.
    version
        Version of a Creative Commons licence, "" if it is not stated.
    conditions
        Conditions of its use.
    """

    family: str
    version: str
    conditions: frozenset[str]

    @property
    def name(self) -> str:
        """SPDX name, "" if there is none or the version is not stated."""
        if not self.family.startswith("CC-BY"):
            return self.family
        return f"{self.family}-{self.version}" if self.version else ""


def read_terms(text: str) -> LicenceTerms | None:
    """Read the conditions of a licence from its name, its URL or the first line of its text.

    Parameters
    ----------
    text
        A licence, as a dataset states it.

    Returns
    -------
    LicenceTerms or None
        None if a part of the text is not understood, because it may be another condition.

    Examples
    --------
    >>> read_terms("Creative Commons Attribution 4.0 International").name
    'CC-BY-4.0'
    >>> read_terms("CC BY 4.0, for research only") is None
    True
    """
    words = " ".join(re.findall(r"[a-z]+|\d", text.casefold()))
    for pattern, abbreviation in ABBREVIATIONS:
        words = re.sub(pattern, abbreviation, words)
    found = []
    for name, (pattern, conditions) in OTHER_LICENCES.items():
        words, n_found = re.subn(rf"\b{pattern}\b(?! \d)", "", words)
        if n_found:
            found.append(LicenceTerms(name, "", conditions))
    found += map(_read_creative_commons, CREATIVE_COMMONS.finditer(words))
    words = CREATIVE_COMMONS.sub("", words)
    if not found and PUBLIC_DOMAIN.search(words):
        found.append(LicenceTerms("", "", frozenset()))
        words = PUBLIC_DOMAIN.sub("", words)
    families = {terms.family for terms in found}
    versions = {terms.version for terms in found if terms.version}
    if len(families) != 1 or len(versions) > 1 or not set(words.split()) <= FILLERS:
        return None
    return max(found, key=lambda terms: terms.version)


def _read_creative_commons(match: re.Match[str]) -> LicenceTerms:
    parts = sorted(set(match["parts"].split()))  # nc before nd and sa, as SPDX writes them
    version = (match["version"] or "").replace(" ", ".")
    conditions = {ATTRIBUTION, *map(CONDITION_OF_PART.__getitem__, parts)}
    return LicenceTerms("-".join(["CC-BY", *map(str.upper, parts)]), version, frozenset(conditions))


def name_licence(text: str) -> str:
    """Return the SPDX name of the licence that is requested for a store.

    Raises
    ------
    ConfigError
        The licence is unknown, or its version is not stated.

    Examples
    --------
    >>> name_licence("cc by-nc 4.0")
    'CC-BY-NC-4.0'
    """
    terms = read_terms(text)
    if terms is None or not terms.family:
        raise ConfigError(f"--license {text!r}: unknown licence; use one of {join_names(EXAMPLES)}")
    if not terms.name:
        raise ConfigError(
            f"--license {text!r}: its version is not stated; use {terms.family}-4.0, for example"
        )
    return terms.name


def check_store_licence(licence: str, stated: Mapping[str, str]) -> list[str]:
    """Check that the licence of a store allows no more than the licence of each source.

    Parameters
    ----------
    licence
        Licence of the store, from `name_licence`.
    stated
        Licence of each dataset, as it states it, by dataset name.

    Returns
    -------
    list of str
        Datasets that state no licence, with which the licence cannot be compared.

    Raises
    ------
    ConfigError
        A source has a condition that the licence of the store lacks, or a licence that is not
        understood.
    """
    terms = read_terms(licence)
    unstated = []
    for dataset, text in stated.items():
        if text.strip().casefold() in NOT_STATED:
            unstated.append(dataset)
            continue
        source = read_terms(text)
        shown = one_line(text)
        if terms is None or source is None:
            raise ConfigError(
                f"--license {licence}: cannot be compared with {shown!r}, the licence of "
                f"{dataset}; leave --license out, so that the store names the licences of its "
                "sources"
            )
        lost = _find_lost_conditions(terms, source)
        if lost:
            raise ConfigError(
                f"--license {licence}: allows more than {shown!r}, the licence of {dataset}, "
                f"which requires {join_names(lost)}; use "
                f"{source.name or 'a licence that is as strict'}, or leave --license out"
            )
    return unstated


def _find_lost_conditions(terms: LicenceTerms, source: LicenceTerms) -> list[str]:
    """List the conditions of a source that the licence of a store does not keep."""
    lost = sorted(source.conditions - terms.conditions)
    is_later = terms.version >= source.version  # an adapter may choose a later version
    is_same = terms.family == source.family and is_later
    if SHARE_ALIKE in source.conditions and not is_same and SHARE_ALIKE not in lost:
        lost.append(SHARE_ALIKE)
    return lost
