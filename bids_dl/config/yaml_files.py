"""Content of YAML files, in which a key occurs once."""

from __future__ import annotations

from typing import Any

import yaml

from bids_dl.errors import ConfigError

MERGE_TAG = "tag:yaml.org,2002:merge"  # of <<, which may repeat keys


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
        A mapping has two equal keys.

    Examples
    --------
    >>> load_yaml("trim: 2", "eyes.yaml")
    {'trim': 2}
    """
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except _DuplicateKeyError as problem:
        key, line = problem.args
        raise ConfigError(
            f"{title}: line {line}: the key {key!r} occurs twice in one mapping; keep one"
        ) from None
