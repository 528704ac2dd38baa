"""Text in MAT-files is read alike by SciPy, MNE's reader, and GNU Octave."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
import scipy.io
from eeglab.octave import quote, run_cases

from bids_dl.errors import ConfigError
from bids_dl.exporting.eeglab_structs import make_structs
from bids_dl.exporting.mat_file import save_struct

TEXTS = ["1-back", "é", "naïve → déjà vu", "a", ""]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_read_back_by_scipy(tmp_path, text):
    file = tmp_path / "text.mat"
    save_struct(file, "EEG", make_structs([{"type": text, "latency": 1.5}]))
    read = scipy.io.loadmat(file, simplify_cells=True)["EEG"]
    assert (read["type"] if len(read["type"]) else "") == text
    assert read["latency"] == 1.5


def test_an_emoji_is_replaced_because_scipy_cannot_read_it(tmp_path):
    file = tmp_path / "text.mat"
    save_struct(file, "EEG", make_structs([{"type": "a😀", "data": np.zeros((0, 0))}]))
    assert scipy.io.loadmat(file, simplify_cells=True)["EEG"]["type"] == "a\ufffd"


def test_octave_reads_every_letter(tmp_path):
    file = tmp_path / "text.mat"
    save_struct(file, "EEG", make_structs([{"type": text} for text in TEXTS]))
    script = f"load({quote(file)}); emit('texts', struct('types', {{{{EEG.type}}}}));"
    (case,) = run_cases(script)
    assert case["types"] == TEXTS


def test_another_writer_of_scipy_is_an_error_that_names_the_release(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.io.matlab._mio5", None)
    message = f"SciPy {re.escape(scipy.__version__)} has another writer of MAT-files"
    with pytest.raises(ConfigError, match=message):
        save_struct(tmp_path / "a.mat", "EEG", make_structs([{"type": "a"}]))
    assert not (tmp_path / "a.mat").exists()
