"""Output of the commands on stores: `convert`, `info` and `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal

from bids_dl.cli.console import (
    MAX_LINES,
    err,
    format_failure,
    format_pairs,
    out,
    print_failures,
    print_json,
    print_warnings,
)
from bids_dl.cli.show_events import format_query
from bids_dl.cli.tables import TextTable, print_pairs, print_table
from bids_dl.datamodel import Failure
from bids_dl.sharing.origin import address_of
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    from bids_dl.pipeline.outcome import Outcome, PersonCount
    from bids_dl.store.checking.damage import Damage
    from bids_dl.verification import Verification

MAX_RECORDINGS = 3  # named per damage


def print_outcome_json(outcome: Outcome) -> None:
    """Print the outcome of a conversion as JSON, in which `url` is `store`."""
    fields = asdict(outcome)
    print_json({"store": fields.pop("url"), **fields})


def print_outcome(outcome: Outcome) -> None:
    """Print the numbers of a conversion, the windows of each person, and what failed."""
    print_warnings(outcome.warnings)
    numbers = f"{count(outcome.n_windows, 'window')} of {count(outcome.n_recordings, 'recording')}"
    if outcome.unchanged:
        text = f"already exists, made by the same plan; {numbers}"
    else:
        text = f"{numbers}, {outcome.reused} of them staged before" if outcome.reused else numbers
    out.print(f"{outcome.url}: {text}", soft_wrap=True)
    print_table(_person_table(outcome.people))
    if outcome.dropped:
        out.print(
            f"left out: {outcome.dropped} (events, blocks or windows); "
            f"each with its reason in {outcome.url}/recordings.json",
            soft_wrap=True,
        )
    if outcome.failures:
        err.print(f"{count(len(outcome.failures), 'recording')} failed", style="red")
        print_failures([format_failure(failure) for failure in outcome.failures])


def _person_table(people: tuple[PersonCount, ...]) -> TextTable:
    labels = list(people[0].windows) if people else []
    table = TextTable(
        ("dataset", "subject", "split", *labels),
        title="windows of each person",
        numbers=frozenset(labels),
    )
    for person in people[:MAX_LINES]:
        counts = [str(number) for number in person.windows.values()]
        table.rows.append((person.dataset, person.subject, person.split, *counts))
    if len(people) > MAX_LINES:
        table.remark = f"and {count(len(people) - MAX_LINES, 'more person', 'more people')}"
    return table


def print_info(description: Mapping[str, Any]) -> None:
    """Print the content of a store, as `bids_dl.info` describes it, and how to stream it."""
    from bids_dl.store.root_object import require_attributes

    require_attributes(description["store"], description)
    request = description["request"]
    statistics = description["statistics"]
    failures = []
    for failure in description["failures"]:
        reason, is_transient = failure["reason"], failure.get("transient", False)
        failures.append(Failure(failure["recording"], failure["stage"], reason, is_transient))
    rows: dict[str, str] = {
        "title": description["title"],
        "windows": _format_shape(description),
        "labels": format_pairs(statistics["windows"]),
        "people": f"{statistics['persons']} in {count(statistics['recordings'], 'recording')}",
        "splits": ", ".join(
            f"{name} {count(split['persons'], 'person', 'people')}, "
            f"{count(split['windows'], 'window')}"
            for name, split in statistics["splits"].items()
        ),
        "queries": ", ".join(
            f"{label['label']} = {format_query(label['query'])}"
            for label in request["events"]["labels"]
        ),
        "recipe": _format_recipe(request["preprocess"]),
        "channels": ", ".join(description["channels"]),
        "columns": ", ".join(description["columns"]),
        **_format_creation(description),
        "sources": "; ".join(map(_format_source, description["sources"])),
        "failed": "; ".join(map(format_failure, failures)) or "none",
        **_format_unchecked(description),
        "content": f"bids-dl:{description['content']}",
        "made by": format_pairs(description["software"]),
    }
    print_pairs(rows)
    example = f'StreamingDataset("{description["store"]}", split="train", batch_size=64)'
    out.print(f"\nstream = bids_dl.{example}", soft_wrap=True)


def _format_shape(description: Mapping[str, Any]) -> str:
    n_windows, n_chans, n_times = description["shape"]
    sfreq = description["sfreq"]
    return (
        f"{count(n_windows, 'window')} x {count(n_chans, 'channel')} x {count(n_times, 'sample')} "
        f"({n_times / sfreq:g} s at {sfreq:g} Hz), {description['bytes'] / 1e6:.1f} MB"
    )


def _format_creation(description: Mapping[str, Any]) -> dict[str, str]:
    """Return creators and licence of a store, as far as they were requested."""
    creation = {
        "creators": ", ".join(description.get("creators", [])),
        "licence": description.get("licence", ""),
    }
    return {name: value for name, value in creation.items() if value}


def _format_unchecked(description: Mapping[str, Any]) -> dict[str, str]:
    """Return what a stream of the store cannot check, if there is anything."""
    unchecked = description.get("not_checked")
    return {"not checked": unchecked} if unchecked else {}


def _format_source(source: Mapping[str, Any]) -> str:
    name = address_of(source) or source["dataset"]
    return f"{name} {source['doi']} ({source['licence'] or 'no licence stated'})"


def _format_recipe(recipe: Mapping[str, Any]) -> str:
    """Format the steps of a recipe, each with the values of its parameters that are set."""
    steps = []
    for step in recipe["steps"]:
        [(name, parameters)] = step.items()
        values = [str(value) for value in (parameters or {}).values() if value not in (None, [])]
        steps.append(f"{name}({', '.join(values)})")
    return f"{recipe['name']}: {', '.join(steps)}"


def print_verification_json(verification: Verification) -> None:
    """Print the result of a verification as JSON."""
    print_json(asdict(verification))


def print_verification(verification: Verification) -> None:
    """Print what is damaged, and which windows and recordings are affected."""
    damages = verification.problems
    for damage in damages[:MAX_LINES]:
        out.print(_format_damage(damage), soft_wrap=True)
    if len(damages) > MAX_LINES:
        more = len(damages) - MAX_LINES
        out.print(f"and {more} more (all of them with --json)", soft_wrap=True)
    for remark in verification.remarks[:MAX_LINES]:
        out.print(f"remark: {remark.where}: {remark.note}", soft_wrap=True)
    for line in verification.unchecked:
        out.print(f"not checked: {line}", soft_wrap=True)
    for key, reason in list(verification.skipped.items())[:MAX_LINES]:
        out.print(f"{key}: not compared: {reason}", soft_wrap=True)
    parts = [
        count(verification.objects, "object"),
        decimal(verification.nbytes),
        count(verification.windows, "window"),
    ]
    if verification.compared or verification.skipped:
        recordings = count(verification.compared, "recording")
        parts.append(f"{recordings} converted again from the source")
    result = f"{count(len(damages), 'problem')} found" if damages else "OK"
    if verification.remarks:
        result += f", {count(len(verification.remarks), 'remark')}"
    out.print(f"{verification.url}: {', '.join(parts)}: {result}", soft_wrap=True)


def _format_damage(damage: Damage) -> str:
    rows = f"; windows {damage.windows[0]} to {damage.windows[1] - 1}" if damage.windows else ""
    recordings = join_names(damage.recordings, limit=MAX_RECORDINGS)
    names = f" of {recordings}" if recordings else ""
    return f"{damage.where}: {damage.problem}{rows}{names}"
