"""Result of a search: datasets, and the events in them that match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bids_dl.finding.catalogue import ListedDataset
from bids_dl.wording import count, describe_rows, describe_rows_html

MAX_SHOWN = 10  # datasets in a notebook


@dataclass(frozen=True, slots=True)
class Matches:
    """Events of a dataset that match the queries.

    Attributes
    ----------
    events
        Number of events by label.
    subjects
        Number of people with an event.
    recordings
        Number of recordings with an event.
    hours
        Total length of the blocks in h.
    open_events
        Number of events whose block has no known end, which is not part of ``hours``.
    problems
        Recordings that could not be read, one line each.
    """

    events: Mapping[str, int]
    subjects: int
    recordings: int
    hours: float
    open_events: int = 0
    problems: tuple[str, ...] = ()

    @property
    def n_events(self) -> int:
        """Number of events of all labels."""
        return sum(self.events.values())


@dataclass(frozen=True, slots=True)
class FoundDataset:
    """A dataset of the catalogue, with its matches if there are queries.

    Attributes
    ----------
    listed
        The dataset as the catalogue states it.
    matches
        None without a query, or if the dataset could not be searched.
    problem
        Reason for which the dataset could not be searched, "" otherwise.
    """

    listed: ListedDataset
    matches: Matches | None = None
    problem: str = ""

    def to_row(self) -> dict[str, Any]:
        """Return the dataset as plain values by name, for JSON or a table."""
        listed = self.listed
        row: dict[str, Any] = {
            "source": listed.source,
            "name": listed.name,
            "modalities": list(listed.modalities),
            "tasks": list(listed.tasks),
            "subjects": listed.subjects,
            "channels": None if listed.channels is None else list(listed.channels),
            "hours": listed.hours,
            "bytes": listed.n_bytes,
            "licence": listed.licence,
            "has_hed": listed.has_hed,
            "hed_version": listed.hed_version,
            "version": listed.version,
            "has_copies": listed.has_copies,
        }
        if self.matches is not None:
            row["matches"] = {
                "events": dict(self.matches.events),
                "subjects": self.matches.subjects,
                "recordings": self.matches.recordings,
                "hours": self.matches.hours,
                "open_events": self.matches.open_events,
                "problems": list(self.matches.problems),
            }
        if self.problem:
            row["problem"] = self.problem
        return row


@dataclass(frozen=True, repr=False)
class FoundDatasets:
    """Datasets that were found.

    Attributes
    ----------
    datasets
        Without a query, the datasets of the catalogue, the newest first. With a query, those with
        events that match, most events first, then those that could not be searched.
    n_total
        Number of datasets that meet the filter.
    n_unknown
        Number of datasets left out because the catalogue lacks a number.
    n_searched
        Number of datasets that were searched for events.
    """

    datasets: tuple[FoundDataset, ...] = field(repr=False)
    n_total: int
    n_unknown: int = 0
    n_searched: int = 0

    @property
    def sources(self) -> list[str]:
        """SOURCEs of the datasets that were found and could be read."""
        return [found.listed.source for found in self.datasets if not found.problem]

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict per dataset, as ``pandas.DataFrame`` takes them."""
        return [found.to_row() for found in self.datasets]

    def __repr__(self) -> str:
        return describe_rows("FoundDatasets", self._description())

    def _repr_html_(self) -> str:
        return describe_rows_html("FoundDatasets", self._description())

    def _description(self) -> dict[str, str]:
        rows = {}
        for found in self.datasets[:MAX_SHOWN]:
            text = found.listed.name
            if found.matches is not None:
                text = f"{count(found.matches.n_events, 'event')}: {text}"
            rows[found.listed.source] = f"failed: {found.problem}" if found.problem else text
        if len(self.datasets) > MAX_SHOWN:
            rows["more"] = count(len(self.datasets) - MAX_SHOWN, "dataset")
        return rows


def sort_found(datasets: Sequence[FoundDataset]) -> list[FoundDataset]:
    """Sort datasets by events, then by hours, then by name. Those without matches are last.

    Examples
    --------
    >>> few, many = Matches({"x": 1}, 1, 1, 0.1), Matches({"x": 2}, 1, 1, 0.1)
    >>> pair = [FoundDataset(ListedDataset(f"nemar:nm00000{i}", "")) for i in (1, 2)]
    >>> from dataclasses import replace
    >>> sort_found([replace(pair[0], matches=few), replace(pair[1], matches=many)])[0].listed.source
    'nemar:nm000002'
    """

    def key(found: FoundDataset) -> tuple[float, float, str]:
        if found.matches is None:
            return 1.0, 0.0, found.listed.source
        return -found.matches.n_events, -found.matches.hours, found.listed.source

    return sorted(datasets, key=key)
