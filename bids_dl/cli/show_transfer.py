"""Output of `bids-dl push` and `bids-dl pull`."""

from __future__ import annotations

from bids_dl.cli import console
from bids_dl.publishing.transfer import TransferOutcome
from bids_dl.wording import count, format_size

VERBS = {
    "sent": "sent",
    "received": "received",
    "resumed": "resumed",
    "present": "already there, nothing copied",
    "planned": "to copy",
}
"""Beginnings of the first line by state."""


def print_transfer(outcome: TransferOutcome, *, as_json: bool) -> None:
    """Print what was copied, the licences of a dry run, and on the last line the address."""
    if as_json:
        console.print_json(outcome.to_dict())
        return
    for line in describe_transfer(outcome):
        console.out.print(line, soft_wrap=True)


def describe_transfer(outcome: TransferOutcome) -> list[str]:
    """Describe a transfer, the address last.

    Examples
    --------
    >>> from bids_dl.publishing.transfer import TransferOutcome
    >>> outcome = TransferOutcome("sent", "a", "s3://b/a.zarr", "s3://b/a.zarr", "", 3, 9, 3, 9)
    >>> describe_transfer(outcome)
    ['sent: 3 objects, 9 bytes', 's3://b/a.zarr']
    """
    lines = []
    if outcome.state == "present":
        lines.append(VERBS["present"])
    else:
        amount = f"{count(outcome.copied_objects, 'object')}, {format_size(outcome.copied_bytes)}"
        rest = outcome.n_objects - outcome.copied_objects
        present = f"; {count(rest, 'object')} already there" if rest else ""
        lines.append(f"{VERBS[outcome.state]}: {amount}{present}")
    if outcome.rights is not None and outcome.state == "planned":
        lines += outcome.rights.lines()
    if outcome.unchecked:
        lines.append(
            f"{count(outcome.unchecked, 'object')} compared by size only, because the server "
            "states no SHA-256; --check reads them back"
        )
    return [*lines, outcome.address]
