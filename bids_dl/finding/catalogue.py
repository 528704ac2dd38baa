"""Client of NEMAR's catalogue, ``GET https://api.nemar.org/datasets``, which needs no account."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bids_dl.config.finding_stage import FindConfig, Limits
from bids_dl.errors import SourceError
from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.source import Access
from bids_dl.source.archives.address import ACCESSIONS
from bids_dl.source.archives.manifest import get_json
from bids_dl.source.archives.routes import RouteFailedError, answer_failures

PAGE_ROWS = 100  # of a request; NEMAR gives 200 at most
MAX_PAGES = 100  # a catalogue that never ends is none
SECONDS_PER_HOUR = 3600.0
TOO_MANY_STATUS = 429


@dataclass(frozen=True, slots=True)
class ListedDataset:
    """A dataset of the catalogue.

    Attributes
    ----------
    source
        SOURCE that opens the newest version.
    name
        Title.
    modalities, tasks
        As the catalogue lists them.
    subjects
        Number of subjects; None if unknown.
    channels
        Lowest and highest number of channels of a recording; None if unknown.
    hours
        Total duration of the recordings in h; None if unknown.
    n_bytes
        Size of all files; None if unknown.
    licence
        As the dataset states it, "" if it states none.
    has_hed
        None if the dataset is not classified yet.
    hed_version, version
        "" if unknown.
    has_copies
        True if ``nemar-zarr:`` opens the dataset.
    """

    source: str
    name: str
    modalities: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    subjects: int | None = None
    channels: tuple[int, int] | None = None
    hours: float | None = None
    n_bytes: int | None = None
    licence: str = ""
    has_hed: bool | None = None
    hed_version: str = ""
    version: str = ""
    has_copies: bool = False


@dataclass(frozen=True, slots=True)
class CatalogueAnswer:
    """Datasets that the catalogue lists for a filter.

    Attributes
    ----------
    datasets
        In the order of the catalogue, the newest first.
    n_total
        Number of all that meet the filter, also beyond ``max_datasets``.
    n_unknown
        Number of those left out because the catalogue lacks a number that the filter asks for.
    """

    datasets: tuple[ListedDataset, ...]
    n_total: int
    n_unknown: int = 0


def search_catalogue(config: FindConfig, access: Access) -> CatalogueAnswer:
    """Ask NEMAR's catalogue for the datasets that meet a filter, by one request per 100 of them.

    Parameters
    ----------
    config
        The filter.
    access
        Connections and base addresses.

    Raises
    ------
    SourceError
        The catalogue cannot be reached, or its answer cannot be read.
    """
    by_source: dict[
        str, ListedDataset
    ] = {}  # a dataset that is added moves others to the next page
    n_total = n_unknown = 0
    for page in _read_pages(config, access):
        n_total, n_unknown = page.n_total, page.n_unknown
        for listed in page.datasets:
            if meets(listed, config):
                by_source.setdefault(listed.source, listed)
        if config.max_datasets and len(by_source) >= config.max_datasets:
            datasets = tuple(by_source.values())[: config.max_datasets]
            return CatalogueAnswer(datasets, n_total, n_unknown)
    return CatalogueAnswer(tuple(by_source.values()), max(n_total, len(by_source)), n_unknown)


def _read_pages(config: FindConfig, access: Access) -> Iterator[CatalogueAnswer]:
    """Yield the pages of the catalogue, until one is not full."""
    base = f"{access.endpoints['nemar-api']}/datasets"
    for number in range(MAX_PAGES):
        offset = number * PAGE_ROWS
        query = {**query_of(config), "limit": PAGE_ROWS, "offset": offset}
        try:
            content = get_json(f"{base}?{urlencode(query)}", access.client)
            with answer_failures(base):
                n_rows = len(content["datasets"])
                page = _parse_page(content)
        except HttpStatusError as error:
            hint = "it asks to wait" if error.status == TOO_MANY_STATUS else "check --endpoint"
            raise SourceError(f"NEMAR's catalogue {base}: HTTP {error.status}; {hint}") from None
        except RouteFailedError as error:
            raise SourceError(f"NEMAR's catalogue {error}") from None
        yield page
        if n_rows < PAGE_ROWS or offset + n_rows >= page.n_total:
            return


def _parse_page(content: Mapping[str, Any]) -> CatalogueAnswer:
    rows = content["datasets"]
    listed = tuple(item for row in rows if (item := parse_row(row)) is not None)
    n_total = int(_number(content.get("total_count")) or len(rows))
    return CatalogueAnswer(listed, n_total, int(_number(content.get("excluded_unknown")) or 0))


def query_of(config: FindConfig) -> dict[str, str]:
    """Return the parameters of a request to the catalogue.

    Examples
    --------
    >>> query_of(FindConfig(task="rest", subjects=(20, None), with_hed=True))
    {'modality': 'eeg', 'task': 'rest', 'has_hed': '1', 'subjects': '20..'}
    """
    parameters = {
        "search": config.search,
        "modality": config.modality,
        "task": config.task,
        "license": ",".join(config.license),
        "has_hed": "1" if config.with_hed else "",
        "has_zarr": "1" if config.with_copies else "",
        "subjects": _format_limits(config.subjects),
        "channels": _format_limits(config.channels),
        "include_unknown": "1" if config.include_unknown else "",
    }
    return {name: value for name, value in parameters.items() if value}


def _format_limits(limits: Limits | None) -> str:
    if limits is None:
        return ""
    return "..".join("" if limit is None else str(limit) for limit in limits)


def parse_row(row: Mapping[str, Any]) -> ListedDataset | None:
    """Parse a row of the catalogue, None for a dataset that no archive of this package opens.

    Examples
    --------
    >>> row = {"dataset_id": "on004362", "name": "Motor", "tasks": "rest, motion", "has_hed": 1}
    >>> listed = parse_row(row)
    >>> listed.source, listed.tasks, listed.subjects
    ('nemar:on004362', ('rest', 'motion'), None)
    """
    accession = str(row["dataset_id"]).strip().lower()
    archives = [name for name in ("nemar", "openneuro") if ACCESSIONS[name].fullmatch(accession)]
    if not archives:
        return None
    duration = _number(row.get("total_recording_duration"))
    has_hed = row.get("has_hed")
    n_bytes = _number(row.get("file_size_bytes")) or _number(row.get("file_size"))
    return ListedDataset(
        source=f"{archives[0]}:{accession}",
        name=str(row.get("name") or accession),
        modalities=_split(row.get("modalities")),
        tasks=_split(row.get("tasks")),
        subjects=_subjects(row),
        channels=_channels(row),
        hours=None if duration is None else duration / SECONDS_PER_HOUR,
        n_bytes=None if not n_bytes else int(n_bytes),
        licence=str(row.get("license") or ""),
        has_hed=None if has_hed is None else bool(has_hed),
        hed_version=str(row.get("hed_version") or ""),
        version=str(row.get("latest_version") or ""),
        has_copies=bool(row.get("zarr_index_url")) or row.get("zarr_status") == "ready",
    )


def _subjects(row: Mapping[str, Any]) -> int | None:
    """Return the number of subjects. The catalogue writes 0 for an unknown number."""
    number = _number(row.get("subject_count")) or _number(row.get("participants"))
    return int(number) if number else None


def _channels(row: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the range of the numbers of channels, which may be known of one recording only."""
    one = _number(row.get("n_channels"))
    lowest, highest = _number(row.get("channel_count_min")), _number(row.get("channel_count_max"))
    lowest, highest = (one if number is None else number for number in (lowest, highest))
    return None if lowest is None or highest is None else (int(lowest), int(highest))


def _number(value: Any) -> float | None:
    """Return a finite number from 0, and None for any other value, which is as good as unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _split(value: Any) -> tuple[str, ...]:
    """Return the parts of a text with commas, or of a list."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(text for part in parts if (text := str(part).strip()))


def meets(listed: ListedDataset, config: FindConfig) -> bool:
    """Return whether a dataset meets a filter, because an older service ignores some of it.

    Texts and licences are left to the service.

    Examples
    --------
    >>> meets(ListedDataset("nemar:nm000110", "x", subjects=12), FindConfig(subjects=(20, None)))
    False
    """
    if config.with_hed and not listed.has_hed:
        return False
    if config.with_copies and not listed.has_copies:
        return False
    subjects = None if listed.subjects is None else (listed.subjects, listed.subjects)
    for numbers, limits in ((subjects, config.subjects), (listed.channels, config.channels)):
        if limits is None:
            continue
        if numbers is None:
            if not config.include_unknown:
                return False
        elif not _overlap(numbers, limits):
            return False
    return True


def _overlap(numbers: tuple[int, int], limits: Limits) -> bool:
    """Return whether a range of numbers and limits have a number in common."""
    low, high = limits
    return (low is None or numbers[1] >= low) and (high is None or numbers[0] <= high)
