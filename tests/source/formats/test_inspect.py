from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from signal_files import STEM, Channel, edf_bytes, vhdr, wrap

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source import (
    examine,
    find_recordings,
    fingerprint,
    open_dataset,
    open_raw,
    read_header,
)

CONTINUOUS = {"trials": 1.0, "srate": 100.0, "xmin": 0.0, "xmax": 4.99, "setname": "x"}


def samples(dataset, recording) -> tuple[list[str], np.ndarray]:
    """Names and samples (n_chans, n_times) in µV."""
    with open_raw(dataset, recording) as raw:
        return raw.ch_names, raw.get_data() * 1e6


def write_set(path: Path, data: np.ndarray | str, *, boundaries=(), trials: float = 1.0) -> Path:
    """An EEGLAB .set of three channels and 500 samples at 100 Hz; boundaries are latencies as EEGLAB counts, from 1."""
    locations = np.array([("Cz",), ("Pz",), ("Oz",)], dtype=[("labels", object)])
    events = np.array(
        [(latency, "boundary", 3.0) for latency in boundaries],
        dtype=[("latency", object), ("type", object), ("duration", object)],
    )
    content = {
        **CONTINUOUS,
        "trials": trials,
        "nbchan": 3.0,
        "pnts": 500.0,
        "data": data,
        "chanlocs": locations,
        "event": events,
    }
    scipy.io.savemat(path, {"EEG": content})
    return path


def noise(n_chans: int = 3, n_times: int = 500) -> np.ndarray:
    return np.random.default_rng(0).normal(scale=20, size=(n_chans, n_times)).astype("<f4")


def refusal(dataset, recording) -> RecordingError:
    with pytest.raises(RecordingError) as failure:
        read_header(dataset, recording)
    assert "\n" not in str(failure.value)
    assert str(dataset.root) not in str(failure.value)
    return failure.value


def test_the_real_edf_has_the_samples_its_bytes_say(shared, tmp_path):
    dataset, recording = wrap(tmp_path, {"_eeg.edf": shared / "formats/test.edf"})
    true = (
        np.frombuffer((shared / "formats/test.edf").read_bytes()[17 * 256 :], "<i2")
        .reshape(60, 16, 256)
        .swapaxes(0, 1)
        .reshape(16, -1)
        / 3
    )
    names, found = samples(dataset, recording)
    assert names[0] == "EEG Fp1"
    np.testing.assert_allclose(found, true, atol=1e-9)


def test_the_real_bdf_has_the_samples_its_bytes_say(shared, tmp_path):
    dataset, recording = wrap(tmp_path, {"_eeg.bdf": shared / "formats/test.bdf"})
    raw = (
        np.frombuffer((shared / "formats/test.bdf").read_bytes()[18 * 256 :], np.uint8)
        .reshape(60, 17, 256, 3)
        .astype(np.int32)
    )
    true = ((raw[..., 0] << 8 | raw[..., 1] << 16 | raw[..., 2] << 24) >> 8).swapaxes(0, 1).reshape(
        17, -1
    ) * (524288 / 16777215)
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times, set(header.ch_types)) == (256.0, 15360, {"eeg", "stim"})
    np.testing.assert_allclose(
        samples(dataset, recording)[1][:16], true[:16], atol=0.02
    )  # µV; the range is not symmetric by one step


@pytest.mark.parametrize("renamed", [False, True])
def test_the_real_brainvision_file_is_read_also_where_its_header_still_has_the_old_names(
    shared, tmp_path, renamed
):
    formats = shared / "formats"
    names = ("_eeg.eeg", "_eeg.vmrk") if renamed else ("testbva.dat", "testbva.vmrk")
    dataset, recording = wrap(
        tmp_path,
        {
            "_eeg.vhdr": formats / "testbva.vhdr",
            names[0]: formats / "testbva.dat",
            names[1]: formats / "testbva.vmrk",
        },
    )
    np.testing.assert_allclose(
        samples(dataset, recording)[1],
        np.fromfile(formats / "testbva.dat", "<f4").reshape(-1, 32).T,
        rtol=1e-6,
    )
    assert {Path(file).suffix for file in fingerprint(dataset, recording)} >= {
        ".vhdr",
        ".vmrk",
        ".eeg" if renamed else ".dat",
    }


