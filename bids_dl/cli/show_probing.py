"""Output of `bids-dl embed` and `bids-dl probe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bids_dl.cli.console import out, print_json, print_warnings
from bids_dl.cli.show_comparison import format_p
from bids_dl.cli.show_training import RECORD_FILE, print_results
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.embedding import Embeddings
    from bids_dl.probing import ProbeResult


def print_embeddings(embeddings: Embeddings, *, as_json: bool) -> None:
    """Print model, layer and sizes of embeddings, with a warning if the network has seen people."""
    n_windows, n_features = embeddings.features.shape
    people = embeddings.table[["dataset", "subject"]]
    n_people = len(people.drop_duplicates())
    n_seen = len(people[embeddings.seen].drop_duplicates())
    if as_json:
        sizes = {"windows": n_windows, "features": n_features, "persons": n_people, "seen": n_seen}
        print_json({"file": str(embeddings.file), **sizes, **embeddings.origin})
        return
    if n_seen:
        print_warnings([f"the network was trained on {n_seen} of {count(n_people, 'person')}"])
    out.print(
        f"{count(n_windows, 'window')} of {count(n_people, 'person')}: "
        f"{count(n_features, 'feature')} of {embeddings.title}",
        soft_wrap=True,
    )
    networks = count(len(embeddings.random_weights), "network")
    band_power = count(embeddings.band_power.shape[1], "log band power", "log band powers")
    out.print(f"floors: {networks} with random weights, {band_power}", soft_wrap=True)
    reason = embeddings.origin["band_power_reason"]
    if reason:
        out.print(f"no log band power: {reason}", soft_wrap=True)
    out.print(f"embeddings: {embeddings.file}", soft_wrap=True)


def print_probe(result: ProbeResult, *, as_json: bool) -> None:
    """Print the results of a probe beside its baselines, and the tests against its floors."""
    metrics = result.metrics
    if as_json:
        print_json({"run": str(result.run_dir), **metrics})
        return
    from bids_dl.probing.floors import describe_verdict

    print_results(metrics)
    _print_floors(metrics)
    out.print(describe_verdict(metrics["floors"]), soft_wrap=True)
    out.print(f"record: {result.run_dir / RECORD_FILE}", soft_wrap=True)
    out.print(f"run folder: {result.run_dir}", soft_wrap=True)


def _print_floors(metrics: Mapping[str, Any]) -> None:
    """Print the paired test against each floor."""
    headings = ("floor", "persons", "difference (95 % interval)", "p permutation", "p Wilcoxon")
    title = f"{metrics['main'].replace('_', ' ')} against the floors, paired by person"
    table = TextTable(headings, title=title)
    for test in metrics["floors"].values():
        difference = f"{test['difference']:+.3f}"
        if test["low"] is not None:
            difference += f" ({test['low']:+.3f} to {test['high']:+.3f})"
        p_values = [format_p(test[name]) for name in ("p_permutation", "p_wilcoxon")]
        table.rows.append((test["title"], str(test["n_persons"]), difference, *p_values))
    print_table(table)
