"""Sources to stores, whole: on the real sample, with real worker processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray

import bids_dl
from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError, RecordingError, StoreError, WindowError
from bids_dl.pipeline import process

EYES = {"hed": {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}, "window": 2, "stride": 2}
COMMAND = (sys.executable, "-m", "bids_dl.cli", "convert")
QUERIES = (
    "--hed",
    "eyes_open=Eyes-open",
    "--hed",
    "eyes_closed=Eyes-closed",
    "--window",
    "2",
    "--stride",
    "2",
)


def convert(source: Path, dest: Path, **options):
    return bids_dl.convert(str(source), str(dest), **EYES | {"jobs": 2} | options)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def outlives(group: int, seconds: float) -> bool:
    """Whether any process of a group is there after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def test_a_store_holds_each_planned_window_in_the_order_of_the_recordings(eyes_store):
    table = bids_dl.open_store(str(eyes_store)).table
    assert len(table) == 240
    assert table["recording"].drop_duplicates().tolist() == [
        f"sub-00{i}/eeg/sub-00{i}_task-motion_run-{run}" for i in range(1, 5) for run in "12"
    ]
    assert (
        table.groupby("recording")["onset"]
        .apply(list)
        .map(lambda onsets: onsets == [2.0 * i for i in range(30)])
        .all()
    )
    assert (table["end_rule"] == "recording").all()
    assert (table["label"] == np.where(table["run"] == "1", "eyes_open", "eyes_closed")).all()
    assert (
        table["hed"].iloc[0] == "Agent-action,Experiment-participant,Eyes-open,Participant-response"
    )


def test_participants_come_along_as_numbers_and_text(eyes_store):
    table = (
        bids_dl.open_store(str(eyes_store)).table.drop_duplicates("subject").set_index("subject")
    )
    assert table["Age"].to_dict() == {"001": 49.0, "002": 51.0, "003": 53.0, "004": 47.0}
    assert table["Handedness"].to_dict() == {"001": "R", "002": "R", "003": "L", "004": "n/a"}
    assert xarray.open_zarr(eyes_store)["Gender"].attrs["levels"] == {"F": "female", "M": "male"}


def test_signals_are_what_mne_alone_makes_of_the_file(eegbci, eyes_store):
    import mne

    raw = mne.io.read_raw_edf(
        eegbci / "sub-003/eeg/sub-003_task-motion_run-2_eeg.edf", preload=True, verbose="error"
    )
    raw.filter(0.5, 45.0, verbose="error").set_eeg_reference("average", verbose="error")
    raw.resample(128.0, method="polyphase", verbose="error")
    wanted = raw.get_data()[:, : 30 * 256].reshape(24, 30, 256).swapaxes(0, 1) * 1e6
    data = xarray.open_zarr(eyes_store)
    mine = ((data["subject"] == "003") & (data["label"] == "eyes_closed")).values
    np.testing.assert_allclose(data["signals"].values[mine], wanted, rtol=1e-5, atol=1e-4)


def test_alpha_is_where_the_eyes_are_closed(eyes_store):
    data = xarray.open_zarr(eyes_store)
    occipital = data["signals"].values[
        :, [list(data["channel"].values).index(name) for name in ("O1", "O2")]
    ]
    spectrum = np.abs(np.fft.rfft(occipital * np.hanning(256))) ** 2
    freqs = np.fft.rfftfreq(256, 1 / 128)
    alpha = spectrum[..., (freqs >= 8) & (freqs <= 13)].mean((1, 2))
    for subject in ("001", "002", "003", "004"):
        mine = (data["subject"] == subject).values
        closed = (data["label"] == "eyes_closed").values
        assert alpha[mine & closed].mean() > 3 * alpha[mine & ~closed].mean()


def test_recording_statistics_are_those_of_the_windows(eyes_store):
    store = bids_dl.open_store(str(eyes_store))
    first = store.read("signals")[:30].astype(np.float64)
    np.testing.assert_allclose(store.read("recording_mean")[0], first.mean((0, 2)), atol=1e-9)
    np.testing.assert_allclose(store.read("recording_std")[0], first.std((0, 2)), rtol=1e-9)
    assert store.read("recording_windows").tolist() == [30] * 8


