"""Events of synthetic recordings and their HED."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from hed import HedString, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl.config.stages import EventsConfig, LabelConfig, SourceConfig, WindowsConfig
from bids_dl.planning.survey import survey_sources
from bids_dl.testing import EYES_HED, make_dataset
from bids_dl.testing.events import HBN_HED


def test_events_have_the_samples_of_the_impulses(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1, sfreq=500)
    [recording] = dataset.recordings
    rows = pd.read_csv(tmp_path / f"{recording.path}_events.tsv", sep="\t")
    impulses = rows["sample"][rows["trial_type"] == "impulse"].to_numpy()
    assert len(impulses) == 2 * dataset.design.n_blocks
    largest = np.argsort(recording.signals()[0])[-len(impulses) :]
    assert sorted(largest) == sorted(impulses)
    assert (np.floor(rows["onset"] * 500 + 0.5) == rows["sample"]).all()
    assert rows["onset"].is_monotonic_increasing


def test_hed_of_the_eyes_task_is_valid(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1)
    description = json.loads((dataset.root / "dataset_description.json").read_text())
    schema = load_schema_version(description["HEDVersion"], xml_folder=INSTALLED_CACHE_LOCATION)
    for text in EYES_HED.values():
        issues = HedString(text, schema).validate()
        assert not [issue for issue in issues if issue["severity"] < 10]


def test_the_hbn_task_has_six_open_and_five_closed_blocks_without_durations(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=2, sfreq=100, events="hbn")
    starts = set()
    for recording in dataset.recordings:
        path = tmp_path / f"{recording.path}_events.tsv"
        rows = pd.read_csv(path, sep="\t", keep_default_na=False)
        assert rows["value"].tolist() == [
            "resting_start",
            *["instructed_toOpenEyes", "instructed_toCloseEyes"] * 5,
            "instructed_toOpenEyes",
        ]
        assert set(rows["duration"]) == {"n/a"}
        np.testing.assert_allclose(np.diff(rows["onset"])[1:], [20, 40] * 5)
        assert rows["event_code"].tolist() == [90, *[20, 30] * 5, 20]
        last = recording.events[-1]
        assert last.sample + last.n_times <= recording.n_times
        starts.add(rows["onset"][1])
    assert len(starts) == 2


def test_hed_of_the_hbn_task_is_valid_and_selects_its_closed_blocks(tmp_path):
    make_dataset(tmp_path, n_subjects=1, sfreq=100, events="hbn", ch_names=("Cz", "O1", "O2", "Pz"))
    label = LabelConfig("closed", "Label/now-close-your-eyes", until="Label/now-open-your-eyes")
    survey = survey_sources(
        [str(tmp_path)],
        SourceConfig(),
        EventsConfig(labels=(label,)),
        WindowsConfig(window=2.0, stride=2.0),
    )
    assert [round(event.end - event.onset, 6) for event in survey.events] == [40] * 5
    assert len(survey.window_plan.windows) == 100


def test_prompts_of_the_hbn_task_differ_only_in_their_label():
    open_prompt = HBN_HED["instructed_toOpenEyes"]
    close_prompt = HBN_HED["instructed_toCloseEyes"]
    assert open_prompt.replace("open", "close") == close_prompt
