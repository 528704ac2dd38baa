"""The format `bids-dl`, version 1: arrays, names and the root object.

`docs/store-format.md` is the specification. `ARRAYS` has one row per array of a store. The writer,
the checks and the manual read this row or are compared with it by a test.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

FORMAT = "bids-dl"
FORMAT_VERSION = 1
ROOT = "zarr.json"
MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"
SIGNALS = "signals"
DROPOUT = "dropout"
SIGNALS_CRC32C = "signals_crc32c"
ROOT_SHA256 = "root_sha256"  # attribute: SHA-256 of the root, with BLANK_SHA256 in its place
BLANK_SHA256 = "0" * 64
ARRAY_SHA256 = "array_sha256"  # attribute: SHA-256 of each object of the arrays but `signals`
DOCUMENTS = "documents"  # attribute: SHA-256 of each document
VERIFIED = "verified.json"  # the document on how the files of remote sources were verified
CARD = "README.md"  # the document that its owner may edit
DIMENSIONS = ("window", "channel", "time")


@dataclass(frozen=True, slots=True)
class ArrayRow:
    """One array of the format.

    Attributes
    ----------
    meaning
        Description, as in the tables of the manual.
    attributes
        Attributes that the array always has, in the order written. They are part of the content
        identifier, so another wording makes another store.
    is_per_event
        Whether all windows of an event have the same value.
    is_in_source
        Whether `bids-dl verify --source` compares the values with the source.
    """

    name: str
    dimensions: tuple[str, ...]
    data_type: str
    meaning: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    is_per_event: bool = False
    is_in_source: bool = False

    @property
    def unit(self) -> str:
        """Unit of the values, "" if they have none."""
        return self.attributes.get("units", "")


_WINDOW = ("window",)
_CHANNEL = ("channel",)
_RECORDING = ("recording_index",)
_SPECTRUM = (*_RECORDING, "frequency")
_POWER = (
    "µV²/Hz: Welch power spectrum of up to 64 windows of a recording {moment} the recipe, mean "
    "over windows, median over the EEG or intracranial channels; NaN above half the rate, and if "
    "the recording has no such channel"
)
_POWER_NAME = (
    "power {moment} the recipe: Welch, mean over windows, median over channels; "
    "NaN above half the rate"
)


def _power_row(moment: str) -> ArrayRow:
    attributes = {"units": "uV^2/Hz", "long_name": _POWER_NAME.format(moment=moment)}
    name = f"recording_spectrum_{moment}"
    return ArrayRow(name, _SPECTRUM, "float64", _POWER.format(moment=moment), attributes)


_ROWS = (
    ArrayRow(
        SIGNALS,
        DIMENSIONS,
        "float32 or int16",
        "samples in µV, or in the unit of a channel that is no voltage; int16 times the attribute "
        "`scale_factor` (CF)",
        {"units": "uV", "long_name": "EEG signal"},
    ),
    ArrayRow(
        DROPOUT,
        DIMENSIONS,
        "bool",
        "true for samples during which the amplifier or its link was silent; short runs of them "
        "are imputed in `signals`. Present only if the recipe detects dropouts",
        {"long_name": "amplifier or link was silent; short stretches of it are imputed"},
    ),
    ArrayRow(
        "channel",
        _CHANNEL,
        "string",
        "channel names, unique",
        {"long_name": "name, as in channels.tsv or the recipe"},
    ),
    ArrayRow(
        "channel_type", _CHANNEL, "string", "MNE's names: `eeg`, `eog`, `ecg`, `emg`, `misc`, ..."
    ),
    ArrayRow(
        "channel_position",
        ("channel", "axis"),
        "float64",
        "x, y, z in m by channel name (right, front, up; origin between the ears), from the "
        "template named in `long_name`: 10-05, or that of the recipe's step `montage` if it has "
        "more of the names; NaN if the name is unknown",
        {"units": "m"},
    ),
    ArrayRow(
        "time",
        ("time",),
        "float64",
        "s from the start of the window, or from the event if windows are event-locked: the event "
        "is at sample `-round(tmin * sfreq)`, at exactly 0",
        {"units": "s"},
    ),
    ArrayRow(
        "label",
        _WINDOW,
        "string",
        "name of the HED query that selected the window; one of `classes.label`",
        {"long_name": "name of the HED query that selected the window"},
        is_per_event=True,
        is_in_source=True,
    ),
    ArrayRow(
        "dataset", _WINDOW, "string", "accession, else the name of the folder", is_per_event=True
    ),
    ArrayRow("subject", _WINDOW, "string", "BIDS entity `sub`, without prefix"),
    ArrayRow("session", _WINDOW, "string", 'BIDS entity `ses`; `""` if the file name has none'),
    ArrayRow("task", _WINDOW, "string", "BIDS entity `task`"),
    ArrayRow("run", _WINDOW, "string", 'BIDS entity `run`, as written; `""` if there is none'),
    ArrayRow(
        "recording",
        _WINDOW,
        "string",
        "BIDS path without suffix and extension, relative to the dataset",
        is_per_event=True,
    ),
    ArrayRow(
        "split",
        _WINDOW,
        "string",
        "`train`, `validation` or `test`; the same for all windows of a person",
    ),
    ArrayRow(
        "end_rule",
        _WINDOW,
        "string",
        'rule that ended the block: `until`, `process`, `duration`, `next`, `recording`; `""` '
        "for an event without an end",
        {"long_name": "what ended the block"},
        is_per_event=True,
    ),
    ArrayRow(
        "hed",
        _WINDOW,
        "string",
        "HED string of the row of events.tsv, as assembled",
        {"long_name": "HED string of the event"},
        is_per_event=True,
    ),
    ArrayRow(
        "onset",
        _WINDOW,
        "float64",
        "s, first sample of the window on the clock of its recording",
        {"long_name": "time of the window's first sample in its recording", "units": "s"},
        is_in_source=True,
    ),
    ArrayRow(
        "event_onset",
        _WINDOW,
        "float64",
        "s, onset of the event on the same clock",
        {"long_name": "time of the event in its recording", "units": "s"},
        is_per_event=True,
        is_in_source=True,
    ),
    ArrayRow(
        "row",
        _WINDOW,
        "int64",
        "data row of events.tsv, from 0; -1 for a whole recording",
        {"long_name": "data row of events.tsv, from 0"},
        is_per_event=True,
        is_in_source=True,
    ),
    ArrayRow(
        "block",
        _WINDOW,
        "int64",
        "number of the event among all events found in the sources of the store; windows with the "
        "same number come from the same event",
        {"long_name": "number of the selected stretch; windows of one block are neighbours"},
    ),
    ArrayRow(
        "recording_mean",
        (*_RECORDING, "channel"),
        "float64",
        "µV, mean of each channel over all samples of all windows of a recording",
        {"units": "uV"},
    ),
    ArrayRow(
        "recording_std",
        (*_RECORDING, "channel"),
        "float64",
        "µV, standard deviation over the same samples",
        {"units": "uV"},
    ),
    ArrayRow("recording_windows", _RECORDING, "int64", "number of windows of a recording"),
    ArrayRow("frequency", ("frequency",), "float64", "0, 1, ... 200 Hz", {"units": "Hz"}),
    _power_row("before"),
    _power_row("after"),
    ArrayRow(
        SIGNALS_CRC32C,
        ("shard", "checksum"),
        "uint32",
        "CRC32C at the end of each chunk of a shard of `signals`, by number (0 for a chunk that is "
        "not stored), then that of its index",
        {"long_name": "CRC32C of the chunks of each shard of signals, then of its index"},
    ),
)
ARRAYS: Mapping[str, ArrayRow] = {row.name: row for row in _ROWS}
"""All arrays of the format but the columns of participants.tsv and events.tsv, by name."""

EVENT_COLUMNS = tuple(row.name for row in _ROWS if row.is_per_event)
SOURCE_COLUMNS = tuple(row.name for row in _ROWS if row.is_in_source)
RESERVED = frozenset({*ARRAYS, "duration"})
"""Names that a column of participants.tsv or events.tsv cannot take.