def test_a_store_says_where_it_comes_from_and_what_was_done(eyes_store):
    said = bids_dl.open_store(str(eyes_store)).attributes
    [source] = said["sources"]
    assert (source["dataset"], source["licence"], source["recordings"]) == ("ds004362", "CC0", 8)
    assert source["authors"][0] == "Gerwin Schalk"
    assert [next(iter(step)) for step in said["request"]["preprocess"]["steps"]] == [
        "pick",
        "filter",
        "reference",
        "resample",
    ]
    assert said["classes"] == {"label": ["eyes_open", "eyes_closed"]}
    assert "Schalk" in (eyes_store / "README.md").read_text()
    assert "10.18112/openneuro.ds004362" in (eyes_store / "CITATION.cff").read_text()


def test_no_path_time_or_user_of_this_machine_is_in_a_store(eegbci, eyes_store):
    places = [str(eyes_store.parent), str(eegbci.parents[1]), str(Path.home()), os.uname().nodename]
    for name, content in contents(eyes_store).items():
        if "/c/" not in name:
            words = content.decode().replace('"', " ").split()
            assert not [
                place
                for place in places
                if place in words or (len(place) > 8 and place.encode() in content)
            ], name


@pytest.mark.slow
def test_dest_and_number_of_jobs_do_not_change_a_byte(eegbci, eyes_store, tmp_path):
    convert(eegbci, tmp_path / "elsewhere" / "other name.zarr", jobs=1)
    assert contents(tmp_path / "elsewhere" / "other name.zarr") == contents(eyes_store)


def test_the_same_plan_again_does_nothing(eegbci, eyes_store):
    before = {path: path.stat().st_mtime_ns for path in eyes_store.rglob("*")}
    outcome = convert(eegbci, eyes_store)
    assert outcome.unchanged
    assert outcome.n_windows == 240
    assert {path: path.stat().st_mtime_ns for path in eyes_store.rglob("*")} == before


def test_a_run_that_was_killed_between_its_last_two_writes_left_a_finished_store(
    eegbci, eyes_store
):
    before = contents(eyes_store)
    (eyes_store / "unfinished.json").write_text("{}")
    assert convert(eegbci, eyes_store).unchanged
    assert contents(eyes_store) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"set": {"filter.high": 40}}, "filter.high"),
        ({"window": 1}, "windows.size"),
        ({"seed": 1}, "splits"),
        ({"subject": ["001"]}, "subject"),
    ],
)
def test_another_plan_is_refused_with_what_differs(eegbci, eyes_store, change, named):
    with pytest.raises(StoreError, match="finished store of another plan") as refusal:
        convert(eegbci, eyes_store, **change)
    assert named.rpartition(".")[2] in str(refusal.value)


def test_a_changed_source_is_another_plan(eegbci_copy, tmp_path):
    convert(eegbci_copy, tmp_path / "a.zarr", subject=["001"])
    edf = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-2_eeg.edf"
    edf.write_bytes(edf.read_bytes()[:-2] + b"\x01\x02")
    with pytest.raises(
        StoreError, match=r"recordings\.ds004362/sub-001/eeg/sub-001_task-motion_run-2"
    ):
        convert(eegbci_copy, tmp_path / "a.zarr", subject=["001"])
    assert (
        convert(eegbci_copy, tmp_path / "a.zarr", subject=["001"], overwrite=True).n_windows == 60
    )


