"""Counts of windows by label, split and subject, and outlier subjects."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from bids_dl.reporting.contents import count_windows


def _store(windows: dict[tuple[str, str], dict[str, int]]) -> SimpleNamespace:
    """Return a stand-in for a store, with windows by (subject, split) and label."""
    rows = []
    for (subject, split), counts in windows.items():
        for label, count in counts.items():
            rows += [("ds", subject, split, label)] * count
    names = ("dataset", "subject", "split", "label")
    columns = dict(zip(names, np.array(rows, dtype=object).T, strict=True))
    attributes = {
        "classes": {"label": ["open", "closed"]},
        "statistics": {"splits": {"train": {}, "validation": {}, "test": {}}},
    }
    return SimpleNamespace(attributes=attributes, read=columns.__getitem__)


def test_windows_are_counted_by_label_split_and_subject():
    store = _store(
        {
            ("02", "train"): {"open": 3, "closed": 4},
            ("01", "train"): {"open": 5, "closed": 5},
            ("03", "test"): {"closed": 6, "open": 6},
        }
    )
    contents = count_windows(store)
    assert contents.per_split == {"train": (8, 9), "test": (6, 6)}
    assert contents.per_label == (14, 15)
    counts = [(subject.subject, subject.windows) for subject in contents.subjects]
    assert counts == [("01", (5, 5)), ("02", (3, 4)), ("03", (6, 6))]
    assert (contents.min_windows, contents.median_windows, contents.max_windows) == (7, 10, 12)
    assert not any(subject.remark for subject in contents.subjects)


def test_subjects_that_lack_a_label_or_have_few_windows_or_other_shares_are_outliers():
    store = _store(
        {
            ("01", "train"): {"open": 10, "closed": 10},
            ("02", "train"): {"open": 20},
            ("03", "train"): {"open": 3, "closed": 4},
            ("04", "train"): {"open": 4, "closed": 26},
            ("05", "train"): {"open": 10, "closed": 10},
        }
    )
    remarks = {subject.subject: subject.remark for subject in count_windows(store).subjects}
    assert remarks == {
        "01": "",
        "02": "no closed",
        "03": "few windows (median: 20)",
        "04": "open 13% (all subjects: 48%)",
        "05": "",
    }