``duration`` is reserved because windows have no such column: it could be that of the event, of the
block or of the window.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One small array of a store: numbers, or text as ``str`` objects."""

    name: str
    values: npt.NDArray[Any]
    dimensions: tuple[str, ...] = ("window",)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def make_column(name: str, values: npt.NDArray[Any], **attributes: str) -> Column:
    """Create a column of the format with the dimensions and attributes of its row in `ARRAYS`.

    Parameters
    ----------
    values
        One value per position of the row's dimensions.
    attributes
        Attributes beside those of the row.

    Examples
    --------
    >>> import numpy as np
    >>> make_column("onset", np.array([0.0, 2.0])).attributes["units"]
    's'
    """
    row = ARRAYS[name]
    return Column(name, values, row.dimensions, {**row.attributes, **attributes})


def build_root(attributes: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """Build the root `zarr.json` with the metadata of all arrays inline.

    zarr-python and xarray read this consolidated metadata. The attribute `ROOT_SHA256` is the
    SHA-256 of the root itself, computed with `BLANK_SHA256` in its place.

    Parameters
    ----------
    attributes
        Attributes of the group.
    arrays
        `zarr.json` of each array by name.
    """
    root = to_json(
        {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": {ROOT_SHA256: BLANK_SHA256, **attributes},
            "consolidated_metadata": {
                "kind": "inline",
                "must_understand": False,
                "metadata": dict(arrays),
            },
        }
    )
    return root.replace(BLANK_SHA256.encode(), hashlib.sha256(root).hexdigest().encode(), 1)


def is_valid_root(content: bytes, attributes: Mapping[str, Any]) -> bool:
    """Return whether the bytes of a root object match the SHA-256 in its attributes."""
    stated = str(attributes.get(ROOT_SHA256)).encode()
    if len(stated) != len(BLANK_SHA256):
        return False
    blanked = content.replace(stated, BLANK_SHA256.encode(), 1)
    return hashlib.sha256(blanked).hexdigest().encode() == stated


def array_name(object_name: str) -> str:
    """Return the name of the array that an object belongs to, "" for other objects.

    Examples
    --------
    >>> array_name("signals/c/0/0/0"), array_name("label/zarr.json"), array_name("plan.json")
    ('signals', 'label', '')
    """
    if object_name.endswith(f"/{ROOT}"):
        return object_name.removesuffix(f"/{ROOT}")
    name, separator, _ = object_name.partition("/c/")
    return name if separator else ""


def content_id(objects: Mapping[str, Mapping[str, Any]], arrays: Collection[str]) -> str:
    """Compute the content identifier of a store: one hash over all objects of all arrays.

    It depends neither on the documents nor on the location, so a paper can quote it.

    Parameters
    ----------
    objects
        Entries of the manifest by object name.
    arrays
        Names of the arrays.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    checksums = {}
    for name, entry in objects.items():
        if array_name(name) in arrays:
            checksums[name] = entry["sha256"]
    return digest(checksums)


def document_digests(
    objects: Mapping[str, Mapping[str, Any]], arrays: Collection[str]
) -> dict[str, str]:
    """Return the SHA-256 of each document: of all objects but the root and those of arrays.

    The root has them, so that a document and the manifest cannot be changed together unseen. It
    does not cover `VERIFIED`, because stores of the same plan may differ in it.

    Parameters
    ----------
    objects
        Entries of the manifest by object name.
    arrays
        Names of the arrays.

    Examples
    --------
    >>> entry = {"bytes": 2, "sha256": "44136f..."}
    >>> document_digests({"plan.json": entry, "label/zarr.json": entry}, ["label"])
    {'plan.json': '44136f...'}
    """
    others = {ROOT, VERIFIED}
    names = [name for name in objects if name not in others and array_name(name) not in arrays]
    return {name: objects[name]["sha256"] for name in sorted(names)}


def digest(content: Any) -> str:
    """Compute the SHA-256, in hexadecimal, of JSON with sorted keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def to_json(content: Any) -> bytes:
    """Encode JSON in the only form that a store contains: equal content gives equal bytes."""
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
