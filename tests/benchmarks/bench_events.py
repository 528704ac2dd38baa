"""Compare the CPU time of `bids_dl.selection.select` with a plain loop over hedtools.

    python tests/benchmarks/bench_events.py BIDS_FOLDER QUERY [--repeat N] [--copies N]

Prints the best CPU time of each in s, without imports and reading files, and their ratio. With
copies, each recording is searched several times, as if the dataset had more subjects.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from hed import HedString, QueryHandler, Sidecar, TabularInput, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl import selection, source
from bids_dl.config.stages import EventsConfig, LabelConfig, SourceConfig
from bids_dl.datamodel import EventRows


def count_with_hedtools(tables: Sequence[EventRows], query: str, version: Any) -> int:
    """Count matches as in hedtools' documentation: parse and search every row of every file."""
    schema = load_schema_version(version, xml_folder=INSTALLED_CACHE_LOCATION)
    handler = QueryHandler(query)
    n_matches = 0
    for table in tables:
        frame = pd.DataFrame({name: list(cells) for name, cells in table.columns.items()})
        tabular = TabularInput(frame, sidecar=Sidecar(io.StringIO(json.dumps(table.sidecar))))
        definitions = tabular.get_def_dict(schema)
        for text in tabular.series_a:
            n_matches += bool(handler.search(HedString(text, schema, definitions)))
    return n_matches


def count_with_bids_dl(tables: Sequence[EventRows], query: str, version: Any) -> int:
    """Count the events that `select` finds."""
    dataset = tables[0].recording.partition("/")[0]
    config = EventsConfig(labels=(LabelConfig("x", query),))
    versions = {dataset: version}
    return len(selection.select(tables, config, hed_versions=versions, sliding=False).events)


def read_tables(dataset: source.Dataset, copies: int) -> list[EventRows]:
    """Return the event tables of a dataset, each under several names."""
    recordings = source.find_recordings(dataset, SourceConfig())
    tables = [source.read_event_rows(dataset, item) for item in recordings if item.events]
    return [
        replace(table, recording=f"{table.recording}-{copy}")
        for copy in range(copies)
        for table in tables
    ]


def cpu_seconds(function: Callable[[], int]) -> tuple[float, int]:
    """Return the CPU time of a call in s, and its result."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder")
    parser.add_argument("query")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--copies", type=int, default=1)
    args = parser.parse_args()
    dataset = source.open_dataset(args.folder)
    tables = read_tables(dataset, args.copies)
    print(f"{len(tables)} recordings, {sum(map(len, tables))} rows of {dataset.name}")
    best = {}
    for name, count in (("hedtools", count_with_hedtools), ("bids_dl", count_with_bids_dl)):
        runs = [
            cpu_seconds(lambda count=count: count(tables, args.query, dataset.hed_version))
            for _ in range(args.repeat)
        ]
        best[name], n_events = min(runs)
        print(f"{name}: {best[name]:.3f} s, {n_events} events")
    print(f"ratio {best['hedtools'] / best['bids_dl']:.0f}")


if __name__ == "__main__":
    main()
