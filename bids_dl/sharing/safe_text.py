"""Text of datasets in documents: control characters and markup of a dataset have no effect there.

The rules of Markdown are those of CommonMark 0.31 (https://spec.commonmark.org/0.31.2/) and of
GitHub, whose tables, formulas and strikethrough other viewers know too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from bids_dl.errors import escape_controls

MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")  # eyes_open has no emphasis
HTML = {"<": "&lt;", ">": "&gt;"}
ENTITY = re.compile(r"&(?=#?\w+;)")
BLOCK = re.compile(r"^(?:(?=[#+=:-])|(\d+)(?=[.)]))")  # heading, list, rule or definition
TAG = re.compile("<(?=[A-Za-z/!?])")


def clean_texts(value: Any) -> Any:
    r"""Escape the control characters of all texts in a JSON value.

    Examples
    --------
    >>> clean_texts({"title": "red \x1b[31m", "authors": ["A\r\nB"], "sfreq": 128.0})
    {'title': 'red \\x1b[31m', 'authors': ['A\nB'], 'sfreq': 128.0}
    """
    if isinstance(value, str):
        return escape_controls(value.replace("\r\n", "\n").replace("\r", "\n"))
    if isinstance(value, Mapping):
        return {clean_texts(key): clean_texts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return list(map(clean_texts, value))
    return value


def clean_lines(text: str) -> str:
    r"""Escape the control characters of a plain text, without those that break lines.

    Examples
    --------
    >>> print(clean_lines("first\r\nsecond\x0cthird"))
    first
    second
    third
    """
    return escape_controls("\n".join(text.splitlines()))


def escape_markdown(text: object) -> str:
    r"""Write a text on one line of Markdown, which then shows the text itself.

    Examples
    --------
    >>> print(escape_markdown("<b>*eyes_open*</b> & # 1\n# 2"))
    &lt;b&gt;\*eyes_open\*&lt;/b&gt; & # 1 # 2
    """
    line = " ".join(str(text).split())
    line = ENTITY.sub("&amp;", MARKDOWN.sub(lambda match: f"\\{match[0]}", line))
    for character, entity in HTML.items():
        line = line.replace(character, entity)
    return BLOCK.sub(r"\1\\", line)


def code_span(text: str) -> str:
    r"""Write a text as code on one line of Markdown, also in a table.

    Examples
    --------
    >>> print(code_span("(Red | Blue)"), code_span("a `b`"))
    `(Red \| Blue)` `` a `b` ``
    """
    line = " ".join(text.splitlines()).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}" if longest else f"{fence}{line}{fence}"


class _QuotingDumper(yaml.SafeDumper):
    """Quotes texts with markup, so that their characters can be written as escapes."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if TAG.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_QuotingDumper.add_representer(str, _represent_text)


def to_yaml(content: Mapping[str, Any]) -> str:
    r"""Write an object as YAML without a tag of HTML. A program that parses it reads the tag.

    Examples
    --------
    >>> print(to_yaml({"title": "a <b>"}), end="")
    title: "a \x3Cb>"
    """
    text = yaml.dump(content, Dumper=_QuotingDumper, sort_keys=False, allow_unicode=True)
    return TAG.sub(r"\\x3C", text)  # in quotes, where it is an escape
