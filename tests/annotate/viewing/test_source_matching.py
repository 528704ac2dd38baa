"""Sources of a pool: matched by name and path, checked, local or remote."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from bids_folder import write_folder
from served_dataset import served_dataset

import bids_dl
from bids_dl.annotate.viewing import (
    ViewRequest,
    compute_view,
    open_source_signals,
    pool_recordings,
)
from bids_dl.config.stages import FetchConfig
from bids_dl.errors import RecordingError, SourceError
from bids_dl.store import open_store

PAGE = ViewRequest(10.0, 10.0, 200)


@pytest.fixture(scope="module")
def pool(eyes_store):
    return open_store(eyes_store)


def test_all_recordings_of_a_pool_are_shown_from_its_source(pool, eegbci):
    with open_source_signals(pool, [str(eegbci)]) as signals:
        assert signals.missing == ()
        for key in pool_recordings(pool):
            header = signals.header(key)
            assert (header.sfreq, header.seconds) == (160.0, 61.0)
            assert compute_view(signals, key, PAGE).minima.shape == (24, 200)


def test_recordings_that_the_sources_lack_are_listed_and_the_others_are_shown(pool, eegbci_copy):
    shutil.rmtree(eegbci_copy / "sub-002")
    keys = pool_recordings(pool)
    lacking = [key for key in keys if "sub-002" in key[1]]
    with open_source_signals(pool, [str(eegbci_copy)]) as signals:
        assert list(signals.missing) == lacking
        with pytest.raises(RecordingError, match=r"sub-002.*not in the given sources"):
            compute_view(signals, lacking[0], PAGE)
        compute_view(signals, keys[0], PAGE)


def test_a_source_without_any_recording_of_the_pool_is_refused(pool, eegbci_copy):
    other = eegbci_copy.rename(eegbci_copy.with_name("other"))
    description = json.loads((other / "dataset_description.json").read_text())
    description.pop("DatasetDOI", None)
    (other / "dataset_description.json").write_text(json.dumps(description))
    message = r"none of its 8 recordings, such as ds004362/sub-001.*\(they have other/sub-001"
    with pytest.raises(SourceError, match=message), open_source_signals(pool, [str(other)]):
        pass


def test_a_source_that_has_events_only_is_refused(pool, tmp_path):
    key = pool_recordings(pool)[0]
    root = write_folder(tmp_path / key[0], {f"{key[1]}_events.tsv": "onset\tduration\n1\t0\n"})
    with (
        pytest.raises(SourceError, match="they have none with a signal"),
        open_source_signals(pool, [str(root)]),
    ):
        pass


def test_a_recording_with_other_samples_is_refused_alone(pool, eegbci_copy):
    keys = pool_recordings(pool)
    file = eegbci_copy / f"{keys[0][1]}_eeg.edf"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with open_source_signals(pool, [str(eegbci_copy)]) as signals:
        with pytest.raises(RecordingError, match=r"_eeg\.edf is not the file that the pool was"):
            compute_view(signals, keys[0], PAGE)
        compute_view(signals, keys[1], PAGE)


def test_bad_channels_may_be_marked_after_a_conversion(pool, eegbci_copy):
    key = pool_recordings(pool)[0]
    table = eegbci_copy / f"{key[1]}_channels.tsv"
    lines = table.read_text().splitlines()
    status = lines[0].split("\t").index("status") if "status" in lines[0] else None
    changed = [lines[0] if status is not None else f"{lines[0]}\tstatus"]
    for number, line in enumerate(lines[1:]):
        cells = line.split("\t")
        value = "bad" if number == 3 else "good"
        if status is None:
            cells.append(value)
        else:
            cells[status] = value
        changed.append("\t".join(cells))
    table.unlink()
    table.write_text("\n".join(changed) + "\n")
    with open_source_signals(pool, [str(eegbci_copy)]) as signals:
        bads = [channel.name for channel in signals.header(key).channels if channel.is_bad]
        assert bads == [signals.header(key).channels[3].name]
        assert sum(compute_view(signals, key, PAGE).bads) == 1


def test_files_of_an_archive_are_fetched_when_they_are_shown(eegbci, tmp_path):
    root = tmp_path / "ds000001"
    shutil.copytree(eegbci, root)
    description = json.loads((root / "dataset_description.json").read_text())
    description.pop("DatasetDOI", None)
    (root / "dataset_description.json").write_text(json.dumps(description))
    pool = tmp_path / "pool.zarr"
    options = {"subject": ["001"], "run": ["1", "2"], "scheduler": "synchronous"}
    bids_dl.convert(str(root), str(pool), whole=True, **options)
    (tmp_path / "git").mkdir()
    messages = []
    with served_dataset(root, tmp_path / "git") as served:
        fetching = FetchConfig(**served.options(tmp_path / "cache"))
        with open_source_signals(
            open_store(pool), [served.address], fetching=fetching, on_message=messages.append
        ) as signals:
            assert served.n_bytes(".edf") == 0
            first, second = pool_recordings(open_store(pool))
            view = compute_view(signals, first, PAGE)
            size = (root / f"{first[1]}_eeg.edf").stat().st_size
            assert served.n_bytes(".edf") == size
            compute_view(signals, first, PAGE)
            assert served.n_bytes(".edf") == size
            compute_view(signals, second, PAGE)
    assert sum("to show its signals" in message for message in messages) == 2
    with open_source_signals(open_store(pool), [str(root)]) as signals:
        local = compute_view(signals, first, PAGE)
    np.testing.assert_array_equal(view.minima, local.minima)


def test_the_files_of_a_pool_are_closed_when_the_context_ends(pool, eegbci):
    with open_source_signals(pool, [str(eegbci)], max_open=2) as signals:
        for key in pool_recordings(pool)[:4]:
            signals.read(key, 0, 10)
        assert len(signals._files) == 2
    assert len(signals._files) == 0
