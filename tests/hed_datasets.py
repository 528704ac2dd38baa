"""Event tables of real datasets, and the same tables as hedtools reads them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hed import Sidecar, TabularInput, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import EventRows

DATASETS = ["ds003645", "ds004117", "ds005505", "xeeg_hed_score"]


def read_tables(folder: Path) -> tuple[list[EventRows], Any]:
    """Return the event tables of a dataset and its HED version."""
    dataset = source.open_dataset(str(folder))
    recordings = source.find_recordings(dataset, SourceConfig())
    tables = [
        source.read_event_rows(dataset, recording) for recording in recordings if recording.events
    ]
    return tables, dataset.hed_version


def load_bundled_schema(version: Any) -> Any:
    return load_schema_version(version, xml_folder=INSTALLED_CACHE_LOCATION)


def head(table: EventRows, n_rows: int) -> EventRows:
    """Return the first rows of a table."""
    columns = {name: cells[:n_rows] for name, cells in table.columns.items()}
    return replace(table, columns=columns)


def tabular_input(table: EventRows) -> TabularInput:
    """Return a table as hedtools reads it."""
    lines = [table.columns.keys(), *zip(*table.columns.values(), strict=True)]
    return TabularInput(
        io.StringIO("\n".join("\t".join(cells) for cells in lines)),
        sidecar=Sidecar(io.StringIO(json.dumps(table.sidecar))),
    )
