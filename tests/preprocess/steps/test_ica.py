"""Independent components of real EEG and their labels, against MNE and mne-icalabel."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from step_runs import run_step

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.steps.ica import COMPONENT_CLASSES, Ica, label_components

for package in ("mne_icalabel", "onnxruntime", "picard"):
    pytest.importorskip(package, reason="needs bids_dl[clean]")


@pytest.fixture(scope="module")
def real(shared):
    """90 s of EEGLAB's sample: 30 channels and two at the eyes, 128 Hz, average reference."""
    raw = mne.io.read_raw_eeglab(
        shared / "eeglab/eeglab_data.set", preload=True, verbose="error"
    ).crop(0, 90)
    return raw.filter(1.0, None, verbose="error").set_eeg_reference("average", verbose="error")


@pytest.fixture(scope="module")
def cleaned(real):
    return run_step(real, Ica())


@pytest.fixture(scope="module")
def decomposed(real):
    """Decomposition by MNE alone."""
    ica = mne.preprocessing.ICA(
        31,
        method="picard",
        fit_params={"ortho": False, "extended": True},
        random_state=0,
        verbose="error",
    )
    return ica.fit(real.copy().filter(1.0, None, verbose="error"), verbose="error")


def test_the_classes_are_iclabels_in_its_order():
    from mne_icalabel.config import ICALABEL_METHODS_NUMERICAL_TO_STRING

    names = ICALABEL_METHODS_NUMERICAL_TO_STRING["iclabel"]
    first_words = [names[i].split()[0] for i in range(7)]
    assert first_words == [name.split("_")[0] for name in COMPONENT_CLASSES]


@pytest.mark.filterwarnings("ignore:The provided Raw instance is not filtered")
def test_the_probabilities_are_those_of_mne_icalabel(real, decomposed):
    import mne_icalabel
    from mne_icalabel.iclabel import iclabel_label_components

    probabilities = label_components(real, decomposed)
    expected = iclabel_label_components(real, decomposed, inplace=False, backend="onnx")
    assert_array_equal(probabilities, expected)
    labels = mne_icalabel.label_components(real, decomposed, "iclabel")
    assert_allclose(probabilities.max(1), labels["y_pred_proba"], rtol=0, atol=1e-5)
    assert_allclose(probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.filterwarnings("ignore:The provided Raw instance is not filtered")
def test_the_same_components_are_removed_as_by_mne(real, decomposed, cleaned):
    copy = real.copy().filter(1.0, None, verbose="error")
    probabilities = label_components(copy, decomposed)
    columns = [COMPONENT_CLASSES.index(name) for name in ("muscle", "eye")]
    artifacts = np.flatnonzero((probabilities[:, columns] >= 0.9).any(1)).tolist()
    assert artifacts
    expected = decomposed.apply(real.copy(), exclude=artifacts, verbose="error")
    assert_allclose(cleaned[0].get_data(), expected.get_data(), rtol=0, atol=1e-12)
    removed = cleaned[1].notes[0].split("removed: ")[1]
    assert all(f"{i} (" in removed for i in artifacts)


def test_blinks_are_removed_and_occipital_signals_are_kept(real, cleaned):
    front, back = real.get_data(["FPz", "O1"])
    cleaned_front, cleaned_back = cleaned[0].get_data(["FPz", "O1"])
    assert np.abs(cleaned_front).max() < 0.6 * np.abs(front).max()
    assert np.corrcoef(back, cleaned_back)[0, 1] > 0.9


def test_the_report_counts_the_classes_and_lists_the_removed_components(cleaned):
    note = cleaned[1].notes[0]
    assert note.startswith("31 components, most probably ")
    assert "brain" in note
    assert "(eye 0.9" in note
    assert cleaned[1].share == 1


def test_the_same_recording_gives_the_same_bits(real, cleaned):
    assert_array_equal(run_step(real, Ica())[0].get_data(), cleaned[0].get_data())


def test_infomax_removes_blinks_too(real):
    step = Ica(method="infomax", remove={"eye": 0.5})
    processed, report = run_step(real.copy().pick(real.ch_names[:12]), step)
    assert "(eye 0." in report.notes[0]
    assert np.abs(processed.get_data("FPz")).max() < 0.6 * np.abs(real.get_data("FPz")).max()


def test_a_class_that_no_component_reaches_changes_nothing_and_is_flagged(real):
    processed, report = run_step(real, Ica(remove={"heart": 1.0}, n_components=5))
    assert_array_equal(processed.get_data(), real.get_data())
    assert report.notes[0].endswith("removed: none")
    assert (report.flag, report.share) == ("changed nothing", 0)


def test_few_samples_for_many_components_are_noted(real):
    _, report = run_step(real.copy().crop(0, 20), Ica())
    assert any("make them reliable" in note for note in report.notes)


def test_a_channel_marked_bad_is_neither_used_nor_changed(real):
    marked = real.copy()
    marked.info["bads"] = ["T8"]
    step = Ica(n_components=10, remove={"eye": 0.5})
    processed = run_step(marked, step)[0]
    without = run_step(real.copy().drop_channels("T8"), step)[0]
    assert_array_equal(processed.get_data("T8"), real.get_data("T8"))
    assert_array_equal(processed.get_data(without.ch_names), without.get_data())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.set_montage(None), "no position for FPz, .*; add the step montage before"),
        (
            lambda raw: raw.info.update(bads=raw.ch_names[3:]),
            "fewer than 4 channels are not marked bad; good are FPz, EOG1, F3",
        ),
        (lambda raw: raw.__setitem__(["Cz"], np.nan), "samples of Cz are not finite numbers"),
    ],
)
def test_a_signal_that_cannot_be_decomposed_is_refused(real, change, message):
    raw = real.copy()
    change(raw)
    with pytest.raises(RecordingError, match=f"ica: {message}"):
        run_step(raw, Ica())


def test_more_components_than_dimensions_are_refused(real):
    with pytest.raises(
        RecordingError, match="32 components cannot be found in a signal of 31 dimensions"
    ):
        run_step(real, Ica(n_components=32))


def test_too_few_channels_are_refused_by_the_plan():
    with pytest.raises(
        RecordingError, match="needs 4 EEG channels or more; the recording has C3, C4"
    ):
        Ica().output_spec(SignalSpec(("C3", "C4"), ("eeg", "eeg"), Fraction(250)))


@pytest.mark.parametrize(
    "parameters",
    [
        {"remove": {}},
        {"remove": {"eyes": 0.9}},
        {"remove": {"eye": 2}},
        {"n_components": 1},
        {"seed": -1},
        {"seed": True},
    ],
)
def test_invalid_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Ica(**parameters)
