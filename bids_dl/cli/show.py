"""What commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.filesize import decimal
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pathlib import Path

    from bids_dl.config.stages import EventsConfig, WindowsConfig
    from bids_dl.demo import Demo
    from bids_dl.models import ModelSpec
    from bids_dl.pipeline.convert import Outcome, Progress
    from bids_dl.planning.survey import Survey
    from bids_dl.preprocess import Recipe
    from bids_dl.store import Store
    from bids_dl.training import Result
    from bids_dl.verification import Verification

# what people call their things may hold brackets and colons, so nothing is markup
out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)

STAGES = {"plan": "planning", "stage": "recordings", "pack": "windows written"}
MOST_LINES = 20  # of warnings and failures on a terminal; JSON and the store hold all


def print_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """Bars on a terminal, nothing elsewhere; what fails is said at once."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=err, disable=not err.is_terminal, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def say(now: Progress) -> None:
            if now.stage not in tasks:
                tasks[now.stage] = bars.add_task(STAGES.get(now.stage, now.stage), total=now.total)
            bars.update(
                tasks[now.stage], completed=now.done, total=now.total, description=_described(now)
            )
            if now.note:
                bars.console.print(Text.assemble(("failed ", "yellow"), now.note))

        yield say


def _described(now: Progress) -> str:
    """What a stage is at: how fast, and what failed so far."""
    said = [STAGES.get(now.stage, now.stage)]
    said += [f"{now.speed:.0f} x real time"] if now.speed else []
    said += [f"{now.failed} failed"] if now.failed else []
    return ", ".join(said)


def survey_json(sources: Sequence[str], found: Survey) -> None:
    """The object of the contract: see docs/cli.md."""
    from bids_dl.planning.summary import left_out, per_label, per_person

    by_key = {recording.key: recording for recording in found.recordings}
    events = []
    for event in found.events:
        recording = by_key[event.recording]
        entities = {
            name: getattr(recording, name)
            for name in ("dataset", "path", "subject", "session", "task", "run")
        }
        entities["recording"] = entities.pop("path")
        matched = {
            "row": event.row,
            "onset": event.onset,
            "end": event.end,
            "end_rule": event.end_rule,
            "label": event.label,
        }
        events.append(
            {
                "dataset": entities.pop("dataset"),
                "recording": entities.pop("recording"),
                **entities,
                **matched,
            }
        )
    versions = list(dict.fromkeys(found.hed_versions.values()))
    content: dict[str, Any] = {
        "sources": list(sources),
        "hed_version": versions[0] if len(versions) == 1 else dict(found.hed_versions),
        "recordings": len(found.recordings),
        "events": events,
    }
    if found.cut is not None:
        content["windows"] = [
            {
                "recording": by_key[w.recording].path,
                "onset": w.onset,
                "label": w.label,
                "block": w.block,
            }
            for w in found.cut.windows
        ]
    people = [
        {"dataset": who[0], "subject": who[1], "counts": counts}
        for who, counts in per_person(found).items()
    ]
    print_json(
        content
        | {
            "counts": per_label(found),
            "warnings": _told(found),
            "people": people,
            "left_out": left_out(found),
        }
    )


