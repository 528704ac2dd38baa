"""Output of `bids-dl simulate`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bids_dl.cli.console import format_pairs, out, print_json, print_warnings
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.annotate.simulation import Simulation

HEADINGS = ("strategy", "area", "area minus random's", "last", "answers to random's last")
PATIENT_HEADINGS = ("answers", "strategy", "result", "minus random's", "better for")


def print_simulation(result: Simulation, *, as_json: bool) -> None:
    """Print results, differences to random and answers of each strategy, and the folder."""
    description = result.description
    rows = result.summary.to_dict("records")
    if as_json:
        summary = [{str(name): _as_json(value) for name, value in row.items()} for row in rows]
        print_json({"folder": str(result.folder), "summary": summary, **description})
        return
    print_warnings(description["warnings"])
    rarest = description["metric"]["rarest_class"]
    is_by_patient = description["settings"]["leave_one_patient_out"]
    headings = PATIENT_HEADINGS if is_by_patient else HEADINGS
    format_row = _format_answers if is_by_patient else _format_row
    for learner in description["learners"]:
        title = f"{description['metric']['title']}, {learner}"
        table = TextTable((*headings, f"answers of {rarest}"), title=title)
        for row in rows:
            if row["model"] == learner:
                table.rows.append(format_row(row, f"labels_{rarest}"))
        print_table(table)
    for row in rows:
        if row.get("automatic"):
            gain = _format_difference(row["gain"], row["gain_low"], row["gain_high"])
            out.print(f"automatic labels, {row['strategy']}: area {gain}", soft_wrap=True)
    people = description["people"]
    out.print(f"windows: {format_pairs(description['classes'])}", soft_wrap=True)
    ending = "left out in turn" if is_by_patient else "held out"
    n_out = people["left_out_in_turn" if is_by_patient else "held_out"]
    out.print(
        f"{n_out} of {count(people['n'], 'person')} {ending}, "
        f"{count(description['settings']['seeds'], 'seed')}; intervals: {description['interval']}",
        soft_wrap=True,
    )
    out.print(f"folder: {result.folder}", soft_wrap=True)


def _format_row(row: Mapping[Any, Any], rarest: str) -> tuple[str, ...]:
    """Format the row of a strategy."""
    name = f"{row['strategy']}, automatic" if row["automatic"] else row["strategy"]
    is_reference = row["strategy"] == "random" and not row["automatic"]
    reached = row["labels_to_random"]
    return (
        name,
        f"{row['area']:.3f}",
        "" if is_reference else _format_difference(row["difference"], row["low"], row["high"]),
        f"{row['last']:.3f}",
        "never" if math.isnan(reached) else f"{reached:.0f}",
        f"{row[rarest]:.1f}",
    )


def _format_answers(row: Mapping[Any, Any], rarest: str) -> tuple[str, ...]:
    """Format the row of a strategy after some answers about a new patient."""
    has_difference = row["strategy"] != "random" and row["n_labels"] > 0
    difference = _format_difference(row["difference"], row["low"], row["high"])
    return (
        str(row["n_labels"]),
        row["strategy"],
        f"{row['value']:.3f}",
        difference if has_difference else "",
        f"{row['n_better']} of {row['n_patients']}" if has_difference else "",
        f"{row[rarest]:.1f}",
    )


def _format_difference(mean: float, low: float, high: float) -> str:
    """Format a difference with its interval, if it has one."""
    if math.isnan(low):
        return f"{mean:+.3f}"
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def _as_json(value: Any) -> Any:
    """Return None for NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value
