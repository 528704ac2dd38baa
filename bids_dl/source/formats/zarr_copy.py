"""Zarr copies that NEMAR serves of recordings, described by their metadata.

The format is that of biosigio, version 2 (https://github.com/neuromechanist/biosigio): int16 at a
reduced rate, with a scale and an offset for each channel. A copy is replaced in place, so that its
metadata is compared before and after it is read.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bids_dl.datamodel import VOLTAGE_TYPES
from bids_dl.errors import RecordingError, StoreError
from bids_dl.remote.location import Location
from bids_dl.source.archives.zarr_index import INDEX, IndexedCopy, ZarrCopies, parse_index
from bids_dl.source.channels.channel_rows import ChannelRow, match_rows
from bids_dl.source.channels.units import unit_in_volts
from bids_dl.wording import join_names, one_line

METADATA = "zarr.json"
STORE_FORMAT = "biosigio-zarr"
STORE_VERSION = 2
HEAD_BYTES = 4096  # of an index: they hold its time, because the recordings follow
UPDATED = re.compile(r'"updated_utc"\s*:\s*"([^"]*)"')
MAX_METADATA_BYTES = 16 * 1024**2
MAX_INDEX_BYTES = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class CopySignal:
    """Description of the Zarr copy of a recording.

    Attributes
    ----------
    url
        Address of the copy.
    copy
        Its entry in the index.
    documents
        Text of its ``zarr.json`` objects by name: root, channel group, and array.
    ch_names, units
        Of the channels, in the order of the rows of the array.
    scales, offsets
        Of each channel: its unit is the integer times scale, plus offset.
    sfreq
        Sampling rate in Hz.
    n_times
        Number of samples.
    notes
        Remarks for the user, one line each.
    """

    url: str
    copy: IndexedCopy
    documents: Mapping[str, str] = field(repr=False)
    ch_names: tuple[str, ...]
    units: tuple[str, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    sfreq: float
    n_times: int
    notes: tuple[str, ...]


def inspect_copy(path: Path, name: str, copies: ZarrCopies | None) -> CopySignal:
    """Describe the Zarr copy of a recording by its metadata, which is fetched once.

    Parameters
    ----------
    path
        File that names the copy.
    name
        Name of the file in messages.
    copies
        Address of the copies of the dataset.

    Raises
    ------
    RecordingError
        Stage "source": the recording has no copy, or it cannot be fetched. Stage "header": the
        copy has another format than expected.
    """
    if copies is None:
        raise RecordingError(
            "source",
            f"{name} is a Zarr store; only those that NEMAR serves can be read, by nemar-zarr:ID",
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    copy = IndexedCopy(**{**content, "omitted": tuple(content["omitted"])})
    if copy.problem:
        raise RecordingError("source", f"{name} {copy.problem}", transient=copy.may_pass)
    url = f"{copies.url}/{quote(copy.zarr)}"
    known = path.with_name(f".{path.name}.metadata.json")
    with suppress(OSError, ValueError):  # not fetched yet
        return _describe(url, copy, json.loads(known.read_text(encoding="utf-8")), name)
    names = (METADATA, f"{copy.group}/{METADATA}", f"{copy.group}/0/{METADATA}")
    documents = {item: _fetch_metadata(url, item, quote(copy.updated_utc), name) for item in names}
    signal = _describe(url, copy, documents, name)
    with suppress(OSError):  # a cache of another user
        part = known.with_name(f"{known.name}.{os.getpid()}.part")
        part.write_text(json.dumps(documents), encoding="utf-8")
        part.replace(known)
    return signal


def check_units(signal: CopySignal, table: Sequence[ChannelRow]) -> None:
    """Compare the units of a copy with those of channels.tsv, as far as both are voltages.

    Neither takes precedence, because some copies were made without channels.tsv.

    Parameters
    ----------
    table
        Rows of channels.tsv; empty if there is none.

    Raises
    ------
    RecordingError
        Stage "channels": the units of a channel differ.
    """
    rows = match_rows(list(signal.ch_names), table) if table else []
    for name, unit, row in zip(signal.ch_names, signal.units, rows, strict=False):
        if row is None or row.ch_type not in {"", *VOLTAGE_TYPES}:
            continue
        volts, table_volts = unit_in_volts(unit), unit_in_volts(row.unit)
        if volts is not None and table_volts is not None and volts != table_volts:
            raise RecordingError(
                "channels",
                f"{name}: its unit is {unit!r} in the copy and {row.unit!r} in channels.tsv, one "
                "of which is wrong; read the archived signal by nemar: instead",
            )


def check_unchanged(signal: CopySignal, copies: ZarrCopies) -> None:
    """Check that a copy was not replaced since the dataset was opened, after it was read.

    Its time in the index, and its metadata, must be those from before.

    Raises
    ------
    RecordingError
        Stage "source", transient: the copy was replaced, or this cannot be found out.
    """
    name = signal.copy.path
    root = _fetch_metadata(signal.url, METADATA, secrets.token_hex(8), name)
    before, after = (_creation(text) for text in (signal.documents[METADATA], root))
    if before == after:
        updated_utc = _find_update(signal.copy, copies)
        if updated_utc == signal.copy.updated_utc:
            return
        before, after = signal.copy.updated_utc, updated_utc
    raise RecordingError(
        "source",
        f"the copy of {name} was replaced while it was read ({before}, now {after or 'removed'}); "
        "convert again",
        transient=True,
    )


def _find_update(copy: IndexedCopy, copies: ZarrCopies) -> str:
    """Return the time of a copy in the index as it is now, "" if it is not listed any more.

    An index whose own time is that of before has not changed, so that its beginning is enough.
    """
    location = Location(copies.url)
    try:
        head = location.read(f"{INDEX}?v={secrets.token_hex(8)}", 0, HEAD_BYTES)
        own_part = head.decode("utf-8", "replace").partition('"stores"')[0]
        match = UPDATED.search(own_part)
        if match and match[1] == copies.updated_utc:
            return copy.updated_utc
        return _read_updates(copies.url, match[1] if match else secrets.token_hex(8)).get(
            copy.path, ""
        )
    except (OSError, StoreError, ValueError, KeyError) as error:
        raise RecordingError(
            "source",
            f"the index of the copies cannot be read again ({one_line(error)})",
            transient=True,
        ) from None


@lru_cache(maxsize=1)  # because all recordings of a changed index ask for it
def _read_updates(url: str, version: str) -> Mapping[str, str]:
    """Read the time of each copy in an index, by path."""
    body = Location(url).read(f"{INDEX}?v={quote(version)}", max_bytes=MAX_INDEX_BYTES)
    index = parse_index(json.loads(body), url)
    return {copy.path: copy.updated_utc for copy in index.copies if copy.zarr}


def _creation(text: str) -> str:
    """Return the time at which a copy was created, or all its metadata if that states none."""
    attributes = json.loads(text).get("attributes") or {}
    return str(attributes.get("created_utc") or json.dumps(attributes, sort_keys=True))


def _fetch_metadata(url: str, item: str, version: str, name: str) -> str:
    """Fetch the metadata of a group or an array of a copy."""
    try:
        content = Location(url).read(f"{item}?v={version}", max_bytes=MAX_METADATA_BYTES)
        if not isinstance(json.loads(content), dict):
            raise ValueError("it is no JSON object")
        return content.decode()
    except (OSError, StoreError, ValueError) as error:
        raise RecordingError(
            "source",
            f"{item} of the copy of {name} cannot be fetched ({one_line(error)})",
            transient=True,
        ) from None


def _describe(url: str, copy: IndexedCopy, documents: Mapping[str, str], name: str) -> CopySignal:
    """Describe a copy by its metadata."""
    contents = [json.loads(text) for text in documents.values()]
    root, group, attributes = (content.get("attributes") or {} for content in contents)
    _check_format(root, contents[-1], name)
    try:
        channels = sorted(group["channels"], key=lambda channel: channel["row_index"])
        n_chans, n_times = contents[-1]["shape"]
        signal = CopySignal(
            url=url,
            copy=copy,
            documents=documents,
            ch_names=tuple(str(channel["label"]) for channel in channels),
            units=tuple(str(channel["unit"]) for channel in channels),
            scales=tuple(map(float, attributes["scale"])),
            offsets=tuple(map(float, attributes["offset"])),
            sfreq=float(group["rate"]),
            n_times=int(n_times),
            notes=_notes(copy, channels),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(
            "header",
            f"the copy of {name} has other metadata than expected "
            f"({type(error).__name__}: {one_line(error)})",
        ) from None
    sizes = {len(signal.ch_names), len(signal.scales), len(signal.offsets), n_chans}
    rows = [channel["row_index"] for channel in channels]
    if len(sizes) > 1 or rows != list(range(n_chans)) or not n_times:
        raise RecordingError(
            "header",
            f"the copy of {name} describes {len(channels)} channels for an array of {n_chans} "
            f"rows and {n_times} samples; read nemar: instead",
        )
    return signal


def _check_format(root: Mapping[str, Any], array: Mapping[str, Any], name: str) -> None:
    """Refuse a copy of another format."""
    stated = root.get("format"), root.get("format_version")
    if stated != (STORE_FORMAT, STORE_VERSION):
        raise RecordingError(
            "header",
            f"the copy of {name} is {stated[0]!r} of version {stated[1]!r}, expected "
            f"{STORE_FORMAT} {STORE_VERSION}; update bids_dl, or read nemar: instead",
        )
    if array.get("data_type") != "int16":
        raise RecordingError(
            "header", f"the copy of {name} holds {array.get('data_type')}, expected int16"
        )


def _notes(copy: IndexedCopy, channels: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """Describe what the copy lacks: other groups, and samples that were no numbers."""
    notes = []
    if copy.omitted:
        notes.append(f"only the channel group {copy.group} is read, not {join_names(copy.omitted)}")
    filled = [channel["label"] for channel in channels if channel.get("nonfinite_samples")]
    if filled:
        notes.append(f"{join_names(filled)}: samples that were no numbers are zeros in the copy")
    return tuple(notes)