def survey(found: Survey, what: EventsConfig, how: WindowsConfig) -> None:
    """What a request selects, per label and person, and what it leaves out."""
    from bids_dl.planning.summary import left_out, per_label
    from bids_dl.planning.survey import estimate

    counts = per_label(found)
    table = Table(
        title=f"{len(found.recordings)} recordings searched in {', '.join(found.datasets)}",
        title_justify="left",
        box=None,
    )
    for name in (
        "label",
        "query",
        "recordings",
        "events",
        *(("windows", "open") if how.asked else ()),
        "blocks end by",
    ):
        table.add_column(
            name,
            justify="left" if name in {"label", "query", "blocks end by"} else "right",
            overflow="fold",
        )
    for label in what.labels:
        rules = Counter(
            event.end_rule or "a moment" for event in found.events if event.label == label.label
        )
        count = counts[label.label]
        numbers = [
            str(count[name])
            for name in ("recordings", "events", *(("windows", "open") if how.asked else ()))
        ]
        query = label.query if isinstance(label.query, str) else json.dumps(label.query)
        table.add_row(
            label.label, query, *numbers, ", ".join(f"{rule} {n}" for rule, n in rules.items())
        )
    out.print(table)
    out.print(
        _persons(found, [label.label for label in what.labels], windows=found.cut is not None)
    )
    for name, causes in left_out(found).items():
        out.print(
            f"left out of {name}: {', '.join(f'{cause} {n}' for cause, n in causes.items())}",
            soft_wrap=True,
        )
    if found.cut and (size := estimate(found, how)) is not None:
        out.print(
            f"{len(found.cut.windows)} windows, {decimal(round(size))} as float32 with all channels at the rate recorded"
        )
    lines(_told(found), "warning")


def _told(found: Survey) -> list[str]:
    """Warnings, and the recordings that could not be opened."""
    return [*found.warnings, *_unread(found)]


def _unread(found: Survey) -> list[str]:
    return [f"{failure.recording}: {failure.stage}: {failure.reason}" for failure in found.failures]


def _persons(found: Survey, labels: Sequence[str], *, windows: bool) -> Table:
    """Events (and windows) of each person and label."""
    from bids_dl.planning.summary import per_person

    title = "events / windows of each person" if windows else "events of each person"
    table = Table("dataset", "subject", *labels, title=title, title_justify="left", box=None)
    persons = per_person(found)
    for who, counts in list(persons.items())[:MOST_LINES]:
        cells = [
            f"{counts[label]['events']}" + (f" / {counts[label]['windows']}" if windows else "")
            for label in labels
        ]
        table.add_row(*who, *cells)
    if len(persons) > MOST_LINES:
        table.add_row("...", f"{len(persons) - MOST_LINES} more")
    return table


def outcome_json(done: Outcome) -> None:
    print_json(
        {
            "store": done.url,
            **{name: value for name, value in asdict(done).items() if name != "url"},
        }
    )


def outcome(done: Outcome) -> None:
    lines(done.warnings, "warning")
    if done.unchanged:
        out.print(
            f"{done.url}: there already, made by the same plan; {done.n_windows} windows of {done.n_recordings} recordings",
            soft_wrap=True,
        )
    else:
        reused = f", {done.reused} of them staged before" if done.reused else ""
        out.print(
            f"{done.url}: {done.n_windows} windows of {done.n_recordings} recordings{reused}",
            soft_wrap=True,
        )
    labels = list(done.people[0].windows) if done.people else []
    table = Table(
        "dataset",
        "subject",
        "split",
        *labels,
        title="windows of each person",
        title_justify="left",
        box=None,
    )
    for person in done.people[:MOST_LINES]:
        table.add_row(
            person.dataset,
            person.subject,
            person.split,
            *(str(count) for count in person.windows.values()),
        )
    if len(done.people) > MOST_LINES:
        table.add_row("...", f"{len(done.people) - MOST_LINES} more")
    out.print(table)
    if done.dropped:
        out.print(
            f"{done.dropped} events, blocks or windows left out; each with its reason in {done.url}/recordings.json",
            soft_wrap=True,
        )
    if done.failures:
        number = len(done.failures)
        err.print(f"{number} recording{'s' * (number > 1)} failed", style="red")
        lines(
            [
                f"{failure.recording}: {failure.stage}: {failure.reason}"
                for failure in done.failures
            ],
            "failed",
        )


def info_json(store: Store) -> None:
    print_json(
        {
            "store": store.url,
            "shape": list(store.shape),
            "channels": list(store.channels),
            "bytes": store.nbytes,
            **store.attributes,
        }
    )