def test_a_folder_that_is_no_store_is_left_alone(eegbci, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="no bids-dl store"):
        convert(eegbci, tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").exists()


@pytest.fixture
def with_broken_files(eegbci_copy, shared):
    """The sample, two of its files replaced by real ones that were broken by accident."""
    for subject, broken in (("001", "crlf_S001R03.edf"), ("003", "zero-data-records.edf")):
        target = eegbci_copy / f"sub-{subject}/eeg/sub-{subject}_task-motion_run-1_eeg.edf"
        target.write_bytes((shared / "malformed" / broken).read_bytes())
    return eegbci_copy


def test_broken_recordings_are_named_with_stage_and_reason_and_the_rest_is_converted(
    with_broken_files, tmp_path
):
    outcome = convert(with_broken_files, tmp_path / "a.zarr")
    failed = {failure.recording: failure for failure in outcome.failures}
    assert set(failed) == {
        f"ds004362/sub-{i}/eeg/sub-{i}_task-motion_run-1" for i in ("001", "003")
    }
    assert all(
        failure.stage and failure.reason and str(tmp_path) not in failure.reason
        for failure in failed.values()
    )
    assert (outcome.exit_status, outcome.n_recordings, outcome.n_windows) == (3, 6, 180)
    again = convert(with_broken_files, tmp_path / "a.zarr")
    assert (again.exit_status, again.unchanged, set(again.failures)) == (
        3,
        True,
        set(outcome.failures),
    )


def test_recordings_with_other_channels_fail_at_the_stage_channels(eegbci_copy, shared, tmp_path):
    stem = "sub-002/eeg/sub-002_task-motion_run-1"
    for ending in ("channels.tsv", "electrodes.tsv", "eeg.json", "eeg.edf"):
        (eegbci_copy / f"{stem}_{ending}").write_bytes(
            (shared / "eegbci" / f"{stem}_{ending}").read_bytes()
        )
    outcome = convert(eegbci_copy, tmp_path / "a.zarr", subject=["001", "002"])
    [failure] = outcome.failures
    assert failure.stage == "channels"
    assert failure.reason.startswith("has also Fc5, Fc1, Fcz")
    assert bids_dl.open_store(str(tmp_path / "a.zarr")).shape == (90, 24, 256)


def test_when_nothing_can_be_converted_nothing_is_written(eegbci_copy, tmp_path):
    for edf in eegbci_copy.rglob("*.edf"):
        edf.write_bytes(b"broken")
    with pytest.raises(BidsDlError) as failure:
        convert(eegbci_copy, tmp_path / "a.zarr")
    assert failure.value.exit_status == 1
    assert not (tmp_path / "a.zarr").exists()
    assert not list(tmp_path.glob("*.staging"))


def test_a_recipe_that_no_recording_can_follow_is_said_with_the_step(eegbci, tmp_path):
    with pytest.raises(BidsDlError, match="none of 2 recordings can be converted"):
        convert(eegbci, tmp_path / "a.zarr", subject=["001"], set={"filter.high": 200})


def test_event_locked_windows_keep_what_lies_on_an_event_in_its_sample(tmp_path):
    """Sources of 160 and 250 Hz in one store of 128 Hz: the impulse at each event lies where `time` is 0."""
    from bids_dl.testing import make_dataset

    recipe = tmp_path / "plain.yaml"
    recipe.write_text("name: plain\nsteps:\n  - pick: {types: eeg}\n  - resample: {sfreq: 128}\n")
    folders = [
        str(make_dataset(tmp_path / f"ds00000{i}", n_subjects=1, n_runs=1, sfreq=rate).root)
        for i, rate in enumerate((160, 250))
    ]
    options = {
        "hed": {"impulse": "Label/Impulse"},
        "tmin": -0.2,
        "tmax": 0.3,
        "recipe": str(recipe),
        "jobs": 1,
    }
    bids_dl.convert(folders, str(tmp_path / "a.zarr"), **options)
    data = xarray.open_zarr(tmp_path / "a.zarr")
    assert set(data["dataset"].values) == {"ds000000", "ds000001"}
    peaks = np.abs(data["signals"].values[:, 0]).argmax(axis=1)  # the channel that has impulses
    assert (data["time"].values[peaks] == 0).all()


def once_failing(key):
    """Stands for Dask with a worker that is killed by one recording; the others are staged in this process."""

    def run_tasks(tasks, _config):
        for task in tasks:
            killed = task.recording.key == key
            yield (
                task,
                Failure(key, "worker", "its worker process was killed twice", transient=True)
                if killed
                else process.stage(task),
            )

    return run_tasks


def test_what_failed_in_passing_is_tried_again_and_the_finished_store_stays_until_it_is_overwritten(
    eegbci, eyes_store, tmp_path, monkeypatch
):
    killer = "ds004362/sub-002/eeg/sub-002_task-motion_run-1"
    with monkeypatch.context() as patch:
        patch.setattr("bids_dl.pipeline.execute.run_tasks", once_failing(killer))
        first = convert(eegbci, tmp_path / "a.zarr")
        assert [failure.recording for failure in first.failures] == [killer]
        before = contents(tmp_path / "a.zarr")
        again = convert(eegbci, tmp_path / "a.zarr")
        assert (again.exit_status, again.failures) == (3, first.failures)
    passing = convert(eegbci, tmp_path / "a.zarr")
    assert passing.exit_status == 3
    assert f"{killer}: failed before and can be converted now; --overwrite" in passing.warnings[-1]
    assert contents(tmp_path / "a.zarr") == before
    rewritten = convert(eegbci, tmp_path / "a.zarr", overwrite=True)
    assert (rewritten.exit_status, rewritten.reused) == (0, 8)
    assert contents(tmp_path / "a.zarr") == contents(eyes_store)
    assert not list(tmp_path.glob("*.staging"))


def test_staging_where_the_user_says_leaves_what_else_is_there(eegbci, tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "movie.mkv.part").write_text("half a movie")
    convert(eegbci, tmp_path / "a.zarr", subject=["001"], staging=str(tmp_path / "downloads"))
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == ["movie.mkv.part"]


def test_two_conversions_to_one_place_do_not_mix(eegbci, tmp_path):
    command = [
        *COMMAND,
        str(eegbci),
        str(tmp_path / "a.zarr"),
        *QUERIES,
        "--subject",
        "001",
        "--jobs",
        "1",
    ]
    both = [
        subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    said = [running.communicate(timeout=120)[1] for running in both]
    assert sorted(running.returncode for running in both) in (
        [0, 2],
        [0, 0],
    )  # the second may come when the first is done
    assert all(
        running.returncode == 0 or "another conversion is writing here" in text
        for running, text in zip(both, said, strict=True)
    )
    assert bids_dl.open_store(str(tmp_path / "a.zarr")).shape == (60, 24, 256)


def test_a_class_without_a_window_is_refused_with_the_numbers(eegbci, tmp_path):
    with pytest.raises(
        WindowError,
        match=r"none of 4 events of eyes_closed gives a window of 2 s; the longest block lasts 1\.000 s",
    ):
        convert(eegbci, tmp_path / "a.zarr", until="eyes_closed=1")
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("dataset_description.json", '"CC0"', '"CC BY 4.0"', "datasets"),
        ("task-motion_events.json", "Eyes-open,", "Eyes-open,Quiet,", "events"),
        ("participants.json", "left-handed", "sinistral", "participants"),
    ],
)
def test_whatever_a_store_repeats_of_its_sources_is_part_of_the_plan(
    eegbci, eegbci_copy, eyes_store, file, old, new, named
):
    text = (eegbci_copy / file).read_text()
    assert old in text
    (eegbci_copy / file).write_text(text.replace(old, new))
    with pytest.raises(StoreError, match=f"differs in .*{named}"):
        convert(eegbci_copy, eyes_store)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["a.zarr.staging/*.json", "a.zarr/unfinished.json"])