def test_the_real_eeglab_file_has_the_samples_of_its_fdt(shared, tmp_path):
    dataset, recording = wrap(
        tmp_path,
        {
            "_eeg.set": shared / "eeglab/eeglab_data.set",
            "_eeg.fdt": shared / "eeglab/eeglab_data.fdt",
        },
    )
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times, len(header.ch_names)) == (128.0, 30504, 32)
    np.testing.assert_allclose(
        samples(dataset, recording)[1],
        np.fromfile(shared / "eeglab/eeglab_data.fdt", "<f4").reshape(-1, 32).T,
        rtol=1e-6,
    )


def test_the_real_ieeg_file_is_in_the_unit_of_its_header_and_the_other_one_is_said(shared):
    dataset = open_dataset(str(shared / "ieeg_mnehfo"))
    [recording] = find_recordings(dataset, SourceConfig())
    found = examine(dataset, recording)
    assert (found.header.sfreq, set(found.header.ch_types)) == (2000.0, {"ecog"})
    assert ["channels.tsv says V, the file µV" in note for note in found.notes] == [True]
    true = (
        np.fromfile(dataset.root / recording.signal.replace(".vhdr", ".eeg"), "<f4")
        .reshape(-1, 50)
        .T
        * 0.1
    )
    np.testing.assert_allclose(samples(dataset, recording)[1], true, rtol=1e-6)


def test_every_recording_of_the_real_dataset_passes_without_a_change_of_unit(eegbci):
    dataset = open_dataset(str(eegbci))
    for recording in find_recordings(dataset, SourceConfig()):
        found = examine(dataset, recording)
        assert (found.header.sfreq, found.header.boundaries) == (160.0, ())
        assert not [note for note in found.notes if "10-05" not in note]


def test_a_set_that_holds_its_samples_is_in_microvolts(tmp_path):
    write_set(tmp_path / "x.set", noise())
    assert (
        np.abs(
            samples(*wrap(tmp_path / "bids", {"_eeg.set": tmp_path / "x.set"}))[1] - noise()
        ).max()
        < 1e-5
    )


def test_boundaries_of_eeglab_are_the_first_sample_after_the_cut(tmp_path):
    write_set(tmp_path / "x.set", noise(), boundaries=(0.5, 100.5, 301.0))
    assert read_header(*wrap(tmp_path / "bids", {"_eeg.set": tmp_path / "x.set"})).boundaries == (
        1.0,
        3.0,
    )


def test_a_set_of_epochs_is_refused(tmp_path):
    write_set(tmp_path / "x.set", np.zeros((3, 500, 2)), trials=2.0)
    assert (
        "cut into epochs"
        in refusal(*wrap(tmp_path / "bids", {"_eeg.set": tmp_path / "x.set"})).reason
    )


def test_a_set_of_version_7_3_is_read_or_names_the_package_it_needs(tmp_path):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("pymatreader")
    with h5py.File(tmp_path / "x.set", "w", userblock_size=512) as file:
        for name, value in {**CONTINUOUS, "nbchan": 3.0, "pnts": 500.0}.items():
            if name != "setname":
                file.create_dataset(name, data=[[value]]).attrs["MATLAB_class"] = np.bytes_(
                    "double"
                )
        file.create_dataset("data", data=noise().T).attrs["MATLAB_class"] = np.bytes_("single")
        for name in ("chanlocs", "event"):
            empty = file.create_dataset(name, data=np.zeros(2, "u8"))
            empty.attrs["MATLAB_class"], empty.attrs["MATLAB_empty"] = np.bytes_("struct"), 1
    content = (
        b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + (tmp_path / "x.set").read_bytes()[128:]
    )
    names, found = samples(*wrap(tmp_path / "bids", {"_eeg.set": content}))
    assert len(names) == 3
    np.testing.assert_allclose(found, noise(), rtol=1e-6)


