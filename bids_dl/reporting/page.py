"""The page of a store: its contents, rendered with templates/page.html."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from bids_dl.errors import ConfigError, DamagedStoreError
from bids_dl.output import check_output, check_outside_store, writing
from bids_dl.reporting import charts, formatting
from bids_dl.reporting.contents import count_windows
from bids_dl.reporting.message_groups import MessageGroup, group_messages
from bids_dl.reporting.recordings import RecordingReport, most_notable, read_recording_reports
from bids_dl.reporting.reproduce import RECIPE, convert_command, options_file, recipe_file
from bids_dl.reporting.spectra import band_levels, read_spectra
from bids_dl.reporting.steps import summarize_other_stages, summarize_steps
from bids_dl.reporting.templating import open_templates
from bids_dl.sharing.citation import cite
from bids_dl.sharing.origin import address_of
from bids_dl.store import Store
from bids_dl.store.root_object import require_attributes
from bids_dl.wording import count

MAX_SHOWN = {
    "subjects": 500,
    "open_subjects": 30,  # further subjects are folded
    "recordings": 300,
    "groups": 60,  # of messages
    "listed_keys": 40,  # of recordings, in one list
    "channels": 12,  # of a step, over all recordings
    "recording_channels": 24,  # of a step in one recording
    "notes": 6,
    "dropped": 12,  # of one recording
}
"""Numbers of items shown, so that the page of thousands of recordings opens too.

The page says how many items it does not show.
"""
WIDE_CHART_SIZE = (720, 300)  # width and height in SVG units, for a laptop
NARROW_CHART_SIZE = (340, 220)  # for a phone


def write_page(store: Store, output: Path | None = None) -> Path:
    """Write the page of a store to a file.

    Parameters
    ----------
    store
        An open store.
    output
        The file, which is replaced if it exists. By default the name of the store with
        ``.report.html``, in the working directory, if that is no report of another store.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the file cannot be written or is inside the store, or the file of the default name is
        no report of this store.
    DamagedStoreError
        If the contents of the page cannot be read.

    Examples
    --------
    >>> write_page(open_store("eyes.zarr"))  # doctest: +SKIP
    PosixPath('eyes.report.html')
    """
    file = output or Path(f"{store.location.name.removesuffix('.zarr') or 'store'}.report.html")
    title = f"--output {file}"
    check_output(title, file)
    check_outside_store(title, file, store.location.folder if store.location.is_local else None)
    if output is None:
        _check_same_store(store, file)
    content = render_page(store)
    with writing(title):
        file.write_bytes(content)
    return file


def _check_same_store(store: Store, file: Path) -> None:
    """Refuse a file of the default name that is no page of this store."""
    if file.exists() and str(store.attributes["content"]).encode() not in file.read_bytes():
        raise ConfigError(
            f"{file}: exists already and is not the report of {store.url}; "
            "name another file with --output, or the same one to replace it"
        )


def render_page(store: Store) -> bytes:
    """Render the page of a store.

    Parameters
    ----------
    store
        An open store.

    Returns
    -------
    bytes
        One HTML document in UTF-8 that loads nothing and runs no script. The same store gives
        the same bytes.

    Raises
    ------
    DamagedStoreError
        If the contents of the page cannot be read.
    """
    page = open_page_templates().get_template("page.html")
    return page.render(describe_page(store)).encode("utf-8", "replace")


def describe_page(store: Store) -> dict[str, Any]:
    """Collect the values of `templates/page.html`, and of templates that extend it.

    Parameters
    ----------
    store
        An open store.

    Raises
    ------
    DamagedStoreError
        If the contents of the page cannot be read.
    """
    attributes = store.attributes
    require_attributes(store.url, attributes)
    request = attributes["request"]
    steps = request["preprocess"]["steps"]
    reports = read_recording_reports(store)
    stored = tuple(report for report in reports if report.windows)
    shown = most_notable(reports, MAX_SHOWN["recordings"], lambda report: report.n_findings)
    contents = count_windows(store)
    return {
        "attributes": attributes,
        "shape": store.shape,
        "channels": store.channels,
        "contents": contents,
        "subjects": most_notable(
            contents.subjects, MAX_SHOWN["subjects"], lambda subject: bool(subject.remark)
        ),
        "citation": cite(attributes),
        "total_seconds": store.shape[0] * store.shape[2] / store.sfreq,
        "recorded_seconds": sum(report.duration or 0.0 for report in stored),
        "failures": _group_failures(attributes["failures"]),
        "dropped": _group_dropped(reports, store.channels),
        "steps": summarize_steps(steps, reports),
        "other_stages": summarize_other_stages(steps, reports),
        "recordings": shown,
        "n_recordings": len(reports),
        "spectra": _draw_spectra(store, stored, {report.key for report in shown}),
        "files": {
            "command": convert_command(attributes["sources"]),
            "options": options_file(request),
            "recipe": recipe_file(request),
            "recipe_name": RECIPE,
        },
        "max_shown": MAX_SHOWN,
    }


def _group_failures(failures: Sequence[Mapping[str, Any]]) -> tuple[MessageGroup, ...]:
    return group_messages(
        (failure["recording"], f"{failure['stage']}: {failure['reason']}") for failure in failures
    )


def _group_dropped(
    reports: Sequence[RecordingReport], channels: Sequence[str]
) -> tuple[MessageGroup, ...]:
    """Group the reasons of dropped items, which may differ in the name of any channel."""
    messages, names = [], set(channels)
    for report in reports:
        messages += [(report.key, item.reason) for item in report.dropped]
        for change in report.changes:
            names.update(change.channels)
    return group_messages(messages, channels=names)


def _draw_spectra(
    store: Store, reports: Sequence[RecordingReport], shown: Collection[str]
) -> Mapping[str, Any]:
    """Draw the spectra of a store. The result is empty if the store has none.

    Parameters
    ----------
    reports
        Reports of the recordings with windows, in the order of the store.
    shown
        Keys of the recordings that get a chart of their own.
    """
    spectra = read_spectra(store)
    if spectra is None:
        return {}
    if len(spectra.after) != len(reports):
        raise DamagedStoreError(
            f"{store.url}: has spectra of {count(len(spectra.after), 'recording')}, expected "
            f"{len(reports)}; run `bids-dl verify` to see all damage"
        )
    by_recording = {}
    for report, before, after in zip(reports, spectra.before, spectra.after, strict=True):
        if report.key in shown:
            chart = charts.draw_recording(spectra.frequency, before, after)
            by_recording[report.key] = chart
    wide_width, wide_height = WIDE_CHART_SIZE
    narrow_width, narrow_height = NARROW_CHART_SIZE
    return {
        "wide": charts.draw_summary(spectra, width=wide_width, height=wide_height),
        "narrow": charts.draw_summary(spectra, width=narrow_width, height=narrow_height),
        "bands": band_levels(spectra),
        "n_recordings": len(reports),
        "by_recording": by_recording,
    }


@cache
def open_page_templates(*packages: str) -> jinja2.Environment:
    """Open the templates of the page, with their filters, and those of packages.

    Parameters
    ----------
    packages
        Names of packages with a folder ``templates``.
    """
    environment = open_templates(*packages)
    environment.filters |= {
        "share_sentence": formatting.describe_share,
        "address": address_of,
        "query": formatting.format_query,
        "decibel": formatting.format_level,
    }
    return environment