def info(store: Store) -> None:
    """What a store holds and how to stream it."""
    said, (n_windows, n_chans, n_times) = store.attributes, store.shape
    statistics, request = said["statistics"], said["request"]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")  # an identifier that is cut identifies nothing
    size = f"{n_windows} windows x {n_chans} channels x {n_times} samples ({n_times / store.sfreq:g} s at {store.sfreq:g} Hz)"
    rows: Mapping[str, str] = {
        "title": said["title"],
        "windows": f"{size}, {store.nbytes / 1e6:.1f} MB",
        "labels": ", ".join(f"{label} {n}" for label, n in statistics["windows"].items()),
        "people": f"{statistics['persons']} in {statistics['recordings']} recordings",
        "splits": ", ".join(
            f"{name} {n['persons']} people, {n['windows']} windows"
            for name, n in statistics["splits"].items()
        ),
        "queries": ", ".join(
            f"{label['label']} = {_text(label['query'])}" for label in request["events"]["labels"]
        ),
        "recipe": f"{request['preprocess']['name']}: "
        + ", ".join(_step(step) for step in request["preprocess"]["steps"]),
        "channels": ", ".join(store.channels),
        "columns": ", ".join(store.columns),
        "sources": "; ".join(
            f"{s['dataset']} {s['doi']} ({s['licence'] or 'no licence stated'})"
            for s in said["sources"]
        ),
        "failed": "; ".join(
            f"{f['recording']}: {f['stage']}: {f['reason']}" for f in said["failures"]
        )
        or "none",
        "content": f"bids-dl:{said['content']}",
        "made by": ", ".join(f"{name} {number}" for name, number in said["software"].items()),
    }
    for name, value in rows.items():
        table.add_row(Text(name, "bold"), value)
    out.print(table)
    out.print(
        f'\nstream = bids_dl.StreamingDataset("{store.url}", split="train", batch_size=64)',
        soft_wrap=True,
    )


def verdict_json(found: Verification) -> None:
    print_json(asdict(found))


def verdict(found: Verification) -> None:
    """What is broken and which windows and recordings it hits."""
    for damage in found.damages[:MOST_LINES]:
        rows = f"; windows {damage.windows[0]} to {damage.windows[1] - 1}" if damage.windows else ""
        names = f" of {', '.join(damage.recordings[:3])}" if damage.recordings else ""
        more = f" and {len(damage.recordings) - 3} more" if len(damage.recordings) > 3 else ""
        out.print(f"{damage.where}: {damage.problem}{rows}{names}{more}", soft_wrap=True)
    if len(found.damages) > MOST_LINES:
        out.print(f"and {len(found.damages) - MOST_LINES} more (all of them with --json)")
    for key, reason in list(found.skipped.items())[:MOST_LINES]:
        out.print(f"{key}: not compared: {reason}", soft_wrap=True)
    compared = (
        f", {found.compared} recordings made again from their source"
        if found.compared or found.skipped
        else ""
    )
    end = f"{len(found.damages)} things are damaged" if found.damages else "all as it was written"
    out.print(
        f"{found.url}: {found.objects} objects, {decimal(found.nbytes)}, {found.windows} windows{compared}: {end}",
        soft_wrap=True,
    )


def written(file: Path) -> None:
    out.print(str(file), soft_wrap=True)


def _text(query: Any) -> str:
    return query if isinstance(query, str) else json.dumps(query)


def _step(step: Mapping[str, Any]) -> str:
    [(name, parameters)] = step.items()
    given = ", ".join(
        str(value) for value in (parameters or {}).values() if value not in (None, [])
    )
    return f"{name}({given})"


