"""Independent components of real EEG, and their labels against mne-icalabel's own."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import Recipe
from bids_dl.preprocess.steps.ica import KINDS, Ica, labelled

for package in ("mne_icalabel", "onnxruntime", "picard"):
    pytest.importorskip(package, reason="needs bids_dl[clean]")


def run(raw, *steps):
    made, reports = Recipe("test", "", steps).run(raw.copy())
    return made, reports[-1]


@pytest.fixture(scope="module")
def real(shared):
    """A minute of EEGLAB's sample: 30 channels and two by the eyes, 128 Hz, average reference."""
    raw = mne.io.read_raw_eeglab(
        shared / "eeglab/eeglab_data.set", preload=True, verbose="error"
    ).crop(0, 90)
    return raw.filter(1.0, None, verbose="error").set_eeg_reference("average", verbose="error")


@pytest.fixture(scope="module")
def cleaned(real):
    return run(real, Ica())


@pytest.fixture(scope="module")
def decomposed(real):
    """The decomposition by MNE alone."""
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

    theirs = ICALABEL_METHODS_NUMERICAL_TO_STRING["iclabel"]
    assert [theirs[i].split()[0] for i in range(7)] == [kind.split("_")[0] for kind in KINDS]


@pytest.mark.filterwarnings("ignore:The provided Raw instance is not filtered")
def test_probabilities_are_those_of_mne_icalabel(real, decomposed):
    from mne_icalabel import label_components
    from mne_icalabel.iclabel import iclabel_label_components

    made = labelled(real, decomposed)
    assert_array_equal(
        made, iclabel_label_components(real, decomposed, inplace=False, backend="onnx")
    )
    assert_allclose(
        made.max(1),
        label_components(real, decomposed, "iclabel")["y_pred_proba"],
        rtol=0,
        atol=1e-5,
    )
    assert_allclose(made.sum(1), 1, atol=1e-5)


@pytest.mark.filterwarnings("ignore:The provided Raw instance is not filtered")
def test_what_is_taken_out_is_what_mne_takes_out(real, decomposed, cleaned):
    copy = real.copy().filter(1.0, None, verbose="error")
    chances = labelled(copy, decomposed)
    over = {
        i
        for kind in ("muscle", "eye")
        for i in np.flatnonzero(chances[:, KINDS.index(kind)] >= 0.9)
    }
    assert over
    wanted = decomposed.apply(real.copy(), exclude=sorted(over), verbose="error")
    assert_allclose(cleaned[0].get_data(), wanted.get_data(), rtol=0, atol=1e-12)
    assert [f"{i} (" in cleaned[1].notes[0].split("taken out: ")[1] for i in sorted(over)] == [
        True
    ] * len(over)


def test_blinks_are_gone_and_the_back_of_the_head_stays(real, cleaned):
    front, back = real.get_data(["FPz", "O1"])
    made_front, made_back = cleaned[0].get_data(["FPz", "O1"])
    assert np.abs(made_front).max() < 0.6 * np.abs(front).max()
    assert np.corrcoef(back, made_back)[0, 1] > 0.9


def test_the_report_counts_classes_and_names_what_is_taken_out(cleaned):
    note = cleaned[1].notes[0]
    assert note.startswith("31 components, most probably ")
    assert "brain" in note
    assert "(eye 0.9" in note
    assert cleaned[1].share == 1


def test_the_same_recording_gives_the_same_bits(real, cleaned):
    assert_array_equal(run(real, Ica())[0].get_data(), cleaned[0].get_data())


def test_infomax_takes_blinks_out_too(real):
    made, report = run(
        real.copy().pick(real.ch_names[:12]), Ica(method="infomax", remove={"eye": 0.5})
    )
    assert "(eye 0." in report.notes[0]
    assert np.abs(made.get_data("FPz")).max() < 0.6 * np.abs(real.get_data("FPz")).max()


def test_a_class_that_no_component_reaches_changes_nothing_and_is_flagged(real):
    made, report = run(real, Ica(remove={"heart": 1.0}, n_components=5))
    assert_array_equal(made.get_data(), real.get_data())
    assert report.notes[0].endswith("taken out: none")
    assert "changed nothing" in report.notes
    assert report.share == 0


def test_few_samples_for_many_components_are_noted(real):
    assert any(
        "make them reliable" in note for note in run(real.copy().crop(0, 20), Ica())[1].notes
    )


def test_a_channel_marked_bad_takes_no_part(real):
    marked = real.copy()
    marked.info["bads"] = ["T8"]
    made = run(marked, Ica(n_components=10, remove={"eye": 0.5}))[0]
    alone = run(real.copy().drop_channels("T8"), Ica(n_components=10, remove={"eye": 0.5}))[0]
    assert_array_equal(made.get_data("T8"), real.get_data("T8"))
    assert_array_equal(made.get_data(alone.ch_names), alone.get_data())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw.set_montage(None), "no position for FPz, .*; put a step montage before"),
        (
            lambda raw: raw.info.update(bads=raw.ch_names[3:]),
            "fewer than 4 channels are not marked bad; good are FPz, EOG1, F3",
        ),
        (lambda raw: raw.__setitem__(["Cz"], np.nan), "samples of Cz are not finite numbers"),
    ],
)
def test_what_cannot_be_decomposed_is_refused_in_one_line(real, change, said):
    raw = real.copy()
    change(raw)
    with pytest.raises(RecordingError, match=f"ica: {said}"):
        run(raw, Ica())


def test_more_components_than_dimensions_are_refused(real):
    with pytest.raises(
        RecordingError, match="32 components cannot be found in a signal of 31 dimensions"
    ):
        run(real, Ica(n_components=32))


def test_too_few_channels_are_known_from_the_header():
    with pytest.raises(
        RecordingError, match="needs 4 EEG channels or more; the recording has C3, C4"
    ):
        Ica().output_spec(SignalSpec(("C3", "C4"), ("eeg", "eeg"), Fraction(250)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"remove": {}},
        {"remove": {"eyes": 0.9}},
        {"remove": {"eye": 2}},
        {"n_components": 1},
        {"seed": -1},
        {"seed": True},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Ica(**wrong)
