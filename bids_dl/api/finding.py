"""Function that searches NEMAR's catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import check_callables
from bids_dl.config.finding_options import FindOptions

if TYPE_CHECKING:
    from bids_dl.finding import FoundDataset, FoundDatasets


@name_arguments
def find(
    *,
    on_found: Callable[[FoundDataset], None] | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
    **options: Unpack[FindOptions],
) -> FoundDatasets:
    """Find datasets in NEMAR's catalogue and, with a query, the events in them that match.

    Without a query, one request lists up to 100 datasets. With a query, the dry run of `events` is
    made with the text of each dataset, for which at most 3 requests are made. A dataset that cannot
    be searched is part of the result, with the reason.

    Parameters
    ----------
    on_found
        Called with each dataset when it was searched, so that an interruption loses nothing.
    on_progress
        Called with ``"datasets"``, the number of datasets that were searched, and the total.
    **options
        Options of `bids-dl find`; see docs/cli.md.

    Returns
    -------
    FoundDatasets
        Datasets with the SOURCE that opens each; with a query, most events first.

    Raises
    ------
    bids_dl.errors.SourceError
        The catalogue cannot be reached.
    bids_dl.errors.RequestError
        An option or a query is wrong.

    Examples
    --------
    >>> import bids_dl
    >>> found = bids_dl.find(hed="Eyes-closed", subjects="20..")  # doctest: +SKIP
    >>> found.sources[:2]  # doctest: +SKIP
    ['nemar:nm000103', 'nemar:on004362']
    """
    from bids_dl.config import access_parsing, parsing
    from bids_dl.config.finding_parsing import parse_finding
    from bids_dl.finding import FindRequest, find_datasets
    from bids_dl.source import open_access

    access_parsing.check_options(options, FindOptions)
    check_callables(on_found=on_found, on_progress=on_progress)
    filters = parse_finding(options)
    events = None
    if options.get("hed") or options.get("event"):
        events = parsing.parse_events(options)
        filters = replace(filters, with_hed=filters.with_hed or bool(options.get("hed")))
    with open_access(parsing.parse_fetching(options)) as access:
        return find_datasets(
            FindRequest(filters, events), access, on_found=on_found, on_searched=on_progress
        )
