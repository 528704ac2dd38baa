"""Output of `bids-dl train` and `bids-dl demo`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bids_dl.cli.console import MAX_LINES, out, print_json, print_warnings
from bids_dl.cli.show_store import print_info, print_outcome
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    from bids_dl.demo import DemoResult
    from bids_dl.training import TrainingResult

UNITS = {"windows": "windows", "votes": "votes", "person_means": "mean over persons"}
"""Keys of metrics.json, and the units that they count."""
BASELINES = {
    "random_weights": "random weights",
    "band_power": "band-power",
    "largest_class": "largest class",
    "training_mean": "training mean",
    "chance": "chance",
}
"""Keys of the baselines in metrics.json, and their titles."""
RECORD_FILE = "record.html"  # of a run folder
COST_FILE = "cost.json"
SEEN_BEFORE = "the network has been trained on them, so this says nothing of new people"
SAME_PERSON = "same person: each tested person was also trained on; this says nothing of new people"


def print_training_json(result: TrainingResult) -> None:
    """Print the metrics and the run folder as JSON."""
    print_json({"run": str(result.run_dir), **result.metrics})


def print_training(result: TrainingResult) -> None:
    """Print the results beside their baselines, per person, and the files of the run."""
    metrics = result.metrics
    print_results(metrics)
    for line in _describe_cost(result.run_dir):
        out.print(line, soft_wrap=True)
    out.print(f"record: {result.run_dir / RECORD_FILE}", soft_wrap=True)
    out.print(f"run folder: {result.run_dir}", soft_wrap=True)


def print_results(metrics: Mapping[str, Any]) -> None:
    """Print metrics beside their baselines and per person, and what limits them."""
    print_warnings(metrics.get("warnings", ()))
    print_table(_summarize(metrics))
    if metrics["same_person"]:
        out.print(SAME_PERSON, soft_wrap=True)
    elif metrics.get("n_seen_persons"):
        seen = count(metrics["n_seen_persons"], "tested person")
        out.print(f"people seen before: {seen}; {SEEN_BEFORE}", soft_wrap=True)
    print_table(_list_persons(metrics))
    for line in _describe_run(metrics):
        out.print(line, soft_wrap=True)


def _summarize(metrics: Mapping[str, Any]) -> TextTable:
    """Return a table of all metrics: of the model by unit, then of the baselines."""
    titles = _titles(metrics)
    first, *others = titles.values()
    table = TextTable(
        ("", f"{first} (95 % interval)", *others),
        title=f"{metrics['target']}: {describe_outputs(metrics)}",
    )
    units = {
        "windows": count(metrics["windows"]["n"], "window"),
        "votes": f"{count(metrics['votes']['n'], 'vote')} by {metrics['vote_by']}",
        "person_means": f"mean over {count(metrics['n_persons'], 'person')}",
    }
    for unit, title in units.items():
        table.rows.append((title, *_cells(metrics.get(unit, {}), titles)))
    for name, title in BASELINES.items():
        baseline = metrics["baselines"].get(name, {})
        for unit, unit_title in UNITS.items():
            values = baseline.get(unit)
            if values is not None:
                by_metric = values if isinstance(values, Mapping) else {metrics["main"]: values}
                table.rows.append((f"{title}, {unit_title}", *_cells(by_metric, titles)))
    return table


def describe_outputs(metrics: Mapping[str, Any]) -> str:
    """Describe what a model predicts.

    Examples
    --------
    >>> describe_outputs({"kind": "classes", "outputs": ["rest", "move"]})
    '2 classes (rest, move)'
    >>> describe_outputs({"kind": "number", "outputs": ["age"]})
    'number'
    """
    kind, outputs = metrics["kind"], metrics["outputs"]
    return kind if kind == "number" else f"{len(outputs)} {kind} ({join_names(outputs)})"


def _titles(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return the headings of the metrics, the main one first."""
    from bids_dl.training.metrics.registry import METRICS

    titles = {spec.name: spec.title for spec in METRICS[metrics["kind"]]}
    main = metrics["main"]
    shown = {main: titles.get(main, main)}
    for name, title in titles.items():
        if name in metrics["windows"]:
            shown[name] = title
    return shown


