"""Check of HED that a user writes outside of datasets, such as that of a class of answers."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from hed import HedString
from hed.validator import HedValidator

from bids_dl.errors import ConfigError
from bids_dl.selection.advice.checks import ERROR_SEVERITY, MAX_REASON_CHARS
from bids_dl.selection.advice.word_advice import MIN_TAG_SIMILARITY
from bids_dl.selection.schema import load_schema, requested_versions, schema_tags
from bids_dl.wording import one_line

TAG = re.compile(r"[^,()]+")


def check_hed(text: str, version: str, *, place: str, schema_folder: str | None = None) -> None:
    """Check a HED string by hedtools' validator.

    Parameters
    ----------
    text
        HED without definitions, which must not be empty.
    version
        HED version, such as ``"score_2.1.0"``.
    place
        Where the HED is from, for messages.
    schema_folder
        Folder of schemas that hedtools does not include.

    Raises
    ------
    ConfigError
        The HED is not valid, or the version is not available. A tag that the schema lacks is named
        with the most similar one.

    Examples
    --------
    >>> check_hed("Sharp-wav", "score_2.1.0", place="wave")
    Traceback (most recent call last):
    ...
    bids_dl.errors.ConfigError: wave: Sharp-wav is no tag of score_2.1.0; did you mean Sharp-wave?
    """
    if not text.strip(", "):
        raise ConfigError(f"{place}: the HED is empty; write at least one tag")
    versions = requested_versions(place, None, version)
    schema = load_schema(versions, schema_folder, dataset=place, is_override=True)
    string = HedString(text, schema)
    issues = HedValidator(schema).validate(string, allow_placeholders=False)
    errors = [issue for issue in issues if issue["severity"] == ERROR_SEVERITY]
    if not errors:
        return
    if advice := _advise_on_tags(text, schema, version):
        raise ConfigError(f"{place}: {advice}")
    reason = one_line(str(errors[0]["message"]).splitlines()[0], max_chars=MAX_REASON_CHARS)
    raise ConfigError(f"{place}: HED {one_line(text)!r} is not valid: {reason}")


def _advise_on_tags(text: str, schema: Any, version: str) -> str:
    """Describe the first tag that a schema lacks, "" if it has all."""
    known = schema_tags(schema)
    for match in TAG.finditer(text):
        tag = match[0].strip()
        names = tag.casefold().split("/")
        if not tag or any(name in known for name in names):
            continue
        close = get_close_matches(names[0], list(known), n=1, cutoff=MIN_TAG_SIMILARITY)
        problem = f"{one_line(tag)} is no tag of {version}"
        if close:
            return f"{problem}; did you mean {known[close[0]].rpartition('/')[2]}?"
        return f"{problem}; see https://www.hedtags.org for its tags"
    return ""
