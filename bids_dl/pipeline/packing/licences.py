"""Licences of the sources of a plan, and the licence that is requested for its store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bids_dl.config.stages import Request
from bids_dl.errors import SourceError
from bids_dl.sharing.licence import check_licences
from bids_dl.sharing.licence_terms import check_store_licence, name_licence, read_terms
from bids_dl.wording import format_size, join_names

if TYPE_CHECKING:
    from bids_dl.planning.plan import Plan

LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
MAX_LICENCE_BYTES = 200_000  # a longer file is no licence
TITLE_LINES = 5  # of a licence file, in which its name is looked for


def read_licence_files(plan: Plan) -> dict[str, str]:
    """Read the licence file of each dataset that has one, by dataset name.

    A file that `with_checked_licences` warns about is left out.
    """
    return _read_licences(plan)[0]


def _read_licences(plan: Plan) -> tuple[dict[str, str], list[str]]:
    """Read the licence files, and describe those that cannot be read or are no licence."""
    licences: dict[str, str] = {}
    warnings = []
    for name in plan.datasets:
        dataset = plan.survey.datasets[name]
        for file in LICENCE_FILES:
            if name in licences or not (dataset.root / file).exists():
                continue
            try:
                content = dataset.read_bytes(file)
            except SourceError as problem:
                warnings.append(f"{problem}; the store has no copy of it")
                continue
            if len(content) < MAX_LICENCE_BYTES:
                licences[name] = content.decode("utf-8-sig", "replace")
            else:
                warnings.append(
                    f"{name}/{file}: has {format_size(len(content))}, which no licence has; "
                    "the store has no copy of it"
                )
    return licences, warnings


def with_licence_name(request: Request) -> Request:
    """Replace the licence of a request, if it has one, by its SPDX name.

    Raises
    ------
    ConfigError
        The licence is unknown.
    """
    if request.sharing.license is None:
        return request
    sharing = replace(request.sharing, license=name_licence(request.sharing.license))
    return replace(request, sharing=sharing)


def with_checked_licences(plan: Plan) -> Plan:
    """Check that the sources allow a store, and the licence that is requested for it.

    Returns
    -------
    Plan
        The plan, with a warning for each licence file that is left out, and if the licence cannot
        be compared with those of all sources.

    Raises
    ------
    RequestError
        The licence of a source does not allow it.
    """
    stated = {}
    for name in plan.datasets:
        stated[name] = str(plan.survey.datasets[name].description.get("License", ""))
    check_licences(stated)
    texts, warnings = _read_licences(plan)
    plan = replace(plan, warnings=(*plan.warnings, *warnings))
    licence = plan.request.sharing.license
    if licence is None:
        return plan
    for name, text in texts.items():
        stated[name] = stated[name].strip() or _find_title(text)
    unstated = check_store_licence(licence, stated)
    if not unstated:
        return plan
    warning = (
        f"{join_names(unstated)}: no licence stated; the licence {licence} of the store is valid "
        "only if the owners of the data agree"
    )
    return replace(plan, warnings=(*plan.warnings, warning))


def _find_title(text: str) -> str:
    """Return the first line of a licence file that names a licence, else its first line."""
    lines = [line.strip(" #*=-") for line in text.splitlines()]
    lines = [line for line in lines if line][:TITLE_LINES]
    named = (line for line in lines if read_terms(line) is not None)
    return next(named, lines[0] if lines else "")