def _cells(values: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """Return the cells of a row: the first metric with its interval, the others without."""
    cells = []
    for number, name in enumerate(titles):
        cells.append(format_metric(values.get(name), with_interval=number == 0))
    return cells


def format_metric(result: Mapping[str, Any] | float | None, *, with_interval: bool) -> str:
    """Format the value of a metric, "-" if it is undefined.

    Examples
    --------
    >>> format_metric({"value": 0.9512, "low": 0.9, "high": 0.98}, with_interval=True)
    '0.951 (0.900 to 0.980)'
    >>> format_metric(0.5, with_interval=True), format_metric(None, with_interval=False)
    ('0.500', '-')
    """
    values = result if isinstance(result, Mapping) else {"value": result}
    value = values.get("value")
    low = values.get("low")
    high = values.get("high")
    if value is None:
        return "-"
    if not with_interval or low is None or high is None:
        return f"{value:.3f}"
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _list_persons(metrics: Mapping[str, Any]) -> TextTable:
    """Return a table of the windows and the main metric of each tested person."""
    main = metrics["main"]
    title = _titles(metrics)[main]
    persons: Sequence[Mapping[str, Any]] = metrics["persons"]
    headings = ("dataset", "subject", "windows", title)
    table = TextTable(headings, numbers=frozenset({"windows", title}))
    for person in persons[:MAX_LINES]:
        value = format_metric(person.get(main), with_interval=False)
        table.rows.append((person["dataset"], person["subject"], str(person["n_windows"]), value))
    if len(persons) > MAX_LINES:
        table.remark = f"and {count(len(persons) - MAX_LINES, 'more person', 'more people')}"
    return table


def _describe_run(metrics: Mapping[str, Any]) -> list[str]:
    """Describe baselines that win, chance, normalization and the spread over seeds, a line each."""
    lines: list[str] = []
    unbeaten = _list_unbeaten(metrics)
    if unbeaten:
        lines.append(f"over windows, the model is not better than: {', '.join(unbeaten)}")
    limit = metrics["baselines"].get("chance", {}).get("votes_limit")
    if limit is not None:
        lines.append(describe_chance(limit, metrics["votes"]["n"]))
    if "normalize" in metrics:
        chosen = metrics["normalize"]
        lines.append(f"normalize: {chosen['value']} ({chosen['reason']})")
    spread = metrics.get("seed_spread", {}).get(metrics["main"], {})
    if spread.get("sd") is not None:
        lines.append(
            f"{count(len(metrics['seeds']), 'seed')}: {_titles(metrics)[metrics['main']]} "
            f"{spread['min']:.3f} to {spread['max']:.3f}, standard deviation {spread['sd']:.3f}"
        )
    reason = metrics["baselines"].get("band_power", {}).get("reason")
    if reason is not None:
        lines.append(f"no band-power baseline: {reason}")
    return lines


def describe_chance(limit: float, n_votes: int) -> str:
    """Describe the accuracy of votes that guesses rarely exceed.

    Examples
    --------
    >>> describe_chance(0.75, 8)
    'chance: at most 5 % of guesses have an accuracy of votes above 0.750'
    >>> describe_chance(1.0, 4)
    'chance: 4 votes are too few; over 5 % of guesses have them all right'
    """
    if limit >= 1:
        return (
            f"chance: {count(n_votes, 'vote')} are too few; over 5 % of guesses have them all right"
        )
    return f"chance: at most 5 % of guesses have an accuracy of votes above {limit:.3f}"


def _list_unbeaten(metrics: Mapping[str, Any]) -> list[str]:
    """List the baselines than which the model is not better in the main metric of windows."""
    from bids_dl.training.metrics.registry import METRICS

    main = metrics["main"]
    value = metrics["windows"][main]["value"]
    if value is None:
        return []
    higher = {spec.name: spec.higher_is_better for spec in METRICS[metrics["kind"]]}
    sign = 1 if higher[main] else -1
    names = []
    for name, title in BASELINES.items():
        reference = metrics["baselines"].get(name, {}).get("windows")
        score = reference.get(main) if isinstance(reference, Mapping) else reference
        reached = score.get("value") if isinstance(score, Mapping) else score
        if reached is not None and sign * value <= sign * reached:
            names.append(title)
    return names


def _describe_cost(run_dir: Path) -> list[str]:
    """Describe size and speed in one line, or in none if the run folder does not have them."""
    file = run_dir / COST_FILE
    if not file.is_file():
        return []
    cost = json.loads(file.read_text(encoding="utf-8"))
    parts = [
        f"{cost['n_parameters']:,} parameters",
        f"{cost['train_seconds']:.0f} s of training on {cost['device']}",
        f"{cost['windows_per_second']:.0f} windows/s",
        f"{100 * cost['waiting_share']:.0f} % waiting for data",
    ]
    return [f"cost: {', '.join(parts)}"]


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
    out.print(_describe_demo(result.training.metrics), soft_wrap=True)
    _print_step("pictures", "")
    for picture in result.pictures:
        out.print(f"  {picture}", soft_wrap=True)


def _describe_demo(metrics: Mapping[str, Any]) -> str:
    """Describe how persons were tested, and compare the network with its baseline."""
    network = metrics["windows"]["accuracy"]["value"]
    baseline = metrics["baselines"]["band_power"]["windows"]["accuracy"]["value"]
    return (
        "Each person was tested by a network that was trained on the other persons only. "
        f"It classifies {network:.3f} of the windows correctly. The linear baseline band-power, "
        f"trained and tested on the same persons, reaches {baseline:.3f}. "
        f"{count(metrics['n_persons'], 'person')} are too few to show which is better."
    )


def _print_step(name: str, command: str) -> None:
    out.print(Text.assemble("\n", (f"{name:<12}", "bold"), command), soft_wrap=True)
