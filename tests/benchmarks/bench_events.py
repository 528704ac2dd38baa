"""How much faster `bids_dl.selection.select` is than a plain loop over hedtools, in one run on one dataset.

    python tests/benchmarks/bench_events.py BIDS_FOLDER QUERY [--repeat N] [--copies N]

Prints both CPU times and their ratio. Neither time holds imports or reading files. With copies the recordings are taken several
times, which stands for more people of the same dataset.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from hed import HedString, QueryHandler, Sidecar, TabularInput, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl import selection, source
from bids_dl.config.stages import EventsConfig, LabelConfig, SourceConfig
from bids_dl.datamodel import EventRows


def naive(tables: Sequence[EventRows], query: str, version: Any) -> int:
    """Matches of a query, as hedtools' documentation does it: every row of every file is parsed and searched."""
    schema = load_schema_version(version, xml_folder=INSTALLED_CACHE_LOCATION)
    handler = QueryHandler(query)
    count = 0
    for table in tables:
        rows = pd.DataFrame({name: list(cells) for name, cells in table.columns.items()})
        tabular = TabularInput(rows, sidecar=Sidecar(io.StringIO(json.dumps(table.sidecar))))
        definitions = tabular.get_def_dict(schema)
        for text in tabular.series_a:
            count += bool(handler.search(HedString(text, schema, definitions)))
    return count


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
    recordings = [
        recording
        for recording in source.find_recordings(dataset, SourceConfig())
        if recording.events
    ]
    tables = [source.read_event_rows(dataset, recording) for recording in recordings]
    tables = [
        replace(table, recording=f"{table.recording}-{i}")
        for i in range(args.copies)
        for table in tables
    ]
    config = EventsConfig(labels=(LabelConfig("x", args.query),))
    best = {"hedtools": float("inf"), "bids_dl": float("inf")}
    found = {}
    for _ in range(args.repeat):
        start = time.process_time()
        found["hedtools"] = naive(tables, args.query, dataset.hed_version)
        middle = time.process_time()
        found["bids_dl"] = len(
            selection.select(
                tables, config, hed_versions={dataset.name: dataset.hed_version}, sliding=False
            ).events
        )
        best["hedtools"] = min(best["hedtools"], middle - start)
        best["bids_dl"] = min(best["bids_dl"], time.process_time() - middle)
    print(f"{len(tables)} recordings, {sum(map(len, tables))} rows of {dataset.name}")
    print(
        *(f"{name}: {seconds:.3f} s, {found[name]} events" for name, seconds in best.items()),
        sep="\n",
    )
    print(f"ratio {best['hedtools'] / best['bids_dl']:.0f}")


if __name__ == "__main__":
    main()
