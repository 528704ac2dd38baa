from __future__ import annotations

import pandas as pd
import pytest

from bids_dl.annotate.simulation.patient_curves import average_seeds, summarize_patients


def test_differences_are_paired_and_their_interval_is_over_patients():
    rows = []
    for number, patient in enumerate(("a", "b", "c")):
        for seed in range(4):
            known = {"model": "m", "patient": patient, "seed": seed, "n_labels": 20}
            base = 0.1 * number + 0.01 * seed
            gain = 0.1 * (number + 1) + (0.2 if seed % 2 else -0.2)
            rows.append({**known, "strategy": "random", "value": base, "labels_x": 1})
            rows.append({**known, "strategy": "mixture", "value": base + gain, "labels_x": 3})
    summary = summarize_patients(pd.DataFrame(rows)).set_index("strategy")
    row = summary.loc["mixture"]
    assert row["difference"] == pytest.approx(0.2)
    assert row["high"] - row["difference"] == pytest.approx(4.302653 * 0.1 / 3**0.5)
    assert (row["n_patients"], row["n_better"], row["labels_x"]) == (3, 3, 3)
    assert summary.loc["random", "difference"] == 0


def test_the_picture_gets_one_curve_per_patient_as_if_a_seed():
    known = {"model": "m", "strategy": "random", "n_labels": 0}
    rows = [{**known, "patient": name, "seed": 5, "value": 1.0} for name in ("a", "b")]
    rows.append({**known, "patient": "a", "seed": 6, "value": 0.0})
    table = average_seeds(pd.DataFrame(rows))
    assert table[["seed", "value", "automatic"]].to_numpy().tolist() == [
        *([0, 0.5, False], [1, 1.0, False]),
    ]
