"""Logs of answers and derivatives in tests."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hed import Sidecar, TabularInput, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl.annotate.answers.items import example_answer, make_item
from bids_dl.annotate.answers.journal import Journal

CLASSES = {
    "spike": {"hed": "Epileptiform-interictal-activity, Spike", "key": 1},
    "wave": {"hed": "Epileptiform-interictal-activity, Sharp-wave", "key": 2},
}


def write_classes(folder: Path, classes: Mapping[str, Any] = CLASSES) -> None:
    """Write the classes file of a folder of annotations."""
    (folder / "code").mkdir(parents=True, exist_ok=True)
    (folder / "code" / "classes.yaml").write_text(yaml.safe_dump(dict(classes)))


def append_answers(
    folder: Path, recording: str, answers: Sequence[tuple[float, float, str]], **fields: Any
) -> None:
    """Append answers (onset and duration in s, label) about a recording to the log of a folder."""
    journal = Journal(folder)
    for onset, duration, label in answers:
        dataset = fields.get("dataset", "ds1")
        item = make_item(dataset, recording, onset, duration)
        line = example_answer(
            id=str(uuid.uuid4()),
            recording=recording,
            onset=onset,
            duration=duration,
            label=label,
            item=item.id,
            purpose=item.purpose,
        )
        journal.append(line | fields)


def hed_issues(folder: Path, table: Path, sidecar: str) -> list[str]:
    """Validate a table by hedtools' own validator, and return the codes of all issues."""
    description = json.loads((folder / "dataset_description.json").read_text())
    schema = load_schema_version(description["HEDVersion"], xml_folder=INSTALLED_CACHE_LOCATION)
    parsed = Sidecar(str(folder / sidecar))
    issues = [*parsed.validate(schema)]
    issues += TabularInput(str(table), sidecar=parsed).validate(schema)
    return [str(issue["code"]) for issue in issues]
