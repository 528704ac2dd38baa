"""Tables of predictions of tested windows, for each kind of target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bids_dl.models.target import TargetSpec

TWO_CLASSES = TargetSpec("label", "classes", ("label",), ("open", "closed"))
STAGES = TargetSpec("stage", "classes", ("stage",), ("N1", "N2", "W"))
AGE = TargetSpec("age", "number", ("age",), ("age",))
SHARES = TargetSpec("votes_*", "shares", ("votes_a", "votes_b", "votes_c"), ("a", "b", "c"))
LABELS = TargetSpec("l_*", "labels", ("l_x", "l_y"), ("x", "y"))
KINDS = (TWO_CLASSES, STAGES, AGE, SHARES, LABELS)


def draw_windows(
    spec: TargetSpec, n_persons: int = 5, per_block: int = 3, n_blocks: int = 6, seed: int = 0
) -> pd.DataFrame:
    """Draw the predictions of windows, with one true value per block.

    Each person has one session and two recordings, and each recording half of the blocks. Some
    classes of persons may be missing.
    """
    rng = np.random.default_rng(seed)
    n_units = n_persons * n_blocks
    blocks = np.repeat(np.arange(n_units), per_block)
    person = blocks // n_blocks
    half = blocks % n_blocks >= n_blocks // 2
    table = pd.DataFrame(
        {
            "fold": person,
            "window": np.arange(len(blocks)),
            "dataset": "ds1",
            "subject": [f"{i:03}" for i in person],
            "session": "",
            "recording": [f"sub-{i:03}_run-{run:d}" for i, run in zip(person, half, strict=True)],
            "block": blocks,
        }
    )
    n = len(table)
    if spec.kind == "number":
        true = rng.uniform(20, 80, n_units)[blocks]
        return table.assign(**{spec.columns[0]: true, "predicted": true + rng.normal(0, 9, n)})
    names = [f"p_{name}" for name in spec.outputs]
    if spec.kind == "labels":
        values = rng.integers(0, 2, (n_units, spec.n_outputs))[blocks].astype(float)
        outputs = np.clip(0.3 + 0.4 * values + rng.normal(0, 0.3, values.shape), 0, 1)
        return _with(_with(table, spec.columns, values), names, outputs)
    if spec.kind == "shares":
        values = rng.dirichlet(np.ones(spec.n_outputs), n_units)[blocks]
        outputs = rng.dirichlet(np.ones(spec.n_outputs), n)
        return _with(_with(table, spec.columns, values), names, outputs)
    true = rng.integers(0, spec.n_outputs, n_units)[blocks]
    outputs = rng.dirichlet(np.ones(spec.n_outputs), n) + 0.4 * np.eye(spec.n_outputs)[true]
    outputs /= outputs.sum(axis=1, keepdims=True)
    classes = np.array(spec.outputs, dtype=object)
    table = table.assign(**{spec.columns[0]: classes[true]})
    return _with(table, names, outputs).assign(predicted=classes[outputs.argmax(axis=1)])


def make_windows(rows: list[tuple[str, str, float]]) -> pd.DataFrame:
    """Make a table from the subject, true class and probability of "closed" of each window.

    Each subject has one session and one recording, and each row is a block.
    """
    table = pd.DataFrame(rows, columns=["subject", "label", "p_closed"])
    table = table.assign(dataset="ds1", session="1", block=np.arange(len(rows)))
    predicted = np.where(table["p_closed"] > 0.5, "closed", "open")
    recording = "sub-" + table["subject"]
    return table.assign(p_open=1 - table["p_closed"], predicted=predicted, recording=recording)


def _with(table: pd.DataFrame, names, values: np.ndarray) -> pd.DataFrame:
    return pd.concat([table, pd.DataFrame(values, columns=list(names))], axis=1)
