from __future__ import annotations

import time

import numpy as np
import pytest

from bids_dl.training.record.confusion import draw_confusion, tabulate_confusion

PNG = b"\x89PNG"


@pytest.mark.parametrize("n_classes", [2, 12])
def test_the_same_confusion_matrices_give_the_same_bytes(tmp_path, n_classes):
    counts = np.arange(n_classes**2).reshape(n_classes, n_classes).tolist()
    classes = [f"class {i}" for i in range(n_classes)]
    for name in ("first.png", "second.png"):
        draw_confusion({"windows": counts, "votes": counts}, classes, tmp_path / name)
    first = (tmp_path / "first.png").read_bytes()
    assert first.startswith(PNG)
    assert (tmp_path / "second.png").read_bytes() == first


def test_thousands_of_classes_are_drawn_within_seconds(tmp_path):
    start = time.monotonic()
    counts = np.eye(2000, dtype=int).tolist()
    draw_confusion({"windows": counts}, [f"image {i}" for i in range(2000)], tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes().startswith(PNG)
    assert time.monotonic() - start < 30  # names and counts would take hours


def test_any_class_name_is_drawn(tmp_path):
    names = ["$\\frac$", "a_{$", "x" * 200, "\x1b[31m"]
    counts = np.eye(4, dtype=int).tolist()
    draw_confusion({"windows": counts}, names, tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").read_bytes().startswith(PNG)


def test_a_class_without_a_true_member_has_shares_of_zero():
    cells = tabulate_confusion([[1, 3], [0, 0]])
    assert [cell.share for cell in cells[0]] == [0.25, 0.75]
    assert [cell.share for cell in cells[1]] == [0.0, 0.0]
