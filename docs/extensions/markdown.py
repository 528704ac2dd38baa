"""Parts of generated pages in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a table.

    Examples
    --------
    >>> print(table(["option", "default"], [["`a|b`", "1"]]))
    | option | default |
    | --- | --- |
    | `a\|b` | 1 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_escape_cell, line))} |" for line in lines)


def _escape_cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\|", " ".join(text.split()))


def code(text: object) -> str:
    """Return inline code, or "" for an empty text."""
    return f"`{text}`" if str(text) else ""


def block(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def directive(name: str, argument: str, *options: str) -> str:
    """Return a directive of reStructuredText, such as autodoc's, in a Markdown page.

    Lines after an empty one are its content.

    Examples
    --------
    >>> print(directive("autoclass", "bids_dl.Store", ":members:"))
    ```{eval-rst}
    .. autoclass:: bids_dl.Store
       :members:
    ```
    """
    given = [f"   {option}" for option in options]
    return block("{eval-rst}", "\n".join([f".. {name}:: {argument}", *given]))


def contents(names: Iterable[str]) -> str:
    """Return the hidden table of contents of a page."""
    return block("{toctree}", ":hidden:\n:maxdepth: 1\n\n" + "\n".join(names))


def page(label: str, title: str, *parts: str) -> str:
    """Return a page with a label for references."""
    return "\n\n".join([f"({label})=\n# {title}", *filter(None, parts)]) + "\n"


def literals(docstring: str) -> str:
    """Return the first sentence or line of a docstring, with its names as code of Markdown."""
    summary = docstring.strip().partition("\n\n")[0]
    return " ".join(summary.replace("``", "`").split())


def sentence(text: str) -> str:
    """Return a text as a sentence.

    Examples
    --------
    >>> sentence("power of bands")
    'Power of bands.'
    """
    return text[:1].upper() + text[1:].rstrip(".") + "."
