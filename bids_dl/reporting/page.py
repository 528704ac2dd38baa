"""The page: all that a store tells, put into templates/page.html."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from bids_dl.errors import ConfigError, DamagedStoreError
from bids_dl.reporting import charts
from bids_dl.reporting.contents import contents
from bids_dl.reporting.message_groups import grouped
from bids_dl.reporting.recordings import RecordingReport, most_telling, treated
from bids_dl.reporting.reproduce import RECIPE, options_file, recipe_file
from bids_dl.reporting.spectra import bands, spectra
from bids_dl.reporting.steps import in_words, others, steps
from bids_dl.sharing.citation import doi, sentence
from bids_dl.store import Store

MOST = {
    "people": 500,
    "recordings": 300,
    "groups": 60,
    "names": 40,
    "channels": 12,
    "touched": 24,
    "notes": 6,
    "onsets": 12,
}
"""How many of each the page shows: that of thousands of recordings must open too. It says what it leaves out."""
WIDE, NARROW = (
    (720, 300),
    (340, 220),
)  # width and height of the chart of spectra on a laptop and on a phone


def write(store: Store, output: Path | None = None) -> Path:
    """Write the page of a store; where it is.

    Parameters
    ----------
    output
        A file, replaced where it is there already; None: the store's name with ``.report.html``, in the working directory.

    Raises
    ------
    ConfigError
        The file cannot be written, or lies in the store.
    """
    file = output or Path(f"{store.location.name.removesuffix('.zarr') or 'store'}.report.html")
    if file.is_dir():
        raise ConfigError(f"--output {file}: is a folder; name a file in it")
    if not file.parent.is_dir():
        raise ConfigError(f"--output {file}: no folder {file.parent}; make it first")
    if store.location.is_local and file.resolve().is_relative_to(store.location.folder.resolve()):
        raise ConfigError(
            f"--output {file}: lies in the store, which never changes; name a file elsewhere"
        )
    content = render(store)
    try:
        file.write_bytes(content)
    except OSError as problem:
        raise ConfigError(f"--output {file}: cannot be written ({problem.strerror})") from None
    return file


def render(store: Store) -> bytes:
    """The page of a store: one HTML document in UTF-8 that asks for nothing else. The same store gives the same bytes.

    Raises
    ------
    DamagedStoreError
        What it is made of cannot be read.
    """
    said = store.attributes
    recipe, recordings = said["request"]["preprocess"], treated(store)
    holds = contents(store)
    shown = most_telling(recordings, MOST["recordings"], lambda one: one.flags)
    holding = tuple(one for one in recordings if one.windows)
    page = (
        _templates()
        .get_template("page.html")
        .render(
            said=said,
            shape=store.shape,
            channels=store.channels,
            holds=holds,
            people=most_telling(holds.people, MOST["people"], lambda person: bool(person.remark)),
            citation=sentence(said),
            seconds=store.shape[0] * store.shape[2] / store.sfreq,
            recorded=sum(one.duration or 0.0 for one in holding),
            failures=grouped(
                (one["recording"], f"{one['stage']}: {one['reason']}") for one in said["failures"]
            ),
            dropped=grouped(
                ((one.key, reason) for one in recordings for _, reason in one.dropped),
                channels=_channels(store, recordings),
            ),
            steps=steps(recipe["steps"], recordings),
            others=others(recipe["steps"], recordings),
            recordings=shown,
            n_recordings=len(recordings),
            spectra=_spectra(store, tuple(one.key for one in holding), {one.key for one in shown}),
            again={
                "options": options_file(said["request"]),
                "recipe": recipe_file(said["request"]),
                "recipe_name": RECIPE,
            },
            most=MOST,
        )
    )
    return page.encode("utf-8", "replace")


def _channels(store: Store, recordings: Sequence[RecordingReport]) -> set[str]:
    """Names of all channels that anything is said of."""
    return {
        *store.channels,
        *(name for one in recordings for change in one.changes for name in change.channels),
    }


def _spectra(store: Store, keys: tuple[str, ...], shown: Collection[str]) -> Mapping[str, Any]:
    """The chart over all recordings, the same in numbers, and a chart of each recording that is shown; nothing in a store without."""
    found = spectra(store)
    if found is None:
        return {}
    if len(found.after) != len(keys):
        raise DamagedStoreError(
            f"{store.url}: spectra of {len(found.after)} recordings, there are {len(keys)}; see `bids-dl verify`"
        )
    rows = {key: i for i, key in enumerate(keys) if key in shown}
    single = {
        key: charts.recording_chart(found.frequency, found.before[i], found.after[i])
        for key, i in rows.items()
    }
    wide, narrow = (
        charts.summary_chart(found, width=width, height=height) for width, height in (WIDE, NARROW)
    )
    return {
        "chart": wide,
        "narrow": narrow,
        "bands": bands(found),
        "recordings": len(keys),
        "single": single,
    }


@cache
def _templates() -> jinja2.Environment:
    """The templates; whatever a store says is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bids_dl.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": _count,
        "share": _share,
        "plainly": _plainly,
        "span": _span,
        "doi": doi,
        "words": in_words,
        "query": _query,
        "decibel": _decibel,
    }
    return environment


def _count(number: float) -> str:
    """1234567 -> "1,234,567"."""
    return f"{number:,}"


def _query(query: Any) -> str:
    return query if isinstance(query, str) else json.dumps(query, ensure_ascii=False)


def _share(number: float) -> str:
    """A share in per cent; what is not quite none or all does not become it."""
    if 0 < number < 0.001:
        return "under 0.1 %"
    if 0.999 < number < 1:
        return "over 99.9 %"
    return f"{100 * number:.3g} %"


def _plainly(number: float) -> str:
    """What a share of the samples means."""
    return {0.0: "no sample changed", 1.0: "all samples changed"}.get(
        number, f"{_share(number)} of the samples changed"
    )


def _span(seconds: float) -> str:
    """A time in the units that one reads easily."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _decibel(level: float | None) -> str:
    return "–" if level is None else f"{round(level, 1) + 0.0:+.1f}"  # not -0.0
