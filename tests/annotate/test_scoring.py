from __future__ import annotations

import doctest
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bids_dl.annotate import scoring
from bids_dl.annotate.scoring import (
    SEIZURES,
    SPIKES,
    ScoringRules,
    count_events,
    find_detections,
    score_events,
)
from bids_dl.config.annotation_stage import DetectionConfig
from bids_dl.errors import ConfigError, EventError

pytest.importorskip("timescoring")
HOUR = 3600.0


def spikes(n: int, *, seed: int = 0) -> list[tuple[float, float]]:
    """Return spikes of 0.07 s, at least a second apart, within an hour."""
    rng = np.random.default_rng(seed)
    onsets = np.sort(rng.choice(int(HOUR) - 2, n, replace=False)) + rng.uniform(0, 0.5, n)
    return [(float(onset), float(onset + 0.07)) for onset in onsets]


def as_table(recording: str, events: list[tuple[float, float]]) -> pd.DataFrame:
    onsets, ends = np.array(events, float).reshape(-1, 2).T
    table = pd.DataFrame({"onset": onsets, "duration": ends - onsets})
    return table.assign(dataset="ds1", recording=recording)


def list_recordings(*names: str) -> pd.DataFrame:
    subjects = [name.split("_")[0] for name in names]
    table = pd.DataFrame({"subject": subjects, "recording": names})
    return table.assign(dataset="ds1", duration=HOUR)


def test_half_of_180_spikes_are_half_and_not_all_of_them():
    events = spikes(180)
    counted = count_events(events, events[::2], HOUR, SPIKES)
    assert (counted.n_reference, counted.n_found, counted.n_false) == (180, 90, 0)
    trap = count_events(events, events[::2], HOUR, SEIZURES)
    assert trap.n_found == trap.n_reference < 20


def test_a_spike_that_is_shorter_than_a_step_is_found_and_an_alarm_of_it_counts():
    event = (1.021, 1.024)
    counted = count_events([event], [event, (7.001, 7.002)], 60.0, SPIKES)
    assert (counted.n_found, counted.n_false) == (1, 1)


@pytest.mark.parametrize(("delay", "is_found"), [(0.08, True), (0.14, False)])
def test_a_detection_finds_a_spike_within_a_tenth_of_a_second(delay, is_found):
    events = [(10.0, 10.05)]
    after = count_events(events, [(10.05 + delay, 10.2 + delay)], 60.0, SPIKES)
    before = count_events(events, [(9.9 - delay, 10.0 - delay)], 60.0, SPIKES)
    for counted in (after, before):
        assert (counted.n_found, counted.n_false) == (int(is_found), int(not is_found))


def test_a_detection_of_everything_is_no_perfect_detector():
    events = spikes(180)
    counted = count_events(events, [(0.0, HOUR)], HOUR, SPIKES)
    assert counted.n_found == 180
    assert counted.n_false > 1500
    trusting = count_events(events, [(0.0, HOUR)], HOUR, replace(SPIKES, longest=2 * HOUR))
    assert trusting.n_false == 0


def test_the_rules_of_seizures_count_as_the_library_does():
    from timescoring.annotations import Annotation
    from timescoring.scoring import EventScoring

    rng = np.random.default_rng(0)
    n_seconds = 4 * int(HOUR)
    lists = []
    for n in (12, 20):
        onsets = np.sort(rng.integers(n_seconds - 500, size=n))
        lists.append([(float(onset), float(onset + rng.integers(10, 400))) for onset in onsets])
    masks = np.zeros((2, n_seconds), bool)
    for mask, events in zip(masks, lists, strict=True):
        for start, end in events:
            mask[int(start) : int(end)] = True
    expected = EventScoring(*(Annotation(mask, 1) for mask in masks))
    counted = count_events(*lists, n_seconds, SEIZURES)
    assert (counted.n_reference, counted.n_found, counted.n_false) == (
        *(expected.refTrue, expected.tp, expected.fp),
    )
    assert counted.n_found > 0
    assert counted.n_false > 0


def test_the_order_of_events_changes_nothing():
    events, found = spikes(40), spikes(30, seed=1)
    expected = count_events(events, found, HOUR, SPIKES)
    assert count_events(events[::-1], found[::-1], HOUR, SPIKES) == expected