def test_a_set_of_version_7_3_without_its_reader_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr("bids_dl.source.formats.eeglab.find_spec", lambda _: None)
    content = b"MATLAB 7.3 MAT-file".ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n"
    assert (
        "needs the package pymatreader: pip install pymatreader"
        in refusal(*wrap(tmp_path, {"_eeg.set": content})).reason
    )


def test_new_segments_of_brainvision_are_boundaries_but_the_first(tmp_path):
    markers = "Brain Vision Data Exchange Marker File, Version 1.0\n[Marker Infos]\n"
    markers += "Mk1=New Segment,,1,1,0,20240101000000000000\nMk2=Comment,M\u00fcde,50,1,0\nMk3=New Segment,,201,1,0\n"
    files = {
        "_eeg.vhdr": vhdr(["Cz,,0.5,µV"], n_times=400, data="x.eeg", markers="x.vmrk"),
        "x.eeg": noise(1, 400).tobytes(),
        "x.vmrk": markers.encode("latin-1"),
    }
    dataset, recording = wrap(tmp_path, files)
    assert read_header(dataset, recording).boundaries == (1.0,)
    np.testing.assert_allclose(samples(dataset, recording)[1], noise(1, 400) * 0.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("µV", 1),
        ("uV", 1),
        ("UV", 1),
        ("μV", 1),
        ("mV", 1e3),
        ("MV", 1e3),
        ("nV", 1e-3),
        ("", 1),
        ("V", 1e6),
    ],
)
def test_units_of_brainvision_are_read_whatever_their_spelling(tmp_path, unit, factor):
    files = {
        "_eeg.vhdr": vhdr([f"Cz,,0.5,{unit}"], n_times=400, data="x.eeg"),
        "x.eeg": noise(1, 400).tobytes(),
    }
    dataset, recording = wrap(tmp_path, files, channels="name\ttype\tunits\nCz\tEEG\tn/a\n")
    np.testing.assert_allclose(
        samples(dataset, recording)[1], noise(1, 400) * 0.5 * factor, rtol=1e-6
    )


def test_a_brainvision_file_cut_off_ends_early_and_says_so(tmp_path):
    files = {
        "_eeg.vhdr": vhdr(["Cz,,1,µV", "Pz,,1,µV"], n_times=400, data="x.eeg"),
        "x.eeg": noise(2, 400).T.tobytes()[:2404],
    }
    found = examine(*wrap(tmp_path, files))
    assert found.header.n_times == 300
    assert found.notes == (
        "sub-1/eeg/x.eeg holds 300 samples and 4 bytes, its header promises 400 samples; 300 were read",
    )


def test_a_cut_file_of_channel_after_channel_is_refused(tmp_path):
    header = vhdr(["Cz,,1,µV", "Pz,,1,µV"], n_times=400, data="x.eeg").replace(
        "MULTIPLEXED", "VECTORIZED"
    )
    assert (
        "holds 2400 bytes, its header promises 3200"
        in refusal(*wrap(tmp_path, {"_eeg.vhdr": header, "x.eeg": noise(2, 300).tobytes()})).reason
    )


def test_samples_that_went_through_a_text_conversion_are_refused(tmp_path):
    content = noise(2, 4000).T.tobytes()
    spoilt = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    files = {
        "_eeg.vhdr": vhdr(["Cz,,1,µV", "Pz,,1,µV"], n_times=4000, data="x.eeg"),
        "x.eeg": spoilt,
    }
    assert "its line ends were rewritten" in refusal(*wrap(tmp_path, files)).reason


