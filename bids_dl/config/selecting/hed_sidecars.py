"""HED that a request adds to datasets: sidecars from JSON files or Python, read and checked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bids_dl.config.arguments import describe_value, wrong_type
from bids_dl.config.values import as_tuple
from bids_dl.errors import ConfigError
from bids_dl.input import read_text
from bids_dl.wording import join_names

FLAG = "--hed-sidecar"
ALL_DATASETS = ""  # key of the sidecar that applies to each dataset
MAX_BYTES = 1_000_000  # of a file, because each store has its HED in the root attributes
EXPECTED = "a file or a mapping of columns"
UNFILLED = ("", "n/a")  # HED that says nothing

HedSidecars = dict[str, dict[str, dict[str, Any]]]
"""Dataset, or `ALL_DATASETS`, -> column of events.tsv -> ``{"HED": text or {value: text}}``."""


def parse_hed_sidecars(value: Any) -> HedSidecars | None:
    """Read the sidecars of a request.

    Parameters
    ----------
    value
        ``[DATASET=]FILE.json`` or a list of such texts; the content of such a file; or a mapping
        from datasets to files or contents.

    Returns
    -------
    dict or None
        Only the HED of the sidecars, in sorted order; entries that are empty or n/a are left out.
        None if there is no value.

    Raises
    ------
    ArgumentTypeError
        The value is neither a file nor a mapping.
    ConfigError
        A file cannot be read, is not JSON or has no HED, or two files annotate the same column.

    Examples
    --------
    >>> parse_hed_sidecars({"trial_type": {"HED": {"red": "Red", "x": ""}}})
    {'': {'trial_type': {'HED': {'red': 'Red'}}}}
    """
    if value is None:
        return None
    sidecars: HedSidecars = {}
    for dataset, item in _split_by_dataset(value):
        if isinstance(item, Mapping):
            name = FLAG if dataset == ALL_DATASETS else f"{FLAG} {dataset}"
            columns = _hed_of(item, name)
        else:
            columns = _hed_of(_read_json(item), f"{FLAG} {item}")
        known = sidecars.setdefault(dataset, {})
        if repeated := sorted(known.keys() & columns.keys()):
            raise ConfigError(f"{FLAG}: two files annotate the column {repeated[0]!r}; keep one")
        known |= columns
    ordered: HedSidecars = json.loads(json.dumps(sidecars, sort_keys=True))
    return ordered


def _split_by_dataset(value: Any) -> list[tuple[str, Any]]:
    """Return each file or content with its dataset."""
    if isinstance(value, Mapping):
        entries = [entry for entry in value.values() if isinstance(entry, Mapping)]
        if not value or any("HED" in entry or "Levels" in entry for entry in entries):
            return [(ALL_DATASETS, value)]
        return [(str(dataset), item) for dataset, item in value.items()]
    items = []
    for item in as_tuple(value):
        if not isinstance(item, str | os.PathLike):
            raise wrong_type("hed_sidecar", EXPECTED, item)
        dataset, separator, file = str(os.fspath(item)).partition("=")
        if separator and isinstance(item, str) and not Path(item).exists():
            items.append((dataset.strip(), file))
        else:
            items.append((ALL_DATASETS, os.fspath(item)))
    return items


def _read_json(file: Any) -> Mapping[str, Any]:
    """Read a JSON object whose keys are unique."""
    if not isinstance(file, str | os.PathLike):
        raise wrong_type("hed_sidecar", EXPECTED, file)
    path = Path(file).expanduser()
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            size = f"{n_bytes / 1e6:.1f} MB"
            raise ConfigError(f"{FLAG} {file}: has {size}, the limit is {MAX_BYTES / 1e6:g} MB")
        text = read_text(path, encoding="utf-8-sig", max_bytes=MAX_BYTES)
        content = json.loads(text, object_pairs_hook=_unique_keys)
    except OSError as problem:
        raise ConfigError(f"{FLAG} {file}: cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{FLAG} {file}: is not UTF-8 text") from None
    except json.JSONDecodeError as problem:
        reason = f"line {problem.lineno}: {problem.msg}"
        raise ConfigError(f"{FLAG} {file}: is not JSON, {reason}") from None
    except (ValueError, RecursionError) as problem:
        raise ConfigError(f"{FLAG} {file}: {problem}") from None
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise ConfigError(f"{FLAG} {file}: expected columns of events.tsv, found a JSON {kind}")
    return content


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object, of whose repeated keys Python would silently keep the last."""
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"has the key {key!r} twice in one object; keep one")
        content[key] = value
    return content


def _hed_of(content: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Return the HED entry of each column that has one."""
    columns = {}
    for column, entry in content.items():
        hed = entry.get("HED") if isinstance(entry, Mapping) else None
        filled = _filled_hed(hed, f"{name}: HED of the column {column!r}")
        if filled:
            columns[str(column)] = {"HED": filled}
    if not columns:
        found = join_names(map(str, content)) or "nothing"
        raise ConfigError(
            f'{name}: has no HED (found: {found}); expected {{"COLUMN": {{"HED": {{"VALUE": '
            '"TAGS"}}}; `bids-dl events SOURCE --make-sidecar FILE.json` writes a file to fill in'
        )
    return columns


def _filled_hed(hed: Any, name: str) -> str | dict[str, str]:
    """Return the HED of a column without the entries that are empty."""
    if isinstance(hed, Mapping):
        levels = {}
        for level, text in hed.items():
            if text is not None and not isinstance(text, str):
                found = describe_value(text)
                raise ConfigError(f"{name} must be text for each value, got {found} for {level!r}")
            if text and text.strip() not in UNFILLED:
                levels[str(level)] = text
        return levels
    if hed is not None and not isinstance(hed, str):
        raise ConfigError(f"{name} must be text or a mapping of values, got {describe_value(hed)}")
    return hed if hed and hed.strip() not in UNFILLED else ""
