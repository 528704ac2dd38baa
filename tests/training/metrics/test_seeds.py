from __future__ import annotations

import numpy as np
import pytest
from tested_windows import AGE, STAGES, draw_windows

from bids_dl.training.metrics.evaluation import evaluate
from bids_dl.training.metrics.seeds import summarize_seeds


def test_the_spread_is_over_seeds():
    results = {}
    for seed in (3, 4, 5):
        table = draw_windows(STAGES, seed=seed)
        results[seed] = evaluate(table, STAGES, vote_by="block", seed=0)
    seeds, spread = summarize_seeds(results)
    assert [row["seed"] for row in seeds] == [3, 4, 5]
    kappas = [results[seed]["windows"]["kappa"]["value"] for seed in results]
    assert [row["windows"]["kappa"] for row in seeds] == kappas
    assert spread["kappa"]["mean"] == pytest.approx(np.mean(kappas))
    assert spread["kappa"]["sd"] == pytest.approx(np.std(kappas, ddof=1))
    assert (spread["kappa"]["min"], spread["kappa"]["max"]) == (min(kappas), max(kappas))


def test_an_undefined_value_has_no_spread_and_one_seed_has_no_deviation():
    table = draw_windows(AGE).assign(age=30.0)
    seeds, spread = summarize_seeds({0: evaluate(table, AGE, vote_by="subject", seed=0)})
    assert seeds[0]["votes"]["r"] is None
    assert spread["r"] == {"mean": None, "sd": None, "min": None, "max": None}
    assert spread["mae"]["sd"] is None
    assert spread["mae"]["mean"] == seeds[0]["windows"]["mae"]