def test_a_short_event_within_a_long_one_does_not_shorten_it():
    counted = count_events([(10.0, 60.0)], [(0.0, 100.0), (2.0, 3.0)], 400.0, SEIZURES)
    assert (counted.n_found, counted.n_false) == (1, 0)


def test_scores_are_by_person_and_the_total_has_an_interval_over_persons():
    events = spikes(60)
    tables = {name: as_table(name, events) for name in ("01_a", "01_b", "02_a", "03_a")}
    reference = pd.concat([tables[name] for name in ("01_a", "01_b", "02_a")])
    alarms = [(start + 0.5, end + 0.5) for start, end in events[:6]]
    detected = pd.concat(
        [tables["01_a"], tables["02_a"].iloc[:30], as_table("03_a", alarms), tables["01_b"]]
    )
    scores = score_events(reference, detected, list_recordings(*tables), SPIKES)
    people = scores.people.set_index("subject")
    assert people["hours"].tolist() == [2, 1, 1]
    assert people["n_reference"].tolist() == [120, 60, 0]
    assert people["sensitivity"].tolist()[:2] == [1, 0.5]
    assert np.isnan(people.loc["03", ["sensitivity", "sensitivity_low"]].to_numpy(float)).all()
    assert people.loc["03", "precision"] == 0
    assert people.loc["03", "false_per_hour"] == 6
    assert people.loc["03", "false_per_day"] == 144
    assert people.loc["02", "f1"] == pytest.approx(2 / 3)
    assert people.loc["02", "sensitivity_low"] < 0.5 < people.loc["02", "sensitivity_high"]
    total = scores.total
    assert total["sensitivity"]["value"] == 150 / 180
    assert total["false_per_hour"]["value"] == 1.5
    assert total["precision"]["low"] <= total["precision"]["value"] <= total["precision"]["high"]


def test_the_interval_of_a_rate_is_that_of_a_poisson_distribution():
    recordings = list_recordings("01_a")
    nothing = as_table("01_a", [])
    scores = score_events(nothing, as_table("01_a", spikes(10)), recordings, SPIKES)
    limits = scores.people.loc[0, ["false_per_hour_low", "false_per_hour_high"]].tolist()
    assert limits == pytest.approx([4.795, 18.390], abs=1e-3)  # tables of Garwood 1936
    none = score_events(nothing, nothing, recordings, SPIKES)
    limits = none.people.loc[0, ["false_per_hour_low", "false_per_hour_high"]].tolist()
    assert limits == pytest.approx([0, 3.689], abs=1e-3)
    assert np.isnan(none.total["sensitivity"]["value"])
    assert np.isnan(none.total["false_per_hour"]["low"])  # one person has no bootstrap


def test_windows_are_joined_as_detections_are_written():
    onsets = np.array([0.0, 1.0, 5.0, 9.0])
    table = pd.DataFrame({"onset": onsets, "p_spike": [0.9, 0.8, 0.2, 0.7]})
    table = table.assign(dataset="ds1", recording="01_a")
    config = DetectionConfig(threshold=0.5, min_length=1.5)
    found = find_detections(table, "p_spike", 1.0, config)
    assert found[["onset", "duration", "probability"]].to_numpy().tolist() == [[0.0, 2.0, 0.9]]
    nothing = find_detections(table, "p_spike", 1.0, DetectionConfig(threshold=0.95))
    scores = score_events(found, nothing, list_recordings("01_a"), SPIKES)
    assert scores.people["sensitivity"].tolist() == [0]


def test_events_outside_their_recording_or_of_an_unknown_one_are_refused():
    recordings = list_recordings("01_a")
    wrong = as_table("01_a", [(HOUR, HOUR + 1)])
    with pytest.raises(EventError, match=r"^ds1/01_a: detected event from 3600 to 3601 s is not"):
        score_events(as_table("01_a", []), wrong, recordings, SPIKES)
    with pytest.raises(EventError, match=r"^ds1/09_a: has an event, but is not in the list"):
        score_events(as_table("09_a", [(1, 2)]), wrong, recordings, SPIKES)


@pytest.mark.parametrize("change", [{"before": -1.0}, {"precision": 0.0}, {"merge": np.nan}])
def test_rules_out_of_range_are_refused(change):
    [name] = change
    with pytest.raises(ConfigError, match=rf"^scoring rules: {name} .*: expected"):
        ScoringRules(**{"before": 0.0, "after": 0.0, "merge": 0.0, "longest": 1.0} | change)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(scoring).failed == 0
