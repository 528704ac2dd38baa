from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import mne
import mne_bids
import numpy as np
import pandas as pd
import pytest
from hed import HedString, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl import source
from bids_dl.config.stages import EventsConfig, LabelConfig, SourceConfig, WindowsConfig
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.planning.survey import survey_sources
from bids_dl.testing import HED, NOISE, TONE, make_dataset
from bids_dl.testing.events import HBN_HED


def read(dataset, recording):
    """The recording as mne-bids reads it, in µV, and its header."""
    path = mne_bids.BIDSPath(
        root=dataset.root, subject=recording.subject, task="rest", run=recording.run, datatype="eeg"
    )
    raw = mne_bids.read_raw_bids(path, verbose="error")
    return raw.get_data() * 1e6, raw


def contents(dataset):
    return {
        path.relative_to(dataset.root): path.read_bytes()
        for path in dataset.root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("kind", "step"),
    [("edf", 0.05), ("bdf", 1e-3), ("brainvision", 1e-3), ("eeglab", 1e-4), ("eeglab-fdt", 1e-4)],
)
@pytest.mark.parametrize("sfreq", [100, 250, 512])
def test_what_mne_bids_reads_is_what_was_said(tmp_path, kind, step, sfreq):
    dataset = make_dataset(
        tmp_path, n_subjects=1, sfreq=sfreq, n_blocks=2, format=kind, bads=("C3",)
    )
    signals, raw = read(dataset, dataset.recordings[0])
    assert raw.info["sfreq"] == sfreq
    assert raw.info["bads"] == ["C3"]
    assert tuple(raw.ch_names) == dataset.recordings[0].ch_names
    np.testing.assert_allclose(signals, dataset.recordings[0].signals(), atol=step)


def test_equal_designs_write_equal_files_and_another_seed_does_not(tmp_path):
    first, second, other = (
        make_dataset(tmp_path / name, n_subjects=2, n_runs=2, seed=seed)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert contents(first) == contents(second)
    assert contents(first) != contents(other)
    assert not np.array_equal(first.recordings[0].signals(), other.recordings[0].signals())


def test_events_name_the_samples_of_the_impulses(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1, sfreq=500)
    [recording] = dataset.recordings
    rows = pd.read_csv(tmp_path / f"{recording.path}_events.tsv", sep="\t")
    named = rows["sample"][rows["trial_type"] == "impulse"].to_numpy()
    assert len(named) == 2 * dataset.design.n_blocks
    highest = np.argsort(recording.signals()[0])[-len(named) :]
    assert sorted(highest) == sorted(named)
    assert (np.floor(rows["onset"] * 500 + 0.5) == rows["sample"]).all()
    assert rows["onset"].is_monotonic_increasing


def test_blocks_tile_the_recording_and_alpha_is_in_the_closed_ones(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1)
    [recording] = dataset.recordings
    blocks = [event for event in recording.events if event.n_times]
    assert [event.label for event in blocks] == ["open", "closed", "open", "closed"]
    assert [event.sample for event in blocks] == [0, 1600, 3200, 4800]
    signals = recording.signals()[recording.ch_names.index("O1")]
    power = []
    for event in blocks:
        spectrum = np.abs(np.fft.rfft(signals[event.sample : event.sample + event.n_times])) ** 2
        power.append(spectrum[80:131].mean())
    assert min(power[1], power[3]) > 10 * max(power[0], power[2])


def test_each_tone_has_the_amplitude_that_was_said(tmp_path):
    [recording] = make_dataset(tmp_path, n_subjects=1).recordings
    signals = recording.signals()
    times = np.arange(signals.shape[1]) / recording.design.sfreq
    measured = 2 * (signals * np.sin(2 * np.pi * TONE * times)).mean(-1)
    np.testing.assert_allclose(measured, recording.tones, atol=0.1 * NOISE)


def test_its_hed_is_valid(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1)
    description = json.loads((dataset.root / "dataset_description.json").read_text())
    schema = load_schema_version(description["HEDVersion"], xml_folder=INSTALLED_CACHE_LOCATION)
    for text in HED.values():
        assert not [issue for issue in HedString(text, schema).validate() if issue["severity"] < 10]


def test_a_whole_hydrocel_net_has_the_positions_of_its_template(tmp_path):
    dataset = make_dataset(
        tmp_path, n_subjects=1, n_blocks=1, template="GSN-HydroCel-129", ch_names=()
    )
    signals, raw = read(dataset, dataset.recordings[0])
    assert signals.shape[0] == 129
    template = mne.create_info(raw.ch_names, 1.0, "eeg").set_montage("GSN-HydroCel-129")
    measured, wanted = (
        np.array([channel["loc"][:3] for channel in info["chs"]]) for info in (raw.info, template)
    )
    np.testing.assert_allclose(measured, wanted, atol=2e-6)


def test_bids_fields_that_others_rely_on_are_there(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=3)
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert {"License", "Authors", "DatasetDOI", "HEDVersion", "BIDSVersion", "Name"} <= set(
        description
    )
    people = pd.read_csv(tmp_path / "participants.tsv", sep="\t")
    assert list(people["participant_id"]) == [
        f"sub-{recording.subject}" for recording in dataset.recordings
    ]
    assert set(people["sex"]) == {"F", "M"}


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"n_subject": 3}, "n_subject"),
        ({"format": "fif"}, "format"),
        ({"sfreq": 0}, "sfreq"),
        ({"bads": ("Nz",)}, "Nz"),
        ({"ch_names": ("Cz", "XX")}, "synthetic dataset"),
        ({"template": "nowhere"}, "synthetic dataset"),
        ({"events": "hbn", "n_blocks": 3}, "n_blocks and block_duration are those of events eyes"),
        ({"broken": "companion"}, "edf is one file"),
        (
            {"format": "brainvision", "boundaries": (3,)},
            "brainvision files have no such annotation",
        ),
        ({"variants": [{"seed": 3}]}, "seed cannot differ between subjects"),
        ({"variants": [{}, {"sfreq": 3}]}, "sfreq"),
        ({"variants": [{}, {"template": "nowhere"}]}, "synthetic dataset"),
        ({"dropouts": [(39, 2)]}, "reach 41 s, recordings last 40 s"),
        (
            {"sfreq": 1000, "block_duration": 3600},
            "recordings of 115,200,000 values are written as brainvision only",
        ),
    ],
)
def test_a_wrong_design_is_refused_before_anything_is_written(tmp_path, design, message):
    with pytest.raises(ConfigError, match=message) as refused:
        make_dataset(tmp_path / "new", **design)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "new").exists()


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="pip install edfio"):
        make_dataset(tmp_path)


