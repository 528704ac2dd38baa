"""Content of YAML and JSON files, in which a key occurs once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from bids_dl.errors import ConfigError
from bids_dl.input import parse_json, read_text

MERGE_TAG = "tag:yaml.org,2002:merge"  # of <<, which may repeat keys


MAX_BYTES = 1_000_000  # of a file; PyYAML reads about 0.2 MB in a second
MAX_DEPTH = 64  # lists and mappings within one another; a file of options needs about 6
MAX_VALUES = 200_000  # with those that an alias repeats


class _DuplicateKeyError(Exception):
    """A key that occurs twice, and the line of the second."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses repeated keys, of which PyYAML silently keeps the last. 1, 1.0 and true are equal."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != MERGE_TAG:
                key = self.construct_object(key_node)
                if key in keys:
                    raise _DuplicateKeyError(key_node.value, key_node.start_mark.line + 1)
                keys.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path, title: str) -> str:
    """Read the text of a YAML file.

    Parameters
    ----------
    title
        Name of the file in messages.

    Raises
    ------
    ConfigError
        The file cannot be read, is not a regular file, is too large, or is not UTF-8.
    """
    try:
        return read_text(path, max_bytes=MAX_BYTES)
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{title}: cannot be read ({reason})") from None


def load_yaml(text: str, title: str) -> Any:
    """Return the content of a YAML file.

    Parameters
    ----------
    text
        Content of the file.
    title
        Name of the file in messages.

    Raises
    ------
    yaml.YAMLError
        The text is not YAML.
    ConfigError
        A mapping has two equal keys, or the content is nested too deeply, refers to itself, or has
        too many values.

    Examples
    --------
    >>> load_yaml("trim: 2", "eyes.yaml")
    {'trim': 2}
    """
    try:
        content = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except RecursionError:
        raise _too_deep(title) from None
    except _DuplicateKeyError as problem:
        key, line = problem.args
        raise ConfigError(
            f"{title}: line {line}: the key {key!r} occurs twice in one mapping; keep one"
        ) from None
    _check_size(content, title)
    return content


def load_json(text: str, title: str) -> Any:
    """Return the content of a JSON file, whose numbers need no decimal point as in YAML.

    Parameters
    ----------
    text
        Content of the file.
    title
        Name of the file in messages.

    Raises
    ------
    ConfigError
        The text is not JSON, a mapping has two equal keys, or the content is too large.

    Examples
    --------
    >>> load_json('{"min_duration": 1e-05}', "eyes.json")
    {'min_duration': 1e-05}
    """
    try:
        parse_json(text)  # limits the size and the depth
        content = json.loads(text, object_pairs_hook=_mapping_of)
    except _DuplicateKeyError as problem:
        raise ConfigError(
            f"{title}: the key {problem.args[0]!r} occurs twice in one mapping; keep one"
        ) from None
    except ValueError as problem:
        raise ConfigError(f"{title}: not JSON ({problem})") from None
    _check_size(content, title)
    return content


def _mapping_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the mapping of key and value pairs, whose keys differ."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _DuplicateKeyError(counts.most_common(1)[0][0])
    return mapping


def _check_size(content: Any, title: str) -> None:
    """Refuse content that functions which call themselves cannot walk through."""
    level: list[Any] = [[content]]
    n_values = 0
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for container in level:
            values: Iterable[Any] = container.values() if isinstance(container, dict) else container
            below += [value for value in values if isinstance(value, dict | list)]
            n_values += len(container)
            if n_values > MAX_VALUES:
                raise ConfigError(f"{title}: has more than {MAX_VALUES} values, with its aliases")
        level = below
    if level:
        raise _too_deep(title)


def _too_deep(title: str) -> ConfigError:
    return ConfigError(f"{title}: is nested more than {MAX_DEPTH} levels deep, or refers to itself")