def test_after_kill_9_the_same_command_ends_with_the_same_bytes(
    eegbci, eyes_store, tmp_path, moment
):
    command = [*COMMAND, str(eegbci), str(tmp_path / "a.zarr"), *QUERIES, "--jobs", "1"]
    running = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while (
        not list(tmp_path.glob(moment)) and running.poll() is None and time.monotonic() < deadline
    ):
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    running.stderr.close()
    staged = len(list(tmp_path.glob("a.zarr.staging/*.json")))
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    if staged:
        assert json.loads(done.stdout)["reused"] >= staged
    assert contents(tmp_path / "a.zarr") == contents(eyes_store)
    assert not list(tmp_path.glob("*.staging"))


@pytest.mark.slow
def test_ctrl_c_ends_130_leaves_no_process_behind_and_resumes(eegbci, eyes_store, tmp_path):
    command = [*COMMAND, str(eegbci), str(tmp_path / "a.zarr"), *QUERIES, "--jobs", "1"]
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background jobs would pass on that it is ignored
    running = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("a.zarr.staging/*.json")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the whole foreground group
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.strip().splitlines() == [
        "error: interrupted; the same command goes on where it stopped"
    ]
    assert not outlives(running.pid, 10)
    subprocess.run(command, check=True, capture_output=True)
    assert contents(tmp_path / "a.zarr") == contents(eyes_store)