def opened(dataset):
    """Each recording's content, and what `source` makes of its file: samples in µV and header, or the failure."""
    bids = source.open_dataset(str(dataset.root))
    for content, recording in zip(
        dataset.recordings, source.find_recordings(bids, SourceConfig()), strict=True
    ):
        assert recording.path == content.path
        try:
            header = source.read_header(bids, recording)
            with source.open_raw(bids, recording) as raw:
                yield content, raw.get_data() * 1e6, header
        except RecordingError as problem:
            yield content, None, problem


@pytest.mark.parametrize("kind", ["eeglab", "eeglab-fdt", "edf", "bdf"])
def test_boundaries_are_where_they_were_asked_for(tmp_path, kind):
    dataset = make_dataset(tmp_path, n_subjects=1, sfreq=250, format=kind, boundaries=(5.0, 12.2))
    [(content, signals, header)] = opened(dataset)
    np.testing.assert_allclose(
        header.boundaries, (5.0, 12.2), atol=0.5 / 250 + 1e-9
    )  # EEGLAB's lie between two samples
    np.testing.assert_allclose(signals, content.signals(), atol=0.05)


@pytest.mark.parametrize("kind", ["eeglab", "eeglab-fdt"])
def test_eeglab_files_are_equal_whenever_they_are_written(tmp_path, kind, monkeypatch):
    first = make_dataset(tmp_path / "a", n_subjects=1, n_blocks=1, format=kind)
    monkeypatch.setattr("time.asctime", lambda: "another time")
    assert contents(first) == contents(
        make_dataset(tmp_path / "b", n_subjects=1, n_blocks=1, format=kind)
    )


def test_sessions_are_in_paths_and_have_their_own_noise(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1, n_sessions=2, n_blocks=1)
    assert [recording.path for recording in dataset.recordings] == [
        f"sub-001/ses-0{i}/eeg/sub-001_ses-0{i}_task-rest_run-1" for i in (1, 2)
    ]
    one, two = (signals for _, signals, _ in opened(dataset))
    assert np.abs(one - two).max() > NOISE


def test_dropouts_are_zero_and_nothing_else_is(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1, format="bdf", dropouts=[(3.0, 1.5)])
    [(_, signals, _)] = opened(dataset)
    lost = slice(3 * 160, 4 * 160 + 80)
    assert np.abs(signals[:, lost]).max() < 1e-3
    signals[:, lost] = 1
    assert not (np.abs(signals) < 1e-3).all(0).any()


