"""Boundaries that EEGLAB writes half a sample early leave the windows that end or begin there."""

from __future__ import annotations

from pathlib import Path

import pytest

import bids_dl
from bids_dl.testing import make_dataset

HED = {"open": "Eyes-open", "closed": "Eyes-closed"}
CUTS = (10.0, 20.0, 30.0)  # s, the ends of the first blocks
SFREQ = 160


def add_boundary_rows(folder: Path, *, decimals: int) -> None:
    """Add rows of events.tsv where ``(latency - 1) / srate`` places boundaries."""
    for file in folder.rglob("*_events.tsv"):
        header, *rows = file.read_text(encoding="utf-8").splitlines()
        columns = header.split("\t")
        for cut in CUTS:
            cells = {"onset": f"{cut - 0.5 / SFREQ:.{decimals}f}", "trial_type": "boundary"}
            rows.append("\t".join(cells.get(column, "n/a") for column in columns))
        rows.sort(key=lambda row: float(row.split("\t")[0]))
        file.write_text("\n".join([header, *rows, ""]), encoding="utf-8")


@pytest.mark.parametrize("windows", [{"window": 2.0}, {"tmin": 0.0, "tmax": 10.0}])
@pytest.mark.parametrize("in_file", [True, False])
def test_windows_that_end_exactly_at_a_boundary_are_kept(tmp_path, windows, in_file):
    folder = tmp_path / "bids"
    design = {"n_subjects": 1, "sfreq": SFREQ, "format": "eeglab"}
    make_dataset(folder, **design, boundaries=CUTS if in_file else ())
    add_boundary_rows(folder, decimals=6)
    survey = bids_dl.events(folder, hed=HED, **windows)
    assert survey.window_plan is not None
    assert survey.window_plan.dropped == ()
    assert len(survey.window_plan.windows) == (20 if "window" in windows else 4)


def test_a_window_over_such_a_boundary_is_left_out(tmp_path):
    make_dataset(tmp_path, n_subjects=1, sfreq=SFREQ, format="eeglab")
    add_boundary_rows(tmp_path, decimals=6)
    survey = bids_dl.events(tmp_path, hed=HED, tmin=0.0, tmax=10.0 + 1 / SFREQ)
    assert survey.window_plan is not None
    assert [dropped.option for dropped in survey.window_plan.dropped[:3]] == ["boundary"] * 3
