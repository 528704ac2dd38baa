"""Output of `bids-dl explain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from bids_dl.cli.console import out, print_json, print_warnings
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.explanation.contents import Claim
    from bids_dl.explanation.page import WrittenExplanation

SHOWN = {True: "shown", False: "not shown"}
NO_EVIDENCE = (
    "the network is not better than chance on people it has not seen: "
    "nothing that follows is evidence about brains"
)


def print_explanation(result: WrittenExplanation, *, as_json: bool) -> None:
    """Print all claims with their controls, and the path of the page."""
    explanation = result.explanation
    claims = explanation.claims
    if as_json:
        print_json(
            {
                "page": str(result.page),
                "claims": [asdict(claim) for claim in claims],
                "warnings": list(explanation.warnings),
            }
        )
        return
    print_warnings(explanation.warnings)
    if any(claim.part == "accuracy" and not claim.is_shown for claim in claims):
        out.print(NO_EVIDENCE, soft_wrap=True)
    print_table(tabulate_claims(claims))
    out.print(f"page: {result.page}", soft_wrap=True)


def tabulate_claims(claims: Sequence[Claim]) -> TextTable:
    """Return a table of claims with their controls, each shown or not shown.

    Examples
    --------
    >>> from bids_dl.explanation.contents import Claim
    >>> claim = Claim("gradient", "closed", "most of it at 8-13 Hz", "random weights: 0.2", False)
    >>> tabulate_claims([claim]).rows
    [('not shown', 'gradient', 'closed', 'most of it at 8-13 Hz; control: random weights: 0.2')]
    """
    n_shown = sum(claim.is_shown for claim in claims)
    table = TextTable(
        ("result", "part", "output", "statement"),
        title=f"{n_shown} of {count(len(claims), 'statement')} shown",
    )
    for claim in claims:
        statement = f"{claim.statement.rstrip('.')}; control: {claim.control}"
        table.rows.append((SHOWN[claim.is_shown], claim.part, claim.output, statement))
    return table