def test_split_fif_files_are_one_recording(tmp_path):
    import mne

    raw = mne.io.RawArray(
        noise(3, 300_000) * 1e-6, mne.create_info(["Cz", "Pz", "Oz"], 100.0, "eeg"), verbose="error"
    )
    folder = tmp_path / "sub-1/eeg"
    folder.mkdir(parents=True)
    raw.save(
        folder / "sub-1_task-x_eeg.fif", split_size="2MB", split_naming="bids", verbose="error"
    )
    assert len(list(folder.glob("*_split-*_eeg.fif"))) > 1
    dataset, recording = wrap(tmp_path, {})
    assert len(find_recordings(dataset, SourceConfig())) == 1
    assert recording.path == STEM
    np.testing.assert_allclose(samples(dataset, recording)[1], noise(3, 300_000), rtol=1e-6)
    assert len([file for file in fingerprint(dataset, recording) if file.endswith(".fif")]) == len(
        list(folder.glob("*.fif"))
    )


def test_meg_in_a_fif_of_the_eeg_folder_is_refused(tmp_path):
    import mne

    raw = mne.io.RawArray(
        noise(2) * 1e-12,
        mne.create_info(["MEG 0111", "Cz"], 100.0, ["mag", "eeg"]),
        verbose="error",
    )
    raw.save(tmp_path / "x_raw.fif", verbose="error")
    assert (
        "MEG is not supported"
        in refusal(*wrap(tmp_path / "bids", {"_eeg.fif": tmp_path / "x_raw.fif"})).reason
    )


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["_eeg.cnt"], ".cnt is not supported"),
        (["_eeg.gdf"], ".gdf is not supported"),
        (["_eeg.nwb"], ".nwb is not supported"),
        (["_eeg.edf.gz"], "is compressed, which is not supported; unpack it"),
        (["_eeg.zip"], "is compressed"),
        (
            ["_eeg.eeg", "_eeg.vmrk"],
            "cannot be read without its header sub-1/eeg/sub-1_task-x_eeg.vhdr",
        ),
        (["_eeg.fdt"], "cannot be read without its header sub-1/eeg/sub-1_task-x_eeg.set"),
        (["_split-01_eeg.edf"], "one part of a split recording"),
    ],
)
def test_a_signal_that_cannot_be_read_is_found_and_refused_by_name(tmp_path, names, reason):
    failure = refusal(*wrap(tmp_path, dict.fromkeys(names, b"some bytes")))
    assert failure.stage == "source"
    assert reason in failure.reason


def test_a_folder_that_is_a_recording_is_refused_by_name_too(tmp_path):
    for folder in ("eeg/sub-1_task-x_eeg.mff", "meg/sub-1_task-x_meg.ds"):
        (tmp_path / "sub-1" / folder).mkdir(parents=True)
        (tmp_path / "sub-1" / folder / "signal1.bin").write_bytes(b"0")
    dataset, _ = wrap(tmp_path, {})
    found = find_recordings(dataset, SourceConfig())
    assert [refusal(dataset, recording).reason for recording in found] == [
        "sub-1/eeg/sub-1_task-x_eeg.mff: .mff is not supported; convert it to .edf, .bdf, .vhdr or .set",
        "sub-1/meg/sub-1_task-x_meg.ds is MEG, which is not supported; only EEG and iEEG are",
    ]


def test_the_cnt_file_that_kills_its_reader_is_never_opened(shared, tmp_path):
    assert (
        ".cnt is not supported"
        in refusal(*wrap(tmp_path, {"_eeg.cnt": shared / "formats/test.cnt"})).reason
    )


