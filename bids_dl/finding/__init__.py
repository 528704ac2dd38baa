"""NEMAR's catalogue -> datasets by what they state, and by the events that match a query."""

from bids_dl.finding.catalogue import ListedDataset, search_catalogue
from bids_dl.finding.find import FindRequest, find_datasets
from bids_dl.finding.findings import FoundDataset, FoundDatasets, Matches

__all__ = [
    "FindRequest",
    "FoundDataset",
    "FoundDatasets",
    "ListedDataset",
    "Matches",
    "find_datasets",
    "search_catalogue",
]
