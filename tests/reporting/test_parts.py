"""What the page of a store is counted from: causes, steps, spectra, and the request as options."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import yaml

from bids_dl.config.parsing import request as request_of
from bids_dl.reporting.charts import recording_chart
from bids_dl.reporting.message_groups import MessageGroup, grouped
from bids_dl.reporting.recordings import Change, RecordingReport
from bids_dl.reporting.reproduce import options_file
from bids_dl.reporting.spectra import Spectra, bands
from bids_dl.reporting.steps import Share, others, steps


def test_the_same_cause_with_other_numbers_channels_and_files_is_one():
    said = [
        ("ds/sub-1/eeg/sub-1", "sub-1/eeg/sub-1_eeg.edf: 12.5 uV on Fp1, 300 allowed"),
        ("ds/sub-1/eeg/sub-1", "sub-1/eeg/sub-1_eeg.edf: 12.5 uV on Fp10, 300 allowed"),
        ("ds/sub-2/eeg/sub-2", "sub-2/eeg/sub-2_eeg.edf: -7 uV on C3, 300 allowed"),
        ("ds/sub-2/eeg/sub-2", "positions of standard_1005"),
    ]
    first, second = grouped(said, channels={"Fp1", "Fp10", "C3"})
    assert first == MessageGroup(
        "…_eeg.edf: … uV on …, 300 allowed",
        said[0][1],
        False,
        3,
        ("ds/sub-1/eeg/sub-1", "ds/sub-2/eeg/sub-2"),
    )
    assert second == MessageGroup(said[3][1], said[3][1], True, 1, ("ds/sub-2/eeg/sub-2",))


def _change(
    step: str,
    share: float,
    *notes: str,
    channels: tuple[str, ...] = (),
    seconds: float | None = 1.0,
) -> Change:
    return Change(step, channels, share, seconds, notes)


def test_steps_of_one_name_are_told_apart_by_their_order():
    recipe = [
        {"reference": {"channels": "average", "template": None}},
        {"filter": None},
        {"reference": {"channels": ["M1", "M2"]}},
    ]
    changes = [(0.1, 0.3), (0.2, 0.6), (0.3, 0.3)]
    recordings = [
        RecordingReport(
            f"ds/{i}",
            5,
            60.0,
            0,
            (
                _change("read", 0, "low"),
                _change("reference", a),
                _change("filter", 1),
                _change("reference", b),
            ),
            (),
        )
        for i, (a, b) in enumerate(changes)
    ]
    first, _, second = steps(recipe, recordings)
    assert first.share == Share(0.1, 0.2, 0.3)
    assert second.share == Share(0.3, 0.3, 0.6)
    assert first.parameters == (("channels", "average"),)
    assert second.parameters == (("channels", "M1, M2"),)
    [read] = others(recipe, recordings)
    assert (read.name, [note.text for note in read.notes]) == ("read", ["low"])


def test_flags_channels_and_windows_left_out_are_counted_by_recording():
    dropped = ((1.0, "reject: 400 µV"), (2.0, "reject: 500 µV"), (3.0, "it ends at 3 s"))
    recordings = [
        RecordingReport(
            "ds/a",
            5,
            60.0,
            0,
            (
                _change(
                    "reject",
                    0.9,
                    "changed nearly everything: 90% of the windows",
                    channels=("Cz", "Fz"),
                ),
            ),
            dropped,
        ),
        RecordingReport("ds/b", 5, 60.0, 0, (_change("reject", 0.0, "changed nothing"),), ()),
        RecordingReport(
            "ds/c", 5, 60.0, 0, (_change("reject", 0.1, channels=("Cz",), seconds=None),), ()
        ),
    ]
    [step] = steps([{"reject": {"peak_to_peak": 300.0}}], recordings)
    assert (step.nearly_all, step.nothing, step.notes) == (("ds/a",), ("ds/b",), ())
    assert (step.touched, step.with_channels, step.left_out) == ((("Cz", 2), ("Fz", 1)), 2, 2)
    assert step.seconds is None  # one recording does not say


def test_levels_of_bands_are_medians_over_recordings_that_have_the_band():
    frequency = np.arange(1.0, 101.0)
    power = np.stack([np.full(100, 1.0), np.full(100, 100.0), np.full(100, 10_000.0)])
    levels = 10 * np.log10(power)
    levels[2, frequency > 20] = np.nan
    found = {
        band.name: band for band in bands(Spectra(frequency, levels, np.full_like(levels, np.nan)))
    }
    assert found["alpha"].before == pytest.approx(20.0)
    assert found["gamma"].before == pytest.approx(10.0)
    assert found["alpha"].after is None


def test_a_curve_stays_in_its_chart_and_ends_where_it_leaves_it():
    frequency = np.arange(1.0, 101.0)
    level = np.where(frequency < 50, 10.0, -90.0)
    chart = recording_chart(frequency, np.full(100, 12.0), level)
    points = np.array(
        [[float(number) for number in point.split(",")] for point in chart.curves[1].line.split()]
    )
    assert len(points) == 50
    assert ((points >= [chart.left, 0]) & (points <= [chart.width, chart.bottom])).all()
    assert recording_chart(frequency, np.full(100, np.nan), np.full(100, np.nan)) is None


@pytest.mark.parametrize(
    "options",
    [
        {"hed": {"a": "Eyes-open"}, "window": 2},
        {
            "hed": {
                "a": {
                    "any": ["Eyes-open", {"all": ["Eyes-closed", "Rest"]}],
                    "until": 30,
                    "trim": [1, 2],
                    "exclude": ["Rest", "Shut"],
                },
                "yes": {
                    "hed": "Eyes-closed",
                    "until": "next",
                    "within": [1, 5],
                    "min_duration": 3,
                    "during": "Rest",
                    "around": ["Rest", 2],
                },
            },
            "aliases": {"Shut": ["Eyes-closed", "Close"]},
            "overlap": "each",
            "hed_strict": True,
            "subject": ["001"],
            "run": ["1", "2"],
            "tmin": -0.5,
            "tmax": 1.0,
            "split": "group",
            "seed": 3,
            "dtype": "int16",
        },
    ],
)
def test_the_options_on_the_page_ask_for_the_same(options):
    wanted = request_of(options)
    plain = json.loads(json.dumps(asdict(wanted))) | {"preprocess": {"name": "x", "steps": []}}
    again = request_of(
        {k: v for k, v in yaml.safe_load(options_file(plain)).items() if k != "recipe"}
    )
    assert again == wanted