def test_a_label_whose_recordings_are_all_broken_does_not_stop_the_others(eegbci_copy, tmp_path):
    file = eegbci_copy / "sub-001" / "eeg" / "sub-001_task-motion_run-2_eeg.edf"
    file.write_bytes(file.read_bytes()[:300])
    outcome = bids_dl.convert(
        str(eegbci_copy), str(tmp_path / "a.zarr"), **EYES, subject="001", jobs=1
    )
    assert (outcome.exit_status, outcome.n_windows) == (3, 30)
    assert [(failure.stage, failure.recording[-5:]) for failure in outcome.failures] == [
        ("header", "run-2")
    ]
    assert (
        "no window of eyes_closed is in the store: none of its recordings is left"
        in outcome.warnings
    )
    assert [(person.subject, dict(person.windows)) for person in outcome.people] == [
        ("001", {"eyes_open": 30, "eyes_closed": 0})
    ]
    with pytest.raises(
        RecordingError,
        match=r"header: none of 1 recordings can be converted; ds004362/sub-001/.*run-2: ",
    ):
        bids_dl.convert(
            str(eegbci_copy),
            str(tmp_path / "b.zarr"),
            hed="Eyes-closed",
            window=2,
            subject="001",
            jobs=1,
        )


@pytest.mark.parametrize(
    ("file", "content", "stage", "said"),
    [
        (
            "run-2_events.tsv",
            b"onset\tduration\tvalue\n0\tn/a\tB\xb5SE\n",
            "events",
            "is not UTF-8 text, at byte 28; save it as UTF-8",
        ),
        (
            "run-2_events.tsv",
            b"/annex/objects/MD5E-s3--abc.tsv\n",
            "events",
            "is a git-annex pointer without content; fetch it with: datalad",
        ),
        (
            "run-2_events.tsv",
            b"onset\tonset\tvalue\n0\t0\tBASE2T0\n",
            "events",
            "two columns are called 'onset'",
        ),
        ("run-2_events.json", b"{", "events", "cannot be read as JSON"),
        (
            "run-2_channels.tsv",
            b"name\ttype\tunits\nFc5\tEEG\t\xb5V\n",
            "header",
            "is not UTF-8 text",
        ),
    ],
)
def test_a_text_file_that_cannot_be_read_costs_its_recording_only(
    eegbci_copy, tmp_path, file, content, stage, said
):
    (eegbci_copy / "sub-001" / "eeg" / f"sub-001_task-motion_{file}").write_bytes(content)
    outcome = bids_dl.convert(
        str(eegbci_copy), str(tmp_path / "a.zarr"), **EYES, subject=["001", "002"], jobs=1
    )
    assert (outcome.exit_status, outcome.n_recordings) == (3, 3)
    [failure] = outcome.failures
    assert (failure.recording, failure.stage) == (
        "ds004362/sub-001/eeg/sub-001_task-motion_run-2",
        stage,
    )
    assert said in failure.reason


def test_a_recording_of_zeros_is_refused_and_a_split_it_leaves_empty_is_told(eegbci_copy, tmp_path):
    for file in (eegbci_copy / "sub-003" / "eeg").glob("*_eeg.edf"):
        content = file.read_bytes()
        head = int(content[184:192])
        file.write_bytes(content[:head] + bytes(len(content) - head))
    people = eegbci_copy / "participants.tsv"
    header, *rows = people.read_text().splitlines()
    split = [f"{row}\t{'test' if row.startswith('sub-003') else 'train'}" for row in rows]
    people.write_text("\n".join([f"{header}\tpart", *split]))
    outcome = bids_dl.convert(
        str(eegbci_copy), str(tmp_path / "a.zarr"), **EYES, split="part", jobs=2
    )
    assert {failure.stage for failure in outcome.failures} == {"read"}
    assert all(
        "no channel moves in any of 20 places" in failure.reason for failure in outcome.failures
    )
    assert len(outcome.failures) == 2
    assert "the split test is empty: none of its recordings is left" in outcome.warnings