def recipes(known: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        print_json([{"name": name, "description": description} for name, description in known])
        return
    table = Table("recipe", "what it does", box=None)
    for name, description in known:
        table.add_row(name, description)
    out.print(table)


def recipe(known: Recipe, *, as_json: bool) -> None:
    if as_json:
        print_json(known.to_dict() | {"description": known.description})
        return
    out.print(Text.assemble((known.name, "bold"), ": ", known.description))
    for i, (step, described) in enumerate(
        zip(known.steps, known.to_dict()["steps"], strict=True), 1
    ):
        [parameters] = described.values()
        summary = (step.__doc__ or "").partition("\n")[0].replace("`", "")
        out.print(Text.assemble(f"\n{i}. ", (step.name, "bold"), f"  {summary}"))
        for parameter, value in parameters.items():
            out.print(
                Padding(Text.assemble((f"{parameter}: ", "dim"), _as_yaml(value)), (0, 0, 0, 3))
            )


def _as_yaml(value: Any) -> str:
    """A value as a recipe would have it, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_yaml, value)) + "]"
    return "null" if value is None else str(value)


def models(known: Sequence[ModelSpec], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "name": m.name,
                    "summary": m.summary,
                    "shape": m.shape,
                    "source": m.source,
                    "options": m.options,
                }
                for m in known
            ]
        )
        return
    table = Table(
        "model", "windows (n_chans, n_times)", "what it is", "source", "options", box=None
    )
    for m in known:
        options = ", ".join(f"{name} {value}" for name, value in m.options.items())
        table.add_row(m.name, str(m.shape) if m.shape else "any", m.summary, m.source, options)
    out.print(table)


def say_line(text: str) -> None:
    err.print(text, style="dim", soft_wrap=True)


def trained_json(result: Result) -> None:
    print_json({"run": str(result.run), **result.metrics})


def trained(result: Result) -> None:
    """Accuracy on people the models never saw, with its confidence interval, and of each person."""
    table = Table("", "accuracy (95 % interval)", "balanced accuracy", box=None)
    for name, what in (
        ("windows", "windows"),
        ("votes", "majority vote of a person's windows of one class"),
    ):
        numbers = result.metrics[name]
        table.add_row(what, _interval(numbers["accuracy"]), _interval(numbers["balanced_accuracy"]))
    out.print(table)
    persons = Table("dataset", "subject", "windows", "accuracy", box=None)
    for person in result.metrics["persons"][:MOST_LINES]:
        persons.add_row(
            person["dataset"],
            person["subject"],
            str(person["n_windows"]),
            f"{person['accuracy']:.3f}",
        )
    out.print(persons)
    out.print(f"run folder: {result.run}", soft_wrap=True)


def _interval(number: Mapping[str, float | None]) -> str:
    low, high = number.get("low"), number.get("high")
    return f"{number['value']:.3f}" + (
        f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
    )


def demo(made: Demo) -> None:
    """What each step of the demo found, and where to look."""
    labels = made.store.attributes["request"]["events"]["labels"]
    queries = " ".join(f"--hed {label['label']}={label['query']}" for label in labels)
    _step_of_demo("1. select", f"bids-dl events {made.source} {queries} --window 2")
    out.print(
        f"{len(made.found.events)} events in {len(made.found.recordings)} recordings of real EEG",
        soft_wrap=True,
    )
    out.print(f"licence and source: {made.credits}", soft_wrap=True)
    _step_of_demo(
        "2. convert", f"bids-dl convert {made.source} {made.outcome.url} {queries} --window 2"
    )
    outcome(made.outcome)
    _step_of_demo("3. look", f"bids-dl info {made.outcome.url}")
    info(made.store)
    _step_of_demo(
        "4. train", f"bids-dl train {made.outcome.url} --model shallow-fbcsp --folds loso"
    )
    trained(made.result)
    out.print("Each person was tested by a network that never saw them.")
    _step_of_demo("pictures", "")
    for picture in made.pictures:
        out.print(f"  {picture}", soft_wrap=True)


def _step_of_demo(name: str, command: str) -> None:
    out.print(Text.assemble("\n", (f"{name:<12}", "bold"), command), soft_wrap=True)


def lines(texts: Sequence[str], word: str) -> None:
    """A line each on standard error, the first of many."""
    for text in texts[:MOST_LINES]:
        err.print(Text.assemble((f"{word} ", "yellow"), text), soft_wrap=True)
    if len(texts) > MOST_LINES:
        err.print(Text.assemble((f"{word} ", "yellow"), f"and {len(texts) - MOST_LINES} more"))