def test_variants_come_in_turn_and_each_recording_knows_its_own(tmp_path):
    variants = [
        {},
        {"sfreq": 250, "format": "eeglab"},
        {"template": "GSN-HydroCel-129", "ch_names": []},
    ]
    dataset = make_dataset(tmp_path, n_subjects=4, n_blocks=2, variants=variants)
    found = [(header.sfreq, len(header.ch_names)) for _, _, header in opened(dataset)]
    assert found == [(160, 8), (250, 8), (160, 129), (160, 8)]
    assert [recording.design.sfreq for recording in dataset.recordings] == [160, 250, 160, 160]
    for content, signals, _ in opened(dataset):
        np.testing.assert_allclose(signals, content.signals(), atol=0.05)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("edf", "truncated"),
        ("edf", "empty"),
        ("bdf", "pointer"),
        ("edf", "link"),
        ("brainvision", "truncated"),
        ("brainvision", "empty"),
        ("brainvision", "companion"),
        ("brainvision", "link"),
        ("eeglab", "truncated"),
        ("eeglab-fdt", "truncated"),
        ("eeglab-fdt", "companion"),
        ("eeglab-fdt", "pointer"),
    ],
)
def test_a_broken_file_is_not_read_whole(tmp_path, kind, broken):
    dataset = make_dataset(tmp_path, n_subjects=1, n_blocks=2, format=kind, broken=broken)
    [(content, signals, _)] = opened(dataset)
    assert (
        signals is None
        or signals.shape[1] < content.n_times
        or not np.allclose(signals, content.signals(), atol=0.05)
    )
    healthy = make_dataset(tmp_path / "healthy", n_subjects=1, n_blocks=2, format=kind)
    damaged = {
        name
        for name, content in contents(healthy).items()
        if contents(dataset).get(name) != content
    }
    assert all(name.suffix in {".edf", ".bdf", ".set", ".fdt", ".eeg", ".vmrk"} for name in damaged)
    assert damaged


def test_the_hbn_task_has_six_open_and_five_closed_blocks_without_durations(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=2, sfreq=100, events="hbn")
    starts = set()
    for content in dataset.recordings:
        rows = pd.read_csv(tmp_path / f"{content.path}_events.tsv", sep="\t", keep_default_na=False)
        assert rows["value"].tolist() == [
            "resting_start",
            *["instructed_toOpenEyes", "instructed_toCloseEyes"] * 5,
            "instructed_toOpenEyes",
        ]
        assert set(rows["duration"]) == {"n/a"}
        np.testing.assert_allclose(np.diff(rows["onset"])[1:], [20, 40] * 5)
        assert rows["event_code"].tolist() == [90, *[20, 30] * 5, 20]
        assert content.events[-1].sample + content.events[-1].n_times <= content.n_times
        starts.add(rows["onset"][1])
    assert len(starts) == 2


def test_hed_of_the_hbn_task_is_valid_and_selects_its_closed_blocks(tmp_path):
    make_dataset(tmp_path, n_subjects=1, sfreq=100, events="hbn", ch_names=("Cz", "O1", "O2", "Pz"))
    label = LabelConfig("closed", "Label/now-close-your-eyes", until="Label/now-open-your-eyes")
    found = survey_sources(
        [str(tmp_path)],
        SourceConfig(),
        EventsConfig(labels=(label,)),
        WindowsConfig(size=2.0, stride=2.0),
    )
    assert [round(event.end - event.onset, 6) for event in found.events] == [40] * 5
    assert len(found.cut.windows) == 100


def test_prompts_of_the_hbn_task_differ_in_their_label_only():
    texts = [
        HBN_HED[name].replace("open", "*").replace("close", "*")
        for name in ("instructed_toOpenEyes", "instructed_toCloseEyes")
    ]
    assert texts[0] == texts[1]


def test_a_recording_written_channel_by_channel_is_what_was_said(tmp_path, monkeypatch):
    monkeypatch.setattr("bids_dl.testing.files.LONG", 0)
    monkeypatch.setattr("bids_dl.testing.files.SLAB", 1000)
    dataset = make_dataset(tmp_path, n_subjects=1, sfreq=250, format="brainvision")
    [(content, signals, header)] = opened(dataset)
    assert (header.sfreq, header.ch_names, header.n_times) == (250, content.ch_names, 10_000)
    np.testing.assert_allclose(signals, content.signals(), atol=1e-4)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc"
)
def test_a_long_recording_takes_little_memory(tmp_path):
    code = (
        "import sys; from bids_dl.testing import make_dataset;"
        "make_dataset(sys.argv[1], n_subjects=1, format='brainvision', sfreq=1000, n_blocks=2, block_duration=600, "
        "template='biosemi64', ch_names=());"
        "[peak] = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')]; print(int(peak) * 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert (
        int(done.stdout) < 64 * 1000 * 1200 * 8
    )  # bytes of its samples; written whole it takes three times as many
    assert next(tmp_path.rglob("*.eeg")).stat().st_size == 64 * 1000 * 1200 * 4
