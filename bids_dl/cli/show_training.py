"""Output of `bids-dl train` and `bids-dl demo`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bids_dl.cli.console import MAX_LINES, out, print_json
from bids_dl.cli.show_store import print_info, print_outcome
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.demo import DemoResult
    from bids_dl.training import TrainingResult

UNITS = {"windows": "windows", "votes": "majority vote per person"}
"""Metrics of a training by what they count, with their descriptions."""


def print_training_json(result: TrainingResult) -> None:
    """Print the metrics and the run folder as JSON."""
    print_json({"run": str(result.run_dir), **result.metrics})


def print_training(result: TrainingResult) -> None:
    """Print the accuracy on held-out persons, with its confidence interval, and per person."""
    from bids_dl.training.metrics import METRICS

    titles = [metric.title for metric in METRICS]
    table = TextTable(("", f"{titles[0]} (95 % interval)", *titles[1:]))
    for name, description in UNITS.items():
        values = result.metrics[name]
        intervals = [_format_interval(values[metric.name]) for metric in METRICS]
        table.rows.append((description, *intervals))
    print_table(table)
    _print_persons(result.metrics["persons"])
    out.print(f"run folder: {result.run_dir}", soft_wrap=True)


def _print_persons(persons: Sequence[Mapping[str, Any]]) -> None:
    """Print the windows and the accuracy of each tested person."""
    headings = ("dataset", "subject", "windows", "accuracy")
    table = TextTable(headings, numbers=frozenset({"windows", "accuracy"}))
    for person in persons[:MAX_LINES]:
        n_windows, accuracy = str(person["n_windows"]), f"{person['accuracy']:.3f}"
        table.rows.append((person["dataset"], person["subject"], n_windows, accuracy))
    if len(persons) > MAX_LINES:
        table.remark = f"and {count(len(persons) - MAX_LINES, 'more person', 'more people')}"
    print_table(table)


def _format_interval(metric: Mapping[str, float | None]) -> str:
    low = metric.get("low")
    high = metric.get("high")
    interval = f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
    return f"{metric['value']:.3f}{interval}"


def print_demo(result: DemoResult) -> None:
    """Print the commands of the demo with their results, and its pictures."""
    queries = " ".join(f"--hed {label}={query}" for label, query in result.queries.items())
    url = result.outcome.url
    _print_step("1. select", f"bids-dl events {result.source} {queries} --window 2")
    out.print(
        f"{count(len(result.survey.events), 'event')} in "
        f"{count(len(result.survey.recordings), 'recording')} of real EEG",
        soft_wrap=True,
    )
    out.print(f"licence and source: {result.credits}", soft_wrap=True)
    _print_step("2. convert", f"bids-dl convert {result.source} {url} {queries} --window 2")
    print_outcome(result.outcome)
    _print_step("3. inspect", f"bids-dl info {url}")
    print_info(result.description)
    _print_step("4. train", f"bids-dl train {url} --model shallow-fbcsp --folds loso")
    print_training(result.training)
    out.print(
        "Each person was tested by a network that was trained on the other persons only.",
        soft_wrap=True,
    )
    _print_step("pictures", "")
    for picture in result.pictures:
        out.print(f"  {picture}", soft_wrap=True)


def _print_step(name: str, command: str) -> None:
    out.print(Text.assemble("\n", (f"{name:<12}", "bold"), command), soft_wrap=True)
