"""The classes that experts choose from: names, HED and keys, from a YAML file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bids_dl.annotate.answers.lines import MAX_CLASSES
from bids_dl.config.yaml_files import load_yaml, read_yaml
from bids_dl.errors import ConfigError
from bids_dl.wording import join_names

BACKGROUND = "background"
UNSURE = "unsure"
BACKGROUND_HED = "Background-activity"
HED_VERSION = "score_2.1.0"
"""SCORE, the library of HED for clinical EEG (10.1111/epi.12135), and the standard in it."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
ENTRY_FIELDS = ("hed", "key")
SURROGATES = range(0xD800, 0xE000)  # which UTF-8 cannot encode
MAX_KEY = 9  # of the keys 1 to 9; 0 is the background


@dataclass(frozen=True, slots=True)
class AnswerClass:
    """A class of an answer.

    Attributes
    ----------
    name
        Letters, digits, ``_`` and ``-``.
    hed
        HED of the class, without the tags that every annotation has.
    key
        Key of the page: a digit.
    """

    name: str
    hed: str
    key: str


def load_classes(
    file: Path, *, hed_version: str = HED_VERSION, schema_folder: str | None = None
) -> tuple[AnswerClass, ...]:
    """Read a classes file, and check its HED.

    Parameters
    ----------
    file
        YAML such as ``spike: {hed: "Epileptiform-interictal-activity, Spike", key: 1}``. The class
        ``background`` is added, as the first one, with the key 0; it may be in the file to have
        other HED. ``unsure`` is always an answer and no class.
    hed_version
        HED version that the HED is checked with.
    schema_folder
        Folder of schemas that hedtools does not include.

    Raises
    ------
    ConfigError
        The file cannot be read, or a name, a key or HED is wrong. A misspelt tag is named with
        the closest one.

    Examples
    --------
    >>> file = Path("classes.yaml")
    >>> _ = file.write_text('spike: {hed: "Epileptiform-interictal-activity, Spike", key: 1}')
    >>> [(item.name, item.key) for item in load_classes(file)]
    [('background', '0'), ('spike', '1')]
    """
    title = f"--classes {file}"
    try:
        content = load_yaml(read_yaml(file, title), title)
    except yaml.YAMLError:
        raise ConfigError(f"{title}: is not YAML") from None
    return parse_classes(content, title, hed_version=hed_version, schema_folder=schema_folder)


def parse_classes(
    content: Any,
    title: str,
    *,
    hed_version: str = HED_VERSION,
    schema_folder: str | None = None,
) -> tuple[AnswerClass, ...]:
    """Check the content of a classes file.

    Parameters
    ----------
    content
        Name -> ``{"hed": text, "key": digit}``. The key is optional: the first free one.
    title
        File, for messages.
    hed_version, schema_folder
        As for `load_classes`.

    Raises
    ------
    ConfigError
        As for `load_classes`.
    """
    from bids_dl.selection.advice.hed_text import check_hed

    entries = _check_entries(content, title)
    keys = _choose_keys(entries, title)
    classes = []
    for name, entry in entries.items():
        hed = " ".join(str(entry.get("hed", "")).split())  # a cell of a table has one line
        _check_text(hed, f"{title}: {name}")
        check_hed(hed, hed_version, place=f"{title}: {name}", schema_folder=schema_folder)
        classes.append(AnswerClass(name, hed, keys[name]))
    return tuple(classes)


def _check_entries(content: Any, title: str) -> dict[str, Mapping[str, Any]]:
    """Return the entries by name, the background first.

    Raises
    ------
    ConfigError
        The content is no mapping of names to mappings, or an entry lacks its HED.
    """
    if not isinstance(content, Mapping) or not content:
        raise ConfigError(f"{title}: expected NAME: {{hed: TEXT, key: DIGIT}}, found {content!r}")
    if len(content) >= MAX_CLASSES:
        raise ConfigError(f"{title}: has {len(content)} classes, at most {MAX_CLASSES} are allowed")
    for name, entry in content.items():
        if not isinstance(name, str) or not NAME.fullmatch(name) or name == UNSURE:
            raise ConfigError(
                f"{title}: {name!r} is no name of a class; use letters, digits, _ and -, and not "
                f"{UNSURE}, which is always an answer"
            )
        if not isinstance(entry, Mapping) or not isinstance(entry.get("hed"), str):
            raise ConfigError(
                f"{title}: {name} has no HED; write {name}: {{hed: TEXT, key: DIGIT}}"
            )
        unknown = [field for field in entry if field not in ENTRY_FIELDS]
        if unknown:
            fields = join_names(ENTRY_FIELDS)
            raise ConfigError(f"{title}: {name} has the field {unknown[0]!r}; there are {fields}")
    names = [BACKGROUND, *(name for name in content if name != BACKGROUND)]
    default = {"hed": BACKGROUND_HED}
    return {name: content.get(name, default) for name in names}


def _check_text(hed: str, place: str) -> None:
    """Refuse HED that no file can hold, or that ends the group that it is put into.

    Raises
    ------
    ConfigError
        The HED has a surrogate, or closes a parenthesis that it does not open.
    """
    depth = 0
    for character in hed:
        if ord(character) in SURROGATES:
            raise ConfigError(f"{place}: the HED has the character {character!r}; remove it")
        depth += (character == "(") - (character == ")")
        if depth < 0:
            raise ConfigError(
                f"{place}: the HED {hed!r} closes a parenthesis that it does not open; "
                "pair its parentheses"
            )


def _choose_keys(entries: Mapping[str, Mapping[str, Any]], title: str) -> dict[str, str]:
    """Return the key of each class: as given, or the first free one, or "" if none is free."""
    given = {name: str(entry["key"]) for name, entry in entries.items() if "key" in entry}
    given.setdefault(BACKGROUND, "0")
    names: dict[str, str] = {}
    for name, key in given.items():
        if len(key) != 1 or key not in "0123456789":
            raise ConfigError(f"{title}: {name} has the key {key!r}; use a digit")
        if key in names:
            raise ConfigError(f"{title}: {names[key]} and {name} have the key {key}; change one")
        names[key] = name
    free = [str(key) for key in range(1, MAX_KEY + 1) if str(key) not in names]
    for name in entries:
        if name not in given:
            given[name] = free.pop(0) if free else ""
    return given
