from __future__ import annotations

import json

import pandas as pd
from finished_runs import band_power, metrics_of, write_run

from bids_dl.training.record.people_curve import tabulate_people_curve, write_people_curve

PERSONS = [["ds1", f"{number:02}"] for number in range(20)]


def finished(folder, share, accuracies, baseline=None):
    """Write a run that was trained on a share of 20 persons."""
    baselines = {} if baseline is None else band_power(baseline)
    run = write_run(folder, metrics_of(accuracies, baselines=baselines))
    config = json.loads((run / "config.json").read_text())
    config["settings"]["train_fraction"] = share
    (run / "config.json").write_text(json.dumps(config))
    sizes = [round(share * 20), round(share * 20) + 1]
    (run / "folds.json").write_text(json.dumps([{"train": PERSONS[:size]} for size in sizes]))
    return run


def test_runs_are_listed_by_their_number_of_persons_with_interval_and_baseline(tmp_path):
    large = finished(tmp_path / "large", 0.5, [0.9, 0.9], [0.8, 0.8])
    small = finished(tmp_path / "small", 0.1, [0.6, 0.8], [0.7, 0.7])
    table = tabulate_people_curve([large, small])
    assert table["n_persons"].tolist() == [2.5, 10.5]
    assert table["train_fraction"].tolist() == [0.1, 0.5]
    assert table["value"].round(6).tolist() == [0.7, 0.9]
    assert table[["low", "high"]].to_numpy().tolist() == [[0.5, 1.0]] * 2
    assert table["band_power"].round(6).tolist() == [0.7, 0.8]


def test_table_and_picture_are_written_also_without_a_baseline(tmp_path):
    runs = [finished(tmp_path / str(share), share, [0.6, 0.8]) for share in (0.1, 1.0)]
    table = tabulate_people_curve(runs)
    assert table["band_power"].isna().all()
    write_people_curve(table, tmp_path)
    written = pd.read_csv(tmp_path / "people_curve.csv")
    assert written["value"].tolist() == table["value"].tolist()
    assert (tmp_path / "people_curve.png").read_bytes().startswith(b"\x89PNG")
