"""Output of `bids-dl pretrain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bids_dl.cli.console import out, print_json, print_warnings
from bids_dl.cli.show_training import format_metric
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.pretraining import PretrainingResult


def print_pretraining(result: PretrainingResult, *, as_json: bool) -> None:
    """Print the accuracy of pairs of held-out persons beside chance, and the run folder."""
    metrics = result.metrics
    if as_json:
        print_json({"run": str(result.run_dir), **metrics})
        return
    print_warnings(metrics["warnings"])
    pairs = metrics["pairs"]
    accuracy = format_metric(pairs["accuracy"], with_interval=True)
    out.print(
        f"accuracy of {count(pairs['n'], 'pair')} of {count(len(pairs['persons']), 'person')} "
        f"held out: {accuracy}, chance {pairs['chance']:.3f}",
        soft_wrap=True,
    )
    out.print(
        f"near: up to {metrics['near_seconds']:g} s apart, far: more than "
        f"{metrics['far_seconds']:g} s apart",
        soft_wrap=True,
    )
    out.print(f"run folder: {result.run_dir}", soft_wrap=True)
