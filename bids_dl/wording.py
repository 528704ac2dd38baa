"""Lists, suggestions and sizes in messages."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterable, Mapping

MAX_LISTED = 8  # names in a message before the rest is counted
MAX_MESSAGE_CHARS = 300  # of a foreign error message
QUOTED_PATH = re.compile(r"""(['"])(?:/|[A-Za-z]:\\)[^'"]*[/\\]([^'"/\\]*)\1""")
FOLDERS = re.compile(r"""(?<![^\s'"(\[<=,:])(?:(?:/[^/\s'"]+)+/|[A-Za-z]:\\(?:[^\\\s'"]+\\)*)""")
CUTOFF = 0.6  # similarity in [0, 1] from which a name is suggested; difflib's default
CHARACTERS_PER_EDIT = 4  # of a name of which a misspelling changes one character


def join_names(names: Iterable[object], *, limit: int = MAX_LISTED) -> str:
    """Join names for a message, and count those beyond ``limit``.

    Examples
    --------
    >>> join_names(["O1", "O2", "Oz"], limit=2)
    'O1, O2 and 1 more'
    """
    texts = [str(name) for name in names]
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name of which ``name`` is probably a misspelling, ignoring case, or None.

    One of the names contains the other, or few characters differ. Similarity alone, that of
    `difflib.get_close_matches`, would suggest ``bad_channels`` for ``bandpass``.

    Examples
    --------
    >>> closest("Fz1", ["Fz", "Cz"]), closest("bandpass", ["bad_channels"])
    ('Fz', None)
    """
    by_lower = {text.casefold(): text for text in known}
    folded = name.casefold()
    for match in difflib.get_close_matches(folded, by_lower, cutoff=CUTOFF):
        is_part = match in folded or folded in match
        longer = max(len(match), len(folded))
        if is_part or _edit_distance(folded, match) <= longer // CHARACTERS_PER_EDIT:
            return by_lower[match]
    return None


def suggest(name: str, known: Iterable[str], *, limit: int = MAX_LISTED) -> str:
    """Suggest the known name that was probably meant, or list the known names.

    Examples
    --------
    >>> suggest("windw", ["window", "stride"])
    "did you mean 'window'?"
    >>> suggest("x", ["auto", "cpu"])
    'use one of auto, cpu'
    """
    names = list(known)
    match = closest(name, names)
    return f"did you mean {match!r}?" if match else f"use one of {join_names(names, limit=limit)}"


def format_size(n_bytes: float) -> str:
    """Format a number of bytes with a decimal unit.

    Examples
    --------
    >>> format_size(1_500_000_000)
    '1.5 GB'
    >>> format_size(8)
    '8 bytes'
    """
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.1f} GB"
    if n_bytes >= 1e6:
        return f"{n_bytes / 1e6:.0f} MB"
    return f"{n_bytes / 1e3:.0f} kB" if n_bytes >= 1e3 else count(round(n_bytes), "byte")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Format a count with its noun.

    Examples
    --------
    >>> count(1, "recording"), count(3, "recording"), count(2, "person", "people")
    ('1 recording', '3 recordings', '2 people')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def one_line(text: object, *, max_chars: int = MAX_MESSAGE_CHARS) -> str:
    r"""Put a message on one line of at most ``max_chars`` characters.

    Examples
    --------
    >>> one_line("cannot read\n  the file")
    'cannot read the file'
    """
    line = " ".join(str(text).split())
    return line if len(line) <= max_chars else line[: max_chars - 3] + "..."


def without_folders(text: object, names: Mapping[str, str] | None = None) -> str:
    """Remove the folders of this machine from a message; only the last part of a path remains.

    Parameters
    ----------
    text
        A foreign error message.
    names
        What to write in place of known paths.

    Examples
    --------
    >>> without_folders("cannot open /home/ann/x.fif at 3 m/s")
    'cannot open x.fif at 3 m/s'
    """
    message = str(text)
    for path, name in sorted((names or {}).items(), key=lambda item: -len(item[0])):
        message = message.replace(path, name)
    return FOLDERS.sub("", QUOTED_PATH.sub(r"\1\2\1", message))


def _edit_distance(first: str, second: str) -> int:
    """Count the characters to insert, delete, replace or swap with the next one."""
    before: list[int] = []
    previous = list(range(len(second) + 1))
    for i, character in enumerate(first, 1):
        current = [i]
        for j, other in enumerate(second, 1):
            replaced = previous[j - 1] + (character != other)
            cost = min(previous[j] + 1, current[j - 1] + 1, replaced)
            if min(i, j) > 1 and character == second[j - 2] and first[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before = previous
        previous = current
    return previous[-1]


def describe_rows(title: str, rows: Mapping[str, str]) -> str:
    """Write a title and one line per name and value, as the `repr` of an object.

    Examples
    --------
    >>> print(describe_rows("Store a.zarr", {"labels": "open 2"}))
    Store a.zarr
      labels: open 2
    """
    return "\n".join([title, *(f"  {name}: {value}" for name, value in rows.items())])


def describe_rows_html(title: str, rows: Mapping[str, str]) -> str:
    """Write a title and names with values as a small HTML table, for notebooks.

    All text is escaped.

    Examples
    --------
    >>> describe_rows_html("<a>", {})
    '<table><caption>&lt;a&gt;</caption></table>'
    """
    lines = [f"<table><caption>{html.escape(title)}</caption>"]
    for name, value in rows.items():
        cells = f"<th>{html.escape(name)}</th><td>{html.escape(value)}</td>"
        lines.append(f"<tr>{cells}</tr>")
    return "".join(lines) + "</table>"
