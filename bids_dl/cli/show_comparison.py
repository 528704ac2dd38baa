"""Output of `bids-dl compare`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bids_dl.cli.console import out, print_json, print_warnings
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.wording import count

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.training.compare import RunComparison
    from bids_dl.training.compare.comparison import ComparedValue
    from bids_dl.training.variants import Variants

MIN_P = 0.001  # smaller ones are printed as "<0.001"


def print_comparison(comparison: RunComparison) -> None:
    """Print the results of all runs, then the tests of each against the first one."""
    direction = "higher" if comparison.higher_is_better else "lower"
    title = f"{comparison.metric.replace('_', ' ')} of {comparison.target}, {direction} is better"
    results = TextTable(
        ("run", "model", "folds", "normalize", "windows", "votes", "mean over persons"),
        title=f"{title} (95 % interval)",
    )
    for row in comparison.rows:
        numbers = [format_estimate(value) for value in (row.windows, row.votes, row.person_mean)]
        results.rows.append((row.run, row.model, row.folds, row.normalize, *numbers))
    print_table(results)
    out.print()
    _print_tests(comparison)
    print_warnings(comparison.warnings)


def print_variants(variants: Variants, *, as_json: bool) -> None:
    """Print the comparison of the variants of a model, and the folder of each."""
    folders = {name: str(folder) for name, folder in variants.run_dirs.items()}
    curve = variants.learning_curve
    if as_json:
        content: dict[str, Any] = {"runs": folders, "comparison": variants.comparison.to_dict()}
        if curve is not None:
            known = curve.astype(object).where(curve.notna(), None)
            content["learning_curve"] = known.to_dict("records")
        print_json(content)
        return
    from bids_dl.training.record.people_curve import FIGURE_FILE, TABLE_FILE

    print_comparison(variants.comparison)
    if curve is not None:
        _print_learning_curve(curve)
        parent = next(iter(variants.run_dirs.values())).parent
        for file in (TABLE_FILE, FIGURE_FILE):
            out.print(f"learning curve: {parent / file}", soft_wrap=True)
    for name, folder in folders.items():
        out.print(f"{name}: {folder}", soft_wrap=True)


def _print_learning_curve(curve: pd.DataFrame) -> None:
    """Print the results by the number of training persons."""
    metric = curve["metric"].iloc[0].replace("_", " ")
    table = TextTable(
        ("training persons", f"{metric} of windows", "band-power"),
        title="learning curve (95 % interval)",
    )
    for row in curve.to_dict("records"):
        model = _format_interval(*(_known(row[end]) for end in ("value", "low", "high")))
        baseline = [_known(row[f"band_power{end}"]) for end in ("", "_low", "_high")]
        table.rows.append((f"{row['n_persons']:g}", model, _format_interval(*baseline)))
    out.print()
    print_table(table)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _print_tests(comparison: RunComparison) -> None:
    """Print the difference of each run to the first one, with its tests over persons."""
    first = comparison.rows[0]
    headings = ["run", "persons", "difference (95 % interval)", "p permutation", "p Wilcoxon"]
    n_tests = len(comparison.rows) - 1
    if n_tests > 1:
        headings.append("p Holm")
    table = TextTable(headings, title=f"against {first.run}, paired by person")
    for row in comparison.rows[1:]:
        if row.test is None:
            continue
        difference = _format_interval(row.test.difference, row.test.low, row.test.high, sign="+")
        cells = [row.run, str(row.test.n_persons), difference]
        cells += [format_p(row.test.p_permutation), format_p(row.test.p_wilcoxon)]
        if n_tests > 1:
            cells.append(format_p(row.p_holm))
        table.rows.append(cells)
    if n_tests > 1:
        table.remark = f"p Holm: p permutation, corrected for {count(n_tests, 'comparison')}"
    print_table(table)


def format_estimate(estimate: ComparedValue) -> str:
    """Format a value with its interval, or "-" if it is undefined.

    Examples
    --------
    >>> from bids_dl.training.compare.comparison import ComparedValue
    >>> format_estimate(ComparedValue(0.9512, 0.9, 0.98)), format_estimate(ComparedValue(2.5))
    ('0.951 (0.900 to 0.980)', '2.500')
    """
    return _format_interval(estimate.value, estimate.low, estimate.high)


def format_p(value: float | None) -> str:
    """Format a p with three decimals.

    Examples
    --------
    >>> format_p(0.03125), format_p(0.00001), format_p(None)
    ('0.031', '<0.001', '-')
    """
    if value is None:
        return "-"
    return f"<{MIN_P}" if value < MIN_P else f"{value:.3f}"


def _format_interval(
    value: float | None, low: float | None, high: float | None, *, sign: str = ""
) -> str:
    if value is None:
        return "-"
    text = f"{value:{sign}.3f}"
    if low is None or high is None:
        return text
    return f"{text} ({low:{sign}.3f} to {high:{sign}.3f})"
