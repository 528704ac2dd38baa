"""Output of `bids-dl events --make-sidecar`: the columns of the file, and the next command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from bids_dl import api
from bids_dl.cli.console import MAX_LINES, out, print_json, print_message
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.config.declaration import declared_options
from bids_dl.config.options import EventsOptions, SidecarOptions
from bids_dl.errors import ConfigError
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    from bids_dl.selection.tables.sidecar_template import SidecarTemplate

MAX_SUGGESTIONS = 4  # of a column in the table; the file has all
DEFAULT_QUERY = "TAG"  # of the next command, if the file has no entry for a value


def make_template(
    sources: Sequence[str], file: str, options: EventsOptions, *, as_json: bool
) -> None:
    """Write a sidecar to fill in, and print its columns.

    Raises
    ------
    ConfigError
        An option does not choose recordings.
    """
    check_template_options(options)
    chosen = cast(SidecarOptions, options)
    template = api.make_sidecar(sources, file, on_message=print_message, **chosen)
    if as_json:
        print_template_json(file, template)
    else:
        print_template(sources, file, template)


def check_template_options(options: Mapping[str, Any]) -> None:
    """Refuse options that do not choose recordings, because they would be ignored.

    Raises
    ------
    ConfigError
        The message names the first such option.
    """
    declared = declared_options(EventsOptions)
    allowed = declared_options(SidecarOptions).values()
    for name in options:
        if name not in SidecarOptions.__annotations__:
            flags = ", ".join(option.flags[0] for option in allowed)
            raise ConfigError(
                f"--make-sidecar lists the values of events.tsv and takes no "
                f"{declared[name].flags[0]}; beside it there may be {flags}"
            )


def print_template_json(file: str, template: SidecarTemplate) -> None:
    """Print the columns of a template, with the tags that are suggested."""
    columns = {}
    for column in template.columns:
        columns[column.name] = {
            "values": column.n_values,
            "rows": column.n_rows,
            "suggested": dict(column.suggested),
        }
    print_json(
        {
            "file": file,
            "recordings": template.n_recordings,
            "columns": columns,
            "annotated": list(template.annotated),
        }
    )


def print_template(sources: Sequence[str], file: str, template: SidecarTemplate) -> None:
    """Print the columns of a template, and the command that reads it."""
    table = TextTable(
        ("column", "values", "rows", "suggested tags"),
        title=f"{file}: events.tsv of {count(template.n_recordings, 'recording')}",
        numbers=frozenset({"values", "rows"}),
    )
    for column in template.columns[:MAX_LINES]:
        pairs = [f"{value}: {tags}" for value, tags in column.suggested.items()]
        suggested = join_names(pairs, limit=MAX_SUGGESTIONS)
        if not column.is_categorical:
            suggested = "(no entry for each value)"
        table.rows.append((column.name, str(column.n_values), str(column.n_rows), suggested))
    if len(template.columns) > MAX_LINES:
        table.remark = f"and {count(len(template.columns) - MAX_LINES, 'more column')}"
    print_table(table)
    if template.annotated:
        names = join_names(template.annotated)
        out.print(f"left out, because the datasets have their HED: {names}", soft_wrap=True)
    out.print("Check and complete the HED of each value in the file, then run:", soft_wrap=True)
    arguments = shlex.join([*sources, "--hed-sidecar", file, "--hed", _first_query(template)])
    out.print(f"  bids-dl events {arguments}", soft_wrap=True)


def _first_query(template: SidecarTemplate) -> str:
    """Return a query that finds something with the file as it is: a suggested tag, or an ID."""
    for column in template.columns:
        for tags in column.suggested.values():
            return tags.partition(",")[0]
    for column in template.columns:
        # a value that HED has no word for has no entry
        hed = template.content[column.name].get("HED") if column.is_categorical else None
        if hed:
            return str(next(iter(hed.values()))).rpartition(", ")[2].rstrip(")")
    return DEFAULT_QUERY
