"""People whose row of participants.tsv meets the conditions of --where."""

from __future__ import annotations

import doctest

import pytest
from bids_folder import EVENTS, write_folder

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import SourceError
from bids_dl.source.dataset import open_dataset
from bids_dl.source.recordings import person_filter
from bids_dl.source.recordings.listing import list_recordings

PEOPLE = (
    "participant_id\tage\tsex\nsub-01\t18\tF\nsub-02\t30.0\tM\nsub-03\tn/a\tF\nsub-1\t44\tn/a\n"
)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(person_filter).failed == 0


@pytest.fixture
def dataset(tmp_path):
    """Dataset of five people with a recording each, of whom the last has no row."""
    files = {f"sub-{name}/eeg/sub-{name}_task-x_events.tsv": EVENTS for name in ("01", "02", "03")}
    files |= {f"sub-{name}/eeg/sub-{name}_task-x_events.tsv": EVENTS for name in ("1", "9")}
    folder = write_folder(tmp_path / "ds", files | {"participants.tsv": PEOPLE})
    return open_dataset(str(folder))


@pytest.mark.parametrize(
    ("where", "subjects"),
    [
        (("age=18..30",), ["01", "02"]),
        (("age=30",), ["02"]),
        (("age=..20", "sex=F"), ["01"]),
        (("sex=F,M",), ["01", "02", "03"]),
        (("participant_id=01,sub-9",), ["01", "9"]),
        (("participant_id=0*",), ["01", "02", "03"]),
        (("participant_id=1",), ["1"]),
    ],
)
def test_only_people_that_meet_all_conditions_are_listed_and_counted(dataset, where, subjects):
    listing = list_recordings(dataset, SourceConfig(where=where))
    assert [recording.subject for recording in listing.recordings] == subjects
    shown = " ".join(f"--where {text}" for text in where)
    assert f"ds: {shown}: {len(subjects)} of 5 subjects" in listing.notes


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (("agee=3",), r"ds/participants\.tsv: --where agee=3: .* did you mean 'age'\?"),
        (("group=a",), r"no column 'group'; use one of age, sex"),
        (("sex=f",), "--where sex=f matches none of 5 subjects; values of sex: F, M"),
        (("age=70..",), r"values of age: 18, 30\.0, 44"),
        (
            ("sex=M", "age=..20"),
            r"match none of 5 subjects together \(each alone: sex=M 1, age=\.\.20 1\)",
        ),
    ],
)
def test_a_condition_that_selects_nobody_is_an_error_with_the_columns_or_values(
    dataset, where, message
):
    with pytest.raises(SourceError, match=message):
        list_recordings(dataset, SourceConfig(where=where))


def test_a_condition_needs_participants_tsv(tmp_path):
    folder = write_folder(tmp_path / "ds", {"sub-1/eeg/sub-1_task-x_events.tsv": EVENTS})
    with pytest.raises(SourceError, match=r"ds: --where age=3 needs a column of participants\.tsv"):
        list_recordings(open_dataset(str(folder)), SourceConfig(where=("age=3",)))