def test_a_format_that_is_read_goes_before_one_that_is_not(tmp_path):
    _, recording = wrap(
        tmp_path,
        {"_eeg.cnt": b"x", "_eeg.edf": edf_bytes([Channel("Cz", np.zeros(100))]), "_eeg.eeg": b"x"},
    )
    assert recording.signal == f"{STEM}_eeg.edf"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; get it again"),
        (
            b"/annex/objects/MD5E-s1275936--abc.edf\n",
            "is a git-annex pointer without content; fetch it with: datalad get sub-1/eeg/",
        ),
        (b"\n<!DOCTYPE html><html><body>504 Gateway Time-out", "is a web page, not a recording"),
        (
            b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
            "is a web page, not a recording",
        ),
    ],
)
@pytest.mark.parametrize("name", ["_eeg.edf", "_eeg.fdt"])
def test_what_came_in_the_place_of_a_file_is_refused(shared, tmp_path, name, content, reason):
    other = {"_eeg.set": shared / "eeglab/eeglab_data.set"} if name == "_eeg.fdt" else {}
    failure = refusal(*wrap(tmp_path, {**other, name: content}))
    assert (failure.stage, failure.transient) == ("source", False)
    assert reason in failure.reason


def test_a_link_without_its_target_says_how_to_get_it_before_anything_is_opened(tmp_path):
    dataset, recording = wrap(tmp_path, {"_eeg.edf": b"x"})
    (tmp_path / recording.signal).unlink()
    (tmp_path / recording.signal).symlink_to("../../.git/annex/objects/x.edf")
    assert "datalad get sub-1/eeg/sub-1_task-x_eeg.edf" in refusal(dataset, recording).reason


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            ["eeglab/eeglab_data.set"],
            "sub-1_task-x_eeg.fdt, which holds the samples of sub-1/eeg/sub-1_task-x_eeg.set, is not there",
        ),
        (
            ["formats/testbva.vhdr"],
            "testbva.dat, which holds the samples of sub-1/eeg/sub-1_task-x_eeg.vhdr, is not there",
        ),
    ],
)
def test_a_missing_companion_is_named(shared, tmp_path, files, reason):
    assert (
        reason
        in refusal(
            *wrap(tmp_path, {f"_eeg{Path(file).suffix}": shared / file for file in files})
        ).reason
    )


def test_a_cut_fdt_is_refused_with_both_sizes(shared, tmp_path):
    content = (shared / "eeglab/eeglab_data.fdt").read_bytes()[:1_000_000]
    failure = refusal(
        *wrap(tmp_path, {"_eeg.set": shared / "eeglab/eeglab_data.set", "_eeg.fdt": content})
    )
    assert (
        "holds 1000000 bytes, its .set promises 3904512 (32 channels, 30504 samples)"
        in failure.reason
    )


def test_an_extension_in_capitals_is_read(shared, tmp_path):
    assert read_header(*wrap(tmp_path, {"_eeg.EDF": shared / "formats/test.edf"})).n_times == 15360


def test_entities_in_another_order_are_read(shared, tmp_path):
    folder = tmp_path / "sub-1/eeg"
    folder.mkdir(parents=True)
    shutil.copy(shared / "formats/test.edf", folder / "sub-1_run-1_task-y_eeg.edf")
    dataset, _ = wrap(tmp_path, {})
    assert (
        read_header(
            dataset, next(r for r in find_recordings(dataset, SourceConfig()) if r.signal)
        ).n_times
        == 15360
    )


def test_a_rate_that_the_sidecar_contradicts_is_the_files_and_said(shared, tmp_path):
    found = examine(
        *wrap(
            tmp_path, {"_eeg.edf": shared / "formats/test.edf"}, sidecar={"SamplingFrequency": 32}
        )
    )
    assert found.header.sfreq == 256.0
    assert "eeg.json gives 32 Hz, the file 256 Hz; the file's rate was taken" in found.notes


def test_positions_that_cannot_be_read_do_not_stop_a_recording_and_are_said(tmp_path):
    files = {
        "_eeg.edf": edf_bytes([Channel("Cz", np.arange(300))]),
        "_electrodes.tsv": "name\tx\ty\tz\nCz\tzero\t0\t0.1\n",
        "_coordsystem.json": '{"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"}',
    }
    found = examine(*wrap(tmp_path, files))
    assert found.header.ch_names == ("Cz",)
    assert "electrodes.tsv or its coordsystem.json cannot be used" in found.notes[0]
