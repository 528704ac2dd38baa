"""Search for datasets: the catalogue, then the dry run of a selection over its hits.

The text of some datasets is fetched ahead, while the events of another are searched. Only the git
mirror of a dataset is asked, which takes three requests, or one if its newest version is cached.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from queue import SimpleQueue

from bids_dl import source
from bids_dl.config.finding_stage import FindConfig
from bids_dl.config.stages import EventsConfig
from bids_dl.errors import BidsDlError
from bids_dl.finding.catalogue import ListedDataset, search_catalogue
from bids_dl.finding.findings import FoundDataset, FoundDatasets, sort_found
from bids_dl.finding.matches import find_matches
from bids_dl.finding.no_requests import NoRequestsClient
from bids_dl.selection import parse_queries
from bids_dl.wording import one_line

PARALLEL_DATASETS = 4  # whose text is fetched ahead; NEMAR allows 10,000 requests in 60 s
MAX_REASON_CHARS = 300

OnFound = Callable[[FoundDataset], None]
"""Called with each dataset when it was searched, also one that failed."""
OnSearched = Callable[[str, int, int], None]
"""Called with ``"datasets"``, the number of datasets that were searched, and the total."""
Opened = tuple[ListedDataset, str, Exception | None]
"""A dataset, SOURCE of its version in the cache, and the error of opening it."""


@dataclass(frozen=True, slots=True)
class FindRequest:
    """Filters of a search, and its queries.

    Attributes
    ----------
    filters
        Datasets of the catalogue to list.
    events
        Queries; None lists the catalogue only.
    """

    filters: FindConfig
    events: EventsConfig | None = None


def find_datasets(
    request: FindRequest,
    access: source.Access,
    *,
    on_found: OnFound | None = None,
    on_searched: OnSearched | None = None,
) -> FoundDatasets:
    """Find datasets in NEMAR's catalogue and, if there are queries, the events that match.

    A dataset that cannot be searched is part of the result, with the reason.

    Parameters
    ----------
    request
        Filters and queries.
    access
        Cache, connections and base addresses.
    on_found, on_searched
        Called while datasets are searched, so that an interruption loses nothing.

    Raises
    ------
    SourceError
        The catalogue cannot be reached.
    RequestError
        A query is wrong.
    """
    if request.events is None:
        answer = search_catalogue(request.filters, access)
        datasets = tuple(map(FoundDataset, answer.datasets))
        return FoundDatasets(datasets, answer.n_total, answer.n_unknown)
    parse_queries(request.events)  # before any request
    answer = search_catalogue(request.filters, access)
    access.use_cache()
    found: list[FoundDataset] = []
    report = on_found or _ignore
    with closing(_open_ahead(answer.datasets, access)) as opened:
        for n_searched, item in enumerate(opened, start=1):
            dataset = _search(item, request.events, access)
            report(dataset)
            if dataset.problem or (dataset.matches and dataset.matches.n_events):
                found.append(dataset)
            if on_searched is not None:
                on_searched("datasets", n_searched, len(answer.datasets))
    return FoundDatasets(
        tuple(sort_found(found)), answer.n_total, answer.n_unknown, len(answer.datasets)
    )


def _open_ahead(
    datasets: Sequence[ListedDataset], access: source.Access
) -> Generator[Opened, None, None]:
    """Yield datasets whose text is in the cache, or the errors, in the order of arrival.

    Nothing waits for a request that is under way when the iterator is closed.
    """
    waiting = list(datasets)[::-1]
    results: SimpleQueue[Opened] = SimpleQueue()

    def work() -> None:
        while waiting:
            try:
                listed = waiting.pop()  # atomic
            except IndexError:  # another thread took the last one
                return
            try:
                results.put((listed, _fetch_text(listed, access), None))
            except Exception as error:  # noqa: BLE001  (of one dataset, which is reported)
                results.put((listed, "", error))

    for _ in range(min(PARALLEL_DATASETS, len(datasets))):
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in datasets:
            yield results.get()
    finally:
        waiting.clear()


def _fetch_text(listed: ListedDataset, access: source.Access) -> str:
    """Fetch the text of the newest version, and return the SOURCE of this version."""
    client = NoRequestsClient(access.client)
    dataset = source.open_dataset(listed.source, replace(access, client=client, on_message=_ignore))
    origin = dataset.origin
    version = "" if origin is None else origin.version or origin.commit
    return f"{listed.source}@{version}" if version else listed.source


def _search(opened: Opened, events: EventsConfig, access: source.Access) -> FoundDataset:
    """Search a dataset whose text is in the cache, without a request."""
    listed, address, error = opened
    if error is not None:
        return FoundDataset(listed, problem=_describe(error))
    offline = replace(access, client=NoRequestsClient(access.client), on_message=_ignore)
    try:
        return FoundDataset(listed, find_matches(address, events, offline))
    except BidsDlError as problem:
        return FoundDataset(listed, problem=_describe(problem))


def _describe(error: Exception) -> str:
    """Describe the reason for which a dataset could not be searched, in one line."""
    text = "; ".join(line.strip() for line in str(error).splitlines())
    kind = "" if isinstance(error, BidsDlError) else f"{type(error).__name__}: "
    return one_line(f"{kind}{text}", max_chars=MAX_REASON_CHARS)


def _ignore(_: object) -> None:
    """Show nothing."""
