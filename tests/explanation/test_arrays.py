from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from explanations import make_explanation

from bids_dl.errors import ConfigError
from bids_dl.explanation.arrays import ARRAYS_FILE, CLAIMS_FILE, write_arrays

LABELS = {
    *("channels", "positions", "frequencies", "times", "band_names", "band_limits", "outputs"),
    *("folds", "source"),
}


@pytest.fixture(scope="module")
def explanation():
    return make_explanation()


@pytest.fixture(scope="module")
def folder(explanation, tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    write_arrays(folder, explanation)
    return folder


def test_arrays_are_read_back_without_pickle(folder, explanation):
    with np.load(folder / ARRAYS_FILE, allow_pickle=False) as arrays:
        assert set(arrays) >= LABELS
        np.testing.assert_array_equal(arrays["maximization_peaks"], explanation.maximization.peaks)
        difference = explanation.best_windows.difference
        np.testing.assert_array_equal(arrays["best_windows_difference"], difference.value)
        np.testing.assert_array_equal(arrays["best_windows_difference_low"], difference.low)
        np.testing.assert_array_equal(
            arrays["best_windows_rows_1"], explanation.best_windows.rows[1]
        )
        gradient = explanation.saliency[0]
        np.testing.assert_array_equal(arrays["gradient_by_band"], gradient.by_band)
        assert tuple(arrays["randomization_layers"]) == explanation.randomization.layers
        assert arrays["channels"].tolist() == list(explanation.axes.channels)
        assert json.loads(str(arrays["source"])) == json.loads(json.dumps(explanation.source))
        assert not any(array.dtype == object for array in arrays.values())


def test_claims_are_one_row_each(folder, explanation):
    with (folder / CLAIMS_FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["statement"] for row in rows] == [claim.statement for claim in explanation.claims]
    assert [row["is_shown"] for row in rows] == [str(c.is_shown) for c in explanation.claims]


def test_a_folder_that_does_not_exist_is_one_line(explanation, tmp_path):
    with pytest.raises(ConfigError, match=r"explanation.npz: cannot be written \(No such file"):
        write_arrays(tmp_path / "missing", explanation)
